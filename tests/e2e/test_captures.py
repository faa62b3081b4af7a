"""An incident is captured when it happens: what was known of the board outlives the agent."""

from pathlib import Path
from typing import Any

from gpuwatch.domain.captures import Capture, Occasion
from gpuwatch.domain.devices import BoardKey
from gpuwatch.history.reader import Reader
from simulator.world import Server
from tests.support.agents import AgentProcess, eventually, running
from tests.support.server import MakeServer
from tests.support.watching import QUICK

BAD = 1
POWER = "gpuwatch_gpu_power_watts"
VOLATILE = "gpuwatch_gpu_ecc_uncorrected_volatile_errors_total"


def _captures(server: Server, place: Path) -> tuple[Capture, ...]:
    """What was captured of the bad board, read beside the agent or without one."""
    reader = Reader.open(place / "state" / "history.db")
    key = BoardKey(str(server.get(BAD, "serial")), str(server.get(BAD, "uuid")))
    captures = reader.captures(key)
    reader.close()
    return captures


def _texts(capture: Capture) -> str:
    return "\n".join(line["text"] for line in capture.document["kernel_lines"])


def _values(readings: list[dict[str, Any]]) -> dict[str, Any]:
    return {one["signal"]: one["value"] for one in readings}


def test_a_double_bit_error_is_captured_although_the_agent_is_killed_at_once(
    make_server: MakeServer, tmp_path: Path
) -> None:
    """Raw lines and the readings from before stand in the file; the next agent completes them."""
    server, place = make_server(gpus=2), tmp_path / "agent"
    with running(server, place, options=QUICK) as agent:
        _fail(server, agent)
        left = eventually(
            lambda: [one for one in _captures(server, place) if "): 95," in _texts(one)],
            "the lines are captured",
        )
        agent.kill()
    with running(server, place, options=QUICK) as agent:
        agent.wait_for_gpus(2)
        unsettled = _captures(server, place)
        server.advance(61.0)
        (settled,) = eventually(
            lambda: [one for one in _captures(server, place) if one.settled],
            "the next agent completes it",
        )
        agent.stop()

    assert [one.occasion for one in left] == [Occasion.INCIDENT]
    document = left[0].document
    assert all(f"): {code}," in _texts(left[0]) for code in (48, 63, 95))
    assert "NVRM: a line of which no event comes" in _texts(left[0])
    assert _values(document["readings_before"])[VOLATILE] == 0
    assert _values(document["readings_before"])[POWER] > 0
    assert [one.settled for one in unsettled] == [False]
    assert settled.document["readings"] == document["readings"]
    assert _values(settled.document["afterwards"]["readings"])[VOLATILE] == 1
    assert _captures(server, place) == (settled,)


def _fail(server: Server, agent: AgentProcess) -> None:
    """A double-bit error that is not contained: Xid 48, 63 and 95."""
    agent.wait_for_gpus(2)
    polls = "gpuwatch_source_poll_duration_seconds_count"
    eventually(
        lambda: any(count >= 3 for count in agent.metric(polls, source="nvml").values()),
        "there are sweeps before it",
    )
    server.kernel_message("NVRM: a line of which no event comes")
    server.uncorrectable(BAD, contained=False)
