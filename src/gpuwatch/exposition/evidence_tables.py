"""Evidence tables: a dossier as rows under named columns, each in the order of time.

Instants stand under `..._unix_seconds`; what is not known is None, and never 0.
"""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime

from gpuwatch.domain.dossiers import Dossier
from gpuwatch.domain.events import EventKind
from gpuwatch.domain.incidents import Incident
from gpuwatch.domain.readings import Value
from gpuwatch.domain.signals import Kind, Signal
from gpuwatch.exposition.evidence_shapes import Cell, TableShape, TablesShape

Signals = Mapping[str, Signal]  # by key
_PREFIX = "gpuwatch_"
# What a reader of Xids looks for: the driver's own words on one board.
_OF_XIDS = frozenset(
    {
        EventKind.XID,
        EventKind.SXID,
        EventKind.FELL_OFF_BUS,
        EventKind.INIT_FAILED,
        EventKind.DOUBLE_BIT_ERROR,
    }
)
_HAPPENED = (
    "at_unix_seconds not_before_unix_seconds not_after_unix_seconds kind reported_by code subcode"
    " pci_address boot_id detail"
)


def tables(dossier: Dossier, signals: Signals) -> TablesShape:
    """All of them; `signals` are the rows that tell units."""
    return {
        "incidents": _incidents(dossier),
        "counters": _counters(dossier, signals),
        "readings": _readings(dossier),
        "xids": _table(_HAPPENED, _events(dossier, _OF_XIDS)),
        "xid_groups": _xid_groups(dossier),
        "events": _table(_HAPPENED, _events(dossier, frozenset(EventKind))),
        "sel": _sel(dossier),
        "audit": _audit(dossier),
    }


def _table(columns: str, rows: Iterable[list[Cell]]) -> TableShape:
    return {"columns": columns.split(), "rows": list(rows)}


def _incidents(dossier: Dossier) -> TableShape:
    """One row for each report, owners and echoes."""
    columns = (
        "incident incident_memory opened_at_unix_seconds opened_exposure_seconds"
        " signal_at_unix_seconds signal_not_before_unix_seconds signal_not_after_unix_seconds"
        " signal role memory errors exposure_seconds dates_the_incident"
    )
    known = () if dossier.record is None else dossier.record.incidents
    rows = [row for number, one in enumerate(known, 1) for row in _reports(number, one)]
    return _table(columns, rows)


def _reports(number: int, incident: Incident) -> Iterable[list[Cell]]:
    anchor = incident.anchor
    for signal in incident.signals:
        yield [
            number,
            incident.memory.value,
            incident.opened_at,
            incident.opened_exposure,
            signal.at,
            signal.not_before,
            signal.not_after,
            signal.kind.value,
            "echo" if signal.is_echo else "owner",
            signal.memory.value,
            signal.count,
            signal.exposure,
            signal is anchor,
        ]


def _counters(dossier: Dossier, signals: Signals) -> TableShape:
    """Values as they changed, among them the resets and drivers that explain a fall to 0."""
    rows: list[list[Cell]] = [
        [one.at, "value", one.key, *_in_base_unit(one.key, one.value, signals)]
        for one in dossier.transitions
    ]
    rows += [[at, "reset", "", None, ""] for at in dossier.resets]
    rows += [[at, "driver_epoch", "", version or None, ""] for at, version in dossier.epochs]
    rows.sort(key=_by_time)
    told = [[*row, dossier.driver(_instant(row)) or None] for row in rows]
    return _table("at_unix_seconds what signal value unit driver_version", told)


def _by_time(row: list[Cell]) -> tuple[float, str, str]:
    return _instant(row), str(row[1]), str(row[2])


def _instant(row: list[Cell]) -> float:
    at = row[0]
    assert isinstance(at, float)  # noqa: S101 - every row above begins so
    return at


