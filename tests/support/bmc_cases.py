"""Cases of the rules over BMCs: the smallest that fires each, the nearest that does not."""

from dataclasses import replace

from gpuwatch.domain.bmc import (
    BmcIdentity,
    BmcTrouble,
    Chassis,
    ChassisFault,
    Part,
    PowerLoss,
    Quantity,
    RedundancyState,
    Sensor,
    SensorHealth,
    Watchdog,
)
from gpuwatch.domain.bmc_logs import LogSeverity, LogStatus, LogTopic
from gpuwatch.domain.bmc_well import redundancy_word
from gpuwatch.domain.readings import Gap, GapReason
from gpuwatch.policy.views import BmcView, DriverHealth, HostView
from tests.support.bmcs import (
    bmc_gpu,
    fan,
    inlet,
    logged,
    redundancy,
    sensor,
    supply,
    sweep,
    view,
)
from tests.support.views import HEALTHY_READINGS, NOW, board, gpu, host

Case = tuple[str, HostView]
FULL, DEGRADED = RedundancyState.FULL, RedundancyState.DEGRADED
LOST, INSUFFICIENT = RedundancyState.LOST, RedundancyState.INSUFFICIENT
CRITICAL, WARNING = SensorHealth.CRITICAL, SensorHealth.WARNING
GAP = Gap(GapReason.UNSUPPORTED)


def _host(*bmcs: BmcView, **changes: object) -> HostView:
    return host(bmcs=bmcs, **changes)


def telling(**changes: object) -> HostView:
    """A host whose BMC tells this of its server."""
    return _host(view(sweep=sweep(**changes)))


def _silenced(view_of_host: HostView) -> list[HostView]:
    """The same, told when it is no news: just started, being updated, off, or not told at all."""
    (bmc,) = view_of_host.bmcs
    assert bmc.sweep is not None
    off = replace(bmc.sweep, chassis=replace(bmc.sweep.chassis, power_on=False))
    return [
        _host(replace(bmc, settled_seconds=299.0)),
        _host(replace(bmc, sweep=replace(bmc.sweep, updating=True))),
        _host(replace(bmc, sweep=off)),
        _host(replace(bmc, sweep=None, trouble=BmcTrouble.UNREACHABLE, silent_seconds=60.0)),
    ]


# -- the controller itself --


def _dumb(name: str, trouble: BmcTrouble = BmcTrouble.UNREACHABLE, **changes: object) -> BmcView:
    told: dict[str, object] = {"sweep": None, "trouble": trouble, "silent_seconds": 901.0}
    return view(name, **(told | changes))


UNREACHABLE_FIRES = [
    _host(_dumb("a")),
    _host(_dumb("a", BmcTrouble.NO_SESSION)),
    _host(_dumb("a", BmcTrouble.PASSWORD, silent_seconds=1.0)),
    _host(_dumb("a", BmcTrouble.CERTIFICATE, silent_seconds=1.0)),
]
UNREACHABLE_SILENT = [
    _host(_dumb("a", silent_seconds=899.0)),
    _host(view()),
    _host(view(sweep=None, answers=0)),
    _host(_dumb("a"), _dumb("b"), _dumb("c")),  # the network
]
NETWORK_FIRES = [
    _host(_dumb("a"), _dumb("b"), _dumb("c", BmcTrouble.TIMED_OUT)),
    _host(*(_dumb(name) for name in "abcdef"), *(view(name) for name in "ghijk")),
]
NETWORK_SILENT = [
    _host(_dumb("a"), _dumb("b")),
    _host(_dumb("a"), _dumb("b"), _dumb("c", BmcTrouble.PASSWORD)),
    _host(_dumb("a"), _dumb("b"), _dumb("c", silent_seconds=899.0)),
    _host(*(_dumb(name) for name in "abc"), *(view(name) for name in "def")),
]
SKEW_FIRES = [telling(clock_skew=121.0), telling(clock_skew=-9e8)]
SKEW_SILENT = [
    telling(clock_skew=120.0),
    telling(clock_skew=-120.0),
    telling(clock_skew=None),
    _host(view(sweep=None)),
    _host(view(sweep=sweep(clock_skew=7200.0)), clock_synchronized=False),
]
CIPHER_FIRES = [telling(identity=BmcIdentity(cipher_suite=suite)) for suite in (0, 3, 16)]
CIPHER_SILENT = [telling(), telling(identity=BmcIdentity()), _host(view(sweep=None))]
FULL_FIRES = [
    telling(logs=(LogStatus(log="sel", free_bytes=0),)),
    telling(logs=(LogStatus(log="sel", free_bytes=16, overflowed=True),)),
]
FULL_SILENT = [
    telling(logs=(LogStatus(log="sel", free_bytes=16, overflowed=False),)),
    telling(logs=(LogStatus(log="sel"),)),
    _host(view(sweep=None)),
]
WATCHDOG_FIRES = [telling(watchdog=Watchdog(running=False, expired="power cycle"))]
WATCHDOG_SILENT = [telling(watchdog=Watchdog(running=True)), telling(), _host(view(sweep=None))]

