"""Others on the host: another NVML client, MIG, a GPU handed to a virtual machine."""

from pathlib import Path

from tests.support.agents import eventually, running
from tests.support.nvml_client import NvmlClient
from tests.support.server import MakeServer
from tests.support.watching import codes, wait_for_judgement

HANDED_OVER = 2


def test_mig_another_client_and_a_gpu_of_a_virtual_machine_are_nothing_amiss(
    make_server: MakeServer, tmp_path: Path
) -> None:
    """With MIG a GPU is judged by what can be read; one that vfio holds is not judged at all."""
    server = make_server("a100-sxm-80gb", 3, options=("mig-on",))
    address = str(server.get(HANDED_OVER, "pci"))
    with NvmlClient(server) as other, running(server, tmp_path) as agent:
        initialised = other.call("nvmlInit")
        agent.wait_for_gpus(3)
        with_mig = {agent.gpu(slot)["verdict"] for slot in range(3)}
        findings = {code for slot in range(3) for code in codes(agent, slot)}
        counted = other.call("nvmlDeviceGetCount")
        server.vfio(HANDED_OVER)
        eventually(lambda: not agent.gpus()[address]["managed"], "it is not managed")
        eventually(lambda: not agent.gpus()[address]["findings"], "it is not judged")
        wait_for_judgement(agent)
        given, host = agent.gpus()[address], codes(agent)
        told = agent.metric("gpuwatch_gpu_verdict", uuid=given["uuid"], verdict="unknown")

    assert (initialised, counted) == (None, 3)
    assert with_mig == {"healthy"}
    assert findings == {"rma-signals-unreadable"}
    assert (given["present"], given["findings"], host) == (False, [], [])
    assert told == {}
