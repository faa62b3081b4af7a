"""Event logs over Redfish: each entry is told once, whatever becomes of its log meanwhile."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from gpuwatch.domain.bmc_logs import LogBatch, LogSeverity, LogTopic
from simulator.bmc.certificate import Certificate
from simulator.bmc.redfish import Fault, RedfishBmc
from simulator.bmc.redfish_answers import Behaviour
from simulator.bmc.redfish_servers import BASEBOARD, gpu_server, rack_server
from tests.support.redfish import Asked, asking, settings_of

SEL = "Systems/1/LogServices/SEL"
XIDS = f"Systems/{BASEBOARD}/LogServices/EventLog"


@contextmanager
def _asked(
    certificate: Certificate, behaviour: Behaviour | None = None, entries: int = 0
) -> Iterator[tuple[RedfishBmc, Asked]]:
    """A rack server with so many entries in its log, asked."""
    with (
        RedfishBmc(rack_server(), certificate, behaviour) as bmc,
        asking(settings_of(bmc)) as asked,
    ):
        _write(bmc, entries)
        yield bmc, asked


def _write(bmc: RedfishBmc, entries: int) -> None:
    for number in range(entries):
        bmc.log(SEL, f"entry {number}")


def _of(batches: list[LogBatch], log: str = SEL) -> list[LogBatch]:
    return [batch for batch in batches if batch.log == log]


def _texts(batches: list[LogBatch]) -> list[str]:
    return [entry.text for batch in _of(batches) for entry in batch.entries]


def _flags(batches: list[LogBatch]) -> list[tuple[bool, bool, bool]]:
    return [(batch.baseline, batch.cleared, batch.wrapped) for batch in _of(batches)]


MANNERS = {
    "plain": Behaviour(),
    "pages": Behaviour(page=10),
    "newest first": Behaviour(newest_first=True),
    "newest first, pages": Behaviour(newest_first=True, page=10),
    "cannot skip": Behaviour(skips=False, page=10),
    "links, expanded": Behaviour(inline=False, page=10),
    "links, one by one": Behaviour(inline=False, expands=False, page=50),
}


@pytest.mark.parametrize("behaviour", MANNERS.values(), ids=MANNERS)
def test_a_log_is_a_baseline_at_first_and_then_told_on(
    certificate: Certificate, behaviour: Behaviour
) -> None:
    """In whatever order and portions the service tells it."""
    with _asked(certificate, behaviour, entries=34) as (bmc, asked):
        first, quiet = asked.logs(), asked.logs()
        bmc.log(SEL, "one")
        bmc.log(SEL, "two")
        then = asked.logs()

    assert _texts(first) == [f"entry {number}" for number in range(34)]
    assert _flags(first) == [(True, False, False)]
    assert quiet == []
    assert _texts(then) == ["one", "two"]
    assert _flags(then) == [(False, False, False)]


@pytest.mark.parametrize("behaviour", MANNERS.values(), ids=MANNERS)
def test_a_later_child_goes_on_from_the_position(
    certificate: Certificate, behaviour: Behaviour
) -> None:
    """Nothing is told twice, and nothing lost that was written in between."""
    with _asked(certificate, behaviour, entries=34) as (bmc, asked):
        position = _of(asked.logs())[-1].position
        bmc.log(SEL, "between")
        with asking(settings_of(bmc, positions={SEL: position})) as later:
            then = later.logs()

    assert _texts(then) == ["between"]
    assert _flags(then) == [(False, False, False)]


@pytest.mark.parametrize("behaviour", MANNERS.values(), ids=MANNERS)
@pytest.mark.parametrize("entries", [0, 1])
def test_a_short_log_is_told_on(
    certificate: Certificate, behaviour: Behaviour, entries: int
) -> None:
    """In which order it is told shows only when there are two entries."""
    with _asked(certificate, behaviour, entries=entries) as (bmc, asked):
        told = [asked.logs()]
        for text in ("one", "two", "three"):
            bmc.log(SEL, text)
            told.append(asked.logs())

    assert [_texts(batches) for batches in told[1:]] == [["one"], ["two"], ["three"]]


def test_a_clock_that_leapt_back_turns_no_log_around(certificate: Certificate) -> None:
    """The ids count on: a BMC that lost its time writes 1970 behind 2025."""
    with _asked(certificate, entries=2) as (bmc, asked):
        bmc.log(SEL, "without a time", Created="1970-01-01T00:00:09Z")
        first = asked.logs()
        bmc.log(SEL, "another", Created="1970-01-01T00:00:10Z")
        then = asked.logs()

    assert _texts(first) == ["entry 0", "entry 1", "without a time"]
    assert _texts(then) == ["another"]


def test_an_unreadable_position_makes_a_baseline(certificate: Certificate) -> None:
    """Of another version, say: old entries must not become news."""
    with RedfishBmc(rack_server(), certificate) as bmc:
        _write(bmc, 3)
        with asking(settings_of(bmc, positions={SEL: "what"})) as asked:
            told = asked.logs()

    assert _flags(told) == [(True, False, False)]


@pytest.mark.parametrize("behaviour", MANNERS.values(), ids=MANNERS)
def test_a_log_that_another_tool_cleared_is_told(
    certificate: Certificate, behaviour: Behaviour
) -> None:
    """Once, with what was written since; numbers that begin anew are no entries of before."""
    with _asked(certificate, behaviour, entries=34) as (bmc, asked):
        asked.logs()
        bmc.clear_log(SEL)
        empty = asked.logs()
        bmc.log(SEL, "new", Created="2030-01-01T00:00:00Z")
        then = asked.logs()
        quiet = asked.logs()

    assert (_texts(empty), _flags(empty)) == ([], [(False, True, False)])
    assert (_texts(then), _flags(then)) == (["new"], [(False, False, False)])
    assert quiet == []


@pytest.mark.parametrize("behaviour", MANNERS.values(), ids=MANNERS)
def test_a_log_cleared_and_filled_between_two_sweeps_is_told(
    certificate: Certificate, behaviour: Behaviour
) -> None:
    """Its first numbers were seen before, on other entries."""
    with _asked(certificate, behaviour, entries=5) as (bmc, asked):
        asked.logs()
        bmc.clear_log(SEL)
        for number in range(8):
            bmc.log(SEL, f"new {number}", Created=f"2030-01-01T00:00:0{number}Z")
        then = asked.logs()

    assert _texts(then) == [f"new {number}" for number in range(8)]
    assert _flags(then) == [(False, True, False)]


@pytest.mark.parametrize("behaviour", MANNERS.values(), ids=MANNERS)
def test_a_full_log_that_wraps_slowly_loses_nothing(
    certificate: Certificate, behaviour: Behaviour
) -> None:
    """Old entries go, and those that were not told yet are there."""
    with _asked(certificate, behaviour) as (bmc, asked):
        bmc.tree.resources[SEL]["MaxNumberOfRecords"] = 20
        _write(bmc, 20)
        asked.logs()
        bmc.log(SEL, "21st")
        bmc.log(SEL, "22nd")
        then = asked.logs()

    assert _texts(then) == ["21st", "22nd"]
    assert _flags(then) == [(False, False, False)]


@pytest.mark.parametrize("behaviour", MANNERS.values(), ids=MANNERS)
def test_a_log_that_wrapped_past_us_is_told(certificate: Certificate, behaviour: Behaviour) -> None:
    """More came between two sweeps than the log holds."""
    with _asked(certificate, behaviour) as (bmc, asked):
        bmc.tree.resources[SEL]["MaxNumberOfRecords"] = 20
        _write(bmc, 20)
        asked.logs()
        _write(bmc, 45)
        then = asked.logs()

    assert _texts(then) == [f"entry {number}" for number in range(25, 45)]
    assert _flags(then) == [(False, False, True)]


def test_one_entry_that_is_deleted_clears_no_log(certificate: Certificate) -> None:
    """Also the last one that was told."""
    with _asked(certificate, entries=10) as (bmc, asked):
        asked.logs()
        del bmc.tree.logs[f"{SEL}/Entries"][-1]
        deleted = asked.logs()
        del bmc.tree.logs[f"{SEL}/Entries"][0]
        bmc.log(SEL, "new", Created="2030-01-01T00:00:00Z")
        then = asked.logs()

    assert (_texts(deleted), _flags(deleted)) == ([], [(False, False, False)])
    assert (_texts(then), _flags(then)) == (["new"], [(False, False, False)])


def test_a_long_log_is_told_in_lines_that_are_not_too_long(certificate: Certificate) -> None:
    """Each with the position behind it; of a very long one the newest entries."""
    with _asked(certificate, Behaviour(page=100), entries=700) as (bmc, asked):
        batches = _of(asked.logs())
        requests = [each for each in bmc.requests if "SEL/Entries" in each.path]

    assert [len(batch.entries) for batch in batches] == [200, 200, 100]
    assert _texts(batches) == [f"entry {number}" for number in range(200, 700)]
    assert len({batch.position for batch in batches}) == 3
    assert len(requests) == 6


def test_a_child_that_was_killed_between_two_lines_goes_on_there(
    certificate: Certificate,
) -> None:
    """By the position of the first."""
    with _asked(certificate) as (bmc, asked):
        asked.logs()
        _write(bmc, 300)
        first = _of(asked.logs())[0]
        with asking(settings_of(bmc, positions={SEL: first.position})) as later:
            rest = later.logs()

    assert _texts(rest) == [f"entry {number}" for number in range(200, 300)]


def test_a_log_that_fails_is_read_on_when_it_heals(certificate: Certificate) -> None:
    """With nothing lost."""
    with _asked(certificate, entries=3) as (bmc, asked):
        asked.logs()
        bmc.faults[f"{SEL}/Entries"] = Fault(status=500)
        bmc.log(SEL, "meanwhile")
        failed = asked.sweep()
        bmc.faults.clear()
        then = asked.logs()

    assert SEL in failed.gaps
    assert SEL not in {status.log for status in failed.logs}
    assert _texts(then) == ["meanwhile"]


def test_how_full_a_log_is_is_told(certificate: Certificate) -> None:
    """And when its last entry was written."""
    with _asked(certificate) as (bmc, asked):
        bmc.log(SEL, "new", Created="2025-06-01T00:00:00Z")
        (status,) = [each for each in asked.sweep().logs if each.log == SEL]

    assert (status.entries, status.added_at) == (1, 1_748_736_000.0)


def test_traces_and_dumps_are_no_event_logs(certificate: Certificate) -> None:
    """A BMC's journal would drown what happened."""
    with _asked(certificate) as (bmc, asked):
        logs = {batch.log for batch in asked.logs()}
        paths = {each.path for each in bmc.requests}

    assert logs == {SEL, "Managers/1/LogServices/Events"}
    assert not any("Journal/Entries" in path for path in paths)


