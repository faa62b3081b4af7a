"""Past: what was known of boards at an earlier instant, rebuilt from what is remembered now.

Nothing that came to light later is in it: an error that was found after a blind gap is known from
the end of the gap on, wherever in it the error is dated.
"""

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from gpuwatch.domain.incidents import Incident
from gpuwatch.domain.records import BoardRecord, BoardState, Held, Transition
from gpuwatch.domain.xids import XidTrace


@dataclass(frozen=True, slots=True, kw_only=True)
class BoardPast:
    """One board: its record as it stands, and when the things in it happened (Unix seconds).

    `transitions` are the values that signals kept by their changes took, `resets` the evidenced
    resets; both in time order.
    """

    record: BoardRecord
    transitions: tuple[Transition, ...] = ()
    resets: tuple[float, ...] = ()

    def instants(self) -> Iterator[float]:
        """When something about this board came to be known."""
        yield self.record.first_seen
        yield from self.record.off_bus_at
        yield from self.resets
        yield from (transition.at for transition in self.transitions)
        for traces in self.record.traces.values():
            yield from (at for trace in traces for at in (trace.first_at, trace.last_at))
        for incident in self.record.incidents:
            yield from (signal.latest for signal in incident.signals)

    def at(self, instant: float) -> BoardRecord | None:
        """The record of that instant; None before the board was seen and after it had left."""
        record = self.record
        left = record.state is BoardState.LEFT and instant > record.last_seen
        if instant < record.first_seen or left:
            return None
        resets = self.resets[: bisect_right(self.resets, instant)]
        reset = resets[-1] if resets else None
        known = [_known(incident, instant) for incident in record.incidents]
        incidents = tuple(incident for incident in known if incident is not None)
        falls = tuple(at for at in record.off_bus_at if at <= instant)
        fell = bool(falls) and (reset is None or reset < falls[-1])
        return replace(
            record,
            state=BoardState.PRESENT,
            last_seen=min(record.last_seen, instant),
            exposure_seconds=self.exposure(instant),
            incidents=incidents,
            traces=self._traces(instant),
            held=self._held(instant, reset),
            last_reset_at=reset,
            off_bus_at=falls,
            fell_at=falls[-1] if fell else None,
            reset_since_incident=bool(incidents)
            and reset is not None
            and reset > incidents[-1].last_at,
            judged_from=0.0,
        )

    def _traces(self, instant: float) -> dict[int, tuple[XidTrace, ...]]:
        """What was known of Xids; of a trace that went on, that it had begun."""
        return {
            code: tuple(
                replace(
                    trace,
                    count=trace.count if trace.last_at <= instant else 1,
                    last_at=trace.last_at if trace.last_at <= instant else trace.first_at,
                    resets_since=self._resets_between(trace.first_at, instant),
                )
                for trace in traces
                if trace.first_at <= instant
            )
            for code, traces in self.record.traces.items()
        }

    def _resets_between(self, start: float, end: float) -> int:
        return bisect_right(self.resets, end) - bisect_right(self.resets, start)

    def _held(self, instant: float, reset: float | None) -> dict[str, Held]:
        held: dict[str, Held] = {}
        for transition in self.transitions:
            if transition.at <= instant:
                since = reset is not None and reset > transition.at
                held[transition.key] = Held(transition.value, transition.at, since)
        return held

    def exposure(self, instant: float) -> float:
        """The exposure clock then: exact at every incident, in between a straight line."""
        record = self.record
        marks = [
            (record.first_seen, 0.0),
            *((incident.opened_at, incident.opened_exposure) for incident in record.incidents),
            (record.last_seen, record.exposure_seconds),
        ]
        return _on_line(sorted(marks), instant)


@dataclass(frozen=True, slots=True, kw_only=True)
class HostPast:
    """All boards of a host and what happened to it as a whole, in time order, in Unix seconds.

    `epochs` are when each driver epoch was met, and the driver's version; `unattributed` when
    echoes without an owner were given up.
    """

    boards: tuple[BoardPast, ...]
    epochs: tuple[tuple[float, str], ...] = ()
    unattributed: tuple[float, ...] = ()

    def instants(self) -> Iterator[float]:
        """When something came to be known."""
        yield from (at for at, _ in self.epochs)
        yield from self.unattributed
        for board in self.boards:
            yield from board.instants()

    def driver(self, instant: float) -> str:
        """The driver's version then; "" before any was known."""
        return next((version for at, version in reversed(self.epochs) if at <= instant), "")


def _known(incident: Incident, instant: float) -> Incident | None:
    """What was known of an incident then; None when none of its owning signals was."""
    signals = [signal for signal in incident.signals if signal.latest <= instant]
    owners = [signal for signal in signals if not signal.is_echo]
    if not owners:
        return None
    anchor = incident.anchor if incident.anchor in owners else owners[0]
    rest = [signal for signal in signals if signal is not owners[0]]
    return replace(
        incident,
        opened_at=anchor.at,
        opened_exposure=anchor.exposure,
        signals=(owners[0], *rest),
    )


def _on_line(marks: Sequence[tuple[float, float]], at: float) -> float:
    """The value on the line through `marks`, in order, at or after the first; held at its end."""
    after = bisect_right([mark for mark, _ in marks], at)
    if after == len(marks):
        return marks[-1][1]
    (start, low), (end, high) = marks[after - 1], marks[after]
    return low + (high - low) * (at - start) / (end - start)
