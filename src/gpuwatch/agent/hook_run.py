"""Hook run: one command with one document on its standard input, ended at its deadline.

Whatever it does, this returns: it is a process group of its own, which is ended as a whole; what it
says beyond a limit is dropped; one that cannot be killed (it hangs in the kernel) is left behind.
"""

import os
import selectors
import signal
import subprocess
import time
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from gpuwatch.sources.rights import without_kernel_log

_SAID = 2_000  # bytes of the end of its output that are kept for a person
_GRACE_SECONDS = 2.0  # from SIGTERM to SIGKILL, and from there to giving it up
_STEP_SECONDS, _GLANCE_SECONDS = 0.2, 0.02
_PIECES = 64  # of 64 KiB of its output that are read before its deadline is looked at again
# What our service manager told us alone, and what steers us.
_OURS = ("GPUWATCH_", "NOTIFY_", "WATCHDOG_", "LISTEN_", "CREDENTIALS_", "INVOCATION_", "JOURNAL_")


class Outcome(StrEnum):
    """How a run ended."""

    SUCCEEDED = "succeeded"
    FAILED = "failed"
    TIMED_OUT = "timed_out"


@dataclass(frozen=True, slots=True)
class Run:
    """How it ended; `problem` says why it did not succeed, "" where it did."""

    outcome: Outcome
    problem: str = ""


def environment_of(ours: Mapping[str, str]) -> dict[str, str]:
    """What a hook finds in its environment: ours, without what is for us alone."""
    return {name: value for name, value in ours.items() if not name.startswith(_OURS)}


def run(command: tuple[str, ...], document: bytes, timeout_seconds: float) -> Run:
    """Run `command` with `document` on its standard input, for `timeout_seconds` at most."""
    try:
        process = _start(command, document)
    except (OSError, ValueError) as error:
        return Run(Outcome.FAILED, f"cannot be started: {error}")
    return _watched(process, timeout_seconds)


def _start(command: tuple[str, ...], document: bytes) -> "subprocess.Popen[bytes]":
    given = os.memfd_create("gpuwatch-hook", os.MFD_CLOEXEC)
    try:
        os.write(given, document)
        os.lseek(given, 0, os.SEEK_SET)
        with without_kernel_log():
            return subprocess.Popen(
                command,
                stdin=given,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                cwd="/",
                env=environment_of(os.environ),
                start_new_session=True,
            )
    finally:
        os.close(given)


def _watched(process: "subprocess.Popen[bytes]", timeout_seconds: float) -> Run:
    said = _Said(process)
    try:
        ended = said.wait(timeout_seconds)
        gone = _end_group(process.pid, said)
    finally:
        said.close()
    if not ended:
        hangs = "" if gone else " and cannot be ended"
        return Run(Outcome.TIMED_OUT, f"took longer than {timeout_seconds:g} s{hangs}{said}")
    if process.returncode == 0:
        return Run(Outcome.SUCCEEDED)
    how = f"status {process.returncode}"
    if process.returncode < 0:
        how = f"signal {-process.returncode}"
    return Run(Outcome.FAILED, f"ended with {how}{said}")


def _end_group(group: int, said: "_Said") -> bool:
    """End the command with all that it started, those too who do not listen; whether it is gone.

    The command itself may be gone at once and leave others of its group behind.
    """
    deadline = time.monotonic() + _GRACE_SECONDS
    there = _signalled(group, signal.SIGTERM)
    while there and (left := deadline - time.monotonic()) > 0:
        if said.wait(min(left, _STEP_SECONDS)):
            time.sleep(min(left, _GLANCE_SECONDS))
        there = _signalled(group, 0)
    if there:
        _signalled(group, signal.SIGKILL)
    return said.wait(_GRACE_SECONDS)


def _signalled(group: int, number: int) -> bool:
    """Send a signal to all of a group; whether anybody is in it."""
    try:
        os.killpg(group, number)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


class _Said:
    """The end of what a process says, read so that it never waits for us."""

    def __init__(self, process: "subprocess.Popen[bytes]") -> None:
        assert process.stdout is not None  # noqa: S101 - it was asked for
        self._process = process
        self._pipe = process.stdout
        self._kept = b""
        os.set_blocking(self._pipe.fileno(), False)
        self._selector = selectors.PollSelector()  # takes no descriptor, of which none may be left
        self._selector.register(self._pipe, selectors.EVENT_READ)

    def wait(self, seconds: float) -> bool:
        """Whether the process has ended within so many seconds."""
        deadline = time.monotonic() + seconds
        while self._process.poll() is None and (left := deadline - time.monotonic()) > 0:
            if self._selector.get_map():
                self._selector.select(min(left, _STEP_SECONDS))
                self._read()
            else:
                time.sleep(min(left, _STEP_SECONDS))
        self._read()
        return self._process.returncode is not None

    def close(self) -> None:
        """Read no more, whoever may still hold the other end."""
        self._selector.close()
        self._pipe.close()

    def __str__(self) -> str:
        text = self._kept.decode("utf-8", "replace").strip()
        last = text.splitlines()[-1] if text else ""
        return f": {last}" if last else ""

    def _read(self) -> None:
        for _ in range(_PIECES):  # and not for as long as it talks
            if not self._selector.get_map():
                return
            try:
                data = os.read(self._pipe.fileno(), 65_536)
            except BlockingIOError:
                return
            if not data:
                self._selector.unregister(self._pipe)
                return
            self._kept = (self._kept + data)[-_SAID:]
