"""Audit: who changed what, when and why, as nothing rewrites it."""

import sys
from argparse import Namespace
from typing import TYPE_CHECKING, cast

from gpuwatch.cli.exits import Exit
from gpuwatch.cli.offline import Offline
from gpuwatch.cli.output import at, paragraph, print_json, print_lines
from gpuwatch.cli.session import request
from gpuwatch.cli.times import instant_of
from gpuwatch.control.client import AgentAbsentError
from gpuwatch.control.flag_forms import LONGEST_AUDIT

if TYPE_CHECKING:
    from gpuwatch.exposition.flag_shapes import AuditShape


def audit(arguments: Namespace) -> int:
    """Print the latest records, the oldest of them first."""
    since = 0.0 if arguments.since is None else instant_of(arguments.since, "--since")
    subject = arguments.subject
    try:
        answer = request(
            arguments, "audit", since=max(since, 0.0), subject=subject, limit=LONGEST_AUDIT
        )
    except AgentAbsentError as absent:
        with Offline(arguments, absent) as remembered:
            answer = dict(remembered.audit(since, subject, LONGEST_AUDIT))
    if answer["more"]:
        print(f"gpuwatch: these are the latest {LONGEST_AUDIT} records", file=sys.stderr)
    records = cast("list[AuditShape]", answer["audit"])
    if arguments.json:
        print_json(answer)
    elif records:
        print_lines(lines_of(records))
    else:
        print("nothing is written down")
    return Exit.OK


def lines_of(records: "list[AuditShape]", *, of_one: bool = False) -> list[str]:
    """The records for people; `of_one` subject, which need not be named at each."""
    lines = []
    for record in records:
        subject = "" if of_one else f" {record['subject']}"
        reason = f": {record['reason']}" if record["reason"] else ""
        told = f"{record['action']}{subject} by {record['actor']}{reason}"
        lines += paragraph(f"{at(record['at'], seconds=True)} UTC  {told}", "    ")
        if record["after"]:
            change = f"{record['before'] or 'nothing'} -> {record['after']}"
            lines += [f"    {line}" for line in paragraph(change, "  ")]
    return lines
