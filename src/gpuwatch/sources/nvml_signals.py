"""NVML signals: the table of everything that NVML can tell of a GPU; one row, one signal.

Calls, structures and fields are named by strings, which the probe child resolves: the agent, the
documentation and /metrics use this table without the binding. The unit of a row is the one in
NVML's manual (https://docs.nvidia.com/deploy/nvml-api/). Series stay near 120 a GPU: what tells
nothing of a board's health, or is told by another row, has no row.
"""

import binascii
from collections.abc import Collection
from typing import TypedDict, Unpack

from gpuwatch.domain.signals import (
    Cadence,
    Call,
    Field,
    Keep,
    Kind,
    Moved,
    PerFan,
    PerLink,
    Query,
    Role,
    Signal,
    SramBanks,
)
from gpuwatch.domain.units import Unit

FAST, SLOW, RARE, INVENTORY = Cadence.FAST, Cadence.SLOW, Cadence.RARE, Cadence.INVENTORY
GAUGE, COUNTER, TEXT = Kind.GAUGE, Kind.COUNTER, Kind.TEXT
NEVER, CHANGES, SERIES = Keep.NEVER, Keep.CHANGES, Keep.SERIES
COUNT = Unit.COUNT

# NVML_VALUE_NOT_AVAILABLE: all bits set, in 32 or 64 of them.
NOT_AVAILABLE = (0xFFFF_FFFF, 0xFFFF_FFFF_FFFF_FFFF)
ALL_LINKS = 0xFFFF_FFFF  # the scope that sums an NVLink field over the links
CORRUPTED_INFOROM = 14  # NVML_ERROR_CORRUPTED_INFOROM

# A live field that every board with a PCIe link answers: asked beside a sweep that would have only
# calls, some of which go on answering from a cache when the GPU is lost.
CANARY = Field("NVML_FI_DEV_PCIE_REPLAY_COUNTER")


class _Facts(TypedDict, total=False):
    label: tuple[str, str]
    pick: int | str
    bit: int
    bits: tuple[int, int]
    equals: tuple[int, ...]
    absent: tuple[int, ...]
    least: int
    given: tuple[int | str, int]
    answers: tuple[tuple[int, int], ...]
    role: Role
    privileged: bool


def _row(
    name: str,
    kind: Kind,
    unit: Unit,
    query: Query,
    text: str,
    *,
    every: Cadence,
    keep: Keep,
    **facts: Unpack[_Facts],
) -> Signal:
    """A row of the table; its one label and the sentinels of NVML in short form."""
    return Signal(
        name=name,
        kind=kind,
        unit=unit,
        query=query,
        help=text,
        every=every,
        keep=keep,
        labels=(facts["label"],) if "label" in facts else (),
        pick=facts.get("pick"),
        bit=facts.get("bit"),
        bits=facts.get("bits"),
        equals=facts.get("equals", ()),
        absent=() if kind is TEXT else facts.get("absent", ()) + NOT_AVAILABLE,
        least=facts.get("least"),
        given=facts.get("given"),
        answers=facts.get("answers", ()),
        role=facts.get("role", Role.PLAIN),
        privileged=facts.get("privileged", False),
    )


_POWER = Call("nvmlDeviceGetPowerUsage")
_UTILIZATION = Call("nvmlDeviceGetUtilizationRates")
_MEMORY = Call("nvmlDeviceGetMemoryInfo", ("nvmlMemory_v2",))
_REASONS = Call("nvmlDeviceGetCurrentClocksEventReasons")
_SRAM = Call("nvmlDeviceGetSramEccErrorStatus", struct="c_nvmlEccSramErrorStatus_v1_t")
_SRAM_UNIQUE = SramBanks("nvmlDeviceGetSramUniqueUncorrectedEccErrorCounts")
_FABRIC = Call("nvmlDeviceGetGpuFabricInfoV", struct="c_nvmlGpuFabricInfo_v2_t")
_HISTOGRAM = Call("nvmlDeviceGetRowRemapperHistogram")
_REPAIR = Call("nvmlDeviceGetRepairStatus")
_ECC_MODE = Call("nvmlDeviceGetEccMode")
_PLATFORM = Call("nvmlDeviceGetPlatformInfo", struct="c_nvmlPlatformInfo_v2_t")


