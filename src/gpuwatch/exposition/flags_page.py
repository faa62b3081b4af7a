"""Flags page: the boards to replace, those that still wait first."""

from gpuwatch.domain.snapshot import Snapshot
from gpuwatch.exposition.cells import section
from gpuwatch.exposition.flag_cells import audit_table, flags_table
from gpuwatch.exposition.frame import frame
from gpuwatch.exposition.markup import tag
from gpuwatch.exposition.words import plural


def flags_page(snapshot: Snapshot, stalled_seconds: float | None = None) -> bytes:
    """Every flag that the snapshot holds."""
    waiting = sorted(
        (flag for flag in snapshot.flags if flag.is_open), key=lambda flag: flag.due_at
    )
    past = sorted(
        (flag for flag in snapshot.flags if not flag.is_open),
        key=lambda flag: flag.raised_at,
        reverse=True,
    )
    return frame(
        snapshot,
        f"flags of {snapshot.hostname}",
        tag("h1", plural(len(waiting), "open flag")),
        section("Waiting", flags_table(snapshot, waiting, "No board of this host is flagged.")),
        section("Closed and dismissed", flags_table(snapshot, past, "None yet.")),
        section("What happened to them", audit_table(snapshot, snapshot.flags)),
        stalled_seconds=stalled_seconds,
    )
