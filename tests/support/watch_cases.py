"""Watch cases: for every alert that is no finding, when it fires, when not, and when it is over."""

from collections.abc import Mapping

from gpuwatch.cli.alerts.fleet import EXPOSURE, FAULTS, INCIDENTS
from tests.support.alert_cases import GPU, HOST, INFO, JOB, Case, Check, Labels

_UP = f"up{{{JOB}}}"
_QUIET = f'gpuwatch_maintenance{{{JOB},scope="host"}}'
_SNAPSHOT = f"gpuwatch_snapshot_timestamp_seconds{{{JOB}}}"
_FLAG = f'gpuwatch_gpu_flag_scheduled{{{GPU},code="rising-uncorrectable-trend"}}'
_PAGES = 'count(ALERTS{alertstate="firing",route="page"})'


def _labels(code: str, severity: str, route: str, scope: str, **own: str) -> Labels:
    return {"code": code, "severity": severity, "route": route, "scope": scope, **own}


def _host(code: str, **own: str) -> Labels:
    return _labels(code, "warning", "window", "host", job="gpuwatch", instance=HOST, **own)


def _gpu(code: str, **own: str) -> Labels:
    board = {"uuid": "GPU-a", "serial": "1654223010009"}
    return _labels(code, "warning", "window", "gpu", job="gpuwatch", instance=HOST, **board, **own)


def _tells(
    name: str,
    alert: str,
    series: Mapping[str, str],
    fires: Labels,
    at: tuple[int, ...],
    **over: int,
) -> Case:
    """A case of one alert: quiet at the first and the last of the instants, firing between them."""
    first, *between, last = at
    checks = (
        Check(at=first, alert=alert),
        *(Check(at=instant, alert=alert, fires=(fires,)) for instant in between),
        Check(at=last, alert=alert),
    )
    return Case(name=name, series=series, checks=checks, every=over.get("every", 1))


def never(name: str, alert: str, series: Mapping[str, str], *at: int, every: int = 1) -> Case:
    """A case in which an alert fires at none of the instants."""
    return Case(
        name=name,
        series=series,
        every=every,
        checks=tuple(Check(at=one, alert=alert) for one in at),
    )


_SOURCE = f'{JOB},source="nvml"'
_ALIVE = {_SNAPSHOT: "0+60x400"}
_FROM = f"gpuwatch_web_certificate_valid_from_timestamp_seconds{{{JOB}}}"
_UNTIL = f"gpuwatch_web_certificate_valid_until_timestamp_seconds{{{JOB}}}"
_BACKUP = f"gpuwatch_backup_last_success_timestamp_seconds{{{JOB}}}"
_BACKUPS_ON = f"gpuwatch_backup_enabled{{{JOB}}}"
_STARTED = f"gpuwatch_start_timestamp_seconds{{{JOB}}}"

