"""Kernel messages: every shape of line that drivers print is read, and nothing else is."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gpuwatch.sources.kmsg import (
    Freshness,
    KernelRecord,
    Line,
    LineKind,
    looks_like_xid,
    matters,
    nvlink_words,
    parse_record,
    read_line,
)

UUID = "GPU-b850f46d-d5ea-c752-ddf3-c4453e44d3f7"
FALLEN = "fallen off the bus and is not responding to commands."


def xid(
    code: int, detail: str, pci: str = "0000:01:00.0", subcode: str = "", process: str = ""
) -> Line:
    """An expected Xid line."""
    return Line(
        kind=LineKind.XID,
        pci_address=pci,
        code=code,
        subcode=subcode,
        detail=detail,
        process=process,
    )


def test_a_record_is_read_with_its_continuation_lines() -> None:
    """The dictionary below a record belongs to it."""
    data = "4,339,5140900,-,caller=T12;NVRM: hello; world\n SUBSYSTEM=pci\n DEVICE=+pci:0000:01\n"

    expected = KernelRecord(
        priority=4,
        sequence=339,
        usec=5140900,
        flags="-",
        text="NVRM: hello; world",
        fields=(("SUBSYSTEM", "pci"), ("DEVICE", "+pci:0000:01")),
    )
    assert parse_record(data) == expected


def test_escapes_become_what_was_printed() -> None:
    """The kernel writes line ends and non-ASCII bytes as hexadecimal escapes."""
    assert parse_record(r"6,1,2,-;a\x0ab \xc3\xa9 \x5c").text == "a\nb é \\"


@pytest.mark.parametrize(("priority", "expected"), [(3, True), (7, True), (12, False), (30, False)])
def test_only_the_kernel_itself_is_believed(priority: int, expected: object) -> None:
    """Whoever may write to /dev/kmsg gets another facility than the kernel's."""
    assert parse_record(f"{priority},1,2,-;NVRM: x").from_kernel is expected


@pytest.mark.parametrize("data", ["", "NVRM: Xid", "4,339;no time", "a,b,c,-;text", "\n"])
def test_anything_else_is_no_record(data: str) -> None:
    """A torn or foreign line is refused and not guessed at."""
    with pytest.raises(ValueError, match="not a record"):
        parse_record(data)


