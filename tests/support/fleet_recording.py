"""Fleet recording: what real agents on the simulated driver tell, a few times, as it moves."""

import time
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

from simulator.bmc.server import IpmiBmc
from simulator.world import Server
from tests.support.agents import WINDOW, AgentProcess, eventually, running
from tests.support.bmc import bmcs
from tests.support.bmc_watching import over_lan, secret
from tests.support.server import build_library

GPUS, BAD = 8, 2
HOSTNAME = "recorded-host"
_FRAMES = 5
_PACE_SECONDS = 0.5
_APART_SECONDS = 0.9
# As lively as a board at work, within the seconds of a recording: height and period in seconds.
_SWINGS = {
    "temperature.gpu": (6, 9),
    "temperature.memory": (5, 8),
    "utilization.gpu": (30, 5),
    "utilization.memory": (15, 6),
    "power.milliwatts": (60_000, 7),
    "power.average": (40_000, 11),
}

# What the faults below lead to, as far as it takes more than one sweep.
_SETTLED = (
    ("gpuwatch_gpu_finding", {"code": "recent-uncorrectable-error"}),
    ("gpuwatch_gpu_finding", {"code": "row-remap-failed"}),
    ("gpuwatch_bmc_finding", {"code": "psu-input-lost"}),
)


@dataclass(frozen=True, slots=True)
class Frame:
    """Both expositions of one agent at an instant in Unix seconds."""

    at: float
    metrics: str
    compat: str


@dataclass(frozen=True, slots=True)
class Recordings:
    """A server that is well, and one with a flagged board whose BMC tells of a lost feed."""

    quiet: tuple[Frame, ...]
    troubled: tuple[Frame, ...]


def recordings(folder: Path) -> Recordings:
    """Record both servers, side by side."""
    build_library()
    with bmcs(folder) as make, ThreadPoolExecutor() as pool:
        bmc = make()
        quiet = pool.submit(_quiet, folder / "quiet")
        troubled = pool.submit(_troubled, folder / "troubled", bmc)
        return Recordings(quiet.result(), troubled.result())


def _quiet(folder: Path) -> tuple[Frame, ...]:
    with closing(_server(folder)) as server, _agent(server, folder / "agent", {}) as agent:
        return _frames(agent)


def _troubled(folder: Path, bmc: IpmiBmc) -> tuple[Frame, ...]:
    settings = over_lan(bmc, secret(folder / "secret"))
    with closing(_server(folder)) as server, _agent(server, folder / "agent", settings) as agent:
        server.uncorrectable(BAD)
        server.remap_failure(BAD)
        bmc.psu_lost(2)
        eventually(lambda: agent.api("flags")["flags"], "a flag")
        eventually(lambda: all(agent.metric(of, **has) for of, has in _SETTLED), "the findings")
        eventually(
            lambda: (
                1.0 in agent.metric("gpuwatch_host_verdict", verdict="reset_at_window").values()
            ),
            "the host's verdict",
        )
        return _frames(agent)


def _server(folder: Path) -> Server:
    server = Server.create(folder / "server", gpus=GPUS)
    for slot in range(GPUS):
        for key, (height, period) in _SWINGS.items():
            server.set(slot, key, f"{server.get(slot, key)}~{height}/{period}")
    return server


@contextmanager
def _agent(server: Server, home: Path, bmc: Mapping[str, str]) -> Iterator[AgentProcess]:
    home.mkdir()
    lines = "".join(f'{key} = "{value}"\n' for key, value in bmc.items())
    section = f"[bmc.main]\n{lines}" if bmc else ""
    (home / "gpuwatch.toml").write_text(WINDOW + section)
    options = ("compat.dcgm=true", "compat.ipmi=true", f"agent.hostname={HOSTNAME}")
    with running(server, home, options=options, pace_seconds=_PACE_SECONDS) as agent:
        agent.wait_for_gpus(GPUS)
        yield agent


def _frames(agent: AgentProcess) -> tuple[Frame, ...]:
    return tuple(_frame(agent) for _ in range(_FRAMES))


def _frame(agent: AgentProcess) -> Frame:
    time.sleep(_APART_SECONDS)
    return Frame(time.time(), agent.get("/metrics"), agent.get("/metrics/compat"))
