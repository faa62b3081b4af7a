"""Kernel lines: the latest lines as the kernel wrote them, in bounded memory, for who wants them.

They are not delivered one by one: a flood would wake the agent for every line of it. A ring for
each device keeps what one of them has to say when another floods the log.
"""

import re
import threading
from collections import deque
from itertools import count

from gpuwatch.domain.kernel_lines import LINES_LIMIT, TEXT_LIMIT, KernelLine
from gpuwatch.sources.kmsg import KernelRecord

OF_A_DEVICE = 100
DEVICES = 64
_ADDRESS = re.compile(
    r"(?<![0-9a-f])([0-9a-f]{4,8}):([0-9a-f]{2}):([0-9a-f]{2})(?:\.([0-7]))?(?![0-9a-f])",
    re.IGNORECASE,
)

_Ring = deque[tuple[int, KernelLine]]


class KernelLines:
    """The ring. `add` is for the thread that reads the log, `latest` for any."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._numbers = count()
        self._rings: dict[str, _Ring] = {}

    def add(self, line: KernelLine) -> None:
        """Keep a line; the oldest of its device goes, and the device that was quiet longest."""
        with self._lock:
            ring = self._rings.pop(line.pci_address, None)
            if ring is None:
                ring = deque(maxlen=OF_A_DEVICE if line.pci_address else LINES_LIMIT)
            self._rings[line.pci_address] = ring  # the last of all: it spoke last
            ring.append((next(self._numbers), line))
            if len(self._rings) > DEVICES:
                quiet = next(address for address in self._rings if address)
                del self._rings[quiet]

    def latest(self) -> tuple[KernelLine, ...]:
        """What is kept, in the order in which it came."""
        with self._lock:
            kept = [each for ring in self._rings.values() for each in ring]
        return tuple(line for _, line in sorted(kept, key=lambda each: each[0]))


def line_of(record: KernelRecord, boot_id: str, at: float, *, priority: int | None) -> KernelLine:
    """A record as a line to be kept."""
    text = record.text[:TEXT_LIMIT]
    return KernelLine(
        at=at,
        text=text,
        boot_id=boot_id,
        usec=record.usec,
        priority=priority,
        pci_address=address_in(text),
    )


def address_in(text: str) -> str:
    """The last PCI address that a text names in full, "" for none.

    The last: a port reports `AER: ... error message received from` the device behind it.
    """
    found = _ADDRESS.findall(text)
    if not found:
        return ""
    domain, bus, device, function = found[-1]
    return f"{int(domain, 16):04x}:{bus.lower()}:{device.lower()}.{function or '0'}"
