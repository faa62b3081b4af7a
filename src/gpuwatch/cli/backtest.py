"""Backtest: a fleet's own past through the trend test, or an invented fleet to try that on."""

import csv
import os
import random
import shlex
import sys
import time
from argparse import Namespace
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

from gpuwatch.agent.wiring import policy_settings
from gpuwatch.cli.backtest_files import KINDS, kinds_of, read_events, read_exposure
from gpuwatch.cli.backtest_report import Asked, document, lines
from gpuwatch.cli.exits import Exit
from gpuwatch.cli.output import clean, print_error, print_json, print_lines
from gpuwatch.cli.sheets import BadFileError
from gpuwatch.config.loading import ConfigError, load
from gpuwatch.domain.incidents import ErrorKind
from gpuwatch.policy.backtest.scores import backtest as replay
from gpuwatch.policy.backtest.synthetic import MOST_YEARS, synthetic
from gpuwatch.policy.views import PolicySettings

_INVENTED = {"boards": 4_000, "years": 5, "seed": 1}
_MOST = {"boards": 1_000_000, "years": MOST_YEARS, "seed": 2**63}
_OF_HISTORIES = ("exposure", "policy", "kinds", "incident_window")
_RESET_AFTER_EACH = {"24h": True, "7d": False, None: False}


class _UsageError(Exception):
    """Options that mean nothing together: what, then the way out."""

    def __init__(self, what: str, remedy: str) -> None:
        self.what, self.remedy = what, remedy
        super().__init__(what)


def backtest(arguments: Namespace) -> int:
    """Replay a history and print the result, or write an invented history."""
    try:
        return _invent(arguments) if arguments.synthetic is not None else _replay(arguments)
    except _UsageError as error:
        print_error(error.what, error.remedy, as_json=arguments.json)
        return Exit.USAGE
    except BadFileError as error:
        print_error(error.what, error.remedy, as_json=arguments.json)
        return Exit.ATTENTION
    except ConfigError as refused:
        what = "; ".join(map(str, refused.problems))
        print_error(what, "correct it, or name another file", as_json=arguments.json)
        return Exit.CONFIG


def _replay(arguments: Namespace) -> int:
    _refuse(arguments, _INVENTED, with_option="--events")
    kinds = _kinds(arguments)
    settings, policy_from = _policy(arguments)
    events = read_events(arguments.events, kinds, now=time.time())
    days, more = read_exposure(arguments.exposure) if arguments.exposure else ({}, ())
    window = arguments.incident_window
    asked = Asked(
        events=str(arguments.events),
        exposure=str(arguments.exposure) if arguments.exposure else None,
        kinds=tuple(kinds),
        incident_window=window or "7d",
        settings=settings,
        policy_from=policy_from,
        first=datetime.fromtimestamp(events.first, UTC),
        last=datetime.fromtimestamp(events.last, UTC),
    )
    result = replay(events.lives, days, settings, reset_after_each=_RESET_AFTER_EACH[window])
    warned = [(asked.events, one) for one in events.warnings]
    warned += [(str(arguments.exposure), one) for one in more]
    if arguments.json:
        print_json(document(asked, result, warned))
        return Exit.OK
    for file, one in warned:
        print(clean(f"gpuwatch: warning: {file}: {one.text}"), file=sys.stderr)
    print_lines(lines(asked, result))
    return Exit.OK


def _kinds(arguments: Namespace) -> Mapping[str, ErrorKind]:
    try:
        return KINDS if arguments.kinds is None else kinds_of(arguments.kinds)
    except ValueError as error:
        raise _UsageError(f"--kinds {error}", "the default is " + ",".join(KINDS)) from error


def _policy(arguments: Namespace) -> tuple[PolicySettings, str]:
    """How errors are judged, and which files say so. Raises ConfigError.

    A policy file alone counts; without one it is the agent's configuration on this host.
    """
    if arguments.policy is not None:
        loaded = load(file=arguments.policy, environment={})
    else:
        loaded = load(file=arguments.config)
    files = ", ".join(map(str, loaded.layers.files))
    return policy_settings(loaded.settings), files or "defaults"


def _refuse(arguments: Namespace, names: Iterable[str], *, with_option: str) -> None:
    """Refuse options that would do nothing."""
    for name in names:
        if getattr(arguments, name) is not None:
            option = f"--{name.replace('_', '-')}"
            raise _UsageError(f"{option} means nothing with {with_option}", "leave it out")


def _invent(arguments: Namespace) -> int:
    """Write the events and the exposure of an invented fleet into a folder."""
    _refuse(arguments, _OF_HISTORIES, with_option="--synthetic")
    size = {}
    for name, default in _INVENTED.items():
        given = getattr(arguments, name)
        size[name] = default if given is None else given
        if not (0 if name == "seed" else 1) <= size[name] <= _MOST[name]:
            told = f"--{name} {size[name]} is not between {int(name != 'seed')} and {_MOST[name]}"
            raise _UsageError(told, f"the default is {default}")
    fleet = synthetic(size["boards"], size["years"], random.Random(size["seed"]))  # noqa: S311
    folder: Path = arguments.synthetic
    events, exposure = folder / "events.csv", folder / "exposure.csv"
    _write(
        events,
        ("serial", "time", "event", "location", "cohort"),
        ((one.serial, _time(one.at), one.event, one.location, one.cohort) for one in fleet.records),
    )
    _write(
        exposure,
        ("cohort", "month", "board_days"),
        ((*key, f"{days:.2f}") for key, days in sorted(fleet.board_days.items())),
    )
    if arguments.json:
        print_json({"events": str(events), "exposure": str(exposure), **size})
        return Exit.OK
    words = ["gpuwatch", "backtest", "--events", str(events), "--exposure", str(exposure)]
    print_lines([f"wrote {events} and {exposure}; now: {shlex.join(words)}"])
    return Exit.OK


def _write(path: Path, header: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """A new file; one that exists may be somebody's history."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("x", encoding="utf-8", newline="") as stream:
            writer = csv.writer(stream, lineterminator="\n")
            writer.writerow(header)
            writer.writerows(rows)
    except FileExistsError as error:
        raise BadFileError(f"{path}: exists already", "name another folder") from error
    except OSError as error:
        told = f"{path}: cannot be written: {os.strerror(error.errno or 0)}"
        raise BadFileError(told, "name a folder that you may write to") from error


def _time(at: float) -> str:
    return f"{datetime.fromtimestamp(at, UTC):%Y-%m-%dT%H:%M:%SZ}"
