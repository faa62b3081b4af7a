"""Rates and shares are what the textbooks compute, with intervals that cover what they claim."""

import math
import os
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gpuwatch.domain.trends import poisson_tail
from gpuwatch.policy.backtest.estimates import (
    Estimate,
    Follow,
    Quartiles,
    clustered_share,
    quartiles,
    rate,
    share_within,
    wilson,
)

SOAK = bool(os.environ.get("GPUWATCH_SOAK"))
EXAMPLES = 2_000 if SOAK else 100
REPEATS = 4_000 if SOAK else 400

# The remission times, in weeks, of the 21 patients that were given 6-MP (Freireich and others,
# Blood 21, 1963), the example by which Kaplan and Meier's estimate is taught. False is censored.
FREIREICH = tuple(
    Follow(float(weeks), happened)
    for weeks, happened in (
        *((6, True), (6, True), (6, True), (6, False), (7, True), (9, False), (10, True)),
        *((10, False), (11, False), (13, True), (16, True), (17, False), (19, False)),
        *((20, False), (22, True), (23, True), (25, False), (32, False), (32, False)),
        *((34, False), (35, False)),
    )
)


def _estimate(value: float, low: float, high: float, within: float) -> object:
    return pytest.approx((value, low, high), abs=within)


def _ends(estimate: Estimate | None) -> tuple[float, float, float]:
    assert estimate is not None
    return estimate.value, estimate.low, estimate.high


@pytest.mark.parametrize(
    ("count", "low", "high"),
    [
        (0, 0.0, 3.68888),
        (1, 0.02532, 5.57164),
        (10, 4.79539, 18.39036),
        (100, 81.36399, 121.62679),
    ],
)
def test_a_rate_has_the_tabulated_poisson_limits(count: int, low: float, high: float) -> None:
    """Garwood's ends, for 4 units of exposure."""
    estimate = rate(count, 4.0)

    assert _ends(estimate) == _estimate(count / 4, low / 4, high / 4, 1e-5)


@settings(max_examples=EXAMPLES, deadline=None)
@given(count=st.integers(1, 500))
def test_the_exact_ends_leave_their_tails(count: int) -> None:
    """So many or more at the lower end, so few or fewer at the upper one: 2.5 % each."""
    _, low, high = _ends(rate(count, 1.0))

    assert poisson_tail(count, low) == pytest.approx(0.025, rel=1e-9)
    assert 1.0 - poisson_tail(count + 1, high) == pytest.approx(0.025, rel=1e-9)


def test_large_counts_go_on_where_the_exact_ends_stop() -> None:
    """Beyond 500 the approximation continues the exact ends to 1 in 100,000."""
    _, low, high = _ends(rate(501, 1.0))

    assert poisson_tail(501, low) == pytest.approx(0.025, rel=2e-3)
    assert 1.0 - poisson_tail(502, high) == pytest.approx(0.025, rel=2e-3)


def test_no_exposure_has_no_rate() -> None:
    """Nothing was watched: that is not a rate of 0."""
    assert rate(0, 0.0) is None


@pytest.mark.parametrize(
    ("share", "size", "low", "high"),
    [
        (0.0, 10, 0.0, 0.27753),
        (1.0, 10, 0.72247, 1.0),
        (0.1, 10, 0.01788, 0.40415),
        (0.5, 100, 0.40383, 0.59617),
    ],
)
def test_a_share_has_wilsons_limits(share: float, size: float, low: float, high: float) -> None:
    """As computed by hand from the score equation."""
    assert _ends(wilson(share, size)) == _estimate(share, low, high, 1e-5)


@pytest.mark.parametrize(
    ("weeks", "survival", "standard_error"),
    [
        (6, 0.857, 0.076),
        (7, 0.807, 0.087),
        (10, 0.753, 0.096),
        (13, 0.690, 0.107),
        (16, 0.627, 0.114),
        (22, 0.538, 0.128),
        (23, 0.448, 0.135),
    ],
)
def test_the_textbook_example_is_reproduced(
    weeks: float, survival: float, standard_error: float
) -> None:
    """Survival and Greenwood's standard error at every remission that ended."""
    estimate = share_within(FREIREICH, weeks)

    value, low, high = _ends(estimate)
    size = value * (1 - value) / standard_error**2
    assert value == pytest.approx(1 - survival, abs=0.0006)
    assert (low, high) == pytest.approx(_ends(wilson(value, size))[1:], abs=0.004)


def test_a_hand_computed_estimate_with_a_removal() -> None:
    """Four boards: again after 10 d, removed after 20, again after 30, still well after 400.

    Within 90 days (3/4)(1/2) = 3/8 have none, Greenwood's sum is 1/12 + 1/2 = 7/12.
    """
    follows = [Follow(10, True), Follow(20, False), Follow(30, True), Follow(400, False)]

    estimate = share_within(follows, 90)

    assert estimate is not None
    assert estimate == wilson(estimate.value, (5 / 8) / ((3 / 8) * (7 / 12)))
    assert estimate.value == pytest.approx(5 / 8)


def test_without_removals_it_is_the_plain_share() -> None:
    """Three of ten within 30 days: Wilson's interval of three in ten."""
    follows = [Follow(5.0 * (n + 1), n in (0, 2, 5)) for n in range(6)]
    follows += [Follow(1000.0, False)] * 4
    kept = [one if one.happened else Follow(1000.0, False) for one in follows]

    estimate = share_within(kept, 30)

    assert _ends(estimate) == pytest.approx(_ends(wilson(0.3, 10)))


