"""Ledger: error signals of a board become incidents, dated on a clock that cannot step."""

from collections.abc import Iterable
from dataclasses import dataclass, replace

from gpuwatch.domain.incidents import (
    ECHO_SECONDS,
    ErrorSignal,
    Incident,
    Outcome,
    adopt,
    assign,
)
from gpuwatch.history.boards import BoardHistory, Case, Exact, Report
from gpuwatch.history.book import Book
from gpuwatch.history.rows import case_row, report_row, waiting_row
from gpuwatch.history.tables import ERROR_SIGNALS, INCIDENTS, WAITING
from gpuwatch.history.timeline import Instant, Timeline

# Incidents further back than this many cannot absorb anything: each spans a day or more.
_RECENT_CASES = 16
# Of one kind and memory an incident keeps so many signals; later ones add to the last one's count.
_SIGNALS_OF_A_KIND = 20
# A kernel-log line may stand so many seconds outside of the interval it dates: it is stamped by the
# driver, the sweep by us.
_SLACK_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class _Scale:
    """Unix seconds seen from one instant, so that no stepped clock spoils a difference."""

    timeline: Timeline
    origin: Report

    def at(self, instant: Instant, exposure: float) -> float:
        """Where `instant`, at which the exposure clock stood at `exposure`, lies on the scale."""
        gained = self.origin.exposure - exposure
        elapsed = self.timeline.elapsed(instant, self.origin.instant, at_least=gained)
        return self.timeline.wall(self.origin.instant) - elapsed

    def signal(self, known: BoardHistory, report: Report) -> ErrorSignal:
        """`report` as the domain knows it."""
        return as_signal(known, report, self.at(report.instant, report.exposure))

    def incident(self, known: BoardHistory, case: Case) -> Incident:
        """`case` as the domain knows it."""
        return Incident(
            board=known.board.key,
            opened_at=self.at(case.opened, case.exposure),
            opened_exposure=case.exposure,
            signals=tuple(self.signal(known, report) for report in case.reports),
        )


def as_signal(known: BoardHistory, report: Report, at: float) -> ErrorSignal:
    """A stored error signal in the domain's form, dated `at` Unix seconds."""
    return ErrorSignal(
        board=known.board.key,
        kind=report.kind,
        at=at,
        exposure=report.exposure,
        memory=report.memory,
        count=report.count,
        not_before=None if report.exact else at - report.seconds_before,
        not_after=None if report.exact else at + report.seconds_after,
    )


def as_incident(known: BoardHistory, case: Case, timeline: Timeline) -> Incident:
    """A stored incident in the domain's form, dated by the timeline's latest word."""
    return Incident(
        board=known.board.key,
        opened_at=timeline.wall(case.opened),
        opened_exposure=case.exposure,
        signals=tuple(
            as_signal(known, report, timeline.wall(report.instant)) for report in case.reports
        ),
    )


def enter(book: Book, known: BoardHistory, report: Report) -> Case | None:
    """Put an error signal where it belongs; the incident it changed, None for an echo alone.

    An echo without an owner waits for `settle` to attach it or to give it up.
    """
    if not report.exact:
        _date(book.timeline, known, report)
    report.exposure = _in_order(known.cases, report.instant, report.exposure)
    scale = _Scale(book.timeline, report)
    offset = max(0, len(known.cases) - _RECENT_CASES)
    signal = scale.signal(known, report)
    assignment = assign(
        tuple(scale.incident(known, case) for case in known.cases[offset:]),
        signal,
        tuple(scale.at(reset, report.exposure) for reset in book.resets(known)),
    )
    if assignment.index is None:
        known.waiting.append(report)
        book.store.put(WAITING, waiting_row(known, report))
        return None
    place = offset + assignment.index
    if assignment.outcome is Outcome.OPENED:
        known.cases.insert(place, Case(book.number(INCIDENTS), report.instant, report.exposure))
    case = known.cases[place]
    if assignment.incidents[assignment.index].opened_at == signal.at:
        case.opened, case.exposure = report.instant, report.exposure
    attach(book, known, case, report)
    _adopt(book, known, case, scale)
    put_in_order(known)
    return case