def test_an_xid_in_the_log_of_a_baseboard_is_about_a_gpu(certificate: Certificate) -> None:
    """With the text that the BMC wrote."""
    text = "The resource property GPU_SXM_3 has detected errors of type 'Driver Event: XID 79'."
    with RedfishBmc(gpu_server(), certificate) as bmc, asking(settings_of(bmc)) as asked:
        asked.logs()
        bmc.log(XIDS, text, Severity="Critical", MessageArgs=["GPU_SXM_3", "XID 79"])
        (batch,) = asked.logs()

    (entry,) = batch.entries
    assert (entry.log, entry.topic, entry.severity) == (XIDS, LogTopic.GPU, LogSeverity.CRITICAL)
    assert entry.text == text
    assert "XID 79" in entry.raw


def test_a_log_of_a_chassis_is_read_every_few_minutes(certificate: Certificate) -> None:
    """A GPU server has dozens of chassis."""
    log = "Chassis/1/LogServices/XID"
    tree = rack_server()
    tree.log("Chassis/1", "XID")
    with RedfishBmc(tree, certificate) as bmc, asking(settings_of(bmc)) as asked:
        asked.logs()
        bmc.log(log, "new")
        soon = asked.logs()
        asked.clock.sleep(400)
        later = asked.logs()

    assert soon == []
    assert [entry.text for batch in _of(later, log) for entry in batch.entries] == ["new"]
