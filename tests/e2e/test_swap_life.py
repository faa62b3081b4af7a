"""Boards that are swapped: the flag follows, and what comes in proves itself or is refused."""

from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

from simulator.world import Server
from tests.support.agents import DAY, AgentProcess, eventually, running
from tests.support.server import MakeServer
from tests.support.watching import (
    EVERYBODY,
    QUICK,
    QUIET_SECONDS,
    codes,
    finding,
    gpuwatch,
)

BAD, PEER = 2, 5
HOUR = 3600.0
LOAD_MILLIWATTS = 650_000


def _flags(agent: AgentProcess) -> list[dict[str, Any]]:
    return list(agent.api("flags")["flags"])


def _flag_in(agent: AgentProcess, state: str) -> dict[str, Any]:
    """The flag that comes into that state."""
    return eventually(
        lambda: next((flag for flag in _flags(agent) if flag["state"] == state), {}),
        f"a flag is {state}",
    )


def _fail(agent: AgentProcess, slot: int = BAD) -> dict[str, Any]:
    """The remap of a row fails: one flag is raised at once."""
    agent.server.remap_failure(slot)
    return _flag_in(agent, "open")


def _pass_under_load(agent: AgentProcess, hours: float, *slots: int) -> None:
    """Let boards work for so long, in steps that are no blind gaps."""
    for slot in slots:
        agent.server.set_power(slot, LOAD_MILLIWATTS)
    eventually(
        lambda: all(_watts(agent, slot) == LOAD_MILLIWATTS / 1000 for slot in slots),
        "they carry load",
    )
    before = agent.gpu(slots[0])["exposure_seconds"]
    agent.server.advance(hours * HOUR)
    eventually(
        lambda: agent.gpu(slots[0])["exposure_seconds"] >= before + hours * HOUR, "hours pass"
    )


def _watts(agent: AgentProcess, slot: int) -> float:
    reading = agent.gpu(slot)["readings"].get("gpuwatch_gpu_power_watts", {})
    return float(reading.get("value", 0.0))


def _start(server: Server, folder: Path, *options: str) -> AbstractContextManager[AgentProcess]:
    return running(server, folder, options=[*QUICK, *options], max_gap_seconds=DAY)


def _gpuwatch(agent: AgentProcess, command: str, *arguments: str) -> str:
    told = gpuwatch(agent, command, *arguments)
    assert told.returncode == 0, told.stderr
    return told.stdout


def _audited(agent: AgentProcess, number: int) -> list[str]:
    """What was done with a flag, in order."""
    flag = next(flag for flag in _flags(agent) if flag["number"] == number)
    return [record["action"].removeprefix("flag-") for record in flag["audit"]]


def test_a_swap_that_nobody_announced_is_noticed_and_accepted(
    make_server: MakeServer, tmp_path: Path
) -> None:
    """Open, verifying, closed: the new board worked for four hours, unproven."""
    server = make_server()
    with _start(server, tmp_path / "agent") as agent:
        agent.wait_for_gpus(8)
        raised = _fail(agent)
        agent.stop()
    serial = server.swap(BAD)
    server.reboot()
    with _start(server, tmp_path / "agent") as agent:
        agent.wait_for_gpus(8)
        _flag_in(agent, "verifying")
        changed = agent.logged("flag-board-changed")
        _pass_under_load(agent, 1.0, BAD)
        agent.stop()
    with _start(server, tmp_path / "agent") as agent:
        agent.wait_for_gpus(8)
        _pass_under_load(agent, 2.5, BAD)
        still = [flag["state"] for flag in _flags(agent)]
        _pass_under_load(agent, 1.0, BAD)
        closed = _flag_in(agent, "closed")

    assert (changed["announced"], changed["successor"]) == (False, serial)
    assert still == ["verifying"]
    assert closed["number"] == raised["number"]
    assert closed["outcome"] == "accepted_unproven"


