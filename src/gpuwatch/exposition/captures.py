"""Captures: all that is known of one board at one instant, as a document to be kept for good."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from gpuwatch.domain import captures as keys
from gpuwatch.domain.captures import FIRST_LIMIT_BYTES, LONGEST, Occasion, bounded, fits
from gpuwatch.domain.events import Event
from gpuwatch.domain.kernel_lines import KernelLine, about
from gpuwatch.domain.moments import SECONDS_PER_DAY
from gpuwatch.domain.readings import Gap
from gpuwatch.domain.snapshot import BmcState, GpuState, Latest, Snapshot
from gpuwatch.domain.trails import HOUR_SECONDS, MINUTE_SECONDS, NO_TRAIL, Stretch, Trail
from gpuwatch.exposition.bmc_documents import bmc_document
from gpuwatch.exposition.bmc_views import own
from gpuwatch.exposition.documents import event_document, status_document
from gpuwatch.exposition.gpu_documents import gpu_document
from gpuwatch.exposition.record_documents import finding_document, instant
from gpuwatch.exposition.views import gpus_of, in_base_unit, index_of, slot_of

_LINE_KEY = ("boot_id", "usec", "text")
_EVENTS_KEPT = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Driver:
    """How the driver as a whole answers. Texts are "" where nobody told."""

    condition: str = ""
    text: str = ""
    library: str = ""
    cuda: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """What a document is made of.

    `latest` are the board's answers, trusted or not, and `before` those of the sweeps before them;
    `lines` all that is kept of the kernel log, of which `skipped` lines of floods are not; `events`
    the board's.
    """

    snapshot: Snapshot
    gpu: GpuState
    driver: Driver = Driver()
    latest: Sequence[Latest] = ()
    before: Sequence[Latest] = ()
    trail: Trail = NO_TRAIL
    lines: Sequence[KernelLine] = ()
    skipped: int = 0
    events: Sequence[Event] = ()


def capture_document(scene: Scene, occasion: Occasion, because: str) -> dict[str, Any]:
    """What is known now, before anything else happens to the board."""
    snapshot, gpu = scene.snapshot, scene.gpu
    board = {key: value for key, value in gpu_document(snapshot, gpu).items() if key != "readings"}
    findings = board.pop(keys.FINDINGS)
    return bounded(
        {
            "version": keys.VERSION,
            **_when(snapshot),
            keys.OCCASION: occasion.value,
            keys.BECAUSE: because,
            keys.HOST: {**status_document(snapshot), "server": _server(snapshot)},
            keys.DRIVER: _driver(scene),
            keys.BOARD: board,
            keys.FINDINGS: findings,
            keys.READINGS: _readings(scene.latest),
            keys.READINGS_BEFORE: _readings(scene.before),
            **_trail(scene),
            keys.KERNEL_LINES: _lines(scene),
            keys.EVENTS: _events(scene),
            keys.BMCS: [bmc_document(snapshot, _of_a_day(snapshot, one)) for one in own(snapshot)],
            keys.OTHERS: _others(scene),
            keys.AFTERWARDS: None,
            keys.CUT: _left_out(scene),
        },
        FIRST_LIMIT_BYTES,
    )


def settled_document(document: Mapping[str, Any], scene: Scene) -> dict[str, Any]:
    """The document with what followed. What it said of its own instant stays as it was."""
    afterwards = {
        **_when(scene.snapshot),
        "present": scene.gpu.present,
        "verdict": scene.gpu.verdict.value,
        keys.FINDINGS: [finding_document(scene.snapshot, one) for one in scene.gpu.findings],
        keys.READINGS: _readings(scene.latest),
        **_trail(scene),
    }
    return followed_document({**document, keys.AFTERWARDS: afterwards}, scene)


def followed_document(document: Mapping[str, Any], scene: Scene) -> dict[str, Any]:
    """The document with the lines and events that followed; how it began is never left out."""
    first = len(document[keys.KERNEL_LINES])
    lines = _with_later(document[keys.KERNEL_LINES], _lines(scene))
    kept = min(len(lines), LONGEST)
    added = {
        **document,
        keys.KERNEL_LINES: lines[:kept],
        keys.EVENTS: _merged_events(document[keys.EVENTS], _events(scene)),
    }
    while kept > first and not fits(added):
        kept = first + (kept - first) // 2
        added[keys.KERNEL_LINES] = lines[:kept]
    if (more := len(lines) - kept) > 0:
        added[keys.CUT] = [*document[keys.CUT], f"{more} kernel lines that followed are left out"]
    return added


def _when(snapshot: Snapshot) -> dict[str, Any]:
    now = snapshot.at
    return {
        keys.TOLD_AT: instant(now.wall),
        keys.BOOT_ID: now.boot_id,
        keys.UPTIME: now.boottime,
    }


def _server(snapshot: Snapshot) -> dict[str, str]:
    server = snapshot.server
    return {
        "maker": server.maker,
        "product": server.product,
        "serial": server.serial,
        "asset_tag": server.asset_tag,
    }


def _driver(scene: Scene) -> dict[str, str]:
    epoch, driver = scene.snapshot.epoch, scene.driver
    return {
        "version": "" if epoch is None else epoch.driver_version,
        "load": "" if epoch is None else epoch.driver_load,
        "library": driver.library,
        "cuda": driver.cuda,
        "condition": driver.condition,
        "text": driver.text,
    }


def _readings(answers: Iterable[Latest]) -> list[dict[str, Any]]:
    return [_reading(latest) for latest in sorted(answers, key=lambda one: one.signal.key)]


def _reading(latest: Latest) -> dict[str, Any]:
    value = in_base_unit(latest)
    gap = value if isinstance(value, Gap) else None
    return {
        "signal": latest.signal.key,
        "value": None if gap else value,
        "unit": latest.signal.unit.suffix,
        "gap": None if gap is None else gap.reason.value,
        "code": None if gap is None else gap.code,
        "read_at": instant(latest.at),
    }


def _trail(scene: Scene) -> dict[str, Any]:
    # What a trail counts from is the start of the boot that it is of.
    booted = scene.snapshot.at.wall - scene.snapshot.at.boottime
    return {
        keys.MINUTES: _stretches(scene.trail.minutes, booted, MINUTE_SECONDS),
        keys.HOURS: _stretches(scene.trail.hours, booted, HOUR_SECONDS),
    }


def _stretches(stretches: Iterable[Stretch], booted: float, seconds: float) -> list[dict[str, Any]]:
    return [
        {
            "from": instant(booted + each.number * seconds),
            "until": instant(booted + (each.number + 1) * seconds),
            "means": dict(each.means),
            "together": dict(each.together),
            "rises": dict(each.rises),
        }
        for each in stretches
    ]


def _lines(scene: Scene) -> list[dict[str, Any]]:
    slot = slot_of(scene.gpu)
    return [
        {
            "at": instant(line.at),
            "priority": line.priority,
            "text": line.text,
            "boot_id": line.boot_id,
            "usec": line.usec,
        }
        for line in about(scene.lines, "" if slot is None else slot.pci_address)
    ]


def _events(scene: Scene) -> list[dict[str, Any]]:
    """The board's and the host's, each once, the latest first."""
    hosts = (one for one in scene.snapshot.events if one.board is None and not one.pci_address)
    once = {event.identity: event for event in (*scene.events, *hosts)}
    ordered = sorted(once.values(), key=lambda event: event.at, reverse=True)
    return [dict(event_document(event)) for event in ordered[:_EVENTS_KEPT]]


def _of_a_day(snapshot: Snapshot, bmc: BmcState) -> BmcState:
    since = snapshot.at.wall - SECONDS_PER_DAY
    return replace(bmc, entries=tuple(one for one in bmc.entries if one.at >= since))


def _others(scene: Scene) -> list[dict[str, Any]]:
    mine = scene.gpu.record.key.uuid
    return [_other(gpu) for gpu in gpus_of(scene.snapshot) if gpu.record.key.uuid != mine]


def _other(gpu: GpuState) -> dict[str, Any]:
    slot = slot_of(gpu)
    return {
        "uuid": gpu.record.key.uuid,
        "serial": gpu.record.key.serial,
        "slot": "" if slot is None else slot.label,
        "pci_address": "" if slot is None else slot.pci_address,
        "index": index_of(gpu),
        "present": gpu.present,
        "verdict": gpu.verdict.value,
        keys.FINDINGS: [{"code": one.code, "sentence": one.sentence} for one in gpu.findings],
    }


def _left_out(scene: Scene) -> list[str]:
    """What is known to be missing from the start.

    A reader of the kernel log that begins anew counts what floods left out once more: "at most".
    """
    lost, skipped = scene.snapshot.kernel_log_lost, scene.skipped
    told = (
        (lost, f"{lost} records of the kernel log were overwritten before they were read"),
        (skipped, f"at most {skipped} kernel lines of floods were not kept"),
    )
    return [f"{sentence}, since gpuwatch started" for holds, sentence in told if holds]


def _with_later(
    before: Sequence[Mapping[str, Any]], after: Iterable[Mapping[str, Any]]
) -> list[Mapping[str, Any]]:
    """What was there, and what came that was not."""
    known = {tuple(line[name] for name in _LINE_KEY) for line in before}
    later = (line for line in after if tuple(line[name] for name in _LINE_KEY) not in known)
    return [*before, *later]


def _merged_events(
    before: Sequence[Mapping[str, Any]], after: Sequence[Mapping[str, Any]]
) -> list[Mapping[str, Any]]:
    later = {event["identity"]: event for event in (*after, *before)}
    ordered = sorted(later.values(), key=lambda event: str(event["at"]), reverse=True)
    return ordered[:_EVENTS_KEPT]