@given(st.text())
def test_no_text_breaks_the_parser(text: str) -> None:
    """Whatever the kernel prints is read, or refused with ValueError."""
    try:
        record = parse_record("4,1,2,-;" + text)
    except ValueError:
        return
    read_line(record.text)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            ("NVRM: Xid (PCI:0000:01:00): 94, pid=1234, name=python, Contained: CE User Channel "
            "(0x9). RST: No, D-RST: No"),
            xid(
                94,
                "pid=1234, name=python, Contained: CE User Channel (0x9). RST: No, D-RST: No",
                process="1234 python",
            ),
        ),
        ("NVRM: Xid (0000:03:00): 14, Channel 00000001", xid(14, "Channel 00000001",
                                                             "0000:03:00.0")),
        ("NVRM: Xid (0001:00): 8, Channel 00000001", xid(8, "Channel 00000001", "0000:01:00.0")),
        (
            "NVRM: Xid (PCI:0000:CB:00): 13, pid='<unknown>', name=<unknown>, Graphics Exception",
            xid(13, "pid='<unknown>', name=<unknown>, Graphics Exception", "0000:cb:00.0"),
        ),
        (
            "NVRM: Xid (PCI:0000:01:00 GPU-I:05): 94, pid=7194, Contained: LTC",
            xid(94, "pid=7194, Contained: LTC", subcode="GPU-I:05", process="7194"),
        ),
        (
            "NVRM: Xid (PCI:0000:3b:00 GPU-I:01 GPU-CI:02): 13, pid=9, name=a, Graphics Exception",
            xid(13, "pid=9, name=a, Graphics Exception", "0000:3b:00.0", "GPU-I:01 GPU-CI:02",
                "9 a"),
        ),
        ("NVRM: Xid (PCI:00000000:0A:00.0): 62, 2f0c", xid(62, "2f0c", "0000:0a:00.0")),
        ("NVRM: Xid (PCI:0019:01:00): 79, GPU has fallen off the bus.",
         xid(79, "GPU has fallen off the bus.", "0019:01:00.0")),
        ("NVRM: Xid (PCI:10000:01:00): 63, Row Remapper: new row", xid(63, "Row Remapper: new row",
                                                                       "10000:01:00.0")),
        ("NVRM: Xid (PCI:0000:01:00): 79, ", xid(79, "")),
        ("NVRM: Xid (PCI:0000:01:00): 45", xid(45, "")),
        (
            ("NVRM: Xid (PCI:0000:dc:00): 45, pid=1, name=python3, Ch 00000001 caused by previous "
            "Xid 149"),
            xid(45, "pid=1, name=python3, Ch 00000001 caused by previous Xid 149", "0000:dc:00.0",
                process="1 python3"),
        ),
        (
            ("NVRM: Xid (PCI:0000:dc:00): 74, pid=12, name=my job, NVLink: fatal error detected on "
            "link 2(0x10000, 0x0, 0x0, 0x0, 0x0, 0x0, 0x0)"),
            xid(
                74,
                "pid=12, name=my job, NVLink: fatal error detected on link 2(0x10000, 0x0, 0x0, "
                "0x0, 0x0, 0x0, 0x0)",
                "0000:dc:00.0",
                "link 2",
                "12 my job",
            ),
        ),
        (
            ("NVRM: Xid (PCI:0018:01:00): 145, RLW_RXPIPE Nonfatal XC0 i0 Link 13 "
            "(0x0409a0c2 0x00000008 0x00000001 0x00000000 0x00100000 0x00000004)"),
            xid(
                145,
                "RLW_RXPIPE Nonfatal XC0 i0 Link 13 "
                "(0x0409a0c2 0x00000008 0x00000001 0x00000000 0x00100000 0x00000004)",
                "0018:01:00.0",
                "RLW_RXPIPE link 13",
            ),
        ),
        (
            ("NVRM: Xid (PCI:0000:04:00): 154, GPU recovery action changed from 0x0 (None) to 0x2 "
            "(Node Reboot Required)"),
            xid(
                154,
                "GPU recovery action changed from 0x0 (None) to 0x2 (Node Reboot Required)",
                "0000:04:00.0",
            ),
        ),
    ],
)  # fmt: skip
def test_an_xid_is_read_in_every_shape(text: str, expected: Line) -> None:
    """Old and new drivers, MIG, large domains, no detail, NVLink words."""
    assert read_line(text) == expected


def test_a_number_that_no_driver_prints_is_no_code() -> None:
    """A garbled line is one that could not be read: no code, no label and no row of the store."""
    assert read_line(f"NVRM: Xid (PCI:0000:01:00): {'9' * 30}, garbled") is None


@pytest.mark.parametrize(
    ("rest", "code", "subcode"),
    [
        ("24007, Fatal, Link 30 sourcetrack timeout error (First)", 24007, "fatal link 30"),
        ("20009, Non-fatal, Link 28 RX Short Error Rate", 20009, "non-fatal link 28"),
        ("11001, Fatal, ingress invalid command", 11001, "fatal"),
        ("28006, Severity 0 Engine instance 46 Sub-engine instance 00", 28006, ""),
        ("12028, Data {0x000001c0, 0x00bd5c8a}", 12028, ""),
    ],
)
def test_an_sxid_says_its_severity_and_link(rest: str, code: int, subcode: str) -> None:
    """Whether a switch fault is fatal stands in the line's text, not in its code."""
    line = read_line(f"nvidia-nvswitch3: SXid (PCI:0000:c1:00.0): {rest}")

    assert line is not None
    assert (line.kind, line.pci_address) == (LineKind.SXID, "0000:c1:00.0")
    assert (line.code, line.subcode) == (code, subcode)


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("NVRM: GPU 0000:5d:00.0: GPU has fallen off the bus.", "0000:5d:00.0"),
        ("NVRM: GPU at 0000:01:00.0 has fallen off the bus.", "0000:01:00.0"),
        ("NVRM: GPU at PCI:0000:17:00.0 has fallen off the bus.", "0000:17:00.0"),
        (
            (
                "NVRM: The NVIDIA GPU 0000:b3:00.0\nNVRM: (PCI ID: 10de:26b5) installed in this "
                f"system has\nNVRM: {FALLEN}"
            ),
            "0000:b3:00.0",
        ),
        (f"NVRM: {FALLEN}", ""),
    ],
)
def test_a_fall_off_the_bus_is_read_without_an_xid(text: str, address: str) -> None:
    """Some falls are told by a bare line only, in one message or in three."""
    line = read_line(text)

    assert line is not None
    assert (line.kind, line.pci_address) == (LineKind.FELL_OFF_BUS, address)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "NVRM: GPU 0001:00:00.0: RmInitAdapter failed! (0x62:0x65:2028)",
            Line(
                kind=LineKind.INIT_FAILED,
                pci_address="0001:00:00.0",
                detail="RmInitAdapter failed! (0x62:0x65:2028)",
            ),
        ),
        (
            f"NVRM: GPU at PCI:0000:34:00: {UUID.upper()}",
            Line(kind=LineKind.UUID, pci_address="0000:34:00.0", detail=UUID),
        ),
        (
            "NVRM: GPU 0000:5d:00.0: GPU serial number is 1653923026510.",
            Line(kind=LineKind.SERIAL, pci_address="0000:5d:00.0", detail="1653923026510"),
        ),
        (
            "NVRM: GPU Board Serial Number: 1651522000466",
            Line(kind=LineKind.SERIAL, detail="1651522000466"),
        ),
        (
            "NVRM: The NVIDIA GPU 0000:b3:00.0",
            Line(kind=LineKind.ADDRESS, pci_address="0000:b3:00.0"),
        ),
    ],
)
def test_lines_about_a_board_are_read(text: str, expected: Line) -> None:
    """A GPU that does not start, and who sits at an address."""
    assert read_line(text) == expected
    assert matters(text)


