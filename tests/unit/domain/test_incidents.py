"""Signals gather into incidents: anchored, order-proof, charged to the owning board."""

import os
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gpuwatch.domain.devices import BoardKey
from gpuwatch.domain.incidents import (
    Assignment,
    ErrorKind,
    ErrorSignal,
    Incident,
    Memory,
    Outcome,
    adopt,
    assign,
)

EXAMPLES = 4_000 if os.environ.get("GPUWATCH_SOAK") else 60
BOARD = BoardKey("1650", "GPU-a")
OTHER = BoardKey("1651", "GPU-b")
HOUR = 3600.0
DAY = 24 * HOUR


def _xid(at: float, kind: ErrorKind = ErrorKind.XID_48, board: BoardKey = BOARD) -> ErrorSignal:
    return ErrorSignal(board=board, kind=kind, at=at, exposure=at / 2)


def _counter(not_before: float, not_after: float, memory: Memory = Memory.UNKNOWN) -> ErrorSignal:
    middle = (not_before + not_after) / 2
    return ErrorSignal(
        board=BOARD,
        kind=ErrorKind.ECC,
        at=middle,
        exposure=middle / 2,
        memory=memory,
        not_before=not_before,
        not_after=not_after,
    )


def _gather(
    signals: list[ErrorSignal] | tuple[ErrorSignal, ...], resets: tuple[float, ...] = ()
) -> tuple[Incident, ...]:
    incidents: tuple[Incident, ...] = ()
    for signal in signals:
        incidents = assign(incidents, signal, resets).incidents
    return incidents


def _anchors(incidents: tuple[Incident, ...]) -> list[float]:
    return [incident.opened_at for incident in incidents]


def _own(signals: list[ErrorSignal]) -> list[ErrorSignal]:
    return [signal for signal in signals if not signal.is_echo]


INSTANTS = st.integers(0, 60 * 24).map(lambda hours: hours * HOUR)
RESETS = st.lists(INSTANTS, max_size=8).map(tuple)
EXACT = st.builds(_xid, at=INSTANTS)
COUNTED = st.builds(
    lambda at, length: _counter(at, at + length), INSTANTS, st.sampled_from([10.0, DAY, 20 * DAY])
)
ECHO = st.builds(_xid, at=INSTANTS, kind=st.just(ErrorKind.XID_94))
SIGNALS = st.lists(st.one_of(EXACT, COUNTED, ECHO), max_size=14)


@settings(max_examples=EXAMPLES, deadline=None)
@given(signals=SIGNALS, resets=RESETS)
def test_no_signal_is_lost_or_charged_twice(
    signals: list[ErrorSignal], resets: tuple[float, ...]
) -> None:
    """Every owning signal is in exactly one incident; every echo in one at most."""
    incidents: tuple[Incident, ...] = ()
    kept = []
    for signal in signals:
        assignment = assign(incidents, signal, resets)
        if assignment.outcome is not Outcome.ECHO_ALONE:
            kept.append(signal)
        incidents = assignment.incidents

    held = [signal for incident in incidents for signal in incident.signals]
    assert sorted(held, key=repr) == sorted(kept, key=repr)
    assert len(_own(held)) == len(_own(signals))


@settings(max_examples=EXAMPLES, deadline=None)
@given(signals=SIGNALS, resets=RESETS)
def test_anchors_are_in_order_and_a_day_apart(
    signals: list[ErrorSignal], resets: tuple[float, ...]
) -> None:
    """No two incidents of a board begin within 24 h of each other, whatever arrives when."""
    incidents: tuple[Incident, ...] = ()
    for signal in signals:
        incidents = assign(incidents, signal, resets).incidents

        anchors = _anchors(incidents)
        assert all(later - earlier >= DAY for earlier, later in pairwise(anchors))


