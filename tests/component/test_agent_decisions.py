"""Decisions on a real history: flags, latches and dates through steps, swaps and sick disks."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from gpuwatch.agent.decide import Decisions
from gpuwatch.agent.planning import Calendar
from gpuwatch.domain.audit import Deed
from gpuwatch.domain.bmc import BmcTrouble
from gpuwatch.domain.flag_audit import flag_number
from gpuwatch.domain.flag_changes import acknowledged
from gpuwatch.domain.flag_life import Outcome, dismissed, done, started
from gpuwatch.domain.flags import FlagState
from gpuwatch.domain.verdicts import Scope, Urgency, Verdict
from gpuwatch.domain.windows import Blackout
from gpuwatch.history import HistorySettings
from gpuwatch.policy.agenda import Agenda
from gpuwatch.policy.conditions import Answer, Match
from gpuwatch.policy.judge import Judge
from gpuwatch.policy.rules import RULES
from gpuwatch.policy.views import BmcView, DriverHealth, GpuView, HostView, PolicySettings
from tests.support.bmcs import sweep
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
    decisions = Decisions(bench.history, Judge(PolicySettings()), Calendar())
    decisions.restore(bench.clock.now())
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
    flag, now = bench.history.flags()[0], bench.clock.wall
    decisions.change(dismissed(flag, now), _by_alice("flag-dismissed", now))


def _by_alice(action: str, at: float) -> Deed:
    return Deed(actor="uid 1000 (alice)", action=action, reason="seen", at=at)


def _acknowledge(decisions: Decisions, bench: Bench) -> None:
    """What a person does to the only flag, too."""
    flag, now = bench.history.flags()[0], bench.clock.wall
    seen = acknowledged(flag, "uid 1000 (alice)", now)
    decisions.change(seen, _by_alice("flag-acknowledged", now))


def _third_incident(bench: Bench) -> None:
    """Twelve days later, as far as they were observed."""
    for _ in range(144):
        bench.sweep(after=7200.0)
    bench.event(48, identity="third")


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

    _third_incident(bench)
    _decide(decisions, bench)

    states = [flag.state for flag in bench.history.flags()]
    assert states == [FlagState.DISMISSED, FlagState.OPEN]


def test_a_flag_rests_on_what_happened_while_it_stood(bench: Bench) -> None:
    """A person who dismisses it has seen the third incident too."""
    decisions = _decisions(bench)
    _decide(decisions, bench)
    _third_incident(bench)
    _decide(decisions, bench)

    _dismiss(decisions, bench)
    _decide(decisions, bench)

    assert [flag.state for flag in bench.history.flags()] == [FlagState.DISMISSED]


def test_a_dismissal_ends_the_latch_also_after_a_restart(bench: Bench) -> None:
    """Another agent knows it; a new incident raises the trend for it, too."""
    decisions = _decisions(bench)
    _decide(decisions, bench)
    _dismiss(decisions, bench)

    again = _decisions(bench)
    _decide(again, bench)
    after_restart = (bench.history.latched_findings(), again.judgement.findings)
    _third_incident(bench)
    _decide(again, bench)

    uuid = board_key(0).uuid
    assert after_restart[0] == ()
    assert [found.code for found in after_restart[1][uuid]] == ["recent-uncorrectable-error"]
    assert [flag.state for flag in bench.history.flags()] == [FlagState.DISMISSED, FlagState.OPEN]
    assert len(bench.history.latched_findings()) == 1


@pytest.mark.parametrize("restarted", [False, True])
def test_work_that_ends_without_a_swap_silences_the_cause(bench: Bench, restarted: bool) -> None:
    """The board was reseated and stays: nobody could end a finding without its flag."""
    decisions = _decisions(bench)
    _decide(decisions, bench)
    now = bench.clock.wall
    taken = decisions.change(started(decisions.flags[0], now), _by_alice("flag-started", now))

    decisions.change(done(taken, Outcome.RESEATED, now), _by_alice("flag-done", now))
    decisions = {False: decisions, True: _decisions(bench)}[restarted]
    _decide(decisions, bench)

    assert decisions.judgement.verdicts[board_key(0).uuid] is Verdict.WATCH
    assert bench.history.latched_findings() == ()
    assert [flag.state for flag in bench.history.flags()] == [FlagState.CLOSED]


@pytest.mark.parametrize("restarted", [False, True])
def test_an_acknowledged_flag_reaches_nobody(bench: Bench, restarted: bool) -> None:
    """The verdict stays what it is; the same cause with a newer incident is still acknowledged."""
    decisions = _decisions(bench)
    _decide(decisions, bench)
    before = [found.route for found in decisions.judgement.findings[board_key(0).uuid]]

    _acknowledge(decisions, bench)
    decisions = {False: decisions, True: _decisions(bench)}[restarted]
    _third_incident(bench)
    _decide(decisions, bench)

    judged = decisions.judgement
    assert Urgency.WINDOW in before
    assert judged.verdicts[board_key(0).uuid] is Verdict.REPLACE_AT_WINDOW
    assert Urgency.WINDOW not in [found.route for found in judged.findings[board_key(0).uuid]]


def test_a_cause_that_grows_graver_reaches_people_again(bench: Bench) -> None:
    """The acknowledgement was for the lesser one; gpuwatch says so in the audit log."""
    rules = tuple(replace(rule, latch=False, pages_after=timedelta(days=1)) for rule in RULES)
    decisions = Decisions(bench.history, Judge(PolicySettings(), rules), Calendar())
    _decide(decisions, bench)
    _acknowledge(decisions, bench)
    for _ in range(13):
        bench.sweep(after=7200.0)

    _decide(decisions, bench)

    uuid = board_key(0).uuid
    (flag,) = bench.history.flags()
    trend = next(one for one in decisions.judgement.findings[uuid] if one.code == flag.code)
    assert (trend.route, flag.urgency, flag.acknowledged_at) == (Urgency.PAGE, Urgency.PAGE, None)
    actions = [record.action for record in bench.history.audit()]
    assert actions == ["flag-raised", "flag-acknowledged", "flag-escalated"]


def test_nothing_changes_without_an_audit_record(bench: Bench) -> None:
    """By gpuwatch or by a person: who, what, before and after; one line told of each."""
    told: list[int] = []
    bench.history.on_audit = lambda record: told.append(record.number)
    decisions = _decisions(bench)
    _decide(decisions, bench)
    _acknowledge(decisions, bench)
    _third_incident(bench)
    _decide(decisions, bench)

    _dismiss(decisions, bench)

    records = bench.history.audit()
    assert [(record.actor, record.action, record.subject) for record in records] == [
        ("gpuwatch", "flag-raised", "flag 1"),
        ("uid 1000 (alice)", "flag-acknowledged", "flag 1"),
        ("gpuwatch", "flag-confirmed", "flag 1"),
        ("uid 1000 (alice)", "flag-dismissed", "flag 1"),
    ]
    assert [record.before.split("=")[0] for record in records[1:]] == [
        *("acknowledged", "evidence", "state"),
    ]
    assert (records[-1].before, records[-1].after) == (
        "state=open; outcome=none",
        "state=dismissed; outcome=dismissed",
    )
    assert told == [record.number for record in records]
    assert decisions.flag_audit == {1: records}


def test_a_flag_is_as_old_after_a_step_of_the_clock(bench: Bench) -> None:
    """It was raised in this boot, whose clock stepped."""
    decisions = _decisions(bench)
    _decide(decisions, bench)
    _acknowledge(decisions, bench)
    before = bench.history.flags()[0]
    latched = bench.history.latched_findings()[0]

    bench.clock.step(YEAR)
    bench.sweep()
    after = bench.history.flags()[0]

    assert after.raised_at - before.raised_at == pytest.approx(YEAR)
    assert after.due_at - before.due_at == pytest.approx(YEAR)
    seen = ((after.acknowledged_at or 0.0), (before.acknowledged_at or 0.0))
    assert seen[0] - seen[1] == pytest.approx(YEAR)
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
    deed = _by_alice("flag-raised", stored.raised_at)
    again.history.save_flag(raised, deed)
    again.history.save_flag(replace(stored, number=0), deed)
    begun.restore(again.clock.now())
    path.parent.unlink()
    hidden.rename(path.parent)

    again.history.tick(again.clock.now())
    _decide(begun, again)

    codes = [(flag.number, flag.code) for flag in again.history.flags()]
    assert codes == [(1, stored.code), (2, "row-remap-failed")]
    subjects = [flag_number(record.subject) for record in again.history.audit()]
    assert subjects == [1, 2, 1]
    assert begun.flags == again.history.flags()
    again.history.close()


def test_a_freeze_and_a_late_flag_are_told_once_and_audited(bench: Bench) -> None:
    """The due date moves to the end of the freeze, no window comes: one record, for ever."""
    now = bench.clock.now().utc
    freeze = Blackout(now + timedelta(days=10), now + timedelta(days=40), "year-end", "closing")
    decisions = _decisions(bench)
    decisions.calendar.agenda = Agenda(blackouts=(freeze,))
    _decide(decisions, bench)
    _decide(decisions, bench)

    again = _decisions(bench)
    again.calendar.agenda = decisions.calendar.agenda
    _decide(again, bench)

    (flag,) = bench.history.flags()
    (record,) = bench.history.flag_audit()[flag.number]
    due = f"{freeze.end:%Y-%m-%d %H:%M} UTC"
    assert (flag.due_at, flag.told_late) == (freeze.end.timestamp(), True)
    assert (record.action, record.reason) == (
        "flag-raised",
        (
            "a finding asks for it; it fell due in the blackout year-end (closing); "
            f"it is due at {due} and no window is coming"
        ),
    )


def _watching(bench: Bench, decisions: Decisions, bmc: BmcView) -> None:
    """A decision about one BMC, without a GPU."""
    view = HostView(now=bench.clock.now(), gpus=(), driver=DriverHealth.NOT_ASKED, bmcs=(bmc,))
    decisions.decide(view, {})


def test_a_restart_does_not_forget_the_verdict_of_a_bmc(bench: Bench) -> None:
    """It may be asked only a minute later, and is what it was until then."""
    now = bench.clock.now()
    well = BmcView(name="node17-bmc", host="node17", sweep=sweep(at=now), answers=9)
    decisions = _decisions(bench)
    _watching(bench, decisions, well)
    since = decisions.transitions.since("bmc.node17-bmc", 0.0)

    bench.clock.pass_seconds(600)
    again = _decisions(bench)
    _watching(bench, again, replace(well, sweep=None, answers=0))

    verdicts = {subject: kept.verdict for subject, kept in bench.history.verdicts().items()}
    assert verdicts["bmc.node17-bmc"] is Verdict.HEALTHY
    assert again.transitions.since("bmc.node17-bmc", 0.0) == since


def _silent(bmc: BmcView, _host: HostView, _settings: PolicySettings) -> Match | Answer:
    return Match() if bmc.trouble else Answer.NO


def test_a_finding_of_a_bmc_is_told_with_its_host(bench: Bench) -> None:
    """Who reads the log need not know what the BMC is called here."""
    rule = replace(RULES[0], code="silent", scope=Scope.BMC, when=_silent, because="it is silent")
    decisions = Decisions(bench.history, Judge(PolicySettings(), rules=(rule,)), Calendar())
    silent = BmcView(name="node17-bmc", host="node17", trouble=BmcTrouble.PASSWORD)
    with capture_logs() as lines:
        _watching(bench, decisions, silent)
        _watching(bench, decisions, replace(silent, name="host", host=""))

    told = [(line["event"], line.get("subject"), line.get("host")) for line in lines]
    assert [line for line in told if line[0] == "finding-began"] == [
        ("finding-began", "bmc.node17-bmc", "node17"),
        ("finding-began", "bmc.host", None),
    ]
