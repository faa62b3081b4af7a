"""Status: what a BMC tells of itself, its chassis and its clock, each by one command."""

import time
from collections.abc import Callable, Mapping
from typing import Any

from gpuwatch.sources.bmc import gate, names
from gpuwatch.sources.bmc.link import Link, RefusedError, read

_BEING_WRITTEN = 0x80
_DCMI = 0xDC
_MEASURES = 0x40
_POWER_BYTES = 18
_CHASSIS_BYTES = 3
_WATCHDOG_BYTES = 4
_GUID_BYTES = 16
_SYSTEM_FIRMWARE = 1
_BLOCK_HEADER, _BLOCK_BYTES = 4, 16
_ENCODINGS = {0: names.Coding.LATIN, 1: names.Coding.UNICODE, 2: names.Coding.UNICODE}
_UNSET = frozenset({b"\0" * _GUID_BYTES, b"\xff" * _GUID_BYTES})


def device(answer: bytes) -> dict[str, Any]:
    """Get Device ID, parsed. Needs 11 bytes."""
    auxiliary = answer[11:15]
    return {
        "firmware": f"{answer[2] & ~_BEING_WRITTEN}.{answer[3]:02x}",
        "auxiliary": auxiliary.hex() if any(auxiliary) else "",
        "updating": bool(answer[2] & _BEING_WRITTEN),
        "manufacturer": int.from_bytes(answer[6:9], "little") & 0xF_FFFF,
        "product": int.from_bytes(answer[9:11], "little"),
    }


def steady(answer: bytes) -> bytes:
    """The same without the bit that says that it is being written: what makes it this device."""
    return answer[:2] + bytes([answer[2] & ~_BEING_WRITTEN]) + answer[3:]


def chassis(link: Link) -> dict[str, Any]:
    """Get Chassis Status: its bytes, which the agent has the words for."""
    return {"status": list(read(link, gate.GET_CHASSIS_STATUS, least=2)[:_CHASSIS_BYTES])}


def restart(link: Link) -> dict[str, Any]:
    """Why the system started the last time, by its number."""
    return {"restart": read(link, gate.GET_RESTART_CAUSE, least=1)[0] & 0x0F}


def watchdog(link: Link) -> dict[str, Any]:
    """Timer use, actions, interval before the timeout, and what expired."""
    return {"watchdog": list(read(link, gate.GET_WATCHDOG, least=_WATCHDOG_BYTES)[:4])}


def power(link: Link) -> dict[str, Any]:
    """What the server draws, by DCMI. Raises RefusedError when it does not measure at present."""
    data = read(link, gate.GET_POWER_READING, [_DCMI, 1, 0, 0], least=_POWER_BYTES)
    if data[0] != _DCMI or not data[17] & _MEASURES:
        raise RefusedError(None)
    return {"watts": int.from_bytes(data[1:3], "little")}


def clock(link: Link) -> dict[str, Any]:
    """The BMC's clock, and ours in the middle of asking; both Unix seconds."""
    before = time.time()
    told = read(link, gate.GET_SEL_TIME, least=4)
    return {"clock": [int.from_bytes(told[:4], "little"), (before + time.time()) / 2]}


def guid(link: Link) -> dict[str, Any]:
    """The system's GUID as SMBIOS writes it, "" for one that was never set."""
    raw = read(link, gate.GET_SYSTEM_GUID, least=_GUID_BYTES)[:_GUID_BYTES]
    if raw in _UNSET:
        return {"guid": ""}
    parts = (raw[3::-1], raw[5:3:-1], raw[7:5:-1], raw[8:10], raw[10:])
    return {"guid": "-".join(part.hex() for part in parts)}


def bios(link: Link) -> dict[str, Any]:
    """The version of the system's firmware, which is told in blocks of 16 bytes."""
    first = _block(link, 0)
    length = first[3]
    text = first[_BLOCK_HEADER:]
    number = 1
    while len(text) < length:
        text += _block(link, number)[2:]
        number += 1
    coding = _ENCODINGS.get(first[2] & 0x0F, names.Coding.LATIN)
    return {"bios": names.decode(coding, text[:length])}


def _block(link: Link, number: int) -> bytes:
    question = [0, _SYSTEM_FIRMWARE, number, 0]
    return read(link, gate.GET_SYSTEM_INFO, question, least=_BLOCK_HEADER)


Section = Callable[[Link], Mapping[str, Any]]

# By the name of the gap that a refusal leaves. The first are asked in every sweep, the others once
# a session: they change with the firmware, and that changes the device's id.
EVERY_SWEEP: Mapping[str, Section] = {
    "chassis": chassis,
    "restart": restart,
    "watchdog": watchdog,
    "dcmi": power,
    "clock": clock,
}
ONCE: Mapping[str, Section] = {"guid": guid, "bios": bios}
