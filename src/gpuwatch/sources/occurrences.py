"""Occurrences: one thing that happened counts once, whoever of several sources reports it.

With a readable kernel log it alone counts Xids; what only NVML reports counts as NVML's after ten
seconds without a line. All times are passed in as seconds since boot, so that no clock step
matters. Floods are thinned out where events are stored, by history, which counts them all.
"""

from collections import OrderedDict, deque

from gpuwatch.domain.events import Event, EventKind, EventSource

CONFIRM_SECONDS = 10.0
_IDENTITIES = 4_096
_LINES = 64  # of one code and board within 20 s; lines of one second are one already

_Key = tuple[str, int | None]


class Deduplicator:
    """Decides which reports are occurrences. The agent feeds it the events of all its sources."""

    def __init__(self) -> None:
        self._identities: OrderedDict[str, None] = OrderedDict()
        self._logged: dict[_Key, deque[float]] = {}
        self._waiting: deque[Event] = deque()

    def admit(
        self, event: Event, *, boottime: float, kernel_log_readable: bool
    ) -> tuple[Event, ...]:
        """What counts now that `event` was reported at `boottime`: it, or nothing.

        An Xid of NVML's may come out of `settle` later instead.
        """
        if event.identity in self._identities:
            return ()
        self._remember(event.identity)
        if event.kind is not EventKind.XID:
            return (event,)
        if event.source is EventSource.KERNEL_LOG:
            times = self._logged.setdefault(_key(event), deque(maxlen=_LINES))
            times.append(_time(event, boottime))
            return (event,)
        if not kernel_log_readable:
            return (event,)
        self._waiting.append(event)
        return ()

    def settle(self, boottime: float) -> tuple[Event, ...]:
        """What counts because ten seconds passed: NVML's Xids without a line in the log."""
        due = [each for each in self._waiting if boottime - _time(each, boottime) > CONFIRM_SECONDS]
        for event in due:
            self._waiting.remove(event)
        alone = tuple(event for event in due if not self._has_line(event, boottime))
        oldest = min((_time(each, boottime) for each in self._waiting), default=boottime)
        horizon = min(oldest, boottime) - 2 * CONFIRM_SECONDS
        self._logged = {key: times for key, times in self._logged.items() if times[-1] >= horizon}
        return alone

    def _remember(self, identity: str) -> None:
        self._identities[identity] = None
        if len(self._identities) > _IDENTITIES:
            self._identities.popitem(last=False)

    def _has_line(self, event: Event, boottime: float) -> bool:
        at = _time(event, boottime)
        return any(
            abs(at - logged) <= CONFIRM_SECONDS for logged in self._logged.get(_key(event), ())
        )


def _key(event: Event) -> _Key:
    return (event.pci_address, event.code)


def _time(event: Event, boottime: float) -> float:
    return boottime if event.boottime is None else event.boottime
