"""What people and rules decided outlives a restart; copies are consistent and paced."""

import contextlib
import sqlite3
import threading
from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from gpuwatch.domain.audit import AuditRecord
from gpuwatch.domain.devices import BoardKey
from gpuwatch.domain.events import EventKind
from gpuwatch.domain.flags import Disposition, Flag, FlagState
from gpuwatch.domain.records import BoardState
from gpuwatch.domain.verdicts import Finding, Remedy, RmaStanding, Scope, Urgency, Verdict
from gpuwatch.history import HistoryError, Reader, migrations, schema
from gpuwatch.history.retention import Retention
from tests.support.flags import DEED
from tests.support.histories import DAY, Bench, board_key, device

FLAG = Flag(
    board=board_key(0),
    code="rising-uncorrectable-trend",
    urgency=Urgency.WINDOW,
    sentence="2 incidents 12 days apart.",
    raised_at=1.5,
    evidence_at=1.25,
    due_at=2.5,
    rma=RmaStanding.NEEDS_FIELD_DIAGNOSTIC,
    window_name="sunday",
    window_start=2.0,
    window_end=3.0,
    slot_label="module-0",
    state_since=1_795_435_201.5,
    outcome="refused",
    acknowledged_by="uid 1000 (alice)",
    acknowledged_at=1_795_435_202.5,
    snoozed_until=1_795_435_203.5,
    pinned=True,
    told_late=True,
    vendor_case="CASE-77",
    fru="baseboard",
    slot_note="inspect the slot",
    successor=BoardKey("165", "GPU-new"),
)
FINDING = Finding(
    code="row-remap-failed",
    scope=Scope.GPU,
    subject=board_key(0).uuid,
    urgency=Urgency.PAGE,
    route=Urgency.INFO,
    remedy=Remedy.REPLACE,
    since=4.0,
    sentence="A row remap failed.",
    source="https://docs.nvidia.com/deploy/a100-gpu-mem-error-mgmt/",
    evidence=(("failed", "1"), ("rows", "8")),
    evidence_at=3.5,
    latched=True,
    rma=RmaStanding.NEEDS_FIELD_DIAGNOSTIC,
    due=timedelta(hours=24),
    clears="Never.",
    escalates="It does not.",
)


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    """A history of one board."""
    return Bench.open(tmp_path / "history.db")


def test_flags_are_numbered_and_kept(bench: Bench) -> None:
    """A flag keeps its number through its states and a restart."""
    first = bench.history.save_flag(FLAG, DEED)
    second = bench.history.save_flag(replace(FLAG, code="off-the-bus"), DEED)
    closed = bench.history.save_flag(
        replace(first, state=FlagState.CLOSED, disposition=Disposition.RMA), DEED
    )

    kept = bench.reopened_after_close().history.flags()

    assert (first.number, second.number) == (1, 2)
    assert kept == (closed, second)


def test_a_number_that_was_never_given_is_refused(bench: Bench) -> None:
    """A flag from elsewhere does not overwrite one of ours."""
    with pytest.raises(ValueError, match="there is no flag 7"):
        bench.history.save_flag(replace(FLAG, number=7), DEED)


def test_latched_findings_are_kept_until_cleared(bench: Bench) -> None:
    """Every field of a latched finding comes back; a cleared one does not."""
    bench.history.save_latched(FINDING)
    bench.history.save_latched(replace(FINDING, code="other", rma=None, due=None))
    bench.history.clear_latched("other", FINDING.subject)

    kept = bench.reopened_after_close().history.latched_findings()

    assert kept == (FINDING,)


def test_a_verdict_keeps_its_beginning_while_its_reason_changes(bench: Bench) -> None:
    """Since when is about the verdict, not about the words for it."""
    began = bench.clock.wall
    bench.history.save_verdict("", Verdict.WATCH, "one incident", bench.clock.now())
    bench.clock.pass_seconds(DAY)
    bench.history.save_verdict("", Verdict.WATCH, "two incidents", bench.clock.now())

    kept = bench.reopened_after_close().history.verdicts()[""]

    assert (kept.verdict, kept.reason, kept.since) == (Verdict.WATCH, "two incidents", began)


