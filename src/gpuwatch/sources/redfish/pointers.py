"""Pointers: what is taken of the metrics of GPUs and their memory, wherever it is told."""

from gpuwatch.sources.redfish.fields import Document, as_number, walk
from gpuwatch.sources.redfish.shelf import Row

READING = frozenset({"", "/Reading"})
MEMORY = ("/Oem/Nvidia/RowRemappingFailed", "/Oem/Nvidia/RowRemappingPending")
MEMORY_METRICS = (
    "/LifeTime/CorrectableECCErrorCount",
    "/LifeTime/UncorrectableECCErrorCount",
    "/Oem/Nvidia/RowRemapping/CorrectableRowRemappingCount",
    "/Oem/Nvidia/RowRemapping/UncorrectableRowRemappingCount",
)
PROCESSOR_METRICS = (
    "/CacheMetricsTotal/LifeTime/CorrectableECCErrorCount",
    "/CacheMetricsTotal/LifeTime/UncorrectableECCErrorCount",
    "/PCIeErrors/CorrectableErrorCount",
    "/PCIeErrors/NonFatalErrorCount",
    "/PCIeErrors/FatalErrorCount",
    "/PCIeErrors/ReplayCount",
    "/Oem/Nvidia/SRAMECCErrorThresholdExceeded",
)
POINTERS = frozenset({*MEMORY, *MEMORY_METRICS, *PROCESSOR_METRICS})
_TRUTHS = {"true": True, "false": False}


def pointed(document: Document, pointers: tuple[str, ...]) -> Row:
    """The values that a resource has at `pointers`."""
    found = {each: as_value(walk(document, *each[1:].split("/"))) for each in pointers}
    return {pointer: value for pointer, value in found.items() if value is not None}


def as_value(value: object) -> float | bool | None:
    """A number or a truth value, also one that is written as a text; None for anything else."""
    if isinstance(value, bool):
        return value
    truth = _TRUTHS.get(value.lower()) if isinstance(value, str) else None
    return as_number(value) if truth is None else truth
