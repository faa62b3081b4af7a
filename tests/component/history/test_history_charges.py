"""History charges the right board, once, and only for what happened since it was first seen."""

from dataclasses import replace
from pathlib import Path

import pytest

from gpuwatch.domain.devices import Epoch
from gpuwatch.domain.events import Event, EventKind, EventSource
from gpuwatch.domain.readings import Gap, GapReason
from gpuwatch.domain.records import BoardState
from gpuwatch.history import Change
from tests.support.histories import DAY, LOST, START, Bench, HandClock, board_key, device

FAILED = Gap(GapReason.FAILED, 999)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where the history lies."""
    return tmp_path / "state" / "history.db"


def _xid(
    bench: Bench, code: int, slot: int, *, boot_id: str = "", at: float = 0.0, uuid: str = ""
) -> Change:
    """A line of the kernel log of any boot, by the address of a slot."""
    now = bench.clock.now()
    wall = at or now.wall
    event = Event(
        kind=EventKind.XID,
        at=wall,
        source=EventSource.KERNEL_LOG,
        identity=f"{boot_id}/{slot}/{code}/{wall}",
        boot_id=boot_id or now.boot_id,
        pci_address=f"0000:{slot + 1:02x}:00.0",
        uuid=uuid,
        code=code,
    )
    return bench.history.take_event(event, now)


def test_two_lines_about_one_fall_early_in_a_boot_are_one_fall(path: Path) -> None:
    """The last reading was hours into the boot before: it does not say that the board is back."""
    bench = Bench.open(path)
    bench.clock.pass_seconds(50_000)
    bench.sweep()
    bench.clock.boot("boot-2")

    bench.event(79, identity="one")
    bench.clock.pass_seconds(5)
    bench.event(79, identity="two")

    assert len(bench.history.records()[board_key(0)].off_bus_at) == 1


def test_a_fall_of_an_earlier_boot_told_twice_is_one_fall(path: Path) -> None:
    """What the crash left of the log repeats the fall; the board answers in the new boot."""
    bench = Bench.open(path)
    bench.sweep()
    fell_at = bench.clock.wall
    bench.event(79, identity="live")
    bench.clock.boot("boot-2")
    bench.clock.pass_seconds(50_000)
    bench.sweep()

    _xid(bench, 79, 0, boot_id="boot-1", at=fell_at + 3)

    assert len(bench.history.records()[board_key(0)].off_bus_at) == 1


def test_a_board_that_came_back_and_falls_again_fell_twice(path: Path) -> None:
    """It answered for more than a minute in between."""
    bench = Bench.open(path)
    bench.sweep()
    bench.event(79, identity="one")
    bench.sweeps(10)

    bench.event(79, identity="two")

    assert len(bench.history.records()[board_key(0)].off_bus_at) == 2


def test_what_the_log_told_before_first_sight_is_prior(path: Path) -> None:
    """A log older than gpuwatch counts what the board brought along; it opens no incident."""
    bench = Bench.open(path)

    old = bench.event(48, ago=500.0)
    bench.event(94, ago=400.0)
    bench.event(79, ago=300.0)
    bench.clock.pass_seconds(300)
    bench.history.tick(bench.clock.now())
    record = bench.history.records()[board_key(0)]

    assert old.incidents == ()
    assert (record.incidents, record.unattributed, record.off_bus_at) == ((), 0, ())
    assert record.xids[48, "kernel_log"].count == 1


def test_a_report_that_names_a_gpu_is_charged_to_it(path: Path) -> None:
    """Boards were exchanged while the host was off; the log names the GPU, the slot misleads."""
    bench = Bench.open(path, boards=2)
    bench.clock.boot("boot-2")

    _xid(bench, 48, slot=0, uuid=board_key(1).uuid)
    records = bench.history.records()

    assert [len(records[board_key(number)].incidents) for number in (0, 1)] == [0, 1]


def test_a_report_that_names_an_unknown_gpu_is_nobodys(path: Path) -> None:
    """A new board sits in the slot: the one that sat there before is not charged."""
    bench = Bench.open(path)
    bench.clock.boot("boot-2")

    _xid(bench, 48, slot=0, uuid="GPU-new")

    assert bench.history.records()[board_key(0)].incidents == ()


def test_an_earlier_boot_is_charged_to_the_board_that_sat_there_then(path: Path) -> None:
    """What a crash left is read after the boards were exchanged and counted."""
    bench = Bench.open(path, boards=2)
    bench.clock.pass_seconds(100)
    crashed_at = bench.clock.wall
    bench.clock.boot("boot-2")
    exchanged = (device(0, slot=1), device(1, slot=0))
    bench.history.take_inventory(exchanged, bench.clock.now())

    _xid(bench, 48, slot=0, boot_id="boot-1", at=crashed_at)
    records = bench.history.records()

    assert [len(records[board_key(number)].incidents) for number in (0, 1)] == [1, 0]


def test_a_first_sight_under_a_wrong_clock_hides_no_later_boot(path: Path) -> None:
    """The clock was years ahead when the board came; a crash of the next boot is still its own."""
    clock = HandClock()
    clock.step(3 * 365 * DAY)
    bench = Bench.open(path, clock)
    clock.boot("boot-2")
    clock.step(-3 * 365 * DAY)
    bench.history.take_inventory((device(0),), clock.now())
    crashed_at = clock.pass_seconds(100).wall
    clock.boot("boot-3")
    bench.history.take_inventory((device(0),), clock.now())

    _xid(bench, 48, slot=0, boot_id="boot-2", at=crashed_at)

    assert len(bench.history.records()[board_key(0)].incidents) == 1


def test_who_sat_where_outlives_a_boot_without_a_sweep(path: Path) -> None:
    """The host crashed between the inventory and the first sweep; then boards were exchanged."""
    bench = Bench.open(path, boards=2)
    bench.clock.boot("boot-2")
    bench.history.take_inventory((device(0), device(1)), bench.clock.now())
    crashed_at = bench.clock.pass_seconds(5).wall
    bench.history._book.store.close()
    bench.clock.boot("boot-3")
    again = bench.reopened(path)
    again.history.take_inventory((device(0, slot=1), device(1, slot=0)), again.clock.now())

    _xid(again, 48, slot=0, boot_id="boot-2", at=crashed_at)
    records = again.history.records()

    assert [len(records[board_key(number)].incidents) for number in (0, 1)] == [1, 0]


def test_an_earlier_boot_is_never_charged_to_a_newcomer(path: Path) -> None:
    """The board was replaced while the host was off: the crash was not the new one's."""
    bench = Bench.open(path)
    bench.clock.pass_seconds(100)
    crashed_at = bench.clock.wall
    bench.clock.boot("boot-2")
    bench.history.take_inventory((device(7, slot=0),), bench.clock.now())

    _xid(bench, 48, slot=0, boot_id="boot-1", at=crashed_at)
    records = bench.history.records()

    assert [len(records[board_key(number)].incidents) for number in (0, 7)] == [1, 0]


