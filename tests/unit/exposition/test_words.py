"""Words: amounts and ages as people say them."""

import pytest

from gpuwatch.domain.flags import Disposition, FlagState
from gpuwatch.domain.incidents import Memory
from gpuwatch.domain.readings import GapReason
from gpuwatch.domain.recovery import RecoveryAction
from gpuwatch.domain.verdicts import RmaStanding, Urgency, Verdict
from gpuwatch.exposition import words


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (0.4, "0 s"),
        (94.0, "94 s"),
        (120.0, "2 min"),
        (7_100.0, "118 min"),
        (7_200.0, "2 h"),
        (111_600.0, "31 h"),
        (172_800.0, "2 d"),
        (1_209_600.0, "14 d"),
    ],
)
def test_a_span_is_said_in_its_largest_sensible_unit(seconds: float, said: str) -> None:
    """Never below two of a unit, so that nothing is rounded away."""
    assert words.span(seconds) == said


def test_the_past_and_the_future_differ() -> None:
    """And the present is neither."""
    assert [words.relative(at, 1_000.0) for at in (700.0, 1_300.0, 1_000.2)] == [
        "5 min ago",
        "in 5 min",
        "now",
    ]


@pytest.mark.parametrize(
    ("number", "said"), [(311.2, "311.2"), (43.0, "43"), (6e10, "60,000,000,000")]
)
def test_an_amount_has_no_needless_digits(number: float, said: str) -> None:
    """Whole numbers have no fraction."""
    assert words.amount(number) == said


def test_lists_read_as_sentences() -> None:
    """One, two, three."""
    assert [words.listed(items) for items in (("a",), ("a", "b"), ("a", "b", "c"))] == [
        "a",
        "a and b",
        "a, b and c",
    ]


def test_plurals() -> None:
    """As far as our nouns need them."""
    assert [words.plural(1, "GPU"), words.plural(3, "GPU"), words.plural(2, "process")] == [
        "1 GPU",
        "3 GPUs",
        "2 processes",
    ]


def test_every_member_of_every_closed_set_has_a_word() -> None:
    """A new verdict without a word would be a page that crashes."""
    assert set(words.VERDICTS) == set(Verdict)
    assert set(words.GAPS) == set(GapReason)
    assert set(words.URGENCIES) == set(Urgency)
    assert set(words.FLAG_STATES) == set(FlagState)
    assert set(words.DISPOSITIONS) == set(Disposition)
    assert set(words.LOCATIONS) == set(Memory)
    assert set(words.RMA_STANDINGS) == set(RmaStanding)
    assert set(words.RECOVERY_ACTIONS) == set(RecoveryAction)
