"""Profiles: what boards of a kind answer, cell by cell, each with its source or marked as assumed.

`python -m simulator.profiles` writes docs/simulated-profiles.md from this table.
"""

import sys
from dataclasses import dataclass
from pathlib import Path

PROFILES = ("a100-sxm-80gb", "h100-sxm", "b200", "l40s", "t4")
OPTIONS = ("ecc-off", "mig-on")

ASSUMED = "assumed"
BINDING = "https://docs.nvidia.com/deploy/nvml-api/"
CHIPS = "https://download.nvidia.com/XFree86/Linux-x86_64/580.95.05/README/supportedchips.html"
NVML = "https://docs.nvidia.com/deploy/nvml-api/"
CUDA_GPUS = "https://developer.nvidia.com/cuda-gpus"
MEMORY_ERRORS = "https://docs.nvidia.com/deploy/a100-gpu-mem-error-mgmt/"
RETIREMENT = "https://docs.nvidia.com/deploy/dynamic-page-retirement/"
MIG = "https://docs.nvidia.com/datacenter/tesla/mig-user-guide/"
# What `nvidia-smi -q` printed on real boards, as their users published it. The H100's stands in
# Princeton's course; those of the A100 and the T4 were read in other public repositories.
SEEN = "https://github.com/PrincetonUniversity/gpu_programming_intro"
SHEETS = {
    "a100-sxm-80gb": "https://www.nvidia.com/en-us/data-center/a100/",
    "h100-sxm": "https://www.nvidia.com/en-us/data-center/h100/",
    "b200": "https://www.nvidia.com/en-us/data-center/dgx-b200/",
    "l40s": "https://www.nvidia.com/en-us/data-center/l40s/",
    "t4": "https://www.nvidia.com/en-us/data-center/tesla-t4/",
}
SHEET = "data sheet"

_MIB = 1 << 20
_GIB = 1 << 30


@dataclass(frozen=True, slots=True)
class Row:
    """One key of the world: its value per profile in the order of PROFILES, None where absent.

    `source` holds for every cell but those of the profiles in `guessed`, which are assumed.
    """

    key: str
    values: tuple[object, object, object, object, object]
    source: str = ASSUMED
    guessed: tuple[str, ...] = ()


_NEWER = ("b200", "l40s")  # no published output of these two was found
# What our own check read on an H100 (tests/fixtures/gpu); the other boards are assumed to say so.
RECORDED = "recorded"
_NOT_RECORDED = ("a100-sxm-80gb", "b200", "l40s", "t4")


def _all(key: str, value: object, source: str = ASSUMED) -> Row:
    return Row(key, (value, value, value, value, value), source)


def _zeros(keys: str, source: str = NVML) -> tuple[Row, ...]:
    return tuple(_all(key, 0, source) for key in keys.split())


def _remapping(key: str, value: object) -> Row:
    """Row remapping came with Ampere."""
    return Row(key, (value, value, value, value, None), MEMORY_ERRORS)


def _nvlink(key: str, values: tuple[object, object, object], source: str = NVML) -> Row:
    return Row(f"nvlink.{key}", (*values, None, None), source)


