"""A real agent and simulated BMCs: some die, hang or refuse, and the others go on."""

import os
import signal
import socket
from pathlib import Path

from simulator.bmc.certificate import Certificate
from simulator.bmc.configuration import MONITOR
from simulator.bmc.redfish import PASSWORD, USER, RedfishBmc
from simulator.bmc.redfish_servers import gpu_server
from tests.support import commands
from tests.support.agents import eventually
from tests.support.bmc import MakeBmc
from tests.support.bmc_watching import Watcher, over_lan, secret, watching

WRONG = "wrong-needle-password"
PAGES = (
    *("/", "/flags", "/metrics", "/metrics/compat", "/readyz", "/bmc/host", "/bmc/other"),
    *("/api/v1/status", "/api/v1/bmcs", "/api/v1/bmcs/host", "/api/v1/bmcs/other"),
    *("/api/v1/snapshot", "/api/v1/events"),
)


def _children(agent: Watcher) -> list[int]:
    """The processes that the agent has started and that live."""
    told = Path("/proc").glob("[0-9]*/stat")
    fields = {path.parent.name: path.read_text().rpartition(")")[2].split() for path in told}
    return [int(pid) for pid, field in fields.items() if int(field[1]) == agent.process.pid]


def _page(agent: Watcher, path: str) -> str:
    try:
        return agent.get(path)
    except OSError as error:
        return str(error)


def test_a_bmc_that_freezes_keeps_no_other_and_is_found_again(
    make_bmc: MakeBmc, tmp_path: Path
) -> None:
    """Frozen in the middle of a session, as a BMC that hangs: told, and asked again by itself."""
    bmc, other = make_bmc(), make_bmc()
    password = secret(tmp_path)
    bmcs = {"host": over_lan(bmc, password), "other": over_lan(other, password, host="node7")}
    with watching(tmp_path / "agent", bmcs) as agent:
        eventually(lambda: agent.sweeps("host") and agent.sweeps("other"), "both are swept")
        bmc.freeze()
        before = agent.sweeps("other")
        eventually(lambda: agent.sweeps("other") > before, "the other one goes on")
        silent = agent.logged("bmc-not-answering", 120.0)
        frozen = agent.sweeps("host")
        bmc.thaw()
        eventually(lambda: agent.sweeps("host") > frozen, "it is swept again", 120.0)
        again = agent.logged("bmc-answers-again")
        restarts = agent.metric("gpuwatch_source_restarts_total")

    assert (silent["bmc"], again["bmc"]) == ("host", "host")
    assert set(restarts.values()) == {0.0}


