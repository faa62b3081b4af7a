"""Kernel-log reports: nothing is delivered twice or never, over children, boots and crashes."""

from collections.abc import Mapping
from dataclasses import replace

import pytest

from gpuwatch.domain.events import Event
from gpuwatch.domain.moments import Moment
from gpuwatch.sources.base import LogPosition
from gpuwatch.sources.kernel_log_reports import KernelLogReports

BOOT = "boot-2"
NOW = Moment(wall=2_000_000.0, boottime=5_000.0, boot_id=BOOT)
BOOTED_AT = NOW.wall - NOW.boottime
CRASH = 1_990_000.0


def record(
    sequence: int, code: int, *, usec: int = 0, seen: bool = False, live: bool = True
) -> dict[str, object]:
    """What the child says of an Xid."""
    return {
        "say": "record",
        "priority": 3,
        "sequence": sequence,
        "usec": usec or sequence * 2_000_000,
        "flags": "-",
        "text": f"NVRM: Xid (PCI:0000:01:00): {code}, x",
        "live": live,
        "seen": seen,
    }


def dump(*seconds: float, last: float = 1_000.0) -> dict[str, object]:
    """A crash dump with an Xid 48 at each of `seconds` after boot, written at `last`."""
    lines = [[round(at * 1e6), "NVRM: Xid (PCI:0000:01:00): 48, x"] for at in seconds]
    return {"say": "dump", "name": "d", "at": CRASH, "last": round(last * 1e6), "lines": lines}


def events(reports: KernelLogReports, message: Mapping[str, object]) -> list[Event]:
    """The events for one message."""
    return [each for each in reports.read(message, NOW) if isinstance(each, Event)]


def test_a_live_record_is_dated_by_its_receipt() -> None:
    """Whatever the log's clock says."""
    (event,) = events(KernelLogReports(None), record(7, 94))

    assert (event.code, event.at, event.boottime) == (94, NOW.wall, NOW.boottime)


def test_an_older_record_is_dated_by_the_clock_of_the_log() -> None:
    """The log's clock stood still for 20 s of suspend."""
    reports = KernelLogReports(None)
    reports.read({"say": "ready", "kind": "kmsg", "suspended": 20.0}, NOW)

    (event,) = events(reports, record(7, 94, usec=4_000_000_000, live=False))

    assert (event.at, event.boottime) == (NOW.wall - 980.0, 4_020.0)


def test_a_log_that_is_not_the_kernels_is_dated_by_what_stands_in_it() -> None:
    """Its writer counts in boot time, exactly."""
    late = replace(NOW, boottime=1e7)
    reports = KernelLogReports(None)
    reports.read({"say": "ready", "kind": "fifo", "suspended": 0.0}, late)

    (event,) = reports.read(record(7, 94, usec=9_999_990_000_000, live=False), late)

    assert isinstance(event, Event)
    assert (event.at, event.not_before) == (NOW.wall - 10.0, None)


def test_the_comparison_of_clocks_survives_a_restart() -> None:
    """It travels with the position."""
    first = KernelLogReports(None)
    first.read({"say": "ready", "kind": "kmsg", "suspended": 0.0}, NOW)
    message = {"say": "position", "sequence": 9, "usec": 4_983_000_000, "live": True}

    (position,) = first.read(message, NOW)
    assert isinstance(position, LogPosition)
    second = KernelLogReports(LogPosition.parse(str(position)))
    second.read({"say": "ready", "kind": "kmsg", "suspended": 0.0}, NOW)
    (event,) = events(second, record(10, 94, usec=4_982_000_000, live=False))

    assert (event.at, event.not_before) == (NOW.wall - 1.0, None)


def test_a_position_follows_the_records_before_it() -> None:
    """It says all that is needed to go on after a restart or a crash."""
    reports = KernelLogReports(None)

    (position,) = reports.read({"say": "position", "sequence": 9, "usec": 18}, NOW)

    assert position == LogPosition(boot_id=BOOT, sequence=9, usec=18, booted_at=BOOTED_AT)
    assert reports.after(BOOT) == 9


def test_a_sign_of_life_delivers_nothing() -> None:
    """A quiet log is no news."""
    assert KernelLogReports(None).read({"say": "position"}, NOW) == ()


def test_positions_come_behind_events_or_once_a_minute() -> None:
    """A flood of lines that are no events must not become a flood of transactions."""
    reports = KernelLogReports(None)

    def positions(sequence: int, seconds: float) -> int:
        moment = replace(NOW, boottime=NOW.boottime + seconds)
        message = {"say": "position", "sequence": sequence, "usec": sequence}
        return len(reports.read(message, moment))

    first = [positions(1, 0.0), positions(2, 1.0), positions(3, 59.0), positions(4, 60.0)]
    events(reports, record(5, 94))
    behind = [positions(5, 61.0), positions(6, 62.0)]

    assert (first, behind) == ([1, 0, 0, 1], [1, 0])


