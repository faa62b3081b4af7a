"""Alert rules: the file for Prometheus, whose runbooks lie where the configuration says."""

import os
from argparse import Namespace

from gpuwatch.cli.alerts.groups import HEADER, groups
from gpuwatch.cli.alerts.model import document
from gpuwatch.cli.exits import Exit
from gpuwatch.cli.output import print_error, print_lines
from gpuwatch.config.layers import Entry, Key, Layers, read
from gpuwatch.config.loading import ConfigError, check

_SETTING: Key = ("web", "runbook_url")


class _RefusedError(Exception):
    """What is wrong and the way out; `status` is the command's."""

    def __init__(self, what: str, remedy: str, status: Exit) -> None:
        super().__init__(what)
        self.what, self.remedy, self.status = what, remedy, status


def alert_rules(arguments: Namespace) -> int:
    """Print the rules. A URL that is none, or is not that of the configuration, is refused."""
    try:
        lines = document(groups(_runbooks(arguments)))
    except _RefusedError as refused:
        print_error(refused.what, refused.remedy, as_json=arguments.json)
        return refused.status
    print_lines([*HEADER, *lines])
    return Exit.OK


def _runbooks(arguments: Namespace) -> str:
    """The beginning of all addresses of runbooks, "" for the agents' own. Raises _RefusedError."""
    if arguments.json or arguments.markdown:
        option = "--json" if arguments.json else "--markdown"
        remedy = f"leave out {option}: Prometheus reads the rules as they are"
        raise _RefusedError(f"--alerts and {option} exclude each other", remedy, Exit.USAGE)
    layers = read(arguments.config, os.environ)
    given = arguments.alerts if isinstance(arguments.alerts, str) else None
    named = None if given is None else Entry(given, "--alerts", is_text=True)
    asked = None if named is None else _checked(Layers(entries={_SETTING: named}), Exit.USAGE)
    entry = layers.entries.get(_SETTING)
    kept = {} if entry is None else {_SETTING: entry}
    configured = _checked(Layers(entries=kept, problems=layers.problems), Exit.CONFIG)
    if asked is None or entry is None or asked == configured:
        return configured if asked is None else asked
    raise _RefusedError(
        f'--alerts "{asked}" is not web.runbook_url = "{configured}" of {entry.origin}',
        "leave out the URL, or change the setting: a finding and its alert lead to one page",
        Exit.USAGE,
    )


def _checked(layers: Layers, status: Exit) -> str:
    """What the setting says. Only this setting is checked: no other one has a part in the rules."""
    try:
        return check(layers).web.runbook_url
    except ConfigError as error:
        what = "; ".join(map(str, error.problems))
        remedy = "correct it, or name another file with --config"
        if status is Exit.USAGE:  # one problem, which says the way out itself
            what, _, remedy = what.removesuffix(")").partition(" (")
        raise _RefusedError(what, remedy, status) from error