SHORT: tuple[Case, ...] = (
    Case(
        name="the dead man's alert fires always",
        series={},
        checks=(
            Check(
                at=0,
                alert="GpuwatchWatchdog",
                fires=(_labels("watchdog", "info", "info", "fleet"),),
            ),
        ),
    ),
    _tells(
        "no target of the job is left", "GpuwatchNoTargets", {_UP: "1x10 _x40 1x20"},
        _labels("no-targets", "warning", "window", "fleet", job="gpuwatch"), (20, 32, 45, 60),
    ),
    _tells(
        "an agent is down", "GpuwatchDown", {_UP: "1x4 0x40 1x20"}, _host("down"), (19, 21, 45, 55),
    ),
    never(
        "an agent that was in maintenance is down", "GpuwatchDown",
        {_UP: "1x4 0x60", _QUIET: "1x4 stale"}, 30, 60,
    ),
    _tells(
        "an agent is down on a host that is up", "GpuwatchDownOnLiveHost",
        {_UP: "1x4 0x40 1x20", 'up{job="node",instance="n1:9100"}': "1x70"},
        _labels(
            "down-on-live-host", "critical", "page", "host", job="gpuwatch", instance=HOST
        ),
        (19, 21, 45, 55),
    ),
    never(
        "an agent is down with its host", "GpuwatchDownOnLiveHost",
        {
            _UP: "1x4 0x60",
            'up{job="node",instance="n1:9100"}': "1x4 0x60",
            'up{job="ipmi",instance="n1"}': "1x70",
        },
        30, 60,
    ),
    never(
        "an agent is down on a host that it had released", "GpuwatchDownOnLiveHost",
        {
            _UP: "1x4 0x60",
            'up{job="node",instance="n1:9100"}': "1x70",
            f"gpuwatch_source_released{{{_SOURCE}}}": "1x4 stale",
        },
        30, 60,
    ),
    _tells(
        "an agent tells the same for ever", "GpuwatchAgentStuck",
        {_SNAPSHOT: "0+60x20 1200x30 9999+60x20"},
        _host("agent-stuck"), (20, 40, 45, 60),
    ),
    _tells(
        "a task fails", "GpuwatchAgentFailing",
        {f'gpuwatch_agent_failures_total{{{JOB},task="judge"}}': "0x10 1x120"},
        _host("agent-failing", task="judge"), (10, 20, 60, 90),
    ),
    _tells(
        "an agent ends every five minutes for an hour", "GpuwatchAgentRestarting",
        {_STARTED: " ".join(f"{at * 300}x3 stale" for at in range(12)) + " 4000x90"},
        _host("agent-restarting"), (25, 35, 60, 70, 130),
    ),
    _tells(
        "a source is blind", "GpuwatchSourceDown",
        {f"gpuwatch_source_up{{{_SOURCE}}}": "1x4 0x20 stale _x2 0x10 1x20"},
        _host("source-down", source="nvml"), (19, 22, 27, 35, 50),
    ),
    never(
        "a source is released", "GpuwatchSourceDown",
        {
            f"gpuwatch_source_up{{{_SOURCE}}}": "1x4 0x40",
            f"gpuwatch_source_released{{{_SOURCE}}}": "0x4 1x40",
        },
        30, 40,
    ),
    _tells(
        "a source has nothing new", "GpuwatchSourceStale",
        {
            **_ALIVE,
            f"gpuwatch_source_up{{{_SOURCE}}}": "1x70",
            f"gpuwatch_source_last_success_timestamp_seconds{{{_SOURCE}}}":
                "0+60x4 240x30 2160+60x30",
        },
        _host("source-stale", source="nvml"), (21, 23, 34, 45),
    ),
    never(
        "a wall clock that is put right by an hour makes no source stale",
        "GpuwatchSourceStale",
        {
            f"gpuwatch_snapshot_timestamp_seconds{{{JOB}}}": "0+60x10 4200+60x20",
            f"gpuwatch_source_up{{{_SOURCE}}}": "1x31",
            f"gpuwatch_source_last_success_timestamp_seconds{{{_SOURCE}}}":
                "0+60x10 600 4260+60x19",
        },
        10, 11, 12, 13, 14,
    ),
    _tells(
        "a child cannot be ended", "GpuwatchProbeWedged",
        {f"gpuwatch_source_unkillable_children{{{_SOURCE}}}": "0x4 1x10 stale _x2 1x10 0x20"},
        _host("probe-wedged", source="nvml"), (9, 11, 17, 28, 40),
    ),
    _tells(
        "records of the kernel log are lost", "GpuwatchKernelLogLost",
        {f"gpuwatch_kernel_log_lost_total{{{JOB}}}": "0x10 40x120"},
        _labels(
            "kernel-log-lost", "info", "info", "host", job="gpuwatch", instance=HOST
        ),
        (10, 20, 60, 90),
    ),
    _tells(
        "history is not written", "GpuwatchHistoryDegraded",
        {f'gpuwatch_history_degraded{{{JOB},reason="disk-full"}}': "0x4 1x20 stale _x2 1x10 0x20"},
        _host("history-degraded", reason="disk-full"), (19, 22, 27, 35, 50),
    ),
    _tells(
        "no nightly backup can be made", "GpuwatchBackupFailed",
        {f"gpuwatch_backup_failed{{{JOB}}}": "0x4 1x80 stale _x2 1x10 0x20"},
        _host("backup-failed"), (64, 66, 87, 95, 105),
    ),
    _tells(
        "what protects the port is refused", "GpuwatchWebConfigFailing",
        {f"gpuwatch_web_config_failing{{{JOB}}}": "0x4 1x20 stale _x2 1x10 0x20"},
        _host("web-config-failing"), (19, 22, 27, 35, 50),
    ),
    _tells(
        "a certificate has ended, and is taken all the same", "GpuwatchCertificateExpiring",
        {_SNAPSHOT: "9000000+60x60", _FROM: "0x60", _UNTIL: "_x10 7776000x20 90000000x30"},
        _host("certificate-expiring"), (24, 26, 30, 34, 45),
    ),
    *(
        _tells(
            f"a certificate for {days} days has less left than what renews it leaves",
            "GpuwatchCertificateExpiring",
            {_SNAPSHOT: "0+60x90", _FROM: f"{begin}x90", _UNTIL: f"{left}x60 90000000x30"},
            _host("certificate-expiring"), (told + 14, told + 16, 60, 64, 75),
        )
        for days, begin, left, told in (
            (365, -30_325_200, 1_210_800, 21),  # 14 days and 20 minutes
            (90, -7_256_400, 519_600, 21),  # 6 days and 20 minutes
            (30, -2_418_000, 174_000, 21),  # 2 days and 20 minutes
            (1, -79_440, 6_960, 21),  # 1.6 hours and 20 minutes
        )
    ),
    _tells(
        "a hook is given up", "GpuwatchHookGivenUp",
        {f'gpuwatch_hook_given_up_total{{{JOB},hook="slurm"}}': "0x10 1x120"},
        _host("hook-given-up", hook="slurm"), (10, 20, 60, 90),
    ),
    *(
        _tells(
            f"a test of the route {route}", "GpuwatchAlertTest",
            {f'gpuwatch_alert_test{{{JOB},route="{route}"}}': "0x4 1x10 0x20"},
            _labels("alert-test", severity, route, "host", job="gpuwatch", instance=HOST),
            (4, 5, 14, 16),
        )
        for route, severity in (("page", "critical"), ("window", "warning"), ("info", "info"))
    ),
    _tells(
        "a GPU cannot be judged", "GpuwatchGpuUnknown",
        {
            INFO: "1x140 stale _x2 1x40",
            f'gpuwatch_gpu_verdict{{{GPU},verdict="unknown"}}': "0x4 1x135 stale _x2 1x10 0x30",
        },
        _gpu("gpu-unknown"), (124, 126, 142, 150, 165),
    ),
    _tells(
        "a flag has no window before it is due", "GpuwatchFlagWithoutWindow",
        {
            INFO: "1x80 stale _x2 1x40",
            f"gpuwatch_gpu_flag_late{{{GPU}}}": "0x4 1x75 stale _x2 1x10 0x30",
        },
        _gpu("flag-without-window"), (64, 66, 82, 90, 105),
    ),
    never(
        "a person has chosen a window after the due time", "GpuwatchFlagWithoutWindow",
        {INFO: "1x90", f"gpuwatch_gpu_flag_late{{{GPU}}}": "1x90", _FLAG: "1x90"}, 70, 90,
    ),
    _tells(
        "a flag is overdue", "GpuwatchFlagOverdue",
        {
            **_ALIVE,
            INFO: "1x60",
            f"gpuwatch_gpu_flag_due_timestamp_seconds{{{GPU}}}": "600x15 stale _x2 600x10 stale",
        },
        _gpu("flag-overdue"), (10, 11, 18, 28, 40),
    ),
    never(
        "an overdue flag is in hands", "GpuwatchFlagOverdue",
        {
            **_ALIVE,
            INFO: "1x60",
            f"gpuwatch_gpu_flag_due_timestamp_seconds{{{GPU}}}": "600x60",
            f'gpuwatch_gpu_flag{{{GPU},code="rising-uncorrectable-trend",state="in_hands"}}':
                "1x60",
        },
        20, 60,
    ),
    never(
        "a person has chosen a window for an overdue flag", "GpuwatchFlagOverdue",
        {
            **_ALIVE,
            INFO: "1x60",
            f"gpuwatch_gpu_flag_due_timestamp_seconds{{{GPU}}}": "600x60",
            f"gpuwatch_gpu_flag_window_start_timestamp_seconds{{{GPU}}}": "90000x60",
            _FLAG: "1x60",
        },
        20, 60,
    ),
)  # fmt: skip

