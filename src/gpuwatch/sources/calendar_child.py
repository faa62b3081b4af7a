"""Calendar child: reads one iCalendar file, expands its recurrences, and tells them as JSON.

A process of its own that ends when it has answered: the agent pays no memory for the libraries, and
a file on a dead server, or one whose rules never end, hangs or exhausts only this process. It is
asked by one JSON object on the command line and answers by one on standard output.
"""

import json
import os
import resource
import stat
import sys
from collections.abc import Iterable, Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import icalendar
import recurring_ical_events

from gpuwatch.domain.windows import PLANNED_UID, resolve

FILE_BYTES = 4 << 20
OCCURRENCES = 1_000
LONGEST_WINDOW = timedelta(days=7)
MEMORY_BYTES = 1 << 30
CPU_SECONDS = 20
NAME_CHARACTERS = 64
REASON_CHARACTERS = 200
# Asked month by month, so that an event which recurs too often is noticed early.
_STRIDE = timedelta(days=30)
# What the clocks may change by at the edges of the time that is asked for.
_MARGIN = timedelta(days=2)
# How long an event is, as elapsed time; every occurrence of it inherits the property.
_ELAPSED = "X-GPUWATCH-ELAPSED"
_WHEN = ("DTSTART", "DTEND", "DURATION", "RRULE", "RDATE", "EXDATE", "RECURRENCE-ID")

# Their expansion would take all the time there is before somebody counted what came of it.
_TOO_OFTEN = ("SECONDLY", "MINUTELY")

Event = dict[str, Any]


class RefusedError(Exception):
    """The file is refused as a whole: what is wrong, then the way out."""


def answer(asked: dict[str, Any]) -> dict[str, Any]:
    """What the file says, or `{"problem": ...}`, or `{"unchanged": true}`.

    `asked` has path, zone (of times without one), after and until (Unix seconds), windows and
    blackouts (words), and fingerprint: that of the reading which need not be repeated, or null; or
    path and glance, to be told only whether it can be read.
    Whatever was read has its fingerprint in the answer, also when it is refused.
    """
    try:
        content, fingerprint = _content(asked["path"], asked.get("fingerprint"))
    except RefusedError as refused:
        return {"problem": str(refused)}
    if content is None or asked.get("glance"):
        return {"unchanged": True}
    try:
        found = _expand(_calendar(content), asked)
    except RefusedError as refused:
        found = {"problem": str(refused)}
    except MemoryError:
        found = {"problem": f"needs more than {MEMORY_BYTES >> 20} MiB (make it simpler)"}
    return {**found, "fingerprint": fingerprint}


def _content(path: str, known: object) -> tuple[bytes | None, list[int]]:
    """The bytes and what identifies them; no bytes when they are those of `known`."""
    try:
        if not stat.S_ISREG(os.stat(path).st_mode):  # noqa: PTH116 - a path as the settings say it
            raise RefusedError("is not a file (name the .ics file itself)")
        # Without O_NONBLOCK a pipe that takes its place would keep us for ever.
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        with open(descriptor, "rb") as file:  # noqa: PTH123 - of a descriptor
            told = os.fstat(descriptor)
            fingerprint = [told.st_dev, told.st_ino, told.st_size, told.st_mtime_ns]
            if fingerprint == known:
                return None, fingerprint
            content = file.read(FILE_BYTES + 1)
    except FileNotFoundError as error:
        raise RefusedError("does not exist (is its file system mounted?)") from error
    except OSError as error:
        raise RefusedError(f"cannot be read: {error.strerror} (may gpuwatch read it?)") from error
    if len(content) > FILE_BYTES:
        raise RefusedError(f"is larger than {FILE_BYTES >> 20} MiB (is it the right file?)")
    return content, fingerprint


def _calendar(content: bytes) -> icalendar.Calendar:
    """The calendar in the file. Raises RefusedError for whatever is none."""
    try:
        calendar = icalendar.Calendar.from_ical(content)
    except Exception as error:
        raise RefusedError(f"is no iCalendar file: {_short(error)} (see RFC 5545)") from error
    if not isinstance(calendar, icalendar.Calendar):
        raise RefusedError("holds no VCALENDAR (is it the right file?)")
    return calendar


