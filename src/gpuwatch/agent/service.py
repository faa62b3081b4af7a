"""Service: starts the agent's parts in order, ends them in time, and re-reads the settings."""

import os
import threading
import time
from dataclasses import replace

import structlog

from gpuwatch import __version__
from gpuwatch.agent import wiring
from gpuwatch.agent.actions import tell_audit
from gpuwatch.agent.assembly import assemble
from gpuwatch.agent.calendars import CalendarWatch
from gpuwatch.agent.doctor_requests import DoctorRequests
from gpuwatch.agent.hooks import HookWatch
from gpuwatch.agent.housekeeping import Housekeeping
from gpuwatch.agent.releases import StandingRelease
from gpuwatch.agent.requests import Requests
from gpuwatch.agent.starting import StartError, open_history, web_config
from gpuwatch.agent.systemd import Notifier
from gpuwatch.agent.upkeep_requests import UpkeepRequests
from gpuwatch.config.loading import ConfigError, Loaded, reload
from gpuwatch.control.requests import ControlError
from gpuwatch.control.server import ControlServer
from gpuwatch.domain.moments import Clock
from gpuwatch.domain.snapshot import WebState
from gpuwatch.exposition.connections import Limits
from gpuwatch.exposition.figures import Figures
from gpuwatch.exposition.listen import Address, ListenError
from gpuwatch.exposition.scrapes import Scrapes
from gpuwatch.exposition.site import Site
from gpuwatch.exposition.web import WebServer
from gpuwatch.logs.setup import Logs

log = structlog.get_logger("gpuwatch.service")

STOP_SECONDS = 2.5  # of the five within which a service manager may expect us gone
HISTORY_SECONDS = 600.0  # that opening it may take before a service manager gives the start up


