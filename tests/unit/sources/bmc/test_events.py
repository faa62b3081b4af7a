"""Events: an entry of the event log as a person reads it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gpuwatch.domain.bmc_logs import LogSeverity, LogTopic
from gpuwatch.sources.bmc.events import decoded, stamp
from gpuwatch.sources.bmc.records import sensors_of
from tests.support.ipmi_link import compact_record, event_record, full_record, sel_entry

SENSORS = {
    each.key: each
    for raw in (
        full_record(0x13, b"GPU3 Temp"),
        full_record(0x59, b"P12V", base=4, sensor_type=2, factors=b"\x06\0\0\0\0\xe0"),
        compact_record(0x61, b"PSU2 Status"),
        compact_record(0x68, b"PS Redundancy", reading_type=0x0B),
        compact_record(0x6E, b"ECC Memory", sensor_type=0x0C),
        compact_record(0x6F, b"PCIe Fatal", sensor_type=0x13),
        event_record(0, b"Watchdog2"),
    )
    for each in sensors_of(raw)
}


@pytest.mark.parametrize(
    ("entry", "text", "topic", "severity"),
    [
        (sel_entry(1), "PSU2 Status: power input lost", "power", "critical"),
        (
            sel_entry(1, event=0xEF),
            "PSU2 Status: power input lost (deasserted)",
            "power",
            "info",
        ),
        (
            sel_entry(1, data=b"\xc6\xff\x03"),
            "PSU2 Status: configuration error (insufficient power)",
            "power",
            "warning",
        ),
        (
            sel_entry(1, sensor=0x68, event=0x0B, data=b"\x01\xff\xff"),
            "PS Redundancy: not redundant",
            "power",
            "critical",
        ),
        (
            sel_entry(1, sensor=0x13, sensor_type=1, event=1, data=b"\x59\x5b\x5a"),
            "GPU3 Temp: upper critical, going high (reading 91 degrees C, threshold 90 degrees C)",
            "thermal",
            "critical",
        ),
        (
            sel_entry(1, sensor=0x59, sensor_type=2, event=1, data=b"\x52\xb2\xb4"),
            "P12V: lower critical, going low (reading 10.68 V, threshold 10.8 V)",
            "power",
            "critical",
        ),
        (
            sel_entry(1, sensor=0x13, sensor_type=1, event=1, data=b"\x07\xff\xff"),
            "GPU3 Temp: upper non-critical, going high",
            "thermal",
            "warning",
        ),
        (
            sel_entry(1, sensor=0x6E, sensor_type=0x0C, data=b"\xf1\xff\x12"),
            "ECC Memory: uncorrectable error (module 0x12)",
            "memory",
            "critical",
        ),
        (
            sel_entry(1, sensor=0x6E, sensor_type=0x0C, data=b"\xa0\x00\x12"),
            "ECC Memory: correctable error (data 0x00 0x12)",
            "memory",
            "warning",
        ),
        (
            sel_entry(1, sensor=0x6F, sensor_type=0x13, data=b"\xaa\x41\x08"),
            "PCIe Fatal: bus fatal error (by custom PCI 41:01.0)",
            "pcie",
            "critical",
        ),
        (
            sel_entry(1, sensor=0x6F, sensor_type=0x13, data=b"\x04\xff\xff"),
            "PCIe Fatal: PCI PERR",
            "pcie",
            "critical",
        ),
        (
            sel_entry(1, sensor=0, sensor_type=0x23, data=b"\xc1\x04\xff"),
            "Watchdog2: watchdog hard reset (OS)",
            "other",
            "warning",
        ),
        (
            sel_entry(1, sensor=0x99, sensor_type=0x10, data=b"\x04\xff\xff"),
            "Event Logging Disabled sensor 0x99: event log full",
            "other",
            "warning",
        ),
        (
            sel_entry(1, sensor=0x99, sensor_type=0x0F, generator=0x41, data=b"\xc2\x07\xff"),
            "System Firmware Progress (told by software 0x41): progress (PCI initialization)",
            "other",
            "info",
        ),
        (
            sel_entry(1, sensor=0x99, sensor_type=0xC4, event=0x71, data=b"\xa5\x01\x02"),
            "type 0xc4 sensor 0x99: state 5 of the kind 0x71 (data 0x01 0x02)",
            "other",
            "info",
        ),
        (
            sel_entry(1, sensor=0x99, sensor_type=0x21, data=b"\xf0\x09\x03"),
            "Slot/Connector sensor 0x99: fault (PCIe 3)",
            "pcie",
            "critical",
        ),
    ],
)
def test_an_entry_is_told_in_words(entry: bytes, text: str, topic: str, severity: str) -> None:
    """What happened to what, what the data bytes add, and how grave it is."""
    told = decoded(entry, SENSORS)

    assert (told["text"], told["topic"], told["severity"]) == (text, topic, severity)


def test_an_entry_names_its_sensor_as_a_sweep_does() -> None:
    """By its key, so that both can be joined."""
    told = decoded(sel_entry(7), SENSORS)

    assert (told["sensor"], told["sensor_key"], told["asserted"]) == (
        "PSU2 Status",
        "20.0.61",
        True,
    )
    assert (told["record"], told["told_at"]) == ("7", 1_700_000_000.0)
    assert bytes.fromhex(told["raw"]) == sel_entry(7)


def test_an_entry_of_software_is_of_no_sensor() -> None:
    """A number that a BIOS uses is another than the BMC's of that number."""
    told = decoded(sel_entry(7, generator=0x21), SENSORS)

    assert (told["sensor"], told["sensor_key"]) == ("", "")


