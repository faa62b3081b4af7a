"""Errors are counted once each, whatever the two counters miss, repeat or withhold."""

import os
from dataclasses import dataclass

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gpuwatch.domain.counts import ErrorCount

EXAMPLES = 4_000 if os.environ.get("GPUWATCH_SOAK") else 60


@dataclass
class CountingBoard:
    """A board whose errors are known, seen through two imperfect counters."""

    volatile: int = 0
    aggregate: int = 0
    unwritten: int = 0
    load: int = 1
    injected: int = 0

    def error(self, count: int = 1) -> None:
        """Uncorrectable errors happen."""
        self.injected += count
        self.volatile += count
        self.unwritten += count

    def write_inforom(self) -> None:
        """The aggregate catches up."""
        self.aggregate += self.unwritten
        self.unwritten = 0

    def reload(self) -> None:
        """The driver is loaded anew."""
        self.volatile = 0
        self.load += 1

    def reset(self) -> None:
        """The GPU is reset under the same driver load."""
        self.volatile = 0

    @property
    def epoch(self) -> str:
        """The present epoch's token."""
        return f"boot/{self.load}"

    def sweep(self, count: ErrorCount, step: "Step") -> ErrorCount:
        """One sweep; an error may fall between the readings of its two counters."""
        volatile, aggregate = self.volatile, self.aggregate
        if step.between:
            self.error()
            self.write_inforom()
            volatile = volatile if step.volatile_first else self.volatile
            aggregate = self.aggregate if step.volatile_first else aggregate
        advance = count.advance(
            None if step.volatile_gap else volatile,
            None if step.aggregate_gap else aggregate,
            self.epoch,
        )
        assert advance.rise == advance.count.total - count.total
        return advance.count


@dataclass(frozen=True)
class Step:
    """What happens before a sweep, in order, and what the sweep cannot read."""

    before: tuple[str, ...]
    volatile_gap: bool
    aggregate_gap: bool
    between: bool
    volatile_first: bool


HAPPENINGS = st.sampled_from(["error", "write_inforom", "reload", "reset"])
STEPS = st.lists(
    st.builds(
        Step,
        before=st.lists(HAPPENINGS, max_size=5).map(tuple),
        volatile_gap=st.booleans(),
        aggregate_gap=st.booleans(),
        between=st.booleans(),
        volatile_first=st.booleans(),
    ),
    max_size=12,
)
OLD_ERRORS = st.integers(min_value=0, max_value=2**64)


def _board_with_history(old: int, new: int) -> CountingBoard:
    return CountingBoard(volatile=new, aggregate=old + new)


def _run(board: CountingBoard, count: ErrorCount, steps: list[Step]) -> ErrorCount:
    """Live through `steps`, checking at each that no error is counted twice."""
    for step in steps:
        for happening in step.before:
            getattr(board, happening)()
        count = board.sweep(count, step)
        assert count.total <= board.injected
    return count


@settings(max_examples=EXAMPLES, deadline=None)
@given(steps=STEPS, old=OLD_ERRORS, new=st.integers(0, 5), blind=st.booleans())
def test_every_error_is_counted_once(*, steps: list[Step], old: int, new: int, blind: bool) -> None:
    """After any history, one good reading of the aggregate makes the count exact."""
    board = _board_with_history(old, new)
    count = ErrorCount.first_sight(None if blind else board.volatile, board.aggregate, board.epoch)

    count = _run(board, count, steps)
    board.write_inforom()
    count = count.advance(None, board.aggregate, board.epoch).count

    assert count.total == board.injected


