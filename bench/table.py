"""Table: what a part of the benchmark measured, what it should be, and whether it is."""

from dataclasses import dataclass
from enum import StrEnum


class Verdict(StrEnum):
    """What a row says. `SLOW` is a missed aim, which depends on the machine: it fails nothing."""

    NONE = ""
    OK = "ok"
    SLOW = "slow"
    MISSED = "MISSED"


@dataclass(frozen=True, slots=True)
class Row:
    """One line: what was measured, the figure as people read it, and its target."""

    name: str
    figure: str
    target: str = ""
    verdict: Verdict = Verdict.NONE

    @classmethod
    def at_most(
        cls, name: str, measured: float, limit: float, unit: str = "", *, aim: bool = False
    ) -> "Row":
        """A row whose figure must not exceed `limit`; an `aim` is only said."""
        verdict = Verdict.SLOW if aim else Verdict.MISSED
        return cls(
            name,
            f"{measured:,.2f} {unit}".strip(),
            f"{'aim' if aim else 'at most'} {limit:g} {unit}".strip(),
            Verdict.OK if measured <= limit else verdict,
        )


def text(part: str, rows: tuple[Row, ...]) -> str:
    """The rows of one part, for a terminal."""
    lines = [
        f"{row.verdict.value:6}  {row.name:62} {row.figure:>24}  {row.target}".rstrip()
        for row in rows
    ]
    return "\n".join([f"-- {part}", *lines])
