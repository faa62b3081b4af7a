"""Xid conditions: what the driver logged of a GPU since its last reset, and how often that came.

An Xid counts until the next reset or driver epoch, or for a day after it was last seen; one that
wants a reset counts on while the driver itself still asks for one.
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from gpuwatch.domain.moments import SECONDS_PER_DAY
from gpuwatch.domain.xids import XidAdvice, XidTrace
from gpuwatch.policy.conditions import Answer, Match, Outcome, Word, word_of
from gpuwatch.policy.views import GpuView, HostView, PolicySettings

# https://docs.nvidia.com/deploy/xid-errors/analyzing-xid-catalog.html
RECORD_FAILED = frozenset({64})
REPAIR_FAILED = frozenset({161})
FIRMWARE = frozenset({46, 62, 119, 120, 143, 158})
DOUBTFUL = frozenset({109, 110})
NVLINK = frozenset({74, *range(144, 151)})
FROM_PROGRAMS = frozenset({13, 31})
APPLICATION = FROM_PROGRAMS | {32, 43, 45, 69}
REMAPPED = frozenset({63})
MANY_CORRECTED = frozenset({92})
# Uncorrectable errors and their echoes, the fall off the bus, and news of the recovery action.
_OF_ERRORS = frozenset({48, 79, 94, 95, 140, 154, 171, 172})
OF_OTHER_RULES = (
    (RECORD_FAILED | REPAIR_FAILED | FIRMWARE | DOUBTFUL | NVLINK)
    | (APPLICATION | REMAPPED | MANY_CORRECTED)
    | _OF_ERRORS
)

AGAIN_SECONDS = 90 * SECONDS_PER_DAY
# Lines of one fault come within seconds; what comes a minute later came again.
REPEAT_SECONDS = 60.0
ONE_GPU_SECONDS = 30 * SECONDS_PER_DAY
SEVERAL = 3
_RESETS = frozenset({XidAdvice.RESET, XidAdvice.RESTART})
_WANTED_IN_AN_NVLINK_FAULT = {
    Word.ASKS: _RESETS | {XidAdvice.INSPECT_LINK},
    Word.UNREADABLE: _RESETS,
}
_SUSPECT = _RESETS | {XidAdvice.INSPECT_LINK, XidAdvice.UNKNOWN}


@dataclass(frozen=True, slots=True)
class XidSeen:
    """One of these Xids was seen. `asks_for_reset`: it counts on while the driver asks for one."""

    codes: frozenset[int]
    asks_for_reset: bool = False

    def __str__(self) -> str:
        return f"Xid {_listed(self.codes)} since the last reset, within 24 h."

    def __call__(self, gpu: GpuView, host: HostView, _settings: PolicySettings) -> Outcome:
        """Look at what counts of them."""
        if not gpu.record.traces:
            return Answer.NO
        return _told(fresh(gpu, host, self.codes, reset=self.asks_for_reset))


@dataclass(frozen=True, slots=True)
class XidAgain:
    """One of these Xids was seen, and in 90 days in so many lives of the GPU between resets."""

    codes: frozenset[int]
    lives: int

    def __str__(self) -> str:
        seen = f"Xid {_listed(self.codes)} since the last reset, and within 90 days also before"
        resets = self.lives - 1
        return f"{seen} it." if resets == 1 else f"{seen} {resets} resets."

    def __call__(self, gpu: GpuView, host: HostView, settings: PolicySettings) -> Outcome:
        """Count the lives in which they came."""
        now = XidSeen(self.codes, asks_for_reset=True)(gpu, host, settings)
        return now if not isinstance(now, Match) or self.came_in(gpu, host) else Answer.NO

    def came_in(self, gpu: GpuView, host: HostView) -> bool:
        """Whether they came in enough lives before this one."""
        lives = {
            trace.resets_since
            for trace in _of(gpu, self.codes)
            if host.now.wall - trace.last_at < AGAIN_SECONDS
        }
        return len(lives - {0}) >= self.lives - 1


_FIRMWARE_AGAIN = XidAgain(FIRMWARE, SEVERAL)


def firmware_fault(gpu: GpuView, host: HostView, settings: PolicySettings) -> Outcome:
    """Xid 46, 62, 119, 120, 143 or 158; 109 or 110 when the driver asks too, or it came again."""
    if not gpu.record.traces:
        return Answer.NO
    sure = XidSeen(FIRMWARE, asks_for_reset=True)(gpu, host, settings)
    doubtful = fresh(gpu, host, DOUBTFUL, reset=True)
    if isinstance(sure, Match) or not doubtful:
        return sure
    span = max(one.last_at for one in doubtful) - min(one.first_at for one in doubtful)
    again = span >= REPEAT_SECONDS
    return _told(doubtful) if again or word_of(gpu) is Word.ASKS else Answer.NO


def firmware_fault_again(gpu: GpuView, host: HostView, settings: PolicySettings) -> Outcome:
    """The same, after it came in two lives of the GPU before: two resets did not help."""
    now = firmware_fault(gpu, host, settings)
    return now if not isinstance(now, Match) or _FIRMWARE_AGAIN.came_in(gpu, host) else Answer.NO


def nvlink_fault(gpu: GpuView, host: HostView, _settings: PolicySettings) -> Outcome:
    """An NVLink error for which NVIDIA wants a reset and the driver agrees or cannot be asked.

    Xid 74, which has no such table, counts when the driver asks for a recovery.
    """
    found = fresh(gpu, host, NVLINK, reset=True)
    word = word_of(gpu) if found else Word.ASKS_NOTHING
    if word is Word.NOT_READ_YET:
        return Answer.CANNOT_TELL
    wanted = _WANTED_IN_AN_NVLINK_FAULT.get(word, frozenset())
    return _told([trace for trace in found if trace.advice in wanted])


def nvlink_suspect(gpu: GpuView, host: HostView, _settings: PolicySettings) -> Outcome:
    """An NVLink error that NVIDIA's table does not tell to ignore."""
    return _told([one for one in fresh(gpu, host, NVLINK) if one.advice in _SUSPECT])


