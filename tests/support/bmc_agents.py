"""Agents that watch BMCs only, as on a management host: no driver, no kernel log."""

import sys
from collections.abc import Sequence
from pathlib import Path

from simulator.bmc.server import MONITOR, IpmiBmc
from tests.support.agents import ROOT, Agent

INTERVAL = "5s"


def configuration(bmcs: dict[str, IpmiBmc], directory: Path, *, more: str = "") -> str:
    """Settings that name simulated BMCs; `more` is added to each of them."""
    directory.mkdir(parents=True, exist_ok=True)
    secret = directory / "bmc.secret"
    secret.write_text(MONITOR.password)
    secret.chmod(0o600)
    sections = [
        f'[bmc.{name}]\nprotocol = "ipmi"\naddress = "{bmc.host}:{bmc.port}"\n'
        f'user = "{MONITOR.name}"\npassword_file = "{secret}"\ninterval = "{INTERVAL}"\n{more}\n'
        for name, bmc in bmcs.items()
    ]
    return "[nvml]\nenabled = false\n[kernel_log]\nenabled = false\n" + "".join(sections)


class BmcAgent(Agent):
    """An agent of these settings; another may go on in its directory after it."""

    def __init__(
        self, settings: str, directory: Path, *, options: Sequence[str] = (), wait: bool = True
    ) -> None:
        directory.mkdir(parents=True, exist_ok=True)
        config = directory / "gpuwatch.toml"
        config.write_text(settings)
        told = (
            f"agent.state_directory={directory}/state",
            f"agent.runtime_directory={directory}/run",
            'web.listen_addresses=["127.0.0.1:0"]',
            "log.format=json",
            *options,
        )
        command = [sys.executable, "-m", "gpuwatch", "run", "--config", str(config)]
        command += [word for one in told for word in ("--set", one)]
        super().__init__(command, {"PYTHONPATH": str(ROOT)}, directory, wait=wait)
