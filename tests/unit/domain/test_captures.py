"""A capture is made when it tells something new, and its document stays small."""

import json
from typing import Any

import pytest

from gpuwatch.domain.captures import LEAST, Occasion, bounded, fits, recently

NOW = 100_000.0
INCIDENT, OFF_BUS, FLAG = Occasion


@pytest.mark.parametrize("occasion", Occasion)
def test_a_board_of_which_nothing_was_captured_is_captured(occasion: Occasion) -> None:
    """For whatever it is."""
    assert not recently((), occasion, NOW)


@pytest.mark.parametrize(
    ("before", "ago", "occasion", "expected"),
    [
        (INCIDENT, 1.0, INCIDENT, False),
        (OFF_BUS, 3599.0, OFF_BUS, True),
        (OFF_BUS, 3600.0, OFF_BUS, False),
        (INCIDENT, 1.0, OFF_BUS, False),
        (INCIDENT, 3599.0, FLAG, True),
        (OFF_BUS, 3599.0, FLAG, True),
        (FLAG, 3599.0, FLAG, True),
        (FLAG, 3600.0, FLAG, False),
        (FLAG, -1.0, FLAG, False),
    ],
)
def test_a_storm_is_captured_once(
    before: Occasion, ago: float, occasion: Occasion, *, expected: bool
) -> None:
    """Every incident, a fall off the bus once an hour, a flag where nothing tells of it yet."""
    assert recently([(before, NOW - ago)], occasion, NOW) is expected


def _document(lines: int, events: int = 0, incidents: int = 0, entries: int = 0) -> dict[str, Any]:
    return {
        "readings": ["x" * 100] * 20,
        "kernel_lines": [f"{number:0100d}" for number in range(lines)],
        "events": [f"{number:0100d}" for number in range(events)],
        "board": {"serial": "1", "incidents": [f"{number:0100d}" for number in range(incidents)]},
        "bmcs": [{"name": "b", "entries": [f"{number:0100d}" for number in range(entries)]}],
        "cut": ["told before"],
    }


def test_a_small_document_stays_as_it_is() -> None:
    """Nothing is said of what was not done."""
    document = _document(2, 2, 2, 2)

    assert bounded(document) == document


def test_a_large_document_loses_the_oldest_of_its_lists() -> None:
    """Lines and incidents come oldest first, events and entries latest first; one list suffices."""
    cut = bounded(_document(500, 100, 300, 40), limit_bytes=40_000)

    assert len(json.dumps(cut)) <= 41_000
    assert (len(cut["kernel_lines"]), int(cut["kernel_lines"][-1])) == (64, 499)
    assert (len(cut["events"]), int(cut["events"][0])) == (64, 0)
    assert [int(one) for one in cut["board"]["incidents"]] == [*range(236, 300)]
    assert len(cut["bmcs"][0]["entries"]) == 40
    said, told = cut["cut"]
    assert said == "told before"
    assert told == (
        "of kernel lines, events, incidents and log entries the latest 64 each are kept: "
        "the document was too large"
    )


def test_readings_are_never_cut_and_the_latest_of_each_list_stay() -> None:
    """They are what a capture is for, however large they make it."""
    document = _document(300, 300, 300, 300)
    cut = bounded(document, limit_bytes=10)

    assert cut["readings"] == document["readings"]
    assert [int(line) for line in cut["kernel_lines"]] == [*range(236, 300)]
    assert (len(cut["events"]), len(cut["board"]["incidents"])) == (LEAST, LEAST)
    assert "the latest 64 each are kept" in cut["cut"][-1]


def test_what_need_not_be_cut_fits() -> None:
    """By its size as text."""
    assert fits(_document(100))
    assert not fits(_document(3_000))
