"""SRAM: what root handed over of the GPUs' SRAM, put where the agent itself was refused."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import structlog

from gpuwatch.domain.moments import Moment
from gpuwatch.domain.readings import Gap, GapReason, Sweep, Value
from gpuwatch.domain.signals import Cadence, Signal
from gpuwatch.domain.snapshot import SourceState
from gpuwatch.sources.sram_counts import CountsRefused, SramCounts, read

log = structlog.get_logger("gpuwatch.sram")

FRESH_SECONDS = 900.0  # its timer writes every five minutes
_ROOT = 0
_NAME = "sram"
_CADENCES = frozenset({Cadence.SLOW, Cadence.RARE})  # of privileged rows
_UNIT = "systemctl status gpuwatch-sram.timer gpuwatch-sram.service"


@dataclass(slots=True)
class HandedCounts:
    """The counts at `path`; None: nobody hands any over. No source as long as there is no file."""

    path: Path | None = None
    _counts: SramCounts | None = None
    _problem: str = ""
    _trace: tuple[int, int] | None = None
    _now: Moment | None = None

    def look(self, now: Moment) -> None:
        """Take up the file when it is another than at the last look."""
        self._now = now
        if self.path is None:
            return
        try:
            file = self.path.lstat()
            trace = (file.st_ino, file.st_mtime_ns)
            if trace != self._trace:
                self._trace = trace
                self._counts = read(self.path, now, {_ROOT, os.geteuid()})
                self._problem = ""
        except OSError:
            self._trace = self._counts = None
            self._problem = ""
        except CountsRefused as refused:
            self._counts = None
            self._problem = str(refused)
            log.warning("sram-counts-refused", why=self._problem, limit_by=("why",))

    def states(self, now: Moment) -> tuple[SourceState, ...]:
        """How it is doing, once somebody hands over; its success is when the driver was asked."""
        if self._trace is None:
            return ()
        if self._counts is None:
            problem = f"{self._problem}; see {_UNIT}"
            return (
                SourceState(name=_NAME, up=False, fresh=False, required=False, problem=problem),
            )
        age = now.boottime - self._counts.boottime
        fresh = age <= FRESH_SECONDS
        old = f"the driver was last asked {age / 60:.0f} minutes ago; see {_UNIT}"
        return (
            SourceState(
                name=_NAME,
                # Old ones are no source. It is told as one that is down, with time to come back:
                # root asks nothing while the driver is let go of, nor for five minutes after.
                up=fresh,
                fresh=fresh,
                required=False,
                last_success=now.wall - age,
                problem="" if fresh else old,
            ),
        )

    def fill(self, sweep: Sweep) -> Sweep:
        """The sweep with fresh counts where the driver denied them to the agent."""
        counts = self._counts
        if counts is None or self._now is None or not sweep.cadences & _CADENCES:
            return sweep
        told = counts.gpus.get(sweep.board.uuid)
        if told is None or self._now.boottime - counts.boottime > FRESH_SECONDS:
            return sweep
        return replace(sweep, values=tuple(_filled(signal, value, told) for signal, value in sweep))


def _filled(signal: Signal, value: Value | Gap, told: Mapping[str, int]) -> Value | Gap:
    denied = type(value) is Gap and value.reason is GapReason.DENIED
    return told.get(signal.key, value) if denied and signal.privileged else value
