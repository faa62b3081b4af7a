"""Alertmanager for tests: the real one with the shipped example, fed by the real Prometheus.

What is not as shipped, because a test has no hours:
- rules: `for:`, `keep_firing_for:` and the time for which a finding is kept are as many seconds as
  they were minutes, and at most five, or as a test's `Pace` says; every group is evaluated each
  second, beside those that add up hour by hour. What else stands in the expressions, labels and
  texts are the shipped ones.
- Alertmanager: `group_wait` is 1 s where it was any, `group_interval` 2 s. Routes, grouping,
  inhibition, templates and repetition are the shipped ones; of the receivers only the addresses are
  changed, and each has a web hook beside what it had, also the one that tells nobody.
"""

import json
import os
import re
import subprocess
import urllib.parse
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from http import HTTPStatus
from http.client import HTTPConnection
from pathlib import Path
from shutil import copy
from typing import Any

from tests.support.agents import ROOT, clean_environment, eventually
from tests.support.prometheus import Prometheus, serving_rules
from tests.support.receiver import Receiver, receiving
from tests.support.require import require
from tests.support.scraped import Hosts, scraped

PROGRAM, PACKAGE = "prometheus-alertmanager", "prometheus-alertmanager"
EXAMPLE = ROOT / "alerts" / "alertmanager.example.yml"
TEMPLATE = ROOT / "alerts" / "gpuwatch.tmpl"
PAGER, TICKETS, NOBODY, DEAD_MAN = "pager", "tickets", "nobody", "dead-man"
_UNITS = {"m": 1, "h": 60, "d": 1440}
_WAIT_SECONDS = 30
# Programs that a person points to, to run the same against other releases than Debian's.
NEWER_PROMETHEUS, NEWER_ALERTMANAGER = "NEWER_PROMETHEUS", "NEWER_ALERTMANAGER"


@dataclass(frozen=True, slots=True)
class Programs:
    """Which programs run; "" for Debian's."""

    prometheus: str = ""
    alertmanager: str = ""


def newer() -> Programs | None:
    """Other releases, where the environment names both programs."""
    programs = Programs(
        os.environ.get(NEWER_PROMETHEUS, ""), os.environ.get(NEWER_ALERTMANAGER, "")
    )
    return programs if programs.prometheus and programs.alertmanager else None


@dataclass(frozen=True, slots=True)
class Pace:
    """How long waits of the rules last: seconds for each minute, and at most `longest_seconds`.

    `group_wait` is Alertmanager's, for every route but the dead man's. Hosts are scraped and rules
    are evaluated every `every_seconds`.
    """

    minute_seconds: int = 1
    longest_seconds: int = 5
    group_wait: str = "1s"
    every_seconds: int = 1


def hurried_rules(rules: str, pace: Pace = Pace()) -> str:
    """The rules with waits of seconds, all but the hourly sums evaluated at Prometheus's pace."""

    def shorter(found: re.Match[str]) -> str:
        seconds = int(found[2]) * _UNITS[found[3]] * pace.minute_seconds
        return f"{found[1]}{min(seconds, pace.longest_seconds)}s"

    waits = re.compile(r"^( +(?:for|keep_firing_for): )(\d+)([mhd])$", re.MULTILINE)
    kept = re.compile(r"(\[)(\d+)([mhd])(?=:\])")
    text = kept.sub(shorter, waits.sub(shorter, rules))
    return re.sub(r"^    interval: (?!1h).*\n", "", text, flags=re.MULTILINE)


def example(receiver: Receiver, pace: Pace = Pace()) -> str:
    """The shipped example that delivers to a receiver, in a hurry."""
    text = EXAMPLE.read_text()
    text = _changed(text, r"group_wait: (?!0s).*", f"group_wait: {pace.group_wait}")
    text = _changed(text, r"group_interval: .*", "group_interval: 2s")
    text = _changed(text, r"smarthost: .*", f"smarthost: 127.0.0.1:{receiver.mail_port}")
    hooks = f"http://127.0.0.1:{receiver.port}/hook"
    text = _changed(text, r"http://127\.0\.0\.1:9095/", f"{hooks}/")
    text = _changed(
        text,
        rf"^  - name: ({PAGER}|{TICKETS}|{NOBODY})$",
        rf"  - name: \1\n    webhook_configs:\n      - url: {hooks}/\1",
    )
    pages = f"http://127.0.0.1:{receiver.port}/page/{PAGER}"
    return f"global:\n  pagerduty_url: {pages}\n{text}"


