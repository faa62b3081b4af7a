"""BMCs in history: entries of their logs are kept and counted once, whatever happens between."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gpuwatch.domain.bmc import Chassis, PowerLoss, PowerSupply
from gpuwatch.domain.bmc_logs import LogBatch, LogSeverity, LogTopic
from gpuwatch.domain.bmc_records import BmcRecord
from gpuwatch.domain.events import EventKind
from gpuwatch.domain.snapshot import Logged
from gpuwatch.history import Change, History, HistorySettings, Reader
from gpuwatch.history.bmcs import RECENT_ENTRIES
from tests.support.controllers import Controller, entry
from tests.support.disk import fill, small_disk
from tests.support.histories import DAY, HandClock

POWER = (LogTopic.POWER, LogSeverity.CRITICAL)
FAN = {"topic": LogTopic.THERMAL, "severity": LogSeverity.WARNING, "text": "Fan 3: lower critical"}
SETTINGS = HistorySettings(retry_seconds=0.0)


class Desk:
    """A history, its clock and a BMC, polled as the agent polls it."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.clock = HandClock()
        self.bmc = Controller()
        self.history = History.open(path, self.clock, SETTINGS)
        self.written = 0
        self.last: LogBatch | None = None

    def poll(self, after: float = 60.0, **changes: object) -> Change:
        """The log, then all else, a minute later."""
        at = self.clock.pass_seconds(after)
        logged = self.history.take_log_batch(self.bmc.batch(at), at)
        swept = self.history.take_bmc_sweep(self.bmc.sweep(at, **changes))
        return Change(logged.events + swept.events, entries=logged.entries + swept.entries)

    def do(self, step: str) -> None:
        """One thing that may happen in a second."""
        now = self.clock.pass_seconds(1)
        if step == "write":
            self.bmc.write(now.wall)
            self.written += 1
        elif step == "crash":  # what was taken is on the disk
            self.reopen()
        elif step == "lose":  # delivered into an inbox that ended with its process
            self.bmc.delivered = max(0, self.bmc.delivered - 3)
        elif step == "poll":
            self.poll()
            self.last = None
        else:
            self.last = self.last if step == "again" and self.last else self.bmc.batch(now)
            self.history.take_log_batch(self.last, now)
            if step == "clear":
                self.bmc.clear()

    def reopen(self) -> None:
        """Another start on the same file."""
        self.history.close()
        self.history = History.open(self.path, self.clock, SETTINGS)

    @property
    def kinds(self) -> list[EventKind]:
        """What happened, the oldest first."""
        return [event.kind for event in reversed(self.history.recent_events(100))]

    def counts(self) -> dict[tuple[LogTopic, LogSeverity], int]:
        """The entries counted."""
        return dict(self.record.counts)

    @property
    def record(self) -> BmcRecord:
        """What is remembered of the BMC."""
        record = self.history.bmc("host")
        assert record is not None
        return record


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    """A BMC with two old entries, polled once."""
    desk = Desk(tmp_path / "state" / "history.db")
    desk.bmc.write(desk.clock.wall - 30 * DAY)
    desk.bmc.write(desk.clock.wall - 20 * DAY, **FAN)
    desk.poll()
    yield desk
    desk.history.close()


def _texts(logged: tuple[Logged, ...]) -> list[tuple[str, bool]]:
    return [(one.entry.text, one.baseline) for one in logged]


def test_the_first_sight_of_a_log_is_a_baseline(desk: Desk) -> None:
    """Old entries are kept and shown; they are no news and count nowhere."""
    logged, counts = desk.history.logged("host"), desk.counts()

    assert _texts(logged) == [
        ("Fan 3: lower critical", True),
        ("PSU 2: failure detected", True),
    ]
    assert [one.seen_at - one.at for one in logged] == [
        pytest.approx(20 * DAY + 60),
        pytest.approx(30 * DAY + 60),
    ]
    assert counts == {}
    assert desk.kinds == [EventKind.BMC_ADDED]


def test_a_new_entry_is_counted_and_told(desk: Desk) -> None:
    """Once it is there, it is news."""
    happened = desk.clock.wall + 30
    desk.bmc.write(happened)

    change = desk.poll()

    assert [one.baseline for one in change.entries] == [False]
    assert change.entries[0].at == pytest.approx(happened)
    assert desk.counts() == {POWER: 1}
    assert desk.history.logged("host", 1) == change.entries


