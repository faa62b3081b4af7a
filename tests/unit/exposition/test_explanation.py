"""An explanation: what to do first, whether it can wait, and why; nothing is made up."""

import json
import re
from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from gpuwatch.cli.explain import _lines
from gpuwatch.cli.grammar import grammar
from gpuwatch.cli.parser import parser
from gpuwatch.domain.readings import Gap, GapReason
from gpuwatch.domain.records import Held
from gpuwatch.domain.signals import Call, Field, Moved, PerFan, Signal, SramBanks
from gpuwatch.domain.snapshot import GpuState, Latest, Missed, Snapshot, SourceState
from gpuwatch.domain.verdicts import Remedy, Urgency, Verdict
from gpuwatch.domain.windows import Outlook
from gpuwatch.exposition import next_steps
from gpuwatch.exposition.explanation import criterion, explanation
from gpuwatch.exposition.explanation_cells import chance_sentence
from gpuwatch.exposition.explanation_shapes import ExplanationShape, ThresholdShape
from gpuwatch.exposition.next_steps import call_of
from gpuwatch.sources.nvml_signals import TABLE
from tests.support.golden import assert_golden
from tests.support.snapshots import AT, gpu_state, rich_snapshot

NIGHT = rich_snapshot()
STEPS = Path(next_steps.__file__)
WORDS = {"does"}  # that follow the product's name in a sentence
BY_KEY = {row.key: row for row in TABLE}
PARITY = 'gpuwatch_gpu_sram_unique_uncorrected_addresses{protection="parity"}'
SECDED = 'gpuwatch_gpu_sram_unique_uncorrected_addresses{protection="secded"}'
REMAPPED = "gpuwatch_gpu_rows_remapped_uncorrectable_total"
DOUBLE = "gpuwatch_gpu_pages_retired_double_bit_total"
SINGLE = "gpuwatch_gpu_pages_retired_single_bit_total"
PENDING = "gpuwatch_gpu_row_remap_pending"


def _explained(gpu: GpuState, snapshot: Snapshot = NIGHT) -> ExplanationShape:
    return explanation(snapshot, gpu)


def _with(answers: Mapping[str, int | Gap]) -> GpuState:
    """A healthy GPU with these answers and no others."""
    latest = tuple(Latest(BY_KEY[key], value, AT - 1) for key, value in answers.items())
    return replace(gpu_state(0), latest=latest)


def _counts(gpu: GpuState) -> dict[str, ThresholdShape]:
    return {one["count"].split(",")[-1].strip(): one for one in _explained(gpu)["thresholds"]}


def test_an_explanation_is_golden() -> None:
    """Every field, for a board whose flag waits for a window."""
    text = json.dumps(_explained(NIGHT.gpus[2]), indent=1, sort_keys=True, allow_nan=False)

    assert_golden("explanation.json", text + "\n")


def test_a_page_cannot_wait() -> None:
    """The rule decides that, whatever the chance of another incident."""
    told = _explained(NIGHT.gpus[3])

    assert told["wait"]["answer"] == "no"
    assert told["steps"][0].startswith("Drain GPU 3 now.")


def test_a_flag_waits_for_its_own_window() -> None:
    """Not for the next of the host, if it was planned into a later one."""
    told = _explained(NIGHT.gpus[2])["wait"]

    assert (told["answer"], told["until"]) == ("yes", "2026-03-22T02:00:00.000Z")
    assert told["horizon_seconds"] == pytest.approx(8 * 86_400 - 72 * 60 - 7)


def test_a_window_after_the_due_date_is_said_to_be_late() -> None:
    """Who waits for it should know."""
    trend = replace(NIGHT.gpus[2].findings[0], due=timedelta(days=2))
    gpu = replace(NIGHT.gpus[2], findings=(trend,))

    assert "That is after it is due." in _explained(gpu)["wait"]["sentence"]


def test_without_a_window_the_chance_is_that_of_thirty_days() -> None:
    """There is no date to wait for, and that is said."""
    told = _explained(NIGHT.gpus[1], replace(NIGHT, outlook=Outlook(), flags=()))["wait"]

    assert (told["until"], told["horizon_seconds"]) == (None, 30 * 86_400)
    assert "in the next 30 days" in chance_sentence(told)
    assert "no window is planned" in told["sentence"]


def test_a_chance_is_always_called_an_estimate() -> None:
    """With what it rests on and what it takes for granted."""
    said = chance_sentence(_explained(NIGHT.gpus[2])["wait"])

    assert "An estimate, from 2 incidents in the last 30 d of watching" in said
    assert "It assumes that" in said


