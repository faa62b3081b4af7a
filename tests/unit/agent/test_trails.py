"""A board's trail: means, what was read together, and rises, by minutes and hours of boot time."""

from dataclasses import replace

import pytest

from gpuwatch.agent.trails import TrailBook
from gpuwatch.domain.devices import BoardKey
from gpuwatch.domain.moments import Moment
from gpuwatch.domain.readings import Gap, GapReason, Sweep, Value
from gpuwatch.domain.signals import Cadence, Signal
from gpuwatch.domain.trails import Stretch
from gpuwatch.policy import trailed
from gpuwatch.policy.trailed import (
    BRAKED,
    GENERATION,
    LANES,
    LINK_ERRORS,
    POWER,
    REPLAYS,
    TEMPERATURE,
    UTILIZATION,
)
from gpuwatch.sources.nvml_signals import TABLE

FAST = frozenset({Cadence.FAST})
BOTH = frozenset({Cadence.FAST, Cadence.SLOW})
KEY = BoardKey("1652", "GPU-1")
BY_KEY = {signal.key: signal for signal in TABLE}
FAILED = Gap(GapReason.FAILED, 999)
_TABLES: dict[tuple[str, ...], tuple[Signal, ...]] = {}


def _table(*keys: str) -> tuple[Signal, ...]:
    return _TABLES.setdefault(keys, tuple(BY_KEY[key] for key in keys))


def _sweep(at: float, values: dict[str, Value | Gap], *, slow: bool = False) -> Sweep:
    return Sweep(
        board=KEY,
        at=Moment(wall=1_800_000_000.0 + at, boottime=at, boot_id="b"),
        cadences=BOTH if slow else FAST,
        signals=_table(*values),
        values=tuple(values.values()),
    )


def _book(*sweeps: Sweep) -> TrailBook:
    book = TrailBook()
    for sweep in sweeps:
        book.take(sweep)
    return book


def _minutes(*sweeps: Sweep) -> tuple[Stretch, ...]:
    return _book(*sweeps).trail.minutes


def test_a_minute_is_told_once_it_is_over_in_base_units() -> None:
    """Milliwatts are watts; the minute that runs is not told."""
    (minute,) = _minutes(
        _sweep(60.0, {TEMPERATURE: 40, POWER: 300_000}),
        _sweep(70.0, {TEMPERATURE: 60, POWER: FAILED}),
        _sweep(120.0, {TEMPERATURE: 99, POWER: 999_000}),
    )

    assert minute == Stretch(number=1, means={TEMPERATURE: 50.0, POWER: 300.0})


def test_what_was_never_told_in_a_minute_is_absent_from_it() -> None:
    """A gap is not zero."""
    (minute,) = _minutes(_sweep(60.0, {POWER: FAILED}), _sweep(120.0, {POWER: 1}))

    assert minute == Stretch(number=1)


def test_sweeps_in_a_row_tell_no_more_than_one() -> None:
    """Within five seconds only a slow sweep adds anything."""
    (minute,) = _minutes(
        _sweep(60.0, {TEMPERATURE: 40}),
        _sweep(64.9, {TEMPERATURE: 99}),
        _sweep(65.0, {TEMPERATURE: 60}),
        _sweep(66.0, {TEMPERATURE: 80}, slow=True),
        _sweep(120.0, {TEMPERATURE: 1}),
    )

    assert minute.means == {TEMPERATURE: 60.0}


def test_what_the_last_slow_sweep_told_stands_together() -> None:
    """Utilisation beside the link that was read at the same moment, not beside the mean."""
    link: dict[str, Value | Gap] = {UTILIZATION: 90, GENERATION: 5, LANES: 16}

    (minute,) = _minutes(
        _sweep(60.0, link, slow=True),
        _sweep(90.0, link | {UTILIZATION: 10, LANES: FAILED}, slow=True),
        _sweep(100.0, {UTILIZATION: 100}),
        _sweep(120.0, {UTILIZATION: 100}),
    )

    assert minute.together == {UTILIZATION: 0.1, GENERATION: 5.0}


