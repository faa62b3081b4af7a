"""BMC logs: what a management controller wrote of what happened, also while the host was dead."""

import re
from dataclasses import dataclass
from enum import StrEnum

from gpuwatch.domain.moments import Moment


class LogTopic(StrEnum):
    """What an entry of an event log is about, for counting."""

    MEMORY = "memory"
    PCIE = "pcie"
    POWER = "power"
    THERMAL = "thermal"  # temperatures and fans
    PROCESSOR = "processor"
    GPU = "gpu"
    OTHER = "other"


# What happened to a part, and is not over because the log says that its sensor is quiet again.
HAPPENINGS = frozenset({LogTopic.MEMORY, LogTopic.PCIE, LogTopic.PROCESSOR, LogTopic.GPU})
_NUMBERS = re.compile(r"[-+]?\d[\d.,]*")


class LogSeverity(StrEnum):
    """How grave an entry is."""

    INFO = "info"
    WARNING = "warning"
    CRITICAL = "critical"


@dataclass(frozen=True, slots=True, kw_only=True)
class LogEntry:
    """One entry of a BMC's event log.

    `record` is the BMC's own id, `told_at` the Unix seconds that the BMC's clock wrote, None for an
    entry without a time or from before that clock was set. `asserted` is None where an entry is
    neither beginning nor end. `raw` is the entry as it was read, in hex or JSON. `sensor_key` is
    that of the sensor, "" where it has none.
    """

    log: str  # "sel", or the Redfish log service's path
    record: str
    told_at: float | None
    topic: LogTopic
    severity: LogSeverity
    text: str
    sensor: str = ""
    sensor_key: str = ""
    asserted: bool | None = None
    raw: str = ""

    @property
    def likeness(self) -> tuple[str, str, bool | None, str]:
        """What entries have in common that tell the same of the same sensor.

        Numbers in the text of a known sensor are its readings, but for what happened to a part:
        there they say to which.
        """
        sensor = self.sensor_key or self.sensor
        exact = self.topic in HAPPENINGS or not sensor
        text = self.text if exact else _NUMBERS.sub("#", self.text)
        return self.log, sensor, self.asserted, text


@dataclass(frozen=True, slots=True, kw_only=True)
class LogBatch:
    """Entries that were not delivered before, in order, and the position behind the last of them.

    `position` is opaque text; whoever stores entries stores it in the same transaction and hands
    it back at the next start. `baseline`: the log is seen for the first time, its entries are old.
    `cleared`: somebody emptied the log since. `wrapped`: entries were overwritten before they could
    be read. Delivered twice, an entry is the same by (log, record, told_at, raw).
    """

    bmc: str
    log: str
    at: Moment
    entries: tuple[LogEntry, ...]
    position: str
    baseline: bool = False
    cleared: bool = False
    wrapped: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class LogStatus:
    """How full an event log is. `added_at` and `erased_at` are by the BMC's clock."""

    log: str
    entries: int | None = None
    free_bytes: int | None = None
    overflowed: bool | None = None
    added_at: float | None = None
    erased_at: float | None = None
