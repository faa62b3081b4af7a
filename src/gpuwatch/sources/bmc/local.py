"""Local: the BMC of this host through the kernel's device, each command with a deadline."""

import errno
import io
import os
import select
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any

from pyghmi.ipmi.private import localsession

from gpuwatch.domain.bmc import BmcTrouble
from gpuwatch.sources.bmc import gate
from gpuwatch.sources.bmc.link import Answer
from gpuwatch.sources.bmc_loop import Trouble

COMMAND_SECONDS = 30.0  # the kernel's driver itself gives up after about 10 s and says so

_WAYS_OUT = {
    errno.ENOENT: "does not exist (is the module ipmi_devintf loaded, and has this host a BMC?)",
    errno.EACCES: "may not be opened (make it readable and writable for gpuwatch's group)",
    errno.EPERM: "may not be opened (make it readable and writable for gpuwatch's group)",
    errno.ENODEV: "has no BMC behind it (is the module ipmi_si loaded, and the BMC up?)",
    errno.ENXIO: "has no BMC behind it (is the module ipmi_si loaded, and the BMC up?)",
    errno.ENOTTY: "is no IPMI device (see `device`)",
}


def _open(path: str, _mode: str) -> io.FileIO:
    """In place of the library's open(), whose buffered file wants to seek, which no device can."""
    return io.FileIO(os.open(path, os.O_RDWR | os.O_CLOEXEC), "r+")


localsession.open = _open


class Session(localsession.Session):
    """A session that sends nothing but what the gate lets, and does not wait for ever."""

    def raw_command(
        self, netfn: int, command: int, data: Sequence[int] = (), *, rslun: int = 0
    ) -> dict[str, Any]:
        """Raises ForbiddenCommandError, and TimeoutError when no answer comes."""
        gate.check((netfn, command), data)
        return super().raw_command(netfn, command, data, rslun=rslun)

    def await_reply(self) -> None:
        """Raises TimeoutError."""
        poller = select.poll()
        poller.register(self.ipmidev, select.POLLIN)
        if not poller.poll(COMMAND_SECONDS * 1000):
            raise TimeoutError


class LocalLink:
    """The device, open. It has no session, and needs neither password nor keepalive."""

    def __init__(self, path: str) -> None:
        """Raises Trouble."""
        self._path = path
        self._session: Session | None = None
        try:
            self._session = Session(path)
        except OSError as error:
            raise self._trouble(error) from error

    @classmethod
    def open(cls, settings: Mapping[str, Any]) -> "LocalLink":
        """Open the device of the settings. Raises Trouble."""
        return cls(str(settings["device"]))

    @property
    def cipher_suite(self) -> None:
        """Nothing is on a network here."""
        return

    @property
    def alive(self) -> bool:
        """Whether it is open."""
        return self._session is not None

    def ask(self, command: gate.Command, data: Sequence[int] = (), lun: int = 0) -> Answer:
        """Send one command. Raises Trouble when no answer comes."""
        netfn, number = command
        if self._session is None:
            raise Trouble(BmcTrouble.DEVICE, f"{self._path} is closed")
        try:
            told = self._session.raw_command(netfn, number, bytes(data), rslun=lun)
        except TimeoutError as error:
            text = f"{self._path}: the BMC does not answer (is it being updated, or does it hang?)"
            raise Trouble(BmcTrouble.TIMED_OUT, text) from error
        except OSError as error:
            raise self._trouble(error) from error
        return Answer(int(told["code"]), bytes(told["data"]))

    def rest(self, seconds: float) -> None:
        """Wait."""
        time.sleep(seconds)

    def close(self) -> None:
        """Close the device: an answer that is still to come goes with it. Never raises."""
        session, self._session = self._session, None
        if session is not None:
            with suppress(OSError):
                session.ipmidev.close()

    def _trouble(self, error: OSError) -> Trouble:
        told = f"fails: {error.strerror} (see the kernel log)"
        return Trouble(BmcTrouble.DEVICE, f"{self._path} {_WAYS_OUT.get(error.errno or 0, told)}")
