"""Simulated BMCs for tests: started as asked, ended by their pid, and asked with other tools."""

import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Protocol

from simulator.bmc.process import HEADER, HEADER_PACKAGE, PACKAGE, PROGRAM
from simulator.bmc.server import ADMIN, Account, IpmiBmc, Model
from tests.support.require import require, require_file


class MakeBmc(Protocol):
    """Makes and starts a simulated BMC in a directory of its own."""

    def __call__(self, model: Model | None = None) -> IpmiBmc:
        """As `IpmiBmc`."""
        ...


@contextmanager
def bmcs(directory: Path) -> Iterator[MakeBmc]:
    """A factory of running BMCs, all ended when the context ends."""
    require(PROGRAM, PACKAGE)
    require_file(HEADER, HEADER_PACKAGE)
    require("cc", "gcc libc6-dev")
    require("make", "make")
    with ExitStack() as running:

        def make(model: Model | None = None) -> IpmiBmc:
            place = directory / f"bmc-{len(list(directory.glob('bmc-*')))}"
            return running.enter_context(IpmiBmc(place, model))

        yield make


def _ipmitool(bmc: IpmiBmc, account: Account, port: int | None) -> list[str]:
    # ipmi_sim has no cipher suite 17, thus 3.
    return [
        *(require("ipmitool", "ipmitool"), "-I", "lanplus", "-C", "3", "-H", bmc.host),
        *("-p", str(port or bmc.port), "-U", account.name, "-P", account.password),
        *("-L", account.privilege.replace("admin", "administrator")),
    ]


def ipmitool(bmc: IpmiBmc, *words: str, account: Account = ADMIN, port: int | None = None) -> str:
    """What ipmitool says, over the network; by way of a relay if its port is given."""
    asked = subprocess.run(
        [*_ipmitool(bmc, account, port), *words], capture_output=True, check=False, timeout=60
    )
    return (asked.stdout + asked.stderr).decode("latin-1")


@contextmanager
def ipmitool_shell(bmc: IpmiBmc) -> Iterator[None]:
    """A session that is open inside, and is killed without a farewell."""
    with subprocess.Popen(
        [*_ipmitool(bmc, ADMIN, None), "shell"],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    ) as shell:
        if shell.stdin is not None:
            shell.stdin.write(b"mc info\n")
            shell.stdin.flush()
        yield
        shell.kill()


def ipmi_sensors(bmc: IpmiBmc, directory: Path, account: Account = ADMIN) -> dict[str, list[str]]:
    """What FreeIPMI says of each sensor by its name: type, state, reading, unit, event."""
    asked = subprocess.run(
        [
            *(require("ipmi-sensors", "freeipmi-tools"), "-h", f"{bmc.host}:{bmc.port}"),
            *("-u", account.name, "-p", account.password, "-l", account.privilege.upper()),
            # ipmi_sim answers the opening of a session with another privilege than was asked for.
            *("-D", "LAN_2_0", "-I", "3", "-W", "opensesspriv", "--quiet-cache"),
            *(f"--sdr-cache-directory={directory}", "--comma-separated-output"),
            *("--no-header-output", "--output-sensor-state"),
        ],
        capture_output=True, check=True, timeout=60,
    )  # fmt: skip
    rows = (line.split(",") for line in asked.stdout.decode("latin-1").splitlines())
    return {name: rest for _, name, *rest in rows}
