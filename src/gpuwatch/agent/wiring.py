"""Wiring: settings become the parts of the agent."""

import socket
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from gpuwatch.agent.live_bmc import WatchedBmc
from gpuwatch.agent.nightly import NightlyBackups
from gpuwatch.config.loading import Loaded
from gpuwatch.config.models import Settings
from gpuwatch.domain.albums import Album
from gpuwatch.domain.devices import BoardKey
from gpuwatch.domain.hooks import Hook
from gpuwatch.domain.moments import Clock
from gpuwatch.domain.servers import Directions, Identity
from gpuwatch.exposition.compat import DCGM, IPMI, CompatTable
from gpuwatch.exposition.families import Vocabulary
from gpuwatch.exposition.figures import AlbumError
from gpuwatch.exposition.gpu_plots import COUNTERS, LEVELS
from gpuwatch.history import Degraded, History, HistoryError, HistorySettings
from gpuwatch.history.albums import read_album
from gpuwatch.policy.agenda import Agenda
from gpuwatch.policy.rules import COUNTED_XIDS
from gpuwatch.policy.views import PolicySettings
from gpuwatch.sources.base import LogPosition
from gpuwatch.sources.calendars import CalendarFile
from gpuwatch.sources.dmi import server_of
from gpuwatch.sources.kernel_log_source import KernelLogSettings, KernelLogSource
from gpuwatch.sources.nvml_library import environment_for
from gpuwatch.sources.nvml_log import Log as NvmlLog
from gpuwatch.sources.nvml_settings import NvmlSettings, RetryPlan
from gpuwatch.sources.nvml_source import NvmlSource
from gpuwatch.sources.probe_end import EndOrder

Log = Callable[[str], None]
VOCABULARY = Vocabulary(alerting_xids=COUNTED_XIDS, degraded=tuple(Degraded))


@dataclass(frozen=True, slots=True)
class Places:
    """Where the agent keeps its things."""

    history: Path
    control_socket: Path
    maintenance: Path
    release: Path
    hooks: Path
    known_boards: Path | None
    sram_counts: Path | None


def places(settings: Settings) -> Places:
    """The files and folders that the settings name."""
    state, runtime = Path(settings.agent.state_directory), Path(settings.agent.runtime_directory)
    return Places(
        history=Path(settings.history.path) if settings.history.path else state / "history.db",
        control_socket=runtime / "control.sock",
        maintenance=runtime / "maintenance.d",
        release=state / "release.json",
        hooks=state / "hooks.json",
        known_boards=Path(settings.history.known_boards) if settings.history.known_boards else None,
        sram_counts=Path(settings.nvml.sram_counts) if settings.nvml.sram_counts else None,
    )


def identity(loaded: Loaded) -> Identity:
    """What snapshots say of this host."""
    host = loaded.settings.host
    labels = {"site": host.site, "row": host.row, "rack": host.rack, "unit": host.unit}
    return Identity(
        hostname=loaded.settings.agent.hostname or socket.gethostname(),
        labels=labels | {"fru": host.fru},
        config_hash=loaded.digest,
        runbook_url=loaded.settings.web.runbook_url,
        server=server_of(Path(loaded.settings.nvml.sysfs)),
        directions=directions(loaded.settings),
    )


def directions(settings: Settings) -> Directions:
    """What a work order adds to what is known."""
    told = settings.work_orders
    return Directions(zone=told.zone, contacts=told.contacts, notes=told.notes, drain=told.drain)


def policy_settings(settings: Settings) -> PolicySettings:
    """How errors are judged."""
    policy, rules = settings.policy, settings.rules
    return PolicySettings(
        healthy_rate_per_year=policy.healthy_rate_per_year,
        healthy_rate_by_part=policy.lambda0_by_part,
        budget_per_year=policy.false_flag_budget_per_year,
        trend_due=policy.trend_due,
        window_notice=policy.window_notice,
        disabled=frozenset(rules.disabled),
        not_paging=frozenset(rules.not_paging),
        shadow=rules.shadow,
        fru=settings.host.fru,
        inlet_celsius_max=policy.inlet_limit,
    )


def albums(settings: Settings) -> Callable[[BoardKey, float], Album]:
    """How the last days of a board are read, beside the agent."""
    path = places(settings).history

    def read(board: BoardKey, since: float) -> Album:
        try:
            return read_album(path, board, since, levels=LEVELS, counters=COUNTERS)
        except HistoryError as error:
            raise AlbumError(str(error)) from error

    return read