def test_a_delivery_again_changes_nothing(desk: Desk) -> None:
    """A child that was ended may deliver what was taken already, also its word of a cleared log."""
    desk.bmc.clear()
    desk.bmc.write(desk.clock.wall)
    batch = desk.bmc.batch(desk.clock.now())
    desk.history.take_log_batch(batch, desk.clock.now())

    again = desk.history.take_log_batch(batch, desk.clock.now())

    record = desk.history.bmc("host")
    assert again == Change()
    assert desk.counts() == {POWER: 1}
    assert record is not None
    assert record.cleared == 1


def test_a_restart_goes_on_where_it_was(desk: Desk) -> None:
    """Position, counts and entries are there before the BMC answers again."""
    desk.bmc.write(desk.clock.wall)
    desk.poll()
    before = desk.history.logged("host"), desk.history.bmcs(), desk.history.log_positions("host")

    desk.reopen()

    after = desk.history.logged("host"), desk.history.bmcs(), desk.history.log_positions("host")
    assert after == before
    assert before[2] == {"sel": "life 0, 3 read"}


def test_a_baseline_that_was_interrupted_stays_one(tmp_path: Path) -> None:
    """An end between two deliveries of an old log makes no news of its second half."""
    desk = Desk(tmp_path / "history.db")
    for number in range(300):
        desk.bmc.write(desk.clock.wall - number)
    now = desk.clock.now()
    desk.history.take_log_batch(desk.bmc.batch(now), now)
    desk.reopen()

    rest = desk.poll()
    desk.bmc.write(desk.clock.wall)
    new = desk.poll()

    assert [one.baseline for one in rest.entries] == [True] * 100
    assert [one.baseline for one in new.entries] == [False]
    assert desk.counts() == {POWER: 1}
    desk.history.close()


def test_a_position_that_was_lost_hides_no_news(desk: Desk) -> None:
    """The log is read from its start: what is newer than all that is known of it is counted."""
    desk.bmc.known, desk.bmc.delivered = False, 0
    desk.bmc.write(desk.clock.wall + 1)

    change = desk.poll()

    assert [(one.entry.record, one.baseline) for one in change.entries] == [("3", False)]
    assert desk.counts() == {POWER: 1}


def test_a_cleared_log_is_an_event_and_lowers_no_count(desk: Desk) -> None:
    """Record numbers begin anew; an entry of an old number is another entry."""
    desk.bmc.write(desk.clock.wall)
    desk.poll()
    desk.bmc.clear()
    desk.bmc.write(desk.clock.wall)

    change = desk.poll()

    record = desk.record
    assert [(event.kind, event.bmc) for event in change.events] == [(EventKind.LOG_CLEARED, "host")]
    assert (record.cleared, record.wrapped, desk.counts()) == (1, 0, {POWER: 2})
    assert len(desk.history.logged("host")) == 4


def test_the_same_entry_after_a_clear_is_another_one(desk: Desk) -> None:
    """A BMC without a clock writes the same bytes again."""
    for _ in range(2):
        desk.bmc.clear()
        desk.bmc.records.append(entry(1, None))
        desk.poll()

    assert desk.counts() == {POWER: 2}


def test_a_log_that_overran_its_reader_is_an_event(desk: Desk) -> None:
    """What was overwritten cannot be told, but that it was can."""
    now = desk.clock.pass_seconds(60)
    batch = desk.bmc.batch(now)

    change = desk.history.take_log_batch(
        type(batch)(bmc="host", log="sel", at=now, entries=(), position="9", wrapped=True), now
    )

    record = desk.record
    assert [event.kind for event in change.events] == [EventKind.LOG_WRAPPED]
    assert (record.cleared, record.wrapped) == (0, 1)


