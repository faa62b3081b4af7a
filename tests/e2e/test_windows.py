"""Where flags go when windows come, go and freeze: on the real agent, told once and audited."""

import signal
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.support.agents import WINDOW, AgentProcess, eventually, running
from tests.support.server import MakeServer
from tests.support.watching import QUICK, finding

NIGHTLY = '[[windows]]\nname = "nightly"\ncron = "0 2 * * *"\nduration = "1h"\n'
DAY = timedelta(days=1)


@pytest.fixture
def agent(make_server: MakeServer, tmp_path: Path) -> Iterator[AgentProcess]:
    """An agent with a window each Sunday, and a board that is due in a day."""
    server = make_server(gpus=2)
    with running(server, tmp_path / "agent", options=QUICK) as one:
        one.wait_for_gpus(2)
        server.remap_failure(1)
        eventually(lambda: one.api("flags")["flags"], "a flag")
        yield one


def _reload(agent: AgentProcess, config: str) -> None:
    seen = len(agent.events("reloaded"))
    (agent.directory / "gpuwatch.toml").write_text(config)
    agent.signal(signal.SIGHUP)
    eventually(lambda: len(agent.events("reloaded")) > seen, "the settings are taken")


def _flag(agent: AgentProcess) -> dict[str, Any]:
    return dict(agent.api("flags")["flags"][0])


def _in(agent: AgentProcess, window: str) -> dict[str, Any]:
    """The flag, once it is planned into the named window."""
    return (
        eventually(
            lambda: _flag(agent) if _flag(agent)["window_name"] == window else None,
            f"the flag is in {window!r}",
        )
        or {}
    )


def _now(agent: AgentProcess) -> datetime:
    return datetime.fromtimestamp(agent.server.clock.now().wall, UTC)


def _blackout(first: datetime, last: datetime) -> str:
    return (
        f'[[blackouts]]\nname = "freeze"\nreason = "closing"\nstart = {first:%Y-%m-%dT%H:%M:00}\n'
        f"end = {last:%Y-%m-%dT%H:%M:00}\n"
    )


def _audited(agent: AgentProcess, action: str) -> list[str]:
    """The reasons in the audit log's own log lines."""
    return [one["reason"] for one in agent.events("audit") if one["action"] == action]


def test_a_cancelled_window_and_a_blackout_replan_a_flag(agent: AgentProcess) -> None:
    """Each with its reason in the audit log; the first window after the blackout is taken."""
    sunday = _in(agent, "sunday")["window_start"]

    _reload(agent, NIGHTLY)
    nightly = _in(agent, "nightly")
    now = _now(agent)
    _reload(agent, NIGHTLY + _blackout(now - DAY, now + 3 * DAY))
    later = eventually(
        lambda: _flag(agent) if _flag(agent)["window_start"] != nightly["window_start"] else None,
        "the flag leaves the frozen window",
    )

    end = (now + 3 * DAY).strftime("%Y-%m-%dT%H:%M")
    assert later is not None
    assert sunday != nightly["window_start"] < end <= later["window_start"]
    assert _audited(agent, "flag-replanned") == [
        "its window was cancelled",
        "the blackout freeze covers its window",
    ]
    plan = agent.api("windows")
    assert plan["blocked"][0]["blackout"] == "freeze"
    assert [one["holds"] for one in plan["blackouts"]] == [True]
    assert agent.metric("gpuwatch_maintenance_blackout") == {"": 1.0}
    assert agent.metric("gpuwatch_maintenance_window_open") == {"": 0.0}


def test_a_flag_that_no_window_serves_in_time_is_told_late_once(agent: AgentProcess) -> None:
    """However often the windows come and go."""
    _reload(agent, "")
    none = _in(agent, "")
    _reload(agent, WINDOW)
    _in(agent, "sunday")
    _reload(agent, "")
    _in(agent, "")

    assert (none["late"], none["window_start"]) == (True, None)
    assert list(agent.metric("gpuwatch_gpu_flag_late").values()) == [1.0]
    assert len(agent.events("flag-late")) == 1
    assert agent.api("windows")["late"] == [none["number"]]


def test_a_calendar_tells_windows_and_may_break(agent: AgentProcess, tmp_path: Path) -> None:
    """Its window is taken; a broken file is a finding, and what it said stays."""
    calendar = tmp_path / "ops.ics"
    start = _now(agent) + timedelta(hours=6)
    calendar.write_text(
        "BEGIN:VCALENDAR\nVERSION:2.0\nPRODID:-//x//y//EN\nBEGIN:VEVENT\nUID:1\n"
        f"DTSTAMP:20260101T000000Z\nDTSTART:{start:%Y%m%dT%H%M%SZ}\nDURATION:PT2H\n"
        "SUMMARY:GPU maintenance row 7\nEND:VEVENT\nEND:VCALENDAR\n"
    )
    config = f'{WINDOW}[[calendars]]\nname = "ops"\npath = "{calendar}"\n'

    _reload(agent, config)
    planned = _in(agent, "GPU maintenance row 7")
    calendar.write_text("broken")
    _reload(agent, config)
    refused = eventually(
        lambda: [
            one for one in agent.api("status")["findings"] if one["code"] == "calendar-refused"
        ],
        "the finding",
    )

    assert planned["window_start"] == f"{start:%Y-%m-%dT%H:%M:%S}.000Z"
    assert f"{calendar} is no iCalendar file" in refused[0]["sentence"]
    assert _flag(agent)["window_name"] == "GPU maintenance row 7"
    assert finding(agent, "row-remap-failed", 1)["route"] == "page"
