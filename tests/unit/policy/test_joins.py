"""What a BMC knows of the cause of a finding about GPUs stands in its sentence and evidence."""

from dataclasses import replace

import pytest

from gpuwatch.domain.bmc import Part, RedundancyState
from gpuwatch.domain.bmc_logs import LogSeverity, LogTopic
from gpuwatch.domain.readings import Gap, GapReason
from gpuwatch.domain.snapshot import Logged
from gpuwatch.domain.verdicts import Finding
from gpuwatch.policy.joins import BEHIND, LOST
from gpuwatch.policy.judge import Judge, Judgement
from gpuwatch.policy.rules import BY_CODE
from gpuwatch.policy.views import BmcView, HostView, PolicySettings
from tests.support.bmcs import fan, inlet, logged, redundancy, supply, sweep, view
from tests.support.level_cases import BRAKE_FIRES, HALL_FIRES, HEAT_FIRES
from tests.support.views import NOW, gpu, host, later, record

FELL = NOW.wall - 300.0
FALLEN = gpu(record=record(fell_at=FELL), last_good=FELL - 5.0)
PCIE: dict[str, object] = {
    "topic": LogTopic.PCIE,
    "text": "fatal error of the bus on Slot 3",
    "sensor": "PCIe Slot 3",
}


def _told(view_of_host: HostView, *bmcs: BmcView) -> Judgement:
    """What is judged of this host with these BMCs once it has held."""
    judge = Judge(PolicySettings())
    judge.judge(replace(view_of_host, bmcs=bmcs))
    gpus = tuple(replace(each, answers=each.answers + 1) for each in view_of_host.gpus)
    again = tuple(replace(each, answers=each.answers + 1) for each in bmcs)
    return judge.judge(later(replace(view_of_host, gpus=gpus, bmcs=again), 60))


def _finding(judgement: Judgement, code: str) -> Finding:
    return next(
        finding
        for _, _, found in judgement.by_subject()
        for finding in found
        if finding.code == code
    )


def _lost(*entries: Logged, **changes: object) -> Finding:
    return _finding(_told(host(FALLEN), view(entries=entries, **changes)), "off-the-bus")


PLAIN = (
    "the GPU is off the bus (the kernel log says it has fallen off the bus (Xid 79)): drain the "
    "host and power-cycle it"
)


def test_a_gpu_lost_at_the_minute_of_an_entry_of_the_log_says_so() -> None:
    """The entry nearest in time comes first."""
    power = logged(220.0, topic=LogTopic.POWER, text="a drop of the 12 V rail", asserted=None)

    finding = _lost(power, logged(310.0, **PCIE))

    told = (
        "PCIe: fatal error of the bus on Slot 3 (2026-03-15 05:54 UTC), power: a drop of the 12 V "
        "rail (2026-03-15 05:56 UTC)"
    )
    assert finding.sentence == f"{PLAIN}; the BMC's log has within two minutes of it: {told}"
    assert finding.evidence[-1] == ("bmc_log", told)


@pytest.mark.parametrize(
    "entry",
    [
        logged(421.0, **PCIE),
        logged(179.0, **PCIE),
        logged(300.0, **(PCIE | {"topic": LogTopic.MEMORY})),
        logged(300.0, **(PCIE | {"severity": LogSeverity.INFO})),
        logged(300.0, **(PCIE | {"asserted": False})),
        logged(300.0, **(PCIE | {"told_at": None})),
    ],
    ids=["before", "after", "memory", "no error", "the end of one", "without a time"],
)
def test_an_entry_of_another_time_or_matter_is_no_cause(entry: Logged) -> None:
    """The finding reads as it does without a BMC."""
    assert _lost(entry).sentence == PLAIN


def test_what_another_hosts_bmc_knows_is_no_cause() -> None:
    """Only the BMCs of this host see its GPUs."""
    assert _lost(logged(300.0, **PCIE), host="gpu17").sentence == PLAIN


def test_a_loss_without_a_time_of_its_own_is_as_old_as_its_finding() -> None:
    """NVML says that it is lost, and not since when."""
    judgement = _told(host(gpu(lost=True)), view(entries=(logged(5.0, **PCIE),)))

    assert "fatal error of the bus" in _finding(judgement, "off-the-bus").sentence


def test_without_a_bmc_every_finding_reads_as_it_did() -> None:
    """No word is added, and none left out."""
    brake, hall, alone = BRAKE_FIRES[0], HALL_FIRES[0], HEAT_FIRES[0]

    assert _finding(_told(host(FALLEN)), "off-the-bus").sentence == PLAIN
    assert _finding(_told(brake), "power-brake").sentence.endswith("the GPUs are not to blame")
    assert _finding(_told(alone), "gpu-cooling-path").sentence.endswith("reaches it")
    assert _finding(_told(hall), "cooling").sentence == (
        "heat slows 3 GPUs at once (GPU 0 (1652222014700), GPU 1 (1652222014701), "
        "GPU 2 (1652222014702)): look at the inlet, the fans or the water; the GPUs are not to "
        "blame"
    )