def _errors(kind: str, counter: str, location: str) -> Call:
    return Call(
        "nvmlDeviceGetMemoryErrorCounter",
        (
            f"NVML_MEMORY_ERROR_TYPE_{kind}",
            f"NVML_{counter}_ECC",
            f"NVML_MEMORY_LOCATION_{location}",
        ),
    )


_FAST_ROWS = (
    # Errors in total. Corrected errors are never kept by their changes here: a board may correct
    # millions of them a day, and each would be a row of history.
    _row(
        "gpuwatch_gpu_ecc_uncorrected_volatile_errors_total",
        COUNTER,
        COUNT,
        Field("NVML_FI_DEV_ECC_DBE_VOL_TOTAL"),
        "Uncorrected ECC errors since the driver was loaded.",
        every=FAST,
        keep=CHANGES,
        role=Role.ECC_VOLATILE,
    ),
    _row(
        "gpuwatch_gpu_ecc_uncorrected_aggregate_errors_total",
        COUNTER,
        COUNT,
        Field("NVML_FI_DEV_ECC_DBE_AGG_TOTAL"),
        "Uncorrected ECC errors over the board's life, from its InfoROM.",
        every=FAST,
        keep=CHANGES,
        role=Role.ECC_AGGREGATE,
    ),
    _row(
        "gpuwatch_gpu_ecc_corrected_volatile_errors_total",
        COUNTER,
        COUNT,
        Field("NVML_FI_DEV_ECC_SBE_VOL_TOTAL"),
        "Corrected ECC errors since the driver was loaded; never a reason to replace a board.",
        every=FAST,
        keep=NEVER,
    ),
    _row(
        "gpuwatch_gpu_ecc_corrected_aggregate_errors_total",
        COUNTER,
        COUNT,
        Field("NVML_FI_DEV_ECC_SBE_AGG_TOTAL"),
        "Corrected ECC errors over the board's life, from its InfoROM.",
        every=FAST,
        keep=NEVER,
    ),
    _row(
        "gpuwatch_gpu_rows_remapped_uncorrectable_total",
        COUNTER,
        COUNT,
        Field("NVML_FI_DEV_REMAPPED_UNC"),
        "Memory rows remapped after uncorrectable errors.",
        every=FAST,
        keep=CHANGES,
        role=Role.ROWS_REMAPPED,
    ),
    _row(
        "gpuwatch_gpu_rows_remapped_correctable_total",
        COUNTER,
        COUNT,
        Field("NVML_FI_DEV_REMAPPED_COR"),
        "Memory rows remapped after correctable errors.",
        every=FAST,
        keep=CHANGES,
    ),
    _row(
        "gpuwatch_gpu_row_remap_pending",
        GAUGE,
        COUNT,
        Field("NVML_FI_DEV_REMAPPED_PENDING"),
        "1 while a row remap waits for a reset of the GPU.",
        every=FAST,
        keep=CHANGES,
        role=Role.REMAP_PENDING,
    ),
    _row(
        "gpuwatch_gpu_row_remap_failed",
        GAUGE,
        COUNT,
        Field("NVML_FI_DEV_REMAPPED_FAILURE"),
        "1 once a row remap has failed, for the rest of the board's life.",
        every=FAST,
        keep=CHANGES,
    ),
    _row(
        "gpuwatch_gpu_recovery_action",
        TEXT,
        COUNT,
        Field("NVML_FI_DEV_GET_GPU_RECOVERY_ACTION"),
        "What the driver asks people to do, as its raw number, whose meaning moved.",
        every=FAST,
        keep=CHANGES,
        role=Role.RECOVERY_ACTION,
    ),
    _row(
        "gpuwatch_gpu_pcie_replays_total",
        COUNTER,
        COUNT,
        Field("NVML_FI_DEV_PCIE_REPLAY_COUNTER"),
        "PCIe packets sent again.",
        every=FAST,
        keep=NEVER,
    ),
    # Temperature, power, load.
    _row(
        "gpuwatch_gpu_temperature_celsius",
        GAUGE,
        Unit.CELSIUS,
        Call("nvmlDeviceGetTemperature", ("NVML_TEMPERATURE_GPU",)),
        "Temperature of the GPU's core.",
        every=FAST,
        keep=SERIES,
    ),
    _row(
        "gpuwatch_gpu_temperature_margin_celsius",
        GAUGE,
        Unit.CELSIUS,
        Call("nvmlDeviceGetMarginTemperature"),
        "Degrees left until the GPU slows down by itself.",
        every=FAST,
        keep=NEVER,
        least=1,  # some boards answer 0 or less where they cannot tell
    ),
    _row(
        "gpuwatch_gpu_memory_temperature_celsius",
        GAUGE,
        Unit.CELSIUS,
        Field("NVML_FI_DEV_MEMORY_TEMP"),
        "Temperature of the board's memory.",
        every=FAST,
        keep=SERIES,
        absent=(0,),  # boards without the sensor say 0
    ),
    _row(
        "gpuwatch_gpu_power_watts",
        GAUGE,
        Unit.MILLIWATTS,
        _POWER,
        "Power drawn by the board.",
        every=FAST,
        keep=SERIES,
    ),
    _row(
        "gpuwatch_gpu_utilization_ratio",
        GAUGE,
        Unit.PERCENT,
        _UTILIZATION,
        "Share of the last sampling period in which a kernel ran.",
        every=FAST,
        keep=SERIES,
        pick="gpu",
    ),
    _row(
        "gpuwatch_gpu_memory_utilization_ratio",
        GAUGE,
        Unit.PERCENT,
        _UTILIZATION,
        "Share of the last sampling period in which memory was read or written.",
        every=FAST,
        keep=SERIES,
        pick="memory",
    ),
    _row(
        "gpuwatch_gpu_memory_bytes",
        GAUGE,
        Unit.BYTES,
        _MEMORY,
        "Memory of the board by what it is taken for.",
        every=FAST,
        keep=SERIES,
        label=("state", "used"),
        pick="used",
    ),
    _row(
        "gpuwatch_gpu_memory_bytes",
        GAUGE,
        Unit.BYTES,
        _MEMORY,
        "Memory of the board by what it is taken for.",
        every=FAST,
        keep=NEVER,
        label=("state", "free"),
        pick="free",
    ),
    _row(
        "gpuwatch_gpu_memory_bytes",
        GAUGE,
        Unit.BYTES,
        _MEMORY,
        "Memory of the board by what it is taken for.",
        every=FAST,
        keep=NEVER,
        label=("state", "reserved"),
        pick="reserved",
    ),
    _row(
        "gpuwatch_gpu_sm_clock_hertz",
        GAUGE,
        Unit.MEGAHERTZ,
        Call("nvmlDeviceGetClockInfo", ("NVML_CLOCK_SM",)),
        "Clock of the streaming multiprocessors.",
        every=FAST,
        keep=SERIES,
    ),
    _row(
        "gpuwatch_gpu_memory_clock_hertz",
        GAUGE,
        Unit.MEGAHERTZ,
        Call("nvmlDeviceGetClockInfo", ("NVML_CLOCK_MEM",)),
        "Clock of the memory.",
        every=FAST,
        keep=NEVER,
    ),
    _row(
        "gpuwatch_gpu_fan_speed_ratio",
        GAUGE,
        Unit.PERCENT,
        PerFan(Call("nvmlDeviceGetFanSpeed_v2")),
        "Intended speed of the board's fastest fan; a stuck fan does not show here.",
        every=FAST,
        keep=NEVER,
    ),
    *(
        _row(
            "gpuwatch_gpu_clocks_event",
            GAUGE,
            COUNT,
            _REASONS,
            "1 while the clocks are held for this reason; several may hold at once.",
            every=FAST,
            keep=keep,
            label=("reason", reason),
            bit=bit,
        )
        # Kept are those that a healthy board in a cool room never has for long.
        for reason, bit, keep in (
            ("gpu_idle", 0x1, NEVER),
            ("applications_clocks_setting", 0x2, NEVER),
            ("sw_power_cap", 0x4, NEVER),
            ("hw_slowdown", 0x8, NEVER),
            ("sw_thermal_slowdown", 0x20, SERIES),
            ("hw_thermal_slowdown", 0x40, SERIES),
            ("hw_power_brake_slowdown", 0x80, SERIES),
        )
    ),
)

