"""The live picture keeps the latest answer of each cadence and dates it on the clock of now."""

from dataclasses import replace

from gpuwatch.agent.live import Live, LiveBoard, remembered_at
from gpuwatch.domain.devices import Board, BoardKey, Device, Slot
from gpuwatch.domain.moments import Moment
from gpuwatch.domain.readings import Gap, GapReason, Sweep, Value
from gpuwatch.domain.records import BoardState
from gpuwatch.domain.signals import Cadence, Call, Keep, Kind, Role, Signal
from gpuwatch.domain.units import Unit
from gpuwatch.sources.base import DeviceHang, Inventory
from tests.support.views import record

NOW = Moment(wall=1_800_000_000.0, boottime=5000.0, boot_id="b")
KEY = BoardKey("1652", "GPU-1")
FAST = Signal(
    name="gpuwatch_gpu_ecc_uncorrected_volatile_errors_total",
    kind=Kind.COUNTER,
    unit=Unit.COUNT,
    query=Call("nvmlDeviceGetTotalEccErrors"),
    help="Errors.",
    every=Cadence.FAST,
    keep=Keep.CHANGES,
    role=Role.ECC_VOLATILE,
)
SLOW = replace(FAST, name="gpuwatch_gpu_links", kind=Kind.GAUGE, every=Cadence.SLOW)
SLOW = replace(SLOW, role=Role.PLAIN)
HANG = DeviceHang(
    pci_address="0000:01:00.0",
    call="c",
    state="D",
    where="",
    seconds=9.0,
    silent_seconds=9.0,
    confirmed=False,
)
FAST_ONLY = (FAST,)
BOTH = (FAST, SLOW)


def _sweep(*values: Value | Gap, at: Moment = NOW) -> Sweep:
    signals = FAST_ONLY if len(values) == 1 else BOTH
    cadences = {Cadence.FAST} if len(values) == 1 else {Cadence.FAST, Cadence.SLOW}
    return Sweep(board=KEY, at=at, cadences=frozenset(cadences), signals=signals, values=values)


def _device(key: BoardKey = KEY, pci: str = "0000:01:00.0") -> Device:
    return Device(index=0, board=Board(key=key), slot=Slot(pci_address=pci))


def test_a_fast_sweep_leaves_the_slow_answers() -> None:
    """Each cadence keeps its own latest answers."""
    board = LiveBoard(KEY)
    board.take(_sweep(1, 17), 0.0, "load")

    board.take(_sweep(2), 10.0, "load")

    assert board.readings == {FAST.key: 2, SLOW.key: 17}


def test_answers_are_dated_by_their_age_not_by_the_wall_clock_of_then() -> None:
    """After the wall clock stepped a year back, an answer of ten seconds ago is ten seconds old."""
    board = LiveBoard(KEY)
    board.take(_sweep(1), 0.0, "load")
    stepped = replace(NOW, wall=NOW.wall - 31_536_000, boottime=NOW.boottime + 10)

    assert [latest.at for latest in board.latest(stepped)] == [stepped.wall - 10]


def test_a_lost_gpu_is_lost_whichever_call_says_so() -> None:
    """One row with the reason lost is enough; the next good sweep takes it back."""
    board = LiveBoard(KEY)

    board.take(_sweep(1, Gap(GapReason.LOST, 15)), 0.0, "load")
    lost = board.lost
    board.take(_sweep(1), 1.0, "load")

    assert (lost, board.lost) == (True, False)


def test_a_board_is_awaited_until_it_answers() -> None:
    """A GPU that is lost has not answered: what was known of it before stands."""
    live = Live()
    board = live.board(KEY)
    live.await_answers()

    board.take(_sweep(Gap(GapReason.LOST, 15)), 0.0, "load")
    lost, awaited = board.standing, board.awaited
    board.take(_sweep(1), 10.0, "load")

    assert (awaited, board.awaited) == (True, False)
    assert board.standing != lost


def test_a_reset_that_is_required_is_noticed() -> None:
    """NVML's error 16 says that the GPU wants a reset."""
    board = LiveBoard(KEY)

    board.take(_sweep(Gap(GapReason.FAILED, 16)), 0.0, "load")

    assert (board.reset_required, board.last_good) == (True, None)


