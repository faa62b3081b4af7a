"""Snapshots for tests: one night of a server with eight GPUs, in which no two numbers are equal."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import count
from math import inf

from gpuwatch.domain.acceptances import Acceptance, AcceptanceState, Candidate
from gpuwatch.domain.audit import AuditRecord
from gpuwatch.domain.devices import Board, BoardKey, Device, Epoch, Slot
from gpuwatch.domain.events import Event, EventKind, EventSource
from gpuwatch.domain.flags import Disposition, Flag, FlagState
from gpuwatch.domain.hooks import HookState
from gpuwatch.domain.incidents import ErrorKind, ErrorSignal, Incident, Memory
from gpuwatch.domain.moments import SECONDS_PER_DAY, Moment
from gpuwatch.domain.readings import Gap, GapReason, Value
from gpuwatch.domain.records import BoardRecord, BoardState, Held, XidCount
from gpuwatch.domain.servers import Directions, Server
from gpuwatch.domain.signals import Kind, Role, Signal
from gpuwatch.domain.snapshot import (
    BackupState,
    GpuState,
    Latest,
    Maintenance,
    Snapshot,
    SourceState,
    WebState,
)
from gpuwatch.domain.verdicts import Finding, Remedy, RmaStanding, Scope, Urgency, Verdict
from gpuwatch.domain.windows import Blackout, Blocked, CalendarState, Outlook, Window
from gpuwatch.sources.nvml_signals import TABLE
from tests.support.bmc_states import bad_bmcs

AT = datetime(2026, 3, 14, 3, 12, 7, tzinfo=UTC).timestamp()
BOOT = "2c4f9d0a-5d2e-4a57-9d1e-6f3f5c1b7a10"
DRIVER = "580.95.05"
HOSTILE_NAME = '<script>alert("xss")</script>\n\\ & Co'
ALERTING_XIDS = (48, 64, 79, 95, 119)


def uuid_of(index: int) -> str:
    """The UUID of the scenario's GPU `index`."""
    return f"GPU-{index:08x}-1111-2222-3333-44445555666{index}"


KEYS = (
    "gpuwatch_gpu_temperature_celsius",
    "gpuwatch_gpu_memory_temperature_celsius",
    "gpuwatch_gpu_power_watts",
    "gpuwatch_gpu_energy_joules_total",
    "gpuwatch_gpu_utilization_ratio",
    'gpuwatch_gpu_memory_bytes{state="used"}',
    'gpuwatch_gpu_memory_bytes{state="free"}',
    "gpuwatch_gpu_sm_clock_hertz",
    "gpuwatch_gpu_ecc_uncorrected_volatile_errors_total",
    "gpuwatch_gpu_ecc_uncorrected_aggregate_errors_total",
    "gpuwatch_gpu_ecc_corrected_volatile_errors_total",
    'gpuwatch_gpu_ecc_uncorrected_volatile_memory_errors_total{memory="dram"}',
    'gpuwatch_gpu_ecc_uncorrected_volatile_memory_errors_total{memory="sram"}',
    "gpuwatch_gpu_rows_remapped_uncorrectable_total",
    "gpuwatch_gpu_row_remap_pending",
    "gpuwatch_gpu_row_remap_failed",
    "gpuwatch_gpu_recovery_action",
    "gpuwatch_gpu_inforom",
    'gpuwatch_gpu_clocks_event{reason="hw_slowdown"}',
    'gpuwatch_gpu_clocks_event{reason="gpu_idle"}',
)
ROWS: tuple[Signal, ...] = tuple(row for row in TABLE if row.key in KEYS)
_NUMBERS: Mapping[str, Callable[[int], int]] = {
    "gpuwatch_gpu_temperature_celsius": lambda index: 41 + index,
    "gpuwatch_gpu_memory_temperature_celsius": lambda index: 61 + index,
    "gpuwatch_gpu_power_watts": lambda index: 311_200 + 10_700 * index,
    "gpuwatch_gpu_energy_joules_total": lambda index: 912_345_678_901 + 1_000_003 * index,
    "gpuwatch_gpu_utilization_ratio": lambda index: 90 + index,
    'gpuwatch_gpu_memory_bytes{state="used"}': lambda index: 60_000_000_000 + 1_048_576 * index,
    'gpuwatch_gpu_memory_bytes{state="free"}': lambda index: 24_000_000_000 - 1_048_576 * index,
    "gpuwatch_gpu_sm_clock_hertz": lambda index: 1_700 + 15 * index,
    "gpuwatch_gpu_row_remap_pending": lambda index: int(index in {2, 5}),
    "gpuwatch_gpu_row_remap_failed": lambda index: int(index == 3),
    "gpuwatch_gpu_recovery_action": lambda index: int(index == 3),
    'gpuwatch_gpu_clocks_event{reason="hw_slowdown"}': lambda index: int(index == 5),
    'gpuwatch_gpu_clocks_event{reason="gpu_idle"}': lambda index: int(index == 7),
}