# Since Turing a board tells DRAM and SRAM; an older one tells its memories by name, in a metric of
# its own, so that no sum counts an error twice.
_LOCATED = (("dram", "DRAM"), ("sram", "SRAM"))
_SMALL = (("l1_cache", "L1"), ("l2_cache", "L2"), ("register_file", "REG"), ("texture", "TEX"))

_ECC_ROWS = (
    *(
        _row(
            "gpuwatch_gpu_ecc_uncorrected_volatile_memory_errors_total",
            COUNTER,
            COUNT,
            _errors("UNCORRECTED", "VOLATILE", location),
            "Uncorrected ECC errors since the driver was loaded, by memory.",
            every=SLOW,
            keep=CHANGES,
            label=("memory", memory),
            role=Role.ECC_VOLATILE,
        )
        for memory, location in _LOCATED
    ),
    *(
        _row(
            "gpuwatch_gpu_ecc_uncorrected_aggregate_memory_errors_total",
            COUNTER,
            COUNT,
            _errors("UNCORRECTED", "AGGREGATE", location),
            "Uncorrected ECC errors over the board's life, by memory.",
            every=SLOW,
            keep=CHANGES,
            label=("memory", memory),
            role=Role.ECC_AGGREGATE,
        )
        for memory, location in _LOCATED
    ),
    *(
        _row(
            "gpuwatch_gpu_ecc_corrected_aggregate_memory_errors_total",
            COUNTER,
            COUNT,
            _errors("CORRECTED", "AGGREGATE", location),
            "Corrected ECC errors over the board's life, by memory.",
            every=SLOW,
            keep=NEVER,
            label=("memory", memory),
        )
        for memory, location in _LOCATED
    ),
    *(
        _row(
            "gpuwatch_gpu_ecc_uncorrected_volatile_cache_errors_total",
            COUNTER,
            COUNT,
            Field(f"NVML_FI_DEV_ECC_DBE_VOL_{location}"),
            "Uncorrected ECC errors since the driver was loaded, by small memory (to Volta).",
            every=SLOW,
            keep=CHANGES,
            label=("memory", memory),
        )
        for memory, location in (*_SMALL, ("cbu", "CBU"))
    ),
    *(
        _row(
            "gpuwatch_gpu_ecc_uncorrected_aggregate_cache_errors_total",
            COUNTER,
            COUNT,
            Field(f"NVML_FI_DEV_ECC_DBE_AGG_{location}"),
            "Uncorrected ECC errors over the board's life, by small memory (to Volta).",
            every=SLOW,
            keep=CHANGES,
            label=("memory", memory),
        )
        for memory, location in (*_SMALL, ("cbu", "CBU"))
    ),
)

