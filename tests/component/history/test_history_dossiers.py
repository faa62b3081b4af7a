"""Dossiers from a real file: all of one flag's board, nothing of any other."""

import hashlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from gpuwatch.domain.acceptances import Acceptance, Candidate, Diagnostic, DiagnosticResult
from gpuwatch.domain.captures import Occasion
from gpuwatch.domain.dossiers import Dossier
from gpuwatch.domain.events import EventKind
from gpuwatch.history.dossiers import dossier
from gpuwatch.history.reader import Reader
from tests.support.flags import DEED, a_flag
from tests.support.histories import START, Bench, board_key

OUTPUT = b"memory test PASS\n"


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    """Two boards; the first has an incident, a reset and a flag, the second one of its own."""
    one = Bench.open(tmp_path / "history.db", boards=2)
    one.sweep(0, slow=True)
    one.sweep(1, slow=True)
    one.boards[0].fail()
    one.event(48)
    one.event(31, 1)
    one.sweep(0, slow=True)
    one.reload_driver("2")
    one.history.save_flag(a_flag(number=0, board=board_key(0)), DEED)
    one.history.save_flag(a_flag(number=0, board=board_key(1)), DEED)
    yield one
    one.history.close()


def _held(bench: Bench, number: int = 1) -> Dossier:
    history = bench.history
    flag = next(flag for flag in history.flags() if flag.number == number)
    return dossier(history, flag, ("main",), history.path.parent)


def test_it_holds_what_happened_to_the_board_in_order(bench: Bench) -> None:
    """Events, resets, drivers, counters and buckets; the other board's are not among them."""
    held = _held(bench)

    codes = [event.code for event in held.events if event.kind is EventKind.XID]
    aggregate = [
        one.value for one in held.transitions if one.key.endswith("aggregate_errors_total")
    ]
    assert held.record is not None
    assert (codes, aggregate) == ([48], [0, 1])
    assert [len(held.record.incidents), len(held.resets)] == [1, 1]
    assert [driver for _, driver in held.epochs] == ["580.95.05", ""]
    assert list(held.series[0].spreads) == [
        "gpuwatch_gpu_power_watts",
        "gpuwatch_gpu_temperature_celsius",
    ]
    assert held.entries == {"main": ()}
    instants = [event.at for event in held.events]
    assert instants == sorted(instants)
    assert min(instants) >= START


def test_what_waits_for_a_sick_disk_is_in_it_and_nothing_of_the_other_board(
    tmp_path: Path,
) -> None:
    """Its folder cannot be made: nothing was written, and everything is still known."""
    (tmp_path / "state").write_text("a file")
    bench = Bench.open(tmp_path / "state" / "history.db", boards=2)
    bench.boards[1].action = "1"
    bench.sweep(0, instead={6: 200_000})
    bench.sweep(1, after=0.0, instead={6: 700_000})
    bench.sweep(0, after=300.0)
    bench.sweep(1, after=0.0)
    bench.event(31, 0)
    bench.event(43, 1)

    reader, key = bench.history, board_key(0)
    codes = [one.code for one in reader.events(key) if one.kind is EventKind.XID]
    actions = reader.transitions(key, "gpuwatch_gpu_recovery_action")
    watts = [one.spreads["gpuwatch_gpu_power_watts"].mean for one in reader.series(key, 0.0)]

    assert bench.history.is_written is False
    assert (codes, [one.value for one in actions], watts) == ([31], ["0"], [200.0, 300.0])
    bench.history.close()


def test_it_holds_the_records_of_the_flag_and_of_the_board(bench: Bench) -> None:
    """Each once, and none of another flag."""
    held = _held(bench)

    assert {record.subject for record in held.audit} == {"flag 1"}
    assert [record.number for record in held.audit] == sorted(
        {record.number for record in held.audit}
    )


def test_a_reader_of_the_file_finds_the_same(bench: Bench) -> None:
    """A command needs no agent."""
    held = _held(bench)
    path = bench.history.path
    bench.history.close()

    reader = Reader.open(path)
    again = dossier(reader, held.flag, ("main",), path.parent)
    reader.close()

    assert (again.events, again.transitions) == (held.events, held.transitions)
    assert (again.resets, again.epochs, again.audit) == (held.resets, held.epochs, held.audit)
    assert again.series == held.series


def test_a_board_that_history_does_not_know_has_nothing(bench: Bench) -> None:
    """Not another board's."""
    flag = a_flag(board=board_key(77), number=1)

    held = dossier(bench.history, flag, (), bench.history.path.parent)

    assert held.record is None
    assert (held.events, held.resets, held.transitions, held.series) == ((), (), (), ())
    assert held.captures == ()


def test_captures_of_the_board_are_in_it(bench: Bench) -> None:
    """As they were written down."""
    now = bench.clock.now()
    bench.history.save_capture(board_key(0), Occasion.FLAG, {"because": "a flag"}, now)

    assert [one.document["because"] for one in _held(bench).captures] == ["a flag"]
    assert _held(bench, 2).captures == ()


@pytest.mark.parametrize(
    ("kept", "expected"), [(OUTPUT, OUTPUT), (b"another file", None), (None, None)]
)
def test_the_output_of_a_diagnostic_is_what_was_attached_or_nothing(
    bench: Bench, kept: bytes | None, expected: bytes | None
) -> None:
    """A file that was changed since proves nothing."""
    digest = hashlib.sha256(OUTPUT).hexdigest()
    told = Diagnostic(
        name="x.log", sha256=digest, size=len(OUTPUT), result=DiagnosticResult.PASSED,
        attached_at=START, actor="uid 0 (root)",
    )  # fmt: skip
    bench.history.save_acceptance(
        Acceptance(
            flag=1, began_at=START, candidates=(Candidate(key=board_key(1)),), diagnostic=told
        )
    )
    folder = bench.history.path.parent / "diagnostics"
    folder.mkdir()
    files = {} if kept is None else {digest: kept}
    for name, content in files.items():
        (folder / name).write_bytes(content)

    held = _held(bench)

    assert held.acceptance is not None
    assert held.diagnostic == expected
    assert _held(bench, 2).diagnostic is None
