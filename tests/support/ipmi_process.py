"""The IPMI child as the agent starts it, on a simulated BMC, and what it says as values."""

import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from gpuwatch.domain.bmc import BmcSweep, Sensor
from gpuwatch.domain.bmc_logs import LogBatch
from gpuwatch.domain.moments import Moment
from gpuwatch.sources.bmc_ipmi import translate
from gpuwatch.sources.probe import Probe, ProbeFailed
from gpuwatch.sources.probe_end import EndOrder, end
from simulator.bmc.server import MONITOR, Account, IpmiBmc
from tests.support.processes import memory_bytes

PROGRAM = (sys.executable, "-I", "-m", "gpuwatch.sources.bmc")
_PATIENCE_SECONDS = 90.0
_QUICK = EndOrder(input_seconds=5.0, terminate_seconds=2.0, kill_seconds=2.0)
_NOWHERE = Moment(wall=0.0, boottime=0.0, boot_id="")
Message = dict[str, Any]


def lan_settings(
    bmc: IpmiBmc, account: Account = MONITOR, port: int | None = None, **changes: object
) -> Message:
    """What the agent would ask the child of this BMC; by way of a relay if its port is given."""
    asked: Message = {
        "ask": "serve", "protocol": "ipmi", "address": f"{bmc.host}:{port or bmc.port}",
        "user": account.name, "password": account.password, "privilege": "user",
        "interval": 0.2, "backoff": [0.2], "lock_out": 0.2,
    }  # fmt: skip
    return {**asked, **changes}


def local_settings(device: Path, **changes: object) -> Message:
    """The same in band."""
    asked: Message = {
        "ask": "serve", "protocol": "ipmi-local", "device": str(device), "interval": 0.2,
        "backoff": [0.2],
    }  # fmt: skip
    return {**asked, **changes}


class IpmiChild:
    """A running child, asked from a test."""

    def __init__(self, settings: Message, environment: Mapping[str, str] | None = None) -> None:
        self.logged: list[str] = []
        self.probe = Probe(PROGRAM, log=self.logged.append, environment=environment or {})
        self.probe.send(settings)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        end(self.probe, _QUICK)

    @property
    def pid(self) -> int:
        """Its process."""
        return self.probe.pid

    def receive(self, *says: str) -> Message:
        """The next message of one of these kinds, any if none is named. Fails when none comes."""
        deadline = time.monotonic() + _PATIENCE_SECONDS
        while True:
            try:
                message = self.probe.receive(deadline)
            except ProbeFailed as error:
                raise AssertionError(f"it is gone: {error}; it logged {self.logged}") from error
            assert message is not None, f"no {says} in time; it logged {self.logged}"
            if not says or message["say"] in says:
                return message

    def sweep(self) -> BmcSweep:
        """The next sweep. Fails where the child says that it cannot have one."""
        message = self.receive("sweep", "failed")
        assert message["say"] == "sweep", message
        told = translate(message, _NOWHERE, "host")
        assert isinstance(told, BmcSweep)
        return told

    def sweep_until(self, holds: Callable[[BmcSweep], object]) -> BmcSweep:
        """The first sweep of which something holds; what was set just now may take one."""
        deadline = time.monotonic() + _PATIENCE_SECONDS
        while not holds(told := self.sweep()):
            assert time.monotonic() < deadline, told
        return told

    def log(self) -> LogBatch:
        """The next news of the event log."""
        told = translate(self.receive("log"), _NOWHERE, "host")
        assert isinstance(told, LogBatch)
        return told

    def failure(self) -> Message:
        """The next failure."""
        return self.receive("failed")

    def end(self) -> int | None:
        """End of input: how it ended."""
        self.probe.close_input()
        deadline = time.monotonic() + _PATIENCE_SECONDS
        while (status := self.probe.exit_status()) is None and time.monotonic() < deadline:
            self.probe.discard()
            time.sleep(0.01)
        return status

    @property
    def descriptors(self) -> int:
        """How many files it holds open."""
        return len(tuple(Path(f"/proc/{self.pid}/fd").iterdir()))

    @property
    def memory(self) -> int:
        """Its proportional share of memory in bytes; 0 where the kernel does not tell."""
        return memory_bytes(self.pid) or 0


def by_name(sweep: BmcSweep) -> dict[str, Sensor]:
    """The sensors of a sweep by their labels."""
    return {sensor.label: sensor for sensor in sweep.sensors}