_SRAM_ROWS = (
    _row(
        "gpuwatch_gpu_sram_threshold_exceeded",
        GAUGE,
        COUNT,
        _SRAM,
        "1 once the board's SRAM errors exceed NVIDIA's threshold: its criterion for a return.",
        every=SLOW,
        keep=CHANGES,
        pick="bThresholdExceeded",
        privileged=True,
    ),
    *(
        _row(
            "gpuwatch_gpu_sram_uncorrected_aggregate_errors_total",
            COUNTER,
            COUNT,
            _SRAM,
            "Uncorrected SRAM errors over the board's life, by the protection that found them.",
            every=SLOW,
            keep=CHANGES,
            label=("protection", protection),
            pick=pick,
            privileged=True,
        )
        for protection, pick in (
            ("parity", "aggregateUncParity"),
            ("secded", "aggregateUncSecDed"),
        )
    ),
    *(
        _row(
            "gpuwatch_gpu_sram_uncorrected_aggregate_unit_errors_total",
            COUNTER,
            COUNT,
            _SRAM,
            "Uncorrected SRAM errors over the board's life, by unit of the GPU.",
            every=SLOW,
            keep=CHANGES,
            label=("unit", unit),
            pick=f"aggregateUncBucket{bucket}",
            privileged=True,
        )
        for unit, bucket in (
            ("l2", "L2"),
            ("sm", "Sm"),
            ("pcie", "Pcie"),
            ("mcu", "Mcu"),
            ("other", "Other"),
        )
    ),
)

