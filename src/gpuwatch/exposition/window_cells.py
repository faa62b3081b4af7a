"""Window cells: what is to come as tables: windows with their flags, blackouts, calendars."""

from gpuwatch.domain.snapshot import Snapshot
from gpuwatch.domain.windows import Blackout, CalendarState, Window
from gpuwatch.exposition.cells import planned, table, unknown, when
from gpuwatch.exposition.markup import Markup, join, tag
from gpuwatch.exposition.views import next_window, window_is_open
from gpuwatch.exposition.window_documents import window_document
from gpuwatch.exposition.words import plural

_SHOWN = 4
_WINDOW_HEADINGS = ("window", "from", "until", "flags", "room for")
_BLACKOUT_HEADINGS = ("blackout", "from", "until", "why")


def windows(snapshot: Snapshot) -> Markup:
    """The next window in a sentence, those after it, and what stands in the way."""
    outlook = snapshot.outlook
    return join(
        next_window_line(snapshot),
        _table(snapshot),
        *(
            tag(
                "p",
                f"Window {one.window.name} of ",
                planned(one.window.start.timestamp()),
                f" is not used: the blackout {one.blackout.name} touches it.",
            )
            for one in outlook.blocked[:_SHOWN]
        ),
        _blackouts(snapshot),
        *(_calendar(snapshot, calendar) for calendar in outlook.calendars),
    )


def next_window_line(snapshot: Snapshot) -> Markup:
    """The window that is open, or the first to come, or what is missing for there to be one."""
    window = next_window(snapshot)
    if window is None:
        return tag("p", "No maintenance window is coming ([[windows]], [[calendars]]).")
    start, end = window.start.timestamp(), window.end.timestamp()
    if window_is_open(snapshot):
        return tag(
            "p",
            tag("strong", f"Window {window.name} is open"),
            " until ",
            planned(end),
            " (",
            when(end, snapshot),
            ").",
        )
    return tag(
        "p",
        f"Next window: {window.name}, ",
        planned(start),
        " (",
        when(start, snapshot),
        "), until ",
        planned(end),
        ".",
    )


def _table(snapshot: Snapshot) -> Markup:
    """The next windows, and every later one that a flag is planned into."""
    coming = sorted(snapshot.windows)
    flagged = [one for one in coming[_SHOWN:] if window_document(snapshot, one)["flags"]]
    rows = [(None, _window_row(snapshot, one)) for one in (*coming[:_SHOWN], *flagged)]
    return table(_WINDOW_HEADINGS, rows, "") if rows else join()


def _window_row(snapshot: Snapshot, window: Window) -> tuple[str, ...]:
    document = window_document(snapshot, window)
    flags = ", ".join(str(number) for number in document["flags"])
    source = "" if window.source == "settings" else f" ({window.source})"
    return (
        f"{window.name}{source}",
        planned(window.start.timestamp()),
        planned(window.end.timestamp()),
        flags or "none",
        plural(document["free"], "board"),
    )


def _blackouts(snapshot: Snapshot) -> Markup:
    rows = [(None, _blackout_row(snapshot, one)) for one in snapshot.outlook.blackouts[:_SHOWN]]
    return table(_BLACKOUT_HEADINGS, rows, "") if rows else join()


def _blackout_row(snapshot: Snapshot, blackout: Blackout) -> tuple[str, ...]:
    held = blackout.covers(snapshot.at.utc)
    source = "" if blackout.source == "settings" else f" ({blackout.source})"
    return (
        f"{blackout.name}{source}",
        tag("strong", "holds now") if held else planned(blackout.start.timestamp()),
        planned(blackout.end.timestamp()),
        blackout.reason or "no reason given",
    )


def _calendar(snapshot: Snapshot, calendar: CalendarState) -> Markup:
    if calendar.problem:
        return tag("p", f"Calendar {calendar.name}: {calendar.problem}.", class_="trouble")
    if calendar.read_at is None:
        return tag("p", f"Calendar {calendar.name}: ", unknown("not read yet"))
    told = f"{plural(len(calendar.windows), 'window')} and"
    told += f" {plural(len(calendar.blackouts), 'blackout')}"
    read = when(calendar.read_at, snapshot)
    return tag("p", f"Calendar {calendar.name}: {told}, read ", read, ".", class_="quiet")
