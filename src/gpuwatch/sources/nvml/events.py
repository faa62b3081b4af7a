"""Events: the second thread, which waits on NVML's event set and says what happened at once."""

import contextlib
import sys
import threading
import time
from collections.abc import Callable
from typing import Any

import pynvml

from gpuwatch.sources.nvml.absences import LOST_CODE
from gpuwatch.sources.nvml.binding import field_number
from gpuwatch.sources.nvml.calls import Lane
from gpuwatch.sources.nvml.fields import FUNCTION, FieldBatch
from gpuwatch.sources.nvml.gpu import Gpu, address_of
from gpuwatch.sources.nvml_signals import CANARY

WAIT_MILLISECONDS = 1000
_PAUSE_SECONDS = 1.0
_NONE_SECONDS = 60.0  # how long to leave devices alone none of which has events to tell
_NO_INSTANCE = 0xFFFF_FFFF

# Single-bit errors, clocks and power states happen all day and are polled: not asked for.
WANTED = (
    pynvml.nvmlEventTypeDoubleBitEccError
    | pynvml.nvmlEventTypeXidCriticalError
    | pynvml.nvmlEventMigConfigChange
    | pynvml.nvmlEventTypeDramRetirementEvent
    | pynvml.nvmlEventTypeDramRetirementFailure
    | pynvml.nvmlEventTypeNonFatalPoisonError
    | pynvml.nvmlEventTypeFatalPoisonError
    | pynvml.nvmlEventTypeGpuUnavailableError
    | pynvml.nvmlEventTypeGpuRecoveryAction
)

Say = Callable[[dict[str, Any]], None]


class Events:
    """The thread and the event set. A set is made anew when the devices change or one is lost."""

    def __init__(self, lane: Lane, say: Say, driver: tuple[int, ...]) -> None:
        self._lane = lane
        self._say = say
        self._canary = field_number(CANARY, driver)
        self._changed = threading.Condition()
        self._gpus: tuple[Gpu, ...] = ()
        self._anew = False
        self._stopping = False
        self._said: dict[str, tuple[int, int]] = {}
        self._thread = threading.Thread(target=self._run, name="events", daemon=True)

    def watch(self, gpus: tuple[Gpu, ...]) -> None:
        """Wait for events of these devices from now on."""
        with self._changed:
            same = [gpu.address for gpu in gpus] == [gpu.address for gpu in self._gpus]
            refused = any(code for _, code in list(self._said.values()))
            self._gpus = gpus
            self._anew = self._anew or refused or not same
            self._changed.notify()
        if not self._thread.is_alive():
            self._thread.start()

    def stop(self, within_seconds: float) -> bool:
        """Have the thread end after the wait at hand. False when it has not by then."""
        with self._changed:
            self._stopping = True
            self._changed.notify()
        if self._thread.ident is not None:
            self._thread.join(within_seconds)
        return not self._thread.is_alive()

    def _run(self) -> None:
        while gpus := self._next():
            try:
                self._serve(gpus)
            except pynvml.NVMLError as error:
                sys.stderr.write(f"nvml: the event set failed with code {error.value}\n")
                self._pause(_PAUSE_SECONDS)

    def _next(self) -> tuple[Gpu, ...]:
        """The devices to wait for, once there are some; none when it is time to stop."""
        with self._changed:
            self._changed.wait_for(lambda: self._stopping or self._gpus)
            self._anew = False
            return () if self._stopping else self._gpus

    def _pause(self, seconds: float) -> None:
        with self._changed:
            self._changed.wait_for(lambda: self._stopping or self._anew, seconds)

    def _serve(self, gpus: tuple[Gpu, ...]) -> None:
        """Wait on one event set until it has to be made anew. Raises NVMLError when it fails."""
        events = self._lane.call("", "nvmlEventSetCreate")
        try:
            by_address = {gpu.address: gpu for gpu in gpus if self._register(gpu, events)}
            if not by_address:
                self._pause(_NONE_SECONDS)
            while by_address and not (self._stopping or self._anew):
                self._wait(events, by_address)
        finally:
            with contextlib.suppress(pynvml.NVMLError):
                self._lane.call("", "nvmlEventSetFree", events)

    def _wait(self, events: pynvml.c_nvmlEventSet_t, by_address: dict[int, Gpu]) -> None:
        try:
            event = self._lane.call("", "nvmlEventSetWait_v2", events, WAIT_MILLISECONDS)
        except pynvml.NVMLError as error:
            if error.value != pynvml.NVML_ERROR_TIMEOUT:
                raise
            return
        # By address: on a lost GPU nvmlDeviceGetIndex of the event's handle fails.
        gpu = by_address.get(address_of(event.device)) if event.device else None
        instance = int(event.gpuInstanceId)
        self._say(
            {
                "say": "event",
                "pci": gpu.pci if gpu else "",
                "uuid": gpu.uuid if gpu else "",
                "type": int(event.eventType),
                "data": int(event.eventData),
                "boottime": time.clock_gettime(time.CLOCK_BOOTTIME),
                "instance": None if instance == _NO_INSTANCE else instance,
            }
        )

    def _register(self, gpu: Gpu, events: pynvml.c_nvmlEventSet_t) -> bool:
        """Have the set tell this device's events, where it has any; says so when that is news."""
        types = code = 0
        try:
            self._refuse_lost(gpu)
            supported = self._lane.call(gpu.pci, "nvmlDeviceGetSupportedEventTypes", gpu.handle)
            types = supported & WANTED
            if types:
                self._lane.call(gpu.pci, "nvmlDeviceRegisterEvents", gpu.handle, types, events)
        except pynvml.NVMLError as error:
            types, code = 0, error.value
        if self._said.get(gpu.pci) != (types, code):
            self._said[gpu.pci] = (types, code)
            self._say({"say": "events", "pci": gpu.pci, "types": types, "code": code})
        return bool(types)

    def _refuse_lost(self, gpu: Gpu) -> None:
        """Raise NVMLError for a lost device: one in the set would end every wait at once."""
        if self._canary is None:
            return
        self._lane.enter(self._lane.marker(gpu.pci, FUNCTION))
        try:
            ((code, _),) = FieldBatch(gpu.handle, [self._canary]).ask()
        finally:
            self._lane.leave()
        if code == LOST_CODE:
            raise pynvml.NVMLError(code)
