"""SRAM: asks every GPU, as root, for what the driver tells to root only, and writes it.

That is its errors in SRAM, by the rows of the signal table that are privileged. Asks nothing else,
and ends: `python -m gpuwatch.sources.nvml.sram FILE`.
"""

import faulthandler
import os
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import pynvml

from gpuwatch.domain.readings import GapReason
from gpuwatch.sources import sram_counts
from gpuwatch.sources.nvml.build import build
from gpuwatch.sources.nvml.calls import Lane
from gpuwatch.sources.nvml.gpu import Count, Gpu, driver_version
from gpuwatch.sources.nvml_library import load_named
from gpuwatch.sources.nvml_signals import TABLE
from gpuwatch.sources.sram_counts import SramCounts
from gpuwatch.sources.wire import ProgressPage

ROWS = tuple(row for row in TABLE if row.privileged)
# NVML's start may take two minutes. A call that sits in the driver is not ended by this: then the
# unit stays under way, and its timer starts no second one.
DEADLINE_SECONDS = 300.0
_FAILED, _MISUSED = 1, 2
_NONE = Count(0)  # links and fans: no privileged row is about them
_DENIED = GapReason.DENIED.value
_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")


def main(arguments: Sequence[str]) -> int:
    """Ask and write; the exit status."""
    if len(arguments) != 1:
        sys.stderr.write("usage: python -m gpuwatch.sources.nvml.sram FILE\n")
        return _MISUSED
    faulthandler.dump_traceback_later(DEADLINE_SECONDS, exit=True)
    path = Path(arguments[0])
    load_named(os.environ)
    try:
        pynvml.nvmlInitWithFlags(pynvml.NVML_INIT_FLAG_NO_GPUS)
        try:
            counts, denied = _ask_all()
        finally:
            pynvml.nvmlShutdown()
        sram_counts.write(path, counts)
    except pynvml.NVMLError as error:
        sys.stderr.write(f"gpuwatch: SRAM counts: NVML failed with code {error.value}: {error}\n")
        return _FAILED
    except OSError as error:
        why = f"{path} cannot be written: {error.strerror} (is RuntimeDirectory= set?)"
        sys.stderr.write(f"gpuwatch: SRAM counts: {why}\n")
        return _FAILED
    if denied:
        why = f"the driver denied {denied} of them to us, too (does the unit have CAP_SYS_ADMIN?)"
        sys.stderr.write(f"gpuwatch: SRAM counts: {why}\n")
        return _FAILED
    sys.stdout.write(f"{len(counts.gpus)} GPUs told\n")
    return 0


def _ask_all() -> tuple[SramCounts, int]:
    """What each GPU of the driver says, and how many rows it denied to us, too."""
    page, descriptor = ProgressPage.create()
    os.close(descriptor)
    lane = Lane(page, lambda: None)
    driver = driver_version(str(pynvml.nvmlSystemGetDriverVersion()))
    gpus: dict[str, dict[str, int]] = {}
    denied = 0
    for index in range(pynvml.nvmlDeviceGetCount()):
        try:
            handle = pynvml.nvmlDeviceGetHandleByIndex(index)
            uuid = str(pynvml.nvmlDeviceGetUUID(handle))
        except pynvml.NVMLError:
            continue  # the agent tells of a GPU that is lost
        gpu = Gpu(handle=handle, index=index, pci="", uuid=uuid, links=_NONE, fans=_NONE)
        answers = build(gpu, ROWS, driver, lane).run()
        told = zip(ROWS, answers, strict=True)
        gpus[uuid] = {row.key: answer for row, answer in told if type(answer) is int}
        denied += sum(type(answer) is tuple and answer[0] == _DENIED for answer in answers)
    boottime = time.clock_gettime(time.CLOCK_BOOTTIME)
    return SramCounts(_BOOT_ID.read_text().strip(), boottime, gpus), denied


if __name__ == "__main__":
    os.umask(0o022)  # the agent's user reads what root writes
    sys.exit(main(sys.argv[1:]))
