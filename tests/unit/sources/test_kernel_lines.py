"""Kernel lines are kept as they were written, in bounded memory, whoever floods the log."""

import pytest

from gpuwatch.domain.kernel_lines import TEXT_LIMIT, KernelLine
from gpuwatch.sources.crash_dumps import CrashDump, worth_telling
from gpuwatch.sources.kernel_lines import DEVICES, OF_A_DEVICE, KernelLines, address_in, line_of
from gpuwatch.sources.kmsg import KernelRecord, Ration, is_told_of, matters

GPU = "0000:01:00.0"
XID = "NVRM: Xid (PCI:0000:01:00): 48, x"


def _line(number: int, pci_address: str = GPU) -> KernelLine:
    return KernelLine(at=1.0, text=str(number), boot_id="b", usec=number, pci_address=pci_address)


def _record(text: str, usec: int = 0) -> KernelRecord:
    return KernelRecord(priority=3, sequence=1, usec=usec, flags="-", text=text)


def _texts(lines: KernelLines) -> list[str]:
    return [line.text for line in lines.latest()]


def test_lines_come_back_in_the_order_in_which_they_came() -> None:
    """Whichever device each of them names."""
    lines = KernelLines()
    for number, address in enumerate([GPU, "", "0000:02:00.0", GPU]):
        lines.add(_line(number, address))

    assert _texts(lines) == ["0", "1", "2", "3"]


def test_a_flood_of_one_device_keeps_what_the_others_said() -> None:
    """Of the one that floods the latest are kept."""
    lines = KernelLines()
    lines.add(_line(0))
    for number in range(1, 1_000):
        lines.add(_line(number, "0000:02:00.0"))

    kept = _texts(lines)
    assert (len(kept), kept[0], kept[-1]) == (1 + OF_A_DEVICE, "0", "999")


def test_the_devices_that_are_kept_are_bounded() -> None:
    """The one that was quiet longest goes; what names none stays."""
    lines = KernelLines()
    lines.add(_line(0, ""))
    for number in range(1, DEVICES + 2):
        lines.add(_line(number, f"0000:{number:02x}:00.0"))

    kept = _texts(lines)
    assert kept[:2] == ["0", "3"]
    assert len(kept) == DEVICES


@pytest.mark.parametrize(
    ("text", "address"),
    [
        (XID, GPU),
        ("NVRM: GPU 0000:5D:00.0: GPU has fallen off the bus.", "0000:5d:00.0"),
        ("pcieport 0000:00:01.1: AER: Corrected error received: 0000:41:00.0", "0000:41:00.0"),
        ("nvidia 0000:41:00.0:   device [10de:2330] error status/mask=00000001", "0000:41:00.0"),
        ("nvidia-nvswitch3: SXid (PCI:0000:c1:00.0): 24007, Fatal", "0000:c1:00.0"),
        ("NVRM: A GPU crash dump has been created at 12:34:56", ""),
    ],
)
def test_a_line_belongs_to_the_last_device_that_it_names(text: str, address: str) -> None:
    """A port names itself before the device behind it."""
    assert address_in(text) == address


def test_a_line_is_kept_with_its_words_and_its_dates() -> None:
    """Cut where a message is longer than anything worth reading."""
    line = line_of(_record(XID + "y" * 2_000, usec=7), "boot", 5.0, priority=3)

    assert line.text == (XID + "y" * 2_000)[:TEXT_LIMIT]
    assert (line.at, line.usec, line.boot_id, line.priority) == (5.0, 7, "boot", 3)
    assert line.pci_address == GPU


@pytest.mark.parametrize(
    "text",
    [
        "NVRM: _kgspLogXid119: ********************************* GSP Timeout",
        "nvidia 0000:41:00.0: PCIe Bus Error: severity=Uncorrectable (Fatal), type=Transaction",
        "nvidia-nvlink: Nvlink Core is being initialized, major device number 235",
        "pcieport 0000:40:01.1: DPC: containment event, status:0x1f01",
        "{1}[Hardware Error]: Hardware error from APEI Generic Hardware Error Source: 5",
    ],
)
def test_what_the_driver_and_the_bus_say_is_kept_although_it_is_no_event(text: str) -> None:
    """Who has the board in hands may want it."""
    assert is_told_of(text)
    assert not matters(text)


@pytest.mark.parametrize(
    "text", ["usb 1-1: new high-speed USB device", "audit: comm=nvidia-smi", "eth0: link up"]
)
def test_what_others_say_is_not_kept(text: str) -> None:
    """Names of processes least of all."""
    assert not is_told_of(text)


def test_a_flood_of_the_bus_is_not_heard_out_and_does_not_silence_the_driver() -> None:
    """By the log's own clock: a burst, then a few a second; the driver has a budget of its own."""
    ration = Ration()
    flood = [ration.allows(_record("pcieport 0000:00:01.0: AER: x", 1_000)) for _ in range(300)]
    driver = ration.allows(_record("NVRM: hello", 1_000))
    later = [ration.allows(_record("pcieport 0000:00:01.0: AER: x", 1_001_000)) for _ in range(30)]

    assert (flood.count(True), driver, later.count(True)) == (200, True, 20)


def test_of_a_crash_dump_the_latest_lines_are_told_in_order() -> None:
    """What only tells takes no place from what an event may come from."""
    lines = [(number, "NVRM: hello") for number in range(150)]
    lines += [(number, XID) for number in range(150, 450)]
    lines += [(450, "usb 1-1: new"), (451, "NVRM: the last")]
    dump = CrashDump(name="d", at=5.0, last_usec=451, lines=tuple(lines))

    told = worth_telling(dump)
    assert [usec for usec, _ in told] == [*range(51, 150), *range(194, 450), 451]
