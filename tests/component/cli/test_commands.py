"""The command line as real processes against a listening agent."""

import base64
import json
import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from gpuwatch import __version__
from gpuwatch.control.requests import ControlError, ErrorKind
from gpuwatch.domain.verdicts import Verdict
from gpuwatch.history import HistorySettings
from gpuwatch.policy.rules import RULES_VERSION
from tests.support.commands import Outcome, run
from tests.support.fake_agent import FakeAgent
from tests.support.golden import assert_golden
from tests.support.histories import Bench
from tests.support.patience import eventually
from tests.support.snapshots import gpu_state, uuid_of

WAIT = 60.0
# Sweeps an hour apart observe a board without a gap.
HOURLY = HistorySettings(retry_seconds=0.0, max_gap_seconds=86_400.0)


def _environment(changes: Mapping[str, str] | None = None) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("GPUWATCH_")}
    return kept | dict(changes or {})


def _start(*words: str, environment: Mapping[str, str] | None = None) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "gpuwatch", *words],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=_environment(environment),
    )


def _ask(agent: FakeAgent, *words: str) -> Outcome:
    """A command told of the agent's socket, before any command of its own."""
    split = words.index("--") if "--" in words else len(words)
    return run(*words[:split], "--socket", str(agent.path), *words[split:])


@pytest.mark.parametrize(
    ("golden", "words", "status"),
    [
        ("cli_status.txt", ("status",), 1),
        ("cli_status_gpu.txt", ("status", "6b:00.0"), 1),
        ("cli_explain.txt", ("explain", "3"), 0),
        ("cli_explain_unknown.txt", ("explain", "4"), 0),
        ("cli_history.txt", ("history", "1654223010010"), 0),
        ("cli_boards.txt", ("boards", "list"), 0),
        ("cli_board.txt", ("boards", "show", "1654223010012"), 0),
        ("cli_export.txt", ("boards", "export"), 0),
        ("cli_maintenance.txt", ("maintenance", "list"), 0),
        ("cli_flags.txt", ("flags", "list", "--all"), 0),
        ("cli_flag_in_hands.txt", ("flags", "show", "14"), 0),
        ("cli_flag_scheduled.txt", ("flags", "show", "15"), 0),
        ("cli_flag_closed.txt", ("flags", "show", "11"), 0),
        ("cli_audit.txt", ("audit",), 0),
        ("cli_windows.txt", ("windows",), 0),
        ("cli_bmcs.txt", ("bmc",), 0),
        ("cli_bmc.txt", ("bmc", "main"), 0),
        ("cli_bmc_gpus.txt", ("bmc", "bmc.hgx"), 0),
        ("cli_bmc_silent.txt", ("bmc", "gpu-node-18"), 0),
        ("cli_sel.txt", ("sel",), 0),
        ("cli_explain_bmc.txt", ("explain", "bmc.main"), 0),
        ("cli_explain_bmc_silent.txt", ("explain", "bmc.node-18"), 0),
    ],
)
def test_what_people_read_is_golden(
    agent: FakeAgent, golden: str, words: tuple[str, ...], status: int
) -> None:
    """Each table, word by word; the status is what a script branches on."""
    told = _ask(agent, *words)

    assert (told.status, told.err) == (status, "")
    assert_golden(golden, told.out)


@pytest.fixture
def judged(folder: Path, agent: FakeAgent) -> FakeAgent:
    """An agent whose history has a trend that an older rule set judged, and one since."""
    bench = Bench.open(folder / "history.db", boards=2, settings=HOURLY)
    bench.history.install_rules("0")
    for number in (0, 1):
        bench.event(48, number, identity=f"first-{number}")
    for _ in range(144):
        bench.sweep(0, after=3600.0)
        bench.sweep(1, after=3600.0)
    bench.event(48, 0, identity="second-0")
    bench.history.install_rules(RULES_VERSION)
    bench.sweep(1, after=3600.0)
    bench.event(48, 1, identity="second-1")
    bench.history.close()
    agent.history = folder / "history.db"
    return agent


