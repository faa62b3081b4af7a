"""History on a real file: boards, counts, incidents, and what a restart must not forget."""

from dataclasses import replace
from pathlib import Path

import pytest

from gpuwatch.domain.devices import Device, Slot
from gpuwatch.domain.events import EventKind
from gpuwatch.domain.incidents import ErrorKind, Memory
from gpuwatch.domain.records import BoardState, SeriesPoint
from gpuwatch.history import History, HistorySettings, Reader, SecondWriterError
from tests.support.histories import DAY, LOST, Bench, board_key, device


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where the history lies."""
    return tmp_path / "state" / "history.db"


def test_a_new_history_is_not_degraded(path: Path) -> None:
    """Nothing is wrong with a fresh file on a sound disk."""
    bench = Bench.open(path)

    assert bench.history.degraded == ()


def test_first_sight_of_old_counts_is_a_baseline(path: Path) -> None:
    """Errors that a board brought along are prior: shown, never an incident."""
    bench = Bench.open(path)
    bench.boards[0].fail(count=7)

    change = bench.sweep()
    record = bench.history.records()[board_key(0)]

    assert change.incidents == ()
    assert record.incidents == ()
    assert record.errors[Memory.UNKNOWN] == 0
    assert record.prior["total"] == 7


def test_a_rise_opens_one_incident_between_two_readings(path: Path) -> None:
    """Without a kernel-log record the incident lies between last good and first reading."""
    bench = Bench.open(path)
    bench.sweep()
    bench.boards[0].fail()

    change = bench.sweep(after=10.0)

    (incident,) = change.incidents
    (signal,) = incident.signals
    assert signal.not_before == bench.clock.wall - 10.0
    assert signal.not_after == bench.clock.wall
    assert incident.opened_at == bench.clock.wall - 5.0


def test_an_aggregate_that_lags_over_a_driver_load_tells_of_the_error_before_it(
    path: Path,
) -> None:
    """The remapped row comes to light at once, its error a sweep later: one incident."""
    bench = Bench.open(path)
    bench.sweep()
    bench.boards[0].fail()
    bench.boards[0].rows += 1
    bench.clock.pass_seconds(8 * DAY)
    bench.reload_driver("2")
    bench.sweep(instead={1: 0})

    bench.sweep()
    (incident,) = bench.history.records()[board_key(0)].incidents

    assert [signal.kind.value for signal in incident.signals] == ["row_remap", "ecc"]


def test_a_location_names_the_memory_of_an_error_already_counted(path: Path) -> None:
    """The total tells first, the location a minute later: one error, one incident, named."""
    bench = Bench.open(path)
    bench.sweep(slow=True)
    bench.boards[0].fail("dram")
    counted = bench.sweep()

    named = bench.sweep(slow=True)
    record = bench.history.records()[board_key(0)]

    assert [event.kind for event in counted.events] == [EventKind.ERRORS_COUNTED]
    assert named.events == ()
    assert len(record.incidents) == 1
    assert record.incidents[0].memory is Memory.DRAM
    assert record.errors == {Memory.DRAM: 1, Memory.SRAM: 0, Memory.UNKNOWN: 0}


def test_a_late_location_opens_no_second_incident_a_day_later(path: Path) -> None:
    """A location that tells after the day has passed belongs to the incident of its total."""
    bench = Bench.open(path)
    bench.sweep(slow=True)
    bench.boards[0].fail("dram")
    bench.sweep(slow=True)
    bench.reload_driver("2")
    bench.sweep(after=DAY - 20.0)
    bench.boards[0].fail("sram")
    bench.sweep(after=10.0)

    bench.sweep(after=30.0, slow=True)
    record = bench.history.records()[board_key(0)]

    assert len(record.incidents) == 1
    assert record.errors == {Memory.DRAM: 1, Memory.SRAM: 1, Memory.UNKNOWN: 0}


def test_a_location_that_tells_more_than_the_total_did_tells_of_a_new_error(path: Path) -> None:
    """One of its two errors was told by the total before; the other is news."""
    bench = Bench.open(path)
    bench.sweep(slow=True)
    bench.boards[0].aggregate += 1
    bench.sweep()
    bench.boards[0].dram += 2

    change = bench.sweep(slow=True)

    (incident,) = bench.history.records()[board_key(0)].incidents
    assert [event.kind for event in change.events] == [EventKind.ERRORS_COUNTED]
    assert [(signal.memory, signal.count) for signal in incident.signals] == [
        (Memory.UNKNOWN, 1),
        (Memory.DRAM, 1),
        (Memory.DRAM, 1),
    ]


def test_the_kernel_log_dates_a_rise_that_was_seen_first(path: Path) -> None:
    """A record that arrives after the sweep dates its incident to the second."""
    bench = Bench.open(path)
    bench.sweep()
    bench.boards[0].fail()
    bench.sweep(after=10.0)

    bench.event(94, ago=7.0)
    (incident,) = bench.history.records()[board_key(0)].incidents

    assert incident.opened_at == bench.clock.wall - 7.0
    assert [signal.kind for signal in incident.signals] == [ErrorKind.ECC, ErrorKind.XID_94]


def test_the_kernel_log_dates_a_rise_that_follows(path: Path) -> None:
    """A record that came before the sweep dates its incident, and the waiting echo is adopted."""
    bench = Bench.open(path)
    bench.sweep()
    bench.boards[0].fail()
    at = bench.clock.pass_seconds(4.0).wall
    bench.event(94)

    bench.sweep(after=6.0)
    record = bench.history.records()[board_key(0)]

    assert record.incidents[0].opened_at == at
    assert {signal.kind for signal in record.incidents[0].signals} == {
        ErrorKind.ECC,
        ErrorKind.XID_94,
    }
    assert record.unattributed == 0


def test_an_earlier_echo_does_not_date_what_the_boards_own_record_dates(path: Path) -> None:
    """With an echo of a peer's error and its own Xid 48 in the interval, the Xid 48 dates it."""
    bench = Bench.open(path)
    bench.sweep()
    bench.event(94, ago=0.0)
    bench.boards[0].fail()
    at = bench.clock.pass_seconds(30.0).wall
    bench.event(48)

    bench.sweep(after=6.0)

    (incident,) = bench.history.records()[board_key(0)].incidents
    assert incident.opened_at == at


