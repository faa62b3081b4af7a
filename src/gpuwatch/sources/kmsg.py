r"""Kernel messages: what the NVIDIA drivers print, read into values. No file, no clock.

A record of /dev/kmsg is `priority,sequence,microseconds,flags[,...];text`, then lines ` KEY=value`;
what is not printable in it is written as `\xNN`, line ends within a message included.
https://www.kernel.org/doc/Documentation/ABI/testing/dev-kmsg
The lines of the driver are as in its open source (kernel_rc.c, osinit.c, nvswitch) and as found in
public logs of drivers from 304 to 595.
"""

import re
from dataclasses import dataclass
from enum import StrEnum

_HEADER = re.compile(r"(\d+),(\d+),(\d+),([^,;]*)[^;]*;(.*)")
_ESCAPE = re.compile(rb"\\x([0-9a-fA-F]{2})")
_PCI = (
    r"(?:PCI:)?(?:(?P<domain>[0-9a-f]{1,8}):)?"
    r"(?P<bus>[0-9a-f]{2,4}):(?P<device>[0-9a-f]{2})(?:\.(?P<function>[0-7])0*)?"
)
_CODE = r"(?P<code>\d{1,9})"


def _filled(pattern: str) -> str:
    return pattern.replace("PCI_ADDRESS", _PCI).replace("CODE", _CODE)


@dataclass(frozen=True, slots=True, kw_only=True)
class KernelRecord:
    """One record. `usec` are microseconds on the kernel log's clock, which starts at boot."""

    priority: int
    sequence: int
    usec: int
    flags: str
    text: str
    fields: tuple[tuple[str, str], ...] = ()

    @property
    def from_kernel(self) -> bool:
        """Whether the kernel itself wrote it: facility 0, which no process can give its lines.

        A process may write to /dev/kmsg (systemd does), and may quote an Xid.
        """
        return self.priority >> 3 == 0