def test_a_preview_is_golden(judged: FakeAgent) -> None:
    """What would have been said, in order, and what of it raises no flag and why."""
    told = _ask(judged, "preview")

    said, not_replayed = told.out.split("\nnot replayed")
    assert (told.status, told.err) == (0, "")
    assert "driver-hung" in not_replayed
    assert_golden("cli_preview.txt", said.replace(f"version {RULES_VERSION}", "version N"))


def test_a_preview_leaves_out_what_was_over(judged: FakeAgent) -> None:
    """The first board was watched until its trend began, half an hour before."""
    whole = json.loads(_ask(judged, "preview", "--json").out)
    late = json.loads(_ask(judged, "preview", "--since", "2026-01-13T00:30", "--json").out)

    assert len(late["sayings"]) < len(whole["sayings"])
    flags = [one for one in late["sayings"] if one["raises_flag"]]
    assert [one["code"] for one in flags] == ["rising-uncorrectable-trend"] * 2
    assert [one["held_back"] for one in flags] == [True, False]


def test_a_preview_since_no_time_is_a_misuse(judged: FakeAgent) -> None:
    """With an example of one."""
    told = _ask(judged, "preview", "--since", "yesterday")

    assert told.status == 2
    assert 'write "2026-03-15"' in told.err


@pytest.mark.parametrize(
    ("words", "member"),
    [
        (("status",), "gpus"),
        (("status", "5"), "uuid"),
        (("explain", "5"), "wait"),
        (("history", "5"), "events"),
        (("boards", "list"), "boards"),
        (("boards", "show", "5"), "board"),
        (("boards", "export"), "boards"),
        (("boards", "retire", "17", "--reason", "swapped"), "retired"),
        (("maintenance", "list"), "maintenance"),
        (("windows",), "blackouts"),
        (("maintenance", "begin", "host", "--for", "2h", "--reason", "fan"), "maintenance"),
        (("maintenance", "end", "m-7"), "ended"),
        (("flags", "list"), "flags"),
        (("flags", "show", "14"), "flag"),
        (("flags", "ack", "14"), "flag"),
        (("audit",), "audit"),
        (("bmc",), "bmcs"),
        (("bmc", "main"), "sensors"),
        (("sel", "main"), "entries"),
        (("explain", "bmc.main"), "bmc"),
        (("signals", "--bmc"), "metrics"),
        (("release",), "released_until"),
        (("resume",), "resumed"),
        (("signals",), "signals"),
        (("xids",), "xids"),
        (("xids", "48"), "text"),
        (("completion", "bash"), "script"),
        (("rules",), "rules"),
        (("check-config",), "settings"),
    ],
)
def test_every_command_speaks_json(agent: FakeAgent, words: tuple[str, ...], member: str) -> None:
    """One document on standard output, nothing else."""
    local = words[0] in ("signals", "xids", "rules", "check-config", "completion")

    told = run(*words, "--json") if local else _ask(agent, *words, "--json")

    assert member in json.loads(told.out)
    assert told.err == ""


@pytest.mark.parametrize(
    ("verdict", "status"),
    [
        (Verdict.HEALTHY, 0),
        (Verdict.WATCH, 0),
        (Verdict.RESET_AT_WINDOW, 1),
        (Verdict.REPLACE_AT_WINDOW, 1),
        (Verdict.DRAIN_NOW, 1),
        (Verdict.UNKNOWN, 3),
    ],
)
def test_the_status_of_status_is_the_worst_verdict(
    agent: FakeAgent, verdict: Verdict, status: int
) -> None:
    """Unknown is never healthy: it has a status of its own."""
    agent.snapshot = replace(
        agent.snapshot,
        host_verdict=Verdict.HEALTHY,
        gpus=(gpu_state(0), gpu_state(1, verdict=verdict)),
        bmcs=(),
    )

    assert _ask(agent, "status").status == status


@pytest.mark.parametrize(
    ("host", "verdict", "status"),
    [
        ("", Verdict.UNKNOWN, 0),
        ("gpu-node-18", Verdict.UNKNOWN, 3),
        ("gpu-node-18", Verdict.WATCH, 0),
        ("gpu-node-18", Verdict.DRAIN_NOW, 1),
    ],
)
def test_the_status_of_status_knows_the_servers_that_are_watched(
    agent: FakeAgent, host: str, verdict: Verdict, status: int
) -> None:
    """What a BMC of this host says is in the host's verdict: one that is silent says nothing."""
    bmc = replace(agent.snapshot.bmcs[0], host=host, verdict=verdict)
    agent.snapshot = replace(agent.snapshot, host_verdict=Verdict.HEALTHY, gpus=(), bmcs=(bmc,))

    assert _ask(agent, "status").status == status