@settings(max_examples=EXAMPLES, deadline=None)
@given(signals=SIGNALS, resets=RESETS)
def test_an_incident_is_dated_by_one_of_its_owning_signals(
    signals: list[ErrorSignal], resets: tuple[float, ...]
) -> None:
    """Its anchor and its exposure come from the same owning signal."""
    for incident in _gather(signals, resets):
        assert incident.anchor in incident.owners
        assert incident.opened_at == incident.anchor.at
        assert incident.opened_exposure == incident.anchor.exposure


@settings(max_examples=EXAMPLES, deadline=None)
@given(signals=SIGNALS, resets=RESETS)
def test_members_never_leave_their_incident(
    signals: list[ErrorSignal], resets: tuple[float, ...]
) -> None:
    """A later signal adds one member to one incident, or one incident; nothing else moves."""
    incidents: tuple[Incident, ...] = ()
    for signal in signals:
        assignment = assign(incidents, signal, resets)

        expected = [incident.signals for incident in incidents]
        if assignment.outcome is Outcome.OPENED:
            assert assignment.index is not None
            expected.insert(assignment.index, (signal,))
        elif assignment.outcome is Outcome.EXTENDED:
            assert assignment.index is not None
            expected[assignment.index] = (*expected[assignment.index], signal)
        incidents = assignment.incidents
        assert [incident.signals for incident in incidents] == expected


@settings(max_examples=EXAMPLES, deadline=None)
@given(data=st.data(), resets=RESETS)
def test_a_burst_is_one_incident_in_any_order(
    data: st.DataObject, resets: tuple[float, ...]
) -> None:
    """Signals within one day are one incident; the earliest exact one dates it."""
    hours = data.draw(st.lists(st.integers(0, 23), min_size=1, max_size=6))
    burst = data.draw(st.permutations([_xid(hour * HOUR) for hour in hours]))

    incidents = _gather(burst, resets)

    assert _anchors(incidents) == [min(hours) * HOUR]


@settings(max_examples=EXAMPLES, deadline=None)
@given(data=st.data(), resets=RESETS)
def test_bursts_more_than_a_week_apart_never_mix_in_any_order(
    data: st.DataObject, resets: tuple[float, ...]
) -> None:
    """Each burst is its own incident, whatever the order in which signals are found."""
    weeks = data.draw(st.lists(st.integers(0, 5), min_size=1, max_size=4, unique=True))
    bursts = [_xid(week * 8 * DAY + hour * HOUR) for week in weeks for hour in (0, 5, 23)]
    shuffled = data.draw(st.permutations(bursts))

    incidents = _gather(shuffled, resets)

    assert _anchors(incidents) == [week * 8 * DAY for week in sorted(weeks)]


@settings(max_examples=EXAMPLES, deadline=None)
@given(
    earlier=st.lists(EXACT, max_size=6),
    resets=RESETS,
    start=st.integers(0, 60 * 24 * 60).map(lambda minutes: minutes * 60.0 + 1.0),
    length=st.floats(1.0, 12 * HOUR),
    part=st.floats(0.0, 1.0),
)
def test_an_interval_and_its_instant_meet_in_either_order(
    earlier: list[ErrorSignal],
    resets: tuple[float, ...],
    start: float,
    length: float,
    part: float,
) -> None:
    """A counter seen to rise between two sweeps and the log line in between are one incident."""
    counter = _counter(start, start + length)
    line = _xid(min(start + part * length, start + length), ErrorKind.XID_171)
    before = tuple(
        signal for signal in earlier if not counter.earliest <= signal.at <= counter.latest
    )

    for order in ((counter, line), (line, counter)):
        together = [
            incident
            for incident in _gather((*before, *order), resets)
            if counter in incident.signals or line in incident.signals
        ]
        assert len(together) == 1