def test_an_answer_ends_a_hang() -> None:
    """A GPU that answers again is no longer set apart."""
    board = LiveBoard(KEY)
    board.hang = HANG

    board.take(_sweep(1), 0.0, "load")

    assert board.hang is None


def test_a_board_that_vanishes_keeps_its_identity_and_loses_its_answers() -> None:
    """Absent boards are remembered without stale numbers."""
    live = Live()
    live.take_inventory(Inventory(devices=(_device(),)))
    live.board(KEY).take(_sweep(1), 0.0, "load")

    live.take_inventory(Inventory(devices=()))

    board = live.board(KEY)
    assert (board.present, dict(board.readings), board.device) == (False, {}, _device())


def test_an_address_finds_the_board_that_is_there_now() -> None:
    """After a swap the slot's address means the new board."""
    live = Live()
    new = BoardKey("1999", "GPU-2")
    live.take_inventory(Inventory(devices=(_device(),)))
    live.take_inventory(Inventory(devices=(_device(new),)))

    found = live.at_address("0000:01:00.0")

    assert found is not None
    assert (found.key, live.at_address("0000:ff:00.0")) == (new, None)


def test_a_board_that_hangs_since_before_the_start_is_known_by_its_slot() -> None:
    """History has it there; one that left is not meant."""
    slot = Slot(pci_address="0000:01:00.0")
    left = record(BoardKey("1", "GPU-left"), slot=slot, state=BoardState.LEFT)
    here = record(KEY, slot=slot)

    records = {left.key: left, here.key: here}

    assert remembered_at(records, "0000:01:00.0") == here.key
    assert remembered_at(records, "0000:ff:00.0") is None


def test_a_board_that_left_the_bus_hangs_no_more() -> None:
    """It was never there as far as this agent knows; the next inventory says it never will."""
    live = Live()
    live.board(KEY).hang = HANG

    live.take_inventory(Inventory(devices=(), pci_functions=(HANG.pci_address,)))
    still = live.board(KEY).hang
    live.take_inventory(Inventory(devices=(), pci_functions=("0000:02:00.0",)))

    assert (still, live.board(KEY).hang) == (HANG, None)


def test_rounds_without_an_absent_board_are_counted() -> None:
    """A rule that holds over sweeps counts the rounds in which the board did not answer."""
    live = Live()
    live.take_inventory(Inventory(devices=(_device(),)))
    gone = live.board(BoardKey("1", "GPU-gone"))

    live.count_absences()

    assert (gone.answers, live.board(KEY).answers) == (1, 0)


def test_a_serial_that_cannot_be_read_for_once_is_the_same_board() -> None:
    """The record keeps the serial; the board is as present as before."""
    live = Live()
    live.take_inventory(Inventory(devices=(_device(),)))

    live.take_inventory(Inventory(devices=(_device(BoardKey("", KEY.uuid)),)))

    assert [board.present for board in live.boards.values()] == [True]
    assert live.board(KEY).present


def test_a_serial_that_becomes_readable_is_the_same_board() -> None:
    """Nothing is forgotten, and nobody is absent."""
    live = Live()
    live.take_inventory(Inventory(devices=(_device(BoardKey("", KEY.uuid)),)))

    live.take_inventory(Inventory(devices=(_device(),)))

    assert [(board.key, board.present) for board in live.boards.values()] == [(KEY, True)]


def test_what_a_lost_gpu_still_answers_is_no_good_reading() -> None:
    """Some calls answer from memory for a board that is gone."""
    board = LiveBoard(KEY)

    board.take(_sweep(1, Gap(GapReason.LOST, 15)), 0.0, "load")

    assert (board.lost, board.last_good, board.seen_under) == (True, None, "")


CADENCES = {Cadence.FAST: 10.0, Cadence.SLOW: 60.0}
NEEDED_SLOW = replace(SLOW, name="gpuwatch_gpu_row_remap_failed")
FAILED = Gap(GapReason.FAILED, 999)


def _blind_to(seconds: float, *values: Value | Gap, slow: Signal = SLOW) -> tuple[str, ...]:
    """To what a board is blind that told everything, and has answered so since some seconds."""
    board = LiveBoard(KEY)
    signals = (FAST, slow)
    board.take(replace(_sweep(0, 0), signals=signals), 0.0, "load")
    for at in (0.0, seconds):
        moment = replace(NOW, boottime=NOW.boottime + at)
        board.take(replace(_sweep(*values, at=moment), signals=signals), at, "load")
    missed = board.blind_to(replace(NOW, boottime=NOW.boottime + seconds), CADENCES)
    return tuple(one.signal.key for one in missed)


