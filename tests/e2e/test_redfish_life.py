"""A real agent and a simulated GPU server over Redfish: from the service to the metrics."""

from pathlib import Path

from simulator.bmc.certificate import Certificate
from simulator.bmc.redfish import PASSWORD, USER, RedfishBmc
from simulator.bmc.redfish_servers import BASEBOARD, gpu_server
from tests.support.agents import eventually
from tests.support.bmc_watching import secret, watching

SEL = "Systems/1/LogServices/SEL"
MEMORY = f"Systems/{BASEBOARD}/Memory/GPU_SXM_3_DRAM_0"


def _over_redfish(bmc: RedfishBmc, directory: Path) -> dict[str, str]:
    return {
        "protocol": "redfish",
        "address": bmc.address,
        "user": USER,
        "password_file": str(secret(directory, PASSWORD)),
        "fingerprint": bmc.certificate.fingerprint,
        "interval": "5s",
    }


def test_a_gpu_server_is_watched_over_redfish(certificate: Certificate, tmp_path: Path) -> None:
    """Sensors, a GPU's failed remap, an entry of a log; and no session is left behind."""
    with RedfishBmc(gpu_server(), certificate) as bmc:
        bmc.log(SEL, "old")
        with watching(tmp_path / "agent", {"host": _over_redfish(bmc, tmp_path)}) as agent:
            agent.logged("bmc-log-baseline")
            bmc.set(f"{MEMORY}#/Oem/Nvidia/RowRemappingFailed", True)
            bmc.log(SEL, "PSU2 lost its input", Severity="Critical")
            entry = agent.logged("bmc-log-entry")
            eventually(
                lambda: 1.0 in agent.metric("gpuwatch_bmc_gpu_row_remap_failed").values(),
                "the failed remap is told",
            )
            failed = agent.metric("gpuwatch_bmc_gpu_row_remap_failed")
            document = agent.bmc("host")
            up = agent.metric("gpuwatch_bmc_up")
            sessions = bmc.sessions
            status = agent.stop()
        left = bmc.sessions

    assert "PSU2 lost its input" in str(entry)
    assert [labels for labels, value in failed.items() if value and "1650123000003" in labels]
    assert list(up.values()) == [1.0]
    assert len(document["gpus"]) == 8
    assert (sessions, status, left) == (1, 0, 0)