def test_the_boards_own_record_dates_what_an_echo_dated_before(path: Path) -> None:
    """An echo in the interval is the best guess until the board's own Xid 48 is read."""
    bench = Bench.open(path)
    bench.sweep()
    guess = bench.clock.pass_seconds(3.0).wall
    bench.event(94)
    bench.boards[0].fail()
    bench.sweep(after=27.0)
    (guessed,) = bench.history.records()[board_key(0)].incidents

    bench.event(94, ago=5.0)
    bench.event(48, ago=4.0)

    (incident,) = bench.history.records()[board_key(0)].incidents
    assert guessed.opened_at == guess
    assert (guessed.signals[0].not_before, guessed.signals[0].not_after) == (guess - 3, guess + 27)
    assert incident.opened_at == bench.clock.wall - 4.0


def test_a_record_from_a_blind_gap_lies_where_the_exposure_clock_stood_still(path: Path) -> None:
    """Read late, an error of the blind time is not put before what was known before it."""
    bench = Bench.open(path)
    bench.sweep()
    bench.boards[0].fail()
    bench.sweep(after=10.0)
    bench.boards[0].fail()
    bench.sweep(after=20 * DAY)

    bench.event(48, ago=DAY)

    first, second = bench.history.records()[board_key(0)].incidents
    assert (first.opened_exposure, second.opened_exposure) == (5.0, 10.0)
    assert second.opened_at == bench.clock.wall - DAY
    reopened = bench.reopened_after_close().history.records()[board_key(0)].incidents
    assert [one.opened_at for one in reopened] == [first.opened_at, second.opened_at]