_CLOCKS_ROWS = (
    # Not a fast row, though it is power's integral: on an H100 it took 3.9 ms, all other fast rows
    # together 1.4 (docs/decisions/0007).
    _row(
        "gpuwatch_gpu_energy_joules_total",
        COUNTER,
        Unit.MILLIJOULES,
        Field("NVML_FI_DEV_TOTAL_ENERGY_CONSUMPTION"),
        "Energy drawn by the board since the driver was loaded.",
        every=SLOW,
        keep=NEVER,
    ),
    *(
        _row(
            "gpuwatch_gpu_violation_seconds_total",
            COUNTER,
            Unit.NANOSECONDS,
            Call("nvmlDeviceGetViolationStatus", (f"NVML_PERF_POLICY_{policy.upper()}",)),
            "Time in which this limit held the clocks down.",
            every=SLOW,
            keep=NEVER,
            label=("policy", policy),
            pick="violationTime",
        )
        for policy in ("power", "thermal", "board_limit", "reliability")
    ),
    # The ids moved twice: nvidia-ml-py 12.575.51 and 13.580.65 number them 251 to 253, 13.580.82
    # and later 269 to 271; what 570 has under 251 to 253 is power smoothing.
    *(
        _row(
            "gpuwatch_gpu_clocks_event_seconds_total",
            COUNTER,
            Unit.NANOSECONDS,
            Moved(
                (
                    Field(field, first_driver=(575,), last_driver=(580, 82), number=old),
                    Field(field, first_driver=(580, 82), number=new),
                )
            ),
            "Time in which the clocks were held for this reason.",
            every=SLOW,
            keep=NEVER,
            label=("reason", reason),
        )
        for reason, field, old, new in (
            (
                "sw_thermal_slowdown",
                "NVML_FI_DEV_CLOCKS_EVENT_REASON_SW_THERM_SLOWDOWN",
                251,
                269,
            ),
            (
                "hw_thermal_slowdown",
                "NVML_FI_DEV_CLOCKS_EVENT_REASON_HW_THERM_SLOWDOWN",
                252,
                270,
            ),
            (
                "hw_power_brake_slowdown",
                "NVML_FI_DEV_CLOCKS_EVENT_REASON_HW_POWER_BRAKE_SLOWDOWN",
                253,
                271,
            ),
        )
    ),
    _row(
        "gpuwatch_gpu_power_limit_watts",
        GAUGE,
        Unit.MILLIWATTS,
        Call("nvmlDeviceGetEnforcedPowerLimit"),
        "Power limit that the driver enforces.",
        every=SLOW,
        keep=CHANGES,
    ),
)

_NVLINK_ROWS = (
    _row(
        "gpuwatch_gpu_nvlink_active_links",
        GAUGE,
        COUNT,
        PerLink(Call("nvmlDeviceGetNvLinkState")),
        "NVLinks that are up.",
        every=SLOW,
        keep=CHANGES,
        role=Role.CAPABILITY,
    ),
    *(
        _row(
            "gpuwatch_gpu_nvlink_errors_total",
            COUNTER,
            COUNT,
            Field(f"NVML_FI_DEV_NVLINK_{field}_ERROR_COUNT_TOTAL"),
            "NVLink errors over all links, by kind.",
            every=SLOW,
            keep=CHANGES,
            label=("kind", kind),
        )
        for kind, field in (
            ("crc_flit", "CRC_FLIT"),
            ("crc_data", "CRC_DATA"),
            ("replay", "REPLAY"),
            ("recovery", "RECOVERY"),
            ("ecc_data", "ECC_DATA"),
        )
    ),
    # NVLink 5 (Blackwell) counts other kinds, each link by itself. What a link receives in error
    # includes malformed packets and overruns, so those have no rows of their own.
    *(
        _row(
            "gpuwatch_gpu_nvlink_errors_total",
            COUNTER,
            COUNT,
            PerLink(Field(f"NVML_FI_DEV_NVLINK_COUNT_{field}")),
            "NVLink errors over all links, by kind.",
            every=SLOW,
            keep=CHANGES,
            label=("kind", kind),
        )
        for kind, field in (
            ("receive", "RCV_ERRORS"),
            ("effective", "EFFECTIVE_ERRORS"),
        )
    ),
    *(
        _row(
            "gpuwatch_gpu_nvlink_recoveries_total",
            COUNTER,
            COUNT,
            PerLink(Field(f"NVML_FI_DEV_NVLINK_COUNT_LINK_RECOVERY_{result.upper()}_EVENTS")),
            "Recoveries of NVLinks, by how they ended.",
            every=SLOW,
            keep=CHANGES,
            label=("result", result),
        )
        for result in ("successful", "failed")
    ),
    *(
        _row(
            "gpuwatch_gpu_nvlink_data_bytes_total",
            COUNTER,
            Unit.KIBIBYTES,
            Field(f"NVML_FI_DEV_NVLINK_THROUGHPUT_DATA_{wire}", scope=ALL_LINKS),
            "Data moved over all NVLinks, without the protocol's overhead.",
            every=SLOW,
            keep=NEVER,
            label=("direction", direction),
        )
        for direction, wire in (("transmit", "TX"), ("receive", "RX"))
    ),
    _row(
        "gpuwatch_gpu_nvlink_links",
        GAUGE,
        COUNT,
        Field("NVML_FI_DEV_NVLINK_LINK_COUNT"),
        "NVLinks that the GPU has, up or down.",
        every=RARE,
        keep=CHANGES,
    ),
)

