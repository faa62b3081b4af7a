"""Boards that are swapped: alone, with what is one piece with them, or with the whole platform."""

from dataclasses import replace
from pathlib import Path

import pytest

from gpuwatch.domain.devices import Device
from gpuwatch.domain.events import Event, EventKind
from gpuwatch.domain.flags import Flag, FlagState
from gpuwatch.domain.records import BoardState, Departure
from gpuwatch.domain.verdicts import RmaStanding, Urgency
from tests.support.flags import DEED
from tests.support.histories import Bench, HandClock, board_key, device

ABSENT, LEFT, PRESENT = BoardState.ABSENT, BoardState.LEFT, BoardState.PRESENT


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    """A host of eight boards, 0 to 7 in their slots."""
    return Bench.open(tmp_path / "history.db", boards=8)


def _flag(number: int, state: FlagState = FlagState.OPEN, fru: str = "module") -> Flag:
    return Flag(
        board=board_key(number),
        code="rising-uncorrectable-trend",
        urgency=Urgency.WINDOW,
        sentence="2 incidents.",
        raised_at=1.0,
        evidence_at=1.0,
        due_at=2.0,
        rma=RmaStanding.NEEDS_FIELD_DIAGNOSTIC,
        state=state,
        fru=fru,
    )


def _boot(bench: Bench, *devices: Device) -> tuple[Event, ...]:
    """Another boot finds these boards."""
    bench.clock.boot(f"boot-{bench.clock.wall:.0f}")
    return bench.history.take_inventory(devices, bench.clock.now())


def _with(**places: int) -> list[Device]:
    """Boards 0 to 7 in their slots, but for `s2=9`: board 9 in slot 2; -1 leaves it empty."""
    sits = {slot: places.get(f"s{slot}", slot) for slot in range(8)}
    return [device(number, slot) for slot, number in sits.items() if number >= 0]


def _told(events: tuple[Event, ...]) -> list[EventKind]:
    return [event.kind for event in events]


def _state(bench: Bench, number: int) -> tuple[BoardState, Departure | None]:
    known = bench.history.record(board_key(number))
    assert known is not None
    return known.state, known.departure


def _successor(bench: Bench, number: int) -> object:
    known = bench.history.record(board_key(number))
    assert known is not None
    return known.successor


def test_a_board_with_another_in_its_slot_has_left_and_has_a_successor(bench: Bench) -> None:
    """Who is in its slot since is remembered over a restart."""
    said = _boot(bench, *_with(s2=9))
    bench = bench.reopened_after_close()

    assert _told(said) == [EventKind.BOARD_FIRST_SEEN, EventKind.BOARD_LEFT]
    assert _state(bench, 2) == (LEFT, Departure.REPLACED)
    assert _successor(bench, 2) == board_key(9)


def test_a_vanished_board_is_absent_until_its_slot_is_filled(bench: Bench) -> None:
    """It is missed for as long as nobody says or shows that it left."""
    _boot(bench, *_with(s2=-1))
    missing = _state(bench, 2)
    _boot(bench, *_with(s2=9))

    assert missing == (ABSENT, None)
    assert _state(bench, 2) == (LEFT, Departure.REPLACED)


def test_a_board_in_hands_that_is_gone_after_a_boot_has_left(bench: Bench) -> None:
    """Its slot may be empty for a while; the board that fills it is its successor."""
    bench.history.save_flag(_flag(2, FlagState.IN_HANDS), DEED)
    at_once = bench.history.take_inventory(tuple(_with(s2=-1)), bench.clock.now())
    vanished = _state(bench, 2)
    said = _boot(bench, *_with(s2=-1))
    out = _state(bench, 2)
    _boot(bench, *_with(s2=9))

    assert (_told(at_once), vanished) == ([EventKind.BOARD_LOST], (ABSENT, None))
    assert (_told(said), out) == ([EventKind.BOARD_LEFT], (LEFT, Departure.IN_HANDS))
    assert _state(bench, 2) == (LEFT, Departure.IN_HANDS)
    assert _successor(bench, 2) == board_key(9)


