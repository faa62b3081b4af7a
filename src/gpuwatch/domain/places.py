"""Places: which flagged boards leave in which window, and how many more it can take."""

from collections.abc import Iterable

from gpuwatch.domain.flags import Flag, FlagState
from gpuwatch.domain.windows import Window

Place = tuple[str, float]
# A module is one board; whatever else remote hands replace takes its boards along.
_OF_ONE_BOARD = ("", "module")


def place_of(window: Window) -> Place:
    """What makes a window this window: its name and its start in Unix seconds."""
    return window.name, window.start.timestamp()


def place_of_flag(flag: Flag) -> Place | None:
    """The window that a flag is planned into, None while it is in none."""
    return None if flag.window_start is None else (flag.window_name, flag.window_start)


def unit_of(flag: Flag) -> str:
    """What is swapped for a flag: the board, or the field-replaceable unit it leaves with.

    Flags of one host that name the same unit, other than a module, leave together. A board with two
    flags is swapped once.
    """
    if flag.fru not in _OF_ONE_BOARD:
        return f"fru {flag.fru}"
    return f"board {flag.board.serial or flag.board.uuid}"


def units_in(window: Window, flags: Iterable[Flag]) -> frozenset[str]:
    """What leaves in `window`: one for each board or field-replaceable unit still to be swapped."""
    here = place_of(window)
    return frozenset(
        unit_of(flag) for flag in flags if flag.is_open and place_of_flag(flag) == here
    )


def is_late(flag: Flag) -> bool:
    """Whether a flag that is to be planned has no window that starts before it is due."""
    if flag.state is not FlagState.OPEN:
        return False
    return flag.window_start is None or flag.window_start > flag.due_at
