"""Kernel events: several lines are one occurrence, and each is dated as well as can be."""

import itertools
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gpuwatch.domain.events import Event, EventKind, EventSource
from gpuwatch.domain.moments import Moment
from gpuwatch.domain.xids import XidAdvice
from gpuwatch.sources.kernel_events import MERGE_USEC, KernelEvents, LogClock, Stamp, compared
from gpuwatch.sources.kmsg import KernelRecord

BOOT = "0b5e"
SECOND = 1_000_000


def read(*lines: tuple[int, str]) -> list[Event]:
    """The events of lines given with their microsecond."""
    events = KernelEvents()
    found = (
        events.read(
            KernelRecord(priority=3, sequence=number, usec=usec, flags="-", text=text),
            Stamp(boot_id=BOOT, at=1_000.0 + usec / SECOND, boottime=usec / SECOND),
        )
        for number, (usec, text) in enumerate(lines)
    )
    return [event for event in found if event is not None]


def xid(code: int, detail: str = "x", place: str = "PCI:0000:01:00") -> str:
    """The driver's line for an Xid."""
    return f"NVRM: Xid ({place}): {code}, {detail}"


def test_an_xid_becomes_an_event_with_everything_the_line_tells() -> None:
    """Address, code, MIG instance, text, time and the GPU that the log names for the address."""
    uuid = "GPU-b850f46d-d5ea-c752-ddf3-c4453e44d3f7"

    events = read(
        (5, f"NVRM: GPU at PCI:0000:01:00: {uuid}"),
        (9, xid(94, "pid=7, Contained", "PCI:0000:01:00 GPU-I:05")),
    )

    assert events == [
        Event(
            kind=EventKind.XID,
            at=1_000.000009,
            source=EventSource.KERNEL_LOG,
            identity="0b5e/0000:01:00.0/xid/94/GPU-I:05/9",
            boot_id=BOOT,
            pci_address="0000:01:00.0",
            uuid=uuid,
            code=94,
            subcode="GPU-I:05",
            detail="pid=7, Contained",
            process="7",
            advice=XidAdvice.NOTHING_URGENT,
            boottime=0.000009,
        )
    ]


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        (xid(119), XidAdvice.RESET),
        (xid(79), XidAdvice.RESTART),
        (xid(74, "NVLink: fatal error detected on link 2(0x10000)"), XidAdvice.INSPECT_LINK),
        (xid(142), XidAdvice.CONTACT_SUPPORT),
        (xid(31), XidAdvice.NOTHING_URGENT),
        (xid(172), XidAdvice.UNKNOWN),
        (xid(999), XidAdvice.UNKNOWN),
        (xid(149, "NETIR_LINK_EVT Fatal XC0 i0 Link 00 (0x025001c6 0x00000000)"), XidAdvice.RESET),
        (
            xid(145, "RLW_RXPIPE Nonfatal XC0 i0 Link 13 (0x0409a0c2 0x00000008)"),
            XidAdvice.NOTHING_URGENT,
        ),
        (
            xid(145, "RLW_RXPIPE Nonfatal XC0 i0 Link 13 (0x0409a0c2 0x0badbad0)"),
            XidAdvice.UNKNOWN,
        ),
        (xid(145, "words that nobody can read"), XidAdvice.INSPECT_LINK),
        ("NVRM: GPU 0000:01:00.0: GPU has fallen off the bus.", XidAdvice.RESTART),
        (
            "nvidia-nvswitch0: SXid (PCI:0000:05:00.0): 20034, Fatal, Link 30 LTSSM Fault Up",
            XidAdvice.RESET,
        ),
        (
            "nvidia-nvswitch0: SXid (PCI:0000:05:00.0): 11012, Non-fatal, Link 07 TX Replay Error",
            XidAdvice.NOTHING_URGENT,
        ),
        ("NVRM: GPU 0000:01:00.0: RmInitAdapter failed! (0x24:0x65:1436)", XidAdvice.UNKNOWN),
    ],
)
def test_an_event_carries_what_the_manual_advises(line: str, expected: XidAdvice) -> None:
    """By the code's bucket; of an NVLink 5 error by its words, of which half ask for nothing."""
    (event,) = read((1, line))

    assert event.advice is expected


def test_the_lines_of_one_xid_are_one_event() -> None:
    """An illegal access is printed once per faulting unit."""
    events = read(*((usec, xid(13, f"Warp Exception {usec}")) for usec in range(5)))

    assert [event.detail for event in events] == ["Warp Exception 0"]