# -- the chassis --

OFF = Chassis(power_on=False)


def _off(
    seconds: float | None = 600.0,
    chassis: Chassis = OFF,
    /,
    **changes: object,
) -> HostView:
    return _host(view(sweep=sweep(chassis=chassis), powered_off_seconds=seconds, **changes))


def _dark(loss: PowerLoss) -> Chassis:
    return Chassis(power_on=False, losses=frozenset({loss}))


def _power(seconds_ago: float, **changes: object) -> dict[str, object]:
    about: dict[str, object] = {"topic": LogTopic.POWER, "text": "no power comes"}
    return {"entries": (logged(seconds_ago, **(about | changes)),)}


OFF_FIRES = [
    *(_off(600.0, _dark(loss)) for loss in PowerLoss),
    _off(**_power(1190.0)),
    _off(**_power(490.0, topic=LogTopic.THERMAL, asserted=None)),
    _off(expected_on=True),
    _off(None, expected_on=True),
]
OFF_SILENT = [
    _off(),  # somebody switched it off
    _off(None, _dark(PowerLoss.INPUT)),  # never seen on
    _off(119.0, _dark(PowerLoss.INPUT)),
    _off(**_power(1210.0)),
    _off(**_power(470.0)),
    _off(**_power(700.0, topic=LogTopic.MEMORY)),
    _off(**_power(700.0, severity=LogSeverity.WARNING)),
    _off(**_power(700.0, asserted=False)),
    _off(600.0, Chassis(), expected_on=True),
    _host(view(expected_on=True)),
    _host(view(sweep=None, expected_on=True)),
    _host(view(sweep=sweep(chassis=OFF, updating=True), expected_on=True)),
]


def _faulty(*faults: ChassisFault, **changes: object) -> HostView:
    told = {fault: fault in faults for fault in ChassisFault}
    return telling(chassis=Chassis(power_on=True, faults=told), **changes)


COOLING_FIRES = [_faulty(ChassisFault.COOLING)]
COOLING_SILENT = [
    _faulty(ChassisFault.DRIVE),
    telling(),
    _faulty(ChassisFault.COOLING, sensors=(fan(1, 0.0), fan(2))),
    *_silenced(_faulty(ChassisFault.COOLING)),
]
FAULT_FIRES = [
    _faulty(fault) for fault in (ChassisFault.POWER, ChassisFault.OVERLOAD, ChassisFault.INTERLOCK)
]
FAULT_SILENT = [
    _faulty(ChassisFault.INTRUSION),
    _faulty(ChassisFault.POWER, supplies=(supply(1, failed=True), supply(2))),
    *_silenced(_faulty(ChassisFault.POWER)),
]
INTRUSION_FIRES = [_faulty(ChassisFault.INTRUSION)]
INTRUSION_SILENT = [_faulty(ChassisFault.POWER), *_silenced(_faulty(ChassisFault.INTRUSION))]
BAD_DRIVE = sensor("Drive 3", part=Part.DRIVE, quantity=Quantity.STATE, value=None, health=CRITICAL)
DRIVE_FIRES = [_faulty(ChassisFault.DRIVE), telling(sensors=(BAD_DRIVE,))]
DRIVE_SILENT = [
    _faulty(ChassisFault.COOLING),
    telling(sensors=(replace(BAD_DRIVE, health=WARNING),)),
    *_silenced(telling(sensors=(BAD_DRIVE,))),
]

