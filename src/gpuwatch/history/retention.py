"""Retention: the store's size is bounded by counts, so that no wall clock can delete anything.

Series keep the buckets of fourteen days of presence; floods keep the latest of their sort. Logs of
BMCs keep the latest entries, of a baseline fewer; the fewer of each, the more BMCs are watched.
Of a board the first captures and the latest are kept.
Incidents, clocks, flags and audit records are kept for good: their number is bounded by their
nature (an incident spans a day at least and keeps a limited number of signals).
"""

from gpuwatch.domain.captures import FIRST_KEPT, LATEST_KEPT
from gpuwatch.history.book import Book
from gpuwatch.history.series import KEPT_BUCKETS
from gpuwatch.history.tables import SERIES, Row
from gpuwatch.history.timeline import Instant

_EVERY_SECONDS = 900.0
_BATCH = 5000
_FREE_PAGES = 2000

# table, the columns whose combinations are sorts, how many of a sort are kept, which rows
_LIMITS: tuple[tuple[str, str, int, str], ...] = (
    ("changes", "board, signal", 500, "1"),
    ("events", "board, kind, code", 200, "source <> 'nvml' and bmc = ''"),
    ("events", "bmc, kind", 50, "bmc <> ''"),
    ("events", "board, kind, code", 100, "source = 'nvml'"),
    ("verdicts", "subject", 200, "1"),
    ("resets", "board", 200, "1"),
)

# Entries of the logs of all BMCs, of one at least and at most, and of one log's baseline.
_ENTRIES_OF_ALL = 50_000
_ENTRIES_OF_A_BMC = (1_000, 5_000)
_ENTRIES_OF_A_BASELINE = 200
_OLD_BASELINES = (
    "delete from bmc_entries where number in (select number from (select number, row_number() over"  # noqa: S608 - a number
    " (partition by log order by number desc) as place from bmc_entries where baseline = 1)"
    f" where place > {_ENTRIES_OF_A_BASELINE})"
)
_OLD_ENTRIES = (
    "delete from bmc_entries where number in (select number from (select kept.number as number,"
    " row_number() over (partition by owner.bmc order by kept.number desc) as place"
    " from bmc_entries as kept join bmc_logs as owner on owner.number = kept.log)"
    " where place > ?1)"
)
# Of a board the first captures and the latest: how it began, and how it is.
_OLD_CAPTURES = (
    "delete from captures where number in (select number from (select number,"  # noqa: S608 - numbers
    " row_number() over (partition by board order by number) as place,"
    " row_number() over (partition by board order by number desc) as place_from_end from captures)"
    f" where place > {FIRST_KEPT} and place_from_end > {LATEST_KEPT} limit {_BATCH})"
)
_PIECES = len(_LIMITS) + 3  # the limits, series, the logs of BMCs, and captures


class Retention:
    """Deletes a little at a time, on the boot clock."""

    def __init__(self, book: Book) -> None:
        self._book = book
        self._due: Instant | None = None
        self._turn = 0

    def step(self, now: Instant) -> None:
        """Do one piece of work when it is time."""
        due = self._due
        if due is not None and due.boot == now.boot and now.boottime < due.boottime:
            return
        self._due = Instant(now.boot, now.boottime + _EVERY_SECONDS)
        if due is None:  # start-up has better things to do
            return
        self.run_piece(self._turn)
        self._turn = (self._turn + 1) % _PIECES

    def run_piece(self, piece: int) -> int:
        """Run one piece of the work; rows deleted."""
        store = self._book.store
        if piece == len(_LIMITS):
            statements = [self._series(board) for board in self._book.boards]
        elif piece == len(_LIMITS) + 1:
            statements = [(_OLD_BASELINES, ()), (_OLD_ENTRIES, (self._entries_of_a_bmc(),))]
        elif piece == len(_LIMITS) + 2:
            statements = [(_OLD_CAPTURES, ())]
        else:
            statements = [(_excess(*_LIMITS[piece]), ())]
        deleted = store.execute(statements)
        if deleted:
            store.shrink(_FREE_PAGES)
        return deleted

    def run(self) -> int:
        """Run all pieces; rows deleted."""
        return sum(self.run_piece(piece) for piece in range(_PIECES))

    def _entries_of_a_bmc(self) -> int:
        least, most = _ENTRIES_OF_A_BMC
        return max(least, min(most, _ENTRIES_OF_ALL // max(1, len(self._book.bmcs))))

    def _series(self, board: int) -> tuple[str, Row]:
        newest = f"(select max(sequence) from {SERIES.name} where board = ?1)"  # noqa: S608 - a name
        oldest = f"(select min(sequence) from {SERIES.name} where board = ?1)"  # noqa: S608 - a name
        statement = (
            f"delete from {SERIES.name} where board = ?1"  # noqa: S608 - names and numbers
            f" and sequence <= {newest} - {KEPT_BUCKETS} and sequence < {oldest} + {_BATCH}"
        )
        return statement, (board,)


def _excess(table: str, sort: str, kept: int, rows: str) -> str:
    ranked = (
        "select number, row_number() over"  # noqa: S608 - from the table above
        f" (partition by {sort} order by number desc) as place from {table} where {rows}"
    )
    return (
        f"delete from {table} where number in"  # noqa: S608 - from the table above
        f" (select number from ({ranked}) where place > {kept} limit {_BATCH})"
    )