ROWS: tuple[Row, ...] = (
    # identity
    Row("name", ("NVIDIA A100-SXM4-80GB", "NVIDIA H100 80GB HBM3", "NVIDIA B200", "NVIDIA L40S",
                 "Tesla T4"), CHIPS),
    Row("pci_device_id", ("0x20b210de", "0x233010de", "0x290110de", "0x26b910de", "0x1eb810de"),
        CHIPS),
    Row("pci_subsystem_id", ("0x147f10de", "0x16c110de", "0x199910de", "0x185110de",
                             "0x12a210de"), CHIPS),
    Row("part_number", ("692-2G506-0210-002", "692-2G520-0200-000", "692-2G525-0220-000",
                        "900-2G133-0080-000", "900-2G183-0000-001"), SEEN, _NEWER),
    Row("vbios", ("92.00.45.00.05", "96.00.74.00.0D", "97.00.82.00.0A", "95.02.66.00.02",
                  "90.04.38.00.03"), SEEN, _NEWER),
    Row("inforom.image", ("G506.0210.00.03", "G520.0200.00.05", "G525.0220.00.03",
                          "G133.0242.00.03", "G183.0200.00.02"), SEEN, _NEWER),
    Row("inforom.oem", ("2.0", "2.1", "2.1", "2.1", "1.1"), SEEN, _NEWER),
    Row("inforom.ecc", ("6.16", "7.16", "7.16", "6.16", "5.0"), SEEN, _NEWER),
    _all("inforom.valid", 1),
    _all("inforom.checksum", "0x51c7a1d3"),
    Row("architecture", (7, 9, 10, 8, 6), BINDING),
    Row("brand", (14, 14, 14, 14, 14), SEEN, _NEWER),
    Row("cuda.major", (8, 9, 10, 8, 7), CUDA_GPUS),
    Row("cuda.minor", (0, 0, 0, 9, 5), CUDA_GPUS),
    # A platform that tells nothing of itself answers with zeros.
    Row("platform.chassis_serial", (None, "", "1820325100017", None, None), RECORDED,
        _NOT_RECORDED),
    Row("platform.ib_guid", (None, "", r"\xb8\x3f\xd2\x03\x00\x9a\xe4\x11", None, None)),
    Row("platform.slot_number", (None, 0, 1, None, None), RECORDED, _NOT_RECORDED),
    Row("platform.tray_index", (None, 0, 0, None, None), RECORDED, _NOT_RECORDED),
    Row("platform.host_id", (None, 0, 1, None, None)),
    Row("platform.peer_type", (None, 0, 1, None, None)),
    # modes
    _all("persistence_mode", 1),
    _all("compute_mode", 0),
    _all("performance_state", 0),
    _all("multi_gpu_board", 0),
    _all("ecc_mode.current", 1),
    _all("ecc_mode.pending", 1),
    Row("mig.current", (0, 0, 0, None, None), MIG),
    Row("mig.pending", (0, 0, 0, None, None), MIG),
    Row("mig.max_devices", (7, 7, 7, None, None), MIG),
    Row("mig.independent_query", (1, 1, 1, None, None)),
    Row("gsp.enabled", (1, 1, 1, 1, 1)),
    Row("gsp.default", (1, 1, 1, 1, 1)),
    Row("event_types", ("0x11b", "0xff9f", "0xff9f", "0x1b", "0x1b"), RECORDED, _NOT_RECORDED),
    # power, in mW
    Row("power.limit", (400_000, 700_000, 1_000_000, 350_000, 70_000), SHEET),
    Row("power.default_limit", (400_000, 700_000, 1_000_000, 350_000, 70_000), SHEET),
    Row("power.min_limit", (100_000, 200_000, 200_000, 100_000, 60_000), SEEN, _NEWER),
    Row("power.max_limit", (400_000, 700_000, 1_000_000, 350_000, 70_000), SHEET),
    Row("power.milliwatts", (212_000, 318_000, 402_000, 141_000, 31_000)),
    Row("power.average", (212_000, 318_000, 402_000, 141_000, None)),
    Row("power_smoothing.enabled", (None, None, 0, None, None)),
    Row("power_smoothing.privilege", (None, None, 0, None, None)),
    Row("power_smoothing.ramp_down", (None, None, 0, None, None)),
    # temperatures, in degrees Celsius
    Row("temperature.gpu", (48, 45, 47, 52, 50)),
    Row("temperature.memory", (57, 55, 56, None, None)),
    Row("temperature.margin", (None, 42, 40, 34, None)),
    Row("temperature.shutdown", (92, None, None, None, 96), SEEN, _NEWER),
    Row("temperature.slowdown", (89, None, None, None, 93), SEEN, _NEWER),
    Row("temperature.gpu_max", (85, None, None, None, 85), SEEN, _NEWER),
    Row("temperature.memory_max", (95, None, None, None, None), SEEN, _NEWER),
    Row("temperature.shutdown_margin", (None, -8, -8, -5, None), SEEN, _NEWER),
    Row("temperature.slowdown_margin", (None, -2, -2, -2, None), SEEN, _NEWER),
    Row("temperature.gpu_max_margin", (None, 0, 0, 0, None), SEEN, _NEWER),
    Row("temperature.memory_max_margin", (None, 0, 0, None, None), SEEN, _NEWER),
    # work
    _all("utilization.gpu", 62),
    _all("utilization.memory", 31),
    _all("utilization.encoder", 0),
    _all("utilization.decoder", 0),
    _all("utilization.period_us", 167_000),
    Row("memory.total", (81_920 * _MIB, 81_559 * _MIB, 183_359 * _MIB, 46_068 * _MIB,
                         15_360 * _MIB), SEEN, _NEWER),
    Row("memory.reserved", (763 * _MIB, 328 * _MIB, 1_000 * _MIB, 600 * _MIB, 393 * _MIB), SEEN,
        _NEWER),
    Row("memory.used", (50_000 * _MIB, 50_000 * _MIB, 90_000 * _MIB, 20_000 * _MIB, 8_000 * _MIB)),
    Row("memory.bus_width", (5120, 5120, 8192, 384, 256)),
    Row("memory.bar1_total", (131_072 * _MIB, 131_072 * _MIB, 262_144 * _MIB, 65_536 * _MIB,
                              256 * _MIB), SEEN, _NEWER),
    _all("memory.bar1_used", _MIB),
    Row("clocks.graphics", (1410, 1980, 1965, 2520, 1590)),
    Row("clocks.sm", (1410, 1980, 1965, 2520, 1590)),
    Row("clocks.memory", (1593, 2619, 3996, 9001, 5001)),
    Row("clocks.video", (1290, 1545, 1770, 1965, 1470)),
    Row("clocks.max_graphics", (1410, 1980, 1965, 2520, 1590), SEEN, _NEWER),
    Row("clocks.max_sm", (1410, 1980, 1965, 2520, 1590), SEEN, _NEWER),
    Row("clocks.max_memory", (1593, 2619, 3996, 9001, 5001), SEEN, _NEWER),
    Row("clocks.max_video", (1290, 1545, 1770, 1965, 1470), SEEN, _NEWER),
    _all("clocks.event_reasons", 0),
    _all("clocks.supported_event_reasons", "0x1ff", BINDING),
    *_zeros(" ".join(f"violation.{policy}" for policy in range(12))),
    *_zeros("slowdown.software_thermal slowdown.hardware_thermal slowdown.power_brake"),
    # PCIe
    Row("pcie.generation", (4, 5, 5, 4, 3), SHEET),
    Row("pcie.max_generation", (4, 5, 5, 4, 3), SHEET),
    Row("pcie.gpu_max_generation", (4, 5, 5, 4, 3), SHEET),
    _all("pcie.width", 16, SHEET),
    _all("pcie.max_width", 16, SHEET),
    *_zeros("pcie.replays pcie.replay_rollovers pcie.tx_kib pcie.rx_kib pcie.l0_to_recovery "
            "pcie.correctable pcie.naks_received pcie.receiver_errors pcie.bad_tlp "
            "pcie.naks_sent pcie.bad_dllp pcie.non_fatal pcie.fatal "
            "pcie.unsupported_requests pcie.lcrc pcie.lane_errors"),
    # memory errors
    *_zeros("ecc.corrected.volatile.dram ecc.corrected.volatile.sram "
            "ecc.corrected.aggregate.dram ecc.corrected.aggregate.sram "
            "ecc.uncorrected.volatile.dram ecc.uncorrected.volatile.sram "
            "ecc.uncorrected.aggregate.dram ecc.uncorrected.aggregate.sram", SEEN),
    _remapping("remap.correctable", 0),
    _remapping("remap.uncorrectable", 0),
    _remapping("remap.correctable_inactive", 0),
    _remapping("remap.uncorrectable_inactive", 0),
    _remapping("remap.pending", 0),
    _remapping("remap.failed", 0),
    Row("remap.banks.max", (640, 2560, 4096, 192, None), SEEN, _NEWER),
    _remapping("remap.banks.high", 0),
    _remapping("remap.banks.partial", 0),
    _remapping("remap.banks.low", 0),
    _remapping("remap.banks.none", 0),
    *(_remapping(f"sram.{span}.{kind}", 0) for span in ("volatile", "aggregate")
      for kind in ("parity", "secded")),
    *(_remapping(f"sram.aggregate.{bucket}", 0) for bucket in
      ("l2", "sm", "pcie", "mcu", "other")),
    _remapping("sram.threshold_exceeded", 0),
    Row("pages.pending", (None, None, None, None, 0), RETIREMENT),
    Row("repair.channel_pending", (None, 0, 0, None, None), RECORDED, _NOT_RECORDED),
    Row("repair.tpc_pending", (None, 0, 0, None, None), RECORDED, _NOT_RECORDED),
    Row("memory_unrepairable", (None, 0, 0, None, None), RECORDED, _NOT_RECORDED),
    Row("recovery_action", ("none", "none", "none", "none", None), NVML),
    Row("reset_required", (0, 0, 0, 0, 0), SEEN, _NEWER),
    Row("drain_and_reset_recommended", (0, 0, 0, 0, None), SEEN, _NEWER),
    # NVLink: one default for all links, nvlink.N.KEY for link N alone
    _nvlink("count", (12, 18, 18), SHEET),
    _nvlink("switch_links", (12, 18, 18), SHEET),
    _nvlink("state", (1, 1, 1)),
    _nvlink("version", (4, 6, 7), BINDING),
    _nvlink("speed", (25_000, 26_562, 53_125), ASSUMED),
    _nvlink("remote_type", (2, 2, 2), BINDING),
    *(_nvlink(key, (0, 0, 0)) for key in
      ("replay", "recovery", "crc_flit", "crc_data", "ecc_data")),
    *(_nvlink(key, (0, 0, 0)) for key in ("tx_kib", "rx_kib", "raw_tx_kib", "raw_rx_kib")),
    *(_nvlink(key, (None, None, 0), ASSUMED) for key in
      ("xmit_packets", "xmit_bytes", "rcv_packets", "rcv_bytes", "malformed",
       "buffer_overruns", "rcv_errors", "rcv_remote_errors",
       "rcv_general_errors", "integrity_errors", "xmit_discards", "recoveries_ok",
        "recoveries_failed",
       "recoveries", "effective_errors", "symbol_errors")),
    *(_nvlink(f"cap.{key}", (1, 1, 1)) for key in
      ("p2p", "sysmem", "p2p_atomics", "sysmem_atomics", "valid")),
    _nvlink("cap.sli_bridge", (0, 0, 0)),
    _nvlink("power_threshold_max", (None, 8191, 8191), BINDING),
    Row("fabric.state", (None, 3, 3, None, None), SEEN, _NEWER),
    Row("fabric.status", (None, 0, 0, None, None), SEEN, _NEWER),
    Row("fabric.clique", (None, 0, 0, None, None)),
    Row("fabric.health_mask", (None, 0, "0x1aa", None, None)),
    Row("fabric.health_summary", (None, 0, 1, None, None)),
    Row("fabric.cluster", (None, "", "", None, None)),
)  # fmt: skip

