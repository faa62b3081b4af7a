"""Rules: the table of findings. One row says when it holds, whom it reaches and what to do."""

from dataclasses import dataclass
from datetime import timedelta

from gpuwatch.domain.bmc import ChassisFault, Part, RedundancyState, SensorHealth
from gpuwatch.domain.flag_life import ACCEPTANCE_FAILED
from gpuwatch.domain.recovery import RecoveryAction
from gpuwatch.domain.signals import OWNING_ROLES, Role, Signal
from gpuwatch.domain.verdicts import Remedy, RmaStanding, Scope, Urgency
from gpuwatch.policy.absence_conditions import (
    board_missing,
    board_missing_in_service,
    off_the_bus,
    off_the_bus_again,
    unexpected_count,
    unresponsive,
)
from gpuwatch.policy.air_conditions import failed_fans, hot_inlet, slow_fans
from gpuwatch.policy.bmc_conditions import (
    ChassisTells,
    clock_skewed,
    log_full,
    network_lost,
    power_off,
    unreachable,
    watchdog_expired,
    weak_cipher,
)
from gpuwatch.policy.bmc_troubles import UNREACHABLE
from gpuwatch.policy.conditions import (
    AnyGpuRecovery,
    AtLeast,
    Condition,
    Driver,
    Reads,
    Recovery,
    calendar_refused,
    history_lost,
)
from gpuwatch.policy.error_conditions import (
    recent_incident,
    remap_not_applied,
    remap_pending_long,
    rising_trend,
    unattributed_echo,
    uncontained_error,
)
from gpuwatch.policy.heat_conditions import gpu_cooling_path, hot_hall, power_brake
from gpuwatch.policy.host_conditions import (
    clock_unsynchronized,
    persistence_off,
    telemetry_gap,
    version_drift,
)
from gpuwatch.policy.link_conditions import (
    fabric_not_ready,
    nvlink_down,
    nvlink_error_rate,
    pcie_downgraded,
    pcie_replay_rate,
)
from gpuwatch.policy.log_conditions import critical_entries
from gpuwatch.policy.memory_conditions import (
    bank_exhausted,
    remap_unreadable,
    retired_pages_high,
    sram_near_threshold,
)
from gpuwatch.policy.sensor_conditions import SensorsAt, drive_fault, gpu_fault
from gpuwatch.policy.supply_conditions import (
    RedundancyOf,
    failed_supplies,
    lost_inputs,
    supplies_insufficient,
    supplies_unprotected,
)
from gpuwatch.policy.swap_conditions import (
    acceptance_failed,
    flagged_board_returned,
    wrong_board_pulled,
)
from gpuwatch.policy.views import DriverHealth
from gpuwatch.policy.xid_conditions import (
    APPLICATION,
    DOUBTFUL,
    FIRMWARE,
    MANY_CORRECTED,
    NVLINK,
    RECORD_FAILED,
    REMAPPED,
    REPAIR_FAILED,
    XidAgain,
    XidSeen,
    firmware_fault,
    firmware_fault_again,
    from_one_gpu,
    nvlink_fault,
    nvlink_suspect,
    other_noted,
    other_wants_reset,
    other_wants_support,
    switch_fatal,
    switch_noted,
)

# Judges from its installation on; raised with every change of what a rule says about a board.
RULES_VERSION = "3"

OURS = "gpuwatch heuristic"
MEMORY = "https://docs.nvidia.com/deploy/a100-gpu-mem-error-mgmt/"
FLAGS = MEMORY + "error-recovery-and-response-flags.html"
RMA = MEMORY + "rma-policy-thresholds-for-row-remapping.html"
XIDS = "https://docs.nvidia.com/deploy/xid-errors/analyzing-xid-catalog.html"
NVML = "https://docs.nvidia.com/deploy/nvml-api/"
FABRIC = "https://docs.nvidia.com/datacenter/tesla/fabric-manager-user-guide/"
PERSISTENCE = "https://docs.nvidia.com/deploy/driver-persistence/"
DCGM = "https://github.com/NVIDIA/DCGM"
RETIREMENT = "https://docs.nvidia.com/deploy/dynamic-page-retirement/"
MIG = "https://docs.nvidia.com/datacenter/tesla/mig-user-guide/"
# Classes of data centres, and the air at the inlet that each allows.
ASHRAE = (
    "https://www.ashrae.org/file%20library/technical%20resources/bookstore/supplemental%20files/"
    "therm-gdlns-5th-r-e-refcard.pdf"
)
# IPMI 2.0: states of redundancy (table 42-2) and of supplies (42-3, type 08h), chassis status
# (28-3), watchdog (27-4), cipher suites (22-20).
IPMI = (
    "https://www.intel.com/content/dam/www/public/us/en/documents/product-briefs/"
    "ipmi-second-gen-interface-spec-v2-rev1-1.pdf"
)

# Codes whose counters exist on every GPU from the start, since no rate can be seen in a series that
# is born at 1: those of uncorrectable errors and of falls off the bus. All codes below would break
# the budget of series; alerts are made of findings, and need no rates (docs/decisions/0010).
COUNTED_XIDS = (48, 79, 94, 95, 140, 171, 172)
# Codes that page and window rules name; xid-other looks at all the rest.
ALERTING_XIDS = tuple(
    sorted({*COUNTED_XIDS, *RECORD_FAILED, *REPAIR_FAILED, *FIRMWARE, *DOUBTFUL, *NVLINK})
)

PAGE_REPLACE_DUE = timedelta(hours=24)
REPLACE_DUE = timedelta(days=14)
RESET_DUE = timedelta(days=14)
HOST_DUE = timedelta(days=30)
LEVEL_CLEARS = timedelta(minutes=5)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One row. The columns are closed: what a rule can say is what stands here.

    `hold` and `sweeps` are how long and over how many sweeps of the GPU or BMC the condition must
    hold before it is a finding; `clear` how long it must be gone before the finding goes. `latch`
    keeps it until a person dismisses it or the board leaves. `pages_after` raises the urgency to
    page when it has held that long. `silenced_by` are the codes of causes: while one of them holds
    on the same GPU or BMC, or on the host, this consequence is silent. `because` is filled with the
    facts.
    """

    code: str
    scope: Scope
    when: Condition
    urgency: Urgency
    remedy: Remedy
    because: str
    source: str
    clears: str
    escalates: str = ""
    rma: RmaStanding | None = None
    due: timedelta | None = None
    hold: timedelta = timedelta(0)
    sweeps: int = 1
    clear: timedelta = timedelta(0)
    latch: bool = False
    pages_after: timedelta | None = None
    silenced_by: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Refuse rows that contradict themselves."""
        if self.scope not in (Scope.GPU, Scope.HOST, Scope.BMC):
            raise ValueError(f"rule {self.code}: no judge for scope {self.scope} yet")
        if self.remedy is Remedy.REPLACE and self.due is None:
            raise ValueError(f"rule {self.code}: a replacement has a due time")
        if self.remedy is Remedy.REPLACE and self.rma is None:
            raise ValueError(f"rule {self.code}: a replacement says where its RMA stands")
        if self.code in self.silenced_by:
            raise ValueError(f"rule {self.code}: silences itself")


