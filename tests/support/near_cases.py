"""Near cases: what comes nearest to an alert and does not fire it, and what recorded sums give."""

from gpuwatch.cli.alerts.findings import name_of
from gpuwatch.cli.alerts.fleet import FLAGGED
from gpuwatch.policy.rules import RULES
from tests.support.alert_cases import GPU, HOST, INFO, JOB, Case, Check
from tests.support.watch_cases import never

_SOURCE = f'{JOB},source="nvml"'
_SNAPSHOT = f"gpuwatch_snapshot_timestamp_seconds{{{JOB}}}"
_SUCCESS = f"gpuwatch_source_last_success_timestamp_seconds{{{_SOURCE}}}"
_UP = f"gpuwatch_source_up{{{_SOURCE}}}"
_FROM = f"gpuwatch_web_certificate_valid_from_timestamp_seconds{{{JOB}}}"
_UNTIL = f"gpuwatch_web_certificate_valid_until_timestamp_seconds{{{JOB}}}"
_METRICS = {"gpu": GPU, "host": JOB, "bmc": f'{JOB},bmc="main",host=""'}


def findings() -> Case:
    """No finding of its own: one that holds no more, and one whose code only begins alike."""
    series = {}
    for rule in RULES:
        found = f"gpuwatch_{rule.scope}_finding{{{_METRICS[rule.scope]}"
        rest = f'urgency="{rule.urgency}",remedy="{rule.remedy}"}}'
        series[f'{found},code="{rule.code}",{rest}'] = "0x20"
        series[f'{found},code="{rule.code}-x",{rest}'] = "1x20"
    checks = tuple(Check(at=10, alert=name_of(rule.code)) for rule in RULES)
    return Case(name="findings of other rules", series={INFO: "1x20", **series}, checks=checks)


NEAR: tuple[Case, ...] = (
    never("a target is down, and is one", "GpuwatchNoTargets", {f"up{{{JOB}}}": "0x60"}, 30, 60),
    never(
        "an agent tells something new every 14 minutes", "GpuwatchAgentStuck",
        {_SNAPSHOT: "0x13 840x13 1680x13 2520x13 3360x13"}, 20, 27, 41, 55,
    ),
    never(
        "a task failed before anybody scraped", "GpuwatchAgentFailing",
        {f'gpuwatch_agent_failures_total{{{JOB},task="judge"}}': "5x60"}, 10, 60,
    ),
    never(
        "an agent is started five times in an hour", "GpuwatchAgentRestarting",
        {f"gpuwatch_start_timestamp_seconds{{{JOB}}}":
            " ".join(f"{at * 600}x8 stale" for at in range(5)) + " 3000x70"},
        30, 50, 58, 70,
    ),
    never(
        "an agent of before tells its start to a microsecond", "GpuwatchAgentRestarting",
        {f"gpuwatch_start_timestamp_seconds{{{JOB}}}": "1700000000.000001+0.000001x90"},
        30, 60, 90,
    ),
    never(
        "the last success is 15 minutes old", "GpuwatchSourceStale",
        {_SNAPSHOT: "1000000900x40", _SUCCESS: "1000000000x40", _UP: "1x40"}, 20, 40,
    ),
    never(
        "a child is ended after 4 minutes", "GpuwatchProbeWedged",
        {f"gpuwatch_source_unkillable_children{{{_SOURCE}}}": "0x4 1x3 0x20"}, 8, 9, 15,
    ),
    never(
        "a GPU cannot be judged for 119 minutes", "GpuwatchGpuUnknown",
        {INFO: "1x150", f'gpuwatch_gpu_verdict{{{GPU},verdict="unknown"}}': "0x4 1x118 0x20"},
        123, 124, 140,
    ),
    never(
        "records were lost before anybody scraped", "GpuwatchKernelLogLost",
        {f"gpuwatch_kernel_log_lost_total{{{JOB}}}": "40x60"}, 10, 60,
    ),
    never(
        "history is not written for 14 minutes", "GpuwatchHistoryDegraded",
        {f'gpuwatch_history_degraded{{{JOB},reason="disk-full"}}': "0x4 1x13 0x20"}, 18, 19, 30,
    ),
    never(
        "one nightly backup fails and the next try does not", "GpuwatchBackupFailed",
        {f"gpuwatch_backup_failed{{{JOB}}}": "0x4 1x58 0x20"}, 63, 64, 80,
    ),
    never(
        "what protects the port is refused for 14 minutes", "GpuwatchWebConfigFailing",
        {f"gpuwatch_web_config_failing{{{JOB}}}": "0x4 1x13 0x20"}, 18, 19, 30,
    ),
    never(
        "a certificate for 90 days is renewed when a tenth of that is left",
        "GpuwatchCertificateExpiring",
        {
            _SNAPSHOT: "0+60x90",
            _FROM: "-6994800x60 0x30",
            _UNTIL: "781200x60 7776000x30",
        },
        30, 60, 90,
    ),
    never(
        "a certificate for a day is renewed when a tenth of that is left",
        "GpuwatchCertificateExpiring",
        {_SNAPSHOT: "0+60x90", _FROM: "-74160x60 0x30", _UNTIL: "12240x60 86400x30"}, 30, 60, 90,
    ),
    never(
        "a hook was given up before anybody scraped", "GpuwatchHookGivenUp",
        {f'gpuwatch_hook_given_up_total{{{JOB},hook="slurm"}}': "5x60"}, 10, 60,
    ),
    never(
        "nobody tests", "GpuwatchAlertTest",
        {f'gpuwatch_alert_test{{{JOB},route="page"}}': "0x20"}, 10, 20,
    ),
)  # fmt: skip

