"""The past of a board: what was known then, and nothing that came to light later."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gpuwatch.domain.devices import Board, BoardKey
from gpuwatch.domain.incidents import ErrorKind, ErrorSignal, Incident
from gpuwatch.domain.past import BoardPast, HostPast
from gpuwatch.domain.records import BoardRecord, BoardState, Held, Transition
from gpuwatch.domain.xids import XidAdvice, XidTrace

KEY = BoardKey("1652", "GPU-1")
PENDING = "gpuwatch_gpu_row_remap_pending"


def _signal(at: float, kind: ErrorKind = ErrorKind.ECC, known: float | None = None) -> ErrorSignal:
    return ErrorSignal(board=KEY, kind=kind, at=at, exposure=at / 2, not_after=known)


def _incident(*signals: ErrorSignal) -> Incident:
    first = signals[0]
    return Incident(board=KEY, opened_at=first.at, opened_exposure=first.exposure, signals=signals)


def _past(**changes: object) -> BoardPast:
    record = BoardRecord(
        board=Board(key=KEY),
        slot=None,
        index=0,
        state=BoardState.PRESENT,
        first_seen=100.0,
        last_seen=1000.0,
        exposure_seconds=500.0,
    )
    parts = {name: changes.pop(name) for name in ("transitions", "resets") if name in changes}
    changed = replace(record, **changes)  # type: ignore[arg-type]
    return BoardPast(record=changed, **parts)  # type: ignore[arg-type]


def _at(past: BoardPast, instant: float) -> BoardRecord:
    record = past.at(instant)
    assert record is not None
    return record


def test_a_board_is_not_there_before_it_was_seen() -> None:
    """Nor after it left; an absent one is still expected."""
    left = _past(state=BoardState.LEFT)

    assert (left.at(99.0), left.at(1001.0)) == (None, None)
    assert left.at(500.0) is not None
    assert _past(state=BoardState.ABSENT).at(1001.0) is not None


def test_an_error_found_after_a_gap_is_known_from_its_end_on() -> None:
    """It is dated to the middle of the gap, and nobody knew then."""
    past = _past(incidents=(_incident(_signal(300.0, known=400.0)),))

    assert _at(past, 350.0).incidents == ()
    assert len(_at(past, 400.0).incidents) == 1


def test_an_incident_grows_as_its_signals_come() -> None:
    """Before the owning signal there is none, whatever echoed."""
    echo = _signal(290.0, ErrorKind.XID_94)
    past = _past(incidents=(_incident(_signal(300.0), echo, _signal(320.0, ErrorKind.XID_48)),))

    counts = [
        sum(len(incident.signals) for incident in _at(past, at).incidents)
        for at in (295.0, 300.0, 320.0)
    ]

    assert counts == [0, 2, 3]


def test_an_anchor_that_came_later_dates_the_incident_only_then() -> None:
    """Until then it is dated by what was there."""
    incident = _incident(_signal(300.0, known=400.0), _signal(310.0, ErrorKind.XID_48, known=450.0))
    moved = replace(incident, opened_at=310.0, opened_exposure=155.0)
    past = _past(incidents=(moved,))

    dates = [_at(past, at).incidents[0].opened_at for at in (400.0, 450.0)]

    assert dates == [300.0, 310.0]


def test_values_are_held_as_they_were() -> None:
    """And a reset since then is known only once it happened."""
    past = _past(
        transitions=(Transition(PENDING, 0, 150.0), Transition(PENDING, 1, 300.0)),
        resets=(350.0,),
    )

    held = [_at(past, at).held.get(PENDING) for at in (120.0, 200.0, 320.0, 360.0)]

    assert held == [None, Held(0, 150.0), Held(1, 300.0), Held(1, 300.0, reset_since=True)]
    assert _at(past, 360.0).last_reset_at == 350.0


def test_a_fall_off_the_bus_lasts_until_a_reset() -> None:
    """Later falls are not known yet."""
    past = _past(off_bus_at=(200.0, 400.0), resets=(300.0,))

    fell = [_at(past, at).fell_at for at in (150.0, 250.0, 350.0, 450.0)]

    assert fell == [None, 200.0, None, 400.0]
    assert _at(past, 250.0).off_bus_at == (200.0,)


def test_a_reset_after_an_incident_is_told() -> None:
    """Not one before it, and not one to come."""
    past = _past(incidents=(_incident(_signal(300.0)),), resets=(200.0, 400.0))

    told = [_at(past, at).reset_since_incident for at in (250.0, 350.0, 450.0)]

    assert told == [False, False, True]


@pytest.mark.parametrize(("at", "exposure"), [(100, 0), (200, 75), (300, 150), (650, 325)])
def test_exposure_runs_between_what_is_known_of_it(at: float, exposure: float) -> None:
    """From first sight over every incident to the last sight."""
    past = _past(incidents=(_incident(_signal(300.0)),))

    assert _at(past, at).exposure_seconds == exposure


def test_exposure_stands_still_after_the_last_sight() -> None:
    """Nobody watched."""
    assert _at(_past(), 5000.0).exposure_seconds == 500.0


def test_a_first_sight_after_an_incident_does_not_confuse_the_clock() -> None:
    """Boots whose clocks disagree put dates anywhere."""
    early = _incident(_signal(50.0))

    assert _at(_past(incidents=(early,)), 100.0).exposure_seconds == 0.0


def test_a_trace_of_xids_is_known_as_far_as_it_had_come() -> None:
    """Of one that went on, that it had begun; with the resets that had followed."""
    trace = XidTrace(
        code=119, advice=XidAdvice.RESET, count=7, first_at=200.0, last_at=300.0, resets_since=1
    )
    past = _past(traces={119: (trace,)}, resets=(400.0,))

    told = [_at(past, at).traces[119] for at in (150.0, 250.0, 350.0, 450.0)]

    began = replace(trace, count=1, last_at=200.0, resets_since=0)
    assert told == [(), (began,), (replace(trace, resets_since=0),), (trace,)]
    assert {200.0, 300.0} <= set(past.instants())


@given(
    st.lists(st.floats(100.0, 1000.0), max_size=6),
    st.lists(st.floats(100.0, 1000.0), max_size=4),
    st.floats(100.0, 1000.0),
)
def test_the_future_changes_nothing(errors: list[float], resets: list[float], now: float) -> None:
    """What is known at an instant is the same with and without all that came after it."""
    incidents = tuple(_incident(_signal(at)) for at in sorted(errors))
    whole = _past(incidents=incidents, resets=tuple(sorted(resets)))
    cut = _past(
        incidents=tuple(one for one in incidents if one.opened_at <= now),
        resets=tuple(at for at in sorted(resets) if at <= now),
    )

    seen, expected = _at(whole, now), _at(cut, now)

    assert replace(seen, exposure_seconds=0.0) == replace(expected, exposure_seconds=0.0)


def test_a_host_knows_its_driver_of_then() -> None:
    """The last epoch that had been met."""
    host = HostPast(boards=(_past(),), epochs=((100.0, "570.1"), (300.0, "580.1")))

    assert [host.driver(at) for at in (50.0, 100.0, 299.0, 300.0)] == [
        "",
        "570.1",
        "570.1",
        "580.1",
    ]


def test_instants_are_those_at_which_something_came_to_be_known() -> None:
    """Of the host and of every board."""
    board = _past(
        incidents=(_incident(_signal(300.0, known=400.0)),),
        off_bus_at=(500.0,),
        resets=(600.0,),
        transitions=(Transition(PENDING, 1, 700.0),),
    )
    host = HostPast(boards=(board,), epochs=((110.0, ""),), unattributed=(800.0,))

    assert sorted(host.instants()) == [100.0, 110.0, 400.0, 500.0, 600.0, 700.0, 800.0]
