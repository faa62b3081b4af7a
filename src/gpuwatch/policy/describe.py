"""Describe: a rule in words, for the command line and the document that is generated from it."""

import inspect
from datetime import timedelta

from gpuwatch.domain.rule_words import RuleWords
from gpuwatch.policy.conditions import Condition
from gpuwatch.policy.rules import BY_CODE, Rule


def condition_in_words(condition: Condition) -> str:
    """When a condition holds: what the object says of itself, or a function's documentation."""
    if not inspect.isfunction(condition):
        return str(condition)
    told = inspect.getdoc(condition) or condition.__name__
    return " ".join(told.split())


def timing_in_words(rule: Rule) -> str:
    """For how long a condition must hold, and be gone, before people hear of it; "" for at once."""
    parts = (
        (bool(rule.hold), f"held for {_minutes(rule.hold)}"),
        (rule.sweeps > 1, f"over {rule.sweeps} sweeps"),
        (
            rule.pages_after is not None,
            f"pages after {_minutes(rule.pages_after or timedelta())}",
        ),
        (bool(rule.clear), f"gone for {_minutes(rule.clear)} before it clears"),
        (rule.latch, "latched: it stays until a person dismisses it or the board leaves"),
    )
    return ", ".join(words for holds, words in parts if holds)


def told_of(code: str) -> RuleWords | None:
    """The rule with this code in words; None where there is none, or none any more."""
    rule = BY_CODE.get(code)
    if rule is None:
        return None
    return {
        "code": rule.code,
        "scope": rule.scope.value,
        "urgency": rule.urgency.value,
        "remedy": rule.remedy.value,
        "rma": rule.rma.value if rule.rma else "",
        "when": condition_in_words(rule.when),
        "timing": timing_in_words(rule),
        "due_seconds": rule.due.total_seconds() if rule.due else None,
        "says": rule.because,
        "clears": rule.clears,
        "escalates": rule.escalates,
        "source": rule.source,
    }


def _minutes(duration: timedelta) -> str:
    return f"{duration.total_seconds() / 60:g} min"
