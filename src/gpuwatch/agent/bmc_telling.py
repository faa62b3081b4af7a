"""BMC telling: what BMCs say, and that they say nothing, as log lines."""

from collections.abc import Iterable

import structlog

from gpuwatch.agent.live_bmc import LiveBmc, WatchedBmc
from gpuwatch.domain.bmc import BmcFailure
from gpuwatch.domain.bmc_logs import LogSeverity
from gpuwatch.domain.moments import Moment
from gpuwatch.domain.snapshot import Logged

log = structlog.get_logger("gpuwatch.bmc")

LINES_A_DELIVERY = 20


def tell_failure(live: LiveBmc, failure: BmcFailure) -> None:
    """That a BMC cannot be asked: at first, once an hour, and at last."""
    log.warning(
        "bmc-not-answering",
        **_whose(live.watched),
        trouble=failure.trouble.value,
        text=failure.text,
        limit_by=("bmc", "trouble"),
    )


def tell_answer(live: LiveBmc, now: Moment) -> None:
    """That a BMC answers, for the first time or again."""
    silence = live.silence(now)
    if silence is not None:
        seconds = round(now.boottime - silence.since.boottime)
        whose = _whose(live.watched)
        log.info("bmc-answers-again", **whose, after_seconds=seconds, limit_by=("bmc",))
    elif live.sweep is None:
        log.info("bmc-answers", **_whose(live.watched))


def tell_entries(watched: WatchedBmc, entries: Iterable[Logged]) -> None:
    """One line for each new entry of a log, limited as floods are; one for a whole baseline."""
    news = [one for one in entries if not one.baseline]
    old = sum(one.baseline for one in entries)
    if old:
        log.info("bmc-log-baseline", **_whose(watched), entries=old)
    for logged in news[:LINES_A_DELIVERY]:
        entry = logged.entry
        grave = entry.severity is LogSeverity.CRITICAL
        (log.warning if grave else log.info)(
            "bmc-log-entry",
            **_whose(watched),
            log=entry.log,
            record=entry.record,
            at=round(logged.at, 3),
            topic=entry.topic.value,
            severity=entry.severity.value,
            sensor=entry.sensor,
            text=entry.text,
            limit_by=("bmc", "sensor", "text"),
        )
    if len(news) > LINES_A_DELIVERY:
        more = len(news) - LINES_A_DELIVERY
        log.warning("bmc-log-entries-not-shown", **_whose(watched), entries=more)


def _whose(watched: WatchedBmc) -> dict[str, str]:
    return {"bmc": watched.name} | ({"host": watched.host} if watched.host else {})
