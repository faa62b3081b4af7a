"""Xids reach /metrics once, from the kernel log where it can be read and from NVML where not."""

from pathlib import Path

from tests.support.agents import AgentProcess, eventually, running
from tests.support.server import MakeServer
from tests.support.watching import QUICK, source

GPU = 1


def _xids(agent: AgentProcess, code: int) -> dict[str, float]:
    """How often a code was counted for the GPU, by source; without those that never were."""
    uuid = str(agent.server.get(GPU, "uuid"))
    counted = agent.metric("gpuwatch_gpu_xid_errors_total", uuid=uuid, xid=str(code))
    by_source = {
        name: count
        for label, count in counted.items()
        for name in ("kernel_log", "nvml")
        if f'source="{name}"' in label
    }
    return {name: count for name, count in by_source.items() if count}


def test_an_xid_counts_once_however_many_report_it(make_server: MakeServer, tmp_path: Path) -> None:
    """The line counts and not the event of the same; an event without a line counts after all."""
    server = make_server(gpus=2)
    with running(server, tmp_path / "agent", options=QUICK) as agent:
        agent.wait_for_gpus(2)
        server.xid(GPU, 31)
        eventually(lambda: _xids(agent, 31), "the line is counted")
        at_once = _xids(agent, 31)
        server.xid(GPU, 45, log=False)
        eventually(lambda: _xids(agent, 45), "the event without a line is counted")

        assert at_once == {"kernel_log": 1.0}
        assert _xids(agent, 31) == {"kernel_log": 1.0}
        assert _xids(agent, 45) == {"nvml": 1.0}
        assert len(agent.events("xid")) == 2


def test_without_a_kernel_log_nvml_counts(make_server: MakeServer, tmp_path: Path) -> None:
    """The source says that it is not readable; the Xid counts all the same."""
    server = make_server(gpus=2)
    options = [*QUICK, f"kernel_log.path={tmp_path}/absent"]
    with running(server, tmp_path / "agent", options=options) as agent:
        agent.wait_for_gpus(2)
        eventually(lambda: source(agent, "kernel_log")["problem"], "the log's absence is told")
        server.xid(GPU, 48)
        eventually(lambda: _xids(agent, 48), "the event is counted")

        state = source(agent, "kernel_log")
        assert _xids(agent, 48) == {"nvml": 1.0}
        assert (state["up"], f"{tmp_path}/absent" in state["problem"]) == (False, True)
        assert list(agent.metric("gpuwatch_source_up", source="kernel_log").values()) == [0.0]


def test_records_lost_before_they_were_read_are_counted(
    make_server: MakeServer, tmp_path: Path
) -> None:
    """As when a flood of the log was faster than its reader."""
    server = make_server(gpus=2)
    with running(server, tmp_path / "agent", options=QUICK) as agent:
        agent.wait_for_gpus(2)
        server.xid(GPU, 31)
        eventually(lambda: _xids(agent, 31), "the log is read")
        before = agent.metric("gpuwatch_kernel_log_lost_total")
        server.lose_records(7)
        server.xid(GPU, 43)
        eventually(lambda: _xids(agent, 43), "the log goes on")

        assert list(before.values()) == [0.0]
        assert list(agent.metric("gpuwatch_kernel_log_lost_total").values()) == [7.0]