def test_a_board_in_hands_is_swapped_and_accepted_with_a_diagnostic(
    make_server: MakeServer, tmp_path: Path
) -> None:
    """In hands, verifying, closed: every step stands in the audit log, and the file is kept."""
    server = make_server()
    output = tmp_path / "dcgmi.json"
    output.write_text('{"result": "pass"}')
    with _start(server, tmp_path / "agent") as agent:
        agent.wait_for_gpus(8)
        number = _fail(agent)["number"]
        _gpuwatch(agent, "flags start", str(number), "--reason", "the part is here")
        agent.stop()
    serial = server.swap(BAD, prior_errors=7)
    server.reboot()
    with _start(server, tmp_path / "agent") as agent:
        agent.wait_for_gpus(8)
        flag = _flag_in(agent, "verifying")
        changed = agent.logged("flag-board-changed")
        shown = _gpuwatch(agent, "boards show", serial)
        said = _gpuwatch(
            agent, "boards accept", serial, "--diagnostic", str(output), "--result", "passed"
        )
        _pass_under_load(agent, 2.0, BAD)
        half = agent.gpu(BAD)["acceptance"]
        listed, flags_page = _gpuwatch(agent, "boards list"), agent.get("/flags")
        _pass_under_load(agent, 2.1, BAD)
        closed = _flag_in(agent, "closed")
        mine = str(server.get(BAD, "uuid"))
        state = agent.metric("gpuwatch_gpu_acceptance", uuid=mine, state="accepted")
        seconds = agent.metric("gpuwatch_gpu_acceptance_seconds", uuid=mine)
        audited = _audited(agent, number)

    kept = tmp_path / "agent" / "state" / "diagnostics" / str(half["diagnostic"]["sha256"])
    assert (flag["fru"], changed["announced"]) == ("baseboard", True)
    assert "before it came total 7, dram 7" in shown
    assert said == f"dcgmi.json attached to flag {number}: 0.0 of 4 h\n"
    assert 2 * HOUR <= half["load_seconds"] < 2.1 * HOUR
    assert "2.0 of 4 h" in listed
    assert "2.0 of 4 h under load" in flags_page
    assert closed["outcome"] == "accepted"
    assert list(state.values()) == [1.0]
    assert all(value >= 4 * HOUR for value in seconds.values())
    assert kept.read_text() == output.read_text()
    assert audited[0] == "raised"
    assert audited[-3:] == ["started", "board-changed", "accepted"]


def test_what_fails_its_acceptance_gets_a_flag_of_its_own(
    make_server: MakeServer, tmp_path: Path
) -> None:
    """An error under load closes the first flag as failed, and raises one for the new board."""
    server = make_server()
    with _start(server, tmp_path / "agent") as agent:
        agent.wait_for_gpus(8)
        number = _fail(agent)["number"]
        agent.stop()
    serial = server.swap(BAD)
    server.reboot()
    with _start(server, tmp_path / "agent") as agent:
        agent.wait_for_gpus(8)
        _flag_in(agent, "verifying")
        _pass_under_load(agent, 1.0, BAD)
        server.uncorrectable(BAD)
        raised = _flag_in(agent, "open")
        told = eventually(lambda: finding(agent, "acceptance-failed", BAD), "it is told")
        first = next(flag for flag in _flags(agent) if flag["number"] == number)
        logged = agent.events("acceptance-failed")

    assert (first["state"], first["outcome"]) == ("closed", "failed")
    assert (raised["serial"], raised["code"]) == (serial, "acceptance-failed")
    assert raised["slot_note"].startswith("inspect the slot and its cooling: ")
    assert "during its acceptance" in told["sentence"]
    assert [each["serial"] for each in logged] == [serial]


def test_a_flag_follows_its_board_into_another_slot(
    make_server: MakeServer, tmp_path: Path
) -> None:
    """Boards were exchanged: nothing is accepted, and remote hands are told the new slot."""
    server = make_server()
    with _start(server, tmp_path / "agent") as agent:
        agent.wait_for_gpus(8)
        before = _fail(agent)
        agent.stop()
    server.exchange(BAD, PEER)
    server.reboot()
    with _start(server, tmp_path / "agent") as agent:
        agent.wait_for_gpus(8)
        agent.logged("boards-exchanged")
        agent.logged("flag-follows-board")
        after = _flags(agent)[0]
        slot, kinds = (
            agent.gpu(PEER)["slot"],
            [each["kind"] for each in agent.api("events")["events"]],
        )
        findings = codes(agent, PEER)

    assert (after["number"], after["state"], after["slot"]) == (before["number"], "open", slot)
    assert after["slot"] != before["slot"]
    assert kinds.count("boards_exchanged") == 1
    assert "row-remap-failed" in findings


