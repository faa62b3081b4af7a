"""Links, heat, power and what a host lacks, each told of the one that has it and of nobody else."""

from pathlib import Path

from simulator.world import Server
from tests.support.agents import AgentProcess, eventually, running
from tests.support.server import MakeServer
from tests.support.watching import codes, finding, gpuwatch, wait_for_judgement

PACE = 0.25
A_MINUTE_A_SECOND = 60.0
HALF_AN_HOUR_A_SWEEP = 7200.0
GRACE_SECONDS = 601.0
HW_SLOWDOWN, SW_THERMAL, HW_THERMAL = 0x8, 0x20, 0x40
LINKS, HEAT, REPLAYS, NARROW, ERRING = 1, 2, 3, 4, 5


def _grows(server: Server, gpu: int | None, key: str, a_second: float) -> None:
    """Let a counter grow from now on."""
    server.set(gpu, key, f"0+{a_second}@{server.clock.now().boottime}")


def _everything_said(agent: AgentProcess) -> dict[int, list[str]]:
    """The codes of every GPU that has a finding."""
    said = {slot: codes(agent, slot) for slot in agent.server.gpus()}
    return {slot: told for slot, told in said.items() if told}


def _minutes_pass(agent: AgentProcess, minutes: float) -> None:
    """Wait until so many simulated minutes are over and judged."""
    until = agent.server.clock.now().boottime + minutes * 60
    eventually(lambda: agent.server.clock.now().boottime > until, "time passes")
    wait_for_judgement(agent)


def _settled(server: Server, agent: AgentProcess) -> None:
    """Boot and driver load are long past, and what links can do at best is known."""
    agent.wait_for_gpus(8)
    server.advance(GRACE_SECONDS)
    server.run_at(A_MINUTE_A_SECOND)
    _minutes_pass(agent, 4)


def test_each_gpu_that_is_worse_than_its_siblings_is_told(
    make_server: MakeServer, tmp_path: Path
) -> None:
    """A link down, a hot board, replays, a narrow link, and links that err, on a GPU each."""
    server = make_server()
    with running(server, tmp_path / "agent", pace_seconds=PACE) as agent:
        _settled(server, agent)
        server.set(LINKS, "nvlink.7.state", 0)
        server.set(HEAT, "temperature.gpu", 83)
        server.set(HEAT, "clocks.event_reasons", HW_SLOWDOWN | HW_THERMAL)
        _grows(server, REPLAYS, "pcie.replays", 1.0)
        server.set(NARROW, "pcie.width", 8)
        expected = {
            LINKS: ["nvlink-down"],
            HEAT: ["gpu-cooling-path"],
            REPLAYS: ["pcie-replay-rate"],
            NARROW: ["pcie-downgraded"],
        }
        eventually(lambda: _everything_said(agent) == expected, "each has its finding")
        down, hot = finding(agent, "nvlink-down", LINKS), finding(agent, "gpu-cooling-path", HEAT)
        narrow = finding(agent, "pcie-downgraded", NARROW)
        replaying = finding(agent, "pcie-replay-rate", REPLAYS)
        host = codes(agent)

        _grows(server, ERRING, "nvlink.replay", 0.01)
        server.run_at(HALF_AN_HOUR_A_SWEEP)
        erring = eventually(lambda: finding(agent, "nvlink-error-rate", ERRING), "links err")

    assert "17 NVLinks are up where this board had 18" in down["sentence"]
    assert (down["urgency"], down["remedy"]) == ("page", "inspect")
    assert "83 degrees" in hot["sentence"]
    assert (hot["urgency"], hot["remedy"]) == ("window", "inspect")
    assert "8 lanes of generation 5, where it had 16 of generation 5" in narrow["sentence"]
    assert (narrow["urgency"], narrow["remedy"]) == ("window", "reseat")
    assert "no more than 31" in replaying["sentence"]
    assert (replaying["urgency"], replaying["remedy"]) == ("window", "reseat")
    assert (erring["urgency"], erring["remedy"]) == ("window", "inspect")
    assert host == []


def test_gpus_that_are_like_their_siblings_or_idle_are_not_told(
    make_server: MakeServer, tmp_path: Path
) -> None:
    """The nearest case of each: nobody is told, however long it lasts."""
    server = make_server()
    with running(server, tmp_path / "agent", pace_seconds=PACE) as agent:
        _settled(server, agent)
        server.set(None, "nvlink.7.state", 0)  # a switch, not a board
        server.set(HEAT, "temperature.gpu", 83)  # warm, and at full clocks
        _grows(server, REPLAYS, "pcie.replays", 0.4)  # 24 a minute; 31 are to be expected
        server.set(NARROW, "pcie.generation", 1)
        server.set(NARROW, "utilization.gpu", 3)  # idle
        _minutes_pass(agent, 22)
        now = _everything_said(agent)

        _grows(server, None, "nvlink.replay", 0.01)  # all alike
        server.run_at(HALF_AN_HOUR_A_SWEEP)
        _minutes_pass(agent, 30 * 60)
        after_a_day, host = _everything_said(agent), codes(agent)

    assert (now, after_a_day, host) == ({}, {}, [])


