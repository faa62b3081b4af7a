"""What an agent does with settings that change, and with a place that is taken."""

import signal
import socket
from pathlib import Path

from simulator.world import Server
from tests.support.agents import PATIENCE_SECONDS, WINDOW, AgentProcess, eventually, running
from tests.support.server import MakeServer
from tests.support.watching import QUICK, finding

TUESDAY = WINDOW.replace("sunday", "tuesday").replace("* * sun", "* * tue")
SHADOW = "[rules]\nshadow = true\n"


def _hang_up(agent: AgentProcess, config: str) -> None:
    (agent.directory / "gpuwatch.toml").write_text(config)
    agent.signal(signal.SIGHUP)


def _window(agent: AgentProcess) -> str:
    return str(agent.api("status")["next_window"]["name"])


def _refusal(server: Server, directory: Path, *options: str) -> tuple[int, str]:
    """The exit status of an agent that cannot start, and all that it said."""
    agent = AgentProcess(server, directory, options=options, wait=False)
    return agent.process.wait(PATIENCE_SECONDS), agent.log()


def test_settings_that_change_while_it_runs(make_server: MakeServer, tmp_path: Path) -> None:
    """A good file applies at once; a bad one is refused by name and the old settings hold."""
    server = make_server(gpus=2)
    with running(server, tmp_path / "agent", options=QUICK) as agent:
        agent.wait_for_gpus(2)
        server.remap_failure(1)
        eventually(lambda: finding(agent, "row-remap-failed", 1), "there is a page")
        before = (_window(agent), finding(agent, "row-remap-failed", 1)["route"])
        flagged = eventually(lambda: agent.api("flags")["flags"], "a flag")[0]
        config = agent.metric("gpuwatch_config_info")

        _hang_up(agent, TUESDAY + SHADOW)
        eventually(lambda: agent.events("reloaded"), "the good file is taken")
        eventually(lambda: _window(agent) == "tuesday", "the window is another")
        eventually(
            lambda: finding(agent, "row-remap-failed", 1)["route"] == "info", "nobody is paged"
        )
        eventually(
            lambda: agent.api("flags")["flags"][0]["window_name"] == "tuesday",
            "the flag moves along",
        )
        other = agent.metric("gpuwatch_config_info")

        _hang_up(agent, WINDOW + '[rules]\nshadow = "perhaps"\nshade = 1\n')
        refused = eventually(lambda: agent.events("reload-refused"), "the bad file is refused")
        kept = (_window(agent), finding(agent, "row-remap-failed", 1)["route"])

        assert (before, kept) == (("sunday", "page"), ("tuesday", "info"))
        assert flagged["window_name"] == "sunday"
        assert config.keys() != other.keys()
        assert agent.metric("gpuwatch_config_info") == other
        told = " ".join(each["problem"] for each in refused)
        assert "rules.shadow" in told
        assert "rules.shade" in told
        assert agent.process.poll() is None


def test_a_setting_that_needs_a_restart_says_so(make_server: MakeServer, tmp_path: Path) -> None:
    """It is named, and nothing of it applies."""
    server = make_server(gpus=1)
    with running(server, tmp_path / "agent", options=QUICK) as agent:
        agent.wait_for_gpus(1)
        _hang_up(agent, WINDOW + "[nvml]\nexpected_gpus = 5\n")
        told = agent.logged("reloaded")

        assert any("nvml" in str(each) for each in told["needs_restart"])


def test_a_finding_leads_to_its_runbook_wherever_it_is_kept(
    make_server: MakeServer, tmp_path: Path
) -> None:
    """The settings say where; the agent serves its own all the same, without any network."""
    server = make_server(gpus=1)
    options = (*QUICK, "web.runbook_url=https://wiki.example/gpu/")
    with running(server, tmp_path / "agent", options=options) as agent:
        agent.wait_for_gpus(1)
        server.remap_failure(0)
        eventually(lambda: finding(agent, "row-remap-failed", 0), "there is a page")

        link = "https://wiki.example/gpu/row-remap-failed"
        assert finding(agent, "row-remap-failed", 0)["runbook"] == link
        assert f'href="{link}"' in agent.get("/")
        assert "First five minutes" in agent.get("/runbooks/row-remap-failed")


def test_a_second_agent_on_the_same_history_is_refused(
    make_server: MakeServer, tmp_path: Path
) -> None:
    """One clear error, exit status 69; the first agent does not notice."""
    server = make_server(gpus=1)
    with running(server, tmp_path / "agent", options=QUICK) as agent:
        agent.wait_for_gpus(1)
        status, said = _refusal(
            server, tmp_path / "other", f"agent.state_directory={agent.directory}/state"
        )

        assert status == 69
        assert said.splitlines()[-1].startswith("gpuwatch: history")
        assert "Traceback" not in said
        assert agent.api("status")["gpus"] == 1


def test_a_port_that_is_taken_is_one_clear_error(make_server: MakeServer, tmp_path: Path) -> None:
    """It names the address; exit status 69."""
    server = make_server(gpus=1)
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        status, said = _refusal(
            server, tmp_path / "agent", f'web.listen_addresses=["127.0.0.1:{port}"]'
        )

    assert status == 69
    assert f"127.0.0.1:{port}" in said.splitlines()[-1]
    assert said.count("gpuwatch: ") == 1
    assert "Traceback" not in said
