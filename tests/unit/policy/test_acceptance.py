"""What came in carries load for four hours with nothing wrong, or is refused with the reason."""

from dataclasses import replace

import pytest

from gpuwatch.domain.acceptances import (
    NEEDED_LOAD_SECONDS,
    Acceptance,
    AcceptanceState,
    Candidate,
    Diagnostic,
    DiagnosticResult,
)
from gpuwatch.domain.devices import Board, BoardKey
from gpuwatch.domain.flag_life import ACCEPTANCE_FAILED
from gpuwatch.domain.readings import Gap, GapReason, Value
from gpuwatch.domain.records import BoardRecord, BoardState, Departure
from gpuwatch.domain.verdicts import Finding, Remedy, Scope, Urgency
from gpuwatch.policy.acceptance import (
    Checkup,
    advanced,
    begin,
    best_of,
    is_loaded,
    judge_acceptance,
    poor,
    refusal,
    with_diagnostic,
)
from tests.support.flags import a_flag
from tests.support.views import DAY, KEY, NOW, incident, record

POWER, LIMIT = "gpuwatch_gpu_power_watts", "gpuwatch_gpu_power_limit_watts"
LANES, LINKS = "gpuwatch_gpu_pcie_link_lanes", "gpuwatch_gpu_nvlink_active_links"
ECC = "gpuwatch_gpu_ecc_enabled"
SLOWED = 'gpuwatch_gpu_clocks_event{reason="hw_thermal_slowdown"}'
LOADED = {
    POWER: 350_000,
    LIMIT: 700_000,
    ECC: 1,
    LANES: 16,
    SLOWED: 0,
    'gpuwatch_gpu_clocks_event{reason="sw_thermal_slowdown"}': 0,
}
NEW, TWIN, PEER = (BoardKey(f"165000{n}", f"GPU-{n}") for n in (1, 2, 3))
CANDIDATE = Candidate(key=NEW, faults_before=1)
ACCEPTANCE = Acceptance(flag=14, began_at=NOW.wall, candidates=(CANDIDATE,))
WORN = record(board=Board(key=NEW), incidents=(incident(300),))
CHECKUP = Checkup(record=WORN, readings=LOADED)
DONE = replace(ACCEPTANCE, candidates=(replace(CANDIDATE, load_seconds=NEEDED_LOAD_SECONDS),))
PASSED = Diagnostic(
    name="dcgmi.json",
    sha256="ab" * 32,
    size=1234,
    result=DiagnosticResult.PASSED,
    attached_at=NOW.wall,
    actor="uid 0 (root)",
)


def _finding(code: str, remedy: Remedy) -> Finding:
    return Finding(
        code=code,
        scope=Scope.GPU,
        subject=NEW.uuid,
        urgency=Urgency.PAGE,
        route=Urgency.PAGE,
        remedy=remedy,
        since=NOW.wall,
        sentence="a row remap failed",
        source="gpuwatch heuristic",
    )


@pytest.mark.parametrize(
    ("readings", "loaded"),
    [
        ({POWER: 350_000, LIMIT: 700_000}, True),
        ({POWER: 349_999, LIMIT: 700_000}, False),
        ({POWER: 350_000}, False),
        ({LIMIT: 700_000}, False),
        ({POWER: Gap(GapReason.FAILED), LIMIT: 700_000}, False),
        ({POWER: "much", LIMIT: 700_000}, False),
        ({POWER: 0, LIMIT: 0}, False),
    ],
)
def test_load_is_half_of_the_power_limit(readings: dict[str, object], *, loaded: bool) -> None:
    """What cannot be read is no load."""
    assert is_loaded(readings) is loaded  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("readings", "best", "text"),
    [
        ({}, {}, ""),
        ({ECC: 0}, {}, "ECC is off"),
        ({ECC: 0, SLOWED: Gap(GapReason.FAILED)}, {}, "ECC is off"),
        ({ECC: Gap(GapReason.UNSUPPORTED)}, {}, ""),
        ({LANES: 8}, {LANES: 16.0}, "8 PCIe lanes, its siblings have 16"),
        ({LANES: 16}, {LANES: 16.0}, ""),
        ({LINKS: 17}, {LINKS: 18.0}, "17 NVLinks up, its siblings have 18"),
        ({SLOWED: 1}, {}, "it slows down because it is hot"),
        (
            {"gpuwatch_gpu_temperature_margin_celsius": 4},
            {},
            "it is 4 degrees from slowing down",
        ),
        ({"gpuwatch_gpu_temperature_margin_celsius": 5}, {}, ""),
    ],
)
def test_load_counts_only_while_nothing_is_wrong(
    readings: dict[str, object], best: dict[str, float], text: str
) -> None:
    """Ten seconds of load count for the board, or against it."""
    checkup = Checkup(record=WORN, readings=LOADED | readings, best=best)  # type: ignore[arg-type]

    after = advanced(CANDIDATE, 10.0, checkup)

    assert poor(checkup) == text
    assert (after.load_seconds, after.poor_seconds, after.poor) == (
        (0.0, 10.0, text) if text else (10.0, 0.0, "")
    )


