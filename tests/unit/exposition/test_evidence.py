"""Evidence: every number where it belongs, nothing invented, and cut with a word about it."""

import json
from dataclasses import replace
from typing import Any

import pytest

from gpuwatch.control.requests import ANSWER_LIMIT
from gpuwatch.domain.bmc import BmcTrouble
from gpuwatch.domain.dossiers import Dossier
from gpuwatch.domain.snapshot import Snapshot
from gpuwatch.exposition.evidence_cut import cut_to
from gpuwatch.exposition.evidence_documents import MOST_BYTES, evidence
from gpuwatch.exposition.evidence_page import evidence_page
from gpuwatch.exposition.evidence_plots import figures
from gpuwatch.exposition.evidence_shapes import EvidenceShape, TableShape
from gpuwatch.exposition.evidence_tables import column, iso
from gpuwatch.exposition.evidence_timeline import MOST, timeline
from gpuwatch.exposition.evidence_words import sections, steps, summary
from gpuwatch.policy.describe import told_of
from gpuwatch.sources.nvml_signals import TABLE
from tests.support.dossiers import a_dossier
from tests.support.snapshots import AT, rich_snapshot

SIGNALS = {row.key: row for row in TABLE}
SNAPSHOT = rich_snapshot()


def _held(number: int = 15, **changes: Any) -> Dossier:  # noqa: ANN401 - of a dossier
    return replace(a_dossier(SNAPSHOT, number), **changes)


def _told(held: Dossier | None = None, snapshot: Snapshot = SNAPSHOT) -> EvidenceShape:
    held = held or _held()
    return evidence(snapshot, held, SIGNALS, told_of(held.flag.code))


def _rows(table: TableShape) -> list[dict[str, object]]:
    return [dict(zip(table["columns"], row, strict=True)) for row in table["rows"]]


def _texts(told: EvidenceShape) -> str:
    return " ".join(f"{name} {text}" for part in sections(told) for name, text in part.rows)


def test_every_row_has_as_many_cells_as_columns() -> None:
    """A cell too few would shift all that follow."""
    tables: Any = _told()["tables"]

    assert {
        name: {len(row) for row in table["rows"]} <= {len(table["columns"])}
        for name, table in tables.items()
    } == dict.fromkeys(tables, True)


def test_counters_stand_in_base_units_under_the_driver_of_their_time() -> None:
    """With the resets and drivers that explain a fall to 0 among them."""
    rows = _rows(_told()["tables"]["counters"])

    limit = next(row for row in rows if "power_limit" in str(row["signal"]))
    reset = next(row for row in rows if row["what"] == "reset")
    drivers = [row["value"] for row in rows if row["what"] == "driver_epoch"]
    assert (limit["value"], limit["unit"], limit["driver_version"]) == (700.0, "watts", "570.86.15")
    assert (reset["at_unix_seconds"], reset["driver_version"]) == (AT - 1_200_007, "580.95.05")
    assert drivers == ["570.86.15", "580.95.05"]
    assert [row["at_unix_seconds"] for row in rows] == sorted(
        row["at_unix_seconds"]  # type: ignore[type-var]  # instants
        for row in rows
    )


def test_a_signal_that_no_table_has_any_more_keeps_its_value() -> None:
    """An older version may have kept it."""
    transition = replace(_held().transitions[0], key="gpuwatch_gpu_of_the_past", value=5)

    rows = _rows(_told(_held(transitions=(transition,)))["tables"]["counters"])

    assert [(row["value"], row["unit"]) for row in rows if row["what"] == "value"] == [(5, "")]


def test_readings_are_least_mean_and_most_of_each_signal() -> None:
    """A signal that was not read in a bucket is unknown there."""
    series = _held().series
    bare = replace(series[0], spreads={"gpuwatch_gpu_power_watts": series[0].spreads[
        "gpuwatch_gpu_power_watts"]})  # fmt: skip

    first, second = _rows(_told(_held(series=(bare, series[1])))["tables"]["readings"])

    assert first["gpu_temperature_celsius_mean"] is None
    assert (first["gpu_power_watts_least"], first["gpu_power_watts_most"]) == (300.125, 320.75)
    assert second["gpu_temperature_celsius_mean"] == 41.875


@pytest.mark.parametrize(
    ("key", "expected"),
    [
        ("gpuwatch_gpu_power_watts", "gpu_power_watts"),
        ('gpuwatch_gpu_memory_bytes{state="used"}', "gpu_memory_bytes_state_used"),
    ],
)
def test_a_column_is_called_as_its_signal(key: str, expected: str) -> None:
    """In letters that every tool takes for a name."""
    assert column(key) == expected