def _expand(calendar: icalendar.Calendar, asked: dict[str, Any]) -> dict[str, Any]:
    """Windows and blackouts between two instants, in time order, and how many events are neither.

    Only events that a word names, and those that share a UID with one, are expanded.
    """
    events = list(calendar.walk("VEVENT"))
    relevant = {_text(event, "UID") for event in events if _kind(event, asked)}
    chosen = [event for event in events if _text(event, "UID") in relevant]
    zone = ZoneInfo(asked["zone"])
    for event in chosen:
        _measure(event, zone)
    kept = {id(event) for event in chosen}
    calendar.subcomponents = [
        one for one in calendar.subcomponents if one.name != "VEVENT" or id(one) in kept
    ]
    found: dict[str, list[Event]] = {"windows": [], "blackouts": []}
    left_out: list[str] = []
    for one in _occurrences(calendar, asked):
        kind = _kind(one, asked)
        told = _told(one, zone)
        if told["end"] <= asked["after"] or told["start"] > asked["until"] or kind is None:
            continue
        if problem := _unusable(kind, told):
            left_out.append(problem)
        else:
            found[kind].append(told)
    for listed in found.values():
        listed.sort(key=lambda told: (told["start"], told["end"], told["name"]))
    return {**found, "ignored": len(events) - len(chosen), "left_out": next(iter(left_out), "")}


def _occurrences(calendar: icalendar.Calendar, asked: dict[str, Any]) -> Iterator[Any]:
    """Every occurrence in the time asked for. Raises RefusedError when there are too many."""
    start = datetime.fromtimestamp(asked["after"], UTC) - _MARGIN
    last = datetime.fromtimestamp(asked["until"], UTC) + _MARGIN
    seen: set[tuple[str, str]] = set()
    try:
        query = recurring_ical_events.of(calendar)
        while start < last:
            for one in query.between(start, min(start + _STRIDE, last)):
                mark = (_text(one, "UID"), one["DTSTART"].to_ical().decode())
                if mark not in seen:
                    seen.add(mark)
                    yield one
                if len(seen) > OCCURRENCES:
                    raise RefusedError(
                        f"tells more than {OCCURRENCES} windows and blackouts (does one recur every"
                        " hour or minute? name fewer with the words of this calendar)"
                    )
            start += _STRIDE
    except (ValueError, TypeError, KeyError, OverflowError, AttributeError) as error:
        raise RefusedError(
            f"has an event that makes no sense: {_short(error)} (edit it)"
        ) from error


def _kind(event: Any, asked: dict[str, Any]) -> str | None:  # noqa: ANN401 - the library's own
    """Whether an event is a window, a blackout, or none of our business.

    A cancelled one is nothing, nor is one by which gpuwatch told of a swap; a tentative one cannot
    be relied upon: it is no window yet, but a blackout already.
    """
    status = _text(event, "STATUS").upper()
    texts = [_text(event, "SUMMARY").casefold(), *_categories(event)]
    if status == "CANCELLED" or _text(event, "UID").endswith(PLANNED_UID):
        return None
    if _names(asked["blackouts"], texts):
        return "blackouts"
    return "windows" if status != "TENTATIVE" and _names(asked["windows"], texts) else None


def _names(words: Iterable[str], texts: list[str]) -> bool:
    """Whether a word stands in the summary, or is one of the categories."""
    summary, *categories = texts
    return any(word.casefold() in summary or word.casefold() in categories for word in words)


def _categories(event: Any) -> list[str]:  # noqa: ANN401 - the library's own
    given = event.get("CATEGORIES", [])
    listed = given if isinstance(given, list) else [given]
    return [str(name).casefold() for group in listed for name in getattr(group, "cats", [group])]


def _measure(event: Any, zone: ZoneInfo) -> None:  # noqa: ANN401 - the library's own
    """Note how long an event is. Raises RefusedError when its times cannot be understood."""
    name = _text(event, "SUMMARY") or _text(event, "UID")
    if problem := _senseless(event):
        raise RefusedError(f"event {name!r} {problem} (correct it)")
    try:
        start, end = event.start, event.end
        wall = _wall_seconds(start, end)
    except (icalendar.InvalidCalendar, ValueError, TypeError) as error:
        raise RefusedError(f"event {name!r}: {_short(error)} (correct it)") from error
    if "DURATION" in event and isinstance(start, datetime):
        elapsed = event["DURATION"].dt
    else:
        elapsed = _instant(end, zone) - _instant(start, zone)
    if elapsed < timedelta(0):
        raise RefusedError(f"event {name!r} ends before it starts (correct it)")
    event[_ELAPSED] = f"{elapsed.total_seconds():.0f} {wall:.0f}"