def test_a_host_that_watches_others_has_no_table_of_gpus(agent: FakeAgent) -> None:
    """And its headline speaks of no driver."""
    agent.snapshot = replace(agent.snapshot, gpus=(), flags=())

    told = _ask(agent, "status").out

    assert "4 BMCs watched, no GPUs; 2026-03-14" in " ".join(told.split())
    assert "SERIAL" not in told


def test_log_entries_are_chosen_by_severity_topic_and_time(agent: FakeAgent) -> None:
    """At least so grave, of one topic, and since a time."""
    grave = _ask(agent, "sel", "--severity", "warning").out
    memory = _ask(agent, "sel", "main", "--topic", "memory").out
    late = _ask(agent, "sel", "main", "--since", "2026-03-14T03:00Z").out

    assert ("critical" in grave, "warning" in grave, "info" in grave) == (True, True, False)
    assert ("DIMM A1" in memory, "PS4 Status" in memory) == (True, False)
    assert ("PS4 Status" in late, "PS3 Status" in late) == (True, False)


def test_log_entries_that_are_not_printed_are_told(agent: FakeAgent) -> None:
    """On standard error, so that a script is not disturbed."""
    told = _ask(agent, "sel", "--limit", "2")

    assert (told.status, told.err) == (0, "gpuwatch: these are the latest 2; more with --limit\n")


def test_a_log_without_such_an_entry_says_so(agent: FakeAgent) -> None:
    """Not an empty table."""
    told = _ask(agent, "sel", "node-19")

    assert (told.status, told.out) == (0, "no such entry is known\n")


@pytest.mark.parametrize("limit", ["0", "5001", "many"])
def test_a_limit_out_of_bounds_is_a_misuse(agent: FakeAgent, limit: str) -> None:
    """Before anybody is asked."""
    assert _ask(agent, "sel", "--limit", limit).status == 2


def test_a_host_without_bmcs_says_what_is_missing(agent: FakeAgent) -> None:
    """And where it would be set."""
    agent.snapshot = replace(agent.snapshot, bmcs=())

    told = _ask(agent, "bmc")

    assert told.out == "no BMC is watched: the settings have no [bmc.NAME]\n"


def test_a_server_is_accepted_with_a_reason(agent: FakeAgent) -> None:
    """What was taken out for good is named; who did it is told by the socket."""
    told = _ask(agent, "bmc", "main", "--accept", "--reason", "two supplies will do")

    [request] = agent.done
    assert (told.status, told.out) == (
        0,
        "accepted bmc.main; no longer missed: supply PSU 4\n",
    )
    assert (request.do, request.text("bmc"), request.text("reason")) == (
        "bmc-accept",
        "main",
        "two supplies will do",
    )


@pytest.mark.parametrize(
    "words", [("--accept", "--reason", "x"), ("main", "--accept"), ("main", "--reason", "x")]
)
def test_an_acceptance_of_a_server_needs_its_bmc_and_a_reason(
    agent: FakeAgent, words: tuple[str, ...]
) -> None:
    """Nothing reaches the agent."""
    told = _ask(agent, "bmc", *words)

    assert told.status == 2
    assert "needs" in told.err
    assert agent.done == []


def test_one_finding_is_explained_by_its_code(agent: FakeAgent) -> None:
    """Of a BMC as of a GPU; its step is then the next step."""
    supply = _ask(agent, "explain", "bmc.main", "psu-failed").out
    reset = _ask(agent, "explain", "3", "recovery-action").out

    assert "NEXT STEP\n  Nothing now. At a window: exchange the supply named here" in supply
    assert "REDUNDANCY-LOST" not in supply
    assert "RECOVERY-ACTION: page" in reset
    assert "ROW-REMAP-FAILED" not in reset