def test_an_instant_that_no_calendar_has_is_none() -> None:
    """A clock may have been anywhere."""
    assert [iso(1e300), iso(0.0)] == ["", "1970-01-01T00:00:00.000Z"]


def test_a_board_that_history_forgot_has_no_numbers() -> None:
    """Not told is not none."""
    told = _told(_held(record=None, transitions=(), series=(), events=(), captures=(), entries={}))

    text = _texts(told)
    assert (told["board"]["state"], told["incidents"]) == ("forgotten", [])
    assert told["tables"]["incidents"]["rows"] == told["tables"]["xid_groups"]["rows"] == []
    assert "incidents not told errors not told brought along not told Xids not told" in text
    assert "off the bus not told resets not told" in text
    assert (told["board"]["falls_off_bus"], told["board"]["resets"]) == (None, None)
    assert "product is not told" in summary(told)
    assert {"captures", "readings.csv", "sel.csv"} <= {one["what"] for one in told["missing"]}
    assert figures(told) == []


def test_the_standing_decides_what_the_reader_is_asked_to_do() -> None:
    """A criterion of the board's own is confirmed by a diagnostic, a heuristic needs it."""
    met, heuristic = steps(_told(_held(14))), steps(_told())

    assert any("flag of the board's own" in step for step in met)
    assert any("CASE-90817" in step for step in met)
    assert any("Run the field diagnostic" in step for step in heuristic)


def test_what_came_in_its_place_is_told_with_its_diagnostic() -> None:
    """A reader sees that the slot was not to blame."""
    text = _texts(_told(_held(11)))

    assert "under load" in text
    assert "diagnostic" in text


def test_a_diagnostic_whose_file_is_gone_is_said_to_be_missing() -> None:
    """Its name and result are kept longer than its output."""
    told = _told(_held(11, diagnostic=None))

    assert "the output of the diagnostic" in {one["what"] for one in told["missing"]}


def test_what_an_agent_did_not_tell_is_said() -> None:
    """Paper from history alone knows no verdicts."""
    told = evidence(SNAPSHOT, _held(), SIGNALS, None, remembered=True)

    missing = {one["what"] for one in told["missing"]}
    assert {"rule.txt", "present state of GPUs and BMCs"} <= missing
    assert {one["verdict"] for one in told["inventory"]["other_boards"]} == {""}
    assert "present" not in {one["state"] for one in told["inventory"]["other_boards"]}
    assert told["board"]["state"] == ""
    assert b"no agent ran" in evidence_page(told, [], [])


def test_a_server_without_a_bmc_has_no_event_log() -> None:
    """And an empty one is another matter."""
    told = _told(snapshot=replace(SNAPSHOT, bmcs=()))
    read = tuple(bmc for bmc in SNAPSHOT.bmcs if bmc.name == "main")
    empty = _told(_held(entries={"main": ()}), snapshot=replace(SNAPSHOT, bmcs=read))

    assert [one["why"] for one in (*told["missing"], *empty["missing"])] == [
        "no BMC of this server is set up in gpuwatch",
        "the event logs of this server's BMCs hold no entry",
    ]


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({}, "that of hgx: timed out"),
        ({"sweep": None}, "hgx has told nothing yet"),
        ({"trouble": BmcTrouble.UNREACHABLE}, "hgx does not answer (unreachable)"),
    ],
)
def test_an_event_log_that_nobody_could_read_is_not_called_empty(
    changes: dict[str, Any], why: str
) -> None:
    """The reason may be an outage of the very night that the evidence is about."""
    silent = tuple(replace(one, **changes) for one in SNAPSHOT.bmcs if one.name == "hgx")
    snapshot = replace(SNAPSHOT, bmcs=silent)

    none, some = _told(_held(entries={}), snapshot=snapshot), _told(snapshot=snapshot)

    told = f"not all event logs can be read: {why}"
    assert {"what": "sel.csv", "why": told} in none["missing"]
    assert {"what": "the latest entries of event logs", "why": told} in some["missing"]


def test_a_counter_is_not_drawn_through_time_in_which_nothing_was_read() -> None:
    """Nobody knows when it rose."""
    counters, *_ = figures(_told())

    points = counters.panels[0].lines[0].points
    assert (AT - 4_800.0, None) in points
    assert (AT - 2_400.0, 7.0) in points


