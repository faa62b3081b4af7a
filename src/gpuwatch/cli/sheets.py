"""Sheets: CSV files that people made, read line by line, refused with line, value and remedy."""

import csv
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

LINE_LIMIT = 1 << 16  # bytes
ROW_LIMIT = 2_000_000  # about 1 GB of memory
_SHOWN = 60  # characters of a value


class BadFileError(Exception):
    """A file cannot be used: what is wrong, with file, line and value, and the way out."""

    def __init__(self, what: str, remedy: str) -> None:
        self.what, self.remedy = what, remedy
        super().__init__(f"{what} ({remedy})")


def shown(value: str) -> str:
    """A value of a file, in quotes, cut when it is long."""
    return f'"{value}"' if len(value) <= _SHOWN else f'"{value[:_SHOWN]}..."'


@dataclass(frozen=True, slots=True, kw_only=True)
class Sheet:
    """A CSV file with a header: the columns that it must and may have, in any order.

    `ignored` are the columns that it has beyond them; filled when the header was read.
    """

    path: Path
    required: tuple[str, ...]
    optional: tuple[str, ...] = ()
    row_limit: int = ROW_LIMIT

    def rows(self, ignored: list[str]) -> Iterator[tuple[int, tuple[str, ...]]]:
        """Every row's line and its required, then optional cells; an absent column is "".

        Raises BadFileError for whatever is no such file. `ignored` gets the other columns' names.
        """
        try:
            with self.path.open("rb") as stream:
                yield from self._parsed(stream, ignored)
        except OSError as error:
            told = f"{self.path}: cannot be read: {error.strerror}"
            raise BadFileError(told, "name a file that exists and that you may read") from error

    def _lines(self, stream: BinaryIO) -> Iterator[str]:
        number = 0
        while line := stream.readline(LINE_LIMIT + 1):
            number += 1
            if len(line) > LINE_LIMIT:
                told = f"{self.path}:{number}: the line is longer than {LINE_LIMIT:,} bytes"
                raise BadFileError(told, "is it a CSV file?")
            try:
                yield line.decode("utf-8-sig" if number == 1 else "utf-8")
            except UnicodeDecodeError as error:
                byte = line[error.start]
                told = f"{self.path}:{number}: byte {error.start + 1} (0x{byte:02x}) is not UTF-8"
                raise BadFileError(told, "save the file as UTF-8") from error

    def _parsed(
        self, stream: BinaryIO, ignored: list[str]
    ) -> Iterator[tuple[int, tuple[str, ...]]]:
        reader, count = csv.reader(self._lines(stream), strict=True), 0
        try:
            header = next(reader, None)
            if header is None:
                raise BadFileError(f"{self.path}: the file is empty", self._wanted())
            places, width = self._places(header, ignored), len(header)
            for row in reader:
                if not row:
                    continue
                if len(row) != width:
                    told = f"{self.path}:{reader.line_num}: {len(row)} cells, and {width} in line 1"
                    raise BadFileError(told, "put cells with a comma in quotes")
                count += 1
                if count > self.row_limit:
                    told = f"{self.path}: more than {self.row_limit:,} rows"
                    raise BadFileError(told, "split it by boards; each is judged by itself")
                row.append("")
                yield reader.line_num, tuple([row[place] for place in places])
        except csv.Error as error:
            told = f"{self.path}:{reader.line_num}: not CSV: {error}"
            raise BadFileError(told, "a quote that is not closed?") from error
        if not count:
            raise BadFileError(f"{self.path}: no row below the header", self._wanted())

    def _places(self, header: Sequence[str], ignored: list[str]) -> tuple[int, ...]:
        """Where the known columns stand; an absent one in the empty cell behind each row."""
        names = [name.strip().lower() for name in header]
        missing = [name for name in self.required if name not in names]
        if missing:
            told = f'{self.path}:1: no column "{missing[0]}" in {shown(",".join(header))}'
            raise BadFileError(told, self._wanted())
        twice = [name for name in names if names.count(name) > 1]
        if twice:
            told = f'{self.path}:1: column "{twice[0]}" is there twice'
            raise BadFileError(told, "rename one of them")
        known = (*self.required, *self.optional)
        ignored += [name for name in names if name not in known]
        return tuple(names.index(one) if one in names else len(names) for one in known)

    def _wanted(self) -> str:
        may = f"; it may have {','.join(self.optional)}" if self.optional else ""
        return f"line 1 must be {','.join(self.required)}{may}"
