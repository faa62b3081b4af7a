"""Shelf: what was taken from a service's resources, and when it is worth a request to ask again.

Most of what a service tells hardly ever changes, and a large server has hundreds of resources. So
each row is kept with its age; a resource that is not there, or that hangs, is left alone for a
while; and where a sweep runs out of time, what is not too old stands in for what was not asked.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from gpuwatch.domain.readings import Gap, GapReason
from gpuwatch.sources.redfish.fields import Document, flag, items, number
from gpuwatch.sources.redfish.service import Answer, Service

Row = dict[str, Any]
Keep = Callable[[Document], Row]

NOW = 0.0  # ages in seconds, up to which a row is as good as new
SLOW = 300.0
RARE = 3_600.0
KEPT_SECONDS = 600.0  # beyond its age, where a sweep runs out of time
MEMBERS = 512
PAGES = 32
_ABSENT_SECONDS = 600.0
_HUNG_SECONDS = 300.0
_JITTERED = 0.9  # a pause between sweeps may be so much shorter
_LEAVE = {GapReason.UNSUPPORTED: _ABSENT_SECONDS, GapReason.DENIED: _ABSENT_SECONDS}


@dataclass(slots=True)
class _Kept:
    rows: list[Row] | Gap
    at: float
    keep: Keep  # what took the rows: one path may be named for two purposes
    etag: str = ""
    paths: tuple[str, ...] = ()  # of a collection whose members are asked one by one


@dataclass(slots=True)
class Shelf:
    """The rows of one service. `gaps` are what the present sweep could not have, by path."""

    service: Service
    gaps: dict[str, Gap] = field(default_factory=dict)
    _kept: dict[str, _Kept] = field(default_factory=dict)
    _plain: set[str] = field(default_factory=set)  # collections that are not expanded

    def begin(self) -> None:
        """Begin a sweep."""
        self.gaps = {}
        oldest = self._now() - RARE - KEPT_SECONDS
        self._kept = {path: kept for path, kept in self._kept.items() if kept.at > oldest}

    def one(self, path: str, keep: Keep, age: float) -> Row | None:
        """What `keep` takes from a resource; None, noted as a gap, where it is not to be had."""
        rows = self._fresh(path, keep, age)
        if rows is None:
            rows = self._ask(path, keep, age)
        if isinstance(rows, Gap):
            self.gaps[path] = rows
            return None
        return rows[0] if rows else None

    def members(
        self, path: str, keep: Keep, age: float, *, also: Callable[[Row], float] | None = None
    ) -> list[Row]:
        """What `keep` takes from every member of a collection, each with its path as `at`.

        `also` may say another age for one member, by its row of before.
        """
        rows = self._fresh(path, keep, age)
        if rows is None:
            rows = self._collect(path, keep, age, also)
        if isinstance(rows, Gap):
            self.gaps[path] = rows
            return []
        return rows

    def hollow(self, path: str, keep: Keep) -> bool:
        """Whether nothing of interest was there, the last time it was looked at."""
        kept = self._known(path, keep)
        if kept is None or kept.paths or isinstance(kept.rows, Gap):
            return False
        return all(row.get("hollow", False) for row in kept.rows)

    def before(self, path: str, keep: Keep) -> list[Row]:
        """The rows that a resource or a collection gave the last time, however old."""
        kept = self._known(path, keep)
        if kept is None:
            return []
        if kept.paths:
            return [row for each in kept.paths for row in self.before(each, keep)]
        return [] if isinstance(kept.rows, Gap) else kept.rows

    def _now(self) -> float:
        return self.service.monotonic()

    def _known(self, path: str, keep: Keep) -> _Kept | None:
        kept = self._kept.get(path)
        return kept if kept is not None and kept.keep is keep else None

    def _fresh(self, path: str, keep: Keep, age: float) -> list[Row] | Gap | None:
        """What is kept, where it needs no request."""
        kept = self._known(path, keep)
        if kept is None or kept.paths:
            return None
        if isinstance(kept.rows, Gap):
            leave = _HUNG_SECONDS if kept.rows.reason is GapReason.TIMED_OUT else 0.0
            age = _LEAVE.get(kept.rows.reason, leave)
        return kept.rows if self._now() - kept.at < age * _JITTERED else None

    def _ask(self, path: str, keep: Keep, age: float) -> list[Row] | Gap:
        kept = self._known(path, keep)
        if not self.service.has_time():
            return self._instead(path, keep, age)
        # An entity tag is trusted only for what hardly ever changes: some services count no nested
        # value in, and what such a value has become would then never be seen.
        etag = kept.etag if kept is not None and age >= RARE else ""
        answer = self.service.get(path, etag)
        rows: list[Row] | Gap
        if answer.gap is not None and not self.service.has_time():
            return self._instead(path, keep, age)
        if answer.gap is not None:
            rows = answer.gap
        elif answer.document is None and kept is not None:
            rows, answer = kept.rows, Answer(etag=kept.etag)
        else:
            rows = [{"at": path, **keep(answer.document or {})}]
        self._kept[path] = _Kept(rows, self._now(), keep, answer.etag)
        return rows

    def _instead(self, path: str, keep: Keep, age: float) -> list[Row] | Gap:
        """What is kept and not too old, for what there was no time to ask."""
        kept = self._known(path, keep)
        if kept is None or self._now() - kept.at > age + KEPT_SECONDS:
            return Gap(GapReason.TIMED_OUT)
        return kept.rows

    def _collect(
        self, path: str, keep: Keep, age: float, also: Callable[[Row], float] | None
    ) -> list[Row] | Gap:
        kept = self._known(path, keep)
        known = kept.paths if kept is not None else ()
        recent = kept is not None and self._now() - kept.at < max(age, SLOW) * _JITTERED
        if known and (recent or not self.service.has_time()):
            return self._each(known, keep, age, also)
        found = self._pages(path)
        if not isinstance(found, Gap):
            return self._shelve(path, found, keep, age, also)
        if not self.service.has_time():
            return self._each(known, keep, age, also) if known else self._instead(path, keep, age)
        self._kept[path] = _Kept(found, self._now(), keep)
        return found

    def _shelve(
        self,
        path: str,
        found: list[Document],
        keep: Keep,
        age: float,
        also: Callable[[Row], float] | None,
    ) -> list[Row]:
        """Keep what the members say, or ask them, where the collection only names them."""
        if all(len(member) > 1 for member in found):
            rows = [{"at": self._at(member), **keep(member)} for member in found]
            self._kept[path] = _Kept(rows, self._now(), keep)
            return rows
        paths = tuple(place for member in found if (place := self._at(member)))
        self._plain.add(path)
        self._kept[path] = _Kept([], self._now(), keep, paths=paths)
        return self._each(paths, keep, age, also)

    def _each(
        self,
        paths: tuple[str, ...],
        keep: Keep,
        age: float,
        also: Callable[[Row], float] | None,
    ) -> list[Row]:
        """Members one by one. The longest unasked first: time may not be enough for all."""
        rows: dict[str, Row] = {}
        until = self._now() + max(self.service.time_left(), 0.0) / 2  # others want to be asked, too
        for path in sorted(paths, key=self._asked):
            kept = self._known(path, keep)
            old = kept.rows[0] if kept and isinstance(kept.rows, list) and kept.rows else None
            fitting = also(old) if also is not None and old is not None else age
            found = self._fresh(path, keep, fitting)
            if found is None:
                ask = self._ask if self._now() < until else self._instead
                found = ask(path, keep, fitting)
            if isinstance(found, Gap):
                self.gaps[path] = found
            elif found:
                rows[path] = found[0]
        return [rows[path] for path in paths if path in rows]

    def _asked(self, path: str) -> float:
        kept = self._kept.get(path)
        return kept.at if kept is not None else 0.0

    def _at(self, member: Document) -> str:
        return self.service.local(member.get("@odata.id"))

    def _pages(self, path: str) -> list[Document] | Gap:
        """The members of all pages, expanded where the service can."""
        query = "" if path in self._plain else expansion(self.service.root)
        answer = self.service.get(path + query)
        hung = answer.gap is not None and answer.gap.reason is GapReason.TIMED_OUT
        if query and not hung and not _is_collection(answer.document):
            answer = self.service.get(path)
            if _is_collection(answer.document):
                self._plain.add(path)
        if answer.gap is not None:
            return answer.gap
        if not _is_collection(answer.document):
            return Gap(GapReason.FAILED)
        return self._further(answer.document or {})

    def _further(self, page: Document) -> list[Document] | Gap:
        found, seen = list(items(page, "Members", limit=MEMBERS)), set[str]()
        while target := self.service.local(page.get("Members@odata.nextLink")):
            if target in seen or len(seen) == PAGES or len(found) >= MEMBERS:
                break
            seen.add(target)
            answer = self.service.get(target)
            if answer.gap is not None:
                return answer.gap
            page = answer.document or {}
            found += items(page, "Members", limit=MEMBERS)
        return found[:MEMBERS]


def expansion(root: Document) -> str:
    """The query that has a collection come with its members in it; "" where there is none."""
    said = root.get("ProtocolFeaturesSupported")
    offered = said.get("ExpandQuery") if isinstance(said, dict) else None
    if not isinstance(offered, dict):
        return ""
    sign = "." if flag(offered, "NoLinks") else "*" if flag(offered, "ExpandAll") else ""
    if not sign:
        return ""
    deep = flag(offered, "Levels") and (number(offered, "MaxLevels") or 1) >= 1
    return f"?$expand={sign}($levels=1)" if deep else f"?$expand={sign}"


def _is_collection(document: Document | None) -> bool:
    return document is not None and isinstance(document.get("Members"), list)
