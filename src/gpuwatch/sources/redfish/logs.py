"""Logs: what is new in the event logs of a service. They are read, and never cleared."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from gpuwatch.domain.readings import Gap
from gpuwatch.sources.bmc_loop import Message
from gpuwatch.sources.redfish.fields import Document, flag, link, number, text
from gpuwatch.sources.redfish.log_pages import Pages
from gpuwatch.sources.redfish.log_position import Entry, Position
from gpuwatch.sources.redfish.shelf import RARE, SLOW, Row, Shelf

BATCH = 200  # entries of a line
BASELINE = 500  # the newest, of a log that is seen for the first time
ENTRIES = 2_000  # the most that are read of one log at once
LOGS = 64
_OTHER = re.compile(  # what is no log of events: traces, dumps, and the like
    r"journal|post ?codes?|host ?logger|.*dump.*|fault ?log|fdr|debug.*|.*console.*", re.IGNORECASE
)


@dataclass(frozen=True, slots=True)
class News:
    """What is new in a log, oldest first; see LogBatch for the rest."""

    entries: list[Entry]
    baseline: bool = False
    cleared: bool = False
    wrapped: bool = False


@dataclass(slots=True)
class Logs:
    """Reads all logs on, from `positions` of an earlier child. `rows` tell how full they are."""

    shelf: Shelf
    positions: dict[str, Position]
    rows: list[Row] = field(default_factory=list)
    _pages: dict[str, Pages] = field(default_factory=dict)
    _status: dict[str, tuple[float, Row]] = field(default_factory=dict)

    @classmethod
    def of(cls, shelf: Shelf, positions: Mapping[str, str]) -> "Logs":
        """With positions as they are stored."""
        known = {log: Position.parse(position) for log, position in positions.items()}
        return cls(shelf, {log: position for log, position in known.items() if position})

    def read(self, often: list[Row], seldom: list[Row]) -> Iterator[Message]:
        """What is new in the logs of machines; in some of them only every few minutes."""
        self.rows, seen = [], set[str]()
        for owners, age in ((often, 0.0), (seldom, SLOW)):
            for log in self._services(owners):
                if log["entries"] in seen or len(seen) == LOGS:
                    continue
                seen.add(log["entries"])
                yield from self._read(log, age)
                if log["at"] in self._status:
                    self.rows.append(self._status[log["at"]][1])

    def _services(self, owners: list[Row]) -> list[Row]:
        found = []
        for owner in owners:
            if owner["logs"]:
                found += self.shelf.members(owner["logs"], _service, RARE)
        return [log for log in found if log["entries"] and not _OTHER.fullmatch(log["id"])]

    def _read(self, log: Row, age: float) -> Iterator[Message]:
        name, now = log["at"], self.shelf.service.monotonic()
        if name in self._status and now - self._status[name][0] < age:
            return
        pages = self._pages.setdefault(name, Pages(self.shelf.service, log["entries"]))
        position = self.positions.get(name)
        news = _news(pages, position, log["most"])
        if isinstance(news, Gap):
            self.shelf.gaps[name] = news
            self._status.pop(name, None)
            return
        yield from self._tell(name, news, position or Position(), pages.total)
        written = [when for _, when in self.positions[name].marks if when is not None]
        status = {"log": name, "entries": pages.total, "added": written[-1] if written else None}
        self._status[name] = (now, status)

    def _tell(self, log: str, news: News, position: Position, total: int) -> Iterator[Message]:
        if news.cleared:
            position = Position()
        changed = news.baseline or news.cleared or news.wrapped or total != position.entries
        batches = [news.entries[i : i + BATCH] for i in range(0, len(news.entries), BATCH)]
        for order, batch in enumerate(batches or ([[]] if changed else [])):
            left = len(news.entries) - (order + 1) * BATCH
            position = position.after(batch, max(total - max(left, 0), 0))
            yield {
                "say": "log",
                "log": log,
                "entries": batch,
                "position": str(position),
                "baseline": news.baseline,
                "cleared": news.cleared and order == 0,
                "wrapped": news.wrapped and order == 0,
            }
        self.positions[log] = position


def _news(pages: Pages, position: Position | None, most: float | None) -> News | Gap:
    """What a log has that was not told before."""
    if position is None:
        found = pages.newest(BASELINE, Position())
        return found if isinstance(found, Gap) else News(found[0], baseline=True)
    tail = pages.tail(position)
    if isinstance(tail, Gap):
        return tail
    place = position.found_in(tail)
    if place is not None:
        return News(tail[place:])
    found = pages.newest(ENTRIES, position)
    return found if isinstance(found, Gap) else _since(found, position, pages.total, most)


def _since(
    found: tuple[list[Entry], bool], position: Position, total: int, most: float | None
) -> News:
    """What of the entries that were found follows a position, and what became of those before."""
    entries, cut = found
    place = position.found_in(entries)
    if place is not None:
        return News(entries[place:])
    if not position.marks:
        return News(entries, wrapped=cut)
    wrapped = cut or _overwritten(entries, position, total, most)
    return News(entries, cleared=not wrapped, wrapped=wrapped)


def _overwritten(entries: list[Entry], position: Position, total: int, most: float | None) -> bool:
    """Whether the known entries gave way to newer ones; else somebody took them all away.

    Only a full log overwrites, and its ids go on.
    """
    if total < position.entries or (most is not None and 0 < total < most):
        return False
    last = position.marks[-1][0]
    ids = [int(one["record"]) for one in entries if one["record"].isdecimal()]
    return not (ids and last.isdecimal() and min(ids) <= int(last))


def _service(document: Document) -> Row:
    off = flag(document, "ServiceEnabled") is False
    return {
        "id": text(document, "Id"),
        "name": text(document, "Name"),
        "entries": "" if off else link(document, "Entries"),
        "most": number(document, "MaxNumberOfRecords"),
    }
