"""BMCs to test with: a log that fills, is cleared and read again, and the sweeps around it."""

from dataclasses import dataclass, field, replace

from gpuwatch.domain.bmc import BmcIdentity, BmcSweep, Chassis
from gpuwatch.domain.bmc_logs import LogBatch, LogEntry, LogSeverity, LogTopic
from gpuwatch.domain.moments import Moment

SERIAL = "SRV0042"


def entry(number: int, told_at: float | None, **changes: object) -> LogEntry:
    """An entry of a system event log."""
    made = LogEntry(
        log="sel",
        record=str(number),
        told_at=told_at,
        topic=LogTopic.POWER,
        severity=LogSeverity.CRITICAL,
        text="PSU 2: failure detected",
        sensor="PSU 2 Status",
        sensor_key="0x20/0xc9",
        asserted=True,
        raw=f"{number:04x}02{int(told_at or 0):08x}20000408c96fa1ffff",
    )
    return replace(made, **changes)  # type: ignore[arg-type]


@dataclass(slots=True)
class Controller:
    """A BMC whose clock may be wrong. What its child delivers is what it has not delivered."""

    name: str = "host"
    serial: str = SERIAL
    firmware: str = "1.74"
    skew: float = 0.0
    power_on: bool | None = True
    records: list[LogEntry] = field(default_factory=list)
    delivered: int = 0
    known: bool = False
    cleared: bool = False
    lives: int = 0

    def write(self, at: float, **changes: object) -> LogEntry:
        """Write an entry at this Unix second, by the BMC's own clock."""
        made = entry(len(self.records) + 1, at + self.skew, **changes)
        self.records.append(made)
        return made

    def clear(self) -> None:
        """Somebody empties the log."""
        self.records, self.delivered, self.cleared = [], 0, True
        self.lives += 1

    def batch(self, at: Moment, limit: int = 200) -> LogBatch:
        """What was not delivered yet."""
        entries = tuple(self.records[self.delivered : self.delivered + limit])
        self.delivered += len(entries)
        batch = LogBatch(
            bmc=self.name,
            log="sel",
            at=at,
            entries=entries,
            position=f"life {self.lives}, {self.delivered} read",
            baseline=not self.known,
            cleared=self.cleared,
        )
        self.known, self.cleared = True, False
        return batch

    def sweep(self, at: Moment, **changes: object) -> BmcSweep:
        """All else that it tells."""
        made = BmcSweep(
            bmc=self.name,
            at=at,
            seconds=0.25,
            identity=BmcIdentity(serial=self.serial, firmware=self.firmware),
            chassis=Chassis(power_on=self.power_on),
            clock_skew=self.skew,
        )
        return replace(made, **changes)  # type: ignore[arg-type]