def test_another_machine_under_a_name_begins_with_a_baseline(desk: Desk) -> None:
    """Its log waits for the sweep that tells whose it is; no entry of it is news."""
    desk.bmc.write(desk.clock.wall)
    desk.poll()
    desk.reopen()
    other = Controller(serial="SRV0043", power_on=False, known=True, cleared=True)
    other.write(desk.clock.wall - DAY)
    desk.bmc = other
    at = desk.clock.pass_seconds(60)

    change = desk.history.take_bmc_sweep(other.sweep(at), [other.batch(at)])
    other.write(desk.clock.wall)
    news = desk.poll()

    record = desk.record
    assert [(event.kind, event.detail) for event in change.events] == [
        (EventKind.BMC_REPLACED, "serial SRV0043 in place of SRV0042")
    ]
    assert [one.baseline for one in change.entries] == [True]
    assert [one.baseline for one in news.entries] == [False]
    assert (record.serial, record.cleared, record.power_since) == ("SRV0043", 0, None)
    assert record.restarts == pytest.approx((at.wall,))
    assert desk.counts() == {POWER: 2}


def test_a_bmc_that_changes_its_mind_is_no_other_machine(desk: Desk) -> None:
    """Within a connection another serial number is an event, and hides no entry."""
    desk.bmc.serial = "SRV0042-A"
    desk.bmc.write(desk.clock.wall)
    now = desk.clock.pass_seconds(60)
    desk.history.take_log_batch(desk.bmc.batch(now), now)

    change = desk.history.take_bmc_sweep(desk.bmc.sweep(now), connected=False)

    assert [event.kind for event in change.events] == [EventKind.BMC_CHANGED]
    assert (desk.record.serial, desk.counts()) == ("SRV0042-A", {POWER: 1})


def test_new_firmware_is_an_event(desk: Desk) -> None:
    """What it tells right after is looked at with care; a sweep without its FRU changes nothing."""
    desk.poll(identity=Controller(serial="", firmware="").sweep(desk.clock.now()).identity)
    desk.bmc.firmware = "1.80"
    change = desk.poll()

    record = desk.record
    assert [(event.kind, event.detail) for event in change.events] == [
        (EventKind.BMC_CHANGED, "firmware 1.80 in place of 1.74")
    ]
    assert (record.serial, record.firmware) == ("SRV0042", "1.80")
    assert record.restarts == pytest.approx((desk.clock.wall,))


def test_a_chassis_that_is_switched_is_an_event(desk: Desk) -> None:
    """Off and on, each with its time between two sweeps, and since when over a restart."""
    off = desk.poll(
        chassis=Chassis(power_on=False, losses=frozenset({PowerLoss.INPUT, PowerLoss.FAULT}))
    )
    switched_off = desk.clock.wall
    desk.reopen()
    desk.bmc.power_on = False
    still = desk.poll()
    remembered = desk.record
    on = desk.poll(chassis=Chassis(power_on=True, restart_cause="power button"))
    silent = desk.poll(chassis=Chassis())

    (event,), (event_on,) = off.events, on.events
    assert (event.kind, event.detail) == (EventKind.CHASSIS_POWER_OFF, "fault, input")
    assert event.earliest == pytest.approx(event.at - 60)
    assert remembered.power_on is False
    assert remembered.power_since == pytest.approx(switched_off)
    assert (event_on.kind, event_on.detail) == (EventKind.CHASSIS_POWER_ON, "power button")
    assert (still.events, silent.events) == ((), ())


def test_a_bmc_that_started_is_an_event(desk: Desk) -> None:
    """Once it says that it is up, or after a silence; when, is known after a restart of ours."""
    desk.poll(updating=True)
    desk.poll(updating=True)
    up = desk.poll()
    at_first = desk.clock.wall
    desk.reopen()
    now = desk.clock.pass_seconds(600)
    again = desk.history.take_bmc_sweep(desk.bmc.sweep(now), started=True)

    assert [(event.kind, event.detail) for event in (*up.events, *again.events)] == [
        (EventKind.BMC_STARTED, "it was starting"),
        (EventKind.BMC_STARTED, "it had been silent"),
    ]
    assert desk.record.restarts == pytest.approx((at_first, now.wall))


