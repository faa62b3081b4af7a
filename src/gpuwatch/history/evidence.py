"""Evidence: what an event says of its board: off the bus, a reset, an uncorrectable error."""

from gpuwatch.domain.events import Event, EventKind
from gpuwatch.history import events, ledger
from gpuwatch.history.boards import BoardHistory, Case, Exact
from gpuwatch.history.book import Book
from gpuwatch.history.rows import clock_row
from gpuwatch.history.tables import CLOCKS
from gpuwatch.history.timeline import Instant


def gather(book: Book, known: BoardHistory, event: Event, instant: Instant) -> list[Case]:
    """Write down what `event` is evidence of; the incidents it opened, extended or dated."""
    cases: list[Case | None] = []
    if event.is_off_bus:
        events.fall_off(book, known, instant)
    if event.kind is EventKind.RESET:
        events.reset(book, known, instant, "event")
    if events.dates(event):
        exact = Exact(instant, known.exposure_at(instant), events.is_echo(event.code))
        events.remember_exact(known, exact)
        cases.append(ledger.redate(book, known, exact))
    report = events.report_of(book, known, event, instant)
    if report is not None:
        book.store.put(CLOCKS, clock_row(known))
        cases.append(ledger.enter(book, known, report))
    return [case for case in cases if case is not None]