def test_slots_are_known_once_a_boot_has_had_an_inventory(path: Path) -> None:
    """Until then a report that names only an address may be anybody's."""
    bench = Bench.open(path)
    here = bench.history.knows_slots_of("boot-1")
    bench.clock.boot("boot-2")
    booted = bench.history.knows_slots_of("boot-2")

    bench.history.take_inventory((device(0),), bench.clock.now())

    assert (here, booted, bench.history.knows_slots_of("boot-2")) == (True, False, True)


def test_slots_are_still_known_after_a_restart_of_the_agent(path: Path) -> None:
    """The inventory of this boot is remembered."""
    bench = Bench.open(path)
    bench.sweep()

    again = bench.reopened_after_close()

    assert again.history.knows_slots_of("boot-1")


def test_the_answers_of_a_lost_gpu_do_not_age_it(path: Path) -> None:
    """Some calls answer from memory for a board that is gone: nothing was observed."""
    bench = Bench.open(path)
    bench.sweeps(3)
    before = bench.history.records()[board_key(0)].exposure_seconds

    for _ in range(5):
        bench.sweep(instead={7: LOST})

    assert bench.history.records()[board_key(0)].exposure_seconds == before


def test_a_sibling_in_the_same_platform_slot_is_no_successor(path: Path) -> None:
    """Two GPUs of one tray: when one vanishes, the other has not taken its place."""
    bench = Bench.open(path, boards=0)
    one, other = (
        replace(device(n), slot=replace(device(n).slot, module_id=None, slot_number=5))
        for n in (0, 1)
    )
    bench.history.take_inventory((one, other), bench.clock.now())

    bench.history.take_inventory((other,), bench.clock.pass_seconds(60))

    assert bench.history.records()[board_key(0)].state is BoardState.ABSENT


