"""BMC values: whose GPU a BMC speaks of."""

import pytest

from gpuwatch.domain.bmc import BmcGpu
from gpuwatch.domain.devices import BoardKey

BOARD = BoardKey("1654223010007", "GPU-5fbf9d2a-0001-0002-0003-000000000004")


@pytest.mark.parametrize(
    ("serial", "uuid", "same"),
    [
        ("1654223010007", "", True),
        ("1654223010007", "GPU-00000000-0001-0002-0003-000000000004", True),
        ("1654223010008", BOARD.uuid, False),
        ("", BOARD.uuid, True),
        ("", "5FBF9D2A-0001-0002-0003-000000000004", True),
        ("", "", False),
    ],
)
def test_a_bmc_speaks_of_a_board_by_its_serial_else_by_its_uuid(
    serial: str, uuid: str, *, same: bool
) -> None:
    """A serial that both tell decides alone; a BMC may write a UUID without its prefix."""
    told = BmcGpu(name="GPU_SXM_1", serial=serial, uuid=uuid)

    assert told.is_of(BOARD) is same


def test_a_board_whose_serial_cannot_be_read_goes_by_its_uuid() -> None:
    """The driver may refuse the serial that the BMC tells."""
    told = BmcGpu(name="GPU_SXM_1", serial="1654223010007", uuid=BOARD.uuid)

    assert told.is_of(BoardKey("", BOARD.uuid))