def test_a_dead_bmc_is_told_with_the_way_out_and_no_scrape_waits_for_it(tmp_path: Path) -> None:
    """Nobody answers at its address, from the start."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as hole:
        hole.bind(("127.0.0.1", 0))
        bmcs = {"host": over_lan(hole.getsockname()[1], secret(tmp_path))}
        with watching(tmp_path / "agent", bmcs) as agent:
            up = agent.metric("gpuwatch_source_up")
            eventually(lambda: agent.trouble("host") == ["unreachable"], "it is told")
            document = agent.bmc("host")
            status = agent.stop()

    assert up == {'{source="bmc.host"}': 0.0}  # told while the first question was under way
    assert "it does not answer (is" in document["problem"]
    assert status == 0


def test_an_agent_leaves_no_session_behind_and_goes_on_in_the_log(
    make_bmc: MakeBmc, tmp_path: Path
) -> None:
    """Ended or killed: its children log out. What was in the log at first sight is old for good."""
    bmc = make_bmc()
    bmcs = {"host": over_lan(bmc, secret(tmp_path))}
    with watching(tmp_path / "agent", bmcs) as agent:
        agent.logged("bmc-log-baseline")
        assert len(bmc.sessions()) == 1
        assert agent.stop() == 0
    assert bmc.sessions() == []
    bmc.psu_lost(2)

    with watching(tmp_path / "agent", bmcs) as agent:
        told = agent.logged("bmc-log-entry")
        baselines = agent.events("bmc-log-baseline")
        assert len(bmc.sessions()) == 1
        agent.kill()

    assert "PSU2" in told["sensor"]
    assert baselines == []
    eventually(lambda: bmc.sessions() == [], "the child of a killed agent logs out")


def _seen_from_outside(pid: int) -> list[str]:
    names = ("cmdline", "environ", "status", "limits")
    return [Path(f"/proc/{pid}/{name}").read_text(errors="replace") for name in names]


def test_no_password_leaves_the_process_that_needs_it(make_bmc: MakeBmc, tmp_path: Path) -> None:
    """Neither the right nor a wrong one; at log level debug, while BMCs refuse and children die."""
    bmc = make_bmc()
    right, wrong = secret(tmp_path / "right"), secret(tmp_path / "wrong", WRONG)
    refused = {**over_lan(bmc, wrong), "address": f"localhost:{bmc.port}"}
    bmcs = {"host": over_lan(bmc, right), "other": refused}
    directory = tmp_path / "agent"
    with watching(directory, bmcs) as agent:
        eventually(lambda: agent.sweeps("host"), "one is swept")
        eventually(lambda: agent.trouble("other") == ["password"], "the other is refused")
        pages = [_page(agent, path) for path in PAGES]
        processes = [agent.process.pid, *_children(agent)]
        told = [text for pid in processes for text in _seen_from_outside(pid)]
        for child in _children(agent):
            os.kill(child, signal.SIGSEGV)
        agent.logged("bmc-not-answering")
        asked = [
            commands.run(
                *words, "--config", str(agent.config), "--socket", str(agent.control_socket)
            )
            for words in (("status",), ("bmc", "host"), ("backup", str(directory / "b.db")))
        ]
        agent.stop()
    checked = commands.run("check-config", "--config", str(agent.config))
    files = [path.read_text(errors="replace") for path in directory.rglob("*") if path.is_file()]

    outputs = [text for each in (*asked, checked) for text in (each.out, each.err)]
    everything = "\n".join((*pages, *told, *files, *outputs))
    assert (checked.status, asked[2].status) == (0, 0)
    assert len(processes) >= 2
    assert "bmc.host" in everything
    assert MONITOR.password not in everything
    assert WRONG not in everything
    cores = [text.split("Max core file size")[1].split()[0] for text in told if "Max core" in text]
    assert cores == ["0"] * len(processes)


def test_a_secret_that_others_can_read_keeps_only_its_bmc(
    make_bmc: MakeBmc, tmp_path: Path
) -> None:
    """The agent runs, says so of that BMC, and asks it once somebody has put that right."""
    bmc, other = make_bmc(), make_bmc()
    good, open_to_all = secret(tmp_path / "good"), secret(tmp_path / "open")
    open_to_all.chmod(0o644)
    bmcs = {"host": over_lan(bmc, open_to_all), "other": over_lan(other, good)}
    with watching(tmp_path / "agent", bmcs) as agent:
        eventually(lambda: agent.trouble("host") == ["password"], "it is told")
        eventually(lambda: agent.sweeps("other"), "the other is swept")
        problem = agent.bmc("host")["problem"]
        open_to_all.chmod(0o600)
        eventually(lambda: agent.sweeps("host"), "it is swept", 120.0)

    assert "mode 644" in problem
    assert bmc.sessions() == []


def test_a_changed_bmc_waits_for_the_next_start(make_bmc: MakeBmc, tmp_path: Path) -> None:
    """SIGHUP says which keys do; what runs goes on as before."""
    bmc = make_bmc()
    bmcs = {"host": over_lan(bmc, secret(tmp_path))}
    with watching(tmp_path / "agent", bmcs) as agent:
        eventually(lambda: agent.sweeps("host"), "it is swept")
        changed = {"host": {**bmcs["host"], "interval": "1h"}}
        agent.configure(changed)
        agent.signal(signal.SIGHUP)
        reloaded = agent.logged("reloaded")
        before = agent.sweeps("host")
        eventually(lambda: agent.sweeps("host") > before, "it is asked as often as before")

    assert (reloaded["changed"], reloaded["needs_restart"]) == ([], ["bmc.host.interval"])


def test_bmcs_over_redfish_are_swept_where_their_certificate_is_trusted(
    certificate: Certificate, tmp_path: Path
) -> None:
    """By a fingerprint, here; another's is told as such, and its password is never sent."""
    shared = {
        "protocol": "redfish",
        "user": USER,
        "password_file": str(secret(tmp_path, PASSWORD)),
        "interval": "5s",
    }
    with (
        RedfishBmc(gpu_server(), certificate) as bmc,
        RedfishBmc(gpu_server(), certificate) as stranger,
    ):
        bmcs = {
            "gpus": {**shared, "address": bmc.address, "fingerprint": certificate.fingerprint},
            "other": {**shared, "address": stranger.address, "fingerprint": "ab" * 32},
        }
        with watching(tmp_path / "agent", bmcs) as agent:
            eventually(lambda: agent.sweeps("gpus"), "it is swept")
            eventually(lambda: agent.trouble("other") == ["certificate"], "the other is told")
            gpus = agent.metric("gpuwatch_bmc_gpu_temperature_celsius", bmc="gpus")
            assert agent.stop() == 0
        left = bmc.sessions

    assert len(gpus) == 8
    assert left == 0
    assert stranger.requests == ()
