"""Without an agent, commands that read open the database and say so."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from gpuwatch.domain.moments import SECONDS_PER_DAY
from gpuwatch.domain.verdicts import Finding, Remedy, Scope, Urgency, Verdict
from tests.support.controllers import Controller
from tests.support.flags import DEED, a_flag
from tests.support.histories import Bench, board_key

WAIT = 60.0
FAILED = Finding(
    code="row-remap-failed",
    scope=Scope.GPU,
    subject=board_key(1).uuid,
    urgency=Urgency.PAGE,
    route=Urgency.PAGE,
    remedy=Remedy.REPLACE,
    since=1_767_225_000.0,
    sentence="a row remap failed",
    source="https://docs.nvidia.com/deploy/a100-gpu-mem-error-mgmt/",
)


@pytest.fixture
def state() -> Iterator[Path]:
    """What an agent left that had seen two boards, one of them with an incident."""
    with TemporaryDirectory(prefix="gpuwatch-") as name:
        bench = Bench.open(Path(name) / "history.db", boards=2)
        bench.sweep(1)
        bench.boards[1].fail(count=3)
        bench.sweep(1)
        bench.event(79, 1)
        bench.history.save_latched(FAILED)
        now = bench.clock.now()
        bench.history.save_verdict(FAILED.subject, Verdict.DRAIN_NOW, FAILED.code, now)
        bench.clock.pass_seconds(SECONDS_PER_DAY)
        bench.history.close()
        yield Path(name)


@pytest.fixture
def flagged() -> Iterator[Path]:
    """What an agent left that had flagged a board."""
    with TemporaryDirectory(prefix="gpuwatch-") as name:
        bench = Bench.open(Path(name) / "history.db")
        bench.history.save_flag(a_flag(number=0, board=board_key(0)), DEED)
        bench.history.close()
        yield Path(name)


FAR = '[bmc.far]\nprotocol = "redfish"\naddress = "192.0.2.5"\nhost = "node-18"\n'


@pytest.fixture
def logged() -> Iterator[Path]:
    """What an agent left that had watched a BMC, whose log grew by one entry since."""
    with TemporaryDirectory(prefix="gpuwatch-") as name:
        bench, bmc = Bench.open(Path(name) / "history.db"), Controller(name="far")
        bmc.write(bench.clock.now().wall - 60.0, text="an old entry")
        for text in ("a new entry", ""):
            now = bench.clock.now()
            bench.history.take_bmc_sweep(bmc.sweep(now), [bmc.batch(now)])
            bench.clock.pass_seconds(60.0)
            if text:
                bmc.write(bench.clock.now().wall - 1.0, text=text)
        bench.history.save_verdict("bmc.far", Verdict.WATCH, "fan-slow", bench.clock.now())
        bench.history.close()
        yield Path(name)


def _run(
    state: Path, *words: str, more: str = "", closed: Path | None = None
) -> subprocess.CompletedProcess[str]:
    file = state / "gpuwatch.toml"
    agent = f'[agent]\nstate_directory = "{closed or state}"\nruntime_directory = "{state}"\n'
    file.write_text(agent + more, encoding="utf-8")
    return subprocess.run(
        [sys.executable, "-m", "gpuwatch", *words, "--config", str(file)],
        capture_output=True,
        text=True,
        check=False,
        timeout=WAIT,
        env={name: value for name, value in os.environ.items() if "GPUWATCH" not in name},
    )


def test_status_prints_what_is_remembered_and_is_unavailable(state: Path) -> None:
    """Every board absent, every verdict unknown, and a line that says why."""
    told = _run(state, "status", "--json")

    document = json.loads(told.stdout)
    assert told.returncode == 69
    assert told.stderr == (
        f"gpuwatch: no agent listens at {state}/control.sock:"
        f" this is what {state}/history.db remembers, not what is\n"
    )
    assert [(gpu["serial"], gpu["verdict"], gpu["present"]) for gpu in document["gpus"]] == [
        (board_key(0).serial, "unknown", False),
        (board_key(1).serial, "unknown", False),
    ]


def test_one_gpu_is_found_by_its_serial(state: Path) -> None:
    """Names work as they do with an agent."""
    told = _run(state, "status", board_key(1).serial)

    assert told.returncode == 69
    assert "uncorrectable errors: dram 0, sram 0, unknown 3; incidents: 1" in told.stdout


def test_an_explanation_without_an_agent_is_what_history_alone_can_tell(state: Path) -> None:
    """The latched finding and the last verdict; no chance of anything, since nobody looks."""
    told = _run(state, "explain", board_key(1).serial)

    assert told.returncode == 69
    assert "no agent runs: this is what history tells" in " ".join(told.stdout.split())
    assert "ROW-REMAP-FAILED: page, replace" in told.stdout
    assert "its last verdict was drain_now (row-remap-failed)" in " ".join(told.stdout.split())
    assert "Chance of another incident in the next 30 days: unknown" in told.stdout
    assert "systemctl start gpuwatch" in " ".join(told.stdout.split())


def test_a_preview_needs_no_agent_and_writes_nothing(state: Path) -> None:
    """By the settings of the configuration; the database is as it was."""
    before = (state / "history.db").read_bytes()

    told = _run(state, "preview", "--json")

    document = json.loads(told.stdout)
    assert told.returncode == 0
    assert [(one["serial"], one["code"]) for one in document["sayings"]][:1] == [
        (board_key(1).serial, "recent-uncorrectable-error")
    ]
    assert "driver-hung" in document["not_replayed"]
    assert "this is from" in told.stderr
    assert (state / "history.db").read_bytes() == before


def test_a_preview_of_nothing_says_that_there_is_no_history(tmp_path: Path) -> None:
    """In the words of every other command."""
    told = _run(tmp_path, "preview")

    assert told.returncode == 69
    assert f"no agent listens at {tmp_path}/control.sock, and" in told.stderr
    assert f"{tmp_path}/history.db does not exist (start it:" in told.stderr


def test_history_of_a_board_needs_no_agent(state: Path) -> None:
    """Incidents and events of that board alone; the command did what it should."""
    told = _run(state, "history", board_key(1).uuid)

    assert told.returncode == 0
    assert "GPU-00000001-0000-0000-0000-000000000000" in told.stdout
    assert " 79  kernel_log      1  " in told.stdout
    assert "this is what" in told.stderr


def test_boards_are_listed_from_the_database(state: Path) -> None:
    """With how often each failed."""
    told = _run(state, "boards", "list", "--json")

    boards = json.loads(told.stdout)["boards"]
    assert told.returncode == 0
    assert [len(board["incidents"]) for board in boards] == [0, 1]


def test_flags_are_read_from_the_database(flagged: Path) -> None:
    """The list, one of them with its records, and the audit log; a number of none is a misuse."""
    listed = _run(flagged, "flags", "list", "--json")
    shown = _run(flagged, "flags", "show", "1")
    audit = _run(flagged, "audit", "--subject", "flag 1")
    none = _run(flagged, "flags", "show", "7")

    assert [flag["code"] for flag in json.loads(listed.stdout)["flags"]] == [
        "rising-uncorrectable-trend"
    ]
    assert "flag-set by uid 1000 (alice): as agreed" in shown.stdout
    assert "flag-set flag 1 by uid 1000 (alice): as agreed" in audit.stdout
    assert (listed.returncode, shown.returncode, audit.returncode) == (0, 0, 0)
    assert (none.returncode, "there is no flag 7" in none.stderr) == (2, True)


def test_an_unknown_board_is_a_misuse_offline_too(state: Path) -> None:
    """The boards there are, from the database."""
    told = _run(state, "history", "GPU-ffff")

    assert told.returncode == 2
    assert '"GPU-ffff" names no GPU of this host' in told.stderr
    assert board_key(1).serial in told.stderr


def test_changing_needs_the_agent(state: Path) -> None:
    """Nothing is written behind its back."""
    told = _run(state, "boards", "retire", board_key(1).serial, "--reason", "x")

    assert told.returncode == 69
    assert told.stdout == ""


def test_without_agent_and_database_nothing_can_be_said(state: Path) -> None:
    """Both are named."""
    (state / "history.db").rename(state / "elsewhere.db")

    told = _run(state, "boards", "list")

    assert told.returncode == 69
    assert told.stderr.startswith(
        f"gpuwatch: no agent listens at {state}/control.sock, and {state}/history.db does not exist"
    )
    assert not (state / "history.db").exists()


@pytest.mark.parametrize("words", [("status",), ("evidence", "1"), ("backup", "b.db")])
def test_a_database_that_cannot_be_looked_at_is_told(state: Path, words: tuple[str, ...]) -> None:
    """As in a folder that is closed to whoever asks; here its name is too long."""
    closed = state / ("d" * 300)

    told = _run(state, *words, closed=closed)

    assert told.returncode in (1, 69)
    assert "File name too long" in told.stderr
    assert told.stderr.count("\n") == 1


def test_windows_come_from_the_configuration(state: Path) -> None:
    """With the calendars read by the command itself, and the flags that are remembered."""
    calendar = state / "ops.ics"
    calendar.write_text("broken")
    more = (
        '[[windows]]\nname = "sunday"\ncron = "0 2 * * sun"\nduration = "4h"\n'
        f'[[calendars]]\nname = "ops"\npath = "{calendar}"\n'
    )

    told = _run(state, "windows", "--json", more=more)

    document = json.loads(told.stdout)
    assert (told.returncode, document["settled"], document["flags"]) == (0, False, [])
    assert {window["name"] for window in document["windows"]} == {"sunday"}
    assert "is no iCalendar file" in document["calendars"][0]["problem"]
    assert "this is what" in told.stderr


def test_windows_of_a_refused_configuration_are_not_guessed(state: Path) -> None:
    """Every problem, and the status that says so."""
    told = _run(state, "windows", more='[[blackouts]]\nname = "x"\nstart = "2026-03-15T02:00"\n')

    assert (told.returncode, told.stdout) == (78, "")
    assert "blackouts.x.end is missing (every blackout ends" in told.stderr


def test_the_log_of_a_bmc_is_read_without_an_agent(logged: Path) -> None:
    """All that is kept, the latest first, what was there before told so."""
    told = _run(logged, "sel", "far")

    assert told.returncode == 0
    assert "remembers, not what is" in told.stderr
    new, old = told.stdout.splitlines()[1:]
    assert new.endswith("PSU 2 Status: a new entry")
    assert old.endswith("PSU 2 Status: an old entry (before gpuwatch)")


def test_the_log_of_a_bmc_goes_by_the_host_of_the_settings(logged: Path) -> None:
    """As it does with an agent; the entries of all BMCs name theirs."""
    by_host = _run(logged, "sel", "node-18", "--json", more=FAR)
    of_all = _run(logged, "sel", "--limit", "1")

    assert [one["bmc"] for one in json.loads(by_host.stdout)["entries"]] == ["far", "far"]
    assert "  far  critical  power  PSU 2 Status: a new entry" in of_all.stdout
    assert "these are the latest 1" in of_all.stderr


def test_a_bmc_without_an_agent_is_unknown(logged: Path) -> None:
    """Who it was, its counts, and its last verdict; by the settings where it is."""
    told = _run(logged, "bmc", "far", "--json", more=FAR)

    document = json.loads(told.stdout)
    assert told.returncode == 69
    assert (document["verdict"], document["fresh"], document["sensors"]) == ("unknown", False, [])
    assert (
        document["unknown_because"] == "no agent looks at it; its last verdict was watch (fan-slow)"
    )
    assert document["identity"]["serial"] == "SRV0042"
    assert document["counts"]["power"]["critical"] == 1
    assert (document["host"], document["address"], document["protocol"]) == (
        "node-18",
        "192.0.2.5:443",
        "redfish",
    )


def test_bmcs_are_listed_without_an_agent(logged: Path) -> None:
    """Those of the settings, and those that nobody watches any more."""
    in_band = '[bmc.inband]\nprotocol = "ipmi-local"\n'

    told = _run(logged, "bmc", more=in_band)
    status = _run(logged, "status", more=in_band)

    rows = [line.split()[:2] for line in told.stdout.splitlines()[1:3]]
    assert (told.returncode, rows) == (69, [["inband", "unknown"], ["far", "unknown"]])
    assert "BMC     VERDICT" in status.stdout


def test_a_bmc_is_explained_without_an_agent(logged: Path) -> None:
    """What history tells, and the way to know more."""
    told = _run(logged, "explain", "bmc.far")

    text = " ".join(told.stdout.split())
    assert told.returncode == 69
    assert "no agent runs: this is what history tells" in text
    assert "Start the agent: systemctl start gpuwatch." in text
    assert "a new entry" in text


def test_a_bmc_that_nobody_remembers_is_a_misuse(logged: Path) -> None:
    """With those that are known."""
    told = _run(logged, "bmc", "nope")

    assert told.returncode == 2
    assert '"nope" names no BMC (there are: far)' in told.stderr
