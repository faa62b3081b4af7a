"""systemd: readiness, status and the watchdog, told over the notify socket where there is one."""

import contextlib
import os
import socket
from collections.abc import Mapping


class Notifier:
    """Speaks sd_notify(3). Without NOTIFY_SOCKET every call is silent."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        address = environment.get("NOTIFY_SOCKET", "")
        self._address = "\0" + address[1:] if address.startswith("@") else address
        self._last_status = ""
        microseconds = environment.get("WATCHDOG_USEC", "")
        for_us = environment.get("WATCHDOG_PID", str(os.getpid())) == str(os.getpid())
        self.watchdog_seconds = int(microseconds) / 3e6 if microseconds and for_us else None

    def tell(self, *lines: str) -> None:
        """Send assignments such as READY=1. A manager that does not listen is no reason to fail."""
        if not self._address:
            return
        kind = socket.SOCK_DGRAM | socket.SOCK_CLOEXEC | socket.SOCK_NONBLOCK
        with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX, kind) as channel:
            channel.sendto("\n".join(lines).encode(), self._address)

    def status(self, text: str) -> None:
        """Say in one line what the agent is doing, when that changed."""
        if text != self._last_status:
            self._last_status = text
            self.tell(f"STATUS={text}")