def _in_base_unit(key: str, value: Value, signals: Signals) -> tuple[Cell, Cell]:
    """A value with its unit; "" for counts, states and texts, which have none."""
    signal = signals.get(key)
    if signal is None or isinstance(value, str) or signal.kind is Kind.TEXT:
        return value, ""
    suffix = signal.unit.suffix
    return (signal.unit.to_base(value) if suffix else value), suffix


def column(key: str) -> str:
    """A signal's key as the beginning of a column's name."""
    plain = "".join(one if one.isalnum() else "_" for one in key.removeprefix(_PREFIX))
    return "_".join(filter(None, plain.split("_")))


def _readings(dossier: Dossier) -> TableShape:
    """Five-minute buckets: least, mean and greatest of each signal, in its base unit."""
    keys = sorted({key for point in dossier.series for key in point.spreads})
    columns = [
        "bucket_begins_unix_seconds",
        *(f"{column(key)}_{statistic}" for key in keys for statistic in ("least", "mean", "most")),
    ]
    rows: list[list[Cell]] = []
    for point in dossier.series:
        row: list[Cell] = [point.at]
        for key in keys:
            spread = point.spreads.get(key)
            row += (
                (None, None, None)
                if spread is None
                else (_short(spread.least), _short(spread.mean), _short(spread.greatest))
            )
        rows.append(row)
    return {"columns": columns, "rows": rows}


def _short(number: float) -> float:
    """History keeps 32-bit floats: what follows their seventh digit was never read."""
    return float(f"{number:.7g}")


def _events(dossier: Dossier, kinds: frozenset[EventKind]) -> Iterable[list[Cell]]:
    for event in dossier.events:
        if event.kind in kinds:
            yield [
                event.at,
                event.not_before,
                event.not_after,
                event.kind.value,
                event.source.value,
                event.code,
                event.subcode or None,
                event.pci_address or None,
                event.boot_id or None,
                event.detail or None,
            ]


def _xid_groups(dossier: Dossier) -> TableShape:
    """Xids that are alike and lie on one day; `process` is whom the driver blames."""
    columns = (
        "code count first_at_unix_seconds last_at_unix_seconds manual_advises subcode process"
        " resets_since"
    )
    traces = {} if dossier.record is None else dossier.record.traces
    rows: list[list[Cell]] = [
        [
            code,
            trace.count,
            trace.first_at,
            trace.last_at,
            trace.advice.value,
            trace.subcode or None,
            trace.process or None,
            trace.resets_since,
        ]
        for code in sorted(traces)
        for trace in traces[code]
    ]
    return _table(columns, rows)


def _sel(dossier: Dossier) -> TableShape:
    """Entries of event logs. `bmc_clock` is when the BMC says that it was, by its own clock."""
    columns = (
        "at_unix_seconds bmc log record topic severity sensor text beginning bmc_clock_unix_seconds"
        " read_at_unix_seconds was_there_before raw"
    )
    rows: list[list[Cell]] = [
        [
            one.at,
            name,
            one.entry.log,
            one.entry.record,
            one.entry.topic.value,
            one.entry.severity.value,
            one.entry.sensor or None,
            one.entry.text,
            one.entry.asserted,
            one.entry.told_at,
            one.seen_at,
            one.baseline,
            one.entry.raw or None,
        ]
        for name, entries in dossier.entries.items()
        for one in entries
    ]
    return _table(columns, rows)


def _audit(dossier: Dossier) -> TableShape:
    columns = "number at_unix_seconds actor action subject reason before after"
    rows: list[list[Cell]] = [
        [
            one.number,
            one.at,
            one.actor,
            one.action,
            one.subject,
            one.reason or None,
            one.before or None,
            one.after or None,
        ]
        for one in dossier.audit
    ]
    return _table(columns, rows)


def iso(unix_seconds: float) -> str:
    """An instant in UTC with milliseconds; "" for one that no calendar has."""
    try:
        at = datetime.fromtimestamp(unix_seconds, UTC)
    except (ValueError, OverflowError, OSError):
        return ""
    return at.isoformat(timespec="milliseconds").replace("+00:00", "Z")
