"""BMC lines: what the commands about BMCs print alike."""

from typing import TYPE_CHECKING

from gpuwatch.cli.output import at, fact, paragraph, table
from gpuwatch.domain.verdicts import GRAVITY
from gpuwatch.exposition import bmc_words as words
from gpuwatch.exposition.bmc_facts import facts

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from gpuwatch.exposition.bmc_shapes import BmcShape, LogEntryShape


def bmc_table(bmcs: "Sequence[BmcShape]") -> list[str]:
    """One line for each BMC; whose it is only where some are of other hosts."""
    others = any(bmc["host"] for bmc in bmcs)
    headings = ("BMC", *(("SERVER",) if others else ()), *_HEADINGS)
    rows = [(bmc["name"], *((bmc["server"],) if others else ()), *_row(bmc)) for bmc in bmcs]
    return table(headings, rows)


_HEADINGS = ("VERDICT", "POWER", "INLET", "SUPPLIES", "FANS", "FINDINGS")


def _row(bmc: "BmcShape") -> tuple[str, ...]:
    codes = [finding["code"] for finding in bmc["findings"]]
    if not bmc["fresh"]:
        silent = f"({bmc['trouble'] or 'nothing told'})".replace("_", " ")
        return bmc["verdict"], "-", "-", "-", "-", " ".join((silent, *codes))
    measured = (
        words.power(bmc),
        words.reading(bmc["inlet_celsius"], "celsius"),
        words.supplies_short(bmc),
        words.fans_short(bmc),
    )
    return bmc["verdict"], *(text or "-" for text in measured), " ".join(codes)


def bmc_details(one: "BmcShape") -> list[str]:
    """Why it does not answer, and its findings."""
    silence = words.trouble(one)
    lines = paragraph(f"bmc.{one['name']}: the BMC {silence}", "  ") if silence else []
    for finding in one["findings"]:
        since = f"since {at(finding['since'])}"
        text = f"{finding['route']}: {finding['code']} {since}: {finding['sentence']}"
        lines += paragraph(f"bmc.{one['name']}: {text}", "  ")
    return lines


def worst_first(bmcs: "Iterable[BmcShape]") -> "list[BmcShape]":
    """Those of this host in the order of the settings, then the others, the worst first."""
    gravity = [verdict.value for verdict in GRAVITY]

    def order(bmc: "BmcShape") -> int:
        return gravity.index(bmc["verdict"]) if bmc["host"] else -1

    return sorted(bmcs, key=order)


def bmc_facts(bmc: "BmcShape") -> list[str]:
    """What it tells at present, a fact each."""
    return [line for name, text in facts(bmc) for line in fact(name, text)]


def entry_rows(entries: "Iterable[LogEntryShape]", *, named: bool = False) -> list[str]:
    """Log entries as a table, dated by this host's clock; `named` says of which BMC each is."""
    headings = ("WHEN (UTC)", *(("BMC",) if named else ()), "SEVERITY", "ABOUT", "ENTRY")
    return table(
        headings,
        (
            (
                at(one["at"], seconds=True),
                *((one["bmc"],) if named else ()),
                one["severity"],
                one["topic"],
                _said(one),
            )
            for one in entries
        ),
    )


def _said(one: "LogEntryShape") -> str:
    sensor = f"{one['sensor']}: " if one["sensor"] else ""
    old = " (before gpuwatch)" if one["baseline"] else ""
    return f"{sensor}{words.entry(one)}{old}"
