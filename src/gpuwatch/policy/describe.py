"""Describe: a rule in words, for the command line and the document that is generated from it."""

import inspect
from datetime import timedelta

from gpuwatch.policy.conditions import Condition
from gpuwatch.policy.rules import Rule


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


def _minutes(duration: timedelta) -> str:
    return f"{duration.total_seconds() / 60:g} min"
