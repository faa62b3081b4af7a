"""Views: what the rules may look at, gathered by the agent from history and the sources."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum

from gpuwatch.domain.bmc import BmcGpu, BmcSweep, BmcTrouble
from gpuwatch.domain.flags import Flag
from gpuwatch.domain.known_boards import KnownBoard
from gpuwatch.domain.moments import Moment
from gpuwatch.domain.readings import Gap, Value
from gpuwatch.domain.records import BoardRecord
from gpuwatch.domain.recovery import RecoveryAction
from gpuwatch.domain.snapshot import Logged
from gpuwatch.domain.trails import NO_TRAIL, Trail
from gpuwatch.domain.trends import Ladder
from gpuwatch.domain.verdicts import Urgency
from gpuwatch.domain.xids import XidTrace


class DriverHealth(StrEnum):
    """Whether the driver as a whole can be asked."""

    READY = "ready"
    STARTING = "starting"
    NOT_LOADED = "not_loaded"
    MISMATCH = "mismatch"
    HUNG = "hung"
    FAILED = "failed"
    NOT_ASKED = "not_asked"  # by the settings: this host only watches others, or has no GPUs


@dataclass(frozen=True, slots=True, kw_only=True)
class Hang:
    """A GPU whose calls miss their deadline; `confirmed` in a fresh child that asked only it."""

    sentence: str
    seconds: float
    confirmed: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class GpuView:
    """One board as the rules see it.

    `readings` are fresh values and gaps by `Signal.key`, empty while nothing is fresh. `answers` is
    how many sweeps of it arrived since the agent started: rules that hold over sweeps count it.
    `last_good` is Unix seconds of the last sweep in which an owning signal could be read.
    `lost` means the driver lists it and cannot reach it; `denied` that it does not let our user
    open it, which says nothing of the board; `seen_this_epoch` that it answered under
    the driver that is loaded now; `function_gone` that its PCI function no longer exists;
    `in_grace` that boot or driver load are so recent that absence proves nothing. `blind_to` are
    the names of signals that the rules need and that have been a gap for three of their cadences.
    `trail` is what its levels were in the last minutes. `blind_seconds` is for how long it has told
    nothing that rules need, without anybody working on it; 0 while it tells. `out_of_band` is what
    a BMC of this host tells of the same board, None where none does.
    """

    record: BoardRecord
    present: bool
    readings: Mapping[str, Value | Gap] = field(default_factory=dict)
    answers: int = 0
    last_good: float | None = None
    lost: bool = False
    denied: bool = False
    seen_this_epoch: bool = False
    function_gone: bool = False
    managed: bool = True
    in_grace: bool = False
    stale: bool = False
    reset_required: bool = False
    recovery: RecoveryAction | None = None
    recovery_number: int | None = None
    hang: Hang | None = None
    blind_to: tuple[str, ...] = ()
    trail: Trail = NO_TRAIL
    blind_seconds: float = 0.0
    out_of_band: BmcGpu | None = None

    @property
    def uuid(self) -> str:
        """The subject of this GPU's findings."""
        return self.record.key.uuid


@dataclass(frozen=True, slots=True, kw_only=True)
class BmcView:
    """One BMC as the rules see it.

    `host` is "" for a BMC of this host, else whose it is. `sweep` is the latest, None while nothing
    fresh is told; `answers` how many arrived since the agent started. `trouble` is why it does not
    answer, for `silent_seconds` on the boot clock (0 while it answers). `settled_seconds` is how
    long ago the BMC started, changed its firmware or the chassis was switched on or off: what it
    says right after that is no news. `powered_off_seconds` is for how long the chassis has been off
    since it was seen on, None while it is on or was never seen on. `entries` are those of the last
    day, beside the baseline, the newest first; `restarts` are the Unix seconds of the last day at
    which the BMC started, changed its firmware or the chassis was switched on or off: what had been
    told before is told again then. `seen_well` is all that `domain.bmc_well.well_in` ever found in
    a sweep of this server, as history remembers it. `expected_on` says that nobody switches this
    host off without maintenance. `lost_with_redundancy` are the supplies that were lost when their
    redundancy was, by name, from the judge to its rules; None while it is not lost.
    """

    name: str
    host: str = ""
    sweep: BmcSweep | None = None
    answers: int = 0
    trouble: BmcTrouble | None = None
    silent_seconds: float = 0.0
    settled_seconds: float = 1e9
    powered_off_seconds: float | None = None
    entries: tuple[Logged, ...] = ()
    restarts: tuple[float, ...] = ()
    seen_well: frozenset[str] = frozenset()
    expected_on: bool = False
    lost_with_redundancy: frozenset[str] | None = None

    @property
    def subject(self) -> str:
        """The subject of this BMC's findings."""
        return f"bmc.{self.name}"


