"""Flag cells: flags as a table, and what is planned for one board."""

from collections.abc import Iterable

from gpuwatch.domain.acceptances import NEEDED_LOAD_SECONDS
from gpuwatch.domain.audit import AuditRecord
from gpuwatch.domain.flag_changes import is_snoozed
from gpuwatch.domain.flags import Disposition, Flag, FlagState
from gpuwatch.domain.places import is_late
from gpuwatch.domain.snapshot import Snapshot
from gpuwatch.exposition.cells import code_link, gpu_link, planned, table, when
from gpuwatch.exposition.markup import Markup, join, tag
from gpuwatch.exposition.views import gpu_by_uuid, open_flags_of
from gpuwatch.exposition.words import DISPOSITIONS, FLAG_STATES, RMA_STANDINGS, second

_SHOWN = 100
_HEADINGS = ("flag", "board", "slot", "why", "state", "due", "window", "return")


def flags_table(snapshot: Snapshot, flags: Iterable[Flag], empty: str) -> Markup:
    """The flags in the given order."""
    rows = ((None if flag.is_open else "past", _row(snapshot, flag)) for flag in flags)
    return table(_HEADINGS, rows, empty)


def flag_link(flag: Flag) -> Markup:
    """The flag's number, leading to its own page; one that is not stored yet has neither."""
    if not flag.number:
        return join("not stored yet")
    return tag("a", f"flag {flag.number}", href=f"/flag/{flag.number}")


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


def due_cell(snapshot: Snapshot, flag: Flag) -> Markup:
    """When to have acted; an instant that has passed while nobody did is said to be one."""
    due = when(flag.due_at, snapshot)
    overdue = flag.state is FlagState.OPEN and flag.due_at < snapshot.at.wall
    return join(tag("strong", "overdue"), ", was ", due) if overdue else due


def notes(snapshot: Snapshot, flag: Flag) -> tuple[str, ...]:
    """What people wrote on a flag, and how it ended, a sentence each."""
    said = (
        (flag.disposition is not Disposition.UNDECIDED, DISPOSITIONS[flag.disposition]),
        (flag.outcome not in ("", flag.state), f"outcome: {flag.outcome.replace('_', ' ')}"),
        (flag.acknowledged_at is not None, f"acknowledged by {flag.acknowledged_by}"),
        (
            flag.is_open and is_snoozed(flag, snapshot.at.wall),
            f"snoozed until {second(flag.snoozed_until or 0.0)}",
        ),
        (bool(flag.vendor_case), f"vendor case {flag.vendor_case}"),
        (bool(flag.fru), f"replaced with its {flag.fru}"),
        (bool(flag.slot_note), flag.slot_note),
        (flag.successor is not None, f"in its place: {flag.successor}"),
        (bool(progress(snapshot, flag)), progress(snapshot, flag)),
    )
    return tuple(sentence for holds, sentence in said if holds)


def audit_table(snapshot: Snapshot, flags: Iterable[Flag]) -> Markup:
    """What happened to these flags, the latest first."""
    records = [record for flag in flags for record in snapshot.flag_audit.get(flag.number, ())]
    records.sort(key=lambda record: record.number, reverse=True)
    rows = (
        (
            None,
            (
                when(record.at, snapshot),
                record.subject,
                record.action.removeprefix("flag-").replace("-", " "),
                record.actor,
                record.reason,
                _change(record),
            ),
        )
        for record in records[:_SHOWN]
    )
    return table(("when", "what", "done", "by", "why", "change"), rows, "Nothing is written down.")


def _change(record: AuditRecord) -> Markup:
    if not record.before:
        return join(record.after)
    return join(tag("span", record.before, class_="quiet"), " → ", record.after)


def progress(snapshot: Snapshot, flag: Flag) -> str:
    """The state of a flag, with how far what came in for it has proved itself."""
    acceptance = snapshot.acceptances.get(flag.number)
    if acceptance is None:
        return ""
    done, needed = acceptance.load_seconds / 3600, NEEDED_LOAD_SECONDS / 3600
    return acceptance.sentence or f"{done:.1f} of {needed:.0f} h under load"


def _row(snapshot: Snapshot, flag: Flag) -> tuple[str, ...]:
    gpu = gpu_by_uuid(snapshot, flag.board.uuid)
    board = tag("code", flag.board.serial or flag.board.uuid)
    remarks = (tag("small", note) for note in notes(snapshot, flag))
    return (
        flag_link(flag),
        board if gpu is None else join(board, tag("br"), gpu_link(gpu)),
        tag("span", flag.slot_label, class_="number"),
        join(tag("strong", code_link(snapshot, flag.code)), tag("br"), flag.sentence),
        join(FLAG_STATES[flag.state], *(join(tag("br"), remark) for remark in remarks)),
        due_cell(snapshot, flag),
        window_cell(flag),
        RMA_STANDINGS[flag.rma],
    )


def window_cell(flag: Flag) -> Markup:
    """The planned window; one that is too late, or none at all, is said to be late."""
    late = join(tag("strong", "late"), ": ") if is_late(flag) else join()
    if flag.window_start is None:
        return join(late, "none planned")
    chosen = join(tag("br"), tag("small", "chosen by a person")) if flag.pinned else join()
    return join(late, planned(flag.window_start), chosen)
