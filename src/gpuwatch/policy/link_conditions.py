"""Link conditions: NVLinks, the fabric behind them, and the PCIe link."""

import math
import statistics
from collections.abc import Sequence

from gpuwatch.domain.trails import Stretch
from gpuwatch.policy.conditions import Answer, Match, Outcome, name_of
from gpuwatch.policy.siblings import (
    can_ask,
    divided,
    here,
    is_unsupported,
    last_minutes,
    number,
    siblings_of,
)
from gpuwatch.policy.trailed import GENERATION, LANES, LINK_ERRORS, REPLAYS, UTILIZATION
from gpuwatch.policy.views import GpuView, HostView, PolicySettings

ACTIVE_LINKS = "gpuwatch_gpu_nvlink_active_links"
COMPLETED = "gpuwatch_gpu_fabric_completed"
SUCCEEDED = "gpuwatch_gpu_fabric_succeeded"
STATE, STATUS = "gpuwatch_gpu_fabric_state", "gpuwatch_gpu_fabric_status"
PROBLEMS = tuple(
    (name, f'gpuwatch_gpu_fabric_problem{{problem="{name}"}}')
    for name in (
        "degraded_bandwidth",
        "route_recovery",
        "route_unhealthy",
        "access_timeout_recovery",
        "incorrect_configuration",
    )
)
DEGRADED_LONGER_SECONDS = 300.0  # than a registration may take: ten minutes with the rule's hold

ERROR_HOURS = 24
COVERED_HOURS = 20
LINK_ERRORS_LEAST = 100
TIMES_THE_SIBLINGS = 10
COMPARED = 2

REPLAY_MINUTES = 2
LINK_MINUTES = 20
HALF_MINUTES = 10
BELOW_OF_TEN = 8
BUSY_RATIO = 0.3
# Gigabits a second and lane. A bit error rate of 1e-12, which PCI Express allows, makes
# lanes x 60 s x Gb/s x 1e-3 wrong bits a minute.
_GIGABITS = {1: 2.5, 2: 5.0, 3: 8.0, 4: 16.0, 5: 32.0, 6: 64.0, 7: 128.0}


def fabric_not_ready(host: HostView, _settings: PolicySettings) -> Outcome:
    """A GPU is not registered with the NVLink fabric, or the fabric tells of a problem."""
    if not can_ask(host):
        return Answer.CANNOT_TELL
    troubles: dict[str, list[str]] = {}
    unknown = False
    for gpu in here(host):
        trouble = _fabric_trouble(gpu, host)
        if trouble and not gpu.in_grace:
            troubles.setdefault(trouble, []).append(name_of(gpu))
        elif trouble != "":
            unknown = True
    if not troubles:
        return Answer.CANNOT_TELL if unknown else Answer.NO
    told = "; ".join(f"{trouble}: {', '.join(gpus)}" for trouble, gpus in troubles.items())
    return Match(facts={"fabric": told})


def _fabric_trouble(gpu: GpuView, host: HostView) -> str | None:
    """What keeps a GPU from the fabric; "" for nothing or no fabric, None when it is not known."""
    if is_unsupported(gpu, COMPLETED):
        return ""
    completed = number(gpu, COMPLETED)
    if completed is None:
        return None
    if not completed:
        return f"not registered (state {gpu.readings.get(STATE)})"
    if number(gpu, SUCCEEDED) == 0:
        return f"registration failed (NVML status {gpu.readings.get(STATUS)})"
    held = [(name, gpu.record.held.get(key)) for name, key in PROBLEMS if number(gpu, key) == 1]
    lasting = [
        name.replace("_", " ")
        for name, since in held
        if since is not None and host.now.wall - since.since >= DEGRADED_LONGER_SECONDS
    ]
    if lasting:
        return " and ".join(lasting)
    return None if held else ""


def nvlink_down(gpu: GpuView, host: HostView, _settings: PolicySettings) -> Outcome:
    """Fewer NVLinks are up than this board had at best, and than its siblings have now."""
    best, active = gpu.record.bests.get(ACTIVE_LINKS), number(gpu, ACTIVE_LINKS)
    if best is None or active is None or gpu.in_grace or divided(gpu) or not can_ask(host):
        return Answer.CANNOT_TELL
    if active >= best:
        return Answer.NO
    siblings = [other for other in siblings_of(gpu, host) if not divided(other)]
    theirs = [links for other in siblings if (links := number(other, ACTIVE_LINKS)) is not None]
    if siblings and not theirs:
        return Answer.CANNOT_TELL
    if theirs and active >= statistics.median(theirs):
        return Answer.NO
    return Match(facts={"active": f"{active:g}", "best": f"{best:g}"})


