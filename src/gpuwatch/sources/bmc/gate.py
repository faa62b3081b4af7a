"""Gate: the closed list of what a BMC may be sent, which opens sessions and reads, and no more.

Numbers are those of the IPMI 2.0 specification, appendix G, and of DCMI 1.5, table 6-1.
"""

from collections.abc import Mapping, Sequence
from enum import IntEnum


class NetFn(IntEnum):
    """Network functions: what a command is about."""

    CHASSIS = 0x00
    SENSOR = 0x04
    APP = 0x06
    STORAGE = 0x0A
    GROUP = 0x2C


Command = tuple[int, int]

GET_CHASSIS_STATUS: Command = (NetFn.CHASSIS, 0x01)
GET_RESTART_CAUSE: Command = (NetFn.CHASSIS, 0x07)
GET_DEVICE_SDR_INFO: Command = (NetFn.SENSOR, 0x20)
GET_DEVICE_SDR: Command = (NetFn.SENSOR, 0x21)
RESERVE_DEVICE_SDR: Command = (NetFn.SENSOR, 0x22)
GET_READING_FACTORS: Command = (NetFn.SENSOR, 0x23)
GET_SENSOR_READING: Command = (NetFn.SENSOR, 0x2D)
GET_DEVICE_ID: Command = (NetFn.APP, 0x01)
GET_WATCHDOG: Command = (NetFn.APP, 0x25)
GET_SYSTEM_GUID: Command = (NetFn.APP, 0x37)
GET_CHANNEL_AUTHENTICATION: Command = (NetFn.APP, 0x38)
SET_SESSION_PRIVILEGE: Command = (NetFn.APP, 0x3B)
CLOSE_SESSION: Command = (NetFn.APP, 0x3C)
GET_SYSTEM_INFO: Command = (NetFn.APP, 0x59)
GET_FRU_INFO: Command = (NetFn.STORAGE, 0x10)
READ_FRU: Command = (NetFn.STORAGE, 0x11)
GET_SDR_INFO: Command = (NetFn.STORAGE, 0x20)
RESERVE_SDR: Command = (NetFn.STORAGE, 0x22)
GET_SDR: Command = (NetFn.STORAGE, 0x23)
GET_SEL_INFO: Command = (NetFn.STORAGE, 0x40)
RESERVE_SEL: Command = (NetFn.STORAGE, 0x42)
GET_SEL_ENTRY: Command = (NetFn.STORAGE, 0x43)
GET_SEL_TIME: Command = (NetFn.STORAGE, 0x48)
GET_POWER_READING: Command = (NetFn.GROUP, 0x02)

# What may be sent, and the bytes that its data must begin with. Set Session Privilege Level and the
# reservations change nothing but our own session and the right to read a record in parts.
ALLOWED: Mapping[Command, bytes] = {
    GET_CHASSIS_STATUS: b"",
    GET_RESTART_CAUSE: b"",
    GET_DEVICE_SDR_INFO: b"",
    GET_DEVICE_SDR: b"",
    RESERVE_DEVICE_SDR: b"",
    GET_READING_FACTORS: b"",
    GET_SENSOR_READING: b"",
    GET_DEVICE_ID: b"",
    GET_WATCHDOG: b"",
    GET_SYSTEM_GUID: b"",
    GET_CHANNEL_AUTHENTICATION: b"",
    SET_SESSION_PRIVILEGE: b"",
    CLOSE_SESSION: b"",
    GET_SYSTEM_INFO: b"",
    GET_FRU_INFO: b"",
    READ_FRU: b"",
    GET_SDR_INFO: b"",
    RESERVE_SDR: b"",
    GET_SDR: b"",
    GET_SEL_INFO: b"",
    RESERVE_SEL: b"",
    GET_SEL_ENTRY: b"",
    GET_SEL_TIME: b"",
    GET_POWER_READING: b"\xdc\x01",  # the group is DCMI's; other groups' command 2 may be anything
}

# RMCP+ payloads: IPMI messages, and those that open a session. No serial-over-LAN, no OEM payloads.
IPMI_MESSAGE = 0x00
OPEN_SESSION, RAKP_1, RAKP_3 = 0x10, 0x12, 0x14
_PAYLOADS = frozenset({IPMI_MESSAGE, OPEN_SESSION, RAKP_1, RAKP_3})
_BMC = 0x20
_SHORTEST = 7


class ForbiddenCommandError(Exception):
    """Somebody, perhaps a library, was about to send what is not on the list. Nothing was sent."""


def check(command: Command, data: Sequence[int]) -> None:
    """Raises ForbiddenCommandError for what is not allowed."""
    beginning = ALLOWED.get(command)
    if beginning is None or bytes(data[: len(beginning)]) != beginning:
        netfn, number = command
        raise ForbiddenCommandError(
            f"netfn 0x{netfn:02x} command 0x{number:02x} data {bytes(data).hex()!r} is not one of"
            " the commands that only read"
        )


def check_payload(kind: int, payload: Sequence[int]) -> None:
    """The same for an RMCP+ payload as it goes out. Raises ForbiddenCommandError."""
    if kind not in _PAYLOADS:
        raise ForbiddenCommandError(f"payload type 0x{kind:02x} neither reads nor opens a session")
    if kind != IPMI_MESSAGE:
        return
    # Address, network function and LUN, checksum, address, sequence, command, data, checksum.
    if len(payload) < _SHORTEST or payload[0] != _BMC:
        raise ForbiddenCommandError(f"{bytes(payload).hex()!r} is no message to the BMC itself")
    check((payload[1] >> 2, payload[5]), payload[6:-1])