def test_errors_that_only_locations_tell_open_an_incident_each(path: Path) -> None:
    """Without a total that could have told before, a location's rise is a new error."""
    bench = Bench.open(path)
    no_total = {0: FAILED, 1: FAILED}
    bench.sweep(slow=True, instead=no_total)
    bench.boards[0].fail()
    bench.sweep(slow=True, instead=no_total)
    for _ in range(9):
        bench.sweep(after=86_400.0, slow=True, instead=no_total)

    bench.boards[0].fail()
    bench.sweep(slow=True, instead=no_total)

    assert len(bench.history.records()[board_key(0)].incidents) == 2


def test_a_fall_of_the_boot_before_is_not_of_this_one_whatever_the_clock_says(path: Path) -> None:
    """The clock's battery is dead: this boot seems to begin years before the fall."""
    bench = Bench.open(path)
    bench.sweep()
    bench.event(79)
    fell_at = bench.history.records()[board_key(0)].fell_at
    bench.clock.boot("boot-2", down_seconds=-10 * 365 * DAY)

    bench.reload_driver("1")

    assert fell_at == bench.clock.wall + 10 * 365 * DAY
    assert bench.history.records()[board_key(0)].fell_at is None


def test_a_fall_before_the_agent_started_in_this_boot_is_of_this_epoch(path: Path) -> None:
    """The agent met the boot's first driver late: nobody knows an earlier one."""
    bench = Bench.open(path)
    bench.clock.boot("boot-2")
    bench.clock.pass_seconds(3600)
    bench.reload_driver("1")
    bench.history.take_inventory((device(0),), bench.clock.now())

    bench.event(79, ago=600.0)

    assert bench.history.records()[board_key(0)].fell_at == bench.clock.wall - 600


def test_a_new_driver_forgives_a_fall(path: Path) -> None:
    """What was logged under the driver before says nothing of the GPU now."""
    bench = Bench.open(path)
    bench.sweep()
    bench.event(79)
    bench.clock.pass_seconds(60)

    bench.reload_driver("2")

    assert bench.history.records()[board_key(0)].fell_at is None


def test_a_boot_is_a_reset_after_an_incident_whatever_the_clock_says(path: Path) -> None:
    """The new boot's clock is ten years behind."""
    bench = Bench.open(path)
    bench.event(48)
    before = bench.history.records()[board_key(0)].reset_since_incident
    bench.clock.boot("boot-2", down_seconds=-10 * 365 * DAY)

    bench.reload_driver("1")

    assert (before, bench.history.records()[board_key(0)].reset_since_incident) == (False, True)


def test_a_reset_of_a_boot_whose_clock_was_ahead_did_not_come_after(path: Path) -> None:
    """A remap that pends since this boot was not reset by the boot before."""
    clock = HandClock(wall=START + 10 * 365 * DAY)
    bench = Bench.open(path, clock)
    bench.reload_driver("2")
    clock.boot("boot-2", down_seconds=-10 * 365 * DAY)
    bench.reload_driver("1")
    bench.sweep()
    bench.boards[0].pending = 1

    bench.sweep()
    pending = bench.history.records()[board_key(0)].held["gpuwatch_gpu_row_remap_pending"]
    bench.clock.pass_seconds(60)
    bench.reload_driver("3")
    after = bench.history.records()[board_key(0)].held["gpuwatch_gpu_row_remap_pending"]

    assert (pending.value, pending.reset_since, after.reset_since) == (1, False, True)


def test_the_order_of_incidents_survives_a_restart(path: Path) -> None:
    """A crash's log comes late, and its boot's clock was ten years ahead of the present one."""
    bench = Bench.open(path)
    crashed_at = bench.clock.wall + 100
    bench.clock.pass_seconds(200)
    bench.clock.boot("boot-2", down_seconds=-10 * 365 * DAY)
    bench.history.enter_epoch(Epoch(boot_id="boot-2", driver_load="1"), bench.clock.now())
    bench.history.take_inventory((device(0),), bench.clock.now())
    bench.clock.pass_seconds(2 * DAY)
    bench.event(48)

    _xid(bench, 48, slot=0, boot_id="boot-1", at=crashed_at)
    before = bench.history.records()[board_key(0)].incidents
    bench.epoch = Epoch(boot_id="boot-2", driver_load="1")
    after = bench.reopened_after_close().history.records()[board_key(0)].incidents

    assert [incident.opened_at for incident in before] == [crashed_at, bench.clock.wall]
    assert after == before
