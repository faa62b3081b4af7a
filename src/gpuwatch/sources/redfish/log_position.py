"""Log position: how far an event log was read, in a form that outlives the child."""

import json
from dataclasses import dataclass
from typing import Any

REMEMBERED = 8  # entries: one may be deleted alone, which empties no log

Entry = dict[str, Any]
Mark = tuple[str, float | None]  # an entry's id and when it was written: ids begin anew


@dataclass(frozen=True, slots=True)
class Position:
    """The last entries that were told, newest last, and how many the log had."""

    marks: tuple[Mark, ...] = ()
    entries: int = 0

    def __str__(self) -> str:
        """As text, for a store; `parse` reads it."""
        return json.dumps({"marks": self.marks, "entries": self.entries}, separators=(",", ":"))

    @classmethod
    def parse(cls, text: str) -> "Position | None":
        """What `str` wrote; None for anything else."""
        try:
            told = json.loads(text)
            marks = tuple((str(record), written) for record, written in told["marks"])
            return cls(marks, int(told["entries"]))
        except (ValueError, TypeError, KeyError):
            return None

    def after(self, told: list[Entry], entries: int) -> "Position":
        """The position behind entries that follow, of a log that then had so many."""
        marks = (*self.marks, *(mark(entry) for entry in told[-REMEMBERED:]))
        return Position(marks[-REMEMBERED:], entries)

    def found_in(self, entries: list[Entry]) -> int | None:
        """The place in `entries` behind the newest that was told before; None where none is."""
        known = set(self.marks)
        for place in range(len(entries), 0, -1):
            if mark(entries[place - 1]) in known:
                return place
        return None


def mark(entry: Entry) -> Mark:
    """What tells an entry from all others of its log."""
    return (entry["record"], entry["written"])