def test_a_finding_that_does_not_hold_is_a_misuse_that_lists_those_that_do(
    agent: FakeAgent,
) -> None:
    """One line."""
    told = _ask(agent, "explain", "bmc.main", "fan-failed")

    says = "fan-failed does not hold for bmc.main (what holds: redundancy-lost, psu-failed)"
    assert (told.status, told.err) == (2, f"gpuwatch: {says}\n")


def test_an_unknown_gpu_is_a_misuse_that_lists_the_gpus(agent: FakeAgent) -> None:
    """One line, with everything that could have been meant."""
    told = _ask(agent, "history", "99")

    assert told.status == 2
    assert told.err.startswith('gpuwatch: "99" names no GPU of this host (there are: GPU 0 (')
    assert uuid_of(5) in told.err
    assert told.err.count("\n") == 1


@pytest.mark.parametrize(
    ("kind", "status"),
    [
        (ErrorKind.DENIED, 77),
        (ErrorKind.BUSY, 75),
        (ErrorKind.FAILED, 1),
        (ErrorKind.USAGE, 2),
    ],
)
def test_a_refusal_has_the_status_of_its_kind(
    agent: FakeAgent, kind: ErrorKind, status: int
) -> None:
    """Scripts tell a missing right from a busy agent."""
    agent.refusal = ControlError(kind, "no", "the way out")

    told = _ask(agent, "boards", "retire", "17", "--reason", "x")
    as_json = _ask(agent, "boards", "retire", "17", "--reason", "x", "--json")

    assert (told.status, told.err) == (status, "gpuwatch: no (the way out)\n")
    assert json.loads(as_json.out) == {"error": {"what": "no", "remedy": "the way out"}}


def test_the_socket_is_where_the_configuration_says(agent: FakeAgent, folder: Path) -> None:
    """File, then variable: the same sources as the agent's."""
    file = folder / "gpuwatch.toml"
    file.write_text(f'[agent]\nruntime_directory = "{folder}"\n')
    variable = {"GPUWATCH_AGENT__RUNTIME_DIRECTORY": str(folder)}

    assert agent.path.parent == folder
    assert run("resume", "--config", str(file)).status == 0
    assert run("resume", environment=variable).status == 0
    assert run("resume", environment={"GPUWATCH_CONFIG": str(file)}).status == 0


def test_changing_without_an_agent_is_unavailable(folder: Path) -> None:
    """69, and the way out."""
    told = run("release", "--socket", str(folder / "control.sock"))

    assert told.status == 69
    assert told.err == (
        f"gpuwatch: no agent listens at {folder}/control.sock"
        " (start it: systemctl start gpuwatch; or name its socket with --socket)\n"
    )


def test_a_broken_configuration_is_named_when_no_agent_answers(folder: Path) -> None:
    """A misspelt --config is why the socket was looked for in the wrong place."""
    told = run("resume", "--config", str(folder / "gone.toml"))

    assert told.status == 69
    assert "gone.toml does not exist" in told.err


def test_maintenance_of_a_board_carries_its_facts(agent: FakeAgent) -> None:
    """Scope, board, end in Unix seconds, reason, ticket, release."""
    told = _ask(
        agent,
        *("maintenance", "begin", "board", "1652", "--until", "2036-03-15T06:00+02:00"),
        *("--reason", "swap", "--ticket", "OPS-7", "--release"),
    )

    [request] = agent.done
    assert (told.status, told.out) == (0, "m-7 until 2036-03-15 04:00 UTC\n")
    assert dict(request.values) == {
        "scope": "board",
        "board": "1652",
        "bmc": "",
        "until": 2_089_166_400.0,
        "seconds": 0.0,
        "reason": "swap",
        "ticket": "OPS-7",
        "release": True,
    }


