"""Talk: one BMC asked over and over: connects, sweeps, follows the event log, logs out."""

import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from gpuwatch.domain.bmc import BmcProtocol, BmcTrouble
from gpuwatch.sources.bmc import events, fru, status
from gpuwatch.sources.bmc.gate import GET_DEVICE_ID
from gpuwatch.sources.bmc.lan import LanLink
from gpuwatch.sources.bmc.link import BUSY, UPDATING, Link, RefusedError
from gpuwatch.sources.bmc.local import LocalLink
from gpuwatch.sources.bmc.readings import readings
from gpuwatch.sources.bmc.repository import Repository
from gpuwatch.sources.bmc.sel import EventLog, Info, Part
from gpuwatch.sources.bmc_loop import Message, Settings, Trouble

SWEEP_SECONDS = 300.0
ALIVE_SECONDS = 10.0
LOG = "sel"
_DEVICE_BYTES = 11
_TRANSIENT = ("failed", "timed_out")  # gaps that the next sweep may fill
_ALIVE: Message = {"say": "alive"}

Gaps = dict[str, list[str | int | None]]
Open = Callable[[Settings, int], Link]


def open_link(settings: Settings, attempt: int) -> Link:
    """The way that the settings name. Raises Trouble."""
    if settings["protocol"] == BmcProtocol.IPMI_LOCAL:
        return LocalLink.open(settings)
    return LanLink.open(settings, attempt)


class IpmiTalk:
    """A Talk of the loop. `opened` makes a link, with the number of the attempt."""

    def __init__(
        self,
        settings: Settings,
        opened: Open = open_link,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._settings = settings
        self._monotonic = monotonic
        self._open = opened
        self._attempt = 0
        self._link: Link | None = None
        self._repository = Repository()
        self._log = EventLog(str(settings.get("positions", {}).get(LOG, "")))
        self._once = _Once()
        self._alive_at = 0.0

    def sweep(self) -> Iterator[Message]:
        """Connect if need be; tell log messages and one sweep. Raises Trouble."""
        began = self._alive_at = self._monotonic()
        try:
            yield from self._sweep(began)
        except BaseException:
            # Whatever it was, the session may be in the middle of something: begin anew.
            self.close()
            raise

    def idle(self, seconds: float) -> None:
        """Wait so long, and keep the session, if there is one, alive."""
        if self._link is None:
            time.sleep(seconds)
        else:
            self._link.rest(seconds)

    def close(self) -> None:
        """Log out. Never raises."""
        link = self._link
        if link is not None:
            link.close()
            self._link = None

    def _connected(self) -> Link:
        """The link, opened anew when the last one is gone. Raises Trouble."""
        if self._link is not None and not self._link.alive:
            self.close()
        if self._link is None:
            attempt, self._attempt = self._attempt, self._attempt + 1
            self._link = self._open(self._settings, attempt)
            self._attempt = attempt  # this address answers
        return self._link

    def _sweep(self, began: float) -> Iterator[Message]:
        link = self._connected()
        device, message = _device(link)
        gaps: Gaps = {}
        message |= {"say": "sweep", "gaps": gaps, "cipher_suite": link.cipher_suite}
        if device:
            yield from self._ask(link, device, message, gaps, began)
        now = time.clock_gettime(time.CLOCK_BOOTTIME)
        yield message | {"boottime": now, "seconds": self._monotonic() - began}

    def _ask(
        self, link: Link, device: bytes, message: Message, gaps: Gaps, began: float
    ) -> Iterator[Message]:
        """Everything that a BMC which is not being written tells, put into `message`."""
        for name, section in status.EVERY_SWEEP.items():
            with _Noted(gaps, name):
                message |= section(link)
        with _Noted(gaps, "sdr"):
            for _ in self._repository.refresh(link, device):
                yield from self._tick(began)
        self._once.refresh(link, device)
        message |= self._once.message
        gaps |= self._once.gaps
        with _Noted(gaps, "sel"):
            yield from self._follow_log(link, message, began)
        sensors = message["sensors"] = []
        for told in readings(link, self._repository.sensors.values()):
            sensors.append(told)
            yield from self._tick(began)

    def _follow_log(self, link: Link, message: Message, began: float) -> Iterator[Message]:
        info = Info.read(link)
        message["sel"] = {
            "entries": info.entries,
            "free": info.free_bytes,
            "added": events.stamp(info.added),
            "erased": events.stamp(info.erased),
            "overflowed": info.overflowed,
        }
        clock = message.get("clock", [0])[0]
        for part in self._log.new(link, info, clock, message.get("guid", "")):
            if part is not None:
                yield self._told(part)
                self._alive_at = self._monotonic()
            yield from self._tick(began)

    def _told(self, part: Part) -> Message:
        sensors = self._repository.sensors
        return {
            "say": "log",
            "log": LOG,
            "entries": [events.decoded(entry, sensors) for entry in part.entries],
            "position": str(part.position),
            "baseline": part.baseline,
            "cleared": part.cleared,
            "wrapped": part.wrapped,
        }

    def _tick(self, began: float) -> Iterator[Message]:
        """Say that we are alive when it is time. Raises Trouble when a sweep never ends."""
        now = self._monotonic()
        if now - began > SWEEP_SECONDS:
            raise Trouble(
                BmcTrouble.TIMED_OUT,
                f"it answers so slowly that {SWEEP_SECONDS:g} s are not enough for all its sensors"
                " (is it overloaded, or being updated?)",
            )
        if now - self._alive_at > ALIVE_SECONDS:
            self._alive_at = now
            yield _ALIVE


class _Noted:
    """A block whose refusal is noted as a gap of that name."""

    def __init__(self, gaps: Gaps, name: str) -> None:
        self._gaps = gaps
        self._name = name

    def __enter__(self) -> None:
        return

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> bool:
        if not isinstance(error, RefusedError):
            return False
        self._gaps[self._name] = error.gap
        return True


class _Once:
    """What is asked once a device: who it is changes with its firmware only."""

    def __init__(self) -> None:
        self._device = b""
        self.message: dict[str, Any] = {}
        self.gaps: Gaps = {}

    def refresh(self, link: Link, device: bytes) -> None:
        """Ask what was not answered yet, all when the device is another."""
        if device != self._device:
            self._device, self.message, self.gaps = device, {}, {}
        for name, section in _ONCE.items():
            if name in self.message or self.gaps.get(name, _TRANSIENT)[0] not in _TRANSIENT:
                continue
            self.gaps.pop(name, None)
            with _Noted(self.gaps, name):
                self.message |= section(link)


def _fru(link: Link) -> Mapping[str, Any]:
    return {"fru": fru.parse(fru.fetch(link))}


_ONCE = {**status.ONCE, "fru": _fru}


def _device(link: Link) -> tuple[bytes, dict[str, Any]]:
    """Get Device ID, which every BMC answers, and what it says. Raises Trouble."""
    answer = link.ask(GET_DEVICE_ID)
    if answer.code in UPDATING:
        return b"", {"device": {"updating": True}}
    if answer.code in BUSY:
        text = f"it answers code 0x{answer.code:02x} only (does it hang? reset it in a window)"
        raise Trouble(BmcTrouble.TIMED_OUT, text)
    if answer.code or len(answer.data) < _DEVICE_BYTES:
        told = f"code 0x{answer.code:02x}, data {answer.data.hex() or 'none'}"
        raise Trouble(BmcTrouble.PROTOCOL, f"it does not say what it is ({told})")
    return status.steady(answer.data), {"device": status.device(answer.data)}
