"""The IPMI child on a simulated BMC: what it tells in a sweep, as the agent would have it."""

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from gpuwatch.domain.bmc import BmcProtocol, BmcSweep
from gpuwatch.domain.moments import Moment
from gpuwatch.domain.snapshot import BmcState
from gpuwatch.sources.bmc_ipmi import translate
from gpuwatch.sources.bmc_loop import BACKOFF_SECONDS
from simulator.bmc.server import MONITOR, Account, IpmiBmc

COMMAND = (sys.executable, "-I", "-m", "gpuwatch.sources.bmc")
_PRIVILEGES = {"admin": "administrator"}


class IpmiChild:
    """A child that asks one BMC, and what it says line by line."""

    def __init__(self, process: "subprocess.Popen[bytes]", name: str) -> None:
        self.process = process
        self._name = name

    def message(self, *say: str) -> dict[str, Any]:
        """The next message of these kinds; what comes before it is passed over."""
        assert self.process.stdout is not None
        for line in self.process.stdout:
            told: dict[str, Any] = json.loads(line)
            if told["say"] in say:
                return told
        raise AssertionError(f"the child ended and said no {say}")

    def messages(self, say: str, number: int) -> list[dict[str, Any]]:
        """So many messages of one kind."""
        return [self.message(say) for _ in range(number)]

    def sweep(self) -> BmcSweep:
        """The next sweep, which must not fail."""
        told = self.message("sweep", "failed")
        assert told["say"] == "sweep", told["text"]
        moment = Moment(wall=0.0, boottime=float(told["boottime"]), boot_id="boot")
        swept = translate(told, moment, self._name)
        assert isinstance(swept, BmcSweep)
        return swept


def asked(bmc: IpmiBmc, *, account: Account, interval: float, port: int | None) -> dict[str, Any]:
    """The settings of a child, on the BMC's own port or on that of a relay before it."""
    return {
        "ask": "serve",
        "protocol": BmcProtocol.IPMI.value,
        "address": f"{bmc.host}:{port or bmc.port}",
        "user": account.name,
        "privilege": _PRIVILEGES.get(account.privilege, account.privilege),
        "interval": interval,
        "positions": {},
    }


@contextmanager
def asking(
    bmc: IpmiBmc,
    directory: Path,
    *,
    account: Account = MONITOR,
    interval: float = 3600.0,
    port: int | None = None,
    backoff: tuple[float, ...] = BACKOFF_SECONDS,
) -> Iterator[IpmiChild]:
    """A child that runs inside, with its password in a file; it logs out at the end."""
    secret = directory / f"{account.name}.secret"
    secret.touch(mode=0o600)
    secret.write_text(account.password)
    settings = asked(bmc, account=account, interval=interval, port=port)
    settings["backoff"] = backoff
    settings["secrets"] = {"password": {"file": str(secret)}}
    with subprocess.Popen(COMMAND, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdin is not None
        process.stdin.write(json.dumps(settings).encode() + b"\n")
        process.stdin.flush()
        try:
            yield IpmiChild(process, "main")
            process.stdin.close()
            process.wait(30)
        finally:
            process.kill()


def state_of(sweep: BmcSweep) -> BmcState:
    """The BMC as it is published right after a sweep."""
    return BmcState(
        name=sweep.bmc,
        host="",
        protocol=BmcProtocol.IPMI,
        address="127.0.0.1:623",
        sweep=sweep,
        fresh=True,
    )
