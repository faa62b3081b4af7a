"""BMC states for tests: four BMCs on a bad night, in which no two numbers are equal.

`main` and `hgx` are of this host, `node-18` is of a host that is dead, `node-19` was never asked.
"""

from dataclasses import replace

from gpuwatch.domain.bmc import (
    BmcGpu,
    BmcIdentity,
    BmcProtocol,
    BmcSweep,
    BmcTrouble,
    Chassis,
    ChassisFault,
    Part,
    PowerLoss,
    PowerSupply,
    Quantity,
    Redundancy,
    RedundancyState,
    Sensor,
    SensorHealth,
    Watchdog,
)
from gpuwatch.domain.bmc_logs import LogEntry, LogSeverity, LogStatus, LogTopic
from gpuwatch.domain.moments import Moment
from gpuwatch.domain.readings import Gap, GapReason
from gpuwatch.domain.snapshot import BmcState, Logged
from gpuwatch.domain.verdicts import Finding, Remedy, Scope, Urgency, Verdict
from tests.support.bmcs import entry, sensor, supply

NOMINAL, WARNING, CRITICAL = SensorHealth.NOMINAL, SensorHealth.WARNING, SensorHealth.CRITICAL
HOSTILE_SENSOR = '<b>"VR"</b>\\ 0'


def measured(
    label: str, quantity: Quantity, part: Part, value: float | Gap | None, **changes: object
) -> Sensor:
    """A sensor of that quantity, which is as it should be unless told otherwise."""
    return sensor(label, **({"quantity": quantity, "part": part, "value": value} | changes))


def _sensors() -> tuple[Sensor, ...]:
    asserting = ("Presence detected", "Power Supply Failure detected")
    return (
        measured("Inlet Temp", Quantity.TEMPERATURE, Part.INLET, 38.5, health=WARNING),
        measured("Inlet Temp 2", Quantity.TEMPERATURE, Part.INLET, 37.25),
        measured("Exhaust Temp", Quantity.TEMPERATURE, Part.EXHAUST, 57.75),
        measured("CPU1 Temp", Quantity.TEMPERATURE, Part.CPU, 63.25, health=None),
        measured(
            "CPU2 Temp", Quantity.TEMPERATURE, Part.CPU, Gap(GapReason.LOST, 203), health=None
        ),
        measured("Fan 1", Quantity.FAN_SPEED, Part.FAN, 9_870.0),
        measured("Fan 2", Quantity.FAN_SPEED, Part.FAN, 9_930.0),
        measured("Fan 3", Quantity.FAN_SPEED, Part.FAN, 2_310.0, health=CRITICAL),
        measured("Fan 3 Duty", Quantity.FAN_DUTY, Part.FAN, 0.9375, health=None),
        measured("P12V", Quantity.VOLTAGE, Part.BOARD, 12.0625),
        measured(HOSTILE_SENSOR, Quantity.CURRENT, Part.VRM, 88.375, health=None),
        measured("PS1 Input Power", Quantity.POWER, Part.PSU, 1_931.5),
        measured("PS2 Input Power", Quantity.POWER, Part.PSU, 1_937.5),
        measured("Airflow", Quantity.OTHER, Part.CHASSIS, 212.5, health=None, unit="CFM"),
        measured("PS3 Status", Quantity.STATE, Part.PSU, None, health=CRITICAL, states=asserting),
    )


def _supply(number: int, **changes: object) -> PowerSupply:
    return supply(number, **({"name": f"PS{number}", "health": None} | changes))


def _supplies() -> tuple[PowerSupply, ...]:
    return (
        _supply(1),
        _supply(2),
        _supply(3, failed=True),
        _supply(4, input_lost=True),
        PowerSupply(name="PS5", number=5),
        PowerSupply(name="PS6", number=6, present=False),
    )


