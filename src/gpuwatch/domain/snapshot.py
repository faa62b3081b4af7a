"""Snapshot: all that the host knows at one instant, immutable, for every reader."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from gpuwatch.domain.acceptances import Acceptance
from gpuwatch.domain.audit import AuditRecord
from gpuwatch.domain.bmc import BmcProtocol, BmcSweep, BmcTrouble
from gpuwatch.domain.bmc_logs import LogEntry, LogSeverity, LogTopic
from gpuwatch.domain.devices import Device, Epoch
from gpuwatch.domain.events import Event
from gpuwatch.domain.flags import Flag
from gpuwatch.domain.hooks import HookState
from gpuwatch.domain.moments import Moment
from gpuwatch.domain.readings import Gap, Value
from gpuwatch.domain.records import BoardRecord
from gpuwatch.domain.servers import Directions, Server
from gpuwatch.domain.signals import Signal
from gpuwatch.domain.verdicts import Finding, Verdict
from gpuwatch.domain.windows import Outlook, Window


@dataclass(frozen=True, slots=True)
class Latest:
    """The latest answer for one row: its raw value or gap, and when it was asked (Unix seconds)."""

    signal: Signal
    value: Value | Gap
    at: float


@dataclass(frozen=True, slots=True)
class Missed:
    """A signal that the rules need and cannot have: the gap, and since when (Unix seconds)."""

    signal: Signal
    gap: Gap
    since: float


@dataclass(frozen=True, slots=True, kw_only=True)
class GpuState:
    """One GPU, present or remembered.

    `latest` is empty for an absent board. `set_apart` is "" or the sentence that says why this GPU
    is not asked at the moment (it hung), `unknown_because` one that says why its verdict is
    unknown, `missed` the signals that make it so. `fresh` is False once its readings are too old to
    trust: they are then not published. `healthy_rate_per_year` are the incidents of a healthy board
    of its part number, None where nobody told.
    """

    record: BoardRecord
    device: Device | None
    present: bool
    fresh: bool
    verdict: Verdict
    verdict_since: float
    findings: tuple[Finding, ...] = ()
    latest: Sequence[Latest] = ()
    set_apart: str = ""
    unknown_because: str = ""
    missed: tuple[Missed, ...] = ()
    managed: bool = True
    healthy_rate_per_year: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceState:
    """How one source is doing. `problem` is "" or a sentence for people.

    `last_success` is Unix seconds or None. `durations` are the histogram of poll durations: upper
    bounds in seconds with cumulative counts, the last bound infinity, and their sum in seconds.
    """

    name: str
    up: bool
    fresh: bool
    required: bool = True
    released: bool = False
    released_reason: str = ""
    last_success: float | None = None
    problem: str = ""
    timeouts: int = 0
    restarts: int = 0
    unkillable: int = 0
    durations: tuple[tuple[float, int], ...] = ()
    durations_sum: float = 0.0


@dataclass(frozen=True, slots=True)
class Logged:
    """An entry of a BMC's event log as it is remembered; the instants are Unix seconds.

    `at` is when it happened by our clock, as well as that can be told; `baseline` says that it was
    there before gpuwatch first read the log. `again`, which a running agent tells, says that one of
    the latest entries before it has the same `likeness`, be it of the baseline.
    """

    entry: LogEntry
    at: float
    seen_at: float
    baseline: bool
    again: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class BmcState:
    """One BMC, answering or not.

    `host` is "" for the BMC of this host, else the name of the host that it belongs to. `sweep` is
    the latest, None while there is none; `fresh` is False once it is too old to trust: it is then
    not published. `trouble` is why it does not answer, None while it does; `problem` the sentence.
    Instants are Unix seconds. `counts` are the entries of its logs since it was first seen, beside
    the baseline, by topic and severity; `entries` are the latest, the newest first.
    """

    name: str
    host: str
    protocol: BmcProtocol
    address: str
    sweep: BmcSweep | None = None
    fresh: bool = False
    swept_at: float | None = None
    trouble: BmcTrouble | None = None
    problem: str = ""
    trouble_since: float | None = None
    power_since: float | None = None
    counts: Mapping[tuple[LogTopic, LogSeverity], int] = field(default_factory=dict)
    cleared: int = 0
    wrapped: int = 0
    entries: tuple[Logged, ...] = ()
    verdict: Verdict = Verdict.UNKNOWN
    verdict_since: float = 0.0
    findings: tuple[Finding, ...] = ()
    unknown_because: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Maintenance:
    """Somebody works on this host, a board or a watched host: nothing of it pages until `until`."""

    identity: str
    scope: str  # "host", "board" or "bmc"
    board: str  # a serial or UUID when scope is "board"
    until: float
    reason: str
    bmc: str = ""  # a BMC's name, or that of the host that it watches, when scope is "bmc"
    ticket: str = ""
    actor: str = ""
    release: bool = False


# A day, the hour in which hosts take their turns, and an hour for what was missed.
BACKUP_OLD_SECONDS = 26 * 3600


@dataclass(frozen=True, slots=True)
class BackupState:
    """How nightly backups are doing, where they are on.

    `last_success` is when the newest whole one was made (Unix seconds), None where none is known;
    `problem` is "" or why the latest attempt failed, `failing_since` when the first of the failed
    ones began, None while there is none.
    """

    last_success: float | None = None
    problem: str = ""
    failing_since: float | None = None

    @property
    def is_known(self) -> bool:
        """Whether the folder has been looked at: until then nobody can say how they are doing."""
        return self.last_success is not None or bool(self.problem)

    def is_old(self, now: float, started_at: float) -> bool:
        """Whether none was made for too long; where none is known, since the agent has started."""
        since = started_at if self.last_success is None else self.last_success
        return now - since > BACKUP_OLD_SECONDS


@dataclass(frozen=True, slots=True, kw_only=True)
class WebState:
    """How the port does. `config_failing` is whether its file was refused and an older one holds.

    It is None where no file protects the port; `valid_from` and `valid_until` are the begin and the
    end of the certificate in Unix seconds. `crowded_out` counts connections that were ended or
    turned away for others.
    """

    config_failing: bool | None = None
    valid_from: float | None = None
    valid_until: float | None = None
    crowded_out: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """The host at one instant. Readers keep it as long as they like; the agent replaces it whole.

    `version` rises with every change. `flag_audit` are the latest audit records of each flag by its
    number, the oldest first; `acceptances` are by the number of their flag. `degraded` are reasons
    why history cannot write at present ("" free). `events` are the most recent first, at most a few
    hundred. `backups` is None where the agent makes none. `failures` counts by job what the agent
    itself could not do. Runbooks are read under `runbook_url`, "" for the agent's own pages.
    """

    version: int
    at: Moment
    started_at: float
    hostname: str
    gpus: tuple[GpuState, ...] = ()
    sources: tuple[SourceState, ...] = ()
    bmcs: tuple[BmcState, ...] = ()
    epoch: Epoch | None = None
    host_verdict: Verdict = Verdict.UNKNOWN
    host_findings: tuple[Finding, ...] = ()
    flags: tuple[Flag, ...] = ()
    acceptances: Mapping[int, Acceptance] = field(default_factory=dict)
    flag_audit: Mapping[int, tuple[AuditRecord, ...]] = field(default_factory=dict)
    outlook: Outlook = field(default_factory=Outlook)
    maintenance: tuple[Maintenance, ...] = ()
    events: tuple[Event, ...] = ()
    degraded: tuple[str, ...] = ()
    history_bytes: int = 0
    backups: BackupState | None = None
    alert_tests: tuple[str, ...] = ()
    kernel_log_lost: int = 0
    web: WebState = WebState()
    sxids: Mapping[int, int] = field(default_factory=dict)
    clock_synchronized: bool | None = None
    clock_steps: int = 0
    failures: Mapping[str, int] = field(default_factory=dict)
    labels: Mapping[str, str] = field(default_factory=dict)
    rules_version: str = ""
    config_hash: str = ""
    runbook_url: str = ""
    server: Server = field(default_factory=Server)
    directions: Directions = field(default_factory=Directions)
    hooks: tuple[HookState, ...] = ()

    @property
    def windows(self) -> tuple[Window, ...]:
        """The windows that boards may be swapped in, in time order."""
        return self.outlook.windows
