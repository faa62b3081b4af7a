"""Inhibition by the example: who is told of one trouble is not told of what follows from it.

What is held back is only ever of the same host, and of the same board or BMC.
"""

from pathlib import Path

import pytest

from tests.support.agents import eventually
from tests.support.alertmanager import TICKETS, Alertmanager, alertmanager
from tests.support.receiver import receiving

# What is counted is told within seconds: beside each other they take these from one another.
pytestmark = pytest.mark.xdist_group("alerts")

PAGE, WINDOW = "page", "window"
_Labels = dict[str, str]


def _alert(host: str, code: str, route: str = WINDOW, **more: str) -> _Labels:
    instance = {"instance": f"{host}:9853"}
    return {"alertname": code, "code": code, "route": route, **instance, **more}


_DOWN = {"alertname": "GpuwatchDown"}
_DOWN_THERE = {"alertname": "GpuwatchDownOnLiveHost"}
# By a name: what fires, what fires with it, and whether people are told of the latter.
CASES: dict[str, tuple[_Labels, _Labels, bool]] = {
    "same-board": (
        _alert("a", "xid-other", PAGE, uuid="GPU-a"),
        _alert("a", "xid-other", uuid="GPU-a"),
        False,
    ),
    "other-board": (
        _alert("b", "xid-other", PAGE, uuid="GPU-a"),
        _alert("b", "xid-other", uuid="GPU-b"),
        True,
    ),
    "other-bmc": (
        _alert("c", "fan-failed", PAGE, bmc="one"),
        _alert("c", "fan-failed", bmc="two"),
        True,
    ),
    "other-host": (
        _alert("d", "xid-other", PAGE, uuid="GPU-a"),
        _alert("e", "xid-other", uuid="GPU-a"),
        True,
    ),
    "other-trouble": (
        _alert("f", "xid-other", PAGE, uuid="GPU-a"),
        _alert("f", "nvlink-down", uuid="GPU-a"),
        True,
    ),
    "unknown-by-nvml": (
        _alert("g", "source-down", source="nvml"),
        _alert("g", "gpu-unknown", uuid="GPU-a"),
        False,
    ),
    "unknown-by-gap": (
        _alert("h", "telemetry-gap"),
        _alert("h", "gpu-unknown", uuid="GPU-a"),
        False,
    ),
    "unknown-beside-kernel-log": (
        _alert("i", "source-down", source="kernel_log"),
        _alert("i", "gpu-unknown", uuid="GPU-a"),
        True,
    ),
    "unseen-without-kernel-log": (
        _alert("j", "source-down", source="kernel_log"),
        _alert("j", "exposure-gap", uuid="GPU-a"),
        False,
    ),
    "blind-by-driver": (
        _alert("k", "driver-hung", PAGE),
        _alert("k", "source-down", source="nvml"),
        False,
    ),
    "wedged-by-driver": (
        _alert("l", "driver-hung", PAGE),
        _alert("l", "probe-wedged", source="nvml"),
        False,
    ),
    "down-and-paged": (
        _alert("m", "down-on-live-host", PAGE) | _DOWN_THERE,
        _alert("m", "down") | _DOWN,
        False,
    ),
    "down-beside-paged": (
        _alert("n", "down-on-live-host", PAGE) | _DOWN_THERE,
        _alert("o", "down") | _DOWN,
        True,
    ),
}


def _states(server: Alertmanager) -> dict[str, str]:
    """By the name of a case, whether people are told of what fires with its cause."""
    return {
        alert["labels"]["case"]: alert["status"]["state"]
        for alert in server.alerts()
        if "case" in alert["labels"]
    }


def test_only_what_follows_from_a_trouble_is_held_back(tmp_path: Path) -> None:
    """Nothing hides what another host, another board or another BMC has, nor another trouble."""
    causes = [cause for cause, _, _ in CASES.values()]
    others = [other | {"case": name} for name, (_, other, _) in CASES.items()]
    wanted = {name: "active" if told else "suppressed" for name, (_, _, told) in CASES.items()}

    with receiving(TICKETS) as receiver, alertmanager(tmp_path / "am", receiver) as server:
        server.take([*causes, *others])
        eventually(
            lambda: _states(server) == wanted, "every alert is told or held back as it should"
        )
