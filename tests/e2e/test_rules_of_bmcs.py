"""Every rule of BMCs in the whole agent: it fires on its case, and spares the nearest other one."""

from pathlib import Path

import pytest

from gpuwatch.domain.bmc import BmcTrouble, Chassis, RedundancyState
from gpuwatch.domain.bmc_logs import LogSeverity, LogTopic
from gpuwatch.domain.verdicts import Urgency, Verdict
from tests.support.bmc_stories import (
    AIR,
    CONTROLLERS,
    MEMORY,
    POWER,
    SENSORS,
    BmcCase,
    Stage,
    bays,
)
from tests.support.bmcs import redundancy, supply
from tests.support.driven import Part


@pytest.mark.parametrize(
    "cases",
    [POWER, AIR, SENSORS, CONTROLLERS],
    ids=["power", "air", "sensors", "controllers"],
)
def test_a_rule_of_a_bmc_fires_on_its_case_and_on_no_other(
    tmp_path: Path, cases: tuple[BmcCase, ...]
) -> None:
    """Of two servers the first has what the rule is for, the second the nearest other thing."""
    stage = Stage(tmp_path / "agent", tuple(f"{case.code}-{at}" for case in cases for at in "ab"))
    for case in cases:
        case.always(stage.bmcs[f"{case.code}-a"])
        case.always(stage.bmcs[f"{case.code}-b"])
        case.before(stage.bmcs[f"{case.code}-b"])
    stage.start()
    stage.poll(7)
    at_first = [code for name in stage.names for code in stage.codes(name)]

    for case in cases:
        case.fires(stage.bmcs[f"{case.code}-a"])
        case.spares(stage.bmcs[f"{case.code}-b"])
    stage.poll(8)

    assert at_first == []
    assert [case.code for case in cases if case.code not in stage.codes(f"{case.code}-a")] == []
    assert [case.code for case in cases if case.code in stage.codes(f"{case.code}-b")] == []


@pytest.mark.parametrize("case", [*POWER, *AIR, *SENSORS, *CONTROLLERS], ids=lambda case: case.code)
def test_a_finding_of_a_bmc_is_over_when_its_server_is_well_again(
    tmp_path: Path, case: BmcCase
) -> None:
    """After five minutes, beside what stands in a log: that is news for a day."""
    stage = Stage(tmp_path / "agent", ("a",))
    bmc = stage.bmcs["a"]
    case.always(bmc)
    well = dict(bmc.told)
    stage.start()
    stage.poll(7)
    case.fires(bmc)
    stage.poll(8)
    held = stage.codes("a")

    bmc.told, bmc.trouble = well, None
    stage.poll(14 if case.code != "sel-critical" else 24 * 60)

    assert case.code in held
    assert stage.codes("a") == []
    assert stage.state("a").verdict is Verdict.HEALTHY


def test_bmcs_that_fall_silent_together_are_one_matter_of_the_network(tmp_path: Path) -> None:
    """bmc-network-lost of the host takes the place of one finding for each; their verdicts tell."""
    stage = Stage(tmp_path / "agent", ("a", "b", "c", "d"), of="rack 17")
    stage.start()
    stage.poll(2)
    for name in "abc":
        stage.bmcs[name].trouble = BmcTrouble.UNREACHABLE
    stage.poll(14)
    before = [finding.code for finding in stage.host.agent.snapshot.host_findings]

    stage.poll(3)

    snapshot = stage.host.agent.snapshot
    assert before == []
    assert [finding.code for finding in snapshot.host_findings] == ["bmc-network-lost"]
    assert [stage.codes(name) for name in "abcd"] == [[]] * 4
    assert [bmc.verdict for bmc in snapshot.bmcs] == [Verdict.UNKNOWN] * 3 + [Verdict.HEALTHY]


def test_each_step_from_a_lost_supply_to_no_power_calls_once(tmp_path: Path) -> None:
    """A ticket, a page, another page; and the host's verdict is as grave as they are."""
    stage = Stage(tmp_path / "agent", ("a",))
    bmc = stage.bmcs["a"]
    stage.start()
    stage.poll(3)
    told = []
    for lost, state in ((1, "degraded"), (2, "lost"), (3, "lost")):
        out = tuple(supply(number, input_lost=True) for number in range(1, lost + 1))
        bmc.tell(supplies=bays(*out), redundancies=(redundancy(RedundancyState(state)),))
        stage.poll(4)
        told.append({finding.code: finding.urgency for finding in stage.state("a").findings})

    assert told == [
        {"psu-input-lost": Urgency.WINDOW},
        {"redundancy-lost": Urgency.PAGE},
        {"psu-lost-unprotected": Urgency.PAGE, "redundancy-lost": Urgency.PAGE},
    ]
    assert stage.host.agent.snapshot.host_verdict is Verdict.DRAIN_NOW


def test_an_old_log_is_no_news_and_neither_is_what_a_start_tells_again(tmp_path: Path) -> None:
    """What is told for the first time is, also at a start."""
    stage = Stage(tmp_path / "agent", ("a",))
    bmc = stage.bmcs["a"]
    bmc.write(**MEMORY)
    stage.start()
    stage.poll(10)
    baseline = stage.codes("a")
    bmc.tell(chassis=Chassis(power_on=False))
    stage.poll(10)
    bmc.tell(chassis=Chassis(power_on=True))
    bmc.write(**MEMORY)
    stage.poll(10)
    started = stage.codes("a")
    bmc.write(**(MEMORY | {"sensor": "DIMM B1", "sensor_key": "dimm-b1"}))
    stage.poll(2)

    assert (baseline, started) == ([], [])
    assert stage.codes("a") == ["sel-critical"]


def test_a_gpu_that_is_lost_names_what_its_server_wrote_at_that_minute(tmp_path: Path) -> None:
    """Whatever the BMC's clock says: it is two hours ahead."""
    stage = Stage(tmp_path / "agent", ("a",))
    bmc, host = stage.bmcs["a"], stage.host
    falling = Part(0)
    host.slots = {0: falling, 1: Part(1)}
    bmc.log.skew = 7200.0
    bmc.tell(clock_skew=7200.0)
    stage.start()
    stage.poll(3)
    bmc.write(
        topic=LogTopic.PCIE, severity=LogSeverity.CRITICAL, text="bus fatal error", sensor="Slot 3"
    )
    falling.fallen = True
    host.log_line(0, 79)
    host.deliver_log()
    stage.poll(3)

    fallen = next(gpu for gpu in host.agent.snapshot.gpus if gpu.findings)
    (finding,) = fallen.findings
    assert finding.code == "off-the-bus"
    assert "the BMC's log has within two minutes of it: PCIe: bus fatal error" in finding.sentence
    assert dict(finding.evidence)["bmc_log"].startswith("PCIe: bus fatal error")
    assert [gpu.verdict for gpu in host.agent.snapshot.gpus] == [
        Verdict.DRAIN_NOW,
        Verdict.HEALTHY,
    ]
