"""Explanations and previews of a real agent: a board to replace, and one that nobody can judge."""

import json
from pathlib import Path
from typing import Any

from tests.support.agents import DAY, AgentProcess, eventually, running
from tests.support.commands import run
from tests.support.server import MakeServer

BAD, BLIND = 2, 5
# NVML_ERROR_UNKNOWN: https://docs.nvidia.com/deploy/nvml-api/
UNKNOWN_ERROR = 999


def _ask(agent: AgentProcess, *words: str) -> Any:  # noqa: ANN401 - JSON
    """What a command prints for scripts."""
    told = run(*words, "--json", "--socket", str(agent.control_socket))
    assert (told.status, told.err) == (0, "")
    return json.loads(told.out)


def test_a_flagged_board_is_explained_and_its_history_previewed(
    make_server: MakeServer, tmp_path: Path
) -> None:
    """The flag and its window stand in the explanation; a replay of the history finds the same."""
    server = make_server()
    with running(server, tmp_path / "agent", max_gap_seconds=13 * DAY) as agent:
        agent.wait_for_gpus(8)
        server.uncorrectable(BAD)
        eventually(lambda: agent.gpu(BAD)["incidents"], "the first incident")
        server.advance(12 * DAY)
        eventually(lambda: agent.gpu(BAD)["exposure_seconds"] > 12 * DAY, "twelve days of service")
        server.uncorrectable(BAD)
        (flag,) = eventually(lambda: agent.api("flags")["flags"], "a flag")

        told = _ask(agent, "explain", flag["serial"])
        served = agent.api(f"gpus/{flag['uuid']}/explain")
        sayings = _ask(agent, "preview")["sayings"]
        plots = agent.get(f"/gpu/{flag['uuid']}?span=14d")

        raised = [one for one in sayings if one["raises_flag"]]
        trend = next(one for one in told["findings"] if one["code"] == flag["code"])
        assert trend["flag"] == flag["number"]
        assert told["wait"]["until"] == served["wait"]["until"] == flag["window_start"]
        assert 0.01 < told["wait"]["chance"] < 0.9
        assert plots.count(": incident, ") == 2
        assert f"flag {flag['number']} raised: {flag['code']}" in plots
        assert "No plots" not in plots
        assert [(one["uuid"], one["code"], one["flag"]) for one in raised] == [
            (flag["uuid"], flag["code"], flag["number"])
        ]


def test_a_gpu_that_cannot_be_judged_says_which_call_fails(
    make_server: MakeServer, tmp_path: Path
) -> None:
    """The signal, since when, the call, the library's error and the way out."""
    server = make_server()
    with running(server, tmp_path / "agent") as agent:
        agent.wait_for_gpus(8)
        server.fail(BLIND, "nvmlDeviceGetFieldValues", UNKNOWN_ERROR)
        eventually(lambda: agent.gpu(BLIND)["verdict"] == "unknown", "the GPU is unknown")

        told = _ask(agent, "explain", str(BLIND))

        signals = {one["signal"]: one for one in told["unknown"]["signals"]}
        missed = signals["gpuwatch_gpu_row_remap_pending"]
        assert (missed["gap"], missed["code"]) == ("failed", UNKNOWN_ERROR)
        assert missed["call"] == "nvmlDeviceGetFieldValues (NVML_FI_DEV_REMAPPED_PENDING)"
        assert told["wait"]["chance"] is None
