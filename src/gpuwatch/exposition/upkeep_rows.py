"""Upkeep rows: the metrics about backups and the port, which gpuwatch keeps up beside the watch."""

from collections.abc import Callable, Iterator

from gpuwatch.domain.snapshot import Snapshot
from gpuwatch.exposition.families import Row, Sample, Scene, Type


def one(take: Callable[[Snapshot], float | None]) -> Callable[[Scene], Iterator[Sample]]:
    """A family of one series without labels; no series where `take` gives None."""

    def samples(scene: Scene) -> Iterator[Sample]:
        value = take(scene.snapshot)
        if value is not None:
            yield {}, float(value)

    return samples


def _backup_failed(snapshot: Snapshot) -> float | None:
    backups = snapshot.backups
    return float(bool(backups.problem)) if backups is not None and backups.is_known else None


UPKEEP_ROWS: tuple[Row[Scene], ...] = (
    Row(
        "gpuwatch_backup_enabled",
        Type.GAUGE,
        "Whether the agent makes nightly backups.",
        one(lambda snapshot: snapshot.backups is not None),
    ),
    Row(
        "gpuwatch_backup_last_success_timestamp_seconds",
        Type.GAUGE,
        "When the newest nightly backup was made.",
        one(lambda snapshot: snapshot.backups.last_success if snapshot.backups else None),
    ),
    Row(
        "gpuwatch_backup_failed",
        Type.GAUGE,
        "Whether the latest attempt at a nightly backup failed.",
        one(_backup_failed),
    ),
    Row(
        "gpuwatch_web_config_failing",
        Type.GAUGE,
        "Whether the file that protects the port was refused, and an older one is in force.",
        one(lambda snapshot: snapshot.web.config_failing),
    ),
    Row(
        "gpuwatch_web_certificate_valid_from_timestamp_seconds",
        Type.GAUGE,
        "When the certificate of the port begins.",
        one(lambda snapshot: snapshot.web.valid_from),
    ),
    Row(
        "gpuwatch_web_certificate_valid_until_timestamp_seconds",
        Type.GAUGE,
        "When the certificate of the port ends.",
        one(lambda snapshot: snapshot.web.valid_until),
    ),
    Row(
        "gpuwatch_web_connections_crowded_out_total",
        Type.COUNTER,
        "Connections to the port that were ended or turned away so that others had room.",
        one(lambda snapshot: snapshot.web.crowded_out),
    ),
)
