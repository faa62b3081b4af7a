"""A real agent under the names of ipmi_exporter: one BMC answers, one is dead."""

import socket
from pathlib import Path

from tests.support.agents import eventually
from tests.support.bmc import MakeBmc
from tests.support.bmc_watching import over_lan, secret, watching


def test_each_bmc_is_a_target_as_its_exporter_has_it(make_bmc: MakeBmc, tmp_path: Path) -> None:
    """By its host's name; a dead one is down at once, where the exporter takes a minute."""
    bmc, password = make_bmc(), secret(tmp_path)
    bmc.inlet(31)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as hole:
        hole.bind(("127.0.0.1", 0))
        nobody = hole.getsockname()[1]
        bmcs = {
            "node7": over_lan(bmc, password, host="node7.example"),
            "node8": over_lan(nobody, password, host="node8.example"),
        }
        with watching(tmp_path / "agent", bmcs) as agent:
            eventually(lambda: agent.sweeps("node7"), "it is swept")
            well, dead, both = (
                agent.get(f"/metrics/compat{query}").splitlines()
                for query in ("?target=node7.example", "?target=node8", "")
            )

    assert 'ipmi_temperature_celsius{id="9",name="Inlet Temp"} 31.0' in well
    assert 'ipmi_up{collector="ipmi"} 1.0' in well
    assert [line for line in dead if not line.startswith(("#", "ipmi_up{"))] == []
    assert 'ipmi_up{collector="ipmi"} 0.0' in dead
    assert 'ipmi_up{bmc="node8",collector="ipmi",host="node8.example"} 0.0' in both