# Where the boards sit in an eight-GPU server; assumed (DGX systems show such bus numbers).
_BUSES = {
    "a100-sxm-80gb": (0x07, 0x0F, 0x47, 0x4E, 0x87, 0x90, 0xB7, 0xBD),
    "h100-sxm": (0x1B, 0x43, 0x52, 0x61, 0x9D, 0xC3, 0xD1, 0xDF),
    "b200": (0x1B, 0x43, 0x52, 0x61, 0x9D, 0xC3, 0xD1, 0xDF),
    "l40s": (0x17, 0x3D, 0x50, 0x63, 0x99, 0xAB, 0xBB, 0xCB),
    "t4": (0x18, 0x3B, 0x5E, 0x86, 0xAF, 0xD8, 0xE0, 0xE5),
}


def pci_address(profile: str, slot: int) -> str:
    """The PCI address of a slot: eight on domain 0, the next eight on domain 1, and so on."""
    buses = _BUSES[profile]
    return f"{slot // len(buses):04x}:{buses[slot % len(buses)]:02x}:00.0"


def common_values(profile: str, options: tuple[str, ...] = ()) -> dict[str, str]:
    """What every board of the profile answers. Raises ValueError for an unknown name."""
    if profile not in PROFILES:
        raise ValueError(f"profile {profile!r} is none of {', '.join(PROFILES)}")
    for option in options:
        if option not in OPTIONS:
            raise ValueError(f"option {option!r} is none of {', '.join(OPTIONS)}")
    column = PROFILES.index(profile)
    values = {row.key: str(row.values[column]) for row in ROWS if row.values[column] is not None}
    if "ecc-off" in options:
        values |= {"ecc_mode.current": "0", "ecc_mode.pending": "0"}
    if "mig-on" in options:
        if "mig.current" not in values:
            raise ValueError(f"profile {profile}: boards without MIG cannot have it on")
        values |= {"mig.current": "1", "mig.pending": "1"}
    return values


