"""Backtest files: a fleet's history and the service of its boards without events, as CSV."""

import difflib
import math
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from gpuwatch.cli.sheets import ROW_LIMIT, BadFileError, Sheet, shown
from gpuwatch.domain.incidents import ErrorKind
from gpuwatch.domain.moments import SECONDS_PER_DAY
from gpuwatch.policy.backtest.lives import (
    ContradictionError,
    Life,
    Oddity,
    Row,
    What,
    life_of,
)

# What owns an incident, and what the files may call it; all of them count unless --kinds chooses.
KINDS = {
    "UCE": ErrorKind.ECC,
    "DBE": ErrorKind.DOUBLE_BIT_EVENT,
    "XID48": ErrorKind.XID_48,
    "XID171": ErrorKind.XID_171,
    "XID172": ErrorKind.XID_172,
    "REMAP": ErrorKind.ROW_REMAP,
    "RETIRED": ErrorKind.PAGE_RETIREMENT,
}
# Off the bus: a kind of its own, outside the trend; it counts only where --kinds says so.
_ON_REQUEST = frozenset({"OTB", "XID79"})
_NEVER = {
    **dict.fromkeys(
        ("XID94", "XID95", "XID140", "POISON"),
        "may be the echo of another board's error and never opens an incident",
    ),
    **dict.fromkeys(("SBE", "CE", "XID63", "XID92"), "is no uncorrectable error: it never flags"),
}
_SERVICE = {one.value: one for one in What if one is not What.ERROR}
_FIRST_YEAR, _LAST_YEAR = 1990, 2100
_MONTH = re.compile(r"\d{4}-(0[1-9]|1[0-2])", re.ASCII)
_LONGEST_MONTH_DAYS = 31
_ODD = {
    Oddity.DUPLICATE: "rows say what another row says: each counts once",
    Oddity.OUT_OF_SERVICE: "errors of boards that were not in service then: left out",
    Oddity.IN_WHILE_IN_SERVICE: "rows IN of boards in service: taken as moves, service goes on",
    Oddity.NO_END: "boards without OUT or END: in service to the end of the file",
}


@dataclass(frozen=True, slots=True)
class Warned:
    """Something odd and how it was gone on with: how often, and the first line of it."""

    what: str
    count: int
    line: int

    @property
    def text(self) -> str:
        """For people."""
        return f"{self.count:,} {self.what} (first: line {self.line})"


@dataclass(frozen=True, slots=True, kw_only=True)
class Events:
    """A fleet's history: lives in order of serial, first and last time (Unix seconds), warnings."""

    lives: tuple[Life, ...]
    first: float
    last: float
    warnings: tuple[Warned, ...]


def kinds_of(text: str) -> Mapping[str, ErrorKind]:
    """The error kinds that `--kinds` names, in capitals. Raises ValueError with the way out."""
    names = [name.strip().upper() for name in text.split(",")]
    for name in names:
        if not name or name in _SERVICE:
            raise ValueError(f"names {shown(name)} (name error kinds, such as UCE,DBE)")
        if name in _NEVER:
            raise ValueError(f"names {name}, which {_NEVER[name]} (leave it out)")
    return {name: KINDS.get(name, ErrorKind.ECC) for name in names}


def read_events(
    path: Path, kinds: Mapping[str, ErrorKind], *, now: float, row_limit: int = ROW_LIMIT
) -> Events:
    """The fleet's history. Raises BadFileError. `now`, Unix seconds, bounds what may be told."""
    reading = _Reading(path, kinds, now)
    sheet = Sheet(
        path=path,
        required=("serial", "time", "event", "location"),
        optional=("cohort",),
        row_limit=row_limit,
    )
    for line, cells in sheet.rows(reading.ignored):
        reading.take(line, cells)
    return reading.finished()