@settings(max_examples=EXAMPLES, deadline=None)
@given(
    data=st.data(),
    length=st.floats(1.0, 30 * DAY),
    part=st.floats(0.0, 1.0),
    resets=RESETS,
)
def test_an_occurrence_is_dated_by_its_instant_in_either_order(
    data: st.DataObject, length: float, part: float, resets: tuple[float, ...]
) -> None:
    """Whichever report comes first, the incident opens at the log line's instant."""
    line = _xid(min(part * length, length))
    order = data.draw(st.permutations([_counter(0.0, length), line]))

    incidents = _gather(order, resets)

    assert _anchors(incidents) == [line.at]
    assert incidents[0].opened_exposure == line.exposure


@settings(max_examples=EXAMPLES, deadline=None)
@given(echoes=st.lists(ECHO, max_size=10), resets=RESETS)
def test_echoes_alone_never_open(echoes: list[ErrorSignal], resets: tuple[float, ...]) -> None:
    """A board that reports only somebody else's memory has no incident."""
    assert _gather(echoes, resets) == ()


def test_a_signal_within_a_day_joins_even_after_a_reset() -> None:
    """A reset does not split what happens within 24 h."""
    incidents = _gather([_xid(0.0), _xid(DAY - 1)], resets=(HOUR,))

    assert _anchors(incidents) == [0.0]


def test_a_signal_after_a_day_and_a_reset_opens_another() -> None:
    """Exactly 24 h later, with a reset in between, is a new incident."""
    incidents = _gather([_xid(0.0), _xid(DAY)], resets=(HOUR,))

    assert _anchors(incidents) == [0.0, DAY]


def test_a_week_without_a_reset_is_one_incident() -> None:
    """Until a reset is evidenced errors may be of one damaged row; a week ends that."""
    incidents = _gather([_xid(0.0), _xid(7 * DAY - 1), _xid(7 * DAY)])

    assert _anchors(incidents) == [0.0, 7 * DAY]


@pytest.mark.parametrize(
    ("reset", "expected"), [(0.0, 1), (1.0, 2), (2 * DAY, 2), (2 * DAY + 1, 1)]
)
def test_a_reset_counts_after_the_anchor_up_to_the_signal(reset: float, expected: int) -> None:
    """A reset at the anchor itself, or after the signal, separates nothing."""
    incidents = _gather([_xid(0.0), _xid(2 * DAY)], resets=(reset,))

    assert len(incidents) == expected


def test_absorption_is_anchored_not_chained() -> None:
    """Three signals 20 h apart: the third is 40 h from the anchor and opens another incident."""
    resets = (HOUR, 21 * HOUR, 39 * HOUR)

    incidents = _gather([_xid(0.0), _xid(20 * HOUR), _xid(40 * HOUR)], resets)

    assert _anchors(incidents) == [0.0, 40 * HOUR]


def test_a_signal_older_than_every_incident_makes_its_own() -> None:
    """The Xid before a crash, found in the previous boot's log, leaves later incidents alone."""
    later = _gather([_xid(30 * DAY), _xid(30 * DAY + HOUR)])

    assignment = assign(later, _xid(10 * DAY), (20 * DAY,))

    assert (assignment.outcome, assignment.index) == (Outcome.OPENED, 0)
    assert assignment.incidents[1:] == later


def test_a_signal_between_two_incidents_makes_its_own_in_order() -> None:
    """Incidents stay in time order when one is found late."""
    incidents = _gather([_xid(0.0), _xid(60 * DAY)])

    assignment = assign(incidents, _xid(30 * DAY), ())

    assert (assignment.outcome, assignment.index) == (Outcome.OPENED, 1)
    assert _anchors(assignment.incidents) == [0.0, 30 * DAY, 60 * DAY]


def test_a_signal_found_late_becomes_the_anchor_of_what_it_began() -> None:
    """Five minutes older than the known incident: its beginning, not a second incident."""
    incidents = _gather([_xid(HOUR), _xid(HOUR - 300)])

    assert _anchors(incidents) == [HOUR - 300]
    assert incidents[0].opened_exposure == (HOUR - 300) / 2
    assert incidents[0].signals[0].at == HOUR