@pytest.mark.parametrize(
    ("entry", "text", "told_at", "severity"),
    [
        (
            bytes.fromhex("0a00c1 00f15365 570100 010203040506"),
            "record of maker 343, kind 0xc1: 010203040506",
            1_700_000_000.0,
            "info",
        ),
        (
            bytes.fromhex("0b00e0 000102030405060708090a0b0c"),
            "record of the maker's own kind 0xe0: 000102030405060708090a0b0c",
            None,
            "info",
        ),
        (
            bytes.fromhex("0c00f0 2000") + b"Fatal ex\xff\0\0",
            "Linux kernel panic: Fatal exÿ",
            None,
            "critical",
        ),
        (
            bytes.fromhex("0d0013 00f15365 2000046f01020304aa"),
            "record of kind 0x13: 00f153652000046f01020304aa",
            1_700_000_000.0,
            "info",
        ),
    ],
)
def test_records_of_makers_are_kept_as_they_are(
    entry: bytes, text: str, told_at: float | None, severity: str
) -> None:
    """Nobody guesses at them; only what a Linux kernel writes when it panics is read."""
    told = decoded(entry, SENSORS)

    assert (told["text"], told["told_at"], told["severity"]) == (text, told_at, severity)
    assert told["asserted"] is None


@pytest.mark.parametrize("seconds", [0, 12_345, 0x2000_0000, 631_151_999, 0xFFFF_FFFF])
def test_a_stamp_from_before_the_clock_was_set_is_none(seconds: int) -> None:
    """It counts from the BMC's own start, or says that there is none."""
    assert stamp(seconds) is None


@given(st.binary(min_size=16, max_size=16))
def test_every_entry_has_words(entry: bytes) -> None:
    """Whatever sixteen bytes a log holds: a text, a topic and a severity that exist."""
    told = decoded(entry, SENSORS)

    assert told["text"].isprintable()
    assert told["text"]
    assert told["topic"] in set(LogTopic)
    assert told["severity"] in set(LogSeverity)
    assert told["raw"] == entry.hex()


@given(st.binary(min_size=9, max_size=9))
def test_every_standard_event_is_either_begun_or_ended(event: bytes) -> None:
    """And one that has ended is no alarm."""
    told = decoded(b"\x01\0\x02\0\0\0\x60" + event, SENSORS)

    assert told["asserted"] is not bool(event[5] & 0x80)
    assert told["asserted"] or told["severity"] == "info"