def latest_of(
    index: int, gaps: Mapping[str, GapReason], first: Iterable[int]
) -> tuple[Latest, ...]:
    """The answers of GPU `index`: those named in `gaps` are gaps; counters come from `first`."""
    counters = iter(first)
    answers = []
    for place, signal in enumerate(ROWS):
        value: Value | Gap
        if signal.key in gaps:
            value = Gap(gaps[signal.key], 3 + place)
        elif signal.name == "gpuwatch_gpu_inforom":
            value = "G520.0200.00.05"
        elif signal.key in _NUMBERS:
            value = _NUMBERS[signal.key](index)
        else:
            value = next(counters)
        answers.append(Latest(signal, value, AT - 2.5 - index / 8))
    return tuple(answers)


def every_signal(index: int) -> tuple[Latest, ...]:
    """An answer to every row of the table, as no board ever gives: every name there can be."""
    return tuple(
        Latest(
            signal,
            "text" if signal.kind is Kind.TEXT and signal.role is Role.PLAIN else 1,
            AT - index,
        )
        for signal in TABLE
    )


def _incident(
    key: BoardKey, days_ago: float, memory: Memory, *, echo: ErrorKind | None = None
) -> Incident:
    at = AT - days_ago * SECONDS_PER_DAY
    owner = ErrorSignal(
        board=key,
        kind=ErrorKind.ECC,
        at=at,
        exposure=7_000_000.0 - days_ago * SECONDS_PER_DAY,
        memory=memory,
        not_before=at - 5,
        not_after=at + 5,
    )
    signals = [owner]
    if echo is not None:
        signals.append(replace(owner, kind=echo, at=at + 31, memory=Memory.UNKNOWN))
    return Incident(board=key, opened_at=at, opened_exposure=owner.exposure, signals=tuple(signals))


def _record(index: int, *, name: str = "NVIDIA H100 80GB HBM3", serial: str = "") -> BoardRecord:
    return BoardRecord(
        board=Board(
            key=BoardKey(serial, uuid_of(index)),
            name=name,
            part_number="965-23587-0000-200",
            vbios="96.00.5E.00.01",
            inforom="G520.0200.00.05",
        ),
        slot=Slot(
            pci_address=f"0000:{0x1B + 0x10 * index:02x}:00.0",
            module_id=index + 1,
            chassis_serial="1572923000411",
            slot_number=20 + index,
            tray_index=None,
        ),
        index=index,
        state=BoardState.PRESENT,
        first_seen=AT - 81.25 * SECONDS_PER_DAY - index,
        last_seen=AT - 2.5 - index / 8,
        exposure_seconds=7_000_000.5 + index,
        errors={} if index == 7 else dict.fromkeys(Memory, 0),
        prior={"rows_remapped_uncorrectable": 12} if index == 1 else {},
    )


def gpu_state(
    index: int,
    *,
    verdict: Verdict = Verdict.HEALTHY,
    record: BoardRecord | None = None,
    findings: tuple[Finding, ...] = (),
    gaps: Mapping[str, GapReason] | None = None,
) -> GpuState:
    """A present, fresh GPU of the scenario."""
    remembered = record or _record(index, serial=f"16542230{10_007 + index}")
    slot = remembered.slot
    assert slot is not None
    return GpuState(
        record=remembered,
        device=Device(index=index, board=remembered.board, slot=slot, mig_enabled=index == 7),
        present=True,
        fresh=True,
        verdict=verdict,
        verdict_since=AT - 86_000 - 977 * index,
        findings=findings,
        latest=latest_of(index, gaps or {}, count(1_001 + 1_000 * index, 13)),
        healthy_rate_per_year=0.05,
    )


def _finding(index: int, code: str, urgency: Urgency, remedy: Remedy, sentence: str) -> Finding:
    return Finding(
        code=code,
        scope=Scope.GPU,
        subject=uuid_of(index),
        urgency=urgency,
        route=urgency,
        remedy=remedy,
        since=AT - 3_301 * (index + 1),
        sentence=sentence,
        source="gpuwatch heuristic",
    )


