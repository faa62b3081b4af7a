"""Binding: from the names in the signal table to the functions that ask one device."""
# ruff: noqa: ANN401 - what the binding answers has no type of its own

import ctypes
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial
from typing import Any

import pynvml

from gpuwatch.domain.signals import Call, Field, Moved, Signal, SramBanks
from gpuwatch.sources.nvml.readers import Take, raw_taker, taker

Ask = Callable[[], Any]
_CHARACTERS = (ctypes.c_char, ctypes.c_char._type_)  # of an array of characters, and of one


def bind(call: Call, handle: pynvml.c_nvmlDevice_t, *further: int) -> Ask | None:
    """The call on one device, its names resolved; None where this binding lacks one of them.

    A structure is the plan's own: the binding's wrappers share theirs between threads.
    """
    function = getattr(pynvml, call.function, None)
    arguments = [_constant(argument) for argument in call.arguments]
    if function is None or None in arguments:
        return None
    if not call.struct:
        return partial(function, handle, *arguments, *further)
    make = getattr(pynvml, call.struct, None)
    if make is None:
        return None
    answer = make()
    reference = ctypes.byref(answer)

    def ask() -> Any:
        function(handle, *arguments, *further, reference)
        return answer

    return ask


def _constant(argument: int | str) -> Any:
    return getattr(pynvml, argument, None) if isinstance(argument, str) else argument


def field_number(query: Field | Moved, driver: tuple[int, ...]) -> tuple[int, int] | None:
    """The (id, scope) to ask this driver for; None where it must not be asked."""
    fields = query.fields if isinstance(query, Moved) else (query,)
    for field in fields:
        if field.admits(driver):
            number = _constant(field.name) if field.number is None else field.number
            return None if number is None else (number, field.scope)
    return None


def take_of(row: Signal) -> Take | None:
    """What finds a row's raw value in the answer of its call."""
    if isinstance(row.query, Call) and row.query.struct and isinstance(row.pick, str):
        structure = getattr(pynvml, row.query.struct, None)
        members = dict(getattr(structure, "_fields_", ()))
        kind = members.get(row.pick)
        if structure is not None and getattr(kind, "_type_", None) in _CHARACTERS:
            return raw_taker(structure, row.pick)
    return taker(row.pick)


@dataclass(frozen=True, slots=True)
class WorstBanks:
    """How many addresses with errors the worst bank of SRAM has, by what protects it."""

    parity: int
    secded: int


def worst_banks(entries: Iterable[Any]) -> WorstBanks:
    """Count the entries of each bank (unit, location, sublocation, extlocation); the highest."""
    banks = Counter(
        (bool(entry.isParity), entry.unit, entry.location, entry.sublocation, entry.extlocation)
        for entry in entries
    )
    return WorstBanks(
        parity=max((count for bank, count in banks.items() if bank[0]), default=0),
        secded=max((count for bank, count in banks.items() if not bank[0]), default=0),
    )


def bind_banks(query: SramBanks, handle: pynvml.c_nvmlDevice_t) -> Ask | None:
    """The two calls that read the list of SRAM addresses: how many there are, then which."""
    function = getattr(pynvml, query.function, None)
    entry = getattr(pynvml, "c_nvmlEccSramUniqueUncorrectedErrorEntry_v1_t", None)
    make = getattr(pynvml, "c_nvmlEccSramUniqueUncorrectedErrorCounts_v1_t", None)
    if function is None or entry is None or make is None:
        return None

    def ask() -> WorstBanks:
        counts = make()
        try:
            function(handle, ctypes.byref(counts))
        except pynvml.NVMLError as error:
            if error.value != pynvml.NVML_ERROR_INSUFFICIENT_SIZE:
                raise
        if not counts.entryCount:
            return WorstBanks(0, 0)
        entries = (entry * counts.entryCount)()
        counts.entries = ctypes.cast(entries, ctypes.POINTER(entry))
        function(handle, ctypes.byref(counts))
        return worst_banks(entries[: counts.entryCount])

    return ask