def _sweep(at: float) -> BmcSweep:
    return BmcSweep(
        bmc="main",
        at=Moment(wall=at, boottime=1_000_006.25, boot_id="2c4f9d0a"),
        seconds=0.28125,
        identity=BmcIdentity(
            manufacturer="Contoso",
            product="GS-8000",
            part_number="PN-8000-1",
            serial="SRV0042",
            board_serial="BRD0043",
            firmware="1.74",
            bios="2.10.1",
            guid="31303043-534d-2500-90d8-7a0000000000",
            cipher_suite=17,
        ),
        sensors=_sensors(),
        supplies=_supplies(),
        redundancies=(
            Redundancy(name="PS Redundancy", part=Part.PSU, state=RedundancyState.LOST),
            Redundancy(name="Fan Redundancy", part=Part.FAN, state=RedundancyState.DEGRADED),
            Redundancy(name="Pump Redundancy", part=Part.OTHER, state=None),
        ),
        chassis=Chassis(
            power_on=True,
            faults={ChassisFault.COOLING: True, ChassisFault.DRIVE: False},
            losses=frozenset({PowerLoss.INPUT}),
            restart_cause="power restored",
        ),
        watchdog=Watchdog(running=False, expired="power cycle"),
        watts=5_812.0,
        logs=(
            LogStatus(
                log="sel",
                entries=961,
                free_bytes=1_008,
                overflowed=True,
                added_at=at - 340.0,
                erased_at=at - 9_000_003.0,
            ),
        ),
        clock_skew=-94.75,
        gaps={"dcmi": Gap(GapReason.DENIED, 212)},
    )


def _entry(record: str, told_at: float | None, text: str, **changes: object) -> LogEntry:
    power: dict[str, object] = {
        "record": record,
        "told_at": told_at,
        "topic": LogTopic.POWER,
        "raw": f"{record}02",
    }
    return entry(text, **(power | changes))


def _entries(at: float) -> tuple[Logged, ...]:
    lost = _entry("03c1", at - 436.0, "Power Supply input lost", sensor="PS4 Status")
    failed = _entry("03c0", at - 3_600.0, "Power Supply Failure detected", sensor="PS3 Status")
    told = _entry(
        "03bf",
        at - 86_436.0,
        "Correctable ECC <i>limit</i> reached",
        sensor="DIMM A1",
        topic=LogTopic.MEMORY,
        severity=LogSeverity.WARNING,
        asserted=None,
    )
    old = _entry(
        "0001",
        None,
        "Log area reset/cleared",
        topic=LogTopic.OTHER,
        severity=LogSeverity.INFO,
        asserted=None,
    )
    return (
        Logged(lost, at=at - 341.0, seen_at=at - 300.0, baseline=False),
        Logged(failed, at=at - 3_505.0, seen_at=at - 3_480.0, baseline=False),
        Logged(told, at=at - 86_341.0, seen_at=at - 80_001.0, baseline=True),
        Logged(old, at=at - 80_001.0, seen_at=at - 80_001.0, baseline=True),
    )


def bmc_finding(
    name: str, code: str, act: tuple[Urgency, Remedy], sentence: str, since: float
) -> Finding:
    """A finding about a BMC or its server."""
    return Finding(
        code=code,
        scope=Scope.BMC,
        subject=f"bmc.{name}",
        urgency=act[0],
        route=act[0],
        remedy=act[1],
        since=since,
        sentence=sentence,
        source="gpuwatch heuristic",
        clears="the BMC says that it is back",
        escalates="a further supply lost",
    )