def module_number(profile: str, slot: int) -> int:
    """The module's number on its baseboard; 0 for a card of its own, says NVML's manual."""
    return 0 if profile in {"l40s", "t4"} else slot + 1


def has_nvswitch(profile: str) -> bool:
    """Whether its servers have NVSwitches that the host sees as PCI functions (to Hopper)."""
    return profile in {"a100-sxm-80gb", "h100-sxm"}


_HEAD = f"""# What the simulated boards answer

Written by `python -m simulator.profiles`; do not edit. A blank cell is a value that the board does
not have (`NVML_ERROR_NOT_SUPPORTED`). A cell in *italics* is assumed: no public record of it was
found, the value is plausible, and nothing may rely on it. All other cells have the row's source.

- *seen*: printed by `nvidia-smi -q` on a real board and published by its user (the H100's in
  <{SEEN}>).
- *recorded*: read on a real board by our own check (`tests/fixtures/gpu/`, the H100's).
- *data sheet*: NVIDIA's page of the board: {", ".join(f"<{url}>" for url in SHEETS.values())}.

Also assumed: PCI bus numbers, serial numbers and UUIDs; which getters go on answering on a lost GPU
(identity and PCI address do, the index does not); what a call answers after the module was forced
out (driver not loaded); the branch from which Xids 171 and 172
are printed and an unknown process is not (570); the kernel-log
sentences of Xids 46, 61, 62, 64, 69, 92, 110, 120, 140, 143 and 158 and of retired pages; printk
levels.

With `ecc-off` ECC mode is 0 and no ECC counter can be read. With `mig-on` remapped rows and
utilisation cannot be read (<{MIG}>).

"""


def _cell(row: Row, profile: str) -> str:
    value = row.values[PROFILES.index(profile)]
    if value is None:
        return ""
    assumed = row.source == ASSUMED or profile in row.guessed
    return f"*`{value}`*" if assumed else f"`{value}`"


def markdown() -> str:
    """The whole table as a document."""
    names = {ASSUMED: "", SEEN: "seen", SHEET: SHEET}
    table = f"| key | {' | '.join(PROFILES)} | source |\n|---{'|---' * len(PROFILES)}|---|\n"
    for row in ROWS:
        cells = " | ".join(_cell(row, profile) for profile in PROFILES)
        table += f"| `{row.key}` | {cells} | {names.get(row.source, f'<{row.source}>')} |\n"
    return _HEAD + table


DOCUMENT = Path(__file__).parent.parent / "docs/simulated-profiles.md"


def main() -> int:
    """Write the document."""
    DOCUMENT.write_text(markdown())
    return 0


if __name__ == "__main__":
    sys.exit(main())
