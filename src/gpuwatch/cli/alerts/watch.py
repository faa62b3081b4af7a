"""Watch: a row of the tables of alerts that are no findings, and the alert that it becomes."""

from dataclasses import dataclass

from gpuwatch.cli.alerts.findings import KEEP, name_of
from gpuwatch.cli.alerts.model import SEVERITY, Alert, reach
from gpuwatch.cli.alerts.runbooks import of_any, of_instance
from gpuwatch.domain.verdicts import Scope, Urgency

HERE = "{{ $labels.instance }}"
_AS_ROUTED = {
    "severity": f'{{{{ if eq $labels.route "page" }}}}{SEVERITY[Urgency.PAGE]}'
    f'{{{{ else if eq $labels.route "window" }}}}{SEVERITY[Urgency.WINDOW]}'
    f"{{{{ else }}}}{SEVERITY[Urgency.INFO]}{{{{ end }}}}"
}


def lately(selector: str) -> str:
    """What a host told last, for as long as alerts are kept.

    A scrape that fails once in hours must not begin a wait of hours anew.
    """
    return f"last_over_time({selector}[{KEEP}])"


# By each host's own clock.
NOW = f"max by (instance) ({lately('gpuwatch_snapshot_timestamp_seconds')})"


@dataclass(frozen=True, slots=True, kw_only=True)
class Watch:
    """One row: what is amiss with the watch. `hidden` are labels that a template alone sees.

    Without an urgency the series itself has the label `route`.
    """

    code: str
    expr: str
    urgency: Urgency | None
    wait: str
    summary: str
    description: str
    step: str
    keep: str = KEEP
    scope: str = Scope.HOST
    hidden: tuple[str, ...] = ()


def watched(row: Watch, runbooks: str) -> Alert:
    """The alert of one row. An agent that is down cannot serve the page about that: others do."""
    anywhere = row.scope == "fleet" or row.code.startswith("down")
    return Alert(
        name=name_of(row.code),
        expr=row.expr,
        wait=row.wait,
        keep=row.keep,
        labels={
            **(reach(row.urgency) if row.urgency else _AS_ROUTED),
            "scope": str(row.scope),
            "code": row.code,
            **dict.fromkeys(row.hidden, ""),
        },
        annotations={
            "summary": row.summary,
            "description": f"{row.description} {row.step}",
            "next_step": row.step,
            "runbook_url": (of_any if anywhere else of_instance)(runbooks, row.code),
        },
    )
