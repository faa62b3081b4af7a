"""BMC keeper: what BMCs tell is taken, one transaction for each sweep and each delivery."""

from collections.abc import Iterable

from gpuwatch.domain.bmc import BmcSweep
from gpuwatch.domain.bmc_logs import LogBatch
from gpuwatch.domain.bmc_well import well_in
from gpuwatch.domain.moments import Moment
from gpuwatch.history import bmc_sweeps
from gpuwatch.history.bmc_logs import Taken
from gpuwatch.history.bmc_reader import as_logged
from gpuwatch.history.bmc_sweeps import Circumstances
from gpuwatch.history.bmcs import bmc_row
from gpuwatch.history.keeper import Keeper
from gpuwatch.history.settings import Change
from gpuwatch.history.tables import BMCS


class BmcKeeper(Keeper):
    """A keeper that also takes what BMCs tell."""

    def take_bmc_sweep(
        self,
        sweep: BmcSweep,
        batches: Iterable[LogBatch] = (),
        *,
        connected: bool = True,
        started: bool = False,
    ) -> Change:
        """Take a sweep, and log entries that came before anybody knew who told them, in order.

        Where another machine answers under the BMC's name than before, those are a baseline.
        `connected` says that it is the first sweep since a start or a failure, `started` that the
        BMC was silent for so long that it may have started in between.
        """
        now = self._book.note(sweep.at)
        circumstances = Circumstances(connected, started)
        return self._bmc_change(bmc_sweeps.take(self._book, sweep, batches, now, circumstances))

    def take_log_batch(self, batch: LogBatch, at: Moment) -> Change:
        """Take log entries and the position behind them, in one transaction.

        Delivered again, also after a kill, they change nothing. Entries of a log that no sweep
        followed yet are its baseline: kept, and not counted.
        """
        now = self._book.note(at)
        return self._bmc_change(bmc_sweeps.take_batch(self._book, batch, now))

    def accept_parts(self, sweep: BmcSweep) -> tuple[str, ...]:
        """Miss nothing of this server but what a sweep shows to be there; what is given up by it.

        Raises ValueError for a BMC that is not remembered.
        """
        known = self._book.bmcs.get(sweep.bmc)
        if known is None:
            raise ValueError(f"history: no BMC {sweep.bmc} is remembered (see gpuwatch bmc)")
        there = well_in(sweep)
        forgotten, known.seen_well = tuple(sorted(known.seen_well - there)), there
        known.version += 1
        self._book.store.put(BMCS, bmc_row(known))
        self._book.commit()
        return forgotten

    def _bmc_change(self, taken: Taken) -> Change:
        """Commit what was taken; a position alone may lose its last seconds in a power cut."""
        if self._book.store.waiting:
            self._book.commit(durable=bool(taken.entries or taken.events))
        entries = tuple(as_logged(kept, self._book.timeline) for kept in taken.entries)
        return Change(taken.events, entries=entries)