def test_rises_are_counted_in_the_minute_in_which_they_were_seen() -> None:
    """The first reading is where counting begins: its minute is not known in full."""
    minutes = _minutes(*(_sweep(at, {REPLAYS: at}) for at in (60.0, 90.0, 120.0, 170.0, 180.0)))

    assert [dict(minute.rises) for minute in minutes] == [{}, {REPLAYS: 80.0}]


def test_a_rise_over_more_than_a_minute_is_taken_as_a_rate() -> None:
    """Seen 90 seconds later, two thirds of it are a minute's; after a gap nobody can say."""
    minutes = _minutes(*(_sweep(at, {REPLAYS: at}) for at in (60.0, 150.0, 280.0, 300.0)))

    assert [dict(minute.rises) for minute in minutes] == [{}, {REPLAYS: 60.0}, {}]


def test_a_counter_that_falls_makes_the_minute_unknown() -> None:
    """A driver was loaded; how much it counted before that, nobody saw."""
    readings = zip((60.0, 120.0, 130.0, 180.0, 240.0), (10, 20, 3, 5, 5), strict=True)

    minutes = _minutes(*(_sweep(at, {REPLAYS: value}) for at, value in readings))

    assert [dict(minute.rises) for minute in minutes] == [{}, {}, {REPLAYS: 2.0}]


def test_times_are_counted_in_seconds() -> None:
    """NVML counts brake time in nanoseconds."""
    readings = zip((60.0, 120.0, 180.0), (0, 2_500_000_000, 0), strict=True)

    minutes = _minutes(*(_sweep(at, {BRAKED: value}, slow=True) for at, value in readings))

    assert [dict(minute.rises) for minute in minutes] == [{}, {BRAKED: 2.5}]


def test_hours_outlive_a_gap_that_minutes_do_not() -> None:
    """An hour of release is no reason to lose a day's errors; half a day of it is."""
    key = LINK_ERRORS[0]
    ats = (0.0, 3600.0, 3660.0, 9000.0, 10_800.0, 40_000.0, 50_000.0)

    hours = _book(*(_sweep(at, {key: at}, slow=True) for at in ats)).trail.hours

    assert [(hour.number, dict(hour.rises)) for hour in hours] == [
        (0, {}),
        (1, {key: 3660.0}),
        (2, {key: 5340.0}),
        (3, {key: 1800.0}),
        (11, {}),
    ]


def test_a_trail_keeps_twenty_minutes_and_a_day() -> None:
    """It is bounded."""
    trail = _book(*(_sweep(at * 60.0, {TEMPERATURE: 40}) for at in range(26 * 60))).trail

    assert (len(trail.minutes), len(trail.hours)) == (20, 24)


def test_another_boot_begins_another_trail() -> None:
    """Seconds of two boots do not compare."""
    book = _book(_sweep(600.0, {REPLAYS: 1}), _sweep(660.0, {REPLAYS: 2}))

    book.take(_sweep(60.0, {REPLAYS: 9}))
    book.take(_sweep(120.0, {REPLAYS: 9}))

    assert book.trail.minutes == (Stretch(number=1),)


def test_a_trail_that_was_given_does_not_change() -> None:
    """Rules of one judgement see one past."""
    book = _book(_sweep(60.0, {POWER: 1000}), _sweep(120.0, {POWER: 1000}))
    given = book.trail

    book.take(replace(_sweep(180.0, {POWER: 1000})))

    assert (len(given.minutes), len(book.trail.minutes)) == (1, 2)


@pytest.mark.parametrize(
    "keys", [trailed.MEANS, trailed.TOGETHER, trailed.MINUTE_RISES, trailed.HOUR_RISES]
)
def test_every_signal_that_rules_look_back_on_is_one_of_the_table(keys: frozenset[str]) -> None:
    """A misspelt one would never be told."""
    assert keys <= BY_KEY.keys()


def test_signals_told_together_are_asked_in_one_sweep() -> None:
    """A slow sweep asks the fast rows too."""
    assert {BY_KEY[key].every for key in trailed.TOGETHER} == {Cadence.FAST, Cadence.SLOW}
