"""Xid traces: what is remembered of a board's Xids beyond their number, and what they advise."""

from dataclasses import dataclass
from enum import StrEnum


class XidAdvice(StrEnum):
    """What the driver's manual says to do about an occurrence, in the words that rules know.

    The source that reports it looks it up, decoded where the code alone does not tell.
    """

    RESET = "reset"
    RESTART = "restart"
    INSPECT_LINK = "inspect_link"
    CONTACT_SUPPORT = "contact_support"
    UNKNOWN = "unknown"
    NOTHING_URGENT = "nothing_urgent"


@dataclass(frozen=True, slots=True, kw_only=True)
class XidTrace:
    """Occurrences of one Xid or SXid on one device that are alike.

    They have one advice, process and subcode, lie on one day (UTC) and between the same two resets.
    `process` is the process that the driver blames ("4242 python3"), "" when it blames none.
    `first_at` and `last_at` are Unix seconds. `resets_since` is how many resets of the device were
    evidenced after them: 0 means that it still runs as it did then.
    """

    code: int
    advice: XidAdvice
    count: int
    first_at: float
    last_at: float
    process: str = ""
    subcode: str = ""
    resets_since: int = 0

    def __post_init__(self) -> None:
        """Refuse a trace of nothing."""
        if self.count < 1:
            raise ValueError(f"Xid {self.code}: a trace holds at least one occurrence")
