"""Occasions: the settings that say when boards may be swapped, and when not."""

from datetime import datetime, timedelta
from typing import Annotated, ClassVar
from zoneinfo import ZoneInfo

from pydantic import Field, StrictStr
from pydantic import model_validator as after_fields

from gpuwatch.config.durations import format_duration
from gpuwatch.config.section import DAY, MINUTE, Section, refuse
from gpuwatch.config.values import AbsolutePath, Duration, WallTime, Zone
from gpuwatch.domain.windows import Blackout, Window, resolve
from gpuwatch.policy.agenda import Freeze
from gpuwatch.policy.schedule import Schedule
from gpuwatch.sources.calendars import CalendarFile

SHORTEST = 5 * MINUTE
LONGEST_WINDOW = 7 * DAY
LONGEST_BLACKOUT = 366 * DAY


class _Occasion(Section):
    """Regular by `cron` with `duration`, or once from `start` to `end` or for `duration`."""

    KIND: ClassVar[str] = "window"
    LONGEST: ClassVar[timedelta] = LONGEST_WINDOW

    name: StrictStr = Field(min_length=1, max_length=64, description="What people call it.")
    cron: StrictStr | None = Field(
        None,
        min_length=1,
        description='When it starts, as crontab(5) writes it: "0 2 * * sun". Needs duration.',
    )
    start: WallTime | None = Field(
        None, description='Of one on a single date: when it starts, "2026-03-15T02:00".'
    )
    end: WallTime | None = Field(
        None, description="Of one on a single date: when it ends; or say its duration."
    )
    duration: Duration | None = Field(
        None,
        ge=SHORTEST,
        le=LONGEST_WINDOW,
        description="How long it is, on a clock that never jumps.",
    )
    zone: Zone = Field(
        "UTC", description='Time zone of cron, start and end, such as "Europe/Berlin".'
    )

    @after_fields(mode="after")
    def _says_when(self) -> "_Occasion":
        refuse(**(self._regular_problems() if self.cron else self._single_problems()))
        return self

    def _regular_problems(self) -> dict[str, str]:
        problems = {
            key: f"stands beside cron (a {self.KIND} is regular or on one date: remove one of them)"
            for key in ("start", "end")
            if getattr(self, key) is not None
        }
        if self.duration is None:
            problems["duration"] = f'is missing (a regular {self.KIND} needs one, such as "4h")'
        if problems:
            return problems
        try:
            self.schedule()
        except ValueError as error:
            told = str(error).removeprefix("window ")
            return {"cron": f"is refused: {self.KIND} {told}"}
        return {}

    def _single_problems(self) -> dict[str, str]:
        if self.start is None:
            said = f'(write when the {self.KIND} starts: "0 2 * * sun"; or set start for one date)'
            return {"cron": f"is missing {said}"}
        if self.end is None and self.duration is None:
            return {"end": f"is missing (every {self.KIND} ends: write end, or duration)"}
        if self.end is not None and self.duration is not None:
            return {"end": "stands beside duration (keep one of them)"}
        if self.end is not None and self._ends() <= self._starts():
            return {"end": "is not after start (write a later time)"}
        length = self._ends() - self._starts()
        for wrong, bound, word in (
            (length < SHORTEST, SHORTEST, "shorter"),
            (length > self.LONGEST, self.LONGEST, "longer"),
        ):
            if wrong:
                limit = format_duration(bound)
                return {"end": f"makes the {self.KIND} {word} than {limit} (that is the limit)"}
        return {}

    def schedule(self) -> Schedule:
        """When a regular one opens. Raises ValueError for a cron line that is none or never fires.

        Also for one on a single date, which has no cron line.
        """
        if self.cron is None or self.duration is None:
            raise ValueError(f"{self.KIND} {self.name} is on a single date")
        return Schedule(self.name, self.cron, self.duration, ZoneInfo(self.zone))

    def _starts(self) -> datetime:
        return self._instant(self.start)

    def _ends(self) -> datetime:
        if self.duration is not None:
            return self._starts() + self.duration
        return self._instant(self.end)

    def _instant(self, wall: datetime | None) -> datetime:
        if wall is None:
            raise ValueError(f"{self.KIND} {self.name} is not on a single date")
        return resolve(wall, ZoneInfo(self.zone))


class MaintenanceWindow(_Occasion):
    """When boards may be swapped: a regular maintenance window, or one on a single date."""

    def window(self) -> Window:
        """The window on a single date. Raises ValueError for a regular one."""
        return Window(self._starts(), self._ends(), self.name)


class MaintenanceBlackout(_Occasion):
    """When no board may be swapped; a window that it touches, wholly or in part, is not used."""

    KIND: ClassVar[str] = "blackout"
    LONGEST: ClassVar[timedelta] = LONGEST_BLACKOUT

    duration: Duration | None = Field(
        None,
        ge=SHORTEST,
        le=LONGEST_BLACKOUT,
        description="How long it is, on a clock that never jumps.",
    )
    reason: StrictStr = Field(
        "", max_length=200, description="Why; told to the owner of a flag that has to wait."
    )

    def freeze(self) -> Freeze:
        """The regular blackout. Raises ValueError for one on a single date."""
        return Freeze(self.schedule(), self.reason)

    def blackout(self) -> Blackout:
        """The blackout on a single date. Raises ValueError for a regular one."""
        return Blackout(self._starts(), self._ends(), self.name, self.reason)


Word = Annotated[StrictStr, Field(min_length=1, max_length=64)]


class MaintenanceCalendar(Section):
    """An iCalendar file (RFC 5545) whose events are windows and blackouts; recurrences are kept."""

    name: StrictStr = Field(min_length=1, max_length=64, description="What people call it.")
    path: AbsolutePath = Field(
        min_length=1,
        description="The .ics file; must be readable. Read again when it changes, within a minute.",
    )
    zone: Zone = Field("UTC", description="Time zone of whole days, and of times without a zone.")
    windows: tuple[Word, ...] = Field(
        ("maintenance",),
        max_length=32,
        description="An event is a window when its summary contains one of these words, or one is"
        " a category of it.",
    )
    blackouts: tuple[Word, ...] = Field(
        ("blackout", "freeze"),
        max_length=32,
        description="The same for blackouts; what would be both is a blackout.",
    )

    @after_fields(mode="after")
    def _says_something(self) -> "MaintenanceCalendar":
        if not self.windows and not self.blackouts:
            refuse(windows="is empty, and so is blackouts (write the words that make events count)")
        return self

    def file(self) -> CalendarFile:
        """The file to read."""
        return CalendarFile(
            name=self.name,
            path=self.path,
            zone=self.zone,
            windows=self.windows,
            blackouts=self.blackouts,
        )
