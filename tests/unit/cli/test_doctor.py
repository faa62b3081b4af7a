"""The doctor's answers: from what was found to well, a problem, or not known."""

import os
from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gpuwatch.cli.doctor.answers import (
    PAGES,
    Answer,
    State,
    exit_of,
    from_sentence,
    ok,
    problem,
    unknown,
)
from gpuwatch.cli.doctor.driver import signals_answer
from gpuwatch.cli.doctor.itself import stopped_answer, unit_answer
from gpuwatch.cli.doctor.lines import document_of, lines_of
from gpuwatch.cli.doctor.memory import backups_answer, disk_answer
from gpuwatch.cli.doctor.readers import clock_answer, prometheus_answer
from gpuwatch.cli.doctor.table import LOOKS
from gpuwatch.cli.exits import Exit
from gpuwatch.cli.output import COLUMNS
from gpuwatch.domain.snapshot import BackupState
from gpuwatch.exposition.runbooks import runbook_of
from tests.support.doctors import scrape
from tests.support.golden import GOLDEN, assert_golden
from tests.support.snapshots import AT

DOCS = GOLDEN.parent.parent / "docs"
MEBIBYTE = 1 << 20
ACTIVE = {
    "LoadState": "loaded",
    "ActiveState": "active",
    "SubState": "running",
    "UnitFileState": "enabled",
    "NRestarts": "0",
    "NeedDaemonReload": "no",
}


@pytest.mark.parametrize("state", [State.PROBLEM, State.UNKNOWN])
def test_what_is_not_well_says_what_to_do(state: State) -> None:
    """A row without a way out cannot be built."""
    with pytest.raises(ValueError, match="the way out"):
        Answer("disk", state, "full")


def test_every_check_has_a_page_that_exists() -> None:
    """And every look answers for a check of the table."""
    named = {name for row in LOOKS for name in row.names}

    assert named == PAGES.keys()
    assert [page for page in PAGES.values() if not (DOCS / page).is_file()] == []


def test_golden_runbooks_that_remedies_name_exist() -> None:
    """Whoever follows one finds it."""
    named = ("agent-stuck", "agent-failing", "probe-wedged", "driver-hung", "source-down",
             "gpu-count", "gpu-unresponsive", "kernel-log-lost", "bmc-unreachable",
             "history-degraded", "history-lost", "backup-failed", "clock-unsynchronized",
             "no-targets", "backup-old", "certificate-expiring", "web-config-failing")  # fmt: skip

    assert [code for code in named if runbook_of(code) is None] == []


@pytest.mark.parametrize(
    ("answers", "expected"),
    [
        ((ok("disk", "room"),), Exit.OK),
        ((ok("disk", "room"), unknown("clock", "untold", "ask")), Exit.UNKNOWN),
        ((unknown("clock", "untold", "ask"), problem("disk", "full", "free some")), Exit.ATTENTION),
    ],
)
def test_what_is_not_known_is_not_well(answers: tuple[Answer, ...], expected: Exit) -> None:
    """A script tells the three apart."""
    assert exit_of(answers) == expected


@pytest.mark.parametrize(
    ("sentence", "expected"),
    [
        ("it is denied (use sudo)", ("it is denied", "use sudo")),
        ("cannot be loaded (not found (12)): install it", None),
        ("no brackets", None),
        ("f (x) y", None),
        ("not there (is it right? (see the page))", ("not there", "is it right? (see the page)")),
    ],
)
def test_a_sentence_with_its_way_out_becomes_two(
    sentence: str, expected: tuple[str, str] | None
) -> None:
    """As the rest of the house words what is wrong."""
    answer = from_sentence("disk", sentence, "otherwise")

    assert (answer.found, answer.remedy) == (expected or (sentence, "otherwise"))


