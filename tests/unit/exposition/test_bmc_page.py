"""BMC pages: the panel, the table of other servers and the page of one BMC, as people read them."""

from dataclasses import replace

import pytest

from gpuwatch.domain.bmc import (
    BmcIdentity,
    BmcSweep,
    BmcTrouble,
    Chassis,
    Part,
    Quantity,
    SensorHealth,
)
from gpuwatch.domain.snapshot import BmcState, Snapshot
from gpuwatch.domain.verdicts import Verdict
from gpuwatch.exposition.bmc_page import bmc_page
from gpuwatch.exposition.bmc_steps import trouble_remedy
from gpuwatch.exposition.detail import gpu_page
from gpuwatch.exposition.page import status_page
from tests.support.bmc_states import dead_bmc, hgx_bmc, main_bmc, new_bmc
from tests.support.bmcs import fan, sensor, supply, sweep
from tests.support.golden import assert_golden
from tests.support.pages import Reader
from tests.support.snapshots import AT, gpu_state, rich_snapshot


def _snapshot(*bmcs: BmcState) -> Snapshot:
    """A host that is well, but for its BMCs."""
    return replace(
        rich_snapshot(),
        gpus=(gpu_state(0),),
        host_verdict=Verdict.HEALTHY,
        host_findings=(),
        bmcs=bmcs,
    )


def _watcher(*bmcs: BmcState) -> Snapshot:
    """A host that looks for no GPU and watches other servers."""
    return replace(_snapshot(*bmcs), gpus=(), sources=(), hostname="watcher-1", epoch=None)


def _status(*bmcs: BmcState) -> str:
    return Reader(status_page(_snapshot(*bmcs))).text


def _page(bmc: BmcState) -> str:
    return Reader(bmc_page(_snapshot(bmc), bmc)).text


def _telling(**changes: object) -> BmcState:
    """A BMC that told this a moment ago."""
    return replace(main_bmc(AT), sweep=sweep(**changes), findings=(), entries=())


def _well(name: str, host: str) -> BmcState:
    told = replace(_telling(), name=name, host=host, verdict=Verdict.HEALTHY)
    return replace(told, trouble=None)


def test_the_page_of_a_bmc_is_the_golden_one() -> None:
    """All of it, on a night when a supply failed and a feed was lost."""
    snapshot = rich_snapshot()

    assert_golden("bmc.html", bmc_page(snapshot, snapshot.bmcs[0]).decode())


def test_a_host_without_a_bmc_says_nothing_of_one() -> None:
    """No empty panel, no empty table."""
    reader = Reader(status_page(_snapshot()))

    assert "Other servers" not in reader.text
    assert not any(address.startswith("/bmc") for address in reader.addresses)


def test_the_panel_says_what_is_wrong_and_what_to_do() -> None:
    """Findings with their next step, and the numbers that people ask for first."""
    text = _status(main_bmc(AT))

    assert "Now: have the supplies or cords named here looked at" in text
    assert "Nothing now. At a window: exchange the supply named here" in text
    assert "2 of 6 well: PS3 failed, PS4 without input, PS5 unknown, PS6 absent" in text
    assert "inlet 38.5 °C" in text
    assert "2 of 3 well: Fan 3 2,310 rpm (critical); those well turn at 9,870 rpm to 9,930" in text
    assert "clock 94.8 s behind this host's" in text


def test_a_page_of_a_bmc_is_among_the_urgent_things() -> None:
    """Beside the GPUs of the host."""
    text = _status(main_bmc(AT))

    assert "BMC main: the power supplies have no redundancy left" in text


def test_an_entry_of_the_log_is_dated_by_our_clock() -> None:
    """What the BMC's clock said is told on hovering; what was there before is told so."""
    page = bmc_page(_snapshot(main_bmc(AT)), main_bmc(AT)).decode()

    assert 'title="2026-03-14T03:04:51.000Z by the BMC&#x27;s clock">2026-03-14 03:06 UTC' in page
    assert 'title="the BMC gave no time"' in page
    assert "2026-03-13 03:13 UTC (before gpuwatch)" in Reader(page.encode()).text


def test_an_entry_of_an_end_says_so() -> None:
    """A supply that came back is no further loss of it."""
    main = main_bmc(AT)
    latest = main.entries[0]
    ended = replace(latest, entry=replace(latest.entry, asserted=False))

    assert "Power Supply input lost (ended)" in _page(replace(main, entries=(ended,)))


def test_an_entry_does_not_say_twice_what_it_says() -> None:
    """The name of its sensor, and that it is an end, where its text has them already."""
    main = main_bmc(AT)
    latest = main.entries[0]
    text = "PS4 Status: input lost (deasserted)"
    told = replace(latest, entry=replace(latest.entry, text=text, asserted=False))

    page = _page(replace(main, entries=(told,)))

    assert "power PS4 Status input lost (deasserted) These are the latest" in page


