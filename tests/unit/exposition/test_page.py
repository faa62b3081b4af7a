"""Page: what a person reads at 03:00, from one snapshot, with everything foreign escaped."""

import re
from dataclasses import replace
from itertools import pairwise
from typing import Any

import pytest

from gpuwatch.domain.devices import BoardKey
from gpuwatch.domain.flags import FlagState
from gpuwatch.domain.snapshot import BackupState, Snapshot, SourceState
from gpuwatch.domain.verdicts import GRAVITY, Verdict
from gpuwatch.domain.windows import Outlook
from gpuwatch.exposition.detail import gpu_page
from gpuwatch.exposition.flag_page import flag_page
from gpuwatch.exposition.flags_page import flags_page
from gpuwatch.exposition.frame import SECURITY_POLICY
from gpuwatch.exposition.gpu_plots import SPANS, gpu_figure, plots_section
from gpuwatch.exposition.page import status_page
from tests.support.golden import assert_golden
from tests.support.nights import album, every_page, nights, runbook_pages
from tests.support.pages import Reader
from tests.support.snapshots import AT, gpu_state, rich_snapshot

ALLOWED = frozenset(
    [
        "html",
        "head",
        "meta",
        "title",
        "link",
        "style",
        "body",
        "header",
        "a",
        "strong",
        "span",
        "nav",
        "main",
        "section",
        "h1",
        "h2",
        "h3",
        "p",
        "ul",
        "li",
        "table",
        "thead",
        "tbody",
        "tr",
        "th",
        "td",
        "div",
        "br",
        "small",
        "code",
        "time",
        "footer",
        "article",
        "dl",
        "dt",
        "dd",
        "figure",
        "figcaption",
        "svg",
        "desc",
        "path",
        "line",
        "rect",
        "text",
        "tspan",
    ]
)


PAGES = every_page()
ALL = {**PAGES, **runbook_pages()}
each_page = pytest.mark.parametrize("page", PAGES.values(), ids=PAGES.keys())
each_of_all = pytest.mark.parametrize("page", ALL.values(), ids=ALL.keys())


def _read(snapshot: Snapshot) -> str:
    return Reader(status_page(snapshot)).text


def test_the_page_of_a_bad_night_is_the_golden_one() -> None:
    """All of it; times are relative to the snapshot's instant."""
    assert_golden("page.html", status_page(rich_snapshot()).decode())


def test_the_detail_of_a_flagged_gpu_is_the_golden_one() -> None:
    """Findings, plots, incidents, readings of GPU 2."""
    snapshot = rich_snapshot()
    figure = gpu_figure(snapshot, snapshot.gpus[2], album(), SPANS["24h"])

    page = gpu_page(snapshot, snapshot.gpus[2], plots=plots_section(SPANS["24h"], figure))

    assert_golden("gpu.html", page.decode())


def test_the_page_of_a_flag_is_the_golden_one() -> None:
    """Why, what to do, evidence, and who did what."""
    snapshot = rich_snapshot()
    flag = next(one for one in snapshot.flags if snapshot.flag_audit.get(one.number))

    assert_golden("flag.html", flag_page(snapshot, flag).decode())


@each_page
def test_a_page_holds_only_the_elements_we_write(page: bytes) -> None:
    """No script, whatever a board calls itself; every element is closed."""
    reader = Reader(page)

    assert reader.elements <= ALLOWED
    assert reader.open == []


@each_page
def test_a_page_loads_nothing_from_elsewhere(page: bytes) -> None:
    """It works without a route to anywhere; the links to sources are followed by hand only."""
    foreign = {
        address
        for address in Reader(page).addresses
        if not address.startswith(("/", "#", "?", "https://docs.nvidia.com/"))
        and address != "data:,"
    }

    assert foreign == set()


@each_page
def test_a_page_keeps_its_own_security_policy(page: bytes) -> None:
    """The policy allows no style attribute and no inline handler, so there must be none."""
    attributes = Reader(page).attributes

    assert "style" not in attributes
    assert not any(name.startswith("on") for name in attributes)
    assert "unsafe" not in SECURITY_POLICY


def test_a_hostile_board_name_is_only_text() -> None:
    """What looks like a script is shown, not run."""
    assert '<script>alert("xss")</script>' in _read(rich_snapshot())


def test_the_first_sentences_say_how_the_host_is() -> None:
    """Who must be drained, what is unknown, what waits."""
    assert (
        "GPU 3 and GPU 6 must be drained now. GPU 4 cannot be judged: nobody knows that it is "
        "well. GPU 2 is to be replaced at a window. GPU 5 wants a reset at a window. GPU 1 is "
        "being watched. 2 of 8 GPUs healthy."
    ) in _read(rich_snapshot())


def test_a_quiet_host_says_so() -> None:
    """No list of urgent things, no trouble."""
    quiet = replace(
        rich_snapshot(),
        gpus=(gpu_state(0),),
        host_verdict=Verdict.HEALTHY,
        host_findings=(),
        flags=(),
        degraded=(),
        kernel_log_lost=0,
    )

    text = _read(quiet)

    assert "1 of 1 GPU healthy." in text
    assert "No board of this host is flagged." in text