@pytest.mark.parametrize(
    ("changes", "answers", "state", "words"),
    [
        ({}, True, State.OK, "enabled"),
        ({"NRestarts": "3"}, True, State.OK, "restarted 3 times"),
        ({"UnitFileState": "disabled"}, True, State.PROBLEM, "next boot"),
        ({"UnitFileState": "enabled-runtime"}, True, State.PROBLEM, "next boot"),
        ({"UnitFileState": "linked"}, True, State.PROBLEM, "next boot"),
        ({"UnitFileState": "masked-runtime"}, True, State.PROBLEM, "next boot"),
        ({"ActiveState": "failed", "Result": "signal", "ExecMainCode": "2",
          "ExecMainStatus": "9"}, False, State.PROBLEM, "signal, signal 9"),
        ({"NeedDaemonReload": "yes"}, True, State.PROBLEM, "changed since"),
        ({"ActiveState": "failed", "Result": "exit-code", "ExecMainStatus": "78"}, False,
         State.PROBLEM, "exit-code, status 78"),
        ({"LoadState": "not-found"}, False, State.PROBLEM, "no gpuwatch.service"),
        ({"LoadState": "not-found"}, True, State.OK, "started otherwise"),
    ],
)  # fmt: skip
def test_a_unit_is_well_when_it_runs_and_will_again(
    changes: Mapping[str, str], answers: bool, state: State, words: str
) -> None:
    """Also after the next boot."""
    answer = unit_answer({**ACTIVE, **changes}, answers=answers)

    assert answer.state is state
    assert words in answer.found


@pytest.mark.parametrize(
    ("code", "expected"), [("1", "its command line is wrong"), ("2", "sudo systemctl start")]
)
def test_a_signal_is_no_status(code: str, expected: str) -> None:
    """Whom SIGINT (2) has ended was not started with a wrong command line (2)."""
    ended = {"ActiveState": "failed", "Result": "x", "ExecMainCode": code, "ExecMainStatus": "2"}

    assert expected in stopped_answer("no agent listens", ended, "").remedy


def test_what_a_boot_never_starts_is_unmasked_first() -> None:
    """To enable alone would fail."""
    masked = unit_answer({**ACTIVE, "UnitFileState": "masked"}, answers=True)

    assert masked.remedy.startswith("sudo systemctl unmask gpuwatch && ")


@pytest.mark.parametrize(
    ("gaps", "state", "words"),
    [
        ({"GPU 0": {"a": "", "b": "unsupported"}}, State.OK, "1 signal of 1 GPU told, 1 unsupp"),
        ({"GPU 0": {"a": "timed_out"}, "GPU 1": {"a": ""}}, State.PROBLEM, "timed_out: a"),
        ({"GPU 0": {"power_draw": "denied"}}, State.PROBLEM, "denied: power_draw"),
        (
            {"GPU 0": dict.fromkeys("fedcba", "failed")},
            State.PROBLEM,
            "failed: a, b, c, d and 2 more",
        ),
        ({}, State.UNKNOWN, "no GPU answers"),
    ],
)
def test_signals_are_told_by_the_reason_why_they_are_missing(
    gaps: Mapping[str, Mapping[str, str]], state: State, words: str
) -> None:
    """What a board has not is nothing amiss; what it does not tell is."""
    answer = signals_answer(gaps, None)

    assert answer.state is state
    assert words in answer.found


def test_what_the_driver_tells_to_root_only_has_a_timer() -> None:
    """The remedy names it."""
    denied = {"GPU 0": {_privileged()[0]: "denied", "power_draw": "denied"}}
    privileged = {"GPU 0": dict.fromkeys(_privileged(), "denied")}

    assert "gpuwatch-sram.timer" in signals_answer(privileged, None).remedy
    assert "gpuwatch-sram.timer" not in signals_answer(denied, None).remedy


@pytest.mark.parametrize(("also", "state"), [("", State.UNKNOWN), ("failed", State.PROBLEM)])
def test_without_an_agent_nobody_misses_what_root_tells_it(also: str, state: State) -> None:
    """Whoever asks alone is not it; what else is amiss is."""
    gaps = {"GPU 0": {**dict.fromkeys(_privileged(), "denied"), "power_draw": also}}

    answer = signals_answer(gaps, None, alone=True)

    assert answer.state is state
    assert "gpuwatch-sram.timer" not in answer.remedy


@pytest.mark.parametrize(
    ("up", "words"), [(60.0, "quarter of an hour"), (3_600.0, "runbook backup-old")]
)
def test_a_backup_that_is_not_there_may_hang(up: float, words: str) -> None:
    """It is looked for ten minutes after the start; an hour later something holds it up."""
    answer = backups_answer(BackupState(), AT, AT - up)

    assert answer.state is State.UNKNOWN
    assert words in answer.remedy


def _privileged() -> list[str]:
    from gpuwatch.sources.nvml_signals import TABLE  # noqa: PLC0415 - what the table says

    return [row.key for row in TABLE if row.privileged]


@pytest.mark.parametrize(
    ("synchronized", "state"),
    [(True, State.OK), (False, State.PROBLEM), (None, State.UNKNOWN)],
)
def test_a_clock_of_which_nothing_is_told_is_not_well(
    synchronized: bool | None, state: State
) -> None:
    """Most units may not ask."""
    answer = clock_answer(synchronized, 2)

    assert answer.state is state
    assert "stepped 2 times" in answer.found


