"""Plan: the calls of one device's sweep, worked out once and then only run."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import pynvml

from gpuwatch.sources.nvml.absences import (
    LOST,
    LOST_CODE,
    UNREADABLE,
    Absence,
    Answer,
    absence,
    field_absence,
)
from gpuwatch.sources.nvml.calls import Lane, Mark
from gpuwatch.sources.nvml.readers import Reader
from gpuwatch.sources.nvml.repeat import link_sum


@dataclass(frozen=True, slots=True)
class Place:
    """Where a row's answer goes in the sweep, how it is read, and which codes are answers."""

    at: int
    read: Reader
    answers: tuple[tuple[int, int], ...] = ()


@dataclass(frozen=True, slots=True)
class Step:
    """One call and the rows that it answers. `ask` raises NVMLError."""

    mark: Mark
    ask: Callable[[], Any]
    places: tuple[Place, ...]


class Fields(Protocol):
    """What a batch needs of its fields."""

    def ask(self) -> Iterator[tuple[int, int | float]]:
        """A return code and a value for each. Raises NVMLError when the whole fails."""
        ...


@dataclass(frozen=True, slots=True)
class Batch:
    """The field batch: first one value for each of `singles`, then `links` for each of `sums`."""

    mark: Mark
    fields: Fields
    singles: tuple[Place, ...]
    sums: tuple[Place, ...]
    links: int


class GpuLost(Exception):  # noqa: N818 - says what happened
    """One answer said that the GPU is lost: then none of the others means anything."""


class Plan:
    """One device, some cadences. `blank` holds what is known without asking, a place per row."""

    def __init__(
        self, lane: Lane, blank: Sequence[Answer | None], steps: Sequence[Step], batch: Batch
    ) -> None:
        self._lane = lane
        self._rows = len(blank)
        self._blank = [*blank, None]  # one place more, for the canary
        self._steps = tuple(steps)
        self._batch = batch

    def run(self) -> list[Answer | None]:
        """Ask everything: a value or an absence for each row, in table order.

        A lost GPU is lost in every row, whichever call said so first: some getters go on answering
        from a cache. The fields are asked first, because they do not.
        """
        values = self._blank.copy()
        try:
            self._ask_fields(self._batch, values)
            for step in self._steps:
                self._ask(step, values)
        except GpuLost:
            return [LOST] * self._rows
        finally:
            self._lane.leave()
        return values[: self._rows]

    def _ask(self, step: Step, values: list[Answer | None]) -> None:
        self._lane.enter(step.mark)
        try:
            answer = step.ask()
            for place in step.places:
                values[place.at] = place.read(answer)
        except pynvml.NVMLError as error:
            _set_failed(step.places, values, error.value)
        except pynvml.NVMLLibraryMismatchError:
            _set_failed(step.places, values, pynvml.NVML_ERROR_FUNCTION_NOT_FOUND)
        except UnicodeDecodeError:
            _set(step.places, values, UNREADABLE)

    def _ask_fields(self, batch: Batch, values: list[Answer | None]) -> None:
        self._lane.enter(batch.mark)
        try:
            answers = batch.fields.ask()
        except pynvml.NVMLError as error:
            _set_failed((*batch.singles, *batch.sums), values, error.value)
            return
        for place, (code, value) in zip(batch.singles, answers, strict=False):
            values[place.at] = _field_lost_or(code) if code else place.read(value)
        rest = list(answers)
        for number, place in enumerate(batch.sums):
            links = rest[number * batch.links : (number + 1) * batch.links]
            code, total = link_sum(iter(links))
            values[place.at] = _field_lost_or(code) if code else place.read(total)


def _field_lost_or(code: int) -> Absence:
    if code == LOST_CODE:
        raise GpuLost
    return field_absence(code)


def _set_failed(places: Iterable[Place], values: list[Answer | None], code: int) -> None:
    if code == LOST_CODE:
        raise GpuLost
    missing = absence(code)
    for place in places:
        values[place.at] = dict(place.answers).get(code, missing)


def _set(places: Iterable[Place], values: list[Answer | None], answer: Answer) -> None:
    for place in places:
        values[place.at] = answer