def test_what_happens_at_an_instant_comes_before_a_removal_then() -> None:
    """Two boards at day 5: one fails, one is removed; the removed one was at risk."""
    estimate = share_within([Follow(5, False), Follow(5, True), Follow(40, False)], 30)

    assert estimate is not None
    assert estimate.value == pytest.approx(1 / 3)


def test_the_horizon_itself_is_within_it() -> None:
    """An incident on day 30 exactly is one within 30 days."""
    estimate = share_within([Follow(30, True), Follow(30.001, True)], 30)

    assert estimate is not None
    assert estimate.value == 0.5


@pytest.mark.parametrize(
    "follows",
    [
        (),
        (Follow(10.0, happened=False),),
        (Follow(5.0, happened=True), Follow(29.0, happened=False)),
    ],
)
def test_what_nobody_was_followed_for_cannot_be_told(follows: tuple[Follow, ...]) -> None:
    """The last one left before the 30th day: neither 0 nor what was known by then."""
    assert share_within(follows, 30) is None


def test_none_of_few_is_not_none_at_all() -> None:
    """Ten boards followed for a year without another: at most 28 % have one."""
    follows = [Follow(400.0, happened=False)] * 10 + [Follow(3.0, happened=False)]

    assert share_within(follows, 365) == wilson(0.0, 10)


def test_all_of_few_is_not_all_there_are() -> None:
    """Three of three, one removed before: at least 44 %."""
    follows = [Follow(1.0, happened=False), *(Follow(float(n), happened=True) for n in (2, 3, 4))]

    assert share_within(follows, 30) == wilson(1.0, 3)


@given(
    follows=st.lists(st.builds(Follow, st.integers(0, 50).map(float), st.booleans()), max_size=20),
    horizon=st.integers(1, 40).map(float),
    seed=st.randoms(use_true_random=False),
)
def test_the_order_of_boards_does_not_matter(
    follows: list[Follow], horizon: float, seed: random.Random
) -> None:
    """Whatever order they come in; the share lies in its interval, and grows with the horizon."""
    shuffled = seed.sample(follows, len(follows))

    estimate, later = share_within(shuffled, horizon), share_within(shuffled, horizon + 10)

    assert estimate == share_within(follows, horizon)
    assert estimate is None or 0.0 <= estimate.low <= estimate.value <= estimate.high <= 1.0
    assert estimate is None or later is None or estimate.value <= later.value


def test_the_intervals_cover_the_truth() -> None:
    """40 boards that fail within 90 d to 1 - exp(-0.9), a third removed before: 95 % +- chance."""
    luck = random.Random(3)
    truth = 1 - math.exp(-0.9)
    covered = sum(_covers(truth, luck) for _ in range(REPEATS))

    slack = 4 * math.sqrt(0.95 * 0.05 / REPEATS)
    assert covered / REPEATS == pytest.approx(0.95, abs=slack + 0.01)


def _covers(truth: float, luck: random.Random) -> bool:
    lives = [(luck.expovariate(0.01), luck.expovariate(0.005)) for _ in range(40)]
    follows = [Follow(min(one), one[0] <= one[1]) for one in lives]
    estimate = share_within(follows, 90.0)
    return estimate is not None and estimate.low <= truth <= estimate.high


def test_a_share_of_clusters_knows_that_they_are_clusters() -> None:
    """Four boards, 6 of 10 hits: residuals 1.6, -1.8, 0.8, -0.6 leave not three of ten cases."""
    counts = [(4, 4), (0, 3), (2, 2), (0, 1)]

    estimate = clustered_share(counts)

    squares = 1.6**2 + 1.8**2 + 0.8**2 + 0.6**2
    variance = squares * 4 / 3 / 10**2
    assert estimate is not None
    assert _ends(estimate) == pytest.approx(_ends(wilson(0.6, 0.24 / variance)))


def test_clusters_never_tell_more_than_their_cases() -> None:
    """Boards that are more alike than chance do not make more cases than there are."""
    assert clustered_share([(1, 2)] * 9 + [(2, 3), (1, 3)]) == wilson(12 / 24, 24)


@pytest.mark.parametrize(
    ("counts", "expected"),
    [
        ([], None),
        ([(0, 0)], None),
        ([(3, 4)], wilson(0.75, 1)),
        ([(4, 4), (2, 2)], wilson(1.0, 2)),
        ([(0, 4), (0, 2), (0, 1)], wilson(0.0, 3)),
        ([(1, 2), (2, 4)], wilson(0.5, 2)),
    ],
)
def test_where_nothing_spreads_a_board_is_one_case(
    counts: list[tuple[int, int]], expected: Estimate | None
) -> None:
    """One board, or boards that are all alike."""
    assert clustered_share(counts) == expected


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([], None),
        ([7.0], (7.0, 7.0, 7.0, 1)),
        ([2.0, 1.0], (1.25, 1.5, 1.75, 2)),
        ([4.0, 1.0, 3.0, 2.0, 100.0], (2.0, 3.0, 4.0, 5)),
    ],
)
def test_quartiles_lie_on_the_straight_line(
    values: list[float], expected: tuple[float, float, float, int] | None
) -> None:
    """Of none there are none."""
    told = quartiles(values)

    assert told == (
        expected
        and Quartiles(lower=expected[0], median=expected[1], upper=expected[2], count=expected[3])
    )
