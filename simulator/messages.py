"""What the NVIDIA driver prints to the kernel log, line by line.

The forms are those of NVIDIA's documents (https://docs.nvidia.com/deploy/xid-errors/,
https://docs.nvidia.com/deploy/a100-gpu-mem-error-mgmt/) and of kernel logs that people published
(https://github.com/NVIDIA/gpu-operator/issues/1146, https://github.com/leptonai/gpud/pull/1160,
https://github.com/leptonai/gpud/pull/338). Serial numbers and addresses are ours.
"""

from collections.abc import Callable
from dataclasses import dataclass

WARNING = 4  # printk's default level: NVRM's lines carry none of their own
ERROR = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Reporter:
    """Whose GPU it is and which process the driver blames ("" for none)."""

    pci: str  # 0000:1b:00.0
    uuid: str
    serial: str
    process: tuple[int, str] | None = None
    gpu_instance: int | None = None
    compute_instance: int | None = None
    names_unknown: bool = True  # drivers before 570 say so when they blame no process


def xid(reporter: Reporter, code: int, detail: str) -> str:
    """One Xid line: `NVRM: Xid (PCI:0000:1b:00): 94, pid=1, name=python3, DETAIL`."""
    address = reporter.pci.rsplit(".", 1)[0]
    instance = ""
    if reporter.gpu_instance is not None:
        instance = f" GPU-I:{reporter.gpu_instance:02}"
        if reporter.compute_instance is not None:
            instance += f" GPU-CI:{reporter.compute_instance:02}"
    who = ""
    if reporter.process:
        who = f"pid={reporter.process[0]}, name={reporter.process[1]}, "
    elif reporter.names_unknown and code not in UNBLAMED:
        who = "pid='<unknown>', name=<unknown>, "
    return f"NVRM: Xid (PCI:{address}{instance}): {code}, {who}{detail}"


# NVLink 5 errors and the recovery action are printed without a process.
UNBLAMED = frozenset(range(144, 151)) | {154}

_ADDRESS = "0x18f31d80"
_ROW = "0x0000000018f31d80"
_FAULT = "Ch 00000008, intr 10000000. MMU Fault: ENGINE GRAPHICS GPCCLIENT_T1_0 faulted"
_TYPICAL = {
    13: "Graphics SM Warp Exception on (GPC 0, TPC 1, SM 0): Out Of Range Address",
    31: f"{_FAULT} @ 0x7f2a_10000000. Fault is of type FAULT_PDE ACCESS_TYPE_VIRT_READ",
    32: "Channel ID 00000010 intr0 00040000",
    43: "Ch 00000008",
    45: "Ch 00000008",
    48: "Ch 00000008",
    63: f"Row Remapper: New row ({_ROW}) marked for remapping, reset gpu to activate.",
    74: "NVLink: fatal error detected on link 2(0x10000, 0x0, 0x0, 0x0, 0x0, 0x0, 0x0)",
    79: "GPU has fallen off the bus.",
    94: "Contained: SM (0x1). RST: No, D-RST: No",
    95: "Uncontained: LTC TAG (0x2,0x0). RST: Yes, D-RST: No",
    109: "Ch 00000008, errorString CTX SWITCH TIMEOUT, Info 0x4c009",
    119: "Timeout after 6s of waiting for RPC response from GPU0 GSP! "
    "Expected function 76 (GSP_RM_CONTROL) sequence 1321",
    144: "SAW_MVB Nonfatal XC0 i0 Link 00 "
    "(0x00000001 0x00000008 0x00000000 0x00000000 0x00000000 0x00000000)",
    145: "RLW_RXPIPE Nonfatal XC0 i0 Link 13 "
    "(0x0409a0c2 0x00000008 0x00000001 0x00000000 0x00100000 0x00000004)",
    149: "NETIR_LINK_EVT Fatal XC0 i0 Link 00 "
    "(0x025001c6 0x00000000 0x00000000 0x00000000 0x00000000 0x00000000)",
    154: "GPU recovery action changed from 0x0 (None) to 0x1 (GPU Reset Required)",
    171: f"HBM, Uncorrectable DRAM error in FBPA 16 subpartition 3 physAddr {_ADDRESS}",
    172: "SM ICACHE, Uncorrectable SRAM error in GPC 7 TPC 6",
    # No public record of these was found: the sentences are ours.
    46: "GPU stopped processing",
    61: "4a5b(1d2c) 00000000 00000000",
    62: "2c9e(3bd4) 00000000 00000000",
    64: f"Row Remapper: Failed to record row ({_ROW}), reset gpu to retry.",
    69: "Class Error: ChId 0008, Class 0000cbc0, Offset 00000508, Data 00000000, ErrorCode 4",
    92: "High single-bit ECC error rate",
    110: "Security fault",
    120: "GSP task exception: Illegal instruction (cause:0x2) @ pc:0x11f28a8, task:1",
    140: "Unrecovered ECC error",
    143: "GPU initialization failed",
    158: "GPU fatal timeout",
}

