"""Builders of what BMCs tell: a server that is well, to be bent by one thing."""

from dataclasses import replace

from gpuwatch.domain.bmc import (
    BmcGpu,
    BmcIdentity,
    BmcSweep,
    Chassis,
    Part,
    PowerSupply,
    Quantity,
    Redundancy,
    RedundancyState,
    Sensor,
    SensorHealth,
)
from gpuwatch.domain.bmc_logs import LogEntry, LogSeverity, LogStatus, LogTopic
from gpuwatch.domain.bmc_well import well_in
from gpuwatch.domain.snapshot import Logged
from gpuwatch.policy.views import BmcView
from tests.support.views import NOW

BMC = "host"
IDENTITY = BmcIdentity(
    manufacturer="Acme",
    product="GS-8100",
    serial="SRV0001",
    board_serial="MB0001",
    firmware="3.12",
    cipher_suite=17,
)


def sensor(label: str, **changes: object) -> Sensor:
    """A temperature of 40 degrees Celsius that is as it should be."""
    base = Sensor(
        key=f"key-of-{label}",
        name=label,
        label=label,
        quantity=Quantity.TEMPERATURE,
        part=Part.BOARD,
        value=40.0,
        health=SensorHealth.NOMINAL,
    )
    return replace(base, **changes)  # type: ignore[arg-type]


def inlet(celsius: float | None = 24.0, **changes: object) -> Sensor:
    """The inlet's temperature."""
    return sensor("Inlet Temp", part=Part.INLET, value=celsius, **changes)


def fan(number: int, rpm: float | None = 9000.0, **changes: object) -> Sensor:
    """A fan's speed."""
    told: dict[str, object] = {
        "quantity": Quantity.FAN_SPEED,
        "part": Part.FAN,
        "number": number,
        "value": rpm,
    }
    return sensor(f"FAN{number}", **(told | changes))


def supply(number: int, **changes: object) -> PowerSupply:
    """A supply that is there and well."""
    base = PowerSupply(
        name=f"PSU{number}",
        number=number,
        present=True,
        failed=False,
        failing=False,
        input_lost=False,
        health=SensorHealth.NOMINAL,
    )
    return replace(base, **changes)  # type: ignore[arg-type]


def redundancy(
    state: RedundancyState | None = RedundancyState.FULL, part: Part = Part.PSU
) -> Redundancy:
    """The redundancy of supplies, or of another part."""
    return Redundancy(name=f"{part.value} redundancy", part=part, state=state)


def bmc_gpu(number: int, **changes: object) -> BmcGpu:
    """A GPU of which a baseboard's BMC tells nothing bad."""
    base = BmcGpu(
        name=f"GPU_SXM_{number}",
        serial=f"16522220147{number:02d}",
        health=SensorHealth.NOMINAL,
        temperature_celsius=52.0,
        row_remap_failed=False,
        row_remap_pending=False,
        sram_threshold_exceeded=False,
    )
    return replace(base, **changes)  # type: ignore[arg-type]


def sweep(**changes: object) -> BmcSweep:
    """A server of four supplies and six fans that is on, cool, and well."""
    base = BmcSweep(
        bmc=BMC,
        at=NOW,
        seconds=1.2,
        identity=IDENTITY,
        sensors=(inlet(), *(fan(number) for number in range(1, 7))),
        supplies=tuple(supply(number) for number in range(1, 5)),
        redundancies=(redundancy(), redundancy(part=Part.FAN)),
        chassis=Chassis(power_on=True),
        watts=4200.0,
        logs=(LogStatus(log="sel", entries=12, free_bytes=9000, overflowed=False),),
        clock_skew=0.4,
    )
    return replace(base, **changes)  # type: ignore[arg-type]


def entry(text: str = "uncorrectable ECC error of DIMM A3", /, **changes: object) -> LogEntry:
    """A critical entry about memory."""
    base = LogEntry(
        log="sel",
        record="21",
        told_at=NOW.wall - 3600,
        topic=LogTopic.MEMORY,
        severity=LogSeverity.CRITICAL,
        text=text,
        sensor="DIMM A3",
        sensor_key="key-of-DIMM A3",
        asserted=True,
    )
    return replace(base, **changes)  # type: ignore[arg-type]


def logged(seconds_ago: float = 3600.0, /, **changes: object) -> Logged:
    """An entry as it is remembered, of so long ago; `baseline` and `again` are of the memory."""
    at = NOW.wall - seconds_ago
    of_memory = {name: bool(changes.pop(name, False)) for name in ("baseline", "again")}
    return Logged(entry=entry(**({"told_at": at} | changes)), at=at, seen_at=at + 30, **of_memory)


def view(name: str = BMC, /, **changes: object) -> BmcView:
    """The BMC of this host, which answered a moment ago and shows a server that is well."""
    base = BmcView(name=name, sweep=sweep(bmc=name), answers=100, seen_well=well_in(sweep()))
    return replace(base, **changes)  # type: ignore[arg-type]
