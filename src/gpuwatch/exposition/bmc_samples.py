"""BMC samples: how the rows of the BMC table take label values and numbers from a BMC's state."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum

from gpuwatch.domain.bmc import (
    BmcGpu,
    BmcSweep,
    BmcTrouble,
    PowerSupply,
    Quantity,
    RedundancyState,
    SensorHealth,
)
from gpuwatch.domain.bmc_logs import LogSeverity, LogStatus, LogTopic
from gpuwatch.domain.snapshot import BmcState, Snapshot
from gpuwatch.domain.verdicts import Verdict
from gpuwatch.exposition.bmc_views import board_of, identity_of, numbers, told_by

Told = tuple[tuple[str, ...], float | None]  # label values in the row's order, and the number


@dataclass(frozen=True, slots=True)
class BmcScene:
    """One BMC within the snapshot: what every row takes from."""

    bmc: BmcState
    snapshot: Snapshot


Pick = Callable[[BmcScene], Iterable[Told]]


def of_state(take: Callable[[BmcState], float | None]) -> Pick:
    """One series from what is known of the BMC, whether it answers or not."""

    def pick(scene: BmcScene) -> Iterator[Told]:
        yield (), take(scene.bmc)

    return pick


def of_sweep(take: Callable[[BmcSweep], float | None]) -> Pick:
    """One series from the latest sweep, while it is fresh."""
    return each(lambda sweep: [((), take(sweep))])


def each(take: Callable[[BmcSweep], Iterable[Told]]) -> Pick:
    """Any number of series from the latest sweep, while it is fresh."""

    def pick(scene: BmcScene) -> Iterable[Told]:
        sweep = told_by(scene.bmc)
        return () if sweep is None else take(sweep)

    return pick


def answers(scene: BmcScene) -> Iterator[Told]:
    """Whether it answers; nothing before the first answer or failure."""
    bmc = scene.bmc
    if bmc.sweep is not None or bmc.trouble is not None:
        yield (), float(bmc.fresh and bmc.trouble is None)


def troubles(scene: BmcScene) -> Iterator[Told]:
    """One series per reason; nothing before the first answer or failure."""
    bmc = scene.bmc
    if bmc.sweep is not None or bmc.trouble is not None:
        yield from _states((), BmcTrouble, bmc.trouble)


def verdicts(scene: BmcScene) -> Iterator[Told]:
    """One series per verdict."""
    return _states((), Verdict, scene.bmc.verdict)


def findings(scene: BmcScene) -> Iterator[Told]:
    """1 for every rule that holds; the route is what alerts go by."""
    held = {
        (finding.code, finding.route.value, finding.remedy.value) for finding in scene.bmc.findings
    }
    for labels in sorted(held):
        yield labels, 1.0


def identity(scene: BmcScene) -> Iterator[Told]:
    """Who it is, as last told."""
    one = identity_of(scene.bmc)
    suite = "" if one.cipher_suite is None else str(one.cipher_suite)
    texts = (one.manufacturer, one.product, one.part_number, one.serial, one.firmware, one.bios)
    yield (*texts, scene.bmc.protocol.value, suite), 1.0


def measured(quantity: Quantity) -> Pick:
    """A series per sensor of a quantity: its label and part."""
    return each(
        lambda sweep: (
            ((sensor.label, sensor.part.value), value) for sensor, value in numbers(sweep, quantity)
        )
    )


def in_own_unit(sweep: BmcSweep) -> Iterator[Told]:
    """Sensors of no quantity that is known: the unit is a label."""
    for sensor, value in numbers(sweep, Quantity.OTHER):
        yield (sensor.label, sensor.part.value, sensor.unit), value


def healths(sweep: BmcSweep) -> Iterator[Told]:
    """What the BMC makes of each sensor, where it says."""
    for sensor in sweep.sensors:
        yield from _health((sensor.label, sensor.part.value), sensor.health)


def asserted(sweep: BmcSweep) -> Iterator[Told]:
    """What discrete sensors say at present."""
    for sensor in sweep.sensors:
        for state in dict.fromkeys(sensor.states):
            yield (sensor.label, sensor.part.value, state), 1.0


_SUPPLY: tuple[tuple[str, Callable[[PowerSupply], bool | None]], ...] = (
    ("present", lambda supply: supply.present),
    ("failed", lambda supply: supply.failed),
    ("failing", lambda supply: supply.failing),
    ("input_lost", lambda supply: supply.input_lost),
    ("standby", lambda supply: supply.standby),
)


def supplies(sweep: BmcSweep) -> Iterator[Told]:
    """What is known of each supply; several may hold at once."""
    for supply in sweep.supplies:
        for state, take in _SUPPLY:
            yield (supply.name, state), take(supply)


def supply_healths(sweep: BmcSweep) -> Iterator[Told]:
    """What the BMC makes of each supply, where it says."""
    for supply in sweep.supplies:
        yield from _health((supply.name,), supply.health)


def redundancies(sweep: BmcSweep) -> Iterator[Told]:
    """What is left of each redundancy, where it is told."""
    for one in sweep.redundancies:
        if one.state is not None:
            yield from _states((one.name, one.part.value), RedundancyState, one.state)


def faults(sweep: BmcSweep) -> Iterator[Told]:
    """The faults that the chassis tells of, whether they hold."""
    for fault, holds in sweep.chassis.faults.items():
        yield (fault.value,), holds


def of_logs(take: Callable[[LogStatus], float | None]) -> Pick:
    """A series per event log."""
    return each(lambda sweep: [((log.log,), take(log)) for log in sweep.logs])


def log_events(scene: BmcScene) -> Iterator[Told]:
    """Every topic and severity from the start: `increase()` never sees a series born at 1."""
    for topic in LogTopic:
        for severity in LogSeverity:
            yield (topic.value, severity.value), scene.bmc.counts.get((topic, severity), 0)


def of_gpus(take: Callable[[BmcGpu], float | None]) -> Pick:
    """A series per GPU that the BMC tells of."""
    return _gpus(lambda told: [((), take(told))])


def _gpus(take: Callable[[BmcGpu], Iterable[Told]]) -> Pick:
    def pick(scene: BmcScene) -> Iterator[Told]:
        sweep = told_by(scene.bmc)
        for told in () if sweep is None else sweep.gpus:
            board = board_of(scene.snapshot, scene.bmc, told)
            # The board's own serial and UUID, as the driver writes them, so that series join.
            serial = (board.record.key.serial if board else "") or told.serial
            uuid = board.record.key.uuid if board else told.uuid
            for labels, value in take(told):
                yield (told.name, serial, uuid, *labels), value

    return pick


gpu_healths = _gpus(lambda told: _health((), told.health))
gpu_counts = _gpus(lambda told: [((name,), count) for name, count in sorted(told.counts.items())])


def _states(
    labels: tuple[str, ...], words: Iterable[StrEnum], current: StrEnum | None
) -> Iterator[Told]:
    for word in words:
        yield (*labels, word.value), float(word is current)


def _health(labels: tuple[str, ...], health: SensorHealth | None) -> Iterator[Told]:
    if health is not None:
        yield from _states(labels, SensorHealth, health)
