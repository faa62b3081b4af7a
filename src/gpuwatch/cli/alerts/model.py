"""Model: what a file of rules for Prometheus is made of, and how it is written."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from gpuwatch.domain.verdicts import Urgency

SEVERITY = {
    Urgency.PAGE: "critical",
    Urgency.WINDOW: "warning",
    Urgency.INFO: "info",
    Urgency.WATCH: "info",
}
_QUEUE = {**{urgency: urgency.value for urgency in Urgency}, Urgency.WATCH: "info"}


def reach(urgency: Urgency) -> dict[str, str]:
    """The labels that say whom an alert of a fixed urgency reaches."""
    return {"severity": SEVERITY[urgency], "route": _QUEUE[urgency]}


@dataclass(frozen=True, slots=True, kw_only=True)
class Recording:
    """A recording rule: `expr` evaluated and kept under the name `record`."""

    record: str
    expr: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Alert:
    """An alerting rule. Durations are Prometheus's ("15m"), "" for none.

    A label of "" takes that label away from the alert: what may change while the alert holds (the
    index of a GPU) must not make another alert of it. Templates still see it.
    """

    name: str
    expr: str
    labels: Mapping[str, str]
    annotations: Mapping[str, str]
    wait: str = ""
    keep: str = ""


@dataclass(frozen=True, slots=True)
class Group:
    """Rules that Prometheus evaluates one after the other; `interval` is "" for its own default."""

    name: str
    rules: tuple[Recording | Alert, ...]
    interval: str = field(default="", kw_only=True)


def document(groups: Iterable[Group], *, annotated: bool = True) -> list[str]:
    """The lines of a rule file; without its texts when not `annotated`."""
    return ["groups:", *(line for group in groups for line in _group(group, annotated=annotated))]


def _group(group: Group, *, annotated: bool) -> Iterator[str]:
    yield f"  - name: {group.name}"
    if group.interval:
        yield f"    interval: {group.interval}"
    yield "    rules:"
    for rule in group.rules:
        match rule:
            case Recording():
                yield f"      - record: {rule.record}"
                yield from _expression(rule.expr)
            case Alert():
                yield from _alert(rule, annotated=annotated)


def _alert(alert: Alert, *, annotated: bool) -> Iterator[str]:
    yield f"      - alert: {alert.name}"
    yield from _expression(alert.expr)
    if alert.wait:
        yield f"        for: {alert.wait}"
    if alert.keep:
        yield f"        keep_firing_for: {alert.keep}"
    yield from _mapping("labels", alert.labels)
    if annotated:
        yield from _mapping("annotations", alert.annotations)


def _expression(expr: str) -> Iterator[str]:
    yield "        expr: |-"
    for line in expr.splitlines():
        yield f"          {line}"


def _mapping(name: str, texts: Mapping[str, str]) -> Iterator[str]:
    yield f"        {name}:"
    for key, text in texts.items():
        quoted = text.replace("'", "''")
        yield f"          {key}: '{quoted}'"