_FIRMWARE = (
    "gpuwatch_gpu_finding{{job='gpuwatch',instance='n{n}:9853',gpu='{gpu}',uuid='GPU-{n}-{gpu}',"
    "code='gsp-or-firmware-fault',urgency='page',remedy='reset'}}"
)
_DRIVER = (
    "gpuwatch_gpu_info{{job='gpuwatch',instance='n{n}:9853',gpu='{gpu}',uuid='GPU-{n}-{gpu}',"
    "driver='580.95.0{driver}'}}"
)
_PLACES = ((1, 0, 5), (1, 1, 5), (2, 0, 5), (3, 0, 6))
_BACKUP = f"gpuwatch_backup_last_success_timestamp_seconds{{{JOB}}}"
_BACKUPS = {
    _SNAPSHOT: "0+300x500",
    f"gpuwatch_backup_enabled{{{JOB}}}": "1x500",
    f"gpuwatch_start_timestamp_seconds{{{JOB}}}": "0x500",
}
NEAR_LONG: tuple[Case, ...] = (
    never(
        "a backup is made 25 hours after the last", "GpuwatchBackupOld",
        {**_BACKUPS, _BACKUP: "0x300 90000x200"}, 1500, 1600, 2000, every=5,
    ),
    never(
        "a nightly backup fails, which is told as that", "GpuwatchBackupOld",
        {**_BACKUPS, _BACKUP: "0x500", f"gpuwatch_backup_failed{{{JOB}}}": "0x288 1x212"},
        1640, 2000, 2500, every=5,
    ),
    never(
        "no backups are to be made", "GpuwatchBackupOld",
        {**_BACKUPS, f"gpuwatch_backup_enabled{{{JOB}}}": "0x500"}, 1640, 2500, every=5,
    ),
    never(
        "a host is in maintenance for 23 hours", "GpuwatchMaintenanceForgotten",
        {f'gpuwatch_maintenance{{{JOB},scope="host"}}': "0x4 1x276 0x60"}, 1380, 1440, 1500,
        every=5,
    ),
    never(
        "three GPUs of two hosts, and one with another driver, have firmware faults",
        "GpuwatchFirmwareFaultsOfOneDriver",
        {
            **{
                _DRIVER.format(n=n, gpu=gpu, driver=driver): "1x60"
                for n, gpu, driver in _PLACES
            },
            **{_FIRMWARE.format(n=n, gpu=gpu): "1x60" for n, gpu, _ in _PLACES},
        },
        60, 300, every=5,
    ),
)  # fmt: skip

