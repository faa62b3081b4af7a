"""Clock watch: notices steps of the wall clock against the boot clock, and whether it settled."""

from dataclasses import dataclass

from gpuwatch.domain.moments import Clock, Moment

STEP_SECONDS = 1.0
LARGE_STEP_SECONDS = 3600.0
SETTLE_SECONDS = 600.0
START_SECONDS = 3600.0
ASK_SECONDS = 60.0


@dataclass(slots=True)
class ClockWatch:
    """Compares the two clocks at every look. All durations are in seconds on the boot clock.

    After a large step, dates wait until the clock has run evenly for ten minutes. A clock that the
    kernel holds for unsynchronised delays them for the first hour only: a hall without NTP would
    otherwise never raise a trend flag, and the trend itself is judged on the boot clock.
    """

    clock: Clock
    started: Moment
    offset: float
    steps: int = 0
    synchronized: bool | None = None
    _settles_at: float = 0.0
    _asked_at: float = float("-inf")

    @classmethod
    def start(cls, clock: Clock) -> "ClockWatch":
        """Begin to watch."""
        now = clock.now()
        return cls(clock, now, now.wall - now.boottime)

    def look(self, now: Moment) -> float | None:
        """The size of a step in seconds (positive is forward), or None while time runs evenly."""
        if not 0 <= now.boottime - self._asked_at < ASK_SECONDS:
            self._asked_at = now.boottime
            self.synchronized = self.clock.synchronized()
        offset = now.wall - now.boottime
        step = offset - self.offset
        self.offset = offset
        if abs(step) <= STEP_SECONDS:
            return None
        self.steps += 1
        if abs(step) > LARGE_STEP_SECONDS:
            self._settles_at = now.boottime + SETTLE_SECONDS
        return step

    def settled(self, now: Moment) -> bool:
        """Whether new flags may carry dates of this clock."""
        if now.boottime < self._settles_at:
            return False
        young = now.boottime - self.started.boottime < START_SECONDS
        return not (young and self.synchronized is False)
