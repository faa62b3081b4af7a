"""Timeline: order and differences that no wall clock can spoil."""

from gpuwatch.domain.moments import Moment
from gpuwatch.history.timeline import Instant, Timeline


def _moment(wall: float, boottime: float, boot_id: str = "a") -> Moment:
    return Moment(wall=wall, boottime=boottime, boot_id=boot_id)


def test_an_instant_reads_as_its_wall_clock() -> None:
    """Without steps an instant is dated as the clock dated it."""
    timeline = Timeline()

    instant = timeline.note(_moment(1000.0, 50.0))

    assert timeline.wall(instant) == 1000.0
    assert timeline.boot_id(instant) == "a"


def test_a_step_moves_the_dates_of_its_boot() -> None:
    """What happened ten seconds ago is ten seconds ago after a step of a year."""
    timeline = Timeline()
    instant = timeline.note(_moment(1000.0, 50.0))

    timeline.note(_moment(1010.0 + 3.2e7, 60.0))

    assert timeline.wall(instant) == 1000.0 + 3.2e7
    assert timeline.version == 1
    assert timeline.elapsed(instant, timeline.now) == 10.0


def test_a_step_redates_what_this_boot_noted_and_nothing_else() -> None:
    """What earlier boots noted may lie before it, or in the future of a clock that was behind."""
    timeline = Timeline()
    timeline.note(_moment(1000.0, 50.0))

    timeline.note(_moment(1010.0 + 3.2e7, 60.0))
    (step,) = timeline.steps

    assert [step.redate(at) for at in (900.0, 950.0, 1010.0, 2e7)] == [
        900.0,
        950.0 + 3.2e7,
        1010.0 + 3.2e7,
        2e7,
    ]


def test_a_slew_below_a_second_is_no_step() -> None:
    """Rounding and slewing rewrite nothing."""
    timeline = Timeline()
    timeline.note(_moment(1000.0, 50.0))
    timeline.unwritten.clear()

    timeline.note(_moment(1010.4, 60.0))

    assert timeline.unwritten == []
    assert timeline.version == 0


def test_a_boot_with_a_clock_in_the_past_still_comes_later() -> None:
    """Between boots no less passes than this boot has lasted, and than exposure gained."""
    timeline = Timeline()
    before = timeline.note(_moment(1000.0, 50.0))
    after = timeline.note(_moment(10.0, 5.0, "b"))

    plain = timeline.elapsed(before, after)
    exposed = timeline.elapsed(before, after, at_least=77.0)

    assert (plain, exposed) == (6.0, 77.0)
    assert timeline.elapsed(after, before) == -6.0


def test_boots_that_were_lived_through_keep_their_order_whatever_their_clocks_said() -> None:
    """One that only a log told of, read later, has its place by the wall clock."""
    timeline = Timeline()
    ahead = timeline.note(_moment(9000.0, 50.0, "ahead"))
    right = timeline.note(_moment(1000.0, 50.0, "right"))
    told = timeline.place("between", 950.0, 5.0)
    timeline.note(_moment(2000.0, 50.0, "now"))

    lived = timeline.is_after(right, ahead), timeline.is_after(ahead, right)
    by_wall = timeline.is_after(right, told), timeline.is_after(told, ahead)

    assert lived == (True, False)
    assert by_wall == (True, False)


def test_something_of_an_earlier_boot_is_placed_by_its_wall_clock() -> None:
    """A record that the boot before left behind is dated, though that boot was never watched."""
    timeline = Timeline()
    now = timeline.note(_moment(1000.0, 50.0))

    left = timeline.place("gone", 900.0, None)

    assert timeline.wall(left) == 900.0
    assert timeline.elapsed(now, left) == -100.0


def test_places_of_one_boot_keep_their_distance() -> None:
    """The boot clock tells more exactly than the wall clock where it is known."""
    timeline = Timeline()
    timeline.note(_moment(1000.0, 50.0))

    placed = timeline.place("a", 123.0, 45.0)

    assert placed == Instant(1, 45.0)
    assert timeline.wall(placed) == 995.0
