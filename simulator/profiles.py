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
SHEETS = (
    "https://www.nvidia.com/en-us/data-center/a100/ "
    "https://www.nvidia.com/en-us/data-center/h100/ "
    "https://www.nvidia.com/en-us/data-center/dgx-b200/ "
    "https://www.nvidia.com/en-us/data-center/l40s/ "
    "https://www.nvidia.com/en-us/data-center/tesla-t4/"
)
MEMORY_ERRORS = "https://docs.nvidia.com/deploy/a100-gpu-mem-error-mgmt/"
RETIREMENT = "https://docs.nvidia.com/deploy/dynamic-page-retirement/"
MIG = "https://docs.nvidia.com/datacenter/tesla/mig-user-guide/"

_GIB = 1 << 30


@dataclass(frozen=True, slots=True)
class Row:
    """One key of the world: its value per profile in the order of PROFILES, None where absent."""

    key: str
    values: tuple[object, object, object, object, object]
    source: str = ASSUMED


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
    Row("part_number", ("692-2G506-0212-002", "692-2G520-0200-000", "692-2G525-0220-000",
                        "900-2G133-0080-000", "900-2G183-0000-001")),
    Row("vbios", ("92.00.9E.00.01", "96.00.99.00.01", "97.00.82.00.0A", "95.02.66.00.02",
                  "90.04.96.00.02")),
    Row("inforom.image", ("G506.0212.00.02", "G520.0200.00.05", "G525.0220.00.03",
                          "G133.0242.00.03", "G183.0200.00.02")),
    Row("inforom.oem", ("2.1", "2.1", "2.1", "2.1", "1.1")),
    Row("inforom.ecc", ("6.16", "7.16", "7.16", "6.16", "5.0")),
    _all("inforom.valid", 1),
    _all("inforom.checksum", "0x51c7a1d3"),
    Row("architecture", (7, 9, 10, 8, 6), BINDING),
    Row("brand", (14, 14, 14, 14, 2), BINDING),
    Row("cuda.major", (8, 9, 10, 8, 7), "https://developer.nvidia.com/cuda-gpus"),
    Row("cuda.minor", (0, 0, 0, 9, 5), "https://developer.nvidia.com/cuda-gpus"),
    Row("platform.chassis_serial", (None, None, "1820325100017", None, None)),
    Row("platform.ib_guid", (None, None, r"\xb8\x3f\xd2\x03\x00\x9a\xe4\x11", None, None)),
    Row("platform.slot_number", (None, None, 1, None, None)),
    Row("platform.tray_index", (None, None, 0, None, None)),
    Row("platform.host_id", (None, None, 1, None, None)),
    Row("platform.peer_type", (None, None, 1, None, None)),
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
    Row("gsp.enabled", (1, 1, 1, 1, 0)),
    Row("gsp.default", (1, 1, 1, 1, 0)),
    Row("event_types", ("0x11b", "0x11b", "0x11b", "0x1b", "0x1b")),
    # power, in mW
    Row("power.limit", (400_000, 700_000, 1_000_000, 350_000, 70_000), SHEETS),
    Row("power.default_limit", (400_000, 700_000, 1_000_000, 350_000, 70_000), SHEETS),
    Row("power.min_limit", (100_000, 200_000, 200_000, 100_000, 60_000)),
    Row("power.max_limit", (400_000, 700_000, 1_000_000, 350_000, 70_000), SHEETS),
    Row("power.milliwatts", (212_000, 318_000, 402_000, 141_000, 31_000)),
    Row("power.average", (212_000, 318_000, 402_000, 141_000, None)),
    Row("power_smoothing.enabled", (None, None, 0, None, None)),
    Row("power_smoothing.privilege", (None, None, 0, None, None)),
    Row("power_smoothing.ramp_down", (None, None, 0, None, None)),
    # temperatures: degrees Celsius
    Row("temperature.gpu", (48, 45, 47, 52, 50)),
    Row("temperature.memory", (57, 55, 56, None, None)),
    Row("temperature.margin", (None, 42, 40, 34, None)),
    Row("temperature.shutdown", (92, None, None, None, 96)),
    Row("temperature.slowdown", (89, None, None, None, 93)),
    Row("temperature.gpu_max", (85, None, None, None, 85)),
    Row("temperature.memory_max", (95, None, None, None, None)),
    Row("temperature.shutdown_margin", (None, -8, -8, -5, None)),
    Row("temperature.slowdown_margin", (None, -2, -2, -2, None)),
    Row("temperature.gpu_max_margin", (None, 0, 0, 0, None)),
    Row("temperature.memory_max_margin", (None, 0, 0, None, None)),
    # work
    _all("utilization.gpu", 62),
    _all("utilization.memory", 31),
    Row("memory.total", (80 * _GIB, 80 * _GIB, 179 * _GIB, 45 * _GIB, 15 * _GIB), SHEETS),
    Row("memory.reserved", (_GIB // 2, _GIB // 2, _GIB, _GIB // 2, _GIB // 2)),
    Row("memory.used", (50 * _GIB, 50 * _GIB, 100 * _GIB, 20 * _GIB, 8 * _GIB)),
    Row("memory.bus_width", (5120, 5120, 8192, 384, 256), SHEETS),
    Row("memory.bar1_total", (128 * _GIB, 128 * _GIB, 256 * _GIB, 64 * _GIB, _GIB // 4)),
    _all("memory.bar1_used", 1 << 20),
    Row("clocks.graphics", (1410, 1980, 1965, 2520, 1590), SHEETS),
    Row("clocks.sm", (1410, 1980, 1965, 2520, 1590), SHEETS),
    Row("clocks.memory", (1593, 2619, 3996, 9001, 5001)),
    Row("clocks.video", (1275, 1785, 1770, 1965, 1470)),
    Row("clocks.max_graphics", (1410, 1980, 1965, 2520, 1590)),
    Row("clocks.max_sm", (1410, 1980, 1965, 2520, 1590)),
    Row("clocks.max_memory", (1593, 2619, 3996, 9001, 5001)),
    Row("clocks.max_video", (1275, 1785, 1770, 1965, 1470)),
    _all("clocks.event_reasons", 0),
    _all("clocks.supported_event_reasons", "0x1ff", BINDING),
    *_zeros(" ".join(f"violation.{policy}" for policy in range(12))),
    *_zeros("slowdown.software_thermal slowdown.hardware_thermal slowdown.power_brake"),
    # PCIe
    Row("pcie.generation", (4, 5, 5, 4, 3), SHEETS),
    Row("pcie.max_generation", (4, 5, 5, 4, 3), SHEETS),
    Row("pcie.gpu_max_generation", (4, 5, 5, 4, 3), SHEETS),
    _all("pcie.width", 16, SHEETS),
    _all("pcie.max_width", 16, SHEETS),
    *_zeros("pcie.replays pcie.replay_rollovers pcie.tx_kib pcie.rx_kib pcie.l0_to_recovery "
            "pcie.correctable pcie.naks_received pcie.receiver_errors pcie.bad_tlp "
            "pcie.naks_sent pcie.bad_dllp pcie.non_fatal pcie.fatal "
            "pcie.unsupported_requests pcie.lcrc pcie.lane_errors"),
    # memory errors
    *_zeros("ecc.corrected.volatile.dram ecc.corrected.volatile.sram "
            "ecc.corrected.aggregate.dram ecc.corrected.aggregate.sram "
            "ecc.uncorrected.volatile.dram ecc.uncorrected.volatile.sram "
            "ecc.uncorrected.aggregate.dram ecc.uncorrected.aggregate.sram"),
    _remapping("remap.correctable", 0),
    _remapping("remap.uncorrectable", 0),
    _remapping("remap.correctable_inactive", 0),
    _remapping("remap.uncorrectable_inactive", 0),
    _remapping("remap.pending", 0),
    _remapping("remap.failed", 0),
    Row("remap.banks.max", (640, 2560, 4096, 192, None)),
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
    Row("repair.channel_pending", (None, None, 0, None, None)),
    Row("repair.tpc_pending", (None, 0, 0, None, None)),
    Row("memory_unrepairable", (None, None, 0, None, None)),
    Row("recovery_action", ("none", "none", "none", "none", None), NVML),
    Row("reset_required", (0, 0, 0, 0, None), NVML),
    Row("drain_and_reset_recommended", (0, 0, 0, 0, None), NVML),
    # NVLink: one default for all links, nvlink.N.KEY for link N alone
    _nvlink("count", (12, 18, 18), SHEETS),
    _nvlink("switch_links", (12, 18, 18), SHEETS),
    _nvlink("state", (1, 1, 1)),
    _nvlink("version", (4, 6, 7), BINDING),
    _nvlink("speed", (25_000, 26_562, 53_125), ASSUMED),
    _nvlink("remote_type", (2, 2, 2), BINDING),
    *(_nvlink(key, (0, 0, 0)) for key in ("replay", "recovery", "crc_flit", "crc_data")),
    _nvlink("ecc_data", (0, 0, 0)),
    *(_nvlink(key, (0, 0, 0)) for key in ("tx_kib", "rx_kib", "raw_tx_kib", "raw_rx_kib")),
    *(_nvlink(f"cap.{key}", (1, 1, 1)) for key in
      ("p2p", "sysmem", "p2p_atomics", "sysmem_atomics", "valid")),
    _nvlink("cap.sli_bridge", (0, 0, 0)),
    _nvlink("power_threshold_max", (None, 8191, 8191), BINDING),
    Row("fabric.state", (None, 3, 3, None, None), BINDING),
    Row("fabric.status", (None, 0, 0, None, None), BINDING),
    Row("fabric.clique", (None, 0, 0, None, None)),
    Row("fabric.health_mask", (None, 0, "0x1aa", None, None), BINDING),
    Row("fabric.health_summary", (None, 0, 1, None, None), BINDING),
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


def has_nvswitch(profile: str) -> bool:
    """Whether its servers have NVSwitches that the host sees as PCI functions (to Hopper)."""
    return profile in {"a100-sxm-80gb", "h100-sxm"}


def markdown() -> str:
    """The whole table as a document."""
    head = (
        "# What the simulated boards answer\n\n"
        "Written by `python -m simulator.profiles`; do not edit. A blank cell is a value that the "
        "board does not have (`NVML_ERROR_NOT_SUPPORTED`). *Assumed* means that no public document "
        "was found: the value is plausible and nothing may rely on it.\n\n"
        "Also assumed: PCI bus numbers, serial numbers and UUIDs; which getters go on answering on "
        "a lost GPU (identity and PCI address do, the index does not); what a call answers after "
        "the module was forced out (driver not loaded); kernel-log sentences of Xids 61, 62, 110, "
        "140, 143, 158, 171 and 172, and printk levels.\n\n"
        f"With `ecc-off` ECC mode is 0 and no ECC counter can be read. With `mig-on` remapped rows "
        f"and utilisation cannot be read ({MIG}).\n\n"
    )
    table = f"| key | {' | '.join(PROFILES)} | source |\n|---{'|---' * len(PROFILES)}|---|\n"
    for row in ROWS:
        cells = " | ".join("" if value is None else f"`{value}`" for value in row.values)
        source = (
            "*assumed*"
            if row.source == ASSUMED
            else " ".join(f"<{url}>" for url in row.source.split())
        )
        table += f"| `{row.key}` | {cells} | {source} |\n"
    return head + table


DOCUMENT = Path(__file__).parent.parent / "docs/simulated-profiles.md"


def main() -> int:
    """Write the document."""
    DOCUMENT.write_text(markdown())
    return 0


if __name__ == "__main__":
    sys.exit(main())