_ELSEWHERE = (
    'gpuwatch_gpu_info{job="gpuwatch",instance="n2:9853",gpu="0",uuid="GPU-a",'
    'serial="1654223010009",slot="2",name="H100",driver="580.95.05"}'
)
_THERE = 'gpuwatch_gpu_present{job="gpuwatch",instance="n2:9853",gpu="0",uuid="GPU-a"}'
_BOARD_FLAG = (
    f'gpuwatch_board_flag_info{{{JOB},serial="1654223010009",code="off-the-bus-again",'
    'disposition="undecided"}'
)
_MOVED = _labels(
    "flagged-board-elsewhere", "warning", "window", "gpu", job="gpuwatch",
    instance="n2:9853", uuid="GPU-a", serial="1654223010009",
)  # fmt: skip
_EXPOSED = f"gpuwatch_gpu_exposure_seconds_total{{{GPU}}}"
_FIRMWARE = (
    "gpuwatch_gpu_finding{{job='gpuwatch',instance='n{n}:9853',gpu='0',uuid='GPU-{n}',"
    "code='gsp-or-firmware-fault',urgency='page',remedy='reset'}}"
)
_DRIVER = (
    "gpuwatch_gpu_info{{job='gpuwatch',instance='n{n}:9853',gpu='0',uuid='GPU-{n}',"
    "driver='580.95.05'}}"
)