def test_a_host_without_gpus_is_not_called_healthy() -> None:
    """An empty table is no good news."""
    text = _read(replace(rich_snapshot(), gpus=(), host_verdict=Verdict.UNKNOWN))

    assert "No GPU is known on this host." in text


def test_an_unreadable_value_is_shown_as_unknown_with_its_reason() -> None:
    """Never a dash, never a zero."""
    text = _read(rich_snapshot())

    assert "unknown: no permission" in text
    assert "unknown: GPU not there" in text
    assert "unknown: last answer 104 s ago" in text


def test_somebody_at_work_is_named_beside_the_urgent_finding() -> None:
    """The second question at 03:00: is anybody at it?"""
    assert "Replace the board. Flag 14 is in hands. Nobody is paged for it." in _read(
        rich_snapshot()
    )


def test_a_page_of_a_stalled_agent_warns() -> None:
    """Old facts must not look like the present."""
    page = status_page(rich_snapshot(), stalled_seconds=95.0)

    assert "gpuwatch has stood still for 95 s." in Reader(page).text


def test_an_unsynchronised_clock_is_told() -> None:
    """Because new trend flags wait for it."""
    text = _read(replace(rich_snapshot(), clock_synchronized=False))

    assert "The wall clock is not synchronised" in text


def test_backups_that_fail_or_hang_are_told() -> None:
    """And how old the newest is; nothing of that where none are made."""
    hanging = _read(replace(rich_snapshot(), backups=BackupState(AT - 200_000.0)))
    well = _read(replace(rich_snapshot(), backups=BackupState(AT - 7_200.0)))
    off = _read(replace(rich_snapshot(), backups=None))

    assert "first 2 h ago: /srv/backup: No space left on device." in _read(rich_snapshot())
    assert "The nightly backup of the history is overdue" in hanging
    assert "newest backup 2 h ago" in well
    assert "backup of the history" not in well
    assert "backup" not in off


def test_an_open_window_is_told_with_its_end() -> None:
    """While it is open people want to know how long."""
    snapshot = rich_snapshot()
    start = snapshot.windows[0].start.timestamp()

    text = _read(replace(snapshot, at=replace(snapshot.at, wall=start + 3_600)))

    assert "Window sunday is open until Sun 2026-03-15 06:00 UTC (in 3 h)" in text


def test_a_host_without_windows_says_what_is_missing() -> None:
    """And where it is set."""
    text = _read(replace(rich_snapshot(), outlook=Outlook()))

    assert "No maintenance window is coming ([[windows]], [[calendars]])." in text


def test_a_blackout_that_holds_is_said_in_bold() -> None:
    """Who reads the page at night sees why no window is open."""
    snapshot = rich_snapshot()
    start = snapshot.outlook.blackouts[0].start.timestamp()

    text = _read(replace(snapshot, at=replace(snapshot.at, wall=start + 3_600)))

    assert "quarter end holds now Tue 2026-04-07 00:00 UTC" in text


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"read_at": None, "problem": ""}, "Calendar ops: unknown: not read yet"),
        ({"problem": ""}, "Calendar ops: 0 windows and 0 blackouts, read 24 h ago."),
        ({}, "Calendar ops: /etc/gpuwatch/ops.ics does not exist"),
    ],
)
def test_a_calendar_says_how_it_is(changes: dict[str, Any], says: str) -> None:
    """Unread, read, or broken."""
    snapshot = rich_snapshot()
    calendar = replace(snapshot.outlook.calendars[0], **changes)

    text = _read(replace(snapshot, outlook=replace(snapshot.outlook, calendars=(calendar,))))

    assert says in text


def test_a_flag_without_a_window_in_time_is_late() -> None:
    """Also one that a person pinned too late."""
    snapshot = rich_snapshot()
    flag = replace(snapshot.flags[1], pinned=True, due_at=snapshot.at.wall + 3_600)

    text = _read(replace(snapshot, flags=(flag,)))
    without = _read(replace(snapshot, flags=(replace(flag, window_start=None, pinned=False),)))

    assert "late: Sun 2026-03-22 02:00 UTCchosen by a person" in text
    assert "late: none planned" in without


def test_the_detail_of_a_hung_gpu_says_what_hangs() -> None:
    """The call and the state of the process."""
    snapshot = rich_snapshot()

    text = Reader(gpu_page(snapshot, snapshot.gpus[4])).text

    assert "stuck for 94 s in state D in nvmlDeviceGetRemappedRows" in text
    assert "No reading: last answer 104 s ago." in text


def test_the_detail_of_a_gpu_tells_each_gap() -> None:
    """A reading that is missing has its reason beside it."""
    snapshot = rich_snapshot()

    text = Reader(gpu_page(snapshot, snapshot.gpus[5])).text

    assert "gpuwatch_gpu_energy_joules_total unknown: timed out" in text


