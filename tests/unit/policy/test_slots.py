"""What is replaced as one piece, what GPUs of one board share, and slots in which boards fail."""

from dataclasses import replace

import pytest

from gpuwatch.domain.devices import Board, BoardKey, Fru, Slot
from gpuwatch.domain.flags import FlagState
from gpuwatch.domain.verdicts import Finding, Remedy, RmaStanding, Scope, Urgency
from gpuwatch.policy.slots import fru_of, slot_note, with_twins
from tests.support.flags import a_flag
from tests.support.views import KEY, gpu, record

BARE = Slot(pci_address="0000:3b:00.0")
MODULE = Slot(pci_address="0000:3b:00.0", module_id=2)
TWIN = BoardKey(KEY.serial, "GPU-twin")
FAILED_REMAP = Finding(
    code="row-remap-failed",
    scope=Scope.GPU,
    subject=KEY.uuid,
    urgency=Urgency.PAGE,
    route=Urgency.PAGE,
    remedy=Remedy.REPLACE,
    since=1.0,
    sentence="a row remap failed",
    source="gpuwatch heuristic",
    rma=RmaStanding.CRITERION_MET,
)


@pytest.mark.parametrize(
    ("name", "slot", "setting", "fru"),
    [
        ("NVIDIA H100 80GB HBM3", MODULE, "", Fru.BASEBOARD),
        ("NVIDIA A100-SXM4-80GB", BARE, "", Fru.BASEBOARD),
        ("NVIDIA GB200", MODULE, "", Fru.TRAY),
        ("NVIDIA H100 NVL", BARE, "", Fru.MODULE),
        ("Tesla T4", None, "", Fru.MODULE),
        ("NVIDIA GB200", MODULE, "server", Fru.SERVER),
    ],
)
def test_the_platform_says_what_is_one_piece_unless_the_settings_do(
    name: str, slot: Slot | None, setting: str, fru: Fru
) -> None:
    """SXM modules come with their baseboard, superchips with their tray, cards alone."""
    board = Board(key=KEY, name=name)

    assert fru_of(board, slot, setting) is fru


def test_a_second_board_failing_in_a_slot_is_a_reason_to_look_at_the_slot() -> None:
    """Which boards failed there before is named, each once; the board's own flags are not."""
    earlier = a_flag(board=BoardKey("1650001", "GPU-x"))
    mine = a_flag(board=KEY)
    dismissed = replace(earlier, board=BoardKey("1650002", "GPU-y"), state=FlagState.DISMISSED)
    elsewhere = replace(earlier, board=BoardKey("1650003", "GPU-z"), slot_label="module-4")

    note = slot_note(record(), (earlier, earlier, mine, dismissed, elsewhere))

    assert note == "inspect the slot and its cooling: 1650001 failed in module-3 before"


def test_a_first_failure_says_nothing_of_the_slot() -> None:
    """Nor does a board whose slot is unknown."""
    assert slot_note(record(), (a_flag(board=KEY),)) == ""
    assert slot_note(record(slot=None), (a_flag(slot_label=""),)) == ""


def test_a_board_to_replace_concerns_every_gpu_on_it() -> None:
    """The twin is to be drained as well, and alerts nobody a second time."""
    twin = gpu(record=record(board=Board(key=TWIN)))
    other = gpu(record=record(board=Board(key=BoardKey("1650999", "GPU-other"))))
    found = {KEY.uuid: (FAILED_REMAP,), TWIN.uuid: (), "GPU-other": ()}

    shared = with_twins(found, (gpu(), twin, other))

    assert shared[KEY.uuid] == (FAILED_REMAP,)
    assert shared["GPU-other"] == ()
    assert [(one.subject, one.urgency, one.route) for one in shared[TWIN.uuid]] == [
        (TWIN.uuid, Urgency.PAGE, Urgency.INFO)
    ]
    assert shared[TWIN.uuid][0].sentence == "on another GPU of this board: a row remap failed"


def test_twins_keep_what_is_their_own() -> None:
    """The same cause on both is told once on each; a reset concerns one GPU."""
    twin = gpu(record=record(board=Board(key=TWIN)))
    reset = replace(FAILED_REMAP, code="recovery-action", remedy=Remedy.RESET)
    found = {KEY.uuid: (FAILED_REMAP, reset), TWIN.uuid: (FAILED_REMAP,)}

    assert with_twins(found, (gpu(), twin)) == found


def test_gpus_without_a_serial_are_no_twins() -> None:
    """Nothing says that they share a board."""
    first, second = BoardKey("", "GPU-1"), BoardKey("", "GPU-2")
    gpus = [gpu(record=record(board=Board(key=key))) for key in (first, second)]
    found = {"GPU-1": (FAILED_REMAP,), "GPU-2": ()}

    assert with_twins(found, gpus) == found
