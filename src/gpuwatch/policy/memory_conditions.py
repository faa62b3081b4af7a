"""Memory conditions: how near a board's memory is to what NVIDIA takes back, and whether we see."""

from gpuwatch.domain.incidents import ErrorKind
from gpuwatch.domain.moments import SECONDS_PER_DAY
from gpuwatch.domain.readings import Gap, GapReason
from gpuwatch.policy.conditions import Answer, Match, Outcome, number_of
from gpuwatch.policy.views import GpuView, HostView, PolicySettings

# More than so many addresses of one bank set NVIDIA's threshold flag.
# https://docs.nvidia.com/deploy/a100-gpu-mem-error-mgmt/rma-policy-thresholds-for-row-remapping.html
SRAM_LIMITS = {"parity": 4, "secded": 2}
# A bank has eight spare rows; from Blackwell on a whole channel may take its place.
SPARE_ROWS = 8
FIRST_WITH_CHANNEL_REPAIR = 10  # NVML_DEVICE_ARCH_BLACKWELL
MANY_PAGES = 60
MANY_DOUBLE_BIT_PAGES = 15
NEW_PAGES = 2
NEW_PAGES_SECONDS = 7 * SECONDS_PER_DAY

_UNIQUE = "gpuwatch_gpu_sram_unique_uncorrected_addresses"
_REMAPPED = "gpuwatch_gpu_rows_remapped_uncorrectable_total"
_EMPTY_BANKS = 'gpuwatch_gpu_row_remap_banks{spare="none"}'
_ARCHITECTURE = "gpuwatch_gpu_architecture"
_DOUBLE_BIT_PAGES = "gpuwatch_gpu_pages_retired_double_bit_total"
_SINGLE_BIT_PAGES = "gpuwatch_gpu_pages_retired_single_bit_total"
_REMAP_FAILED = "gpuwatch_gpu_row_remap_failed"
_MIG = "gpuwatch_gpu_mig_enabled"


def sram_near_threshold(gpu: GpuView, _host: HostView, _settings: PolicySettings) -> Outcome:
    """A bank of SRAM has as many addresses with uncorrected errors as it may have.

    At most 4 under parity, 2 under SEC-DED: one more sets NVIDIA's flag.
    """
    answers = []
    for protection, limit in SRAM_LIMITS.items():
        signal = f'{_UNIQUE}{{protection="{protection}"}}'
        count = number_of(gpu, signal)
        if isinstance(count, Answer):
            answers.append(count)
        elif count >= limit:
            held = gpu.record.held.get(signal)
            facts = {"count": f"{count:g}", "protection": protection, "limit": str(limit)}
            return Match(facts=facts, evidence_at=held.since if held else None)
    return Answer.CANNOT_TELL if Answer.CANNOT_TELL in answers else Answer.NO


def bank_exhausted(gpu: GpuView, _host: HostView, _settings: PolicySettings) -> Outcome:
    """A bank of DRAM has no spare row left, after at least 8 remaps, on no Blackwell board."""
    banks, remapped = number_of(gpu, _EMPTY_BANKS), number_of(gpu, _REMAPPED)
    if isinstance(banks, Answer):
        return banks
    if isinstance(remapped, Answer):
        return remapped
    if banks < 1 or remapped < SPARE_ROWS:
        return Answer.NO
    architecture = number_of(gpu, _ARCHITECTURE)
    if isinstance(architecture, Answer):
        return Answer.CANNOT_TELL
    if architecture >= FIRST_WITH_CHANNEL_REPAIR:
        return Answer.NO
    held = gpu.record.held.get(_EMPTY_BANKS)
    return Match(
        facts={"banks": f"{banks:g}", "remapped": f"{remapped:g}"},
        evidence_at=held.since if held else None,
    )


def retired_pages_high(gpu: GpuView, host: HostView, _settings: PolicySettings) -> Outcome:
    """60 pages are retired, or more than 15 for double-bit errors with 2 new ones in 7 days."""
    double = number_of(gpu, _DOUBLE_BIT_PAGES)
    if isinstance(double, Answer):
        return double
    single = number_of(gpu, _SINGLE_BIT_PAGES)
    pages = double if isinstance(single, Answer) else double + single
    held = gpu.record.held.get(_DOUBLE_BIT_PAGES)
    new = _new_pages(gpu, host)
    match = Match(
        facts={"pages": f"{pages:g}", "double_bit": f"{double:g}", "new": str(new)},
        evidence_at=held.since if held else None,
        standing=pages >= MANY_PAGES,
    )
    if match.standing:
        return match
    if double <= MANY_DOUBLE_BIT_PAGES or new < NEW_PAGES:
        return Answer.NO
    return match if host.clock_settled else Answer.CANNOT_TELL


def _new_pages(gpu: GpuView, host: HostView) -> int:
    """Pages retired for double-bit errors within the last 7 days."""
    signals = (signal for incident in gpu.record.incidents for signal in incident.signals)
    return sum(
        signal.count
        for signal in signals
        if signal.kind is ErrorKind.PAGE_RETIREMENT
        and host.now.wall - signal.at < NEW_PAGES_SECONDS
    )


def remap_unreadable(gpu: GpuView, _host: HostView, _settings: PolicySettings) -> Outcome:
    """MIG is on, and NVML does not tell of remapped rows meanwhile."""
    divided = number_of(gpu, _MIG)
    if isinstance(divided, Answer):
        return divided
    value = gpu.readings.get(_REMAP_FAILED)
    hidden = isinstance(value, Gap) and value.reason is GapReason.UNSUPPORTED
    return Match() if divided and hidden else Answer.NO
