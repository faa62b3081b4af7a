"""Kernel events: from the driver's lines in the kernel log to events, several lines being one.

An occurrence is told in up to a dozen lines (the driver prints an Xid 13 once per faulting unit, an
SXid with its data below): lines of one boot, address, code and subcode within a second of the first
are one event. The second is anchored at the first line, so that a flood cannot hide itself.
"""

from dataclasses import dataclass

from gpuwatch.domain.events import Event, EventKind, EventSource
from gpuwatch.sources.kmsg import KernelRecord, Line, LineKind, nvlink_words, read_line
from gpuwatch.sources.nvlink_decode import CODES, decode_nvlink

MERGE_USEC = 1_000_000
_FELL_OFF_BUS_XID = 79
_KINDS = {
    LineKind.XID: EventKind.XID,
    LineKind.SXID: EventKind.SXID,
    LineKind.FELL_OFF_BUS: EventKind.FELL_OFF_BUS,
    LineKind.INIT_FAILED: EventKind.INIT_FAILED,
}
# The kernel log's clock is the CPU's, which nobody disciplines: against CLOCK_MONOTONIC it drifts
# by what a crystal is off. Our assumption, generous for one: 100 parts in a million.
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
            not_before=stamp.not_before,
            not_after=stamp.not_after,
            boottime=stamp.boottime,
        )


def stamp_of(
    usec: int, age_seconds: float, *, boot_id: str, wall: float, boottime: float, live: bool
) -> Stamp:
    """When a record of this boot was written, from its age at receipt.

    `wall` and `boottime` are the agent's clocks at receipt. The age is counted on CLOCK_MONOTONIC,
    which like the log's clock stands still in suspend; a suspend between record and receipt is not
    known of. A `live` record was read as it was written, so its receipt dates it and drift does not
    matter; any other is off by the drift since boot at most, told when more than half a second.
    """
    age = max(age_seconds, 0.0)
    at = wall - age
    drift = 0.0 if live else usec / 1e6 * DRIFT
    bounded = drift > _EXACT_SECONDS
    return Stamp(
        boot_id=boot_id,
        at=at,
        not_before=at - drift if bounded else None,
        not_after=min(at + drift, wall) if bounded else None,
        boottime=max(boottime - age, 0.0),
    )


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
