"""SEL: what is new in an event log, and what became of it meanwhile."""

from dataclasses import dataclass, field, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gpuwatch.sources.bmc.gate import GET_SEL_ENTRY, GET_SEL_INFO
from gpuwatch.sources.bmc.link import RefusedError
from gpuwatch.sources.bmc.sel import EventLog, Info, Part, Position
from tests.support.ipmi_link import Chain, FakeLink, sel_entry

NOW = 1_700_000_000
GUID = "57555047-5441-4843-4d4f-434b00000001"


@dataclass
class Log:
    """A BMC's event log that somebody writes to; its clock stands still unless moved."""

    chain: Chain = field(default_factory=Chain)
    now: int = NOW
    erased: int = 0
    added: int = 0
    overflowed: bool = False
    first_number: int = 1

    def __post_init__(self) -> None:
        self.link = FakeLink({**self.chain.as_log(), GET_SEL_INFO: self._info})

    def _info(self, _data: bytes) -> bytes:
        counts = len(self.chain.records).to_bytes(2, "little") + b"\x10\x27"
        stamps = self.added.to_bytes(4, "little") + self.erased.to_bytes(4, "little")
        return b"\x51" + counts + stamps + bytes([0x80 * self.overflowed | 0x02])

    def write(self, *numbers: int, stamp: int | None = None) -> None:
        """Entries of those numbers, each of its own content."""
        for number in numbers:
            self.now += 1
            entry = sel_entry(number, self.now if stamp is None else stamp)
            self.chain.records[number] = entry
            self.added = self.now

    def clear(self) -> None:
        """Empty it, as another tool does."""
        self.now += 1
        self.chain.records.clear()
        self.erased = self.now

    def drop(self, number: int) -> None:
        """Lose its oldest entries."""
        for oldest in list(self.chain.records)[:number]:
            del self.chain.records[oldest]

    def renumber(self, offset: int) -> None:
        """Count anew, with the same entries."""
        records = list(self.chain.records.values())
        self.chain.records.clear()
        for place, entry in enumerate(records):
            number = offset + place
            self.chain.records[number] = number.to_bytes(2, "little") + entry[2:]

    def follow(self, log: EventLog, guid: str = GUID) -> list[Part]:
        """One poll."""
        self.now += 60
        parts = log.new(self.link, Info.read(self.link), self.now, guid)
        return [part for part in parts if part is not None]


def _numbers(parts: list[Part]) -> list[int]:
    return [int.from_bytes(entry[:2], "little") for part in parts for entry in part.entries]


def _flags(parts: list[Part]) -> list[tuple[bool, bool, bool]]:
    return [(part.baseline, part.cleared, part.wrapped) for part in parts]


def _after(log: Log) -> EventLog:
    """A follower that has read everything there is."""
    follower = EventLog()
    log.follow(follower)
    return follower


def test_first_sight_is_a_baseline() -> None:
    """What was there before anybody looked is no news."""
    log = Log()
    log.write(1, 2, 3)

    parts = log.follow(EventLog())

    assert _numbers(parts) == [1, 2, 3]
    assert _flags(parts) == [(True, False, False)]


def test_first_sight_of_an_empty_log_is_remembered() -> None:
    """Otherwise the first entry ever would be taken for old."""
    log = Log()
    follower = EventLog()
    first = log.follow(follower)
    log.write(1)

    parts = log.follow(follower)

    assert (_numbers(first), _flags(first)) == ([], [(True, False, False)])
    assert (_numbers(parts), _flags(parts)) == ([1], [(False, False, False)])


def test_only_what_is_new_is_read() -> None:
    """From the last entry on, which is looked at again."""
    log = Log()
    log.write(*range(1, 101))
    follower = _after(log)
    log.write(101, 102)
    log.link.asked.clear()

    parts = log.follow(follower)

    assert _numbers(parts) == [101, 102]
    assert log.link.commands().count(GET_SEL_ENTRY) == 3


def test_a_log_that_has_not_changed_is_not_read() -> None:
    """One command a poll is enough."""
    log = Log()
    log.write(1, 2)
    follower = _after(log)
    log.link.asked.clear()

    assert log.follow(follower) == []
    assert log.link.commands() == [GET_SEL_INFO]


def test_a_second_entry_in_the_same_second_is_not_missed() -> None:
    """In a full log that goes round, nothing that Get SEL Info tells changes with it."""
    log = Log()
    log.write(1, 2)
    follower = EventLog()
    list(follower.new(log.link, Info.read(log.link), log.now, GUID))
    log.drop(1)
    log.chain.records[3] = sel_entry(3, log.now)

    assert _numbers(log.follow(follower)) == [3]


def test_a_cleared_log_is_read_from_the_start_and_says_so() -> None:
    """Somebody emptied it, and what was written since is news."""
    log = Log()
    log.write(1, 2, 3)
    follower = _after(log)
    log.clear()
    log.write(1)

    parts = log.follow(follower)

    assert (_numbers(parts), _flags(parts)) == ([1], [(False, True, False)])


