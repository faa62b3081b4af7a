"""Logging of a real process to real pipes, read, unread and gone."""

import json
import os
import subprocess
import sys
import threading

from gpuwatch.logs.writer import LineWriter

WAIT = 30.0

PROGRAM = """
import logging, os, sys, threading, warnings
import structlog
from gpuwatch.logs.setup import Logs

logs = Logs()
logs.apply(sys.argv[1], "info")
log = structlog.get_logger("gpuwatch.test").bind(gpu=3)
log.debug("not-shown")
log.warning("sweep-overran", source="nvml")
for number in range(3):
    log.warning("sweep-failed", number=number, limit_by=("gpu",))
logging.getLogger("apscheduler.scheduler").warning("job %s skipped", "poll")
logging.getLogger("other").error("job %s failed", "poll")
warnings.warn("old call")
log.info("unprintable", value=type("Bad", (), {"__repr__": lambda self: 1 / 0})())
def die():
    secret = "hunter" + "2"
    raise RuntimeError("thread")
thread = threading.Thread(target=die, name="sweeper")
thread.start()
thread.join()
logs.apply(sys.argv[1], "error")
log.warning("too-quiet-now")
sys.exit(0 if logs.close(20.0) else 1)
"""


def _run(log_format: str, *, as_journal: bool = False) -> list[str]:
    reading, writing = os.pipe()
    environment = dict(os.environ)
    environment.pop("JOURNAL_STREAM", None)
    if as_journal:
        status = os.fstat(writing)
        environment["JOURNAL_STREAM"] = f"{status.st_dev}:{status.st_ino}"
    command = [sys.executable, "-c", PROGRAM, log_format]
    with subprocess.Popen(command, stderr=writing, env=environment) as process:
        os.close(writing)
        with os.fdopen(reading) as stream:
            lines = stream.read().splitlines()
        assert process.wait(WAIT) == 0
    return lines


def test_a_journal_gets_prefixed_lines() -> None:
    """JOURNAL_STREAM names the pipe: auto is the journal's format, one event a line."""
    lines = _run("auto", as_journal=True)

    assert lines[:2] == [
        "<4>event=sweep-overran level=warning logger=gpuwatch.test gpu=3 source=nvml",
        "<4>event=sweep-failed level=warning logger=gpuwatch.test gpu=3 number=0",
    ]
    assert lines[2] == '<3>event="job poll failed" level=error logger=other'
    assert "UserWarning: old call" in lines[3]
    assert lines[4] == "log-line-unprintable logger=gpuwatch.test error=ZeroDivisionError"
    assert lines[5].startswith("<3>event=thread-died level=error logger=gpuwatch thread=sweeper")
    assert "hunter2" not in "".join(lines)
    assert len(lines) == 6


def test_a_pipe_that_is_no_journal_gets_json() -> None:
    """A container's log driver reads objects with a time."""
    lines = _run("auto")

    first = json.loads(lines[0])
    assert first.pop("timestamp").endswith("Z")
    assert first == {
        "event": "sweep-overran",
        "level": "warning",
        "logger": "gpuwatch.test",
        "gpu": 3,
        "source": "nvml",
    }


class Pipe:
    """A pipe that nobody reads until `drain`."""

    def __init__(self) -> None:
        self._reading, self.writing = os.pipe()
        self._got = bytearray()
        self._reader = threading.Thread(target=self._read)

    def drain(self) -> None:
        """Read from now on, until the writing end is closed."""
        self._reader.start()

    def text(self) -> str:
        """Close the writing end; everything that went through."""
        os.close(self.writing)
        self._reader.join(WAIT)
        os.close(self._reading)
        return self._got.decode()

    def _read(self) -> None:
        while chunk := os.read(self._reading, 1 << 16):
            self._got += chunk


def test_a_reader_that_stalls_blocks_nobody_and_the_loss_is_counted() -> None:
    """10,000 long lines into a pipe that nobody reads; then it is read again."""
    pipe = Pipe()
    writer = LineWriter(pipe.writing, lambda count: f"dropped {count}", limit=100)
    for number in range(10_000):
        writer.write(f"line {number} " + "x" * 1_000)
    blocked = not writer.flush(0.0)

    pipe.drain()
    closed = writer.close(WAIT)
    got = pipe.text().splitlines()

    assert blocked
    assert closed
    kept = [int(line.split()[1]) for line in got if line.startswith("line ")]
    lost = [int(line.split()[1]) for line in got if line.startswith("dropped ")]
    assert len(kept) + sum(lost) == 10_000
    assert kept == sorted(kept)
    assert sum(lost) > 9_000


def test_closing_with_a_stalled_reader_gives_up() -> None:
    """The agent ends although nobody reads its last lines."""
    pipe = Pipe()
    writer = LineWriter(pipe.writing, str, limit=1_000)
    for _ in range(1_000):
        writer.write("x" * 1_000)

    closed = writer.close(0.05)

    pipe.drain()
    assert not closed
    assert writer.close(WAIT)
    assert len(pipe.text().split()) == 1_000


def test_a_reader_that_is_gone_ends_nothing() -> None:
    """A closed pipe swallows lines; the process goes on."""
    reading, writing = os.pipe()
    os.close(reading)
    writer = LineWriter(writing, str)
    writer.write("into the void")

    assert writer.flush(WAIT)
    assert writer.close(WAIT)
    os.close(writing)


def test_a_descriptor_that_does_not_block_is_waited_for() -> None:
    """Standard error may be shared with something that made it non-blocking."""
    pipe = Pipe()
    os.set_blocking(pipe.writing, False)
    writer = LineWriter(pipe.writing, str)
    for _ in range(200):
        writer.write("x" * 1_000)

    pipe.drain()
    closed = writer.close(WAIT)

    assert closed
    assert pipe.text() == ("x" * 1_000 + "\n") * 200
