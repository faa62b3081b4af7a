"""Redfish for tests: simulated services, and the real child that asks one, line by line."""

import functools
import json
import queue
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import pytest

from gpuwatch.domain.bmc import BmcSweep
from gpuwatch.domain.bmc_logs import LogBatch
from gpuwatch.domain.moments import Moment
from gpuwatch.sources import wire
from gpuwatch.sources.bmc_loop import Trouble
from gpuwatch.sources.bmc_redfish import translate
from gpuwatch.sources.redfish.deadline import Deadline
from gpuwatch.sources.redfish.logs import Logs
from gpuwatch.sources.redfish.service import Service
from gpuwatch.sources.redfish.shelf import Shelf
from gpuwatch.sources.redfish.talk import RedfishTalk
from simulator.bmc.certificate import Certificate, make_certificate
from simulator.bmc.redfish import PASSWORD, USER, RedfishBmc
from tests.support.require import require

PATIENCE_SECONDS = 60.0
MOMENT = Moment(wall=1_700_000_000.0, boottime=100.0, boot_id="boot")
Message = dict[str, Any]


@contextmanager
def certificates(directory: Path) -> Iterator[Certificate]:
    """A certificate of a service on loopback."""
    require("openssl", "openssl")
    yield make_certificate(directory / "certificate")


def settings_of(bmc: RedfishBmc, **more: object) -> Message:
    """What the child is told to ask `bmc`, every 50 ms."""
    return {
        "ask": "serve",
        "protocol": "redfish",
        "address": bmc.address,
        "user": USER,
        "password": PASSWORD,
        "ca_file": str(bmc.certificate.file),
        "fingerprint": "",
        "interval": 0.05,
        "first_after": 0.0,
        "positions": {},
        **more,
    }


@dataclass(slots=True)
class RedfishChild:
    """The child of a BMC; use as a context, and end it by its input or by its pid."""

    settings: Message
    _process: "subprocess.Popen[bytes]" = field(init=False)
    _said: "queue.Queue[Message | None]" = field(default_factory=queue.Queue)

    def __enter__(self) -> Self:
        command = [sys.executable, "-I", "-m", "gpuwatch.sources.redfish"]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        stdin = self._process.stdin
        assert stdin is not None
        stdin.write(json.dumps(self.settings).encode() + b"\n")
        stdin.flush()
        threading.Thread(target=self._read, daemon=True).start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._process.poll() is None:
            self.end()
        assert self._process.stdout is not None
        self._process.stdout.close()

    @property
    def pid(self) -> int:
        """Its process."""
        return self._process.pid

    def until(self, wanted: Callable[[Message], object]) -> Message:
        """The next message that is wanted; the others are passed over."""
        while True:
            message = self._said.get(timeout=PATIENCE_SECONDS)
            assert message is not None, "the child has ended"
            if wanted(message):
                return message

    def next(self, say: str) -> Message:
        """The next message of a kind."""
        return self.until(lambda message: message["say"] == say)

    def sweep(self, number: int = 1) -> Message:
        """The sweep that comes so many from now."""
        for _ in range(number - 1):
            self.next("sweep")
        return self.next("sweep")

    def end(self) -> int:
        """End of input; the exit status."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        return self._process.wait(PATIENCE_SECONDS)

    def wait(self) -> int:
        """Its exit status, once it has ended by itself."""
        status = self._process.wait(PATIENCE_SECONDS)
        assert self._process.stdin is not None
        self._process.stdin.close()
        return status

    def terminate(self) -> int:
        """SIGTERM; the exit status."""
        self._process.terminate()
        status = self._process.wait(PATIENCE_SECONDS)
        assert self._process.stdin is not None
        self._process.stdin.close()
        return status

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            self._said.put(wire.decode(line))
        self._said.put(None)


@dataclass(slots=True)
class Later:
    """A clock that runs on, and leaps when told."""

    ahead: float = 0.0

    def monotonic(self) -> float:
        """The time."""
        return time.monotonic() + self.ahead

    def sleep(self, seconds: float) -> None:
        """Be later at once."""
        self.ahead += seconds


@dataclass(slots=True)
class Asked:
    """A service that is asked in this process, with a clock that leaps."""

    talk: RedfishTalk
    clock: Later

    def messages(self) -> list[Message]:
        """All that a sweep tells, as it arrives at the agent."""
        return [wire.decode(wire.encode(message)) for message in self.talk.sweep()]

    def sweep(self) -> BmcSweep:
        """What a sweep comes to."""
        found = [self._translated(each) for each in self.messages() if each["say"] == "sweep"]
        (sweep,) = found
        assert isinstance(sweep, BmcSweep)
        return sweep

    def logs(self) -> list[LogBatch]:
        """What a sweep tells of logs."""
        found = [self._translated(each) for each in self.messages() if each["say"] == "log"]
        return [batch for batch in found if isinstance(batch, LogBatch)]

    def trouble(self) -> Trouble:
        """What a sweep fails with."""
        with pytest.raises(Trouble) as caught:
            self.messages()
        return caught.value

    def _translated(self, message: Message) -> BmcSweep | LogBatch:
        return translate(message, MOMENT, "host")


@contextmanager
def asking(settings: Message) -> Iterator[Asked]:
    """Ask a service until the context ends."""
    clock = Later()
    service = Service(settings, _deadline(), clock.monotonic)
    shelf = Shelf(service)
    logs = Logs.of(shelf, settings["positions"])
    talk = RedfishTalk(service, shelf, logs, clock.monotonic, clock.sleep)
    try:
        yield Asked(talk, clock)
    finally:
        talk.close()


@functools.cache
def _deadline() -> Deadline:
    """One for all tests: it has a thread of its own, and a signal of the process."""
    return Deadline()
