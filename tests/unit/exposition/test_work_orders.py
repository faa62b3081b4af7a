"""Work orders: the right board, nothing beside it, and no invented fact."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from gpuwatch.domain.bmc import BmcIdentity, BmcProtocol, BmcSweep
from gpuwatch.domain.devices import BoardKey, Slot
from gpuwatch.domain.flags import Flag, FlagState
from gpuwatch.domain.moments import Moment
from gpuwatch.domain.records import BoardState
from gpuwatch.domain.servers import Directions, Server
from gpuwatch.domain.snapshot import BmcState, GpuState, Snapshot
from gpuwatch.exposition.work_order_page import work_order_page
from gpuwatch.exposition.work_order_words import board_words, what, when, where
from gpuwatch.exposition.work_orders import NO_ADDRESS, work_order
from tests.support.bmc_states import new_bmc
from tests.support.snapshots import AT, rich_snapshot, uuid_of


def _flag(snapshot: Snapshot, **changes: object) -> Flag:
    flag = next(one for one in snapshot.flags if one.number == 15)
    return replace(flag, **changes)  # type: ignore[arg-type]


def _bare() -> Snapshot:
    """A host of which nothing is told but its boards."""
    return replace(
        rich_snapshot(), bmcs=(), labels={}, server=Server(), directions=Directions(), flags=()
    )


def _in_trays(snapshot: Snapshot) -> Snapshot:
    """The first four boards in tray 1, the others in tray 2."""
    return replace(
        snapshot,
        gpus=tuple(_in_tray(gpu, 1 + index // 4) for index, gpu in enumerate(snapshot.gpus)),
    )


def _in_tray(gpu: GpuState, tray: int) -> GpuState:
    slot = gpu.record.slot
    assert slot is not None
    moved = replace(slot, tray_index=tray)
    device = None if gpu.device is None else replace(gpu.device, slot=moved)
    return replace(gpu, record=replace(gpu.record, slot=moved), device=device)


def test_every_board_but_the_flagged_one_is_not_to_be_touched() -> None:
    """A board that answers and one that vanished from its slot alike."""
    snapshot = rich_snapshot()

    order = work_order(snapshot, _flag(snapshot, fru="module"))

    assert order["board"]["uuid"] == uuid_of(2)
    assert order["leaves_along"] == []
    assert [one["uuid"] for one in order["leave_alone"]] == [
        uuid_of(index) for index in (0, 1, 3, 4, 5, 6, 7)
    ]


def test_boards_of_the_same_tray_leave_with_it() -> None:
    """And those of another tray stay."""
    snapshot = _in_trays(rich_snapshot())

    order = work_order(snapshot, _flag(snapshot, fru="tray"))

    assert [one["uuid"] for one in order["leaves_along"]] == [uuid_of(one) for one in (0, 1, 3)]
    assert [one["uuid"] for one in order["leave_alone"]] == [uuid_of(one) for one in (4, 5, 6, 7)]


@pytest.mark.parametrize("fru", ["server", "baseboard"])
def test_all_modules_leave_with_a_baseboard_and_with_a_server(fru: str) -> None:
    """There is nothing left to be spared."""
    snapshot = rich_snapshot()

    order = work_order(snapshot, _flag(snapshot, fru=fru))

    assert order["leave_alone"] == []
    assert f"Take the {fru} out" in order["steps"][5]["text"]


def test_a_unit_in_somebodys_own_words_is_named_and_no_board_is_guessed() -> None:
    """Gpuwatch does not know what belongs to it."""
    snapshot = rich_snapshot()

    order = work_order(snapshot, _flag(snapshot, fru="left half"))

    assert order["unit"] == "the left half, with what belongs to it"
    assert order["leaves_along"] == []


def test_what_nobody_told_is_said_to_be_missing() -> None:
    """Never left blank, as if there were none, and never invented."""
    snapshot = _bare()
    unknown = _flag(
        rich_snapshot(), board=BoardKey("", "GPU-lost"), window_start=None, slot_label=""
    )

    order = work_order(snapshot, unknown)

    assert dict(where(order)) == {
        "site": "not set (host.site)",
        "row, rack": "not told",
        "rack unit": "not set (host.unit)",
        "host": "gpu-node-17",
        "server": "not told",
        "its serial": "not told",
        "asset tag": "not told",
    }
    assert dict(what(order))["serial"].startswith("not readable")
    assert dict(when(order))["window"] == "none planned"
    page = work_order_page(order).decode()
    assert "No BMC of this server is known" in page
    assert "Nobody is named in the settings" in page


def test_the_serial_of_the_firmware_stands_in_for_a_silent_bmc() -> None:
    """And it is said who told it."""
    snapshot = replace(_bare(), server=Server(serial="S1"), bmcs=(replace(new_bmc(AT), host=""),))

    order = work_order(snapshot, _flag(rich_snapshot()))

    assert order["server"]["serial_told_by"] == "firmware"


def test_the_lamp_of_a_bmc_in_band_is_lit_from_the_host() -> None:
    """There is no address to name."""
    local = replace(new_bmc(AT), host="", protocol=BmcProtocol.IPMI_LOCAL, address="")
    snapshot = replace(_bare(), bmcs=(local,))

    order = work_order(snapshot, _flag(rich_snapshot()))

    assert order["lamps"][0]["on"] == "ipmitool chassis identify 240"
    assert ", from the host itself" in work_order_page(order).decode()


def test_another_servers_bmc_lights_no_lamp_here() -> None:
    """A management host watches BMCs of servers that are not meant."""
    other = replace(new_bmc(AT), host="gpu-node-18")
    snapshot = replace(_bare(), bmcs=(other,))

    assert work_order(snapshot, _flag(rich_snapshot()))["lamps"] == []


def test_paper_for_a_flag_that_has_ended_says_so_first() -> None:
    """Nobody takes a board out by an old paper."""
    snapshot = rich_snapshot()

    order = work_order(snapshot, _flag(snapshot, state=FlagState.DISMISSED, outcome="dismissed"))

    assert order["steps"][0]["text"].startswith("This flag has ended (dismissed)")


def test_flags_of_the_same_window_are_named() -> None:
    """The person is there once."""
    snapshot = rich_snapshot()
    mine = _flag(snapshot, window_name="sunday", window_start=AT + 60.0, window_end=AT + 120.0)
    beside = replace(mine, number=77)
    elsewhere = replace(mine, number=78, window_start=AT + 90_000.0)

    order = work_order(replace(snapshot, flags=(mine, beside, elsewhere)), mine)

    assert order["same_window"] == [77]
    assert dict(when(order))["beside it"].startswith("flag 77 ")


def test_a_swapped_board_on_trial_is_not_taken_out_again() -> None:
    """The flag waits for its successor, whose slot the paper names."""
    snapshot = _changed(rich_snapshot(), 2, present=False, state=BoardState.LEFT)
    flag = _flag(
        snapshot, state=FlagState.VERIFYING, successor=BoardKey("1654223010013", uuid_of(6))
    )

    order = work_order(replace(snapshot, flags=(flag,)), flag)

    first = order["steps"][0]["text"]
    assert first.startswith("Board 1654223010009 has been taken out, and board 1654223010013 is on")
    assert "nothing is to be taken out" in first
    assert [one["flags"] for one in order["leave_alone"]] == [[]] * 7
    assert order["board"]["slot"] == "module-3"
    assert order["board"]["part_number"] == "965-23587-0000-200"


@pytest.mark.parametrize(
    ("state", "remembered", "said"),
    [
        (BoardState.LEFT, False, "Board 1654223010009 has left this server"),
        (BoardState.LEFT, True, "Board 1654223010009 has left this server"),
        (BoardState.ABSENT, False, "gpuwatch does not see board 1654223010009 at present"),
        (BoardState.ABSENT, True, "Stand before the right server"),
    ],
)
def test_paper_about_a_board_that_is_not_seen_says_so_first(
    state: BoardState, remembered: bool, said: str
) -> None:
    """Another board may be in the slot that the paper names."""
    snapshot = _changed(rich_snapshot(), 2, present=False, state=state)

    order = work_order(snapshot, _flag(snapshot), remembered=remembered)

    assert order["steps"][0]["text"].startswith(said)


def test_a_serial_that_a_driver_told_once_stands_on_the_paper() -> None:
    """The label still says it, though the driver does not any more."""
    snapshot = _changed(rich_snapshot(), 2, serial="")

    order = work_order(snapshot, _flag(snapshot))

    assert order["board"]["serial"] == "1654223010009"
    assert "Take board 1654223010009 (module 3, slot 22) out" in order["steps"][5]["text"]


def test_a_serial_that_became_known_later_stands_in_the_steps() -> None:
    """The flag was raised before the driver told it."""
    snapshot = rich_snapshot()

    order = work_order(snapshot, _flag(snapshot, board=BoardKey("", uuid_of(2))))

    assert order["board"]["serial"] == "1654223010009"
    assert "Take board 1654223010009 (module 3, slot 22) out" in order["steps"][5]["text"]


def test_a_board_that_is_remembered_twice_is_told_once() -> None:
    """Its serial was not readable for a while."""
    snapshot = rich_snapshot()
    known = snapshot.gpus[1]
    nameless = replace(
        known.record, board=replace(known.record.board, key=BoardKey("", uuid_of(1)))
    )
    twice = replace(known, record=nameless, device=None, present=False)

    order = work_order(replace(snapshot, gpus=(*snapshot.gpus, twice)), _flag(snapshot))

    assert [one["uuid"] for one in order["leave_alone"]].count(uuid_of(1)) == 1


def test_a_board_whose_slot_nobody_told_is_not_to_be_touched_either() -> None:
    """It is somewhere in this server."""
    snapshot = _changed(rich_snapshot(), 1, present=False, slot=None)

    order = work_order(snapshot, _flag(snapshot))

    (words,) = (board_words(one) for one in order["leave_alone"] if one["uuid"] == uuid_of(1))
    assert words.startswith("slot not told: 1654223010008")


@pytest.mark.parametrize("fru", ["baseboard", "tray"])
def test_what_belongs_to_a_unit_is_not_guessed_where_nobody_told(fru: str) -> None:
    """And the paper says so, beside boards that it lists as not to be touched."""
    snapshot = _changed(rich_snapshot(), 2, slot=Slot(pci_address="0000:3b:00.0"))

    order = work_order(snapshot, _flag(snapshot, fru=fru))

    assert order["leaves_along"] == []
    assert order["unit"].endswith("which boards those are nobody told: ask before it is lifted")


def _changed(snapshot: Snapshot, index: int, **changes: object) -> Snapshot:
    """The snapshot with another state, slot, serial or presence of GPU `index`."""
    gpus = list(snapshot.gpus)
    gpu = gpus[index]
    record, present = gpu.record, bool(changes.get("present", True))
    serial = str(changes.get("serial", record.key.serial))
    record = replace(
        record,
        state=changes.get("state", record.state),  # type: ignore[arg-type]
        slot=changes.get("slot", record.slot),  # type: ignore[arg-type]
        board=replace(record.board, key=BoardKey(serial, record.key.uuid)),
    )
    gpus[index] = replace(gpu, record=record, present=present, device=None)
    return replace(snapshot, gpus=tuple(gpus))


def _telling(name: str, serial: str) -> BmcState:
    """A BMC of this server that tells this serial number."""
    at = Moment(wall=AT, boottime=0.0, boot_id="")
    told = BmcSweep(bmc=name, at=at, seconds=0.0, identity=BmcIdentity(serial=serial))
    return replace(new_bmc(AT), name=name, host="", sweep=told)


@pytest.mark.parametrize(
    ("firmware", "bmcs", "serial", "told_by", "beside"),
    [
        ("", {"hgx": "", "main": "S1"}, "S1", "BMC", []),
        ("S1", {"hgx": "B7", "main": "S1"}, "S1", "BMC", ["B7 (BMC hgx)"]),
        ("", {"hgx": "B7", "main": "S1"}, "B7", "BMC", ["S1 (BMC main)"]),
        ("S1", {"main": "S2"}, "S1", "firmware", ["S2 (BMC main)"]),
    ],
)
def test_the_servers_own_serial_is_told_and_what_contradicts_it(
    firmware: str, bmcs: dict[str, str], serial: str, told_by: str, beside: list[str]
) -> None:
    """A baseboard's BMC tells another one, and so does the BMC of another server."""
    told = tuple(_telling(name, each) for name, each in bmcs.items())
    snapshot = replace(_bare(), server=Server(serial=firmware), bmcs=told)

    order = work_order(snapshot, _flag(rich_snapshot()))

    server = order["server"]
    assert (server["serial"], server["serial_told_by"]) == (serial, told_by)
    assert server["other_serials"] == beside
    assert ("also told" in dict(where(order))) is bool(beside)


def test_the_clock_of_the_hall_is_told_with_the_time_it_keeps() -> None:
    """In the night in which clocks go back, two hours have one name."""
    snapshot = replace(rich_snapshot(), directions=Directions(zone="Europe/Berlin"))
    start = datetime(2026, 10, 25, 0, 0, tzinfo=UTC).timestamp()
    flag = _flag(snapshot, window_name="w", window_start=start, window_end=start + 3_600.0)

    rows = dict(when(work_order(snapshot, flag)))

    assert rows["local"].startswith("Sun 2026-10-25 02:00 CEST to Sun 2026-10-25 02:00 CET")


def test_a_bmc_without_an_address_has_none_in_its_commands() -> None:
    """But the place for one."""
    unnamed = replace(new_bmc(AT), host="", address=NO_ADDRESS)
    snapshot = replace(_bare(), bmcs=(unnamed,))

    (lamp,) = work_order(snapshot, _flag(rich_snapshot()))["lamps"]

    assert "-H ADDRESS -p PORT" in lamp["on"]