def test_what_a_server_was_seen_to_have_is_remembered(desk: Desk) -> None:
    """A supply that is gone after our restart was there; another machine has never had it."""
    supplies = (PowerSupply(name="PSU 1", present=True), PowerSupply(name="PSU 2", present=True))
    desk.poll(supplies=supplies)
    desk.reopen()
    desk.poll(supplies=supplies[:1])
    remembered = desk.record.seen_well
    desk.bmc.serial = "SRV0043"
    desk.poll(supplies=supplies[:1])

    assert remembered == {"supply:PSU 1", "supply:PSU 2"}
    assert desk.record.seen_well == {"supply:PSU 1"}


def test_a_server_is_accepted_as_it_is_now(desk: Desk) -> None:
    """A supply that was taken out for good is missed no longer; what is there still is."""
    supplies = (PowerSupply(name="PSU 1", present=True), PowerSupply(name="PSU 2", present=True))
    desk.poll(supplies=supplies)

    now = desk.clock.now()
    forgotten = desk.history.accept_parts(desk.bmc.sweep(now, supplies=supplies[:1]))
    desk.reopen()

    assert forgotten == ("supply:PSU 2",)
    assert desk.record.seen_well == {"supply:PSU 1"}
    with pytest.raises(ValueError, match="no BMC node17 is remembered"):
        desk.history.accept_parts(Controller("node17").sweep(now))


def test_the_first_sight_of_a_chassis_is_no_event(tmp_path: Path) -> None:
    """Nobody saw it being switched off: since when is not known."""
    desk = Desk(tmp_path / "history.db")
    desk.bmc.power_on = False
    desk.poll()

    record = desk.record

    assert (record.power_on, record.power_since) == (False, None)
    assert desk.kinds == [EventKind.BMC_ADDED]
    desk.history.close()


@pytest.mark.parametrize("skew", [0.0, 7200.0, -40 * 365 * DAY])
def test_an_entry_is_dated_by_our_clock(desk: Desk, skew: float) -> None:
    """A BMC's clock that is wrong by a measured amount tells the time all the same."""
    desk.bmc.skew = skew
    desk.poll()
    happened = desk.clock.wall + 20
    desk.bmc.write(happened)

    (logged,) = desk.poll().entries

    assert logged.at == pytest.approx(happened)
    assert logged.seen_at == pytest.approx(happened + 40)


@pytest.mark.parametrize("told_at", [None, 4.0e9, 5.0, 1.7e9])
def test_an_entry_without_a_time_that_can_be_is_dated_by_its_reading(
    desk: Desk, told_at: float | None
) -> None:
    """Without a clock, in the future, or before the reading at which it was not there."""
    desk.bmc.records.append(entry(3, told_at))

    (logged,) = desk.poll().entries

    assert logged.at == logged.seen_at == pytest.approx(desk.clock.wall)


def test_an_entry_keeps_its_distance_when_our_clock_is_set(desk: Desk) -> None:
    """Both of its instants move with the boot's clock."""
    desk.bmc.write(desk.clock.wall + 20)
    (before,) = desk.poll().entries

    desk.clock.step(5000.0)
    desk.poll(after=0)

    after = desk.history.logged("host", 1)[0]
    assert after.at - before.at == after.seen_at - before.seen_at == pytest.approx(5000.0)


def test_more_entries_than_memory_holds_come_from_the_file(desk: Desk) -> None:
    """The agent keeps the latest in memory; all of them can be asked for, here and alone."""
    for _ in range(RECENT_ENTRIES + 50):
        desk.bmc.write(desk.clock.wall)
    desk.poll()
    desk.poll()
    beside = Reader.open(desk.path)

    own, alone = desk.history.logged("host", 1000), beside.logged("host", 1000)
    beside.close()

    assert [int(one.entry.record) for one in own] == list(range(RECENT_ENTRIES + 52, 0, -1))
    assert alone == own
    assert len(desk.history.logged("host")) == RECENT_ENTRIES
    assert desk.history.logged("host", 0) == desk.history.logged("other") == ()
    assert (desk.history.bmc("other"), desk.history.log_positions("other")) == (None, {})