def test_a_retired_board_has_left_and_its_slot_may_be_filled_later(bench: Bench) -> None:
    """Who retires a board says it all; nothing is said again when another comes."""
    _boot(bench, *_with(s2=-1))
    bench.history.retire(board_key(2), "uid=0", "sold", bench.clock.now())
    said = _boot(bench, *_with(s2=9))

    assert _told(said) == [EventKind.BOARD_FIRST_SEEN]
    assert _state(bench, 2) == (LEFT, Departure.RETIRED)
    assert _successor(bench, 2) == board_key(9)


def test_a_board_that_comes_back_after_it_left_has_one_history(bench: Bench) -> None:
    """Its incidents are there, it is present, and when it returned is known."""
    bench.boards[2].fail()
    bench.sweep(2)
    bench.boards[2].fail()
    bench.sweep(2)
    _boot(bench, *_with(s2=9))
    said = _boot(bench, *_with(s2=-1, s5=2))
    bench = bench.reopened_after_close()
    known = bench.history.record(board_key(2))

    assert EventKind.BOARD_RETURNED in _told(said)
    assert known is not None
    assert (known.state, known.departure, known.successor) == (PRESENT, None, None)
    assert (known.slot.label if known.slot else "", len(known.incidents)) == ("module-5", 1)
    assert known.returned_at == pytest.approx(bench.clock.wall)


def test_a_board_that_was_only_absent_did_not_return_from_elsewhere(bench: Bench) -> None:
    """A GPU that fell off and is back has never left."""
    _boot(bench, *_with(s2=-1))
    said = _boot(bench, *_with())
    known = bench.history.record(board_key(2))

    assert _told(said) == [EventKind.BOARD_RETURNED]
    assert known is not None
    assert known.returned_at is None


def test_a_board_that_moves_and_moves_back_has_one_history(bench: Bench) -> None:
    """Exchanges are said once for both; the flag follows its board."""
    bench.history.save_flag(_flag(5), DEED)
    away = _boot(bench, *_with(s5=6, s6=5))
    back = _boot(bench, *_with())

    exchanged = next(event for event in away if event.kind is EventKind.BOARDS_EXCHANGED)
    assert _told(away).count(EventKind.BOARDS_EXCHANGED) == 1
    assert _told(away).count(EventKind.BOARD_MOVED) == 2
    assert f"flag 1 follows {board_key(5)}" in exchanged.detail
    assert "module-6" in exchanged.detail
    assert EventKind.BOARDS_EXCHANGED in _told(back)
    assert len(bench.history.records()) == 8


def test_a_baseboard_is_one_event(bench: Bench) -> None:
    """Eight boards out, eight in: the platform changed, and the flag has its successor."""
    bench.history.save_flag(_flag(2, FlagState.IN_HANDS, "baseboard"), DEED)
    said = _boot(bench, *(device(number + 10, number) for number in range(8)))

    assert _told(said) == [EventKind.PLATFORM_CHANGED]
    assert "8 boards out" in said[0].detail
    assert "with flag 1" in said[0].detail
    assert _state(bench, 2) == (LEFT, Departure.PLATFORM_CHANGED)
    assert _state(bench, 3) == (LEFT, Departure.WITH_FRU)
    assert _successor(bench, 2) == board_key(12)


def test_a_baseboard_without_a_flag_is_one_event_too(bench: Bench) -> None:
    """Boards left with their platform."""
    said = _boot(bench, *(device(number + 10, number) for number in range(8)))

    assert _told(said) == [EventKind.PLATFORM_CHANGED]
    assert {_state(bench, number) for number in range(8)} == {(LEFT, Departure.PLATFORM_CHANGED)}


def test_half_of_the_boards_is_a_platform_and_less_is_not(bench: Bench) -> None:
    """Three of eight are three swaps; four more of the eight are another platform."""
    three = _boot(bench, *_with(s0=10, s1=11, s2=12))
    four = _boot(bench, *_with(s0=10, s1=11, s2=12, s4=14, s5=15, s6=16, s7=17))

    assert _told(three).count(EventKind.BOARD_LEFT) == 3
    assert _told(four) == [EventKind.PLATFORM_CHANGED]


