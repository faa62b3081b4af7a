"""Calendars: iCalendar files, each read by a child process that may take so long and no longer."""

import json
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from gpuwatch.domain.windows import Blackout, CalendarState, Window
from gpuwatch.sources.rights import without_kernel_log

DEADLINE_SECONDS = 30.0
GLANCE_SECONDS = 5.0
_END_SECONDS = 1.0
_ERROR_CHARACTERS = 200
_CHILD = (sys.executable, "-I", "-m", "gpuwatch.sources.calendar_child")

# Children that even SIGKILL did not end. Kept, because a Popen object that is collected before its
# child ended complains; looked at whenever another child starts.
_left_behind: list[subprocess.Popen[bytes]] = []


@dataclass(frozen=True, slots=True, kw_only=True)
class CalendarFile:
    """One file, the zone of its times without one, and the words that make events count.

    An event is a blackout when one of `blackouts` stands in its summary or is one of its
    categories, else a window when one of `windows` does, whatever the case of letters.
    """

    name: str
    path: str
    zone: str = "UTC"
    windows: tuple[str, ...] = ("maintenance",)
    blackouts: tuple[str, ...] = ("blackout", "freeze")


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """What a file said, and what identifies its bytes.

    `after` is the Unix second from which it was expanded. `refused` when the latest content, or the
    file, could not be used; `hung` when the child that read it had to be ended.
    """

    state: CalendarState
    after: float
    fingerprint: object = None
    refused: bool = False
    hung: bool = False


def unread(file: CalendarFile) -> Reading:
    """Nothing is known of a file yet."""
    return Reading(state=CalendarState(name=file.name, path=file.path), after=0.0)


def read_calendar(
    file: CalendarFile,
    before: Reading,
    now: float,
    until: float,
    *,
    deadline_seconds: float = DEADLINE_SECONDS,
    fresh: bool = False,
) -> Reading:
    """Read a file again if it changed, or in any case if `fresh`; blocks up to the deadline.

    Windows and blackouts that hold at `now` or begin by `until` (Unix seconds) are told. A file
    that cannot be used keeps what was known of it before, with the problem. Raises nothing.
    """
    asked = {
        "path": file.path,
        "zone": file.zone,
        "after": now,
        "until": until,
        "windows": file.windows,
        "blackouts": file.blackouts,
        "fingerprint": None if fresh else before.fingerprint,
    }
    told = _ask(asked, deadline_seconds)
    if "unchanged" in told:
        return replace(before, hung=False)
    if problem := told.get("problem"):
        known = replace(before.state, problem=f"{file.path} {problem}")
        print_of = told.get("fingerprint")
        hung = bool(told.get("hung"))
        return replace(before, state=known, fingerprint=print_of, refused=True, hung=hung)
    return Reading(state=_state(file, told, now), after=now, fingerprint=told["fingerprint"])


def glance(path: str) -> str:
    """What keeps gpuwatch from reading a file, as a sentence with the way out; "" when nothing."""
    return str(_ask({"path": path, "glance": True}, GLANCE_SECONDS).get("problem", ""))


def _state(file: CalendarFile, told: dict[str, Any], now: float) -> CalendarState:
    source = f"calendar {file.name}"
    left_out = told["left_out"]
    return CalendarState(
        name=file.name,
        path=file.path,
        read_at=now,
        problem=f"{file.path}: {left_out}" if left_out else "",
        windows=tuple(
            Window(_utc(one["start"]), _utc(one["end"]), one["name"], source)
            for one in told["windows"]
        ),
        blackouts=tuple(
            Blackout(_utc(one["start"]), _utc(one["end"]), one["name"], one["reason"], source)
            for one in told["blackouts"]
        ),
        ignored=told["ignored"],
    )


def _utc(unix_seconds: float) -> datetime:
    return datetime.fromtimestamp(unix_seconds, UTC)


def _ask(asked: dict[str, Any], deadline_seconds: float) -> dict[str, Any]:
    """The child's answer, or a problem."""
    _left_behind[:] = [child for child in _left_behind if child.poll() is None]
    if _left_behind:
        return {"problem": "hangs the process that reads it (is its file system up?)", "hung": True}
    try:
        child = _start((*_CHILD, json.dumps(asked)))
    except OSError as error:
        return {"problem": f"cannot be read: no process for it: {error.strerror} (is memory left?)"}
    try:
        out, errors = child.communicate(timeout=deadline_seconds)
    except subprocess.TimeoutExpired:
        _end(child)
        seconds = f"{deadline_seconds:.0f} s"
        told = f"was not read within {seconds} (is its file system up? is it simple enough?)"
        return {"problem": told, "hung": True}
    if child.returncode == 0:
        answer: dict[str, Any] = json.loads(out)
        return answer
    last = errors.decode(errors="replace").strip().rpartition("\n")[2][:_ERROR_CHARACTERS]
    said = last or f"its reader ended with status {child.returncode}"
    return {"problem": f"could not be understood: {said} (make it simpler)", "hung": True}


def _start(command: Sequence[str]) -> subprocess.Popen[bytes]:
    with without_kernel_log():
        return subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,  # Ctrl-C at a terminal is for the agent alone
            cwd="/",
        )


def _end(child: subprocess.Popen[bytes]) -> None:
    """End a child that took too long. One in uninterruptible sleep is left: waiting would hang."""
    child.kill()
    for pipe in (child.stdout, child.stderr):
        if pipe is not None:
            pipe.close()
    try:
        child.wait(_END_SECONDS)
    except subprocess.TimeoutExpired:
        _left_behind.append(child)