# -- power supplies --

BAYS = tuple(supply(number) for number in range(1, 5))


def _supplies(
    *changed: object, state: RedundancyState | None = FULL, **changes: object
) -> HostView:
    """A server of four supplies of which the first are changed like this."""
    told = [replace(BAYS[at], **each) for at, each in enumerate(changed)]  # type: ignore[arg-type]
    redundancies = () if state is None else (redundancy(state),)
    supplies = (*told, *BAYS[len(told) :])
    return _host(view(sweep=sweep(supplies=supplies, redundancies=redundancies), **changes))


FAILED = {"failed": True, "health": CRITICAL}
NO_INPUT = {"input_lost": True}
ABSENT = {"present": False}
NEVER: frozenset[str] = frozenset()

PSU_FIRES = [
    _supplies(FAILED, state=DEGRADED),
    _supplies({"failing": True}),
    _supplies(ABSENT),
    _supplies({"failed": None, "health": CRITICAL}),
    _supplies({"health": CRITICAL}),  # its input is out of range, say
    _supplies(FAILED, state=None),
]
PSU_SILENT = [
    _supplies(),
    _supplies(ABSENT, seen_well=NEVER),  # an empty bay
    _supplies({"standby": True}),  # cold redundancy
    _supplies({"failed": None, "health": WARNING}),
    _supplies({"present": None, "failed": None, "failing": None, "input_lost": None}),
    _supplies(NO_INPUT | FAILED),  # the feed's matter
    _supplies(FAILED, state=LOST),  # one page is enough
    *_silenced(_supplies(FAILED)),
]
INPUT_FIRES = [_supplies(NO_INPUT), _supplies(NO_INPUT, NO_INPUT, state=DEGRADED)]
INPUT_SILENT = [
    _supplies(FAILED),
    _supplies({"input_lost": None}),
    _supplies(NO_INPUT, state=LOST),
    *_silenced(_supplies(NO_INPUT)),
]
PAIR = (supply(1, failed=True), supply(2))
REDUNDANCY_FIRES = [
    _supplies(NO_INPUT, NO_INPUT, state=LOST),
    _supplies(state=LOST),  # it does not say which
    _supplies(FAILED, state=INSUFFICIENT),
    _supplies(FAILED, state=LOST, seen_well=NEVER),
    telling(supplies=PAIR, redundancies=()),  # one is left, whatever the BMC says
    telling(supplies=PAIR, redundancies=(redundancy(None),)),
]
REDUNDANCY_SILENT = [
    _supplies(FAILED, state=DEGRADED),
    _supplies(FAILED, FAILED, state=None),  # two are left, and nobody says whether that is enough
    _supplies(state=LOST, seen_well=NEVER),  # a server of one supply
    telling(supplies=(supply(1),), redundancies=()),
    telling(supplies=(supply(1, failed=True),), redundancies=()),
    telling(redundancies=(redundancy(LOST, Part.FAN),)),
    *_silenced(_supplies(FAILED, state=LOST)),
]
UNPROTECTED_FIRES = [
    _supplies(FAILED, state=INSUFFICIENT),
    _supplies(state=INSUFFICIENT),
    _supplies(FAILED, NO_INPUT, ABSENT, state=LOST),  # no redundancy is that large
]
UNPROTECTED_SILENT = [
    _supplies(FAILED, FAILED, state=LOST),
    _supplies(FAILED, FAILED, FAILED, state=DEGRADED),
    _supplies(FAILED, FAILED, FAILED, state=None),
    _supplies(state=INSUFFICIENT, seen_well=NEVER),
    *_silenced(_supplies(FAILED, state=INSUFFICIENT)),
]

