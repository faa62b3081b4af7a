"""Captures by the agent's own loop: at the instant, once, completed, and no danger to anybody."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from gpuwatch.agent.guard import CAPTURE
from gpuwatch.domain.captures import FOLLOWS_SECONDS, SETTLES_SECONDS, Capture, Occasion
from gpuwatch.domain.kernel_lines import KernelLine
from gpuwatch.history.reader import Reader
from tests.support.driven import COUNTER_PLACES, DrivenHost, Part
from tests.support.histories import board_key

SLOT = 1


@pytest.fixture
def host(tmp_path: Path) -> Iterator[DrivenHost]:
    """A host of two boards that were read for a while."""
    folder = tmp_path / "state"
    folder.mkdir()
    host = DrivenHost(folder)
    host.slots = {0: Part(0), SLOT: Part(SLOT)}
    _start(host)
    yield host
    if host.running:
        host.stop()


def _start(host: DrivenHost) -> None:
    host.open()
    host.agent.memory.captures.begin(host.clock.now())
    host.start()
    for _ in range(3):
        _pulse(host)


def _pulse(host: DrivenHost, seconds: float = 10.0) -> None:
    """One round of sweeps, and the end of the loop's turn."""
    host.pulse(seconds)
    host.agent.capture()


def _part(host: DrivenHost, slot: int = SLOT) -> Part:
    part = host.slots[slot]
    assert part is not None
    return part


def _log(host: DrivenHost, *codes: int) -> None:
    """The kernel logs these, and the agent reads them as one turn."""
    for code in codes:
        host.log_line(SLOT, code)
    host.deliver_log()
    host.agent.capture()


def _captures(host: DrivenHost, slot: int = SLOT) -> tuple[Capture, ...]:
    return host.agent.history.captures(board_key(slot))


def _values(readings: list[dict[str, Any]]) -> dict[str, Any]:
    return {one["signal"]: one["value"] for one in readings}


def _line(host: DrivenHost, text: str) -> KernelLine:
    now = host.clock.now()
    return KernelLine(at=now.wall, text=text, boot_id=now.boot_id, usec=round(now.boottime * 1e6))


def _fail(*_: object) -> None:
    raise ValueError("a mistake")


def test_quiet_operation_captures_nothing(host: DrivenHost) -> None:
    """Nothing is read, made or written."""
    for _ in range(30):
        _pulse(host)

    assert _captures(host) == ()
    assert host.agent.memory.captures._made == {}


def test_an_incident_is_captured_with_what_was_read_before_and_at_it(host: DrivenHost) -> None:
    """Of that board alone, with the verdict that came of it."""
    _part(host).fail("dram", 1)
    _pulse(host)

    (capture,) = _captures(host)
    counter = "gpuwatch_gpu_ecc_uncorrected_volatile_errors_total"
    assert (capture.occasion, capture.settled) == (Occasion.INCIDENT, False)
    assert _values(capture.document["readings"])[counter] == 1
    assert _values(capture.document["readings_before"])[counter] == 0
    assert [one["code"] for one in capture.document["findings"]] == ["recent-uncorrectable-error"]
    assert _captures(host, 0) == ()


def test_an_error_storm_is_one_capture(host: DrivenHost) -> None:
    """One for the incident, not one for each of its signals."""
    for _ in range(20):
        _part(host).fail("dram", 1)
        _log(host, 48, 63, 95)
        _pulse(host)

    assert [one.occasion for one in _captures(host)] == [Occasion.INCIDENT]


def test_a_fall_off_the_bus_is_captured_with_the_last_readings(host: DrivenHost) -> None:
    """The board does not answer any more; many lines and sweeps say so."""
    _log(host, 79)
    _part(host).fallen = True
    _log(host, 79)
    for _ in range(5):
        _pulse(host)

    first, *more = _captures(host)
    assert (first.occasion, more) == (Occasion.OFF_BUS, [])
    assert "it fell off the bus" in first.document["because"]
    assert len(first.document["readings"]) == len(first.document["readings_before"]) > 5


def test_a_flag_without_an_incident_is_captured_and_one_with_it_is_not(host: DrivenHost) -> None:
    """A row remap that fails tells of itself by a flag only."""
    _part(host).failed = 1
    _pulse(host)

    (capture,) = _captures(host)
    assert capture.occasion is Occasion.FLAG
    assert "row-remap-failed" in capture.document["because"]
    assert capture.document["board"]["flags"][0]["code"] == "row-remap-failed"


def test_what_is_told_a_moment_later_is_added_at_once(host: DrivenHost) -> None:
    """The counter was read before the kernel's lines were: a crash must not cost them."""
    lines: list[KernelLine] = []
    host.agent.memory.captures.lines = lambda: tuple(lines)
    _part(host).fail("dram", 1)
    _pulse(host)
    (first,) = _captures(host)
    lines.append(_line(host, "NVRM: told a moment later"))
    host.clock.pass_seconds(FOLLOWS_SECONDS)
    host.agent.capture()

    (followed,) = _captures(host)
    assert first.document["kernel_lines"] == []
    assert [line["text"] for line in followed.document["kernel_lines"]] == [
        "NVRM: told a moment later"
    ]
    assert (followed.settled, followed.document["afterwards"]) == (False, None)


