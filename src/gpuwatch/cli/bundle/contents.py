"""Contents: one document of evidence, and what was attached, as the files of a bundle."""

import base64
import hashlib
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, cast

from gpuwatch import __version__
from gpuwatch.cli.bundle.attachments import Diagnostic
from gpuwatch.cli.bundle.csv_files import csv_file
from gpuwatch.cli.bundle.readme import readme
from gpuwatch.cli.bundle.rule_file import rule_file
from gpuwatch.domain.captures import KERNEL_LINES
from gpuwatch.exposition.evidence_page import evidence_page
from gpuwatch.exposition.evidence_plots import figures
from gpuwatch.exposition.plots import figure

if TYPE_CHECKING:
    from gpuwatch.exposition.evidence_shapes import (
        CaptureShape,
        EvidenceShape,
        MissingShape,
        TableShape,
    )

REPORT = "nvidia-bug-report.log.gz"
PLOT_WIDTH = 1000.0
_TABLES = {
    "incidents": "each report of an uncorrectable error, by incident; echoes are other reports of"
    " the same errors",
    "counters": "each counter and state of the board whenever it changed, with driver loads and"
    " resets",
    "readings": "temperatures, power, clocks in five-minute buckets, the last two weeks that the"
    " board was read",
    "xids": "the driver's reports about this board, as they happened; of a flood the first",
    "xid_groups": "Xids that are alike, counted by day, with the process that the driver blames",
    "events": "all that happened to the board, in order",
    "sel": "entries of the event logs of this server's BMCs",
    "audit": "who did what about the flag and the board, and why",
}
_README = ("README.html", "this page, to be read and printed"), ("README.txt", "the same as text")


@dataclass(frozen=True, slots=True, kw_only=True)
class Attached:
    """What stands beside the document; `notes` say what was done to all files."""

    diagnostic: Diagnostic | None = None
    report: bytes | None = None
    redacted: bool = False
    notes: Sequence[str] = ()
    replaced: Mapping[str, int] = field(default_factory=dict)


def folder_of(told: "EvidenceShape", attached: Attached) -> str:
    """The name of the archive's folder: of the flag and the board, and whether it is redacted."""
    serial = re.sub(r"[^A-Za-z0-9._-]", "_", told["board"]["serial"]) or "no-serial"
    behind = "-redacted" if attached.redacted else ""
    return f"gpuwatch-evidence-flag-{told['flag']['number']}-{serial}{behind}"


def completed(told: "EvidenceShape", attached: Attached) -> "EvidenceShape":
    """The document with what might have been attached, and was not, among what is missing."""
    return {**told, "missing": [*told["missing"], *_lacking(told, attached)]}


def contents(told: "EvidenceShape", attached: Attached) -> dict[str, bytes]:
    """The files by name, the manifest of sums aside."""
    files = {name: (what, content) for name, what, content in _files(told, attached)}
    rows = [(name, what) for name, (what, _) in sorted(files.items())]
    first = [*rows, ("manifest.json", "what made this, when, and what every file holds")]
    made = {name: content for name, (_, content) in files.items()}
    made["README.html"] = evidence_page(told, first, attached.notes)
    made["README.txt"] = readme(told, first, attached.notes)
    made["manifest.json"] = _manifest(told, attached, made, dict([*_README, *rows]))
    return made


def _files(told: "EvidenceShape", attached: Attached) -> Iterator[tuple[str, str, bytes]]:
    missing = {one["what"] for one in told["missing"]}
    yield "flag.json", "the flag: cause, dates, what people decided", _json(told["flag"])
    yield "inventory.json", "the board, its server, firmware, other boards", _json(_inventory(told))
    yield "incidents.json", "incidents with their reports", _json({"incidents": told["incidents"]})
    if told["rule"] is not None:
        rule = {"rules_version": told["rules_version"], **told["rule"]}
        yield "rule.json", "the rule that raised the flag", _json(rule)
        yield "rule.txt", "the same as text, with what it means", rule_file(told)
    tables = cast("dict[str, TableShape]", told["tables"])
    for name, what in _TABLES.items():
        if f"{name}.csv" not in missing:
            yield f"{name}.csv", what, csv_file(tables[name])
    for number, capture in enumerate(told["captures"], 1):
        at = re.sub(r"[-:]|\.\d+", "", capture["at"])
        name = f"captures/{number:03}-{capture['occasion'].replace('_', '-')}-{at}.json"
        yield name, "what was known of the board at that moment", _json(capture)
    if lines := _kernel_log(told["captures"]):
        yield "kernel.log", "the kernel's lines as they were captured", lines
    for drawn in figures(told):
        svg = figure(drawn.panels, drawn.start, drawn.end, title=drawn.title, width=PLOT_WIDTH)
        yield f"plots/{drawn.name}.svg", drawn.title, svg.encode(errors="replace")
    if attached.diagnostic is not None or told["acceptance"] is not None:
        yield "diagnostic.json", "what diagnostics came to", _json(_diagnostic(told, attached))
    if attached.report is not None:
        yield REPORT, "as nvidia-bug-report.sh wrote it; nothing in it was changed", attached.report