@dataclass(frozen=True, slots=True, kw_only=True)
class HostView:
    """The host as the rules see it.

    `quiet_seconds` is how long ago the last reset, release, MIG change or driver load was.
    `settling` says that the agent has just started: what it does not know yet is no news.
    `taken_functions` are NVIDIA PCI functions that another driver (vfio) holds: not missing;
    `denied_functions` those that our user may not open.
    `in_maintenance` are the UUIDs under maintenance, "" for the whole host.
    `attended` are findings, by code and UUID, that people have taken up, and up to which urgency;
    `in_hands` the UUIDs of boards that somebody works on.
    `awaited` are the UUIDs of GPUs that have not answered since the driver was taken up again, at
    `resumed_at` in Unix seconds.
    `silent_sources` are required sources that tell nothing, and for how many seconds.
    `clock_synchronized` is None where neither the kernel nor a service says.
    `unattributed` are Unix seconds of echoes without an owner in the last day. `switch_errors` are
    the latest errors of NVSwitches (SXids) by code.
    `flags` are all that history knows, `departed` the boards that left. `known_boards` is what
    other hosts told, by serial number, or by UUID of a board without one. `told_of_gpus` are the
    findings of GPUs by code and UUID, from the judge to the rules of BMCs.
    """

    now: Moment
    gpus: tuple[GpuView, ...]
    driver: DriverHealth
    driver_text: str = ""
    driver_version: str = ""
    library_version: str = ""
    pci_functions: int = 0
    taken_functions: int = 0
    denied_functions: int = 0
    expected_gpus: int | None = None
    released: bool = False
    clock_settled: bool = True
    quiet_seconds: float = 1e9
    settling: bool = False
    in_maintenance: frozenset[str] = frozenset()
    attended: Mapping[tuple[str, str], Urgency] = field(default_factory=dict)
    in_hands: frozenset[str] = frozenset()
    awaited: frozenset[str] = frozenset()
    resumed_at: float = 0.0
    unattributed: tuple[float, ...] = ()
    history_lost: str = ""
    calendar_problem: str = ""
    silent_sources: tuple[tuple[str, float], ...] = ()
    clock_synchronized: bool | None = None
    switch_errors: Mapping[int, tuple[XidTrace, ...]] = field(default_factory=dict)
    flags: tuple[Flag, ...] = ()
    departed: tuple[BoardRecord, ...] = ()
    known_boards: Mapping[str, tuple[KnownBoard, ...]] = field(default_factory=dict)
    bmcs: tuple[BmcView, ...] = ()
    told_of_gpus: frozenset[tuple[str, str]] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicySettings:
    """What an operator may set. NVIDIA's thresholds are not among it."""

    healthy_rate_per_year: float = 0.05
    healthy_rate_by_part: Mapping[str, float] = field(default_factory=dict)
    budget_per_year: float = 0.001
    trend_due: timedelta = timedelta(days=14)
    window_notice: timedelta = timedelta(hours=4)
    disabled: frozenset[str] = frozenset()
    not_paging: frozenset[str] = frozenset()
    shadow: bool = False
    fru: str = ""
    inlet_celsius_max: float = 35.0  # ASHRAE TC 9.9, class A2: the highest that is allowable

    def healthy_rate(self, part_number: str) -> float:
        """Incidents per board-year of healthy boards of this part number."""
        return self.healthy_rate_by_part.get(part_number, self.healthy_rate_per_year)

    def ladder(self, part_number: str) -> Ladder:
        """The trend test for boards of this part number."""
        rate = self.healthy_rate(part_number)
        return Ladder(healthy_rate_per_year=rate, budget_per_year=self.budget_per_year)