def test_what_followed_in_the_next_minute_is_added_once(host: DrivenHost) -> None:
    """Readings of then stay, and the lines that came since stand behind those that were there."""
    lines = [_line(host, "NVRM: first")]
    host.agent.memory.captures.lines = lambda: tuple(lines)
    _log(host, 48)
    for _ in range(5):
        _pulse(host)
    early = _captures(host)
    lines.append(_line(host, "NVRM: later"))
    for _ in range(2):
        _pulse(host)
    (settled,) = _captures(host)
    for _ in range(10):
        _pulse(host)

    assert not early[0].settled
    assert early[0].document["afterwards"] is None
    assert settled.settled
    assert [line["text"] for line in settled.document["kernel_lines"]] == [
        "NVRM: first",
        "NVRM: later",
    ]
    assert settled.document["readings"] == early[0].document["readings"]
    assert (
        settled.document["afterwards"]["uptime_seconds"]
        >= settled.document["uptime_seconds"] + SETTLES_SECONDS
    )
    assert _captures(host) == (settled,)


def test_each_capture_has_a_minute_of_its_own(host: DrivenHost) -> None:
    """What happens to a second board meanwhile is not settled with the first."""
    _part(host).fail("dram", 1)
    _pulse(host)
    host.clock.pass_seconds(SETTLES_SECONDS / 2)
    _part(host, 0).fail("dram", 1)
    _pulse(host)
    host.clock.pass_seconds(SETTLES_SECONDS / 2)

    _pulse(host, 0.0)

    assert [[one.settled for one in _captures(host, slot)] for slot in (SLOT, 0)] == [
        [True],
        [False],
    ]


def test_boards_that_fail_together_are_all_completed(host: DrivenHost) -> None:
    """Also when the loop turns late: what was completed is not opened again."""
    for part in host.parts:
        part.fail("dram", 1)
    _pulse(host)
    host.clock.pass_seconds(SETTLES_SECONDS)
    host.agent.capture()
    host.clock.pass_seconds(SETTLES_SECONDS)
    host.agent.capture()

    assert [[one.settled for one in _captures(host, slot)] for slot in (0, SLOT)] == [[True]] * 2


@pytest.mark.parametrize("boots", [False, True])
def test_an_agent_that_was_killed_leaves_the_first_part_and_the_next_one_completes_it(
    host: DrivenHost, *, boots: bool
) -> None:
    """Also after a reboot, which takes nothing of it along; with what is there then."""
    _log(host, 48)
    host.clock.pass_seconds(2.0)
    host.kill()
    reader = Reader.open(host.folder / "history.db")
    (left,) = reader.captures(board_key(SLOT))
    reader.close()
    if boots:
        host.reboot()
    _start(host)
    (before,) = _captures(host)
    for _ in range(6):
        _pulse(host)

    (after,) = _captures(host)
    assert (left.settled, before.settled, after.settled) == (False, False, True)
    assert after.document["readings"] == left.document["readings"] != []
    assert after.document["afterwards"]["readings"] != []
    assert (after.document["afterwards"]["boot_id"] == left.document["boot_id"]) is not boots


def _break(host: DrivenHost) -> None:
    _part(host).failed = 1
    host.pulse()


@pytest.mark.parametrize(
    ("happens", "occasion"),
    [
        (lambda host: host.log_line(SLOT, 48), Occasion.INCIDENT),
        (lambda host: host.log_line(SLOT, 79), Occasion.OFF_BUS),
        (_break, Occasion.FLAG),
    ],
)
@pytest.mark.parametrize("boots", [False, True])
def test_what_a_killed_agent_could_not_capture_is_made_up_by_the_next_one(
    host: DrivenHost, happens: Callable[[DrivenHost], object], occasion: Occasion, *, boots: bool
) -> None:
    """Once, also after a reboot; it says when it happened, and that it is late."""
    happens(host)
    host.deliver_log()
    host.kill()
    host.clock.pass_seconds(2.0)
    if boots:
        host.reboot()
    _start(host)
    (late,) = _captures(host)
    host.stop()
    _start(host)

    assert [one.number for one in _captures(host)] == [late.number]
    assert late.occasion == occasion
    assert late.document["because"].endswith("and the agent of that time could not capture it")
    assert "captured only when the agent was started again" in late.document["cut"][0]
    assert late.document["readings"] != []
    assert _captures(host, 0) == ()


def test_a_board_that_does_not_answer_is_captured_late_all_the_same(host: DrivenHost) -> None:
    """After a minute; there may be lines of the kernel yet."""
    host.log_line(SLOT, 48)
    host.deliver_log()
    host.kill()
    _part(host).gaps = frozenset(COUNTER_PLACES)
    _start(host)
    before = _captures(host)
    for _ in range(6):
        _pulse(host)

    assert before == ()
    assert [one.occasion for one in _captures(host)] == [Occasion.INCIDENT]


