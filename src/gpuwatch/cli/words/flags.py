"""Flags: the boards to replace, and who changed what."""

import argparse
from pathlib import Path

from gpuwatch.cli.words.common import Commands, client, duration, group

_TIME = '"2026-03-15T04:00Z"; local without a zone'
_WHY = "why; kept in the audit log"


def add(commands: Commands) -> None:
    """Add the commands of this group."""
    verbs = group(commands, "flags", "The boards to replace, and what people do about them.")
    _add_looking(verbs)
    _add_planning(verbs)
    _add_work(verbs)
    order = client(
        commands,
        "work-order",
        "work_order:work_order",
        "The paper by which a person at the rack swaps the board of a flag.",
    )
    order.add_argument("number", type=int, metavar="NUMBER", help="the flag, as list prints it")
    order.add_argument(
        "--format",
        choices=("text", "html", "json"),
        default="text",
        help="html prints on A4; default: text",
    )
    _add_evidence(commands)
    audit = client(commands, "audit", "audit:audit", "Who changed what, when and why.")
    audit.add_argument("--since", metavar="TIME", help=f"only since then: {_TIME}")
    audit.add_argument(
        "--subject",
        default="",
        metavar="SUBJECT",
        help='only of "flag 3", a board by serial or UUID, or a maintenance by its identity',
    )


def _add_looking(verbs: Commands) -> None:
    listing = client(verbs, "list", "flags:list_flags", "The flags on which somebody has to act.")
    listing.add_argument("--all", action="store_true", help="those that have ended as well")
    _one(verbs, "show", "One flag, with what happened to it.")


def _add_planning(verbs: Commands) -> None:
    seen = _one(verbs, "ack", "You have seen it: it pages nobody any more.")
    seen.add_argument("--reason", default="", help=_WHY)
    snooze = _one(verbs, "snooze", "It pages nobody until then (30 days at most).")
    end = snooze.add_mutually_exclusive_group(required=True)
    end.add_argument("--for", dest="lasting", type=duration, metavar="DURATION", help='"12h"')
    end.add_argument("--until", metavar="TIME", help=_TIME)
    snooze.add_argument("--reason", default="", help=_WHY)
    schedule = _one(verbs, "schedule", "Pin it to a window, which acknowledges it; or unpin it.")
    which = schedule.add_mutually_exclusive_group(required=True)
    which.add_argument("--window", default="", metavar="NAME", help="the next window of that name")
    which.add_argument("--auto", action="store_true", help="gpuwatch plans its window again")
    schedule.add_argument("--start", metavar="TIME", help=f"the window that starts then: {_TIME}")
    schedule.add_argument("--reason", default="", help=_WHY)
    writing = _one(verbs, "set", "Write on it.", "write")
    writing.add_argument("--due", metavar="TIME", help=f"when somebody must have acted: {_TIME}")
    writing.add_argument(
        "--disposition",
        choices=("undecided", "rma", "quarantine", "reset_and_watch", "run_to_failure"),
        help="what is to become of the board",
    )
    writing.add_argument("--vendor-case", metavar="CASE", help="the vendor's number for it")
    writing.add_argument("--fru", metavar="UNIT", help="what is replaced as one piece")
    writing.add_argument("--reason", default="", help=_WHY)


def _add_work(verbs: Commands) -> None:
    start = _one(verbs, "start", "You have the board in hands: nothing of it pages.")
    start.add_argument("--reason", default="", help=_WHY)
    done = _one(verbs, "done", "The work has ended without another board.")
    done.add_argument(
        "--outcome",
        required=True,
        choices=("reseated", "refused", "returned"),
        help="how: the board was seated anew, nobody replaces it, or its vendor gave it back",
    )
    done.add_argument("--reason", required=True, help=_WHY)
    dismiss = _one(verbs, "dismiss", "The board need not be replaced on this evidence.")
    dismiss.add_argument("--reason", required=True, help=_WHY)


def _add_evidence(commands: Commands) -> None:
    one = client(
        commands,
        "evidence",
        "evidence:evidence",
        "One archive with all that is known of a flag and its board, for the board's vendor.",
    )
    one.add_argument("number", type=int, nargs="?", metavar="NUMBER", help="the flag")
    one.add_argument(
        "--output",
        type=Path,
        metavar="FILE",
        help="default: gpuwatch-evidence-flag-NUMBER-SERIAL[-redacted].tar.gz here; mode 600",
    )
    one.add_argument("--force", action="store_true", help="replace FILE if it exists")
    one.add_argument(
        "--redact",
        action="store_true",
        help="replace names of hosts, people, places and processes, addresses, other serials",
    )
    one.add_argument(
        "--diagnostic", type=Path, metavar="FILE", help="a diagnostic's output, as text"
    )
    one.add_argument(
        "--bug-report", type=Path, metavar="FILE", help="what nvidia-bug-report.sh wrote (.log.gz)"
    )
    one.add_argument(
        "--bug-report-as-it-is",
        action="store_true",
        help="beside --redact: the bug report goes along unredacted",
    )
    one.add_argument(
        "--verify", type=Path, metavar="FILE", help="look whether such an archive is whole"
    )


def _one(
    verbs: Commands, verb: str, text: str, function: str | None = None
) -> argparse.ArgumentParser:
    one = client(verbs, verb, f"flags:{function or verb}", text)
    one.add_argument("number", type=int, metavar="NUMBER", help="the flag, as list prints it")
    return one
