"""Explanation shapes: what `gpuwatch explain --json` and `/api/v1/gpus/UUID/explain` answer."""

from typing import TypedDict

from gpuwatch.exposition.bmc_shapes import BmcFindingShape, BmcGpuShape
from gpuwatch.exposition.finding_shapes import FindingShape
from gpuwatch.exposition.flag_shapes import FlagShape


class ExplainedFindingShape(FindingShape):
    """A finding, what to do about it, whose criterion it is, and the flag it raised."""

    step: str
    criterion: str
    flag: int | None


class MissedShape(TypedDict):
    """A signal that the rules need and cannot have: since when, the call, and the way out."""

    signal: str
    gap: str
    code: int | None
    since: str
    call: str
    remedy: str


class UnknownShape(TypedDict):
    """Why the verdict is unknown, since when, and what a person can do."""

    because: str
    since: str
    remedy: str
    signals: list[MissedShape]


class ThresholdShape(TypedDict):
    """A count beside the value at which it means something; `left` is how many more that takes.

    `value` is null where it is unknown, and `unknown` says why; `at` is when it was read, or since
    when history has had it; `current` whether it was read just now.
    """

    count: str
    value: int | None
    unknown: str
    at: str | None
    current: bool
    sets_at: int | None
    left: int | None
    meaning: str
    source: str


class WaitShape(TypedDict):
    """Whether it can wait, until when, and the chance of another incident before that.

    `chance` is an estimate and null where it is unknown, and `unknown` says why. It rests on
    `incidents` in `watched_seconds` and on `healthy_rate_per_year`; `assumes` is what it takes for
    granted.
    """

    answer: str
    sentence: str
    window: str
    until: str | None
    horizon_seconds: float | None
    chance: float | None
    unknown: str
    incidents: int | None
    watched_seconds: float | None
    healthy_rate_per_year: float | None
    assumes: str


class ExplanationShape(TypedDict):
    """One GPU explained, the next step first."""

    at: str
    uuid: str
    serial: str
    index: int | None
    name: str
    slot: str
    pci_address: str
    verdict: str
    verdict_since: str
    remembered: bool
    steps: list[str]
    wait: WaitShape
    unknown: UnknownShape | None
    findings: list[ExplainedFindingShape]
    host_findings: list[FindingShape]
    bmc_findings: list[BmcFindingShape]
    out_of_band: BmcGpuShape | None
    flags: list[FlagShape]
    thresholds: list[ThresholdShape]
    rules_version: str
