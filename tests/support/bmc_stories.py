"""BMC stories: what befalls a server so that a rule of its BMC fires, and what nearly does.

They are told to the whole agent, on a history, by BMCs whose sweeps and logs the test writes; a
minute passes between two sweeps. Every case has two BMCs of its own.
"""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path

from gpuwatch.agent.live_bmc import WatchedBmc
from gpuwatch.domain.bmc import (
    BmcFailure,
    BmcProtocol,
    BmcTrouble,
    Chassis,
    ChassisFault,
    Part,
    PowerLoss,
    PowerSupply,
    Quantity,
    RedundancyState,
    Sensor,
    SensorHealth,
    Watchdog,
)
from gpuwatch.domain.bmc_logs import LogStatus, LogTopic
from gpuwatch.domain.snapshot import BmcState
from gpuwatch.sources.base import BmcMessage
from tests.support.bmcs import (
    IDENTITY,
    bmc_gpu,
    fan,
    inlet,
    redundancy,
    sensor,
    supply,
    sweep,
)
from tests.support.controllers import Controller
from tests.support.driven import DrivenHost

MINUTE = 60.0


@dataclass(slots=True)
class ToldBmc:
    """A BMC that tells what the test says: `told` are the fields of its sweep that are special."""

    name: str
    host: DrivenHost
    of: str = ""  # whose BMC it is
    expected_on: bool = False
    told: dict[str, object] = field(default_factory=dict)
    trouble: BmcTrouble | None = None
    log: Controller = field(init=False)

    def __post_init__(self) -> None:
        self.log = Controller(name=self.name)

    def tell(self, **changes: object) -> None:
        """From now on its sweeps say this."""
        self.told |= changes

    def write(self, **changes: object) -> None:
        """Its log has another entry."""
        self.log.write(self.host.clock.wall, **changes)

    def messages(self) -> tuple[BmcMessage, ...]:
        """What its child delivers in one interval."""
        now = self.host.clock.now()
        if self.trouble is not None:
            return (BmcFailure(bmc=self.name, at=now, trouble=self.trouble, text="no answer"),)
        return self.log.batch(now), sweep(**({"bmc": self.name, "at": now} | self.told))

    @property
    def watched(self) -> WatchedBmc:
        """What the settings say of it."""
        return WatchedBmc(
            name=self.name,
            protocol=BmcProtocol.IPMI,
            address=f"{self.name}.example:623",
            interval=MINUTE,
            host=self.of,
            expected_on=self.expected_on,
        )


@dataclass(slots=True)
class Stage:
    """An agent that is turned by hand, and the BMCs that it watches."""

    folder: Path
    names: tuple[str, ...]
    of: str = ""
    host: DrivenHost = field(init=False)
    bmcs: dict[str, ToldBmc] = field(init=False)

    def __post_init__(self) -> None:
        self.folder.mkdir(parents=True)
        self.host = DrivenHost(self.folder)
        self.bmcs = {name: ToldBmc(name, self.host, self.of) for name in self.names}

    def start(self) -> None:
        """Start the agent, which knows the BMCs by its settings."""
        self.host.open()
        watched = [bmc.watched for bmc in self.bmcs.values()]
        self.host.agent.memory.bmcs.watch(watched, self.host.clock.now())
        self.host.start()

    def poll(self, minutes: int = 1) -> None:
        """So many minutes pass, in each of which every BMC tells something."""
        for _ in range(minutes):
            self.host.pulse(MINUTE)
            self.host.tell(*(each for bmc in self.bmcs.values() for each in bmc.messages()))

    def state(self, name: str) -> BmcState:
        """A BMC as readers see it."""
        return next(bmc for bmc in self.host.agent.snapshot.bmcs if bmc.name == name)

    def codes(self, name: str) -> list[str]:
        """The findings of a BMC."""
        return [finding.code for finding in self.state(name).findings]


Happening = Callable[[ToldBmc], None]


def nothing(_bmc: ToldBmc) -> None:
    """A server that is well."""


@dataclass(frozen=True, slots=True)
class BmcCase:
    """One rule, what makes it fire, and the nearest thing that does not.

    `before` is how the server of the nearest thing always was, `always` how both were.
    """

    code: str
    fires: Happening
    spares: Happening
    before: Happening = nothing
    always: Happening = nothing


def _tells(**changes: object) -> Happening:
    return lambda bmc: bmc.tell(**changes)


BAYS = tuple(supply(number) for number in range(1, 5))
FANS = tuple(fan(number) for number in range(1, 7))
LOST, INSUFFICIENT = RedundancyState.LOST, RedundancyState.INSUFFICIENT


def bays(*changed: PowerSupply) -> tuple[PowerSupply, ...]:
    """Four supplies, the first of which are these."""
    return (*changed, *BAYS[len(changed) :])


def _fans(*changed: Sensor) -> tuple[Sensor, ...]:
    return (inlet(), *changed, *FANS[len(changed) :])


def _faults(*faults: ChassisFault) -> Happening:
    held = {fault: fault in faults for fault in ChassisFault}
    return _tells(chassis=Chassis(power_on=True, faults=held))


def _redundant(state: RedundancyState, part: Part = Part.PSU) -> Happening:
    others = tuple(redundancy(part=each) for each in (Part.PSU, Part.FAN) if each is not part)
    return _tells(redundancies=(redundancy(state, part), *others))