@pytest.mark.parametrize("place", [4, 6])
def test_nobody_knows_the_chance_of_a_gpu_that_is_not_watched(place: int) -> None:
    """A GPU that hangs, and one that is gone: what happens there, nobody sees."""
    told = _explained(NIGHT.gpus[place])["wait"]

    assert told["chance"] is None
    assert told["unknown"]


def test_without_a_healthy_rate_there_is_no_chance() -> None:
    """Nothing is assumed in its place."""
    told = _explained(replace(NIGHT.gpus[0], healthy_rate_per_year=None))["wait"]

    assert (told["chance"], told["unknown"]) == (None, "no healthy rate is known for this board")


def test_a_healthy_gpu_wants_nothing() -> None:
    """And says what that rests on."""
    told = _explained(NIGHT.gpus[0])

    assert told["steps"] == ["Nothing to do: its signals are read, and no rule holds."]
    assert (told["wait"]["answer"], told["unknown"]) == ("nothing", None)


def test_an_unknown_gpu_names_signal_call_and_way_out() -> None:
    """Which signal, since when, by which call it is asked, and what to do."""
    missed = Missed(BY_KEY[PENDING], Gap(GapReason.FAILED, 999), AT - 3_600)
    gpu = replace(
        NIGHT.gpus[0],
        verdict=Verdict.UNKNOWN,
        unknown_because="it could not be read for three of its sweeps",
        missed=(missed,),
    )

    told = _explained(gpu)["unknown"]

    assert told is not None
    assert told["signals"] == [
        {
            "signal": PENDING,
            "gap": "failed",
            "code": 999,
            "since": "2026-03-14T02:12:07.000Z",
            "call": "nvmlDeviceGetFieldValues (NVML_FI_DEV_REMAPPED_PENDING)",
            "remedy": "look up the NVML error number, and the kernel log of that time",
        }
    ]
    assert "nvmlDeviceGetFieldValues (NVML_FI_DEV_REMAPPED_PENDING)" in "\n".join(
        _lines(_explained(gpu))
    )


@pytest.mark.parametrize(
    ("changes", "way_out"),
    [
        ({"managed": False}, "Another driver holds it"),
        ({"set_apart": "stuck"}, "asked again by itself, alone"),
        ({"present": False}, "Look where it sat"),
        ({}, "Wait a minute for its next answer"),
    ],
)
def test_every_blindness_has_a_way_out(changes: dict[str, object], way_out: str) -> None:
    """Another for each cause."""
    gpu = replace(NIGHT.gpus[0], verdict=Verdict.UNKNOWN, **changes)  # type: ignore[arg-type]

    told = _explained(gpu)["unknown"]

    assert told is not None
    assert way_out in told["remedy"]


def test_a_driver_that_is_let_go_of_is_taken_up_again() -> None:
    """Somebody released it; nothing else is wrong."""
    nvml = SourceState(name="nvml", up=True, fresh=False, released=True, released_reason="upgrade")
    gpu = replace(NIGHT.gpus[0], verdict=Verdict.UNKNOWN)

    told = _explained(gpu, replace(NIGHT, sources=(nvml,)))

    assert "gpuwatch resume" in told["steps"][0]


def test_without_a_driver_it_is_to_be_loaded() -> None:
    """No epoch, no answer."""
    gpu = replace(NIGHT.gpus[0], verdict=Verdict.UNKNOWN)

    told = _explained(gpu, replace(NIGHT, epoch=None))

    assert "Load the driver" in told["steps"][0]


def test_the_distance_to_the_sram_flag_is_counted_by_protection() -> None:
    """More than 4 addresses of a parity bank, more than 2 of a SEC-DED bank."""
    counts = _counts(_with({PARITY: 3, SECDED: 3}))

    parity, secded = counts["worst parity bank"], counts["worst SEC-DED bank"]
    assert (parity["value"], parity["sets_at"], parity["left"]) == (3, 5, 2)
    assert (secded["value"], secded["sets_at"], secded["left"]) == (3, 3, 0)


def test_a_count_that_may_not_be_read_is_unknown() -> None:
    """No permission is not zero."""
    parity = _counts(_with({PARITY: Gap(GapReason.DENIED, 4)}))["worst parity bank"]

    assert (parity["value"], parity["left"], parity["unknown"]) == (None, None, "no permission")


