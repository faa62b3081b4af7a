"""A minimal agent for the kernel log: stores events and position together, and may be killed.

`python tests/support/log_keeper.py LOG STORE` follows LOG and appends one JSON line to STORE for
every position: the events before it and the position itself, so that both are stored or neither.
"""

import json
import logging
import os
import sys
import threading
from pathlib import Path

from gpuwatch.clock import SystemClock
from gpuwatch.domain.events import Event
from gpuwatch.sources.base import LogPosition, Message
from gpuwatch.sources.kernel_log_source import KernelLogSettings, KernelLogSource


def stored(store: Path) -> tuple[list[str], LogPosition | None]:
    """The identities of all stored events, and the last position. A torn last line is nothing."""
    identities: list[str] = []
    position = None
    for line in store.read_bytes().split(b"\n")[:-1] if store.exists() else []:
        entry = json.loads(line)
        identities += entry["events"]
        position = LogPosition.parse(entry["position"])
    return identities, position


def main(log: str, store: Path) -> None:
    """Follow the log until killed."""
    whole = store.read_bytes().rpartition(b"\n")
    store.write_bytes(whole[0] + whole[1])  # a torn line was never stored
    descriptor = os.open(store, os.O_WRONLY | os.O_APPEND)
    waiting: list[str] = []

    def deliver(_source: str, message: Message) -> None:
        if isinstance(message, Event):
            waiting.append(message.identity)
        elif isinstance(message, LogPosition):
            entry = {"events": waiting, "position": str(message)}
            os.write(descriptor, json.dumps(entry).encode() + b"\n")
            waiting.clear()

    source = KernelLogSource(
        SystemClock(),
        KernelLogSettings(path=log, dumps=()),
        position=stored(store)[1],
        log=logging.getLogger().warning,
    )
    source.start(deliver)
    threading.Event().wait()


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