@pytest.mark.parametrize(
    ("scrapes", "up", "state", "words"),
    [
        ([{}], 9e5, State.OK, "/metrics by Prometheus/3.1.0 at 10.20.0.5, 12 seconds ago, 431"),
        ([{}, {"client": "10.20.0.6"}], 9e5, State.OK, "1 other client too"),
        ([{"program": "curl/8.5", "count": 1}], 9e5, State.UNKNOWN, "only once"),
        ([{"program": "own-thing", "count": 2}], 9e5, State.OK, "own-thing"),
        ([{"status": 401}], 9e5, State.PROBLEM, "refused: /metrics by Prometheus/3.1.0"),
        ([{"at": AT - 7_200}], 9e5, State.PROBLEM, "nobody has asked for 2 hours"),
        ([], 60.0, State.UNKNOWN, "in the 1 minute since the start"),
        ([], 9e5, State.PROBLEM, "in the 10 days since the start"),
    ],
)
def test_somebody_comes_for_the_metrics_or_that_is_a_problem(
    scrapes: list[dict[str, object]], up: float, state: State, words: str
) -> None:
    """A person with curl is nobody who will come again."""
    answer = prometheus_answer([scrape(**changes) for changes in scrapes], AT, up)

    assert answer.state is state
    assert words in answer.found


@pytest.mark.parametrize(
    ("changes", "state", "words"),
    [
        ({}, State.OK, "512 MiB of 2.0 GiB free"),
        ({"f_bavail": 100}, State.PROBLEM, "100 MiB of 2.0 GiB free"),
        ({"f_favail": 0}, State.PROBLEM, "no inode"),
        ({"f_flag": os.ST_RDONLY}, State.PROBLEM, "read-only"),
    ],
)
def test_a_disk_needs_room_and_must_be_writable(
    changes: Mapping[str, int], state: State, words: str
) -> None:
    """Before history has to wait in memory."""
    names = ("f_bsize", "f_frsize", "f_blocks", "f_bfree", "f_bavail", "f_files", "f_ffree",
             "f_favail", "f_flag", "f_namemax")  # fmt: skip
    values = dict.fromkeys(names, 512) | {"f_frsize": MEBIBYTE, "f_blocks": 2_048, "f_flag": 0}

    answer = disk_answer(GOLDEN, os.statvfs_result(tuple({**values, **changes}.values())))

    assert answer.state is state
    assert words in answer.found


ANSWERS = (
    ok("settings", "valid; read from /etc/gpuwatch/gpuwatch.toml"),
    problem(
        "kernel-log",
        "/dev/kmsg: cannot be opened: Operation not permitted",
        "reading it needs CAP_SYSLOG: AmbientCapabilities=CAP_SYSLOG in the unit, and"
        " DeviceAllow=/dev/kmsg r where devices are restricted",
    ),
    unknown("gpus", "no GPU can be asked", "first the driver and its library"),
    unknown("bmc.a-name-of-many-characters", "10.1.2.3:623: it has told nothing yet", "wait"),
)


def test_golden_lines_of_every_state() -> None:
    """What people read."""
    lines = lines_of(ANSWERS, "gpu-node-17", AT)

    text = "\n".join(lines) + "\n"
    assert_golden("cli_doctor_states.txt", text.replace(lines[0].split(",")[0], "HOST: VERSION"))
    assert max(map(len, lines)) <= COLUMNS


def test_the_document_says_the_same() -> None:
    """With the page to read on, and how many stand how."""
    document = document_of(ANSWERS, "gpu-node-17", AT)

    assert (document["problems"], document["unknown"]) == (1, 2)
    assert document["checks"][1] == {  # type: ignore[index]  # a document
        "name": "kernel-log",
        "state": "problem",
        "found": ANSWERS[1].found,
        "remedy": ANSWERS[1].remedy,
        "page": "docs/kernel-log.md",
    }


@given(found=st.text(min_size=1, max_size=300), state=st.sampled_from(State))
def test_no_line_is_wider_than_a_terminal(found: str, state: State) -> None:
    """Whatever a driver or BMC says, but for a word that is longer itself."""
    words = " ".join(word[:40] for word in found.split()) or "x"

    lines = lines_of([Answer("disk", state, words, "free some")], "host", AT)

    assert max(map(len, lines)) <= COLUMNS