def test_the_errors_that_a_bmc_has_not_counted_of_a_gpu_are_none() -> None:
    """Eight counters at 0 are said in three words."""
    hgx = hgx_bmc(AT)
    assert hgx.sweep is not None
    clean = replace(hgx.sweep.gpus[0], counts={"uncorrectable": 0, "pcie_fatal": 0})

    page = _page(replace(hgx, sweep=replace(hgx.sweep, gpus=(clean,))))

    assert "a row remap has failed, no errors counted" in page


def test_a_hostile_text_is_only_text() -> None:
    """Names of sensors and entries of logs come from elsewhere."""
    text = _page(main_bmc(AT))

    assert '<b>"VR"</b>\\ 0' in text
    assert "Correctable ECC <i>limit</i> reached" in text


def test_a_bmc_that_does_not_answer_says_why_and_since_when() -> None:
    """On the first line of the page, without a number of its last answer."""
    silent = replace(dead_bmc(AT), name="main", host="")

    text = _status(silent)

    assert (
        "1 of 1 GPU healthy. BMC main has not been readable since 2026-03-14 01:12 UTC: no answer "
        "from 192.0.2.118:623 (is it switched on, and is UDP 623 let through?); its last answer "
        "was at 2026-03-14 01:11 UTC."
    ) in text
    assert "5,812 W" not in text


@pytest.mark.parametrize("trouble", BmcTrouble)
def test_every_trouble_has_its_sentence_and_a_way_out(trouble: BmcTrouble) -> None:
    """Whatever it is; without a sentence the word of the trouble stands for it."""
    silent = replace(dead_bmc(AT), trouble=trouble, problem="the sentence.")
    mute = replace(silent, problem="")
    way_out = trouble_remedy(silent)

    assert "since 2026-03-14 01:12 UTC: the sentence; its last answer" in _page(silent)
    assert f"UTC: {trouble.replace('_', ' ')}; its last answer" in _page(mute)
    assert way_out
    assert way_out in _page(silent)


def test_a_bmc_that_grew_stale_without_a_word_says_so() -> None:
    """A child that hangs has not failed yet."""
    stale = replace(dead_bmc(AT), trouble=None, problem="")

    assert "The BMC tells nothing at present; its last answer was at" in _page(stale)


def test_a_bmc_that_was_never_asked_says_so() -> None:
    """It is not called healthy."""
    text = _page(new_bmc(AT))

    assert "unknown: the BMC was not asked yet" in text
    assert "It is unknown because it was not asked yet." in text
    assert "Nothing found, and nothing is told at present." in text


def test_other_servers_are_a_table_with_the_worst_first() -> None:
    """By verdict, and alike ones by name as people count."""
    names = ("node-2", "node-10", "node-1")
    ill = replace(main_bmc(AT), name="sick", host="server-sick")
    bmcs = (*(_well(name, f"server-{name}") for name in names), dead_bmc(AT), ill)

    page = status_page(_watcher(*bmcs)).decode()

    order = ("server-sick", "gpu-node-18", "server-node-1<", "server-node-2<", "server-node-10<")
    places = [page.index(f">{name}", page.index("Other servers")) for name in order]
    assert places == sorted(places)


def test_a_host_that_watches_others_has_no_table_of_gpus() -> None:
    """It looks for none: their absence is no news."""
    text = Reader(status_page(_watcher(_well("node-1", "server-1")))).text

    assert "No GPU" not in text
    assert "driver" not in text
    assert "watcher-1 and 1 other server 1 of 1 other server healthy." in text


@pytest.mark.parametrize(
    ("verdict", "one", "two"),
    [
        (Verdict.DRAIN_NOW, "a wants somebody now.", "a and b want somebody now."),
        (
            Verdict.UNKNOWN,
            "a cannot be judged: nobody knows that it is well.",
            "a and b cannot be judged: nobody knows that they are well.",
        ),
        (
            Verdict.REPLACE_AT_WINDOW,
            "a wants a part replaced at a window.",
            "a and b want a part replaced at a window.",
        ),
        (
            Verdict.RESET_AT_WINDOW,
            "a wants somebody at a window.",
            "a and b want somebody at a window.",
        ),
        (Verdict.WATCH, "a is being watched.", "a and b are being watched."),
    ],
)
def test_the_first_sentences_say_how_other_servers_are(
    verdict: Verdict, one: str, two: str
) -> None:
    """Each verdict that some of them has."""
    first, second = (replace(_well(name, name), verdict=verdict) for name in ("a", "b"))

    assert one in Reader(status_page(_watcher(first))).text
    assert two in Reader(status_page(_watcher(first, second))).text


def test_a_room_of_servers_does_not_fill_the_first_sentence() -> None:
    """The first six by name; the urgent list is cut likewise."""
    dead = [
        replace(main_bmc(AT), name=f"node-{number}", host=f"server-{number}")
        for number in range(1, 21)
    ]

    text = Reader(status_page(_watcher(*dead))).text

    assert "server-5, server-6 and 14 more want somebody now. 0 of 20 other servers" in text
    assert "and 8 more findings that cannot wait: see below" in text


