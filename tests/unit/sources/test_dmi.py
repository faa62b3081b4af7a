"""DMI: who made this server, as far as the kernel shows it to us."""

from pathlib import Path

import pytest

from gpuwatch.domain.servers import Server
from gpuwatch.sources.dmi import server_of
from gpuwatch.sources.makers import told


def _written(sysfs: Path, **texts: str | bytes) -> Path:
    folder = sysfs / "class" / "dmi" / "id"
    folder.mkdir(parents=True)
    for name, text in texts.items():
        (folder / name).write_bytes(text if isinstance(text, bytes) else text.encode())
    return sysfs


def test_a_server_is_known_by_what_its_firmware_tells(tmp_path: Path) -> None:
    """Without the blanks that makers leave around it."""
    sysfs = _written(
        tmp_path,
        sys_vendor="Supermicro\n",
        product_name="SYS-821GE-TNHR \n",
        product_serial="S400123\n",
        chassis_serial="C1\n",
        chassis_asset_tag="A-0042\n",
    )

    server = server_of(sysfs)

    assert server == Server(
        maker="Supermicro", product="SYS-821GE-TNHR", serial="S400123", asset_tag="A-0042"
    )


def test_the_serial_of_the_chassis_stands_in_for_one_that_is_not_told(tmp_path: Path) -> None:
    """A filler is no serial number."""
    sysfs = _written(tmp_path, product_serial="Default string\n", chassis_serial="C1\n")

    assert server_of(sysfs).serial == "C1"


def test_a_host_without_tables_tells_nothing(tmp_path: Path) -> None:
    """A virtual machine, a container, or files for root only."""
    assert server_of(tmp_path) == Server()


def test_bytes_that_are_no_text_cannot_move_a_cursor(tmp_path: Path) -> None:
    """What a maker wrote is shown on terminals and paper."""
    sysfs = _written(tmp_path, product_serial=b"S\x1b[2J\xff1")

    assert server_of(sysfs).serial == "S [2J�1"


@pytest.mark.parametrize(
    "filler",
    [
        "", " ", "0", "0000", "....", "None", "n/a", "NA", "Unknown", "xxxx", "0123456789",
        "123456789", "0123456789ABCDEF", "To Be Filled By O.E.M.", "Default string",
        "Not Specified", "Not Available", "System Serial Number", "Asset-1234567890",
        "No Asset Tag", "null", "-",
    ],
)  # fmt: skip
def test_what_makers_leave_where_nobody_wrote_is_nothing(filler: str) -> None:
    """It would send people to look for a label that does not exist."""
    assert told(filler) == ""


@pytest.mark.parametrize("serial", ["S0", "0042", "X1", "1234567891", "None-7", "NA12"])
def test_a_number_that_only_looks_like_a_filler_is_kept(serial: str) -> None:
    """A real serial number must not be lost."""
    assert told(f" {serial} ") == serial
