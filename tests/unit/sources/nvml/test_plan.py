"""A plan runs its calls and puts each answer, or why there is none, where its row is."""

import os
from collections.abc import Callable, Iterator
from typing import Any

import pynvml
import pytest

from gpuwatch.sources.nvml.absences import Answer
from gpuwatch.sources.nvml.calls import Lane
from gpuwatch.sources.nvml.plan import Batch, Place, Plan, Step
from gpuwatch.sources.wire import Progress, ProgressPage

GPU = "0000:1b:00.0"


class _Fields:
    """A field batch whose answers the test names: an error of the whole, or (code, value) each."""

    def __init__(self, answers: list[tuple[int, int]], error: int = 0) -> None:
        self._answers = answers
        self._error = error

    def ask(self) -> Iterator[tuple[int, int | float]]:
        if self._error:
            raise pynvml.NVMLError(self._error)
        return iter(self._answers)


@pytest.fixture(name="lane")
def _lane() -> Iterator[Lane]:
    page, descriptor = ProgressPage.create()
    os.close(descriptor)
    yield Lane(page, lambda: None)
    page.close()


def _step(lane: Lane, ask: Callable[[], Any], *places: Place) -> Step:
    return Step(lane.marker(GPU, "nvmlDeviceGetExample"), ask, places)


def _at(place: int, read: Callable[[Any], Answer] = lambda answer: answer) -> Place:
    return Place(place, read)


def _batch(lane: Lane, fields: _Fields, singles: int, sums: int = 0, links: int = 0) -> Batch:
    places = [_at(number) for number in range(singles + sums)]
    mark = lane.marker(GPU, "nvmlDeviceGetFieldValues")
    return Batch(mark, fields, tuple(places[:singles]), tuple(places[singles:]), links)


def _fail(error: Exception) -> Callable[[], Any]:
    def ask() -> None:
        raise error

    return ask


def test_rows_of_one_call_share_its_answer(lane: Lane) -> None:
    """One call, two values, and the fields beside it."""
    step = _step(lane, lambda: [31, 62], _at(1, lambda a: a[1]), _at(2, lambda a: a[0]))
    plan = Plan(lane, [None] * 3, [step], _batch(lane, _Fields([(0, 5)]), 1))

    assert plan.run() == [5, 62, 31]


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (pynvml.NVMLError(3), ("unsupported", 3)),
        (pynvml.NVMLError(4), ("denied", 4)),
        (pynvml.NVMLError(16), ("failed", 16)),
        (pynvml.NVMLLibraryMismatchError("old"), ("unsupported", 13)),
        (UnicodeDecodeError("utf-8", b"\xb8", 0, 1, "start byte"), ("failed", None)),
    ],
)
def test_an_error_costs_only_its_rows(
    lane: Lane, error: Exception, expected: tuple[str, int | None]
) -> None:
    """The call before and the call after it answer."""
    steps = [
        _step(lane, lambda: 10, _at(1)),
        _step(lane, _fail(error), _at(2), _at(3)),
        _step(lane, lambda: 40, _at(4)),
    ]
    plan = Plan(lane, [None] * 5, steps, _batch(lane, _Fields([(0, 5)]), 1))

    assert plan.run() == [5, 10, expected, expected, 40]


def test_a_refused_field_costs_only_itself(lane: Lane) -> None:
    """The second of three fields has its own return code."""
    fields = _Fields([(0, 5), (3, 0), (0, 7)])

    assert Plan(lane, [None] * 3, [], _batch(lane, fields, 3)).run() == [5, ("unsupported", 3), 7]


def test_a_refused_batch_costs_all_fields_and_no_call(lane: Lane) -> None:
    """A driver without the symbol still answers its calls."""
    step = _step(lane, lambda: 31, _at(2))
    plan = Plan(lane, [None] * 3, [step], _batch(lane, _Fields([], error=13), 2))

    assert plan.run() == [("unsupported", 13), ("unsupported", 13), 31]


def test_fields_of_links_are_summed_behind_the_others(lane: Lane) -> None:
    """Two fields for each of three links; the third link is down."""
    fields = _Fields([(0, 5), (0, 1), (0, 2), (3, 0), (0, 10), (0, 20), (3, 0)])

    assert Plan(lane, [None] * 3, [], _batch(lane, fields, 1, 2, 3)).run() == [5, 3, 30]


def test_a_lost_gpu_is_lost_in_every_row(lane: Lane) -> None:
    """One getter still answers from its cache; another says that the GPU is lost."""
    steps = [
        _step(lane, lambda: "NVIDIA H100", _at(1)),
        _step(lane, _fail(pynvml.NVMLError(15)), _at(2)),
    ]
    plan = Plan(lane, [None] * 3, steps, _batch(lane, _Fields([(0, 5)]), 1))

    assert plan.run() == [("lost", 15)] * 3


def test_a_lost_field_is_a_lost_gpu_and_nothing_more_is_asked(lane: Lane) -> None:
    """The batch succeeds on a lost GPU; only its values say so."""
    asked: list[str] = []
    step = _step(lane, lambda: asked.append("call"), _at(2))
    plan = Plan(lane, [None] * 3, [step], _batch(lane, _Fields([(0, 5), (15, 0)]), 2))

    assert plan.run() == [("lost", 15)] * 3
    assert asked == []


def test_the_canary_finds_a_lost_gpu_behind_cached_answers(lane: Lane) -> None:
    """A sweep of names alone asks one live field, which has no row."""
    step = _step(lane, lambda: "NVIDIA H100", _at(0))
    lost = _batch(lane, _Fields([(15, 0)]), 1)
    alive = _batch(lane, _Fields([(0, 9)]), 1)
    behind = [Batch(b.mark, b.fields, (_at(1),), (), 0) for b in (lost, alive)]

    answers = [Plan(lane, [None], [step], batch).run() for batch in behind]

    assert answers == [[("lost", 15)], ["NVIDIA H100"]]


def test_an_error_code_may_be_an_answer(lane: Lane) -> None:
    """A corrupted InfoROM is what the validation found, not a failure to find it."""
    place = Place(1, lambda _: 1, answers=((14, 0),))
    step = _step(lane, _fail(pynvml.NVMLError(14)), place)

    assert Plan(lane, [None] * 2, [step], _batch(lane, _Fields([(0, 5)]), 1)).run() == [5, 0]


def test_what_is_known_without_asking_is_said_every_time(lane: Lane) -> None:
    """A field that this driver must not be asked."""
    known: list[Answer | None] = [None, ("unsupported", None)]
    plan = Plan(lane, known, [], _batch(lane, _Fields([(0, 5)]), 1))

    assert plan.run() == [5, ("unsupported", None)]


def test_the_page_names_the_call_while_it_is_under_way(lane: Lane) -> None:
    """And nothing between the sweeps."""
    seen: list[Progress | None] = []
    step = _step(lane, lambda: seen.append(lane.page.read()), _at(1, lambda _: 0))

    Plan(lane, [None] * 2, [step], _batch(lane, _Fields([(0, 5)]), 1)).run()

    assert [(each.device, each.function) for each in seen if each] == [
        (GPU, "nvmlDeviceGetExample")
    ]
    assert lane.page.read() is None