def test_two_bmcs_of_one_server_are_one_server() -> None:
    """The host's and the baseboard's."""
    both = (_well("host", "server-1"), replace(_well("hgx", "server-1"), verdict=Verdict.WATCH))

    assert "0 of 1 other server healthy." in Reader(status_page(_watcher(*both))).text


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"supplies": (supply(1, standby=True),)}, "supplies 1 of 1 well redundancy"),
        ({"supplies": (supply(1, failing=True),)}, "0 of 1 well: PSU1 about to fail"),
        (
            {"supplies": (supply(1, health=SensorHealth.WARNING),)},
            "0 of 1 well: PSU1 warning",
        ),
        (
            {"supplies": (supply(1, health=SensorHealth.CRITICAL),)},
            "0 of 1 well: PSU1 critical",
        ),
        ({"chassis": Chassis(power_on=False)}, "server off since 2026-03-02 13:25 UTC"),
        ({"watts": None}, "server on since 2026-03-02 13:25 UTC supplies"),
        ({"clock_skew": 12.0}, "clock 12 s ahead of this host's"),
        ({"clock_skew": 0.04}, "clock as this host's"),
        ({"clock_skew": None}, "6 sensors, none critical, none warning event log"),
        ({"identity": BmcIdentity(cipher_suite=3)}, "session cipher suite 3 (17 is wanted)"),
        ({"sensors": (fan(1, None),)}, "0 of 1 well: FAN1 no number (nominal)"),
        ({"sensors": (fan(1), fan(2))}, "2 of 2 well; those well turn at 9,000 rpm"),
        (
            {"sensors": (fan(1, 0.25, quantity=Quantity.FAN_DUTY),)},
            "1 of 1 well; those well turn at 25 %",
        ),
        ({"sensors": (sensor("Door", quantity=Quantity.STATE, value=None),)}, "asserts nothing"),
    ],
)
def test_what_a_bmc_tells_is_put_into_words(changes: dict[str, object], says: str) -> None:
    """Each fact by itself."""
    told = {"sensors": (fan(1), *(sensor(f"T{number}") for number in range(5)))} | changes

    assert says in _page(_telling(**told))


def test_a_server_that_tells_little_is_not_made_up() -> None:
    """No supplies, no fans, no log: no line about them."""
    bare = BmcSweep(bmc="main", at=sweep().at, seconds=0.1)
    main = replace(main_bmc(AT), cleared=0, wrapped=0, power_since=None)

    text = _page(replace(main, sweep=bare, findings=(), entries=()))

    assert "server on or off: not told Sensors" in text
    assert "No sensor is told." in text
    assert "No entry of its event logs is known." in text


def test_the_page_of_a_gpu_tells_what_the_bmc_says_of_it() -> None:
    """GPU 3 of the host is GPU_SXM_4 of the baseboard."""
    snapshot = rich_snapshot()

    text = Reader(gpu_page(snapshot, snapshot.gpus[3])).text

    assert (
        "BMC hgx on GPU_SXM_4: the BMC calls it critical, 71.5 °C, memory 83.5 °C, 587.25 W, a row "
        "remap has failed, rows remapped uncorrectable 59, uncorrectable 57."
    ) in text
    assert "Out of band" not in Reader(gpu_page(snapshot, snapshot.gpus[2])).text


def test_the_page_of_a_bmc_leads_to_the_boards_of_this_host() -> None:
    """By the serial, and by the UUID where it tells no serial."""
    page = bmc_page(rich_snapshot(), hgx_bmc(AT))

    addresses = Reader(page).addresses
    assert {
        f"/gpu/{rich_snapshot().gpus[number].record.key.uuid}" for number in (0, 3)
    } <= addresses
    assert "nothing but its name" in Reader(page).text


def test_a_gpu_that_nobody_knows_has_no_link() -> None:
    """The baseboard of another host, or a board that is not in this one."""
    far = replace(hgx_bmc(AT), host="gpu-node-20")

    assert not any("/gpu/" in one for one in Reader(bmc_page(rich_snapshot(), far)).addresses)


def test_gaps_of_a_part_are_told() -> None:
    """What could not be asked, and why."""
    text = _page(hgx_bmc(AT))

    assert "not told logs (timed out)" in text
    assert "firmware the BMC starts, or its firmware is being written" in text


def test_a_source_of_a_bmc_is_told_by_its_panel() -> None:
    """Not twice; but a child that cannot be ended is told among the sources."""
    snapshot = rich_snapshot()
    source = snapshot.sources[-1]
    stuck = replace(source, unkillable=1)

    told = Reader(status_page(snapshot)).text
    cannot = Reader(status_page(replace(snapshot, sources=(stuck,)))).text

    assert "bmc.node-18" not in told
    assert "bmc.node-18 down, 1 child process cannot be ended" in cannot


def test_a_part_with_several_inlets_tells_the_hottest() -> None:
    """38.5 and 37.25 degrees."""
    inlets = (sensor("A", part=Part.INLET, value=21.0), sensor("B", part=Part.INLET, value=23.0))

    assert "inlet 23 °C" in _page(_telling(sensors=inlets))
