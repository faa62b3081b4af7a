"""Captures: when something happens to a board, what is known of it is kept at once.

A reboot or a reset is what people do next, and it takes the counters, the kernel's log and the
trail along. Who tells of an error first, a counter, an event or a line, is chance: what the others
say a moment later is added at once, for the host may be about to die. What follows in the next
minute is added once and for all, also by the agent that comes after. That one also captures, late,
what the one before could not.
"""

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import structlog

from gpuwatch.agent.guard import CAPTURE
from gpuwatch.agent.live import Live
from gpuwatch.agent.publish import gpu_states
from gpuwatch.agent.uncaptured import Uncaptured, uncaptured
from gpuwatch.domain.captures import (
    BOOT_ID,
    CUT,
    FOLLOWS_SECONDS,
    SETTLES_SECONDS,
    SPACING_SECONDS,
    UPTIME,
    Capture,
    Occasion,
)
from gpuwatch.domain.captures import recently as captured_recently
from gpuwatch.domain.devices import BoardKey
from gpuwatch.domain.events import Event, EventKind
from gpuwatch.domain.flags import Flag
from gpuwatch.domain.incidents import Incident
from gpuwatch.domain.kernel_lines import KernelLine
from gpuwatch.domain.moments import Moment
from gpuwatch.exposition.captures import (
    Driver,
    Scene,
    capture_document,
    followed_document,
    settled_document,
)
from gpuwatch.history import History

if TYPE_CHECKING:
    from gpuwatch.agent.core import Agent

log = structlog.get_logger("gpuwatch.captures")

_EVENTS_OF_A_BOARD = 100
_UNTOLD = "what followed could not be added (see gpuwatch's log)"


