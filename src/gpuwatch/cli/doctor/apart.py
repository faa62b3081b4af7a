"""Apart: work in processes of its own, side by side, which are left behind when they hang.

A thread is not enough: one that is stuck in the kernel keeps its process from ending.
"""

import contextlib
import os
import pickle
import select
import signal
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Generic, TypeVar

from gpuwatch.sources.child import end_with_parent
from gpuwatch.sources.probe_stuck import describe_stuck

_CHUNK = 1 << 16
_PARTING_SECONDS = 1.0
_FAILED = 1

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Work(Generic[T]):
    """What is to be done, and how many seconds it may take."""

    do: Callable[[], T]
    seconds: float


@dataclass(frozen=True, slots=True)
class Hung:
    """It did not end in its time; `text` says how long was waited, and where it sits."""

    text: str


@dataclass(frozen=True, slots=True)
class Broken:
    """It ended without a result; `text` says why."""

    text: str


@dataclass(slots=True)
class _Running:
    pid: int
    output: int
    until: float
    seconds: float
    got: bytearray


def apart(works: Mapping[str, Work[T]]) -> dict[str, T | Hung | Broken]:
    """Do all of it at once; what each gave, by name. Never takes longer than the longest may.

    The processes have no standard streams, so that one that cannot be ended keeps no pipe of ours
    open, and end with this one. Only for a process with one thread.
    """
    running = {name: _start(work) for name, work in works.items()}
    told: dict[str, T | Hung | Broken] = {}
    try:
        while running:
            for name in _ready(running):
                one = running[name]
                chunk = os.read(one.output, _CHUNK)
                one.got += chunk
                if not chunk:
                    told[name] = _result(running.pop(name))
            for name in [name for name, one in running.items() if time.monotonic() >= one.until]:
                told[name] = _give_up(running.pop(name))
    finally:
        for one in running.values():
            _give_up(one)
    return {name: told[name] for name in works}


def _ready(running: Mapping[str, _Running]) -> list[str]:
    poller = select.poll()
    names = {}
    for name, one in running.items():
        poller.register(one.output, select.POLLIN)
        names[one.output] = name
    wait = min(one.until for one in running.values()) - time.monotonic()
    found = poller.poll(max(wait * 1_000 + 1, 0))
    return [names[descriptor] for descriptor, _ in found]


def _start(work: Work[T]) -> _Running:
    output, answer = os.pipe()
    pid = os.fork()
    if not pid:
        _be_the_child(work, answer)
    os.close(answer)
    return _Running(pid, output, time.monotonic() + work.seconds, work.seconds, bytearray())


def _be_the_child(work: Work[T], answer: int) -> None:
    """Do the work, hand over its result, and end; nothing of the parent's is run on the way."""
    status = _FAILED
    try:
        end_with_parent()
        nothing = os.open(os.devnull, os.O_RDWR)
        for descriptor in (0, 1, 2):
            os.dup2(nothing, descriptor)
        try:
            body = pickle.dumps(work.do())
        except Exception as error:  # noqa: BLE001 - told as what this look found
            body = pickle.dumps(Broken(f"it failed: {error!r}"))
        with open(answer, "wb") as pipe:
            pipe.write(body)
        status = 0
    finally:
        os._exit(status)


def _result(one: _Running) -> T | Broken:
    os.close(one.output)
    _reap(one.pid, _PARTING_SECONDS)
    if not one.got:
        return Broken("its process ended without an answer")
    result: T = pickle.loads(bytes(one.got))  # noqa: S301 - our own process wrote it
    return result


def _give_up(one: _Running) -> Hung:
    boottime = time.clock_gettime(time.CLOCK_BOOTTIME)
    stuck = describe_stuck(one.pid, None, boottime=boottime, waited_seconds=one.seconds)
    os.close(one.output)
    with contextlib.suppress(ProcessLookupError):
        os.kill(one.pid, signal.SIGTERM)
        if not _reap(one.pid, _PARTING_SECONDS):
            os.kill(one.pid, signal.SIGKILL)
            _reap(one.pid, _PARTING_SECONDS)
    where = f", in the kernel's {stuck.where}" if stuck.where else ""
    state = f" (its process is in state {stuck.state}{where})" if stuck.state == "D" else ""
    return Hung(f"no answer within {one.seconds:g} s{state}")


def _reap(pid: int, seconds: float) -> bool:
    """Whether it is gone, waiting so long; one in uninterruptible sleep is left to init."""
    until = time.monotonic() + seconds
    while True:
        with contextlib.suppress(ChildProcessError):
            if os.waitpid(pid, os.WNOHANG)[0] == 0:
                if time.monotonic() >= until:
                    return False
                time.sleep(0.01)
                continue
        return True
