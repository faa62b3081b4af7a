"""The NVML child as the agent starts it, on a simulated or a real driver, asked from a test."""

import sys
import time
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Protocol, Self

from gpuwatch.domain.signals import Cadence
from gpuwatch.sources.nvml_signals import rows, table_hash
from gpuwatch.sources.probe import Probe, ProbeFailed
from gpuwatch.sources.probe_end import EndOrder, end
from gpuwatch.sources.wire import ProgressPage

_PATIENCE_SECONDS = 60.0
_QUICK = EndOrder(input_seconds=3.0, terminate_seconds=1.0, kill_seconds=5.0)
Message = dict[str, Any]
PROGRAM = (sys.executable, "-m", "gpuwatch.sources.nvml")


class Machine(Protocol):
    """Where a driver is: a simulated server, or a host with a real one."""

    @property
    def sysfs(self) -> Path:
        """Where sysfs is."""
        ...

    def environment(self) -> dict[str, str]:
        """What a child needs in its environment to find the library."""
        ...


class NvmlChild:
    """One running child. What it said of itself at first is `hello`, its log is `logged`."""

    def __init__(
        self, server: Machine, *, table: str | None = None, program: Sequence[str] = PROGRAM
    ) -> None:
        self.logged: list[str] = []
        self.events: list[Message] = []
        self._number = 0
        command = [*program, "--sysfs", str(server.sysfs)]
        self.probe = Probe(
            [*command, "--table", table_hash() if table is None else table],
            log=self.logged.append,
            environment=server.environment(),
            progress=True,
        )
        self.hello = self.receive()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        end(self.probe, _QUICK)

    def receive(self, seconds: float = _PATIENCE_SECONDS) -> Message:
        """The next message. Fails when none comes."""
        try:
            message = self.probe.receive(time.monotonic() + seconds)
        except ProbeFailed as error:
            raise AssertionError(f"the child is gone: {error}; it logged {self.logged}") from error
        assert message is not None, f"nothing within {seconds:g} s; it logged {self.logged}"
        return message

    def send(self, ask: str, devices: list[str] | None = None, *cadences: str) -> None:
        """Ask without waiting for an answer."""
        self._number += 1
        message: Message = {"ask": ask, "id": self._number, "devices": devices}
        self.probe.send(message | ({"cadences": list(cadences)} if cadences else {}))

    def answers(self) -> list[Message]:
        """Everything to the end of the request; events that came between are kept aside."""
        found: list[Message] = []
        while (message := self.receive())["say"] != "done":
            (self.events if message["say"] in {"event", "events"} else found).append(message)
        assert message["id"] == self._number
        return found

    def receive_answer(self) -> Message:
        """The next message of the thread that answers."""
        while (message := self.receive())["say"] in {"event", "events"}:
            self.events.append(message)
        return message

    @property
    def page(self) -> ProgressPage:
        """What the child says on its progress page."""
        assert self.probe._page is not None
        return self.probe._page

    def close_output(self) -> None:
        """Read no more, as an agent that is gone."""
        assert self.probe._process.stdout is not None
        self.probe._process.stdout.close()

    def inventory(self, devices: list[str] | None = None) -> list[Message]:
        """The `device` and `lost-device` messages."""
        self.send("inventory", devices)
        return self.answers()

    def sweep(self, *cadences: str, devices: list[str] | None = None) -> dict[str, Message]:
        """By PCI address: each row's key with its value or [reason, code]."""
        self.send("sweep", devices, *cadences)
        return {
            answer["pci"]: _by_key(cadences, answer["values"])
            if answer["say"] == "sweep"
            else answer
            for answer in self.answers()
        }

    def next_event(self, say: str) -> Message:
        """The next message of the event thread of this sort."""
        while True:
            for message in self.events:
                if message["say"] == say:
                    self.events.remove(message)
                    return message
            message = self.receive()
            self.events.append(message)

    def exit_status(self, seconds: float = _PATIENCE_SECONDS) -> int | None:
        """How it ended, waiting for that."""
        deadline = time.monotonic() + seconds
        while (status := self.probe.exit_status()) is None and time.monotonic() < deadline:
            self.probe.discard()
            time.sleep(0.01)
        return status


def _by_key(cadences: tuple[str, ...], values: list[Any]) -> Message:
    signals = rows([Cadence(name) for name in cadences])
    return {row.key: value for row, value in zip(signals, values, strict=True)}
