"""Alert cases: what Prometheus is told in the rules' own tests, and which alerts come of it.

The instants are minutes since the start. A series of values is in promtool's notation: `1x4` is 1
five times, `_` is a scrape without it, `stale` the mark that Prometheus sets when a series ends.
"""

import json
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from gpuwatch.cli.alerts.findings import name_of
from gpuwatch.domain.verdicts import Scope
from gpuwatch.policy.rules import RULES, Rule

HOST = "n1:9853"
JOB = f'job="gpuwatch",instance="{HOST}"'
GPU = f'{JOB},gpu="3",uuid="GPU-a"'
INFO = (
    f'gpuwatch_gpu_info{{{GPU},serial="1654223010009",slot="5",name="H100",part_number="692-2",'
    'vbios="96.00",driver="580.95.05"}'
)
Labels = Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """At `at` minutes these alerts of one name fire, each named by its labels."""

    at: int
    alert: str
    fires: tuple[Labels, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """Series by name with their values, what fires, and what a query gives: None for nothing.

    `every` is the time between two values, in minutes.
    """

    name: str
    series: Mapping[str, str]
    checks: tuple[Check, ...] = ()
    queries: tuple[tuple[int, str, tuple[tuple[str, float], ...]], ...] = ()
    every: int = 1


@dataclass(frozen=True, slots=True)
class Story:
    """A finding as a scrape sees it: it comes, its agent restarts, it holds on, it goes."""

    # From minute 5 on; no agent from minute 11 to 14; gone from minute 21 on.
    values: str = "_x5 1x5 stale _x2 1x5 stale _x30"
    before: int = 4
    holds: int = 8
    restarting: int = 13
    again: int = 17
    gone: int = 28
    kept: tuple[int, ...] = field(default=(8, 13, 17))


STORY = Story()
_THRICE = 3
_REACH = {
    "page": ("critical", "page"),
    "window": ("warning", "window"),
    "info": ("info", "info"),
    "watch": ("info", "info"),
}
_METRICS = {
    Scope.GPU: "gpuwatch_gpu_finding",
    Scope.HOST: "gpuwatch_host_finding",
    Scope.BMC: "gpuwatch_bmc_finding",
}


def _of(rule: Rule, urgency: str) -> tuple[str, Labels]:
    """The series of a finding with an urgency, and the labels of the alert that it makes."""
    severity, route = _REACH[urgency]
    instance = f"{urgency}:9853"
    own: dict[str, str] = {}
    identity: dict[str, str] = {}
    if rule.scope is Scope.GPU:
        own, identity = {"gpu": "3", "uuid": f"GPU-{urgency}"}, {"serial": f"S-{urgency}"}
    elif rule.scope is Scope.BMC:
        own = {"bmc": "node-18", "host": "gpu-node-18"}
    labels = {"job": "gpuwatch", "instance": instance, "code": rule.code, **own}
    told = {**labels, "urgency": urgency, "remedy": rule.remedy.value}
    written = ",".join(f'{name}="{text}"' for name, text in told.items())
    alert = {**labels, **identity, "severity": severity, "route": route, "scope": rule.scope.value}
    return f"{_METRICS[rule.scope]}{{{written}}}", {
        name: text for name, text in alert.items() if name != "gpu"
    }


def findings() -> Case:
    """Every rule with every urgency, each on a host of its own, through a restart of its agent."""
    made = {(rule.code, urgency): _of(rule, urgency) for rule in RULES for urgency in _REACH}
    infos = {
        f'gpuwatch_gpu_info{{job="gpuwatch",instance="{urgency}:9853",gpu="3",'
        f'uuid="GPU-{urgency}",serial="S-{urgency}",slot="5",name="H100",driver="580.95.05"}}': (
            STORY.values
        )
        for urgency in _REACH
    }
    checks = [
        Check(
            at=at,
            alert=name_of(rule.code),
            fires=tuple(made[rule.code, urgency][1] for urgency in _REACH)
            if at in STORY.kept
            else (),
        )
        for rule in RULES
        for at in (STORY.before, *STORY.kept, STORY.gone)
    ]
    return Case(
        name="every finding comes, outlives a restart of its agent, and goes",
        series=infos | {series: STORY.values for series, _ in made.values()},
        checks=tuple(checks),
    )


def hushed() -> Case:
    """A page that people take up becomes a note at once; one that ends while hushed stays one."""
    rule = next(rule for rule in RULES if rule.code == "recovery-action")
    made = {urgency: _of(rule, urgency) for urgency in ("page", "info")}
    page, info = (made[urgency][0].replace(f"{urgency}:9853", HOST) for urgency in made)
    info = info.replace("GPU-info", "GPU-page")
    labels = {"instance": HOST, "uuid": "GPU-page", "serial": "S-page"}
    paged, noted = (dict(made[urgency][1]) | labels for urgency in made)
    told = f'gpuwatch_gpu_info{{{JOB},gpu="3",uuid="GPU-page",serial="S-page"}}'
    name = name_of(rule.code)
    return Case(
        name="a page that is taken up is over at once",
        series={told: "1x30", page: "_x2 1x2 stale", info: "_x5 1x2 stale"},
        checks=(
            Check(at=4, alert=name, fires=(paged,)),
            Check(at=5, alert=name, fires=(noted,)),
            Check(at=8, alert=name, fires=(noted,)),
            Check(at=11, alert=name, fires=(noted,)),
            Check(at=14, alert=name),
        ),
    )


def firing(cases: Iterable[Case]) -> set[str]:
    """The alerts that fire in some case."""
    return {check.alert for case in cases for check in case.checks if check.fires}


def quiet(cases: Iterable[Case]) -> set[str]:
    """The alerts that a case is about in which they never fire."""
    return {
        name for case in cases for name in {check.alert for check in case.checks} - firing((case,))
    }


def ending(cases: Iterable[Case]) -> set[str]:
    """The alerts that are over, in some case, after they fired."""
    return {
        after.alert
        for case in cases
        for check in case.checks
        for after in case.checks
        if check.fires and not after.fires and after.alert == check.alert and after.at > check.at
    }


def firing_again(cases: Iterable[Case]) -> set[str]:
    """The alerts that fire at three instants of one case: before, during and after a restart."""
    return {
        name
        for case in cases
        for name, times in Counter(check.alert for check in case.checks if check.fires).items()
        if times >= _THRICE
    }


def document(cases: Iterable[Case], rules: str, every: str = "1m") -> str:
    """A file of tests for promtool, in JSON, which is YAML."""
    tests = [_test(case) for case in cases]
    return json.dumps({"rule_files": [rules], "evaluation_interval": every, "tests": tests})


def _test(case: Case) -> dict[str, object]:
    return {
        "name": case.name,
        "interval": f"{case.every}m",
        "input_series": [
            {"series": series, "values": values} for series, values in case.series.items()
        ],
        "alert_rule_test": [
            {
                "eval_time": f"{check.at}m",
                "alertname": check.alert,
                "exp_alerts": [{"exp_labels": dict(labels)} for labels in check.fires],
            }
            for check in case.checks
        ],
        "promql_expr_test": [
            {
                "eval_time": f"{at}m",
                "expr": query,
                "exp_samples": [{"labels": labels, "value": value} for labels, value in samples],
            }
            for at, query, samples in case.queries
        ],
    }