def test_retiring_an_absent_board_is_written_down(bench: Bench) -> None:
    """Who, why, before and after stand in the audit log; a present board cannot be retired."""
    with pytest.raises(ValueError, match="is present"):
        bench.history.retire(board_key(0), "uid=0", "sold", bench.clock.now())
    bench.history.take_inventory((), bench.clock.now())

    (event,) = bench.history.retire(board_key(0), "uid=0", "sold", bench.clock.now())
    history = bench.reopened_after_close().history

    assert event.kind is EventKind.BOARD_LEFT
    assert history.records()[board_key(0)].state is BoardState.LEFT
    assert history.audit() == (
        AuditRecord(
            at=bench.clock.wall,
            actor="uid=0",
            action="board-retired",
            subject=str(board_key(0)),
            reason="sold",
            before="absent",
            after="left",
            number=1,
        ),
    )


_REWRITES = (
    "update audit set reason = 'forged'",
    "delete from audit where number = 1",
    "delete from audit",
    "replace into audit select number, at, boot, boottime, 'forger', '', '', '', '', '' from audit",
    "insert or replace into audit values (1, 0, 1, 0, 'forger', 'nothing', '', '', '', '')",
    """insert into audit values (1, 0, 1, 0, 'forger', 'nothing', '', '', '', '')
        on conflict (number) do update set actor = excluded.actor""",
)


@pytest.mark.parametrize("rewrite", _REWRITES)
def test_nothing_rewrites_the_audit_log(bench: Bench, rewrite: str) -> None:
    """Neither a change, nor a deletion, nor a replacement under the same number."""
    bench.history.save_flag(FLAG, DEED)
    bench.history.save_flag(replace(FLAG, number=1, fru="tray"), DEED)
    written = bench.history.audit()
    bench.history.close()

    with (
        closing(sqlite3.connect(bench.history._book.store.path)) as connection,
        contextlib.suppress(sqlite3.IntegrityError),
        connection,
    ):
        connection.execute(rewrite)

    assert bench.reopened_after_close().history.audit() == written
    assert [record.actor for record in written] == ["uid 1000 (alice)"] * 2


def test_the_audit_log_is_asked_by_time_and_subject(bench: Bench) -> None:
    """A flag, a board by serial or UUID; from the file and from memory alike."""
    for number in range(520):  # more than memory keeps
        bench.history.append_audit(
            AuditRecord(at=float(number), actor="uid 0", action="resume", subject="nvml", reason="")
        )
    bench.history.save_flag(FLAG, replace(DEED, at=7.0))
    bench.history.take_inventory((), bench.clock.now())
    bench.history.retire(board_key(0), "uid 0", "sold", bench.clock.now())
    before = _asked(bench.history)

    again = bench.reopened_after_close().history

    assert before == _asked(again)
    assert before == {
        "flag 1": [7.0],
        board_key(0).serial: [bench.clock.wall],
        board_key(0).uuid: [bench.clock.wall],
        "flag": [],
        "elsewhere": [],
        "nvml": [float(number) for number in range(520)],
        "since": [518.0, 519.0],
        "latest": [7.0, bench.clock.wall],
        "none": [],
    }
    assert {number: len(records) for number, records in again.flag_audit().items()} == {1: 1}


def _asked(history: Reader) -> dict[str, list[float]]:
    """When what was written, by what the log is asked for."""
    subjects = ("flag 1", board_key(0).serial, board_key(0).uuid, "flag", "elsewhere", "nvml")
    answers = {subject: history.audit(10_000, subject=subject) for subject in subjects} | {
        "since": history.audit(subject="nvml", since=518.0),
        "latest": history.audit(2),
        "none": history.audit(0),
    }
    return {asked: [record.at for record in records] for asked, records in answers.items()}


def test_an_unknown_board_cannot_be_retired(bench: Bench) -> None:
    """The sentence says where to look."""
    with pytest.raises(ValueError, match="boards list"):
        bench.history.retire(board_key(5), "uid=0", "sold", bench.clock.now())