def test_a_cleared_log_without_entries_says_so_once() -> None:
    """An empty log tells that it was emptied."""
    log = Log()
    log.write(1, 2, 3)
    follower = _after(log)
    log.clear()

    parts = log.follow(follower)

    assert (_numbers(parts), _flags(parts)) == ([], [(False, True, False)])
    assert log.follow(follower) == []


def test_a_cleared_log_that_goes_on_counting_is_noticed() -> None:
    """The remembered entry is gone, though no number comes twice."""
    log = Log()
    log.write(1, 2, 3)
    follower = _after(log)
    log.clear()
    log.write(4, 5)

    parts = log.follow(follower)

    assert (_numbers(parts), _flags(parts)) == ([4, 5], [(False, True, False)])


def test_a_cleared_log_of_a_bmc_that_does_not_note_it_is_noticed() -> None:
    """The entry of that number is another."""
    log = Log()
    log.write(1, 2, 3)
    follower = _after(log)
    log.clear()
    log.erased = 0
    log.write(1, 2, 3, 4)

    parts = log.follow(follower)

    assert (_numbers(parts), _flags(parts)) == ([1, 2, 3, 4], [(False, True, False)])


@pytest.mark.parametrize("overflowed", [False, True])
def test_a_log_that_ran_over_what_was_not_read_says_so(overflowed: bool) -> None:
    """Entries were lost between two polls; with the flag for it, or only higher numbers."""
    log = Log()
    log.write(1, 2, 3)
    follower = _after(log)
    log.drop(3)
    log.write(10, 11)
    log.overflowed = overflowed

    parts = log.follow(follower)

    assert (_numbers(parts), _flags(parts)) == ([10, 11], [(False, False, True)])


def test_a_log_that_goes_round_behind_us_loses_nothing() -> None:
    """The oldest are overwritten, and were read before."""
    log = Log()
    log.write(1, 2, 3)
    follower = _after(log)
    log.drop(2)
    log.write(4)

    parts = log.follow(follower)

    assert (_numbers(parts), _flags(parts)) == ([4], [(False, False, False)])


def test_entries_that_were_numbered_anew_are_not_told_twice() -> None:
    """They are known by their content."""
    log = Log()
    log.write(5, 6, 7)
    follower = _after(log)
    log.renumber(1)
    log.write(4)

    parts = log.follow(follower)

    assert (_numbers(parts), _flags(parts)) == ([4], [(False, False, False)])


def test_numbers_that_fall_are_followed() -> None:
    """The order is the log's, whatever its numbers are; past 65,534 they begin again."""
    log = Log()
    log.write(65_533, 65_534)
    follower = _after(log)
    log.write(1, 2)

    assert _numbers(log.follow(follower)) == [1, 2]


def test_a_restart_goes_on_where_the_position_says() -> None:
    """What was told before is not told again, whatever else was lost."""
    log = Log()
    log.write(1, 2, 3)
    position = log.follow(EventLog())[-1].position
    log.write(4)

    parts = log.follow(EventLog(str(position)))

    assert (_numbers(parts), _flags(parts)) == ([4], [(False, False, False)])


def test_a_long_log_is_told_in_parts() -> None:
    """No line is longer than 200 entries; each part has its position."""
    log = Log()
    log.write(*range(1, 451))

    parts = log.follow(EventLog())

    assert [len(part.entries) for part in parts] == [200, 200, 50]
    assert [part.position.record for part in parts] == [200, 400, 450]


def test_a_baseline_that_was_interrupted_goes_on_as_one() -> None:
    """Half of an old log must not become news because an agent was restarted."""
    log = Log()
    log.write(*range(1, 451))
    first = log.follow(EventLog())[0]

    parts = log.follow(EventLog(str(first.position)))
    log.write(451)
    later = log.follow(EventLog(str(parts[-1].position)))

    assert _numbers(parts) == list(range(201, 451))
    assert _flags(parts) == [(True, False, False)] * 2
    assert (_numbers(later), _flags(later)) == ([451], [(False, False, False)])


@pytest.mark.parametrize("size", [199, 200, 201, 400])
def test_the_end_of_a_baseline_is_remembered_whatever_its_size(size: int) -> None:
    """Also when the last part is full."""
    log = Log()
    log.write(*range(1, size + 1))
    last = log.follow(EventLog())[-1].position
    log.write(1_000)

    parts = log.follow(EventLog(str(last)))

    assert (_numbers(parts), _flags(parts)) == ([1_000], [(False, False, False)])


def test_another_bmc_has_another_log() -> None:
    """After a board was replaced nobody has cleared anything."""
    log = Log()
    log.write(1, 2, 3)
    follower = _after(log)
    log.clear()
    log.write(1)

    parts = log.follow(follower, guid="another")

    assert (_numbers(parts), _flags(parts)) == ([1], [(True, False, False)])


