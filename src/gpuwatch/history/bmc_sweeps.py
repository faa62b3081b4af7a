"""BMC sweeps: who answers under a BMC's name, and whether its chassis was switched on or off."""

from collections.abc import Iterable
from dataclasses import dataclass

from gpuwatch.domain.bmc import BmcIdentity, BmcSweep, Chassis
from gpuwatch.domain.bmc_logs import LogBatch
from gpuwatch.domain.bmc_well import well_in
from gpuwatch.domain.events import Event, EventKind
from gpuwatch.history import bmc_logs, events
from gpuwatch.history.bmc_logs import Taken
from gpuwatch.history.bmcs import BmcHistory, bmc_row
from gpuwatch.history.boards import NOWHERE
from gpuwatch.history.book import Book
from gpuwatch.history.tables import BMCS
from gpuwatch.history.timeline import Instant

# After these, what was told before is told again.
RESTARTS = (
    EventKind.BMC_REPLACED,
    EventKind.BMC_CHANGED,
    EventKind.BMC_STARTED,
    EventKind.CHASSIS_POWER_ON,
    EventKind.CHASSIS_POWER_OFF,
)


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


@dataclass(frozen=True, slots=True)
class Circumstances:
    """How a sweep came about: the first of a connection, and after a silence as of a start."""

    connected: bool = True
    started: bool = False


def take(
    book: Book,
    sweep: BmcSweep,
    batches: Iterable[LogBatch],
    now: Instant,
    circumstances: Circumstances,
) -> Taken:
    """Take a sweep, and the `batches` that waited for it to tell whose they are.

    Whoever answers is looked at first: the log of another machine is no news of this one.
    """
    first = sweep.bmc not in book.bmcs
    known = _meet(book, sweep.bmc)
    before = bmc_row(known)
    taken = Taken()
    if first:
        said = _met(book, known, sweep.identity)
    else:
        said = _recognised(book, known, sweep.identity, connected=circumstances.connected)
    said += _started(book, known, sweep, started=circumstances.started)
    known.skew = sweep.clock_skew
    for batch in batches:
        one = bmc_logs.take(book, known, batch, now)
        taken.entries += one.entries
        said += one.events
    taken.events = said + _switched(book, known, sweep.chassis, now)
    bmc_logs.found(book, known, now)
    known.swept = now
    known.seen_well |= well_in(sweep)
    if bmc_row(known) != before or taken.events:
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
    return _say(book, known, EventKind.BMC_ADDED, ", ".join(filter(None, names)))


def _recognised(
    book: Book, known: BmcHistory, told: BmcIdentity, *, connected: bool
) -> tuple[Event, ...]:
    """Take up who answers now; what it does not tell this time stays as it was told before.

    Another machine has another connection: within one, a BMC only changed its mind.
    """
    serial, firmware = known.serial, known.firmware
    known.serial, known.firmware = told.serial or serial, told.firmware or firmware
    if serial and known.serial != serial and not connected:
        detail = f"serial {known.serial} in place of {serial}"
        return _say(book, known, EventKind.BMC_CHANGED, detail)
    if serial and known.serial != serial:
        known.power, known.power_since, known.seen_well = None, NOWHERE, frozenset()
        bmc_logs.unfound(book, known)
        detail = f"serial {known.serial} in place of {serial}"
        return _say(book, known, EventKind.BMC_REPLACED, detail)
    if firmware and known.firmware != firmware:
        detail = f"firmware {known.firmware} in place of {firmware}"
        return _say(book, known, EventKind.BMC_CHANGED, detail)
    return ()


def _started(book: Book, known: BmcHistory, sweep: BmcSweep, *, started: bool) -> tuple[Event, ...]:
    """Note that the BMC is up again, after it said that it was starting, or said nothing."""
    was, known.starting = known.starting, sweep.updating
    if sweep.updating or not (was or started):
        return ()
    detail = "it was starting" if was else "it had been silent"
    return _say(book, known, EventKind.BMC_STARTED, detail)


def _switched(book: Book, known: BmcHistory, chassis: Chassis, now: Instant) -> tuple[Event, ...]:
    """Note that the chassis is on or off; an event when it was the other way round before."""
    before, power_on = known.power, chassis.power_on
    if power_on is None or power_on is before:
        return ()
    known.power = power_on
    if before is None:
        return ()
    known.power_since = now
    kind = EventKind.CHASSIS_POWER_ON if power_on else EventKind.CHASSIS_POWER_OFF
    causes = [chassis.restart_cause] if power_on else sorted(chassis.losses)
    between = book.timeline.elapsed(known.swept, now) if known.swept.boot else 0.0
    return _say(book, known, kind, ", ".join(filter(None, causes)), max(between, 0.0))


def _say(
    book: Book, known: BmcHistory, kind: EventKind, detail: str, seconds_before: float = 0.0
) -> tuple[Event, ...]:
    """An event of this BMC, at present or in the seconds before."""
    if kind in RESTARTS:
        known.restarts.append(book.timeline.now)
    return events.say(book, kind, None, detail, seconds_before=seconds_before, bmc=known.name)
