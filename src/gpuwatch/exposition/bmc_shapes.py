"""BMC shapes: what `gpuwatch bmc --json`, `gpuwatch sel --json` and `/api/v1/bmcs` answer."""

from typing import TypedDict

from gpuwatch.exposition.finding_shapes import FindingShape


class BmcFindingShape(FindingShape):
    """A rule that holds for a BMC or its server, and what to do about it."""

    step: str


class BmcIdentityShape(TypedDict):
    """Who a BMC is and of which server, as last told; "" where it is not told."""

    manufacturer: str
    product: str
    part_number: str
    serial: str
    board_serial: str
    firmware: str
    bios: str
    guid: str
    asset_tag: str
    cipher_suite: int | None


class ChassisShape(TypedDict):
    """The chassis; `faults` are those that it tells of, whether they hold."""

    power_on: bool | None
    power_since: str | None
    restart_cause: str
    power_losses: list[str]
    faults: dict[str, bool]


class WatchdogShape(TypedDict):
    """The BMC's watchdog over the host; `expired` names what it did, "" when nothing."""

    running: bool
    expired: str


class SensorShape(TypedDict):
    """One sensor; `value` is in `unit`, null for a gap, which `gap` names, and without a number."""

    key: str
    label: str
    name: str
    quantity: str
    part: str
    number: int | None
    value: float | None
    unit: str
    gap: str | None
    health: str | None
    states: list[str]


class SupplyShape(TypedDict):
    """One power supply; null is not known."""

    name: str
    number: int | None
    word: str
    present: bool | None
    failed: bool | None
    failing: bool | None
    input_lost: bool | None
    standby: bool | None
    health: str | None


class RedundancyShape(TypedDict):
    """A group of supplies or fans; `state` is null where it is not told."""

    name: str
    part: str
    state: str | None


class BmcGpuShape(TypedDict):
    """What a BMC tells of one GPU; null is not told. `board` is the UUID of our board, if any."""

    bmc: str
    name: str
    board: str | None
    serial: str
    uuid: str
    part_number: str
    firmware: str
    health: str | None
    temperature_celsius: float | None
    memory_temperature_celsius: float | None
    power_watts: float | None
    row_remap_failed: bool | None
    row_remap_pending: bool | None
    sram_threshold_exceeded: bool | None
    counts: dict[str, int]


class LogStatusShape(TypedDict):
    """How full an event log is; null is not told."""

    log: str
    entries: int | None
    free_bytes: int | None
    overflowed: bool | None
    added_at: str | None
    erased_at: str | None


class LogEntryShape(TypedDict):
    """An entry of a BMC's event log; `at` is by our clock, `told_at` by the BMC's."""

    bmc: str
    log: str
    record: str
    at: str
    seen_at: str
    told_at: str | None
    baseline: bool
    again: bool
    severity: str
    topic: str
    sensor: str
    text: str
    asserted: bool | None
    raw: str


class BmcShape(TypedDict):
    """One BMC, answering or not. While `fresh` is false, nothing of its last sweep is told."""

    name: str
    host: str
    server: str
    protocol: str
    address: str
    fresh: bool
    swept_at: str | None
    trouble: str | None
    trouble_since: str | None
    problem: str
    remedy: str
    verdict: str
    verdict_since: str
    unknown_because: str
    findings: list[BmcFindingShape]
    identity: BmcIdentityShape
    updating: bool | None
    clock_skew_seconds: float | None
    chassis: ChassisShape | None
    watchdog: WatchdogShape | None
    watts: float | None
    inlet_celsius: float | None
    sensors: list[SensorShape]
    supplies: list[SupplyShape]
    redundancies: list[RedundancyShape]
    gpus: list[BmcGpuShape]
    gaps: dict[str, str]
    logs: list[LogStatusShape]
    counts: dict[str, dict[str, int]]
    cleared: int
    wrapped: int
    entries: list[LogEntryShape]


class LogShape(TypedDict):
    """Entries of event logs, the latest first; `more` when there are further ones."""

    entries: list[LogEntryShape]
    more: bool


class ExplainedBmcFindingShape(BmcFindingShape):
    """A finding, what to do about it, and whose criterion it is."""

    criterion: str


class BmcExplanationShape(TypedDict):
    """One BMC explained, the next step first."""

    at: str
    remembered: bool
    steps: list[str]
    findings: list[ExplainedBmcFindingShape]
    bmc: BmcShape
    rules_version: str
