"""Audits: what the audit records of a flag say together, and what the flag itself says."""

from collections.abc import Iterable

from gpuwatch.domain.audit import AuditRecord, Deed
from gpuwatch.domain.flag_audit import flag_record
from gpuwatch.domain.flags import Flag

_DEED = Deed(actor="a test", action="look", reason="", at=0.0)


def told_by(records: Iterable[AuditRecord]) -> dict[str, str]:
    """The attributes of a flag after all its records, one after the other."""
    told: dict[str, str] = {}
    for record in records:
        told |= _attributes(record.after)
    return {name: value for name, value in told.items() if value != "none"}


def said_by(flag: Flag) -> dict[str, str]:
    """The attributes of a flag as it is kept, in the words of its records."""
    return _attributes(flag_record(None, flag, _DEED).after)


def _attributes(text: str) -> dict[str, str]:
    return dict(part.split("=", maxsplit=1) for part in text.split("; ") if part)
