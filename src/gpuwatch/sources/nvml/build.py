"""Build: from rows of the table to the plan of one device, under one driver."""

from collections.abc import Callable, Iterator, Sequence

import pynvml

from gpuwatch.domain.signals import Call, Field, Moved, PerFan, PerLink, Query, Signal, SramBanks
from gpuwatch.sources.nvml.absences import UNSUPPORTED, Absence, Answer, absence
from gpuwatch.sources.nvml.binding import Ask, bind, bind_banks, field_number, take_of
from gpuwatch.sources.nvml.calls import Lane, Mark
from gpuwatch.sources.nvml.fields import FUNCTION, FieldBatch
from gpuwatch.sources.nvml.gpu import Count, Gpu
from gpuwatch.sources.nvml.plan import Batch, Place, Plan, Step
from gpuwatch.sources.nvml.readers import reader
from gpuwatch.sources.nvml.repeat import largest, sum_over_links
from gpuwatch.sources.nvml_signals import CANARY

Combine = Callable[[Sequence[Ask], Lane, Mark], Ask]
_NOT_IN_BINDING = absence(pynvml.NVML_ERROR_FUNCTION_NOT_FOUND)


def build(gpu: Gpu, rows: Sequence[Signal], driver: tuple[int, ...], lane: Lane) -> Plan:
    """The plan that answers `rows` for `gpu`."""
    builder = _Builder(gpu, driver, lane)
    blank: list[Answer | None] = [builder.add(at, row) for at, row in enumerate(rows)]
    steps = list(builder.steps(blank))
    return Plan(lane, blank, steps, builder.batch(len(rows)))


class _Builder:
    def __init__(self, gpu: Gpu, driver: tuple[int, ...], lane: Lane) -> None:
        self._gpu = gpu
        self._driver = driver
        self._lane = lane
        self._calls: dict[Query, list[Place]] = {}
        self._singles: list[tuple[Place, tuple[int, int]]] = []
        self._sums: list[tuple[Place, int]] = []

    def add(self, at: int, row: Signal) -> Answer | None:
        """Take a row in. What it answers where that is known without asking, else None."""
        place = Place(at, reader(row, take_of(row)), row.answers)
        match row.query:
            case Field() | Moved() as query:
                number = field_number(query, self._driver)
                if number is None:
                    return UNSUPPORTED
                self._singles.append((place, number))
            case PerLink(query=Field() as field):
                number = field_number(field, self._driver)
                if number is None or not self._gpu.links.number:
                    return _none_of(self._gpu.links)
                self._sums.append((place, number[0]))
            case PerLink() if not self._gpu.links.number:
                return _none_of(self._gpu.links)
            case PerFan() if not self._gpu.fans.number:
                return _none_of(self._gpu.fans)
            case query:
                self._calls.setdefault(query, []).append(place)
        return None

    def batch(self, row_count: int) -> Batch:
        """All fields in one call; the canary, whose value nobody reads, where there are none."""
        links = range(self._gpu.links.number)
        singles = list(self._singles)
        number = field_number(CANARY, self._driver)
        if not singles and number is not None:
            singles.append((Place(row_count, lambda answer: answer), number))
        asked = [field for _, field in singles]
        asked += [(number, link) for _, number in self._sums for link in links]
        return Batch(
            self._lane.marker(self._gpu.pci, FUNCTION),
            FieldBatch(self._gpu.handle, asked),
            tuple(place for place, _ in singles),
            tuple(place for place, _ in self._sums),
            len(links),
        )

    def steps(self, blank: list[Answer | None]) -> Iterator[Step]:
        """A step for each distinct call; rows of a call that the binding lacks are filled in."""
        for query, places in self._calls.items():
            function, ask = self._bind(query)
            if ask is None:
                for place in places:
                    blank[place.at] = _NOT_IN_BINDING
            else:
                yield Step(self._lane.marker(self._gpu.pci, function), ask, tuple(places))

    def _bind(self, query: Query) -> tuple[str, Ask | None]:
        handle = self._gpu.handle
        match query:
            case Call():
                return query.function, bind(query, handle)
            case SramBanks():
                return query.function, bind_banks(query, handle)
            case PerLink(query=Call() as call):
                return call.function, self._over(call, self._gpu.links.number, sum_over_links)
            case PerFan(query=call):
                return call.function, self._over(call, self._gpu.fans.number, largest)
            case _:
                raise ValueError(f"{query} is no call")

    def _over(self, call: Call, number: int, combine: Combine) -> Ask | None:
        asks = [bind(call, self._gpu.handle, each) for each in range(number)]
        bound = [ask for ask in asks if ask is not None]
        if len(bound) < number:
            return None
        return combine(bound, self._lane, self._lane.marker(self._gpu.pci, call.function))


def _none_of(count: Count) -> Absence:
    """Why a device that has none of something, or does not say, has no value for it."""
    return absence(count.code) if count.code else UNSUPPORTED
