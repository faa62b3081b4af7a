"""Record: what real agents expose while simulated servers live through years, a week and a day.

It takes about 20 minutes. The agents are the product's own; driver, kernel log and BMCs are the
simulator's. Two years pass unrecorded at 20 days a second, a week at 20 minutes a second, and the
last day is nine minutes in which time runs as it does: they are drawn out to 24 hours, since agents
believe only what they were told within seconds.
"""

import json
import pickle
import time
import urllib.error
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import asdict, dataclass, field
from pathlib import Path

from gpuwatch.control.client import ask
from grafana.viewer.recording import Recording
from simulator.bmc.server import IpmiBmc, Model
from simulator.world import Server
from tests.support.agents import Agent, AgentProcess, ended
from tests.support.alertmanager import PAGER, alerting
from tests.support.bmc_agents import BmcAgent, configuration
from tests.support.server import build_library

DAY = 86_400.0
YEARS, YEARS_RATE = 730 * DAY, 20 * DAY
WEEK, WEEK_RATE, WEEK_STEP = 6 * DAY, 1200.0, 600.0
LAST_SECONDS, LAST_STEP = 540.0, 1.5
STRETCH = DAY / LAST_SECONDS
WEEK_SPARE = 40.0  # seconds that its events take
EVENT_SECONDS = 6.0  # echoes and owners are matched within seconds, which must run as they do
_HW_THERMAL, _SW_POWER_CAP = 0x40, 0x4
_WINDOWS = '[[windows]]\nname = "wednesday"\ncron = "0 2 * * wed"\nduration = "4h"\nzone = "UTC"\n'


@dataclass(slots=True)
class Host:
    """One server with its agent."""

    instance: str
    server: Server
    agent: Agent

    def scrape(self) -> str | None:
        """What the agent exposes; None when it does not answer."""
        try:
            return self.agent.get("/metrics")
        except (urllib.error.URLError, OSError):
            return None


@dataclass(slots=True)
class Stage:
    """All servers, their BMCs and agents."""

    place: Path
    stack: ExitStack
    hosts: dict[str, Host] = field(default_factory=dict)
    bmcs: dict[str, IpmiBmc] = field(default_factory=dict)
    watcher: Agent | None = None

    def serve(self, name: str, profile: str, gpus: int, driver: str, serial: int) -> None:
        """A server whose clock is set back, with its agent."""
        server = Server.create(
            self.place / name, profile, gpus, driver=driver, first_serial=serial, lively=True
        )
        self.stack.callback(server.close)
        server.clock.step_wall(-YEARS - WEEK - DAY)
        self.hosts[name] = Host(f"{name}:9853", server, self.start(name, server, _WINDOWS))

    def start(self, name: str, server: Server, settings: str) -> Agent:
        """The agent of a server."""
        directory = self.place / f"{name}-agent"
        directory.mkdir(parents=True, exist_ok=True)
        (directory / "gpuwatch.toml").write_text(settings)
        # An hour without an answer passes in a blink.
        options = (
            "log.level=info",
            'rules.disabled=["telemetry-gap"]',
            f"agent.hostname={name}",
        )
        agent = AgentProcess(
            server,
            directory,
            options=options,
            max_gap_seconds=60 * YEARS_RATE,
            pace_seconds=1.5,
            wait=False,
        )
        return self.stack.enter_context(ended(agent))

    def everyone(self) -> Iterator[tuple[str, Callable[[], str | None]]]:
        """Every agent's instance, and how it is scraped."""
        for host in self.hosts.values():
            yield host.instance, host.scrape
        if self.watcher is not None:
            watcher = self.watcher
            yield "management:9853", lambda: watcher.get("/metrics")

    def run_at(self, rate: float) -> None:
        """Let every server's time run so."""
        for host in self.hosts.values():
            host.server.run_at(rate)

    def wall(self) -> float:
        """The servers' time."""
        return next(iter(self.hosts.values())).server.clock.now().wall