# -- fans and air --

FANS = tuple(fan(number) for number in range(1, 7))


def _fans(*others: Sensor, **changes: object) -> HostView:
    """A server whose first fans are these."""
    sensors = (inlet(), *others, *FANS[len(others) :])
    return _host(view(sweep=sweep(sensors=sensors), **changes))


FAN_STATE = sensor("Fan 1 Status", part=Part.FAN, quantity=Quantity.STATE, value=None)
FAN_FIRES = [
    _fans(fan(1, 0.0)),
    _fans(fan(1, 900.0, health=CRITICAL)),
    _fans(replace(FAN_STATE, health=CRITICAL, states=("transition to off line",))),
    _fans(replace(FAN_STATE, health=CRITICAL)),
]
FAN_SILENT = [
    _fans(fan(1, 900.0)),
    _fans(fan(1, 0.0), seen_well=NEVER),  # a connector without a fan
    _fans(fan(1, None)),
    _fans(fan(1, value=GAP)),
    _fans(FAN_STATE),
    _fans(sensor("PSU1 Fan", part=Part.PSU, quantity=Quantity.FAN_SPEED, value=0.0)),
    telling(redundancies=(redundancy(INSUFFICIENT, Part.FAN),), sensors=(fan(1, 0.0),)),
    *_silenced(_fans(fan(1, 0.0))),
]
SLOW_FIRES = [_fans(fan(1, 5399.0)), _fans(fan(1, 5399.0), fan(2, 5399.0))]


def _duty(number: int, ratio: float | Gap) -> Sensor:
    return sensor(
        f"PWM{number}", part=Part.FAN, quantity=Quantity.FAN_DUTY, number=number, value=ratio
    )


SLOW_SILENT = [
    _fans(fan(1, 5400.0)),
    _fans(fan(1, 0.0)),  # it stands
    _fans(fan(1, None)),
    telling(sensors=(fan(1, 3000.0), fan(2))),  # one sibling is no measure
    telling(sensors=(*FANS, sensor("FANA", quantity=Quantity.FAN_SPEED, part=Part.FAN, value=3e3))),
    telling(
        sensors=(fan(1, 3000.0), *FANS[1:], _duty(1, 0.3), *(_duty(at, 0.9) for at in range(2, 7)))
    ),
    *_silenced(_fans(fan(1, 5399.0))),
]
SLOW_FIRES.append(
    telling(sensors=(fan(1, 3000.0), *FANS[1:], _duty(1, GAP), *(_duty(at, 0.9) for at in (2, 3))))
)
FAN_REDUNDANCY_FIRES = [telling(redundancies=(redundancy(LOST, Part.FAN),))]
FAN_REDUNDANCY_SILENT = [
    telling(redundancies=(redundancy(DEGRADED, Part.FAN),)),
    telling(redundancies=(redundancy(LOST),)),
    telling(redundancies=(redundancy(LOST, Part.FAN),), sensors=(fan(1, 0.0), fan(2))),
    _host(view(sweep=sweep(redundancies=(redundancy(LOST, Part.FAN),)), seen_well=NEVER)),
    *_silenced(telling(redundancies=(redundancy(LOST, Part.FAN),))),
]
FANS_FIRES = [telling(redundancies=(redundancy(INSUFFICIENT, Part.FAN),))]
FANS_SILENT = [
    telling(redundancies=(redundancy(LOST, Part.FAN),)),
    *_silenced(telling(redundancies=(redundancy(INSUFFICIENT, Part.FAN),))),
]
MIRROR = redundancy(part=Part.OTHER)
MIRRORED = frozenset({redundancy_word(MIRROR)})
ELSEWHERE_FIRES = [
    _host(view(sweep=sweep(redundancies=(replace(MIRROR, state=state),)), seen_well=MIRRORED))
    for state in (LOST, INSUFFICIENT)
]
ELSEWHERE_SILENT = [
    _host(view(sweep=sweep(redundancies=(MIRROR,)), seen_well=MIRRORED)),
    telling(redundancies=(replace(MIRROR, state=LOST),)),  # it never was redundant
]
INLET_FIRES = [
    telling(sensors=(inlet(35.1),)),
    telling(sensors=(inlet(24.0), replace(inlet(36.0), key="second", label="Inlet 2"))),
]
INLET_SILENT = [
    telling(sensors=(inlet(35.0),)),
    telling(sensors=(inlet(32.9),)),
    telling(sensors=(inlet(None),)),
    telling(sensors=(sensor("CPU1", part=Part.CPU, value=60.0),)),
    telling(sensors=(inlet(9000.0, quantity=Quantity.FAN_SPEED),)),
    *_silenced(telling(sensors=(inlet(36.0),))),
]

