"""How an event looks in each format."""

import json
import logging
import sys

import pytest
import structlog

from gpuwatch.logs.lines import choose, formatter


def _record(message: object, level: int = logging.WARNING) -> logging.LogRecord:
    return logging.LogRecord("gpuwatch.agent", level, "agent.py", 7, message, None, None)


def _event(level: str = "warning", **facts: object) -> logging.LogRecord:
    """A record as structlog hands it to the formatter."""
    record = _record(
        {"event": "sweep-overran", "level": level, "logger": "gpuwatch.agent", **facts}
    )
    record._logger = logging.getLogger("gpuwatch.agent")
    record._name = level
    return record


@pytest.mark.parametrize(
    ("level", "prefix"),
    [("debug", "<7>"), ("info", "<6>"), ("warning", "<4>"), ("error", "<3>"), ("critical", "<2>")],
)
def test_a_journal_line_starts_with_its_priority(level: str, prefix: str) -> None:
    """Journald takes the priority from the line's start and stamps the time itself."""
    line = formatter("journal", colors=False).format(_event(level, source="nvml", seconds=12.4))

    assert line == (
        f"{prefix}event=sweep-overran level={level} logger=gpuwatch.agent source=nvml seconds=12.4"
    )


def test_one_event_is_one_line_whatever_it_holds() -> None:
    """Newlines, escape sequences and line separators of kernel texts are escaped."""
    line = formatter("journal", colors=False).format(_event(text='a\n"b"\x1b[2J\r\u2028c\x00'))

    assert line.endswith(r'text="a\n\"b\"\x1b[2J\x0d\x2028c\x00"')
    assert line.isprintable()


def test_a_line_of_another_library_looks_the_same() -> None:
    """Level, logger and text of a plain logging record."""
    line = formatter("journal", colors=False).format(_record("job skipped", logging.ERROR))

    assert line == '<3>event="job skipped" level=error logger=gpuwatch.agent'


def test_json_is_one_object_a_line() -> None:
    """Facts keep their types."""
    line = formatter("json", colors=False).format(_event(gpu=3, ok=True, text="a\nb"))

    assert "\n" not in line
    assert json.loads(line) == {
        "event": "sweep-overran",
        "level": "warning",
        "logger": "gpuwatch.agent",
        "gpu": 3,
        "ok": True,
        "text": "a\nb",
    }


@pytest.mark.parametrize("chosen", ["journal", "json", "console"])
def test_a_traceback_holds_no_local_variables(chosen: str) -> None:
    """The place and the message, never what the variables held."""
    local = "hunter" + "2"
    try:
        raise RuntimeError("poll failed")  # noqa: TRY301 - the traceback is the subject
    except RuntimeError:
        record = _event(exc_info=sys.exc_info())

    line = formatter(chosen, colors=False).format(record)

    assert "RuntimeError: poll failed" in line
    assert local not in line
    assert chosen == "console" or "\n" not in line


def test_a_line_stays_below_what_journald_splits() -> None:
    """A huge value is cut, and says so."""
    line = formatter("journal", colors=False).format(_event(text="x" * 100_000))

    assert line.endswith("xxx (cut at 32768)")
    assert len(line) < 33_000


def test_a_format_that_is_set_is_taken() -> None:
    """Only auto looks at the stream."""
    assert choose("json", sys.stderr, {"JOURNAL_STREAM": "1:2"}) == "json"


def test_structlog_is_asked_for_plain_tracebacks() -> None:
    """Whichever libraries are installed, the terminal's renderer shows no local variables."""
    renderer = formatter("console", colors=False).processors[-1]  # type: ignore[attr-defined]

    assert renderer._exception_formatter is structlog.dev.plain_traceback
