"""Timeline: instants are kept as (boot, seconds since boot), so a stepping wall clock moves none.

The wall clock of an instant is looked up: each boot has one offset, corrected when the wall clock
steps. Order and differences within a boot are therefore exact whatever the wall clock does.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace

from gpuwatch.domain.moments import Moment

STEP_SECONDS = 1.0
# No boot is quicker: what happened before it lies before it also where clocks tell nothing.
BOOT_SECONDS = 1.0


@dataclass(frozen=True, slots=True, order=True)
class Instant:
    """One instant: the number of a boot in history and CLOCK_BOOTTIME seconds within it."""

    boot: int
    boottime: float


@dataclass(frozen=True, slots=True)
class Boot:
    """One boot of the host; `wall_offset` is Unix seconds at its CLOCK_BOOTTIME zero."""

    number: int
    boot_id: str
    wall_offset: float


@dataclass(frozen=True, slots=True)
class Step:
    """The wall clock of the present boot was set: by `seconds`, from `wall_offset` before.

    `noticed_at` is when, in Unix seconds by the clock before: nothing of this boot is dated later.
    """

    wall_offset: float
    seconds: float
    noticed_at: float

    def redate(self, at: float) -> float:
        """Unix seconds noted down before the step; those of earlier boots stay.

        Where this boot began with a clock that was years behind, theirs lie in its future.
        """
        of_this_boot = self.wall_offset <= at <= self.noticed_at + STEP_SECONDS
        return at + self.seconds if of_this_boot else at


class Timeline:
    """The boots that history knows, and where `now` is. `version` rises when dates moved."""

    def __init__(self, boots: Iterable[Boot] = ()) -> None:
        self._by_id = {boot.boot_id: boot for boot in boots}
        self._by_number = {boot.number: boot for boot in self._by_id.values()}
        self.version = 0
        self.unwritten: list[Boot] = []
        self.steps: list[Step] = []
        self.lived: set[int] = set()  # boots in which history was kept, numbered in their order
        self.now = Instant(0, 0.0)
        self.current: Boot | None = None

    @property
    def boots(self) -> tuple[Boot, ...]:
        """All boots, in the order in which history met them."""
        return tuple(sorted(self._by_number.values(), key=lambda boot: boot.number))

    def note(self, moment: Moment) -> Instant:
        """The instant of `moment`, which is the present: a new boot or a step is noticed here."""
        boot = self.current
        if boot is None or boot.boot_id != moment.boot_id:
            boot = self._by_id.get(moment.boot_id) or self._add(
                moment.boot_id, moment.wall - moment.boottime
            )
            self.current = boot
        offset = moment.wall - moment.boottime
        if abs(offset - boot.wall_offset) > STEP_SECONDS:
            noticed_at = boot.wall_offset + moment.boottime
            self.steps.append(Step(boot.wall_offset, offset - boot.wall_offset, noticed_at))
            boot = self._keep(replace(boot, wall_offset=offset))
            self.current = boot
            self.version += 1
        self.now = Instant(boot.number, moment.boottime)
        self.lived.add(boot.number)
        return self.now

    def resume(self, now: Instant) -> None:
        """Take `now` for the present, until the next moment is noted."""
        self.now, self.current = now, self._by_number.get(now.boot)

    def place(self, boot_id: str, at: float, boottime: float | None) -> Instant:
        """The instant of something reported at Unix second `at` of a boot, perhaps not this one."""
        boot = self._by_id.get(boot_id)
        if boot is None:
            boot = self._add(boot_id, at - (boottime or 0.0))
        return Instant(boot.number, at - boot.wall_offset if boottime is None else boottime)

    def wall(self, instant: Instant) -> float:
        """Unix seconds of `instant`, by the latest word on its boot's offset."""
        boot = self._by_number.get(instant.boot)
        return instant.boottime + (boot.wall_offset if boot else 0.0)

    def boot_id(self, instant: Instant) -> str:
        """The kernel's id of the boot in which `instant` lies."""
        boot = self._by_number.get(instant.boot)
        return boot.boot_id if boot else ""

    def elapsed(self, start: Instant, end: Instant, at_least: float = 0.0) -> float:
        """Seconds from `start` to `end`; exact within a boot.

        Between boots only the wall clock tells, and it may have been wrong: when `end` lies in the
        current boot, no less than the time since before that boot, and than `at_least` (the
        exposure a board gained in between).
        """
        if start.boot == end.boot:
            return end.boottime - start.boottime
        current = self.current.number if self.current is not None else 0
        if start.boot == current:
            return -self.elapsed(end, start, -at_least)
        by_wall = self.wall(end) - self.wall(start)
        if end.boot != current:
            return by_wall
        return max(by_wall, end.boottime + BOOT_SECONDS, at_least)

    def is_after(self, later: Instant | None, earlier: Instant) -> bool:
        """Whether `later` came after `earlier`: this boot after all others, whatever clocks say.

        Boots in which history was kept came in the order of their numbers. One that only its log
        told of, read in a later boot, has its place by the wall clock.
        """
        if later is None:
            return False
        if later.boot == earlier.boot:
            return later.boottime > earlier.boottime
        current = self.current.number if self.current is not None else 0
        if current in (later.boot, earlier.boot):
            return later.boot == current
        if self.lived.issuperset((later.boot, earlier.boot)):
            return later.boot > earlier.boot
        return self.wall(later) > self.wall(earlier)

    def latest(self, instants: Iterable[Instant]) -> Instant | None:
        """The last of `instants`; None of nothing."""
        last: Instant | None = None
        for instant in instants:
            if last is None or self.is_after(instant, last):
                last = instant
        return last

    def _add(self, boot_id: str, wall_offset: float) -> Boot:
        return self._keep(Boot(max(self._by_number, default=0) + 1, boot_id, wall_offset))

    def _keep(self, boot: Boot) -> Boot:
        self._by_id[boot.boot_id] = boot
        self._by_number[boot.number] = boot
        self.unwritten.append(boot)
        return boot
