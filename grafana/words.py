"""Words: expressions and columns that several dashboards share."""

import json
from collections.abc import Callable

from grafana.model import Colour, Query

BOARD_YEAR = 31_557_600  # seconds
FLAGGED = "instance_uuid:gpuwatch_gpu_flag_due_timestamp_seconds:described"
FOUND = "instance_uuid_code:gpuwatch_gpu_finding:described"
WINDOW_START = "gpuwatch_gpu_flag_window_start_timestamp_seconds"
LIVING = 'state=~"open|in_hands|verifying"'
BOARD = ("instance", "gpu", "slot", "serial", "name", "part_number", "uuid")
NOBODY = "No board is flagged."
NO_FINDING = "Nothing is found."
WORKS = ((0.0, "no", Colour.BLIND), (1.0, "yes", Colour.GOOD))
VERDICTS = {
    "drain_now": Colour.NOW,
    "unknown": Colour.BLIND,
    "replace_at_window": Colour.ACT,
    "reset_at_window": Colour.SOON,
    "watch": Colour.NOTE,
    "healthy": Colour.GOOD,
}  # the gravest first
Words = tuple[tuple[float, str, Colour], ...]
# What a label may be, with a number for each that sorts it, the gravest first.
URGENCIES: Words = (
    (4.0, "page", Colour.NOW),
    (3.0, "window", Colour.ACT),
    (2.0, "info", Colour.NOTE),
    (1.0, "watch", Colour.PLAIN),
)
TO_ACT_ON = URGENCIES[:2]
SUPPLIES: Words = (
    (6.0, "failed", Colour.NOW),
    (5.0, "input_lost", Colour.ACT),
    (4.0, "failing", Colour.SOON),
    (3.0, "absent", Colour.PLAIN),
    (2.0, "standby", Colour.PLAIN),
    (1.0, "present", Colour.GOOD),
)
REDUNDANCIES: Words = (
    (4.0, "insufficient", Colour.NOW),
    (3.0, "lost", Colour.ACT),
    (2.0, "degraded", Colour.SOON),
    (1.0, "full", Colour.GOOD),
)
FLAG_STATES: Words = (
    (5.0, "open", Colour.ACT),
    (4.0, "in_hands", Colour.NOTE),
    (3.0, "verifying", Colour.NOTE),
    (2.0, "closed", Colour.PLAIN),
    (1.0, "dismissed", Colour.PLAIN),
)
ACCEPTANCES: Words = (
    (4.0, "failed", Colour.NOW),
    (3.0, "running", Colour.NOTE),
    (2.0, "accepted_unproven", Colour.SOON),
    (1.0, "accepted", Colour.GOOD),
)


def verdicts(count: Callable[[str], str]) -> tuple[Query, ...]:
    """How many there are of each verdict, the gravest first.

    `count` is an expression for what a matcher like `verdict="watch"` leaves.
    """
    return tuple(
        Query(count(f'verdict="{verdict}"'), verdict.replace("_", " "), colour=colour)
        for verdict, colour in VERDICTS.items()
    )


def graded(found: Callable[[str], str], label: str, words: Words) -> str:
    """Series of 1 as the numbers that `words` name by a label, the gravest first.

    `found` is an expression for what a matcher like `urgency="page"` leaves.
    """
    each = (f"{number:g} * ({found(f'{label}=' + json.dumps(name))})" for number, name, _ in words)
    return f"sort_desc({' or '.join(each)})"


def counted(expr: str) -> str:
    """How many series there are: 0 only while agents answer and rules run, else nothing."""
    return f"count({expr}) or 0 * (gpuwatch:up:sum > 0)"


def summed(expr: str) -> str:
    """A sum that is 0 without series, only while agents answer and rules run."""
    return f"sum({expr}) or 0 * (gpuwatch:up:sum > 0)"


def milliseconds(expr: str) -> str:
    """An instant as Grafana's dates want it."""
    return f"1000 * ({expr})"