def test_a_position_of_another_boot_is_no_place_to_go_on_from() -> None:
    """Sequence numbers start again with every boot."""
    old = LogPosition(boot_id="boot-1", sequence=999, usec=1, booted_at=1.0)

    assert KernelLogReports(old).after(BOOT) is None


def test_what_was_said_before_is_not_delivered_again() -> None:
    """But it still tells which lines belong together."""
    reports = KernelLogReports(None)

    assert events(reports, record(7, 94, usec=10, seen=True)) == []
    assert events(reports, record(8, 94, usec=20)) == []
    assert len(events(reports, record(9, 94, usec=2_000_000))) == 1


def test_a_child_that_died_before_its_position_is_followed_without_doubles() -> None:
    """What was delivered needs no second delivery in this life of the agent."""
    reports = KernelLogReports(None)
    events(reports, record(7, 94))

    reports.begin()

    assert reports.after(BOOT) == 7


def test_losses_add_up() -> None:
    """Over all children."""
    reports = KernelLogReports(None)

    for count in (3, 4):
        reports.read({"say": "lost", "count": count}, NOW)

    assert reports.lost == 7


def test_an_xid_in_an_unknown_shape_is_counted() -> None:
    """It is no event, and it is no silence either."""
    reports = KernelLogReports(None)
    message = record(1, 1) | {"text": "NVRM: Xid (somewhere): garbled"}

    assert events(reports, message) == []
    assert reports.unread == 1


@pytest.mark.parametrize(
    "message", [{"say": "sweep"}, {"say": "lost"}, {"say": "lost", "count": "many"}, {}]
)
def test_what_is_out_of_the_protocol_is_refused(message: Mapping[str, object]) -> None:
    """The source then ends the child."""
    with pytest.raises((KeyError, TypeError, ValueError)):
        KernelLogReports(None).read(message, NOW)


def test_a_dump_is_dated_back_from_its_end() -> None:
    """The Xid two seconds before the crash is the one that matters."""
    (event,) = events(KernelLogReports(None), dump(998.0))

    assert (event.at, event.latest, event.boottime) == (CRASH - 2.0, CRASH, None)
    assert event.boot_id == f"dump-{CRASH:.0f}"


def test_a_dump_of_the_boot_that_was_read_gives_only_what_came_after() -> None:
    """What was stored before the crash is not told again, and the boot is named."""
    known = LogPosition(
        boot_id="boot-1", sequence=50, usec=900_000_000, booted_at=CRASH - 1_000.0 + 60.0
    )

    found = events(KernelLogReports(known), dump(899.0, 998.0))

    assert [(event.at, event.boot_id) for event in found] == [(CRASH - 2.0, "boot-1")]


def test_a_dump_from_before_the_boot_that_was_read_is_old_news() -> None:
    """It was delivered when that boot was first read."""
    known = LogPosition(boot_id="boot-1", sequence=5, usec=1, booted_at=CRASH + 5_000.0)

    assert events(KernelLogReports(known), dump(998.0)) == []


def test_a_dump_of_a_boot_nobody_read_is_told_whole() -> None:
    """The agent was not running then."""
    known = LogPosition(boot_id="boot-0", sequence=5, usec=10**12, booted_at=CRASH - 90_000.0)

    assert len(events(KernelLogReports(known), dump(100.0, 998.0))) == 2


def test_lines_are_kept_as_they_were_written_and_are_no_reports() -> None:
    """Also those that no event comes from; what a flood had too many of is counted."""
    reports = KernelLogReports(None)
    said = record(7, 94) | {"text": "NVRM: GPU 0000:01:00.0: hello"}
    told = reports.read(said, NOW)
    reports.read({"say": "skipped", "count": 40}, NOW)

    (line,) = reports.lines.latest()
    assert told == ()
    assert (line.text, line.pci_address) == ("NVRM: GPU 0000:01:00.0: hello", "0000:01:00.0")
    assert (line.at, line.usec, line.priority, line.boot_id) == (NOW.wall, 14_000_000, 3, BOOT)
    assert reports.skipped == 40


def test_lines_that_were_seen_by_the_agent_before_are_kept_once() -> None:
    """After a restart the log is read from its start, by every child anew."""
    reports = KernelLogReports(LogPosition(boot_id=BOOT, sequence=8, usec=16, booted_at=BOOTED_AT))
    for _ in range(2):
        reports.begin()
        for sequence in (7, 8):
            reports.read(record(sequence, 94, seen=True, live=False), NOW)
    reports.read(record(9, 94), NOW)

    assert [line.usec for line in reports.lines.latest()] == [14_000_000, 16_000_000, 18_000_000]


def test_the_lines_of_a_crash_dump_are_kept_with_its_dates() -> None:
    """What the crash dump does not keep is not made up."""
    reports = KernelLogReports(None)
    reports.read(dump(990.0), NOW)

    (line,) = reports.lines.latest()
    assert (line.at, line.priority) == (CRASH - 10.0, None)
    assert line.boot_id == f"dump-{int(CRASH)}"
