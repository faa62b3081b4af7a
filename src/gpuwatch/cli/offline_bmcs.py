"""Offline BMCs: what is remembered of BMCs when no agent runs, as the documents of an agent."""

import socket
import time
from typing import TYPE_CHECKING

from gpuwatch.config.bmc_addresses import endpoint_of
from gpuwatch.config.layers import Layers
from gpuwatch.control.naming import resolve_bmc
from gpuwatch.domain.bmc import BmcIdentity, BmcProtocol, BmcSweep
from gpuwatch.domain.bmc_records import BmcRecord
from gpuwatch.domain.moments import Moment
from gpuwatch.domain.snapshot import BmcState, Snapshot
from gpuwatch.exposition.bmc_documents import bmc_document, bmcs_document
from gpuwatch.exposition.bmc_explanation import bmc_explanation
from gpuwatch.exposition.bmc_log_documents import Wanted, log_document
from gpuwatch.exposition.work_orders import NO_ADDRESS
from gpuwatch.history.reader import Reader

if TYPE_CHECKING:
    from gpuwatch.exposition.bmc_shapes import BmcExplanationShape, BmcShape, LogShape

_ALL = 1_000_000  # more than history keeps


class OfflineBmcs:
    """The BMCs that history remembers and those of the settings: none answers, all are unknown."""

    def __init__(self, reader: Reader, layers: Layers) -> None:
        self._reader = reader
        self._layers = layers

    def states(self) -> tuple[BmcState, ...]:
        """Each BMC, in the order of the settings, then those that nobody watches any more."""
        records = self._reader.bmcs()
        return tuple(
            self._state(name, records.get(name) or BmcRecord(name=name)) for name in self._hosts()
        )

    def of_this_server(self) -> tuple[BmcState, ...]:
        """Those that the settings name for this server; of others nobody knows whose they were."""
        named = {key[1] for key in self._layers.entries if key[0] == "bmc" and len(key) > 1}
        return tuple(bmc for bmc in self.states() if bmc.name in named and not bmc.host)

    def documents(self) -> "list[BmcShape]":
        """The documents of the request `bmcs`."""
        return bmcs_document(self._snapshot())

    def document(self, name: str) -> "BmcShape":
        """The document of the request `bmc`. Raises ControlError for an unknown name."""
        return bmc_document(self._snapshot(), self._named(name))

    def explanation(self, name: str) -> "BmcExplanationShape":
        """The document of the request `explain-bmc`. Raises ControlError for an unknown name."""
        return bmc_explanation(self._snapshot(), self._named(name), remembered=True)

    def log(self, name: str, wanted: Wanted) -> "LogShape":
        """The document of the request `bmc-log`. Raises ControlError for an unknown name."""
        names = [resolve_bmc(name, self._hosts())] if name else list(self._hosts())
        depth = wanted.depth or _ALL
        return log_document({one: self._reader.logged(one, depth) for one in names}, wanted)

    def _hosts(self) -> dict[str, str]:
        """The hosts of all BMCs by name."""
        named = [key[1] for key in self._layers.entries if key[0] == "bmc" and len(key) > 1]
        everyone = dict.fromkeys((*named, *self._reader.bmcs()))
        return {name: self._layers.text(("bmc", name, "host"), "") for name in everyone}

    def _named(self, name: str) -> BmcState:
        found = resolve_bmc(name, self._hosts())
        return next(state for state in self.states() if state.name == found)

    def _state(self, name: str, record: BmcRecord) -> BmcState:
        told = self._layers.text(("bmc", name, "protocol"), "")
        protocol = next((one for one in BmcProtocol if one == told), BmcProtocol.IPMI)
        local = self._layers.text(("bmc", name, "device"), "/dev/ipmi0")
        subject, kept = f"bmc.{name}", self._reader.verdicts().get(f"bmc.{name}")
        last = f"; its last verdict was {kept.verdict.value} ({kept.reason})" if kept else ""
        return BmcState(
            name=name,
            host=self._layers.text(("bmc", name, "host"), ""),
            protocol=protocol,
            # What is no address is not shown: people write "user:password@host".
            address=endpoint_of(self._layers.text(("bmc", name, "address"), ""), protocol)
            or (local if protocol is BmcProtocol.IPMI_LOCAL else NO_ADDRESS),
            sweep=_of(record),
            problem="no agent runs",
            power_since=record.power_since,
            counts=record.counts,
            cleared=record.cleared,
            wrapped=record.wrapped,
            entries=self._reader.logged(name),
            verdict_since=kept.since if kept else time.time(),
            findings=tuple(
                one for one in self._reader.latched_findings() if one.subject == subject
            ),
            unknown_because=f"no agent looks at it{last}",
        )

    def _snapshot(self) -> Snapshot:
        now = time.time()
        return Snapshot(
            version=0,
            at=Moment(wall=now, boottime=0.0, boot_id=""),
            started_at=now,
            hostname=socket.gethostname(),
            bmcs=self.states(),
        )


def _of(record: BmcRecord) -> BmcSweep:
    """Who it was; nothing else of it is remembered."""
    identity = BmcIdentity(serial=record.serial, firmware=record.firmware)
    at = Moment(wall=0.0, boottime=0.0, boot_id="")
    return BmcSweep(bmc=record.name, at=at, seconds=0.0, identity=identity)
