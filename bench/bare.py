"""The least a fast sweep can cost: a bare loop of the same NVML queries, `python -m bench.bare N`.

The calls and batched fields of the signal table's fast rows, one after another for every GPU,
through the binding's functions and one kept array of fields; nothing is read out of the answers.
Prints the CPU seconds of N sweeps, and the queries of one.
"""

import ctypes
import itertools
import resource
import sys
from collections.abc import Callable
from functools import partial
from typing import Any

import pynvml

from gpuwatch.domain.signals import Cadence, Call, Field
from gpuwatch.sources.nvml_signals import rows

Query = Callable[[], Any]
_WARM_UP = 50


def queries(handle: pynvml.c_nvmlDevice_t) -> tuple[list[Query], int]:
    """What one GPU is asked in a sweep, and how many fields are in the batch."""
    asked = dict.fromkeys(row.query for row in rows(frozenset({Cadence.FAST})))
    calls: list[Query] = [
        partial(
            getattr(pynvml, query.function),
            handle,
            *(
                getattr(pynvml, argument) if isinstance(argument, str) else argument
                for argument in query.arguments
            ),
        )
        for query in asked
        if isinstance(query, Call)
    ]
    fields = [query for query in asked if isinstance(query, Field)]
    array = (pynvml.c_nvmlFieldValue_t * len(fields))()
    for place, field in zip(array, fields, strict=True):
        place.fieldId = getattr(pynvml, field.name)
        place.scopeId = field.scope
    function = ctypes.CDLL("libnvidia-ml.so.1").nvmlDeviceGetFieldValues  # the binding's own
    calls.append(partial(function, handle, ctypes.c_int32(len(fields)), array))
    return calls, len(fields)


def main() -> int:
    """Sweep and say what it took."""
    sweeps = int(sys.argv[1])
    pynvml.nvmlInitWithFlags(0)
    handles = [pynvml.nvmlDeviceGetHandleByIndex(at) for at in range(pynvml.nvmlDeviceGetCount())]
    asked = [queries(handle) for handle in handles]
    every = list(itertools.chain.from_iterable(calls for calls, _ in asked))
    for _ in range(_WARM_UP):
        for query in every:
            query()
    before = resource.getrusage(resource.RUSAGE_SELF)
    for _ in range(sweeps):
        for query in every:
            query()
    after = resource.getrusage(resource.RUSAGE_SELF)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    print(cpu, len(every), sum(fields for _, fields in asked))
    return 0


if __name__ == "__main__":
    sys.exit(main())
