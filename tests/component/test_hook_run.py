"""A hook's command as a real process: what it gets, how it fails, and that it always ends."""

import json
import os
import resource
import time
from pathlib import Path

import pytest

from gpuwatch.agent.hook_run import Outcome, run
from tests.support.agents import eventually

DOCUMENT = json.dumps({"flag": "x" * 300_000}).encode()


def _script(folder: Path, text: str) -> tuple[str, ...]:
    path = folder / "hook"
    path.write_text(f"#!/bin/sh\n{text}\n", encoding="utf-8")
    path.chmod(0o755)
    return (str(path),)


def _is_running(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().split()[2] not in ("Z", "X")
    except OSError:
        return False


def test_a_command_reads_the_whole_document_and_succeeds(tmp_path: Path) -> None:
    """However long it is, and whether it is read at all."""
    command = _script(tmp_path, f'cat > "{tmp_path}/seen"')

    ended = run(command, DOCUMENT, 30.0)

    assert ended.outcome is Outcome.SUCCEEDED
    assert (tmp_path / "seen").read_bytes() == DOCUMENT
    assert run(("/bin/true",), DOCUMENT, 30.0).outcome is Outcome.SUCCEEDED


def test_a_failure_is_told_with_the_last_line_it_said(tmp_path: Path) -> None:
    """Of standard output and standard error alike."""
    ended = run(_script(tmp_path, "echo first\necho no such node >&2\nexit 3"), b"{}", 30.0)

    assert (ended.outcome, ended.problem) == (
        Outcome.FAILED,
        "ended with status 3: no such node",
    )


def test_a_command_that_is_none_is_a_failure() -> None:
    """Not an error of the agent's."""
    ended = run(("/nowhere/hook",), b"{}", 30.0)

    assert ended.outcome is Outcome.FAILED
    assert ended.problem.startswith("cannot be started: ")


def test_a_signal_is_named(tmp_path: Path) -> None:
    """It was killed, perhaps for its memory."""
    ended = run(_script(tmp_path, "kill -9 $$"), b"{}", 30.0)

    assert ended.problem == "ended with signal 9"


def test_one_that_hangs_is_ended_with_all_it_started(tmp_path: Path) -> None:
    """Also where it does not listen to SIGTERM."""
    text = f'trap "" TERM\nsleep 1000 &\necho $! > "{tmp_path}/child"\necho waiting\nwait\nwait'
    command = _script(tmp_path, text)

    ended = run(command, b"{}", 5.0)

    child = int((tmp_path / "child").read_text())
    assert (ended.outcome, ended.problem) == (
        Outcome.TIMED_OUT,
        "took longer than 5 s: waiting",
    )
    eventually(lambda: not _is_running(child), "what it started is ended as well")


@pytest.mark.parametrize(("last", "outcome"), [("exec sleep 1000", "timed_out"), ("", "succeeded")])
def test_what_does_not_listen_is_ended_though_the_command_does(
    tmp_path: Path, last: str, outcome: str
) -> None:
    """Each retry would leave one more of them behind."""
    noted = f'"{tmp_path}/child"'
    deaf = f"(trap '' TERM; exec sh -c 'echo $$ > {noted}; exec sleep 1000') &"
    text = f"{deaf}\nuntil [ -s {noted} ]; do sleep 0.05; done\n{last}"

    ended = run(_script(tmp_path, text), b"{}", 1.0)

    child = int((tmp_path / "child").read_text())
    assert ended.outcome.value == outcome
    eventually(lambda: not _is_running(child), "what it started is ended as well")


@pytest.mark.parametrize("spare", range(7))
def test_where_no_descriptor_is_left_it_is_a_failure(spare: int) -> None:
    """Not an error of the agent's, which would end for it."""
    limits = resource.getrlimit(resource.RLIMIT_NOFILE)
    lowest = os.open("/dev/null", os.O_RDONLY)
    os.close(lowest)
    resource.setrlimit(resource.RLIMIT_NOFILE, (lowest + spare, limits[1]))
    try:
        ended = run(("/bin/true",), b"{}", 30.0)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, limits)

    assert ended.problem.removeprefix("cannot be started: ") in (
        "[Errno 24] Too many open files",
        "[Errno 24] Too many open files: 'gpuwatch-hook'",
        "",
    )


def test_what_it_left_behind_with_our_pipe_in_hand_holds_nobody(tmp_path: Path) -> None:
    """A daemon it started keeps its output open: the run is over when the command is."""
    noted = f'"{tmp_path}/child"'
    daemon = f"setsid sh -c 'echo $$ > {noted}; exec sleep 60' &"
    text = f"{daemon}\nuntil [ -s {noted} ]; do sleep 0.05; done\nexit 0"
    began = time.monotonic()

    ended = run(_script(tmp_path, text), b"{}", 50.0)

    os.kill(int((tmp_path / "child").read_text()), 9)
    assert ended.outcome is Outcome.SUCCEEDED
    assert time.monotonic() - began < 45.0


def test_one_that_talks_without_end_grows_nothing(tmp_path: Path) -> None:
    """Only the end of what it says is kept."""
    ended = run(_script(tmp_path, "yes | head -c 50000000\necho the end\nexit 1"), b"{}", 60.0)

    assert ended.problem == "ended with status 1: the end"