def _off(*losses: PowerLoss) -> Happening:
    return _tells(chassis=Chassis(power_on=False, losses=frozenset(losses)))


def _in_trouble(trouble: BmcTrouble) -> Happening:
    def happen(bmc: ToldBmc) -> None:
        bmc.trouble = trouble

    return happen


def _writes(**changes: object) -> Happening:
    return lambda bmc: bmc.write(**changes)


def _began_anew(bmc: ToldBmc) -> None:
    """Its server is switched off and on, and what its log has is told again."""
    bmc.tell(chassis=Chassis(power_on=False))
    bmc.host.tell(*bmc.messages())
    bmc.tell(chassis=Chassis(power_on=True))
    bmc.write(**MEMORY)


MEMORY: dict[str, object] = {
    "topic": LogTopic.MEMORY,
    "text": "uncorrectable ECC error",
    "sensor": "DIMM A3",
    "sensor_key": "dimm-a3",
}
RAIL = sensor("P12V", quantity=Quantity.VOLTAGE, value=10.7, health=SensorHealth.CRITICAL)
MIRROR = redundancy(part=Part.OTHER)
EMPTY = bays(supply(1, present=False))

POWER = (
    BmcCase(
        "psu-failed",
        _tells(supplies=bays(supply(1, failed=True))),
        _tells(supplies=EMPTY),
        before=_tells(supplies=EMPTY),
    ),
    BmcCase(
        "psu-input-lost",
        _tells(supplies=bays(supply(1, input_lost=True))),
        _tells(supplies=bays(supply(1, standby=True))),
    ),
    BmcCase("redundancy-lost", _redundant(LOST), _redundant(RedundancyState.DEGRADED)),
    BmcCase("psu-lost-unprotected", _redundant(INSUFFICIENT), _redundant(LOST)),
    BmcCase("chassis-power-off", _off(PowerLoss.INPUT), _off()),
    BmcCase("power-fault", _faults(ChassisFault.OVERLOAD), _faults(ChassisFault.INTRUSION)),
)
AIR = (
    BmcCase(
        "fan-failed",
        _tells(sensors=_fans(fan(1, 0.0))),
        _tells(sensors=_fans(fan(1, 0.0))),
        before=_tells(sensors=_fans(fan(1, 0.0))),
    ),
    BmcCase(
        "fan-slow",
        _tells(sensors=_fans(fan(1, 5000.0))),
        _tells(sensors=_fans(fan(1, 5500.0))),
    ),
    BmcCase(
        "fan-redundancy-lost",
        _redundant(LOST, Part.FAN),
        _redundant(RedundancyState.DEGRADED, Part.FAN),
    ),
    BmcCase("fans-insufficient", _redundant(INSUFFICIENT, Part.FAN), _redundant(LOST, Part.FAN)),
    BmcCase("inlet-hot", _tells(sensors=(inlet(35.5),)), _tells(sensors=(inlet(34.9),))),
    BmcCase("cooling-fault", _faults(ChassisFault.COOLING), _faults(ChassisFault.DRIVE)),
)
SENSORS = (
    BmcCase("drive-fault", _faults(ChassisFault.DRIVE), _faults(ChassisFault.COOLING)),
    BmcCase("chassis-intrusion", _faults(ChassisFault.INTRUSION), _faults(ChassisFault.DRIVE)),
    BmcCase(
        "sensor-critical",
        _tells(sensors=(RAIL,)),
        _tells(sensors=(replace(RAIL, health=SensorHealth.WARNING),)),
    ),
    BmcCase(
        "sensor-warning",
        _tells(sensors=(replace(RAIL, health=SensorHealth.WARNING),)),
        _tells(sensors=(replace(RAIL, health=None),)),
    ),
    BmcCase(
        "redundancy-lost-elsewhere",
        _tells(redundancies=(replace(MIRROR, state=LOST),)),
        nothing,
        always=_tells(redundancies=(MIRROR,)),
    ),
    BmcCase(
        "bmc-gpu-fault",
        _tells(gpus=(bmc_gpu(1, row_remap_failed=True),)),
        _tells(gpus=(bmc_gpu(1, row_remap_pending=True),)),
    ),
)
CONTROLLERS = (
    BmcCase(
        "bmc-unreachable",
        _in_trouble(BmcTrouble.PASSWORD),
        _in_trouble(BmcTrouble.NO_SESSION),  # not yet for 15 minutes
    ),
    BmcCase("bmc-clock-skewed", _tells(clock_skew=121.0), _tells(clock_skew=119.0)),
    BmcCase(
        "cipher-suite-weak",
        _tells(identity=replace(IDENTITY, cipher_suite=3)),
        _tells(identity=replace(IDENTITY, cipher_suite=17)),
    ),
    BmcCase(
        "watchdog-expired",
        _tells(watchdog=Watchdog(running=False, expired="power cycle")),
        nothing,
        always=_tells(watchdog=Watchdog(running=True)),
    ),
    BmcCase(
        "log-full",
        _tells(logs=(LogStatus(log="sel", free_bytes=0),)),
        _tells(logs=(LogStatus(log="sel", free_bytes=16),)),
    ),
    BmcCase("sel-critical", _writes(**MEMORY), _began_anew, before=_writes(**MEMORY)),
)
CASES = (*POWER, *AIR, *SENSORS, *CONTROLLERS)
