"""Units: what a source's manual says, and how it becomes a Prometheus base unit."""

from enum import Enum


class Unit(Enum):
    """A unit of a source, with the factor to its base unit and the suffix a metric name must carry.

    The factor is kept as a fraction, so that 71 W read as 71000 mW becomes exactly 71.0.
    """

    CELSIUS = ("celsius", 1, 1)
    MILLIWATTS = ("watts", 1, 1000)
    MILLIJOULES = ("joules", 1, 1000)
    BYTES = ("bytes", 1, 1)
    KIBIBYTES = ("bytes", 1024, 1)
    MEGAHERTZ = ("hertz", 1_000_000, 1)
    PERCENT = ("ratio", 1, 100)
    MICROSECONDS = ("seconds", 1, 1_000_000)
    NANOSECONDS = ("seconds", 1, 1_000_000_000)
    SECONDS = ("seconds", 1, 1)
    RPM = ("rpm", 1, 1)
    COUNT = ("", 1, 1)  # also flags, bit masks and texts: whatever has no unit

    def __init__(self, suffix: str, multiplier: int, divisor: int) -> None:
        self.suffix = suffix
        self.multiplier = multiplier
        self.divisor = divisor

    def to_base(self, raw: float) -> float:
        """`raw` in this unit, as a float in the base unit."""
        return raw * self.multiplier / self.divisor

    def fits(self, metric_name: str) -> bool:
        """Whether `metric_name` ends in this unit's base unit (a counter's `_total` aside)."""
        stem = metric_name.removesuffix("_total")
        return not self.suffix or stem.endswith("_" + self.suffix)