# -- other sensors --

RAIL = sensor("P12V", quantity=Quantity.VOLTAGE, value=10.7, health=CRITICAL)
STATE = sensor(
    "CPU1 Status", quantity=Quantity.STATE, part=Part.CPU, value=None, health=CRITICAL,
    states=("thermal trip",),
)  # fmt: skip
PSU_VOLTS = sensor(
    "PSU1 Vin", quantity=Quantity.VOLTAGE, part=Part.PSU, number=1, value=0.0, health=CRITICAL
)
PSU_STATE = replace(PSU_VOLTS, quantity=Quantity.STATE, value=None)
SHUT = Chassis(power_on=True, faults={ChassisFault.INTRUSION: False})
SENSOR_FIRES = [
    telling(sensors=(PSU_STATE,)),  # of a supply of which nothing else is told
    telling(sensors=(replace(STATE, kind="Physical Security"),)),
    telling(sensors=(replace(STATE, kind="Watchdog 2"),)),
    telling(sensors=(replace(STATE, kind="Event Logging Disabled"),), logs=()),
    telling(sensors=(RAIL,)),
    telling(sensors=(STATE,)),
    telling(sensors=(replace(STATE, states=()),)),
    telling(sensors=(inlet(34.0, health=CRITICAL),)),  # the BMC's own limit, not ours
    telling(sensors=(inlet(None, health=CRITICAL),)),
    telling(sensors=(PSU_VOLTS,)),
    telling(sensors=(PSU_STATE,), supplies=()),
    telling(sensors=(replace(STATE, part=Part.CHASSIS),)),
    telling(sensors=(replace(RAIL, quantity=Quantity.OTHER, unit="bar"),)),
    telling(sensors=(sensor("PWM", quantity=Quantity.FAN_DUTY, value=0.1, health=CRITICAL),)),
    telling(sensors=(PSU_VOLTS,), supplies=(supply(2, failed=True),)),
]
SENSOR_SILENT = [
    telling(sensors=(replace(RAIL, health=SensorHealth.WARNING),)),
    telling(sensors=(replace(RAIL, health=None),)),
    telling(sensors=(fan(1, 900.0, health=CRITICAL),)),
    telling(sensors=(BAD_DRIVE,)),
    telling(sensors=(inlet(36.0, health=CRITICAL),)),
    telling(sensors=(PSU_VOLTS,), supplies=(supply(1, input_lost=True),)),
    telling(sensors=(replace(PSU_VOLTS, number=None),), supplies=(supply(1, input_lost=True),)),
    telling(sensors=(PSU_STATE,), supplies=(supply(1, failing=True),)),
    telling(sensors=(PSU_STATE,), supplies=(supply(1, health=CRITICAL),)),
    telling(sensors=(replace(STATE, kind="Physical Security"),), chassis=SHUT),
    telling(sensors=(replace(STATE, kind="Watchdog 2"),), watchdog=Watchdog(running=True)),
    telling(sensors=(replace(STATE, kind="Event Logging Disabled"),)),
    telling(sensors=(replace(STATE, label=redundancy().name),)),
    telling(sensors=(replace(STATE, name=redundancy().name),)),
    _faulty(ChassisFault.INTRUSION, sensors=(replace(STATE, part=Part.CHASSIS),)),
    _host(
        view(
            sweep=sweep(sensors=(replace(STATE, key="dimm"),)),
            entries=(logged(sensor_key="dimm"),),
        )
    ),
    *_silenced(telling(sensors=(RAIL,))),
]
WARNING_FIRES = [
    telling(sensors=(replace(RAIL, health=WARNING),)),
    telling(sensors=(fan(1, 2000.0, health=WARNING), fan(2))),
]
WARNING_SILENT = [telling(sensors=(RAIL,)), *_silenced(telling(sensors=(RAIL,)))]


