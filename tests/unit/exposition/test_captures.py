"""A capture's document tells all that is known of a board at one instant, and what followed."""

import json
from dataclasses import replace
from typing import Any

from gpuwatch.domain.captures import LONGEST, Occasion
from gpuwatch.domain.events import Event, EventKind, EventSource
from gpuwatch.domain.kernel_lines import KernelLine
from gpuwatch.domain.snapshot import Latest, Snapshot
from gpuwatch.domain.trails import Stretch, Trail
from gpuwatch.exposition.captures import Driver, Scene, capture_document, settled_document
from gpuwatch.sources.nvml_signals import TABLE
from tests.support.golden import assert_golden
from tests.support.snapshots import AT, BOOT, rich_snapshot

SNAPSHOT = rich_snapshot()
RISING, GONE = 2, 6
ADDRESS = "0000:3b:00.0"
TRAIL = Trail(
    (Stretch(number=3, means={"gpuwatch_gpu_power_watts": 410.5}, together={"a": 1.0}),),
    (Stretch(number=1, rises={"b": 2.0}),),
)
XID = "NVRM: Xid (PCI:0000:3b:00): 48, pid=4242, name=python3, DBE (double bit error)"


def _line(number: int, text: str = XID, pci_address: str = ADDRESS) -> KernelLine:
    return KernelLine(
        at=AT - 60.0 + number,
        text=text,
        boot_id=BOOT,
        usec=number,
        priority=3,
        pci_address=pci_address,
    )


def _event(number: int, at: float) -> Event:
    return Event(
        kind=EventKind.XID,
        at=at,
        source=EventSource.KERNEL_LOG,
        identity=f"x/{number}",
        boot_id=BOOT,
        pci_address=ADDRESS,
        code=48,
    )


def _scene(gpu: int = RISING, **changes: Any) -> Scene:  # noqa: ANN401 - of any field
    state = SNAPSHOT.gpus[gpu]
    scene = Scene(
        snapshot=SNAPSHOT,
        gpu=state,
        driver=Driver(condition="ready", library="580.95.05", cuda="13.0"),
        latest=state.latest,
        before=state.latest[:2],
        trail=TRAIL,
        lines=(_line(1), _line(2, "NVRM: hello", "")),
        events=(_event(1, AT - 59.0),),
    )
    return replace(scene, **changes)


def _document(**changes: Any) -> dict[str, Any]:  # noqa: ANN401 - of any field
    return capture_document(_scene(**changes), Occasion.INCIDENT, "an uncorrectable error")


def _later(seconds: float = 60.0) -> Snapshot:
    moment = replace(
        SNAPSHOT.at, wall=SNAPSHOT.at.wall + seconds, boottime=SNAPSHOT.at.boottime + seconds
    )
    return replace(SNAPSHOT, at=moment)


def test_the_capture_of_a_bad_night_is_the_golden_one() -> None:
    """Every field of it, for one scenario in which no two numbers are equal."""
    text = json.dumps(_document(skipped=7), indent=1, sort_keys=True, allow_nan=False)

    assert_golden("capture.json", text + "\n")


def test_readings_come_with_their_units_and_gaps_with_their_reasons() -> None:
    """A gap has no value: it is not zero."""
    told = {
        one["signal"]: one for one in _document(gpu=5, latest=SNAPSHOT.gpus[5].latest)["readings"]
    }

    assert told["gpuwatch_gpu_power_watts"] == {
        "signal": "gpuwatch_gpu_power_watts",
        "value": None,
        "unit": "watts",
        "gap": "denied",
        "code": 12,
        "read_at": "2026-03-14T03:12:03.875Z",
    }
    assert (
        told["gpuwatch_gpu_temperature_celsius"]["value"],
        told["gpuwatch_gpu_temperature_celsius"]["gap"],
    ) == (46.0, None)


def test_a_board_that_is_gone_is_told_by_what_it_said_before() -> None:
    """The readings that are not trusted any more are what is known of it."""
    before = SNAPSHOT.gpus[RISING].latest
    document = _document(gpu=GONE, latest=(), before=before)

    assert document["readings"] == []
    assert len(document["readings_before"]) == len(before)
    assert document["board"]["present"] is False


def test_the_others_are_told_in_short() -> None:
    """With what holds of them, and without the board itself."""
    others = _document()["others"]

    assert len(others) == 7
    assert SNAPSHOT.gpus[RISING].record.key.uuid not in {one["uuid"] for one in others}
    assert [one["findings"][0]["code"] for one in others if one["index"] == 3] == [
        "row-remap-failed"
    ]


def test_only_the_bmcs_of_this_host_are_told_with_the_entries_of_a_day() -> None:
    """What another server's log says is not of this board."""
    today, tomorrow = _document()["bmcs"], _document(snapshot=_later(86_400.0))["bmcs"]

    assert [bmc["name"] for bmc in today] == ["main", "hgx"]
    assert len(today[0]["entries"]) > 0
    assert tomorrow[0]["entries"] == []


def test_nothing_is_invented_while_no_driver_is_loaded() -> None:
    """Nor while nobody told anything yet."""
    document = _document(snapshot=replace(SNAPSHOT, epoch=None), driver=Driver())

    assert set(document["driver"].values()) == {""}
    assert document["afterwards"] is None


def test_what_followed_is_added_and_what_was_there_stays() -> None:
    """Readings of then are not written over; lines and events are each there once."""
    document = _document()
    scene = _scene(
        snapshot=_later(),
        latest=SNAPSHOT.gpus[RISING].latest[:1],
        lines=(_line(1), _line(2, "NVRM: hello", ""), _line(3)),
        events=(_event(2, AT - 10.0), _event(1, AT - 59.0)),
    )
    settled = settled_document(document, scene)

    assert settled["readings"] == document["readings"]
    assert [line["usec"] for line in settled["kernel_lines"]] == [1, 2, 3]
    identities = [event["identity"] for event in settled["events"]]
    assert [identity for identity in identities if identity.startswith("x/")] == ["x/2", "x/1"]
    assert len(set(identities)) == len(identities)
    assert settled["afterwards"]["told_at"] == "2026-03-14T03:13:07.000Z"
    assert len(settled["afterwards"]["readings"]) == 1
    assert settled["cut"] == document["cut"]


def test_a_flood_that_followed_leaves_what_came_before() -> None:
    """How it began is worth more than how it went on."""
    document = _document()
    flood = tuple(_line(number) for number in range(3, 403))
    again = settled_document(document, _scene(lines=flood))
    settled = settled_document(again, _scene(lines=tuple(_line(n) for n in range(500, 900))))

    assert [line["usec"] for line in settled["kernel_lines"][:3]] == [1, 2, 3]
    assert len(settled["kernel_lines"]) == LONGEST
    assert settled["cut"][-1] == "290 kernel lines that followed are left out"


def test_a_flood_of_long_lines_that_followed_leaves_what_came_before() -> None:
    """Also where both together are too large: what followed is cut, and that is said."""
    full = tuple(Latest(signal=one, value=123_456, at=AT) for one in TABLE)
    first = [_line(number, f"first {number:0200d}") for number in range(100)]
    flood = [_line(1_000 + number, f"later {number:0990d}") for number in range(400)]
    document = _document(latest=full, before=full, lines=tuple(first))

    settled = settled_document(document, _scene(snapshot=_later(), latest=full, lines=tuple(flood)))

    told = [line["text"] for line in settled["kernel_lines"]]
    assert [text for text in told if text.startswith("first")] == [line.text for line in first]
    assert 0 < len(told) - len(first) < len(flood)
    assert settled["cut"][-1].endswith("kernel lines that followed are left out")
