"""A management host and a BMC of another implementation: what befalls its server is found."""

from functools import partial
from pathlib import Path
from typing import Any

from tests.support.agents import eventually
from tests.support.bmc import MakeBmc
from tests.support.bmc_watching import Watcher, over_lan, secret, watching

ALWAYS = "cipher-suite-weak"  # ipmi_sim has no better one


def _findings(agent: Watcher, name: str) -> dict[str, Any]:
    return {finding["code"]: finding for finding in agent.bmc(name)["findings"]}


def _finds(agent: Watcher, *codes: str) -> bool:
    return _findings(agent, "node17").keys() == {ALWAYS, *codes}


def test_what_befalls_a_server_is_found_by_the_host_that_watches_it(
    make_bmc: MakeBmc, tmp_path: Path
) -> None:
    """Each thing once, by the rule that is for it; no other server, and not the host that asks."""
    bad, well = make_bmc(), make_bmc()
    password = secret(tmp_path)
    bmcs = {
        name: over_lan(bmc, password, host=name)
        for name, bmc in (("node17", bad), ("node18", well))
    }
    with watching(tmp_path / "agent", bmcs) as agent:
        eventually(partial(_finds, agent), "an old log is no finding")
        bad.psu_lost(1)
        bad.inlet(39.0)
        bad.fan(2, 0.0)
        bad.set("P12V", 10.4)
        bad.intrusion()
        bad.sel_add("ECC Memory", 1)
        at_first = (
            *("psu-input-lost", "inlet-hot", "fan-failed"),
            *("sensor-critical", "chassis-intrusion", "sel-critical"),
        )
        eventually(partial(_finds, agent, *at_first), "everything is found")
        first = _findings(agent, "node17")
        bad.psu_lost(2)
        bad.psu_failed(3)
        unprotected = ("redundancy-lost", "psu-lost-unprotected")
        eventually(partial(_finds, agent, *unprotected, *at_first[1:]), "too many are lost")
        second = _findings(agent, "node17")
        other, host = agent.bmc("node18"), agent.api("status")
        routes = agent.metric("gpuwatch_bmc_finding", code="redundancy-lost", bmc="node17")

    assert "no power comes to PSU1;" in first["psu-input-lost"]["sentence"]
    assert "FAN2" in first["fan-failed"]["sentence"]
    assert first["sensor-critical"]["sentence"].endswith(": P12V at 10.38 V")
    assert "memory: ECC Memory: uncorrectable error" in first["sel-critical"]["sentence"]
    assert (
        "(PSU1 has no input, PSU2 has no input, PSU3 is lost)"
        in second["redundancy-lost"]["sentence"]
    )
    assert "node17" in second["redundancy-lost"]["step"]
    assert ['urgency="page"' in labels for labels in routes] == [True]
    assert {finding["code"] for finding in other["findings"]} == {ALWAYS}
    assert (other["verdict"], host["verdict"], host["findings"]) == ("healthy", "healthy", [])
