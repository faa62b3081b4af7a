"""Sweeps: what one sweep of a board adds to its history; nearly nothing when nothing changed."""

from dataclasses import dataclass, field

from gpuwatch.domain.counts import ErrorCount
from gpuwatch.domain.events import Event, EventKind
from gpuwatch.domain.incidents import ErrorKind, Memory
from gpuwatch.domain.readings import Gap, Sweep, Value
from gpuwatch.domain.signals import Role, Signal
from gpuwatch.history import events, ledger
from gpuwatch.history.boards import BoardHistory, Case, Counted, Report, Swept
from gpuwatch.history.book import Book
from gpuwatch.history.plans import PAGES, ROWS, TOTAL, Plan, is_urgent
from gpuwatch.history.rows import clock_row, count_row
from gpuwatch.history.tables import CHANGES, CLOCKS, COUNTS, ERROR_SIGNALS, HELD
from gpuwatch.history.timeline import Instant

_KINDS = {ROWS: ErrorKind.ROW_REMAP, PAGES: ErrorKind.PAGE_RETIREMENT}
_MEMORIES = {
    TOTAL: Memory.UNKNOWN,
    "dram": Memory.DRAM,
    "sram": Memory.SRAM,
    ROWS: Memory.DRAM,
    PAGES: Memory.DRAM,
}
_LOCATIONS = ("dram", "sram")
_CHANGES_PER_SECONDS = 3600.0
_NO_ACTION = "0"


@dataclass(slots=True)
class Effect:
    """What one step changed. `urgent` changes are written at once."""

    events: list[Event] = field(default_factory=list)
    cases: list[Case] = field(default_factory=list)
    urgent: bool = False
    changed: bool = False


@dataclass(frozen=True, slots=True)
class _Rise:
    count: int
    since: Instant


def take(
    book: Book, known: BoardHistory, sweep: Sweep, plan: Plan, max_gap_seconds: float
) -> Effect | None:
    """Take one sweep; None when nothing but time has passed."""
    now = book.timeline.now
    values = plan.watch(sweep.values)
    swept = known.swept.get(sweep.cadences)
    if (
        swept is not None
        and swept.values == values
        and swept.plan is plan
        and swept.epoch == book.epoch_token
    ):
        if swept.readable:
            _expose(known, now, max_gap_seconds)
        if swept.seen:
            known.last_seen = now
        swept.at = now
        return None
    return _changed(book, known, plan, values, sweep, max_gap_seconds)


def _changed(
    book: Book,
    known: BoardHistory,
    plan: Plan,
    values: tuple[Value | Gap, ...],
    sweep: Sweep,
    max_gap_seconds: float,
) -> Effect:
    now = book.timeline.now
    effect = Effect()
    exposure = known.exposure
    readable = any(not isinstance(values[place], Gap) for place in plan.owning)
    seen = any(not isinstance(value, Gap) for value in sweep.values)
    if readable:
        _expose(known, now, max_gap_seconds)
    if seen:
        known.last_seen = now
    rises = _count(book, known, plan, values, effect)
    _charge(book, known, rises, (exposure + known.exposure) / 2, effect)
    before = known.swept.get(sweep.cadences)
    for row, value in zip(plan.watched, values, strict=True):
        if not isinstance(value, Gap):
            _hold(book, known, row, value, before.at if before else None, effect)
    known.swept[sweep.cadences] = Swept(plan, values, now, book.epoch_token, readable, seen)
    if effect.urgent:
        book.store.put(CLOCKS, clock_row(known))
    return effect


def _expose(known: BoardHistory, now: Instant, max_gap_seconds: float) -> None:
    """Advance the exposure clock by the time between two good readings that follow each other."""
    last = known.last_read
    if last is not None and last.boot == now.boot:
        passed = now.boottime - last.boottime
        if passed <= 0:
            return
        if passed <= max_gap_seconds:
            known.exposure += passed
    known.last_read = now


def _count(
    book: Book,
    known: BoardHistory,
    plan: Plan,
    values: tuple[Value | Gap, ...],
    effect: Effect,
) -> dict[str, _Rise]:
    """Advance the error counters that this sweep read; those that rose, and since when."""
    now = book.timeline.now
    rises: dict[str, _Rise] = {}
    for counter, places in plan.counters.items():
        volatile, aggregate = _pair(plan, values, places)
        if volatile is None and aggregate is None:
            if (good := known.good(counter)) is not None:
                known.counts[counter].good = good
            continue
        since = known.good(counter)
        counted = known.counts.get(counter)
        if counted is None or since is None:
            first = ErrorCount.first_sight(volatile, aggregate, book.epoch_token)
            known.counts[counter] = Counted(first, now)
            effect.urgent = effect.changed = True
            book.store.put(COUNTS, count_row(known, counter))
            continue
        advance = counted.count.advance(volatile, aggregate, book.epoch_token)
        if advance.count != counted.count:
            effect.urgent = effect.changed = True
        counted.count, counted.good = advance.count, now
        if advance.inforom_reset:
            detail = f"the {counter} error counter of the InfoROM fell: counting goes on from here"
            effect.events += events.say(book, EventKind.COUNTER_BASELINE, known, detail)
        if advance.rise:
            rises[counter] = _Rise(advance.rise, since)
        book.store.put(COUNTS, count_row(known, counter))
    return rises