_BLAMED = (
    _labels("firmware-faults-of-one-driver", "warning", "window", "fleet", driver="580.95.05"),
)
_FAULTS = tuple((f'{FAULTS}{{instance="n{n}:9853",driver="580.95.05"}}', 1.0) for n in (1, 2, 3))
_RETURNED = 'serial="1654223010009",code="flagged-board-returned"'

# Every five minutes: what takes hours.
LONG: tuple[Case, ...] = (
    _tells(
        "memory errors go unseen", "GpuwatchExposureGap",
        {
            INFO: "1x150",
            _UP: "1x150",
            f"gpuwatch_gpu_present{{{GPU}}}": "1x150",
            _EXPOSED: "0+300x40 12000x40 12300+300x60",
        },
        _labels(
            "exposure-gap", "warning", "window", "gpu", instance=HOST, uuid="GPU-a",
            serial="1654223010009",
        ), (280, 320, 420, 600), every=5,
    ),
    never(
        "a GPU whose errors were never to be seen", "GpuwatchExposureGap",
        {INFO: "1x80", _UP: "1x80", f"gpuwatch_gpu_present{{{GPU}}}": "1x80", _EXPOSED: "0x80"},
        300, 400, every=5,
    ),
    _tells(
        "a nightly backup hangs", "GpuwatchBackupOld",
        {
            _SNAPSHOT: "0+300x420",
            _BACKUPS_ON: "1x420",
            _STARTED: "0x420",
            _BACKUP: "7200x380 114600x40",
        },
        _host("backup-old"), (1735, 1750, 1800, 1900, 1920), every=5,
    ),
    _tells(
        "the folder of backups hangs from the start on", "GpuwatchBackupOld",
        {
            _SNAPSHOT: "0+300x420",
            _BACKUPS_ON: "1x420",
            _STARTED: "0x420",
            _BACKUP: "_x380 114600x40",
        },
        _host("backup-old"), (1615, 1630, 1700, 1890, 1920), every=5,
    ),
    _tells(
        "maintenance is forgotten", "GpuwatchMaintenanceForgotten", {_QUIET: "0x4 1x320 0x20"},
        _host("maintenance-forgotten"), (1400, 1500, 1600, 1660), every=5,
    ),
    _tells(
        "a flagged board turns up in another host", "GpuwatchFlaggedBoardElsewhere",
        {
            _BOARD_FLAG: "1x20 stale",
            _ELSEWHERE: "_x500 1x30 stale _x2 1x20",
            _THERE: "_x500 1x30 stale _x2 1x20 0x20",
        },
        _MOVED, (2500, 2520, 2640, 2760, 2790), every=5,
    ),
    _tells(
        "its new host is told of its flag, and a person there dismisses it",
        "GpuwatchFlaggedBoardElsewhere",
        {
            _BOARD_FLAG: "1x20 stale",
            _ELSEWHERE: "_x40 1x200",
            _THERE: "_x40 1x200",
            f'gpuwatch_board_flag_info{{job="gpuwatch",instance="n2:9853",{_RETURNED},'
            'disposition="undecided"}': "_x60 1x20 stale",
            'gpuwatch_gpu_flag{job="gpuwatch",instance="n2:9853",gpu="0",uuid="GPU-a",'
            'code="flagged-board-returned",state="dismissed"}': "_x60 0x20 1x120",
        },
        _MOVED, (200, 250, 300, 700), every=5,
    ),
    never(
        "a board that a person dismissed the flag of moves", "GpuwatchFlaggedBoardElsewhere",
        {
            INFO: "1x60 stale",
            _BOARD_FLAG: "1x20 stale",
            f'gpuwatch_gpu_flag{{{GPU},code="off-the-bus-again",state="dismissed"}}': "0x20 1x39",
            _ELSEWHERE: "_x80 1x30",
            _THERE: "_x80 1x30",
        },
        420, 500, every=5,
    ),
    never(
        "a flagged board stays in its host", "GpuwatchFlaggedBoardElsewhere",
        {INFO: "1x60", _BOARD_FLAG: "1x60", f"gpuwatch_gpu_present{{{GPU}}}": "1x60"},
        60, 300, every=5,
    ),
    _tells(
        "three hosts of one driver have firmware faults", "GpuwatchFirmwareFaultsOfOneDriver",
        {
            **{_DRIVER.format(n=n): "1x400" for n in (1, 2, 3)},
            **{_FIRMWARE.format(n=n): "_x9 1x6 stale" for n in (1, 2)},
            _FIRMWARE.format(n=3): "_x19 1x6 stale",
        },
        _labels(
            "firmware-faults-of-one-driver", "warning", "window", "fleet", driver="580.95.05"
        ),
        (90, 100, 1400, 1600), every=5,
    ),
    Case(
        name="three hosts with firmware faults get another driver: it is not the one to blame",
        every=5,
        series={
            **{_DRIVER.format(n=n): "1x19 stale" for n in (1, 2, 3)},
            **{_DRIVER.format(n=n).replace("580.95", "590.1"): "_x22 1x400" for n in (1, 2, 3)},
            **{_FIRMWARE.format(n=n): "_x9 1x9 stale" for n in (1, 2, 3)},
        },
        checks=tuple(
            Check(at=at, alert="GpuwatchFirmwareFaultsOfOneDriver", fires=fires)
            for at, fires in ((40, ()), (90, _BLAMED), (130, _BLAMED), (1400, _BLAMED), (1600, ()))
        ),
        queries=((90, f"count by (driver) ({FAULTS})", (('{driver="580.95.05"}', 3),)),
                 (60, FAULTS, _FAULTS)),
    ),
    Case(
        name="a rise of incidents counts once for each hour, also over an hour without scrapes",
        every=30,
        series={
            INFO: "1x20",
            f'gpuwatch_gpu_incidents_total{{{GPU},memory="dram"}}': "0x3 1x3 stale _x2 3x6",
            f'gpuwatch_gpu_incidents_total{{{GPU},memory="sram"}}': "0x7 stale _x2 0x6",
            _EXPOSED: "0+1800x7 stale _x2 19800+1800x6",
        },
        queries=tuple(
            (at, record, ((f'{record}{{part_number="692-2",vbios="96.00"}}', rise),))
            for at, record, rise in (
                (60, INCIDENTS, 0), (120, INCIDENTS, 1), (180, INCIDENTS, 0),
                (360, INCIDENTS, 2), (420, INCIDENTS, 0),
                (120, EXPOSURE, 3600), (360, EXPOSURE, 9000), (420, EXPOSURE, 3600),
            )
        ),
    ),
)  # fmt: skip