def test_a_board_that_comes_back_after_it_left_returned(bench: Bench) -> None:
    """Left is not for ever: the board keeps its history when it is seen again."""
    bench.history.take_inventory((), bench.clock.now())
    bench.history.retire(board_key(0), "uid=0", "sold", bench.clock.now())

    (event,) = bench.history.take_inventory((device(0),), bench.clock.now())

    assert event.kind is EventKind.BOARD_RETURNED


def test_a_copy_is_one_whole_file(bench: Bench, tmp_path: Path) -> None:
    """The copy needs no companions and holds what was committed, made from another thread."""
    bench.history.save_flag(FLAG, DEED)
    maker = threading.Thread(target=bench.history.copy)
    maker.start()
    bench.sweeps(20)
    maker.join()

    copied = Reader.open(tmp_path / "history.db.copy")

    assert len(copied.flags()) == 1
    assert not list(tmp_path.glob("history.db.copy?*"))
    copied.close()


def test_a_copy_is_due_once_a_minute_and_on_evidence_only(bench: Bench) -> None:
    """At start one is due; then only evidence asks for the next, and not within a minute."""
    due_at_start = bench.history.copy_due()
    bench.history.copy()
    bench.history.save_flag(FLAG, DEED)

    due_at_once = bench.history.copy_due()
    bench.history._copier._tried_at = (bench.history._copier._tried_at or 0.0) - 60.0
    due_later = bench.history.copy_due()

    assert (due_at_start, due_at_once, due_later) == (True, False, True)


def test_a_reader_without_a_history_says_so(tmp_path: Path) -> None:
    """The command line names the path it could not read."""
    with pytest.raises(HistoryError, match=r"cannot read .*history\.db"):
        Reader.open(tmp_path / "history.db")

    assert list(tmp_path.iterdir()) == []


def test_retention_bounds_every_sort_by_count(bench: Bench) -> None:
    """Whatever the wall clock says, the newest of each sort stay and no others."""
    for number in range(1200):
        bench.event(31 if number % 2 else 45)
        bench.boards[0].action = str(number)
        bench.sweep(after=1800.0)
    bench.clock.step(-3000 * DAY)
    bench.history.tick(bench.clock.now())

    deleted = Retention(bench.history._book).run()
    with closing(sqlite3.connect(bench.history._book.store.path)) as connection:
        events = connection.execute("select count(*) from events where code = 31").fetchone()[0]
        changes = connection.execute(
            "select max(n) from (select count(*) n from changes group by board, signal)"
        ).fetchone()[0]

    assert deleted > 0
    assert events == 200
    assert changes == 500
    assert bench.history.records()[board_key(0)].xids[31, "kernel_log"].count == 600


def test_freed_pages_go_back_to_the_disk(bench: Bench) -> None:
    """Incremental vacuum is on from the first table, and works."""
    bench.history.close()
    with closing(sqlite3.connect(bench.history._book.store.path)) as connection:
        mode = connection.execute("pragma auto_vacuum").fetchone()[0]

    assert mode == 2


def test_a_migration_is_applied_once_and_recorded(bench: Bench) -> None:
    """A second start finds nothing to do."""
    bench.history.close()
    with closing(sqlite3.connect(bench.history._book.store.path)) as connection:
        recorded = schema.applied(connection)
        again = schema.migrate(connection)

    assert recorded == tuple(migration.name for migration in migrations.MIGRATIONS)
    assert again == ()


def test_a_migration_that_fails_leaves_nothing_behind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Half a migration is none: neither its tables nor its name remain."""
    broken = migrations.Migration(
        "0099-broken", ("create table half (x integer) strict", "nonsense")
    )
    monkeypatch.setattr(schema, "MIGRATIONS", (*migrations.MIGRATIONS, broken))
    with closing(sqlite3.connect(tmp_path / "some.db", isolation_level=None)) as connection:
        with pytest.raises(sqlite3.OperationalError, match="nonsense"):
            schema.migrate(connection)
        tables = {name for (name,) in connection.execute("select name from sqlite_schema")}

        assert "half" not in tables
        assert "0099-broken" not in schema.applied(connection)
