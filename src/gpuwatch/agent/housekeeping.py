"""Housekeeping: what the wall clock triggers. Never a sweep, never a decision by itself."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC
from threading import Thread

import structlog
from apscheduler.events import EVENT_JOB_ERROR, JobExecutionEvent
from apscheduler.executors.pool import ThreadPoolExecutor
from apscheduler.schedulers.background import BackgroundScheduler
from apscheduler.triggers.cron import CronTrigger
from apscheduler.triggers.interval import IntervalTrigger

log = structlog.get_logger("gpuwatch.housekeeping")


@dataclass(slots=True)
class Housekeeping:
    """Jobs on the wall clock, in UTC: local zones make jobs stand still at their changes.

    `copy` writes a consistent copy of the history, `copy_due` whether one is wanted; `backup` makes
    a nightly backup when one is due, maybe into a folder that hangs. All are called from threads of
    the scheduler.
    """

    copy: Callable[[], bool]
    copy_due: Callable[[], bool]
    minutely: Callable[[], None]
    hourly: Callable[[], None]
    backup: Callable[[], None]
    _scheduler: BackgroundScheduler = field(init=False)

    def __post_init__(self) -> None:
        self._scheduler = BackgroundScheduler(
            timezone=UTC,
            executors={"default": ThreadPoolExecutor(3)},
            job_defaults={"max_instances": 1, "coalesce": True, "misfire_grace_time": None},
        )
        self._scheduler.add_listener(_note_failure, EVENT_JOB_ERROR)

    def start(self) -> None:
        """Begin."""
        self._add_jobs()
        self._scheduler.start()

    @property
    def alive(self) -> bool:
        """Whether jobs are started when they are due."""
        thread = getattr(self._scheduler, "_thread", None)
        return isinstance(thread, Thread) and thread.is_alive()

    def clock_stepped(self) -> None:
        """Schedule every job anew: after a backward step they would wait for the old time."""
        self._scheduler.remove_all_jobs()
        self._add_jobs()

    def stop(self) -> None:
        """End without waiting: a job that hangs on a dead disk must not hold the agent."""
        if self._scheduler.running:
            self._scheduler.shutdown(wait=False)

    def _add_jobs(self) -> None:
        nightly = CronTrigger(hour=3, minute=17, timezone=UTC)
        self._scheduler.add_job(self.copy, nightly, id="nightly-copy")
        every_minute = IntervalTrigger(minutes=1, timezone=UTC)
        self._scheduler.add_job(self._minute, every_minute, id="minute")
        every_hour = IntervalTrigger(hours=1, timezone=UTC)
        self._scheduler.add_job(self.hourly, every_hour, id="hour")
        now_and_then = IntervalTrigger(minutes=10, timezone=UTC)
        self._scheduler.add_job(self.backup, now_and_then, id="backup")

    def _minute(self) -> None:
        self.minutely()
        if self.copy_due():
            self.copy()


def _note_failure(event: JobExecutionEvent) -> None:
    log.error("housekeeping-failed", job=event.job_id, error=repr(event.exception))
