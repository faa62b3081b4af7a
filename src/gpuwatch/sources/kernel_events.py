"""Kernel events: from the driver's lines in the kernel log to events, several lines being one.

An occurrence is told in up to a dozen lines (the driver prints an Xid 13 once per faulting unit, an
SXid with its data below): lines of one boot, address, code and subcode within a second of the first
are one event. The second is anchored at the first line, so that a flood cannot hide itself.
"""

from dataclasses import dataclass

from gpuwatch.domain.events import Event, EventKind, EventSource
from gpuwatch.domain.moments import Moment
from gpuwatch.domain.xids import XidAdvice
from gpuwatch.sources.kmsg import FATAL, KernelRecord, Line, LineKind, nvlink_words, read_line
from gpuwatch.sources.nvlink_decode import CODES, decode_nvlink
from gpuwatch.sources.xids import advice, advice_of

MERGE_USEC = 1_000_000
_FELL_OFF_BUS_XID = 79
_KINDS = {
    LineKind.XID: EventKind.XID,
    LineKind.SXID: EventKind.SXID,
    LineKind.FELL_OFF_BUS: EventKind.FELL_OFF_BUS,
    LineKind.INIT_FAILED: EventKind.INIT_FAILED,
}
# The kernel log's clock is the CPU's, which nobody disciplines: against boot time, which NTP does,
# it drifts by what a crystal is off. Our assumption, generous for one: 100 parts in a million.
DRIFT = 1e-4
_EXACT_SECONDS = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class Stamp:
    """When a record was written: Unix seconds with their bounds, and boot time where it is known.

    `boottime` is None for what an earlier boot left.
    """

    boot_id: str
    at: float
    not_before: float | None = None
    not_after: float | None = None
    boottime: float | None = None


_Key = tuple[str, str, EventKind, int]


class KernelEvents:
    """Reads the records of one log in order. Deterministic: the same records, the same events."""

    def __init__(self) -> None:
        self._open: dict[_Key, dict[str, int]] = {}  # first microsecond by subcode
        self._uuids: dict[str, str] = {}
        self._last_address = ""

    def read(self, record: KernelRecord, stamp: Stamp) -> Event | None:
        """The event that `record` begins; None when it belongs to one before or tells none."""
        line = read_line(record.text)
        if line is None:
            return None
        if line.kind is LineKind.UUID:
            self._uuids[line.pci_address] = line.detail
        if line.kind is LineKind.ADDRESS:
            self._last_address = line.pci_address
        kind = _KINDS.get(line.kind)
        if kind is None:
            return None
        address = line.pci_address or self._last_address
        if self._belongs_to_open(kind, address, line, record.usec, stamp.boot_id):
            return None
        return self._event(kind, address, line, record.usec, stamp)

    def _belongs_to_open(
        self, kind: EventKind, address: str, line: Line, usec: int, boot_id: str
    ) -> bool:
        # The bare line follows its own Xid 79 within microseconds: it is the same fall.
        same = EventKind.XID if kind is EventKind.FELL_OFF_BUS else kind
        code = _FELL_OFF_BUS_XID if kind is EventKind.FELL_OFF_BUS else line.code or 0
        self._forget_closed(usec)
        known = self._open.setdefault((boot_id, address, same, code), {})
        # Data and severity lines of an SXid name no link: they belong to whatever came before.
        anonymous = kind is EventKind.SXID and not line.subcode and bool(known)
        if anonymous or line.subcode in known:
            return True
        known[line.subcode] = usec
        return False

    def _forget_closed(self, usec: int) -> None:
        for key, known in tuple(self._open.items()):
            for subcode, first in tuple(known.items()):
                if abs(usec - first) > MERGE_USEC:
                    del known[subcode]
            if not known:
                del self._open[key]

    def _event(self, kind: EventKind, address: str, line: Line, usec: int, stamp: Stamp) -> Event:
        code = "" if line.code is None else str(line.code)
        return Event(
            kind=kind,
            at=stamp.at,
            source=EventSource.KERNEL_LOG,
            identity="/".join((stamp.boot_id, address, kind, code, line.subcode, str(usec))),
            boot_id=stamp.boot_id,
            pci_address=address,
            uuid=self._uuids.get(address, ""),
            code=line.code,
            subcode=line.subcode,
            detail=_detail(line),
            process=line.process,
            advice=_advice(line),
            not_before=stamp.not_before,
            not_after=stamp.not_after,
            boottime=stamp.boottime,
        )


@dataclass(frozen=True, slots=True)
class LogClock:
    """How the log's clock stands to boot time: `skew` seconds behind it, measured at `at` of it.

    The log's clock starts at boot, stands still in suspend, and nobody disciplines it: the two are
    taken to agree at boot but for suspends, and are compared whenever a record is read live. A log
    that is not the kernel's own is taken to be written in boot time: `drift` 0.
    """

    skew: float = 0.0
    at: float = 0.0
    drift: float = DRIFT

    def stamp(self, usec: int, now: Moment, *, live: bool) -> Stamp:
        """When a record received `now` was written.

        A `live` record was read as it was written: its receipt dates it. Any other is dated by the
        log's clock, which has drifted since it was compared: told when more than half a second.
        """
        written = usec * 1e-6 + self.skew
        age = 0.0 if live else max(now.boottime - written, 0.0)
        drift = 0.0 if live else abs(written - self.at) * self.drift
        bounded = drift > _EXACT_SECONDS
        at = now.wall - age
        return Stamp(
            boot_id=now.boot_id,
            at=at,
            not_before=at - drift if bounded else None,
            not_after=min(at + drift, now.wall) if bounded else None,
            boottime=now.boottime - age,
        )


def compared(usec: int, now: Moment) -> LogClock:
    """The log's clock by a record read live, `now`."""
    return LogClock(now.boottime - usec * 1e-6, now.boottime)


def _detail(line: Line) -> str:
    """The line's text; behind an Xid 144 to 150 also what NVIDIA's table says of its words."""
    words = nvlink_words(line.detail)
    if line.kind is not LineKind.XID or line.code is None or line.code not in CODES or not words:
        return line.detail
    fault = decode_nvlink(line.code, *words)
    if fault is None:
        return f"{line.detail} [not in NVIDIA's NVLink decode table]"
    advice = ", then ".join(dict.fromkeys((fault.immediate, fault.investigate)))
    return f"{line.detail} [{fault.severity}, {fault.origin}; NVIDIA: {advice}]"


def _advice(line: Line) -> XidAdvice:
    """What NVIDIA says to do: of an Xid 144 to 150 its words tell, where the table has them.

    An SXid that its line calls fatal wants a reset of switches and GPUs, and no other does.
    """
    if line.kind is LineKind.SXID:
        fatal = line.subcode.startswith(FATAL)
        return XidAdvice.RESET if fatal else XidAdvice.NOTHING_URGENT
    if line.kind not in (LineKind.XID, LineKind.FELL_OFF_BUS):
        return XidAdvice.UNKNOWN
    code = _FELL_OFF_BUS_XID if line.code is None else line.code
    words = nvlink_words(line.detail)
    if code not in CODES or not words:
        return advice(code)
    fault = decode_nvlink(code, *words)
    return XidAdvice.UNKNOWN if fault is None else advice_of(fault.immediate)
