"""Explanation: one GPU for on-call at 03:00: what to do, whether it can wait, and why."""

from gpuwatch.domain.forecast import Forecast, forecast
from gpuwatch.domain.moments import SECONDS_PER_DAY
from gpuwatch.domain.snapshot import GpuState, Missed, Snapshot
from gpuwatch.domain.verdicts import Finding, Urgency, Verdict
from gpuwatch.exposition.bmc_documents import bmc_findings, out_of_band_document
from gpuwatch.exposition.bmc_views import own
from gpuwatch.exposition.cells import blindness, by_urgency
from gpuwatch.exposition.explanation_shapes import (
    ExplainedFindingShape,
    ExplanationShape,
    MissedShape,
    UnknownShape,
    WaitShape,
)
from gpuwatch.exposition.flag_documents import flag_document
from gpuwatch.exposition.next_steps import (
    blind_remedy,
    call_of,
    gap_remedy,
    step_of,
    steps,
)
from gpuwatch.exposition.record_documents import finding_document, instant
from gpuwatch.exposition.thresholds import distances
from gpuwatch.exposition.views import flag_by_code, index_of, open_flags_of, slot_of
from gpuwatch.exposition.words import day, minute, span

NVIDIAS = "NVIDIA's own criterion or advice"
OURS = "gpuwatch heuristic, not an NVIDIA criterion"
_NVIDIA = "https://docs.nvidia.com/"
_ASSUMES = (
    "half of a fleet's incidents fall on a few boards that degrade and have about 12 a year; "
    "the board stays in service; nothing is known of its load or of a repair"
)
_WITHOUT_WINDOW_SECONDS = 30 * SECONDS_PER_DAY


def explanation(snapshot: Snapshot, gpu: GpuState, *, remembered: bool = False) -> ExplanationShape:
    """Everything that is told of one GPU; `remembered` when no agent looks at it at present."""
    record, slot = gpu.record, slot_of(gpu)
    flags = open_flags_of(snapshot, record.key.uuid)
    return {
        "at": instant(snapshot.at.wall),
        "uuid": record.key.uuid,
        "serial": record.key.serial,
        "index": index_of(gpu),
        "name": record.board.name,
        "slot": "" if slot is None else slot.label,
        "pci_address": "" if slot is None else slot.pci_address,
        "verdict": gpu.verdict.value,
        "verdict_since": instant(gpu.verdict_since),
        "remembered": remembered,
        "steps": steps(snapshot, gpu, remembered=remembered),
        "wait": wait(snapshot, gpu),
        "unknown": _unknown(snapshot, gpu, remembered=remembered),
        "findings": [_finding(snapshot, gpu, one) for one in by_urgency(gpu.findings)],
        "host_findings": [
            finding_document(snapshot, one) for one in by_urgency(snapshot.host_findings)
        ],
        "bmc_findings": [
            finding for bmc in own(snapshot) for finding in bmc_findings(snapshot, bmc)
        ],
        "out_of_band": out_of_band_document(snapshot, gpu),
        "flags": [flag_document(snapshot, flag) for flag in flags],
        "thresholds": distances(gpu),
        "rules_version": snapshot.rules_version,
    }


def criterion(source: str) -> str:
    """Whose rule it is: NVIDIA's, gpuwatch's own, or whose the source names."""
    if source.startswith(_NVIDIA):
        return NVIDIAS
    return f"not an NVIDIA criterion, from {source}" if source.startswith("https://") else OURS


def wait(snapshot: Snapshot, gpu: GpuState) -> WaitShape:
    """Whether it can wait until the next window, and what may happen before."""
    name, start = _window(snapshot, gpu)
    until = snapshot.at.wall + _WITHOUT_WINDOW_SECONDS if start is None else start
    why = _blind_because(snapshot, gpu)
    told = None if why else _forecast(gpu, until - snapshot.at.wall)
    answer, sentence = _answer(snapshot, gpu, name, start)
    return {
        "answer": answer,
        "sentence": sentence,
        "window": name,
        "until": None if start is None else instant(start),
        "horizon_seconds": None if told is None else told.horizon_seconds,
        "chance": None if told is None else told.chance,
        "unknown": why or ("" if told is not None else "no healthy rate is known for this board"),
        "incidents": None if told is None else told.incidents,
        "watched_seconds": None if told is None else told.watched_seconds,
        "healthy_rate_per_year": None if told is None else told.healthy_rate_per_year,
        "assumes": _ASSUMES,
    }