@settings(max_examples=EXAMPLES, deadline=None)
@given(steps=STEPS, old=OLD_ERRORS, new=st.integers(0, 5))
def test_a_volatile_counter_alone_counts_what_survives(
    *, steps: list[Step], old: int, new: int
) -> None:
    """Without an aggregate, errors seen before each reload and reset are all counted."""
    board = _board_with_history(old, new)
    count = ErrorCount.first_sight(board.volatile, None, board.epoch)
    expected = 0
    for step in steps:
        for _ in step.before:
            board.error()
            expected += 1
        count = count.advance(board.volatile, None, board.epoch).count
        if step.between:
            board.reload()

    assert count.total == expected


@settings(max_examples=EXAMPLES, deadline=None)
@given(steps=STEPS, old=OLD_ERRORS, new=st.integers(0, 5))
def test_counters_that_appear_late_never_invent_errors(
    *, steps: list[Step], old: int, new: int
) -> None:
    """A board whose first sweeps read nothing: what appears later is a baseline, not a rise."""
    board = _board_with_history(old, new)
    count = ErrorCount.first_sight(None, None, board.epoch)

    for step in steps:
        for happening in step.before:
            getattr(board, happening)()
            board.write_inforom()
        count = board.sweep(count, step)
        assert count.total <= board.injected

    assert count.total <= board.injected


@settings(max_examples=EXAMPLES, deadline=None)
@given(steps=STEPS, left=st.integers(0, 3))
def test_a_reset_of_the_inforom_never_doubles_an_error(*, steps: list[Step], left: int) -> None:
    """An aggregate that keeps up may be reset at any time: nothing is counted twice."""
    board = _board_with_history(100, 0)
    count = ErrorCount.first_sight(board.volatile, board.aggregate, board.epoch)

    for step in steps:
        for happening in step.before:
            getattr(board, happening)()
            board.write_inforom()
        if step.between:
            board.aggregate = left
        advance = count.advance(
            None if step.volatile_gap else board.volatile,
            None if step.aggregate_gap else board.aggregate,
            board.epoch,
        )
        count = advance.count
        assert advance.rise >= 0
        assert count.total <= board.injected


def test_first_sight_counts_nothing() -> None:
    """A board with old errors is a baseline: they are prior, the count is 0."""
    count = ErrorCount.first_sight(volatile=3, aggregate=40, epoch="a")

    assert (count.total, count.prior) == (0, 40)


def test_the_same_readings_again_change_nothing() -> None:
    """Readings equal to the last ones are no rise, and gaps are none either."""
    count = ErrorCount.first_sight(3, 40, "a")

    assert count.advance(3, 40, "a").count == count
    assert count.advance(None, None, "a").count == count


def test_a_reload_with_as_many_new_errors_counts_them_in_full_once() -> None:
    """Two errors, a driver reload, two errors: the volatile counter reads 2 both times."""
    count = ErrorCount.first_sight(0, 0, "a").advance(2, 2, "a").count

    lagging = count.advance(2, 2, "b")
    caught_up = lagging.count.advance(2, 4, "b")

    assert (lagging.rise, caught_up.rise, caught_up.count.total) == (2, 0, 4)


def test_a_counter_that_falls_within_an_epoch_counts_in_full() -> None:
    """A GPU reset sets the volatile counter back: what it then reads happened since."""
    count = ErrorCount.first_sight(5, None, "a")

    assert count.advance(2, None, "a").rise == 2


def test_a_lagging_aggregate_does_not_double_an_error() -> None:
    """The error is counted when volatile rises; the aggregate's rise a sweep later adds nothing."""
    count = ErrorCount.first_sight(0, 7, "a")

    first = count.advance(1, 7, "a")
    second = first.count.advance(1, 8, "a")

    assert (first.rise, second.rise) == (1, 0)


def test_a_lagging_aggregate_survives_a_reload_in_between() -> None:
    """Volatile saw the error, the driver was reloaded, then the aggregate catches up: one error."""
    count = ErrorCount.first_sight(0, 7, "a").advance(1, 7, "a").count

    after_reload = count.advance(0, 8, "b")

    assert (after_reload.rise, after_reload.count.total) == (0, 1)