# NVML_GPU_FABRIC_HEALTH_MASK_*: each aspect is a number of some bits, 0 where it is not told.
_FABRIC_ASPECTS = (
    ("degraded_bandwidth", (0, 0x3), (1,)),
    ("route_recovery", (2, 0x3), (1,)),
    ("route_unhealthy", (4, 0x3), (1,)),
    ("access_timeout_recovery", (6, 0x3), (1,)),
    ("incorrect_configuration", (8, 0xF), tuple(range(2, 16))),  # 1 says none
)
_FABRIC_COMPLETED = 3  # NVML_GPU_FABRIC_STATE_COMPLETED; 0 is "not supported"

_FABRIC_ROWS = (
    _row(
        "gpuwatch_gpu_fabric_completed",
        GAUGE,
        COUNT,
        _FABRIC,
        "1 once the GPU is registered with the NVLink fabric, whatever came of it.",
        every=SLOW,
        keep=CHANGES,
        pick="state",
        absent=(0,),
        equals=(_FABRIC_COMPLETED,),
    ),
    _row(
        "gpuwatch_gpu_fabric_succeeded",
        GAUGE,
        COUNT,
        _FABRIC,
        "1 when the registration with the NVLink fabric succeeded, 0 when it failed.",
        every=SLOW,
        keep=CHANGES,
        pick="status",
        equals=(0,),
        given=("state", _FABRIC_COMPLETED),
    ),
    *(
        _row(
            "gpuwatch_gpu_fabric_problem",
            GAUGE,
            COUNT,
            _FABRIC,
            "1 while the NVLink fabric reports this problem for the GPU.",
            every=SLOW,
            keep=CHANGES,
            label=("problem", problem),
            pick="healthMask",
            bits=bits,
            absent=(0,),
            equals=equals,
        )
        for problem, bits, equals in _FABRIC_ASPECTS
    ),
    _row(
        "gpuwatch_gpu_fabric_state",
        TEXT,
        COUNT,
        _FABRIC,
        "State of the registration with the NVLink fabric, as NVML's number, for sentences.",
        every=SLOW,
        keep=CHANGES,
        pick="state",
    ),
    _row(
        "gpuwatch_gpu_fabric_status",
        TEXT,
        COUNT,
        _FABRIC,
        "Error with which the registration ended, as NVML's number, for sentences.",
        every=SLOW,
        keep=CHANGES,
        pick="status",
        given=("state", _FABRIC_COMPLETED),
    ),
)

_PCIE_ROWS = (
    _row(
        "gpuwatch_gpu_pcie_link_generation",
        GAUGE,
        COUNT,
        Call("nvmlDeviceGetCurrPcieLinkGeneration"),
        "Generation at which the PCIe link runs; it drops while the GPU is idle.",
        every=SLOW,
        keep=CHANGES,
        role=Role.CAPABILITY,
        absent=(0,),
    ),
    _row(
        "gpuwatch_gpu_pcie_link_lanes",
        GAUGE,
        COUNT,
        Call("nvmlDeviceGetCurrPcieLinkWidth"),
        "Lanes over which the PCIe link runs.",
        every=SLOW,
        keep=CHANGES,
        role=Role.CAPABILITY,
        absent=(0,),
    ),
    _row(
        "gpuwatch_gpu_pcie_link_recoveries_total",
        COUNTER,
        COUNT,
        Field("NVML_FI_DEV_PCIE_L0_TO_RECOVERY_COUNTER"),
        "Times the PCIe link left its working state to recover.",
        every=SLOW,
        keep=CHANGES,
    ),
    _row(
        "gpuwatch_gpu_pcie_correctable_errors_total",
        COUNTER,
        COUNT,
        Field("NVML_FI_DEV_PCIE_COUNT_CORRECTABLE_ERRORS"),
        "Correctable PCIe errors, of all kinds.",
        every=SLOW,
        keep=CHANGES,
    ),
    *(
        _row(
            "gpuwatch_gpu_pcie_uncorrectable_errors_total",
            COUNTER,
            COUNT,
            Field(f"NVML_FI_DEV_PCIE_COUNT_{severity.upper()}_ERROR"),
            "Uncorrectable PCIe errors, by severity.",
            every=SLOW,
            keep=CHANGES,
            label=("severity", severity),
        )
        for severity in ("non_fatal", "fatal")
    ),
    *(
        _row(
            "gpuwatch_gpu_pcie_link_errors_total",
            COUNTER,
            COUNT,
            Field(f"NVML_FI_DEV_PCIE_COUNT_{field}"),
            "What was counted on the PCIe link, by kind.",
            every=SLOW,
            keep=CHANGES,
            label=("kind", kind),
        )
        for kind, field in (
            ("nak_received", "NAKS_RECEIVED"),
            ("nak_sent", "NAKS_SENT"),
            ("receiver", "RECEIVER_ERROR"),
            ("bad_tlp", "BAD_TLP"),
            ("bad_dllp", "BAD_DLLP"),
            ("unsupported_request", "UNSUPPORTED_REQ"),
            ("lcrc", "LCRC_ERROR"),
            ("lane", "LANE_ERROR"),
        )
    ),
)