def test_a_gpu_set_apart_before_it_answered_is_not_called_unasked() -> None:
    """It was asked, and hung; and that nothing is found says nothing."""
    snapshot = rich_snapshot()
    hung = replace(
        gpu_state(4, verdict=Verdict.UNKNOWN),
        latest=(),
        fresh=False,
        set_apart="set apart: it hung",
    )

    text = Reader(gpu_page(snapshot, hung)).text

    assert "not asked yet" not in text
    assert "No reading: set apart." in text
    assert "No rule holds, but the GPU cannot be judged" in text


def test_an_open_flag_past_its_due_instant_is_overdue() -> None:
    """Not merely so long ago."""
    snapshot = rich_snapshot()
    waiting = next(flag for flag in snapshot.flags if flag.state is FlagState.OPEN)
    late = replace(waiting, due_at=snapshot.at.wall - 3 * 86_400.0)

    text = Reader(flags_page(replace(snapshot, flags=(late,)))).text

    assert "overdue" in text
    assert ", was 3 d ago" in text


@each_of_all
def test_headings_are_in_order(page: bytes) -> None:
    """One of the first level, which comes first, and none that skips a level."""
    levels = Reader(page).headings

    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(after - before <= 1 for before, after in pairwise(levels))


@each_of_all
def test_a_page_has_its_landmarks(page: bytes) -> None:
    """One header, one main part and one footer; each navigation has a name; a language."""
    text = page.decode()

    assert [text.count(f"<{one}") for one in ("header", "main", "footer")] == [1, 1, 1]
    assert (
        text.count("<nav ") == text.count("<nav") == len(re.findall("<nav [^>]*aria-label", text))
    )
    assert '<html lang="en">' in text
    assert '<body><a href="#content" class="skip">' in text


@each_of_all
def test_a_table_says_what_its_columns_are(page: bytes) -> None:
    """Each heading has its scope, each cell the heading that it has on a phone."""
    text = page.decode()

    assert text.count("<th") - text.count("<thead") == text.count('<th scope="col"')
    assert text.count("<td") == text.count("<td data-label=")


@each_of_all
def test_an_address_within_a_page_leads_somewhere(page: bytes) -> None:
    """As the one with which the navigation is skipped."""
    text = page.decode()
    inner = {one[1:] for one in Reader(page).addresses if one.startswith("#")}

    assert inner <= set(re.findall(r' id="([^"]*)"', text))


def test_the_worst_gpu_comes_first() -> None:
    """On a phone nobody scrolls past seven that are well."""
    text = status_page(rich_snapshot()).decode()

    glance = re.findall(r'<li class="([a-z-]*)"><a href="/gpu/', text)

    assert glance[:2] == ["drain-now", "drain-now"]
    assert glance == sorted(glance, key=[one.value.replace("_", "-") for one in GRAVITY].index)


def test_work_on_the_host_is_told_at_once() -> None:
    """Who reads at night sees that it is planned, and until when nothing pages."""
    text = _read(nights()["maintenance"])

    assert (
        "Maintenance of the host by uid=1000(alice) until Sat 2026-03-14 05:12 UTC: new power"
        " supplies. Nothing of it pages meanwhile."
    ) in text


def test_the_page_of_a_flag_whose_board_is_gone_says_so() -> None:
    """And points to what is kept of it."""
    snapshot = rich_snapshot()
    flag = replace(snapshot.flags[0], board=BoardKey("", "GPU-of-nobody"), slot_label="")

    text = Reader(flag_page(snapshot, flag)).text

    assert "The board is not in this host any more" in text
    assert "in a slot that is not known" in text


def test_the_page_of_a_flag_knows_the_serial_that_the_driver_tells_no_more() -> None:
    """The label still says it."""
    snapshot = rich_snapshot()
    flag = next(one for one in snapshot.flags if one.number == 15)
    gpus = tuple(
        replace(
            gpu,
            record=replace(
                gpu.record,
                board=replace(gpu.record.board, key=BoardKey("", gpu.record.key.uuid)),
            ),
        )
        for gpu in snapshot.gpus
    )

    text = Reader(flag_page(replace(snapshot, gpus=gpus), flag)).text

    assert "serial 1654223010009" in text
    assert "serial not readable" not in text


def test_the_page_of_a_flag_that_is_over_asks_for_nothing() -> None:
    """It is history."""
    snapshot = rich_snapshot()
    flag = next(one for one in snapshot.flags if not one.is_open)

    assert "Nothing: the flag is history." in Reader(flag_page(snapshot, flag)).text


def test_a_host_that_is_blind_says_why_at_once() -> None:
    """Before anything that is not known."""
    text = _read(nights()["no-driver"])

    assert (
        "No GPU is known on this host. Source nvml tells nothing: the NVIDIA driver is not loaded."
        " Its last success: never."
    ) in text


def test_a_source_that_was_let_go_of_says_so_at_once() -> None:
    """It is planned, and says for what."""
    released = SourceState(
        name="nvml", up=False, fresh=False, released=True, released_reason="driver upgrade"
    )

    text = _read(replace(nights()["well"], sources=(released,)))

    assert "Source nvml is released (driver upgrade): nothing is read from it." in text


def test_a_finding_that_cannot_wait_says_since_when() -> None:
    """Whether it is news or has been there for a day."""
    assert "fallen off the bus (Xid 79). Found 6 h ago. Drain the host" in _read(rich_snapshot())
