"""Devices: who is there, and what each of them answers to the rows of a cadence."""

import contextlib
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Any

import pynvml

from gpuwatch.domain.signals import Cadence, Field
from gpuwatch.sources.nvml import identity
from gpuwatch.sources.nvml.absences import LOST, LOST_CODE
from gpuwatch.sources.nvml.binding import field_number
from gpuwatch.sources.nvml.build import build
from gpuwatch.sources.nvml.calls import Lane
from gpuwatch.sources.nvml.fields import FUNCTION, FieldBatch
from gpuwatch.sources.nvml.gpu import Count, Gpu, pci_address
from gpuwatch.sources.nvml.plan import Plan
from gpuwatch.sources.nvml_signals import rows

_LINK_COUNT = Field("NVML_FI_DEV_NVLINK_LINK_COUNT")
_UNKNOWN_INDEX = -1
Message = dict[str, Any]


class Devices:
    """The devices of the last inventory and their plans. For the main thread."""

    def __init__(self, lane: Lane, driver: tuple[int, ...]) -> None:
        self._lane = lane
        self._driver = driver
        self._gpus: dict[str, Gpu] = {}
        self._plans: dict[tuple[str, frozenset[Cadence]], Plan] = {}

    @property
    def gpus(self) -> tuple[Gpu, ...]:
        """Those with a handle, in the order of the inventory."""
        return tuple(self._gpus.values())

    def inventory(self, named: Sequence[str] | None) -> Iterator[Message]:
        """One message for each device of the driver, or for each of `named` and no other.

        Raises NVMLError when the driver as a whole does not answer.
        """
        known = {gpu.index: gpu.pci for gpu in self._gpus.values()}
        self._gpus, self._plans = {}, {}
        if named is not None:
            yield from (self._look(_UNKNOWN_INDEX, pci, by_address=True) for pci in named)
            return
        count = self._lane.call("", "nvmlDeviceGetCount")
        for index in range(count):
            yield self._look(index, known.get(index, ""), by_address=False)

    def _look(self, index: int, pci: str, *, by_address: bool) -> Message:
        """Open one device and ask who it is."""
        name = pci or f"index {index}"
        try:
            if by_address:
                handle = self._lane.call(name, "nvmlDeviceGetHandleByPciBusId", pci)
            else:
                handle = self._lane.call(name, "nvmlDeviceGetHandleByIndex", index)
            place = self._lane.call(name, "nvmlDeviceGetPciInfo", handle)
            pci = pci_address(place.domain, place.bus, place.device)
            if by_address:
                with contextlib.suppress(pynvml.NVMLError):
                    index = self._lane.call(pci, "nvmlDeviceGetIndex", handle)
        except pynvml.NVMLError as error:
            return _lost(index, pci, error.value)
        gpu = Gpu(
            handle=handle,
            index=index,
            pci=pci,
            links=self._links(handle, pci),
            fans=self._fans(handle, pci),
        )
        values = build(gpu, identity.ROWS, self._driver, self._lane).run()
        known = identity.told(values)
        if not known.get("uuid"):
            # Without its UUID nothing can be charged to it: as good as no handle.
            absent = values[0] if isinstance(values[0], tuple) else LOST
            return _lost(index, pci, absent[1])
        self._gpus[pci] = replace(gpu, uuid=str(known["uuid"]))
        return {"say": "device", "index": index, "pci": pci, **identity.identity(known)}

    def _links(self, handle: pynvml.c_nvmlDevice_t, pci: str) -> Count:
        """How many NVLinks it has. The only field that plans depend on, so asked by itself."""
        number = field_number(_LINK_COUNT, self._driver)
        if number is None:
            return Count(0)
        self._lane.enter(self._lane.marker(pci, FUNCTION))
        try:
            ((code, links),) = FieldBatch(handle, [number]).ask()
        except pynvml.NVMLError as error:
            return Count(0, error.value)
        finally:
            self._lane.leave()
        return Count(0, code) if code else Count(int(links))

    def _fans(self, handle: pynvml.c_nvmlDevice_t, pci: str) -> Count:
        try:
            return Count(int(self._lane.call(pci, "nvmlDeviceGetNumFans", handle)))
        except pynvml.NVMLError as error:
            return Count(0, error.value)

    def sweep(self, named: Iterable[str] | None, cadences: frozenset[Cadence]) -> Iterator[Message]:
        """One message for each device, or for each of `named`, in that order."""
        for pci in self._gpus if named is None else named:
            gpu = self._gpus.get(pci)
            if gpu is None:
                yield _lost(_UNKNOWN_INDEX, pci, pynvml.NVML_ERROR_NOT_FOUND)
                continue
            plan = self._plan(gpu, cadences)
            boottime = time.clock_gettime(time.CLOCK_BOOTTIME)
            values = plan.run()
            yield {
                "say": "sweep",
                "pci": pci,
                "boottime": boottime,
                "cadences": sorted(cadences),
                "values": values,
            }

    def _plan(self, gpu: Gpu, cadences: frozenset[Cadence]) -> Plan:
        plan = self._plans.get((gpu.pci, cadences))
        if plan is None:
            plan = build(gpu, rows(cadences), self._driver, self._lane)
            self._plans[gpu.pci, cadences] = plan
        return plan


def _lost(index: int, pci: str, code: int | None) -> Message:
    code = LOST_CODE if code is None else code
    return {"say": "lost-device", "index": index, "pci": pci, "code": code}
