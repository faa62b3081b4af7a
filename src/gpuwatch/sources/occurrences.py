"""Occurrences: one thing that happened counts once, whoever of several sources reports it.

With a readable kernel log it alone counts Xids; what only NVML reports counts as NVML's after ten
seconds without a line. Both reports are on their way for moments only, so what is compared is when
they came in: seconds of CLOCK_MONOTONIC, passed in. Floods are thinned out where events are stored,
by history, which counts them all.
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
        self._waiting: deque[tuple[float, Event]] = deque()

    def admit(
        self, event: Event, *, monotonic: float, kernel_log_readable: bool
    ) -> tuple[Event, ...]:
        """What counts now that `event` was reported at second `monotonic`: it, or nothing.

        An Xid of NVML's may come out of `settle` later instead.
        """
        if event.identity in self._identities:
            return ()
        self._remember(event.identity)
        if event.kind is not EventKind.XID:
            return (event,)
        if event.source is EventSource.KERNEL_LOG:
            self._logged.setdefault(_key(event), deque(maxlen=_LINES)).append(monotonic)
            return (event,)
        if not kernel_log_readable:
            return (event,)
        self._waiting.append((monotonic, event))
        return ()

    def settle(self, monotonic: float) -> tuple[Event, ...]:
        """What counts because ten seconds passed: NVML's Xids without a line in the log."""
        alone = []
        while self._waiting and monotonic - self._waiting[0][0] > CONFIRM_SECONDS:
            came, event = self._waiting.popleft()
            if not self._has_line(event, came):
                alone.append(event)
        horizon = min((came for came, _ in self._waiting), default=monotonic) - CONFIRM_SECONDS
        self._logged = {key: times for key, times in self._logged.items() if times[-1] >= horizon}
        return tuple(alone)

    def _remember(self, identity: str) -> None:
        self._identities[identity] = None
        if len(self._identities) > _IDENTITIES:
            self._identities.popitem(last=False)

    def _has_line(self, event: Event, came: float) -> bool:
        lines = self._logged.get(_key(event), ())
        return any(abs(came - line) <= CONFIRM_SECONDS for line in lines)


def _key(event: Event) -> _Key:
    return (event.pci_address, event.code)
