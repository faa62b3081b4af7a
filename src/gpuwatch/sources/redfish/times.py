"""Times: the instants that a service writes, as Unix seconds."""

import re
from datetime import datetime

_OFFSET = re.compile(r"[+-]\d\d:\d\d")
_ZONED = re.compile(r"(Z|[+-]\d\d:?\d\d)$", re.IGNORECASE)
_SET = 1_000_000_000.0  # 2001: a clock that says less was never set


def instant(written: str, offset: str = "") -> float | None:
    """An ISO 8601 time as Unix seconds, None where it is none or its clock was never set.

    `offset` is that of the service's clock, for a time that does not tell its own.
    """
    if not _ZONED.search(written):
        written += offset if _OFFSET.fullmatch(offset) else "+00:00"
    try:
        found = datetime.fromisoformat(written).timestamp()
    except (ValueError, OverflowError):
        return None
    return found if found >= _SET else None
