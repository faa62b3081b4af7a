"""An upgrade of the rules on a real history: new rules judge what comes, not what was."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from gpuwatch.agent.decide import Decisions
from gpuwatch.agent.planning import Calendar
from gpuwatch.agent.preview import SayingShape, preview
from gpuwatch.domain.verdicts import Verdict
from gpuwatch.history import HistorySettings, Reader
from gpuwatch.policy.judge import Judge, Judgement
from gpuwatch.policy.views import DriverHealth, GpuView, HostView, PolicySettings
from tests.support.histories import DAY, Bench, board_key

UUID = board_key(0).uuid
READINGS = {"gpuwatch_gpu_row_remap_failed": 0}
# Sweeps two hours apart observe a board without a gap.
SETTINGS = HistorySettings(retry_seconds=0.0, max_gap_seconds=DAY)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where the history lies."""
    return tmp_path / "history.db"


@pytest.fixture
def bench(path: Path) -> Iterator[Bench]:
    """A history as version 1 left it, whose file knows no rule sets: two incidents in 12 days."""
    bench = Bench.open(path, settings=SETTINGS)
    bench.event(48, identity="first")
    _serve(bench, 144)
    bench.event(48, identity="second")
    bench.history.close()
    _forget_rule_sets(path)
    again = bench.reopened(path, SETTINGS)
    yield again
    again.history.close()


def _forget_rule_sets(path: Path) -> None:
    """Make the file what it was before rule sets were written down."""
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("drop table rule_sets")
        connection.execute("drop table rule_starts")
        connection.execute("delete from migrations where name like '%-rule-sets'")
        connection.commit()


def _serve(bench: Bench, sweeps: int) -> None:
    for _ in range(sweeps):
        bench.sweep(after=7200.0)


def _judge(bench: Bench, version: str, readings: dict[str, int] | None = None) -> Judgement:
    """What an agent with this version of the rules decides after its start."""
    decisions = Decisions(bench.history, Judge(PolicySettings()), Calendar(), rules_version=version)
    decisions.restore(bench.clock.now())
    records = bench.history.records()
    gpus = tuple(
        GpuView(record=record, present=True, readings=readings or READINGS, answers=1)
        for record in records.values()
    )
    view = HostView(now=bench.clock.now(), gpus=gpus, driver=DriverHealth.READY)
    judgement, _ = decisions.decide(view, records)
    return judgement


def _codes(bench: Bench) -> list[str]:
    return [flag.code for flag in bench.history.flags()]


def test_an_upgrade_flags_nobody_for_an_old_trend(bench: Bench) -> None:
    """An older rule set has judged it; the incident is still watched."""
    judgement = _judge(bench, "2")

    assert _codes(bench) == []
    assert judgement.verdicts[UUID] is Verdict.WATCH


def test_a_preview_shows_what_an_upgrade_holds_back(bench: Bench, path: Path) -> None:
    """The old trend, which raises no flag, until a new incident does."""
    _judge(bench, "2")

    (held_back,) = _previewed(bench, path)
    _serve(bench, 144)
    bench.event(48, identity="third")
    _judge(bench, "2")
    (raised,) = _previewed(bench, path)

    assert (held_back["held_back"], held_back["flag"]) == (True, None)
    assert (raised["held_back"], raised["flag"]) == (False, 1)


def _previewed(bench: Bench, path: Path) -> list[SayingShape]:
    """What a preview says of flags."""
    bench.history.tick(bench.clock.now())
    told = preview(path, PolicySettings(), since=0.0, until=bench.clock.wall)
    return [one for one in told["sayings"] if one["raises_flag"]]


def test_a_new_incident_after_an_upgrade_flags_the_trend(bench: Bench) -> None:
    """The old incidents count as soon as a new one joins them."""
    _judge(bench, "2")
    _serve(bench, 144)
    bench.event(48, identity="third")

    _judge(bench, "2")

    assert _codes(bench) == ["rising-uncorrectable-trend"]


