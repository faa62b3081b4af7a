"""Decisions on a real history: flags, latches and dates through steps, swaps and sick disks."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from gpuwatch.agent.decide import Calendar, Decisions
from gpuwatch.domain.flags import FlagState
from gpuwatch.history import HistorySettings
from gpuwatch.policy.judge import Judge
from gpuwatch.policy.views import DriverHealth, GpuView, HostView, PolicySettings
from tests.support.histories import DAY, Bench, board_key, device

YEAR = 365 * DAY
# Sweeps two hours apart observe a board without a gap.
SETTINGS = HistorySettings(retry_seconds=0.0, max_gap_seconds=DAY)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where the history lies."""
    return tmp_path / "state" / "history.db"


@pytest.fixture
def bench(path: Path) -> Iterator[Bench]:
    """A history of one board, with two incidents 12 days apart."""
    bench = Bench.open(path, settings=SETTINGS)
    _rise(bench)
    yield bench
    bench.history.close()


def _rise(bench: Bench, number: int = 0) -> None:
    """Two incidents of one board, 12 observed days apart."""
    bench.event(48, number, identity=f"first-{number}")
    for _ in range(144):
        bench.sweep(number, after=7200.0)
    bench.event(48, number, identity=f"second-{number}")


def _decisions(bench: Bench) -> Decisions:
    decisions = Decisions(bench.history, Judge(PolicySettings()), Calendar(()))
    decisions.restore()
    return decisions


def _decide(decisions: Decisions, bench: Bench) -> None:
    records = bench.history.records()
    gpus = tuple(
        GpuView(record=record, present=True, readings={"a": 1}, answers=1)
        for record in records.values()
        if record.state != "left"
    )
    view = HostView(now=bench.clock.now(), gpus=gpus, driver=DriverHealth.READY)
    decisions.decide(view, records)


def _dismiss(decisions: Decisions, bench: Bench) -> None:
    """What a person does to the only flag."""
    flag = bench.history.flags()[0]
    bench.history.save_flag(replace(flag, state=FlagState.DISMISSED))
    bench.history.clear_latched(flag.code, flag.board.uuid)
    decisions.restore()


@pytest.mark.parametrize("seconds", [2.0, 3600.0, YEAR, -2.0, -YEAR])
def test_a_step_of_the_clock_raises_no_dismissed_flag(bench: Bench, seconds: float) -> None:
    """The incidents are dated anew, and so is what a person dismissed."""
    decisions = _decisions(bench)
    _decide(decisions, bench)
    _dismiss(decisions, bench)

    bench.clock.step(seconds)
    bench.sweep()
    _decide(decisions, bench)
    again = _decisions(bench)
    _decide(again, bench)

    assert [flag.state for flag in bench.history.flags()] == [FlagState.DISMISSED]


def test_a_new_incident_raises_a_dismissed_flag_again(bench: Bench) -> None:
    """Only newer evidence does."""
    decisions = _decisions(bench)
    _decide(decisions, bench)
    _dismiss(decisions, bench)
    for _ in range(144):
        bench.sweep(after=7200.0)

    bench.event(48, identity="third")
    _decide(decisions, bench)

    states = [flag.state for flag in bench.history.flags()]
    assert states == [FlagState.DISMISSED, FlagState.OPEN]


def test_a_flag_rests_on_what_happened_while_it_stood(bench: Bench) -> None:
    """A person who dismisses it has seen the third incident too."""
    decisions = _decisions(bench)
    _decide(decisions, bench)
    for _ in range(144):
        bench.sweep(after=7200.0)
    bench.event(48, identity="third")
    _decide(decisions, bench)

    _dismiss(decisions, bench)
    _decide(decisions, bench)

    assert [flag.state for flag in bench.history.flags()] == [FlagState.DISMISSED]


def test_a_flag_is_as_old_after_a_step_of_the_clock(bench: Bench) -> None:
    """It was raised in this boot, whose clock stepped."""
    decisions = _decisions(bench)
    _decide(decisions, bench)
    before = bench.history.flags()[0]
    latched = bench.history.latched_findings()[0]

    bench.clock.step(YEAR)
    bench.sweep()
    after = bench.history.flags()[0]

    assert after.raised_at - before.raised_at == pytest.approx(YEAR)
    assert after.due_at - before.due_at == pytest.approx(YEAR)
    assert bench.history.latched_findings()[0].since - latched.since == pytest.approx(YEAR)


def test_a_verdict_is_as_old_after_a_step_of_the_clock(bench: Bench) -> None:
    """Ages stay right while the agent runs."""
    decisions = _decisions(bench)
    _decide(decisions, bench)
    uuid = board_key(0).uuid
    since = decisions.transitions.since(uuid, 0.0)

    bench.clock.step(-YEAR)
    bench.sweep()
    _decide(decisions, bench)

    assert decisions.transitions.since(uuid, 0.0) == pytest.approx(since - YEAR)


def test_a_board_that_is_replaced_takes_its_latched_findings_along(bench: Bench) -> None:
    """Another board sits in its slot."""
    decisions = _decisions(bench)
    _decide(decisions, bench)
    latched = len(bench.history.latched_findings())

    bench.history.take_inventory((device(7, slot=0),), bench.clock.pass_seconds(60))
    _decide(decisions, bench)

    assert (latched, bench.history.latched_findings(), decisions.judge.latched) == (1, (), {})


def test_a_flag_raised_in_memory_spoils_no_flag_of_the_file(bench: Bench, path: Path) -> None:
    """The file could not be read at first: its numbers mean other flags than those in memory."""
    decisions = _decisions(bench)
    _decide(decisions, bench)
    stored = bench.history.flags()[0]
    bench.history.close()
    hidden = path.parent.rename(path.parent.with_name("hidden"))
    path.parent.touch()
    again = Bench.open(path, bench.clock, boards=0).with_boards(bench.boards)
    begun = _decisions(again)
    raised = replace(stored, code="row-remap-failed", number=0)
    again.history.save_flag(raised)
    again.history.save_flag(replace(stored, number=0))
    begun.restore()
    path.parent.unlink()
    hidden.rename(path.parent)

    again.history.tick(again.clock.now())
    _decide(begun, again)

    codes = [(flag.number, flag.code) for flag in again.history.flags()]
    assert codes == [(1, stored.code), (2, "row-remap-failed")]
    assert begun.flags == again.history.flags()
    again.history.close()
