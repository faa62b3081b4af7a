"""Upkeep: backups of all that is remembered, and tests of the way of alerts."""

import base64
import os
import pwd
import socket
import time
from argparse import Namespace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import cast

from gpuwatch import __version__
from gpuwatch.cli.exits import Exit
from gpuwatch.cli.output import clean, print_json, print_lines
from gpuwatch.cli.session import database_of, request
from gpuwatch.clock import SystemClock
from gpuwatch.control.client import AgentAbsentError
from gpuwatch.control.requests import ControlError, ErrorKind
from gpuwatch.history.backups import Backup, BackupError, Mark, examine, make, trouble
from gpuwatch.history.health import SecondWriterError
from gpuwatch.history.placing import placed
from gpuwatch.history.restoring import restore as put_back

_COUNTS = (
    ("boards", "boards"),
    ("flags", "flags"),
    ("audit", "audit records"),
    ("bmcs", "BMCs"),
    ("diagnostics", "diagnostics"),
    ("size_bytes", "bytes"),
)
_NOBODYS = "a history file that does not say of which host it is"
_MAKING_SECONDS = 300.0
_SHORTEST, _LONGEST = timedelta(seconds=1), timedelta(hours=1)  # as the agent allows


def backup(arguments: Namespace) -> int:
    """Write a backup: the agent's, or of the history file where no agent runs."""
    target = Path(arguments.file).absolute()
    # os.path says no, and raises nothing, where it cannot be looked at: writing tells why.
    if os.path.isdir(target):  # noqa: PTH112
        raise ControlError(ErrorKind.USAGE, f"{target} is a folder", "name a file in it")
    if os.path.lexists(target) and not arguments.overwrite:
        raise ControlError(ErrorKind.USAGE, f"{target} exists", "name another, or --overwrite")
    try:
        made = _made(arguments, target)
    except BackupError as error:
        what = f"{error.what}; nothing was written"
        raise ControlError(ErrorKind.FAILED, what, error.remedy) from error
    _tell(arguments, f"wrote {target}", target, made)
    return Exit.OK


def restore(arguments: Namespace) -> int:
    """Put a backup in the place of the history, or only look whether that could be done."""
    source = Path(arguments.file).absolute()
    try:
        if arguments.check:
            _tell(arguments, f"{source} can be restored", source, examine(source))
            return Exit.OK
        done = put_back(
            source,
            database_of(arguments),
            SystemClock(),
            actor=_actor(),
            reason=f"{arguments.reason}: {source}" if arguments.reason else str(source),
        )
    except SecondWriterError as error:
        remedy = "stop it first (systemctl stop gpuwatch); nothing was changed"
        raise ControlError(
            ErrorKind.BUSY, "an agent runs, and writes the history", remedy
        ) from error
    except BackupError as error:
        what = f"{error.what}; nothing was changed"
        raise ControlError(ErrorKind.FAILED, what, error.remedy) from error
    aside = f"; what was there is kept as {done.aside}" if done.aside else ""
    _tell(arguments, f"restored {source}{aside}", source, done.backup)
    return Exit.OK


def alert_test(arguments: Namespace) -> int:
    """Send a marked test alert along one route for a while, or end all."""
    if arguments.end:
        ended = request(arguments, "alert-test-end")
        if arguments.json:
            print_json(ended)
        else:
            routes = ", ".join(map(clean, cast("list[str]", ended["ended"])))
            print(f"ended the test of {routes}" if routes else "nothing was being tested")
        return Exit.OK
    if not _SHORTEST <= arguments.lasting <= _LONGEST:
        what = "--for is not from 1s to 1h"
        raise ControlError(ErrorKind.USAGE, what, "choose a shorter time, and test again after it")
    answer = request(
        arguments, "alert-test", route=arguments.route, seconds=arguments.lasting.total_seconds()
    )
    if arguments.json:
        print_json(answer)
        return Exit.OK
    until = datetime.fromtimestamp(cast("float", answer["until"]), UTC)
    print(f"route {arguments.route} is tested until {until:%Y-%m-%d %H:%M:%S} UTC")
    print("what comes where, and when: gpuwatch runbook alert-test")
    return Exit.OK


def _made(arguments: Namespace, target: Path) -> Backup:
    """The agent's backup; one of the file itself where no agent runs, or its disk has no room."""
    database = database_of(arguments)
    try:
        return _fetch(arguments, target)
    except AgentAbsentError:
        pass
    except ControlError as refused:
        if refused.kind is not ErrorKind.FAILED or not os.access(database, os.R_OK):
            raise
    mark = Mark(host=socket.gethostname(), made_at=time.time(), version=__version__)
    return make(database, target, mark)


def _fetch(arguments: Namespace, target: Path) -> Backup:
    """The agent's backup, written to `target` with the rights of whoever asks."""
    answer = request(arguments, "backup", within_seconds=_MAKING_SECONDS, to=str(target)[:1000])
    token, size = cast("str", answer["token"]), cast("int", answer["bytes"])
    try:
        with placed(target) as made:
            with made.open("wb") as file:
                while (offset := file.tell()) < size:
                    part = request(arguments, "backup-part", token=token, offset=offset)
                    if not file.write(base64.b64decode(cast("str", part["content"]))):
                        raise BackupError(f"{target}: the agent's backup ended early", "try again")
            return examine(made)
    except OSError as error:
        raise trouble(target, error) from error


def _actor() -> str:
    """Who restores; there is no agent whose kernel could say it."""
    uid = os.getuid()
    try:
        name = pwd.getpwuid(uid).pw_name
    except KeyError:
        name = "no name"
    claim = os.environ.get("SUDO_USER")
    return f"uid {uid} ({name})" + (f", claims SUDO_USER={clean(claim)}" if claim else "")


def _tell(arguments: Namespace, said: str, path: Path, held: Backup) -> None:
    made_at = datetime.fromtimestamp(held.mark.made_at, UTC) if held.mark.version else None
    if arguments.json:
        print_json(
            {
                "file": str(path),
                "host": held.mark.host,
                "made_at": made_at.isoformat(timespec="seconds") if made_at else None,
                "version": held.mark.version,
                "bytes": held.size_bytes,
                "boards": held.boards,
                "flags": held.flags,
                "audit": held.audit,
                "bmcs": held.bmcs,
                "diagnostics": held.diagnostics,
                "migrations_missing": list(held.missing),
                "said": said,
            }
        )
        return
    whose = f"of {held.mark.host} at {made_at:%Y-%m-%d %H:%M:%S} UTC" if made_at else _NOBODYS
    counts = ", ".join(f"{getattr(held, name)} {called}" for name, called in _COUNTS)
    missing = f"{len(held.missing)} migrations are made on restore" if held.missing else ""
    print_lines(clean(line) for line in (said, whose, counts, missing) if line)