def other_wants_reset(gpu: GpuView, host: HostView, _settings: PolicySettings) -> Outcome:
    """Another Xid in NVIDIA's bucket of resets; the driver agrees or cannot be asked."""
    found = [one for one in _others(gpu, host, reset=True) if one.advice in _RESETS]
    word = word_of(gpu) if found else Word.ASKS_NOTHING
    if word is Word.NOT_READ_YET:
        return Answer.CANNOT_TELL
    return Answer.NO if word is Word.ASKS_NOTHING else _told(found)


def other_wants_support(gpu: GpuView, host: HostView, _settings: PolicySettings) -> Outcome:
    """Another Xid for which NVIDIA's catalog names its support, or of which it says nothing."""
    wanted = (XidAdvice.CONTACT_SUPPORT, XidAdvice.UNKNOWN)
    return _told([one for one in _others(gpu, host) if one.advice in wanted])


def other_noted(gpu: GpuView, host: HostView, _settings: PolicySettings) -> Outcome:
    """An Xid that asks nothing urgent, or a reset for which the driver does not ask."""
    wanted = _RESETS | {XidAdvice.NOTHING_URGENT}
    others = [one for one in _others(gpu, host) if one.advice in wanted]
    links = [one for one in fresh(gpu, host, NVLINK) if one.advice is XidAdvice.NOTHING_URGENT]
    return _told([*others, *links, *fresh(gpu, host, DOUBTFUL)])


def from_one_gpu(gpu: GpuView, host: HostView, _settings: PolicySettings) -> Outcome:
    """Xid 13 or 31 on this GPU alone, by 3 processes on 3 days of the last 30."""
    if not gpu.record.traces or len(host.gpus) == 1:
        return Answer.NO
    found = _lately(gpu, host)
    processes = {trace.process for trace in found if trace.process}
    days = {trace.last_at // SECONDS_PER_DAY for trace in found if trace.process}
    if len(processes) < SEVERAL or len(days) < SEVERAL:
        return Answer.NO
    siblings = (other for other in host.gpus if other.uuid != gpu.uuid)
    if any(_lately(sibling, host) for sibling in siblings):
        return Answer.NO
    last = max(trace.last_at for trace in found)
    return Match(facts={"processes": str(len(processes)), "days": str(len(days))}, evidence_at=last)


def switch_fatal(host: HostView, _settings: PolicySettings) -> Outcome:
    """An NVSwitch reported an error that it calls fatal."""
    return _told([one for one in _switch(host) if one.advice in _RESETS], name="SXid")


def switch_noted(host: HostView, _settings: PolicySettings) -> Outcome:
    """An NVSwitch reported an error that it does not call fatal."""
    return _told([one for one in _switch(host) if one.advice not in _RESETS], name="SXid")


def fresh(
    gpu: GpuView, host: HostView, codes: Collection[int], *, reset: bool = False
) -> list[XidTrace]:
    """What counts of these Xids; with `reset` also older ones while the driver asks for one."""
    found = _of(gpu, codes) if gpu.record.traces else ()
    alive = [trace for trace in found if not trace.resets_since]
    if reset and alive and word_of(gpu) is Word.ASKS:
        return alive
    return [trace for trace in alive if host.now.wall - trace.last_at < SECONDS_PER_DAY]


def _others(gpu: GpuView, host: HostView, *, reset: bool = False) -> list[XidTrace]:
    """What counts of the Xids that no other rule looks at."""
    if not gpu.record.traces:
        return []
    return fresh(gpu, host, gpu.record.traces.keys() - OF_OTHER_RULES, reset=reset)


def _of(gpu: GpuView, codes: Collection[int]) -> Iterable[XidTrace]:
    traces = gpu.record.traces
    return (trace for code in sorted(codes) for trace in traces.get(code, ()))


def _lately(gpu: GpuView, host: HostView) -> list[XidTrace]:
    return [
        trace
        for trace in _of(gpu, FROM_PROGRAMS)
        if host.now.wall - trace.last_at < ONE_GPU_SECONDS
    ]


def _switch(host: HostView) -> list[XidTrace]:
    return [
        trace
        for traces in host.switch_errors.values()
        for trace in traces
        if not trace.resets_since and host.now.wall - trace.last_at < SECONDS_PER_DAY
    ]


def _listed(codes: Iterable[int]) -> str:
    *first, last = (str(code) for code in sorted(codes))
    return f"{', '.join(first)} or {last}" if first else last


def _told(found: Sequence[XidTrace], name: str = "Xid") -> Outcome:
    """The facts of what was found, the latest occurrence first in importance; NO for nothing."""
    if not found:
        return Answer.NO
    codes = sorted({trace.code for trace in found})
    latest = max(found, key=lambda trace: trace.last_at)
    times = sum(trace.count for trace in found)
    when = datetime.fromtimestamp(latest.last_at, UTC)
    often = "once, on" if times == 1 else f"{times} times, last on"
    where = f" ({latest.subcode})" if latest.subcode else ""
    facts = {
        "xids": f"{name} {', '.join(map(str, codes))}{where}",
        "often": f"{often} {when:%Y-%m-%d %H:%M} UTC",
        "process": latest.process or "no process named",
    }
    return Match(facts=facts, evidence_at=latest.last_at)
