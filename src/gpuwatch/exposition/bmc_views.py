"""BMC views: what metrics, pages and documents all ask of a BMC's state, said once."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from math import isfinite

from gpuwatch.domain.bmc import (
    BmcGpu,
    BmcIdentity,
    BmcSweep,
    Part,
    PowerSupply,
    Quantity,
    Sensor,
    SensorHealth,
)
from gpuwatch.domain.readings import Gap
from gpuwatch.domain.snapshot import BmcState, GpuState, Snapshot
from gpuwatch.domain.verdicts import GRAVITY, Urgency
from gpuwatch.exposition.views import gpus_of


def told_by(bmc: BmcState) -> BmcSweep | None:
    """The sweep that may be published: none once it has grown stale."""
    return bmc.sweep if bmc.fresh else None


def identity_of(bmc: BmcState) -> BmcIdentity:
    """Who the BMC is, as last told: it stays the same while it does not answer."""
    return BmcIdentity() if bmc.sweep is None else bmc.sweep.identity


def server_of(snapshot: Snapshot, bmc: BmcState) -> str:
    """The name of the server that the BMC is of."""
    return bmc.host or snapshot.hostname


def subject_of(bmc: BmcState) -> str:
    """What its findings and its source are called by."""
    return f"bmc.{bmc.name}"


def own(snapshot: Snapshot) -> tuple[BmcState, ...]:
    """The BMCs of this host, in the order of the settings."""
    return tuple(bmc for bmc in snapshot.bmcs if not bmc.host)


def others(snapshot: Snapshot) -> tuple[BmcState, ...]:
    """The BMCs of other hosts, the worst first."""
    return tuple(worst_first(bmc for bmc in snapshot.bmcs if bmc.host))


def worst_first(bmcs: Iterable[BmcState]) -> list[BmcState]:
    """By verdict, then by the most urgent finding, then by name as people count."""
    urgencies = list(Urgency)

    def order(bmc: BmcState) -> tuple[int, int, list[tuple[int, str]]]:
        held = (urgencies.index(finding.urgency) for finding in bmc.findings)
        worst = min(held, default=len(urgencies))
        return GRAVITY.index(bmc.verdict), worst, _counted(f"{bmc.host} {bmc.name}")

    return sorted(bmcs, key=order)


def _counted(name: str) -> list[tuple[int, str]]:
    """The pieces of a name, so that node-2 comes before node-10."""
    pieces = re.findall(r"[0-9]+|[^0-9]+", name)
    return [(int(piece), "") if piece.isdecimal() else (-1, piece) for piece in pieces]


def bmc_by_name(snapshot: Snapshot, name: str) -> BmcState | None:
    """The BMC that is called so in the settings."""
    return next((bmc for bmc in snapshot.bmcs if bmc.name == name), None)


def finite(value: float | None) -> float | None:
    """The number; None for none, and for what is not finite: no reader could make sense of it."""
    return value if value is not None and isfinite(value) else None


def number_of(sensor: Sensor) -> float | None:
    """The number that a sensor tells; None for a gap and where there is none."""
    return None if isinstance(sensor.value, Gap) else finite(sensor.value)


def numbers(
    sweep: BmcSweep, quantity: Quantity, part: Part | None = None
) -> Iterator[tuple[Sensor, float]]:
    """The sensors of a quantity, of one part where it is named, that tell a number."""
    for sensor in sweep.sensors:
        value = number_of(sensor)
        if sensor.quantity is quantity and part in (None, sensor.part) and value is not None:
            yield sensor, value


def inlet(sweep: BmcSweep) -> float | None:
    """The air that comes in, in degrees Celsius: the hottest where several sensors tell it."""
    return max(
        (value for _, value in numbers(sweep, Quantity.TEMPERATURE, Part.INLET)), default=None
    )


@dataclass(frozen=True, slots=True)
class SupplyWord:
    """A supply in a word; `well` is None where it cannot be told."""

    word: str
    well: bool | None


def word_of(supply: PowerSupply) -> SupplyWord:
    """What a supply is. Absent is no fault by itself: that is for redundancy to say."""
    rows = (
        (supply.present is False, SupplyWord("absent", well=None)),
        (supply.failed, SupplyWord("failed", well=False)),
        (supply.input_lost, SupplyWord("without input", well=False)),
        (supply.failing, SupplyWord("about to fail", well=False)),
        (supply.health is SensorHealth.CRITICAL, SupplyWord("critical", well=False)),
        (supply.health is SensorHealth.WARNING, SupplyWord("warning", well=False)),
        (supply.standby, SupplyWord("on standby", well=True)),
        (supply.failed is False or supply.health is not None, SupplyWord("well", well=True)),
    )
    return next((word for holds, word in rows if holds), SupplyWord("unknown", well=None))


def out_of_band(snapshot: Snapshot, gpu: GpuState) -> tuple[BmcState, BmcGpu] | None:
    """What a BMC of this host tells at present of one board, None where none does."""
    for bmc in own(snapshot):
        sweep = told_by(bmc)
        for told in () if sweep is None else sweep.gpus:
            if told.is_of(gpu.record.key):
                return bmc, told
    return None


def board_of(snapshot: Snapshot, bmc: BmcState, told: BmcGpu) -> GpuState | None:
    """The board of this host that its BMC speaks of, None for one that nobody knows."""
    if bmc.host:
        return None
    return next((gpu for gpu in gpus_of(snapshot) if told.is_of(gpu.record.key)), None)
