"""The driver and its library come, go, change and disagree; the agent stays and tells which."""

from pathlib import Path

from tests.support.agents import AgentProcess, eventually, running
from tests.support.server import MakeServer
from tests.support.watching import (
    EVERYBODY,
    QUICK,
    codes,
    finding,
    gpuwatch,
    source,
    verdicts,
    wait_for_judgement,
)

OLD, NEW, NEWER = "580.95.05", "590.44.01", "595.10"
BAD = 2


def _errors(agent: AgentProcess, slot: int, count: int) -> None:
    eventually(
        lambda: sum(agent.gpu(slot)["errors"].values()) == count, f"{count} errors are counted"
    )


def _load_of(agent: AgentProcess) -> str:
    epoch = agent.api("status")["epoch"]
    return str(epoch["driver_load"]) if epoch else ""


def _conditions(agent: AgentProcess) -> list[str]:
    return [each["condition"] for each in agent.events("driver-condition")]


def _all_are_read(agent: AgentProcess) -> None:
    eventually(
        lambda: source(agent)["up"] and verdicts(agent) == {"healthy": EVERYBODY},
        "eight GPUs are well",
    )


def test_neither_driver_nor_library_at_the_start(make_server: MakeServer, tmp_path: Path) -> None:
    """Each is missed by name, and found when it appears; nobody restarts the agent."""
    server = make_server()
    server.unload()
    server.uninstall_library()
    with running(server, tmp_path / "agent", options=QUICK) as agent:
        eventually(lambda: "no driver is loaded" in source(agent)["problem"], "no driver is told")
        up = agent.metric("gpuwatch_source_up", source="nvml")
        status, page = gpuwatch(agent, "status"), agent.get("/")
        wait_for_judgement(agent)
        server.advance(301.0)
        no_driver = eventually(lambda: finding(agent, "driver-not-loaded"), "a finding tells it")
        asked_meanwhile = agent.events("probe-started")

        server.load()
        eventually(lambda: "libnvidia-ml.so.1" in source(agent)["problem"], "no library is told")
        no_library = eventually(
            lambda: (
                "libnvidia-ml" in (finding(agent, "driver-not-loaded") or no_driver)["sentence"]
            ),
            "the finding goes on for another reason",
        )
        server.install_library()
        _all_are_read(agent)
        eventually(lambda: codes(agent) == [], "nothing is wrong with the host any more")

        assert list(up.values()) == [0.0]
        assert (status.returncode, asked_meanwhile) == (3, [])
        assert "8 NVIDIA GPUs are on the PCI bus" in status.stdout.replace("\n", " ")
        assert "no driver is loaded" in page
        assert "8 NVIDIA PCI functions, 0 boards remembered" in no_driver["sentence"]
        assert no_library
        assert _conditions(agent) == ["driver-not-loaded", "library-missing", "ready"]
        assert agent.events("board-lost") == []


def test_a_driver_that_is_unloaded_reloaded_and_upgraded(
    make_server: MakeServer, tmp_path: Path
) -> None:
    """Each load is an epoch with a child of its own, and every error counts once over all."""
    server = make_server()
    with running(server, tmp_path / "agent", options=QUICK) as agent:
        agent.wait_for_gpus(8)
        server.uncorrectable(BAD)
        _errors(agent, BAD, 1)

        server.unload(force=True)
        eventually(lambda: not source(agent)["up"], "the driver is seen to go")
        eventually(lambda: verdicts(agent) == {"unknown": EVERYBODY}, "nobody is called healthy")
        gone = gpuwatch(agent, "status")
        first = _load_of(agent)
        server.load()
        eventually(lambda: _load_of(agent) != first, "the load is seen")
        second = _load_of(agent)
        server.uncorrectable(BAD)  # as many volatile errors as under the load before
        _errors(agent, BAD, 2)

        server.reload(driver=NEW, force=True)
        eventually(lambda: _load_of(agent) != second, "the upgrade is seen")
        server.uncorrectable(BAD, count=3)
        _errors(agent, BAD, 5)
        eventually(lambda: agent.gpu(BAD)["fresh"] and source(agent)["up"], "it goes on")

        children = agent.events("probe-started")
        epoch = agent.api("status")["epoch"]
        info = agent.metric("gpuwatch_gpu_info", driver=NEW)
        assert gone.returncode == 3
        assert "no driver is loaded" in gone.stdout.replace("\n", " ")
        assert [each["driver"] for each in children] == [OLD, OLD, NEW]
        assert len({each["pid"] for each in children}) == 3
        assert epoch["driver_version"] == NEW
        assert len(info) == 8
        assert [each["detail"] for each in agent.events("new-epoch")] == [
            f"driver {OLD} was loaded",
            f"driver {NEW} was loaded",
        ]
        assert source(agent)["restarts"] == 0
        assert agent.events("board-lost") == []
        assert {slot for slot in EVERYBODY if agent.gpu(slot)["findings"]} == {BAD}


def test_a_library_that_is_not_the_modules(make_server: MakeServer, tmp_path: Path) -> None:
    """Both versions are named, as one matter for a window, until the module is loaded too."""
    server = make_server()
    server.mismatch(NEWER)
    with running(server, tmp_path / "agent", options=QUICK) as agent:
        eventually(lambda: _conditions(agent) == ["driver-mismatch"], "they differ")
        wait_for_judgement(agent)
        server.advance(61.0)
        told = eventually(lambda: finding(agent, "driver-mismatch"), "a finding tells it")
        up = agent.metric("gpuwatch_source_up", source="nvml")
        server.load()
        _all_are_read(agent)
        eventually(lambda: codes(agent) == [], "it is over")

        assert (told["urgency"], told["remedy"]) == ("window", "reboot")
        assert f"13.{NEWER}" in told["sentence"]
        assert OLD in told["sentence"]
        assert list(up.values()) == [0.0]
        assert _conditions(agent) == ["driver-mismatch", "ready"]
