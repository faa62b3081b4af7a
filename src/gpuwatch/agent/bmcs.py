"""BMCs: what their sources deliver goes into history, and what rules and readers see of them."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from itertools import takewhile

from gpuwatch.agent import bmc_telling
from gpuwatch.agent.live_bmc import HELD_BATCHES, LiveBmc, WatchedBmc
from gpuwatch.agent.publish import Frame
from gpuwatch.domain.bmc import BmcFailure, BmcSweep
from gpuwatch.domain.bmc_logs import LogBatch
from gpuwatch.domain.bmc_records import BmcRecord
from gpuwatch.domain.moments import SECONDS_PER_DAY, Moment
from gpuwatch.domain.snapshot import BmcState, Logged
from gpuwatch.domain.verdicts import Verdict
from gpuwatch.history import Change, History
from gpuwatch.policy.views import BmcView
from gpuwatch.sources.base import BmcMessage


@dataclass(frozen=True, slots=True)
class _Remembered:
    """What history knows of a BMC, as long as its edition is the same."""

    edition: tuple[object, ...]
    record: BmcRecord
    entries: tuple[Logged, ...]


@dataclass(slots=True)
class Bmcs:
    """Every BMC that the settings name, in their order. Others are history's alone."""

    history: History
    live: dict[str, LiveBmc] = field(default_factory=dict)
    _remembered: dict[str, _Remembered] = field(default_factory=dict)
    _fresh: frozenset[str] = frozenset()

    def watch(self, watched: Iterable[WatchedBmc], now: Moment) -> None:
        """Take up these."""
        self.live = {each.name: LiveBmc(each, now) for each in watched}

    def take(self, message: BmcMessage, now: Moment) -> Change:
        """Remember one message; what it changed, told already save its events."""
        live = self.live.get(message.bmc)
        if live is None:
            return Change()
        match message:
            case BmcSweep():
                bmc_telling.tell_answer(live, message.at)
                connected, started = not live.recognised, live.take(message)
                changes = [
                    self.history.take_bmc_sweep(
                        message, live.release(), connected=connected, started=started
                    )
                ]
            case LogBatch():
                live.held.append(message)
                waits = not live.recognised and len(live.held) <= HELD_BATCHES
                taken = [] if waits else live.release()
                changes = [self.history.take_log_batch(batch, now) for batch in taken]
            case BmcFailure():
                live.fail(message)
                bmc_telling.tell_failure(live, message)
                changes = [self.history.take_log_batch(held, now) for held in live.release()]
        for change in changes:
            bmc_telling.tell_entries(live.watched, change.entries)
        return Change(tuple(event for change in changes for event in change.events))

    @property
    def watched(self) -> tuple[WatchedBmc, ...]:
        """What the settings say of each."""
        return tuple([live.watched for live in self.live.values()])

    def freshness_changed(self, now: Moment) -> bool:
        """Whether what a BMC told grew stale since the last look: nothing else tells."""
        fresh = frozenset(name for name, live in self.live.items() if live.is_fresh(now))
        before, self._fresh = self._fresh, fresh
        return fresh != before

    def views(self, now: Moment) -> tuple[BmcView, ...]:
        """Every BMC as the rules see it."""
        return tuple([self._view(live, now) for live in self.live.values()])

    def states(self, frame: Frame) -> tuple[BmcState, ...]:
        """Every BMC as readers see it."""
        return tuple([self._state(live, frame) for live in self.live.values()])

    def _view(self, live: LiveBmc, now: Moment) -> BmcView:
        """One BMC. It is in trouble once nothing fresh is left: a lost answer alone is none."""
        watched, known = live.watched, self._known(live.watched.name)
        sweep = live.sweep if live.is_fresh(now) else None
        silence = None if sweep is not None else live.silence(now)
        restarts = tuple(_restarts(watched, known.record, now))
        off = sweep is not None and known.record.power_on is False
        since = known.record.power_since if off else None
        return BmcView(
            name=watched.name,
            host=watched.host,
            sweep=sweep,
            answers=live.answers,
            trouble=None if silence is None else silence.trouble,
            silent_seconds=0.0 if silence is None else live.silent_seconds(now),
            settled_seconds=max(0.0, now.wall - max(restarts)) if restarts else 1e9,
            powered_off_seconds=None if since is None else max(0.0, now.wall - since),
            entries=_of_the_last_day(known.entries, now),
            restarts=tuple(at for at in restarts if now.wall - at < SECONDS_PER_DAY),
            seen_well=known.record.seen_well,
            expected_on=watched.expected_on,
        )

    def _state(self, live: LiveBmc, frame: Frame) -> BmcState:
        watched, known, now = live.watched, self._known(live.watched.name), frame.now
        silence, subject = live.silence(now), watched.subject
        judgement = frame.judgement
        return BmcState(
            name=watched.name,
            host=watched.host,
            protocol=watched.protocol,
            address=watched.address,
            sweep=live.sweep,
            fresh=live.is_fresh(now),
            swept_at=None if live.sweep is None else _wall(live.sweep.at, now),
            trouble=None if silence is None else silence.trouble,
            problem="" if silence is None else silence.text,
            trouble_since=None if silence is None else _wall(silence.since, now),
            power_since=known.record.power_since,
            counts=known.record.counts,
            cleared=known.record.cleared,
            wrapped=known.record.wrapped,
            entries=known.entries,
            verdict=judgement.bmc_verdicts.get(subject, Verdict.UNKNOWN),
            verdict_since=frame.transitions.since(subject, now.wall),
            findings=judgement.bmc_findings.get(subject, ()),
            unknown_because=judgement.unknown_because.get(subject, ""),
        )

    def _known(self, name: str) -> _Remembered:
        """What history knows of a BMC, looked up when it changed: most sweeps change nothing."""
        edition, kept = self.history.bmc_edition(name), self._remembered.get(name)
        if kept is None or kept.edition != edition:
            record = self.history.bmc(name) or BmcRecord(name=name)
            kept = _Remembered(edition, record, _told_again(self.history.logged(name)))
            self._remembered[name] = kept
        return kept


def _told_again(entries: tuple[Logged, ...]) -> tuple[Logged, ...]:
    """The entries, the newest first, of which each knows whether one before it told the same."""
    said: set[object] = set()
    marked = []
    for one in reversed(entries):
        marked.append(replace(one, again=True) if one.entry.likeness in said else one)
        said.add(one.entry.likeness)
    return tuple(reversed(marked))


def _restarts(watched: WatchedBmc, record: BmcRecord, now: Moment) -> Iterator[float]:
    """When the BMC or its server started. This host's own start is known from its clock."""
    yield from record.restarts
    if not watched.host:
        yield now.wall - now.boottime


def _of_the_last_day(entries: tuple[Logged, ...], now: Moment) -> tuple[Logged, ...]:
    """The entries read first in the last day, beside the baseline; the newest come first."""
    recent = takewhile(lambda one: now.wall - one.seen_at < SECONDS_PER_DAY, entries)
    return tuple(one for one in recent if not one.baseline)


def _wall(moment: Moment, now: Moment) -> float:
    """A moment of this boot as the wall clock dates it now."""
    return now.wall - (now.boottime - moment.boottime)
