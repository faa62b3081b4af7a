"""A trail gives its last minutes and hours, and nothing once it is old."""

from gpuwatch.domain.trails import NO_TRAIL, Stretch, Trail


def _trail(*numbers: int) -> Trail:
    stretches = tuple(Stretch(number=number) for number in numbers)
    return Trail(stretches, stretches)


def _minutes(trail: Trail, count: int, minute: float) -> list[int]:
    return [each.number for each in trail.last_minutes(count, minute * 60)]


def test_the_last_minutes_end_with_the_newest_that_is_closed() -> None:
    """The current minute is not over; the one before it may not be closed yet."""
    trail = _trail(4, 5, 6, 7)

    told = [_minutes(trail, 2, minute) for minute in (8.0, 8.9, 9.5)]

    assert told == [[6, 7], [6, 7], [6, 7]]


def test_an_old_trail_tells_nothing() -> None:
    """A GPU that fell silent two minutes ago is not judged by what it said then."""
    assert _minutes(_trail(6, 7), 2, 10.0) == []
    assert _minutes(NO_TRAIL, 2, 10.0) == []


def test_minutes_without_a_reading_are_missing_and_not_replaced_by_older_ones() -> None:
    """Three of the last five is three, whatever lies before."""
    assert _minutes(_trail(1, 2, 5, 7, 8), 4, 9.0) == [5, 7, 8]


def test_hours_are_counted_alike() -> None:
    """Hours are minutes of another length."""
    told = _trail(4, 5, 6, 7).last_hours(3, 8 * 3600.0)

    assert [each.number for each in told] == [5, 6, 7]
