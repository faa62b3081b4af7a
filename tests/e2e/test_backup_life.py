"""Backups of a real agent: made while it runs, and put back on another host."""

import json
from pathlib import Path

from tests.support.agents import AgentProcess, eventually, running
from tests.support.commands import Outcome, run
from tests.support.server import MakeServer
from tests.support.watching import codes, wait_for_judgement

BAD = 1


def _config(directory: Path) -> Path:
    path = directory / "cli.toml"
    path.write_text(
        f'[agent]\nstate_directory = "{directory}/state"\nruntime_directory = "{directory}/run"\n'
    )
    return path


def _run(directory: Path, *words: str) -> Outcome:
    return run(*words, "--config", str(_config(directory)))


def _flags(agent: AgentProcess) -> list[tuple[str, str, str]]:
    return [(each["serial"], each["code"], each["state"]) for each in agent.api("flags")["flags"]]


def test_a_backup_of_a_running_agent_goes_on_in_another_host(
    make_server: MakeServer, tmp_path: Path
) -> None:
    """With the flag of a board that is there too; no restore under an agent that runs."""
    server, backup = make_server(gpus=2), tmp_path / "b.db"
    first, second = tmp_path / "first", tmp_path / "second"
    with running(server, first) as agent:
        agent.wait_for_gpus(2)
        server.remap_failure(BAD)
        eventually(lambda: _flags(agent), "the board is flagged")
        flags = _flags(agent)
        made = _run(first, "backup", str(backup))
        again = _run(first, "backup", str(backup))
        refused = _run(first, "restore", str(backup))
        audited = json.loads(_run(first, "audit", "--json").out)["audit"]
    second.mkdir()
    checked = _run(second, "restore", "--check", str(backup))
    restored = _run(second, "restore", str(backup), "--reason", "OPS-17")
    with running(server, second) as other:
        other.wait_for_gpus(2)
        eventually(lambda: _flags(other) == flags, "the flag is there")
        deeds = json.loads(_run(second, "audit", "--json").out)["audit"]

    assert made.status == 0, made
    assert "2 boards, 1 flags" in made.out
    assert backup.stat().st_mode & 0o777 == 0o600
    assert again.status == 2
    assert "exists" in again.err
    assert (refused.status, "an agent runs" in refused.err) == (75, True)
    assert audited[-1]["action"] == "backup"
    assert (checked.status, restored.status) == (0, 0)
    assert [deed["action"] for deed in deeds if deed["actor"].startswith("uid")][-1] == "restore"


def test_a_backup_put_back_on_replaced_hardware_blames_no_board_that_came(
    make_server: MakeServer, tmp_path: Path
) -> None:
    """The boards of the backup are remembered as gone; those that are here start anew."""
    server, backup = make_server(gpus=2), tmp_path / "b.db"
    first, second = tmp_path / "first", tmp_path / "second"
    with running(server, first) as agent:
        agent.wait_for_gpus(2)
        server.uncorrectable(BAD, count=3)
        eventually(lambda: agent.gpu(BAD)["errors"]["dram"] == 3, "the errors are counted")
        gone = {gpu["serial"] for gpu in agent.gpus().values()}
        assert _run(first, "backup", str(backup)).status == 0
    for gpu in range(2):
        server.swap(gpu)
    server.reboot()
    second.mkdir()
    assert _run(second, "restore", str(backup)).status == 0
    with running(server, second) as other:
        other.wait_for_gpus(2)
        wait_for_judgement(other)
        here = other.gpus().values()
        findings, flags = [codes(other, slot) for slot in range(2)], _flags(other)
        host = codes(other)
        boards = json.loads(_run(second, "boards", "list", "--json").out)["boards"]

    assert (findings, flags, host) == ([[], []], [], [])
    assert [(gpu["errors"]["dram"], gpu["incidents"]) for gpu in here] == [(0, []), (0, [])]
    assert {board["serial"] for board in boards if board["state"] == "left"} == gone
    assert sum(board["errors"]["dram"] for board in boards) == 3
