"""What the process of every BMC does around its loop: limits, log-out, and nothing secret said."""

import io
import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from gpuwatch.sources.bmc_child import Hiding

CHILD = Path(__file__).parent.parent / "support" / "fake_bmc.py"

Process = subprocess.Popen[bytes]


@pytest.fixture(name="child")
def _child(tmp_path: Path) -> Iterator[Process]:
    """A child that has swept once and waits for the next."""
    script = tmp_path / "bmc.json"
    script.write_text(json.dumps({"ways": ["answer"]}))
    command = [sys.executable, "-I", str(CHILD), str(script)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(b'{"ask": "serve", "interval": 600.0}\n')
        process.stdin.flush()
        assert [json.loads(process.stdout.readline())["say"] for _ in range(2)] == [
            "ready",
            "sweep",
        ]
        yield process
        process.kill()


def _journal(tmp_path: Path) -> list[str]:
    return (tmp_path / "bmc.journal").read_text().splitlines()


def test_a_child_that_is_told_to_end_logs_out(child: Process, tmp_path: Path) -> None:
    """SIGTERM: the agent died, or somebody is impatient."""
    child.send_signal(signal.SIGTERM)

    assert child.wait(30) == 0
    assert _journal(tmp_path)[-1] == f"{child.pid} logged out"


def test_a_child_whose_input_ends_logs_out(child: Process, tmp_path: Path) -> None:
    """The agent is gone, or has had enough."""
    assert child.stdin is not None

    child.stdin.close()

    assert child.wait(30) == 0
    assert _journal(tmp_path)[-1] == f"{child.pid} logged out"


def test_a_child_told_twice_in_one_moment_logs_out_once(child: Process, tmp_path: Path) -> None:
    """An agent that dies closes its input, and the kernel sends SIGTERM."""
    assert child.stdin is not None

    child.stdin.close()
    child.send_signal(signal.SIGTERM)

    assert child.wait(30) == 0
    assert [line for line in _journal(tmp_path) if "logged out" in line] == [
        f"{child.pid} logged out"
    ]


def test_a_child_may_not_take_all_memory(child: Process) -> None:
    """A BMC that makes a library read without end does not take its host along."""
    limits = Path(f"/proc/{child.pid}/limits").read_text()

    (line,) = [line for line in limits.splitlines() if line.startswith("Max address space")]
    assert line.split()[3:5] == ["805306368", "805306368"]


def test_a_child_that_is_asked_nothing_ends(tmp_path: Path) -> None:
    """Its agent died before it said what to do."""
    command = [sys.executable, "-I", str(CHILD), str(tmp_path / "none.json")]

    ended = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, check=False)

    assert (ended.returncode, ended.stdout, ended.stderr) == (0, b"", b"")


def test_what_libraries_log_has_no_secret_in_it() -> None:
    """They may quote what they were given."""
    written = io.StringIO()
    stream = Hiding(written, ("hunter2", "0xkey"))

    stream.write("login of eve with hunter2\nkey 0xkey")
    stream.flush()

    assert written.getvalue() == "login of eve with (hidden)\nkey (hidden)"