_RECOVERY_NAMES = {
    "none": (0, "None"),
    "reset": (1, "GPU Reset Required"),
    "reboot": (2, "Node Reboot Required"),
    "drain-p2p": (3, "Drain P2P"),
    "drain-and-reset": (4, "Drain and Reset"),
}


def detail(code: int) -> str:
    """What the driver typically says with this Xid."""
    return _TYPICAL.get(code, f"Error code {code}")


def recovery_detail(before: str, after: str) -> str:
    """The detail of Xid 154 for two named actions; others than the classic five as their name."""
    old, new = (_RECOVERY_NAMES.get(name, (5, name)) for name in (before, after))
    return f"GPU recovery action changed from 0x{old[0]:x} ({old[1]}) to 0x{new[0]:x} ({new[1]})"


def _gsp_timeout(reporter: Reporter) -> list[str]:
    return [
        f"NVRM: _kgspLogXid119: {'*' * 33} GSP Timeout {'*' * 34}",
        xid(reporter, 119, _TYPICAL[119]),
    ]


def _off_the_bus(reporter: Reporter) -> list[str]:
    return [
        f"NVRM: GPU at PCI:{reporter.pci.rsplit('.', 1)[0]}: {reporter.uuid}",
        f"NVRM: GPU Board Serial Number: {reporter.serial}",
        xid(reporter, 79, _TYPICAL[79]),
        f"NVRM: GPU {reporter.pci}: GPU has fallen off the bus.",
        f"NVRM: GPU {reporter.pci}: GPU serial number is {reporter.serial}.",
        "NVRM: A GPU crash dump has been created. If possible, please run",
        "NVRM: nvidia-bug-report.sh as root to collect this data before",
        "NVRM: the NVIDIA kernel module is unloaded.",
    ]


_SEVERAL_LINES: dict[int, Callable[[Reporter], list[str]]] = {
    79: _off_the_bus,
    119: _gsp_timeout,
}


def xid_lines(reporter: Reporter, code: int, text: str = "") -> list[str]:
    """Every line that belongs to one Xid, in the order of printing."""
    if code in _SEVERAL_LINES and not text:
        return _SEVERAL_LINES[code](reporter)
    return [xid(reporter, code, text or detail(code))]


def double_bit(memory: str) -> str:
    """The first sentence of an uncorrectable error (Xid 48), before any process is blamed."""
    place = (
        f"in the framebuffer at physAddr {_ADDRESS} partition 16, subpartition 3."
        if memory == "dram"
        else "in the SM."
    )
    return f"An uncorrectable double bit error (DBE) has been detected on GPU {place}"


def sxid_lines(pci: str, code: int, *, switch: int, link: int, fatal: bool) -> list[str]:
    """What an NVSwitch's driver prints: the error, its severity, its data words."""
    head = f"nvidia-nvswitch{switch}: SXid (PCI:{pci}): {code:05}"
    return [
        f"{head}, {'Fatal' if fatal else 'Non-fatal'}, Link {link:02} LTSSM Fault Up",
        f"{head}, Severity {1 if fatal else 0} Engine instance {link:02} Sub-engine instance 00",
        f"{head}, Data {{0x00000001, 0x00000001, 0x00000000, 0x00000001, 0x00000000}}",
    ]
