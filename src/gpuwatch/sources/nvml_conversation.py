"""NVML conversation: what one NVML child was asked, what it answered, and what it owes and when.

It tells outcomes and decides nothing. Deadlines are for each GPU: an answer starts the next one's.
"""

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from gpuwatch.domain.signals import Cadence
from gpuwatch.sources.nvml_settings import NvmlSettings
from gpuwatch.sources.probe import Probe, ProbeFailed
from gpuwatch.sources.probe_stuck import GONE, Stuck

_STOPPED = frozenset("Tt")  # by a signal or a debugger: whoever did that, it was not the GPU


@dataclass(frozen=True, slots=True, kw_only=True)
class Ready:
    """NVML is initialised in the child."""

    table: str
    driver: str
    nvml: str
    cuda: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Refused:
    """NVML could not be loaded or initialised; the child exits by itself."""

    stage: str
    code: int | None
    text: str
    nvml: str


@dataclass(frozen=True, slots=True)
class Found:
    """An inventory is complete: its `device` and `lost-device` messages."""

    devices: tuple[dict[str, Any], ...]
    lost: tuple[dict[str, Any], ...]


@dataclass(frozen=True, slots=True)
class Answered:
    """One GPU's values for a sweep, still as they came."""

    pci_address: str
    cadences: frozenset[Cadence]
    values: Sequence[Any]


@dataclass(frozen=True, slots=True)
class Swept:
    """A sweep is complete: how long it took, and the GPUs that were asked but are not there."""

    seconds: float
    absent: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Happened:
    """An event of NVML's event set; `boottime` is when the set gave it out, `instance` is MIG's."""

    type: int
    data: int
    boottime: float
    pci_address: str = ""
    uuid: str = ""
    instance: int | None = None


@dataclass(frozen=True, slots=True)
class Missed:
    """A deadline passed. `pci_address` is "" when it cannot be charged to one GPU."""

    pci_address: str
    stuck: Stuck


@dataclass(frozen=True, slots=True)
class Broke:
    """The child is gone, broke the protocol or was stopped; no deadline of a GPU's was missed.

    `pci_address` is the GPU in whose call it was then, "" when it was in none.
    """

    text: str
    pci_address: str
    stuck: Stuck


Outcome = Ready | Refused | Found | Answered | Swept | Happened | Missed | Broke
_LAST = (Refused, Missed, Broke)  # nothing follows these: the child has to be ended


@lru_cache(maxsize=32)
def _cadences(names: tuple[str, ...]) -> frozenset[Cadence]:
    """The cadences of those names. Raises ValueError for one that is none."""
    return frozenset(Cadence(name) for name in names)


