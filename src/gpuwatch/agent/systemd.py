"""systemd: readiness, status and the watchdog, told over the notify socket where there is one."""

import contextlib
import os
import socket
import time
from collections.abc import Callable, Iterator, MutableMapping

SOCKET, WATCHDOG, WATCHED = "NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID"
STEP_SECONDS = 30.0  # more time for a start that goes on, asked for at every turn
# NVML may take two minutes to say that it does not answer, and other services may wait for us.
READY_WITHIN_SECONDS = 180.0
_FEEDS = 4  # in each watchdog interval: some may find the socket full


class Notifier:
    """Speaks sd_notify(3). Without NOTIFY_SOCKET every call is silent. For one thread.

    Takes the service manager's words out of `environment`, so that no child inherits them: one that
    fed the watchdog would hide that the agent hangs. `monotonic` gives seconds.
    """

    def __init__(
        self,
        environment: MutableMapping[str, str],
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        address = environment.pop(SOCKET, "")
        microseconds = environment.pop(WATCHDOG, "")
        is_for_us = environment.pop(WATCHED, str(os.getpid())) == str(os.getpid())
        self._address = "\0" + address[1:] if address.startswith("@") else address
        self._feed_seconds = int(microseconds) / 1e6 / _FEEDS if microseconds and is_for_us else 0.0
        self._monotonic = monotonic
        self._began = monotonic()
        self._fed: float | None = None
        self._status = ""
        self._is_ready = False

    def tell(self, *lines: str) -> bool:
        """Send assignments such as STOPPING=1; whether they arrived, or nobody wants to know.

        A manager that does not listen is no reason to fail, and none to wait.
        """
        if not self._address:
            return True
        kind = socket.SOCK_DGRAM | socket.SOCK_CLOEXEC | socket.SOCK_NONBLOCK
        with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX, kind) as channel:
            channel.sendto("\n".join(lines).encode(), self._address)
            return True
        return False

    def status(self, text: str) -> None:
        """Say in one line what the agent is doing, when that changed."""
        if text != self._status and self.tell(f"STATUS={text}"):
            self._status = text

    def starting(self, text: str, seconds: float) -> None:
        """Say what the start is at, and that it may take so many seconds more."""
        self._status = text
        self.tell(f"STATUS={text}", _extension(seconds))

    def turned(self, *, knows: bool) -> None:
        """The loop made one whole turn: feed the watchdog, and say once that the start is over.

        It is over when the loop `knows` how the GPUs are or why it cannot, and in any case after
        `READY_WITHIN_SECONDS`.
        """
        now = self._monotonic()
        if not self._is_ready:
            if knows or now - self._began >= READY_WITHIN_SECONDS:
                self._is_ready = self.tell("READY=1")
            else:
                self.tell(_extension(STEP_SECONDS))
        if self._feed_seconds and (self._fed is None or now - self._fed >= self._feed_seconds):
            self._fed = now if self.tell("WATCHDOG=1") else None

    @contextlib.contextmanager
    def reloading(self) -> Iterator[None]:
        """The settings are read again in between. While the start goes on that is a part of it."""
        if not self._is_ready:
            yield
            return
        # systemd pairs READY=1 with this by its time; CLOCK_MONOTONIC, as it wants it.
        self.tell("RELOADING=1", f"MONOTONIC_USEC={time.monotonic_ns() // 1000}")
        try:
            yield
        finally:
            self._is_ready = self.tell("READY=1")

    def stopping(self) -> None:
        """The agent is on its way out."""
        self.tell("STOPPING=1", "STATUS=ending")


def _extension(seconds: float) -> str:
    return f"EXTEND_TIMEOUT_USEC={seconds * 1e6:.0f}"
