"""Files of evidence: the kernel's lines each once, in order; names that tell what they are."""

from dataclasses import replace
from typing import Any

from gpuwatch.cli.bundle.contents import Attached, contents
from gpuwatch.exposition.evidence_documents import evidence
from gpuwatch.policy.describe import told_of
from gpuwatch.sources.nvml_signals import TABLE
from tests.support.dossiers import a_capture, a_dossier
from tests.support.snapshots import rich_snapshot

SIGNALS = {row.key: row for row in TABLE}
DATED, LATER_DATED = "2026-03-14T03:11:08.000Z", "2026-03-14T03:11:08.001Z"


def _line(usec: int, text: str, at: str = DATED, boot: str = "b") -> dict[str, Any]:
    return {"at": at, "priority": 3, "text": text, "boot_id": boot, "usec": usec}


def _kernel_log(*captures: list[dict[str, Any]]) -> list[str]:
    snapshot = rich_snapshot()
    held = a_dossier(snapshot, 15)
    capture = a_capture(held.flag.board)
    held = replace(
        held, captures=tuple(replace(capture, document={"kernel_lines": one}) for one in captures)
    )
    told = evidence(snapshot, held, SIGNALS, told_of(held.flag.code))
    return contents(told, Attached())["kernel.log"].decode().splitlines()


def test_lines_of_one_burst_stand_in_the_order_in_which_the_kernel_wrote_them() -> None:
    """They were read at once and have one date; the log's own clock tells them apart."""
    burst = [_line(3, "c"), _line(1, "z"), _line(2, "a"), _line(2, "A")]

    assert [line[-1] for line in _kernel_log(burst)] == ["z", "a", "A", "c"]


def test_a_line_that_was_dated_twice_stands_there_once() -> None:
    """An agent that was started anew reads the log again, by another offset of the clocks."""
    lines = _kernel_log([_line(7, "Xid 48")], [_line(7, "Xid 48", LATER_DATED), _line(8, "x")])

    assert lines == [f"{DATED} <3> Xid 48", f"{DATED} <3> x"]


def test_an_earlier_boot_stands_before_a_later_one() -> None:
    """The log's clock begins anew with each; a line without a date does not tell when it was."""
    later = [_line(1, "later", "2026-03-15T00:00:00.000Z", "a"), _line(2, "dateless", "", "a")]

    lines = _kernel_log(later, [_line(9, "earlier")])

    assert [line.rpartition(" ")[2] for line in lines] == ["earlier", "later", "dateless"]
