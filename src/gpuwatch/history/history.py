"""The writing side of history: inventories, sweeps and events in, one transaction for each."""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Self

from gpuwatch.domain.devices import Device, Epoch
from gpuwatch.domain.events import Event, EventKind
from gpuwatch.domain.moments import Clock, Moment
from gpuwatch.domain.readings import Sweep
from gpuwatch.history import events, evidence, inventory, ledger, sweeps, tables
from gpuwatch.history.bmc_keeper import BmcKeeper
from gpuwatch.history.boards import BoardHistory, Case
from gpuwatch.history.book import Book, Met
from gpuwatch.history.health import Degraded
from gpuwatch.history.joining import join
from gpuwatch.history.load import load
from gpuwatch.history.plans import Plans
from gpuwatch.history.retention import Retention
from gpuwatch.history.rewrite import put_everything
from gpuwatch.history.rows import clock_row, count_row
from gpuwatch.history.series import SeriesBook
from gpuwatch.history.settings import NOTHING, Change, HistorySettings
from gpuwatch.history.store import Store
from gpuwatch.history.timeline import Instant


class History(BmcKeeper):
    """The one writer. Every method is called from one thread, except `copy` and `copy_due`."""

    def __init__(self, book: Book, settings: HistorySettings) -> None:
        super().__init__(book)
        self._settings = settings
        self._plans = Plans()
        self._retention = Retention(book)
        self._flushed: Instant | None = None
        self._founded = False
        self._told = book.store.salvaged

    @classmethod
    def open(  # type: ignore[override]  # the writer needs more than a reader
        cls, path: Path, clock: Clock, settings: HistorySettings
    ) -> Self:
        """Open or make the history at `path`.

        Raises SecondWriterError when another process writes it. A sick disk never raises: what
        cannot be written waits in memory, `degraded` says why, and `tick` writes again by itself.
        """
        store = Store(
            path, max_waiting=settings.max_waiting_rows, retry_seconds=settings.retry_seconds
        )
        store.open()
        history = cls(load(store), settings)
        history._begin(clock.now())
        return history

    @property
    def degraded(self) -> tuple[str, ...]:
        """Why history is not written, or not whole, at present; empty when all is well."""
        failed = (Degraded.COPY_FAILED,) if self._copier.failed else ()
        return tuple(reason.value for reason in (*self._book.store.degraded, *failed))

    @property
    def dropped(self) -> dict[str, int]:
        """Rows given up by table: too many waited for a sick disk, or SQLite cannot keep them."""
        return dict(self._book.store.dropped)

    def enter_epoch(self, epoch: Epoch, at: Moment) -> tuple[Event, ...]:
        """Say under which boot and driver load the next sweeps are made.

        An epoch never met before is the evidence of a reset of every board, save the very first.
        """
        book, now = self._book, self._book.note(at)
        boot = book.timeline.place(epoch.boot_id, at.wall, at.boottime).boot
        known = book.epochs.get((boot, epoch.driver_load))
        first = not book.epochs
        book.epoch = epoch
        if known is not None:
            book.epoch_key = str(known.number)
            return ()
        met = Met(book.number(tables.EPOCHS), now.boottime, epoch.driver_version)
        book.epochs[boot, epoch.driver_load] = met
        book.epoch_key = str(met.number)
        row = (met.number, boot, met.boottime, epoch.driver_load, met.driver_version)
        book.store.put(tables.EPOCHS, row)
        said: tuple[Event, ...] = ()
        if not first:
            booted = not any(one == boot for one, load in book.epochs if load != epoch.driver_load)
            began = Instant(boot, 0.0) if booted else now
            events.reset(book, None, began, "new_epoch")
            detail = f"driver {epoch.driver_version or 'of unknown version'} was loaded"
            said = events.say(book, EventKind.NEW_EPOCH, None, detail)
            self._touch(book.boards.values())
        book.commit()
        return said

    def epoch_began(self) -> float | None:
        """Seconds since boot at which the current driver epoch was first met; None before any."""
        epochs = self._book.epochs.values()
        key = self._book.epoch_key
        return next((met.boottime for met in epochs if str(met.number) == key), None)

    def save_kernel_log_position(self, position: tuple[str, int]) -> None:
        """Write how far the kernel log was read, once its events are stored."""
        if position != self._book.kernel_log:
            self._book.kernel_log = position
            self._book.store.put(tables.KERNEL_LOG, (1, *position))
            self._book.commit(durable=False)

    def take_inventory(self, devices: tuple[Device, ...], at: Moment) -> tuple[Event, ...]:
        """Take what one complete inventory found; what it did not find is absent or has left."""
        book, now = self._book, self._book.note(at)
        said = inventory.take(book, devices, now)
        if book.store.waiting:
            book.commit()
        return said

    def take_sweep(self, sweep: Sweep) -> Change:
        """Take one board's sweep. A sweep of a board that no inventory named changes nothing.

        Counters, incidents, events and the exposure clock of one sweep are one transaction.
        """
        book, now = self._book, self._book.note(sweep.at)
        known = book.find(sweep.board)
        if known is None:
            return NOTHING
        plan = self._plans.of(sweep)
        effect = sweeps.take(book, known, sweep, plan, self._settings.max_gap_seconds)
        if plan.series:
            self._series.take(known.number, plan, plan.pick_series(sweep.values))
        known.unflushed = True
        gone = self._settle((known,)) if known.waiting else ()
        if effect is None and not gone:
            self._flush_when_due(now)
            return NOTHING
        said = gone + (tuple(effect.events) if effect else ())
        cases = effect.cases if effect else []
        if effect is None or effect.changed or gone:
            self._touch((known,))
        if gone or (effect is not None and effect.urgent):
            self._commit(cases)
        self._flush_when_due(now)
        return self._change(known, said, cases)

    def take_event(
        self, event: Event, at: Moment, position: tuple[str, int] | None = None
    ) -> Change:
        """Take one occurrence; `position` in the kernel log is written in the same transaction.

        The board is looked up by UUID, else by PCI address, where the event names none. What came
        before its first sight is counted and proves nothing. A second report of an occurrence
        moves the position only.
        """
        book = self._book
        book.note(at)
        if position is not None:
            book.kernel_log = position
            book.store.put(tables.KERNEL_LOG, (1, *position))
        if book.has_met(event.identity):
            book.commit(durable=False)
            return NOTHING
        instant = book.timeline.place(event.boot_id or at.boot_id, event.at, event.boottime)
        known = self._whose(event, instant)
        owned = events.owned(event, known)
        kept = events.store(book, known, owned, instant)
        prior = known is None or book.precedes_sight(known, instant)
        cases = [] if known is None or prior else evidence.gather(book, known, owned, instant)
        if kept or cases:
            self._commit(cases)
        if known is None:
            return Change((owned,) if kept else ())
        self._touch((known,))
        return self._change(known, (owned,) if kept else (), cases)

    def knows_slots_of(self, boot_id: str) -> bool:
        """Whether the boards were counted in that boot, so that an address means a board."""
        boots = self._book.timeline.boots
        return any(b.boot_id == boot_id and b.number in self._book.inventoried for b in boots)

    def tick(self, at: Moment) -> Change:
        """Housekeeping, cheap enough for every turn of the loop; what it changed.

        Gives up echoes without owner, writes exposure every `flush_seconds`, tries a sick disk
        again, and deletes a little of what is too old.
        """
        book, now = self._book, self._book.note(at)
        if self._copier.corrupt:
            self._copier.corrupt = False
            book.store.suspect()
        if book.store.revive():
            book = self._resume()
        said = self._settle(book.boards.values())
        if said:
            self._commit(())
        self._flush_when_due(now)
        if not book.store.writable:
            book.commit()
        self._retention.step(now)
        return Change(said, (), frozenset(event.board for event in said if event.board))

    def _whose(self, event: Event, instant: Instant) -> BoardHistory | None:
        if event.board is not None:
            return self._book.find(event.board)
        if event.uuid:
            return self._book.named(event.uuid)
        return self._book.at_address(event.pci_address, instant)

    def _begin(self, at: Moment) -> None:
        self._book.note(at)
        if self._told is not None:
            self._report_loss(self._told.sentence)
        self._founded = self._book.commit()

    def _resume(self) -> Book:
        """The file was opened anew while we run: see whose it is, and go on in it."""
        book, salvaged = self._book, self._book.store.salvaged
        lineage = dict(book.store.rows(tables.META)).get("lineage")
        if lineage not in (None, book.lineage):
            # It could not be read when we began, or somebody put another in its place.
            self._book = book = join(book)
            self._series = SeriesBook(book)
            self._retention = Retention(book)
            self._records.clear()
        else:
            put_everything(book)
        if salvaged is not None and salvaged is not self._told:
            self._told = salvaged
            self._report_loss(salvaged.sentence)
        elif lineage is None and self._founded:
            self._report_loss("the history file was removed: memory was written to a new one")
        self._founded = True
        book.commit()
        return book

    def _report_loss(self, detail: str) -> None:
        """Write down that history was lost: nothing that starts anew may do so silently."""
        book, now = self._book, self._book.timeline.now
        row = (book.number(tables.LOSSES), now.boot, now.boottime, detail)
        book.store.put(tables.LOSSES, row)
        events.say(book, EventKind.HISTORY_LOST, None, detail)

    def _settle(self, candidates: Iterable[BoardHistory]) -> tuple[Event, ...]:
        """Give up echoes whose owner did not come."""
        book = self._book
        said: tuple[Event, ...] = ()
        for known in candidates:
            for echo in ledger.settle(book, known, book.timeline.now) if known.waiting else ():
                book.store.put(tables.CLOCKS, clock_row(known))
                detail = f"{echo.kind.value} without an owning error within 120 s"
                said += events.say(
                    book, EventKind.UNATTRIBUTED_ERROR, known, detail, instant=echo.instant
                )
                self._touch((known,))
        return said

    def _flush_when_due(self, now: Instant) -> None:
        last = self._flushed
        flush_seconds = self._settings.flush_seconds
        if last is None or last.boot != now.boot or now.boottime - last.boottime >= flush_seconds:
            self._flushed = now
            self._put_clocks()
            self._book.commit(durable=False)

    def _put_clocks(self) -> None:
        """Put the clocks of the boards that were read, with whatever else can wait a minute."""
        for known in self._book.boards.values():
            if known.unflushed:
                known.unflushed = False
                self._book.store.put(tables.CLOCKS, clock_row(known))
                for counter in known.counts:
                    self._book.store.put(tables.COUNTS, count_row(known, counter))

    def _commit(self, cases: Sequence[Case]) -> None:
        if cases:
            self._commit_evidence()
        else:
            self._book.commit()

    def _touch(self, changed: Iterable[BoardHistory]) -> None:
        for known in changed:
            known.version += 1

    def _change(
        self, known: BoardHistory, said: tuple[Event, ...], cases: Sequence[Case]
    ) -> Change:
        unique = {case.number: case for case in cases}
        incidents = tuple(
            ledger.as_incident(known, case, self._book.timeline) for case in unique.values()
        )
        return Change(said, incidents, frozenset({known.board.key}))

    def close(self) -> None:
        """Write what waits, in one attempt, which waits once for a locked file; close the file."""
        self._series.close()
        self._put_clocks()
        self._book.store.retry_now()
        self._book.commit()
        super().close()
