"""Heat and power conditions: a GPU that cannot shed its heat, a hot hall, a power supply."""

import statistics

from gpuwatch.policy.air_conditions import inlet_limit_passed
from gpuwatch.policy.conditions import Answer, Match, Outcome, name_of
from gpuwatch.policy.siblings import can_ask, here, last_minutes, mean, siblings_of
from gpuwatch.policy.trailed import (
    BRAKED,
    BRAKING,
    HARDWARE_HOT,
    POWER,
    SLOWDOWN,
    SOFTWARE_HOT,
    TEMPERATURE,
)
from gpuwatch.policy.views import GpuView, HostView, PolicySettings

LEVEL_MINUTES = 2
HOTTER_CELSIUS = 15.0
SIMILAR_POWER = 0.8  # more power makes a cool sibling all the more telling
COMPARED = 2
SLOW_SHARE = 0.5
HOT_GPUS = 3
BRAKE_MINUTES = 10
BRAKED_MINUTES = 6


def gpu_cooling_path(gpu: GpuView, host: HostView, _settings: PolicySettings) -> Outcome:
    """The hardware slows this GPU alone, which is much hotter than siblings that do as much."""
    slowed = _held_back(gpu, host, (SLOWDOWN, HARDWARE_HOT))
    heat, power = _level(gpu, host, TEMPERATURE), _level(gpu, host, POWER)
    if slowed is False:
        return Answer.NO
    if slowed is None or heat is None or power is None:
        return Answer.CANNOT_TELL
    compared = []
    for sibling in siblings_of(gpu, host):
        theirs, drawn = _level(sibling, host, TEMPERATURE), _level(sibling, host, POWER)
        if _held_back(sibling, host, (SLOWDOWN, HARDWARE_HOT)):
            return Answer.NO  # not alone
        if theirs is not None and drawn is not None and drawn >= SIMILAR_POWER * power:
            compared.append(theirs)
    if len(compared) < COMPARED:
        return Answer.CANNOT_TELL
    usual = statistics.median(compared)
    if heat - usual < HOTTER_CELSIUS:
        return Answer.NO
    return Match(
        facts={
            "celsius": f"{heat:.0f}",
            "usual_celsius": f"{usual:.0f}",
            "siblings": str(len(compared)),
            "watts": f"{power:.0f}",
        }
    )


def hot_hall(host: HostView, settings: PolicySettings) -> Outcome:
    """Heat slows 3 GPUs or more, or one while the inlet is too warm: not they are to blame."""
    told = [(gpu, _held_back(gpu, host, (HARDWARE_HOT, SOFTWARE_HOT))) for gpu in here(host)]
    slow = [gpu for gpu, held in told if held]
    unknown = sum(held is None for _, held in told)
    inlet = inlet_limit_passed(host, settings)
    enough = HOT_GPUS if inlet is None else 1
    if len(slow) >= enough:
        return Match(facts=_slowed(slow, inlet))
    blind = not can_ask(host) or len(slow) + unknown >= enough
    return Answer.CANNOT_TELL if blind else Answer.NO


def _slowed(slow: list[GpuView], inlet: float | None) -> dict[str, str]:
    gpus = ", ".join(name_of(gpu) for gpu in slow)
    told = f"{len(slow)} GPUs at once ({gpus})" if len(slow) > 1 else f"a GPU ({gpus})"
    facts = {"count": str(len(slow)), "gpus": gpus, "slowed": told}
    if inlet is None:
        return facts
    celsius = f"{inlet:.0f}"
    warm = f"{told}, and the air at the inlet has {celsius} degrees Celsius"
    return facts | {"inlet_celsius": celsius, "slowed": warm}


def power_brake(host: HostView, _settings: PolicySettings) -> Outcome:
    """The power brake, which the server pulls, held a GPU in most of the last minutes."""
    braked, unknown = [], not can_ask(host)
    for gpu in here(host):
        minutes = last_minutes(gpu, host, BRAKE_MINUTES)
        # Older drivers do not count the time: then the share of readings with the brake on.
        told = [minute.rises.get(BRAKED, minute.means.get(BRAKING)) for minute in minutes]
        grew = sum(bool(value) for value in told)
        if grew >= BRAKED_MINUTES:
            braked.append(gpu)
        idle = sum(value == 0 for value in told)
        unknown = unknown or idle <= BRAKE_MINUTES - BRAKED_MINUTES
    if braked:
        facts = {"count": str(len(braked)), "gpus": ", ".join(name_of(gpu) for gpu in braked)}
        return Match(facts=facts)
    return Answer.CANNOT_TELL if unknown else Answer.NO


def _level(gpu: GpuView, host: HostView, key: str) -> float | None:
    minutes = last_minutes(gpu, host, LEVEL_MINUTES)
    return mean(minutes, key, LEVEL_MINUTES)


def _held_back(gpu: GpuView, host: HostView, reasons: tuple[str, ...]) -> bool | None:
    """Whether a reason held the clocks in half of each of the last minutes; None: not told."""
    minutes = last_minutes(gpu, host, LEVEL_MINUTES)
    shares = [
        max(minute.means[reason] for reason in reasons if reason in minute.means)
        for minute in minutes
        if any(reason in minute.means for reason in reasons)
    ]
    if len(shares) < LEVEL_MINUTES:
        return None
    return min(shares) >= SLOW_SHARE