def agenda(settings: Settings) -> Agenda:
    """When boards may be swapped, and when not."""
    windows, blackouts = settings.windows, settings.blackouts
    return Agenda(
        schedules=tuple(one.schedule() for one in windows if one.cron),
        windows=tuple(one.window() for one in windows if not one.cron),
        freezes=tuple(one.freeze() for one in blackouts if one.cron),
        blackouts=tuple(one.blackout() for one in blackouts if not one.cron),
        boards_per_window=settings.policy.boards_per_window,
    )


def calendar_files(settings: Settings) -> tuple[CalendarFile, ...]:
    """The iCalendar files that tell of windows and blackouts."""
    return tuple(calendar.file() for calendar in settings.calendars)


def hooks(settings: Settings) -> tuple[Hook, ...]:
    """What is run when something happens to a flag."""
    return tuple(hook.order(name) for name, hook in settings.hooks.items())


def web_config(settings: Settings) -> Path | None:
    """The file that protects the port, if there is one."""
    return Path(settings.web.config_file) if settings.web.config_file else None


def compat(settings: Settings) -> tuple[CompatTable, ...]:
    """The exporters whose names are offered."""
    offered = ((IPMI, settings.compat.ipmi), (DCGM, settings.compat.dcgm))
    return tuple(table for table, wanted in offered if wanted)


def nvml_settings(settings: Settings) -> NvmlSettings:
    """How the GPUs are asked."""
    nvml = settings.nvml
    return NvmlSettings(
        fast=nvml.fast.total_seconds(),
        slow=nvml.slow.total_seconds(),
        rare=nvml.rare.total_seconds(),
        inventory=nvml.inventory.total_seconds(),
        init_deadline=nvml.init_deadline.total_seconds(),
        inventory_deadline=nvml.inventory_deadline.total_seconds(),
        fast_deadline=nvml.fast_deadline.total_seconds(),
        slow_deadline=nvml.slow_deadline.total_seconds(),
        end_order=EndOrder(nvml.end_grace.total_seconds(), nvml.kill_after.total_seconds()),
        retry=RetryPlan(later=tuple(pause.total_seconds() for pause in nvml.retry_after)),
        max_unkillable=nvml.max_unkillable,
        required=nvml.required,
        sysfs=Path(nvml.sysfs),
        proc=Path(nvml.proc),
        environment=environment_for(nvml.library_path),
    )


def nvml_source(settings: Settings, clock: Clock, log: NvmlLog) -> NvmlSource | None:
    """The GPUs, unless they are switched off."""
    if not settings.nvml.enabled:
        return None
    return NvmlSource(nvml_settings(settings), clock, log=log)


def kernel_log_source(
    settings: Settings, clock: Clock, history: History, log: Log
) -> KernelLogSource | None:
    """The kernel log from where it was left, unless it is switched off."""
    kernel_log = settings.kernel_log
    if not kernel_log.enabled:
        return None
    return KernelLogSource(
        clock,
        KernelLogSettings(
            path=kernel_log.path,
            dumps=tuple(kernel_log.pstore_directories),
            required=kernel_log.required,
        ),
        position=_position(history.kernel_log_position(), log),
        log=log,
    )


def watched_bmcs(settings: Settings) -> tuple[WatchedBmc, ...]:
    """The BMCs that are asked, in the order of the settings."""
    return tuple(
        WatchedBmc(
            name=name,
            protocol=bmc.protocol,
            address=bmc.endpoint or bmc.device,
            interval=bmc.interval.total_seconds(),
            host=bmc.host,
            expected_on=bmc.expected_on,
        )
        for name, bmc in settings.bmc.items()
        if bmc.enabled
    )


def nightly_backups(settings: Settings, host: str, clock: Clock) -> NightlyBackups:
    """The backups that the agent makes by itself, unless they are switched off."""
    state, backups = Path(settings.agent.state_directory), settings.backups
    return NightlyBackups(
        history=places(settings).history,
        folder=Path(backups.directory or state / "backups") if backups.enabled else None,
        hour=backups.hour,
        keep=backups.keep,
        host=host,
        wall=lambda: clock.now().wall,
    )


def _position(stored: tuple[str, int] | None, log: Log) -> LogPosition | None:
    """Where the kernel log was left; None, and it is read from its start, when nobody can say."""
    try:
        return LogPosition.parse(stored[0]) if stored else None
    except ValueError:
        log("kernel log: the stored position is not understood: it is read from its start")
        return None


def history_settings(settings: Settings, *, max_gap_seconds: float | None) -> HistorySettings:
    """How history is kept; a gap is what no three sweeps in a row can explain."""
    gap = nvml_settings(settings).stale_after if max_gap_seconds is None else max_gap_seconds
    return HistorySettings(max_gap_seconds=max(gap, 60.0))
