"""NVLink decode: what the two words behind an Xid 144 to 150 say about the link and its cure.

Table "Xid 144-150 decode" of NVIDIA's catalog, as of October 2025; about half of it is IGNORE.
Its footnote marks at some severities are left out.
https://docs.nvidia.com/deploy/xid-errors/analyzing-xid-catalog.html
"""

from dataclasses import dataclass
from enum import StrEnum

from gpuwatch.sources.xids import Bucket

CODES = range(144, 151)
# Bits 25 to 20 of the first word are the cause within a unit, the lowest bits name the unit; the
# rest (link number and the like) does not count. The two layouts differ in where the unit ends.
_CAUSE_SHIFT = 20
_CAUSE_BITS = 0x3F


class Severity(StrEnum):
    """How far the fault reaches."""

    NONFATAL = "non-fatal"
    LINK = "link fatal"
    FATAL = "fatal"


class Origin(StrEnum):
    """What the table suspects."""

    HARDWARE = "hardware"
    SOFTWARE = "software"
    FIRMWARE = "firmware"
    EITHER = "hardware or software"
    NEITHER = "not applicable"


@dataclass(frozen=True, slots=True, kw_only=True)
class NvlinkFault:
    """One decoded fault: the unit of the GPU that reports it and what NVIDIA says to do."""

    code: int
    unit: str
    cause: int
    error_status: int
    immediate: Bucket
    investigate: Bucket
    severity: Severity
    origin: Origin


@dataclass(frozen=True, slots=True)
class _Row:
    fault: NvlinkFault
    mask: int
    value: int

    def matches(self, code: int, intrinfo: int, error_status: int) -> bool:
        return (
            self.fault.code == code
            and self.fault.error_status == error_status
            and intrinfo & self.mask == self.value
        )


_Entry = tuple[int, int, Bucket, Bucket, Severity, Origin]


def _unit(code: int, v1: tuple[str, str], v2: tuple[str, str], *entries: _Entry) -> list[_Row]:
    """The rows of one unit in both layouts. `v1` and `v2` are its name and lowest bits there.

    An entry is the cause, the error status, both buckets, the severity and the origin.
    """
    rows = []
    for name, low in (v1, v2):
        mask = _CAUSE_BITS << _CAUSE_SHIFT | (1 << len(low)) - 1
        for cause, status, immediate, investigate, severity, origin in entries:
            fault = NvlinkFault(
                code=code,
                unit=name,
                cause=cause,
                error_status=status,
                immediate=immediate,
                investigate=investigate,
                severity=severity,
                origin=origin,
            )
            rows.append(_Row(fault, mask, cause << _CAUSE_SHIFT | int(low, 2)))
    return rows