def _changed(text: str, pattern: str, new: str) -> str:
    changed, times = re.subn(pattern, new, text, flags=re.MULTILINE)
    assert times, f"{EXAMPLE.name} has nothing like {pattern}"
    return changed


@dataclass(frozen=True, slots=True)
class Alertmanager:
    """The server as a process of its own."""

    port: int

    def alerts(self, **labels: str) -> list[Any]:
        """What it holds of alerts with these labels, by its API: their `status.state` and so on."""
        filters = [("filter", f'{name}="{text}"') for name, text in labels.items()]
        url = f"http://127.0.0.1:{self.port}/api/v2/alerts?{urllib.parse.urlencode(filters)}"
        with urllib.request.urlopen(url, timeout=_WAIT_SECONDS) as answer:
            found: list[Any] = json.load(answer)
        return found

    def take(self, alerts: Sequence[Mapping[str, str]]) -> None:
        """Give it alerts that fire, by their labels."""
        body = json.dumps([{"labels": dict(labels)} for labels in alerts]).encode()
        connection = HTTPConnection("127.0.0.1", self.port, timeout=_WAIT_SECONDS)
        with closing(connection):
            connection.request("POST", "/api/v2/alerts", body, {"Content-Type": "application/json"})
            answer = connection.getresponse()
            assert answer.status == HTTPStatus.OK, answer.read()

    def states(self, **labels: str) -> dict[str, str]:
        """Each alert with these labels by its name: active, or suppressed by another."""
        held = self.alerts(**labels)
        return {alert["labels"]["alertname"]: alert["status"]["state"] for alert in held}


@contextmanager
def alertmanager(
    directory: Path, receiver: Receiver, programs: Programs = Programs(), pace: Pace = Pace()
) -> Iterator[Alertmanager]:
    """One that delivers to the receiver by the shipped example, and runs inside."""
    program = programs.alertmanager or require(PROGRAM, PACKAGE)
    directory.mkdir(parents=True)
    configuration, log = directory / "alertmanager.yml", directory / "log"
    configuration.write_text(example(receiver, pace))
    copy(TEMPLATE, directory)
    command = [
        program,
        f"--config.file={configuration}",
        f"--storage.path={directory}/data",
        "--web.listen-address=127.0.0.1:0",
        "--cluster.listen-address=",
    ]
    with (
        log.open("wb") as output,
        subprocess.Popen(command, env=clean_environment(), stderr=output) as process,
    ):
        try:
            (port, *_) = eventually(
                lambda: re.findall(r'"Listening on" address=127\.0\.0\.1:(\d+)', log.read_text()),
                "alertmanager listens",
            )
            yield Alertmanager(int(port))
        finally:
            process.terminate()


@dataclass(frozen=True, slots=True)
class Alerting:
    """All of it: hosts that are scraped, the rules over them, and who is told."""

    hosts: Hosts
    prometheus: Prometheus
    alertmanager: Alertmanager
    receiver: Receiver

    def firing(self, **labels: str) -> set[str]:
        """The names of the alerts with these labels that Prometheus says fire."""
        wanted = ",".join(f'{name}="{text}"' for name, text in labels.items())
        rows = self.prometheus.query(f'ALERTS{{alertstate="firing",{wanted}}}')
        return {row["metric"]["alertname"] for row in rows}


@contextmanager
def alerting(
    directory: Path,
    instances: Sequence[str],
    *,
    nodes: Sequence[str] = (),
    past: Sequence[str] = (),
    programs: Programs = Programs(),
    pace: Pace = Pace(),
) -> Iterator[Alerting]:
    """Everything between a scrape and a page, running inside.

    `instances` are the targets of the job gpuwatch, `nodes` those of the job node. `past` is what
    Prometheus already knows, in OpenMetrics with an instant on every sample.
    """
    directory.mkdir(parents=True, exist_ok=True)
    with (
        scraped() as hosts,
        receiving(TICKETS) as receiver,
        alertmanager(directory / "alertmanager", receiver, programs, pace) as deliverer,
        serving_rules(
            directory / "prometheus",
            hurried_rules((ROOT / "alerts" / "gpuwatch.rules.yml").read_text(), pace),
            targets=[
                *(hosts.target(instance, "gpuwatch") for instance in instances),
                *(hosts.target(instance, "node") for instance in nodes),
            ],
            scrape_seconds=2,
            tells=deliverer.port,
            past=past,
            program=programs.prometheus,
            every_seconds=pace.every_seconds,
        ) as asks,
    ):
        yield Alerting(hosts, asks, deliverer, receiver)