def _says(**changes: object) -> HostView:
    """A host one of whose GPUs its BMC speaks of."""
    return telling(gpus=(bmc_gpu(1, **changes),))


def _remapped(number: int) -> HostView:
    """The board has said itself what the BMC says of it."""
    readings = HEALTHY_READINGS | {"gpuwatch_gpu_row_remap_failed": 1}
    own = gpu(record=board(number), readings=readings)
    return replace(_says(row_remap_failed=True, serial=board(1).key.serial), gpus=(own,))


GPU_FIRES = [
    _says(row_remap_failed=True),
    _says(sram_threshold_exceeded=True, serial=""),
    _says(health=CRITICAL, serial="", uuid="GPU-1"),
    _remapped(2),  # another board
    _host(*(replace(bmc, host="gpu17") for bmc in _remapped(1).bmcs), gpus=_remapped(1).gpus),
]
GPU_SILENT = [
    _says(row_remap_pending=True),
    _says(health=WARNING),
    _says(row_remap_failed=None),
    _remapped(1),
    *_silenced(_says(row_remap_failed=True)),
]

# -- the event log --

PSU_ENTRY: dict[str, object] = {
    "topic": LogTopic.POWER,
    "text": "PSU1 lost its input",
    "sensor": "PSU1 Status",
    "sensor_key": "psu1",
}
HEAT_ENTRY: dict[str, object] = {
    "topic": LogTopic.THERMAL,
    "text": "CPU1 above its upper critical limit",
    "sensor": "CPU1 Temp",
    "sensor_key": "cpu1",
}


WELL_PSU = sensor("PSU1 Status", key="psu1", part=Part.PSU, quantity=Quantity.STATE, value=None)
REGULATOR = sensor("P0_VDD_PG", key="vdd", quantity=Quantity.STATE, part=Part.VRM, value=None)
QUIET = sensor("OS", key="os", quantity=Quantity.STATE, value=None)
REGULATOR_ENTRY: dict[str, object] = {
    "topic": LogTopic.POWER,
    "text": "P0_VDD_PG: state asserted",
    "sensor_key": "vdd",
}


XID_79 = logged(topic=LogTopic.GPU, text="GPU_SXM_3 driver event: XID 79, off the bus")
XID_31 = logged(topic=LogTopic.GPU, text="GPU_SXM_3 driver event: XID 31, pid 4711")
OK: dict[str, object] = {"severity": LogSeverity.INFO, "asserted": None, "text": "PSU1 is well"}


def _log(*entries: object, **changes: object) -> HostView:
    return _host(view(entries=entries, **changes))


