"""Alone: the hardware asked once while no agent runs, by the agent's own sources' children.

Nothing is asked of hardware in this process. What is told goes nowhere but into the answer.
"""

import json
import os
import queue
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from gpuwatch.agent.maintenance import MaintenanceDirectory
from gpuwatch.agent.releases import longest_release
from gpuwatch.agent.wiring import nvml_settings, places
from gpuwatch.agent.wiring_bmcs import TRANSLATORS, bmc_settings
from gpuwatch.clock import SystemClock
from gpuwatch.config.models import Settings
from gpuwatch.domain.bmc import BmcFailure
from gpuwatch.domain.readings import Gap, Sweep
from gpuwatch.domain.snapshot import SourceState
from gpuwatch.sources.base import (
    DriverCondition,
    DriverState,
    Inventory,
    Message,
    Source,
)
from gpuwatch.sources.bmc_source import BmcSource
from gpuwatch.sources.kernel_log_source import KernelLogSettings, KernelLogSource
from gpuwatch.sources.nvml_settings import NvmlSettings
from gpuwatch.sources.nvml_source import NvmlSource

if TYPE_CHECKING:
    from gpuwatch.domain.devices import BoardKey

GPU_SECONDS = 30.0
LOG_SECONDS = 10.0
BMC_SECONDS = 25.0
STOP_SECONDS = 13.0  # end of input, SIGTERM, late SIGKILL
MOST_BMCS = 16  # asked at once; each is a process


@dataclass(frozen=True, slots=True, kw_only=True)
class Gpus:
    """What NVML told: the driver (None: nothing in time), the GPUs by address, their gaps.

    `denied` are those that our user may not open.

    `gaps` are, of GPUs that answered, the reasons by signal, "" for a value. `problem` is what the
    source said meanwhile.
    """

    driver: DriverState | None
    found: tuple[str, ...] = ()
    lost: tuple[str, ...] = ()
    denied: tuple[str, ...] = ()
    gaps: Mapping[str, Mapping[str, str]]
    problem: str = ""


def standing_release(settings: Settings, now: float) -> str:
    """Why nobody may take the driver up now: somebody had it let go of; "" when it may be asked.

    Raises PermissionError where this user may not know.
    """
    held = places(settings)
    folder = MaintenanceDirectory(held.maintenance)
    work = longest_release(folder.read(now))
    if work is not None:
        return f"maintenance {work.identity} wants the driver let go of: {work.reason}"
    for path in (held.maintenance, *(held.maintenance / name for name in folder.refused)):
        _may_be_read(path)
    try:
        body = json.loads(held.release.read_bytes())
        boot_id, until, reason = body["boot_id"], float(body["until"]), str(body["reason"])
    except PermissionError:
        raise
    except (OSError, ValueError, TypeError, KeyError):
        return ""
    moment = SystemClock().now()
    if boot_id != moment.boot_id or until <= moment.boottime:
        return ""
    return f"the driver is let go of: {reason}"


def _may_be_read(path: Path) -> None:
    """Raises PermissionError where this user may not; what is not there says nothing."""
    try:
        os.close(os.open(path, os.O_RDONLY | os.O_NONBLOCK))
    except PermissionError:
        raise
    except OSError:
        return


def ask_gpus(settings: Settings, seconds: float = GPU_SECONDS) -> Gpus:
    """What the NVML child tells of the driver and of each GPU, once."""
    source = NvmlSource(_with_patience(settings, seconds), SystemClock())
    driver: DriverState | None = None
    inventory: Inventory | None = None
    swept: dict[BoardKey, dict[str, str]] = {}
    with _started(source) as messages:
        for message in messages(seconds):
            match message:
                case DriverState():
                    driver = message
                case Inventory():
                    inventory = message
                case Sweep():
                    swept.setdefault(message.board, {}).update(_reasons(message))
                case SourceState() if driver is None and is_stuck(message.problem):
                    break
                case _:
                    continue
            if driver is not None and driver.condition != DriverCondition.READY:
                break
            if inventory is not None and len(swept) >= len(inventory.devices):
                break
        state = source.state()
    devices = inventory.devices if inventory else ()
    return Gpus(
        driver=driver or (DriverState(condition=DriverCondition.READY) if swept else None),
        found=tuple(device.slot.pci_address for device in devices),
        lost=inventory.lost if inventory else (),
        denied=inventory.denied if inventory else (),
        gaps={
            device.slot.pci_address: swept[device.board.key]
            for device in devices
            if device.board.key in swept
        },
        problem=state.problem,
    )


def is_stuck(problem: str) -> bool:
    """Whether a source says that its child hung in a call of the driver's."""
    return "stuck" in problem and "not for NVML" not in problem


def _with_patience(settings: Settings, seconds: float) -> NvmlSettings:
    """How the agent would ask, in half of the time that there is here: what hangs is then named."""
    half = seconds / 2
    return replace(
        nvml_settings(settings),
        init_deadline=half,
        inventory_deadline=half,
        fast_deadline=half,
        slow_deadline=half,
    )


def ask_kernel_log(settings: Settings, seconds: float = LOG_SECONDS) -> SourceState:
    """How the reader of the kernel log does, once it can be told."""
    source = KernelLogSource(
        SystemClock(),
        KernelLogSettings(path=settings.kernel_log.path, dumps=()),
        position=None,
        log=lambda _line: None,
    )
    until = time.monotonic() + seconds
    with _started(source):
        while not (state := source.state()).up and not state.problem:
            if time.monotonic() >= until:
                break
            time.sleep(0.02)
    return state


def ask_bmcs(
    settings: Settings, names: frozenset[str], seconds: float = BMC_SECONDS
) -> dict[str, BmcFailure | None]:
    """What is amiss with each BMC, None for one that told something; who is silent is left out."""
    heard: queue.SimpleQueue[tuple[str, Message]] = queue.SimpleQueue()
    asked = [one for one in bmc_settings(settings) if one.name in names]
    sources = [
        BmcSource(
            SystemClock(),
            replace(one, start_after=0.0),
            TRANSLATORS[settings.bmc[one.name].protocol],
            positions={},
            log=lambda _line: None,
        )
        for one in asked
    ]
    told: dict[str, BmcFailure | None] = {}
    for source in sources:
        source.start(lambda name, message: heard.put((name, message)))
    until = time.monotonic() + seconds
    while len(told) < len(sources) and (left := until - time.monotonic()) > 0:
        try:
            name, message = heard.get(timeout=left)
        except queue.Empty:
            break
        failure = message if isinstance(message, BmcFailure) else None
        told.setdefault(name.removeprefix("bmc."), failure)
    ends = time.monotonic() + STOP_SECONDS / 2
    for source in sources:
        source.stop(max(ends - time.monotonic(), 0.1))
    return told


@contextmanager
def _started(source: Source) -> Iterator[Callable[[float], Iterator[Message]]]:
    """A source while it is listened to; it is ended with the time that its children may need."""
    heard: queue.SimpleQueue[Message] = queue.SimpleQueue()

    def messages(seconds: float) -> Iterator[Message]:
        until = time.monotonic() + seconds
        while (left := until - time.monotonic()) > 0:
            try:
                yield heard.get(timeout=left)
            except queue.Empty:
                return

    source.start(lambda _name, message: heard.put(message))
    try:
        yield messages
    finally:
        source.stop(STOP_SECONDS)


def _reasons(sweep: Sweep) -> dict[str, str]:
    return {
        signal.key: value.reason.value if isinstance(value, Gap) else "" for signal, value in sweep
    }
