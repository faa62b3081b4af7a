"""Watching BMCs: agents of any settings of theirs, and what they tell of each."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from simulator.bmc.configuration import MONITOR
from simulator.bmc.server import IpmiBmc
from tests.support.agents import ended
from tests.support.bmc_agents import BmcAgent


def secret(directory: Path, password: str = MONITOR.password) -> Path:
    """A file with a password that only we may read."""
    directory.mkdir(parents=True, exist_ok=True)
    path = directory / "bmc.secret"
    path.touch(mode=0o600)
    path.write_text(f"{password}\n")
    return path


def over_lan(bmc: IpmiBmc | int, password_file: Path, **more: str) -> dict[str, str]:
    """The settings of a BMC, or of a UDP port on this host, that is asked every 5 seconds."""
    port = bmc if isinstance(bmc, int) else bmc.port
    return {
        "protocol": "ipmi",
        "address": f"127.0.0.1:{port}",
        "user": MONITOR.name,
        "password_file": str(password_file),
        "interval": "5s",
        **more,
    }


def _settings(bmcs: Mapping[str, Mapping[str, str]]) -> str:
    text = "[nvml]\nenabled = false\n[kernel_log]\nenabled = false\n[compat]\nipmi = true\n"
    for name, settings in bmcs.items():
        lines = "".join(f'{key} = "{value}"\n' for key, value in settings.items())
        text += f"[bmc.{name}]\n{lines}"
    return text


class Watcher(BmcAgent):
    """An agent at log level debug; `bmcs` are the texts below [bmc.NAME], by name."""

    def __init__(self, directory: Path, bmcs: Mapping[str, Mapping[str, str]]) -> None:
        super().__init__(_settings(bmcs), directory, options=("log.level=debug",))

    @property
    def config(self) -> Path:
        """The file that it reads at its start and at SIGHUP."""
        return self.directory / "gpuwatch.toml"

    def configure(self, bmcs: Mapping[str, Mapping[str, str]]) -> None:
        """Write the file anew."""
        self.config.write_text(_settings(bmcs))

    def bmc(self, name: str) -> dict[str, Any]:
        """The document of one BMC."""
        document: dict[str, Any] = self.api(f"bmcs/{name}")
        return document

    def sweeps(self, name: str) -> float:
        """How many sweeps of a BMC there were."""
        metric = "gpuwatch_source_poll_duration_seconds_count"
        return sum(self.metric(metric, source=f"bmc.{name}").values())

    def trouble(self, name: str) -> list[str]:
        """Why a BMC cannot be asked, as metrics say it."""
        told = self.metric("gpuwatch_bmc_trouble", bmc=name)
        return [labels.split('reason="')[1].split('"')[0] for labels, on in told.items() if on]


@contextmanager
def watching(directory: Path, bmcs: Mapping[str, Mapping[str, str]]) -> Iterator[Watcher]:
    """An agent that is ended whatever happens."""
    with ended(Watcher(directory, bmcs)) as agent:
        yield agent