class Conversation:
    """One child, asked one thing at a time. Monotonic time is passed in."""

    def __init__(self, probe: Probe, settings: NvmlSettings, now: float) -> None:
        self.probe = probe
        self.began = now
        self.answers = 0  # GPUs that answered anything in this child
        self.over = False
        self._settings = settings
        self._number = 0
        self._ask = "start"
        self._asked_at = now
        self._wait_from = now
        self._allowance = settings.init_deadline
        self._owing: list[str] = []
        self._devices: list[dict[str, Any]] = []
        self._lost: list[dict[str, Any]] = []
        self._unsent = ""
        self._understood: dict[str, Callable[[dict[str, Any], float], Outcome | None]] = {
            "ready": self._ready,
            "failed": self._failed,
            "device": self._device,
            "lost-device": self._device,
            "sweep": self._sweep,
            "done": self._done,
            "event": self._event,
            "events": lambda _message, _now: None,  # told for a reader of the wire
        }

    @property
    def idle(self) -> bool:
        """Whether it waits to be asked."""
        return not self._ask and not self.over

    @property
    def deadline(self) -> float:
        """The monotonic second by which the next answer is owed; infinite when none is."""
        return self._wait_from + self._allowance if self._ask else math.inf

    def ask_inventory(
        self, devices: Sequence[str] | None, expected: Sequence[str], now: float
    ) -> None:
        """Ask what the driver knows, of all or only of `devices`; `expected` is who may answer."""
        self._devices = []
        self._put("inventory", devices, expected, self._settings.inventory_deadline, now)

    def ask_sweep(self, devices: Sequence[str], cadences: frozenset[Cadence], now: float) -> None:
        """Ask `devices`, in this order, for the rows of `cadences`."""
        allowance = self._settings.sweep_deadline(cadences)
        self._put("sweep", devices, devices, allowance, now, cadences=sorted(cadences))

    def _put(
        self,
        ask: str,
        devices: Sequence[str] | None,
        expected: Sequence[str],
        allowance: float,
        now: float,
        **more: list[Cadence],
    ) -> None:
        self._number += 1
        self._ask, self._allowance = ask, allowance
        self._asked_at = self._wait_from = now
        self._owing = list(expected)
        self._lost = []
        named = None if devices is None else list(devices)
        message = {"ask": ask, "id": self._number, "devices": named, **more}
        try:
            self.probe.send(message)
        except ProbeFailed as error:  # told when it is listened to, like any other end of a child
            self._unsent = str(error)

    def advance(self, now: float) -> Iterator[Outcome]:
        """Everything that is new. Nothing comes after a Refused, Missed or Broke."""
        for outcome in self._listen(now):
            self.over = isinstance(outcome, _LAST)
            yield outcome
            if self.over:
                return
        if now >= self.deadline:
            self.over = True
            yield self._missed(now)

    def _listen(self, now: float) -> Iterator[Outcome]:
        self.probe.pump()
        try:
            while (message := self.probe.take()) is not None:
                outcome = self._understood[message["say"]](message, now)
                if outcome is not None:
                    yield outcome
        except ProbeFailed as error:
            yield self._broke(str(error), now)
        except (KeyError, TypeError, ValueError) as error:
            yield self._broke(f"it said what is not understood: {error!r}", now)
        if self._unsent:
            yield self._broke(self._unsent, now)

    def _ready(self, message: dict[str, Any], _: float) -> Outcome:
        self._ask = ""
        told = {name: str(message.get(name) or "") for name in ("table", "driver", "nvml", "cuda")}
        return Ready(**told)

    def _failed(self, message: dict[str, Any], _: float) -> Outcome:
        code = message.get("code")
        return Refused(
            stage=str(message["stage"]),
            code=None if code is None else int(code),
            text=str(message.get("text") or ""),
            nvml=str(message.get("nvml") or ""),
        )

    def _device(self, message: dict[str, Any], now: float) -> None:
        if message["id"] != self._number:
            return
        kept = self._devices if message["say"] == "device" else self._lost
        kept.append(message)
        self._settle(str(message["pci"]), now)

    def _sweep(self, message: dict[str, Any], now: float) -> Outcome | None:
        if message["id"] != self._number:
            return None
        pci_address = str(message["pci"])
        self._settle(pci_address, now)
        return Answered(pci_address, _cadences(tuple(message["cadences"])), message["values"])

    def _event(self, message: dict[str, Any], _: float) -> Outcome:
        instance = message.get("instance")
        return Happened(
            type=int(message["type"]),
            data=int(message["data"]),
            boottime=float(message["boottime"]),
            pci_address=str(message.get("pci") or ""),
            uuid=str(message.get("uuid") or ""),
            instance=None if instance is None else int(instance),
        )

    def _settle(self, pci_address: str, now: float) -> None:
        self.answers += 1
        self._wait_from = now
        if pci_address in self._owing:
            self._owing.remove(pci_address)

    def _done(self, message: dict[str, Any], now: float) -> Outcome | None:
        if message["id"] != self._number:
            return None
        ask, self._ask = self._ask, ""
        if ask == "inventory":
            return Found(tuple(self._devices), tuple(self._lost))
        # By the child's own word: it is read a little later, together with what else it said.
        seconds = float(message.get("seconds", now - self._asked_at))
        return Swept(seconds, tuple(str(each["pci"]) for each in self._lost))

    def _broke(self, text: str, now: float) -> Broke:
        stuck = self.probe.describe_stuck(now - self._wait_from)
        return Broke(text, stuck.device if stuck.device in self._owing else "", stuck)

    def _missed(self, now: float) -> Missed | Broke:
        """Whose miss it is: the device on the progress page, else the next that owes an answer.

        Nobody's while NVML initialises. No miss at all when the child sits in no call of NVML's,
        was stopped by a signal, or died and what it started holds its output open.
        """
        stuck = self.probe.describe_stuck(now - self._wait_from)
        if stuck.state in GONE:
            return self._broke(f"it {stuck}, and left its output open to another process", now)
        if not stuck.call or stuck.state in _STOPPED:
            return Broke(f"it was {stuck}, and not for NVML", "", stuck)
        if self._ask == "start":
            return Missed("", stuck)
        if stuck.device in self._owing:
            return Missed(stuck.device, stuck)
        return Missed(self._owing[0] if self._owing else "", stuck)