def test_a_needed_signal_that_is_a_gap_for_three_cadences_blinds() -> None:
    """Less could be chance."""
    assert (_blind_to(29, FAILED, 1), _blind_to(30, FAILED, 1)) == ((), (FAST.key,))


def test_what_was_never_read_blinds_at_once() -> None:
    """An agent that was restarted does not know for how long it has been a gap."""
    board = LiveBoard(KEY)

    board.take(_sweep(FAILED), 0.0, "load")

    assert [one.signal.key for one in board.blind_to(NOW, CADENCES)] == [FAST.key]


def test_a_slow_signal_has_three_slow_cadences() -> None:
    """It is asked every minute."""
    assert _blind_to(179, 0, FAILED, slow=NEEDED_SLOW) == ()
    assert _blind_to(180, 0, FAILED, slow=NEEDED_SLOW) == (NEEDED_SLOW.key,)


def test_what_no_rule_needs_blinds_nobody() -> None:
    """A link that cannot be read says nothing of the memory."""
    assert _blind_to(9999, 0, FAILED) == ()


def test_what_cannot_be_had_blinds_nobody() -> None:
    """A board without the signal, and a call that needs root."""
    unsupported, denied = Gap(GapReason.UNSUPPORTED, 3), Gap(GapReason.DENIED, 4)

    assert (_blind_to(9999, unsupported, 1), _blind_to(9999, denied, 1)) == ((), ())


def test_one_good_reading_ends_blindness() -> None:
    """The three cadences begin anew."""
    board = LiveBoard(KEY)
    for at, value in ((0, FAILED), (20, 7), (30, FAILED)):
        moment = replace(NOW, boottime=NOW.boottime + at)
        board.take(_sweep(value, at=moment), float(at), "load")

    assert board.blind_to(replace(NOW, boottime=NOW.boottime + 40), CADENCES) == ()


def test_the_answers_before_the_latest_stay() -> None:
    """Of a board that is lost those that it gave last, however often it is asked."""
    board = LiveBoard(KEY)
    lost = Gap(GapReason.LOST, 15)
    board.take(_sweep(1, 17), 0.0, "load")
    board.take(_sweep(2, 18), 10.0, "load")
    first = {answer.value for answer in board.latest_before(NOW)}
    board.take(_sweep(lost, lost), 20.0, "load")
    board.take(_sweep(lost, lost), 30.0, "load")

    assert first == {1, 17}
    assert {answer.value for answer in board.latest_before(NOW)} == {2, 18}
    assert [answer.value for answer in board.latest(NOW)] == [lost, lost]


def test_a_sweep_in_which_nothing_answered_is_nobodys_last_word() -> None:
    """A dying board may answer every call with an error that does not say that it is lost."""
    live = Live()
    live.take_inventory(Inventory(devices=(_device(),)))
    board = live.board(KEY)
    board.take(_sweep(2, 18), 10.0, "load")
    board.take(_sweep(FAILED, FAILED), 20.0, "load")
    board.take(_sweep(FAILED, FAILED), 30.0, "load")
    dying = {answer.value for answer in board.latest_before(NOW)}
    live.take_inventory(Inventory(devices=()))

    assert dying == {2, 18}
    assert {answer.value for answer in board.latest_before(NOW)} == {2, 18}


def test_a_board_that_is_gone_leaves_its_last_answers_and_its_trail() -> None:
    """They are what is known of how it was."""
    live = Live()
    live.take_inventory(Inventory(devices=(_device(),)))
    board = live.board(KEY)
    board.take(_sweep(1), 0.0, "load")
    board.take(_sweep(2, at=replace(NOW, boottime=NOW.boottime + 60.0)), 60.0, "load")
    trail = board.trail
    live.take_inventory(Inventory(devices=()))

    assert [answer.value for answer in board.latest_before(NOW)] == [2]
    assert list(board.latest(NOW)) == []
    assert len(trail.minutes) == 1
    assert board.trail == trail