@dataclass(slots=True)
class Captures:
    """What is to be captured, and what waits for its minute to pass. For the agent's thread.

    `lines` are the kernel log's latest, of which `skipped` were not kept. Nothing is asked of
    anybody while nothing happens.
    """

    history: History
    live: Live
    lines: Callable[[], tuple[KernelLine, ...]] = tuple
    skipped: Callable[[], int] = lambda: 0
    _wanted: dict[BoardKey, dict[Occasion, str]] = field(default_factory=dict)
    _made: dict[BoardKey, list[tuple[Occasion, float]]] = field(default_factory=dict)
    _fresh: list[tuple[float, Capture]] = field(default_factory=list)
    _settle_at: float | None = None
    _born: float = 0.0
    _looks_back: bool = False  # what was missed before is to be looked for
    _missed: tuple[Uncaptured, ...] = ()
    _flags: tuple[Flag, ...] = ()
    _flagged: int = 0

    def begin(self, now: Moment) -> None:
        """Take up what an agent before this one could not finish."""
        self._born = now.boottime
        self._flags = self.history.flags()
        self._flagged = max((flag.number for flag in self._flags), default=0)
        self.look_back()
        if self.history.unsettled_captures() or self.history.degraded:
            self._settle_at = now.boottime + SETTLES_SECONDS

    def look_back(self) -> None:
        """See at the end of this turn what happened and was not captured."""
        self._looks_back = True

    def opened(self, incident: Incident) -> None:
        """An incident of a board was opened."""
        kinds = ", ".join(dict.fromkeys(signal.kind.value for signal in incident.signals))
        why = f"an uncorrectable error opened an incident ({kinds}; memory {incident.memory.value})"
        self.want(incident.board, Occasion.INCIDENT, why)

    def follow(self, events: Iterable[Event]) -> None:
        """See what of this means that a board is gone."""
        for event in events:
            if event.board is not None and event.is_off_bus:
                self.want(event.board, Occasion.OFF_BUS, f"it fell off the bus: {event.detail}")
            elif event.board is not None and event.kind is EventKind.BOARD_LOST:
                self.want(event.board, Occasion.OFF_BUS, f"it is gone: {event.detail}")

    def look_at_flags(self, flags: tuple[Flag, ...], now: Moment) -> None:
        """See which flags are new; old ones may come with a file that could be opened late."""
        if flags is self._flags:
            return
        for flag in flags:
            if flag.number > self._flagged and now.wall - flag.raised_at < SPACING_SECONDS:
                why = f"flag {flag.number} was raised by {flag.code}: {flag.sentence}"
                self.want(flag.board, Occasion.FLAG, why)
        self._flags = flags
        self._flagged = max((flag.number for flag in flags), default=0)

    def want(self, board: BoardKey, occasion: Occasion, because: str) -> None:
        """Have a board captured once this turn has been judged."""
        self._wanted.setdefault(board, {}).setdefault(occasion, because)

    def work(self, agent: "Agent", now: Moment) -> None:
        """Capture what is wanted and settle what is due. A failure is counted and told; no more."""
        if self._wanted:
            wanted, self._wanted = self._wanted, {}
            for board, occasions in wanted.items():
                agent.guard.attempt(CAPTURE, self._capture, agent, board, occasions, now)
        if self._looks_back:
            self._looks_back = False
            agent.guard.attempt(CAPTURE, self._find_missed, now)
        if self._missed:
            self._make_up(agent, now)
        while self._fresh and now.boottime >= self._fresh[0][0]:
            _, capture = self._fresh.pop(0)
            agent.guard.attempt(CAPTURE, self._follow_up, agent, capture, now)
        if self._settle_at is not None and now.boottime >= self._settle_at:
            self._settle_at = None
            agent.guard.attempt(CAPTURE, self._settle_all, agent, now)

    def _find_missed(self, now: Moment) -> None:
        self._missed = uncaptured(self.history, now.wall)

    def _make_up(self, agent: "Agent", now: Moment) -> None:
        """Capture late what the agent before could not, once the board has answered, or nearly."""
        missed, self._missed = self._missed, ()
        for one in missed:
            known = self.live.boards.get(one.board.uuid)
            answered = known is not None and known.last_good is not None
            if any(at >= self._born for _, at in self._made_of(one.board, now)):
                continue  # for another reason, with all that is there
            if answered or now.boottime >= self._born + SETTLES_SECONDS:
                occasions = {one.occasion: one.because}
                agent.guard.attempt(
                    CAPTURE, self._capture, agent, one.board, occasions, now, one.cut
                )
            else:
                self._missed += (one,)

    def _capture(
        self,
        agent: "Agent",
        board: BoardKey,
        occasions: dict[Occasion, str],
        now: Moment,
        cut: str = "",
    ) -> None:
        began = time.perf_counter()
        made = self._made_of(board, now)
        news = [one for one in Occasion if one in occasions]
        news = [one for one in news if not captured_recently(made, one, now.boottime)]
        scene = self._scene(agent, board, now) if news else None
        if scene is None:
            return
        made += [(one, now.boottime) for one in news]
        because = "; ".join(occasions[one] for one in news)
        document = capture_document(scene, news[0], because)
        if cut:
            document[CUT] = [cut, *document[CUT]]
        capture = self.history.save_capture(board, news[0], document, now)
        if capture is not None:
            self._fresh.append((now.boottime + FOLLOWS_SECONDS, capture))
        self._settle_by(now.boottime + SETTLES_SECONDS)
        log.info(
            "captured",
            number=capture.number if capture else 0,
            serial=board.serial,
            uuid=board.uuid,
            occasion=news[0].value,
            because=because,
            kernel_lines=len(document["kernel_lines"]),
            seconds=round(time.perf_counter() - began, 4),
        )

    def _made_of(self, board: BoardKey, now: Moment) -> list[tuple[Occasion, float]]:
        """What was captured of a board, by the boot clock; asked of history once."""
        if board not in self._made:
            ago = now.boottime - now.wall
            self._made[board] = [
                (one.occasion, one.at + ago) for one in self.history.captures(board)
            ]
        return self._made[board]

    def _follow_up(self, agent: "Agent", capture: Capture, now: Moment) -> None:
        """Add what was told of it a moment later: lines and events."""
        scene = self._scene(agent, capture.board, now)
        if scene is not None:
            document = followed_document(capture.document, scene)
            self.history.update_capture(capture, document, settled=False)

    def _settle_all(self, agent: "Agent", now: Moment) -> None:
        for capture in self.history.unsettled_captures():
            due = self._due(capture, now)
            if now.boottime < due:
                self._settle_by(due)
            else:
                agent.guard.attempt(CAPTURE, self._settle, agent, capture, now)
        if self.history.degraded:  # what cannot be read, or is not there yet, is looked for again
            self._settle_by(now.boottime + SETTLES_SECONDS)

    def _settle(self, agent: "Agent", capture: Capture, now: Moment) -> None:
        document = {**capture.document, CUT: [*capture.document.get(CUT, ()), _UNTOLD]}
        try:
            scene = self._scene(agent, capture.board, now)
            if scene is not None:
                document = settled_document(capture.document, scene)
        finally:  # whatever it is, trying again would not mend it
            self.history.update_capture(capture, document, settled=True)

    def _due(self, capture: Capture, now: Moment) -> float:
        """When its minute is over, seconds since boot; the one before us left what it could."""
        uptime = float(capture.document.get(UPTIME, 0.0))
        ours = capture.document.get(BOOT_ID) == now.boot_id and uptime >= self._born
        return (uptime if ours else self._born) + SETTLES_SECONDS

    def _settle_by(self, boottime: float) -> None:
        known = self._settle_at
        self._settle_at = boottime if known is None else min(known, boottime)

    def _scene(self, agent: "Agent", board: BoardKey, now: Moment) -> Scene | None:
        """All that is known of a board; None of one that history does not know."""
        record = self.history.record(board)
        if record is None:
            return None
        live, driver = self.live.board(record.key), agent.memory.driver
        (gpu,) = gpu_states({record.key: record}, self.live, agent.frame(now), departed=True)
        inventory = self.live.inventory
        return Scene(
            snapshot=agent.snapshot,
            gpu=gpu,
            driver=Driver(
                condition="" if driver is None else driver.condition,
                text="" if driver is None else driver.text,
                library="" if driver is None else driver.library_version,
                cuda="" if inventory is None else inventory.cuda_version,
            ),
            latest=tuple(live.latest(now)),
            before=tuple(live.latest_before(now)),
            trail=live.trail,
            lines=self.lines(),
            skipped=self.skipped(),
            events=self.history.recent_events(_EVENTS_OF_A_BOARD, record.key),
        )