@pytest.mark.parametrize(
    "text",
    [
        "NVRM: loading NVIDIA UNIX x86_64 Kernel Module  550.163.01",
        "NVRM: GPU1 rpcRmApiFree_GSP: GspRmFree failed",
        "usb 1-1: new device GPU-Xid",
        "",
    ],
)
def test_other_lines_tell_nothing(text: str) -> None:
    """The driver prints much that is no evidence."""
    assert read_line(text) is None


def test_a_garbled_xid_is_noticed() -> None:
    """A shape that is not known yet must not vanish in silence."""
    text = "nvidia-nvswitch3: SXid (PCI:0000:c1:00.0): garbled, Fatal"

    assert read_line(text) is None
    assert matters(text)
    assert looks_like_xid(text)


def test_the_words_of_an_nvlink_xid_are_read() -> None:
    """The first two words decide what to do."""
    detail = "NETIR_LINK_EVT Fatal XC0 i0 Link 00 (0x025001c6 0x00000000 0x0)"

    assert nvlink_words(detail) == (0x025001C6, 0)


def test_text_without_words_has_none() -> None:
    """Xid 137 names a unit too, and no words."""
    assert nvlink_words("RLW_RXPIPE interrupt hit on link 11 on GPU0: PRIV Error") is None


@given(
    domain=st.integers(0, 0xFFFF),
    bus=st.integers(0, 255),
    device=st.integers(0, 31),
    code=st.integers(1, 999),
    upper=st.booleans(),
)
def test_every_address_comes_out_in_one_form(
    domain: int, bus: int, device: int, code: int, *, upper: bool
) -> None:
    """Four-digit domain, lower case, function 0: as the inventory writes it."""
    address = f"{domain:04x}:{bus:02x}:{device:02x}"
    text = f"NVRM: Xid (PCI:{address.upper() if upper else address}): {code}, x"

    line = read_line(text)

    assert line == xid(code, "x", address + ".0")
    assert matters(text)


def test_a_record_read_as_it_was_written_is_fresh() -> None:
    """Also after days in which the clocks drifted apart, as long as they are compared."""
    freshness = Freshness()

    days = [freshness.fresh(round(day * 86_399 * 1e6), day * 86_400.0) for day in range(20)]

    assert days == [True] * 20


def test_a_record_that_waited_for_its_reader_is_not_fresh() -> None:
    """A reader that was stopped dates nothing by its receipt; the next record is fresh again."""
    freshness = Freshness()
    freshness.fresh(100_000_000, 100.0)

    assert [freshness.fresh(101_000_000, 140.0), freshness.fresh(140_000_000, 140.1)] == [
        False,
        True,
    ]
