"""Which rows are due, and what is asked together."""

from hypothesis import given
from hypothesis import strategies as st

from gpuwatch.domain.signals import Cadence
from gpuwatch.sources.nvml_cadence import Schedule

FAST, SLOW, RARE = Cadence.FAST, Cadence.SLOW, Cadence.RARE
PERIODS = ((FAST, 10.0), (SLOW, 60.0), (RARE, 300.0))


def _run(schedule: Schedule, until: float, took: float = 0.0) -> list[tuple[float, set[Cadence]]]:
    asked, now = [], schedule.next_due()
    while now <= until:
        due = schedule.due(now)
        schedule.asked(due, now)
        asked.append((now, set(due)))
        now = max(schedule.next_due(), now + took)
    return asked


def test_nothing_is_due_before_a_child_is_ready() -> None:
    """Without an inventory there is nobody to ask."""
    assert Schedule(PERIODS).due(1e9) == frozenset()


def test_everything_is_due_at_once_in_a_new_child() -> None:
    """The first sweep asks all rows, so that nothing is old after a respawn."""
    schedule = Schedule(PERIODS)

    schedule.restart(1_000.0)

    assert schedule.due(1_000.0) == {FAST, SLOW, RARE}


def test_cadences_fall_together() -> None:
    """Within ten minutes: sixty-one sweeps, each sixth with the slow rows, each thirtieth all."""
    schedule = Schedule(PERIODS)
    schedule.restart(1_000.0)

    asked = _run(schedule, 1_600.0)

    assert [at for at, _ in asked] == [1_000.0 + 10 * turn for turn in range(61)]
    assert [at for at, due in asked if SLOW in due] == [1_000.0 + 60 * turn for turn in range(11)]
    assert [at for at, due in asked if due == {FAST, SLOW, RARE}] == [1_000.0, 1_300.0, 1_600.0]


def test_what_was_missed_is_skipped() -> None:
    """After a sweep of 25 s two turns are gone, and the grid is kept."""
    schedule = Schedule(PERIODS)
    schedule.restart(0.0)

    asked = _run(schedule, 60.0, took=25.0)

    assert [at for at, _ in asked] == [0.0, 25.0, 50.0]
    assert schedule.next_due() == 60.0


def test_a_cadence_that_is_no_multiple_joins_a_near_sweep() -> None:
    """25 s beside 10 s: what comes due within half a fast period is asked with it."""
    schedule = Schedule(((FAST, 10.0), (SLOW, 25.0)))
    schedule.restart(0.0)

    asked = _run(schedule, 60.0)

    assert [at for at, due in asked if SLOW in due] == [0.0, 20.0, 50.0]
    assert all(FAST in due for _, due in asked)


def test_rows_of_an_inventory_have_no_turn() -> None:
    """They are asked after an inventory, and noting that changes nothing."""
    schedule = Schedule(PERIODS)
    schedule.restart(0.0)

    schedule.asked({Cadence.INVENTORY}, 0.0)

    assert schedule.due(0.0) == {FAST, SLOW, RARE}


@given(
    began=st.floats(min_value=0.0, max_value=1e7),
    late=st.lists(st.floats(min_value=0.0, max_value=1e4), max_size=30),
)
def test_the_next_turn_is_always_ahead(began: float, late: list[float]) -> None:
    """However late a sweep is, asking never leaves the same cadences due at the same instant."""
    schedule = Schedule(PERIODS)
    schedule.restart(began)

    for delay in late:
        now = schedule.next_due() + delay
        schedule.asked(schedule.due(now), now)

        assert schedule.next_due() > now