def main_bmc(now: float) -> BmcState:
    """The host's BMC over IPMI: a supply failed, a feed lost, a slow fan, warm air."""
    return BmcState(
        name="main",
        host="",
        protocol=BmcProtocol.IPMI,
        address="192.0.2.17:623",
        sweep=_sweep(now - 11.25),
        fresh=True,
        swept_at=now - 11.25,
        power_since=now - 1_000_021.0,
        counts={
            (LogTopic.POWER, LogSeverity.CRITICAL): 52,
            (LogTopic.MEMORY, LogSeverity.WARNING): 53,
        },
        cleared=54,
        wrapped=55,
        entries=_entries(now),
        verdict=Verdict.DRAIN_NOW,
        verdict_since=now - 341.0,
        findings=(
            bmc_finding(
                "main",
                "psu-failed",
                (Urgency.WINDOW, Remedy.REPLACE),
                "power supply PS3 has failed",
                now - 3_505.0,
            ),
            bmc_finding(
                "main",
                "redundancy-lost",
                (Urgency.PAGE, Remedy.POWER),
                "the power supplies have no redundancy left: PS3 failed, PS4 without input",
                now - 341.0,
            ),
        ),
    )


def hgx_bmc(now: float) -> BmcState:
    """The GPU baseboard's BMC over Redfish: it sees GPU 3 as the driver does."""
    gpu = BmcGpu(
        name="GPU_SXM_4",
        serial="1654223010010",
        part_number="692-2G520-0200-000",
        firmware="96.00.5E.00.01",
        health=CRITICAL,
        temperature_celsius=71.5,
        memory_temperature_celsius=83.5,
        power_watts=587.25,
        row_remap_failed=True,
        row_remap_pending=False,
        sram_threshold_exceeded=False,
        counts={"uncorrectable": 57, "rows_remapped_uncorrectable": 59},
    )
    sweep = BmcSweep(
        bmc="hgx",
        at=Moment(wall=now - 17.5, boottime=1_000_000.125, boot_id="2c4f9d0a"),
        seconds=1.40625,
        identity=BmcIdentity(product="HGX H100 8-GPU", firmware="HGX-22.10-1-rc67"),
        supplies=(PowerSupply(name="PSU", health=NOMINAL),),
        gpus=(gpu, BmcGpu(name="GPU_SXM_1", uuid="00000000-1111-2222-3333-444455556660")),
        updating=True,
        gaps={"logs": Gap(GapReason.TIMED_OUT)},
    )
    return BmcState(
        name="hgx",
        host="",
        protocol=BmcProtocol.REDFISH,
        address="https://192.0.2.18",
        sweep=sweep,
        fresh=True,
        swept_at=now - 17.5,
        verdict=Verdict.HEALTHY,
        verdict_since=now - 70_013.0,
    )


def dead_bmc(now: float) -> BmcState:
    """The BMC of another host that has not answered for two hours."""
    main = main_bmc(now)
    sweep = _sweep(now - 7_211.0)
    return replace(
        main,
        name="node-18",
        host="gpu-node-18",
        address="192.0.2.118:623",
        sweep=replace(sweep, bmc="node-18", identity=replace(sweep.identity, serial="SRV0118")),
        fresh=False,
        swept_at=now - 7_211.0,
        trouble=BmcTrouble.UNREACHABLE,
        problem="no answer from 192.0.2.118:623 (is it switched on, and is UDP 623 let through?)",
        trouble_since=now - 7_203.0,
        counts={(LogTopic.POWER, LogSeverity.CRITICAL): 152},
        cleared=153,
        wrapped=154,
        entries=(),
        verdict=Verdict.UNKNOWN,
        verdict_since=now - 6_613.0,
        findings=(
            bmc_finding(
                "node-18",
                "bmc-unreachable",
                (Urgency.INFO, Remedy.INSPECT),
                "the BMC has not answered for 2 h",
                now - 6_613.0,
            ),
        ),
        unknown_because="its BMC does not answer",
    )


def new_bmc(now: float) -> BmcState:
    """The BMC of another host that was not asked yet."""
    return BmcState(
        name="node-19",
        host="gpu-node-19",
        protocol=BmcProtocol.IPMI,
        address="192.0.2.119:623",
        verdict_since=now - 3.0,
        unknown_because="it was not asked yet",
    )


def bad_bmcs(now: float) -> tuple[BmcState, ...]:
    """All four."""
    return main_bmc(now), hgx_bmc(now), dead_bmc(now), new_bmc(now)
