"""Redfish GPUs: what a GPU server's BMC tells of its GPUs. Pure.

Never whether a GPU is there: a BMC was seen to report eight healthy ones where four were left.
"""

import re
from collections.abc import Iterable, Mapping
from typing import Any

from gpuwatch.domain.bmc import BmcGpu, Part, Quantity, Sensor
from gpuwatch.sources.bmc_redfish_words import health_of, possible
from gpuwatch.sources.makers import told

Row = Mapping[str, Any]
Facts = Mapping[str, object]

_FAILED, _PENDING = "/Oem/Nvidia/RowRemappingFailed", "/Oem/Nvidia/RowRemappingPending"
_THRESHOLD = "/Oem/Nvidia/SRAMECCErrorThresholdExceeded"
_REMAPPED = "/Oem/Nvidia/RowRemapping"
SRAM_UNCORRECTABLE = "sram_uncorrectable"
_MEMORY_COUNTS = {
    "dram_correctable": "/LifeTime/CorrectableECCErrorCount",
    "dram_uncorrectable": "/LifeTime/UncorrectableECCErrorCount",
    "rows_remapped_correctable": f"{_REMAPPED}/CorrectableRowRemappingCount",
    "rows_remapped_uncorrectable": f"{_REMAPPED}/UncorrectableRowRemappingCount",
}
_COUNTS = {
    "sram_correctable": "/CacheMetricsTotal/LifeTime/CorrectableECCErrorCount",
    SRAM_UNCORRECTABLE: "/CacheMetricsTotal/LifeTime/UncorrectableECCErrorCount",
    "pcie_correctable": "/PCIeErrors/CorrectableErrorCount",
    "pcie_nonfatal": "/PCIeErrors/NonFatalErrorCount",
    "pcie_fatal": "/PCIeErrors/FatalErrorCount",
    "pcie_replays": "/PCIeErrors/ReplayCount",
}
_OVERFLOWED = 0xFFFFFFFF  # of 32 bits, in which these are counted: no count, but the lack of one
_MEMORY = re.compile(r"dram|hbm|memory", re.IGNORECASE)
_UUID = re.compile(r"(gpu-)?([0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12})", re.IGNORECASE)


def gpus_of(rows: Iterable[Row], sensors: Iterable[Sensor]) -> tuple[BmcGpu, ...]:
    """Each GPU once. A serial that several claim within one system names none of them."""
    ordered, read = list(rows), {sensor.key: sensor for sensor in sensors}
    claims: dict[tuple[str, str], int] = {}
    for row in ordered:
        claim = (str(row["system"]), told(str(row["serial"])))
        claims[claim] = claims.get(claim, 0) + 1
    found: dict[str, tuple[int, BmcGpu]] = {}
    for row in ordered:
        serial = told(str(row["serial"]))
        serial = serial if claims[str(row["system"]), serial] == 1 else ""
        gpu = _gpu(row, serial, read)
        known = _known(gpu)
        identity = serial or str(row["at"])
        # Two systems may tell of one GPU, the host's with less: the one that knows more is taken.
        if identity not in found or found[identity][0] < known:
            found[identity] = (known, gpu)
    return tuple(gpu for _, gpu in found.values())


def _known(gpu: BmcGpu) -> int:
    values = (gpu.temperature_celsius, gpu.power_watts, gpu.row_remap_failed, gpu.uuid or None)
    return len(gpu.counts) + sum(value is not None for value in values)


def _gpu(row: Row, serial: str, read: Mapping[str, Sensor]) -> BmcGpu:
    own: Facts = row["metrics"]
    memories: list[Facts] = row["memories"]
    counts = {name: _count([own], pointer) for name, pointer in _COUNTS.items()}
    counts |= {name: _count(memories, pointer) for name, pointer in _MEMORY_COUNTS.items()}
    exceeded = _any([own], _THRESHOLD)
    if exceeded and counts[SRAM_UNCORRECTABLE] == 0:
        # A threshold of errors cannot be exceeded by none: neither is believed.
        exceeded = counts[SRAM_UNCORRECTABLE] = None
    found = _UUID.fullmatch(str(row["uuid"]).strip())
    return BmcGpu(
        name=str(row["id"]) or str(row["at"]).rpartition("/")[2],
        serial=serial,
        uuid=f"GPU-{found[2].lower()}" if found else "",
        part_number=told(str(row["part_number"])),
        firmware=told(str(row["firmware"])),
        health=health_of(str(row["health"]), str(row["state"])),
        temperature_celsius=_reading(row, "temperature", Quantity.TEMPERATURE, read),
        memory_temperature_celsius=_memory_temperature(str(row["chassis"]), read),
        power_watts=_reading(row, "power", Quantity.POWER, read),
        row_remap_failed=_any(memories, _FAILED),
        row_remap_pending=_any(memories, _PENDING),
        sram_threshold_exceeded=exceeded,
        counts={name: count for name, count in counts.items() if count is not None},
    )


def _reading(row: Row, name: str, quantity: Quantity, read: Mapping[str, Sensor]) -> float | None:
    """By the sensor that it comes from, where that was read, too: it is the newer."""
    sensor = read.get(str(row[f"{name}_from"]))
    if sensor is not None and sensor.quantity is quantity:
        return _number(sensor)
    value = row[name]
    fits = value is not None and possible(float(value), quantity, Part.GPU)
    return float(value) if fits and not row["read_elsewhere"] else None


def _memory_temperature(chassis: str, read: Mapping[str, Sensor]) -> float | None:
    """The hottest of the memory sensors of the GPU's own chassis."""
    found = [
        value
        for sensor in read.values()
        if chassis and sensor.key.startswith(f"{chassis}/")
        if sensor.quantity is Quantity.TEMPERATURE and _MEMORY.search(sensor.key)
        if (value := _number(sensor)) is not None
    ]
    return max(found, default=None)


def _number(sensor: Sensor) -> float | None:
    return float(sensor.value) if isinstance(sensor.value, int | float) else None


def _any(facts: list[Facts], pointer: str) -> bool | None:
    found = [each[pointer] for each in facts if isinstance(each.get(pointer), bool)]
    return any(found) if found else None


def _count(facts: list[Facts], pointer: str) -> int | None:
    """The sum over the memories; None where one of them tells no count."""
    counts = [_whole(each.get(pointer)) for each in facts]
    known = [count for count in counts if count is not None]
    return sum(known) if known and len(known) == len(counts) else None


def _whole(value: object) -> int | None:
    """A count that did not overflow."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return int(value) if 0 <= value < _OVERFLOWED and value == int(value) else None
