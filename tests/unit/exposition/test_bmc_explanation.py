"""An explanation of a BMC: what to do first, who is at it, and which log entries are wanted."""

from dataclasses import replace

import pytest

from gpuwatch.domain.bmc_logs import LogSeverity, LogTopic
from gpuwatch.domain.snapshot import BmcState, Maintenance, Snapshot
from gpuwatch.domain.verdicts import Remedy, Urgency, Verdict
from gpuwatch.exposition.bmc_explanation import bmc_explanation
from gpuwatch.exposition.bmc_log_documents import Wanted, log_document
from gpuwatch.exposition.bmc_shapes import BmcExplanationShape
from tests.support.bmc_states import bmc_finding, dead_bmc, main_bmc
from tests.support.snapshots import AT, rich_snapshot

QUIET = replace(rich_snapshot(), maintenance=())


def _explained(bmc: BmcState, snapshot: Snapshot = QUIET) -> BmcExplanationShape:
    return bmc_explanation(snapshot, bmc)


def _work(scope: str, bmc: str = "") -> Snapshot:
    work = Maintenance(
        identity="chg-2",
        scope=scope,
        board="1654223010010" if scope == "board" else "",
        bmc=bmc,
        until=AT + 3_600,
        reason="a supply is exchanged",
        actor="ada",
    )
    return replace(QUIET, maintenance=(work,))


def test_the_gravest_finding_is_the_first_step() -> None:
    """And the others keep theirs, each with whose criterion it is."""
    told = _explained(main_bmc(AT))

    assert [step.split(":")[0] for step in told["steps"]] == ["Now"]
    assert [one["code"] for one in told["findings"]] == ["redundancy-lost", "psu-failed"]
    assert told["findings"][0]["criterion"] == "gpuwatch heuristic"


def test_a_criterion_of_a_document_is_called_that() -> None:
    """The address stands beside it."""
    main = main_bmc(AT)
    cited = replace(main.findings[0], source="https://www.example.org/limits.pdf")

    told = _explained(replace(main, findings=(cited,)))

    assert told["findings"][0]["criterion"] == "by what the source says"


def test_a_server_that_cannot_be_judged_comes_before_what_can_wait() -> None:
    """First that nobody knows, then the way out; the finding says the same and is not repeated."""
    told = _explained(dead_bmc(AT))

    nobody_knows, way_out = told["steps"]
    assert nobody_knows == "Nobody knows whether gpu-node-18 is well: its BMC does not answer."
    assert way_out.startswith("See that 192.0.2.118:623 can be reached from here")
    assert way_out == told["findings"][0]["step"]


def test_what_can_wait_comes_after_it() -> None:
    """An entry of the log may still want a person."""
    found = bmc_finding(
        "node-18", "log-full", (Urgency.WINDOW, Remedy.INSPECT), "the log is full", AT - 60
    )

    told = _explained(replace(dead_bmc(AT), findings=(found,)))

    assert told["steps"][-1].startswith("Nothing now. At a window: save the log")


def test_a_server_that_is_well_needs_nothing() -> None:
    """It is said, not left out."""
    told = _explained(replace(main_bmc(AT), verdict=Verdict.HEALTHY, findings=()))

    assert told["steps"] == ["Nothing to do: the BMC answers, and no rule holds."]


def test_a_finding_of_a_rule_that_is_gone_leads_to_the_rules() -> None:
    """History may hold what the installed rules have no word for."""
    found = bmc_finding("main", "of-old", (Urgency.PAGE, Remedy.REPLACE), "a sentence", AT - 60)

    told = _explained(replace(main_bmc(AT), findings=(found,)))

    assert told["steps"] == [
        "Now: see docs/rules.md, or the release that raised it, for what of-old asks for."
    ]


@pytest.mark.parametrize(
    ("snapshot", "bmc", "works"),
    [
        (_work("host"), main_bmc(AT), True),
        (_work("host"), dead_bmc(AT), False),
        (_work("bmc", "main"), main_bmc(AT), True),
        (_work("bmc", "gpu-node-18"), dead_bmc(AT), True),
        (_work("bmc", "node-18"), main_bmc(AT), False),
        (_work("board"), main_bmc(AT), False),
    ],
)
def test_who_works_on_the_server_is_told(snapshot: Snapshot, bmc: BmcState, *, works: bool) -> None:
    """The second question at 03:00: is anybody at it?"""
    last = _explained(bmc, snapshot)["steps"][-1]

    assert last.startswith("Maintenance of ") is works


def test_entries_of_several_logs_stand_in_the_order_of_time() -> None:
    """Those of one log stay in the order in which they were read."""
    entries = main_bmc(AT).entries
    logs = {"a": entries[:1], "b": entries[1:3], "c": entries[3:]}

    merged = log_document(logs, Wanted(limit=3))
    alone = log_document({"c": (entries[3], entries[0])}, Wanted(limit=3))

    assert [one["bmc"] for one in merged["entries"]] == ["a", "b", "c"]
    assert [one["record"] for one in alone["entries"]] == ["0001", "03c1"]
    assert (merged["more"], alone["more"]) == (True, False)


@pytest.mark.parametrize(
    ("wanted", "depth"),
    [
        (Wanted(limit=5), 6),
        (Wanted(limit=5, severity=LogSeverity.WARNING), None),
        (Wanted(limit=5, topic=LogTopic.POWER), None),
        (Wanted(limit=5, since=1.0), None),
    ],
)
def test_a_log_is_read_no_deeper_than_it_takes(wanted: Wanted, depth: int | None) -> None:
    """The latest few alone do; what is chosen among them may lie far back."""
    assert wanted.depth == depth