def _pair(
    plan: Plan, values: tuple[Value | Gap, ...], places: tuple[int, ...]
) -> tuple[int | None, int | None]:
    """The volatile and the aggregate reading among `places`; None where there is none."""
    volatile = aggregate = None
    for place in places:
        value = values[place]
        if isinstance(value, Gap | str):
            continue
        if plan.watched[place].role is Role.ECC_VOLATILE:
            volatile = int(value)
        else:
            aggregate = int(value)
    return volatile, aggregate


def _charge(
    book: Book, known: BoardHistory, rises: dict[str, _Rise], exposure: float, effect: Effect
) -> None:
    """Turn rises into error signals, each error once although totals and locations both tell."""
    if not rises:
        return
    total = rises.get(TOTAL)
    risen = total.count if total else 0
    named = sum(rises[memory].count for memory in _LOCATIONS if memory in rises)
    unnamed = _unnamed(known) - risen + named  # as it was before this sweep
    late = min(max(0, named - risen), max(0, unnamed))  # told by the total in an earlier sweep
    for counter, rise in rises.items():
        count, since = rise.count, rise.since
        if counter == TOTAL:
            count -= named + max(0, -unnamed)
        elif counter in _LOCATIONS:
            if total and risen >= named:
                since = total.since  # the total is read more often: a narrower interval
            told = min(late, count)
            late -= told
            if told and (latest := _latest_ecc(known)) is not None:
                report = _report(book, counter, told, since, exposure)
                ledger.attach(book, known, latest, report)
                effect.cases.append(latest)
                count -= told
        if count > 0:
            report = _report(book, counter, count, since, exposure)
            case = ledger.enter(book, known, report)
            if case is not None:
                effect.cases.append(case)
            _tell(book, known, counter, rise.count, report, effect)


def _unnamed(known: BoardHistory) -> int:
    """Errors in the total that no location has told of (negative when the total lags)."""
    totals = {counter: counted.count.total for counter, counted in known.counts.items()}
    if TOTAL not in totals:
        return 0
    return totals[TOTAL] - sum(totals.get(memory, 0) for memory in _LOCATIONS)


def _latest_ecc(known: BoardHistory) -> Case | None:
    """The incident to which the latest ECC signal went."""
    holding = [
        (report.number, case)
        for case in known.cases[-4:]
        for report in case.reports
        if report.kind is ErrorKind.ECC
    ]
    return max(holding, key=lambda pair: pair[0])[1] if holding else None


def _report(book: Book, counter: str, count: int, since: Instant, exposure: float) -> Report:
    """The error signal of a rise, dated to the middle of the interval in which it lies."""
    now = book.timeline.now
    half = max(0.0, book.timeline.elapsed(since, now)) / 2
    return Report(
        number=book.number(ERROR_SIGNALS),
        kind=_KINDS.get(counter, ErrorKind.ECC),
        instant=Instant(now.boot, now.boottime - half),
        exposure=exposure,
        seconds_before=half,
        seconds_after=half,
        memory=_MEMORIES[counter],
        count=count,
    )


def _tell(
    book: Book, known: BoardHistory, counter: str, count: int, report: Report, effect: Effect
) -> None:
    effect.events += events.say(
        book,
        EventKind.ERRORS_COUNTED,
        known,
        f"{count} uncorrectable errors more ({counter})",
        instant=report.instant,
        seconds_before=report.seconds_before,
        seconds_after=report.seconds_after,
    )


def _hold(
    book: Book,
    known: BoardHistory,
    row: Signal,
    value: Value,
    previous_at: Instant | None,
    effect: Effect,
) -> None:
    """Keep a value since when it holds, and the transition; notice what a reset leaves behind."""
    key, now = row.key, book.timeline.now
    held = known.held.get(key)
    if held is not None and held[0] == value:
        return
    known.held[key] = (value, now)
    effect.changed = True
    effect.urgent = effect.urgent or is_urgent(row)
    number = book.signal(key)
    book.store.put(HELD, (known.number, number, value, now.boot, now.boottime))
    _keep_change(book, known, key, number, value)
    if held is not None and _tells_of_reset(row, held[0], value):
        _reset(book, known, row, previous_at, effect)


def _keep_change(
    book: Book, known: BoardHistory, key: str, signal: int, value: Value
) -> None:
    """One row an hour and signal at most: within an hour the later value replaces the earlier."""
    now = book.timeline.now
    last = book.changes.get((known.number, key))
    if last is None or book.timeline.elapsed(last[1], now) >= _CHANGES_PER_SECONDS:
        last = book.changes[known.number, key] = (book.number(CHANGES), now)
    book.store.put(CHANGES, (last[0], known.number, signal, value, now.boot, now.boottime))


def _tells_of_reset(row: Signal, before: Value, value: Value) -> bool:
    if row.role is Role.REMAP_PENDING:
        return bool(before) and not value
    return row.role is Role.RECOVERY_ACTION and str(before) != _NO_ACTION and str(value) == "0"


def _reset(
    book: Book, known: BoardHistory, row: Signal, previous_at: Instant | None, effect: Effect
) -> None:
    """Record a reset between the last two readings, unless it is on record already."""
    now = book.timeline.now
    half = 0.0
    if previous_at is not None:
        half = max(0.0, book.timeline.elapsed(previous_at, now)) / 2
    recorded = [book.timeline.elapsed(reset, now) for reset in book.resets(known)]
    if any(age <= 2 * half for age in recorded):
        return
    instant = Instant(now.boot, now.boottime - half)
    events.reset(book, known, instant, row.role.value)
    effect.events += events.say(
        book,
        EventKind.RESET,
        known,
        f"{row.role.value} returned to none",
        instant=instant,
        seconds_before=half,
        seconds_after=half,
    )