def test_a_blind_gap_is_remembered_by_the_agent_that_comes_after(path: Path) -> None:
    """The agent was killed between the sweep after the gap and the kernel log's record from it."""
    bench = Bench.open(path)
    bench.sweep()
    bench.boards[0].fail()
    bench.sweep(after=10.0)
    bench.sweep(after=20 * DAY)

    later = bench.reopened_after_close()
    later.event(48, ago=DAY)

    first, second = later.history.records()[board_key(0)].incidents
    assert (first.opened_exposure, second.opened_exposure) == (5.0, 10.0)
    assert second.opened_at == later.clock.wall - DAY


def test_incidents_of_one_boot_stand_in_its_order_after_several_gaps(path: Path) -> None:
    """Of two gaps only the later one is known: the exposure of what lay before it is a guess."""
    bench = Bench.open(path)
    bench.sweep()
    bench.boards[0].fail()
    bench.sweep(after=10.0)
    for _ in range(2):
        bench.sweep(after=20 * DAY)

    bench.event(48, ago=30 * DAY)

    first, second = bench.history.records()[board_key(0)].incidents
    assert first.opened_exposure <= second.opened_exposure
    assert second.opened_at == bench.clock.wall - 30 * DAY


def test_echoes_of_peers_are_unattributed_and_open_nothing(path: Path) -> None:
    """An Xid 94 whose board owns no error is counted after two minutes, and said once."""
    bench = Bench.open(path, boards=8)
    for number in range(1, 8):
        bench.event(94, number)

    bench.clock.pass_seconds(121.0)
    change = bench.history.tick(bench.clock.now())
    records = bench.history.records()

    assert {event.kind for event in change.events} == {EventKind.UNATTRIBUTED_ERROR}
    assert [records[board_key(number)].unattributed for number in range(8)] == [0] + [1] * 7
    assert all(not record.incidents for record in records.values())


def test_an_event_counts_once_and_keeps_its_position(path: Path) -> None:
    """Two reports of an occurrence are one; the position in the kernel log moves all the same."""
    bench = Bench.open(path)
    bench.event(13, identity="one", position=("boot-1", 5))

    change = bench.event(13, identity="one", position=("boot-1", 6))
    history = bench.reopened_after_close().history

    assert change.events == ()
    assert history.records()[board_key(0)].xids[13, "kernel_log"].count == 1
    assert history.kernel_log_position() == ("boot-1", 6)


def test_a_flood_is_counted_in_full_and_stored_in_part(path: Path) -> None:
    """A thousand Xids in an hour are a count of a thousand and a handful of events."""
    bench = Bench.open(path)
    stored = sum(bool(bench.event(31, ago=float(number)).events) for number in range(1000))

    record = bench.history.records()[board_key(0)]

    assert record.xids[31, "kernel_log"].count == 1000
    assert stored == 10


def test_a_board_falls_off_the_bus_once(path: Path) -> None:
    """Many lines tell of one fall; it is outside of the trend."""
    bench = Bench.open(path)
    bench.sweep()
    bench.event(79, ago=2.0)
    bench.event(None, kind=EventKind.FELL_OFF_BUS)

    record = bench.history.records()[board_key(0)]

    assert len(record.off_bus_at) == 1
    assert record.incidents == ()


def test_a_restart_forgets_nothing(path: Path) -> None:
    """What was recorded before a restart is recorded after it, to the last field."""
    bench = Bench.open(path, boards=2)
    bench.sweep(slow=True)
    bench.boards[0].fail("sram", 3)
    bench.boards[0].pending = 1
    bench.sweep(slow=True)
    bench.event(48, ago=3.0)
    bench.event(94, ago=2.0)
    bench.event(95, 1)
    bench.event(13)
    bench.event(79, 1)
    before = bench.history.records()

    after = bench.reopened_after_close().history.records()

    assert after == before


