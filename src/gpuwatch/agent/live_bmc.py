"""Live BMC: how one BMC is doing right now, and what its source told last."""

import math
from dataclasses import dataclass, field

from gpuwatch.domain.bmc import BmcFailure, BmcProtocol, BmcSweep, BmcTrouble
from gpuwatch.domain.bmc_logs import LogBatch
from gpuwatch.domain.moments import Moment

FRESH_INTERVALS = 3
DEADLINE_SECONDS = 60.0  # for a sweep; a source ends a child that is silent for so long
# A BMC that did not answer for so long may have started in between. One behind a bad network is
# silent again and again: once an hour it gets the benefit of the doubt.
START_SECONDS = 180.0
DOUBT_SECONDS = 3600.0
HELD_BATCHES = 50
_OF_STARTS = frozenset({BmcTrouble.UNREACHABLE, BmcTrouble.TIMED_OUT})


@dataclass(frozen=True, slots=True, kw_only=True)
class WatchedBmc:
    """What the settings say of one BMC. `host` is "" for one of this host, else whose it is.

    `address` is what people are shown of where it is. It is asked every `interval` seconds.
    """

    name: str
    protocol: BmcProtocol
    address: str
    interval: float
    host: str = ""
    expected_on: bool = False

    @property
    def stale_seconds(self) -> float:
        """The age at which what it told is not trusted any more."""
        return FRESH_INTERVALS * self.interval + DEADLINE_SECONDS

    @property
    def subject(self) -> str:
        """The subject of its findings, and the name of its source."""
        return f"bmc.{self.name}"


@dataclass(frozen=True, slots=True)
class Silence:
    """Why a BMC tells nothing, and since when."""

    trouble: BmcTrouble
    text: str
    since: Moment


@dataclass(slots=True)
class LiveBmc:
    """One BMC, asked since `born`. Log entries wait in `held` for the sweep that tells whose.

    `recognised` says that a sweep told since the last failure who answers.
    """

    watched: WatchedBmc
    born: Moment
    sweep: BmcSweep | None = None
    answers: int = 0
    recognised: bool = False
    held: list[LogBatch] = field(default_factory=list)
    _failed: Silence | None = None
    _doubted_at: float = -math.inf

    def take(self, sweep: BmcSweep) -> bool:
        """Keep a sweep as the latest; whether the BMC may have started since the one before."""
        started = self._may_have_started(sweep.at)
        if started:
            self._doubted_at = sweep.at.boottime
        self.sweep, self._failed, self.recognised = sweep, None, True
        self.answers += 1
        return started

    def fail(self, failure: BmcFailure) -> None:
        """Keep why it does not answer, since its first failure in a row."""
        since = failure.at if self._failed is None else self._failed.since
        self._failed = Silence(failure.trouble, failure.text, since)
        self.recognised = False

    def release(self) -> list[LogBatch]:
        """The deliveries that waited; none waits any more."""
        held, self.held = self.held, []
        return held

    def is_fresh(self, now: Moment) -> bool:
        """Whether there is a sweep that can be trusted."""
        return self.sweep is not None and self._age(now) <= self.watched.stale_seconds

    def silence(self, now: Moment) -> Silence | None:
        """Why it does not answer; None while it does, or may still do so for the first time."""
        if self._failed is not None or self._age(now) <= self.watched.stale_seconds:
            return self._failed
        since = self.born if self.sweep is None else self.sweep.at
        text = f"nothing came from it for {self._age(now):.0f} s"
        return Silence(BmcTrouble.TIMED_OUT, text, since)

    def silent_seconds(self, now: Moment) -> float:
        """How long ago it told anything, on the boot clock."""
        return self._age(now)

    def _age(self, now: Moment) -> float:
        last = self.born if self.sweep is None else self.sweep.at
        return now.boottime - last.boottime

    def _may_have_started(self, now: Moment) -> bool:
        return (
            self.sweep is not None
            and self._failed is not None
            and self._failed.trouble in _OF_STARTS
            and self._age(now) >= max(START_SECONDS, 2 * self.watched.interval)
            and now.boottime - self._doubted_at >= DOUBT_SECONDS
        )