NO_INPUT = view(sweep=sweep(supplies=(supply(1, input_lost=True), supply(2), supply(3))))
UNPROTECTED = view(
    sweep=sweep(
        supplies=(supply(1, input_lost=True), supply(2)),
        redundancies=(redundancy(RedundancyState.LOST),),
    )
)
NO_FAN = view(sweep=sweep(sensors=(inlet(), fan(1, 0.0), fan(2))))
FANS_LOST = view(sweep=sweep(redundancies=(redundancy(RedundancyState.LOST, Part.FAN),)))
HOT = view(sweep=sweep(sensors=(inlet(38.2), fan(1))))


@pytest.mark.parametrize(
    ("code", "view_of_host", "bmc", "behind"),
    [
        ("power-brake", BRAKE_FIRES[0], NO_INPUT, "psu-input-lost"),
        ("power-brake", BRAKE_FIRES[0], UNPROTECTED, "redundancy-lost"),
        ("cooling", HALL_FIRES[0], NO_FAN, "fan-failed"),
        ("cooling", HALL_FIRES[0], HOT, "inlet-hot"),
        ("gpu-cooling-path", HEAT_FIRES[0], NO_FAN, "fan-failed"),
        ("gpu-cooling-path", HEAT_FIRES[0], FANS_LOST, "fan-redundancy-lost"),
    ],
)
def test_what_slows_gpus_names_the_finding_behind_it(
    code: str, view_of_host: HostView, bmc: BmcView, behind: str
) -> None:
    """The brake by the supplies, heat by fans and air."""
    judgement = _told(view_of_host, bmc)
    finding, cause = _finding(judgement, code), _finding(judgement, behind)

    assert finding.sentence.endswith(f"; behind it, says the BMC: {cause.sentence} ({behind})")
    assert finding.evidence[-1] == ("behind", f"{behind}: {cause.sentence}")


def test_the_brake_is_not_explained_by_a_fan() -> None:
    """Nor heat by a supply."""
    brake = _finding(_told(BRAKE_FIRES[0], NO_FAN), "power-brake")
    heat = _finding(_told(HALL_FIRES[0], NO_INPUT), "cooling")

    assert ("behind" in brake.sentence, "behind" in heat.sentence) == (False, False)


def test_a_hot_gpu_in_a_cool_room_with_sound_fans_is_the_boards_matter() -> None:
    """Of two inlets the warmer counts."""
    other = view("tray", sweep=sweep(sensors=(inlet(26.0),)))
    finding = _finding(_told(HEAT_FIRES[0], view(), other), "gpu-cooling-path")

    assert finding.sentence.endswith(
        "; the air at the inlet has 26 degrees Celsius and the fans turn as they should: the "
        "board, not the room"
    )
    assert finding.evidence[-2:] == (("inlet_celsius", "26"), ("heat_of", "board"))


def test_a_hot_gpu_in_a_hot_room_is_the_rooms_matter() -> None:
    """Where the host's own finding says it, the GPU's is silent; else the GPU's says it."""
    slowed, *cool = HEAT_FIRES[0].gpus
    by_heat, *_ = HEAT_FIRES[1].gpus
    alone = _told(host(replace(by_heat, record=slowed.record), *cool), HOT)
    braked = Judge(PolicySettings(disabled=frozenset({"inlet-hot"})))

    finding = braked.judge(replace(HEAT_FIRES[0], bmcs=(HOT,))).findings[slowed.uuid][0]

    assert alone.findings[slowed.uuid] == ()
    assert "and the air at the inlet has 38 degrees Celsius" in alone.host_findings[0].sentence
    assert finding.sentence.endswith("has 38 degrees Celsius: the room, not the board")
    assert finding.evidence[-1] == ("heat_of", "room")


@pytest.mark.parametrize(
    "bmc",
    [
        view(sweep=None),
        view(sweep=sweep(sensors=(fan(1),))),
        view(sweep=sweep(sensors=(inlet(),))),
        view(sweep=sweep(sensors=(inlet(), fan(1, value=Gap(GapReason.FAILED))))),
    ],
    ids=["no answer", "no inlet", "no fan", "no fan read"],
)
def test_where_the_bmc_does_not_tell_nobody_is_named(bmc: BmcView) -> None:
    """Neither the room nor the board."""
    assert _finding(_told(HEAT_FIRES[0], bmc), "gpu-cooling-path").sentence.endswith("reaches it")


def test_joins_are_between_rules_that_exist() -> None:
    """A code that is renamed joins nothing any more."""
    codes = {*LOST, *BEHIND, *(code for causes in BEHIND.values() for code in causes)}

    assert codes <= BY_CODE.keys()
