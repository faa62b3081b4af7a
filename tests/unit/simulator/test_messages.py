"""Kernel-log sentences, read by the product's own parser."""

import pytest

from gpuwatch.sources.kmsg import read_line
from simulator import messages
from simulator.kernel_log import record
from simulator.messages import Reporter

_REPORTER = Reporter(pci="0000:1b:00.0", uuid="GPU-1", serial="165", process=(7, "python3"))


def test_an_xid_names_gpu_process_and_detail() -> None:
    """The driver's form, byte for byte."""
    assert messages.xid_lines(_REPORTER, 43) == [
        "NVRM: Xid (PCI:0000:1b:00): 43, pid=7, name=python3, Ch 00000008"
    ]


def test_a_mig_instance_stands_in_the_address() -> None:
    """As NVIDIA documents it for contained errors."""
    reporter = Reporter(pci="0000:01:00.0", uuid="", serial="", gpu_instance=5)

    (line,) = messages.xid_lines(reporter, 94)

    assert line.startswith("NVRM: Xid (PCI:0000:01:00 GPU-I:05): 94, pid='<unknown>'")


def test_falling_off_the_bus_takes_several_lines() -> None:
    """Board, Xid 79, the bare line, the crash dump."""
    lines = messages.xid_lines(_REPORTER, 79)

    assert [("): 79," in line, "fallen off" in line) for line in lines[2:4]] == [
        (True, True),
        (False, True),
    ]
    assert "NVRM: GPU Board Serial Number: 165" in lines


@pytest.mark.parametrize("code", [13, 48, 63, 79, 94, 119, 144, 149, 154, 171, 172, 999])
def test_the_products_parser_reads_every_xid(code: int) -> None:
    """Whatever is printed with an Xid is understood as that Xid of that GPU."""
    found = [read_line(line) for line in messages.xid_lines(_REPORTER, code)]

    assert str(code) in repr(found)


def test_an_unprintable_byte_is_written_as_the_kernel_does() -> None:
    """As a backslash, x and two digits."""
    line = record(priority=4, sequence=9, boottime=1.5, text="a\\b\x07é")

    assert line == rb"4,9,1500000,-;a\x5cb\x07\xc3\xa9" + b"\n"


@pytest.mark.parametrize(("text", "says"), [("a\nb", "one line"), ("x" * 3000, "limit")])
def test_an_impossible_record_is_refused(text: str, says: str) -> None:
    """A record is one line of bounded length."""
    with pytest.raises(ValueError, match=says):
        record(priority=4, sequence=0, boottime=0, text=text)