def test_a_wrong_board_that_is_pulled_is_said_loudly(
    make_server: MakeServer, tmp_path: Path
) -> None:
    """The host pages with both boards and slots until the wrong one is back or retired."""
    server = make_server()
    with _start(server, tmp_path / "agent") as agent:
        agent.wait_for_gpus(8)
        number = _fail(agent)["number"]
        flagged, pulled = str(server.get(BAD, "serial")), str(server.get(PEER, "serial"))
        slots = agent.gpu(BAD)["slot"], agent.gpu(PEER)["slot"]
        _gpuwatch(agent, "flags start", str(number), "--reason", "the part is here")
        agent.stop()
    server.swap(PEER)
    server.reboot()
    with _start(server, tmp_path / "agent") as agent:
        agent.wait_for_gpus(8)
        told = eventually(lambda: finding(agent, "wrong-board-pulled"), "it is told")
        began = next(
            each for each in agent.events("finding-began") if each["code"] == "wrong-board-pulled"
        )
        state = _flags(agent)[0]["state"]
        _gpuwatch(agent, "boards retire", pulled, "--reason", "it was to go as well")
        eventually(lambda: finding(agent, "wrong-board-pulled") is None, "it is silenced")

    assert (told["urgency"], told["remedy"], began["level"]) == ("page", "inspect", "error")
    assert all(text in told["sentence"] for text in (flagged, pulled, *slots))
    assert state == "in_hands"


def test_a_baseboard_is_one_event_and_one_acceptance(
    make_server: MakeServer, tmp_path: Path
) -> None:
    """Eight boards out, eight in; the slowest of them sets the pace, and none is missing."""
    server = make_server()
    with _start(server, tmp_path / "agent") as agent:
        agent.wait_for_gpus(8)
        number = _fail(agent)["number"]
        _gpuwatch(agent, "flags start", str(number), "--reason", "the part is here")
        agent.stop()
    server.swap_baseboard()
    server.reboot()
    with _start(server, tmp_path / "agent") as agent:
        agent.wait_for_gpus(8)
        _flag_in(agent, "verifying")
        server.advance(QUIET_SECONDS)
        _pass_under_load(agent, 4.5, *EVERYBODY - {PEER})
        slow = agent.gpu(PEER)["acceptance"]
        _pass_under_load(agent, 4.5, PEER)
        closed = _flag_in(agent, "closed")
        kinds = [each["kind"] for each in agent.api("events")["events"]]
        missing = [gpu["pci_address"] for gpu in agent.gpus().values() if not gpu["present"]]

    assert len(slow["boards"]) == 8
    assert slow["load_seconds"] == 0.0
    assert kinds.count("platform_changed") == 1
    assert kinds.count("board_first_seen") == 8
    assert "board_left" not in kinds
    assert (closed["number"], closed["outcome"]) == (number, "accepted_unproven")
    assert missing == []


def _put_in(server: Server, slot: int, board: dict[str, str]) -> None:
    """The board with this identity is in that slot."""
    for name, value in board.items():
        server.set(slot, name, value)


def test_a_flagged_board_that_comes_back_is_recognised(
    make_server: MakeServer, tmp_path: Path
) -> None:
    """Here by what is remembered, in another host by what was exported; one flag in each."""
    server, other = make_server(), make_server(gpus=2)
    exported = tmp_path / "known" / "node.ndjson"
    exported.parent.mkdir()
    board = {name: str(server.get(BAD, name)) for name in ("serial", "uuid")}
    with _start(server, tmp_path / "agent") as agent:
        agent.wait_for_gpus(8)
        _fail(agent)
        exported.write_text(_gpuwatch(agent, "boards export"))
        agent.stop()
    server.swap(BAD)
    server.reboot()
    with _start(server, tmp_path / "agent") as agent:
        agent.wait_for_gpus(8)
        _flag_in(agent, "verifying")
        agent.stop()
    _put_in(server, PEER, board)
    server.reboot()
    with _start(server, tmp_path / "agent") as agent:
        agent.wait_for_gpus(8)
        here = eventually(lambda: finding(agent, "flagged-board-returned", PEER), "it is back")
        flags = len(_flags(agent))
        agent.stop()
    _put_in(other, 1, board)
    with _start(other, tmp_path / "other", f"history.known_boards={exported.parent}") as agent:
        agent.wait_for_gpus(2)
        there = eventually(lambda: finding(agent, "flagged-board-returned", 1), "it is recognised")
        flag = eventually(lambda: _flags(agent), "a flag")[0]
        first = codes(agent, 0)

    assert "flag 1 of this host: row-remap-failed" in here["sentence"]
    assert flags == 1
    assert "row-remap-failed" in there["sentence"]
    assert (flag["code"], flag["serial"]) == ("flagged-board-returned", board["serial"])
    assert first == []