def test_maintenance_of_what_a_bmc_watches_carries_its_name(agent: FakeAgent) -> None:
    """That of the BMC, or of its host."""
    told = _ask(agent, "maintenance", "begin", "bmc", "node17", "--for", "2h", "--reason", "fans")

    [request] = agent.done
    assert told.status == 0
    assert (request.text("scope"), request.text("bmc")) == ("bmc", "node17")
    assert (request.text("board"), request.number("seconds")) == ("", 7200.0)


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("begin", "bmc", "--for", "1h", "--reason", "x"), "board and bmc need NAME"),
        (("begin", "board", "--for", "1h", "--reason", "x"), "board and bmc need NAME"),
        (("begin", "host", "17", "--for", "1h", "--reason", "x"), "host takes none"),
        (("begin", "host", "--until", "soon", "--reason", "x"), '"soon" is not a time'),
        (("begin", "host", "--until", "2020-01-01T00:00Z", "--reason", "x"), "is over"),
        (("begin", "host", "--for", "90", "--reason", "x"), '"90" is not a duration'),
        (("begin", "host", "--for", "1h"), "--reason"),
        (("begin", "host", "--reason", "x"), "--for --until"),
    ],
)
def test_a_maintenance_that_makes_no_sense_is_a_misuse(
    agent: FakeAgent, words: tuple[str, ...], told: str
) -> None:
    """Nothing reaches the agent."""
    outcome = _ask(agent, "maintenance", *words)

    assert outcome.status == 2
    assert told in outcome.err
    assert agent.done == []


def test_release_runs_a_command_and_resumes(agent: FakeAgent) -> None:
    """Release, the command with its own options, resume: in that order; its status is ours."""
    program = "import sys; print(sys.argv[1:]); sys.exit(7)"

    told = _ask(agent, "release", "--for", "5m", "--", sys.executable, "-c", program, "--x", "a b")

    assert (told.status, told.out, told.err) == (7, "['--x', 'a b']\n", "")
    assert [request.do for request in agent.done] == ["release", "resume"]
    assert agent.done[0].number("seconds") == 300.0


def test_a_release_lasts_as_long_as_its_command(agent: FakeAgent, folder: Path) -> None:
    """It is renewed while the command runs, and resumed when that ends."""
    fifo = folder / "go"
    os.mkfifo(fifo)
    program = f"open({str(fifo)!r}).read()"
    words = ("release", "--for", "1s", "--socket", str(agent.path), "--")

    with _start(*words, sys.executable, "-c", program) as process:
        renewed = eventually(lambda: len(agent.done) >= 3)
        fifo.write_text("go")
        _, err = process.communicate(timeout=WAIT)

    assert renewed
    assert (process.returncode, err) == (0, "")
    assert {request.do for request in agent.done[:-1]} == {"release"}
    assert agent.done[-1].do == "resume"


@pytest.mark.parametrize(
    ("number", "status"), [(signal.SIGTERM, 128 + 15), (signal.SIGHUP, 128 + 1)]
)
def test_a_signal_ends_the_command_and_still_resumes(
    agent: FakeAgent, folder: Path, number: signal.Signals, status: int
) -> None:
    """The command gets the signal; the driver is watched again before we end."""
    mark = folder / "started"
    program = f"import pathlib, time; pathlib.Path({str(mark)!r}).touch(); time.sleep(600)"
    words = ("release", "--socket", str(agent.path), "--", sys.executable, "-c", program)

    with _start(*words) as process:
        started = eventually(mark.exists)
        process.send_signal(number)
        process.communicate(timeout=WAIT)

    assert started
    assert process.returncode == status
    assert [request.do for request in agent.done] == ["release", "resume"]


def test_an_interrupt_from_the_terminal_is_outlived(agent: FakeAgent, folder: Path) -> None:
    """SIGINT reaches the command by itself; we wait for how it ends."""
    mark = folder / "started"
    program = (
        "import pathlib, signal, sys, time\n"
        "signal.signal(signal.SIGINT, lambda *_: sys.exit(5))\n"
        f"pathlib.Path({str(mark)!r}).touch()\n"
        "time.sleep(600)\n"
    )
    command = [sys.executable, "-m", "gpuwatch", "release", "--socket", str(agent.path), "--"]

    with subprocess.Popen(
        [*command, sys.executable, "-c", program], env=_environment(), start_new_session=True
    ) as process:
        started = eventually(mark.exists)
        os.killpg(process.pid, signal.SIGINT)
        status = process.wait(WAIT)

    assert started
    assert status == 5
    assert [request.do for request in agent.done] == ["release", "resume"]


