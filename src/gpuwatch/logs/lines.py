"""Lines: how an event looks in the journal, on a terminal and as JSON."""

import logging
import os
import re
from typing import IO, Any

import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

_LONGEST = 32_768  # journald splits a line at 48 KiB (LineMax= in journald.conf(5))
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")

# The syslog priorities that journald reads from the start of a line, sd-daemon(3).
_PRIORITIES = {"critical": 2, "error": 3, "warning": 4, "info": 6, "debug": 7}


def is_journal(stream: IO[str], environment: dict[str, str]) -> bool:
    """Whether `stream` goes to journald: JOURNAL_STREAM is its device:inode, systemd.exec(5)."""
    try:
        device, inode = map(int, environment["JOURNAL_STREAM"].split(":"))
        status = os.fstat(stream.fileno())
    except (KeyError, ValueError, OSError):
        return False
    return (status.st_dev, status.st_ino) == (device, inode)


def choose(setting: str, stream: IO[str], environment: dict[str, str]) -> str:
    """The format that "auto" stands for; any other setting as it is."""
    if setting != "auto":
        return setting
    if is_journal(stream, environment):
        return "journal"
    return "console" if stream.isatty() else "json"


class _Journal:
    """logfmt behind the priority that journald understands; it stamps the time itself."""

    def __init__(self) -> None:
        self._inner = structlog.processors.LogfmtRenderer(
            key_order=["event", "level", "logger"], drop_missing=True, bool_as_flag=False
        )

    def __call__(self, logger: WrappedLogger, name: str, facts: EventDict) -> str:
        priority = _PRIORITIES.get(str(facts.get("level")), _PRIORITIES["info"])
        return f"<{priority}>{_one_line(str(self._inner(logger, name, facts)))}"


def _one_line(text: str) -> str:
    """`text` without anything that a terminal or journald would act on."""
    return _CONTROL.sub(lambda found: f"\\x{ord(found[0]):02x}", text.replace("\n", "\\n"))


def _plain_texts(_logger: WrappedLogger, _name: str, facts: EventDict) -> EventDict:
    """Enumerations as their values: StrEnum prints itself, but its repr does not."""
    return {key: str(value) if isinstance(value, str) else value for key, value in facts.items()}


def formatter(chosen: str, *, colors: bool) -> logging.Formatter:
    """The formatter for "journal", "console" or "json". Tracebacks never hold local variables.

    rich and better-exceptions, which structlog would take when they are installed, show them.
    """
    renderers: dict[str, list[Processor]] = {
        "journal": [structlog.processors.format_exc_info, _Journal()],
        "console": [
            structlog.dev.ConsoleRenderer(
                colors=colors, exception_formatter=structlog.dev.plain_traceback
            )
        ],
        "json": [
            structlog.processors.format_exc_info,
            structlog.processors.JSONRenderer(default=str, ensure_ascii=False),
        ],
    }
    return _Cut(
        foreign_pre_chain=[*before(chosen), structlog.stdlib.ExtraAdder()],
        processors=[
            structlog.stdlib.ProcessorFormatter.remove_processors_meta,
            _plain_texts,
            *renderers[chosen],
        ],
    )


def before(chosen: str) -> list[Processor]:
    """What every line gets before it is rendered, also those of other libraries."""
    stamp: list[Processor] = [structlog.processors.TimeStamper(fmt="iso", utc=True)]
    return [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        *([] if chosen == "journal" else stamp),
    ]


class _Cut(structlog.stdlib.ProcessorFormatter):
    """Keeps a line below what journald would split."""

    def format(self, record: logging.LogRecord) -> str:
        line: Any = super().format(record)
        return line if len(line) <= _LONGEST else f"{line[:_LONGEST]} (cut at {_LONGEST})"
