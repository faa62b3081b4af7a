"""Counts: how many errors a board has had, from two counters of which each may miss some.

The volatile counter starts from 0 with every driver load and loses what happened between our last
look and an unload. The aggregate counter lives in the board's InfoROM: it survives loads, may lag
behind by a sweep or more, and can be reset. Each gives a sum that never exceeds the truth; the
larger of the two sums is the count.
"""

from dataclasses import dataclass, replace


@dataclass(frozen=True, slots=True, kw_only=True)
class ErrorCount:
    """Errors of one board and one memory since first sight. Plain numbers, made to be stored.

    `prior` is what the board brought along: shown, never judged. `volatile_seen` and
    `aggregate_seen` are the last readings (None: never read), `volatile_sum` and `aggregate_sum`
    the errors each counter has told of since. An aggregate found behind the volatile counter at its
    first reading lags; its sum starts below zero, so that old errors it has yet to count stay old.
    `epoch` is an opaque token of one boot and one driver load: the one the readings were made in.
    """

    epoch: str
    prior: int = 0
    volatile_seen: int | None = None
    volatile_sum: int = 0
    aggregate_seen: int | None = None
    aggregate_sum: int = 0

    def __post_init__(self) -> None:
        told = {
            "prior": self.prior,
            "volatile_seen": self.volatile_seen,
            "volatile_sum": self.volatile_sum,
            "aggregate_seen": self.aggregate_seen,
        }
        for name, value in told.items():
            if value is not None and value < 0:
                raise ValueError(f"{name} {value}: an error counter is never negative")

    @classmethod
    def first_sight(cls, volatile: int | None, aggregate: int | None, epoch: str) -> "ErrorCount":
        """The baseline: whatever the counters say of a board never seen before is prior."""
        return cls(epoch=epoch).advance(volatile, aggregate, epoch).count

    @property
    def total(self) -> int:
        """Errors counted since first sight; never falls, never exceeds what happened."""
        return max(self.volatile_sum, self.aggregate_sum)

    def advance(self, volatile: int | None, aggregate: int | None, epoch: str) -> "Advance":
        """Take one sweep's readings into account. None is a gap and changes nothing."""
        count = self if epoch == self.epoch else _reloaded(self, epoch)
        if volatile is not None:
            count = _with_volatile(count, volatile)
        inforom_reset = False
        if aggregate is not None:
            inforom_reset = self.aggregate_seen is not None and aggregate < self.aggregate_seen
            count = _with_aggregate(count, aggregate, before=self.total)
        return Advance(count=count, rise=count.total - self.total, inforom_reset=inforom_reset)


@dataclass(frozen=True, slots=True, kw_only=True)
class Advance:
    """What one sweep changed: the new count, by how much it rose, whether the InfoROM was reset."""

    count: ErrorCount
    rise: int
    inforom_reset: bool


def _reloaded(count: ErrorCount, epoch: str) -> ErrorCount:
    """The driver was loaded anew: all that the volatile counter will say happened since.

    Everything counted so far is older, so the sum goes on from the maximum; otherwise an error
    that only the aggregate saw would hide the next one while the aggregate lags.
    """
    return replace(count, epoch=epoch, volatile_seen=0, volatile_sum=count.total)


def _with_volatile(count: ErrorCount, volatile: int) -> ErrorCount:
    if count.volatile_seen is None:  # may hold errors from before first sight: a baseline
        return replace(
            count,
            volatile_seen=volatile,
            volatile_sum=count.total,
            prior=max(count.prior, volatile - count.total),
        )
    # A falling counter within an epoch is a GPU reset: the new value counts in full.
    rise = volatile - count.volatile_seen if volatile >= count.volatile_seen else volatile
    return replace(count, volatile_seen=volatile, volatile_sum=count.volatile_sum + rise)


def _with_aggregate(count: ErrorCount, aggregate: int, *, before: int) -> ErrorCount:
    """Add what the aggregate says. `before` is the total that earlier sweeps gave.

    A new baseline goes on from `before`, not from this sweep's volatile rise: an aggregate that
    lags will count those errors again.
    """
    if count.aggregate_seen is None:
        lag = max(0, (count.volatile_seen or 0) - aggregate)
        return replace(
            count,
            aggregate_seen=aggregate,
            aggregate_sum=before - lag,
            prior=max(count.prior, aggregate - before),
        )
    if aggregate < count.aggregate_seen:  # the InfoROM was reset: a new baseline
        return replace(count, aggregate_seen=aggregate, aggregate_sum=before)
    rise = aggregate - count.aggregate_seen
    return replace(count, aggregate_seen=aggregate, aggregate_sum=count.aggregate_sum + rise)
