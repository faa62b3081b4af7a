"""BMC sweeps: who answers under a BMC's name, and whether its chassis was switched on or off."""

from collections.abc import Iterable

from gpuwatch.domain.bmc import BmcIdentity, BmcSweep, Chassis
from gpuwatch.domain.bmc_logs import LogBatch
from gpuwatch.domain.events import Event, EventKind
from gpuwatch.history import bmc_logs, events
from gpuwatch.history.bmc_logs import Taken
from gpuwatch.history.bmcs import BmcHistory, bmc_row
from gpuwatch.history.boards import NOWHERE
from gpuwatch.history.book import Book
from gpuwatch.history.tables import BMCS
from gpuwatch.history.timeline import Instant


def _meet(book: Book, name: str) -> BmcHistory:
    """The BMC of this name, remembered from now on."""
    known = book.bmcs.get(name)
    if known is None:
        known = book.bmcs[name] = BmcHistory(book.number(BMCS), name)
        book.store.put(BMCS, bmc_row(known))
    return known


def take_batch(book: Book, batch: LogBatch, now: Instant) -> Taken:
    """Take log entries of a BMC that may never have answered a sweep."""
    first = batch.bmc not in book.bmcs
    known = _meet(book, batch.bmc)
    said = _met(book, known, BmcIdentity()) if first else ()
    taken = bmc_logs.take(book, known, batch, now)
    taken.events = said + taken.events
    return taken


def take(book: Book, sweep: BmcSweep, batches: Iterable[LogBatch], now: Instant) -> Taken:
    """Take a sweep, and the `batches` that waited for it to tell whose they are.

    Whoever answers is looked at first: the log of another machine is no news of this one.
    """
    first = sweep.bmc not in book.bmcs
    known = _meet(book, sweep.bmc)
    before = bmc_row(known)
    taken = Taken()
    said = _met(book, known, sweep.identity) if first else _recognised(book, known, sweep.identity)
    known.skew = sweep.clock_skew
    for batch in batches:
        one = bmc_logs.take(book, known, batch, now)
        taken.entries += one.entries
        said += one.events
    taken.events = said + _switched(book, known, sweep.chassis, now)
    bmc_logs.found(book, known, now)
    known.swept = now
    if bmc_row(known) != before:
        known.version += 1
        book.store.put(BMCS, bmc_row(known))
    return taken


def _met(book: Book, known: BmcHistory, told: BmcIdentity) -> tuple[Event, ...]:
    known.serial, known.firmware = told.serial, told.firmware
    names = (
        " ".join(filter(None, (told.manufacturer, told.product))),
        f"serial {told.serial}" if told.serial else "",
        f"firmware {told.firmware}" if told.firmware else "",
    )
    detail = ", ".join(filter(None, names))
    return events.say(book, EventKind.BMC_ADDED, None, detail, bmc=known.name)


def _recognised(book: Book, known: BmcHistory, told: BmcIdentity) -> tuple[Event, ...]:
    """Take up who answers now; what it does not tell this time stays as it was told before."""
    serial, firmware = known.serial, known.firmware
    known.serial, known.firmware = told.serial or serial, told.firmware or firmware
    if serial and known.serial != serial:
        known.power, known.power_since = None, NOWHERE
        known.disturbed = book.timeline.now
        bmc_logs.unfound(book, known)
        detail = f"serial {known.serial} in place of {serial}"
        return events.say(book, EventKind.BMC_REPLACED, None, detail, bmc=known.name)
    if firmware and known.firmware != firmware:
        known.disturbed = book.timeline.now
        detail = f"firmware {known.firmware} in place of {firmware}"
        return events.say(book, EventKind.BMC_CHANGED, None, detail, bmc=known.name)
    return ()


def _switched(book: Book, known: BmcHistory, chassis: Chassis, now: Instant) -> tuple[Event, ...]:
    """Note that the chassis is on or off; an event when it was the other way round before."""
    before, power_on = known.power, chassis.power_on
    if power_on is None or power_on is before:
        return ()
    known.power = power_on
    if before is None:
        return ()
    known.power_since = known.disturbed = now
    kind = EventKind.CHASSIS_POWER_ON if power_on else EventKind.CHASSIS_POWER_OFF
    causes = [chassis.restart_cause] if power_on else sorted(chassis.losses)
    between = book.timeline.elapsed(known.swept, now) if known.swept.boot else 0.0
    return events.say(
        book,
        kind,
        None,
        ", ".join(filter(None, causes)),
        instant=now,
        seconds_before=max(between, 0.0),
        bmc=known.name,
    )