B = Bucket
S = Severity
O = Origin  # noqa: E741 - a column of the table below
# fmt: off
_ROWS: tuple[_Row, ...] = (
    *_unit(144, ("SAW_MVB", "0000100001"), ("SAW_MVB", "0000001"),
        (0b000000, 0x00000001, B.IGNORE, B.CONTACT_SUPPORT, S.NONFATAL, O.HARDWARE),
        (0b000000, 0x00000002, B.RESET_GPU, B.CONTACT_SUPPORT, S.FATAL, O.HARDWARE),
        (0b000000, 0x00000004, B.IGNORE, B.IGNORE, S.NONFATAL, O.HARDWARE),
        (0b000000, 0x00000008, B.IGNORE, B.CONTACT_SUPPORT, S.NONFATAL, O.HARDWARE),
        (0b000000, 0x00000010, B.RESET_GPU, B.CONTACT_SUPPORT, S.FATAL, O.HARDWARE),
        (0b000000, 0x00000020, B.IGNORE, B.IGNORE, S.NONFATAL, O.HARDWARE),
    ),
    *_unit(145, ("RLW_CTRL", "0001100010"), ("RLW_CTRL", "0000011"),
        (0b000000, 0x80000000, B.IGNORE, B.CONTACT_SUPPORT, S.NONFATAL, O.SOFTWARE),
    ),
    *_unit(145, ("RLW_REMAP", "0010000010"), ("RLW_REMAP", "0000100"),
        (0b000000, 0x00000001, B.XID_154_EVAL, B.CONTACT_SUPPORT, S.NONFATAL, O.SOFTWARE),
        (0b000000, 0x00000002, B.XID_154_EVAL, B.CONTACT_SUPPORT, S.NONFATAL, O.SOFTWARE),
        (0b000000, 0x00000004, B.XID_154_EVAL, B.CHECK_NVLINK_FAILURE_FLOW, S.NONFATAL, O.SOFTWARE),
        (0b000000, 0x00000008, B.XID_154_EVAL, B.CHECK_NVLINK_FAILURE_FLOW, S.NONFATAL, O.SOFTWARE),
        (0b000000, 0x00000010, B.XID_154_EVAL, B.CHECK_NVLINK_FAILURE_FLOW, S.NONFATAL, O.SOFTWARE),
        (0b000000, 0x00000020, B.XID_154_EVAL, B.CHECK_NVLINK_FAILURE_FLOW, S.NONFATAL, O.SOFTWARE),
        (0b000000, 0x00000040, B.RESET_GPU, B.CONTACT_SUPPORT, S.FATAL, O.HARDWARE),
        (0b000000, 0x00000080, B.RESET_GPU, B.CONTACT_SUPPORT, S.FATAL, O.HARDWARE),
        (0b000000, 0x00000100, B.IGNORE, B.IGNORE, S.NONFATAL, O.HARDWARE),
        (0b000000, 0x00000200, B.IGNORE, B.IGNORE, S.NONFATAL, O.HARDWARE),
        (0b000000, 0x80000000, B.IGNORE, B.CONTACT_SUPPORT, S.NONFATAL, O.SOFTWARE),
    ),
    *_unit(145, ("RLW_RSPCOL", "0010100010"), ("RLW_RSPCOL", "0000101"),
        (0b000000, 0x00000001, B.IGNORE, B.IGNORE, S.NONFATAL, O.HARDWARE),
        (0b000000, 0x00000002, B.RESET_GPU, B.CONTACT_SUPPORT, S.FATAL, O.HARDWARE),
        (0b000000, 0x80000000, B.IGNORE, B.CONTACT_SUPPORT, S.NONFATAL, O.SOFTWARE),
    ),
    *_unit(145, ("RLW_RXPIPE", "00011000010"), ("RLW_RXPIPE", "00000110"),
        (0b000000, 0x00000001, B.IGNORE, B.CONTACT_SUPPORT, S.NONFATAL, O.SOFTWARE),
        (0b000000, 0x00000002, B.IGNORE, B.CONTACT_SUPPORT, S.NONFATAL, O.SOFTWARE),
        (0b000000, 0x00000004, B.IGNORE, B.CONTACT_SUPPORT, S.NONFATAL, O.SOFTWARE),
    ),
    *_unit(145, ("RLW_RXPIPE", "0011000010"), ("RLW_RXPIPE", "0000110"),
        (0b000000, 0x00000008, B.IGNORE, B.CONTACT_SUPPORT, S.NONFATAL, O.EITHER),
        (0b000000, 0x80000000, B.IGNORE, B.CONTACT_SUPPORT, S.NONFATAL, O.SOFTWARE),
    ),
    *_unit(145, ("RLW_SRC_TRACK", "0011100010"), ("RLW_SRC_TRACK", "0000111"),
        (0b000000, 0x00000001, B.RESET_GPU, B.CONTACT_SUPPORT, S.FATAL, O.HARDWARE),
        (0b000000, 0x00000002, B.IGNORE, B.IGNORE, S.NONFATAL, O.HARDWARE),
        (0b000000, 0x00000004, B.XID_154_EVAL, B.IGNORE, S.NONFATAL, O.EITHER),
        (0b000000, 0x00000008, B.XID_154_EVAL, B.IGNORE, S.NONFATAL, O.EITHER),
        (0b000000, 0x00000010, B.RESET_GPU, B.CONTACT_SUPPORT, S.FATAL, O.HARDWARE),
        (0b000000, 0x00000020, B.RESET_GPU, B.CONTACT_SUPPORT, S.FATAL, O.HARDWARE),
        (0b000000, 0x80000000, B.IGNORE, B.CONTACT_SUPPORT, S.NONFATAL, O.SOFTWARE),
    ),
    *_unit(145, ("RLW_TAGSTATE", "0100000010"), ("RLW_TAGSTATE", "0001000"),
        (0b000000, 0x00000001, B.IGNORE, B.IGNORE, S.NONFATAL, O.HARDWARE),
        (0b000000, 0x00000002, B.RESET_GPU, B.CONTACT_SUPPORT, S.FATAL, O.HARDWARE),
        (0b000000, 0x00010000, B.IGNORE, B.IGNORE, S.NONFATAL, O.HARDWARE),
        (0b000000, 0x00020000, B.RESET_GPU, B.CONTACT_SUPPORT, S.FATAL, O.HARDWARE),
        (0b000000, 0x00100000, B.RESET_GPU, B.CONTACT_SUPPORT, S.FATAL, O.HARDWARE),
        (0b000000, 0x80000000, B.IGNORE, B.CONTACT_SUPPORT, S.NONFATAL, O.SOFTWARE),
    ),
    *_unit(146, ("TLW_CTRL", "0100100011"), ("TLW_CTRL", "0001001"),
        (0b000000, 0x00000001, B.IGNORE, B.IGNORE, S.NONFATAL, O.HARDWARE),
        (0b000000, 0x00000002, B.IGNORE, B.CONTACT_SUPPORT, S.NONFATAL, O.HARDWARE),
        (0b000000, 0x00000004, B.RESET_GPU, B.CONTACT_SUPPORT, S.FATAL, O.HARDWARE),
        (0b000000, 0x80000000, B.IGNORE, B.CONTACT_SUPPORT, S.NONFATAL, O.SOFTWARE),
    ),
    *_unit(146, ("TLW_RX", "0101000011"), ("TLW_RX_PIPE0", "0001010"),
        (0b000000, 0x00000001, B.IGNORE, B.IGNORE, S.NONFATAL, O.HARDWARE),
        (0b000000, 0x00000002, B.IGNORE, B.CONTACT_SUPPORT, S.NONFATAL, O.HARDWARE),
        (0b000000, 0x00000004, B.RESET_GPU, B.CONTACT_SUPPORT, S.FATAL, O.HARDWARE),
        (0b000000, 0x80000000, B.IGNORE, B.CONTACT_SUPPORT, S.NONFATAL, O.SOFTWARE),
    ),
    *_unit(146, ("TLW_RX", "0101000011"), ("TLW_RX_PIPE1", "0001011"),
        (0b000000, 0x00000001, B.IGNORE, B.IGNORE, S.NONFATAL, O.HARDWARE),
        (0b000000, 0x00000002, B.IGNORE, B.CONTACT_SUPPORT, S.NONFATAL, O.HARDWARE),
        (0b000000, 0x00000004, B.RESET_GPU, B.CONTACT_SUPPORT, S.FATAL, O.HARDWARE),
        (0b000000, 0x80000000, B.IGNORE, B.CONTACT_SUPPORT, S.NONFATAL, O.SOFTWARE),
    ),
    *_unit(146, ("TLW_TX", "0101100011"), ("TLW_TX_PIPE0", "0001100"),
        (0b000000, 0x00000001, B.IGNORE, B.IGNORE, S.NONFATAL, O.HARDWARE),
        (0b000000, 0x00000002, B.IGNORE, B.CONTACT_SUPPORT, S.NONFATAL, O.HARDWARE),
        (0b000000, 0x00000004, B.RESET_GPU, B.CONTACT_SUPPORT, S.FATAL, O.HARDWARE),
        (0b000000, 0x80000000, B.IGNORE, B.CONTACT_SUPPORT, S.NONFATAL, O.SOFTWARE),
    ),
    *_unit(146, ("TLW_TX", "0101100011"), ("TLW_TX_PIPE1", "0001101"),
        (0b000000, 0x00000001, B.IGNORE, B.IGNORE, S.NONFATAL, O.HARDWARE),
        (0b000000, 0x00000002, B.IGNORE, B.CONTACT_SUPPORT, S.NONFATAL, O.HARDWARE),
        (0b000000, 0x00000004, B.RESET_GPU, B.CONTACT_SUPPORT, S.FATAL, O.HARDWARE),
        (0b000000, 0x80000000, B.IGNORE, B.CONTACT_SUPPORT, S.NONFATAL, O.SOFTWARE),
    ),
    *_unit(147, ("TREX", "0110000100"), ("TREX", "0001110"),
        (0b000000, 0x00000001, B.IGNORE, B.CONTACT_SUPPORT, S.NONFATAL, O.SOFTWARE),
        (0b000000, 0x80000000, B.IGNORE, B.CONTACT_SUPPORT, S.NONFATAL, O.SOFTWARE),
    ),
    *_unit(148, ("NVLPW_CTRL", "0000000101"), ("NVLPW", "0001111"),
        (0b000000, 0x80000000, B.IGNORE, B.CONTACT_SUPPORT, S.NONFATAL, O.SOFTWARE),
    ),
    *_unit(149, ("NETIR", "0000000110"), ("NETIR_INT", "0011000"),
        (0b000000, 0x00000000, B.RESET_GPU, B.SYMPATHETIC_REPORT_SOLO, S.LINK, O.EITHER),
    ),
    *_unit(149, ("NETIR_BER_EVENT", "1000100110"), ("NETIR_BER_EVENT", "0010011"),
        (0b000000, 0x00000000, B.IGNORE, B.INVESTIGATE_LINK_SI_AND_CABLES, S.NONFATAL, O.HARDWARE),
        (0b000000, 0x00000001, B.IGNORE, B.INVESTIGATE_LINK_SI_AND_CABLES, S.NONFATAL, O.HARDWARE),
        (0b000000, 0x00000002, B.IGNORE, B.INVESTIGATE_LINK_SI_AND_CABLES, S.NONFATAL, O.HARDWARE),
        (0b000000, 0x00000003, B.IGNORE, B.INVESTIGATE_LINK_SI_AND_CABLES, S.NONFATAL, O.HARDWARE),
    ),
    *_unit(149, ("NETIR_LINK_EVT", "0111000110"), ("NETIR_LINK_DOWN", "0010001"),
        (0b000000, 0x00000000, B.RESET_GPU, B.SYMPATHETIC_REPORT_SOLO, S.LINK, O.EITHER),
        (0b000001, 0x00000000, B.RESET_GPU, B.REPORT_ISSUE_IF_DAILY, S.LINK, O.EITHER),
        (0b000010, 0x00000000, B.RESET_GPU, B.INVESTIGATE_LINK_SI, S.LINK, O.EITHER),
        (0b000100, 0x00000000, B.RESET_GPU, B.INVESTIGATE_LINK_SI, S.LINK, O.HARDWARE),
        (0b001010, 0x00000000, B.RESET_GPU, B.INVESTIGATE_LINK_SI, S.LINK, O.HARDWARE),
        (0b001111, 0x00000000, B.RESET_GPU, B.INVESTIGATE_SW_USER, S.LINK, O.SOFTWARE),
        (0b010000, 0x00000000, B.RESET_GPU, B.INVESTIGATE_SW_USER_LINK_SI, S.LINK, O.SOFTWARE),
        (0b010001, 0x00000000, B.RESET_GPU, B.INVESTIGATE_SW_USER, S.LINK, O.SOFTWARE),
        (0b010010, 0x00000000, B.RESET_GPU, B.INVESTIGATE_SW_USER_LINK_SI, S.LINK, O.SOFTWARE),
        (0b010101, 0x00000000, B.RESET_GPU, B.INVESTIGATE_PEER_DEVICE, S.LINK, O.EITHER),
        (0b010110, 0x00000000, B.RESET_GPU, B.INVESTIGATE_SW_USER, S.LINK, O.SOFTWARE),
        (0b100000, 0x00000000, B.RESET_GPU, B.INVESTIGATE_PEER_DEVICE, S.LINK, O.EITHER),
        (0b100001, 0x00000000, B.RESET_GPU, B.INVESTIGATE_PEER_DEVICE, S.LINK, O.EITHER),
        (0b100010, 0x00000000, B.RESET_GPU, B.INVESTIGATE_PEER_DEVICE, S.LINK, O.EITHER),
        (0b100011, 0x00000000, B.RESET_GPU, B.INVESTIGATE_PEER_DEVICE, S.LINK, O.HARDWARE),
        (0b100100, 0x00000000, B.RESET_GPU, B.INVESTIGATE_PEER_DEVICE, S.LINK, O.EITHER),
        (0b100101, 0x00000000, B.RESET_GPU, B.INVESTIGATE_PEER_DEVICE, S.LINK, O.EITHER),
        (0b100110, 0x00000000, B.IGNORE, B.INVESTIGATE_SW_USER, S.LINK, O.EITHER),
        (0b101000, 0x00000000, B.IGNORE, B.INVESTIGATE_HOST, S.FATAL, O.SOFTWARE),
        (0b101010, 0x00000000, B.RESET_GPU, B.INVESTIGATE_LINK_SI_AND_CABLES, S.LINK, O.HARDWARE),
        (0b101011, 0x00000000, B.RESET_GPU, B.INVESTIGATE_LINK_SI_AND_CABLES, S.LINK, O.HARDWARE),
    ),
    *_unit(149, ("NETIR_MFDE_EVENT", "1001000110"), ("NETIR_MFDE_EVENT", "0010100"),
        (0b000000, 0x00000001, B.RESET_GPU, B.CONTACT_SUPPORT, S.FATAL, O.EITHER),
        (0b000000, 0x00000003, B.IGNORE, B.IGNORE, S.NONFATAL, O.NEITHER),
        (0b000000, 0x00000004, B.RESET_GPU, B.CONTACT_SUPPORT, S.FATAL, O.EITHER),
        (0b000000, 0x00000005, B.RESET_GPU, B.CONTACT_SUPPORT, S.FATAL, O.EITHER),
        (0b000000, 0x00000007, B.RESET_GPU, B.CONTACT_SUPPORT, S.FATAL, O.EITHER),
    ),
    *_unit(150, ("MSE_WATCHDOG", "0000000000"), ("MSE_WATCHDOG", "0000000"),
        (0b000000, 0x00000000, B.RESET_GPU, B.CONTACT_SUPPORT, S.FATAL, O.FIRMWARE),
    ),
)
# fmt: on


def decode_nvlink(code: int, intrinfo: int, error_status: int) -> NvlinkFault | None:
    """The fault behind an Xid 144 to 150, from the first two words that its line prints.

    None when the table has no such combination: then nothing is known of it, not that it is
    harmless; the caller says so and falls back to the code's own bucket.
    """
    for row in _ROWS:
        if row.matches(code, intrinfo, error_status):
            return row.fault
    return None