def _forecast(gpu: GpuState, horizon_seconds: float) -> Forecast | None:
    if gpu.healthy_rate_per_year is None:
        return None
    record = gpu.record
    return forecast(
        [incident.opened_exposure for incident in record.incidents],
        exposure_seconds=record.exposure_seconds,
        horizon_seconds=horizon_seconds,
        healthy_rate_per_year=gpu.healthy_rate_per_year,
    )


def _window(snapshot: Snapshot, gpu: GpuState) -> tuple[str, float | None]:
    """The name and start of the window it would wait for: its flag's, else the next to come."""
    now = snapshot.at.wall
    planned = [
        (flag.window_start, flag.window_name)
        for flag in open_flags_of(snapshot, gpu.record.key.uuid)
        if flag.window_start is not None and flag.window_start > now
    ]
    coming = [(one.start.timestamp(), one.name) for one in snapshot.windows]
    ahead = planned or [one for one in coming if one[0] > now]
    start, name = min(ahead, default=(None, ""))
    return name, start


def _answer(snapshot: Snapshot, gpu: GpuState, name: str, start: float | None) -> tuple[str, str]:
    """The answer as a word, and as a sentence. The rule decides it, no estimate does."""
    now = snapshot.at.wall
    window = "no window is planned"
    if start is not None:
        window = f"window {name} opens {day(start)} {minute(start)}, in {span(start - now)}"
    urgencies = {finding.urgency for finding in gpu.findings}
    if Urgency.PAGE in urgencies:
        return "no", f"No: a finding that pages is for now ({window})."
    if gpu.verdict is Verdict.UNKNOWN:
        return "unknown", f"Unknown: gpuwatch is blind to this GPU ({window})."
    if Urgency.WINDOW in urgencies:
        due = min(
            (one.since + one.due.total_seconds() for one in gpu.findings if one.due is not None),
            default=None,
        )
        late = "" if start is None or due is None or start <= due else " That is after it is due."
        return "yes", f"Yes, until a window: {window}.{late}"
    return "nothing", f"Nothing waits for a window ({window})."


def _blind_because(snapshot: Snapshot, gpu: GpuState) -> str:
    """Why nobody can tell what has happened lately; "" when it is watched."""
    seen = blindness(gpu, snapshot)
    if gpu.verdict is not Verdict.UNKNOWN:
        return seen
    told = dict.fromkeys(filter(None, (gpu.unknown_because, gpu.set_apart)))
    return "; ".join(told) or seen or "it cannot be judged"


def _unknown(snapshot: Snapshot, gpu: GpuState, *, remembered: bool) -> UnknownShape | None:
    if gpu.verdict is not Verdict.UNKNOWN:
        return None
    return {
        "because": _blind_because(snapshot, gpu),
        "since": instant(gpu.verdict_since),
        "remedy": blind_remedy(snapshot, gpu, remembered=remembered),
        "signals": [_missed(missed) for missed in gpu.missed],
    }


def _missed(missed: Missed) -> MissedShape:
    return {
        "signal": missed.signal.key,
        "gap": missed.gap.reason.value,
        "code": missed.gap.code,
        "since": instant(missed.since),
        "call": call_of(missed.signal),
        "remedy": gap_remedy(missed.gap.reason),
    }


def _finding(snapshot: Snapshot, gpu: GpuState, finding: Finding) -> ExplainedFindingShape:
    flag = flag_by_code(snapshot, gpu.record.key.uuid).get(finding.code)
    return {
        **finding_document(snapshot, finding),
        "step": step_of(gpu, finding),
        "criterion": criterion(finding.source),
        "flag": flag.number if flag is not None and flag.is_open else None,
    }