def _inventory(told: "EvidenceShape") -> Mapping[str, object]:
    return {
        "board": told["board"],
        "server": told["server"],
        "place": told["place"],
        **told["inventory"],
    }


def _kernel_log(captures: "Sequence[CaptureShape]") -> bytes:
    """The lines of all captures, each once, in the order of time.

    By the log's own clock, which begins with each boot: an agent that was started anew dates a line
    a little otherwise, and lines of one burst have one date.
    """
    lines: dict[tuple[str, int, str], Mapping[str, Any]] = {}
    for capture in captures:
        for line in capture["document"].get(KERNEL_LINES, ()):
            key = str(line.get("boot_id", "")), int(line.get("usec", 0)), str(line.get("text", ""))
            lines.setdefault(key, line)
    began: dict[str, str] = {}
    for (boot, _, _), line in lines.items():
        if at := str(line.get("at") or ""):
            began[boot] = min(began.get(boot, at), at)
    ordered = sorted(lines, key=lambda key: (began.get(key[0], ""), *key[:2]))
    written = "".join(f"{_kernel_line(lines[key])}\n" for key in ordered)
    return written.encode(errors="backslashreplace")


def _kernel_line(line: Mapping[str, Any]) -> str:
    priority = line.get("priority")
    level = "" if priority is None else f"<{priority}> "
    text = "".join(one if one.isprintable() else " " for one in str(line.get("text", "")))
    return f"{line.get('at') or 'at an unknown time'} {level}{text}"


def _diagnostic(told: "EvidenceShape", attached: Attached) -> Mapping[str, object]:
    """Of the flagged board what was given now; of what came in what was attached to it."""
    given, output = attached.diagnostic, told["diagnostic_output"]
    return {
        "of_the_flagged_board": None
        if given is None
        else {"file": given.name, "sha256_as_given": given.sha256, "output": given.text},
        "of_the_board_that_came_in": told["acceptance"],
        "output_of_that": None if output is None else _decoded(output),
    }


def _decoded(output: str) -> str:
    return base64.b64decode(output).decode(errors="replace")


def _lacking(told: "EvidenceShape", attached: Attached) -> "Iterator[MissingShape]":
    if not any(capture["document"].get(KERNEL_LINES) for capture in told["captures"]):
        yield {"what": "kernel.log", "why": "no capture holds lines of the kernel log"}
    if attached.diagnostic is None:
        why = "none of the flagged board was given (--diagnostic FILE)"
        yield {"what": "a field diagnostic", "why": why}
    if attached.report is None:
        yield {"what": REPORT, "why": "none was given (--bug-report FILE)"}


def _manifest(
    told: "EvidenceShape", attached: Attached, files: Mapping[str, bytes], what: Mapping[str, str]
) -> bytes:
    return _json(
        {
            "format": told["format"],
            "made_at": told["written_at"],
            "made_at_unix_seconds": told["written_at_unix_seconds"],
            "gpuwatch": __version__,
            "told_by": told["version"],
            "told_by_an_agent": not told["remembered"],
            "rules_version": told["rules_version"],
            "flag": told["flag"]["number"],
            "serial": told["board"]["serial"],
            "uuid": told["board"]["uuid"],
            "redacted": attached.redacted,
            "replaced": dict(attached.replaced),
            "missing": told["missing"],
            "files": [
                {
                    "name": name,
                    "what": what.get(name, ""),
                    "bytes": len(files[name]),
                    "sha256": hashlib.sha256(files[name]).hexdigest(),
                }
                for name in sorted(files)
            ],
        }
    )


def _json(document: object) -> bytes:
    return (json.dumps(document, indent=2, ensure_ascii=False) + "\n").encode(
        errors="backslashreplace"
    )