_COHORT = 'part_number="692-2",vbios="96.00"'
_AFFECTED = _labels("cohort", "warning", "window", "fleet", part_number="692-2", vbios="96.00")
_DAY = 1440

# Once a day: sums of days as the hourly rules leave them. 100 boards.
COHORTS: tuple[Case, ...] = (
    _tells(
        "a cohort has four times the incidents of the year before", "GpuwatchCohort",
        {
            f"{INCIDENTS}{{{_COHORT}}}": "_ " + "0x72 1 " * 5 + "1x4 0x60",
            f"{EXPOSURE}{{{_COHORT}}}": "8640000x500",
        },
        _AFFECTED, (364 * _DAY, 380 * _DAY, 390 * _DAY, 420 * _DAY), every=_DAY,
    ),
    never(
        "a cohort has twice the incidents of the year before", "GpuwatchCohort",
        {
            f"{INCIDENTS}{{{_COHORT}}}": "_ " + "0x8 1 " * 36 + "0x4 1 " * 12,
            f"{EXPOSURE}{{{_COHORT}}}": "8640000x500",
        },
        372 * _DAY, 383 * _DAY, every=_DAY,
    ),
    never(
        "a large fleet begins with as many incidents as are usual", "GpuwatchCohort",
        {
            f"{INCIDENTS}{{{_COHORT}}}": "0x4 1 " * 12,
            f"{EXPOSURE}{{{_COHORT}}}": "200000000x100",
        },
        29 * _DAY, 55 * _DAY, every=_DAY,
    ),
    _tells(
        "a fleet begins with far more incidents than are usual", "GpuwatchCohort",
        {
            f"{INCIDENTS}{{{_COHORT}}}": "0x4 1 " * 6 + "0x60",
            f"{EXPOSURE}{{{_COHORT}}}": "8640000x99",
        },
        _AFFECTED, (28 * _DAY, 30 * _DAY, 33 * _DAY, 70 * _DAY), every=_DAY,
    ),
)  # fmt: skip

