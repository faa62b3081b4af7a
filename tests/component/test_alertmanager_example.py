"""The example for Alertmanager, by its own tool: accepted, each route with its receiver."""

import json
import subprocess
from pathlib import Path

import pytest

from tests.support.require import require

EXAMPLE = Path(__file__).parents[2] / "alerts" / "alertmanager.example.yml"
TEMPLATE = EXAMPLE.with_name("gpuwatch.tmpl")


def _amtool(*arguments: str | Path) -> tuple[int, str]:
    amtool = require("amtool", "prometheus-alertmanager")
    done = subprocess.run(
        [amtool, *arguments], capture_output=True, text=True, check=False, timeout=60
    )
    return done.returncode, done.stdout.strip()


def _title(file: Path, status: str, *states: str) -> str:
    """What a notification about several GPUs of a host has for a title."""
    alerts = [
        {"status": state, "annotations": {"summary": f"GPU {gpu} on n1: a fault"}}
        for gpu, state in enumerate(states)
    ]
    data = {"status": status, "alerts": alerts, "commonLabels": {"route": "page"}}
    file.write_text(json.dumps(data))
    options = (
        f"--template.glob={TEMPLATE}",
        f"--template.data={file}",
        '--template.text={{ template "gpuwatch.title" . }}',
    )
    code, told = _amtool("template", "render", *options)
    assert code == 0, told
    return told


@pytest.mark.parametrize(
    ("status", "states", "title"),
    [
        ("firing", ("firing",), "PAGE GPU 0 on n1: a fault"),
        ("firing", ("resolved", "firing"), "PAGE GPU 1 on n1: a fault"),
        ("firing", ("resolved", "firing", "firing"), "PAGE GPU 1 on n1: a fault (first of 2)"),
        ("resolved", ("resolved", "resolved"), "RESOLVED GPU 0 on n1: a fault (first of 2)"),
    ],
)
def test_a_title_names_what_fires_and_not_what_is_over(
    tmp_path: Path, status: str, states: tuple[str, ...], title: str
) -> None:
    """Alertmanager sends what is over and what fires together, sorted by labels."""
    assert _title(tmp_path / "data.json", status, *states) == title


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
