"""Captures: rows of what was known of a board when something happened; read when they are wanted.

A document is kept as compressed JSON. None is held in memory: one takes as much as a board.
"""

import json
import zlib
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from gpuwatch.domain.captures import FIRST_KEPT, LATEST_KEPT, UPTIME, Capture, Occasion
from gpuwatch.domain.devices import BoardKey
from gpuwatch.history.book import Book
from gpuwatch.history.proofs import Proofs
from gpuwatch.history.tables import CAPTURES, Row
from gpuwatch.history.timeline import Instant

_NUMBER, _BOARD, _OCCASION, _BOOT, _BOOTTIME, _SETTLED, _DOCUMENT = range(7)


class CaptureReader(Proofs):
    """Reading access to them."""

    def captures(self, board: BoardKey) -> tuple[Capture, ...]:
        """What was captured of a board, the oldest first; also what waits to be written."""
        known = self._book.find(board)
        if known is None:
            return ()
        rows = self._book.store.every_row(CAPTURES, "where board = ?", (known.number,))
        return self._understood(row for row in rows if row[_BOARD] == known.number)

    def unsettled_captures(self) -> tuple[Capture, ...]:
        """Those to which nobody added yet what followed, the oldest first."""
        rows = self._book.store.every_row(CAPTURES, "where settled = 0")
        return self._understood(row for row in rows if not row[_SETTLED])

    def _understood(self, rows: Iterable[tuple[Any, ...]]) -> tuple[Capture, ...]:
        read = map(self._capture, rows)
        return tuple(capture for capture in read if capture is not None)

    def _capture(self, row: tuple[Any, ...]) -> Capture | None:
        """None for a row that is not understood: a newer gpuwatch, or a damaged file, left it."""
        known = self._book.boards.get(row[_BOARD])
        if known is None:
            return None
        try:
            return Capture(
                number=row[_NUMBER],
                board=known.board.key,
                occasion=Occasion(row[_OCCASION]),
                at=self._book.timeline.wall(Instant(row[_BOOT], row[_BOOTTIME])),
                settled=bool(row[_SETTLED]),
                document=unpack(row[_DOCUMENT]),
            )
        except (ValueError, TypeError, zlib.error):
            return None


def capture_row(
    number: int,
    board: int,
    occasion: Occasion,
    instant: Instant,
    document: Mapping[str, Any],
    *,
    settled: bool,
) -> Row:
    """The row of a capture."""
    when = (instant.boot, instant.boottime)
    return (number, board, occasion.value, *when, int(settled), pack(document))


def unsettled_of(rows: Iterable[tuple[Any, ...]], capture: Capture) -> list[tuple[Any, ...]]:
    """Those of a capture to which more may be added: one that is settled stays as it is."""
    found = [row for row in rows if row[_NUMBER] == capture.number and not row[_SETTLED]]
    # A file that was opened late has given that number to another one.
    uptime = capture.document.get(UPTIME)
    return [row for row in found if unpack(row[_DOCUMENT]).get(UPTIME) == uptime]


def updated_row(row: tuple[Any, ...], document: Mapping[str, Any], *, settled: bool) -> Row:
    """The row of the same capture with more in its document."""
    return (*row[:_SETTLED], int(settled), pack(document))


def first_too_many(book: Book, board: int) -> int | None:
    """The number of the capture to give up when more of a board wait for a sick disk than are kept.

    No rank gives them up, and they are large.
    """
    waiting = [row for row in book.store.waiting_rows(CAPTURES) if row[_BOARD] == board]
    if len(waiting) <= FIRST_KEPT + LATEST_KEPT:
        return None
    number = waiting[FIRST_KEPT][_NUMBER]
    assert isinstance(number, int)  # noqa: S101 - it is the key
    return number


def join_capture(
    book: Book,
    row: tuple[Any, ...],
    boards: Mapping[int, int],
    moved: Callable[[Instant], Instant],
) -> None:
    """Put a capture of a book that was begun in memory; `moved` gives its instants in `book`."""
    instant = moved(Instant(row[_BOOT], row[_BOOTTIME]))
    where = (book.number(CAPTURES), boards[row[_BOARD]], row[_OCCASION])
    book.store.put(CAPTURES, (*where, instant.boot, instant.boottime, *row[_SETTLED:]))


def pack(document: Mapping[str, Any]) -> bytes:
    """A document as it is stored. Raises TypeError or ValueError for what is no JSON."""
    text = json.dumps(document, separators=(",", ":"), allow_nan=False)
    return zlib.compress(text.encode())


def unpack(stored: bytes) -> dict[str, Any]:
    """A document from what is stored. Raises ValueError, TypeError or zlib.error for other data."""
    document = json.loads(zlib.decompress(stored))
    if not isinstance(document, dict):
        raise ValueError("a capture's document is an object")  # noqa: TRY004 - bad data
    return document
