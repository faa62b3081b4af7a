"""A disk that is full stops nothing: what could not be written is written when there is room."""

from pathlib import Path

from tests.support.agents import eventually, running
from tests.support.disk import fill, small_disk
from tests.support.server import MakeServer
from tests.support.watching import QUICK, gpuwatch

BAD = 1


def test_a_full_disk_is_told_and_written_again_when_there_is_room(
    make_server: MakeServer, tmp_path: Path
) -> None:
    """An error that came meanwhile is counted at once, and still known after a restart."""
    server = make_server(gpus=2)
    with small_disk(tmp_path / "disk", mebibytes=4) as disk:
        options = [*QUICK, f"agent.state_directory={disk}"]
        with running(server, tmp_path / "agent", options=options) as agent:
            agent.wait_for_gpus(2)
            filler = fill(disk)
            server.uncorrectable(BAD, count=3)
            eventually(lambda: agent.gpu(BAD)["errors"]["dram"] == 3, "the errors are counted")
            told = eventually(
                lambda: (
                    agent.metric("gpuwatch_history_degraded", reason="disk-full")
                    == {'{reason="disk-full"}': 1.0}
                ),
                "it says why",
            )
            full, status = agent.api("status")["degraded"], gpuwatch(agent, "status")
            version = agent.api("status")["version"]
            eventually(lambda: agent.api("status")["version"] > version + 3, "it goes on")
            filler.unlink()
            eventually(lambda: agent.api("status")["degraded"] == [], "it writes again")
            metric = agent.metric("gpuwatch_history_degraded", reason="disk-full")
            stopped = agent.stop()
        with running(server, tmp_path / "agent", options=options) as again:
            again.wait_for_gpus(2)
            board = again.gpu(BAD)

    assert told
    assert full == ["disk-full"]
    assert "history: disk-full" in status.stdout
    assert list(metric.values()) == [0.0]
    assert stopped == 0
    assert (board["errors"]["dram"], len(board["incidents"])) == (3, 1)
