"""Audit: who changed what, when and why; written once and never again."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Deed:
    """Who does what, why and when (Unix seconds): with this every change is signed."""

    actor: str
    action: str
    reason: str
    at: float


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditRecord:
    """One change by a person or by gpuwatch itself.

    `at` is Unix seconds. `actor` is the kernel's word on who asked ("uid=1000(alice)"), or
    "gpuwatch". `action` names the change, `subject` what was changed ("flag 3", a board key).
    `before` and `after` are texts for people. `number` is 0 until history has stored the record.
    """

    at: float
    actor: str
    action: str
    subject: str
    reason: str
    before: str = ""
    after: str = ""
    number: int = 0

    def __post_init__(self) -> None:
        if not self.actor or not self.action:
            raise ValueError("an audit record names its actor and what was done")
