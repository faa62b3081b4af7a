"""Preview: what the installed rules say of the whole history, before anybody trusts a flag."""

import sys
import time
from argparse import Namespace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, cast

from gpuwatch.agent.preview import preview as replayed
from gpuwatch.agent.wiring import policy_settings
from gpuwatch.cli.exits import Exit
from gpuwatch.cli.output import at, clean, print_json, print_lines, print_refusal, wrapped
from gpuwatch.cli.session import database_of, request, without_history
from gpuwatch.config.loading import ConfigError, load
from gpuwatch.control.client import AgentAbsentError
from gpuwatch.control.requests import ControlError, ErrorKind
from gpuwatch.history import HistoryError

if TYPE_CHECKING:
    from gpuwatch.agent.preview import PreviewShape, SayingShape

# Years of a host with many changes take seconds.
_PREVIEW_SECONDS = 120.0


def preview(arguments: Namespace) -> int:
    """Print what the rules would have said, and which flags they would have raised."""
    since = _since(arguments.since)
    try:
        answer = request(arguments, "preview", within_seconds=_PREVIEW_SECONDS, since=since)
        told = cast("PreviewShape", answer)
    except AgentAbsentError as absent:
        try:
            told = _from_database(arguments, absent, since)
        except ConfigError as refused:
            print_refusal(refused.problems, as_json=arguments.json)
            return Exit.CONFIG
    if arguments.json:
        print_json(told)
    else:
        print_lines(_lines(told))
    return Exit.OK


def _from_database(arguments: Namespace, absent: AgentAbsentError, since: float) -> "PreviewShape":
    """The same without an agent, by the settings of the configuration."""
    settings = policy_settings(load(file=arguments.config).settings)
    path = database_of(arguments)
    try:
        path.stat()  # SQLite does not tell whether it is missing or closed to us
        told = replayed(path, settings, since=since, until=time.time())
    except (HistoryError, OSError) as error:
        raise without_history(absent, path, error) from absent
    print(clean(f"gpuwatch: {absent}: this is from {path}"), file=sys.stderr)
    return told


def _since(text: str | None) -> float:
    """Unix seconds of --since, 0 without; a time without a zone is UTC."""
    if text is None:
        return 0.0
    try:
        since = datetime.fromisoformat(text)
    except ValueError as error:
        what = f'--since "{text}" is not a time'
        way_out = 'write "2026-03-15" or "2026-03-15T04:00Z"'
        raise ControlError(ErrorKind.USAGE, what, way_out) from error
    aware = since if since.tzinfo is not None else since.replace(tzinfo=UTC)
    return max(aware.timestamp(), 0.0)


def _lines(told: "PreviewShape") -> list[str]:
    installed = "never installed here: no agent has run with a rule set of its own"
    if told["installed_version"] is not None:
        when = f"since {at(told['installed_at'])} UTC" if told["installed_at"] else "from the start"
        installed = f"version {told['installed_version']} judges here {when}"
    lines = wrapped(
        f"rules version {told['rules_version']} over the history from"
        f" {at(told['history_from'])} to {at(told['until'])} UTC; {installed}"
    )
    count = told["flags"]
    lines += wrapped(
        f"they would have raised {count} flag{'' if count == 1 else 's'}; findings that they would"
        " have had, in order:"
    )
    for saying in told["sayings"]:
        lines += ["", *_saying(saying)]
    if not told["sayings"]:
        lines += ["", "none"]
    if told["not_replayed"]:
        codes = ", ".join(told["not_replayed"])
        lines += ["", *wrapped(f"not replayed, they look at what is not kept: {codes}", 0, 2)]
    return lines


def _saying(saying: "SayingShape") -> list[str]:
    who = saying["serial"] or saying["uuid"] or "host"
    until = f"until {at(saying['ended'])}" if saying["ended"] else "and holds"
    head = f"{at(saying['began'])} {until}: {who}: {saying['code']} ({saying['urgency']})"
    lines = [*wrapped(head, 0, 2), *wrapped(saying["sentence"], 2)]
    if saying["raises_flag"]:
        flag = "raises a flag that nobody has seen yet"
        if saying["flag"] is not None:
            flag = f"raised flag {saying['flag']}"
        elif saying["held_back"]:
            flag = "raises no flag: known before these rules; a new incident would raise it"
        lines += wrapped(f"-> {flag}", 2, 5)
    return lines
