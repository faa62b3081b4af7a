"""Lives: when a board was in service, and its errors on its own service clock."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import StrEnum
from itertools import groupby
from typing import assert_never

from gpuwatch.domain.incidents import ErrorKind


class What(StrEnum):
    """What a row of a fleet's history says of a board."""

    IN = "IN"
    OUT = "OUT"
    END = "END"
    RESET = "RESET"
    ERROR = "ERROR"


@dataclass(frozen=True, slots=True)
class Row:
    """One row of a fleet's history: `at` in Unix seconds, `line` of the file it stands in.

    `kind` means something for errors only. An error without `location` is where the board came in.
    """

    at: float
    what: What
    line: int
    location: str = ""
    kind: ErrorKind = ErrorKind.ECC


class Oddity(StrEnum):
    """What is odd about a row and yet leaves no doubt how to go on."""

    DUPLICATE = "duplicate"
    OUT_OF_SERVICE = "out_of_service"
    IN_WHILE_IN_SERVICE = "in_while_in_service"
    NO_END = "no_end"


class ContradictionError(Exception):
    """A board's rows contradict each other: service time cannot be told. `line` is the culprit."""

    def __init__(self, line: int, what: str, remedy: str) -> None:
        self.line, self.what, self.remedy = line, what, remedy
        super().__init__(f"line {line}: {what} ({remedy})")


@dataclass(frozen=True, slots=True, kw_only=True)
class Stay:
    """One unbroken time in service, Unix seconds. `removed` tells a removal from "still there"."""

    start: float
    end: float
    removed: bool

    @property
    def seconds(self) -> float:
        """How long it was."""
        return self.end - self.start


@dataclass(frozen=True, slots=True, kw_only=True)
class Error:
    """An error in service: `at` in Unix seconds, `exposure` on the board's service clock."""

    at: float
    exposure: float
    kind: ErrorKind
    location: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Life:
    """A board's stays, errors and resets, each in time order; `cohort` names boards like it.

    `oddities` are what was odd about its rows, each with its line.
    """

    serial: str
    cohort: str
    stays: tuple[Stay, ...]
    errors: tuple[Error, ...]
    resets: tuple[float, ...]
    oddities: tuple[tuple[Oddity, int], ...] = ()

    @property
    def exposure_seconds(self) -> float:
        """All its time in service."""
        return sum(stay.seconds for stay in self.stays)


# What comes first of several rows of one instant. An error at the instant of a removal is why it
# was removed; a board that goes and comes at one instant has moved.
_IN_SERVICE = (What.ERROR, What.RESET, What.OUT, What.IN, What.END)
_OUT_OF_SERVICE = (What.IN, What.ERROR, What.RESET, What.OUT, What.END)


def life_of(serial: str, cohort: str, rows: Iterable[Row], *, until: float) -> Life:
    """The life that a board's `rows` tell, whatever their order.

    A board with neither OUT nor END is in service `until` the fleet's history ends, Unix seconds.
    Raises ContradictionError for a removal of what is not in service, for anything but errors after
    END, and for a board that never came in.
    """
    telling = _Telling(serial)
    for at, same in groupby(sorted(rows, key=lambda row: row.at), key=lambda row: row.at):
        order = _OUT_OF_SERVICE if telling.since is None else _IN_SERVICE
        telling.take(at, sorted(same, key=lambda row: (order.index(row.what), *_sameness(row))))
    telling.finish(until)
    return Life(
        serial=serial,
        cohort=cohort,
        stays=tuple(telling.stays),
        errors=tuple(telling.errors),
        resets=tuple(telling.resets),
        oddities=tuple(telling.oddities),
    )


def _sameness(row: Row) -> tuple[str, str, str]:
    return row.what, row.kind, row.location


@dataclass(slots=True)
class _Telling:
    """A life as far as its rows were read.

    `since` is when the stay that goes on began, `before` the seconds in service until then.
    """

    serial: str
    since: float | None = None
    before: float = 0.0
    ended: bool = False
    location: str = ""
    last_line: int = 0
    stays: list[Stay] = field(default_factory=list)
    errors: list[Error] = field(default_factory=list)
    resets: list[float] = field(default_factory=list)
    oddities: list[tuple[Oddity, int]] = field(default_factory=list)

    def take(self, at: float, rows: Iterable[Row]) -> None:
        """Read the rows of one instant, in their order."""
        seen = set()
        for row in rows:
            self.last_line = row.line
            if _sameness(row) in seen:
                self.oddities.append((Oddity.DUPLICATE, row.line))
                continue
            seen.add(_sameness(row))
            self._read(at, row)

    def _read(self, at: float, row: Row) -> None:
        match row.what:
            case What.ERROR:
                self._error(at, row)
            case What.RESET:
                self.resets.append(at)
            case What.IN:
                self._refuse_after_end(row)
                self._enter(at, row)
            case What.OUT:
                self._refuse_after_end(row)
                self._leave(at, row)
            case What.END:
                self._refuse_after_end(row)
                self._close(at, removed=False)
                self.ended = True
            case _:
                assert_never(row.what)

    def _error(self, at: float, row: Row) -> None:
        if self.since is None:
            self.oddities.append((Oddity.OUT_OF_SERVICE, row.line))
            return
        exposure = self.before + at - self.since
        location = row.location or self.location
        error = Error(at=at, exposure=exposure, kind=row.kind, location=location)
        self.errors.append(error)

    def _enter(self, at: float, row: Row) -> None:
        self.resets.append(at)
        self.location = row.location
        if self.since is not None:
            self.oddities.append((Oddity.IN_WHILE_IN_SERVICE, row.line))
        elif self.stays and self.stays[-1].end == at:
            stay = self.stays.pop()
            self.before -= stay.seconds
            self.since = stay.start
        else:
            self.since = at

    def _leave(self, at: float, row: Row) -> None:
        if self.since is None:
            raise ContradictionError(
                row.line,
                f"OUT of board {self.serial}, which is not in service then",
                "add the row IN with the time at which it, or your record of it, began",
            )
        self._close(at, removed=True)

    def _close(self, at: float, *, removed: bool) -> None:
        if self.since is not None:
            stay = Stay(start=self.since, end=at, removed=removed)
            self.stays.append(stay)
            self.before += stay.seconds
            self.since = None

    def _refuse_after_end(self, row: Row) -> None:
        if self.ended:
            raise ContradictionError(
                row.line,
                f"{row.what} of board {self.serial} after its END",
                "END says that nothing more is known of a board: give it the latest time, or use "
                "OUT for a removal",
            )

    def finish(self, until: float) -> None:
        """Close what is still open."""
        if self.since is not None:
            self.oddities.append((Oddity.NO_END, self.last_line))
            self._close(until, removed=False)
        if not self.stays:
            raise ContradictionError(
                self.last_line,
                f"board {self.serial} has no row IN",
                "add it, with the time at which the board, or your record of it, began",
            )