TREND = (
    "2 uncorrectable-error incidents 12 days apart (2026-03-02, 2026-03-14); a healthy board has "
    "one in 20 years; by chance this happens 0.08 times per 1,000 board-years. gpuwatch heuristic, "
    "not an NVIDIA criterion."
)


def _watched() -> GpuState:
    base = _record(1, serial="1654223010008")
    record = replace(
        base,
        incidents=(_incident(base.key, 40.5, Memory.SRAM),),
        errors={Memory.DRAM: 0, Memory.SRAM: 21, Memory.UNKNOWN: 0},
        unattributed=9,
        xids={
            (94, "kernel_log"): XidCount(22, AT - 999_001, AT - 500_002),
            (31, "nvml"): XidCount(23, AT - 999_003, AT - 500_004),
        },
    )
    finding = _finding(
        1,
        "uncorrectable-error",
        Urgency.WATCH,
        Remedy.NONE,
        "an uncorrectable memory error on 2026-02-01; watched until 2026-05-02",
    )
    return gpu_state(1, verdict=Verdict.WATCH, record=record, findings=(finding,))


def _rising() -> GpuState:
    base = _record(2, serial="1654223010009")
    record = replace(
        base,
        incidents=(
            _incident(base.key, 71.5, Memory.DRAM),
            _incident(base.key, 44.25, Memory.DRAM),
            _incident(base.key, 12.125, Memory.DRAM, echo=ErrorKind.XID_94),
            _incident(base.key, 0.0625, Memory.DRAM),
        ),
        errors={Memory.DRAM: 24, Memory.SRAM: 0, Memory.UNKNOWN: 25},
        xids={(48, "kernel_log"): XidCount(26, AT - 999_005, AT - 500_006)},
        held={
            "gpuwatch_gpu_row_remap_pending": Held(1, AT - 5_400),
            "gpuwatch_gpu_pages_retired_double_bit_at": Held("1577836811 1609459212", AT - 5_401),
            "gpuwatch_gpu_pages_retired_single_bit_at": Held("1593561613", AT - 5_402),
        },
        last_reset_at=AT - 1_200_007,
    )
    trend = replace(
        _finding(2, "rising-uncorrectable-trend", Urgency.WINDOW, Remedy.REPLACE, TREND),
        evidence=(("incidents", "2"), ("window_days", "12")),
        evidence_at=AT - 5_400,
        latched=True,
        rma=RmaStanding.NEEDS_FIELD_DIAGNOSTIC,
        due=timedelta(days=14),
        clears="a person dismisses the flag, or the board leaves",
        escalates="a row remap that fails",
    )
    return gpu_state(
        2, verdict=Verdict.REPLACE_AT_WINDOW, record=record, findings=(trend, _pending(2))
    )


def _pending(index: int) -> Finding:
    return _finding(
        index,
        "row-remap-pending",
        Urgency.INFO if index == 2 else Urgency.WINDOW,
        Remedy.RESET,
        "a row remap has waited for a reset for 31 days",
    )


def _failed() -> GpuState:
    base = _record(3, serial="1654223010010")
    record = replace(
        base,
        incidents=tuple(
            _incident(base.key, days, Memory.UNKNOWN) for days in (90.5, 61.5, 33.5, 20.5, 2.5)
        ),
        errors={Memory.DRAM: 0, Memory.SRAM: 0, Memory.UNKNOWN: 27},
        xids={(64, "kernel_log"): XidCount(28, AT - 999_008, AT - 500_009)},
    )
    failed = replace(
        _finding(
            3,
            "row-remap-failed",
            Urgency.PAGE,
            Remedy.REPLACE,
            "a row remap failed: NVIDIA's RMA criterion, to be confirmed by the field diagnostic",
        ),
        source="https://docs.nvidia.com/deploy/a100-gpu-mem-error-mgmt/",
        route=Urgency.INFO,
        latched=True,
        rma=RmaStanding.CRITERION_MET,
        due=timedelta(hours=24),
    )
    action = _finding(
        3, "recovery-action", Urgency.PAGE, Remedy.RESET, "the driver asks for a reset of this GPU"
    )
    return gpu_state(3, verdict=Verdict.DRAIN_NOW, record=record, findings=(failed, action))