def _senseless(event: Any) -> str:  # noqa: ANN401 - the library's own
    """What makes the times of an event impossible to understand; "" when nothing does."""
    broken = [(name, text) for name, text in event.errors if name in _WHEN]
    if broken:
        return f"says no time in {broken[0][0]}: {broken[0][1]}"
    if "DTSTART" not in event:
        return "has no DTSTART"
    if (often := _frequency(event)) in _TOO_OFTEN:
        return f"recurs too often: {often}"
    named = ("DTSTART", "DTEND", "DURATION", "RECURRENCE-ID")
    if twice := [name for name in named if isinstance(event.get(name), list)]:
        return f"has {twice[0]} more than once"
    times = [event[name] for name in named if name in event]
    # The library takes a time in a zone that it does not know for one without a zone.
    unknown = [
        time.params["TZID"]
        for time in times
        if "TZID" in time.params and isinstance(time.dt, datetime) and time.dt.tzinfo is None
    ]
    return f"is in a zone that nobody knows: {unknown[0]}" if unknown else ""


def _frequency(event: Any) -> str:  # noqa: ANN401 - the library's own
    """How often an event recurs, "" when it does not."""
    rules = event.get("RRULE", {})
    first = rules[0] if isinstance(rules, list) else rules
    return ",".join(first.get("FREQ", []))


def _wall_seconds(start: Any, end: Any) -> float:  # noqa: ANN401 - a date or a datetime
    """How far apart two times are as the library counts, which tells whether it changed one."""
    return float((end - start).total_seconds())


def _told(one: Any, zone: ZoneInfo) -> Event:  # noqa: ANN401 - the library's own
    """One occurrence: its start as wall time made an instant, its end by elapsed time.

    Whole days end at a midnight. One with an end of its own (a period in RDATE) ends then.
    """
    start, end = one["DTSTART"].dt, one["DTEND"].dt
    elapsed, wall = (float(part) for part in _text(one, _ELAPSED).split())
    begun = _instant(start, zone)
    if isinstance(start, datetime) and _wall_seconds(start, end) == wall:
        ended = begun + timedelta(seconds=elapsed)
    else:
        ended = _instant(end, zone)
    return {
        "start": begun.timestamp(),
        "end": ended.timestamp(),
        "name": " ".join(_text(one, "SUMMARY").split())[:NAME_CHARACTERS] or "unnamed",
        "reason": " ".join(_text(one, "DESCRIPTION").split())[:REASON_CHARACTERS],
    }


def _instant(value: date, zone: ZoneInfo) -> datetime:
    """A date is its first midnight; a time without a zone is one of the calendar's zone."""
    wall = datetime(value.year, value.month, value.day)  # noqa: DTZ001 - wall time
    own = None
    if isinstance(value, datetime):
        wall, own = value.replace(tzinfo=None, fold=0), value.tzinfo
    try:
        return resolve(wall, own or zone)
    except OverflowError as error:
        raise RefusedError(f"has an event in the year {value.year} (correct it)") from error


def _unusable(kind: str, told: Event) -> str:
    """Why an occurrence is left out; "" when it is not."""
    if told["end"] <= told["start"]:
        return f"event {told['name']!r} is left out: it has no length (give it an end)"
    if kind == "windows" and told["end"] - told["start"] > LONGEST_WINDOW.total_seconds():
        return f"window {told['name']!r} is left out: it is longer than 7d (split it)"
    return ""


def _text(event: Any, name: str) -> str:  # noqa: ANN401 - the library's own
    value = event.get(name, "")
    return str(value[0] if isinstance(value, list) and value else value)


def _short(error: Exception) -> str:
    return " ".join(str(error).split())[:REASON_CHARACTERS] or type(error).__name__


def main() -> None:
    """Answer the question on the command line, within limits that spare the host."""
    os.nice(10)
    resource.setrlimit(resource.RLIMIT_CPU, (CPU_SECONDS, CPU_SECONDS))
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    sys.stdout.write(json.dumps(answer(json.loads(sys.argv[1]))))


if __name__ == "__main__":
    main()
