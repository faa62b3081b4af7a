"""Alert scenes: stories of hosts, told to one Prometheus at once, and what people heard of them.

While an agent restarts, Prometheus goes on hearing its last words until the story lets it see the
next one: alerts keep firing for five minutes in earnest, and for five seconds here.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from threading import Lock
from typing import Any

from gpuwatch.cli.alerts.findings import name_of
from gpuwatch.cli.alerts.words import HEADLINES, NUMBERS
from gpuwatch.domain.verdicts import Urgency
from gpuwatch.policy.rules import RULES, Rule
from simulator.world import Server
from tests.support.agents import AgentProcess, running
from tests.support.alertmanager import NOBODY, PAGER, TICKETS, Alerting
from tests.support.receiver import Delivered
from tests.support.server import MakeServer
from tests.support.watching import wait_for_judgement

RULE = {rule.code: rule for rule in RULES}
REACH = {
    Urgency.PAGE: (PAGER, "critical", "page"),
    Urgency.WINDOW: (TICKETS, "warning", "window"),
    Urgency.INFO: (NOBODY, "info", "info"),
    Urgency.WATCH: (NOBODY, "info", "info"),
}
_DAILY = '[[windows]]\nname = "night"\ncron = "0 2 * * *"\nduration = "4h"\nzone = "UTC"\n'
_AT_ONCE = 5  # so many stories go on side by side
_LOCK = Lock()


@dataclass(slots=True)
class Scene:
    """One host of a story; `told` are the codes that have arrived."""

    alerting: Alerting
    make: MakeServer
    folder: Path
    host: str
    told: set[str] = field(default_factory=set)
    lacking: list[str] = field(default_factory=list)

    def server(self, profile: str = "h100-sxm", gpus: int = 8, **settings: Any) -> Server:  # noqa: ANN401
        """A simulated server."""
        with _LOCK:
            return self.make(profile, gpus, **settings)

    @contextmanager
    def agent(self, server: Server, **settings: Any) -> Iterator[AgentProcess]:  # noqa: ANN401
        """An agent there, which Prometheus does not see yet; afterwards its last words stay."""
        self.folder.mkdir(parents=True, exist_ok=True)
        config = self.folder / "gpuwatch.toml"
        if not config.exists():
            config.write_text(_DAILY)
        with running(server, self.folder, **settings) as agent:
            yield agent
            self.alerting.hosts.hold(self.host)

    def shown(self, agent: AgentProcess, gpus: int | None = None) -> None:
        """Let Prometheus see the agent, once that many GPUs have answered and are judged."""
        if gpus is not None:
            agent.wait_for_gpus(gpus)
        wait_for_judgement(agent, 2)
        self.alerting.hosts.agent(self.host, agent.port)

    def arrives(self, agent: AgentProcess, code: str, slot: int | None = None) -> None:
        """The alert of a rule arrives for the GPU in a slot, or the host, and says what it should.

        What it does not say is in `lacking`.
        """
        if slot is None:
            self.arrives_of_host(code)
            return
        gpu = agent.gpu(slot)
        alert = self._arrived(code, uuid=str(gpu["uuid"]), serial=str(gpu["serial"]))
        # It may lose its index while this is told; then its slot names it.
        places = (f"GPU {gpu['index']} ", f"GPU {gpu['slot']} ")
        said = [place for place in places if place in alert.annotations["summary"]]
        parts = [*(said or places), gpu["name"], f"serial {gpu['serial']}", gpu["uuid"]]
        self._must_say(alert, code, *parts, f"slot {gpu['slot']}")

    def arrives_of_host(self, code: str) -> None:
        """The same of a host, which names itself."""
        self._must_say(self._arrived(code), code)

    def arrives_of_bmc(self, code: str, bmc: str) -> None:
        """The same of a BMC, which names itself and who asks it."""
        alert = self._arrived(code, bmc=bmc)
        self._must_say(alert, code, f"(BMC {bmc}, asked by {self.host})")

    def _arrived(self, code: str, **labels: str) -> Delivered:
        receiver, severity, route = REACH[RULE[code].urgency]
        labels |= {"alertname": name_of(code), "severity": severity, "route": route}
        found = self.alerting.receiver.arrived(receiver, instance=self.host, code=code, **labels)
        self.told.add(code)
        return found

    def _must_say(self, alert: Delivered, code: str, *parts: str) -> None:
        unsaid = _unsaid(alert, RULE[code], self.host, parts)
        self.lacking += [f"{self.host} {code}: {what}" for what in unsaid]

    def ends(self, *ended: str) -> None:
        """These alerts are over, or all that have arrived."""
        for code in ended or tuple(self.told):
            receiver, _, _ = REACH[RULE[code].urgency]
            self.alerting.receiver.resolved(receiver, instance=self.host, code=code)

    def counts(self) -> dict[str, tuple[int, int]]:
        """By code, how often people were told of it, and how often of its end."""
        receivers = {code: REACH[RULE[code].urgency][0] for code in self.told}
        return {
            code: self.alerting.receiver.counts(receiver, instance=self.host, code=code)
            for code, receiver in receivers.items()
            if receiver != NOBODY
        }

    def surplus(self) -> set[tuple[str, str]]:
        """Whom else anybody was paged for here, or got a ticket about a finding, by code."""
        expected = {(REACH[RULE[code].urgency][0], code) for code in self.told}
        heard = {
            (notification.receiver, alert.labels["code"])
            for notification in self.alerting.receiver.notifications
            for alert in notification.alerts
            if alert.labels.get("instance") == self.host
        }
        return {
            (receiver, code)
            for receiver, code in heard - expected
            if receiver == PAGER or (receiver == TICKETS and code in RULE)
        }


def _unsaid(alert: Delivered, rule: Rule, host: str, parts: Sequence[str]) -> list[str]:
    """What an alert should say and does not."""
    headline, texts = HEADLINES[rule.code], alert.annotations
    said, summary, step = texts["description"], texts["summary"], texts["next_step"]
    number = [f"{NUMBERS[rule.code][0]}: "] if rule.code in NUMBERS else []
    wanted = [
        *((part, said) for part in (host, headline, step, *number, *parts)),
        *((part, summary) for part in (host, headline, *parts[:1])),
        (f"http://{host}/runbooks/{rule.code}", texts["runbook_url"]),
    ]
    failed = [text for text in texts.values() if re.search("<no value>|<error|^$", text)]
    return [f"no {part!r} in {text!r}" for part, text in wanted if part not in text] + failed


@dataclass(frozen=True, slots=True)
class Story:
    """What happens on one host, and the codes of the alerts that come of it and go."""

    host: str
    codes: tuple[str, ...]
    tell: Callable[[Scene], None]
    again: Mapping[str, int] = field(default_factory=dict)  # how often, where more than once

    def counts(self) -> dict[str, tuple[int, int]]:
        """By code, how often people should be told of it, and how often of its end."""
        return {
            code: (self.again.get(code, 1),) * 2
            for code in self.codes
            if REACH[RULE[code].urgency][0] != NOBODY
        }

    @property
    def instance(self) -> str:
        """As Prometheus knows the host."""
        return f"{self.host}:9853"


def perform(
    stories: Sequence[Story], alerting: Alerting, make: MakeServer, folder: Path
) -> list[Scene]:
    """Let all stories happen, some at a time; their scenes at the end."""
    scenes = [Scene(alerting, make, folder / story.host, story.instance) for story in stories]
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        done = [
            pool.submit(story.tell, scene) for story, scene in zip(stories, scenes, strict=True)
        ]
        for each in done:
            each.result()
    return scenes
