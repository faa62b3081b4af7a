"""The gate: what a BMC may be sent, and nothing else."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gpuwatch.sources.bmc import gate
from gpuwatch.sources.bmc.gate import ForbiddenCommandError, check, check_payload

# Everything in IPMI that changes, erases or switches something which people fear most.
FORBIDDEN = {
    "chassis control": (0x00, 0x02),
    "chassis identify": (0x00, 0x04),
    "set boot options": (0x00, 0x08),
    "set sensor threshold": (0x04, 0x26),
    "rearm sensor": (0x04, 0x2A),
    "cold reset": (0x06, 0x02),
    "reset watchdog": (0x06, 0x22),
    "set watchdog": (0x06, 0x24),
    "send message": (0x06, 0x34),
    "set user password": (0x06, 0x47),
    "activate payload": (0x06, 0x48),
    "set system info": (0x06, 0x58),
    "write FRU": (0x0A, 0x12),
    "add SDR": (0x0A, 0x24),
    "clear SDR": (0x0A, 0x27),
    "set SDR time": (0x0A, 0x29),
    "add SEL entry": (0x0A, 0x44),
    "delete SEL entry": (0x0A, 0x46),
    "clear SEL": (0x0A, 0x47),
    "set SEL time": (0x0A, 0x49),
    "set LAN": (0x0C, 0x01),
    "set power limit": (0x2C, 0x04),
    "OEM": (0x2E, 0x01),
}


def _message(netfn: int, command: int, data: bytes = b"", address: int = 0x20) -> bytes:
    return bytes([address, netfn << 2, 0, 0x81, 0, command]) + data + b"\0"


def _passes(payload: bytes) -> bool:
    try:
        check_payload(gate.IPMI_MESSAGE, payload)
    except ForbiddenCommandError:
        return False
    return True


@pytest.mark.parametrize("command", FORBIDDEN.values(), ids=FORBIDDEN)
def test_what_changes_a_bmc_is_refused(command: tuple[int, int]) -> None:
    """Whatever asked for it, and whatever its data are."""
    with pytest.raises(ForbiddenCommandError, match="not one of the commands that only read"):
        check(command, b"\xdc\x01\0\0")


@given(st.integers(0, 0x3F), st.integers(0, 0xFF), st.binary(max_size=8))
def test_only_what_stands_on_the_list_leaves(netfn: int, command: int, data: bytes) -> None:
    """Every other command of the 16,384 is refused in the shape in which it would leave."""
    passed = _passes(_message(netfn, command, data))

    assert not passed or (netfn, command) in gate.ALLOWED


@pytest.mark.parametrize("command", gate.ALLOWED)
def test_what_stands_on_the_list_passes(command: tuple[int, int]) -> None:
    """As the bytes that go out, with the data that it may have."""
    check_payload(gate.IPMI_MESSAGE, _message(*command, gate.ALLOWED[command]))


def test_a_command_of_another_group_is_refused() -> None:
    """Command 2 reads the power in DCMI; in another group it may do anything."""
    with pytest.raises(ForbiddenCommandError):
        check(gate.GET_POWER_READING, b"\x00\x01\0\0")


@pytest.mark.parametrize("kind", [0x01, 0x02, 0x05, 0x20, -1])
def test_other_payloads_are_refused(kind: int) -> None:
    """Serial over LAN, OEM payloads, and one that does not say what it is."""
    with pytest.raises(ForbiddenCommandError, match="neither reads nor opens a session"):
        check_payload(kind, _message(0x06, 0x01))


@pytest.mark.parametrize("kind", [gate.OPEN_SESSION, gate.RAKP_1, gate.RAKP_3])
def test_payloads_that_open_a_session_pass(kind: int) -> None:
    """They carry no command."""
    check_payload(kind, b"\0" * 8)


@pytest.mark.parametrize("payload", [b"\x20\x18\0", _message(0x06, 0x01, address=0x2C)])
def test_what_is_no_message_to_the_bmc_is_refused(payload: bytes) -> None:
    """Too short to say what it is, or for another controller behind it."""
    with pytest.raises(ForbiddenCommandError, match="no message to the BMC itself"):
        check_payload(gate.IPMI_MESSAGE, payload)
