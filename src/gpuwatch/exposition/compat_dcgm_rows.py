"""Compat DCGM rows: dcgm-exporter's names, one row each with its unit and the signal behind it.

Names and units are those of its default list and of DCGM's fields:
https://github.com/NVIDIA/dcgm-exporter/blob/main/etc/default-counters.csv and
https://docs.nvidia.com/datacenter/dcgm/latest/dcgm-api/dcgm-api-field-ids.html. The newer name is
the one that DCGM 4.6 gave the same field, with the same number. What has no row is listed in
docs/compat.md with the reason.
"""

from dataclasses import dataclass
from math import isfinite

from gpuwatch.domain.readings import Gap
from gpuwatch.domain.snapshot import Latest


@dataclass(frozen=True, slots=True)
class Measure:
    """What a field's number is in: the word, and how many of it one base unit of ours makes."""

    word: str
    multiplier: int = 1
    divisor: int = 1

    def of(self, latest: Latest) -> float | None:
        """The answer in this measure; None for a gap, a text and what is no finite number.

        The factors are multiplied before they divide, so that whole numbers stay whole.
        """
        if isinstance(latest.value, Gap | str) or not isfinite(latest.value):
            return None
        unit = latest.signal.unit
        return latest.value * unit.multiplier * self.multiplier / (unit.divisor * self.divisor)


COUNT = Measure("number")
FLAG = Measure("0 or 1")
CELSIUS = Measure("degrees Celsius")
WATTS = Measure("W")
MILLIJOULES = Measure("mJ", multiplier=1000)
MEGAHERTZ = Measure("MHz", divisor=1_000_000)
MEBIBYTES = Measure("MiB", divisor=1024 * 1024)
PERCENT = Measure("%", multiplier=100)
NANOSECONDS = Measure("ns", multiplier=1_000_000_000)


@dataclass(frozen=True, slots=True)
class DcgmRow:
    """One field: its name, the key of our signal, its measure, and the name DCGM 4.6 gave it.

    `newer` is "" where the name stayed.
    """

    name: str
    signal: str
    measure: Measure
    help: str
    newer: str = ""

    @property
    def names(self) -> tuple[str, ...]:
        """The names under which it is offered."""
        return (self.name, self.newer) if self.newer else (self.name,)


_CLOCKS_AND_POWER = (
    DcgmRow(
        "DCGM_FI_DEV_SM_CLOCK",
        "gpuwatch_gpu_sm_clock_hertz",
        MEGAHERTZ,
        "Clock of the streaming multiprocessors.",
    ),
    DcgmRow(
        "DCGM_FI_DEV_MEM_CLOCK",
        "gpuwatch_gpu_memory_clock_hertz",
        MEGAHERTZ,
        "Clock of the memory.",
    ),
    DcgmRow(
        "DCGM_FI_DEV_GPU_TEMP",
        "gpuwatch_gpu_temperature_celsius",
        CELSIUS,
        "Temperature of the GPU's core.",
        newer="DCGM_FI_DEV_GPU_TEMP_CELSIUS",
    ),
    DcgmRow(
        "DCGM_FI_DEV_MEMORY_TEMP",
        "gpuwatch_gpu_memory_temperature_celsius",
        CELSIUS,
        "Temperature of the board's memory.",
        newer="DCGM_FI_DEV_MEMORY_TEMP_CELSIUS",
    ),
    DcgmRow(
        "DCGM_FI_DEV_POWER_USAGE",
        "gpuwatch_gpu_power_watts",
        WATTS,
        "Power drawn by the board.",
        newer="DCGM_FI_DEV_BOARD_POWER_WATTS",
    ),
    DcgmRow(
        "DCGM_FI_DEV_TOTAL_ENERGY_CONSUMPTION",
        "gpuwatch_gpu_energy_joules_total",
        MILLIJOULES,
        "Energy drawn by the board since the driver was loaded.",
    ),
)

_LOAD = (
    DcgmRow(
        "DCGM_FI_DEV_GPU_UTIL",
        "gpuwatch_gpu_utilization_ratio",
        PERCENT,
        "Share of the last sampling period in which a kernel ran.",
    ),
    DcgmRow(
        "DCGM_FI_DEV_MEM_COPY_UTIL",
        "gpuwatch_gpu_memory_utilization_ratio",
        PERCENT,
        "Share of the last sampling period in which memory was read or written.",
    ),
    *(
        DcgmRow(
            f"DCGM_FI_DEV_FB_{state.upper()}",
            f'gpuwatch_gpu_memory_bytes{{state="{state}"}}',
            MEBIBYTES,
            f"Memory of the board that is {state}.",
        )
        for state in ("free", "used", "reserved")
    ),
)

