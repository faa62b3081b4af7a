"""Rule sets: which version of the rules judges, since when, and what was known of boards by then.

What a version finds in evidence that was known before its installation is for `gpuwatch preview` to
show: an older version has judged it, and an upgrade shall not flag half a fleet overnight.
"""

from collections.abc import Iterator

from gpuwatch.history.boards import BoardHistory
from gpuwatch.history.book import Book, RuleSet
from gpuwatch.history.tables import RULE_SETS, RULE_STARTS
from gpuwatch.history.timeline import Instant, Timeline


def install(book: Book, version: str) -> bool:
    """Judge by `version` from now on; False when it is the one that judged before.

    The first version of all judges whatever it finds: no older one did.
    """
    before = book.rule_set
    if before is not None and before.version == version:
        return False
    book.rule_set = RuleSet(book.number(RULE_SETS), version, book.timeline.now)
    put_rule_set(book)
    for known in book.boards.values() if before is not None else ():
        known.judged_from = book.timeline.latest(_known_instants(known))
        known.version += 1
        put_start(book, known)
    return True


def put_rule_set(book: Book) -> None:
    """Put the row of the rule set."""
    if (kept := book.rule_set) is not None:
        row = (kept.number, kept.version, kept.installed.boot, kept.installed.boottime)
        book.store.put(RULE_SETS, row)


def put_start(book: Book, known: BoardHistory) -> None:
    """Put the row of a board that was known before the rule set."""
    if (start := known.judged_from) is not None:
        book.store.put(RULE_STARTS, (known.number, start.boot, start.boottime))


def load_rule_sets(book: Book) -> None:
    """Take up the rule set that judged last, and what boards were known by its installation."""
    for number, version, boot, boottime in book.store.rows(RULE_SETS, "order by number"):
        book.rule_set = RuleSet(number, version, Instant(boot, boottime))
    for board, boot, boottime in book.store.rows(RULE_STARTS):
        if (known := book.boards.get(board)) is not None:
            known.judged_from = Instant(boot, boottime)


def judged_from(known: BoardHistory, timeline: Timeline) -> float:
    """Unix seconds up to which evidence was known to an older rule set; 0 for none.

    What comes in this boot is newer than all of the boots before, whatever their clocks said.
    """
    if known.judged_from is None:
        return 0.0
    at, current = timeline.wall(known.judged_from), timeline.current
    if current is None or current.number == known.judged_from.boot:
        return at
    return min(at, current.wall_offset)


def _known_instants(known: BoardHistory) -> Iterator[Instant]:
    """Instants up to which something is known of a board.

    Not the present one: an error while the agent was being upgraded comes to light afterwards.
    """
    yield known.last_read or known.last_seen
    yield from known.off_bus
    for case in known.cases:
        for report in case.reports:
            at = report.instant
            yield Instant(at.boot, at.boottime + report.seconds_after)