def test_an_instant_inside_the_interval_dates_the_incident() -> None:
    """A jump across ten blind days is dated to the middle until the log says the fifth hour."""
    blind = _gather([_counter(0.0, 10 * DAY)])

    dated = assign(blind, _xid(5 * HOUR), ())

    assert _anchors(blind) == [5 * DAY]
    assert _anchors(dated.incidents) == [5 * HOUR]
    assert dated.outcome is Outcome.EXTENDED


def test_an_interval_already_explained_attracts_nothing_more() -> None:
    """Two log lines with a reset between them inside one blind interval are two incidents."""
    incidents = _gather([_counter(0.0, 10 * DAY), _xid(3 * DAY), _xid(8 * DAY)], (5 * DAY,))

    assert _anchors(incidents) == [3 * DAY, 8 * DAY]


def test_an_instant_too_near_another_incident_does_not_move_the_anchor() -> None:
    """The two reports still meet; the guess stays, so that anchors stay a day apart."""
    first = _xid(-HOUR)
    incidents = _gather([first, _counter(0.0, 10 * DAY)], resets=(DAY,))

    met = assign(incidents, _xid(HOUR), (DAY,))

    assert met.index == 1
    assert _anchors(met.incidents) == [-HOUR, 5 * DAY]


def test_an_instant_behind_a_later_incident_does_not_move_the_anchor() -> None:
    """An anchor never jumps over its neighbour: incidents stay in time order."""
    blind = Incident(
        board=BOARD,
        opened_at=5 * DAY,
        opened_exposure=0.0,
        signals=(_counter(0.0, 10 * DAY),),
    )
    later = Incident(board=BOARD, opened_at=7 * DAY, opened_exposure=0.0, signals=(_xid(7 * DAY),))

    met = assign((blind, later), _xid(9 * DAY), ())

    assert (met.index, _anchors(met.incidents)) == (0, [5 * DAY, 7 * DAY])


def test_overlapping_intervals_meet_without_moving_the_anchor() -> None:
    """Two counters with different last good readings tell of one occurrence."""
    incidents = _gather([_counter(0.0, 20 * DAY), _counter(-20 * DAY, 20 * DAY)], (HOUR,))

    assert _anchors(incidents) == [10 * DAY]


def test_an_interval_around_two_incidents_joins_the_nearer() -> None:
    """A jump across days in which the log knows two incidents is charged once, to one of them."""
    known = _gather([_xid(3 * DAY), _xid(6 * DAY)], (5 * DAY,))

    assignment = assign(known, _counter(0.0, 10 * DAY), (5 * DAY,))

    assert (assignment.outcome, assignment.index) == (Outcome.EXTENDED, 1)
    assert _anchors(assignment.incidents) == [3 * DAY, 6 * DAY]


def test_intervals_that_only_touch_are_two_looks() -> None:
    """Two blind spans in a row, an error seen after each: two incidents when a reset parts them."""
    incidents = _gather([_counter(0.0, 4 * DAY), _counter(4 * DAY, 8 * DAY)], (4 * DAY,))

    assert _anchors(incidents) == [2 * DAY, 6 * DAY]


def test_an_interval_that_began_earlier_dates_what_it_would_have_absorbed() -> None:
    """A counter seen to rise just before a known incident is its beginning."""
    incidents = _gather([_xid(HOUR), _counter(HOUR - 20, HOUR - 10)])

    assert _anchors(incidents) == [HOUR - 15]


def test_an_echo_attaches_within_two_minutes_either_way() -> None:
    """Xid 94 follows its owner by 120 s or precedes it by as much; a second more is too far."""
    incidents = _gather([_xid(1000.0)])

    outcomes = [
        assign(incidents, _xid(at, ErrorKind.XID_94), ()).outcome
        for at in (880.0, 1120.0, 879.0, 1121.0)
    ]

    assert outcomes == [Outcome.EXTENDED, Outcome.EXTENDED, Outcome.ECHO_ALONE, Outcome.ECHO_ALONE]


