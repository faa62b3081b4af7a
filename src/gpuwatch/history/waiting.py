"""Waiting: the rows that the next transaction will write, bounded for a disk that stays sick."""

from collections import Counter
from collections.abc import Iterator

from gpuwatch.history.tables import Row, Table

_Key = tuple[str, Row]


class Waiting:
    """Of two rows with one key the later counts, so waiting costs what changed, not how often."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._rows: dict[_Key, tuple[Table, Row | None]] = {}

    def __len__(self) -> int:
        return len(self._rows)

    def __iter__(self) -> Iterator[tuple[Table, Row, Row | None]]:
        """Each table, key and row in the order in which they came; None to delete what is there."""
        return ((table, key, row) for (_, key), (table, row) in self._rows.items())

    def put(self, table: Table, row: Row) -> None:
        """Add one row, in the order of the table's columns."""
        self._rows[table.name, row[: table.keys]] = (table, row)

    def drop(self, table: Table, key: Row) -> None:
        """Have one row deleted."""
        self._rows[table.name, key] = (table, None)

    def clear(self) -> None:
        """Forget them all: they were written, or belong to nothing any more."""
        self._rows.clear()

    def of(self, table: Table) -> list[Row]:
        """The rows of `table` that are to be written."""
        return [row for owner, row in self._rows.values() if owner is table and row is not None]

    def trim(self) -> Counter[str]:
        """Give up rows of the lowest rank, the oldest first; how many of each table."""
        given_up: Counter[str] = Counter()
        for rank in range(3):
            excess = len(self._rows) - self._most
            if excess <= 0:
                break
            expendable = [key for key, (table, _) in self._rows.items() if table.rank == rank]
            # A tenth at once, or every further row would search the whole of what waits.
            for key in expendable[: excess + self._most // 10]:
                del self._rows[key]
                given_up[key[0]] += 1
        return given_up