def test_an_incident_whose_echo_came_first_survives_a_restart(path: Path) -> None:
    """The echo was stored before the error that owns it; both are one incident afterwards too."""
    bench = Bench.open(path)
    bench.sweep()
    bench.boards[0].fail()
    bench.event(94)
    bench.sweep(after=6.0)
    before = bench.history.records()[board_key(0)].incidents

    after = bench.reopened_after_close().history.records()[board_key(0)].incidents

    assert (len(before), after) == (1, before)


def test_a_driver_reload_counts_an_equal_number_of_new_errors_in_full(path: Path) -> None:
    """Three old errors, a reload, three new ones: six, although the counter reads the same."""
    bench = Bench.open(path)
    bench.sweep(instead={1: LOST})
    bench.boards[0].fail(count=3)
    bench.sweep(instead={1: LOST})
    bench.reload_driver("2")
    bench.boards[0].fail(count=3)

    bench.sweep(instead={1: LOST})
    bench.sweep(instead={1: LOST})

    assert bench.history.records()[board_key(0)].errors[Memory.UNKNOWN] == 6


def test_exposure_runs_only_between_good_readings(path: Path) -> None:
    """Gaps and blind time are no exposure; other time is, restarts included."""
    bench = Bench.open(path)
    bench.sweeps(7)
    bench.sweep(instead={0: LOST, 1: LOST, 3: LOST})
    bench.sweep(after=1000.0)
    bench = bench.reopened_after_close()
    bench.sweep(after=40.0)

    record = bench.history.records()[board_key(0)]

    assert record.exposure_seconds == 60.0 + 40.0


def test_an_error_in_a_blind_gap_is_one_incident_in_its_middle(path: Path) -> None:
    """After an hour without readings a jump is one incident, half an hour ago."""
    bench = Bench.open(path)
    bench.sweep()
    bench = bench.reopened_after_close()
    bench.boards[0].fail(count=5)

    (incident,) = bench.sweep(after=3600.0).incidents

    assert incident.opened_at == bench.clock.wall - 1800.0
    assert incident.signals[0].count == 5


def test_a_record_after_the_interval_of_a_rise_does_not_date_it(path: Path) -> None:
    """A second of slack is for clocks; what came later is another word on the same incident."""
    bench = Bench.open(path)
    bench.sweep()
    bench.boards[0].fail()
    bench.sweep(after=10.0)
    seen = bench.clock.wall
    bench.clock.pass_seconds(2.0)

    bench.event(48)

    (incident,) = bench.history.records()[board_key(0)].incidents
    assert incident.opened_at == seen - 5.0
    assert [signal.kind for signal in incident.signals] == [ErrorKind.ECC, ErrorKind.XID_48]


def test_a_rise_that_is_dated_after_several_gaps_stays_behind_what_came_before(path: Path) -> None:
    """Of two gaps only the later one is known: the record's place on the clock is a guess."""
    bench = Bench.open(path)
    bench.sweep()
    bench.boards[0].fail()
    bench.sweep(after=10.0)
    bench.boards[0].fail()
    bench.sweep(after=20 * DAY)
    bench.sweep(after=20 * DAY)

    bench.event(48, ago=39 * DAY)

    first, second = bench.history.records()[board_key(0)].incidents
    assert second.opened_at == bench.clock.wall - 39 * DAY
    assert first.opened_exposure == 5.0
    assert second.opened_exposure >= 5.0


def test_a_remap_that_a_new_boot_finished_tells_of_no_second_reset(path: Path) -> None:
    """The boot was the reset; the first reading after it only confirms that."""
    bench = Bench.open(path)
    bench.boards[0].pending = 1
    bench.sweep()
    bench.clock.boot("boot-2")
    bench.epoch = replace(bench.epoch, boot_id="boot-2")
    bench.history.enter_epoch(bench.epoch, bench.clock.now())
    bench.boards[0].pending = 0

    change = bench.sweep(after=10.0)

    assert [event.kind for event in change.events] == []
    assert len(bench.history.resets(board_key(0))) == 1


