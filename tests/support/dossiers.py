"""Dossiers for tests: what history holds of a flag of the scenario, in numbers that differ."""

import hashlib
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from gpuwatch.domain.acceptances import Acceptance, Diagnostic, DiagnosticResult
from gpuwatch.domain.audit import AuditRecord
from gpuwatch.domain.bmc_logs import LogEntry, LogSeverity, LogTopic
from gpuwatch.domain.captures import Capture, Occasion
from gpuwatch.domain.dossiers import Dossier
from gpuwatch.domain.events import Event, EventKind, EventSource
from gpuwatch.domain.records import SeriesPoint, Spread, Transition
from gpuwatch.domain.snapshot import Logged, Snapshot
from tests.support.snapshots import AT, BOOT, DRIVER

DAY = 86_400.0
XID_LINE = (
    "NVRM: Xid (PCI:0000:3b:00): 48, pid=4242, name=train_llm, DBE (double bit error) on bank 5"
)
OUTPUT = b"GPU 5: memory test PASS\n"
_AGGREGATE = "gpuwatch_gpu_ecc_uncorrected_aggregate_errors_total"
_VOLATILE = "gpuwatch_gpu_ecc_uncorrected_volatile_errors_total"


def a_dossier(snapshot: Snapshot, number: int) -> Dossier:
    """All of flag `number`: counters, two hours of readings, events, a capture, a log."""
    flag = next(one for one in snapshot.flags if one.number == number)
    record = next(
        (gpu.record for gpu in snapshot.gpus if gpu.record.key.uuid == flag.board.uuid), None
    )
    return Dossier(
        flag=flag,
        record=record,
        transitions=_transitions(),
        series=_series(),
        events=_events(flag.board),
        resets=(AT - 1_200_007.0,),
        epochs=((AT - 81 * DAY, "570.86.15"), (AT - 1_200_009.0, DRIVER)),
        audit=(_raised(number), *snapshot.flag_audit.get(number, ())),
        entries={"main": (_entry(),)},
        captures=(a_capture(flag.board),),
        acceptance=_tested(snapshot.acceptances.get(number)),
        diagnostic=OUTPUT if number in snapshot.acceptances else None,
    )


def _tested(acceptance: Acceptance | None) -> Acceptance | None:
    """The acceptance with a diagnostic that somebody attached."""
    told = Diagnostic(
        name="fieldiag.log", sha256=hashlib.sha256(OUTPUT).hexdigest(), size=len(OUTPUT),
        result=DiagnosticResult.PASSED, attached_at=AT - 21 * DAY, actor="uid 1000 (ada)",
    )  # fmt: skip
    return None if acceptance is None else replace(acceptance, diagnostic=told)


def _transitions() -> tuple[Transition, ...]:
    days = (71.5, 44.25, 12.125, 0.0625)
    counted = [Transition(_AGGREGATE, 3, AT - 81 * DAY), Transition(_VOLATILE, 0, AT - 81 * DAY)]
    counted += [Transition(_AGGREGATE, 4 + n, AT - day * DAY) for n, day in enumerate(days)]
    counted += [
        Transition(_VOLATILE, 0, AT - 1_200_000),
        Transition("gpuwatch_gpu_rows_remapped_uncorrectable_total", 6, AT - 12.1 * DAY),
        Transition("gpuwatch_gpu_power_limit_watts", 700_000, AT - 80 * DAY),
        Transition("gpuwatch_gpu_recovery_action", "none", AT - 80 * DAY),
        Transition("gpuwatch_gpu_chassis_serial", "1572923000411", AT - 80 * DAY),
        Transition("gpuwatch_gpu_vbios", "96.00.5E.00.01", AT - 80 * DAY),
    ]
    return tuple(sorted(counted, key=lambda one: one.at))


def _series() -> tuple[SeriesPoint, ...]:
    """Two hours, in the middle of which nothing was read for forty minutes."""
    minutes = [minute for minute in range(0, 120, 5) if not 40 <= minute < 80]
    return tuple(
        SeriesPoint(
            AT - 7_200 + minute * 60,
            {
                "gpuwatch_gpu_temperature_celsius": Spread(40.5, 41.25 + minute / 8, 71.0 + minute),
                "gpuwatch_gpu_power_watts": Spread(300.125, 310.5 + minute, 320.75 + minute),
            },
        )
        for minute in minutes
    )  # fmt: skip


def _events(board: Any) -> tuple[Event, ...]:  # noqa: ANN401 - a board's key
    shared: dict[str, Any] = {"boot_id": BOOT, "board": board, "pci_address": "0000:3b:00.0"}
    return (
        Event(
            kind=EventKind.BOARD_FIRST_SEEN, at=AT - 81 * DAY, source=EventSource.GPUWATCH,
            identity="first-2", detail="module-3", **shared,
        ),
        Event(
            kind=EventKind.XID, at=AT - 5_399.5, source=EventSource.KERNEL_LOG, identity="xid-48-2",
            code=48, detail=XID_LINE.partition("48, ")[2], **shared,
        ),
        Event(
            kind=EventKind.ERRORS_COUNTED, at=AT - 5_400, source=EventSource.NVML,
            identity="errors-2-1", detail="=1 uncorrectable error in dram",
            not_before=AT - 5_405, not_after=AT - 5_395, **shared,
        ),
    )  # fmt: skip


def _raised(number: int) -> AuditRecord:
    return AuditRecord(
        at=AT - 5_390, actor="gpuwatch", action="flag-raised", subject=f"flag {number}",
        reason="a finding asks for it", after="state=open", number=300,
    )  # fmt: skip


def _entry() -> Logged:
    entry = LogEntry(
        log="sel", record="0x01a4", told_at=AT - 5_402, topic=LogTopic.MEMORY,
        severity=LogSeverity.CRITICAL, text="Uncorrectable ECC on GPU3, reported by 192.0.2.17",
        sensor="GPU3 Mem", asserted=True, raw="a40102ffee",
    )  # fmt: skip
    return Logged(entry, AT - 5_402.5, AT - 5_401.5, baseline=False)


def a_capture(board: Any) -> Capture:  # noqa: ANN401 - a board's key
    """What was known when the last incident opened."""
    return Capture(
        number=7,
        board=board,
        occasion=Occasion.INCIDENT,
        at=AT - 5_398.25,
        settled=True,
        document=_document(),
    )


def _document() -> Mapping[str, Any]:
    return {
        "version": 1,
        "told_at": "2026-03-14T01:42:08.750Z",
        "because": "incident 4 opened on GPU 2 of gpu-node-17",
        "host": {
            "name": "gpu-node-17",
            "labels": {"site": "ams1", "row": "r4", "rack": "17", "unit": "21", "fru": "module"},
        },
        "kernel_lines": [
            {
                "at": "2026-03-14T01:42:07.500Z", "priority": 3, "text": XID_LINE,
                "boot_id": BOOT, "usec": 81_000_123,
            },
            {
                "at": "2026-03-14T01:42:07.900Z", "priority": None,
                "text": "train_llm[4242]: segfault at 0 ip 00007f", "boot_id": BOOT,
                "usec": 81_400_456,
            },
        ],
        "bmcs": [{"name": "main", "entries": [{"text": "from 192.0.2.17", "raw": "c0000211"}]}],
        "others": [{"uuid": "GPU-00000003-1111-2222-3333-444455556663", "serial": "1654223010010"}],
    }  # fmt: skip
