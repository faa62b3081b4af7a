"""The main job on a simulated server: a degrading board is flagged, and nothing else ever is."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

from simulator.world import Server
from tests.support.agents import DAY, AgentProcess, eventually, running
from tests.support.server import MakeServer

BAD, PEERS = 2, (0, 1, 3, 4, 5, 6, 7)
YEAR = 365.25 * DAY


def _incidents(agent: AgentProcess, slot: int) -> int:
    return len(agent.gpu(slot)["incidents"])


def _next_sunday(server: Server, notice: timedelta = timedelta(hours=4)) -> datetime:
    """The first Sunday 02:00 UTC at least `notice` after the server's clock."""
    earliest = datetime.fromtimestamp(server.clock.now().wall, UTC) + notice
    day = earliest.replace(hour=2, minute=0, second=0, microsecond=0)
    while day < earliest or day.weekday() != 6:
        day += timedelta(days=1)
    return day


def _settled(agent: AgentProcess, slot: int, errors: int) -> None:
    """Wait until that many errors of a GPU are counted, by total and by location."""
    eventually(
        lambda: sum(agent.gpu(slot)["errors"].values()) == errors, f"{errors} errors are counted"
    )


def _twelve_days_later(agent: AgentProcess) -> None:
    """Let twelve days pass in which the board was read."""
    agent.server.advance(12 * DAY)
    eventually(lambda: agent.gpu(BAD)["exposure_seconds"] > 12 * DAY, "twelve days of service")


def test_two_incidents_twelve_days_apart_raise_one_flag(
    make_server: MakeServer, tmp_path: Path
) -> None:
    """One flag, on the owner's board, with the sentence, in the next window with notice."""
    server = make_server()
    with running(server, tmp_path / "agent", max_gap_seconds=13 * DAY) as agent:
        agent.wait_for_gpus(8)

        first = datetime.fromtimestamp(server.clock.now().wall, UTC)
        server.uncorrectable(BAD, echo=PEERS)
        eventually(lambda: _incidents(agent, BAD) == 1, "the first incident")
        _settled(agent, BAD, 1)
        alone = agent.api("flags")["flags"]
        _twelve_days_later(agent)
        second = datetime.fromtimestamp(server.clock.now().wall, UTC)
        window = _next_sunday(server)
        server.uncorrectable(BAD, echo=PEERS)
        flags = eventually(lambda: agent.api("flags")["flags"], "a flag")
        _settled(agent, BAD, 2)

        flag, serial = flags[0], agent.gpu(BAD)["serial"]
        assert alone == []
        assert [len(agent.api("flags")["flags"]), flag["serial"], flag["code"]] == [
            1,
            serial,
            "rising-uncorrectable-trend",
        ]
        assert flag["sentence"] == (
            f"2 uncorrectable-error incidents 12 days apart ({first:%Y-%m-%d}, "
            f"{second:%Y-%m-%d}); a healthy board has one in 20 years; by chance this happens "
            "0.08 times per 1,000 board-years. gpuwatch heuristic, not an NVIDIA criterion."
        )
        assert flag["window_start"] == f"{window:%Y-%m-%dT%H:%M:%S}.000Z"
        assert agent.gpu(BAD)["verdict"] == "replace_at_window"
        assert {agent.gpu(peer)["verdict"] for peer in PEERS} == {"healthy"}
        flagged = agent.metric("gpuwatch_gpu_verdict", verdict="replace_at_window")
        assert sorted(flagged.values()) == [0.0] * 7 + [1.0]


def test_a_flag_and_its_evidence_survive_a_restart(make_server: MakeServer, tmp_path: Path) -> None:
    """Another agent on the same state goes on with the same flag and raises no second one."""
    server = make_server()
    with running(server, tmp_path / "agent", max_gap_seconds=13 * DAY) as agent:
        agent.wait_for_gpus(8)
        server.uncorrectable(BAD)
        _settled(agent, BAD, 1)
        _twelve_days_later(agent)
        server.uncorrectable(BAD)
        before = eventually(lambda: agent.api("flags")["flags"], "a flag")
        _settled(agent, BAD, 2)
        status = agent.stop()

    with running(server, tmp_path / "agent", max_gap_seconds=13 * DAY) as again:
        again.wait_for_gpus(8)
        after = again.api("flags")["flags"]

        assert (status, after) == (0, before)
        assert _incidents(again, BAD) == 2
        assert again.gpu(BAD)["verdict"] == "replace_at_window"


def test_what_is_no_reason_to_replace_flags_nothing(
    make_server: MakeServer, tmp_path: Path
) -> None:
    """One incident with its remap, correctable errors, resets, reloads, old counts, echoes, lag."""
    server = make_server()
    server.set(4, "ecc.uncorrected.aggregate.dram", 17)
    with running(server, tmp_path / "agent", max_gap_seconds=13 * DAY) as agent:
        agent.wait_for_gpus(8)
        old_counts = (agent.gpu(4)["errors"], agent.gpu(4)["prior"])

        server.uncorrectable(BAD, echo=PEERS)
        server.correctable(3, count=50_000_000)
        server.uncorrectable(5, lag_aggregate=True)
        _settled(agent, BAD, 1)
        _settled(agent, 5, 1)
        server.settle(5)
        agent.stop()
    server.reload()
    with running(server, tmp_path / "agent", max_gap_seconds=13 * DAY) as agent:
        agent.wait_for_gpus(8)
        server.uncorrectable(BAD)
        _settled(agent, BAD, 2)
        server.advance(5.0)
        eventually(lambda: agent.gpu(5)["errors"], "gpu 5 is read again")

        sums = {slot: sum(agent.gpu(slot)["errors"].values()) for slot in range(8)}
        assert agent.api("flags")["flags"] == []
        assert sums == {0: 0, 1: 0, 2: 2, 3: 0, 4: 0, 5: 1, 6: 0, 7: 0}
        assert sum(old_counts[0].values()) == 0
        assert {_incidents(agent, slot) for slot in (BAD, 5)} == {1}
        assert {_incidents(agent, slot) for slot in (0, 1, 3, 4, 6, 7)} == {0}
        assert [agent.gpu(slot)["verdict"] for slot in (0, 1, 3, 4, 6, 7)] == ["healthy"] * 6


def test_the_clock_may_step_both_ways(make_server: MakeServer, tmp_path: Path) -> None:
    """An hour and a year, forward and back: sweeps go on, nothing is flagged, ages stay right."""
    server = make_server()
    with running(server, tmp_path / "agent") as agent:
        agent.wait_for_gpus(8)
        server.uncorrectable(BAD)
        _settled(agent, BAD, 1)

        for step in (3600, -3600, YEAR, -YEAR):
            before = agent.api("status")["version"]
            steps = agent.api("status")["clock_steps"]
            server.step_wall(step)
            eventually(lambda: agent.api("status")["clock_steps"] > steps, "the step is seen")  # noqa: B023
            eventually(lambda: agent.api("status")["version"] > before + 3, "sweeps go on")  # noqa: B023

            gpu = agent.gpu(BAD)
            opened = datetime.fromisoformat(gpu["incidents"][0]["opened_at"])
            age = server.clock.now().wall - opened.timestamp()
            assert 0 <= age < 300
            assert (agent.api("flags")["flags"], gpu["verdict"]) == ([], "watch")
            assert gpu["exposure_seconds"] < 300
            assert agent.get("/readyz")
