"""Shapes: what the JSON documents look like, one TypedDict per object; docs/api.md describes them.

Instants are ISO 8601 in UTC with milliseconds; absent ones are null. Closed sets are the values of
the domain's enums.
"""

from typing import TypedDict

from gpuwatch.domain.readings import Value
from gpuwatch.exposition.acceptance_shapes import AcceptanceShape
from gpuwatch.exposition.bmc_shapes import BmcGpuShape, BmcShape
from gpuwatch.exposition.finding_shapes import FindingShape
from gpuwatch.exposition.flag_shapes import FlagShape


class ReadingShape(TypedDict):
    """A value in the base unit that the signal's name ends in."""

    value: Value
    at: str


class GapShape(TypedDict):
    """The place where a value should have been."""

    gap: str
    code: int | None
    at: str


class HeldShape(TypedDict):
    """The last value that history kept of a signal, in the unit of the signal's row."""

    value: Value
    since: str


class XidShape(TypedDict):
    """How often one code was seen, by who reported it."""

    xid: int
    source: str
    count: int
    first_at: str
    last_at: str


class ErrorSignalShape(TypedDict):
    """One report of uncorrectable errors; `exposure_seconds` is the board's exposure clock."""

    kind: str
    memory: str
    count: int
    echo: bool
    at: str
    not_before: str | None
    not_after: str | None
    exposure_seconds: float


class IncidentShape(TypedDict):
    """Error signals that belong together."""

    opened_at: str
    last_at: str
    opened_exposure_seconds: float
    memory: str
    signals: list[ErrorSignalShape]


class GpuShape(TypedDict):
    """One GPU, present or remembered."""

    uuid: str
    serial: str
    index: int | None
    name: str
    part_number: str
    vbios: str
    inforom: str
    slot: str
    pci_address: str
    module_id: int | None
    chassis_serial: str
    slot_number: int | None
    tray_index: int | None
    mig_enabled: bool | None
    attributes: dict[str, str]
    state: str
    present: bool
    fresh: bool
    managed: bool
    set_apart: str
    unknown_because: str
    verdict: str
    verdict_since: str
    recovery_action: str | None
    findings: list[FindingShape]
    flags: list[FlagShape]
    acceptance: AcceptanceShape | None
    readings: dict[str, ReadingShape | GapShape]
    out_of_band: BmcGpuShape | None
    errors: dict[str, int]
    prior: dict[str, int]
    pages_retired_at: list[str]
    unattributed_errors: int
    incidents: list[IncidentShape]
    xids: list[XidShape]
    held: dict[str, HeldShape]
    exposure_seconds: float
    first_seen: str
    last_seen: str
    last_reset_at: str | None
    off_bus_at: list[str]


class DurationShape(TypedDict):
    """One bucket of a histogram: polls that took at most this long; null is no bound."""

    at_most_seconds: float | None
    polls: int


class SourceShape(TypedDict):
    """How one source is doing."""

    name: str
    up: bool
    fresh: bool
    required: bool
    released: bool
    released_reason: str
    last_success: str | None
    problem: str
    timeouts: int
    restarts: int
    unkillable: int
    durations: list[DurationShape]
    durations_sum_seconds: float


class BackupsShape(TypedDict):
    """How nightly backups are doing."""

    last_success: str | None
    age_seconds: float | None
    old: bool
    failing_since: str | None
    problem: str


class EpochShape(TypedDict):
    """One boot and one load of the driver."""

    boot_id: str
    driver_load: str
    driver_version: str


class MaintenanceShape(TypedDict):
    """Somebody works on this host, a board, or what a BMC watches."""

    identity: str
    scope: str
    board: str
    bmc: str
    until: str
    reason: str
    ticket: str
    actor: str
    release: bool


class WindowShape(TypedDict):
    """A maintenance window: [start, end)."""

    name: str
    start: str
    end: str
    open: bool
    source: str
    flags: list[int]
    free: int


class EventShape(TypedDict):
    """Something that happened, between `not_before` and `not_after`."""

    kind: str
    at: str
    not_before: str
    not_after: str
    source: str
    identity: str
    serial: str | None
    uuid: str | None
    pci_address: str
    bmc: str
    code: int | None
    subcode: str
    detail: str
    boot_id: str


class StatusShape(TypedDict):
    """The host in short: what `/api/v1/status` answers."""

    gpuwatch_version: str
    version: int
    at: str
    at_unix_seconds: float
    started_at: str
    hostname: str
    labels: dict[str, str]
    verdict: str
    findings: list[FindingShape]
    gpus: int
    gpus_present: int
    gravest_verdict: str
    gpu_verdicts: dict[str, int]
    bmcs: int
    bmc_verdicts: dict[str, int]
    flags_open: int
    epoch: EpochShape | None
    sources: list[SourceShape]
    maintenance: list[MaintenanceShape]
    window_open: bool
    next_window: WindowShape | None
    degraded: list[str]
    history_bytes: int
    backups: BackupsShape | None
    kernel_log_lost: int
    sxids: dict[str, int]
    clock_synchronized: bool | None
    clock_steps: int
    rules_version: str
    config_hash: str


class SnapshotShape(TypedDict):
    """Everything: the status and all the lists of one snapshot."""

    status: StatusShape
    gpus: list[GpuShape]
    bmcs: list[BmcShape]
    flags: list[FlagShape]
    windows: list[WindowShape]
    events: list[EventShape]


class SourceReadinessShape(TypedDict):
    """Whether one source is ready, and why (not)."""

    name: str
    required: bool
    ready: bool
    reason: str


class SetApartShape(TypedDict):
    """A GPU that is not asked at the moment; it does not make its source unready."""

    uuid: str
    reason: str


class ReadinessShape(TypedDict):
    """What `/readyz` answers."""

    ready: bool
    sources: list[SourceReadinessShape]
    set_apart: list[SetApartShape]
