"""A board's rows, in any order, tell its service and its errors, or what contradicts itself."""

import itertools
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gpuwatch.policy.backtest.lives import ContradictionError, Life, Oddity, Row, Stay, life_of
from tests.support.fleets import DAY, START, life, rows

EVENTS = st.lists(
    st.tuples(st.integers(0, 6), st.sampled_from(("IN", "OUT", "UCE", "DBE", "RESET", "END"))),
    max_size=10,
).map(lambda told: [f"{day} {event}" for day, event in told])


def _days(one: Life) -> list[tuple[float, float, bool]]:
    return [
        ((stay.start - START) / DAY, (stay.end - START) / DAY, stay.removed) for stay in one.stays
    ]


def _errors(one: Life) -> list[tuple[float, float]]:
    return [((error.at - START) / DAY, error.exposure / DAY) for error in one.errors]


def _told(*events: str) -> Life | str:
    """A life without its lines, or what contradicts itself without its line."""
    return _told_of(rows(*events))


def _told_of(told: list[Row]) -> Life | str:
    try:
        one = life_of("A", "", told, until=START + 100 * DAY)
    except ContradictionError as error:
        return error.what
    return _without_lines(one)


def _without_lines(one: Life) -> Life:
    """The same life, as any order of its rows must tell it."""
    odd = tuple(sorted((oddity, 0) for oddity, _ in one.oddities))
    return Life(
        serial=one.serial,
        cohort=one.cohort,
        stays=one.stays,
        errors=one.errors,
        resets=one.resets,
        oddities=odd,
    )


def test_the_service_clock_stands_still_while_a_board_is_out() -> None:
    """Ten days in, five out, and on from ten."""
    one = life("0 IN", "4 UCE", "10 OUT", "15 IN", "17 UCE", "20 END")

    assert _days(one) == [(0, 10, True), (15, 20, False)]
    assert _errors(one) == [(4, 4), (17, 12)]
    assert one.exposure_seconds == 15 * DAY
    assert one.resets == (START, START + 15 * DAY)
    assert one.oddities == ()


def test_an_error_at_the_instant_of_a_removal_is_its_reason() -> None:
    """The error counts as in service, wherever its row stands."""
    one = life("0 IN", "5 OUT", "5 UCE")

    assert _days(one) == [(0, 5, True)]
    assert _errors(one) == [(5, 5)]


def test_an_error_at_the_instant_of_arrival_counts() -> None:
    """It came in and failed."""
    one = life("3 UCE", "3 IN", "9 END")

    assert _errors(one) == [(3, 0)]


def test_a_board_that_goes_and_comes_at_one_instant_has_moved() -> None:
    """Its service goes on; a board that was moved was reset."""
    one = life("0 IN", "2 UCE", "5 IN", "5 OUT", "7 UCE", "9 END")

    assert _days(one) == [(0, 9, False)]
    assert _errors(one) == [(2, 2), (7, 7)]
    assert one.resets == (START, START + 5 * DAY)


def test_a_board_that_comes_and_goes_at_one_instant_was_there() -> None:
    """Nothing of it is in service, and it is gone."""
    assert _days(life("5 OUT", "5 IN")) == [(5, 5, True)]


def test_a_board_still_there_is_watched_until_the_history_ends() -> None:
    """Neither OUT nor END: until the last time of the file, and said."""
    one = life("0 IN", "5 UCE", until=30)

    assert _days(one) == [(0, 30, False)]
    assert one.oddities == ((Oddity.NO_END, 3),)


def test_what_two_rows_say_counts_once() -> None:
    """Two kinds at one instant are no duplicates."""
    one = life("0 IN", "0 IN", "5 UCE", "5 DBE", "5 UCE", "9 END", "9 END")

    assert _errors(one) == [(5, 5), (5, 5)]
    assert [oddity for oddity, _ in one.oddities] == [Oddity.DUPLICATE] * 3


def test_an_error_out_of_service_is_left_out() -> None:
    """Before it came in, while it was out, after the end: a bench or a mistake, said."""
    one = life("0 UCE", "1 IN", "5 OUT", "6 UCE", "7 IN", "9 END", "9.5 UCE")

    assert _errors(one) == []
    assert one.oddities == tuple((Oddity.OUT_OF_SERVICE, line) for line in (2, 5, 8))


def test_coming_in_twice_is_a_move() -> None:
    """Without an OUT between them service goes on, and is said."""
    one = life("0 IN", "4 IN", "9 END")

    assert _days(one) == [(0, 9, False)]
    assert one.oddities == ((Oddity.IN_WHILE_IN_SERVICE, 3),)


def test_a_reset_or_an_end_out_of_service_changes_nothing() -> None:
    """Hosts are reset without the board, and histories end for boards that left."""
    one = life("0 IN", "5 OUT", "6 RESET", "9 END")

    assert _days(one) == [(0, 5, True)]
    assert one.oddities == ()


def test_an_error_is_where_the_board_came_in_unless_it_says() -> None:
    """The place of the latest IN."""
    told = [*rows("0 IN", location="r1"), *rows("2 UCE"), *rows("3 UCE", location="r2")]

    one = life_of("A", "", told, until=START + 9 * DAY)

    assert [error.location for error in one.errors] == ["r1", "r2"]


@pytest.mark.parametrize(
    ("told", "line", "says"),
    [
        (("0 OUT", "5 IN"), 2, "OUT of board A, which is not in service then"),
        (("0 IN", "5 OUT", "6 OUT"), 4, "OUT of board A, which is not in service then"),
        (("0 IN", "5 END", "6 OUT"), 4, "OUT of board A after its END"),
        (("0 IN", "5 END", "6 IN"), 4, "IN of board A after its END"),
        (("0 IN", "5 END", "6 END"), 4, "END of board A after its END"),
        (("0 UCE", "5 UCE"), 3, "board A has no row IN"),
        (("0 END",), 2, "board A has no row IN"),
    ],
)
def test_rows_that_contradict_each_other_are_refused(
    told: tuple[str, ...], line: int, says: str
) -> None:
    """With the line of the culprit and the way out."""
    with pytest.raises(ContradictionError, match=says) as refused:
        life(*told)

    assert refused.value.line == line
    assert refused.value.remedy


@given(events=EVENTS, luck=st.randoms(use_true_random=False))
def test_the_order_of_rows_does_not_matter(events: list[str], luck: random.Random) -> None:
    """Files are exported by time, by board, or not at all in order."""
    shuffled = luck.sample(rows(*events), len(events))

    assert _told_of(shuffled) == _told(*events)


@given(events=EVENTS)
def test_service_times_are_disjoint_and_hold_every_error(events: list[str]) -> None:
    """Whatever rows tell a life."""
    one = _told(*events)

    stays = one.stays if isinstance(one, Life) else ()
    errors = one.errors if isinstance(one, Life) else ()
    assert all(a.end < b.start for a, b in itertools.pairwise(stays))
    assert all(stay.start <= stay.end for stay in stays)
    assert all(_holds(stays, error.at) == error.exposure for error in errors)


def _holds(stays: tuple[Stay, ...], at: float) -> float:
    """The service clock at `at`, added up from the stays."""
    assert any(stay.start <= at <= stay.end for stay in stays)
    return sum(min(stay.end, at) - stay.start for stay in stays if stay.start <= at)
