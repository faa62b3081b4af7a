"""Work orders: the right board, nothing beside it, and no invented fact."""

from dataclasses import replace

import pytest

from gpuwatch.domain.bmc import BmcProtocol
from gpuwatch.domain.devices import BoardKey
from gpuwatch.domain.flags import Flag, FlagState
from gpuwatch.domain.servers import Directions, Server
from gpuwatch.domain.snapshot import GpuState, Snapshot
from gpuwatch.exposition.work_order_page import work_order_page
from gpuwatch.exposition.work_order_words import what, when, where
from gpuwatch.exposition.work_orders import work_order
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
