"""Patience: wait for what another process or thread does, with a generous deadline."""

import time
from collections.abc import Callable


def eventually(holds: Callable[[], object], seconds: float = 30.0) -> bool:
    """Whether `holds` becomes true within `seconds`; asked every 10 ms."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if holds():
            return True
        time.sleep(0.01)
    return bool(holds())
