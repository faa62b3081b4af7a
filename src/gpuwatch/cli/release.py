"""Release: the agent lets go of the driver while somebody else needs it alone."""

import signal
import subprocess
import sys
import threading
from argparse import Namespace
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from types import FrameType

from gpuwatch.cli.exits import Exit
from gpuwatch.cli.output import print_error, print_json
from gpuwatch.cli.session import request
from gpuwatch.control.client import AgentAbsentError
from gpuwatch.control.requests import ControlError, ErrorKind

# The probe may take its grace, then SIGTERM's, before the driver is free.
_RELEASE_SECONDS = 60.0
_SHORTEST, _LONGEST = timedelta(seconds=1), timedelta(days=1)  # as the agent allows
_NOT_FOUND, _NOT_EXECUTABLE = 127, 126  # as a shell reports them
_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT)


def release(arguments: Namespace) -> int:
    """Release; with a command, run it and resume whatever happens. Its status is ours."""
    if not _SHORTEST <= arguments.lasting <= _LONGEST:
        what = "--for is not from 1s to 24h"
        remedy = "it is renewed while COMMAND runs; for longer work: gpuwatch maintenance begin"
        raise ControlError(ErrorKind.USAGE, what, remedy)
    if not arguments.run:
        _tell(arguments, _release(arguments))
        return Exit.OK
    running: list[subprocess.Popen[bytes]] = []
    with _forwarding(running):
        _release_or_take_back(arguments)
        try:
            with _renewed(arguments):
                return _run(arguments.run, running)
        finally:
            _resume_whatever_happens(arguments)


def resume(arguments: Namespace) -> int:
    """Ask the driver again; says so when nothing was released."""
    answer = request(arguments, "resume", within_seconds=_RELEASE_SECONDS)
    if arguments.json:
        print_json(answer)
    else:
        print("resumed" if answer.get("resumed") else "nothing was released")
    return Exit.OK


def _release(arguments: Namespace) -> dict[str, object]:
    return request(
        arguments,
        "release",
        within_seconds=_RELEASE_SECONDS,
        seconds=arguments.lasting.total_seconds(),
        reason=arguments.reason,
    )


def _release_or_take_back(arguments: Namespace) -> None:
    """Release; when that fails half-way, or we are told to end meanwhile, take it back."""
    try:
        _release(arguments)
    except BaseException as error:
        nothing_happened = isinstance(error, AgentAbsentError) or (
            isinstance(error, ControlError) and error.kind in (ErrorKind.DENIED, ErrorKind.USAGE)
        )
        if not nothing_happened:
            _resume_whatever_happens(arguments)
        raise


def _tell(arguments: Namespace, answer: dict[str, object]) -> None:
    if arguments.json:
        print_json(answer)
        return
    until = answer.get("released_until")
    when = datetime.fromtimestamp(until, UTC) if isinstance(until, int | float) else None
    print(f"released until {when:%Y-%m-%d %H:%M:%S} UTC; gpuwatch resume ends it earlier")


@contextmanager
def _renewed(arguments: Namespace) -> Iterator[None]:
    """Renew the release at half of its time, so that it outlasts the command but not us."""
    done = threading.Event()

    def renew() -> None:
        while not done.wait(arguments.lasting.total_seconds() / 2):
            try:
                _release(arguments)
            except (ControlError, AgentAbsentError) as error:
                print_error(str(error), "the release was not renewed", as_json=False)

    thread = threading.Thread(target=renew, daemon=True)
    thread.start()
    try:
        yield
    finally:
        done.set()


def _run(command: Sequence[str], running: list[subprocess.Popen[bytes]]) -> int:
    """The command's status; 128 + N when signal N ended it, as a shell has it."""
    try:
        running.append(subprocess.Popen(command))
    except FileNotFoundError as error:
        print_error(f"{command[0]}: {error.strerror}", "is it installed?", as_json=False)
        return _NOT_FOUND
    except OSError as error:
        print_error(f"{command[0]}: {error.strerror}", "may it be run?", as_json=False)
        return _NOT_EXECUTABLE
    status = running[0].wait()
    return status if status >= 0 else 128 - status


@contextmanager
def _forwarding(running: Sequence[subprocess.Popen[bytes]]) -> Iterator[None]:
    """Signals meant to end us end the command first; we resume afterwards.

    A terminal sends SIGINT to the command as well: then we only have to outlive it. A handler, not
    SIG_IGN: the command would inherit that.
    """

    def forward(number: int, _frame: FrameType | None) -> None:
        if not running:
            raise SystemExit(128 + number)
        if number != signal.SIGINT:
            running[0].send_signal(number)

    before = {number: signal.signal(number, forward) for number in _SIGNALS}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _resume_whatever_happens(arguments: Namespace) -> None:
    try:
        request(arguments, "resume", within_seconds=_RELEASE_SECONDS)
    except (ControlError, AgentAbsentError) as error:
        print_error(f"not resumed: {error}", "the release ends by itself", as_json=False)
    sys.stdout.flush()
