"""Prometheus for tests: the real server on loopback, scraping agents, asked in PromQL."""

import json
import re
import subprocess
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.support.agents import ROOT, clean_environment, eventually
from tests.support.require import require

PROGRAM, PACKAGE = "prometheus", "prometheus"
_RULES = ROOT / "alerts" / "gpuwatch.rules.yml"
_WAIT_SECONDS = 30
_READY = "Server is ready to receive web requests"  # until then it answers 503


class Prometheus:
    """The server as a process of its own."""

    def __init__(self, port: int, pid: int) -> None:
        self._port = port
        self.pid = pid

    def query(self, expression: str) -> list[Any]:
        """The series of an instant query, each with `metric` and `value`.

        What Prometheus refuses (series that do not join) fails with its words.
        """
        asked = urllib.parse.urlencode({"query": expression})
        url = f"http://127.0.0.1:{self._port}/api/v1/query?{asked}"
        try:
            with urllib.request.urlopen(url, timeout=_WAIT_SECONDS) as answer:
                result: list[Any] = json.load(answer)["data"]["result"]
        except urllib.error.HTTPError as refused:
            raise AssertionError(f"{expression}: {refused.read().decode()}") from refused
        return result

    def get(self, path: str) -> str:
        """The body of any of its pages."""
        url = f"http://127.0.0.1:{self._port}{path}"
        with urllib.request.urlopen(url, timeout=_WAIT_SECONDS) as answer:
            return str(answer.read().decode())

    def rule_groups(self) -> list[Any]:
        """The groups of rules with their health and the seconds that they took last."""
        groups: list[Any] = json.loads(self.get("/api/v1/rules"))["data"]["groups"]
        return groups

    def alerts(self) -> list[Any]:
        """The alerts that are pending or firing, each with its labels and `activeAt`."""
        told: list[Any] = json.loads(self.get("/api/v1/alerts"))["data"]["alerts"]
        return told

    def numbers(self, expression: str, *labels: str) -> dict[tuple[str, ...], float]:
        """The value of each series of an instant query by the values of these labels."""
        return {
            tuple(series["metric"].get(label, "") for label in labels): float(series["value"][1])
            for series in self.query(expression)
        }


@contextmanager
def prometheus(
    directory: Path, ports: Sequence[int], metrics_path: str = "/metrics"
) -> Iterator[Prometheus]:
    """A server that scrapes these ports of loopback every second, and runs inside."""
    targets = [f"127.0.0.1:{port}" for port in ports]
    job = {
        "job_name": "gpuwatch",
        "scrape_interval": "1s",
        "metrics_path": metrics_path,
        "static_configs": [{"targets": targets}],
    }
    with _running(directory, {"scrape_configs": [job]}) as server:
        yield server


@contextmanager
def scraping(directory: Path, jobs: Sequence[Mapping[str, Any]]) -> Iterator[Prometheus]:
    """A server with these jobs, each scraped every second."""
    settings = {"global": {"scrape_interval": "1s"}, "scrape_configs": list(jobs)}
    with _running(directory, settings) as server:
        yield server


@contextmanager
def ruled(directory: Path, agents: Mapping[str, int]) -> Iterator[Prometheus]:
    """One with the alerts' rules, all evaluated every second; agents are ports by instance."""
    targets = [
        {"targets": [f"127.0.0.1:{port}"], "labels": {"instance": instance}}
        for instance, port in agents.items()
    ]
    with serving_rules(directory, hasty_rules(), targets=targets) as server:
        yield server


def hasty_rules() -> str:
    """The shipped rules without intervals of their own: all are evaluated as often as any."""
    return re.sub(r"^    interval: .*\n", "", _RULES.read_text(), flags=re.MULTILINE)


@contextmanager
def serving_rules(
    directory: Path,
    rules: str,
    *,
    targets: Sequence[Mapping[str, Any]],
    tells: int = 0,
    past: Sequence[str] = (),
    program: str = "",
    every_seconds: int = 1,
    scrape_seconds: int = 0,
) -> Iterator[Prometheus]:
    """One with these rules and targets of the job gpuwatch, both asked at one interval.

    Targets are asked every `scrape_seconds` where that is longer, and may take as long. `tells` is
    the port of an Alertmanager, `past` what it already knows (OpenMetrics, with an instant on every
    sample), `program` another one than Debian's.
    """
    file = directory.with_suffix(".rules.yml")
    file.write_text(rules)
    interval, patience = f"{every_seconds}s", f"{max(every_seconds, scrape_seconds)}s"
    settings: dict[str, Any] = {
        "global": {
            "scrape_interval": patience,
            "scrape_timeout": patience,
            "evaluation_interval": interval,
        },
        "rule_files": [str(file)],
        "scrape_configs": [{"job_name": "gpuwatch", "static_configs": targets}],
    }
    if tells:
        told = {"static_configs": [{"targets": [f"127.0.0.1:{tells}"]}]}
        settings["alerting"] = {"alertmanagers": [told]}
    directory.mkdir(exist_ok=True)  # one that ran there before is gone on with
    for text in past:
        _remember(directory / "data", text)
    with _running(directory, settings, program) as server:
        yield server


def _remember(data: Path, past: str) -> None:
    file = data.with_suffix(".past")
    file.write_text(past)
    promtool = require("promtool", PACKAGE)
    command = [promtool, "tsdb", "create-blocks-from", "openmetrics", "--quiet"]
    subprocess.run([*command, file, data], check=True, timeout=200)


@contextmanager
def _running(
    directory: Path, settings: Mapping[str, Any], program: str = ""
) -> Iterator[Prometheus]:
    directory.mkdir(exist_ok=True)
    configuration, log = directory / "prometheus.yml", directory / "log"
    configuration.write_text(json.dumps(settings))  # JSON is YAML
    command = [
        program or require(PROGRAM, PACKAGE),
        f"--config.file={configuration}",
        f"--storage.tsdb.path={directory}/data",
        "--storage.tsdb.retention.time=500d",  # as the cohort alert needs it
        "--web.listen-address=127.0.0.1:0",
    ]
    with (
        log.open("wb") as output,
        subprocess.Popen(command, env=clean_environment(), stderr=output) as process,
    ):
        try:
            (port, *_) = eventually(
                lambda: re.findall(r'"Listening on" address=127\.0\.0\.1:(\d+)', log.read_text()),
                "prometheus listens",
            )
            eventually(lambda: _READY in log.read_text(), "prometheus is ready")
            yield Prometheus(int(port), process.pid)
        finally:
            process.terminate()