def test_a_cause_of_the_whole_host_is_one_finding_and_no_gpu_is_to_blame(
    make_server: MakeServer, tmp_path: Path
) -> None:
    """The fabric silences a link; a hot hall silences a hot board; power is the server's."""
    server = make_server()
    with running(server, tmp_path / "agent", pace_seconds=PACE) as agent:
        _settled(server, agent)
        server.set(LINKS, "nvlink.7.state", 0)
        server.set(HEAT, "temperature.gpu", 83)
        for slot in (HEAT, REPLAYS, NARROW):
            server.set(slot, "clocks.event_reasons", HW_SLOWDOWN | HW_THERMAL)
        server.set(6, "fabric.state", 2)
        server.set(7, "fabric.state", 2)
        _grows(server, 0, "slowdown.power_brake", 5e8)
        expected = ["cooling", "fabric-not-ready", "power-brake"]
        eventually(lambda: sorted(codes(agent)) == expected, "the host has its findings")
        _minutes_pass(agent, 7)
        fabric, blamed = finding(agent, "fabric-not-ready"), _everything_said(agent)
        remedies = {code: finding(agent, code)["remedy"] for code in expected}
        began = [each["code"] for each in agent.events("finding-began")]
        pages = agent.metric("gpuwatch_host_finding", urgency="page")

        server.set(6, "fabric.state", 3)
        server.set(7, "fabric.state", 3)
        server.set(None, "nvlink.7.state", 1)
        server.unset(LINKS, "nvlink.7.state")
        server.unset(0, "slowdown.power_brake")
        for slot in (HEAT, REPLAYS, NARROW):
            server.unset(slot, "clocks.event_reasons")
        eventually(lambda: codes(agent) == [], "all of it is over")
        ended = [each["code"] for each in agent.events("finding-ended")]

    assert blamed == {}
    assert "CUDA fails with error 802" in fabric["sentence"]
    assert "not registered (state 2): GPU 6" in fabric["sentence"]
    assert remedies == {"cooling": "cool", "fabric-not-ready": "inspect", "power-brake": "power"}
    assert (sorted(began), sorted(ended)) == (expected, expected)
    assert len(pages) == 1


def test_two_hot_gpus_a_short_brake_and_a_fabric_that_comes_up_are_nothing(
    make_server: MakeServer, tmp_path: Path
) -> None:
    """The nearest cases of a hall, a supply and a fabric that are not well."""
    server = make_server()
    server.set(None, "fabric.state", 2)
    with running(server, tmp_path / "agent", pace_seconds=PACE) as agent:
        agent.wait_for_gpus(8)
        server.run_at(A_MINUTE_A_SECOND)
        _minutes_pass(agent, 12)  # after a driver load it may take fifteen
        starting = codes(agent)
        server.set(None, "fabric.state", 3)
        for slot in (HEAT, REPLAYS):
            server.set(slot, "clocks.event_reasons", SW_THERMAL)
        _grows(server, 0, "slowdown.power_brake", 5e8)
        _minutes_pass(agent, 4)
        server.set(0, "slowdown.power_brake", 10**12)
        _minutes_pass(agent, 12)
        later = codes(agent)

    assert (starting, later) == ([], [])


def test_what_a_host_lacks_is_told_once(make_server: MakeServer, tmp_path: Path) -> None:
    """Versions, persistence mode, time, and signals that nobody can read for an hour."""
    server = make_server()
    server.set(3, "vbios", "96.00.61.00.01")
    server.set(5, "persistence_mode", 0)
    server.clock.set_synchronized(False)
    with running(server, tmp_path / "agent", pace_seconds=PACE) as agent:
        agent.wait_for_gpus(8)
        at_start = eventually(lambda: finding(agent, "persistence-off"), "said at the start")
        server.set(6, "remap.pending", "error 999")
        server.run_at(A_MINUTE_A_SECOND)
        eventually(lambda: agent.gpu(6)["verdict"] == "unknown", "it is blind")
        server.advance(3300.0)
        wait_for_judgement(agent)
        blind_for_less = codes(agent)
        gap = eventually(lambda: finding(agent, "telemetry-gap"), "an hour is over")
        drift = finding(agent, "version-drift")
        told = sorted(codes(agent))

    assert "GPU 5" in at_start["sentence"]
    assert "telemetry-gap" not in blind_for_less
    assert "GPU 6" in gap["sentence"]
    assert "VBIOS 96.00.61.00.01 on GPU 3" in drift["sentence"]
    assert told == ["clock-unsynchronized", "persistence-off", "telemetry-gap", "version-drift"]


def test_what_a_board_does_not_have_and_what_people_work_on_is_no_gap(
    make_server: MakeServer, tmp_path: Path
) -> None:
    """Equal boards with the clock in order, one signal unsupported, one host in maintenance."""
    server = make_server()
    server.unset(None, "remap.pending")
    with running(server, tmp_path / "agent", pace_seconds=PACE) as agent:
        agent.wait_for_gpus(8)
        server.run_at(A_MINUTE_A_SECOND)
        server.advance(7200.0)
        _minutes_pass(agent, 1)
        unsupported = codes(agent)
        work = gpuwatch(agent, "maintenance begin host", "--for", "12h", "--reason", "cables")
        server.set(6, "remap.failed", "error 999")
        eventually(lambda: agent.gpu(6)["verdict"] == "unknown", "it is blind")
        server.advance(7200.0)
        _minutes_pass(agent, 1)
        worked_on = codes(agent)

    assert work.returncode == 0
    assert (unsupported, worked_on) == ([], [])
