"""Talk: a sweep of a whole Redfish service, as the loop of every BMC's child asks for it."""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from gpuwatch.domain.readings import GapReason
from gpuwatch.sources.bmc_loop import Message, Settings
from gpuwatch.sources.redfish import machines, sentences
from gpuwatch.sources.redfish.deadline import Deadline
from gpuwatch.sources.redfish.fields import text
from gpuwatch.sources.redfish.logs import Logs
from gpuwatch.sources.redfish.processors import Gpus
from gpuwatch.sources.redfish.reports import reports
from gpuwatch.sources.redfish.sensors import Readings
from gpuwatch.sources.redfish.service import Service
from gpuwatch.sources.redfish.shelf import Row, Shelf

SWEEP_SECONDS = 40.0
ALIVE_SECONDS = 10.0
_GAPS = 200
_SHORTEST_REST = 0.1  # seconds, whatever a service says of its sessions


@dataclass(slots=True)
class RedfishTalk:
    """One service, asked over and over. See `gpuwatch.sources.bmc_loop.Talk`."""

    service: Service
    shelf: Shelf
    logs: Logs
    monotonic: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep
    _said_at: float = field(default=0.0)

    @classmethod
    def of(cls, settings: Settings) -> "RedfishTalk":
        """By the settings of the child."""
        service = Service(settings, Deadline())
        shelf = Shelf(service)
        return cls(service, shelf, Logs.of(shelf, settings.get("positions") or {}))

    def sweep(self) -> Iterator[Message]:
        """Everything that the service tells. What is most wanted comes first: time is bounded."""
        began, boottime = self.monotonic(), time.clock_gettime(time.CLOCK_BOOTTIME)
        self._said_at, requests = began, self.service.requests
        self.service.begin(SWEEP_SECONDS)
        self.shelf.begin()
        systems = machines.systems(self.shelf)
        managers = machines.managers(self.shelf)
        chassis = machines.chassis(self.shelf)
        if not systems and not managers and not chassis:
            raise self._nothing()
        reported = reports(self.shelf)
        readings = Readings(self.shelf, reported.readings)
        for row in chassis:
            yield from self._alive()
            readings.add(row)
        for message in self.logs.read([*systems, *managers], chassis):
            self._said_at = self.monotonic()
            yield message
        yield from self._alive()
        known = frozenset(row["at"] for row in readings.sensors)
        told = {
            "systems": systems,
            "chassis": chassis,
            "managers": managers,
            "skew": machines.skew(managers),
            "updating": machines.updating(self.shelf, managers),
            "gpus": Gpus(self.shelf, reported, known).all(systems),
            **self._measured(readings, chassis),
        }
        yield {
            "say": "sweep",
            "boottime": round(boottime, 3),
            **told,
            **self._about(),
            "requests": self.service.requests - requests,
            "seconds": round(self.monotonic() - began, 3),
        }

    def _measured(self, readings: Readings, chassis: list[Row]) -> Message:
        server = machines.server(chassis)
        watts = machines.watts(self.shelf, server, readings.watts) if server else None
        return {
            "sensors": readings.sensors,
            "supplies": readings.supplies,
            "redundancies": readings.redundancies,
            "server": server["at"] if server else "",
            "watts": watts,
        }

    def _about(self) -> Message:
        """What there is to say of the service itself, and of what it did not tell."""
        gaps = list(self.shelf.gaps.items())[:_GAPS]
        return {
            "root": {"uuid": text(self.service.root, "UUID")},
            "session": "basic" if self.service.basic else "session",
            "logs": self.logs.rows,
            "gaps": {path: [gap.reason.value, gap.code] for path, gap in gaps},
        }

    def idle(self, seconds: float) -> None:
        """Wait; ask for next to nothing when the session would be over before the next sweep."""
        timeout = self.service.session_timeout
        piece = max(timeout / 3, _SHORTEST_REST) if timeout else seconds
        until = self.monotonic() + seconds
        while (left := until - self.monotonic()) > 0:
            self.sleep(min(left, piece))
            if timeout and self.monotonic() - self.service.asked_at >= piece:
                self.service.pulse()

    def close(self) -> None:
        """Close the session. Never raises."""
        self.service.close()

    def _alive(self) -> Iterator[Message]:
        if self.monotonic() - self._said_at > ALIVE_SECONDS:
            self._said_at = self.monotonic()
            yield {"say": "alive"}

    def _nothing(self) -> Exception:
        """What to raise for a service that shows nothing."""
        gaps = self.shelf.gaps.values()
        reasons = {gap.reason for gap in gaps}
        if reasons == {GapReason.DENIED}:
            return sentences.no_right()
        if reasons == {GapReason.TIMED_OUT}:
            return sentences.too_slow(SWEEP_SECONDS)
        told = sorted({f"HTTP {gap.code}" if gap.code else gap.reason.value for gap in gaps})
        return sentences.nothing_told(", ".join(told) or "empty")
