"""Status: what a BMC tells of itself, its chassis and its clock."""

import pytest

from gpuwatch.sources.bmc import gate, status
from gpuwatch.sources.bmc.link import RefusedError
from tests.support.ipmi_link import FakeLink

DEVICE = bytes.fromhex("20 01 82 14 02 bf 141600 020f 01020304")
READING = bytes.fromhex("dc c012 3c0f 4826 ec13 00000000 e8030000 40")


def test_a_device_says_its_firmware_and_whether_it_is_being_written() -> None:
    """And what is fixed of it leaves that out."""
    told = status.device(DEVICE)

    assert (told["firmware"], told["auxiliary"], told["updating"]) == ("2.14", "01020304", True)
    assert (told["manufacturer"], told["product"]) == (0x1614, 0x0F02)
    assert status.device(status.steady(DEVICE))["updating"] is False


def test_power_is_told_by_dcmi() -> None:
    """What it draws at present."""
    link = FakeLink({gate.GET_POWER_READING: READING})

    assert status.power(link) == {"watts": 4800}


@pytest.mark.parametrize("reading", [READING[:-1] + b"\0", b"\0" + READING[1:], READING[:5]])
def test_power_that_is_not_measured_is_no_number(reading: bytes) -> None:
    """Measurement switched off, another group's answer, one that breaks off."""
    with pytest.raises(RefusedError):
        status.power(FakeLink({gate.GET_POWER_READING: reading}))


def test_the_clock_is_told_beside_ours() -> None:
    """Ours is of the middle of asking."""
    told = status.clock(FakeLink({gate.GET_SEL_TIME: (1_700_000_000).to_bytes(4, "little")}))

    theirs, ours = told["clock"]
    assert theirs == 1_700_000_000
    assert ours > theirs


def test_a_guid_is_written_as_the_system_writes_it() -> None:
    """The first three parts come with their last byte first."""
    link = FakeLink({gate.GET_SYSTEM_GUID: bytes(range(16))})

    assert status.guid(link) == {"guid": "03020100-0504-0706-0809-0a0b0c0d0e0f"}


@pytest.mark.parametrize("unset", [bytes(16), b"\xff" * 16])
def test_a_guid_that_was_never_set_is_none(unset: bytes) -> None:
    """Two BMCs that share it are not one."""
    assert status.guid(FakeLink({gate.GET_SYSTEM_GUID: unset})) == {"guid": ""}


@pytest.mark.parametrize("version", ["2.1", "A version of fourteen or more characters, in parts"])
def test_the_systems_firmware_is_told_in_blocks(version: str) -> None:
    """Fourteen characters, then sixteen each."""
    text = version.encode()
    blocks = [bytes([0, len(text)]) + text[:14]]
    blocks += [text[begin : begin + 16] for begin in range(14, len(text), 16)]

    def answer(data: bytes) -> bytes:
        return b"\x11" + bytes([data[2]]) + blocks[data[2]].ljust(16, b"\0")

    assert status.bios(FakeLink({gate.GET_SYSTEM_INFO: answer})) == {"bios": version}


def test_the_chassis_and_the_watchdog_are_told_as_numbers() -> None:
    """The agent has the words for them."""
    link = FakeLink(
        {
            gate.GET_CHASSIS_STATUS: b"\x21\x10\x00\x40",
            gate.GET_RESTART_CAUSE: b"\xf4\x00",
            gate.GET_WATCHDOG: b"\x44\x01\x00\x10\0\0\0\0",
        }
    )

    assert status.chassis(link) == {"status": [0x21, 0x10, 0x00]}
    assert status.restart(link) == {"restart": 4}
    assert status.watchdog(link) == {"watchdog": [0x44, 0x01, 0x00, 0x10]}