def test_entries_are_bounded_by_their_number(desk: Desk) -> None:
    """Of a baseline two hundred stay, of a BMC the latest thousands; counts never fall."""
    for name in ("one", "two"):
        other = Controller(name)
        for number in range(300):
            other.write(desk.clock.wall - number)
        for _ in range(2):
            now = desk.clock.now()
            desk.history.take_log_batch(other.batch(now), now)
        desk.history.take_bmc_sweep(other.sweep(desk.clock.now()))
    desk.bmc.write(desk.clock.wall)
    for _ in range(5100):
        desk.bmc.write(desk.clock.wall)
    now = desk.clock.pass_seconds(60)
    desk.history.take_log_batch(desk.bmc.batch(now, limit=6000), now)

    desk.history._retention.run()

    with closing(sqlite3.connect(desk.path)) as connection:
        kept = connection.execute("select log, count(*) from bmc_entries group by log").fetchall()
    assert kept == [(1, 5000), (2, 200), (3, 200)]
    assert desk.counts() == {POWER: 5101}


def test_a_hostile_entry_is_cut(desk: Desk) -> None:
    """A megabyte of text is no reason to keep a megabyte; twice it is still the same entry."""
    huge = "x" * 1_000_000
    names = {"text": huge, "raw": huge, "sensor": huge, "sensor_key": huge, "record": huge}
    for _ in range(2):
        desk.bmc.write(1.0, **names)
        desk.poll()

    (kept,) = (one.entry for one in desk.history.logged("host") if not one.baseline)
    assert sum(len(word) for word in (kept.text, kept.raw, kept.sensor, kept.record)) < 4000


def test_a_removed_file_is_written_again_with_its_bmcs(desk: Desk) -> None:
    """What memory holds is put into a new file."""
    desk.bmc.write(desk.clock.wall)
    desk.poll()
    before = desk.history.logged("host"), desk.history.bmcs(), desk.history.log_positions("host")
    for name in desk.path.parent.glob("history.db*"):
        name.unlink()

    desk.history.tick(desk.clock.now())

    beside = Reader.open(desk.path)
    after = beside.logged("host"), beside.bmcs(), beside.log_positions("host")
    beside.close()
    assert after == before


def test_entries_wait_in_memory_while_the_disk_is_full(tmp_path: Path) -> None:
    """They are counted, delivered again they are not counted twice, and all are written later."""
    with small_disk(tmp_path / "disk") as directory:
        desk = Desk(directory / "history.db")
        desk.poll()
        filler = fill(directory)
        for _ in range(2000):
            desk.bmc.write(desk.clock.wall)
        for _ in range(10):
            desk.poll()
        degraded = desk.history.degraded
        desk.bmc.delivered -= 150
        desk.poll()
        filler.unlink()
        desk.history.tick(desk.clock.now())
        beside = Reader.open(desk.path)
        told = beside.bmcs(), beside.logged("host", 3000), beside.log_positions("host")
        beside.close()

        assert degraded == ("disk-full",)
        assert desk.counts() == {POWER: 2000}
        assert len(told[1]) == 2000
        assert told == (
            desk.history.bmcs(),
            desk.history.logged("host", 3000),
            desk.history.log_positions("host"),
        )
        desk.history.close()


def test_a_corrupt_file_is_rebuilt_with_its_bmcs(desk: Desk) -> None:
    """The copy takes over; what it missed is read again from the BMC's log and counted once."""
    desk.bmc.write(desk.clock.wall)
    desk.poll()
    assert desk.history.copy()
    at_copy = desk.bmc.delivered
    desk.bmc.write(desk.clock.wall)
    desk.poll()
    desk.history.close()
    with desk.path.open("r+b") as file:
        file.write(b"\xa5" * 100)

    desk.history = History.open(desk.path, desk.clock, SETTINGS)
    position = desk.history.log_positions("host")["sel"]
    desk.bmc.delivered = at_copy
    desk.poll()

    assert position == "life 0, 3 read"
    assert desk.counts() == {POWER: 2}
    assert "came from the copy of" in desk.history.losses()[0][1]


