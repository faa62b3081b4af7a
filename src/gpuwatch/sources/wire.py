r"""Wire: what a probe child and the agent say to each other over a pipe, and the progress page.

One message is one JSON object on one line, in both directions, at most `LIMIT` bytes. The agent
asks on the child's standard input, the child answers on its standard output; it logs to standard
error. End of input means: finish the call at hand and exit.

The agent asks (each with an `id` that the answers repeat):

    {"ask": "inventory", "id": 1, "devices": ["0000:01:00.0"] | null}
    {"ask": "sweep", "id": 2, "cadences": ["fast", "slow"], "devices": ["0000:01:00.0"] | null}

`devices` null means every device: of the driver in an inventory, of the last inventory in a sweep.
Devices named in an inventory are opened by address (nvmlDeviceGetHandleByPciBusId), and no other
device is touched: one that hangs is left alone so. Devices are asked in the order given, each
answered at once; a device named but unknown is a `lost-device`. The rows of the cadence `inventory`
are swept like all others, best after an inventory. The NVML child answers:

    {"say": "ready", "pid": 1, "table": HASH, "driver": "580.95.05", "nvml": "13.580.95.05",
     "cuda": 13000}                                       once, when NVML is initialised
    {"say": "failed", "stage": "load" | "init", "code": 9 | null, "text": "...", "nvml": "" | ...}
                                   instead, or when the driver as a whole stops answering; it exits
    {"say": "device", "id": 1, "index": 0, "pci": ..., DEVICE_FIELDS}      one per device
    {"say": "lost-device", "id": 1, "index": 3 | -1, "pci": "" | ..., "code": 15}       no handle to
                                                           be had, or no UUID; -1 for no index
    {"say": "sweep", "id": 2, "pci": ..., "boottime": 12.5, "cadences": [...], "values": [...]}
    {"say": "done", "id": 2, "count": 8, "seconds": 0.03}     the request is finished; how long
                                                           it took the child
    {"say": "event", "pci": ..., "uuid": ..., "type": 8, "data": 79, "boottime": 13.1,
     "instance": 5 | null}                                 the MIG instance, where it has one
    {"say": "events", "pci": ..., "types": 24, "code": 0}     once a device: its registration

`values` follow the rows of those cadences in table order; an absent value is `[reason, code]`.
DEVICE_FIELDS are `uuid`, `serial`, `name`, `part_number`, `vbios`, `inforom`, `mig` (true, false,
null), `module_id`, `chassis_serial`, `slot_number`, `tray_index` (null where unknown) and
`attributes`, an object of further texts.

The progress page is shared memory that the child writes before every call, so that the agent can
name the call in which a stuck child sits without asking it. It has two lanes, because the child has
two threads that call: the one that sweeps, and the one that waits for events.
"""

import json
import mmap
import os
import struct
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

LIMIT = 1 << 20
SWEEPING, WAITING = 0, 1  # the lanes of the progress page
_LANE = struct.Struct("<q16s64s")
PAGE_BYTES = 2 * _LANE.size
_DECODER = json.JSONDecoder()  # json.loads() would look for the encoding every time
_ENCODER = json.JSONEncoder(separators=(",", ":"))


def encode(message: dict[str, Any]) -> bytes:
    """One line for the pipe."""
    return _ENCODER.encode(message).encode() + b"\n"


def decode(line: bytes) -> dict[str, Any]:
    """One line from the pipe. Raises ValueError for anything but a JSON object."""
    text = line.decode()
    message, end = _DECODER.raw_decode(text)
    if text[end:].strip():
        raise ValueError(f"more follows a JSON object: {text[end:][:80]!r}")
    if not isinstance(message, dict):
        kind = type(message).__name__
        raise ValueError(f"a message is a JSON object, not {kind}")  # noqa: TRY004 - bad data
    return message


@dataclass(frozen=True, slots=True)
class Progress:
    """The call a child is in: its boot time start in nanoseconds, the device and the function."""

    since_ns: int
    device: str
    function: str


class ProgressPage:
    """One lane of a page shared with one child through an inherited file descriptor."""

    def __init__(self, descriptor: int, lane: int = SWEEPING) -> None:
        self._memory = mmap.mmap(descriptor, PAGE_BYTES)
        self._at = lane * _LANE.size

    @classmethod
    def create(cls) -> tuple["ProgressPage", int]:
        """A new page and the inheritable descriptor to hand to the child (the caller closes it)."""
        descriptor = os.memfd_create("gpuwatch-progress", 0)
        os.ftruncate(descriptor, PAGE_BYTES)
        return cls(descriptor), descriptor

    def enter(self, since_ns: int, device: str, function: str) -> None:
        """Say which call comes next (child)."""
        self.marker(device, function)(since_ns)

    def marker(self, device: str, function: str) -> Callable[[int], None]:
        """`enter` prepared for one call that is repeated often (child)."""
        pack, memory, at = _LANE.pack_into, self._memory, self._at
        who, what = device.encode()[:16], function.encode()[:64]

        def mark(since_ns: int) -> None:
            pack(memory, at, since_ns, who, what)

        return mark

    def leave(self) -> None:
        """Say that no call is under way (child)."""
        _LANE.pack_into(self._memory, self._at, 0, b"", b"")

    def read(self, lane: int = SWEEPING) -> Progress | None:
        """The call under way, or None (agent). May be torn by a concurrent write: a hint only."""
        since_ns, device, function = _LANE.unpack_from(self._memory, lane * _LANE.size)
        if not since_ns:
            return None
        return Progress(
            since_ns,
            device.rstrip(b"\0").decode(errors="replace"),
            function.rstrip(b"\0").decode(errors="replace"),
        )

    def close(self) -> None:
        """Give the page back."""
        self._memory.close()