def test_a_line_after_a_second_is_another_event() -> None:
    """The second is counted from the first line, so a steady stream still counts."""
    events = read(*((step * SECOND // 2, xid(31)) for step in range(7)))

    assert [event.boottime for event in events] == [0.0, 1.5, 3.0]


def test_codes_boards_and_instances_are_told_apart() -> None:
    """Equal instants are no reason to merge what differs."""
    events = read(
        (1, xid(48)),
        (2, xid(63)),
        (3, xid(48, place="PCI:0000:02:00")),
        (4, xid(48, place="PCI:0000:01:00 GPU-I:01")),
        (5, xid(48)),
    )

    assert len(events) == 4


def test_the_bare_line_behind_an_xid_79_is_the_same_fall() -> None:
    """The driver prints both; one fall is one event."""
    events = read((1, xid(79)), (2, "NVRM: GPU 0000:01:00.0: GPU has fallen off the bus."))

    assert [event.kind for event in events] == [EventKind.XID]


def test_a_bare_line_alone_is_a_fall() -> None:
    """Some drivers print no Xid when a board is gone at the start."""
    events = read(
        (1, "NVRM: The NVIDIA GPU 0000:b3:00.0"),
        (2, "NVRM: (PCI ID: 10de:26b5) installed in this system has"),
        (3, "NVRM: fallen off the bus and is not responding to commands."),
    )

    assert [(event.kind, event.pci_address, event.code) for event in events] == [
        (EventKind.FELL_OFF_BUS, "0000:b3:00.0", None)
    ]


def test_the_data_of_an_sxid_belongs_to_it() -> None:
    """Severity and data lines name no link."""
    head = "nvidia-nvswitch0: SXid (PCI:0000:c1:00.0): 24007, "

    events = read(
        (1, head + "Fatal, Link 30 sourcetrack timeout error (First)"),
        (2, head + "Severity 1 Engine instance 30 Sub-engine instance 00"),
        (3, head + "Data {0x00000001, 0x00000001}"),
        (4, head + "Fatal, Link 31 sourcetrack timeout error (First)"),
    )

    assert [event.subcode for event in events] == ["fatal link 30", "fatal link 31"]


def test_nvlink_words_are_explained_in_the_detail() -> None:
    """People read the action beside the words."""
    words = "RLW_RXPIPE Nonfatal XC0 i0 Link 13 (0x0409a0c2 0x00000008 0x00000001)"

    (event,) = read((1, xid(145, words)))

    assert event.detail == words + " [non-fatal, hardware or software; NVIDIA: IGNORE, then " + (
        "CONTACT_SUPPORT]"
    )


def test_unknown_nvlink_words_are_said_to_be_unknown() -> None:
    """Nothing is guessed about a combination that the table does not have."""
    (event,) = read((1, xid(145, "RLW_CTRL Fatal XC0 i0 Link 2 (0x00000062 0x00000001)")))

    assert event.detail.endswith(" [not in NVIDIA's NVLink decode table]")


def test_a_gpu_that_cannot_be_started_is_an_event() -> None:
    """The reason why a board is missing after a boot."""
    (event,) = read((1, "NVRM: GPU 0001:00:00.0: RmInitAdapter failed! (0x62:0x65:2028)"))

    assert (event.kind, event.pci_address) == (EventKind.INIT_FAILED, "0001:00:00.0")


TIMES = st.lists(st.integers(0, 20 * SECOND), max_size=40).map(sorted)


@given(TIMES, st.sampled_from([48, 79, 145]))
def test_events_of_one_kind_are_more_than_a_second_apart(times: list[int], code: int) -> None:
    """Whatever the spacing, and every line is within a second of an event."""
    events = read(*((usec, xid(code)) for usec in times))

    begun = [round((event.boottime or 0.0) * SECOND) for event in events]
    assert all(later - earlier > MERGE_USEC for earlier, later in itertools.pairwise(begun))
    assert all(any(0 <= usec - first <= MERGE_USEC for first in begun) for usec in times)


@given(TIMES)
def test_identities_are_unique(times: list[int]) -> None:
    """Two events never share an identity, or history would drop one."""
    events = read(*((usec, xid(usec % 3 + 1)) for usec in times))

    assert len({event.identity for event in events}) == len(events)


DAY = 86_400.0
LATE = Moment(wall=1e9, boottime=100 * DAY + 60.0, boot_id=BOOT)


def test_a_live_record_is_dated_by_its_receipt() -> None:
    """The log's clock drifts; the moment of reading does not."""
    stamp = LogClock().stamp(SECOND, LATE, live=True)

    assert stamp == Stamp(boot_id=BOOT, at=LATE.wall, boottime=LATE.boottime)


def test_an_old_record_of_a_long_boot_is_dated_with_its_bounds() -> None:
    """After 100 days the log's clock may be off by minutes: said, and never in the future."""
    stamp = LogClock().stamp(round(100 * DAY * SECOND), LATE, live=False)

    assert (stamp.at, stamp.not_before, stamp.not_after) == (1e9 - 60, 1e9 - 60 - 864, 1e9)


def test_a_clock_that_was_compared_lately_dates_exactly() -> None:
    """A restart of the agent knows by how much the log's clock is off."""
    usec = round((100 * DAY - 17.0) * SECOND)
    clock = compared(usec, replace(LATE, boottime=100 * DAY))

    stamp = clock.stamp(usec + 30 * SECOND, LATE, live=False)

    assert clock == LogClock(17.0, 100 * DAY)
    assert (stamp.at, stamp.not_before) == (1e9 - 30.0, None)
    assert stamp.boottime == 100 * DAY + 30.0


def test_an_old_record_of_a_young_boot_is_exact() -> None:
    """An hour of drift is nothing."""
    now = Moment(wall=1e9, boottime=3_610.0, boot_id=BOOT)

    stamp = LogClock().stamp(3_600 * SECOND, now, live=False)

    assert (stamp.at, stamp.not_before, stamp.boottime) == (1e9 - 10, None, 3_600.0)


def test_a_record_from_the_future_is_dated_now() -> None:
    """A log recorded elsewhere has another clock."""
    now = Moment(wall=1e9, boottime=4.0, boot_id=BOOT)

    stamp = LogClock().stamp(9 * SECOND, now, live=False)

    assert (stamp.at, stamp.boottime) == (1e9, 4.0)