_PART = 'part_number="692-2"'
_OTHER = f'{JOB.replace("n1:", "n2:")},gpu="0",uuid="GPU-b"'
_BMC = f'{JOB},bmc="main",host=""'
_FOUND = 'code="nvlink-down",urgency="window",remedy="inspect"'
_LOST = 'code="driver-hung",urgency="page",remedy="reboot"'
_FAN = 'code="fan-slow",urgency="info",remedy="cool"'
_DESCRIBED = (
    f'{{driver="580.95.05",gpu="3",instance="{HOST}",job="gpuwatch",name="H100",{_PART},'
    'serial="1654223010009",slot="5",uuid="GPU-a",vbios="96.00"}'
)
_FOUND_THERE = _DESCRIBED.replace("{", f"{{{_FOUND},", 1)
_SUMS: dict[str, dict[str, float]] = {
    "instance_uuid_code:gpuwatch_gpu_finding:described": {_FOUND_THERE: 1},
    "instance_uuid_code:gpuwatch_gpu_finding:kept": {_FOUND_THERE: 1},
    "instance_code:gpuwatch_host_finding:kept": {f"{{{JOB},{_LOST}}}": 1},
    "instance_bmc_code:gpuwatch_bmc_finding:kept": {f'{{{JOB},bmc="main",{_FAN}}}': 1},
    FLAGGED: {f'{{instance="{HOST}",serial="1654223010009",code="off-the-bus-again"}}': 300},
    "verdict:gpuwatch_gpu_verdict:sum": {'{verdict="healthy"}': 1, '{verdict="drain_now"}': 1},
    "verdict:gpuwatch_host_verdict:sum": {'{verdict="healthy"}': 2},
    "code_urgency:gpuwatch_gpu_finding:sum": {'{code="nvlink-down",urgency="window"}': 1},
    "code_urgency:gpuwatch_host_finding:sum": {},
    "code_urgency:gpuwatch_bmc_finding:sum": {'{code="fan-slow",urgency="info"}': 1},
    "code_state:gpuwatch_gpu_flag:sum": {
        '{code="off-the-bus-again",state="open"}': 2,
        '{code="off-the-bus-again",state="closed"}': 0,
    },
    "instance_uuid:gpuwatch_gpu_flag_due_timestamp_seconds:described": {
        _DESCRIBED: 5000,
        f"{{{_OTHER}}}": 7000,
    },
    "name_part_number:gpuwatch_gpu_incidents_total:sum": {f'{{name="H100",{_PART}}}': 3},
    "name_part_number:gpuwatch_gpu_exposure_seconds_total:sum": {f'{{name="H100",{_PART}}}': 900},
    "name_part_number_vbios_driver:gpuwatch_gpu_info:count": {
        f'{{driver="580.95.05",name="H100",{_PART},vbios="96.00"}}': 1
    },
    "instance:gpuwatch_gpu_power_watts:sum": {
        f'{{instance="{HOST}"}}': 450,
        '{instance="n2:9853"}': 300,
    },
    "instance:gpuwatch_gpu_temperature_celsius:max": {f'{{instance="{HOST}"}}': 61},
    "version:gpuwatch_build_info:count": {'{rules="3",version="1"}': 2},
    "gpuwatch:up:sum": {"": 1},
    "gpuwatch:up:count": {"": 2},
}
# Two hosts; what identifies the board of the second is not known.
SUMS = Case(
    name="recorded sums",
    series={
        INFO: "1x10",
        f"gpuwatch_gpu_finding{{{GPU},{_FOUND}}}": "1x10",
        f"gpuwatch_host_finding{{{JOB},{_LOST}}}": "1x2 stale",
        f"gpuwatch_bmc_finding{{{_BMC},{_FAN}}}": "1x10",
        f'gpuwatch_gpu_verdict{{{GPU},verdict="drain_now"}}': "1x10",
        f'gpuwatch_gpu_verdict{{{GPU},verdict="healthy"}}': "0x10",
        f'gpuwatch_gpu_verdict{{{_OTHER},verdict="drain_now"}}': "0x10",
        f'gpuwatch_gpu_verdict{{{_OTHER},verdict="healthy"}}': "1x10",
        f'gpuwatch_host_verdict{{{JOB},verdict="healthy"}}': "1x10",
        'gpuwatch_host_verdict{job="gpuwatch",instance="n2:9853",verdict="healthy"}': "1x10",
        f'gpuwatch_gpu_flag{{{GPU},code="off-the-bus-again",state="open"}}': "1x10",
        f'gpuwatch_gpu_flag{{{GPU},code="off-the-bus-again",state="closed"}}': "0x10",
        f'gpuwatch_gpu_flag{{{_OTHER},code="off-the-bus-again",state="open"}}': "1x10",
        f'gpuwatch_board_flag_info{{{JOB},serial="1654223010009",code="off-the-bus-again",'
        'disposition="undecided"}': "1x10",
        f"gpuwatch_gpu_flag_due_timestamp_seconds{{{GPU}}}": "5000x10",
        f"gpuwatch_gpu_flag_due_timestamp_seconds{{{_OTHER}}}": "7000x10",
        f'gpuwatch_gpu_incidents_total{{{GPU},memory="dram"}}': "2x10",
        f'gpuwatch_gpu_incidents_total{{{GPU},memory="sram"}}': "1x10",
        f"gpuwatch_gpu_exposure_seconds_total{{{GPU}}}": "900x10",
        f"gpuwatch_gpu_power_watts{{{GPU}}}": "400x10",
        f'gpuwatch_gpu_power_watts{{{JOB},gpu="4",uuid="GPU-c"}}': "50x10",
        f"gpuwatch_gpu_power_watts{{{_OTHER}}}": "300x10",
        f"gpuwatch_gpu_temperature_celsius{{{GPU}}}": "61x10",
        f'gpuwatch_gpu_temperature_celsius{{{JOB},gpu="4",uuid="GPU-c"}}': "44x10",
        f'gpuwatch_build_info{{{JOB},version="1",rules="3"}}': "1x10",
        'gpuwatch_build_info{job="gpuwatch",instance="n2:9853",version="1",rules="3"}': "1x10",
        f"up{{{JOB}}}": "1x10",
        'up{job="gpuwatch",instance="n2:9853"}': "0x10",
    },
    queries=tuple(
        (5, record, tuple((f"{record}{labels}", value) for labels, value in samples.items()))
        for record, samples in _SUMS.items()
    ),
)  # fmt: skip
