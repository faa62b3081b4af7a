"""The crowd: who stays and who leaves, whatever arrives."""

from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gpuwatch.exposition.crowd import Crowd, Pace, group_of


@dataclass(eq=False)
class _Guest:
    group: str
    since: float
    stranger: bool = False


def _entered(crowd: Crowd[_Guest], *guests: _Guest) -> list[_Guest]:
    return [leaving for guest in guests for leaving in crowd.enter(guest)]


def test_while_there_is_room_nobody_leaves() -> None:
    """Whoever comes."""
    crowd: Crowd[_Guest] = Crowd(2, 2)

    left = _entered(crowd, _Guest("a", 1.0), _Guest("a", 2.0))

    assert (left, len(crowd), crowd.crowded_out) == ([], 2, 0)


def test_the_address_that_holds_most_gives_way() -> None:
    """Of its connections the one that has been longest in its state; others' stay, however old."""
    crowd: Crowd[_Guest] = Crowd(3, 3)
    polite, old, new = _Guest("polite", 1.0), _Guest("greedy", 2.0), _Guest("greedy", 3.0)

    left = _entered(crowd, polite, new, old, _Guest("greedy", 4.0))

    assert left == [old]
    assert polite in crowd.guests
    assert crowd.crowded_out == 1


def test_among_equals_the_longest_in_its_state_gives_way() -> None:
    """A newcomer from elsewhere is let in."""
    crowd: Crowd[_Guest] = Crowd(2, 2)
    first, second = _Guest("a", 1.0), _Guest("b", 2.0)

    left = _entered(crowd, second, first, _Guest("c", 3.0))

    assert left == [first]


def test_an_address_has_few_who_were_never_answered() -> None:
    """Long before the room is full, and without harm to its own that were answered."""
    crowd: Crowd[_Guest] = Crowd(10, 2)
    known = _Guest("a", 0.0)
    silent = [_Guest("a", 1.0, stranger=True), _Guest("a", 2.0, stranger=True)]

    left = _entered(crowd, known, *silent, _Guest("a", 3.0, stranger=True))

    assert left == silent[:1]
    assert _entered(crowd, _Guest("b", 4.0, stranger=True)) == []


def test_who_is_gone_takes_no_room() -> None:
    """Also when it is told twice."""
    crowd: Crowd[_Guest] = Crowd(1, 1)
    guest = _Guest("a", 1.0)

    crowd.enter(guest)
    crowd.leave(guest)
    crowd.leave(guest)

    assert _entered(crowd, _Guest("a", 2.0)) == []


def test_an_address_may_connect_so_fast_and_no_faster() -> None:
    """A burst, then by the second; another address has its own."""
    pace = Pace(2.0, 3)

    at_once = [pace.allows("a", 0.0) for _ in range(5)]
    later = [pace.allows("a", 1.0) for _ in range(3)]
    rested = [pace.allows("a", 100.0) for _ in range(4)]

    assert at_once == [True, True, True, False, False]
    assert later == [True, True, False]
    assert rested == [True, True, True, False]
    assert pace.allows("b", 0.0)
    assert pace.turned_away == 4


def test_addresses_without_number_are_not_remembered_for_ever() -> None:
    """The one that has not come for longest is forgotten."""
    pace = Pace(0.0, 1)
    pace.allows("first", 0.0)

    others = {pace.allows(str(number), 0.0) for number in range(5_000)}

    assert others == {True}
    assert pace.allows("first", 0.0)
    assert not pace.allows("4999", 0.0)


@given(
    st.integers(1, 6),
    st.integers(1, 6),
    st.lists(st.tuples(st.sampled_from("abc"), st.floats(0, 9), st.booleans()), max_size=40),
)
def test_a_crowd_never_outgrows_its_room(
    room: int, strangers: int, arriving: list[tuple[str, float, bool]]
) -> None:
    """The newcomer is always in; an address never loses to another that holds more than it."""
    crowd: Crowd[_Guest] = Crowd(room, strangers)

    for one in arriving:
        guest = _Guest(*one)
        crowd.enter(guest)

        assert guest in crowd.guests
        assert len(crowd) <= room
    assert crowd.crowded_out == len(arriving) - len(crowd)


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("192.0.2.7", "192.0.2.7", True),
        ("192.0.2.7", "192.0.2.8", False),
        ("2001:db8:0:1::1", "2001:db8:0:1:ffff::2", True),
        ("2001:db8:0:1::1", "2001:db8:0:2::1", False),
        ("fe80::1%eth0", "fe80::2%eth1", True),
        ("::1", "127.0.0.1", False),
    ],
)
def test_a_host_counts_once_whatever_addresses_it_takes(one: str, other: str, same: bool) -> None:
    """An IPv6 host has a whole network of them."""
    assert (group_of(one) == group_of(other)) is same
