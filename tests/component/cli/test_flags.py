"""What people do with flags, as real processes against a listening agent."""

from dataclasses import replace
from pathlib import Path

import pytest

from gpuwatch.control.requests import ControlError, ErrorKind
from tests.support.commands import Outcome, run
from tests.support.fake_agent import FakeAgent

SCHEDULED = "flag 15: rising-uncorrectable-trend of 1654223010009: open, scheduled, due"


def _flags(agent: FakeAgent, *words: str) -> Outcome:
    return run("flags", *words, "--socket", str(agent.path))


@pytest.mark.parametrize(
    ("words", "do", "values"),
    [
        (("ack", "15"), "flag-acknowledge", {"reason": ""}),
        (("ack", "15", "--reason", "seen"), "flag-acknowledge", {"reason": "seen"}),
        (
            ("snooze", "15", "--for", "12h"),
            "flag-snooze",
            {"reason": "", "seconds": 43_200.0, "until": 0.0},
        ),
        (
            ("snooze", "15", "--until", "2036-03-15T06:00+02:00", "--reason", "no part"),
            "flag-snooze",
            {"reason": "no part", "seconds": 0.0, "until": 2_089_166_400.0},
        ),
        (
            ("schedule", "15", "--window", "sunday", "--start", "2036-03-15T06:00+02:00"),
            "flag-schedule",
            {"reason": "", "window": "sunday", "start": 2_089_166_400.0, "auto": False},
        ),
        (
            ("schedule", "15", "--auto"),
            "flag-schedule",
            {"reason": "", "window": "", "start": 0.0, "auto": True},
        ),
        (("start", "15"), "flag-start", {"reason": ""}),
        (
            ("done", "15", "--outcome", "reseated", "--reason", "dust"),
            "flag-done",
            {"outcome": "reseated", "reason": "dust"},
        ),
        (("dismiss", "15", "--reason", "a riser"), "flag-dismiss", {"reason": "a riser"}),
        (
            ("set", "15", "--due", "2036-03-15T06:00+02:00", "--vendor-case", "C-7"),
            "flag-set",
            {
                "due": 2_089_166_400.0,
                "disposition": "",
                "vendor_case": "C-7",
                "fru": "",
                "reason": "",
            },
        ),
        (
            ("set", "15", "--disposition", "run_to_failure", "--fru", "tray"),
            "flag-set",
            {
                "due": 0.0,
                "disposition": "run_to_failure",
                "vendor_case": "",
                "fru": "tray",
                "reason": "",
            },
        ),
    ],
)
def test_a_change_carries_its_facts(
    agent: FakeAgent, words: tuple[str, ...], do: str, values: dict[str, object]
) -> None:
    """Nothing is added, nothing left out; the flag as it is now is printed."""
    told = _flags(agent, *words)

    [request] = agent.done
    assert (told.status, told.err) == (0, "")
    assert told.out.startswith(SCHEDULED)
    assert (request.do, dict(request.values)) == (do, values | {"number": 15.0})


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("ack", "fifteen"), "invalid int value"),
        (("snooze", "15"), "--for --until"),
        (("snooze", "15", "--until", "soon"), '--until "soon" is not a time'),
        (("snooze", "15", "--until", "2020-01-01T00:00Z"), "2020-01-01 00:00 UTC is over"),
        (("schedule", "15"), "--window --auto"),
        (("schedule", "15", "--window", "a", "--start", "then"), '--start "then" is not a time'),
        (("done", "15", "--outcome", "accepted", "--reason", "x"), "invalid choice"),
        (("done", "15", "--outcome", "refused"), "--reason"),
        (("dismiss", "15"), "--reason"),
        (("set", "15"), "needs --due, --disposition, --vendor-case or --fru"),
        (("set", "15", "--vendor-case", ""), "an empty text writes nothing"),
        (("set", "15", "--disposition", "scrap"), "invalid choice"),
        (("set", "15", "--due", "2020-01-01T00:00Z"), "--due 2020-01-01 00:00 UTC is over"),
    ],
)
def test_a_change_that_makes_no_sense_is_a_misuse(
    agent: FakeAgent, words: tuple[str, ...], told: str
) -> None:
    """Nothing reaches the agent."""
    outcome = _flags(agent, *words)

    assert outcome.status == 2
    assert told in outcome.err
    assert agent.done == []


def test_a_refused_step_says_what_is_possible(agent: FakeAgent) -> None:
    """The status is that of a command that failed, not of a wrong command line."""
    agent.refusal = ControlError(
        ErrorKind.REFUSED, "flag 15 is closed: it cannot be started", "nothing moves it"
    )

    told = _flags(agent, "start", "15")

    assert (told.status, told.err) == (
        1,
        "gpuwatch: flag 15 is closed: it cannot be started (nothing moves it)\n",
    )


def test_a_flag_that_is_not_there_is_a_misuse(agent: FakeAgent) -> None:
    """Where to look is said."""
    told = _flags(agent, "show", "99")

    assert (told.status, told.err) == (2, "gpuwatch: there is no flag 99 (look)\n")


def test_a_change_that_is_not_on_the_disk_yet_says_so(agent: FakeAgent) -> None:
    """It is done, and would be lost with the agent."""
    agent.written = False

    told = _flags(agent, "ack", "15")

    assert told.status == 0
    assert told.err.startswith("gpuwatch: history cannot be written: the change waits")


def test_a_host_without_flags_says_so(agent: FakeAgent) -> None:
    """No empty table."""
    agent.snapshot = replace(agent.snapshot, flags=(), flag_audit={})

    assert _flags(agent, "list").out == "no board of this host is flagged\n"
    assert run("audit", "--socket", str(agent.path)).out == "nothing is written down\n"


def test_only_flags_that_wait_are_listed(agent: FakeAgent) -> None:
    """Those that have ended are asked for with --all."""
    shown = _flags(agent, "list").out.splitlines()

    assert [line.split()[0] for line in shown] == ["FLAG", "14", "15"]


def test_the_audit_log_is_asked_by_subject_and_time(agent: FakeAgent) -> None:
    """What is asked for reaches the agent as Unix seconds."""
    told = run("audit", "--subject", "flag 15", "--socket", str(agent.path))
    wrong = run("audit", "--since", "yesterday", "--socket", str(agent.path))

    assert told.out.startswith("2026-03-14 01:47:00 UTC  flag-acknowledged flag 15 by uid 1000")
    assert (wrong.status, "is not a time" in wrong.err) == (2, True)


def test_changing_without_an_agent_is_unavailable(folder: Path) -> None:
    """Nothing is written behind an agent's back."""
    told = run("flags", "ack", "15", "--socket", str(folder / "control.sock"))

    assert told.status == 69
