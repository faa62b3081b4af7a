"""Probe: one child process that asks hardware, so that what hangs there hangs alone.

The parent never waits for a child without a deadline, and never for its end: a child in
uninterruptible sleep does not die of SIGKILL, and a blocking wait would hang the agent with it.
"""

import contextlib
import os
import signal
import subprocess
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import IO, Any

from gpuwatch.sources import wire
from gpuwatch.sources.probe_lines import LineBuffer, LogLines
from gpuwatch.sources.probe_stuck import Stuck, describe_stuck
from gpuwatch.sources.probe_wait import Wake, wait
from gpuwatch.sources.rights import without_kernel_log

_CHUNK_BYTES = 1 << 16
_CHUNKS_DISCARDED = 16
_SETTLE_SECONDS = 0.2
_NO_DESCRIPTOR = -1
# What systemd says to the agent is not for its children: a child that fed the watchdog would hide
# that the agent hangs.
_SERVICE_MANAGER = frozenset(
    {"NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID", "LISTEN_FDS", "LISTEN_PID", "LISTEN_FDNAMES"}
)
_NOTHING: Mapping[str, str] = MappingProxyType({})

# Children whose owner is gone and that did not die. Kept, because a Popen object that is collected
# before its child ended complains; looked at whenever another child starts.
_left_behind: list[subprocess.Popen[bytes]] = []


class ProbeFailed(Exception):  # noqa: N818 - says what happened; the only error of this harness
    """The child is gone, could not start, or broke the protocol: end it. The text says how."""