def test_a_finished_remap_is_evidence_of_a_reset(path: Path) -> None:
    """Remap pending 1 -> 0 is a reset, dated between the two readings."""
    bench = Bench.open(path)
    bench.boards[0].pending = 1
    bench.sweep()
    bench.boards[0].pending = 0

    change = bench.sweep(after=10.0)

    assert [event.kind for event in change.events] == [EventKind.RESET]
    record = bench.history.records()[board_key(0)]
    assert record.last_reset_at == bench.clock.wall - 5.0


def test_a_reset_is_dated_by_the_last_reading_of_any_cadence(path: Path) -> None:
    """What asks for everything, as the first sweep after a release does, last did so long ago."""
    bench = Bench.open(path)
    bench.sweep(slow=True)
    bench.boards[0].fail()
    bench.boards[0].pending = 1
    bench.sweep(after=DAY)
    bench.boards[0].pending = 0

    bench.sweep(after=10.0, slow=True)

    record = bench.history.records()[board_key(0)]
    assert record.last_reset_at == bench.clock.wall - 5.0


def test_one_error_more_is_told_in_the_singular(path: Path) -> None:
    """One error, three errors."""
    bench = Bench.open(path)
    bench.sweep()
    bench.boards[0].fail(count=1)
    bench.sweep()
    bench.boards[0].fail(count=3)
    bench.sweep()

    events = bench.history.recent_events(10)

    told = [event.detail for event in events if event.kind is EventKind.ERRORS_COUNTED]
    assert told == [
        "3 uncorrectable errors more (total)",
        "1 uncorrectable error more (total)",
    ]


def test_boards_move_return_and_give_up_their_slots(path: Path) -> None:
    """Boards are told by their keys; an index or address that shifts confuses nobody."""
    bench = Bench.open(path, boards=3)
    now = bench.clock.now()
    lost = bench.history.take_inventory((device(0), device(1)), now)
    moved = bench.history.take_inventory((device(0), device(1, slot=5)), now)
    swapped = bench.history.take_inventory((device(0), device(1, slot=5), device(9, slot=2)), now)
    returned = bench.history.take_inventory((device(0), device(1, slot=5), device(2, slot=6)), now)
    records = bench.history.records()

    assert [event.kind for event in lost] == [EventKind.BOARD_LOST]
    assert [event.kind for event in moved] == [EventKind.BOARD_MOVED]
    assert [event.kind for event in swapped] == [EventKind.BOARD_FIRST_SEEN, EventKind.BOARD_LEFT]
    assert [event.kind for event in returned] == [EventKind.BOARD_RETURNED, EventKind.BOARD_LOST]
    assert records[board_key(2)].state is BoardState.PRESENT
    assert records[board_key(9)].state is BoardState.ABSENT


def test_addresses_that_shift_after_a_loss_hide_no_missing_board(path: Path) -> None:
    """Without module or slot numbers a neighbour at the old address is no successor."""

    def card(number: int, bus: int) -> Device:
        at = device(number)
        return replace(at, slot=Slot(pci_address=f"0000:{bus:02x}:00.0"))

    bench = Bench.open(path, boards=0)
    now = bench.clock.now()
    bench.history.take_inventory((card(0, 1), card(1, 2), card(2, 3)), now)

    bench.history.take_inventory((card(0, 1), card(2, 2)), now)
    shifted = bench.history.records()[board_key(1)].state
    bench.history.take_inventory((card(0, 1), card(9, 2), card(2, 3)), now)
    swapped = bench.history.records()[board_key(1)].state

    assert (shifted, swapped) == (BoardState.ABSENT, BoardState.LEFT)


def test_a_serial_that_becomes_readable_keeps_the_history(path: Path) -> None:
    """The UUID carries the history over; the key then names the serial."""
    bench = Bench.open(path, boards=0)
    bench.history.take_inventory((device(0, serial=""),), bench.clock.now())
    first_seen = bench.clock.wall
    bench.clock.pass_seconds(DAY)

    said = bench.history.take_inventory((device(0),), bench.clock.now())

    assert said == ()
    assert [record.first_seen for record in bench.history.records().values()] == [first_seen]
    assert set(bench.history.records()) == {board_key(0)}