SEL_FIRES = [
    _log(logged()),
    _log(logged(topic=LogTopic.PCIE), logged(topic=LogTopic.PROCESSOR), logged(topic=LogTopic.GPU)),
    _log(logged(asserted=None)),
    _log(logged(**PSU_ENTRY)),
    _log(logged(**HEAT_ENTRY)),
    _log(logged(topic=LogTopic.OTHER)),
    _log(logged(again=True)),  # nothing started
    _log(logged(900.0), restarts=(NOW.wall - 960.0,)),  # never told before
    _log(logged(again=True), restarts=(NOW.wall - 3600.0 - 901.0, NOW.wall - 3600.0 + 361.0)),
    _log(logged(30.0, asserted=False), logged()),  # what happened is not over
    _log(logged(30.0, **(PSU_ENTRY | {"asserted": False})), logged(20.0, **PSU_ENTRY)),
    _log(
        logged(30.0, **(HEAT_ENTRY | {"asserted": False, "sensor_key": "cpu2"})),
        logged(**HEAT_ENTRY),
    ),
    _log(
        logged(30.0, **(HEAT_ENTRY | {"asserted": False, "sensor_key": "", "sensor": ""})),
        logged(**(HEAT_ENTRY | {"sensor_key": "", "sensor": ""})),
    ),
    _log(logged(), sweep=None, trouble=BmcTrouble.TIMED_OUT),
    _log(logged(**HEAT_ENTRY), logged(), sweep=None),
    _log(logged(**REGULATOR_ENTRY), sweep=sweep(sensors=(REGULATOR,))),  # quiet again at once
    _log(logged(**PSU_ENTRY), sweep=sweep(sensors=(replace(RAIL, key="psu1", health=None),))),
    _log(logged(topic=LogTopic.OTHER, sensor_key="os"), sweep=sweep(sensors=(QUIET,))),
    _log(logged(topic=LogTopic.GPU, text="GPU_SXM_3: Xid (PCI:0000:19:00): 79"), host="gpu17"),
    _host(view(entries=(XID_79,)), driver=DriverHealth.NOT_ASKED),
    _log(logged(30.0, **(PSU_ENTRY | OK | {"sensor_key": "psu2"})), logged(**PSU_ENTRY)),
]
SEL_SILENT = [
    _log(),
    _log(logged(severity=LogSeverity.WARNING)),
    _log(logged(asserted=False)),
    _log(logged(baseline=True)),
    _log(logged(again=True), restarts=(NOW.wall - 4000.0,)),
    _log(logged(again=True), restarts=(NOW.wall - 3600.0 + 300.0,)),  # in the last of a start
    _log(logged(30.0, **(PSU_ENTRY | {"asserted": False})), logged(**PSU_ENTRY)),
    _log(
        logged(30.0, **(HEAT_ENTRY | {"asserted": False, "sensor_key": ""})),
        logged(**(HEAT_ENTRY | {"sensor_key": ""})),
    ),
    _log(XID_79),  # this host's driver tells it
    _log(XID_31, host="gpu17"),  # a program's
    _log(logged(30.0, **(PSU_ENTRY | OK)), logged(**PSU_ENTRY)),
    _log(logged(**PSU_ENTRY), sweep=None),
    _log(logged(**PSU_ENTRY), sweep=sweep(supplies=PAIR)),
    _log(logged(**PSU_ENTRY), sweep=sweep(redundancies=(redundancy(LOST),))),
    _log(logged(**PSU_ENTRY), sweep=sweep(chassis=OFF)),
    _log(logged(**PSU_ENTRY), sweep=sweep(sensors=(replace(RAIL, key="psu1"),))),
    _log(logged(**HEAT_ENTRY), sweep=sweep(sensors=(inlet(36.0),))),
    _log(logged(**HEAT_ENTRY), sweep=sweep(chassis=OFF)),
    _log(logged(**HEAT_ENTRY), sweep=sweep(sensors=(sensor("CPU1", key="cpu1"),))),  # cool again
    _log(logged(**PSU_ENTRY), sweep=sweep(sensors=(WELL_PSU,))),
    _log(
        logged(**(PSU_ENTRY | {"sensor_key": "redundancy"})),
        sweep=sweep(sensors=(replace(QUIET, key="redundancy", name=redundancy().name),)),
    ),
    _log(
        logged(**(PSU_ENTRY | {"sensor_key": "open", "topic": LogTopic.OTHER})),
        sweep=sweep(sensors=(replace(QUIET, key="open", kind="Physical Security"),)),
    ),
    _log(logged(**HEAT_ENTRY), sweep=sweep(sensors=(fan(1, 0.0),))),
    _log(logged(**HEAT_ENTRY), sweep=sweep(sensors=(sensor("C", key="cpu1", health=CRITICAL),))),
    _log(
        logged(**(HEAT_ENTRY | {"topic": LogTopic.OTHER})),
        sweep=sweep(sensors=(sensor("C", key="cpu1", health=CRITICAL),)),
    ),
]