def test_a_bmc_that_tells_its_guid_only_now_is_the_same() -> None:
    """One that did not answer once is no other."""
    log = Log()
    log.write(1)
    follower = EventLog()
    log.follow(follower, guid="")
    log.write(2)

    parts = log.follow(follower)

    assert (_numbers(parts), _flags(parts)) == ([2], [(False, False, False)])
    assert parts[-1].position.guid == GUID


def test_an_entry_whose_stamp_was_corrected_is_still_the_same() -> None:
    """Some BMCs date the entries of their start when they learn the time."""
    log = Log()
    log.write(1, stamp=17)
    follower = _after(log)
    log.chain.records[1] = sel_entry(1, log.now)
    log.write(2)

    parts = log.follow(follower)

    assert (_numbers(parts), _flags(parts)) == ([2], [(False, False, False)])


def test_entries_are_read_in_parts_where_the_bmc_gives_little() -> None:
    """With a reservation, which is made anew when it is lost."""
    log = Log(Chain(limit=8, cancels=3))
    log.write(1, 2, 3)

    assert _numbers(log.follow(EventLog())) == [1, 2, 3]


def test_a_reservation_that_never_holds_is_given_up() -> None:
    """The next poll tries again."""
    log = Log(Chain(limit=8, cancels=10_000))
    log.write(1)

    with pytest.raises(RefusedError):
        log.follow(EventLog())


def test_what_was_read_before_a_refusal_is_told() -> None:
    """One entry that cannot be read must not keep the others."""
    log = Log(Chain(refused={3: 0xFF}))
    log.write(1, 2, 3)
    follower = EventLog()
    parts = follower.new(log.link, Info.read(log.link), log.now, GUID)

    first = next(parts)

    assert first is not None
    assert _numbers([first]) == [1, 2]
    with pytest.raises(RefusedError):
        next(parts)


def test_a_log_that_is_cleared_while_it_is_read_ends_there() -> None:
    """The next poll sees that it was cleared."""
    log = Log()
    log.write(*range(1, 301))
    follower = EventLog()
    parts = follower.new(log.link, Info.read(log.link), log.now, GUID)
    next(parts)
    log.clear()
    log.write(1)
    rest = [part for part in parts if part is not None]

    later = log.follow(follower)

    assert _numbers(rest) == []
    assert (_numbers(later), _flags(later)) == ([1], [(False, True, False)])


def test_a_chain_that_runs_in_a_circle_ends() -> None:
    """The last entry of some names itself as the next."""
    log = Log()
    log.write(1)
    log.link.handlers[GET_SEL_ENTRY] = b"\x01\0" + sel_entry(1)

    assert _numbers(log.follow(EventLog())) == [1]


def test_an_entry_that_is_too_short_is_filled_up() -> None:
    """What is not told is unspecified."""
    log = Log()
    log.write(1)
    log.link.handlers[GET_SEL_ENTRY] = b"\xff\xff" + sel_entry(1)[:9]

    (part,) = log.follow(EventLog())

    assert part.entries == (sel_entry(1)[:9] + b"\xff" * 7,)


POSITIONS = st.builds(
    Position,
    record=st.none() | st.integers(0, 65_535),
    content=st.just("") | st.binary(min_size=14, max_size=14).map(bytes.hex),
    erased=st.integers(0, 0xFFFF_FFFF),
    guid=st.just("") | st.uuids().map(str),
    old=st.booleans(),
)


@given(POSITIONS)
def test_a_position_is_text_and_comes_back(position: Position) -> None:
    """Whoever stores it need not understand it."""
    assert Position.parse(str(position)) == position


@given(st.text(max_size=40))
def test_what_is_no_position_is_as_if_there_were_none(text: str) -> None:
    """Then the log is seen for the first time, and nothing in it is news."""
    log = Log()
    log.write(1)

    parts = log.follow(EventLog(text))

    assert _flags(parts) == [(True, False, False)]


@given(st.lists(st.integers(0, 30), min_size=1, max_size=12), st.booleans())
def test_every_entry_is_told_exactly_once(polls: list[int], restarts: bool) -> None:
    """However many come between two polls, and whether or not the child is replaced."""
    log = Log()
    follower = EventLog()
    told: list[int] = []
    for written in polls:
        log.write(*range(len(log.chain.records) + 1, len(log.chain.records) + 1 + written))
        parts = log.follow(follower)
        told += _numbers(parts)
        follower = {True: EventLog(str(follower._position)), False: follower}[restarts]

    assert told == list(range(1, sum(polls) + 1))


def test_info_says_how_full_a_log_is() -> None:
    """Entries, free bytes, stamps as raw numbers, and whether entries were lost."""
    log = Log(erased=7, overflowed=True)
    log.write(1)

    info = Info.read(log.link)

    assert info == Info(1, 10_000, log.added, 7, overflowed=True)
    assert replace(info, entries=2) != info