def _hung() -> GpuState:
    state = gpu_state(4, verdict=Verdict.UNKNOWN)
    return replace(
        state,
        fresh=False,
        latest=tuple(replace(latest, at=AT - 104.25) for latest in state.latest),
        set_apart="stuck for 94 s in state D in nvmlDeviceGetRemappedRows; asked again in 5 min",
        unknown_because="no answer for 104 s",
    )


def _gappy() -> GpuState:
    gaps = {
        "gpuwatch_gpu_memory_temperature_celsius": GapReason.DENIED,
        "gpuwatch_gpu_power_watts": GapReason.DENIED,
        "gpuwatch_gpu_energy_joules_total": GapReason.TIMED_OUT,
        "gpuwatch_gpu_utilization_ratio": GapReason.TIMED_OUT,
        "gpuwatch_gpu_sm_clock_hertz": GapReason.TIMED_OUT,
    }
    return gpu_state(5, verdict=Verdict.RESET_AT_WINDOW, findings=(_pending(5),), gaps=gaps)


def _gone() -> GpuState:
    base = _record(6, serial="1654223010013")
    record = replace(
        base,
        state=BoardState.ABSENT,
        last_seen=AT - 745.5,
        off_bus_at=(AT - 750.25,),
        xids={(79, "kernel_log"): XidCount(29, AT - 751.5, AT - 750.5)},
    )
    off_bus = _finding(
        6,
        "off-the-bus",
        Urgency.PAGE,
        Remedy.POWER_CYCLE,
        "the GPU has fallen off the bus (Xid 79)",
    )
    return replace(
        gpu_state(6, verdict=Verdict.DRAIN_NOW, record=record, findings=(off_bus,)),
        device=None,
        present=False,
        fresh=False,
        latest=(),
    )


def _hostile() -> GpuState:
    gaps = dict.fromkeys(
        (
            "gpuwatch_gpu_rows_remapped_uncorrectable_total",
            "gpuwatch_gpu_row_remap_pending",
            "gpuwatch_gpu_row_remap_failed",
            "gpuwatch_gpu_ecc_uncorrected_volatile_errors_total",
            "gpuwatch_gpu_ecc_uncorrected_aggregate_errors_total",
            "gpuwatch_gpu_ecc_corrected_volatile_errors_total",
        ),
        GapReason.UNSUPPORTED,
    )
    return gpu_state(7, record=_record(7, name=HOSTILE_NAME), gaps=gaps)


def _flags() -> tuple[Flag, ...]:
    window = _windows()[1].start.timestamp()
    return (
        Flag(
            board=BoardKey("1654223010010", uuid_of(3)),
            code="row-remap-failed",
            urgency=Urgency.PAGE,
            sentence="a row remap failed: NVIDIA's RMA criterion",
            raised_at=AT - 13_204,
            evidence_at=AT - 13_205,
            due_at=AT + 73_196,
            rma=RmaStanding.CRITERION_MET,
            state=FlagState.IN_HANDS,
            state_since=AT - 6_103,
            disposition=Disposition.RMA,
            number=14,
            slot_label="module-4",
            vendor_case="CASE-90817",
            fru="tray",
            slot_note="inspect the slot and its cooling: another board failed in it",
        ),
        Flag(
            board=BoardKey("1654223010009", uuid_of(2)),
            code="rising-uncorrectable-trend",
            urgency=Urgency.WINDOW,
            sentence=TREND,
            raised_at=AT - 5_390,
            evidence_at=AT - 5_400,
            due_at=AT + 14 * SECONDS_PER_DAY - 5_390,
            rma=RmaStanding.NEEDS_FIELD_DIAGNOSTIC,
            number=15,
            window_name="sunday",
            window_start=window,
            window_end=window + 14_400,
            slot_label="module-3",
            acknowledged_by="uid 1000 (ada)",
            acknowledged_at=AT - 5_107,
            pinned=True,
            snoozed_until=AT + 91_009,
            told_late=True,
        ),
        Flag(
            board=BoardKey("1654223010002", uuid_of(9)),
            code="off-the-bus",
            urgency=Urgency.PAGE,
            sentence="the board fell off the bus twice in 90 days",
            raised_at=AT - 30 * SECONDS_PER_DAY,
            evidence_at=AT - 30.5 * SECONDS_PER_DAY,
            due_at=AT - 29 * SECONDS_PER_DAY,
            rma=RmaStanding.NEEDS_FIELD_DIAGNOSTIC,
            state=FlagState.CLOSED,
            state_since=AT - 20 * SECONDS_PER_DAY,
            outcome="accepted",
            disposition=Disposition.RMA,
            number=11,
            slot_label="module-6",
            successor=BoardKey("1654223010013", uuid_of(6)),
        ),
    )


