"""Rule words: one rule in words, for those who read what it said and have no gpuwatch at hand."""

from typing import TypedDict


class RuleWords(TypedDict):
    """The columns of a rule in words; "" where one says nothing."""

    code: str
    scope: str
    urgency: str
    remedy: str
    rma: str
    when: str
    timing: str
    due_seconds: float | None
    says: str
    clears: str
    escalates: str
    source: str
