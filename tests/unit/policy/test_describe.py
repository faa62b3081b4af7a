"""Rules in words: what the table says to people."""

from dataclasses import replace
from datetime import timedelta

import pytest

from gpuwatch.policy.describe import condition_in_words, timing_in_words, told_of
from gpuwatch.policy.rules import BY_CODE, RULES


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("row-remap-failed", "`gpuwatch_gpu_row_remap_failed` reads 1 or more."),
        ("ecc-disabled", "`gpuwatch_gpu_ecc_enabled` reads 0."),
        (
            "recovery-action",
            "The driver asks for recovery by bus reset, drain and reset, gpu reset.",
        ),
        (
            "recovery-reboot",
            "The driver asks for recovery by node reboot, for one GPU or more.",
        ),
        (
            "driver-not-loaded",
            "The driver is failed or not loaded, and the host has NVIDIA functions or boards.",
        ),
        ("row-remapped", "Xid 63 since the last reset, within 24 h."),
        (
            "application-xid",
            "Xid 13, 31, 32, 43, 45 or 69 since the last reset, within 24 h.",
        ),
        (
            "remap-record-failed-again",
            "Xid 64 since the last reset, and within 90 days also before it.",
        ),
        (
            "xid-from-one-gpu",
            "Xid 13 or 31 on this GPU alone, by 3 processes on 3 days of the last 30.",
        ),
    ],
)
def test_a_condition_says_when_it_holds(code: str, expected: str) -> None:
    """In a sentence of its own, or of the function that is asked."""
    assert condition_in_words(BY_CODE[code].when) == expected


def test_every_condition_is_a_sentence() -> None:
    """No rule stands in the document with the name of some object."""
    told = [condition_in_words(rule.when) for rule in RULES]

    assert [text for text in told if not text.endswith(".") or "<" in text] == []


def test_timing_says_how_long_things_hold() -> None:
    """Nothing for a rule that speaks at once."""
    slow = replace(BY_CODE["driver-not-loaded"], sweeps=2, clear=timedelta(minutes=7), latch=True)

    assert timing_in_words(BY_CODE["row-remapped"]) == ""
    assert timing_in_words(slow) == (
        "held for 5 min, over 2 sweeps, pages after 30 min, gone for 7 min before it clears, "
        "latched: it stays until a person dismisses it or the board leaves"
    )


def test_a_rule_is_told_by_its_code() -> None:
    """With its columns in words; a rule that was removed is not invented."""
    replaced, noted = told_of("row-remap-failed"), told_of("row-remapped")

    assert replaced is not None
    assert noted is not None
    assert (replaced["rma"], replaced["due_seconds"]) == ("criterion_met", 86_400.0)
    assert replaced["when"] == "`gpuwatch_gpu_row_remap_failed` reads 1 or more."
    assert (noted["rma"], noted["due_seconds"]) == ("", None)
    assert told_of("a-rule-of-the-past") is None
