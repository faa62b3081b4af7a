"""Blind time is counted per board and source, and never while somebody works on it."""

from dataclasses import replace

from gpuwatch.agent.blindness import Blindness, BlindWatch
from gpuwatch.agent.live import LiveBoard
from gpuwatch.domain.devices import BoardKey
from gpuwatch.domain.moments import Moment
from gpuwatch.domain.snapshot import SourceState
from gpuwatch.sources.base import DeviceHang

NOW = Moment(wall=1_800_000_000.0, boottime=5000.0, boot_id="b")
UUID = "GPU-1"
UP = SourceState(name="kernel_log", up=True, fresh=True)
DOWN = replace(UP, fresh=False)
HANG = DeviceHang(
    pci_address="0000:01:00.0",
    call="c",
    state="D",
    where="",
    seconds=9.0,
    silent_seconds=9.0,
    confirmed=True,
)
NOBODY: frozenset[str] = frozenset()


def _board(**changes: object) -> LiveBoard:
    board = LiveBoard(BoardKey("1652", UUID), present=True)
    return replace(board, **changes)  # type: ignore[arg-type]


def _look(
    watch: BlindWatch,
    seconds: float,
    *,
    board: LiveBoard | None = None,
    blind: bool = True,
    source: SourceState = UP,
    excused: frozenset[str] = NOBODY,
) -> Blindness:
    now = replace(NOW, boottime=NOW.boottime + seconds)
    return watch.look(now, [board or _board()], [source], lambda _: blind, excused)


def test_a_board_is_blind_since_it_was_first_seen_so() -> None:
    """On the boot clock; one good look ends it."""
    watch = BlindWatch()

    told = [
        _look(watch, 0.0),
        _look(watch, 4000.0),
        _look(watch, 4001.0, blind=False),
        _look(watch, 4002.0),
    ]

    assert [dict(each.boards) for each in told] == [{UUID: 0.0}, {UUID: 4000.0}, {}, {UUID: 0.0}]


def test_time_in_which_somebody_works_on_it_does_not_count() -> None:
    """Neither on the host nor on the board; it begins when they are done."""
    watch = BlindWatch()
    _look(watch, 0.0)

    told = [
        _look(watch, 4000.0, excused=frozenset({""})),
        _look(watch, 5000.0),
        _look(watch, 6000.0, excused=frozenset({UUID})),
        _look(watch, 7000.0),
    ]

    assert [dict(each.boards) for each in told] == [{}, {UUID: 0.0}, {}, {UUID: 0.0}]


def test_what_has_a_finding_of_its_own_is_not_blind_as_well() -> None:
    """A GPU that is lost, hangs or is gone tells nothing, and that is told already."""
    boards = (_board(lost=True), _board(hang=HANG), _board(present=False))

    told = [_look(BlindWatch(), 0.0, board=board) for board in boards]

    assert [dict(each.boards) for each in told] == [{}, {}, {}]


def test_a_required_source_that_is_silent_is_told() -> None:
    """One that nobody requires, or that is let go of, is not."""
    watch = BlindWatch()
    _look(watch, 0.0, source=DOWN)
    optional, released = replace(DOWN, required=False), replace(DOWN, released=True)

    told = [_look(watch, 10.0, source=source) for source in (DOWN, UP, optional, released)]

    assert [each.sources for each in told] == [(("kernel_log", 10.0),), (), (), ()]