def test_an_echo_alone_changes_nothing() -> None:
    """Without an owner it is an event, and no incident is touched."""
    incidents = _gather([_xid(0.0)])

    assert assign(incidents, _xid(HOUR, ErrorKind.POISON), ()) == Assignment(
        Outcome.ECHO_ALONE, incidents, None
    )


def test_an_echo_attaches_to_any_owning_signal_of_the_incident() -> None:
    """Not only to the anchor: hours later the counter rises again and the echo comes with it."""
    incidents = _gather([_xid(0.0), _counter(5 * HOUR, 5 * HOUR + 10)])

    echoed = assign(incidents, _xid(5 * HOUR + 12, ErrorKind.XID_95), ())

    assert (echoed.outcome, echoed.index) == (Outcome.EXTENDED, 0)


def test_an_echo_attaches_to_no_other_echo() -> None:
    """Echoes do not chain away from their owner."""
    incidents = _gather([_xid(0.0), _xid(100.0, ErrorKind.XID_94)])

    assert assign(incidents, _xid(200.0, ErrorKind.XID_94), ()).outcome is Outcome.ECHO_ALONE


def test_an_echo_chooses_the_nearest_incident() -> None:
    """Two incidents a day apart: the echo goes to the one beside it."""
    incidents = _gather([_xid(0.0), _xid(DAY - 100), _xid(DAY)], resets=(HOUR,))

    assert assign(incidents, _xid(DAY - 10, ErrorKind.XID_94), ()).index == 1


def test_an_incident_adopts_the_echoes_that_came_before_it() -> None:
    """Near echoes join; far ones, another board's and owning signals come back."""
    (incident,) = _gather([_xid(1000.0)])
    near = _xid(950.0, ErrorKind.XID_94)
    rest = (
        _xid(100.0, ErrorKind.XID_94),
        _xid(1000.0, ErrorKind.XID_94, OTHER),
        _xid(1001.0, ErrorKind.XID_171),
    )

    adopted, returned = adopt(incident, (near, *rest))

    assert adopted.signals == (*incident.signals, near)
    assert returned == rest
    assert adopted.opened_at == 1000.0


def test_another_boards_signal_is_refused() -> None:
    """Charging the wrong board is an error, not a judgement."""
    incidents = _gather([_xid(0.0)])

    with pytest.raises(ValueError, match="another board cannot absorb a signal of 1651/GPU-b"):
        assign(incidents, _xid(1.0, board=OTHER), ())


def test_an_echo_cannot_open_an_incident() -> None:
    """An incident built around an echo is unbuildable."""
    with pytest.raises(ValueError, match="opened by an owning signal"):
        Incident(
            board=BOARD,
            opened_at=0.0,
            opened_exposure=0.0,
            signals=(_xid(0.0, ErrorKind.XID_94),),
        )


def test_a_signal_of_no_error_is_unbuildable() -> None:
    """A counter that did not rise is no signal."""
    with pytest.raises(ValueError, match="at least one error, not 0"):
        ErrorSignal(board=BOARD, kind=ErrorKind.ECC, at=0.0, exposure=0.0, count=0)


@pytest.mark.parametrize(
    ("memories", "expected"),
    [
        ((Memory.UNKNOWN,), Memory.UNKNOWN),
        ((Memory.UNKNOWN, Memory.SRAM), Memory.SRAM),
        ((Memory.SRAM, Memory.DRAM), Memory.DRAM),
    ],
)
def test_an_incident_names_the_memory_its_signals_name(
    memories: tuple[Memory, ...], expected: Memory
) -> None:
    """DRAM before SRAM when both are named, unknown when none is."""
    (incident,) = _gather([_counter(0.0, 10.0, memory) for memory in memories])

    assert incident.memory is expected
    assert incident.last_at == 5.0