_RARE_ROWS = (
    *(
        _row(
            "gpuwatch_gpu_row_remap_banks",
            GAUGE,
            COUNT,
            _HISTOGRAM,
            "Banks of memory by how many spare rows they have left.",
            every=RARE,
            keep=CHANGES,
            label=("spare", spare),
            pick=spare,
        )
        for spare in ("max", "high", "partial", "low", "none")
    ),
    _row(
        "gpuwatch_gpu_pages_retired_double_bit_total",
        COUNTER,
        COUNT,
        Field("NVML_FI_DEV_RETIRED_DBE"),
        "Memory pages retired for a double-bit error (before Ampere).",
        every=RARE,
        keep=CHANGES,
        role=Role.PAGES_RETIRED,
    ),
    _row(
        "gpuwatch_gpu_pages_retired_single_bit_total",
        COUNTER,
        COUNT,
        Field("NVML_FI_DEV_RETIRED_SBE"),
        "Memory pages retired for repeated single-bit errors (before Ampere).",
        every=RARE,
        keep=CHANGES,
    ),
    _row(
        "gpuwatch_gpu_pages_retired_pending",
        GAUGE,
        COUNT,
        Field("NVML_FI_DEV_RETIRED_PENDING"),
        "1 while a page's retirement waits for a reset or a reboot.",
        every=RARE,
        keep=CHANGES,
    ),
    *(
        _row(
            "gpuwatch_gpu_repair_pending",
            GAUGE,
            COUNT,
            _REPAIR,
            "1 while a repair of this part waits for a reset.",
            every=RARE,
            keep=CHANGES,
            label=("part", part),
            pick=pick,
        )
        for pick, part in enumerate(("memory_channel", "tpc"))
    ),
    _row(
        "gpuwatch_gpu_memory_unrepairable",
        GAUGE,
        COUNT,
        Call("nvmlDeviceGetUnrepairableMemoryFlag_v1"),
        "1 once the board has memory that it cannot repair.",
        every=RARE,
        keep=CHANGES,
    ),
    *(
        _row(
            "gpuwatch_gpu_sram_unique_uncorrected_addresses",
            GAUGE,
            COUNT,
            _SRAM_UNIQUE,
            "Addresses with uncorrected errors in the SRAM bank that has most of them.",
            every=RARE,
            keep=CHANGES,
            label=("protection", protection),
            pick=protection,
            privileged=True,
        )
        for protection in ("parity", "secded")
    ),
    _row(
        "gpuwatch_gpu_ecc_enabled",
        GAUGE,
        COUNT,
        _ECC_MODE,
        "1 while ECC is on.",
        every=RARE,
        keep=CHANGES,
        pick=0,
    ),
    _row(
        "gpuwatch_gpu_ecc_enabled_at_next_boot",
        GAUGE,
        COUNT,
        _ECC_MODE,
        "1 when ECC will be on after the next boot.",
        every=RARE,
        keep=CHANGES,
        pick=1,
    ),
)


def _identity(name: str, query: Query, text: str, **facts: Unpack[_Facts]) -> Signal:
    return _row(name, TEXT, COUNT, query, text, every=INVENTORY, keep=CHANGES, **facts)