def test_a_count_that_the_board_does_not_have_is_left_out() -> None:
    """Retired pages on a board that remaps rows."""
    unsupported = Gap(GapReason.UNSUPPORTED, 3)

    told = _explained(_with({DOUBLE: unsupported, SINGLE: unsupported, REMAPPED: 2}))

    assert [one["value"] for one in told["thresholds"]] == [2]


def test_retired_pages_of_both_causes_count_together() -> None:
    """Sixty in all; half of a sum is no sum."""
    both = _explained(_with({DOUBLE: 11, SINGLE: 7}))["thresholds"][0]
    half = _explained(_with({DOUBLE: 11, SINGLE: Gap(GapReason.FAILED, 9)}))

    assert (both["value"], both["left"]) == (18, 42)
    assert half["thresholds"][0]["value"] is None


def test_a_count_of_a_board_that_is_gone_is_as_history_has_it() -> None:
    """And is not called current."""
    gone = NIGHT.gpus[6]
    record = replace(gone.record, held={REMAPPED: Held(9, AT - 86_400)})

    told = _explained(replace(gone, record=record))["thresholds"][0]

    assert (told["value"], told["left"], told["current"]) == (9, 504, False)
    assert told["at"] == "2026-03-13T03:12:07.000Z"


@pytest.mark.parametrize(
    ("source", "whose"),
    [
        ("https://docs.nvidia.com/deploy/x", "NVIDIA's own criterion or advice"),
        ("gpuwatch heuristic", "gpuwatch heuristic, not an NVIDIA criterion"),
        ("https://github.com/NVIDIA/DCGM", "not an NVIDIA criterion, from"),
    ],
)
def test_every_finding_says_whose_criterion_it_is(source: str, whose: str) -> None:
    """NVIDIA's own ones are called that, and no others."""
    assert criterion(source).startswith(whose)


@pytest.mark.parametrize("remedy", list(Remedy))
def test_every_remedy_has_a_step_now_and_one_for_later(remedy: Remedy) -> None:
    """No remedy leaves on-call without a next step."""
    found = replace(NIGHT.gpus[3].findings[0], remedy=remedy)
    gpus = [
        replace(NIGHT.gpus[3], findings=(replace(found, urgency=urgency),))
        for urgency in (Urgency.PAGE, Urgency.WINDOW, Urgency.WATCH)
    ]

    now, later, never = (_explained(gpu)["findings"][0]["step"] for gpu in gpus)

    assert "{" not in now + later
    assert later.startswith("Nothing")
    assert never == "Nothing to do."


def test_every_command_that_a_step_names_exists() -> None:
    """At 03:00 a command that is refused is worse than none."""
    named = set(re.findall(r"gpuwatch (flags [a-z]+|boards(?= )|[a-z]{4,})", STEPS.read_text()))
    commands = {" ".join(command.words) for command in grammar(parser()).walk()}

    assert {"flags ack", "release", "resume"} <= named
    assert named - commands - WORDS == set()


def test_a_flag_that_is_acknowledged_names_who_has_it() -> None:
    """The second person to be woken goes back to bed."""
    flag = replace(NIGHT.flags[1], acknowledged_by="uid 1000 (ada)")

    told = _explained(NIGHT.gpus[2], replace(NIGHT, flags=(flag,)))

    assert told["steps"][1].endswith("acknowledged by uid 1000 (ada).")


def _row(query: object) -> Signal:
    return replace(TABLE[0], query=query)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("query", "call"),
    [
        (Call("nvmlDeviceGetName"), "nvmlDeviceGetName"),
        (Field("A"), "nvmlDeviceGetFieldValues (A)"),
        (Moved((Field("A"), Field("B"))), "nvmlDeviceGetFieldValues (A)"),
        (PerFan(Call("nvmlDeviceGetFanSpeed_v2")), "nvmlDeviceGetFanSpeed_v2"),
        (SramBanks("nvmlDeviceGetSram"), "nvmlDeviceGetSram"),
    ],
)
def test_a_signal_is_asked_by_a_call(query: object, call: str) -> None:
    """The name that stands in the library's manual and in the log."""
    assert call_of(_row(query)) == call


@pytest.mark.parametrize("place", range(8))
def test_an_explanation_fits_eighty_columns(place: int) -> None:
    """In a terminal and in a pipe; an address that is longer stands alone, to be clicked on."""
    lines = _lines(_explained(NIGHT.gpus[place]))

    assert [line for line in lines if len(line) > 80 and not line.startswith("  https://")] == []
