"""Acceptance: has what came in carried load for long enough, without anything being wrong?"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from gpuwatch.domain.acceptances import (
    NEEDED_LOAD_SECONDS,
    Acceptance,
    AcceptanceState,
    Candidate,
    Diagnostic,
    DiagnosticResult,
)
from gpuwatch.domain.devices import BoardKey, Fru, same_board
from gpuwatch.domain.flag_life import ACCEPTANCE_FAILED
from gpuwatch.domain.flags import Flag
from gpuwatch.domain.readings import Gap, GapReason, Value
from gpuwatch.domain.records import BoardRecord, BoardState, Departure
from gpuwatch.domain.verdicts import Finding, Remedy

LOAD_SHARE = 0.5  # of the power limit
POOR_SECONDS = 600.0  # under load: a link may train late, one hot minute is no verdict
LEAST_MARGIN_CELSIUS = 5.0
_TOGETHER_SECONDS = 60.0
_AS_ONE_PIECE = frozenset({Departure.WITH_FRU, Departure.PLATFORM_CHANGED})

POWER = "gpuwatch_gpu_power_watts"
LIMIT = "gpuwatch_gpu_power_limit_watts"
ECC = "gpuwatch_gpu_ecc_enabled"
MARGIN = "gpuwatch_gpu_temperature_margin_celsius"
SLOWED = tuple(
    f'gpuwatch_gpu_clocks_event{{reason="{reason}"}}'
    for reason in ("hw_thermal_slowdown", "sw_thermal_slowdown")
)
# What is to be as good as on the best of its siblings, with the words for it.
BEST = {
    "gpuwatch_gpu_pcie_link_lanes": "PCIe lanes",
    "gpuwatch_gpu_pcie_link_generation": "as PCIe generation",
    "gpuwatch_gpu_nvlink_active_links": "NVLinks up",
}

Readings = Mapping[str, Value | Gap]


@dataclass(frozen=True, slots=True, kw_only=True)
class Checkup:
    """One board that came in as it is now: what is remembered, its fresh readings, its findings.

    `best` are the greatest readings of `BEST` among boards of its part number in this host.
    """

    record: BoardRecord
    readings: Readings = field(default_factory=dict)
    best: Mapping[str, float] = field(default_factory=dict)
    findings: tuple[Finding, ...] = ()


def begin(
    flag: Flag, gone: BoardRecord, records: Mapping[BoardKey, BoardRecord], now: float
) -> Acceptance | None:
    """The acceptance of what came in for the flagged board `gone`; None when nothing is there.

    Everything that came at the same time counts that is on the successor's board, or is in the
    place of what left with the flagged one as one piece.
    """
    successor = None if gone.successor is None else records.get(gone.successor)
    if successor is None:
        return None
    along = {
        record.successor
        for record in records.values()
        if record.departure in _AS_ONE_PIECE and flag.fru not in ("", Fru.MODULE)
    }
    came_in = [
        record
        for record in records.values()
        if record.state is not BoardState.LEFT
        and abs(_arrival(record) - _arrival(successor)) < _TOGETHER_SECONDS
        and (same_board(record.key, successor.key) or record.key in along)
    ]
    candidates = tuple(
        Candidate(key=record.key, faults_before=faults_of(record))
        for record in sorted(came_in or [successor], key=lambda one: one.key != successor.key)
    )
    return Acceptance(flag=flag.number, began_at=now, candidates=candidates)


def _arrival(record: BoardRecord) -> float:
    return record.first_seen if record.returned_at is None else record.returned_at


def faults_of(record: BoardRecord) -> int:
    """Incidents and falls off the bus of a board, ever."""
    return len(record.incidents) + len(record.off_bus_at)


def best_of(boards: Iterable[Readings]) -> dict[str, float]:
    """The greatest reading of each signal in `BEST` among boards that should be alike."""
    best: dict[str, float] = {}
    for readings in boards:
        for name in BEST:
            if (number := _number(readings, name)) is not None:
                best[name] = max(number, best.get(name, number))
    return best


def is_loaded(readings: Readings) -> bool:
    """Whether a board draws at least half of the power that it may."""
    power, limit = _number(readings, POWER), _number(readings, LIMIT)
    return power is not None and limit is not None and power >= LOAD_SHARE * limit > 0


def poor(checkup: Checkup) -> str:
    """What is wrong with a board that carries load, for people; "" when nothing is."""
    return next((text for check in _CHECKS if (text := check(checkup))), "")


def advanced(candidate: Candidate, seconds: float, checkup: Checkup) -> Candidate:
    """The candidate after so many more seconds of exposure under load.

    They count for nothing while something cannot be read that could speak against it.
    """
    wrong = poor(checkup)
    if wrong:
        return replace(candidate, poor_seconds=candidate.poor_seconds + seconds, poor=wrong)
    if _is_untold(checkup):
        return candidate
    return replace(candidate, load_seconds=candidate.load_seconds + seconds, poor="")


def judge_acceptance(acceptance: Acceptance, checkups: Sequence[Checkup], now: float) -> Acceptance:
    """The acceptance with its outcome once it has one; `checkups` are in its candidates' order.

    One fault fails it at once. Enough load on every board passes it: accepted with a diagnostic
    that passed, accepted unproven without one.
    """
    refused = refusal(acceptance, checkups)
    if refused is not None:
        return acceptance.decided(AcceptanceState.FAILED, refused[1], now)
    if acceptance.load_seconds < NEEDED_LOAD_SECONDS:
        return acceptance
    hours = f"{acceptance.load_seconds / 3600:.1f} h at half of the power limit or more"
    if acceptance.diagnostic is None:
        text = f"{hours} without an incident; no diagnostic's result is attached"
        return acceptance.decided(AcceptanceState.ACCEPTED_UNPROVEN, text, now)
    text = f"{hours} without an incident, and {acceptance.diagnostic.name} passed"
    return acceptance.decided(AcceptanceState.ACCEPTED, text, now)


def refusal(acceptance: Acceptance, checkups: Sequence[Checkup]) -> tuple[BoardKey, str] | None:
    """Which board is refused, and why; None while nothing speaks against any."""
    for candidate, checkup in zip(acceptance.candidates, checkups, strict=True):
        if fault := _fault(candidate, checkup):
            return candidate.key, f"{candidate.key.serial or candidate.key.uuid}: {fault}"
    told = acceptance.diagnostic
    if told is not None and told.result is DiagnosticResult.FAILED:
        return acceptance.candidates[0].key, f"the diagnostic {told.name} failed"
    return None


def with_diagnostic(acceptance: Acceptance, diagnostic: Diagnostic) -> Acceptance:
    """The acceptance with a diagnostic's result; one that comes late proves an unproven board.

    Raises ValueError for an acceptance that failed, and for a failed result that comes late.
    """
    if acceptance.state is AcceptanceState.FAILED:
        raise ValueError("the acceptance failed: see the flag that was raised for the board")
    late = acceptance.state is not AcceptanceState.RUNNING
    if late and diagnostic.result is DiagnosticResult.FAILED:
        raise ValueError("the board was accepted before: nothing can be undone, watch its findings")
    attached = replace(acceptance, diagnostic=diagnostic)
    return replace(attached, state=AcceptanceState.ACCEPTED) if late else attached


def _fault(candidate: Candidate, checkup: Checkup) -> str:
    """Why a board that came in is refused; "" when nothing speaks against it."""
    if faults_of(checkup.record) > candidate.faults_before:
        return "an uncorrectable error or a fall off the bus during its acceptance"
    if candidate.poor_seconds >= POOR_SECONDS:
        return f"{candidate.poor}, for {candidate.poor_seconds / 60:.0f} min under load"
    found = (
        finding.sentence
        for finding in checkup.findings
        if finding.remedy is Remedy.REPLACE and finding.code != ACCEPTANCE_FAILED
    )
    return next(found, "")


def _is_untold(checkup: Checkup) -> bool:
    wanted = (ECC, *SLOWED, *(name for name in BEST if name in checkup.best))
    return any(_is_blank(checkup.readings.get(name)) for name in wanted)


def _is_blank(value: Value | Gap | None) -> bool:
    """Whether a board that has this signal does not tell it."""
    return value is None or (isinstance(value, Gap) and value.reason is not GapReason.UNSUPPORTED)


def _ecc(checkup: Checkup) -> str:
    return "ECC is off" if _number(checkup.readings, ECC) == 0 else ""


def _links(checkup: Checkup) -> str:
    for name, words in BEST.items():
        number, best = _number(checkup.readings, name), checkup.best.get(name)
        if number is not None and best is not None and number < best:
            return f"{number:g} {words}, its siblings have {best:g}"
    return ""


def _temperature(checkup: Checkup) -> str:
    if any(_number(checkup.readings, name) == 1 for name in SLOWED):
        return "it slows down because it is hot"
    margin = _number(checkup.readings, MARGIN)
    if margin is not None and margin < LEAST_MARGIN_CELSIUS:
        return f"it is {margin:g} degrees from slowing down"
    return ""


_CHECKS: tuple[Callable[[Checkup], str], ...] = (_ecc, _links, _temperature)


def _number(readings: Readings, name: str) -> float | None:
    value = readings.get(name)
    return None if value is None or isinstance(value, Gap | str) else float(value)
