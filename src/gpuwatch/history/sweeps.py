"""Sweeps: what one sweep of a board adds to its history; nearly nothing when nothing changed."""

from dataclasses import dataclass

from gpuwatch.domain.counts import Advance, ErrorCount
from gpuwatch.domain.events import Event, EventKind
from gpuwatch.domain.incidents import ErrorKind, Memory
from gpuwatch.domain.readings import Gap, GapReason, Sweep
from gpuwatch.domain.signals import Role
from gpuwatch.history import events, ledger
from gpuwatch.history.boards import BlindGap, BoardHistory, Case, Counted, Report, Swept
from gpuwatch.history.book import Book
from gpuwatch.history.held import Effect, hold
from gpuwatch.history.plans import PAGES, ROWS, TOTAL, Plan, Values
from gpuwatch.history.rows import clock_row, count_row
from gpuwatch.history.tables import CLOCKS, COUNTS, ERROR_SIGNALS
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
# An aggregate counter may lag behind by some sweeps.
_LAG_SECONDS = 120.0


@dataclass(frozen=True, slots=True)
class Rise:
    """By how much an error counter rose, and when it was last read before."""

    count: int
    since: Instant


def take(
    book: Book, known: BoardHistory, sweep: Sweep, plan: Plan, max_gap_seconds: float
) -> Effect | None:
    """Take one sweep; None when nothing but time has passed.

    A GPU that is lost may still answer some calls from memory: that does not observe it.
    """
    now = book.timeline.now
    values = plan.watch(sweep.values)
    gaps = [value for value in sweep.values if type(value) is Gap]
    lost = any(gap.reason is GapReason.LOST for gap in gaps)
    swept = known.swept.get(sweep.cadences)
    if (
        swept is not None
        and swept.values == values
        and swept.plan is plan
        and swept.epoch == book.epoch_key
    ):
        if swept.readable and not lost:
            _expose(known, now, max_gap_seconds)
        if swept.seen and not lost:
            known.last_seen = now
        swept.at = now
        return None
    exposure = known.exposure
    readable = any(not isinstance(values[place], Gap) for place in plan.owning)
    if readable and not lost:
        _expose(known, now, max_gap_seconds)
    seen = any(not isinstance(value, Gap) for value in sweep.values)
    if seen and not lost:
        known.last_seen = now
    effect = _changed(book, known, plan, values, (exposure + known.exposure) / 2)
    for row, value in zip(plan.watched, values, strict=True):
        if not isinstance(value, Gap):
            effect.add(hold(book, known, row, value))
    known.swept[sweep.cadences] = Swept(plan, values, now, book.epoch_key, readable, seen)
    if effect.urgent:
        book.store.put(CLOCKS, clock_row(known))
    return effect


def _changed(
    book: Book, known: BoardHistory, plan: Plan, values: Values, exposure: float
) -> Effect:
    """Count, and charge what rose; `exposure` is the exposure clock half-way through."""
    effect = Effect()
    rises: dict[str, Rise] = {}
    for counter, places in plan.counters.items():
        volatile, aggregate = _pair(plan, values, places)
        if volatile is None and aggregate is None:
            if (good := known.good(counter)) is not None:
                known.counts[counter].good = good
            continue
        rise = _advance(book, known, counter, (volatile, aggregate), effect)
        if rise is not None:
            rises[counter] = rise
        book.store.put(COUNTS, count_row(known, counter))
    if rises:
        charge(book, known, rises, exposure, effect)
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
        else:
            known.gap = BlindGap(now.boot, last.boottime, now.boottime)
    known.last_read = now


def _advance(
    book: Book,
    known: BoardHistory,
    counter: str,
    pair: tuple[int | None, int | None],
    effect: Effect,
) -> Rise | None:
    """Advance one error counter; by how much it rose and since when, None when it did not."""
    now, since = book.timeline.now, known.good(counter)
    counted = known.counts.get(counter)
    if counted is None or since is None:
        first = ErrorCount.first_sight(*pair, book.epoch_key)
        known.counts[counter] = Counted(first, now)
        effect.urgent = effect.changed = True
        return None
    if counted.count.epoch != book.epoch_key:
        counted.load = (since, now)
    advance = counted.count.advance(*pair, book.epoch_key)
    since = _since_before_load(book, counted, pair, advance) or since
    if advance.count != counted.count:
        effect.urgent = effect.changed = True
    counted.count, counted.good = advance.count, now
    if advance.inforom_reset:
        detail = f"the {counter} error counter of the InfoROM fell: counting goes on from here"
        effect.events += events.say(book, EventKind.COUNTER_BASELINE, known, detail)
    return Rise(advance.rise, since) if advance.rise else None


def _since_before_load(
    book: Book, counted: Counted, pair: tuple[int | None, int | None], advance: Advance
) -> Instant | None:
    """The last reading before the driver was loaded, for a rise that comes late from before it.

    Only the aggregate, which lags, tells of it: the volatile counter knows of all errors since.
    """
    if pair[0] is None or counted.load is None or not advance.rise:
        return None
    before, first = counted.load
    told = advance.count.volatile_sum > counted.count.volatile_sum
    late = not told and book.timeline.elapsed(first, book.timeline.now) <= _LAG_SECONDS
    return before if late else None


def _pair(plan: Plan, values: Values, places: tuple[int, ...]) -> tuple[int | None, int | None]:
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


def charge(
    book: Book, known: BoardHistory, rises: dict[str, Rise], exposure: float, effect: Effect
) -> None:
    """Turn rises into error signals, each error once although totals and locations both tell."""
    total = rises.get(TOTAL)
    risen = total.count if total else 0
    named = sum(rises[memory].count for memory in _LOCATIONS if memory in rises)
    unnamed = _unnamed(known) - risen + named  # as it was before this sweep
    # Told by the total in an earlier sweep; without a total nothing was.
    late = min(max(0, named - risen), max(0, unnamed)) if TOTAL in known.counts else 0
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
            effect.events += _tell(book, known, counter, rise.count, report)


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
    book: Book, known: BoardHistory, counter: str, count: int, report: Report
) -> tuple[Event, ...]:
    noun = "error" if count == 1 else "errors"
    return events.say(
        book,
        EventKind.ERRORS_COUNTED,
        known,
        f"{count} uncorrectable {noun} more ({counter})",
        instant=report.instant,
        seconds_before=report.seconds_before,
        seconds_after=report.seconds_after,
    )
