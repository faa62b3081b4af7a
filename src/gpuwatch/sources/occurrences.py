"""Occurrences: one thing that happened counts once, whoever reports it and however often.

With a readable kernel log it alone counts Xids; what only NVML reports counts as NVML's after ten
seconds without a line. A flood of one code on one board becomes its first events, an hourly count
and the last. All times are passed in: seconds since boot, so that no clock step matters.
"""

from collections import OrderedDict, deque
from collections.abc import Iterator
from dataclasses import dataclass, replace

from gpuwatch.domain.events import Event, EventKind, EventSource

CONFIRM_SECONDS = 10.0
FLOOD_SECONDS = 3_600.0
FLOOD_ALLOWANCE = 10
_IDENTITIES = 4_096

_Key = tuple[str, EventKind, int | None]


@dataclass(slots=True)
class _Flood:
    """Events of one code on one board in the hour since `began`."""

    began: float
    passed: int = 0
    held: int = 0
    first_held: Event | None = None
    last_held: Event | None = None


class Deduplicator:
    """Decides which reports are occurrences. The agent feeds it the events of all its sources.

    `allowance` is how many events of one code and board pass singly within an hour.
    """

    def __init__(self, allowance: int = FLOOD_ALLOWANCE) -> None:
        if allowance < 1:
            raise ValueError(f"the first event always passes: allowance {allowance} is below 1")
        self._allowance = allowance
        self._identities: OrderedDict[str, None] = OrderedDict()
        self._logged: dict[_Key, deque[float]] = {}
        self._waiting: deque[Event] = deque()
        self._floods: dict[_Key, _Flood] = {}

    def admit(
        self, event: Event, *, boottime: float, kernel_log_readable: bool
    ) -> tuple[Event, ...]:
        """What counts now that `event` was reported at `boottime`: nothing, it, or a flood's end.

        An event of NVML's may come out of `settle` later instead.
        """
        if event.identity in self._identities:
            return ()
        self._remember(event.identity)
        if event.source is EventSource.KERNEL_LOG:
            self._note_logged(event, boottime)
            return tuple(self._limit(event))
        if event.source is EventSource.NVML and event.kind is EventKind.XID and kernel_log_readable:
            if not self._has_line(event, boottime):
                self._waiting.append(event)
            return ()
        return tuple(self._limit(event))

    def settle(self, boottime: float) -> tuple[Event, ...]:
        """What counts by the passing of time: unconfirmed NVML events, and counts of floods."""
        out: list[Event] = []
        for event in tuple(self._waiting):
            if self._has_line(event, boottime):
                self._waiting.remove(event)
            elif boottime - _time(event, boottime) > CONFIRM_SECONDS:
                self._waiting.remove(event)
                out += self._limit(event)
        for key, flood in tuple(self._floods.items()):
            if boottime - flood.began >= FLOOD_SECONDS:
                del self._floods[key]
                out += _summary(flood)
        horizon = boottime - 2 * CONFIRM_SECONDS
        self._logged = {key: times for key, times in self._logged.items() if times[-1] >= horizon}
        return tuple(out)

    def _remember(self, identity: str) -> None:
        self._identities[identity] = None
        if len(self._identities) > _IDENTITIES:
            self._identities.popitem(last=False)

    def _note_logged(self, event: Event, boottime: float) -> None:
        times = self._logged.setdefault(_key(event), deque(maxlen=64))
        times.append(_time(event, boottime))

    def _has_line(self, event: Event, boottime: float) -> bool:
        at = _time(event, boottime)
        return any(
            abs(at - logged) <= CONFIRM_SECONDS for logged in self._logged.get(_key(event), ())
        )

    def _limit(self, event: Event) -> Iterator[Event]:
        # What an earlier boot left is bounded by its own size, and belongs to no hour of this one.
        if event.boottime is None:
            yield event
            return
        key = _key(event)
        flood = self._floods.get(key)
        if flood is not None and event.boottime - flood.began >= FLOOD_SECONDS:
            yield from _summary(flood)
            flood = None
        if flood is None:
            flood = self._floods[key] = _Flood(began=event.boottime)
        if flood.passed < self._allowance:
            flood.passed += 1
            yield event
            return
        flood.held += event.count
        flood.first_held = flood.first_held or event
        flood.last_held = event


def _key(event: Event) -> _Key:
    return (event.pci_address, event.kind, event.code)


def _time(event: Event, boottime: float) -> float:
    return boottime if event.boottime is None else event.boottime


def _summary(flood: _Flood) -> Iterator[Event]:
    """One event for all that were held back, dated as the last of them."""
    first, last = flood.first_held, flood.last_held
    if first is None or last is None:
        return
    if flood.held == 1:
        yield last
        return
    yield replace(
        last,
        identity=f"{last.identity}/{flood.held}",
        detail=f"{last.detail} (the last of {flood.held} within an hour that are told together)",
        count=flood.held,
        not_before=first.earliest,
        not_after=last.latest,
    )
