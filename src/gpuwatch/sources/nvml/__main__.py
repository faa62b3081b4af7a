"""The child's life: look for the driver, initialise NVML, answer until the agent is gone."""

import contextlib
import os
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pynvml

from gpuwatch.domain.signals import Cadence
from gpuwatch.sources import wire
from gpuwatch.sources.child import die_first, end_with_parent
from gpuwatch.sources.nvml.calls import Lane
from gpuwatch.sources.nvml.devices import Devices
from gpuwatch.sources.nvml.events import Events
from gpuwatch.sources.nvml.gpu import driver_version
from gpuwatch.sources.nvml.growth import Growth, bound
from gpuwatch.sources.nvml.input import Ended, Requests
from gpuwatch.sources.nvml.output import Output
from gpuwatch.sources.nvml_library import load_named
from gpuwatch.sources.nvml_signals import table_hash

_STOP_SECONDS = 1.5  # the event thread waits at most 1 s
_FAILED = 1
_MISUSED = 2
_GREW = 3
_USAGE = "usage: python -m gpuwatch.sources.nvml --progress-fd N [--table HASH] [--sysfs DIRECTORY]"


@dataclass(frozen=True, slots=True)
class Options:
    """The command line. `table` is the table the agent reads answers by, "" when it did not say."""

    progress: int
    table: str
    sysfs: str


def options(arguments: Sequence[str]) -> Options:
    """Raises ValueError for anything but pairs of known names and values.

    By hand, and no paths of pathlib: argparse and pathlib would be a tenth of this process.
    """
    known = {"--progress-fd": "", "--table": "", "--sysfs": "/sys"}
    if len(arguments) % 2 or not set(arguments[::2]) <= set(known):
        raise ValueError(_USAGE)
    known |= dict(zip(arguments[::2], arguments[1::2], strict=True))
    if not known["--progress-fd"].isdecimal():
        raise ValueError(_USAGE)
    return Options(int(known["--progress-fd"]), known["--table"], known["--sysfs"])


class Child:
    """One NVML session from init to shutdown."""

    def __init__(self, chosen: Options) -> None:
        self._options = chosen
        self._requests = Requests()
        self._output = Output()
        self._lane = Lane(wire.ProgressPage(chosen.progress), self._requests.check)
        self._waiting = Lane(wire.ProgressPage(chosen.progress, wire.WAITING), lambda: None)

    def run(self) -> int:
        """Answer until the agent is gone; the exit status."""
        try:
            refusal = self._refusal()
            if refusal:
                self._fail("load", None, refusal)
                return _FAILED
            load_named(os.environ)
            self._lane.call("", "nvmlInitWithFlags", pynvml.NVML_INIT_FLAG_NO_GPUS)
            return self._serve()
        except pynvml.NVMLError as error:
            missing = error.value == pynvml.NVML_ERROR_LIBRARY_NOT_FOUND
            self._fail("load" if missing else "init", error.value, str(error))
        except Ended:
            return 0
        return _FAILED

    def _refusal(self) -> str:
        """Why NVML must not even be loaded, or "".

        nvmlInit may run the setuid helper nvidia-modprobe and so load the module that somebody
        has just unloaded for an upgrade: never without looking first.
        """
        if self._options.table not in {"", table_hash()}:
            return (
                f"this child's signal table is {table_hash()}, the agent's is another: restart it"
            )
        module = os.path.join(self._options.sysfs, "module", "nvidia")  # noqa: PTH118 - see options
        if not os.path.isdir(module):  # noqa: PTH112 - see options
            return "the nvidia module is not loaded"
        return ""

    def _fail(self, stage: str, code: int | None, text: str) -> None:
        nvml = "" if code is None else self._system_text("nvmlSystemGetNVMLVersion")
        self._output.say(
            {"say": "failed", "stage": stage, "code": code, "text": text, "nvml": nvml}
        )

    def _system_text(self, function: str) -> str:
        """A version, "" where the library does not tell."""
        try:
            return str(self._lane.call("", function))
        except (pynvml.NVMLError, UnicodeDecodeError):
            return ""

    def _serve(self) -> int:
        driver_text = self._system_text("nvmlSystemGetDriverVersion")
        driver = driver_version(driver_text)
        cuda = self._system_text("nvmlSystemGetCudaDriverVersion_v2")
        self._output.say(
            {
                "say": "ready",
                "pid": os.getpid(),
                "table": table_hash(),
                "driver": driver_text,
                "nvml": self._system_text("nvmlSystemGetNVMLVersion"),
                "cuda": int(cuda) if cuda else None,
            }
        )
        devices = Devices(self._lane, driver)
        events = Events(self._waiting, self._output.say, driver)
        growth = Growth()
        try:
            for request in self._requests:
                self._answer(request, devices, events)
                if request["ask"] == "sweep" and (grown := growth.beyond()):
                    sys.stderr.write(
                        f"nvml: grew by {grown >> 20} MiB: a fresh child does better\n"
                    )
                    self._part(events)
                    return _GREW
        except Ended as end:
            # After SIGTERM no call is begun any more: the kernel gives the driver back.
            if end.orderly:
                self._part(events)
        return 0

    def _part(self, events: Events) -> None:
        """Give NVML back, unless the other thread sits in it."""
        if events.stop(_STOP_SECONDS):
            self._shut_down()

    def _answer(self, request: dict[str, Any], devices: Devices, events: Events) -> None:
        """Say what was asked. Raises ValueError or KeyError for what nobody can ask."""
        began, named = time.monotonic(), request["devices"]
        if request["ask"] == "inventory":
            answers = devices.inventory(named)
        elif request["ask"] == "sweep":
            cadences = frozenset(Cadence(name) for name in request["cadences"])
            answers = devices.sweep(named, cadences)
        else:
            raise ValueError(f"nobody can ask {request['ask']!r}")
        count = 0
        for answer in answers:
            answer["id"] = request["id"]
            self._output.say(answer)
            count += answer["say"] != "lost-device"
        took = time.monotonic() - began
        self._output.say({"say": "done", "id": request["id"], "count": count, "seconds": took})
        if request["ask"] == "inventory":
            events.watch(devices.gpus)

    def _shut_down(self) -> None:
        mark = self._lane.marker("", "nvmlShutdown")
        mark(time.clock_gettime_ns(time.CLOCK_BOOTTIME))  # past the check that ended us
        with contextlib.suppress(pynvml.NVMLError):
            pynvml.nvmlShutdown()


def main(arguments: Sequence[str]) -> int:
    """Run the child; the exit status."""
    try:
        chosen = options(arguments)
    except ValueError as error:
        sys.stderr.write(f"{error}\n")
        return _MISUSED
    end_with_parent()
    die_first()
    bound()
    try:
        return Child(chosen).run()
    except MemoryError:
        sys.stderr.write("nvml: no memory is left for this child: a fresh one does better\n")
        return _FAILED
    except (ValueError, KeyError) as error:
        sys.stderr.write(f"nvml: a question was not understood: {error!r}\n")
        return _MISUSED


if __name__ == "__main__":
    status = main(sys.argv[1:])
    sys.stderr.flush()
    # Not by sys.exit: the interpreter's end could wait for a thread that sits in the driver.
    os._exit(status)
