"""Alert stories: hosts that are watched for on-call, and what everybody was told in the end."""

from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from gpuwatch.control.client import ask
from simulator.world import FIRST_SERIAL, Server
from tests.support.agents import AgentProcess, ended, eventually
from tests.support.alertmanager import NOBODY, PAGER, TICKETS, Alerting, Pace
from tests.support.receiver import FIRING
from tests.support.server import MakeServer
from tests.support.watching import QUICK

# A minute of the rules is a second, and no wait of theirs is shorter than a start of Prometheus.
PACE = Pace(minute_seconds=1, longest_seconds=15)
# A minute is three seconds, so that an agent takes as long to start as a host takes to boot; the
# pager waits as it does in the example.
SLOWER = Pace(minute_seconds=3, longest_seconds=45, group_wait="10s", every_seconds=2)
# Where resets are automatic the pager should wait for them; as long as they take on a busy machine.
PATIENT = replace(SLOWER, group_wait="60s")
# Longer than the pager's wait, and than a scrape, a rule and a delivery after it.
QUIET_SECONDS = 12.0
BOARDS_OF_A_HOST = 100
# A busy host asks as seldom as the agents of a fleet do, or twenty would keep the machine busy.
_SELDOM = (*QUICK, "nvml.fast=4s", "nvml.slow=8s", "nvml.rare=8s", "log.level=info")
_AT_ONCE = 4
Told = tuple[str, str, str]


def told(desk: Alerting, who: str, status: str = FIRING) -> dict[Told, int]:
    """In how many notifications to somebody each alert was in that state.

    Alerts are told by instance, code and serial number, "" for a host's.
    """
    return dict(
        Counter(
            (alert.labels.get("instance", ""), alert.labels["code"], alert.labels.get("serial", ""))
            for each in tuple(desk.receiver.notifications)
            if each.receiver == who
            for alert in each.alerts
            if alert.status == status
        )
    )


def sent(desk: Alerting) -> tuple[int, int]:
    """How many pages and how many tickets were sent in all; that they are over does not count."""
    receivers = [
        each.receiver for each in tuple(desk.receiver.notifications) if each.status == FIRING
    ]
    return receivers.count(PAGER), receivers.count(TICKETS)


def noted(desk: Alerting) -> set[Told]:
    """What was told for information, to nobody in the example."""
    return set(told(desk, NOBODY))


@dataclass(slots=True)
class Fleet:
    """Hosts by name, each with its server and the agent on it; they reboot a few at a time."""

    desk: Alerting
    folder: Path
    servers: dict[str, Server]
    agents: dict[str, AgentProcess]
    stack: ExitStack

    def boot(self, names: Sequence[str]) -> None:
        """Start the agents of these hosts, and wait until each has read its GPUs."""
        with ThreadPoolExecutor(_AT_ONCE) as pool:
            list(pool.map(self._start, names))

    def _start(self, name: str) -> None:
        server = self.servers[name]
        agent = AgentProcess(server, self.folder / name, options=_SELDOM)
        self.stack.enter_context(ended(agent))
        self.agents[name] = agent
        self.desk.hosts.agent(instance_of(name), agent.port)
        eventually(
            lambda: any(gpu["fresh"] for gpu in agent.gpus().values()), f"{name} reads its GPUs"
        )

    def shut_down(self, name: str) -> Server:
        """End the agent of one host as a reboot does; its server."""
        self.agents[name].stop()
        return self.servers[name]

    def release(self, name: str, reason: str) -> None:
        """Let go of the driver of one host, as `gpuwatch release` does."""
        ask(
            self.agents[name].control_socket,
            "release",
            within_seconds=60.0,
            seconds=1200,
            reason=reason,
        )


def instance_of(name: str) -> str:
    """The target of Prometheus on a host."""
    return f"{name}:9853"


@contextmanager
def fleet(desk: Alerting, make: MakeServer, folder: Path, gpus: dict[str, int]) -> Iterator[Fleet]:
    """Hosts with so many GPUs each, no two boards alike, and their agents, all ended at the end."""
    servers = {
        name: make(gpus=count, first_serial=FIRST_SERIAL + number * BOARDS_OF_A_HOST)
        for number, (name, count) in enumerate(gpus.items())
    }
    with ExitStack() as stack:
        hosts = Fleet(desk, folder, servers, {}, stack)
        hosts.boot(tuple(gpus))
        yield hosts
