"""Endings: a child that is ended in the middle of a poll leaves neither zombie nor sick device."""

import signal
import time
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from gpuwatch.sources.probe import Probe
from tests.support.gpu.host import Host
from tests.support.gpu.survey import ALL, survey
from tests.support.nvml_child import NvmlChild
from tests.support.patience import eventually

_ROUNDS = 40  # asked at once, so that the child is in a poll when it is ended
_TRIES = 10  # on a busy machine it may be done before anybody looks
_LOOKS_SECONDS = 3.0


class Way(StrEnum):
    """How the child is told to end."""

    END_OF_INPUT = "end-of-input"
    SIGTERM = "sigterm"


_WAYS: dict[Way, Callable[[Probe], None]] = {
    Way.END_OF_INPUT: lambda probe: probe.close_input(),
    Way.SIGTERM: lambda probe: probe.signal(signal.SIGTERM),
}


@dataclass(frozen=True, slots=True)
class Ending:
    """How it ended. `in_call` is the call it was told in, "" between two calls."""

    way: Way
    in_call: str
    seconds: float
    status: int | None
    gone: bool
    answered_after: bool


def ending(host: Host, way: Way) -> Ending:
    """End a child while it polls, then ask the same GPUs in a fresh one."""
    with NvmlChild(host) as child:
        before = {answer["pci"] for answer in child.inventory() if answer["say"] == "device"}
        in_call = next(filter(None, (_in_a_poll(child) for _ in range(_TRIES))), "")
        began = time.monotonic()
        _WAYS[way](child.probe)
        status = child.exit_status()
        seconds = time.monotonic() - began
        gone = not Path(f"/proc/{child.probe.pid}").exists()
    after = {gpu.device["pci"] for gpu in survey(host).gpus}
    return Ending(way, in_call, seconds, status, gone, before == after)


def _in_a_poll(child: NvmlChild) -> str:
    """Have it poll; the function that it is in. "" where all was answered before we looked."""
    for _ in range(_ROUNDS):
        child.send("sweep", None, *ALL)
    seen = []

    def look() -> bool:
        child.probe.discard()
        if (progress := child.page.read()) is not None:
            seen.append(progress.function)
        return bool(seen)

    eventually(look, _LOOKS_SECONDS)
    return seen[0] if seen else ""
