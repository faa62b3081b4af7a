"""The dashboards of dcgm-exporter on a real Prometheus that scrapes a real agent."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.agents import AgentProcess, eventually, running
from tests.support.prometheus import Prometheus, prometheus
from tests.support.server import MakeServer

HOST, GPUS = "gpu-node-17", 2
TEMPERATURES = {("0",): 61.0, ("1",): 44.0}
ONE_HOST = f'{{Hostname=~"{HOST}", gpu=~"0|1"}}'
# What dashboard 12239 asks, by panel, with its variables filled in as Grafana does.
PANELS = {
    "temperature": f"max(DCGM_FI_DEV_GPU_TEMP{ONE_HOST}) by (Hostname, gpu, uuid)",
    "average temperature": f"avg(DCGM_FI_DEV_GPU_TEMP{ONE_HOST})",
    "power": f"max(DCGM_FI_DEV_POWER_USAGE{ONE_HOST}) by (Hostname, gpu, uuid)",
    "total power": f"sum(max(DCGM_FI_DEV_POWER_USAGE{ONE_HOST}) by (gpu))",
    "clock": f"max(DCGM_FI_DEV_SM_CLOCK{ONE_HOST} * 1000000) by (Hostname, UUID, gpu)",
    "memory": (f"max(DCGM_FI_DEV_FB_USED{ONE_HOST}) by (Hostname, gpu, GPU_I_ID, GPU_I_PROFILE)"),
    "variables": f'group(DCGM_FI_DEV_FB_FREE{{Hostname=~"{HOST}"}}) by (Hostname, gpu)',
}
OF_THE_HOST = ("average temperature", "total power")
# What needs profiling, and says so in docs/compat.md.
WITHOUT_DATA = {
    panel: f"max(DCGM_FI_PROF_{field}{ONE_HOST}) by (Hostname, gpu, GPU_I_ID, GPU_I_PROFILE)"
    for panel, field in (
        ("utilization", "GR_ENGINE_ACTIVE"),
        ("tensor cores", "PIPE_TENSOR_ACTIVE"),
    )
}


@pytest.fixture(name="agent")
def _agent(make_server: MakeServer, tmp_path: Path) -> Iterator[AgentProcess]:
    """An agent on two GPUs, the first of which is warm."""
    server = make_server(gpus=GPUS)
    server.set(0, "temperature.gpu", 61)
    server.set(1, "temperature.gpu", 44)
    options = ("compat.dcgm=true", f"agent.hostname={HOST}")
    with running(server, tmp_path / "agent", options=options) as agent:
        agent.wait_for_gpus(GPUS)
        yield agent


@pytest.fixture(name="scraping")
def _scraping(agent: AgentProcess, tmp_path: Path) -> Iterator[Prometheus]:
    """A Prometheus that has scraped everything once."""
    with prometheus(tmp_path / "prometheus", (agent.port,), "/metrics/compat") as scraping:
        eventually(
            lambda: len(scraping.query("DCGM_FI_DEV_TOTAL_ENERGY_CONSUMPTION")) == GPUS,
            "both GPUs are scraped with all their signals",
        )
        yield scraping


def test_the_dashboard_of_dcgm_exporter_shows_the_numbers_of_the_driver(
    agent: AgentProcess, scraping: Prometheus
) -> None:
    """Every panel has data but those that need profiling, in the unit that it is set to."""
    series = {panel: len(scraping.query(query)) for panel, query in PANELS.items()}
    empty = {panel: scraping.query(query) for panel, query in WITHOUT_DATA.items()}
    temperature = scraping.numbers(PANELS["temperature"], "gpu")
    (average,) = scraping.numbers(PANELS["average temperature"]).values()
    clock = scraping.numbers(PANELS["clock"], "gpu")
    power = scraping.numbers(PANELS["power"], "gpu")
    memory = scraping.numbers(PANELS["memory"], "gpu")

    assert series == dict.fromkeys(PANELS, GPUS) | dict.fromkeys(OF_THE_HOST, 1)
    assert empty == {panel: [] for panel in WITHOUT_DATA}
    assert temperature == TEMPERATURES
    assert average == sum(TEMPERATURES.values()) / GPUS
    assert sorted(clock.values()) == sorted(agent.metric("gpuwatch_gpu_sm_clock_hertz").values())
    assert all(10 < watts < 1_500 for watts in power.values())
    assert all(1 < mebibytes < 200_000 for mebibytes in memory.values())


def test_alerts_on_these_names_go_on_working(agent: AgentProcess, scraping: Prometheus) -> None:
    """On the last Xid, on a counter that grows, on a field under its newer name."""
    condition = "DCGM_FI_DEV_XID_ERRORS > 0"
    before = scraping.query(condition)
    agent.server.xid(0, 31)
    agent.server.set(1, "ecc.corrected.volatile.dram", 5)

    xid = eventually(lambda: scraping.numbers(condition, "gpu", "err_code"), "the Xid is told")
    growing = eventually(
        lambda: scraping.numbers("increase(DCGM_FI_DEV_ECC_SBE_VOL_TOTAL[1m]) > 0", "gpu"),
        "the counter grows",
    )
    renamed = scraping.numbers("DCGM_FI_DEV_GPU_TEMP_CELSIUS > 60", "gpu")

    assert before == []
    assert xid == {("0", "31"): 31.0}
    assert list(growing) == [("1",)]
    assert renamed == {("0",): 61.0}