def _flag_audit() -> dict[int, tuple[AuditRecord, ...]]:
    raised, started, seen = (
        AuditRecord(
            at=AT - 13_203,
            actor="gpuwatch",
            action="flag-raised",
            subject="flag 14",
            reason="a finding asks for it",
            after="state=open; urgency=page",
            number=301,
        ),
        AuditRecord(
            at=AT - 6_103,
            actor="uid 0 (root), login uid 1000 (ada)",
            action="flag-started",
            subject="flag 14",
            reason="the part is here <b>now</b>",
            before="state=open",
            after="state=in_hands",
            number=303,
        ),
        AuditRecord(
            at=AT - 5_107,
            actor="uid 1000 (ada)",
            action="flag-acknowledged",
            subject="flag 15",
            reason="planned with the users",
            before="acknowledged=none",
            after="acknowledged=2026-03-14T01:47:00Z by uid 1000 (ada)",
            number=305,
        ),
    )
    return {14: (raised, started), 15: (seen,)}


def _acceptance() -> Acceptance:
    """GPU 5 came in for the board of flag 11."""
    return Acceptance(
        flag=11,
        began_at=AT - 29.25 * SECONDS_PER_DAY,
        candidates=(
            Candidate(
                key=BoardKey("1654223010012", uuid_of(5)),
                faults_before=2,
                load_seconds=14_403.5,
                poor_seconds=61.5,
                poor="ECC is off",
            ),
        ),
        state=AcceptanceState.ACCEPTED_UNPROVEN,
        sentence="4.0 h at half of the power limit or more without an incident",
        decided_at=AT - 28.75 * SECONDS_PER_DAY,
    )


def _events() -> tuple[Event, ...]:
    return (
        Event(
            kind=EventKind.XID,
            at=AT - 750.5,
            source=EventSource.KERNEL_LOG,
            identity="xid-79-1",
            boot_id=BOOT,
            board=BoardKey("1654223010013", uuid_of(6)),
            pci_address="0000:7b:00.0",
            code=79,
            detail="GPU has fallen off the bus.",
        ),
        Event(
            kind=EventKind.ERRORS_COUNTED,
            at=AT - 5_400,
            source=EventSource.NVML,
            identity="errors-2-1",
            boot_id=BOOT,
            board=BoardKey("1654223010009", uuid_of(2)),
            pci_address="0000:3b:00.0",
            detail="1 uncorrectable error in dram",
            not_before=AT - 5_405,
            not_after=AT - 5_395,
        ),
        Event(
            kind=EventKind.SXID,
            at=AT - 40_000.25,
            source=EventSource.KERNEL_LOG,
            identity="sxid-20034-1",
            boot_id=BOOT,
            pci_address="0000:c1:00.0",
            code=20034,
            detail="non-fatal <b>link</b> error",
        ),
        Event(
            kind=EventKind.LOG_CLEARED,
            at=AT - 90_000.5,
            source=EventSource.GPUWATCH,
            identity="log-cleared-1",
            boot_id=BOOT,
            bmc="main",
            detail="sel was emptied",
        ),
        Event(
            kind=EventKind.CHASSIS_POWER_OFF,
            at=AT - 100_000.5,
            source=EventSource.GPUWATCH,
            identity="chassis-power-off-1",
            boot_id=BOOT,
            bmc="retired",
            detail="the chassis was switched off",
        ),
    )


def _durations(first: int) -> tuple[tuple[float, int], ...]:
    return (
        (0.05, first),
        (0.25, first + 1_201),
        (1.0, first + 1_302),
        (10.0, first + 1_403),
        (inf, first + 1_404),
    )


def _sources() -> tuple[SourceState, ...]:
    return (
        SourceState(
            name="nvml",
            up=True,
            fresh=True,
            last_success=AT - 2.125,
            problem="GPU 4 is set apart",
            timeouts=31,
            restarts=32,
            unkillable=8,
            durations=_durations(50_021),
            durations_sum=9_201.125,
        ),
        SourceState(
            name="kernel_log",
            up=True,
            fresh=True,
            required=False,
            last_success=AT - 0.375,
            timeouts=33,
            restarts=34,
            durations=_durations(70_031),
            durations_sum=301.25,
        ),
        SourceState(
            name="bmc.node-18",
            up=False,
            fresh=False,
            required=False,
            last_success=AT - 7_205,
            problem="no answer from the BMC: timed out",
            timeouts=35,
            restarts=36,
        ),
    )


