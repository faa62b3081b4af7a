"""Air conditions: fans that stand or lag, and inlet air that is too warm."""

import re
import statistics
from collections.abc import Iterable

from gpuwatch.domain.bmc import BmcSweep, Part, Quantity, Sensor, SensorHealth
from gpuwatch.domain.bmc_well import fan_word
from gpuwatch.policy.bmc_conditions import listed, telling
from gpuwatch.policy.conditions import Answer, Match, Outcome
from gpuwatch.policy.views import BmcView, HostView, PolicySettings

SLOW_SHARE = 0.6
COMPARED = 2
SAME_DUTY = 0.1
COOLER_CELSIUS = 2.0  # below the limit: warm air that wavers about it is one finding

_DIGITS = re.compile(r"\d+")


def failed_fans(bmc: BmcView, _host: HostView, _settings: PolicySettings) -> Outcome:
    """A fan that was seen to turn stands still, or is critical by the BMC's own limits."""
    sweep = telling(bmc)
    if sweep is None:
        return Answer.CANNOT_TELL
    told = [f"{each.label} {_state(each, bmc)}" for each in broken_fans(bmc, sweep)]
    return Match(facts={"fans": listed(told)}) if told else Answer.NO


def slow_fans(bmc: BmcView, _host: HostView, _settings: PolicySettings) -> Outcome:
    """A fan turns with less than 60 % of the speed of those of its kind at the same duty."""
    sweep = telling(bmc)
    if sweep is None:
        return Answer.CANNOT_TELL
    broken = broken_fans(bmc, sweep)
    duties = {
        each.number: value
        for each in sweep.sensors
        if each.quantity is Quantity.FAN_DUTY and (value := number_of(each)) is not None
    }
    turning = [
        (each, speed)
        for each in sweep.sensors
        if _is_speed(each) and each not in broken and (speed := number_of(each))
    ]
    slow = []
    for fan, speed in turning:
        others = [theirs for other, theirs in turning if _is_alike(fan, other, duties)]
        if len(others) >= COMPARED and speed < SLOW_SHARE * statistics.median(others):
            usual = statistics.median(others)
            slow.append(f"{fan.label} at {speed:.0f} rpm where {usual:.0f} are usual")
    return Match(facts={"fans": listed(slow)}) if slow else Answer.NO


def hot_inlet(bmc: BmcView, _host: HostView, settings: PolicySettings) -> Outcome:
    """The inlet air is warmer than its class allows (`policy.inlet_class`)."""
    sweep = telling(bmc)
    hottest = None if sweep is None else hottest_inlet(sweep)
    if hottest is None:
        return Answer.CANNOT_TELL
    sensor, celsius = hottest
    limit = settings.inlet_celsius_max
    if celsius <= limit:
        return Answer.NO if celsius < limit - COOLER_CELSIUS else Answer.CANNOT_TELL
    return Match(
        facts={"celsius": f"{celsius:.0f}", "limit": f"{limit:.0f}", "sensor": sensor.label}
    )


def hottest_inlet(sweep: BmcSweep) -> tuple[Sensor, float] | None:
    """The warmest inlet and its degrees Celsius; None where none is read."""
    told = [
        (each, value)
        for each in sweep.sensors
        if each.part is Part.INLET
        and each.quantity is Quantity.TEMPERATURE
        and (value := number_of(each)) is not None
    ]
    return max(told, key=lambda one: one[1], default=None)


def inlet_limit_passed(host: HostView, settings: PolicySettings) -> float | None:
    """The degrees Celsius at an inlet of this host that are more than its class allows, or None."""
    sweeps = (telling(bmc) for bmc in host.bmcs if not bmc.host)
    inlets = (hottest_inlet(sweep) for sweep in sweeps if sweep is not None)
    hot = (inlet[1] for inlet in inlets if inlet and inlet[1] > settings.inlet_celsius_max)
    return max(hot, default=None)


def fans_turn(sweep: BmcSweep) -> bool:
    """Whether the speed of a fan is told; that none is wrong is what findings tell."""
    return any(_is_speed(each) and number_of(each) for each in sweep.sensors)


def broken_fans(bmc: BmcView, sweep: BmcSweep) -> list[Sensor]:
    """The fans, or what is told of their state, that have failed."""
    return [
        each
        for each in sweep.sensors
        if each.part is Part.FAN
        and (each.health is SensorHealth.CRITICAL or _stands(each, bmc.seen_well))
    ]


def number_of(sensor: Sensor) -> float | None:
    """What a sensor reads as a number; None for a gap, or a sensor without one."""
    return sensor.value if isinstance(sensor.value, float | int) else None


def _stands(sensor: Sensor, seen_well: Iterable[str]) -> bool:
    return _is_speed(sensor) and sensor.value == 0 and fan_word(sensor) in seen_well


def _state(fan: Sensor, bmc: BmcView) -> str:
    speed = number_of(fan)
    if _stands(fan, bmc.seen_well):
        return "stands still"
    if speed is None:
        return f"is critical ({', '.join(fan.states) or 'its BMC says no more'})"
    return f"is critical at {speed:.0f} rpm"


def _is_speed(sensor: Sensor) -> bool:
    return sensor.part is Part.FAN and sensor.quantity is Quantity.FAN_SPEED


def _is_alike(fan: Sensor, other: Sensor, duties: dict[int | None, float]) -> bool:
    """Whether another fan has the same kind of name, and is told to turn as fast where that is."""
    ours, theirs = duties.get(fan.number), duties.get(other.number)
    same_duty = ours is None or theirs is None or abs(ours - theirs) <= SAME_DUTY
    return other is not fan and _kind(fan) == _kind(other) and same_duty


def _kind(fan: Sensor) -> str:
    return _DIGITS.sub("#", fan.name)