def test_an_error_swallowed_by_a_reload_does_not_hide_the_next() -> None:
    """Only the aggregate saw the first; volatile sees the second while the aggregate lags."""
    swallowed = ErrorCount.first_sight(0, 7, "a").advance(None, 8, "a")
    reloaded = swallowed.count.advance(0, 8, "b")

    seen = reloaded.count.advance(1, 8, "b")

    assert (swallowed.rise, reloaded.rise, seen.rise, seen.count.total) == (1, 0, 1, 2)


def test_a_jump_of_the_aggregate_across_a_blind_gap_is_counted() -> None:
    """While nothing could be read three errors happened, and the driver was loaded anew."""
    count = ErrorCount.first_sight(0, 10, "a")
    blind = count.advance(None, None, "a").count

    assert blind.advance(0, 13, "b").rise == 3


def test_a_falling_aggregate_is_an_inforom_reset() -> None:
    """It is reported, counts nothing, and later errors add to what was counted before."""
    count = ErrorCount.first_sight(0, 100, "a").advance(4, 104, "a").count

    reset = count.advance(4, 2, "a")
    later = reset.count.advance(None, 5, "a")

    assert (reset.inforom_reset, reset.rise) == (True, 0)
    assert (later.inforom_reset, later.rise, later.count.total) == (False, 3, 7)


def test_an_inforom_reset_in_the_sweep_of_an_error_does_not_double_it() -> None:
    """Volatile tells of the error at once, the fresh aggregate a sweep later: one error."""
    count = ErrorCount.first_sight(0, 100, "a")

    reset = count.advance(1, 0, "a")
    caught_up = reset.count.advance(1, 1, "a")

    assert (reset.rise, reset.inforom_reset, caught_up.rise) == (1, True, 0)


def test_an_aggregate_that_lags_at_first_sight_brings_old_errors_only() -> None:
    """Volatile already knows two errors that the aggregate has yet to count: they are prior."""
    count = ErrorCount.first_sight(volatile=2, aggregate=0, epoch="a")

    caught_up = count.advance(2, 2, "a")
    new_error = caught_up.count.advance(2, 3, "a")

    assert (count.prior, caught_up.rise, new_error.rise) == (2, 0, 1)


def test_an_aggregate_slower_than_volatile_never_hides_errors() -> None:
    """An aggregate that counts only every other error leaves the count to volatile."""
    count = ErrorCount.first_sight(0, 0, "a")

    for errors in range(1, 9):
        count = count.advance(errors, errors // 2, "a").count

    assert count.total == 8


def test_volatile_that_appears_late_in_its_first_epoch_is_a_baseline() -> None:
    """Its value may be older than first sight; in the next epoch it counts in full."""
    count = ErrorCount.first_sight(None, None, "a")

    late = count.advance(6, None, "a")
    next_epoch = late.count.advance(2, None, "b")

    assert (late.rise, late.count.prior, next_epoch.rise) == (0, 6, 2)


def test_an_aggregate_that_appears_late_goes_on_from_the_count() -> None:
    """Its first value is a baseline; a later rise that volatile misses adds to the count."""
    count = ErrorCount.first_sight(0, None, "a").advance(2, None, "a").count

    late = count.advance(2, 52, "a")
    swallowed = late.count.advance(0, 53, "b")

    assert (late.rise, late.count.prior, swallowed.rise, swallowed.count.total) == (0, 50, 1, 3)


def test_counts_near_the_end_of_64_bits_are_exact() -> None:
    """No float touches a count."""
    count = ErrorCount.first_sight(0, 2**64 - 3, "a")

    assert count.advance(None, 2**64 - 1, "a").rise == 2


def test_a_negative_reading_is_refused() -> None:
    """A sentinel that slips through as a number is an error, not a count."""
    with pytest.raises(ValueError, match="volatile_seen -1: an error counter is never negative"):
        ErrorCount.first_sight(-1, 0, "a")