def _cases(code: str, views: list[HostView]) -> list[Case]:
    return [(code, each) for each in views]


FIRES: list[Case] = [
    *_cases("bmc-network-lost", NETWORK_FIRES),
    *_cases("bmc-unreachable", UNREACHABLE_FIRES),
    *_cases("bmc-clock-skewed", SKEW_FIRES),
    *_cases("cipher-suite-weak", CIPHER_FIRES),
    *_cases("chassis-power-off", OFF_FIRES),
    *_cases("psu-lost-unprotected", UNPROTECTED_FIRES),
    *_cases("redundancy-lost", REDUNDANCY_FIRES),
    *_cases("psu-input-lost", INPUT_FIRES),
    *_cases("psu-failed", PSU_FIRES),
    *_cases("fans-insufficient", FANS_FIRES),
    *_cases("fan-failed", FAN_FIRES),
    *_cases("fan-redundancy-lost", FAN_REDUNDANCY_FIRES),
    *_cases("redundancy-lost-elsewhere", ELSEWHERE_FIRES),
    *_cases("fan-slow", SLOW_FIRES),
    *_cases("inlet-hot", INLET_FIRES),
    *_cases("cooling-fault", COOLING_FIRES),
    *_cases("power-fault", FAULT_FIRES),
    *_cases("drive-fault", DRIVE_FIRES),
    *_cases("chassis-intrusion", INTRUSION_FIRES),
    *_cases("watchdog-expired", WATCHDOG_FIRES),
    *_cases("sensor-critical", SENSOR_FIRES),
    *_cases("sensor-warning", WARNING_FIRES),
    *_cases("sel-critical", SEL_FIRES),
    *_cases("log-full", FULL_FIRES),
    *_cases("bmc-gpu-fault", GPU_FIRES),
]
SILENT: list[Case] = [
    *_cases("bmc-network-lost", NETWORK_SILENT),
    *_cases("bmc-unreachable", UNREACHABLE_SILENT),
    *_cases("bmc-clock-skewed", SKEW_SILENT),
    *_cases("cipher-suite-weak", CIPHER_SILENT),
    *_cases("chassis-power-off", OFF_SILENT),
    *_cases("psu-lost-unprotected", UNPROTECTED_SILENT),
    *_cases("redundancy-lost", REDUNDANCY_SILENT),
    *_cases("psu-input-lost", INPUT_SILENT),
    *_cases("psu-failed", PSU_SILENT),
    *_cases("fans-insufficient", FANS_SILENT),
    *_cases("fan-failed", FAN_SILENT),
    *_cases("fan-redundancy-lost", FAN_REDUNDANCY_SILENT),
    *_cases("redundancy-lost-elsewhere", ELSEWHERE_SILENT),
    *_cases("fan-slow", SLOW_SILENT),
    *_cases("inlet-hot", INLET_SILENT),
    *_cases("cooling-fault", COOLING_SILENT),
    *_cases("power-fault", FAULT_SILENT),
    *_cases("drive-fault", DRIVE_SILENT),
    *_cases("chassis-intrusion", INTRUSION_SILENT),
    *_cases("watchdog-expired", WATCHDOG_SILENT),
    *_cases("sensor-critical", SENSOR_SILENT),
    *_cases("sensor-warning", WARNING_SILENT),
    *_cases("sel-critical", SEL_SILENT),
    *_cases("log-full", FULL_SILENT),
    *_cases("bmc-gpu-fault", GPU_SILENT),
]
# What no time makes a finding.
STEADY = [
    (code, each)
    for code, each in SILENT
    if code not in ("bmc-network-lost", "bmc-unreachable", "chassis-power-off")
]
