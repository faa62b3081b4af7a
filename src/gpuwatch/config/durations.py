"""Durations: "10s", "1h30m", "14d", to and fro. Standard library only: the CLI reads them too."""

import re
from datetime import timedelta

# Largest first: a duration is written in this order, each unit at most once.
_UNITS = {
    "w": timedelta(weeks=1),
    "d": timedelta(days=1),
    "h": timedelta(hours=1),
    "m": timedelta(minutes=1),
    "s": timedelta(seconds=1),
    "ms": timedelta(milliseconds=1),
}
_DURATION = re.compile(
    "".join(rf"(?:(?P<{unit}>\d{{1,9}}){unit}(?![a-z]))?" for unit in _UNITS), re.ASCII
)
WORDS = '(write a number with its unit, such as "10s", "5m", "1h30m" or "14d")'


def parse_duration(text: str) -> timedelta:
    """The duration that `text` says: "10s", "5m", "1h30m", "14d"; ms, s, m, h, d and w.

    Raises ValueError with the way out.
    """
    found = _DURATION.fullmatch(text)
    if found is None or not text:
        raise ValueError(f"is not a duration {WORDS}")
    return sum(
        (unit * int(found[name]) for name, unit in _UNITS.items() if found[name]), timedelta()
    )


def format_duration(duration: timedelta) -> str:
    """`duration` as it would be written in the configuration: "1h30m"; "0s" when it is nothing."""
    left, written = duration, ""
    for name, unit in _UNITS.items():
        if name == "w":
            continue  # "14d" says it to more people than "2w"
        count, left = divmod(left, unit)
        written += f"{count}{name}" if count else ""
    return written or "0s"