def test_what_is_captured_for_another_reason_is_not_captured_late(host: DrivenHost) -> None:
    """The board is gone when the agent starts again: one capture has it all."""
    host.log_line(SLOT, 48)
    host.deliver_log()
    host.kill()
    _part(host).gone = True
    _start(host)
    for _ in range(8):
        _pulse(host)

    assert [one.occasion for one in _captures(host)] == [Occasion.OFF_BUS]


def test_a_file_that_could_be_opened_late_brings_no_incident_anew(
    host: DrivenHost, tmp_path: Path
) -> None:
    """A further error of an incident that it knows opened none, and is no capture of its own."""
    path, kept = host.folder / "history.db", tmp_path / "kept.db"
    _part(host).fail("dram", 1)
    _pulse(host)
    host.clock.pass_seconds(2 * 86400.0)
    host.stop()
    path.rename(kept)
    path.mkdir()
    _start(host)
    path.rmdir()
    kept.rename(path)
    _pulse(host)
    known = len(_captures(host))

    _part(host).fail("dram", 1)
    _pulse(host)

    (incident,) = host.agent.history.records()[board_key(SLOT)].incidents
    assert len(incident.signals) == 2
    assert (known, len(_captures(host))) == (1, 1)


def test_an_error_of_which_only_the_file_tells_is_captured_once_it_is_open(
    host: DrivenHost, tmp_path: Path
) -> None:
    """The counter rose while the agent was off, and then nobody could see from what."""
    path, kept = host.folder / "history.db", tmp_path / "kept.db"
    host.stop()
    path.rename(kept)
    path.mkdir()
    _part(host).fail("dram", 1)
    _start(host)
    before = _captures(host)
    path.rmdir()
    kept.rename(path)
    _pulse(host)

    assert before == ()
    assert [one.occasion for one in _captures(host)] == [Occasion.INCIDENT]


def test_what_is_long_over_is_not_captured_late(host: DrivenHost) -> None:
    """After an upgrade from a release without captures nothing of years ago is captured."""
    host.log_line(SLOT, 48)
    host.deliver_log()
    host.kill()
    host.clock.pass_seconds(25 * 3600.0)
    _start(host)
    for _ in range(8):
        _pulse(host)

    assert _captures(host) == ()


def test_a_capture_that_fails_costs_nothing_but_itself(
    host: DrivenHost, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The incident stands, the loop goes on, the failure is counted, and nothing is tried again."""
    monkeypatch.setattr(host.agent.memory.captures, "lines", _fail)
    _log(host, 48)
    for _ in range(10):
        _pulse(host)

    records = host.agent.history.records()
    assert len(records[board_key(SLOT)].incidents) == 1
    assert _captures(host) == ()
    assert host.agent.guard.failures[CAPTURE] == 1
    assert host.agent.snapshot.at == host.clock.now()


def test_what_cannot_be_completed_is_closed_and_says_so(
    host: DrivenHost, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is not tried for ever."""
    _log(host, 48)
    monkeypatch.setattr("gpuwatch.agent.captures.settled_document", _fail)
    for _ in range(20):
        _pulse(host)

    (capture,) = _captures(host)
    assert capture.settled
    assert capture.document["cut"] == ["what followed could not be added (see gpuwatch's log)"]
    assert host.agent.guard.failures[CAPTURE] == 1


def test_a_board_that_nobody_remembers_is_not_captured(host: DrivenHost) -> None:
    """There is nothing to keep, and nobody to keep it of."""
    host.agent.memory.captures.want(board_key(9), Occasion.FLAG, "a mistake")
    host.agent.capture()

    assert host.agent.guard.failures[CAPTURE] == 0
    assert host.agent.history.unsettled_captures() == ()


def test_a_fall_that_comes_with_an_incident_is_captured_with_it(host: DrivenHost) -> None:
    """What tells of the fall once more a moment later is no capture of its own."""
    captures, (board, now) = host.agent.memory.captures, (board_key(SLOT), "gone")
    captures.want(board, Occasion.INCIDENT, "an error")
    captures.want(board, Occasion.OFF_BUS, now)
    host.agent.capture()
    captures.want(board, Occasion.OFF_BUS, now)
    host.agent.capture()

    assert [one.occasion for one in _captures(host)] == [Occasion.INCIDENT]


def test_what_could_not_be_read_when_its_minute_was_over_is_looked_for_again(
    host: DrivenHost, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A disk that is sick at that moment leaves no capture unfinished."""
    _log(host, 48)
    history = host.agent.history
    with monkeypatch.context() as sick:
        sick.setattr(type(history), "unsettled_captures", lambda _: ())
        sick.setattr(type(history), "degraded", property(lambda _: ("io-error",)))
        for _ in range(8):
            _pulse(host)
    unfinished = [one.settled for one in _captures(host)]
    for _ in range(8):
        _pulse(host)

    assert unfinished == [False]
    assert [one.settled for one in _captures(host)] == [True]
