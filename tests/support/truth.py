"""Truth: what really happened to each board, and what of it can be known; kept beside the agent.

A much simpler account than history's: errors have one true instant on a clock that never steps, and
an incident is what follows its first error within a day, or within a week without a reset seen.
Where what can be known leaves room for more than one account (an error that came to light long
after, one between two boots) the board's incidents are `vague`, and only sums are compared.
"""

from collections import Counter
from dataclasses import dataclass, field

from gpuwatch.domain.moments import SECONDS_PER_DAY
from gpuwatch.domain.readings import Gap, Value
from tests.support.driven import COUNTER_PLACES, NEEDED, Counters, DrivenClock, Line, Part

HOUR = 3600.0
SOON = 900.0  # what came to light this soon leaves no room
DAY, WEEK = SECONDS_PER_DAY, 7 * SECONDS_PER_DAY
OWNERS = {48: "xid_48", 171: "xid_171", 172: "xid_172"}
ECHOES = {94: "xid_94", 95: "xid_95", 140: "xid_140"}


@dataclass(slots=True)
class Error:
    """One occurrence of uncorrectable errors. `at` is true time; the volatile counter forgets."""

    at: float
    boot_id: str
    boottime: float
    memory: str
    count: int
    volatile: bool = True
    aggregate: bool = False
    read: bool = False  # by a counter
    logged: bool = False  # by a record that was delivered
    remapped: bool = False  # a row was remapped for it
    told_by_row: bool = False
    doubt: float = 0.0  # seconds by which it may be dated wrongly

    @property
    def known(self) -> bool:
        """Whether anything told of it."""
        return self.read or self.logged or self.told_by_row