@dataclass(slots=True)
class _Reading:
    """The events file as far as it was read."""

    path: Path
    kinds: Mapping[str, ErrorKind]
    now: float
    rows: dict[str, list[Row]] = field(default_factory=dict)
    cohorts: dict[str, str] = field(default_factory=dict)
    ignored: list[str] = field(default_factory=list)
    skipped: Counter[str] = field(default_factory=Counter)
    skipped_at: dict[str, int] = field(default_factory=dict)
    names: dict[str, str] = field(default_factory=dict)
    first: float = math.inf
    last: float = -math.inf

    def take(self, line: int, cells: tuple[str, ...]) -> None:
        """Read one row."""
        serial, time, event, location, cohort = map(str.strip, cells)
        if not serial:
            raise BadFileError(f"{self.path}:{line}: no serial", "every row names its board")
        at = self._instant(line, time)
        if cohort and self.cohorts.setdefault(serial, cohort) != cohort:
            told = f"board {serial} is of cohort {shown(cohort)} and of {self.cohorts[serial]}"
            raise BadFileError(f"{self.path}:{line}: {told}", "a board has one cohort")
        name = event.upper()
        what = _SERVICE.get(name, What.ERROR)
        if what is What.ERROR and name not in self.kinds:
            self._skip(line, name, event)
            return
        self.first, self.last = min(self.first, at), max(self.last, at)
        kind = self.kinds.get(name, ErrorKind.ECC)
        place = self.names.setdefault(location, location)  # one text for all rows of a place
        self.rows.setdefault(serial, []).append(Row(at, what, line, place, kind))

    def _instant(self, line: int, text: str) -> float:
        """Unix seconds; without a zone it is UTC."""
        try:
            moment = datetime.fromisoformat(text)
        except ValueError as error:
            told = f"{self.path}:{line}: {shown(text)} is not a time"
            raise BadFileError(told, 'write it as "2026-03-14T03:12:07Z"') from error
        if not _FIRST_YEAR <= moment.year < _LAST_YEAR:
            told = f"{self.path}:{line}: {shown(text)} is in the year {moment.year}"
            raise BadFileError(told, 'write the time as "2026-03-14T03:12:07Z"')
        at = (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
        if at > self.now + SECONDS_PER_DAY:
            told = f"{self.path}:{line}: {shown(text)} is in the future"
            raise BadFileError(told, "a history ends today; is the clock of this host right?")
        return at

    def _skip(self, line: int, name: str, event: str) -> None:
        """An error that is known and not chosen; what nobody knows is refused."""
        if name not in KINDS and name not in _ON_REQUEST and name not in _NEVER:
            known = [*_SERVICE, *self.kinds, *KINDS, *_ON_REQUEST]
            near = difflib.get_close_matches(name, known, 1)
            meant = f"did you mean {near[0]}? " if near else ""
            raise BadFileError(
                f"{self.path}:{line}: unknown event {shown(event)}",
                f"{meant}write IN, OUT, END, RESET or an error kind; a kind of your own is named "
                "with --kinds",
            )
        self.skipped[name] += 1
        self.skipped_at.setdefault(name, line)

    def finished(self) -> Events:
        """Every board's life, or what contradicts itself: the first line of it, and how many."""
        if not self.rows:
            told = f"{self.path}: no row but errors of other kinds ({', '.join(self.skipped)})"
            raise BadFileError(told, "choose them with --kinds, and add the rows IN")
        lives, contradictions = [], []
        for serial in sorted(self.rows):
            try:
                rows = self.rows.pop(serial)
                lives.append(life_of(serial, self.cohorts.get(serial, ""), rows, until=self.last))
            except ContradictionError as error:
                contradictions.append(error)
        if contradictions:
            worst = min(contradictions, key=lambda one: one.line)
            others = len(contradictions) - 1
            more = f"; {others:,} more boards have such rows" if others else ""
            raise BadFileError(f"{self.path}:{worst.line}: {worst.what}{more}", worst.remedy)
        return Events(
            lives=tuple(lives),
            first=self.first,
            last=self.last,
            warnings=tuple(self._warnings(lives)),
        )

    def _warnings(self, lives: list[Life]) -> Iterator[Warned]:
        for name in self.ignored:
            yield Warned(f'column "{name}" is not used', 1, 1)
        for name, count in self.skipped.items():
            what = f"rows {name} are of no kind that counts: left out"
            yield Warned(what, count, self.skipped_at[name])
        lines: dict[Oddity, list[int]] = {}
        for life in lives:
            for oddity, line in life.oddities:
                lines.setdefault(oddity, []).append(line)
        for oddity in Oddity:
            if oddity in lines:
                yield Warned(_ODD[oddity], len(lines[oddity]), min(lines[oddity]))


def read_exposure(path: Path) -> tuple[Mapping[str, float], tuple[Warned, ...]]:
    """Board-days by cohort of boards without events, and warnings. Raises BadFileError."""
    days: dict[str, float] = {}
    seen: dict[tuple[str, str], int] = {}
    ignored: list[str] = []
    sheet = Sheet(path=path, required=("cohort", "month", "board_days"))
    for line, cells in sheet.rows(ignored):
        cohort, month, text = map(str.strip, cells)
        where = f"{path}:{line}:"
        if not _MONTH.fullmatch(month):
            raise BadFileError(f"{where} {shown(month)} is not a month", 'write it as "2026-03"')
        first = seen.setdefault((cohort, month), line)
        if first != line:
            told = f"{where} {cohort or 'no cohort'} in {month} stands in line {first} already"
            raise BadFileError(told, "add both up in one row")
        days[cohort] = days.get(cohort, 0.0) + _board_days(where, text)
    return days, tuple(Warned(f'column "{name}" is not used', 1, 1) for name in ignored)


def _board_days(where: str, text: str) -> float:
    try:
        days = float(text)
    except ValueError:
        days = math.nan
    if not 0.0 <= days < math.inf:
        raise BadFileError(
            f"{where} {shown(text)} is no number of board-days",
            f"100 boards in service for a whole month are up to {100 * _LONGEST_MONTH_DAYS}",
        )
    return days