def test_what_happened_is_told_in_order_and_the_oldest_is_left_to_the_files() -> None:
    """A page is no log."""
    event = _held().events[1]
    many = tuple(replace(event, at=AT - 9_000 + number) for number in range(100))

    moments, before = timeline(_told(_held(events=many)))

    assert len(moments) == MOST
    assert before > 40
    assert moments == sorted(moments)
    assert b"earlier moments are in events.csv" in evidence_page(_told(_held(events=many)), [], [])


def test_a_line_of_readings_stays_open_where_nothing_was_read() -> None:
    """Forty minutes without a reading are no straight line."""
    _, readings = figures(_told())

    temperature = readings.panels[0].lines[0]
    assert [value for _, value in temperature.points].count(None) == 1


def test_a_counter_holds_until_the_board_was_read_last() -> None:
    """Nothing changed since its last step, and that was seen."""
    counters, *_ = figures(_told())

    (aggregate, _), *_ = (panel.lines for panel in counters.panels)
    assert aggregate.points[-2:] == [(AT - 2_400, 7.0), (AT - 2.75, 7.0)]


def test_a_board_without_a_last_sight_has_its_steps_alone() -> None:
    """Nobody knows how long the last one held."""
    told = _told()
    told["board"]["last_seen"] = None

    counters, *_ = figures(told)

    assert counters.panels[0].lines[0].points[-1] == (AT - 2_400, 7.0)


def test_a_counter_of_a_board_that_left_ends_when_it_was_seen_last() -> None:
    """What it counts elsewhere nobody knows."""
    told = _told()
    told["board"]["state"] = "left"

    counters, *_ = figures(told)

    assert {line.points[-1][1] for panel in counters.panels for line in panel.lines} == {None}


def test_a_counter_that_history_alone_tells_holds_until_the_board_was_read_last() -> None:
    """Where it is now nobody looked; until then it was read."""
    counters, *_ = figures(evidence(SNAPSHOT, _held(), SIGNALS, None, remembered=True))

    assert counters.panels[0].lines[0].points[-1] == (AT - 2.75, 7.0)


def test_the_page_needs_nothing_from_elsewhere() -> None:
    """No script, no font, no picture but those in it."""
    page = evidence_page(_told(), [("a.csv", "<b>")], ["replaced"]).decode()

    assert "<script" not in page
    assert "&lt;b&gt;" in page
    assert 'src="' not in page
    assert "http-equiv" not in page
    assert page.count("<svg") >= 2


def test_the_oldest_captures_and_rows_go_first_where_all_would_be_too_large() -> None:
    """With a word about how many."""
    captures = tuple(
        replace(_held().captures[0], number=number, document={"text": "x" * 9_000})
        for number in range(1, 6)
    )
    told = _told(_held(captures=captures))
    told["tables"]["events"]["rows"] *= 400
    small, full = len(json.dumps(told)) - 20_000, len(json.dumps(told))

    same = cut_to(full + 10, json.loads(json.dumps(told)))
    fewer = cut_to(small, json.loads(json.dumps(told)))
    cut = cut_to(60_000, json.loads(json.dumps(told)))

    assert [len(one["captures"]) for one in (same, fewer, cut)] == [5, 2, 0]
    assert [one["number"] for one in fewer["captures"]] == [4, 5]
    assert len(json.dumps(cut)) <= 60_000
    assert "older captures" in {one["what"] for one in cut["missing"]}
    assert "older rows of events.csv" in {one["what"] for one in cut["missing"]}
    assert cut["tables"]["events"]["rows"][-1] == told["tables"]["events"]["rows"][-1]


@pytest.mark.parametrize("over", [1, 60, 100, 160, 900])
def test_what_is_said_about_the_cut_has_room_too(over: int) -> None:
    """Nothing else can be cut, and the sentence must not make it too large again."""
    captures = tuple(replace(_held().captures[0], document={"text": "x" * n}) for n in (9, 900, 90))
    told = _told(_held(captures=captures))
    most = len(json.dumps(told)) - over

    cut = cut_to(most, json.loads(json.dumps(told)))

    assert cut["missing"][-1]["what"] == "older captures"
    assert len(json.dumps(cut)) <= most


def test_the_largest_evidence_is_an_answer_of_the_agent() -> None:
    """With room for what stands around it."""
    assert MOST_BYTES + (64 << 10) < ANSWER_LIMIT


def test_nothing_is_cut_below_what_is_worth_to_be_told() -> None:
    """Too large it is, but not empty."""
    told = cut_to(10, _told())

    assert told["captures"] == []
    assert told["tables"]["counters"]["rows"]
