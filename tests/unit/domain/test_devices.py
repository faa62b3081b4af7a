"""Boards are known by serial and UUID; slots are named for people."""

import pytest

from gpuwatch.domain.devices import BoardKey, Slot, same_board


def test_a_board_is_known_by_its_uuid_even_without_a_serial() -> None:
    """An unreadable serial says so instead of standing empty."""
    assert str(BoardKey("1650923", "GPU-a")) == "1650923/GPU-a"
    assert str(BoardKey("", "GPU-a")) == "no-serial/GPU-a"


def test_a_board_without_a_uuid_is_unbuildable() -> None:
    """An index or an address identifies nothing."""
    with pytest.raises(ValueError, match="a board key needs a UUID"):
        BoardKey("1650923", "")


@pytest.mark.parametrize(
    ("module", "number", "label"),
    [(3, 7, "module-3"), (0, None, "module-0"), (None, 7, "slot-7"), (None, None, "0000:01:00.0")],
)
def test_a_slot_is_named_by_what_people_can_find(
    module: int | None, number: int | None, label: str
) -> None:
    """The module where known, else the platform slot, else the address."""
    slot = Slot(pci_address="0000:01:00.0", module_id=module, slot_number=number)

    assert slot.label == label


def test_a_board_is_the_same_by_its_serial_or_else_by_its_gpu() -> None:
    """Several GPUs with one serial are one board; an unreadable serial proves nothing."""
    assert same_board(BoardKey("1650923", "GPU-a"), BoardKey("1650923", "GPU-b"))
    assert same_board(BoardKey("", "GPU-a"), BoardKey("1650923", "GPU-a"))
    assert not same_board(BoardKey("1650923", "GPU-a"), BoardKey("1650924", "GPU-a"))
    assert not same_board(BoardKey("", "GPU-a"), BoardKey("", "GPU-b"))
