"""Incident cells: uncorrectable errors of one board as a table."""

from gpuwatch.domain.incidents import Incident
from gpuwatch.domain.records import BoardRecord
from gpuwatch.domain.snapshot import Snapshot
from gpuwatch.exposition.cells import table, when
from gpuwatch.exposition.markup import Markup, join
from gpuwatch.exposition.words import LOCATIONS, second


def incidents_table(snapshot: Snapshot, record: BoardRecord) -> Markup:
    """Each incident with the reports that belong to it, the latest first."""
    rows = ((None, _row(snapshot, incident)) for incident in reversed(record.incidents))
    return table(("incident", "memory", "reports"), rows, "No incident.")


def _row(snapshot: Snapshot, incident: Incident) -> tuple[str, ...]:
    kinds = (
        f"{signal.kind.value.replace('_', ' ')}{' (echo)' if signal.is_echo else ''}"
        for signal in incident.signals
    )
    opened = join(second(incident.opened_at), " (", when(incident.opened_at, snapshot), ")")
    return opened, LOCATIONS[incident.memory], ", ".join(kinds)