def let_years_pass(made: Stage) -> None:
    """All but the last week of their lives."""
    made.run_at(YEARS_RATE)
    while made.wall() < time.time() - WEEK - 2 * DAY:
        time.sleep(0.05)
    made.run_at(1.0)


Scenes = Mapping[float, Callable[[], object]]


def stage(place: Path, stack: ExitStack) -> Stage:
    """Five servers of four kinds."""
    made = Stage(place, stack)
    made.serve("gpu-node-01", "h100-sxm", 8, "580.95.05", 1_650_524_000_001)
    made.serve("gpu-node-02", "h100-sxm", 8, "580.95.05", 1_650_524_000_101)
    made.serve("gpu-node-03", "a100-sxm-80gb", 8, "570.172.08", 1_320_221_000_001)
    made.serve("gpu-node-04", "t4", 4, "570.172.08", 1_321_219_000_001)
    made.serve("gpu-node-05", "l40s", 4, "580.95.05", 1_652_923_000_001)
    for host in made.hosts.values():
        host.agent.wait_for_gpus(len(host.server.gpus()))
    return made


def week(made: Stage) -> Scenes:
    """What happens how many seconds before the end, until a day before it."""
    first, third = made.hosts["gpu-node-01"].server, made.hosts["gpu-node-03"].server
    return {
        6.5 * DAY: lambda: first.uncorrectable(2, echo=(1, 3)),
        5.5 * DAY: lambda: reset(made.hosts["gpu-node-01"], 2),
        5 * DAY: lambda: first.correctable(4, count=50_000),
        4.2 * DAY: lambda: third.uncorrectable(1),
        3.5 * DAY: lambda: third.sram_threshold(6),
        2.2 * DAY: lambda: first.uncorrectable(2, echo=(1, 3)),
    }


def reset(host: Host, gpu: int) -> None:
    """Reset a GPU as an operator does: the agent lets go, the tool resets, it takes up again."""
    socket = host.agent.control_socket
    ask(socket, "release", within_seconds=60.0, seconds=60, reason=f"reset of GPU {gpu}")
    host.server.reset(gpu)
    ask(socket, "resume")


def last_day(made: Stage) -> Scenes:
    """The same for the last day."""
    server = {name: host.server for name, host in made.hosts.items()}
    first, third, old = server["gpu-node-01"], server["gpu-node-03"], server["gpu-node-04"]
    bmc = made.bmcs["gpu-node-01"]
    hour = 3600.0
    return {
        20 * hour: lambda: first.xid(5, 31, process=(4242, "python3")),
        16 * hour: lambda: old.uncorrectable(1),
        15 * hour: lambda: first.correctable(4, count=3_000),
        13 * hour: lambda: first.set(0, "clocks.event_reasons", _SW_POWER_CAP),
        11 * hour: lambda: bmc.inlet(31),
        10 * hour: lambda: first.set(7, "clocks.event_reasons", _HW_THERMAL),
        9 * hour: lambda: third.remap_failure(4),
        8.5 * hour: lambda: first.set(7, "clocks.event_reasons", 0),
        7 * hour: lambda: bmc.inlet(24),
        5.5 * hour: lambda: bmc.psu_lost(2),
        5 * hour: lambda: first.xid(5, 31, process=(4242, "python3")),
        3.5 * hour: lambda: first.uncorrectable(3),
        3 * hour: lambda: made.bmcs["gpu-node-02"].fan(3, 0),
        2.5 * hour: lambda: first.lose(6),
        2 * hour: made.hosts["gpu-node-05"].agent.kill,
    }


def _due(scenes: dict[float, Callable[[], object]], left: float) -> list[Callable[[], object]]:
    return [scenes.pop(before) for before in sorted(scenes, reverse=True) if before >= left]


