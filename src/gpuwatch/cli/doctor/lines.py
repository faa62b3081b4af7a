"""Lines: what the doctor found, for people in 80 columns and for scripts."""

from collections import Counter
from collections.abc import Iterable
from datetime import UTC, datetime

from gpuwatch import __version__
from gpuwatch.cli.doctor.answers import Answer, State
from gpuwatch.cli.output import wrapped
from gpuwatch.exposition.words import plural

_WORDS = {State.OK: "ok", State.PROBLEM: "PROBLEM", State.UNKNOWN: "unknown"}
_STATE, _NAME = 9, 12  # columns
_ANOTHER = "first "  # what to see to is another line


def lines_of(answers: Iterable[Answer], host: str, now: float) -> list[str]:
    """A line for each check, below it what to do and where to read on; then how many are what."""
    listed = tuple(answers)
    at = datetime.fromtimestamp(now, UTC)
    head = wrapped(f"{host}: gpuwatch {__version__}, {at:%Y-%m-%d %H:%M:%S} UTC")
    rows = [line for answer in listed for line in _row(answer)]
    return [*head, "", *rows, "", *wrapped(summary(listed))]


def _row(answer: Answer) -> list[str]:
    label = f"{_WORDS[answer.state]:<{_STATE}}{answer.name:<{_NAME}}"
    if len(answer.name) >= _NAME:
        label += " "
    below = _STATE + _NAME
    lines = wrapped(label + answer.found, 0, below)
    if answer.state is not State.OK:
        lines += wrapped(f"-> {answer.remedy}", below, below + 3)
        if not answer.remedy.startswith(_ANOTHER):
            lines += wrapped(f"docs/{answer.page}", below + 3)
    return lines


def summary(answers: Iterable[Answer]) -> str:
    """How many checks stand how."""
    listed = tuple(answers)
    count = Counter(answer.state for answer in listed)
    return (
        f"{plural(len(listed), 'check')}: {count[State.OK]} ok,"
        f" {plural(count[State.PROBLEM], 'problem')}, {count[State.UNKNOWN]} unknown"
    )


def document_of(answers: Iterable[Answer], host: str, now: float) -> dict[str, object]:
    """The same for scripts."""
    listed = tuple(answers)
    count = Counter(answer.state for answer in listed)
    return {
        "version": __version__,
        "hostname": host,
        "at": datetime.fromtimestamp(now, UTC).isoformat(timespec="seconds"),
        "problems": count[State.PROBLEM],
        "unknown": count[State.UNKNOWN],
        "checks": [
            {
                "name": answer.name,
                "state": answer.state.value,
                "found": answer.found,
                "remedy": answer.remedy,
                "page": f"docs/{answer.page}",
            }
            for answer in listed
        ],
    }