@pytest.mark.parametrize(
    ("readings", "best"),
    [
        ({ECC: Gap(GapReason.TIMED_OUT)}, {}),
        ({SLOWED: Gap(GapReason.DENIED)}, {}),
        ({LINKS: Gap(GapReason.FAILED)}, {LINKS: 18.0}),
        ({}, {LINKS: 18.0}),
    ],
)
def test_load_proves_nothing_while_what_may_be_wrong_cannot_be_read(
    readings: dict[str, object], best: dict[str, float]
) -> None:
    """Unknown is not well: neither for the board nor against it."""
    checkup = Checkup(record=WORN, readings=LOADED | readings, best=best)  # type: ignore[arg-type]

    assert advanced(CANDIDATE, 10.0, checkup) == CANDIDATE


def test_the_best_of_the_siblings_is_what_one_of_them_reaches() -> None:
    """Gaps and boards that do not tell are left out."""
    siblings: tuple[dict[str, Value | Gap], ...] = (
        {LANES: 8},
        {LANES: 16, LINKS: Gap(GapReason.FAILED)},
        {LANES: 4},
    )

    assert best_of(siblings) == {LANES: 16.0}


def test_four_hours_without_a_diagnostic_leave_it_unproven() -> None:
    """The load proves much, and not all."""
    decided = judge_acceptance(DONE, (CHECKUP,), NOW.wall)

    assert (decided.state, decided.decided_at) == (AcceptanceState.ACCEPTED_UNPROVEN, NOW.wall)
    assert decided.sentence == (
        "4.0 h at half of the power limit or more without an incident; no diagnostic's result is"
        " attached"
    )


def test_four_hours_and_a_diagnostic_that_passed_accept_it() -> None:
    """The outcome names the file."""
    decided = judge_acceptance(replace(DONE, diagnostic=PASSED), (CHECKUP,), NOW.wall)

    assert decided.state is AcceptanceState.ACCEPTED
    assert decided.sentence.endswith("without an incident, and dcgmi.json passed")


def test_less_load_decides_nothing() -> None:
    """A diagnostic alone is not enough."""
    waiting = replace(ACCEPTANCE, diagnostic=PASSED)

    assert judge_acceptance(waiting, (CHECKUP,), NOW.wall) is waiting


@pytest.mark.parametrize(
    ("candidate", "checkup", "reason"),
    [
        (
            CANDIDATE,
            replace(CHECKUP, record=record(incidents=(incident(300), incident(0.1)))),
            "1650001: an uncorrectable error or a fall off the bus during its acceptance",
        ),
        (
            CANDIDATE,
            replace(CHECKUP, record=replace(WORN, off_bus_at=(NOW.wall,))),
            "1650001: an uncorrectable error or a fall off the bus during its acceptance",
        ),
        (
            replace(CANDIDATE, poor_seconds=600.0, poor="ECC is off"),
            CHECKUP,
            "1650001: ECC is off, for 10 min under load",
        ),
        (
            CANDIDATE,
            replace(CHECKUP, findings=(_finding("row-remap-failed", Remedy.REPLACE),)),
            "1650001: a row remap failed",
        ),
    ],
)
def test_one_fault_refuses_it_however_long_it_ran(
    candidate: Candidate, checkup: Checkup, reason: str
) -> None:
    """Which board, and why."""
    running = replace(ACCEPTANCE, candidates=(candidate,))

    decided = judge_acceptance(running, (checkup,), NOW.wall)

    assert (decided.state, decided.sentence) == (AcceptanceState.FAILED, reason)
    assert refusal(running, (checkup,)) == (NEW, reason)


