"""Evidence: one archive for a vendor about one flag, and whether such an archive is whole."""

from argparse import Namespace
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, cast

from gpuwatch.cli.archives import Archive, refuse_target, write
from gpuwatch.cli.bundle.attachments import Diagnostic, read_diagnostic, read_report
from gpuwatch.cli.bundle.check import Checked, NoBundleError, check
from gpuwatch.cli.bundle.contents import Attached, completed, contents, folder_of
from gpuwatch.cli.bundle.redacted import Redacted
from gpuwatch.cli.exits import Exit
from gpuwatch.cli.offline import Offline
from gpuwatch.cli.output import clean, paragraphs, print_json, print_lines, wrapped
from gpuwatch.cli.session import request
from gpuwatch.control.client import AgentAbsentError
from gpuwatch.control.requests import ControlError, ErrorKind
from gpuwatch.exposition.words import plural

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gpuwatch.exposition.evidence_shapes import EvidenceShape

_WITHIN_SECONDS = 60.0
_SUFFIX = ".tar.gz"
_AS_IT_IS = "the bug report is as nvidia-bug-report.sh wrote it: nothing in it was replaced"
_REPLACED = (
    "Names were replaced, each by the same word in every file: of hosts, people, processes and"
    " places, process numbers, addresses, and serial numbers and UUIDs but those of the flagged"
    " board. What people wrote in their own words may hold more than such names."
)


def evidence(arguments: Namespace) -> int:
    """Write the archive of one flag; or look at one that was written."""
    if arguments.verify is not None:
        _refuse_beside_verify(arguments)
        return _verify(arguments)
    if arguments.number is None:
        remedy = "gpuwatch flags list --all has the numbers; --verify FILE checks an archive"
        raise ControlError(ErrorKind.USAGE, "no flag is named", remedy)
    if arguments.output is not None:
        refuse_target(arguments.output.absolute(), overwrite=arguments.force)
    diagnostic, report = _attachments(arguments)
    told, attached = _ready(arguments, _told(arguments), diagnostic, report)
    told = completed(told, attached)
    folder = folder_of(told, attached)
    target = (arguments.output or Path(folder + _SUFFIX)).absolute()
    refuse_target(target, overwrite=arguments.force)
    files = contents(told, attached)
    at = told["written_at_unix_seconds"]
    made = write(target, folder, files, at=at, overwrite=arguments.force)
    _tell(arguments, made, told, attached)
    return Exit.OK


def _told(arguments: Namespace) -> "EvidenceShape":
    """The document: the agent's, or what history and the settings tell where none runs."""
    try:
        answer = request(
            arguments, "evidence", within_seconds=_WITHIN_SECONDS, number=arguments.number
        )
    except AgentAbsentError as absent:
        with Offline(arguments, absent) as remembered:
            return remembered.evidence(arguments.number)
    return cast("EvidenceShape", answer)


def _attachments(arguments: Namespace) -> tuple[Diagnostic | None, bytes | None]:
    if arguments.redact and arguments.bug_report is not None and not arguments.bug_report_as_it_is:
        raise ControlError(
            ErrorKind.USAGE,
            "a bug report cannot be redacted: it names the host, its processes and addresses",
            "leave it out, or add it unredacted with --bug-report-as-it-is",
        )
    given, report = arguments.diagnostic, arguments.bug_report
    if arguments.bug_report_as_it_is and (report is None or not arguments.redact):
        raise ControlError(
            ErrorKind.USAGE,
            "--bug-report-as-it-is is about a bug report in redacted evidence",
            "give it with --redact and --bug-report FILE",
        )
    return (
        None if given is None else read_diagnostic(given),
        None if report is None else read_report(report),
    )


def _ready(
    arguments: Namespace,
    told: "EvidenceShape",
    diagnostic: Diagnostic | None,
    report: bytes | None,
) -> "tuple[EvidenceShape, Attached]":
    """What is written: as it is, or redacted."""
    if not arguments.redact:
        return told, Attached(diagnostic=diagnostic, report=report)
    redacted = Redacted(told, () if diagnostic is None else (diagnostic.name, diagnostic.text))
    told = redacted.evidence(told)
    if diagnostic is not None:
        name, text = redacted.text(diagnostic.name), redacted.text(diagnostic.text)
        diagnostic = replace(diagnostic, name=name, text=text)
    return told, Attached(
        diagnostic=diagnostic,
        report=report,
        redacted=True,
        notes=(_REPLACED,) if report is None else (_REPLACED, f"{_AS_IT_IS}."),
        replaced=redacted.counts,
    )


def _tell(arguments: Namespace, made: Archive, told: "EvidenceShape", attached: Attached) -> None:
    missing = [f"{one['what']}: {one['why']}" for one in told["missing"]]
    if arguments.json:
        print_json(
            {
                "file": str(made.path),
                "bytes": made.size,
                "sha256": made.sha256,
                "files": list(made.names),
                "redacted": bool(arguments.redact),
                "replaced": dict(attached.replaced),
                "missing": told["missing"],
            }
        )
        return
    number, board = told["flag"]["number"], told["board"]["serial"] or told["board"]["uuid"]
    lines = [
        f"wrote {clean(made.path)}",
        f"{len(made.names)} files about flag {number}, board {clean(board)}",
        f"SHA-256 {made.sha256}",
    ]
    if arguments.redact:
        counts = ", ".join(plural(count, kind) for kind, count in attached.replaced.items())
        lines += wrapped(f"replaced: {counts or 'nothing'}; read it before you send it")
        lines += [_AS_IT_IS] if attached.report is not None else []
    lines += ["missing:", *paragraphs(missing)] if missing else []
    print_lines(lines)


def _refuse_beside_verify(arguments: Namespace) -> None:
    beside: Sequence[object] = (
        arguments.number,
        arguments.output,
        arguments.diagnostic,
        arguments.bug_report,
        arguments.redact or None,
        arguments.force or None,
        arguments.bug_report_as_it_is or None,
    )
    if any(one is not None for one in beside):
        what = "--verify looks at an archive, and something beside it asks for a new one"
        raise ControlError(ErrorKind.USAGE, what, "give --verify FILE alone")


def _verify(arguments: Namespace) -> int:
    path: Path = arguments.verify
    try:
        found = check(path)
    except OSError as error:
        what = f"{path}: {error.strerror or error}"
        raise ControlError(ErrorKind.USAGE, what, "name an archive of gpuwatch evidence") from error
    except NoBundleError as error:
        remedy = "fetch it anew; gpuwatch evidence NUMBER makes another"
        raise ControlError(ErrorKind.FAILED, f"{path}: {error}", remedy) from error
    if arguments.json:
        print_json(
            {
                "file": str(path),
                "whole": found.is_whole,
                "folder": found.folder,
                "files": found.files,
                "differ": list(found.differ),
                "missing": list(found.missing),
                "unlisted": list(found.unlisted),
            }
        )
    else:
        print_lines(_verdict(path, found))
    return Exit.OK if found.is_whole else Exit.ATTENTION


def _verdict(path: Path, found: Checked) -> list[str]:
    if found.is_whole:
        return [f"{clean(path)}: {found.files} files, all as its manifest lists them"]
    return [
        f"{clean(path)}: not as its manifest lists it",
        *(f"  differs: {name}" for name in found.differ),
        *(f"  missing: {name}" for name in found.missing),
        *(f"  not listed: {name}" for name in found.unlisted),
    ]
