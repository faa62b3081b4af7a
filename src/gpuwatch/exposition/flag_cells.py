"""Flag cells: flags as a table, and what is planned for one board."""

from collections.abc import Iterable

from gpuwatch.domain.flags import Disposition, Flag, FlagState
from gpuwatch.domain.snapshot import Snapshot
from gpuwatch.exposition.cells import gpu_link, planned, table, when
from gpuwatch.exposition.markup import Markup, join, tag
from gpuwatch.exposition.views import gpu_by_uuid, open_flags_of
from gpuwatch.exposition.words import DISPOSITIONS, FLAG_STATES, RMA_STANDINGS

_HEADINGS = ("flag", "board", "slot", "why", "state", "due", "window", "return")


def flags_table(snapshot: Snapshot, flags: Iterable[Flag], empty: str) -> Markup:
    """The flags in the given order."""
    rows = ((None if flag.is_open else "past", _row(snapshot, flag)) for flag in flags)
    return table(_HEADINGS, rows, empty)


def plan(snapshot: Snapshot, uuid: str) -> Markup:
    """What is planned for a board: its window, or when somebody must have acted."""
    flags = open_flags_of(snapshot, uuid)
    if not flags:
        return tag("span", "nothing planned", class_="quiet")
    starts = [flag.window_start for flag in flags if flag.window_start is not None]
    if starts:
        return planned(min(starts))
    state = flags[0].state
    due = join("due ", when(flags[0].due_at, snapshot))
    return due if state is FlagState.OPEN else join(f"{FLAG_STATES[state]}, ", due)


def _due(snapshot: Snapshot, flag: Flag) -> Markup:
    """When to have acted; an instant that has passed while nobody did is said to be one."""
    due = when(flag.due_at, snapshot)
    overdue = flag.state is FlagState.OPEN and flag.due_at < snapshot.at.wall
    return join(tag("strong", "overdue"), ", was ", due) if overdue else due


def _row(snapshot: Snapshot, flag: Flag) -> tuple[str, ...]:
    gpu = gpu_by_uuid(snapshot, flag.board.uuid)
    board = tag("code", flag.board.serial or flag.board.uuid)
    state = FLAG_STATES[flag.state]
    decided = flag.disposition is not Disposition.UNDECIDED
    return (
        f"{flag.number}" if flag.number else "not stored yet",
        board if gpu is None else join(board, tag("br"), gpu_link(gpu)),
        tag("span", flag.slot_label, class_="number"),
        join(tag("strong", flag.code), tag("br"), flag.sentence),
        f"{state}, {DISPOSITIONS[flag.disposition]}" if decided else state,
        _due(snapshot, flag),
        "none planned" if flag.window_start is None else planned(flag.window_start),
        RMA_STANDINGS[flag.rma],
    )
