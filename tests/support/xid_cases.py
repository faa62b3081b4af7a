"""Views on which the rules of memory and Xids fire, and the nearest ones on which they do not."""

from dataclasses import replace

from gpuwatch.domain.devices import BoardKey
from gpuwatch.domain.incidents import ErrorKind, ErrorSignal, Incident
from gpuwatch.domain.readings import Gap, GapReason, Value
from gpuwatch.domain.recovery import RecoveryAction
from gpuwatch.domain.xids import XidAdvice, XidTrace
from gpuwatch.policy.views import GpuView, Hang, HostView
from tests.support.views import (
    DAY,
    HEALTHY_READINGS,
    KEY,
    NOW,
    gpu,
    host,
    incident,
    record,
    trace,
    traced,
)

Case = tuple[str, HostView]

RESET, LINK = XidAdvice.RESET, XidAdvice.INSPECT_LINK
SRAM = "gpuwatch_gpu_sram_unique_uncorrected_addresses"
PARITY, SECDED = f'{SRAM}{{protection="parity"}}', f'{SRAM}{{protection="secded"}}'
PAGES = "gpuwatch_gpu_pages_retired_double_bit_total"
SINGLE_PAGES = "gpuwatch_gpu_pages_retired_single_bit_total"
CORRECTED = "gpuwatch_gpu_ecc_corrected_volatile_errors_total"
EMPTY_BANKS = 'gpuwatch_gpu_row_remap_banks{spare="none"}'
UNSUPPORTED, DENIED = Gap(GapReason.UNSUPPORTED, 3), Gap(GapReason.DENIED, 4)
UNREADABLE = Gap(GapReason.FAILED, 999)
ASKS: dict[str, object] = {"recovery": RecoveryAction.GPU_RESET, "recovery_number": 1}
ASKS_NOTHING: dict[str, object] = {"recovery": RecoveryAction.NONE, "recovery_number": 0}
HUNG = Hang(sentence="no answer for 12 s", seconds=12.0, confirmed=False)
UNASKED: dict[str, Value | Gap] = {"gpuwatch_gpu_row_remap_failed": 0}
SIBLING = record(BoardKey("1652222014739", "GPU-2f6a8a0e-0000-4000-8000-000000000004"))


def _reads(**readings: Value | Gap) -> HostView:
    named = {f"gpuwatch_gpu_{name}": value for name, value in readings.items()}
    return host(gpu(readings=HEALTHY_READINGS | named))


def _keyed(readings: dict[str, Value | Gap], **changes: object) -> HostView:
    return host(gpu(readings=HEALTHY_READINGS | readings, **changes))


def _xid(code: int, days_ago: float = 0.01, **changes: object) -> HostView:
    return host(traced(trace(code, days_ago, **changes)))


def _wants(code: int, advice: XidAdvice, **view: object) -> HostView:
    return host(traced(trace(code, advice=advice), **view))


def _lives(code: int, *resets_and_days: tuple[int, float]) -> HostView:
    return host(traced(*(trace(code, days, resets_since=life) for life, days in resets_and_days)))


def _banks(remapped: int, architecture: Value | Gap = 9, banks: int = 1) -> HostView:
    return _keyed(
        {
            EMPTY_BANKS: banks,
            "gpuwatch_gpu_rows_remapped_uncorrectable_total": remapped,
            "gpuwatch_gpu_architecture": architecture,
        }
    )


def _pages(double: int, single: Value | Gap = 0, *, new: int = 0, days: float = 6.0) -> GpuView:
    at, exposure = NOW.wall - days * DAY, (380 - days) * DAY
    retired = ErrorSignal(
        board=KEY, kind=ErrorKind.PAGE_RETIREMENT, at=at, exposure=exposure, count=max(new, 1)
    )
    recent = Incident(board=KEY, opened_at=at, opened_exposure=exposure, signals=(retired,))
    readings = HEALTHY_READINGS | {PAGES: double, SINGLE_PAGES: single}
    known = record(incidents=(incident(200), *((recent,) if new else ())))
    return gpu(readings=readings, record=known)


def _crashes(*days: float, process: str = "{} train", sibling: GpuView | None = None) -> HostView:
    found = (trace(31, day, process=process.format(number)) for number, day in enumerate(days))
    return host(traced(*found), sibling or gpu(record=SIBLING))


def _switch(subcode: str, days_ago: float = 0.01, **changes: object) -> HostView:
    advice = RESET if subcode.startswith("fatal") else XidAdvice.NOTHING_URGENT
    seen = trace(20034, days_ago, subcode=subcode, advice=advice, **changes)
    return host(gpu(), switch_errors={20034: (seen,)})