def test_a_failed_diagnostic_refuses_what_came_in() -> None:
    """Whatever the counters say."""
    failed = replace(PASSED, result=DiagnosticResult.FAILED)

    decided = judge_acceptance(replace(DONE, diagnostic=failed), (CHECKUP,), NOW.wall)

    assert (decided.state, decided.sentence) == (
        AcceptanceState.FAILED,
        "the diagnostic dcgmi.json failed",
    )


@pytest.mark.parametrize(
    "finding",
    [_finding("recovery-action", Remedy.RESET), _finding(ACCEPTANCE_FAILED, Remedy.REPLACE)],
)
def test_what_asks_for_no_replacement_refuses_nothing(finding: Finding) -> None:
    """Nor does that it was refused before."""
    assert refusal(ACCEPTANCE, (replace(CHECKUP, findings=(finding,)),)) is None


def test_a_diagnostic_may_come_late() -> None:
    """It proves what was accepted unproven; while the acceptance runs it waits for the load."""
    late = replace(DONE, state=AcceptanceState.ACCEPTED_UNPROVEN)

    assert with_diagnostic(late, PASSED).state is AcceptanceState.ACCEPTED
    assert with_diagnostic(ACCEPTANCE, PASSED).state is AcceptanceState.RUNNING
    assert with_diagnostic(ACCEPTANCE, PASSED).diagnostic == PASSED


def test_a_diagnostic_that_changes_nothing_is_refused() -> None:
    """A failed acceptance has its flag, an accepted board its findings."""
    failed = replace(DONE, state=AcceptanceState.FAILED)
    accepted = replace(DONE, state=AcceptanceState.ACCEPTED)

    with pytest.raises(ValueError, match="the acceptance failed: see the flag"):
        with_diagnostic(failed, PASSED)
    with pytest.raises(ValueError, match="accepted before: nothing can be undone"):
        with_diagnostic(accepted, replace(PASSED, result=DiagnosticResult.FAILED))


def _gone(**changes: object) -> BoardRecord:
    left = record(state=BoardState.LEFT, departure=Departure.REPLACED, successor=NEW)
    return replace(left, **changes)  # type: ignore[arg-type]


def _came(key: BoardKey, days_ago: float = 0.01, **changes: object) -> BoardRecord:
    return record(board=Board(key=key), first_seen=NOW.wall - days_ago * DAY, **changes)


def _candidates(fru: str, *records: BoardRecord) -> list[BoardKey] | None:
    known = {one.key: one for one in records}
    begun = begin(a_flag(board=KEY, fru=fru), records[0], known, NOW.wall)
    return None if begun is None else [candidate.key for candidate in begun.candidates]


def test_a_module_is_accepted_with_all_its_gpus() -> None:
    """Its incidents of before are written down, and not held against it."""
    twin = _came(BoardKey(NEW.serial, "GPU-twin"))
    came = _came(NEW, incidents=(incident(3),))
    known = {one.key: one for one in (_gone(), came, twin, _came(PEER))}

    begun = begin(a_flag(board=KEY, fru="module"), _gone(), known, NOW.wall)

    assert begun is not None
    assert begun.candidates == (
        Candidate(key=NEW, faults_before=1),
        Candidate(key=twin.key),
    )


def test_what_came_in_place_of_one_piece_is_accepted_as_one() -> None:
    """Boards that came at another time, and such that nothing left for, are not part of it."""
    along = record(
        board=Board(key=BoardKey("1", "GPU-old")),
        state=BoardState.LEFT,
        departure=Departure.WITH_FRU,
        successor=TWIN,
    )

    both = _candidates("baseboard", _gone(), _came(NEW), along, _came(TWIN), _came(PEER))
    single = _candidates("module", _gone(), _came(NEW), along, _came(TWIN), _came(PEER))
    later = _candidates("baseboard", _gone(), _came(NEW), along, _came(TWIN, 1.0))

    assert (both, single, later) == ([NEW, TWIN], [NEW], [NEW])


def test_a_board_that_came_back_arrived_when_it_did() -> None:
    """A spare that had been here before is new in this slot."""
    spare = _came(NEW, 300.0, returned_at=NOW.wall - 60)

    assert _candidates("module", _gone(), spare) == [NEW]


def test_nothing_is_accepted_while_nothing_came_in() -> None:
    """The slot is empty, or who is in it has been forgotten."""
    assert _candidates("module", _gone(successor=None)) is None
    assert _candidates("module", _gone()) is None


def test_a_successor_that_has_left_again_is_still_what_came_in() -> None:
    """Until something replaces it in turn."""
    assert _candidates("module", _gone(), _came(NEW, state=BoardState.LEFT)) == [NEW]
