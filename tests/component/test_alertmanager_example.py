"""The example for Alertmanager, by its own tool: accepted, each route with its receiver."""

import subprocess
from pathlib import Path

import pytest

from tests.support.require import require

EXAMPLE = Path(__file__).parents[2] / "alerts" / "alertmanager.example.yml"


def _amtool(*arguments: str | Path) -> tuple[int, str]:
    amtool = require("amtool", "prometheus-alertmanager")
    done = subprocess.run(
        [amtool, *arguments], capture_output=True, text=True, check=False, timeout=60
    )
    return done.returncode, done.stdout.strip()


def test_alertmanager_accepts_the_example() -> None:
    """`amtool check-config` reads the routes, the inhibition and the template."""
    code, told = _amtool("check-config", EXAMPLE)

    assert code == 0, told


@pytest.mark.parametrize(
    ("labels", "receiver"),
    [
        ("route=page severity=critical", "pager"),
        ("route=window severity=warning", "tickets"),
        ("route=info severity=info", "nobody"),
        ("alertname=GpuwatchWatchdog route=info severity=info", "dead-man"),
        ("alertname=Other", "tickets"),
    ],
)
def test_every_severity_reaches_its_receiver(labels: str, receiver: str) -> None:
    """`amtool config routes test` follows an alert of each severity."""
    file = f"--config.file={EXAMPLE}"

    assert _amtool("config", "routes", "test", file, *labels.split()) == (0, receiver)