TWICE_IN_A_DAY = XidTrace(
    code=109,
    advice=XidAdvice.RESET,
    count=2,
    first_at=NOW.wall - 0.5 * DAY,
    last_at=NOW.wall - 0.1 * DAY,
)
IN_ONE_BURST = replace(TWICE_IN_A_DAY, first_at=TWICE_IN_A_DAY.last_at - 5)
CRASHED_SIBLING = gpu(record=replace(SIBLING, traces={13: (trace(13, 3),)}))
MIG_ON: dict[str, Value | Gap] = {"mig_enabled": 1, "row_remap_failed": UNSUPPORTED}

FIRES: list[Case] = [
    ("sram-threshold-exceeded", _reads(sram_threshold_exceeded=1)),
    ("memory-unrepairable", _reads(memory_unrepairable=1)),
    ("memory-repair-failed", _xid(161)),
    ("retired-pages-high", host(_pages(60))),
    ("retired-pages-high", host(_pages(40, 20))),
    ("retired-pages-high", host(_pages(60, UNSUPPORTED), clock_settled=False)),
    ("retired-pages-high", host(_pages(16, new=2))),
    ("sram-near-threshold", _keyed({PARITY: 4, SECDED: 0})),
    ("sram-near-threshold", _keyed({PARITY: 0, SECDED: 2})),
    ("remap-bank-exhausted", _banks(8)),
    ("remap-bank-exhausted", _banks(8, "9")),
    ("remap-record-failed", _xid(64)),
    ("remap-record-failed", host(traced(trace(64, 1.5), **ASKS))),
    ("remap-record-failed-again", _lives(64, (2, 60), (0, 0.1))),
    ("gsp-or-firmware-fault", _xid(119, advice=RESET)),
    ("gsp-or-firmware-fault", _wants(109, RESET, **ASKS)),
    ("gsp-or-firmware-fault", host(traced(TWICE_IN_A_DAY))),
    ("gsp-or-firmware-fault-again", _lives(120, (4, 80), (1, 2), (0, 0.1))),
    ("nvlink-fault", _wants(149, RESET, **ASKS)),
    ("nvlink-fault", _wants(149, RESET)),
    ("nvlink-fault", _wants(74, LINK, **ASKS)),
    ("nvlink-fault", _wants(74, LINK, reset_required=True)),
    ("nvlink-suspect", _wants(74, LINK)),
    ("nvlink-suspect", _wants(149, RESET, **ASKS_NOTHING)),
    ("nvlink-suspect", _wants(145, XidAdvice.UNKNOWN, **ASKS_NOTHING)),
    ("nvswitch-fatal", _switch("fatal link 30")),
    ("nvswitch-error", _switch("non-fatal link 30")),
    ("xid-other", _wants(155, RESET, **ASKS)),
    ("xid-other", _wants(155, RESET, readings=HEALTHY_READINGS)),
    ("xid-other", _wants(155, RESET, reset_required=True)),
    ("xid-other", _wants(151, XidAdvice.RESTART, hang=HUNG, readings={})),
    ("xid-other-ticket", _wants(142, XidAdvice.CONTACT_SUPPORT)),
    ("xid-other-ticket", _wants(999, XidAdvice.UNKNOWN)),
    ("xid-other-noted", _xid(39)),
    ("xid-other-noted", _wants(155, RESET, **ASKS_NOTHING)),
    ("xid-other-noted", _wants(109, RESET, **ASKS_NOTHING)),
    ("xid-other-noted", _xid(145)),
    ("xid-from-one-gpu", _crashes(1, 8, 29)),
    ("application-xid", _xid(31)),
    ("row-remapped", _xid(63)),
    ("many-correctable-errors", _xid(92)),
    ("correctable-errors", _keyed({CORRECTED: 50_000_000})),
    ("rma-signals-unreadable", _reads(**MIG_ON)),
    ("inforom-corrupt", _reads(inforom_valid=0)),
    ("ecc-disabled", _reads(ecc_enabled=0)),
]

