"""Answers: what sweeps of one table have in common, and their answers row by row when asked."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import overload

from gpuwatch.domain.readings import Sweep
from gpuwatch.domain.signals import OWNING_ROLES, Cadence, Signal
from gpuwatch.domain.snapshot import Latest
from gpuwatch.policy.rules import is_needed

_Rows = tuple[tuple[int, Signal], ...]


class Answers(Sequence[Latest]):
    """The answers of some sweeps, made when somebody reads them: most sweeps nobody reads.

    `wall_offset` is Unix seconds at CLOCK_BOOTTIME zero. Sweeps never change, so that a reader in
    another thread finds what was there when it was handed over.
    """

    __slots__ = ("_made", "_sweeps", "_wall_offset")

    def __init__(self, sweeps: tuple[tuple[Cadence, Sweep], ...], wall_offset: float) -> None:
        self._sweeps = sweeps
        self._wall_offset = wall_offset
        self._made: tuple[Latest, ...] | None = None

    @overload
    def __getitem__(self, index: int) -> Latest: ...

    @overload
    def __getitem__(self, index: slice) -> Sequence[Latest]: ...

    def __getitem__(self, index: int | slice) -> Latest | Sequence[Latest]:
        return self._all()[index]

    def __iter__(self) -> Iterator[Latest]:
        return iter(self._all())

    def __len__(self) -> int:
        return len(self._all())

    def _all(self) -> tuple[Latest, ...]:
        if self._made is None:
            self._made = tuple(
                Latest(signal, sweep.values[place], at)
                for cadence, sweep in self._sweeps
                for at in (self._wall_offset + sweep.at.boottime,)
                for place, signal in shape_of(sweep.signals).rows[cadence]
            )
        return self._made


@dataclass(frozen=True, slots=True)
class Shape:
    """What every sweep of one table has in common: rows by cadence, telling places.

    `keys` are the rows' keys, made once: they are looked up at every sweep.
    """

    signals: tuple[Signal, ...]
    rows: Mapping[Cadence, _Rows]
    keys: Mapping[Cadence, tuple[tuple[int, str], ...]]
    owning: tuple[int, ...]
    needed: tuple[int, ...]


_SHAPES: dict[int, Shape] = {}


def shape_of(signals: tuple[Signal, ...]) -> Shape:
    """What is common to sweeps of these rows; computed once per table."""
    found = _SHAPES.get(id(signals))
    if found is None or found.signals is not signals:
        rows = {
            cadence: tuple(
                (place, signal) for place, signal in enumerate(signals) if signal.every is cadence
            )
            for cadence in Cadence
        }
        keys = {
            cadence: tuple((place, signal.key) for place, signal in told)
            for cadence, told in rows.items()
        }
        owning = tuple(at for at, signal in enumerate(signals) if signal.role in OWNING_ROLES)
        needed = tuple(at for at, signal in enumerate(signals) if is_needed(signal))
        found = _SHAPES[id(signals)] = Shape(signals, rows, keys, owning, needed)
    return found