class LineKind(StrEnum):
    """What a line of the driver tells. The last three only identify a board for others."""

    XID = "xid"
    SXID = "sxid"
    FELL_OFF_BUS = "fell_off_bus"
    INIT_FAILED = "init_failed"
    ADDRESS = "address"
    UUID = "uuid"
    SERIAL = "serial"


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One line of a driver. `pci_address` is `0000:01:00.0`, "" where the line names none.

    `subcode` tells occurrences of one code apart: the MIG instance (`GPU-I:05`), the NVLink unit
    and link (`RLW_RXPIPE link 13`, `link 2`), or for an SXid its severity and link (`fatal link
    30`). `detail` is the text after the code, or the UUID or serial number; `process` is whom an
    Xid blames (`4242 python3`), "" for nobody.
    """

    kind: LineKind
    pci_address: str = ""
    code: int | None = None
    subcode: str = ""
    detail: str = ""
    process: str = ""


_PATTERNS: tuple[tuple[LineKind, re.Pattern[str]], ...] = tuple(
    (kind, re.compile(_filled(pattern), re.IGNORECASE | re.DOTALL))
    for kind, pattern in (
        # Drivers before 310 print no `PCI:`, some no domain; those before 450 no `pid=`; since 515
        # `name=`; with MIG the instances stand behind the address.
        (
            LineKind.XID,
            r"NVRM: Xid \(PCI_ADDRESS(?P<instance>[^)]*)\): CODE(?:, *(?P<detail>.*))?$",
        ),
        (
            LineKind.SXID,
            r"nvswitch\d*: SXid \(PCI_ADDRESS\): CODE(?:, *(?P<detail>.*))?$",
        ),
        # One message of three lines, or three messages; the last of three names no address.
        (
            LineKind.FELL_OFF_BUS,
            r"NVRM: The NVIDIA GPU PCI_ADDRESS\b.*?(?P<detail>fallen off the bus[^\n]*)",
        ),
        (
            LineKind.FELL_OFF_BUS,
            r"NVRM: GPU (?:at )?PCI_ADDRESS:? (?P<detail>(?:GPU )?has fallen off the bus[^\n]*)",
        ),
        (LineKind.FELL_OFF_BUS, r"NVRM: (?P<detail>fallen off the bus and is not [^\n]*)"),
        (LineKind.INIT_FAILED, r"NVRM: GPU PCI_ADDRESS: (?P<detail>RmInitAdapter failed[^\n]*)"),
        (LineKind.ADDRESS, r"NVRM: The NVIDIA GPU PCI_ADDRESS"),
        (LineKind.UUID, r"NVRM: GPU at PCI_ADDRESS: (?P<detail>GPU-[0-9a-f-]{36})\b"),
        (LineKind.SERIAL, r"NVRM: GPU PCI_ADDRESS: GPU serial number is (?P<detail>\w+)"),
        (LineKind.SERIAL, r"NVRM: GPU Board Serial Number: (?P<detail>\w+)"),
    )
)
FATAL = "fatal"
# Quick to look for; every pattern above holds one of them.
_MARKS = (" Xid (", " SXid (", "allen off the bus", "RmInitAdapter failed", "NVRM: The NVIDIA GPU ",
          "NVRM: GPU at ", "erial number is", "Board Serial Number")  # fmt: skip
# Beside those: what the driver and the bus under it say, which tells nothing here and may all to
# who has the board in hands. https://docs.kernel.org/PCI/pcieaer-howto.html
_DRIVER = ("NVRM", "nvidia", "nvswitch")
_BEGINNINGS = (*_DRIVER, "pcieport ")
_OF_THE_BUS = ("AER:", "DPC:", "PCIe Bus Error", "[Hardware Error]")
_NVLINK = re.compile(
    r"(?P<unit>[A-Z][A-Z0-9_]+) (?:Fatal|Non-?fatal)\b.*?\bLink (?P<link>-?\d+) "
    r"\(0x(?P<intrinfo>[0-9a-f]+)[ ,]+0x(?P<status>[0-9a-f]+)",
    re.IGNORECASE,
)
# To Hopper: `NVLink: fatal error detected on link 2(0x10000, 0x0, ...)`.
_OLD_NVLINK = re.compile(r"detected on link (?P<link>\d+)", re.IGNORECASE)
_PROCESS = re.compile(r"pid=(?P<pid>\d+)(?:, name=(?P<name>[^,]*))?")
_SEVERITY = re.compile(r"(?P<severity>Fatal|Non-?fatal)\b(?:, *Link (?P<link>\d+))?", re.IGNORECASE)


class Freshness:
    """Tells a record that was read as it was written from one that waited for a stuck reader.

    The log's clock is compared with CLOCK_MONOTONIC, which stands still in suspend as well; what
    the two drift apart between two records, at most 100 parts in a million, is no age.
    """

    def __init__(self) -> None:
        self._lag = 0.0
        self._at = 0.0

    def fresh(self, usec: int, monotonic: float) -> bool:
        """Whether a record of `usec` read at `monotonic` seconds is younger than a second."""
        lag = monotonic - usec * 1e-6
        if lag - self._lag > 1.0 + (monotonic - self._at) * 1e-4:
            return False
        self._lag, self._at = lag, monotonic
        return True


class Ration:
    """How many lines that only tell are heard: a burst, then so many a second of the log's clock.

    The bus has a budget of its own, so that a link that fails all the time cannot silence the
    driver. The log's clock, not ours: what waited since boot is read within an instant.
    """

    BURST = 200.0
    PER_SECOND = 20.0

    def __init__(self) -> None:
        self._left = {True: self.BURST, False: self.BURST}
        self._at = {True: 0, False: 0}

    def allows(self, record: KernelRecord) -> bool:
        """Whether this one is still within its budget, which it then uses up."""
        bus = not record.text.startswith(_DRIVER)
        passed = max(record.usec - self._at[bus], 0) * 1e-6
        self._at[bus] = record.usec
        self._left[bus] = min(self._left[bus] + passed * self.PER_SECOND, self.BURST)
        if self._left[bus] < 1.0:
            return False
        self._left[bus] -= 1.0
        return True


def parse_record(data: str) -> KernelRecord:
    """One record, its continuation lines included. Raises ValueError for anything else."""
    head, *rest = data.rstrip("\n").split("\n")
    header = _HEADER.fullmatch(head)
    if header is None:
        raise ValueError(f"not a record of /dev/kmsg: {head[:80]!r}")
    priority, sequence, usec, flags, text = header.groups()
    return KernelRecord(
        priority=int(priority),
        sequence=int(sequence),
        usec=int(usec),
        flags=flags,
        text=_unescape(text),
        fields=tuple(_field(line) for line in rest if line.startswith(" ")),
    )


def matters(text: str) -> bool:
    """Whether `read_line` may have something to say of it. Cheap: for every line of the kernel."""
    return any(mark in text for mark in _MARKS)


def is_told_of(text: str) -> bool:
    """Whether a line is worth keeping as it is: of the driver, or of the bus. Cheap as well."""
    return text.startswith(_BEGINNINGS) or any(mark in text for mark in _OF_THE_BUS)


def read_line(text: str) -> Line | None:
    """What a message of the kernel tells of a GPU or NVSwitch, or None."""
    for kind, pattern in _PATTERNS:
        found = pattern.search(text)
        if found is not None:
            return _line(kind, found.groupdict())
    return None


def looks_like_xid(text: str) -> bool:
    """Whether a line that could not be read seems to be an Xid all the same."""
    return " Xid (" in text or " SXid (" in text


def nvlink_words(detail: str) -> tuple[int, int] | None:
    """The first two words behind an Xid 144 to 150 (intrinfo, error status), or None."""
    found = _NVLINK.search(detail)
    return (int(found["intrinfo"], 16), int(found["status"], 16)) if found else None


def _line(kind: LineKind, parts: dict[str, str | None]) -> Line:
    detail = " ".join((parts.get("detail") or "").split())
    code = parts.get("code")
    subcode = ""
    if kind is LineKind.XID:
        subcode = " ".join((parts.get("instance") or "").split()) or _nvlink_subcode(detail)
    elif kind is LineKind.SXID:
        subcode = _switch_subcode(detail)
    elif kind is LineKind.UUID:
        detail = "GPU-" + detail[4:].lower()
    return Line(
        kind=kind,
        pci_address=_address(parts),
        code=int(code) if code is not None else None,
        subcode=subcode,
        detail=detail,
        process=_process(detail) if kind is LineKind.XID else "",
    )


def _process(detail: str) -> str:
    """The process that an Xid blames; none where the driver says that it does not know."""
    found = _PROCESS.match(detail)
    return " ".join(filter(None, found.groups())) if found else ""


def _address(parts: dict[str, str | None]) -> str:
    bus, device = parts.get("bus"), parts.get("device")
    if bus is None or device is None:
        return ""
    domain, function = parts.get("domain") or "0", parts.get("function") or "0"
    return f"{int(domain, 16):04x}:{int(bus, 16):02x}:{int(device, 16):02x}.{function}"


def _nvlink_subcode(detail: str) -> str:
    if found := _NVLINK.search(detail):
        return f"{found['unit']} link {int(found['link'])}"
    old = _OLD_NVLINK.search(detail)
    return f"link {int(old['link'])}" if old else ""


def _switch_subcode(detail: str) -> str:
    found = _SEVERITY.match(detail)
    if found is None:
        return ""
    severity = FATAL if found["severity"].lower() == FATAL else "non-fatal"
    return severity if found["link"] is None else f"{severity} link {int(found['link'])}"


def _unescape(text: str) -> str:
    if "\\x" not in text:
        return text
    raw = _ESCAPE.sub(lambda found: bytes.fromhex(found[1].decode()), text.encode())
    return raw.decode(errors="replace")


def _field(line: str) -> tuple[str, str]:
    key, _, value = line.strip().partition("=")
    return key, _unescape(value)