SILENT: list[Case] = [
    ("sram-threshold-exceeded", _reads(sram_threshold_exceeded=DENIED)),
    ("memory-unrepairable", _reads(memory_unrepairable=UNSUPPORTED)),
    ("memory-repair-failed", _xid(160)),
    ("retired-pages-high", host(_pages(39, 20))),
    ("retired-pages-high", host(_pages(16, new=1))),
    ("retired-pages-high", host(_pages(15, new=2))),
    ("retired-pages-high", host(_pages(16, new=2, days=7.1))),
    ("retired-pages-high", host(_pages(16, new=2), clock_settled=False)),
    ("retired-pages-high", host(gpu())),
    ("sram-near-threshold", _keyed({PARITY: 3, SECDED: 1})),
    ("sram-near-threshold", _keyed({PARITY: DENIED, SECDED: DENIED})),
    ("sram-near-threshold", _keyed({PARITY: UNSUPPORTED, SECDED: UNSUPPORTED})),
    ("remap-bank-exhausted", _banks(7)),
    ("remap-bank-exhausted", _banks(8, banks=0)),
    ("remap-bank-exhausted", _banks(8, 10)),
    ("remap-bank-exhausted", _banks(8, "hopper")),
    ("remap-bank-exhausted", _banks(8, UNREADABLE)),
    ("remap-bank-exhausted", _keyed({EMPTY_BANKS: 1})),
    ("remap-record-failed", _xid(64, resets_since=1)),
    ("remap-record-failed", _xid(64, 1.01)),
    ("remap-record-failed", host(traced(trace(64, 1.5), **ASKS_NOTHING))),
    ("remap-record-failed-again", _lives(64, (0, 0.2), (0, 0.1))),
    ("remap-record-failed-again", _lives(64, (1, 91), (0, 0.1))),
    ("remap-record-failed-again", _lives(64, (2, 4), (1, 0.1))),
    ("gsp-or-firmware-fault", _xid(119, resets_since=1)),
    ("gsp-or-firmware-fault", _wants(109, RESET, **ASKS_NOTHING)),
    ("gsp-or-firmware-fault", host(traced(IN_ONE_BURST))),
    ("gsp-or-firmware-fault-again", _lives(120, (1, 2), (0, 0.1))),
    ("gsp-or-firmware-fault-again", _lives(120, (4, 80), (2, 3), (1, 0.1))),
    ("nvlink-fault", _wants(149, RESET, **ASKS_NOTHING)),
    ("nvlink-fault", _wants(149, RESET, readings=UNASKED)),
    ("nvlink-fault", _wants(74, LINK)),
    ("nvlink-fault", _xid(149)),
    ("nvlink-suspect", _xid(149)),
    ("nvlink-suspect", _wants(149, RESET, **ASKS)),
    ("nvswitch-fatal", _switch("non-fatal link 30")),
    ("nvswitch-fatal", _switch("fatal link 30", 1.01)),
    ("nvswitch-fatal", _switch("fatal link 30", resets_since=1)),
    ("nvswitch-error", _switch("fatal link 30")),
    ("xid-other", _wants(155, RESET, **ASKS_NOTHING)),
    ("xid-other", _wants(155, RESET, readings=UNASKED)),
    ("xid-other", _wants(155, RESET, recovery=RecoveryAction.RECOVER_IMEX_DOMAIN)),
    ("xid-other-ticket", _xid(39)),
    ("xid-other-noted", _xid(31)),
    ("xid-other-noted", _wants(155, RESET, **ASKS)),
    ("xid-from-one-gpu", _crashes(1, 8, 31)),
    ("xid-from-one-gpu", _crashes(1, 8, 29, process="7 train")),
    ("xid-from-one-gpu", _crashes(1, 8, 29, process="")),
    ("xid-from-one-gpu", _crashes(1.1, 1.2, 1.3)),
    ("xid-from-one-gpu", _crashes(1, 8, 29, sibling=CRASHED_SIBLING)),
    ("xid-from-one-gpu", host(*_crashes(1, 8, 29).gpus[:1])),
    ("application-xid", _xid(31, 1.01)),
    ("row-remapped", _xid(64)),
    ("many-correctable-errors", _xid(92, resets_since=1)),
    ("correctable-errors", _keyed({CORRECTED: 0})),
    ("rma-signals-unreadable", _reads(mig_enabled=0, row_remap_failed=UNSUPPORTED)),
    ("rma-signals-unreadable", _reads(mig_enabled=1)),
    ("rma-signals-unreadable", _reads(mig_enabled=UNSUPPORTED)),
    ("inforom-corrupt", _reads(inforom_valid=1)),
    ("inforom-corrupt", _reads(inforom_valid=UNREADABLE)),
    ("ecc-disabled", _reads(ecc_enabled=1)),
    ("ecc-disabled", _reads(ecc_enabled=UNSUPPORTED)),
]