@dataclass(slots=True)
class BoardTruth:
    """What happened to one board. `evidence` counts, by rule, what newly speaks for it."""

    part: Part
    first_seen: float
    errors: list[Error] = field(default_factory=list)
    counted: Counter[str] = field(default_factory=Counter)
    records: Counter[str] = field(default_factory=Counter)
    rows: int = 0
    rows_read: int = 0
    resets: list[float] = field(default_factory=list)
    falls: list[float] = field(default_factory=list)
    fallen_in: str = ""
    evidence: Counter[str] = field(default_factory=Counter)
    vague: bool = False
    settled: bool = True
    reset_unread: bool = False  # whether its counters were not read since a reset
    lossy: bool = False  # whether a reset hid errors: the sums do not exceed the truth, no more
    located: bool = False  # whether the latest sweep told of every error by its memory
    last_read: float | None = None
    last_boot: str = ""
    missing: dict[str, tuple[str, float]] = field(default_factory=dict)
    last_state: tuple[int, int] = (0, 0)
    failed_read: bool = False
    failed_asked: bool = False  # whether it was read since the board came, or came back
    listed: bool = True  # by the latest inventory
    load: int = 1  # of the driver, as the agent last saw it

    @property
    def known(self) -> list[Error]:
        """The errors that came to light, in true order."""
        return sorted((error for error in self.errors if error.known), key=lambda error: error.at)

    def incidents(self) -> list[Error]:
        """The first error of each incident, in true order."""
        firsts: list[Error] = []
        for error in self.known:
            if firsts:
                passed = error.at - firsts[-1].at
                was_reset = any(firsts[-1].at < reset <= error.at for reset in self.resets)
                if passed < (DAY if was_reset else WEEK):
                    continue
            firsts.append(error)
        return firsts

    def is_vague(self, clock: DrivenClock) -> bool:
        """Whether its incidents can be told in more than one way."""
        known = self.known
        if clock.disagrees and len({error.boot_id for error in known}) > 1:
            return True  # between boots only their clocks tell how much time passed
        near = any(
            abs(two.at - one.at - limit) < 2 * HOUR
            for place, one in enumerate(known)
            for two in known[place + 1 :]
            for limit in (DAY, WEEK)
        )
        return self.vague or near or any(error.doubt > SOON for error in known)

    def swept(self, values: tuple[Value | Gap, ...], clock: DrivenClock, *, slow: bool) -> None:
        """Take what a sweep told."""
        self._note_missing(values, clock)
        part = self.part
        if part.fallen:
            return
        self.located = False
        if COUNTER_PLACES[0] not in part.gaps:
            self._note_counters(clock, slow=slow)
        if 4 not in part.gaps:
            if part.failed and not self.failed_read:
                self.evidence["row-remap-failed"] += 1
            self.failed_read, self.failed_asked = bool(part.failed), True
        if 3 not in part.gaps:
            state = (part.pending, part.action)
            if any(before and not now for before, now in zip(self.last_state, state, strict=True)):
                self.resets.append(clock.true)
            self.last_state = state
        for error in self.errors:
            error.aggregate = True  # one that lags shows it at the next sweep

    def logged(self, line: Line, clock: DrivenClock) -> None:
        """Take what a line of the kernel log told."""
        event = line.event
        code = event.code or 0
        if line.true < self.first_seen:
            return
        if code in OWNERS or code in ECHOES:
            self.records[(OWNERS | ECHOES)[code]] += 1
        if code == 79:
            self.evidence["off-the-bus-again"] += 1
        if code not in OWNERS:
            return
        for error in self.errors:
            if error.boot_id != line.boot_id or error.boottime != event.boottime:
                continue
            if not error.known:
                self.evidence["rising-uncorrectable-trend"] += 1
            late = line.boot_id != clock.boot_id or clock.boottime - error.boottime > SOON
            self.vague |= late
            error.logged, error.doubt = True, 0.0

    def killed(self, unwritten: float) -> None:
        """The agent ended, and with it when the board was read in the last `unwritten` seconds."""
        if self.last_read is not None:
            self.last_read -= unwritten

    def _note_counters(self, clock: DrivenClock, *, slow: bool) -> None:
        part = self.part
        has_volatile = part.counters is not Counters.AGGREGATE
        has_aggregate = part.counters is not Counters.VOLATILE
        since = self.last_read if self.last_boot == clock.boot_id else None
        for error in self.errors:
            told = (has_volatile and error.volatile) or (has_aggregate and error.aggregate)
            if told and not error.read:
                self._note_read(error, clock, since)
        for error in self.errors:
            if error.remapped and not error.told_by_row:
                self._note_row(error)
        if self.reset_unread and not has_aggregate and part.volatile:
            self.lossy = True  # it may stand above what it told before, and nobody sees the reset
        self.reset_unread = False
        self.settled = not self.lossy and all(error.aggregate for error in self.errors)
        self.rows_read = part.rows
        self.last_read, self.last_boot = clock.true, clock.boot_id
        self.located = slow and self.settled and has_aggregate

    def _note_read(self, error: Error, clock: DrivenClock, since: float | None) -> None:
        if not error.known:
            self.evidence["rising-uncorrectable-trend"] += 1
        error.read = True
        self.counted[error.memory] += error.count
        waited = DAY if since is None else clock.true - since
        error.doubt = max(error.doubt, waited if not error.logged else 0.0)
        crossed = since is None or any(since < reset <= clock.true for reset in self.resets)
        lagged = self.part.lags and not error.volatile
        self.vague |= crossed or lagged or waited > SOON

    def _note_row(self, error: Error) -> None:
        """A remapped row tells of an error also where the counters forgot it."""
        if not error.known:
            self.evidence["rising-uncorrectable-trend"] += 1
            self.vague = True
        error.told_by_row = True

    def _note_missing(self, values: tuple[Value | Gap, ...], clock: DrivenClock) -> None:
        for key, value in zip(NEEDED, values, strict=False):
            if isinstance(value, Gap) and value.reason != "unsupported":
                self.missing.setdefault(key, (clock.boot_id, clock.boottime))
            else:
                self.missing.pop(key, None)

    def forget_volatile(self) -> None:
        """The volatile counter starts from 0: what it had not told only the aggregate can tell."""
        self.reset_unread = False  # a load of the driver is seen, whatever was before
        for error in self.errors:
            error.volatile = False

    @property
    def blind_seconds_since(self) -> tuple[str, float] | None:
        """Since when the longest missing signal is missing: its boot, and seconds since boot."""
        return min(self.missing.values(), key=lambda since: since[1], default=None)