def test_an_incident_during_the_upgrade_flags_the_trend(bench: Bench) -> None:
    """It lies before the installation, but no rule set has seen it: it was found afterwards."""
    _serve(bench, 144)
    bench.clock.pass_seconds(120)
    _judge(bench, "2")
    bench.event(48, identity="third", ago=60)

    _judge(bench, "2")

    assert _codes(bench) == ["rising-uncorrectable-trend"]


def test_what_holds_at_an_upgrade_is_flagged_however_old(bench: Bench) -> None:
    """A failed row remap is a state of the board and not something that happened once."""
    _judge(bench, "2", {"gpuwatch_gpu_row_remap_failed": 1})

    assert _codes(bench) == ["row-remap-failed"]


def test_the_same_version_judges_its_whole_history(bench: Bench) -> None:
    """A restart is no upgrade, also of a version whose installation nobody wrote down."""
    _judge(bench, "1")

    assert _codes(bench) == ["rising-uncorrectable-trend"]
    assert bench.history.rule_set() == ("1", 0.0)


def test_a_flag_of_the_older_rules_survives_the_upgrade(bench: Bench) -> None:
    """What it latched stays latched."""
    _judge(bench, "1")

    judgement = _judge(bench, "2")

    assert judgement.verdicts[UUID] is Verdict.REPLACE_AT_WINDOW
    assert _codes(bench) == ["rising-uncorrectable-trend"]


def test_the_installation_of_a_rule_set_is_kept(bench: Bench, path: Path) -> None:
    """Another start, and a reader beside the agent, know since when it judges, and for whom."""
    installed = bench.clock.wall
    _judge(bench, "2")
    known_until = bench.history.records()[board_key(0)].judged_from
    bench.clock.pass_seconds(DAY)
    _judge(bench, "2")

    again = Reader.open(path)
    kept, record = again.rule_set(), again.records()[board_key(0)]
    again.close()

    assert kept == ("2", installed)
    assert record.judged_from == known_until == pytest.approx(installed)


def test_a_clock_set_back_after_an_upgrade_hides_no_incident(bench: Bench) -> None:
    """The host boots a year earlier: what comes then is newer all the same."""
    _judge(bench, "2")
    bench.clock.boot("boot-2", down_seconds=-365 * DAY)
    bench.epoch = type(bench.epoch)(boot_id="boot-2", driver_load="1")
    bench.history.enter_epoch(bench.epoch, bench.clock.now())

    judged_from = bench.history.records()[board_key(0)].judged_from

    assert judged_from < bench.clock.wall


def test_a_removed_file_is_written_again_with_its_rule_set(bench: Bench, path: Path) -> None:
    """Else the next start would take it for an upgrade, or for none."""
    _judge(bench, "2")
    before = bench.history.rule_set(), bench.history.records()
    for name in path.parent.glob("history.db*"):
        name.unlink()

    bench.history.tick(bench.clock.now())

    again = Reader.open(path)
    stored = again.rule_set(), again.records()
    again.close()
    assert stored == before


def test_an_upgrade_while_the_file_cannot_be_read_is_made_up_for(bench: Bench, path: Path) -> None:
    """What was seen meanwhile is new to the new rules, what the file knew is not."""
    bench.history.close()
    hidden = path.parent.rename(path.parent.with_name("hidden"))
    path.parent.touch()
    again = Bench.open(path, bench.clock, boards=0, settings=SETTINGS).with_boards(bench.boards)
    _judge(again, "2")
    _serve(again, 144)
    again.event(48, identity="third")
    _judge(again, "2")
    meanwhile = _codes(again)
    path.parent.unlink()
    hidden.rename(path.parent)
    again.history.tick(again.clock.now())

    _judge(again, "2")

    assert (meanwhile, _codes(again)) == ([], ["rising-uncorrectable-trend"])
    again.history.close()
