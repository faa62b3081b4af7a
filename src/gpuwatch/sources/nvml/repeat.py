"""Repeat: one call for each link or fan of a device, made into one answer."""
# ruff: noqa: ANN401 - what the binding answers has no type of its own

from collections.abc import Iterator, Sequence
from typing import Any

import pynvml

from gpuwatch.sources.nvml.binding import Ask
from gpuwatch.sources.nvml.calls import Lane, Mark

# Of one link among several: it is not there or not up, which is no error of the device.
LINK_IS_DOWN = frozenset(
    {
        pynvml.NVML_ERROR_NOT_SUPPORTED,
        pynvml.NVML_ERROR_INVALID_ARGUMENT,
        pynvml.NVML_ERROR_NOT_FOUND,
        pynvml.NVML_ERROR_INVALID_STATE,
    }
)
Coded = tuple[int, int | float]  # an error code, or 0 and the value


def link_sum(answers: Iterator[Coded]) -> Coded:
    """The sum over the links that are up; a code where no link tells.

    A link that is down counts 0. Any other error hides the sum: a part of it is no reading.
    """
    total: int | float = 0
    told, down = False, pynvml.NVML_ERROR_NOT_SUPPORTED
    for code, value in answers:
        if not code:
            told = True
            total += value
        elif code in LINK_IS_DOWN:
            down = code
        else:
            return code, 0
    return (0, total) if told else (down, 0)


def sum_over_links(asks: Sequence[Ask], lane: Lane, mark: Mark) -> Ask:
    """The call that asks each link and answers their sum. Raises NVMLError where none tells."""

    def coded() -> Iterator[Coded]:
        for ask in asks:
            lane.enter(mark)
            try:
                yield 0, ask()
            except pynvml.NVMLError as error:
                yield error.value, 0

    def ask() -> int | float:
        code, total = link_sum(coded())
        if code:
            raise pynvml.NVMLError(code)
        return total

    return ask


def largest(asks: Sequence[Ask], lane: Lane, mark: Mark) -> Ask:
    """The call that asks each in turn and answers the largest; one that fails fails it."""

    def one(ask: Ask) -> Any:
        lane.enter(mark)
        return ask()

    return lambda: max(map(one, asks))
