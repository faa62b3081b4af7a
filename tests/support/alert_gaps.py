"""Alert gaps: any case again, with an agent that restarts just after its alert has fired.

The agent's series end, are absent for some scrapes and go on; what an agent counts from its own
start begins at 0 again. `up` is 0 meanwhile. What Prometheus itself records is not the agent's.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import replace

from tests.support.alert_cases import Case, Check

# Nobody is to be kept waiting for the end of a test.
ENDS_AT_ONCE = {"GpuwatchAlertTest"}
_GROWS = re.compile(r"(-?[\d.]+)([+-][\d.]+)x(\d+)")
_STAYS = re.compile(r"(-?[\d.]+)x(\d+)")
_ABSENT = re.compile(r"_(?:x(\d+))?")
_OF_AGENTS = re.compile(r"""^\w+\{.*job=["']gpuwatch["']""")
_SINCE_START = re.compile(r"^gpuwatch_(agent_failures|kernel_log_lost|hook_given_up)_total\{")
_NOTHING, _END = "_", "stale"
# Values that are missing, by the minutes between two of them: all within what keeps alerts firing.
_MISSING = {1: 3, 5: 1, 1440: 1}


def restarted(cases: Iterable[Case]) -> tuple[Case, ...]:
    """The cases in which something fires that is kept, each through a restart of its agents."""
    return tuple(
        _restarted(case)
        for case in cases
        if any(check.fires and check.alert not in ENDS_AT_ONCE for check in case.checks)
    )


def _restarted(case: Case) -> Case:
    fired = next(check for check in case.checks if check.fires)
    first, missing = fired.at // case.every + 1, _MISSING[case.every]
    away = range(first, first + missing)
    through = tuple(
        Check(at=step * case.every, alert=fired.alert, fires=fired.fires)
        for step in range(first, first + missing + 1)
    )
    before = tuple(check for check in case.checks if check.at <= fired.at)
    return replace(
        case,
        name=f"{case.name}, through a restart",
        series={name: _with_gap(name, text, away) for name, text in case.series.items()},
        checks=(*before, *through, *case.checks[-1:]),
        queries=(),
    )


def _with_gap(name: str, written: str, away: range) -> str:
    if not away or not _OF_AGENTS.match(name):
        return written
    values = list(_values(written))
    for step in away:
        if step < len(values) and values[step] != _NOTHING:
            values[step] = "0" if name.startswith("up{") else _absent(step, away)
    if _SINCE_START.match(name) and away.stop <= len(values):
        counted = values[away.start - 1]
        values[away.stop :] = [_since(value, counted) for value in values[away.stop :]]
    return " ".join(values)


def _absent(step: int, away: range) -> str:
    return _END if step == away.start else _NOTHING


def _since(value: str, counted: str) -> str:
    return value if value in (_NOTHING, _END) else f"{float(value) - float(counted):g}"


def _values(written: str) -> Iterator[str]:
    """Each value of promtool's notation as one word."""
    for word in written.split():
        if found := _GROWS.fullmatch(word):
            start, by, times = float(found[1]), float(found[2]), int(found[3])
            yield from (f"{start + by * step:.15g}" for step in range(times + 1))
        elif found := _STAYS.fullmatch(word):
            yield from [found[1]] * (int(found[2]) + 1)
        elif found := _ABSENT.fullmatch(word):
            yield from [_NOTHING] * int(found[1] or 1)
        else:
            yield word
