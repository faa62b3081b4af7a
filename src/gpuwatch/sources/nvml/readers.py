"""Readers: from what a call answered to the value of one row, compiled once per row."""
# ruff: noqa: ANN401 - what the binding answers has no type of its own

import ctypes
from collections.abc import Callable
from operator import attrgetter, itemgetter
from typing import Any

from gpuwatch.domain.signals import Kind, Signal
from gpuwatch.sources.nvml.absences import UNSUPPORTED, Answer

Take = Callable[[Any], Any]
Reader = Callable[[Any], Answer]


def taker(pick: int | str | None) -> Take | None:
    """What takes `pick` out of an answer; None when the answer is the value itself."""
    if pick is None:
        return None
    return attrgetter(pick) if isinstance(pick, str) else itemgetter(pick)


def raw_taker(structure: type[ctypes.Structure], pick: str) -> Take:
    """What takes a character, as a number, or characters, as bytes, out of a structure.

    The binding's structures decode as UTF-8 what is read of them by name, and some boards have
    other bytes there: so by the member's own descriptor.
    """
    member = getattr(structure, pick)
    if member.size == 1:
        return lambda answer: member.__get__(answer, structure)[0]
    return lambda answer: member.__get__(answer, structure)


def reader(row: Signal, take: Take | None) -> Reader:
    """The reader of a row whose raw value `take` finds (None: the answer itself).

    The common shapes are functions of their own: they run for every value of every sweep.
    """
    if row.kind is Kind.TEXT:
        return _given(row, _text(take))
    if row.bit is not None:
        return _bit(row.bit)
    if row.bits is not None or row.equals or row.least is not None or row.answers:
        return _given(row, _refined(row, take))
    return _given(row, _plain(row.absent, take))


def _plain(absent: tuple[int, ...], take: Take | None) -> Reader:
    if take is None:
        return lambda answer: UNSUPPORTED if answer in absent else answer

    def read(answer: Any) -> Answer:
        raw: Answer = take(answer)
        return UNSUPPORTED if raw in absent else raw

    return read


def _bit(mask: int) -> Reader:
    return lambda answer: 1 if answer & mask else 0


def _text(take: Take | None) -> Reader:
    def read(answer: Any) -> Answer:
        raw = answer if take is None else take(answer)
        if isinstance(raw, bytes):
            # Some boards have bytes beyond ASCII in these: kept visibly, never dropped.
            return raw.decode("ascii", "backslashreplace")
        if isinstance(raw, list):  # retired pages, each with its address and when
            return " ".join(str(at) for at in sorted(page["timestamp"] for page in raw))
        return raw if isinstance(raw, str | int) else UNSUPPORTED

    return read


def _refined(row: Signal, take: Take | None) -> Reader:
    shift, mask = row.bits or (0, -1)

    def read(answer: Any) -> Answer:
        raw = answer if take is None else take(answer)
        if raw is None:  # a call that says nothing but "fine"
            return 1
        raw = (raw >> shift) & mask
        if raw in row.absent or (row.least is not None and raw < row.least):
            return UNSUPPORTED
        if row.equals:
            return int(raw in row.equals)
        return int(raw)

    return read


def _given(row: Signal, read: Reader) -> Reader:
    """The reader with its condition on the same answer, where the row has one."""
    if row.given is None:
        return read
    pick, wanted = row.given
    condition = attrgetter(pick) if isinstance(pick, str) else itemgetter(pick)
    return lambda answer: read(answer) if condition(answer) == wanted else UNSUPPORTED