def test_a_second_writer_is_refused(path: Path) -> None:
    """Two agents on one history: the second ends with a sentence that says where."""
    bench = Bench.open(path)

    with pytest.raises(SecondWriterError, match="another gpuwatch writes"):
        History.open(path, bench.clock, HistorySettings())


def test_a_reader_sees_what_the_writer_committed(path: Path) -> None:
    """The command line reads beside a running writer."""
    bench = Bench.open(path)
    bench.sweep()
    bench.boards[0].fail()
    bench.sweep()

    reader = Reader.open(path)
    seen = reader.records()[board_key(0)]
    reader.close()

    assert seen == bench.history.records()[board_key(0)]


def test_series_keep_five_minute_spreads_over_a_restart(path: Path) -> None:
    """Buckets hold least, mean and greatest in base units, and survive a restart."""
    bench = Bench.open(path)
    for watts in (200_000, 100_000, 300_000):
        bench.sweep(instead={6: watts})
    bench = bench.reopened_after_close()

    points = bench.history.series(board_key(0), since=0.0)

    (point,) = points
    assert isinstance(point, SeriesPoint)
    spread = point.spreads["gpuwatch_gpu_power_watts"]
    assert (spread.least, spread.mean, spread.greatest) == (100.0, 200.0, 300.0)


def test_transitions_tell_when_a_value_changed(path: Path) -> None:
    """A signal kept by its changes has a row for every value it took."""
    bench = Bench.open(path)
    bench.sweep()
    bench.boards[0].action = "1"
    at = bench.clock.wall + 10.0
    bench.sweep()
    bench.sweeps(5)

    changes = bench.history.transitions(board_key(0), "gpuwatch_gpu_recovery_action")

    assert [(change.value, change.at) for change in changes] == [("0", at - 10.0), ("1", at)]


@pytest.mark.parametrize("seconds", [3600.0, -3600.0, 366 * DAY, -366 * DAY])
def test_a_stepped_wall_clock_changes_no_age_and_no_order(path: Path, seconds: float) -> None:
    """After a step in either direction ages, exposure and order are what they were."""
    bench = Bench.open(path)
    bench.sweep()
    bench.boards[0].fail()
    bench.sweep()
    opened = bench.clock.boottime - 5.0
    bench.clock.step(seconds)
    bench.sweep()
    bench.boards[0].fail()
    bench.sweep()

    record = bench.reopened_after_close().history.records()[board_key(0)]

    assert record.exposure_seconds == 30.0
    (incident,) = record.incidents
    assert bench.clock.wall - incident.opened_at == bench.clock.boottime - opened
    assert [bench.clock.wall - signal.at for signal in incident.signals] == [25.0, 5.0]


def test_absence_is_no_reading(path: Path) -> None:
    """A lost board keeps what it held, and is not seen."""
    bench = Bench.open(path)
    bench.boards[0].pending = 1
    bench.sweep()
    seen = bench.clock.wall

    bench.sweep(instead=dict.fromkeys(range(9), LOST))
    record = bench.history.records()[board_key(0)]

    assert record.held["gpuwatch_gpu_row_remap_pending"].value == 1
    assert record.last_seen == seen


def test_a_new_boot_is_evidence_of_a_reset(path: Path) -> None:
    """A new epoch resets every board; the same epoch met again does not."""
    bench = Bench.open(path)
    bench.sweep()
    bench.clock.boot("boot-2")
    bench.epoch = replace(bench.epoch, boot_id="boot-2")

    said = bench.history.enter_epoch(bench.epoch, bench.clock.now())
    again = bench.history.enter_epoch(bench.epoch, bench.clock.now())

    assert [event.kind for event in said] == [EventKind.NEW_EPOCH]
    assert again == ()
    record = bench.history.records()[board_key(0)]
    assert record.last_reset_at == bench.clock.wall - 10.0
