"""GPU plots: what is drawn of a GPU, and that nothing is drawn of what nobody read."""

import re
from dataclasses import replace

from gpuwatch.domain.albums import Album
from gpuwatch.domain.records import Spread, Transition
from gpuwatch.domain.snapshot import GpuState
from gpuwatch.exposition.gpu_plots import COUNTERS, LEVELS, SPANS, gpu_figure, plots_section
from gpuwatch.exposition.markup import raw
from gpuwatch.sources.nvml_signals import TABLE
from tests.support.snapshots import AT, gpu_state, rich_snapshot

_CORE, _MEMORY, _POWER, _HOT = LEVELS[:4]
_ALL = "gpuwatch_gpu_ecc_uncorrected_aggregate_errors_total"
_ROWS = "gpuwatch_gpu_rows_remapped_uncorrectable_total"
_HOUR = 3_600.0


def _buckets(value: float, start: float, end: float) -> tuple[tuple[float, Spread], ...]:
    count = int((end - start) // 300)
    return tuple(
        (start + 300.0 * number, Spread(value - 1, value, value + 1)) for number in range(count)
    )


def _figure(album: Album, gpu: GpuState | None = None, span: str = "24h") -> str:
    snapshot = rich_snapshot()
    return gpu_figure(snapshot, gpu or snapshot.gpus[0], album, SPANS[span])


def _legends(figure: str) -> list[str]:
    return re.findall(r"</svg><span>([^<]*)</span></li>", figure)


def test_a_gpu_without_a_past_says_so() -> None:
    """Its present values stand alone; what cannot be known is said to be unread."""
    legends = _legends(_figure(Album()))

    assert legends[0] == "core, highest: 41 at 03:12 UTC"
    assert "heat, by the board: nothing was read in this time" in legends


def test_levels_have_their_highest_and_their_present_value() -> None:
    """A peak within five minutes is not lost in their mean."""
    buckets = _buckets(80.0, AT - 6 * _HOUR, AT)

    legends = _legends(_figure(Album(levels={_CORE: buckets, _POWER: buckets})))

    assert legends[0] == "core, highest: 41 at 03:12 UTC, 41 to 81"
    assert "mean of five minutes: 80 at 03:07 UTC, unchanged" in legends


def test_an_agent_that_was_off_leaves_a_gap() -> None:
    """In levels and in counters: nobody knows when in the meantime a counter rose."""
    levels = (*_buckets(60.0, AT - 9 * _HOUR, AT - 6 * _HOUR), *_buckets(60.0, AT - _HOUR, AT))
    changes = (Transition(_ALL, 0, AT - 9 * _HOUR), Transition(_ALL, 4, AT - _HOUR))

    figure = _figure(Album(levels={_CORE: levels}, transitions=changes))

    errors = figure.split("<strong>Errors since it was made</strong>")[1]
    panel = errors.partition('class="plot-head"')[0]
    assert panel.count("<path") == 2
    assert 'class="plot-gap"' in panel


def test_a_share_holds_until_the_next_five_minutes() -> None:
    """What held the clocks down is told in percent of the time."""
    held = ((AT - _HOUR, Spread(0.0, 0.0, 0.0)), (AT - 300.0, Spread(0.0, 0.25, 1.0)))

    legends = _legends(_figure(Album(levels={_HOT: held})))

    assert "heat, by the driver: 25 at 03:12 UTC, 0 to 25" in legends


def test_a_share_of_long_ago_is_not_told_as_the_newest() -> None:
    """But since when it is unknown."""
    held = ((AT - 12 * _HOUR, Spread(0.0, 0.5, 1.0)),)

    legends = _legends(_figure(Album(levels={_HOT: held})))

    assert "heat, by the driver: unknown since Fri 2026-03-13 15:17 UTC, was 50, unchanged" in (
        legends
    )


def test_a_counter_of_a_gpu_that_is_gone_ends_with_its_last_reading() -> None:
    """Never a line to the present of what nobody reads."""
    gone = replace(gpu_state(0), present=False, fresh=False, latest=())
    levels = {_CORE: _buckets(60.0, AT - 12 * _HOUR, AT - 6 * _HOUR)}
    changes = (Transition(_ROWS, 3, AT - 12 * _HOUR),)

    legends = _legends(_figure(Album(levels=levels, transitions=changes), gone))

    assert "rows remapped, uncorrectable: unknown since Fri 2026-03-13 21:12 UTC, was 3" in (
        ", ".join(legends)
    )


def test_a_gpu_that_stopped_answering_is_told_by_when_it_was_read() -> None:
    """A counter held for as long as it was read, and nothing is told as of the present."""
    silent = replace(gpu_state(0), fresh=False, latest=())
    read = _buckets(60.0, AT - 12 * _HOUR, AT - 300.0)
    held = tuple((at, Spread(0.0, 0.0, 0.0)) for at, _ in read)
    changes = (Transition(_ROWS, 3, AT - 12 * _HOUR),)

    legends = _legends(
        _figure(Album(levels={_CORE: read, _HOT: held}, transitions=changes), silent)
    )

    assert "heat, by the driver: 0 at 03:07 UTC, unchanged" in legends
    assert "rows remapped, uncorrectable: 3 at 03:07 UTC, unchanged" in legends


def test_a_text_among_counts_is_unknown() -> None:
    """As after a return to an older gpuwatch."""
    changes = (Transition(_ROWS, 3, AT - 2 * _HOUR), Transition(_ROWS, "3", AT - _HOUR))
    gone = replace(gpu_state(0), present=False, fresh=False, latest=())

    figure = _figure(Album(transitions=changes), gone)

    assert "rows remapped, uncorrectable: unknown since" in figure


def test_what_happened_is_marked_and_told() -> None:
    """Incidents, Xids, resets, drivers and flags, each with its instant."""
    snapshot = rich_snapshot()
    album = Album(resets=(AT - _HOUR,), epochs=((AT - 7_000.0, "580.95.05"),))

    figure = gpu_figure(snapshot, snapshot.gpus[2], album, SPANS["14d"])

    told = " ".join(re.findall("<li>([^<]*)</li>", figure))
    assert "incident, Sat 2026-03-14 01:42 UTC: uncorrectable error in DRAM (ecc)" in told
    assert "reset, Sat 2026-03-14 02:12 UTC: a reset was evidenced" in told
    assert "driver load, Sat 2026-03-14 01:15 UTC: driver 580.95.05" in told
    assert re.search(r"flag, .* flag \d+ raised: rising-uncorrectable-trend", told)


def test_every_signal_that_is_drawn_is_kept() -> None:
    """Levels as series, counters by their changes."""
    kept = {row.key: row.keep.value for row in TABLE}

    assert {key: kept[key] for key in LEVELS} == dict.fromkeys(LEVELS, "series")
    assert {key: kept[key] for key in COUNTERS} == dict.fromkeys(COUNTERS, "changes")


def test_the_section_leads_to_the_other_spans() -> None:
    """By plain links, of which the one that is shown is marked as such."""
    told = plots_section(SPANS["6h"], raw("<figure></figure>"))

    assert '<a href="?span=6h" aria-current="true">6 hours</a>' in told
    assert '<a href="?span=14d">14 days</a>' in told
    assert told.endswith("<figure></figure></section>")


def test_a_section_without_a_figure_says_why() -> None:
    """A disk that is slow does not keep the rest of the page."""
    assert "the history is slow to answer" in plots_section(SPANS["6h"], None)