def test_what_was_told_while_the_file_could_not_be_read_joins_it(desk: Desk) -> None:
    """Without its position the log is read from its start: old entries are no news, new ones are.

    A BMC that only memory knows, and the chassis, come along.
    """
    desk.bmc.write(desk.clock.wall)
    desk.poll()
    desk.history.close()
    hidden = desk.path.parent.rename(desk.path.parent.with_name("hidden"))
    desk.path.parent.touch()
    desk.history = History.open(desk.path, desk.clock, SETTINGS)
    desk.bmc.known, desk.bmc.delivered = False, 0
    desk.bmc.write(desk.clock.wall + 5)
    desk.poll()
    desk.bmc.write(desk.clock.wall + 5, **FAN)
    desk.bmc.power_on = False
    desk.poll()
    now = desk.clock.now()
    other = Controller("other")
    other.write(now.wall - DAY)
    desk.history.take_log_batch(other.batch(now), now)
    meanwhile = desk.counts()
    desk.path.parent.unlink()
    hidden.rename(desk.path.parent)

    desk.history.tick(desk.clock.now())

    record = desk.record
    assert meanwhile == {(LogTopic.THERMAL, LogSeverity.WARNING): 1}
    assert desk.counts() == {POWER: 2, (LogTopic.THERMAL, LogSeverity.WARNING): 1}
    assert record.power_on is False
    assert [int(one.entry.record) for one in desk.history.logged("host")] == [5, 4, 3, 2, 1]
    assert [one.baseline for one in desk.history.logged("other")] == [True]
    desk.reopen()
    assert desk.counts() == {POWER: 2, (LogTopic.THERMAL, LogSeverity.WARNING): 1}


def test_a_file_of_before_bmcs_is_brought_up(desk: Desk) -> None:
    """An upgrade keeps its events and begins with a baseline."""
    desk.history.close()
    with closing(sqlite3.connect(desk.path)) as connection:
        for table in ("bmcs", "bmc_logs", "bmc_entries", "bmc_counts"):
            connection.execute(f"drop table {table}")
        connection.execute("update events set kind = 'clock_step', bmc = ''")
        connection.execute("alter table events drop column bmc")
        connection.execute("delete from migrations where name like '%-bmcs'")
        connection.commit()

    desk.history = History.open(desk.path, desk.clock, SETTINGS)
    desk.bmc.known, desk.bmc.delivered = False, 0
    desk.poll()

    assert desk.kinds == [EventKind.CLOCK_STEP, EventKind.BMC_ADDED]
    assert [one.baseline for one in desk.history.logged("host")] == [True, True]


def test_words_of_a_newer_gpuwatch_are_passed_over(desk: Desk) -> None:
    """After a rollback the rest is remembered, and it is told."""
    desk.bmc.write(desk.clock.wall)
    desk.poll()
    desk.history.close()
    with closing(sqlite3.connect(desk.path)) as connection:
        connection.execute("update bmc_entries set topic = 'invented' where number = 2")
        connection.execute("insert into bmc_counts values (1, 'invented', 'info', 4)")
        connection.commit()

    desk.history = History.open(desk.path, desk.clock, SETTINGS)

    assert [one.entry.record for one in desk.history.logged("host")] == ["3", "1"]
    assert desk.counts() == {POWER: 1}
    assert desk.history.degraded == ("rows-unread",)


def test_events_of_many_bmcs_do_not_silence_each_other(desk: Desk) -> None:
    """A row of racks that loses its power is as many events as it has hosts."""
    bmcs = [Controller(f"node{number:02d}") for number in range(30)]
    for power_on in (True, False):
        for bmc in bmcs:
            bmc.power_on = power_on
            desk.history.take_bmc_sweep(bmc.sweep(desk.clock.pass_seconds(1)))

    assert desk.kinds.count(EventKind.CHASSIS_POWER_OFF) == 30


STEPS = st.lists(
    st.sampled_from(("write", "poll", "deliver", "again", "crash", "clear", "lose")), max_size=30
)


@settings(max_examples=60, deadline=None)
@given(STEPS)
def test_every_entry_after_the_baseline_is_counted_once(
    tmp_path_factory: pytest.TempPathFactory, steps: list[str]
) -> None:
    """In whatever order entries are written, delivered, delivered again, lost, cleared."""
    desk = Desk(tmp_path_factory.mktemp("history") / "history.db")
    desk.bmc.write(desk.clock.wall - DAY)
    desk.poll()
    for step in steps:
        desk.do(step)
    desk.poll()

    counted = sum(desk.counts().values())
    desk.history.close()
    assert counted == desk.written
