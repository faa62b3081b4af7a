"""Matrix: multiplies matrices on the GPU for ever and says every half second how many it did.

`python -m tests.support.gpu.matrix torch|cupy`; it needs only that framework, and says
`{"products": N, "seconds": S}` line by line.
"""

import importlib
import json
import sys
import time
from collections.abc import Callable
from typing import Any

_SIZE = 4096
_BATCH = 20
_SAY_SECONDS = 0.5


def _torch(framework: Any) -> Callable[[], None]:  # noqa: ANN401 - whichever is installed
    one = framework.randn(_SIZE, _SIZE, device="cuda", dtype=framework.float16)

    def multiply() -> None:
        for _ in range(_BATCH):
            framework.matmul(one, one)
        framework.cuda.synchronize()

    return multiply


def _cupy(framework: Any) -> Callable[[], None]:  # noqa: ANN401 - whichever is installed
    one = framework.random.rand(_SIZE, _SIZE, dtype=framework.float32)

    def multiply() -> None:
        for _ in range(_BATCH):
            framework.matmul(one, one)
        framework.cuda.Stream.null.synchronize()

    return multiply


WORKLOADS = {"torch": _torch, "cupy": _cupy}


def work(multiply: Callable[[], None]) -> None:
    """Multiply until nobody reads any more."""
    multiply()  # the first one compiles and allocates
    products, since = 0, time.monotonic()
    while True:
        multiply()
        products += _BATCH
        if (seconds := time.monotonic() - since) >= _SAY_SECONDS:
            sys.stdout.write(json.dumps({"products": products, "seconds": seconds}) + "\n")
            sys.stdout.flush()
            products, since = 0, time.monotonic()


if __name__ == "__main__":
    work(WORKLOADS[sys.argv[1]](importlib.import_module(sys.argv[1])))
