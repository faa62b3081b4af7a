"""Flag page: one board to replace: why, since when, what to do, what it rests on, who did what."""

from gpuwatch.domain.flags import Flag, FlagState
from gpuwatch.domain.snapshot import GpuState, Snapshot
from gpuwatch.exposition.cells import code_link, facts, gpu_link, section, serial_text, when
from gpuwatch.exposition.finding_cells import finding_article
from gpuwatch.exposition.flag_cells import audit_table, due_cell, notes, window_cell
from gpuwatch.exposition.frame import frame
from gpuwatch.exposition.incident_cells import incidents_table
from gpuwatch.exposition.markup import Markup, join, tag
from gpuwatch.exposition.next_steps import flag_step, step_of
from gpuwatch.exposition.views import gpu_by_uuid
from gpuwatch.exposition.words import (
    FLAG_STATES,
    RMA_STANDINGS,
    day,
    minute,
    second,
    span,
)

# A flag has no verdict; its colour is that of what waits, of what somebody has, of what is over.
_COLOURS = {
    FlagState.OPEN: "replace-at-window",
    FlagState.IN_HANDS: "watch",
    FlagState.VERIFYING: "watch",
    FlagState.CLOSED: "over",
    FlagState.DISMISSED: "over",
}


def flag_page(snapshot: Snapshot, flag: Flag, stalled_seconds: float | None = None) -> bytes:
    """The whole page of one flag; times are relative to the snapshot's instant."""
    gpu = gpu_by_uuid(snapshot, flag.board.uuid)
    return frame(
        snapshot,
        f"flag {flag.number} of {snapshot.hostname}",
        _headline(snapshot, flag, gpu),
        section("What to do", *(tag("p", step) for step in _steps(flag, gpu))),
        section("The flag", _facts(snapshot, flag, gpu)),
        section("Evidence", *_evidence(snapshot, flag, gpu)),
        section("What happened to it", audit_table(snapshot, [flag])),
        stalled_seconds=stalled_seconds,
    )


def _headline(snapshot: Snapshot, flag: Flag, gpu: GpuState | None) -> Markup:
    colour = _COLOURS[flag.state]
    state = tag("span", FLAG_STATES[flag.state], class_=f"badge {colour}")
    board = f"board {flag.board.serial or flag.board.uuid}"
    since = span(max(snapshot.at.wall - (flag.state_since or flag.raised_at), 0.0))
    return tag(
        "section",
        tag("h1", state, f" Flag {flag.number} of {snapshot.hostname}"),
        tag("p", flag.sentence, class_="lead"),
        tag(
            "p",
            join(board) if gpu is None else join(gpu_link(gpu), f", {board}"),
            f", in {flag.slot_label or 'a slot that is not known'}; {FLAG_STATES[flag.state]}",
            f" for {since}.",
        ),
        class_=f"summary {colour}",
    )


def _steps(flag: Flag, gpu: GpuState | None) -> list[str]:
    """What is asked for, and whether somebody has it."""
    if not flag.is_open:
        return ["Nothing: the flag is history."]
    found = [one for one in gpu.findings if one.code == flag.code] if gpu is not None else []
    return [*(step_of(gpu, one) for one in found[:1] if gpu is not None), flag_step(flag)]


def _facts(snapshot: Snapshot, flag: Flag, gpu: GpuState | None) -> Markup:
    # A driver may have told it when the flag was raised, and not now.
    serial = flag.board.serial or ("" if gpu is None else serial_text(gpu))
    return facts(
        [
            ("rule", code_link(snapshot, flag.code)),
            ("serial", tag("code", serial) if serial else ""),
            ("UUID", tag("code", flag.board.uuid)),
            ("raised", join(second(flag.raised_at), " (", when(flag.raised_at, snapshot), ")")),
            ("due", due_cell(snapshot, flag) if flag.is_open else _date(flag.due_at)),
            ("window", window_cell(flag) if flag.is_open else ""),
            ("return", RMA_STANDINGS[flag.rma]),
            ("said of it", "; ".join(notes(snapshot, flag))),
        ]
    )


def _date(at: float) -> str:
    return f"{day(at)} {minute(at)}"


def _evidence(snapshot: Snapshot, flag: Flag, gpu: GpuState | None) -> list[Markup]:
    """What it rests on, which is what is known of the board that it is about."""
    rests = tag("p", "Latest evidence: ", second(flag.evidence_at), ".")
    if gpu is None:
        gone = "The board is not in this host any more; gpuwatch history shows what is kept of it."
        return [rests, tag("p", gone, class_="quiet")]
    found = [
        finding_article(snapshot, one, step_of(gpu, one))
        for one in gpu.findings
        if one.code == flag.code
    ]
    over = tag("p", "The rule does not hold at present; the flag stays until it ends.")
    return [rests, *(found or [over]), incidents_table(snapshot, gpu.record)]
