"""Assembly: the agent's loop with its sources, its rules and its memory, as the settings say."""

import structlog

from gpuwatch.agent import wiring
from gpuwatch.agent.core import Agent
from gpuwatch.agent.decide import Decisions
from gpuwatch.agent.healthwatch import HealthWatch
from gpuwatch.agent.known import KnownFiles
from gpuwatch.agent.maintenance import MaintenanceDirectory
from gpuwatch.agent.planning import Calendar
from gpuwatch.agent.remember import Memory
from gpuwatch.agent.systemd import Notifier
from gpuwatch.agent.wiring_bmcs import bmc_sources
from gpuwatch.config.loading import Loaded
from gpuwatch.domain.moments import Clock
from gpuwatch.history import History
from gpuwatch.policy.judge import Judge


def assemble(loaded: Loaded, clock: Clock, history: History, notifier: Notifier) -> Agent:
    """The loop with its sources, its rules and its memory."""
    settings = loaded.settings
    probes = structlog.get_logger("gpuwatch.probe")
    nvml = wiring.nvml_source(settings, clock, probes.info)
    kernel = wiring.kernel_log_source(
        settings, clock, history, lambda line: probes.warning("kernel-log", text=line)
    )
    bmcs = bmc_sources(settings, clock, history, lambda line: probes.warning("bmc", text=line))
    timing = wiring.nvml_settings(settings)
    judge = Judge(wiring.policy_settings(settings))
    memory = Memory(history, lambda: kernel is not None and kernel.readable)
    if kernel is not None:
        memory.captures.lines, memory.captures.skipped = kernel.lines, lambda: kernel.skipped
    memory.sram.path = wiring.places(settings).sram_counts
    memory.bmcs.watch(wiring.watched_bmcs(settings), clock.now())
    return Agent(
        clock=clock,
        history=history,
        decisions=Decisions(
            history,
            judge,
            Calendar(wiring.agenda(settings)),
            known_files=KnownFiles(wiring.places(settings).known_boards),
        ),
        memory=memory,
        sources=tuple(source for source in (nvml, kernel, *bmcs) if source is not None),
        nvml=nvml,
        works=MaintenanceDirectory(wiring.places(settings).maintenance),
        identity=wiring.identity(loaded),
        notifier=notifier,
        health=HealthWatch(str(wiring.places(settings).history)),
        stale_seconds=timing.stale_after,
        cadences=dict(timing.periods),
        expected_gpus=settings.nvml.expected_gpus,
        kernel_log_lost=lambda: kernel.lost if kernel is not None else 0,
    )