def put_in_order(known: BoardHistory) -> None:
    """Order a board's incidents by its exposure clock, whatever wall clocks did between boots."""
    known.cases.sort(key=lambda case: (case.exposure, case.opened))


def _in_order(cases: Iterable[Case], instant: Instant, exposure: float) -> float:
    """An exposure that puts an instant among `cases` as the boot clock does, within its boot.

    What is read late, after a restart and several gaps, is put on the exposure clock by a guess.
    """
    alike = [case for case in cases if case.opened.boot == instant.boot]
    before = [case.exposure for case in alike if case.opened <= instant]
    after = [case.exposure for case in alike if case.opened > instant]
    return min([max([exposure, *before]), *after])


def attach(book: Book, known: BoardHistory, case: Case, report: Report) -> None:
    """Add a signal to an incident; a flood of one kind grows a count, not the history."""
    alike = [old for old in case.reports if (old.kind, old.memory) == (report.kind, report.memory)]
    if len(alike) < _SIGNALS_OF_A_KIND:
        case.reports.append(report)
        kept = report
    else:
        kept = alike[-1]
        kept.count += report.count
    book.store.put(INCIDENTS, case_row(known, case))
    book.store.put(ERROR_SIGNALS, report_row(case, kept))


def settle(book: Book, known: BoardHistory, now: Instant) -> list[Report]:
    """Give up the echoes whose owner did not come in time; they are unattributed errors."""
    alone = [
        echo for echo in known.waiting if book.timeline.elapsed(echo.instant, now) > ECHO_SECONDS
    ]
    for echo in alone:
        known.waiting.remove(echo)
        known.unattributed += echo.count
        book.store.drop(WAITING, (echo.number,))
    return alone


def redate(book: Book, known: BoardHistory, exact: Exact) -> Case | None:
    """Date by a kernel-log record the incident whose opener is known as an interval around it."""
    for case in reversed(known.cases):
        opener = case.reports[0]
        if (
            opener.exact
            or case.opened != opener.instant
            or (exact.echo and opener.seconds_before != opener.seconds_after)
            or not _holds(book.timeline, opener, exact.instant)
        ):
            continue
        _pin(book.timeline, opener, exact)
        others = (other for other in known.cases if other is not case)
        case.exposure = opener.exposure = _in_order(others, opener.instant, opener.exposure)
        case.opened = opener.instant
        book.store.put(INCIDENTS, case_row(known, case))
        book.store.put(ERROR_SIGNALS, report_row(case, opener))
        put_in_order(known)
        return case
    return None


def _date(timeline: Timeline, known: BoardHistory, report: Report) -> None:
    """Date a counter's rise by the first kernel-log record in its interval, echoes last."""
    holding = [each for each in known.exact if _holds(timeline, report, each.instant)]
    if holding:
        _pin(timeline, report, min(holding, key=lambda each: each.echo))


def _holds(timeline: Timeline, report: Report, instant: Instant) -> bool:
    after = timeline.wall(instant) - timeline.wall(report.instant)
    return -report.seconds_before - _SLACK_SECONDS <= after <= report.seconds_after + _SLACK_SECONDS


def _pin(timeline: Timeline, report: Report, exact: Exact) -> None:
    """Date a rise by a record. The interval stays where the record is an echo.

    An echo may be of a peer's error: the board's own record may still come, and then dates.
    """
    later = timeline.wall(exact.instant) - timeline.wall(report.instant)
    report.instant = exact.instant
    report.seconds_before = max(0.0, report.seconds_before + later) if exact.echo else 0.0
    report.seconds_after = max(0.0, report.seconds_after - later) if exact.echo else 0.0
    if exact.exposure is not None:
        report.exposure = exact.exposure


def _adopt(book: Book, known: BoardHistory, case: Case, scale: _Scale) -> None:
    """Attach the waiting echoes that are near enough to `case`."""
    if not known.waiting:
        return
    signals = [scale.signal(known, echo) for echo in known.waiting]
    _, rest = adopt(scale.incident(known, case), signals)
    adopted = [
        echo for echo, signal in zip(known.waiting, signals, strict=True) if signal not in rest
    ]
    for echo in adopted:
        known.waiting.remove(echo)
        book.store.drop(WAITING, (echo.number,))
        attach(book, known, case, replace(echo, number=book.number(ERROR_SIGNALS)))