_LINKS = (
    DcgmRow(
        "DCGM_FI_DEV_PCIE_REPLAY_COUNTER",
        "gpuwatch_gpu_pcie_replays_total",
        COUNT,
        "PCIe packets sent again.",
        newer="DCGM_FI_DEV_PCIE_REPLAY_TOTAL",
    ),
    *(
        DcgmRow(
            f"DCGM_FI_DEV_NVLINK_{kind.upper()}_ERROR_COUNT_TOTAL",
            f'gpuwatch_gpu_nvlink_errors_total{{kind="{kind}"}}',
            COUNT,
            f"NVLink errors over all links, kind {kind}.",
            newer=f"DCGM_FI_DEV_NVLINK_{kind.upper()}_ERROR_TOTAL",
        )
        for kind in ("crc_flit", "crc_data", "replay", "recovery")
    ),
)

_VIOLATIONS = tuple(
    DcgmRow(
        f"DCGM_FI_DEV_{policy.upper()}_VIOLATION",
        f'gpuwatch_gpu_violation_seconds_total{{policy="{policy}"}}',
        NANOSECONDS,
        f"Time in which the {policy} limit held the clocks down.",
    )
    for policy in ("power", "thermal", "board_limit", "reliability")
)

_ERRORS = (
    *(
        DcgmRow(
            f"DCGM_FI_DEV_ECC_{bits}_{counter}_TOTAL",
            f"gpuwatch_gpu_ecc_{severity}_{kept}_errors_total",
            COUNT,
            f"{severity.capitalize()} ECC errors {since}.",
        )
        for bits, severity in (("SBE", "corrected"), ("DBE", "uncorrected"))
        for counter, kept, since in (
            ("VOL", "volatile", "since the driver was loaded"),
            ("AGG", "aggregate", "over the board's life"),
        )
    ),
    DcgmRow(
        "DCGM_FI_DEV_THRESHOLD_SRM",
        "gpuwatch_gpu_sram_threshold_exceeded",
        FLAG,
        "1 once the board's SRAM errors exceed NVIDIA's threshold.",
        newer="DCGM_FI_DEV_SRAM_EXCEEDED",
    ),
    DcgmRow(
        "DCGM_FI_DEV_RETIRED_SBE",
        "gpuwatch_gpu_pages_retired_single_bit_total",
        COUNT,
        "Memory pages retired for repeated single-bit errors (before Ampere).",
        newer="DCGM_FI_DEV_PAGE_RETIRED_SBE_TOTAL",
    ),
    DcgmRow(
        "DCGM_FI_DEV_RETIRED_DBE",
        "gpuwatch_gpu_pages_retired_double_bit_total",
        COUNT,
        "Memory pages retired for a double-bit error (before Ampere).",
        newer="DCGM_FI_DEV_PAGE_RETIRED_DBE_TOTAL",
    ),
    DcgmRow(
        "DCGM_FI_DEV_RETIRED_PENDING",
        "gpuwatch_gpu_pages_retired_pending",
        FLAG,
        "1 while a page's retirement waits for a reset or a reboot.",
        newer="DCGM_FI_DEV_PAGE_RETIRED_PENDING",
    ),
    DcgmRow(
        "DCGM_FI_DEV_UNCORRECTABLE_REMAPPED_ROWS",
        "gpuwatch_gpu_rows_remapped_uncorrectable_total",
        COUNT,
        "Memory rows remapped after uncorrectable errors.",
        newer="DCGM_FI_DEV_ROW_REMAP_UNCORRECTABLE_TOTAL",
    ),
    DcgmRow(
        "DCGM_FI_DEV_CORRECTABLE_REMAPPED_ROWS",
        "gpuwatch_gpu_rows_remapped_correctable_total",
        COUNT,
        "Memory rows remapped after correctable errors.",
        newer="DCGM_FI_DEV_ROW_REMAP_CORRECTABLE_TOTAL",
    ),
    DcgmRow(
        "DCGM_FI_DEV_ROW_REMAP_FAILURE",
        "gpuwatch_gpu_row_remap_failed",
        FLAG,
        "1 once a row remap has failed.",
        newer="DCGM_FI_DEV_ROW_REMAP_FAILED",
    ),
    DcgmRow(
        "DCGM_FI_DEV_ROW_REMAP_PENDING",
        "gpuwatch_gpu_row_remap_pending",
        FLAG,
        "1 while a row remap waits for a reset of the GPU.",
    ),
)

ROWS: tuple[DcgmRow, ...] = (*_CLOCKS_AND_POWER, *_LOAD, *_LINKS, *_VIOLATIONS, *_ERRORS)