class Service:
    """One agent with everything around it."""

    def __init__(
        self, loaded: Loaded, logs: Logs, clock: Clock, *, max_gap_seconds: float | None = None
    ) -> None:
        self._loaded = loaded
        self._logs = logs
        self._web_config = web_config(loaded)
        notifier = Notifier(os.environ)
        # A large one on a slow disk, or one that has to be salvaged, takes its time.
        notifier.starting("opening the history", HISTORY_SECONDS)
        self._history = open_history(loaded, clock, max_gap_seconds)
        self._history.on_audit = tell_audit
        self.agent = assemble(loaded, clock, self._history, notifier)
        self.agent.on_reload = self._reload
        self._standing = StandingRelease(wiring.places(loaded.settings).release)
        self._scrapes = Scrapes()
        self.web = self._web()
        self._upkeep = UpkeepRequests(self.agent)
        doctor = DoctorRequests(self.agent, lambda: self._loaded, self.web, self._scrapes)
        self.agent.web_state = self._web_state
        self._control = ControlServer(
            wiring.places(loaded.settings).control_socket,
            Requests(self.agent, self._standing, self._upkeep.answers | doctor.answers).answer,
            lambda event, facts: log.warning(event, **facts),
        )
        backups = wiring.nightly_backups(
            loaded.settings, self.agent.identity.hostname, self.agent.clock
        )
        self.agent.backups = lambda: backups.state
        self._housekeeping = Housekeeping(
            copy=self._history.copy,
            copy_due=self._history.copy_due,
            minutely=self._each_minute,
            hourly=lambda: self.agent.works.expire(clock.now().wall),
            backup=backups.look,
        )
        self._calendars, self._hooks = self._watches()
        self.agent.on_clock_step = self._clock_stepped
        self.agent.ended_thread = self._ended_thread

    def _watches(self) -> tuple[CalendarWatch, HookWatch]:
        """The threads for what may take its time: files of others, commands of others."""
        # An errand of nothing makes the loop look at what is planned.
        calendars = CalendarWatch(
            lambda: self.agent.clock.now().wall, news=lambda: self.agent.inbox.ask(lambda: None)
        )
        self.agent.decisions.calendar.files = calendars.states
        place = wiring.places(self._loaded.settings).hooks
        hooks = HookWatch(lambda: self.agent.snapshot, place, time.monotonic)
        self.agent.hooks = hooks.states
        return calendars, hooks

    def start(self) -> None:
        """Open the socket and the port. Raises StartError when one is taken."""
        try:
            self._control.start()
            self.web.start()
        except OSError as error:
            self.close()
            where = self._loaded.settings.agent.runtime_directory
            raise StartError(
                f"agent.runtime_directory {where} cannot be used: {error.strerror} "
                "(make it, writable for the agent's user, or set another)"
            ) from error
        except (ControlError, ListenError) as error:
            self.close()
            raise StartError(str(error)) from error
        self.agent.works.make()
        self._housekeeping.start()
        self._web_config.start()
        self._calendars.watch(wiring.calendar_files(self._loaded.settings))
        self._hooks.watch(wiring.hooks(self._loaded.settings), self._latest_audit())
        log.info(
            "started",
            version=__version__,
            ports=self.web.ports,
            pid=os.getpid(),
            config=self.agent.identity.config_hash,
            history=self.agent.health.path,
        )

    def _each_minute(self) -> None:
        self._logs.tick()
        self._upkeep.tidy()

    def _clock_stepped(self) -> None:
        self._housekeeping.clock_stepped()
        self._calendars.look()

    def run(self) -> None:
        """Work until told to stop."""
        now, nvml = self.agent.clock.now(), self.agent.nvml
        if nvml is not None:
            self._standing.take_up(nvml, self.agent.works.read(now.wall), now)
        self.agent.run()

    def ask_stop(self) -> None:
        """Ask the loop to end (for a signal handler)."""
        self.agent.stopping = True
        self.agent.inbox.wake()

    def ask_reload(self) -> None:
        """Ask the loop to read the settings again (for a signal handler)."""
        self.agent.reload_asked = True
        self.agent.inbox.wake()

    def close(self) -> None:
        """End everything in `STOP_SECONDS` and what the disk takes to close the history."""
        self.agent.notifier.stopping()
        self._housekeeping.stop()
        self._calendars.stop()
        self._hooks.stop()
        self._web_config.stop()
        stops = [source.stop for source in self.agent.sources]
        stops += [self.web.stop, self._control.stop]
        ending = [
            threading.Thread(target=stop, args=(STOP_SECONDS,), daemon=True) for stop in stops
        ]
        for thread in ending:
            thread.start()
        deadline = time.monotonic() + STOP_SECONDS
        for thread in ending:
            thread.join(max(deadline - time.monotonic(), 0.0))
        self._history.close()
        log.info("stopped")

    def _latest_audit(self) -> int:
        records = (one for kept in self._history.flag_audit().values() for one in kept)
        return max((record.number for record in records), default=0)

    def _ended_thread(self) -> str:
        """The name of a thread without which the agent looks well and is not; "" when all run."""
        parts = (
            ("web", self.web),
            ("web-config", self._web_config),
            ("control", self._control),
            ("housekeeping", self._housekeeping),
            ("calendars", self._calendars),
            ("hooks", self._hooks),
        )
        return next((name for name, part in parts if not part.alive), "")

    def _web_state(self) -> WebState:
        return replace(self._web_config.state(), crowded_out=self.web.crowded_out)

    def _web(self) -> WebServer:
        settings = self._loaded.settings.web
        site = Site(
            lambda: self.agent.snapshot,
            heartbeat_age=self.agent.heartbeat_age,
            vocabulary=wiring.VOCABULARY,
            compat=wiring.compat(self._loaded.settings),
            figures=Figures(wiring.albums(self._loaded.settings), _page_failed),
        )
        seconds = settings.request_timeout.total_seconds()
        return WebServer(
            tuple(Address.parse(text) for text in settings.listen_addresses),
            site.answer,
            protection=self._web_config.protection,
            heard=self._scrapes.note,
            report=_page_failed,
            limits=replace(
                Limits(),
                connections=settings.max_connections,
                strangers=max(settings.max_connections // 4, 4),
                head_seconds=seconds,
                response_seconds=seconds,
            ),
        )

    def _reload(self) -> None:
        """Take the settings up again; a bad file keeps the old ones and says so."""
        with self.agent.notifier.reloading():
            self._web_config.look()
            try:
                result = reload(self._loaded)
            except ConfigError as error:
                for problem in error.problems:
                    log.error("reload-refused", problem=str(problem))  # noqa: TRY400 - no bug of ours
                return
            self._loaded = result.loaded
            self._apply(result.loaded)
            log.info(
                "reloaded", changed=list(result.changed), needs_restart=list(result.needs_restart)
            )

    def _apply(self, loaded: Loaded) -> None:
        settings, decisions = loaded.settings, self.agent.decisions
        self._logs.apply(settings.log.format, settings.log.level)
        decisions.judge.settings = wiring.policy_settings(settings)
        decisions.calendar.agenda = wiring.agenda(settings)
        self._calendars.watch(wiring.calendar_files(settings))
        self._hooks.watch(wiring.hooks(settings), self._latest_audit())
        decisions.calendar.forget()
        decisions.look_at_known_boards()
        self.agent.identity = wiring.identity(loaded)


def _page_failed(path: str, error: Exception) -> None:
    log.error("page-failed", path=path, error=repr(error), exc_info=error, limit_by=("error",))