def test_one_of_two_boards_is_a_swap(tmp_path: Path) -> None:
    """Half of a small host is one board."""
    bench = Bench.open(tmp_path / "history.db", boards=2)
    said = _boot(bench, device(0), device(9, 1))

    assert _told(said) == [EventKind.BOARD_FIRST_SEEN, EventKind.BOARD_LEFT]


def test_another_chassis_is_a_platform(tmp_path: Path) -> None:
    """The same disk in another server: boards of the old one have left, however few came."""
    bench = Bench.open(tmp_path / "history.db", boards=0)
    bench.history.take_inventory((_in("A", 0), _in("A", 1), _in("A", 2)), bench.clock.now())
    said = _boot(bench, _in("B", 10, 0))

    assert _told(said) == [EventKind.PLATFORM_CHANGED]
    assert "chassis A is now B" in said[0].detail
    assert [_state(bench, number)[0] for number in (0, 1, 2, 10)] == [LEFT, LEFT, LEFT, PRESENT]


def test_the_same_boards_in_another_chassis_are_one_event(tmp_path: Path) -> None:
    """They keep their histories."""
    bench = Bench.open(tmp_path / "history.db", boards=0)
    bench.history.take_inventory((_in("A", 0), _in("A", 1)), bench.clock.now())
    said = _boot(bench, _in("B", 0), _in("B", 1))

    assert _told(said) == [EventKind.PLATFORM_CHANGED]
    assert [_state(bench, number)[0] for number in (0, 1)] == [PRESENT, PRESENT]


def _in(chassis: str, number: int, slot: int | None = None) -> Device:
    found = device(number, slot)
    return replace(found, slot=replace(found.slot, chassis_serial=chassis))


def test_what_leaves_with_a_flagged_piece_is_not_missing(bench: Bench) -> None:
    """The baseboard is out: one event for the flagged board, one for the seven beside it."""
    bench.history.save_flag(_flag(2, FlagState.IN_HANDS, "baseboard"), DEED)
    out = _boot(bench)
    departures = {number: _state(bench, number) for number in (2, 3)}
    back_in = _boot(bench, *(device(number + 10, number) for number in range(8)))

    assert _told(out) == [EventKind.BOARD_LEFT, EventKind.DEPARTED_WITH_FRU]
    assert departures == {2: (LEFT, Departure.IN_HANDS), 3: (LEFT, Departure.WITH_FRU)}
    assert _told(back_in) == [EventKind.PLATFORM_CHANGED]


def test_a_second_board_gone_beside_a_swapped_module_is_missing(bench: Bench) -> None:
    """However big the piece is that the flag names: seven others are still here."""
    bench.history.save_flag(_flag(2, FlagState.IN_HANDS, "baseboard"), DEED)
    said = _boot(bench, *_with(s2=9, s5=-1))

    assert EventKind.DEPARTED_WITH_FRU not in _told(said)
    assert _state(bench, 5) == (ABSENT, None)


def test_the_other_gpu_of_a_board_leaves_with_it(tmp_path: Path) -> None:
    """Two GPUs with one serial number are one board."""
    bench = Bench.open(tmp_path / "history.db", HandClock(), boards=4)
    twins = (device(10, 2, "16599"), device(11, 3, "16599"))
    bench.history.take_inventory((device(0), device(1), *twins), bench.clock.now())
    bench.history.save_flag(replace(_flag(10), board=twins[0].board.key), DEED)
    bench.clock.boot("boot-2")
    said = bench.history.take_inventory((device(0), device(1), device(9, 2)), bench.clock.now())
    records = bench.history.records()

    assert EventKind.DEPARTED_WITH_FRU in _told(said)
    assert [records[twin.board.key].departure for twin in twins] == [
        Departure.REPLACED,
        Departure.WITH_FRU,
    ]
