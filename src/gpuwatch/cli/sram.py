"""SRAM: the errand of gpuwatch-sram.service, which root runs for the agent."""

import os
import sys
from argparse import Namespace
from collections.abc import Iterable, Mapping

from gpuwatch.cli.exits import Exit
from gpuwatch.cli.session import request
from gpuwatch.config.loading import ConfigError, load
from gpuwatch.control.client import AgentAbsentError
from gpuwatch.sources.nvml_library import environment_for

_PROBE = "gpuwatch.sources.nvml.sram"


def sram_counts(arguments: Namespace) -> int:
    """Become the process that asks the driver, unless nobody should ask it now.

    The same process: a second one would be one more that can hang in the driver.
    """
    try:
        settings = load(file=arguments.config, options=()).settings.nvml
    except ConfigError as refused:
        print(refused, file=sys.stderr)
        return Exit.CONFIG
    why = _why_not(arguments) if settings.sram_counts else "nvml.sram_counts is empty"
    if why:
        print(f"not asked: {why}")
        return Exit.OK
    command = [sys.executable, "-I", "-m", _PROBE, settings.sram_counts]
    sys.stdout.flush()
    return os.execve(sys.executable, command, os.environ | environment_for(settings.library_path))  # noqa: S606 - no shell


def _why_not(arguments: Namespace) -> str:
    """Why the driver must not be asked now, "" when it may: one that hangs would hold us, too."""
    try:
        answer = request(arguments, "status")
    except AgentAbsentError as absent:
        return f"{absent}, and nobody would read it"
    status = answer.get("status")
    sources = status.get("sources") if isinstance(status, Mapping) else ()
    return _why_not_by(sources if isinstance(sources, Iterable) else ())


def _why_not_by(sources: Iterable[object]) -> str:
    for source in sources:
        if isinstance(source, Mapping) and source.get("name") == "nvml":
            if source.get("released"):
                return "the driver is let go of"
            return "" if source.get("fresh") else "the agent itself gets no answers"
    return "the agent asks no GPUs"