_VERDICT = f'gpuwatch_gpu_verdict{{{GPU},verdict="healthy"}}'
_NOBODY_PAGED: tuple[tuple[int, str, tuple[tuple[str, float], ...]], ...] = tuple(
    (at, _PAGES, ()) for at in (5, 12, 20, 30, 45, 60)
)

# What boards may not tell of themselves, as it stands in these series, and what is left of it.
BARE = (
    (INFO, f"gpuwatch_gpu_info{{{GPU}}}"),
    (',slot="2",name="H100",driver="580.95.05"', ""),
    (f"{{{_COHORT}}}", ""),
    (",driver='580.95.05'", ""),
)

# What hosts do every week, and nobody is woken.
WEEKDAYS: tuple[Case, ...] = (
    Case(
        name="a host reboots",
        series={
            _UP: "1x4 0x9 1x50",
            'up{job="node",instance="n1:9100"}': "1x4 0x7 1x50",
            INFO: "1x4 stale _x8 1x50",
            _VERDICT: "1x4 stale _x8 1x50",
            f"gpuwatch_source_up{{{_SOURCE}}}": "1x4 stale _x8 0x3 1x50",
            _SNAPSHOT: "0+60x4 stale _x8 840+60x50",
        },
        queries=_NOBODY_PAGED,
    ),
    Case(
        name="a new driver is rolled out under a release, with a restart of the agent",
        series={
            _UP: "1x10 0x2 1x50",
            'up{job="node",instance="n1:9100"}': "1x70",
            INFO: "1x10 stale _x1 1x50",
            f"gpuwatch_source_up{{{_SOURCE}}}": "1x4 0x5 stale _x1 0x30 1x20",
            f"gpuwatch_source_released{{{_SOURCE}}}": "0x4 1x5 stale _x1 1x30 0x20",
            f'gpuwatch_host_finding{{{JOB},code="driver-not-loaded",urgency="info",remedy="inspect"}}':
                "_x9 1x25 stale",
        },
        queries=_NOBODY_PAGED,
    ),
    Case(
        name="a page is acknowledged: it stays told, for information",
        series={
            INFO: "1x60",
            f'gpuwatch_gpu_finding{{{GPU},code="row-remap-failed",urgency="page",remedy="replace"}}':
                "1x10 stale",
            f'gpuwatch_gpu_finding{{{GPU},code="row-remap-failed",urgency="info",remedy="replace"}}':
                "_x10 1x50",
        },
        queries=(
            (5, _PAGES, (("{}", 1),)),
            (20, _PAGES, ()),
            (20, 'count(ALERTS{alertstate="firing",code="row-remap-failed"})', (("{}", 1),)),
        ),
    ),
    Case(
        name="an index that shifts makes no other alert",
        series={
            INFO: "1x10 stale",
            INFO.replace('gpu="3"', 'gpu="2"'): "_x10 1x30",
            f'gpuwatch_gpu_finding{{{GPU},code="nvlink-down",urgency="page",remedy="inspect"}}':
                "1x10 stale",
            f'gpuwatch_gpu_finding{{{GPU},code="nvlink-down",urgency="page",remedy="inspect"}}'
            .replace('gpu="3"', 'gpu="2"'): "_x10 1x30",
        },
        queries=tuple((at, _PAGES, (("{}", 1),)) for at in (5, 11, 30)),
    ),
    Case(
        name="a finding without identity pages all the same",
        series={
            f'gpuwatch_gpu_finding{{{GPU},code="off-the-bus",urgency="page",remedy="power_cycle"}}':
                "1x10",
        },
        queries=((5, _PAGES, (("{}", 1),)),),
    ),
)  # fmt: skip