_DRIVER_DOWN = ("driver-hung", "driver-mismatch", "driver-not-loaded")

_FIRMWARE_RULES = ("gsp-or-firmware-fault", "gsp-or-firmware-fault-again")
# Each of these says why the driver asks for what it asks: one page is enough.
_XIDS_FOR_A_RESET = (
    *_FIRMWARE_RULES, "remap-record-failed", "remap-record-failed-again", "nvlink-fault",
    "xid-other",
)  # fmt: skip
_BROKEN_MEMORY = ("row-remap-failed", "memory-unrepairable")

RULES: tuple[Rule, ...] = (
    Rule(
        code="row-remap-failed", scope=Scope.GPU, urgency=Urgency.PAGE, remedy=Remedy.REPLACE,
        when=AtLeast("gpuwatch_gpu_row_remap_failed", 1), latch=True,
        rma=RmaStanding.CRITERION_MET, due=PAGE_REPLACE_DUE, source=MEMORY,
        because="a row remap failed: NVIDIA's RMA criterion, to be confirmed by the field "
        "diagnostic",
        clears="nothing: the flag stays for the board's life; replace the board",
    ),
    Rule(
        code="sram-threshold-exceeded", scope=Scope.GPU, urgency=Urgency.PAGE,
        remedy=Remedy.REPLACE, when=AtLeast("gpuwatch_gpu_sram_threshold_exceeded", 1), latch=True,
        rma=RmaStanding.CRITERION_MET, due=PAGE_REPLACE_DUE, source=RMA,
        because="the SRAM errors of this board exceed NVIDIA's threshold: its RMA criterion, to be "
        "confirmed by the field diagnostic",
        clears="nothing: the flag stays for the board's life; replace the board",
    ),
    Rule(
        code="memory-unrepairable", scope=Scope.GPU, urgency=Urgency.PAGE, remedy=Remedy.REPLACE,
        when=AtLeast("gpuwatch_gpu_memory_unrepairable", 1), latch=True,
        rma=RmaStanding.CRITERION_MET, due=PAGE_REPLACE_DUE, source=NVML,
        because="the board has memory that it cannot repair, says its own flag",
        clears="nothing: the flag stays; replace the board",
    ),
    Rule(
        code="memory-repair-failed", scope=Scope.GPU, urgency=Urgency.WINDOW,
        remedy=Remedy.REPLACE, when=XidSeen(REPAIR_FAILED), latch=True,
        rma=RmaStanding.NEEDS_FIELD_DIAGNOSTIC, due=REPLACE_DUE, source=RMA,
        silenced_by=_BROKEN_MEMORY,
        because="a memory channel could not be repaired by a spare ({xids}, {often}): from here on "
        "the board has only spare rows left",
        clears="a person dismisses it, or the board leaves",
        escalates="a failed row remap: NVIDIA's criterion",
    ),
    Rule(
        code="rising-uncorrectable-trend", scope=Scope.GPU, urgency=Urgency.WINDOW,
        remedy=Remedy.REPLACE, when=rising_trend, latch=True,
        rma=RmaStanding.NEEDS_FIELD_DIAGNOSTIC, due=REPLACE_DUE, source=OURS,
        because="{trend}",
        clears="a person dismisses it, or the board leaves",
        escalates="a failed row remap, or a recovery action of the driver",
    ),
    Rule(
        code="retired-pages-high", scope=Scope.GPU, urgency=Urgency.WINDOW, remedy=Remedy.REPLACE,
        when=retired_pages_high, latch=True, rma=RmaStanding.NEEDS_FIELD_DIAGNOSTIC,
        due=REPLACE_DUE, source=RETIREMENT,
        because="{pages} memory pages are retired, {double_bit} of them for double-bit errors, "
        "{new} of these within 7 days",
        clears="a person dismisses it, or the board leaves",
    ),
    Rule(
        code="sram-near-threshold", scope=Scope.GPU, urgency=Urgency.WATCH, remedy=Remedy.NONE,
        when=sram_near_threshold, source=OURS, silenced_by=("sram-threshold-exceeded",),
        because="a bank of SRAM has {count} addresses with uncorrected errors ({protection}); more "
        "than {limit} meet NVIDIA's criterion",
        clears="nothing: such addresses stay counted",
        escalates="one more address in that bank: NVIDIA's threshold flag",
    ),
    Rule(
        code="remap-bank-exhausted", scope=Scope.GPU, urgency=Urgency.WATCH, remedy=Remedy.NONE,
        when=bank_exhausted, rma=RmaStanding.NOT_RETURNABLE_YET, source=OURS,
        silenced_by=_BROKEN_MEMORY,
        because="{banks} memory banks have no spare row left after {remapped} rows remapped for "
        "uncorrectable errors: the next one there cannot be remapped; RMA not yet possible",
        clears="nothing: spare rows do not come back",
        escalates="another uncorrectable error in that bank: the row remap fails",
    ),
    Rule(
        code="remap-record-failed", scope=Scope.GPU, urgency=Urgency.PAGE, remedy=Remedy.RESET,
        when=XidSeen(RECORD_FAILED, asks_for_reset=True), due=RESET_DUE, source=XIDS,
        silenced_by=("row-remap-failed", "remap-record-failed-again", "off-the-bus"),
        because="a bad memory row or page could not be recorded for repair ({xids}, {often}): end "
        "all work on this GPU and reset it",
        clears="a reset, a new driver epoch, or 24 h without another",
        escalates="the same again within 90 days: a case for the vendor",
    ),
    Rule(
        code="remap-record-failed-again", scope=Scope.GPU, urgency=Urgency.PAGE,
        remedy=Remedy.VENDOR_CASE, when=XidAgain(RECORD_FAILED, lives=2), due=RESET_DUE,
        source=XIDS, silenced_by=("row-remap-failed", "off-the-bus"),
        because="a bad memory row or page could not be recorded for repair ({xids}, {often}), and "
        "a reset within the last 90 days did not help: drain it and open a case with the vendor",
        clears="a reset, a new driver epoch, or 24 h without another",
    ),
    Rule(
        code="recovery-action", scope=Scope.GPU, urgency=Urgency.PAGE, remedy=Remedy.RESET,
        when=Recovery(frozenset({
            RecoveryAction.GPU_RESET, RecoveryAction.DRAIN_AND_RESET, RecoveryAction.BUS_RESET,
        })),
        due=RESET_DUE, source=FLAGS,
        silenced_by=("off-the-bus", "gpu-unresponsive", *_XIDS_FOR_A_RESET),
        because="the driver asks for {action}: end all work on this GPU and reset it",
        clears="a reset of the GPU",
        escalates="the driver asks again after the reset",
    ),
    Rule(
        code="recovery-drain-p2p", scope=Scope.GPU, urgency=Urgency.PAGE, remedy=Remedy.RESET,
        when=Recovery(frozenset({RecoveryAction.DRAIN_P2P})), due=RESET_DUE, source=FLAGS,
        because="the driver asks to drain peer-to-peer work from this GPU, then tells what next",
        clears="peer-to-peer work ends and the driver names another action or none",
    ),
    Rule(
        code="recovery-action-unknown", scope=Scope.GPU, urgency=Urgency.WINDOW,
        remedy=Remedy.INSPECT, when=Recovery(frozenset({RecoveryAction.UNKNOWN})), sweeps=2,
        due=RESET_DUE, source=OURS,
        because="the driver asks for recovery action number {number}, which gpuwatch cannot place "
        "for this driver version",
        clears="the driver asks for nothing",
    ),
    Rule(
        code="recovery-reboot", scope=Scope.HOST, urgency=Urgency.PAGE, remedy=Remedy.REBOOT,
        when=AnyGpuRecovery(frozenset({RecoveryAction.NODE_REBOOT})), due=HOST_DUE, source=FLAGS,
        because="the driver asks for a reboot of this host, for {gpus}",
        clears="a reboot",
    ),
    Rule(
        code="recovery-imex-domain", scope=Scope.HOST, urgency=Urgency.PAGE, remedy=Remedy.INSPECT,
        when=AnyGpuRecovery(frozenset({RecoveryAction.RECOVER_IMEX_DOMAIN})), due=HOST_DUE,
        source=FLAGS,
        because="the NVLink (IMEX) domain of this host needs recovery, for {gpus}",
        clears="the domain recovers and the driver asks for nothing",
    ),
    Rule(
        code="uncorrectable-error", scope=Scope.GPU, urgency=Urgency.PAGE, remedy=Remedy.RESET,
        when=uncontained_error, due=RESET_DUE, source=XIDS,
        silenced_by=("recovery-action", "off-the-bus"),
        because="an uncorrectable memory error of {date} was not contained ({because}) and the "
        "driver tells no recovery action: end all work on this GPU and reset it",
        clears="a reset, a new driver epoch, or 24 h without another",
        escalates="another incident: the trend test judges how near they lie",
    ),
    Rule(
        code="recent-uncorrectable-error", scope=Scope.GPU, urgency=Urgency.WATCH,
        remedy=Remedy.NONE, when=recent_incident, source=OURS,
        silenced_by=("rising-uncorrectable-trend", "uncorrectable-error"),
        because="an uncorrectable-error incident ({memory}) on {date}; one incident is no reason "
        "to replace a board",
        clears="90 days of service without another",
        escalates="another incident: the trend test judges how near they lie",
    ),
    Rule(
        code="row-remap-pending", scope=Scope.GPU, urgency=Urgency.INFO, remedy=Remedy.RESET,
        when=AtLeast("gpuwatch_gpu_row_remap_pending", 1), source=FLAGS,
        silenced_by=("row-remap-failed", "row-remap-pending-long", "remap-not-applied"),
        because="a row remap takes effect at the next reset; new work may go on meanwhile",
        clears="a reset of the GPU",
        escalates="30 days without a reset, rising errors, or a reset that does not apply it",
    ),
    Rule(
        code="row-remap-pending-long", scope=Scope.GPU, urgency=Urgency.WINDOW, remedy=Remedy.RESET,
        when=remap_pending_long, due=RESET_DUE, source=OURS,
        silenced_by=("row-remap-failed", "remap-not-applied"),
        because="a row remap waits for a reset {why}",
        clears="a reset of the GPU",
    ),
    Rule(
        code="remap-not-applied", scope=Scope.GPU, urgency=Urgency.WINDOW,
        remedy=Remedy.VENDOR_CASE, when=remap_not_applied, sweeps=2, due=RESET_DUE, source=OURS,
        silenced_by=("row-remap-failed",),
        because="a row remap still waits although the GPU was reset since",
        clears="the pending flag goes",
    ),
    Rule(
        code="gsp-or-firmware-fault", scope=Scope.GPU, urgency=Urgency.PAGE, remedy=Remedy.RESET,
        when=firmware_fault, due=RESET_DUE, source=XIDS,
        silenced_by=("off-the-bus", "gsp-or-firmware-fault-again"),
        because="the GPU or its firmware stopped ({xids}, {often}): end all work on this GPU and "
        "reset it",
        clears="a reset, a new driver epoch, or 24 h without another",
        escalates="the same after two resets within 90 days: a case for the vendor. On several "
        "hosts with one driver version: suspect the driver",
    ),
    Rule(
        code="gsp-or-firmware-fault-again", scope=Scope.GPU, urgency=Urgency.PAGE,
        remedy=Remedy.VENDOR_CASE, when=firmware_fault_again, due=RESET_DUE, source=XIDS,
        silenced_by=("off-the-bus",),
        because="the GPU or its firmware stopped ({xids}, {often}), and two resets within the last "
        "90 days did not help: drain it and open a case with the vendor. This alone is no reason "
        "to replace it; where several hosts show it, suspect the driver",
        clears="a reset, a new driver epoch, or 24 h without another",
    ),
    Rule(
        code="nvlink-fault", scope=Scope.GPU, urgency=Urgency.PAGE, remedy=Remedy.RESET,
        when=nvlink_fault, due=RESET_DUE, source=XIDS,
        silenced_by=("off-the-bus", "nvswitch-fatal"),
        because="an NVLink of this GPU failed ({xids}, {often}): end all work on this GPU and "
        "reset it",
        clears="a reset, a new driver epoch, or 24 h without another",
        escalates="the same link again: inspect both of its ends",
    ),
    Rule(
        code="nvlink-suspect", scope=Scope.GPU, urgency=Urgency.WINDOW, remedy=Remedy.INSPECT,
        # The driver is asked meanwhile whether it wants a recovery: then the fault pages alone.
        when=nvlink_suspect, sweeps=2, due=HOST_DUE, source=XIDS,
        silenced_by=("off-the-bus", "nvswitch-fatal", "nvlink-fault"),
        because="an NVLink of this GPU reported an error that is not to be ignored ({xids}, "
        "{often}); the driver asks for no reset: inspect both ends of the link",
        clears="a reset, a new driver epoch, or 24 h without another",
        escalates="the driver asks for a recovery",
    ),
    Rule(
        code="nvswitch-fatal", scope=Scope.HOST, urgency=Urgency.PAGE, remedy=Remedy.RESET,
        when=switch_fatal, due=HOST_DUE, source=FABRIC,
        because="an NVSwitch reported a fatal error ({xids}, {often}): reset the switches and the "
        "GPUs behind them together",
        clears="a new driver epoch, or 24 h without another",
    ),
    Rule(
        code="nvswitch-error", scope=Scope.HOST, urgency=Urgency.INFO, remedy=Remedy.NONE,
        when=switch_noted, source=FABRIC, silenced_by=("nvswitch-fatal",),
        because="an NVSwitch reported an error that is not fatal ({xids}, {often})",
        clears="a new driver epoch, or 24 h without another",
    ),
    Rule(
        code="xid-other", scope=Scope.GPU, urgency=Urgency.PAGE, remedy=Remedy.RESET,
        when=other_wants_reset, due=RESET_DUE, source=XIDS,
        silenced_by=("off-the-bus", *_FIRMWARE_RULES),
        because="NVIDIA's catalog wants a reset or restart for {xids} ({often}), and the driver "
        "agrees or cannot be asked: end all work on this GPU and reset it",
        clears="a reset, a new driver epoch, or 24 h without another",
    ),
    Rule(
        code="xid-other-ticket", scope=Scope.GPU, urgency=Urgency.WINDOW,
        remedy=Remedy.VENDOR_CASE, when=other_wants_support, due=HOST_DUE, source=XIDS,
        silenced_by=("off-the-bus", *_XIDS_FOR_A_RESET),
        because="NVIDIA's catalog names its support for {xids}, or says nothing of it ({often})",
        clears="a reset, a new driver epoch, or 24 h without another",
    ),
    Rule(
        code="xid-other-noted", scope=Scope.GPU, urgency=Urgency.INFO, remedy=Remedy.NONE,
        when=other_noted, source=XIDS, silenced_by=("off-the-bus", *_XIDS_FOR_A_RESET),
        because="{xids} ({often}): nothing urgent by NVIDIA's catalog, or the driver asks for "
        "nothing",
        clears="a reset, a new driver epoch, or 24 h without another",
    ),
    Rule(
        code="xid-from-one-gpu", scope=Scope.GPU, urgency=Urgency.WATCH, remedy=Remedy.INSPECT,
        when=from_one_gpu, source=OURS,
        because="Xid 13 or 31, as programs cause it, but {processes} processes on {days} days of "
        "the last 30 had it on this GPU and none on any other of this host: run a diagnostic",
        clears="30 days without, or the same on another GPU",
    ),
    Rule(
        code="application-xid", scope=Scope.GPU, urgency=Urgency.INFO, remedy=Remedy.NONE,
        when=XidSeen(APPLICATION), source=XIDS,
        because="a program failed on this GPU ({xids}, {often}, {process}): a matter of that "
        "program, never a reason to replace a board",
        clears="a reset, a new driver epoch, or 24 h without another",
    ),
    Rule(
        code="row-remapped", scope=Scope.GPU, urgency=Urgency.INFO, remedy=Remedy.NONE,
        when=XidSeen(REMAPPED), source=MEMORY,
        because="a bad memory row was recorded for remapping, or a page retired ({xids}, {often}): "
        "the repair works, and is no reason to replace a board",
        clears="a reset, a new driver epoch, or 24 h without another",
    ),
    Rule(
        code="many-correctable-errors", scope=Scope.GPU, urgency=Urgency.INFO, remedy=Remedy.NONE,
        when=XidSeen(MANY_CORRECTED), source=XIDS,
        because="correctable memory errors come in numbers ({xids}, {often}): they are corrected, "
        "and no reason to replace a board",
        clears="a reset, a new driver epoch, or 24 h without another",
    ),
    Rule(
        code="correctable-errors", scope=Scope.GPU, urgency=Urgency.INFO, remedy=Remedy.NONE,
        when=AtLeast("gpuwatch_gpu_ecc_corrected_volatile_errors_total", 1), source=MEMORY,
        because="{value} memory errors were corrected since the driver was loaded: nothing is "
        "lost, and no number of them is a reason to replace a board",
        clears="the driver is loaded anew",
    ),
    Rule(
        code="rma-signals-unreadable", scope=Scope.GPU, urgency=Urgency.INFO, remedy=Remedy.NONE,
        when=remap_unreadable, source=MIG,
        because="NVML tells nothing of remapped rows while MIG instances are active: until then "
        "only the kernel log tells of failed repairs (Xid 64)",
        clears="MIG is off",
    ),
    Rule(
        code="inforom-corrupt", scope=Scope.GPU, urgency=Urgency.WINDOW, remedy=Remedy.VENDOR_CASE,
        when=Reads("gpuwatch_gpu_inforom_valid", 0), due=RESET_DUE, source=NVML,
        because="a checksum of the board's InfoROM fails: what it remembers of errors and repairs "
        "cannot be trusted",
        clears="the checksums are right again",
    ),
    Rule(
        code="ecc-disabled", scope=Scope.GPU, urgency=Urgency.WINDOW, remedy=Remedy.RESET,
        when=Reads("gpuwatch_gpu_ecc_enabled", 0), due=RESET_DUE, source=OURS,
        because="ECC is off on a board that has it: its memory errors go unseen. Turn it on and "
        "reset the GPU",
        clears="ECC is on",
    ),
    Rule(
        code="off-the-bus", scope=Scope.GPU, urgency=Urgency.PAGE, remedy=Remedy.POWER_CYCLE,
        when=off_the_bus, sweeps=2, due=PAGE_REPLACE_DUE, source=XIDS,
        silenced_by=_DRIVER_DOWN,
        because="the GPU is off the bus ({reason}): drain the host and power-cycle it",
        clears="the GPU answers again",
        escalates="it happens to the same board again within 90 days: replace",
    ),
    Rule(
        code="off-the-bus-again", scope=Scope.GPU, urgency=Urgency.WINDOW, remedy=Remedy.REPLACE,
        when=off_the_bus_again, latch=True, rma=RmaStanding.NEEDS_FIELD_DIAGNOSTIC,
        due=REPLACE_DUE, source=OURS,
        because="the board fell off the bus {times} times within 90 days",
        clears="a person dismisses it, or the board leaves",
    ),
    Rule(
        code="board-missing", scope=Scope.GPU, urgency=Urgency.WINDOW, remedy=Remedy.INSPECT,
        when=board_missing, sweeps=2, due=HOST_DUE, source=OURS,
        silenced_by=(*_DRIVER_DOWN, "off-the-bus", "board-missing-in-service"),
        because="a board known to this host, last in {slot}, has been gone for {hours} h; {where}",
        clears="the board comes back, another appears in its slot, or `gpuwatch boards retire`",
    ),
    Rule(
        code="board-missing-in-service", scope=Scope.GPU, urgency=Urgency.PAGE,
        remedy=Remedy.INSPECT, when=board_missing_in_service, sweeps=2, due=HOST_DUE, source=OURS,
        silenced_by=(*_DRIVER_DOWN, "off-the-bus"),
        because="a board that served within the last day is gone, last in {slot}; {where}",
        clears="the board comes back, another appears in its slot, or `gpuwatch boards retire`",
    ),
    Rule(
        code="gpu-unresponsive", scope=Scope.GPU, urgency=Urgency.PAGE, remedy=Remedy.RESET,
        when=unresponsive, due=RESET_DUE, source=OURS,
        silenced_by=("driver-hung", "off-the-bus", *_FIRMWARE_RULES),
        because="the GPU does not answer NVML: {hang}",
        clears="the GPU answers again when it is tried alone",
        escalates="no GPU answers: the driver hangs",
    ),
    Rule(
        code="driver-hung", scope=Scope.HOST, urgency=Urgency.PAGE, remedy=Remedy.REBOOT,
        when=Driver(frozenset({DriverHealth.HUNG})), due=HOST_DUE, source=OURS,
        because="the driver hangs: {text}",
        clears="the driver answers again",
    ),
    Rule(
        code="driver-mismatch", scope=Scope.HOST, urgency=Urgency.WINDOW, remedy=Remedy.REBOOT,
        when=Driver(frozenset({DriverHealth.MISMATCH})), hold=timedelta(minutes=1), due=HOST_DUE,
        source=NVML,
        because="the NVIDIA library ({library}) and the loaded kernel module ({driver}) are of "
        "different versions: load the new module or reboot",
        clears="both are of one version",
    ),
    Rule(
        code="driver-not-loaded", scope=Scope.HOST, urgency=Urgency.WINDOW, remedy=Remedy.INSPECT,
        when=Driver(frozenset({DriverHealth.NOT_LOADED, DriverHealth.FAILED})),
        hold=timedelta(minutes=5), pages_after=timedelta(minutes=30), due=HOST_DUE, source=OURS,
        because="the NVIDIA driver cannot be asked: {text}; {functions} NVIDIA PCI functions, "
        "{boards} boards remembered",
        clears="the driver is loaded and answers",
    ),
    Rule(
        code="gpu-count", scope=Scope.HOST, urgency=Urgency.WINDOW, remedy=Remedy.INSPECT,
        when=unexpected_count, hold=timedelta(minutes=10), due=HOST_DUE, source=OURS,
        silenced_by=_DRIVER_DOWN,
        because="{present} where the configuration expects {expected}",
        clears="as many GPUs answer as nvml.expected_gpus says",
    ),
    Rule(
        code="unattributed-error", scope=Scope.HOST, urgency=Urgency.WINDOW, remedy=Remedy.INSPECT,
        when=unattributed_echo, due=HOST_DUE, source=XIDS,
        because="{count} uncorrectable errors were reported by GPUs that only echo them, and no "
        "board of this host owns them: look at the NVLink peers",
        clears="24 h without another",
    ),
    Rule(
        code="history-lost", scope=Scope.HOST, urgency=Urgency.INFO, remedy=Remedy.NONE,
        when=history_lost, source=OURS,
        because="part of the history could not be brought back: {text}",
        clears="30 days pass, or the next start with a sound database",
    ),
    Rule(
        code="calendar-refused", scope=Scope.HOST, urgency=Urgency.WINDOW, remedy=Remedy.INSPECT,
        when=calendar_refused, due=HOST_DUE, source=OURS,
        because="a calendar of windows and blackouts cannot be used: {text}; what it said before "
        "stays, and without that no flag is planned",
        clears="the file can be read and understood again",
    ),
    Rule(
        code="fabric-not-ready", scope=Scope.HOST, urgency=Urgency.PAGE, remedy=Remedy.INSPECT,
        when=fabric_not_ready, hold=timedelta(minutes=5), clear=LEVEL_CLEARS, due=HOST_DUE,
        source=FABRIC, silenced_by=(*_DRIVER_DOWN, "nvswitch-fatal", "recovery-imex-domain"),
        because="the NVLink fabric is not ready ({fabric}): CUDA fails with error 802, system not "
        "yet initialized; look at the fabric manager and the switches, the GPUs are not to blame",
        clears="every GPU is registered, and the fabric tells of no problem, for 5 minutes",
    ),
    Rule(
        code="nvlink-down", scope=Scope.GPU, urgency=Urgency.PAGE, remedy=Remedy.INSPECT,
        when=nvlink_down, hold=timedelta(minutes=10), clear=LEVEL_CLEARS, due=HOST_DUE,
        source=OURS, silenced_by=(
            *_DRIVER_DOWN, "fabric-not-ready", "nvswitch-fatal", "off-the-bus",
        ),
        because="{active} NVLinks are up where this board had {best}, and its siblings have more: "
        "inspect both ends",
        clears="as many links are up as the board had at best, for 5 minutes",
    ),
    Rule(
        code="nvlink-error-rate", scope=Scope.GPU, urgency=Urgency.WINDOW, remedy=Remedy.INSPECT,
        when=nvlink_error_rate, clear=LEVEL_CLEARS, due=HOST_DUE, source=OURS,
        silenced_by=(
            *_DRIVER_DOWN, "fabric-not-ready", "nvswitch-fatal", "nvlink-down", "nvlink-fault",
        ),
        because="its NVLinks replayed or recovered {errors} times in the last 24 hours, those of "
        "a sibling {usual} times: inspect both ends",
        clears="a day with fewer than 100, or than ten times as many as a sibling",
    ),
    Rule(
        code="gpu-cooling-path", scope=Scope.GPU, urgency=Urgency.WINDOW, remedy=Remedy.INSPECT,
        when=gpu_cooling_path, clear=LEVEL_CLEARS, due=HOST_DUE, source=OURS,
        silenced_by=(*_DRIVER_DOWN, "cooling", "power-brake", "off-the-bus"),
        because="the hardware slows this GPU alone: {celsius} degrees Celsius at {watts} W, where "
        "{siblings} siblings that draw as much have {usual_celsius}: inspect its heat sink or cold "
        "plate, and the air or water that reaches it",
        clears="the hardware slows it no more, or it is as warm as its siblings, for 5 minutes",
    ),
    Rule(
        code="cooling", scope=Scope.HOST, urgency=Urgency.WINDOW, remedy=Remedy.COOL,
        when=hot_hall, clear=LEVEL_CLEARS, due=HOST_DUE, source=OURS, silenced_by=_DRIVER_DOWN,
        because="heat slows {slowed}: look at the inlet, the fans or the water; the GPUs are not "
        "to blame",
        clears="heat slows fewer than 3 GPUs, or none while the inlet is too warm, for 5 minutes",
    ),
    Rule(
        code="power-brake", scope=Scope.HOST, urgency=Urgency.WINDOW, remedy=Remedy.POWER,
        when=power_brake, clear=LEVEL_CLEARS, due=HOST_DUE, source=OURS, silenced_by=_DRIVER_DOWN,
        because="the power brake held {count} GPUs in 6 of the last 10 minutes ({gpus}): look at "
        "the power supplies and the power capping of the server; the GPUs are not to blame",
        clears="it holds them in fewer of the last 10 minutes, for 5 minutes",
    ),
    Rule(
        code="pcie-replay-rate", scope=Scope.GPU, urgency=Urgency.WINDOW, remedy=Remedy.RESEAT,
        when=pcie_replay_rate, clear=LEVEL_CLEARS, due=HOST_DUE, source=DCGM,
        silenced_by=(*_DRIVER_DOWN, "off-the-bus"),
        because="{rate} PCIe packets a minute are sent again; over {lanes} lanes of generation "
        "{generation} no more than {limit} are to be expected: reseat the board, look at its riser",
        clears="no more than are to be expected for 5 minutes",
    ),
    Rule(
        code="pcie-downgraded", scope=Scope.GPU, urgency=Urgency.WINDOW, remedy=Remedy.RESEAT,
        when=pcie_downgraded, clear=LEVEL_CLEARS, due=HOST_DUE, source=OURS,
        silenced_by=(*_DRIVER_DOWN, "off-the-bus"),
        because="while the GPU works, its PCIe link runs with {lanes} lanes of generation "
        "{generation}, where it had {best_lanes} of generation {best_generation}: reseat the "
        "board, look at its riser",
        clears="the link is seen at its best again for 5 minutes",
    ),
    Rule(
        code="version-drift", scope=Scope.HOST, urgency=Urgency.WINDOW, remedy=Remedy.INSPECT,
        when=version_drift, due=HOST_DUE, source=OURS, silenced_by=_DRIVER_DOWN,
        because="boards of one part number carry different versions: {drift}",
        clears="they carry the same",
    ),
    Rule(
        code="telemetry-gap", scope=Scope.HOST, urgency=Urgency.WINDOW, remedy=Remedy.INSPECT,
        when=telemetry_gap, due=HOST_DUE, source=OURS, silenced_by=_DRIVER_DOWN,
        because="nothing of {blind} could be read for {hours} h, and nobody said that they work on "
        "it: an error would go unseen",
        clears="they can be read again",
    ),
    Rule(
        code="clock-unsynchronized", scope=Scope.HOST, urgency=Urgency.INFO, remedy=Remedy.NONE,
        when=clock_unsynchronized, hold=timedelta(minutes=10), clear=LEVEL_CLEARS, source=OURS,
        because="the clock of this host is not synchronised: dates in the history may be wrong; "
        "trends are judged by another clock",
        clears="the kernel holds the clock for synchronised, for 5 minutes",
    ),
    Rule(
        code="persistence-off", scope=Scope.HOST, urgency=Urgency.INFO, remedy=Remedy.NONE,
        when=persistence_off, source=PERSISTENCE, silenced_by=_DRIVER_DOWN,
        because="persistence mode is off for {gpus}: the driver forgets its counters whenever "
        "nobody uses the GPU, and takes seconds to come back",
        clears="nvidia-persistenced runs, or persistence mode is on",
    ),
    Rule(
        code="wrong-board-pulled", scope=Scope.HOST, urgency=Urgency.PAGE, remedy=Remedy.INSPECT,
        when=wrong_board_pulled, due=HOST_DUE, source=OURS, silenced_by=_DRIVER_DOWN,
        because="{pulled}{others}, a board without a flag, is gone from {from}, and {flagged} of "
        "flag {flag} is still in {slot}: was the wrong board pulled?",
        clears="the board is back, or `gpuwatch boards retire`, or the flagged board is gone",
    ),
    Rule(
        code="flagged-board-returned", scope=Scope.GPU, urgency=Urgency.WINDOW,
        remedy=Remedy.REPLACE, when=flagged_board_returned,
        rma=RmaStanding.NEEDS_FIELD_DIAGNOSTIC, due=REPLACE_DUE, source=OURS,
        # That is why it was refused: its flag is the one on which people act.
        silenced_by=(ACCEPTANCE_FAILED,),
        because="a board that was flagged before is in service again, and nobody has shown that "
        "it is sound: {known}",
        clears="its flag ends, or the board leaves",
    ),
    Rule(
        code=ACCEPTANCE_FAILED, scope=Scope.GPU, urgency=Urgency.WINDOW, remedy=Remedy.REPLACE,
        when=acceptance_failed, rma=RmaStanding.NEEDS_FIELD_DIAGNOSTIC, due=REPLACE_DUE,
        source=OURS,
        because="the board came in as a replacement and was not accepted: {text}",
        clears="its flag ends",
    ),
    Rule(
        code="bmc-network-lost", scope=Scope.HOST, urgency=Urgency.WINDOW, remedy=Remedy.INSPECT,
        when=network_lost, clear=LEVEL_CLEARS, due=HOST_DUE, source=OURS,
        because="{count} of the {all} BMCs that this host asks have not answered for 15 minutes "
        "({bmcs}): look at the network between, before the BMCs",
        clears="most of them answer for 5 minutes",
    ),
    Rule(
        code=UNREACHABLE, scope=Scope.BMC, urgency=Urgency.WINDOW, remedy=Remedy.INSPECT,
        when=unreachable, clear=LEVEL_CLEARS, due=HOST_DUE, source=OURS,
        silenced_by=("bmc-network-lost",),
        because="the BMC has not told anything for {minutes} minutes: {why}. The server itself may "
        "be well; a fault of its supplies or fans would go unseen",
        clears="it answers for 5 minutes",
    ),
    Rule(
        code="bmc-clock-skewed", scope=Scope.BMC, urgency=Urgency.INFO, remedy=Remedy.NONE,
        when=clock_skewed, sweeps=2, clear=LEVEL_CLEARS, source=OURS,
        silenced_by=("clock-unsynchronized",),
        because="the clock of the BMC is {skew} that of this host: its own log and its web page "
        "date everything wrongly; gpuwatch takes the difference into account",
        clears="its clock is within 2 minutes for 5 minutes",
    ),
    Rule(
        code="cipher-suite-weak", scope=Scope.BMC, urgency=Urgency.INFO, remedy=Remedy.NONE,
        when=weak_cipher, source=IPMI,
        because="the IPMI session uses cipher suite {suite}, and not 17 (HMAC-SHA256, AES): "
        "somebody on its network can read or forge more easily what is said to the BMC",
        clears="a session with cipher suite 17",
    ),
    Rule(
        code="chassis-power-off", scope=Scope.BMC, urgency=Urgency.PAGE, remedy=Remedy.POWER,
        when=power_off, due=HOST_DUE, source=IPMI,
        because="the server is off{since}, and not on purpose: {reason}",
        clears="the server is on",
    ),
    Rule(
        code="psu-lost-unprotected", scope=Scope.BMC, urgency=Urgency.PAGE, remedy=Remedy.POWER,
        when=supplies_insufficient, sweeps=2, clear=LEVEL_CLEARS, due=HOST_DUE, source=IPMI,
        because="a further supply was lost after the redundancy, or those that are left do not "
        "suffice ({lost}): the server may go off at any moment",
        clears="the supplies suffice again for 5 minutes",
    ),
    Rule(
        code="redundancy-lost", scope=Scope.BMC, urgency=Urgency.PAGE, remedy=Remedy.POWER,
        when=supplies_unprotected, sweeps=2, clear=LEVEL_CLEARS, due=HOST_DUE, source=IPMI,
        because="no power supply is left to spare ({lost}): if one more is lost, the server may go "
        "off",
        clears="the supplies are redundant again for 5 minutes",
        escalates="a further supply is lost",
    ),
    Rule(
        code="psu-input-lost", scope=Scope.BMC, urgency=Urgency.WINDOW, remedy=Remedy.POWER,
        when=lost_inputs, sweeps=2, clear=LEVEL_CLEARS, due=HOST_DUE, source=IPMI,
        silenced_by=("redundancy-lost",),
        because="no power comes to {supplies}; there are supplies to spare, as far as the BMC "
        "tells: look at the cords and the feed before the supplies",
        clears="power comes to it for 5 minutes",
        escalates="the redundancy of the supplies is lost",
    ),
    Rule(
        code="psu-failed", scope=Scope.BMC, urgency=Urgency.WINDOW, remedy=Remedy.POWER,
        when=failed_supplies, sweeps=2, clear=LEVEL_CLEARS, due=HOST_DUE, source=IPMI,
        silenced_by=("redundancy-lost",),
        because="{supplies}; there are supplies to spare, as far as the BMC tells",
        clears="every supply that was there is there and well for 5 minutes",
        escalates="the redundancy of the supplies is lost",
    ),
    Rule(
        code="fans-insufficient", scope=Scope.BMC, urgency=Urgency.PAGE, remedy=Remedy.COOL,
        when=RedundancyOf(Part.FAN, (RedundancyState.INSUFFICIENT,)), sweeps=2,
        clear=LEVEL_CLEARS, due=HOST_DUE, source=IPMI,
        because="the fans that turn do not suffice, says the BMC ({names}): the server will slow "
        "down or switch itself off",
        clears="they suffice again for 5 minutes",
    ),
    Rule(
        code="fan-failed", scope=Scope.BMC, urgency=Urgency.WINDOW, remedy=Remedy.COOL,
        when=failed_fans, sweeps=2, clear=LEVEL_CLEARS, due=HOST_DUE, source=OURS,
        silenced_by=("fans-insufficient",),
        because="{fans}",
        clears="the fan turns again as its BMC wants it for 5 minutes",
        escalates="the fans that are left do not suffice",
    ),
    Rule(
        code="fan-redundancy-lost", scope=Scope.BMC, urgency=Urgency.WINDOW, remedy=Remedy.COOL,
        when=RedundancyOf(Part.FAN, (RedundancyState.LOST,)), sweeps=2, clear=LEVEL_CLEARS,
        due=HOST_DUE, source=IPMI, silenced_by=("fans-insufficient", "fan-failed"),
        because="no fan is left to spare, says the BMC ({names})",
        clears="the fans are redundant again for 5 minutes",
        escalates="the fans that are left do not suffice",
    ),
    Rule(
        code="redundancy-lost-elsewhere", scope=Scope.BMC, urgency=Urgency.WINDOW,
        remedy=Remedy.INSPECT, sweeps=2, clear=LEVEL_CLEARS, due=HOST_DUE, source=IPMI,
        when=RedundancyOf(Part.OTHER, (RedundancyState.LOST, RedundancyState.INSUFFICIENT)),
        because="a redundancy is lost that is not told to be of supplies or fans: {names}",
        clears="it is redundant again for 5 minutes",
    ),
    Rule(
        code="fan-slow", scope=Scope.BMC, urgency=Urgency.WINDOW, remedy=Remedy.COOL,
        when=slow_fans, sweeps=5, clear=LEVEL_CLEARS, due=HOST_DUE, source=OURS,
        silenced_by=("fans-insufficient",),
        because="{fans}: look whether it is worn or blocked",
        clears="it turns with 60 % of the speed of its siblings, or more, for 5 minutes",
        escalates="it stands still",
    ),
    Rule(
        code="inlet-hot", scope=Scope.BMC, urgency=Urgency.WINDOW, remedy=Remedy.COOL,
        when=hot_inlet, sweeps=2, clear=LEVEL_CLEARS, due=HOST_DUE, source=ASHRAE,
        because="the air at the inlet has {celsius} degrees Celsius ({sensor}), where {limit} are "
        "allowed: look at the room, not at the server",
        clears="it is 2 degrees below what is allowed, and was not above it for 5 minutes",
        escalates="the server slows down or switches itself off",
    ),
    Rule(
        code="cooling-fault", scope=Scope.BMC, urgency=Urgency.WINDOW, remedy=Remedy.COOL,
        when=ChassisTells((ChassisFault.COOLING,)), sweeps=2, clear=LEVEL_CLEARS, due=HOST_DUE,
        source=IPMI,
        silenced_by=(
            "fans-insufficient", "fan-failed", "fan-redundancy-lost", "fan-slow", "inlet-hot",
        ),
        because="the chassis tells {faults}, and no fan or inlet that its BMC shows is the cause",
        clears="the chassis tells it no more for 5 minutes",
    ),
    Rule(
        code="power-fault", scope=Scope.BMC, urgency=Urgency.WINDOW, remedy=Remedy.POWER,
        when=ChassisTells(
            (ChassisFault.POWER, ChassisFault.OVERLOAD, ChassisFault.INTERLOCK)
        ),
        sweeps=2, clear=LEVEL_CLEARS, due=HOST_DUE, source=IPMI,
        silenced_by=("psu-lost-unprotected", "redundancy-lost", "psu-input-lost", "psu-failed"),
        because="the chassis tells {faults}, and no supply that its BMC shows is the cause",
        clears="the chassis tells it no more for 5 minutes",
    ),
    Rule(
        code="drive-fault", scope=Scope.BMC, urgency=Urgency.WINDOW, remedy=Remedy.INSPECT,
        when=drive_fault, sweeps=2, clear=LEVEL_CLEARS, due=HOST_DUE, source=IPMI,
        because="a drive is at fault, says the BMC ({drives})",
        clears="the BMC tells it no more for 5 minutes",
    ),
    Rule(
        code="chassis-intrusion", scope=Scope.BMC, urgency=Urgency.INFO, remedy=Remedy.INSPECT,
        when=ChassisTells((ChassisFault.INTRUSION,)), sweeps=2, clear=LEVEL_CLEARS, source=IPMI,
        because="the chassis is open, or was opened and nobody has told its BMC that it is closed",
        clears="the BMC tells it no more for 5 minutes",
    ),
    Rule(
        code="watchdog-expired", scope=Scope.BMC, urgency=Urgency.INFO, remedy=Remedy.INSPECT,
        when=watchdog_expired, source=IPMI,
        because="the BMC's watchdog over this server ran out once: {did}. The operating system had "
        "stopped; when is not told, its log may say it",
        clears="somebody, or a start of the server, clears the BMC's flag",
    ),
    Rule(
        code="sensor-critical", scope=Scope.BMC, urgency=Urgency.WINDOW, remedy=Remedy.INSPECT,
        when=SensorsAt(SensorHealth.CRITICAL), sweeps=2, clear=LEVEL_CLEARS, due=HOST_DUE,
        source=OURS,
        because="critical by the limits of the BMC itself: {sensors}",
        clears="every sensor is within those limits for 5 minutes",
    ),
    Rule(
        code="sensor-warning", scope=Scope.BMC, urgency=Urgency.INFO, remedy=Remedy.NONE,
        when=SensorsAt(SensorHealth.WARNING), sweeps=2, clear=LEVEL_CLEARS, source=OURS,
        because="past a limit of the BMC that is not critical: {sensors}",
        clears="every sensor is within those limits for 5 minutes",
        escalates="a sensor is critical",
    ),
    Rule(
        code="sel-critical", scope=Scope.BMC, urgency=Urgency.WINDOW, remedy=Remedy.INSPECT,
        when=critical_entries, due=HOST_DUE, source=OURS,
        because="the BMC's event log has what is critical: {entries}",
        clears="24 h without another",
    ),
    Rule(
        code="log-full", scope=Scope.BMC, urgency=Urgency.INFO, remedy=Remedy.NONE,
        when=log_full, source=OURS,
        because="the BMC's event log ({logs}) is full: what happens now is lost, or overwrites "
        "what happened before. gpuwatch keeps what it has read, and clears no log",
        clears="somebody saves and clears it",
    ),
    Rule(
        code="bmc-gpu-fault", scope=Scope.BMC, urgency=Urgency.WINDOW, remedy=Remedy.INSPECT,
        when=gpu_fault, sweeps=3, clear=LEVEL_CLEARS, due=HOST_DUE, source=OURS,
        because="the BMC says of a GPU what the GPU has not said itself: {gpus}",
        clears="the BMC says it no more for 5 minutes, or the GPU says it itself",
    ),
)  # fmt: skip

_AT_LEAST = frozenset(
    rule.when.signal
    for rule in RULES
    if isinstance(rule.when, AtLeast) and rule.urgency in (Urgency.PAGE, Urgency.WINDOW)
)
_NEEDED_ROLES = OWNING_ROLES | {Role.REMAP_PENDING, Role.RECOVERY_ACTION}


def is_needed(signal: Signal) -> bool:
    """Whether a GPU of which this cannot be read cannot be called healthy.

    Parts of a total are not: the total tells of every error.
    """
    return not signal.labels and (signal.role in _NEEDED_ROLES or signal.name in _AT_LEAST)


BY_CODE = {rule.code: rule for rule in RULES}


def is_remembered(code: str) -> bool:
    """Whether a rule rests on what is remembered of a board, and not on what it says now.

    A board that left and came back is judged anew by the former only on newer evidence.
    """
    return code in BY_CODE and not isinstance(BY_CODE[code].when, AtLeast)
