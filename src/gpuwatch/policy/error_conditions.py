"""Error conditions: trends, incidents and row remaps, on the board's own exposure clock."""

from datetime import UTC, datetime, timedelta

from gpuwatch.domain.incidents import ErrorKind, Incident
from gpuwatch.domain.moments import SECONDS_PER_DAY
from gpuwatch.domain.records import Held
from gpuwatch.domain.trends import sentence
from gpuwatch.policy.conditions import Answer, AtLeast, Match, Outcome, Word, word_of
from gpuwatch.policy.views import GpuView, HostView, PolicySettings

WATCH_SECONDS = 90 * SECONDS_PER_DAY
XID_REPEAT_SECONDS = SECONDS_PER_DAY
ECHO_SECONDS = 120.0
OWNER_SECONDS = 600.0
_RECENT = 5  # incidents, each of a day or more: echoes without an owner are kept for a day
PENDING_TOO_LONG = timedelta(days=30)
PENDING = "gpuwatch_gpu_row_remap_pending"
_IS_PENDING = AtLeast(PENDING, 1)


def rising_trend(gpu: GpuView, host: HostView, settings: PolicySettings) -> Outcome:
    """Incidents follow each other faster than chance explains, on the board's exposure clock."""
    incidents = gpu.record.incidents
    if len(incidents) < 2:  # noqa: PLR2004 - a trend needs two points
        return Answer.NO
    if not host.clock_settled:
        return Answer.CANNOT_TELL
    ladder = settings.ladder(gpu.record.board.part_number)
    rise = ladder.judge([incident.opened_exposure for incident in incidents])
    if rise is None:
        return Answer.NO
    counted = incidents[-rise.incidents :]
    dates = [_utc(incident) for incident in counted]
    return Match(
        facts={
            "trend": sentence(rise, dates, ladder),
            "incidents": str(rise.incidents),
            "window_days": f"{rise.window_seconds / SECONDS_PER_DAY:.1f}",
            "chance_per_1000_board_years": f"{rise.chance_per_year * 1000:.2g}",
            "healthy_rate_per_year": f"{ladder.healthy_rate_per_year:g}",
        },
        evidence_at=incidents[-1].opened_at,
    )


def recent_incident(gpu: GpuView, _host: HostView, _settings: PolicySettings) -> Outcome:
    """An incident less than 90 days ago on the exposure clock."""
    incident = _latest(gpu)
    if incident is None or _age(gpu, incident) >= WATCH_SECONDS:
        return Answer.NO
    kinds = sorted({signal.kind.value for signal in incident.signals})
    return Match(
        facts={
            "date": f"{_utc(incident):%Y-%m-%d %H:%M} UTC",
            "memory": incident.memory.value,
            "signals": ", ".join(kinds),
            "incidents": str(len(gpu.record.incidents)),
        },
        evidence_at=incident.last_at,
    )


def uncontained_error(gpu: GpuView, host: HostView, _settings: PolicySettings) -> Outcome:
    """An incident that no reset followed and whose containment nobody vouches for.

    Where the driver tells a recovery action, that decides and this is silent.
    """
    incident = _latest(gpu)
    if incident is None or gpu.recovery is not None:
        return Answer.NO
    if word_of(gpu) is Word.NOT_READ_YET:
        return Answer.CANNOT_TELL
    over = _age(gpu, incident) >= XID_REPEAT_SECONDS or gpu.record.reset_since_incident
    kinds = {signal.kind for signal in incident.signals}
    escaped = kinds & {ErrorKind.XID_95, ErrorKind.XID_140}
    settled = host.now.wall - incident.last_at >= ECHO_SECONDS
    uncontained_48 = ErrorKind.XID_48 in kinds and ErrorKind.XID_94 not in kinds and settled
    if over or not (escaped or uncontained_48):
        return Answer.NO
    because = "Xid 95 or 140" if escaped else "Xid 48 without a contained Xid 94"
    return Match(
        facts={"because": because, "date": f"{_utc(incident):%Y-%m-%d %H:%M} UTC"},
        evidence_at=incident.last_at,
    )


def _pending(gpu: GpuView, host: HostView, settings: PolicySettings) -> Held | Answer:
    """Since when a row remap waits for a reset, as history holds it."""
    pending = _IS_PENDING(gpu, host, settings)
    if isinstance(pending, Answer):
        return pending
    return gpu.record.held.get(PENDING) or Answer.CANNOT_TELL


def remap_pending_long(gpu: GpuView, host: HostView, settings: PolicySettings) -> Outcome:
    """A row remap waits for a reset for 30 days, or on a board whose errors rise."""
    held = _pending(gpu, host, settings)
    if isinstance(held, Answer):
        return held
    waited = host.now.wall - held.since
    rising = isinstance(rising_trend(gpu, host, settings), Match)
    if not host.clock_settled:
        return Answer.CANNOT_TELL
    if waited < PENDING_TOO_LONG.total_seconds() and not rising:
        return Answer.NO
    days = f"for {max(waited, 0.0) / SECONDS_PER_DAY:.0f} days"
    return Match(facts={"why": "while the board's errors rise" if rising else days})


def remap_not_applied(gpu: GpuView, host: HostView, settings: PolicySettings) -> Outcome:
    """A row remap still pends although a reset was seen after it was asked for."""
    held = _pending(gpu, host, settings)
    if isinstance(held, Answer):
        return held
    if not held.reset_since:
        return Answer.NO
    return Match(facts={}, evidence_at=gpu.record.last_reset_at)


def unattributed_echo(host: HostView, _settings: PolicySettings) -> Outcome:
    """Echoes of an uncorrectable error whose owner no board of this host admits to be.

    Nor any that has left: the board that owned it may be the one that was swapped out.
    """
    records = (*(gpu.record for gpu in host.gpus), *host.departed)
    recent = [incident for record in records for incident in record.incidents[-_RECENT:]]
    owned = [(owner.earliest, owner.latest) for incident in recent for owner in incident.owners]
    orphans = [
        at
        for at in host.unattributed
        if host.now.wall - at >= OWNER_SECONDS
        and not any(first - OWNER_SECONDS <= at <= last + OWNER_SECONDS for first, last in owned)
    ]
    if not orphans:
        return Answer.NO
    return Match(facts={"count": str(len(orphans))}, evidence_at=orphans[-1])


def _latest(gpu: GpuView) -> Incident | None:
    return gpu.record.incidents[-1] if gpu.record.incidents else None


def _age(gpu: GpuView, incident: Incident) -> float:
    return gpu.record.exposure_seconds - incident.opened_exposure


def _utc(incident: Incident) -> datetime:
    return datetime.fromtimestamp(incident.opened_at, UTC)
