"""Evidence timeline: what happened to a board and what was done about it, in the order of time."""

from collections.abc import Iterator

from gpuwatch.domain.events import EventSource
from gpuwatch.exposition.evidence_shapes import EvidenceIncidentShape, EvidenceShape
from gpuwatch.exposition.evidence_tables import iso

MOST = 60  # lines; the newest
Moment = tuple[str, str]  # ISO instant, and what happened then
_DEEDS = "flag-"
_SOURCES = {
    EventSource.KERNEL_LOG.value: "by the kernel's log",
    EventSource.NVML.value: "by the driver's library",
    EventSource.GPUWATCH.value: "by gpuwatch",
}


def timeline(told: EvidenceShape) -> tuple[list[Moment], int]:
    """The latest moments, the oldest of them first, and how many came before."""
    everything = sorted(
        (*_sightings(told), *_incidents(told), *_counted(told), *_xids(told), *_deeds(told))
    )
    return everything[-MOST:], max(0, len(everything) - MOST)


def _sightings(told: EvidenceShape) -> Iterator[Moment]:
    first = told["board"]["first_seen"]
    if first:
        yield first, "the board is seen for the first time on this host"


def _incidents(told: EvidenceShape) -> Iterator[Moment]:
    for incident in told["incidents"]:
        yield incident["opened_at"], incident_words(incident)


def incident_words(incident: EvidenceIncidentShape) -> str:
    """What an incident is made of, in one line."""
    owners = [one["kind"] for one in incident["signals"] if one["role"] == "owner"]
    echoes = len(incident["signals"]) - len(owners)
    named = ", ".join(dict.fromkeys(owners)).replace("_", " ")
    memory = "" if incident["memory"] == "unknown" else f" in {incident['memory'].upper()}"
    said = f"incident {incident['number']}: uncorrectable error{memory} ({named})"
    if not echoes:
        return said
    return f"{said}, with {echoes} echo{'' if echoes == 1 else 'es'}"


def _counted(told: EvidenceShape) -> Iterator[Moment]:
    """Resets and driver loads."""
    for at, what, _, value, *_ in told["tables"]["counters"]["rows"]:
        if isinstance(at, float) and what == "reset":
            yield iso(at), "a reset of the board is evidenced"
        if isinstance(at, float) and what == "driver_epoch":
            yield iso(at), f"driver {value or 'of an unknown version'} is loaded"


def _xids(told: EvidenceShape) -> Iterator[Moment]:
    for row in told["tables"]["xids"]["rows"]:
        at, kind, source, code = row[0], row[3], row[4], row[5]
        if isinstance(at, float):
            named = str(kind).replace("_", " ") if code is None else f"Xid {code}"
            said = named.replace("Xid", "SXid") if kind == "sxid" else named
            yield iso(at), f"{said} ({_SOURCES.get(str(source), source)})"


def _deeds(told: EvidenceShape) -> Iterator[Moment]:
    """What was done about the flag."""
    for row in told["tables"]["audit"]["rows"]:
        at, action, subject = row[1], str(row[3]), row[4]
        if isinstance(at, float):
            yield iso(at), f"{subject}: {action.removeprefix(_DEEDS).replace('-', ' ')}"
