"""Log pages: entries of an event log, oldest first, in as few requests as the service allows."""

import re
from dataclasses import dataclass

from gpuwatch.domain.readings import Gap, GapReason
from gpuwatch.sources.redfish.fields import Document, items, link, number, text, walk
from gpuwatch.sources.redfish.log_position import Entry, Position
from gpuwatch.sources.redfish.service import Service
from gpuwatch.sources.redfish.shelf import expansion
from gpuwatch.sources.redfish.times import instant

PAGES = 64
PAGE = 2_000  # members of one page
SINGLE = 200  # entries that are asked one by one, where a service only links to them
_MESSAGE_LENGTH = 1_000
_ARGUMENTS = 8
_DIGITS = re.compile(r"[0-9]{1,18}")


@dataclass(slots=True)
class _Page:
    entries: list[Entry]
    total: int | None
    further: str


@dataclass(slots=True)
class Pages:
    """One log, and how it is best read, as it was learnt. `path` is its collection of entries.

    `total` is how many entries it has, as it said last.
    """

    service: Service
    path: str
    total: int = 0
    newest_first: bool = False
    skips: bool = True
    expands: bool = False

    def tail(self, position: Position) -> list[Entry] | Gap:
        """The entries from the last known one on, where a single request gets them; else []."""
        if self.newest_first or not self.skips or not position.entries:
            return []
        page = self._page(self._query(position.entries - 1))
        if isinstance(page, Gap):
            if page.reason is not GapReason.UNSUPPORTED:
                return page
            self.skips = False
            return []
        # At first there may have been one entry, which tells no order.
        return [] if self._runs_backwards(page.entries) else self._all(page, PAGE)

    def newest(self, limit: int, position: Position) -> tuple[list[Entry], bool] | Gap:
        """The newest entries, back to what is known or `limit`; and whether older ones are left."""
        first = self._page(self._query(0))
        if isinstance(first, Gap):
            return first
        if self._runs_backwards(first.entries):
            entries = self._all(first, limit, position)
            if isinstance(entries, Gap):
                return entries
            return entries[:limit][::-1], len(entries) >= limit and self.total > limit
        start = self._near_end(first, limit)
        entries = self._all(start, PAGE * PAGES)
        if isinstance(entries, Gap):
            return entries
        return entries[-limit:], self.total > limit

    def _near_end(self, first: _Page, limit: int) -> _Page:
        """A later page to begin with, where the log is long and the service can skip."""
        if not self.skips or (first.total or 0) <= limit or not first.further:
            return first
        page = self._page(self._query((first.total or 0) - limit))
        self.skips = not isinstance(page, Gap) and page.entries[:1] != first.entries[:1]
        return page if self.skips and isinstance(page, _Page) else first

    def _all(self, page: _Page, limit: int, position: Position | None = None) -> list[Entry] | Gap:
        """The entries of a page and of those behind it, until there are enough."""
        entries, seen, total = list(page.entries), set[str](), page.total
        while page.further and page.further not in seen and len(seen) < PAGES:
            known = position is not None and position.found_in(entries) is not None
            if known or len(entries) >= limit:
                break
            seen.add(page.further)
            found = self._page(page.further)
            if isinstance(found, Gap):
                return found
            page = found
            entries += page.entries
        self.total = len(entries) if total is None else total
        return entries

    def _runs_backwards(self, entries: list[Entry]) -> bool:
        """Whether the newest comes first, by ids, which count on where clocks leap, or by times."""
        if len(entries) > 1:
            first, last = entries[0], entries[-1]
            counted, count = _numbers(first["record"]), _numbers(last["record"])
            if counted and len(counted) == len(count) and counted != count:
                self.newest_first = counted > count
            elif first["written"] is not None and last["written"] is not None:
                self.newest_first = first["written"] > last["written"]
        return self.newest_first

    def _query(self, skip: int) -> str:
        options = [f"$skip={skip}"] if skip else []
        options += [expansion(self.service.root).removeprefix("?")] if self.expands else []
        return f"{self.path}?{'&'.join(options)}" if options else self.path

    def _page(self, target: str) -> _Page | Gap:
        answer = self.service.get(target)
        if answer.gap is not None:
            return answer.gap
        document = answer.document or {}
        if not isinstance(document.get("Members"), list):
            return Gap(GapReason.FAILED)
        members = list(items(document, "Members", limit=PAGE))
        if any(len(member) == 1 for member in members):
            if expansion(self.service.root) and not self.expands and "?" not in target:
                self.expands = True
                return self._page(self._query(0))
            members = self._singles(members)
        total = number(document, "Members@odata.count")
        return _Page(
            entries=[one for member in members if (one := entry(member))["record"]],
            total=None if total is None else int(total),
            further=self.service.local(document.get("Members@odata.nextLink")),
        )

    def _singles(self, members: list[Document]) -> list[Document]:
        found = []
        for member in members[-SINGLE:]:
            path = self.service.local(member.get("@odata.id"))
            answer = self.service.get(path) if path and len(member) == 1 else None
            if answer is None:
                found.append(member)
            elif answer.document is not None:
                found.append(answer.document)
        return found


def entry(document: Document) -> Entry:
    """What is kept of an entry; without what may change in it later."""
    arguments = walk(document, "MessageArgs")
    return {
        "record": text(document, "Id"),
        "written": instant(text(document, "Created")),
        "severity": text(document, "Severity") or text(document, "MessageSeverity"),
        "message": text(document, "Message", length=_MESSAGE_LENGTH),
        "message_id": text(document, "MessageId"),
        "arguments": [
            text({"it": each}, "it")
            for each in (arguments[:_ARGUMENTS] if isinstance(arguments, list) else ())
        ],
        "type": text(document, "EntryType"),
        "code": text(document, "EntryCode"),
        "sensor_type": text(document, "SensorType"),
        "origin": link(document, "Links", "OriginOfCondition"),
    }


def _numbers(record: str) -> list[int]:
    return [int(digits) for digits in _DIGITS.findall(record)]