def _windows() -> tuple[Window, ...]:
    first = datetime(2026, 3, 15, 2, tzinfo=UTC)
    return tuple(
        Window(start=start, end=start + timedelta(hours=4), name="sunday")
        for start in (first, first + timedelta(days=7))
    )


def _outlook() -> Outlook:
    """Two windows, a third in a blackout, and a calendar that broke."""
    freeze = Blackout(
        datetime(2026, 3, 28, tzinfo=UTC),
        datetime(2026, 4, 7, tzinfo=UTC),
        "quarter end",
        "the books are closed <by hand>",
    )
    third = Window(
        datetime(2026, 3, 29, 2, tzinfo=UTC), datetime(2026, 3, 29, 6, tzinfo=UTC), "sunday"
    )
    calendar = CalendarState(
        name="ops",
        path="/etc/gpuwatch/ops.ics",
        read_at=AT - 86_500,
        problem="/etc/gpuwatch/ops.ics does not exist (is its file system mounted?)",
        ignored=13,
    )
    return Outlook(
        windows=_windows(),
        blocked=(Blocked(third, freeze),),
        blackouts=(freeze,),
        calendars=(calendar,),
        boards_per_window=3,
    )


def rich_snapshot() -> Snapshot:
    """A night in which every kind of trouble is there once; GPU 0 is well."""
    return Snapshot(
        version=4_711,
        at=Moment(wall=AT, boottime=1_000_017.5, boot_id=BOOT),
        started_at=AT - 1_000_000.5,
        hostname="gpu-node-17",
        gpus=(
            gpu_state(0),
            _watched(),
            _rising(),
            _failed(),
            _hung(),
            _gappy(),
            _gone(),
            _hostile(),
        ),
        sources=_sources(),
        bmcs=bad_bmcs(AT),
        epoch=Epoch(boot_id=BOOT, driver_load="40961", driver_version=DRIVER),
        host_verdict=Verdict.DRAIN_NOW,
        host_findings=(
            Finding(
                code="version-drift",
                scope=Scope.HOST,
                subject="",
                urgency=Urgency.WINDOW,
                route=Urgency.INFO,
                remedy=Remedy.INSPECT,
                since=AT - 260_000,
                sentence="2 of 8 boards have another VBIOS than the rest",
                source="gpuwatch heuristic",
            ),
        ),
        flags=_flags(),
        flag_audit=_flag_audit(),
        acceptances={11: _acceptance()},
        outlook=_outlook(),
        maintenance=(
            Maintenance(
                identity="chg-1",
                scope="board",
                board="1654223010010",
                until=AT + 7_207,
                reason="board swap",
                ticket="CHG0031337",
                actor="uid 1000 (ada)",
            ),
        ),
        events=_events(),
        degraded=("disk-full",),
        history_bytes=3_211_264,
        backups=BackupState(
            AT - 95_000.0,
            problem="/srv/backup: No space left on device",
            failing_since=AT - 8_523.0,
        ),
        alert_tests=("info",),
        kernel_log_lost=37,
        web=WebState(
            config_failing=False,
            valid_from=1_760_000_000.0,
            valid_until=1_790_000_000.0,
            crowded_out=4_711,
        ),
        sxids={20034: 38},
        clock_synchronized=True,
        clock_steps=39,
        failures={"message": 83, "look": 85, "sweep": 87},
        labels={"site": "ams1", "row": "r4", "rack": "17", "unit": "21"},
        rules_version="2026.3",
        config_hash="6b1f0c2d",
        server=Server(
            maker="Supermicro", product="SYS-821GE", serial="SRV0042", asset_tag="A-0042"
        ),
        hooks=(
            HookState(
                name="slurm",
                waiting=203,
                succeeded=297,
                failed=205,
                timed_out=202,
                given_up=1,
                last_success=AT - 86.5,
                problem="ended with status 1: no such node",
            ),
        ),
        directions=Directions(
            zone="Europe/Berlin",
            contacts=("Hall desk +49 30 555 0100, day and night", "Ada (SRE) +49 30 555 0101"),
            notes=("Badge at desk B; the lift is behind cage 4.",),
        ),
    )
