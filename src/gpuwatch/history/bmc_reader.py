"""BMC reader: what is remembered of BMCs, in the domain's values."""

from collections.abc import Iterable, Mapping

from gpuwatch.domain.bmc_records import BmcRecord
from gpuwatch.domain.snapshot import Logged
from gpuwatch.history import tables
from gpuwatch.history.bmcs import RECENT_ENTRIES, BmcHistory, KeptEntry, entries_of
from gpuwatch.history.boards import NOWHERE
from gpuwatch.history.captures import CaptureReader
from gpuwatch.history.timeline import Instant, Timeline

ENTRIES_OF = "where log in (select number from bmc_logs where bmc = ?) order by number desc limit ?"


class BmcReader(CaptureReader):
    """Reading access to them."""

    def bmcs(self) -> Mapping[str, BmcRecord]:
        """Everything remembered of BMCs, by name; also of those that nobody watches any more."""
        timeline = self._book.timeline
        return {name: _record(known, timeline) for name, known in self._book.bmcs.items()}

    def bmc(self, name: str) -> BmcRecord | None:
        """What is remembered of one BMC, None of one that never told anything."""
        known = self._book.bmcs.get(name)
        return None if known is None else _record(known, self._book.timeline)

    def bmc_edition(self, name: str) -> tuple[object, ...]:
        """Another one whenever what is remembered of a BMC, or a date in it, may have changed."""
        book, known = self._book, self._book.bmcs.get(name)
        version = -1 if known is None else known.version
        return (book.lineage, book.timeline.version, version)

    def log_positions(self, bmc: str) -> dict[str, str]:
        """How far each log of a BMC was read, to be handed to its source at the start."""
        known = self._book.bmcs.get(bmc)
        return {} if known is None else {log.name: log.position for log in known.logs.values()}

    def logged(self, bmc: str, limit: int = RECENT_ENTRIES) -> tuple[Logged, ...]:
        """The latest entries of all logs of a BMC, the newest first; baselines, too."""
        known = self._book.bmcs.get(bmc)
        if known is None or limit <= 0:
            return ()
        kept: Iterable[KeptEntry] = known.recent
        if limit > len(known.recent) == known.recent.maxlen:
            kept = self._all_kept(known, limit)
        latest = sorted(kept, key=lambda one: one.number, reverse=True)[:limit]
        return tuple(as_logged(one, self._book.timeline) for one in latest)

    def _all_kept(self, known: BmcHistory, limit: int) -> Iterable[KeptEntry]:
        """What the file holds, what waits for it, and what memory holds, each once."""
        names = {log.number: log.name for log in known.logs.values()}
        rows = self._book.store.every_row(tables.BMC_ENTRIES, ENTRIES_OF, (known.number, limit))
        found = (*entries_of(rows, names), *known.recent)
        return {kept.number: kept for kept in found}.values()


def as_logged(kept: KeptEntry, timeline: Timeline) -> Logged:
    """An entry as readers see it, dated by the timeline's latest word."""
    seen_at = timeline.wall(kept.instant)
    return Logged(kept.entry, seen_at - kept.age, seen_at, kept.baseline)


def _record(known: BmcHistory, timeline: Timeline) -> BmcRecord:
    return BmcRecord(
        name=known.name,
        serial=known.serial,
        firmware=known.firmware,
        power_on=known.power,
        power_since=_wall(known.power_since, timeline),
        restarts=tuple(timeline.wall(instant) for instant in known.restarts),
        seen_well=known.seen_well,
        counts=dict(known.counts),
        cleared=sum(log.cleared for log in known.logs.values()),
        wrapped=sum(log.wrapped for log in known.logs.values()),
    )


def _wall(instant: Instant, timeline: Timeline) -> float | None:
    return None if instant == NOWHERE else timeline.wall(instant)
