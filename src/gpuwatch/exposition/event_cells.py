"""Event cells: the latest events as a table."""

from collections.abc import Iterable

from gpuwatch.domain.events import Event, EventKind
from gpuwatch.domain.snapshot import Snapshot
from gpuwatch.exposition.bmc_cells import bmc_link
from gpuwatch.exposition.bmc_views import bmc_by_name
from gpuwatch.exposition.cells import gpu_link, table, when
from gpuwatch.exposition.markup import Markup, join
from gpuwatch.exposition.views import gpu_by_uuid

_HEADINGS = ("when", "what", "where", "told by", "detail")
_CODED = {EventKind.XID: "Xid", EventKind.SXID: "SXid"}


def events_table(snapshot: Snapshot, events: Iterable[Event]) -> Markup:
    """The events in the given order."""
    rows = ((None, _row(snapshot, event)) for event in events)
    return table(_HEADINGS, rows, "Nothing has happened since gpuwatch remembers.")


def _row(snapshot: Snapshot, event: Event) -> tuple[str, ...]:
    what = _CODED.get(event.kind, event.kind.value.replace("_", " "))
    return (
        when(event.at, snapshot),
        what if event.code is None else f"{what} {event.code}",
        _where(snapshot, event),
        event.source.value.replace("_", " "),
        event.detail,
    )


def _where(snapshot: Snapshot, event: Event) -> Markup:
    if event.bmc:
        bmc = bmc_by_name(snapshot, event.bmc)
        return join(f"BMC {event.bmc}") if bmc is None else bmc_link(bmc, f"BMC {event.bmc}")
    if event.board is None:
        return join(event.pci_address or "host")
    gpu = gpu_by_uuid(snapshot, event.board.uuid)
    return join(event.board.serial or event.board.uuid) if gpu is None else gpu_link(gpu)