def test_a_command_that_is_not_there_resumes_too(agent: FakeAgent) -> None:
    """127, as a shell has it."""
    told = _ask(agent, "release", "--", "/nowhere/command")

    assert told.status == 127
    assert told.err == (
        "gpuwatch: /nowhere/command: No such file or directory (is it installed?)\n"
    )
    assert [request.do for request in agent.done] == ["release", "resume"]


def test_a_release_longer_than_a_day_names_the_way_out(agent: FakeAgent) -> None:
    """In the words of the command line, before anything is asked."""
    told = _ask(agent, "release", "--for", "3d")

    assert told.status == 2
    assert "--for is not from 1s to 24h" in told.err
    assert agent.done == []


def test_no_maintenance_is_said(agent: FakeAgent) -> None:
    """Not a heading over nothing."""
    agent.snapshot = replace(agent.snapshot, maintenance=())

    told = _ask(agent, "maintenance", "list")

    assert (told.status, told.out) == (0, "nobody has announced work on this host\n")


def test_a_refused_release_runs_nothing(agent: FakeAgent, folder: Path) -> None:
    """A driver that could not be let go of is not upgraded."""
    agent.refusal = ControlError(ErrorKind.FAILED, "the probe cannot be ended", "reboot")
    mark = folder / "ran"

    told = _ask(agent, "release", "--", "touch", str(mark))

    assert told.status == 1
    assert not mark.exists()


def test_without_an_agent_a_command_is_notrun(folder: Path) -> None:
    """One line, 69: whether the driver is free nobody knows."""
    mark, path = folder / "ran", folder / "control.sock"

    told = run("release", "--socket", str(path), "--", "touch", str(mark))

    assert (told.status, told.err.count("\n")) == (69, 1)
    assert not mark.exists()


def test_resume_says_what_it_did(agent: FakeAgent) -> None:
    """Resuming twice is no error."""
    released = _ask(agent, "release", "--for", "20m", "--reason", "driver")

    assert released.out == (
        "released until 2030-03-17 17:46:40 UTC; gpuwatch resume ends it earlier\n"
    )
    assert agent.done[0].text("reason") == "driver"
    assert _ask(agent, "resume").out == "resumed\n"
    assert _ask(agent, "resume").out == "nothing was released\n"


def test_check_config_prints_each_setting_with_its_origin(folder: Path) -> None:
    """Command line over file over default."""
    file = folder / "gpuwatch.toml"
    file.write_text('[nvml]\nfast = "11s"\nslow = "71s"\n')

    told = run("check-config", "--config", str(file), "--set", "nvml.slow=72s")

    lines = {line.partition("  #")[0].strip(): line for line in told.out.splitlines()}
    assert told.status == 0
    assert lines['nvml.fast = "11s"'].endswith(f"  # {file}")
    assert lines['nvml.slow = "1m12s"'].endswith("  # option --set nvml.slow")
    assert lines['nvml.rare = "5m"'].endswith("  # default")


@pytest.mark.parametrize("command", ["check-config", "run"])
def test_a_refused_configuration_is_78_with_every_problem(folder: Path, command: str) -> None:
    """The agent does not start on half of what was meant."""
    file = folder / "gpuwatch.toml"
    file.write_text('[nvml]\nfast = "1s"\nnope = 1\n')

    told = run(command, "--config", str(file))

    assert told.status == 78
    assert told.err.splitlines() == [
        f'config: {file}: nvml.fast = "1s" is below "2s" (that is the least)',
        told.err.splitlines()[1],
    ]
    assert told.err.splitlines()[1].startswith(f"config: {file}: nvml.nope is no setting")


def test_tables_are_printed_for_documents() -> None:
    """Markdown has one row for each row of the table."""
    signals, codes = run("signals", "--markdown"), run("xids", "--markdown")

    assert "| gpuwatch_gpu_power_watts | gauge | fast |" in signals.out
    assert signals.out.splitlines()[1] == "| --- | --- | --- | --- | --- |"
    assert any(line.startswith("| 48 | ") for line in codes.out.splitlines())