def nvlink_error_rate(gpu: GpuView, host: HostView, _settings: PolicySettings) -> Outcome:
    """Replays and recoveries of NVLinks in a day, far more than on siblings."""
    errors = _link_errors(gpu, host)
    if errors is None:
        return Answer.CANNOT_TELL
    if errors < LINK_ERRORS_LEAST:
        return Answer.NO
    theirs = [
        told for other in siblings_of(gpu, host) if (told := _link_errors(other, host)) is not None
    ]
    if len(theirs) < COMPARED:
        return Answer.CANNOT_TELL
    usual = statistics.median(theirs)
    if errors < TIMES_THE_SIBLINGS * usual:
        return Answer.NO
    return Match(facts={"errors": f"{errors:.0f}", "usual": f"{usual:.0f}"})


def _link_errors(gpu: GpuView, host: HostView) -> float | None:
    """Errors of all kinds in the last day; None unless most of its hours are known."""
    hours = gpu.trail.last_hours(ERROR_HOURS, host.now.boottime) if can_ask(host) else ()
    sums = [
        sum(hour.rises.get(key, 0.0) for key in LINK_ERRORS)
        for hour in hours
        if any(key in hour.rises for key in LINK_ERRORS)
    ]
    return sum(sums) if len(sums) >= COVERED_HOURS else None


def pcie_replay_rate(gpu: GpuView, host: HostView, _settings: PolicySettings) -> Outcome:
    """More packets are sent again than the bit error rate explains that PCI Express allows."""
    links = [_link(minute) for minute in last_minutes(gpu, host, LINK_MINUTES)]
    minutes = last_minutes(gpu, host, REPLAY_MINUTES)
    rates = [minute.rises[REPLAYS] for minute in minutes if REPLAYS in minute.rises]
    # The fastest link of the last minutes: its generation drops whenever the GPU is idle.
    generation, lanes = max((link for link in links if link is not None), default=(0.0, 0.0))
    speed = _GIGABITS.get(int(generation))
    if len(rates) < REPLAY_MINUTES or speed is None:
        return Answer.CANNOT_TELL
    limit = math.ceil(lanes * 60 * speed * 1e-3)
    if min(rates) <= limit:
        return Answer.NO
    return Match(
        facts={
            "rate": f"{min(rates):.0f}",
            "limit": str(limit),
            "generation": f"{generation:g}",
            "lanes": f"{lanes:g}",
        }
    )


def pcie_downgraded(gpu: GpuView, host: HostView, _settings: PolicySettings) -> Outcome:
    """While the GPU works, its PCIe link stays below what it was at best, and a sibling's not."""
    best = _best_link(gpu)
    minutes = last_minutes(gpu, host, LINK_MINUTES)
    if best is None or not minutes:
        return Answer.CANNOT_TELL
    half = minutes[-1].number - HALF_MINUTES
    latest = [minute for minute in minutes if minute.number > half]
    earlier = [minute for minute in minutes if minute.number <= half]
    if _at_best(latest, best) > HALF_MINUTES - BELOW_OF_TEN:
        return Answer.NO
    if min(_below(latest, best), _below(earlier, best)) < BELOW_OF_TEN:
        return Answer.CANNOT_TELL
    alike = [other for other in siblings_of(gpu, host) if _best_link(other) == best]
    told = [last_minutes(other, host, LINK_MINUTES) for other in alike]
    if alike and not any(_at_best(theirs, best) for theirs in told):
        return Answer.CANNOT_TELL  # idle siblings; or all are held down by what they share
    link = next(link for minute in reversed(latest) if (link := _link(minute)) is not None)
    return Match(
        facts={
            "generation": f"{link[0]:g}",
            "lanes": f"{link[1]:g}",
            "best_generation": f"{best[0]:g}",
            "best_lanes": f"{best[1]:g}",
        }
    )


_Link = tuple[float, float]  # generation and lanes


def _best_link(gpu: GpuView) -> _Link | None:
    bests = gpu.record.bests
    known = GENERATION in bests and LANES in bests
    return (bests[GENERATION], bests[LANES]) if known else None


def _link(minute: Stretch) -> _Link | None:
    told = minute.together
    known = GENERATION in told and LANES in told
    return (told[GENERATION], told[LANES]) if known else None


def _at_best(minutes: Sequence[Stretch], best: _Link) -> int:
    return sum(_link(minute) == best for minute in minutes)


def _below(minutes: Sequence[Stretch], best: _Link) -> int:
    """Minutes in which the GPU worked over a link that was below its best."""
    return sum(
        (link := _link(minute)) is not None
        and minute.together.get(UTILIZATION, 0.0) >= BUSY_RATIO
        and (link[0] < best[0] or link[1] < best[1])
        for minute in minutes
    )