def record_week(made: Stage, recording: Recording) -> None:
    """The week before the last day, a scrape for every ten of its minutes."""
    scenes, step = dict(week(made)), 0.0
    made.run_at(WEEK_RATE)
    while (wall := made.wall()) < recording.end - DAY - WEEK_STEP:
        for act in _due(scenes, recording.end - wall):
            made.run_at(1.0)
            act()
            time.sleep(EVENT_SECONDS)
            made.run_at(WEEK_RATE)
        if wall >= step:
            step = wall + WEEK_STEP
            for instance, scrape in made.everyone():
                recording.add(wall, instance, scrape())
        time.sleep(0.05)
    made.run_at(1.0)


def record_last_day(made: Stage, recording: Recording, began: float) -> None:
    """Nine minutes that are drawn as a day; `began` is their monotonic start."""
    scenes = dict(last_day(made))
    while (passed := time.monotonic() - began) < LAST_SECONDS:
        left = DAY - passed * STRETCH
        for act in _due(scenes, left):
            act()
        for instance, scrape in made.everyone():
            recording.add(recording.end - left, instance, scrape())
        time.sleep(max(0.0, LAST_STEP - (time.monotonic() - began - passed)))


def begin_last_day(made: Stage) -> float:
    """Bring every clock to the machine's, and BMCs into the picture; when the day ends."""
    for name in ("gpu-node-01", "gpu-node-02"):
        model = Model(large=True, serial=f"SN-{name}")
        made.bmcs[name] = made.stack.enter_context(IpmiBmc(made.place / f"{name}-bmc", model))
    first = made.hosts["gpu-node-01"]
    first.agent.stop()
    secrets = made.place / "secrets"
    bmc = configuration({"main": made.bmcs["gpu-node-01"]}, secrets).partition("[bmc.main]")
    for host in made.hosts.values():
        host.server.advance(time.time() - host.server.clock.now().wall)
    first.agent = made.start("gpu-node-01", first.server, f"{_WINDOWS}[bmc.main]{bmc[2]}")
    watched = configuration(
        {"node-02": made.bmcs["gpu-node-02"]}, secrets, more='host = "gpu-node-02"'
    )
    made.watcher = made.stack.enter_context(ended(BmcAgent(watched, made.place / "watcher")))
    first.agent.wait_for_gpus(8)
    return time.time() + LAST_SECONDS


def _keep_pages(made: Stage, directory: Path) -> None:
    agent = made.hosts["gpu-node-01"].agent
    gpus = agent.gpus()
    address = str(made.hosts["gpu-node-01"].server.get(2, "pci"))
    for name, path in {
        "status": "/",
        "flags": "/flags",
        "gpu": f"/gpu/{gpus[address]['uuid']}",
        "bmc": "/bmc/main",
    }.items():
        (directory / f"page-{name}.html").write_text(agent.get(path))


def _keep_notifications(made: Stage, directory: Path) -> None:
    """What people are told of all this: by the real Alertmanager with the shipped example."""
    instances = [host.instance for host in made.hosts.values()]
    with alerting(directory / "alerting", instances) as told:
        for host in made.hosts.values():
            if host.scrape() is None:
                told.hosts.refuse(host.instance)
            else:
                told.hosts.agent(host.instance, host.agent.port)
        told.receiver.read(PAGER, "off the bus")
        time.sleep(EVENT_SECONDS)
        texts = [asdict(text) for text in told.receiver.texts]
    (directory / "notifications.json").write_text(json.dumps(texts, indent=1))


def main(directory: Path) -> None:
    """Write `recording.pickle`, the agent's pages and what people were sent."""
    build_library()
    directory.mkdir(parents=True, exist_ok=True)
    with ExitStack() as stack:
        made = stage(directory / "stage", stack)
        let_years_pass(made)
        recording = Recording(end=time.time() + WEEK / WEEK_RATE + WEEK_SPARE + LAST_SECONDS)
        record_week(made, recording)
        recording.end = begin_last_day(made)
        record_last_day(made, recording, time.monotonic())
        with (directory / "recording.pickle").open("wb") as file:
            pickle.dump(recording, file)
        _keep_pages(made, directory)
        _keep_notifications(made, directory)