_INVENTORY_ROWS = (
    _identity("gpuwatch_gpu_uuid", Call("nvmlDeviceGetUUID"), "The GPU's UUID."),
    _identity("gpuwatch_gpu_serial", Call("nvmlDeviceGetSerial"), "The board's serial number."),
    _identity("gpuwatch_gpu_name", Call("nvmlDeviceGetName"), "The product's name."),
    _identity(
        "gpuwatch_gpu_part_number", Call("nvmlDeviceGetBoardPartNumber"), "The board's part number."
    ),
    _identity("gpuwatch_gpu_vbios", Call("nvmlDeviceGetVbiosVersion"), "Version of the VBIOS."),
    _identity(
        "gpuwatch_gpu_inforom",
        Call("nvmlDeviceGetInforomImageVersion"),
        "Version of the InfoROM's image.",
    ),
    _identity(
        "gpuwatch_gpu_gsp_firmware",
        Call("nvmlDeviceGetGspFirmwareVersion"),
        "Version of the GPU system processor's firmware.",
    ),
    _identity("gpuwatch_gpu_brand", Call("nvmlDeviceGetBrand"), "The product line."),
    _identity("gpuwatch_gpu_architecture", Call("nvmlDeviceGetArchitecture"), "The architecture."),
    _identity(
        "gpuwatch_gpu_board_id",
        Call("nvmlDeviceGetBoardId"),
        "Number that the GPUs of one board share.",
    ),
    _identity(
        "gpuwatch_gpu_minor_number",
        Call("nvmlDeviceGetMinorNumber"),
        "The N of its device file, /dev/nvidiaN.",
    ),
    _identity(
        "gpuwatch_gpu_module_id",
        Call("nvmlDeviceGetModuleId"),
        "Number of the module on its baseboard.",
    ),
    _identity(
        "gpuwatch_gpu_chassis_serial",
        _PLATFORM,
        "Serial number of the chassis.",
        pick="chassisSerialNumber",
    ),
    _identity(
        "gpuwatch_gpu_slot_number", _PLATFORM, "Slot of the chassis or rack.", pick="slotNumber"
    ),
    _identity(
        "gpuwatch_gpu_tray_index", _PLATFORM, "Compute tray of the chassis.", pick="trayIndex"
    ),
    # Prior evidence with dates: a board brings along when it retired pages (before Ampere).
    *(
        _identity(
            f"gpuwatch_gpu_pages_retired_{cause}_at",
            Call("nvmlDeviceGetRetiredPages_v2", (f"NVML_PAGE_RETIREMENT_CAUSE_{wanted}",)),
            f"When pages were retired for {words}, as Unix seconds, oldest first.",
        )
        for cause, wanted, words in (
            ("double_bit", "DOUBLE_BIT_ECC_ERROR", "a double-bit error"),
            ("single_bit", "MULTIPLE_SINGLE_BIT_ECC_ERRORS", "repeated single-bit errors"),
        )
    ),
    _row(
        "gpuwatch_gpu_mig_enabled",
        GAUGE,
        COUNT,
        Call("nvmlDeviceGetMigMode"),
        "1 while the GPU is divided into MIG instances.",
        every=INVENTORY,
        keep=CHANGES,
        pick=0,
    ),
    _row(
        "gpuwatch_gpu_persistence_enabled",
        GAUGE,
        COUNT,
        Call("nvmlDeviceGetPersistenceMode"),
        "1 while the driver stays loaded for the GPU without a client.",
        every=INVENTORY,
        keep=CHANGES,
    ),
    _row(
        "gpuwatch_gpu_inforom_valid",
        GAUGE,
        COUNT,
        Call("nvmlDeviceValidateInforom"),
        "1 while the InfoROM's checksums are right.",
        every=INVENTORY,
        keep=CHANGES,
        answers=((CORRUPTED_INFOROM, 0),),
    ),
)

TABLE: tuple[Signal, ...] = (
    *_FAST_ROWS,
    *_ECC_ROWS,
    *_SRAM_ROWS,
    *_CLOCKS_ROWS,
    *_NVLINK_ROWS,
    *_FABRIC_ROWS,
    *_PCIE_ROWS,
    *_RARE_ROWS,
    *_INVENTORY_ROWS,
)


def rows(cadences: Collection[Cadence]) -> tuple[Signal, ...]:
    """The rows asked at any of `cadences`, in table order: the order of a sweep's values."""
    wanted = frozenset(cadences)
    return tuple(signal for signal in TABLE if signal.every in wanted)


def table_hash() -> str:
    """What agent and child compare, so that values of another table are never taken for ours."""
    return f"{binascii.crc32(repr(TABLE).encode()):08x}"