def test_a_rule_is_printed_with_all_that_it_says() -> None:
    """As a table for people, and under a heading of its own for documents."""
    table, document = run("rules"), run("rules", "--markdown")

    assert ["row-remap-failed", "gpu", "page", "replace"] in [
        line.split() for line in table.out.splitlines()
    ]
    section = document.out.split("## sram-near-threshold\n")[1].split("\n## ")[0]
    assert "- urgency: watch\n- remedy: none\n- when: A bank of SRAM has as many" in section
    assert "- silenced by: `sram-threshold-exceeded`\n" in section


def test_an_unknown_xid_is_said_to_be_unknown() -> None:
    """A sentence all the same, and a status for scripts."""
    told = run("xids", "9999")

    assert told.status == 2
    assert told.out.startswith("Xid 9999: not in NVIDIA's catalog")


def test_a_reader_that_leaves_is_no_traceback(agent: FakeAgent) -> None:
    """`gpuwatch status | head -1`."""
    reading, writing = os.pipe()
    os.close(reading)
    words = [sys.executable, "-m", "gpuwatch", "status", "--socket", str(agent.path)]

    ended = subprocess.run(
        words, stdout=writing, stderr=subprocess.PIPE, env=_environment(), check=False, timeout=WAIT
    )
    os.close(writing)

    assert (ended.returncode, ended.stderr) == (141, b"")


def test_the_version_is_the_packages() -> None:
    """One line."""
    assert run("--version") == Outcome(0, f"gpuwatch {__version__}\n", "")


def test_commands_that_talk_start_without_the_heavy_libraries() -> None:
    """A command typed at 03:00 does not wait for validation and logging to be imported."""
    program = (
        "import sys, gpuwatch.cli\n"
        "gpuwatch.cli.main(['resume', '--socket', '/nowhere'])\n"
        "heavy = {'pydantic', 'structlog', 'prometheus_client', 'sqlite3'}\n"
        "print(sorted(heavy & set(sys.modules)))"
    )

    ended = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=WAIT
    )

    assert ended.stdout == "[]\n"


def test_a_diagnostic_is_attached_whole(agent: FakeAgent, folder: Path) -> None:
    """The file's bytes, its name and what it came to."""
    file = folder / "dcgmi.json"
    file.write_bytes(b'{"tests": "pass"}\n')

    told = _ask(agent, "boards", "accept", "1654", "--diagnostic", str(file), "--result", "passed")

    (request,) = agent.done
    assert (told.status, told.out) == (
        0,
        "dcgmi.json attached to flag 11: accepted unproven\n",
    )
    assert (request.text("name"), request.text("result")) == ("dcgmi.json", "passed")
    assert base64.b64decode(request.text("content")) == file.read_bytes()


@pytest.mark.parametrize(
    ("size", "what"),
    [(0, "is empty"), ((1 << 20) + 1, "is larger than 1048576 bytes"), (None, "No such file")],
)
def test_a_diagnostic_that_cannot_be_used_is_refused(
    agent: FakeAgent, folder: Path, size: int | None, what: str
) -> None:
    """Before the agent is asked."""
    file = folder / f"output-{size}"
    if size is not None:
        file.write_bytes(b"x" * size)

    told = _ask(agent, "boards", "accept", "1", "--diagnostic", str(file), "--result", "passed")

    assert (told.status, what in told.err, agent.done) == (2, True, [])


def test_what_is_exported_can_be_imported_twice(agent: FakeAgent, folder: Path) -> None:
    """The second time nothing is new."""
    file = folder / "boards.ndjson"
    file.write_text(_ask(agent, "boards", "export").out)

    first = _ask(agent, "boards", "import", str(file))
    second = _ask(agent, "boards", "import", str(file))

    assert (first.out, second.out) == ("1 boards, 1 of them new\n", "1 boards, 0 of them new\n")


def test_a_file_with_one_wrong_line_imports_nothing(agent: FakeAgent, folder: Path) -> None:
    """The line is named."""
    file = folder / "bad.ndjson"
    file.write_text(_ask(agent, "boards", "export").out + '{"format": "gpuwatch-board/9"}\n')

    told = _ask(agent, "boards", "import", str(file))

    assert (told.status, agent.done) == (2, [])
    assert 'line 2: format is "gpuwatch-board/9", not "gpuwatch-board/1"' in told.err
