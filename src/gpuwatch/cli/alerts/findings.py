"""Findings: one alert for each row of the rule table, over the series of that finding."""

from collections.abc import Iterable

from gpuwatch.cli.alerts.model import SEVERITY, Alert, Group, Recording
from gpuwatch.cli.alerts.runbooks import AGENTS_OWN, of_instance
from gpuwatch.cli.alerts.words import DRAINING, HEADLINES, NEXT_STEPS, NUMBERS
from gpuwatch.domain.verdicts import Scope, Urgency
from gpuwatch.policy.rules import Rule

# An agent that restarts and a scrape that fails must not end a page and send it again.
KEEP = "5m"
# Findings are kept by series and not by `keep_firing_for`: that keeps a page for what has become a
# note meanwhile, and pages for a board that was released and reset before anybody was told.
DOWN = 'up{job="gpuwatch"} == 0'
IDENTITY = "gpu, serial, slot, name, part_number, vbios, driver"
# Identity that can change while the alert holds. The serial stays, for silences made by hand.
CHANGING = ("gpu", "slot", "name", "part_number", "vbios", "driver")
DESCRIBED = "instance_uuid_code:gpuwatch_gpu_finding:described"
_KEPT_OF_GPUS = "instance_uuid_code:gpuwatch_gpu_finding:kept"
_KEPT_OF_HOSTS = "instance_code:gpuwatch_host_finding:kept"
_KEPT_OF_BMCS = "instance_bmc_code:gpuwatch_bmc_finding:kept"
# A board that has left the bus has no index any more: its slot names it.
WHICH = "GPU {{ or $labels.gpu $labels.slot $labels.uuid }}"
GPU = (
    f"{WHICH}"
    "{{ with $labels.name }} ({{ . }}){{ end }} on {{ $labels.instance }}, "
    "serial {{ with $labels.serial }}{{ . }}{{ else }}unreadable{{ end }}, "
    "slot {{ with $labels.slot }}{{ . }}{{ else }}unknown{{ end }}, {{ $labels.uuid }}"
)
# Where the scrape configuration sets a label `host` too, Prometheus has renamed ours.
_BMC = (
    "{{ or $labels.exported_host $labels.host $labels.instance }} "
    "(BMC {{ $labels.bmc }}, asked by {{ $labels.instance }})"
)
_HOST = "{{ $labels.instance }}"

# They follow the series and not the table: an urgency may rise, and people may hush a finding.
_SEVERITY = (
    f'{{{{ if eq $labels.urgency "page" }}}}{SEVERITY[Urgency.PAGE]}'
    f'{{{{ else if eq $labels.urgency "window" }}}}{SEVERITY[Urgency.WINDOW]}'
    f"{{{{ else }}}}{SEVERITY[Urgency.INFO]}{{{{ end }}}}"
)
_ROUTE = '{{ if eq $labels.urgency "watch" }}info{{ else }}{{ $labels.urgency }}{{ end }}'

# Scope: the series, whom the summary names, whom the description names, where to look.
_PLACES = {
    Scope.GPU: (
        _KEPT_OF_GPUS,
        f"{WHICH} on {{{{ $labels.instance }}}}",
        GPU,
        "`gpuwatch explain {{ $labels.uuid }}` there tells why, with dates and numbers.",
    ),
    Scope.HOST: (
        _KEPT_OF_HOSTS,
        _HOST,
        _HOST,
        "`gpuwatch status` there tells why, with dates and numbers.",
    ),
    Scope.BMC: (
        _KEPT_OF_BMCS,
        _BMC,
        _BMC,
        "`gpuwatch status` on {{ $labels.instance }} tells why, with sensors and numbers.",
    ),
}


def name_of(code: str) -> str:
    """The alert's name of a rule or watch: "row-remap-failed" is GpuwatchRowRemapFailed."""
    return "Gpuwatch" + "".join(word.capitalize() for word in code.split("-"))


def joined(expr: str) -> str:
    """An expression about GPUs with what identifies each; as it was, where that is not known.

    One board has one series of each, else Prometheus would refuse the rule for the whole fleet.
    """
    return (
        f"max without (gpu) (\n{expr}\n)\n* on (instance, uuid) group_left ({IDENTITY})\n"
        "  topk by (instance, uuid) (1, gpuwatch_gpu_info)"
    )


def findings(rules: Iterable[Rule], runbooks: str = AGENTS_OWN) -> Group:
    """The alerts of all rules, after the join of all findings of GPUs with their identity."""
    found = "gpuwatch_gpu_finding == 1"
    described = Recording(record=DESCRIBED, expr=f"{joined(found)}\nor on (instance, uuid) {found}")
    kept = (
        _kept(_KEPT_OF_GPUS, f"{DESCRIBED} == 1", "instance, uuid, code"),
        _kept(_KEPT_OF_HOSTS, "gpuwatch_host_finding == 1", "instance, code"),
        _kept(_KEPT_OF_BMCS, "gpuwatch_bmc_finding == 1", "instance, bmc, code"),
    )
    alerts = (_alert(rule, runbooks) for rule in rules)
    return Group("gpuwatch-findings", (described, *kept, *alerts))


def _kept(record: str, found: str, identity: str) -> Recording:
    """What is found, and what is gone for less than KEEP as it was told last.

    Silence is no recovery: while an agent does not answer, the record carries itself on.
    """
    silent = f"({record} and on (instance) {DOWN})"
    last = f"max_over_time(timestamp({found} or on ({identity}) {silent})[{KEEP}:])"
    return Recording(
        record=record,
        expr=f"{found}\nor on ({identity})\n  topk by ({identity}) (1, {last}) > bool 0",
    )


def _alert(rule: Rule, runbooks: str) -> Alert:
    series, short, long, look = _PLACES[rule.scope]
    if rule.code not in HEADLINES:
        raise LookupError(f"rule {rule.code} has no headline: add it to gpuwatch/cli/alerts/words")
    headline = HEADLINES[rule.code]
    step = f"{_drain(rule)}{NEXT_STEPS[rule.remedy]}"
    return Alert(
        name=name_of(rule.code),
        expr=f'{series}{{code="{rule.code}"}} == 1',
        labels={
            "severity": _SEVERITY,
            "route": _ROUTE,
            "scope": rule.scope.value,
            **dict.fromkeys(("urgency", "remedy"), ""),
            **(dict.fromkeys(CHANGING, "") if rule.scope is Scope.GPU else {}),
        },
        annotations={
            "summary": f"{short}: {headline}",
            "description": f"{long}: {headline}.{_number(rule.code)} {step} {look} "
            f"Source: {rule.source}.",
            "next_step": step,
            "runbook_url": of_instance(runbooks, rule.code),
        },
    )


def _drain(rule: Rule) -> str:
    if rule.scope is not Scope.GPU or rule.remedy not in DRAINING:
        return ""
    more = "Take work off this GPU now. "
    return f'{{{{ if eq $labels.urgency "page" }}}}{more}{{{{ end }}}}'


def _number(code: str) -> str:
    """The number that goes with a finding, asked of Prometheus when the alert fires."""
    if code not in NUMBERS:
        return ""
    called, metric, unit = NUMBERS[code]
    return (
        f'{{{{ with printf "sum({metric}{{instance=%q,uuid=%q}})" '
        "$labels.instance $labels.uuid | query }} "
        f'{called}: {{{{ . | first | value | printf "%.0f" }}}}{unit}.{{{{ end }}}}'
    )