class Probe:
    """A running child and the pipes to it. For one thread; nothing here blocks but `receive`.

    `command` is the child's command line; with `progress` the pair `--progress-fd N` is appended
    and the child is handed a progress page. `environment` is added to the agent's own. `log` gets
    the child's standard error, line by line, shortened and at most 60 lines a minute. Only with
    `kernel_log` the child keeps the agent's right to read the kernel's log.
    Raises ProbeFailed when the child cannot be started.
    """

    def __init__(
        self,
        command: Sequence[str],
        *,
        log: Callable[[str], None],
        environment: Mapping[str, str] = _NOTHING,
        progress: bool = False,
        kernel_log: bool = False,
    ) -> None:
        _reap_left_behind()
        self._log = log
        self._lines = LineBuffer(wire.LIMIT)
        self._log_lines = LogLines()
        self._messages: deque[dict[str, Any]] = deque()
        self._broken = ""
        self._page: wire.ProgressPage | None = None
        with contextlib.nullcontext() if kernel_log else without_kernel_log():
            self._process = self._start(command, environment, progress)
        self._input, self._output, self._errors = (
            _descriptor(pipe)
            for pipe in (self._process.stdin, self._process.stdout, self._process.stderr)
        )
        for descriptor in (self._input, self._output, self._errors):
            os.set_blocking(descriptor, False)
        self._open = {self._output, self._errors}

    def _start(
        self, command: Sequence[str], environment: Mapping[str, str], progress: bool
    ) -> subprocess.Popen[bytes]:
        kept = {name: value for name, value in os.environ.items() if name not in _SERVICE_MANAGER}
        arguments, passed = list(command), []
        if progress:
            self._page, descriptor = wire.ProgressPage.create()
            arguments += ["--progress-fd", str(descriptor)]
            passed.append(descriptor)
        try:
            return subprocess.Popen(
                arguments,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                bufsize=0,
                close_fds=True,
                pass_fds=passed,
                start_new_session=True,  # Ctrl-C at a terminal is for the agent alone
                cwd="/",
                env=kept | dict(environment),
            )
        except OSError as error:
            raise ProbeFailed(f"cannot start {arguments[0]}: {error.strerror}") from error
        finally:
            for descriptor in passed:
                os.close(descriptor)

    @property
    def pid(self) -> int:
        """The child's process id."""
        return self._process.pid

    @property
    def descriptors(self) -> frozenset[int]:
        """What to poll for reading; empty once the child has closed everything."""
        return frozenset(self._open)

    @property
    def ready(self) -> bool:
        """Whether `take` has something to say without reading more."""
        return bool(self._messages or self._broken)

    def send(self, message: dict[str, Any]) -> None:
        """Ask something. Never blocks. Raises ProbeFailed when the child does not read."""
        line = wire.encode(message)
        try:
            written = os.write(self._input, line)
        except BlockingIOError:
            written = 0
        except OSError as error:
            self.pump()
            raise ProbeFailed(self._broken or f"its input is closed ({error.strerror})") from error
        if written < len(line):
            raise ProbeFailed("it does not read its input")

    def pump(self) -> None:
        """Read what the child has written so far."""
        self._pump_log()
        if self._output not in self._open or self._broken:
            return
        chunk = _read(self._output)
        if chunk is None:
            return
        try:
            self._messages.extend(wire.decode(line) for line in self._lines.feed(chunk))
        except (ValueError, RecursionError) as error:
            self._broken = f"it wrote what is no message: {error}"
        if not chunk:
            self._broken = self._broken or self._how_it_ended()
        if self._broken:
            self._open.discard(self._output)

    def discard(self) -> None:
        """Read on and drop it, so that a child that is being ended cannot block on its output."""
        self._pump_log()
        for _ in range(_CHUNKS_DISCARDED):
            if not _read(self._output):
                return

    def _pump_log(self) -> None:
        if self._errors not in self._open:
            return
        chunk = _read(self._errors)
        if chunk is None:
            return
        for line in self._log_lines.feed(chunk, time.monotonic()):
            self._log(line)
        if not chunk:
            self._open.discard(self._errors)

    def _how_it_ended(self) -> str:
        """Why its output is at an end; a child that exits closes its output a moment before."""
        give_up = time.monotonic() + _SETTLE_SECONDS
        while (status := self._process.poll()) is None and time.monotonic() < give_up:
            time.sleep(0.005)
        self._pump_log()
        if status is None:
            return "it closed its output"
        if status == -signal.SIGKILL:
            # Not by us: a child that is being ended is not listened to any more.
            return "it was ended by SIGKILL: by the kernel, for memory, or by hand"
        if status < 0:
            with contextlib.suppress(ValueError):
                return f"it was ended by {signal.Signals(-status).name}"
        return f"it exited with status {status}"

    def take(self) -> dict[str, Any] | None:
        """The next message already read, or None. Raises ProbeFailed after the last of a child."""
        if self._messages:
            return self._messages.popleft()
        if self._broken:
            raise ProbeFailed(self._broken)
        return None

    def receive(self, until: float, wake: Wake | None = None) -> dict[str, Any] | None:
        """The next message; None when monotonic second `until` came first or `wake` was set.

        Raises ProbeFailed when the child is gone, or wrote no message or one beyond `wire.LIMIT`.
        """
        while True:
            message = self.take()
            if message is not None:
                return message
            woken = wait((self,), until, wake)
            self.pump()
            if not self.ready and (woken or time.monotonic() >= until):
                return None

    def exit_status(self) -> int | None:
        """The exit status (negative: the signal), or None while it lives. Reaps; never blocks."""
        return self._process.poll()

    def close_input(self) -> None:
        """Tell the child to finish the call at hand and exit."""
        self._input = _NO_DESCRIPTOR
        if self._process.stdin is not None:
            with contextlib.suppress(OSError):
                self._process.stdin.close()

    def signal(self, number: signal.Signals) -> None:
        """Send a signal, unless the child is known to be gone."""
        with contextlib.suppress(OSError):
            self._process.send_signal(number)

    def describe_stuck(self, waited_seconds: float) -> Stuck:
        """Where the child sits at this instant; it need not answer for that."""
        page = self._page
        return describe_stuck(
            self.pid,
            page.read() if page else None,
            waiting=page.read(wire.WAITING) if page else None,
            boottime=time.clock_gettime(time.CLOCK_BOOTTIME),
            waited_seconds=waited_seconds,
        )

    def close(self) -> None:
        """Give all descriptors back. A child that still lives is reaped later, when it dies."""
        self._pump_log()
        for line in self._log_lines.close():
            self._log(line)
        self._open.clear()
        self._input = self._output = self._errors = _NO_DESCRIPTOR
        for pipe in (self._process.stdin, self._process.stdout, self._process.stderr):
            if pipe is not None:
                with contextlib.suppress(OSError):
                    pipe.close()
        if self._page is not None:
            self._page.close()
            self._page = None
        self._broken = self._broken or "it was closed"
        if self._process.poll() is None:
            _left_behind.append(self._process)


def _descriptor(pipe: IO[bytes] | None) -> int:
    return _NO_DESCRIPTOR if pipe is None else pipe.fileno()


def _read(descriptor: int) -> bytes | None:
    """A chunk, b"" at the end, None when there is nothing yet."""
    try:
        return os.read(descriptor, _CHUNK_BYTES)
    except BlockingIOError:
        return None
    except OSError:
        return b""


def _reap_left_behind() -> None:
    _left_behind[:] = [process for process in _left_behind if process.poll() is None]
