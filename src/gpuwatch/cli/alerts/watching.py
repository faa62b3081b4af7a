"""Watching: alerts about the watch itself, where gpuwatch or a person has gone blind.

Ages are differences of two instants of one host, so that no clock but that host's is believed.
"""

from gpuwatch.cli.alerts.findings import CHANGING, DOWN, GPU, WHICH, joined
from gpuwatch.cli.alerts.model import Group
from gpuwatch.cli.alerts.runbooks import AGENTS_OWN
from gpuwatch.cli.alerts.upkeep import UPKEEP
from gpuwatch.cli.alerts.watch import HERE, NOW, Watch, lately, watched
from gpuwatch.domain.verdicts import Scope, Urgency

_MAINTAINED = 'unless on (instance) (gpuwatch_maintenance{scope="host"} == 1)'
_RELEASED = "unless on (instance) (gpuwatch_source_released == 1)"
# Of an agent that is down only the last word is known: it counts for six hours.
_LEFT_IN_PEACE = (
    'unless on (instance) (last_over_time(gpuwatch_maintenance{scope="host"}[6h]) == 1)\n'
    "unless on (instance) (last_over_time(gpuwatch_source_released[6h]) == 1)"
)
_HOST_OF = '"host", "$1", "instance", "(.+?)(?::[0-9]+)?"'
_TAKEN_UP = "\n".join(
    f"unless on (instance, uuid) ({metric} == 1)"
    for metric in ("gpuwatch_gpu_flag_snoozed", 'gpuwatch_gpu_flag{state="in_hands"}')
)
_SOURCE_UP = 'gpuwatch_source_up{source!~"bmc[.].*"}'
_UNKNOWN = 'gpuwatch_gpu_verdict{verdict="unknown"}'
_EXPOSURE = "max by (instance, uuid) (gpuwatch_gpu_exposure_seconds_total"
_GPU = f"{WHICH} on {HERE}"


# fmt: off - a table reads by rows
WATCHES: tuple[Watch, ...] = (
    Watch(
        code="watchdog",
        urgency=Urgency.INFO,
        wait="",
        keep="",
        scope="fleet",
        expr="vector(1)",
        summary="Alerts are evaluated and delivered",
        description="This alert fires always. Whoever receives it must raise the alarm when it "
        "stops coming: then Prometheus, Alertmanager or the way between them is down.",
        step="Nothing to do while it comes.",
    ),
    Watch(
        code="no-targets",
        urgency=Urgency.WINDOW,
        wait="15m",
        scope="fleet",
        expr='absent(up{job="gpuwatch"})',
        summary="Prometheus has no target with the job gpuwatch",
        description="No host is watched: the scrape configuration or the discovery of its targets "
        "has lost them, or the job has another name than gpuwatch.",
        step="Look at the targets of the job gpuwatch in Prometheus.",
    ),
    Watch(
        code="down",
        urgency=Urgency.WINDOW,
        wait="15m",
        expr=f"{DOWN}\n{_LEFT_IN_PEACE}",
        summary=f"{HERE}: gpuwatch does not answer",
        description=f"Prometheus has not reached gpuwatch on {HERE} for 15 minutes: its GPUs and "
        "its server are not watched.",
        step="Look whether the host is up, then at `systemctl status gpuwatch` there.",
    ),
    Watch(
        code="down-on-live-host",
        urgency=Urgency.PAGE,
        wait="15m",
        hidden=("host",),
        expr=f"label_replace({DOWN}, {_HOST_OF})\nand on (host)\n"
        f'  label_replace(up{{job=~"node|node[-_]exporter"}} == 1, {_HOST_OF})\n{_LEFT_IN_PEACE}',
        summary=f"{HERE}: the host is up, and gpuwatch is not",
        description=f"Prometheus has not reached gpuwatch on {HERE} for 15 minutes, while the "
        "node_exporter of that host answers: its GPUs work and nobody watches them.",
        step="Look at `systemctl status gpuwatch` and `journalctl -u gpuwatch` there.",
    ),
    Watch(
        code="agent-stuck",
        urgency=Urgency.WINDOW,
        wait="",
        # Told now, and the same as then: `changes` finds none in a window with one sample, which an
        # agent that went down leaves behind and a Prometheus that was away begins with.
        expr="gpuwatch_snapshot_timestamp_seconds\n"
        "== gpuwatch_snapshot_timestamp_seconds offset 15m",
        summary=f"{HERE}: gpuwatch tells the same for 15 minutes",
        description=f"The agent on {HERE} answers, but what it tells has not been made anew for "
        "15 minutes.",
        step="Look at `journalctl -u gpuwatch` there, then restart gpuwatch.",
    ),
    Watch(
        code="agent-failing",
        urgency=Urgency.WINDOW,
        wait="",
        expr="sum by (instance, job, task) (increase(gpuwatch_agent_failures_total[1h])) > 0",
        summary=f"{HERE}: a task of gpuwatch fails ({{{{ $labels.task }}}})",
        description=f"The task {{{{ $labels.task }}}} of the agent on {HERE} failed about "
        '{{ $value | printf "%.0f" }} times within the last hour: what it was about is not '
        "counted or not shown.",
        step="Look at `journalctl -u gpuwatch` there and report it as a defect.",
    ),
    Watch(
        code="agent-restarting",
        urgency=Urgency.WINDOW,
        wait="",
        # Between its ends it may be met by a scrape often enough for no other alert. Once a minute
        # and to ten seconds: versions before this one told the instant to a microsecond, wavering.
        expr=f"changes(round(gpuwatch_start_timestamp_seconds, 10)[1h:1m]) > 5\n{_MAINTAINED}",
        summary=f"{HERE}: gpuwatch ends again and again",
        description=f"gpuwatch on {HERE} was started anew at least "
        '{{ $value | printf "%.0f" }} times within the last hour: what happens between two starts '
        "is seen late, and what has to hold for a time is never found.",
        step="`journalctl -u gpuwatch` there says how it ends: keep that, and report it.",
    ),
    Watch(
        code="source-down",
        urgency=Urgency.WINDOW,
        wait="15m",
        # A BMC that does not answer has a rule of its own.
        expr=f"{lately(_SOURCE_UP)} == 0\n{_RELEASED}\n{_MAINTAINED}",
        summary=f"{HERE}: gpuwatch is blind ({{{{ $labels.source }}}})",
        description=f"The source {{{{ $labels.source }}}} of gpuwatch on {HERE} has not worked "
        "for 15 minutes: what it would tell is not known, and not well.",
        step="`gpuwatch status` there says what is wrong with the source.",
    ),
    Watch(
        code="source-stale",
        urgency=Urgency.WINDOW,
        wait="2m",  # a clock that is put right makes every source old until it is heard again
        expr=f"{NOW} - on (instance) group_right ()\n"
        '  gpuwatch_source_last_success_timestamp_seconds{source!~"bmc[.].*"} > 900\n'
        f"and on (instance, source) (gpuwatch_source_up == 1)\n{_RELEASED}\n{_MAINTAINED}",
        summary=f"{HERE}: nothing new from a source ({{{{ $labels.source }}}})",
        description=f"The source {{{{ $labels.source }}}} of gpuwatch on {HERE} last looked at "
        "everything {{ $value | humanizeDuration }} ago.",
        step="`gpuwatch status` there says what is wrong with the source.",
    ),
    Watch(
        code="probe-wedged",
        urgency=Urgency.WINDOW,
        wait="5m",
        expr=f"gpuwatch_source_unkillable_children > 0\n{_MAINTAINED}",
        summary=f"{HERE}: a process hangs in the driver ({{{{ $labels.source }}}})",
        description='{{ $value | printf "%.0f" }} children of the source {{ $labels.source }} of '
        f"gpuwatch on {HERE} hang in the kernel and cannot be ended. After two of them no more "
        "are started, and the source is blind.",
        step="Drain the host and reboot it at the next window.",
    ),
    Watch(
        code="gpu-unknown",
        urgency=Urgency.WINDOW,
        wait="2h",
        hidden=(*CHANGING, "verdict"),
        scope=Scope.GPU,
        expr=joined(f"{lately(_UNKNOWN)} == 1\n{_RELEASED}\n{_MAINTAINED}"),
        summary=f"{_GPU}: it cannot be judged",
        description=f"{GPU}: for 2 hours what the rules need of it could not be read. That is not "
        "the same as healthy.",
        step="`gpuwatch explain {{ $labels.uuid }}` there tells what cannot be read, and why.",
    ),
    Watch(
        code="exposure-gap",
        urgency=Urgency.WINDOW,
        wait="",
        hidden=CHANGING,
        scope=Scope.GPU,
        expr=joined(
            f"({_EXPOSURE} > 0) - {_EXPOSURE} offset 3h) >= 0) < 5400\n"
            "and on (instance, uuid) (gpuwatch_gpu_present == 1)\n"
            'and on (instance) (avg_over_time(up{job="gpuwatch"}[3h]) > 0.9)\n'
            "unless on (instance) (max_over_time(gpuwatch_source_released[3h]) == 1)\n"
            'unless on (instance) (max_over_time(gpuwatch_maintenance{scope="host"}[3h]) == 1)'
        ),
        summary=f"{_GPU}: its memory errors go unseen",
        description=f"{GPU}: in the last 3 hours an uncorrectable error would have been seen for "
        "only {{ $value | humanizeDuration }}. The trend test does not count the rest.",
        step="`gpuwatch explain {{ $labels.uuid }}` there tells what cannot be read, and why.",
    ),
    Watch(
        code="kernel-log-lost",
        urgency=Urgency.INFO,
        wait="",
        expr="increase(gpuwatch_kernel_log_lost_total[1h]) > 0",
        summary=f"{HERE}: kernel log records were lost",
        description='About {{ $value | printf "%.0f" }} records of the kernel log of '
        f"{HERE} were lost within the last hour before gpuwatch read them; an Xid may have been "
        "among them.",
        step="Look at what floods the kernel log there.",
    ),
    Watch(
        code="history-degraded",
        urgency=Urgency.WINDOW,
        wait="15m",
        expr=f"{lately('gpuwatch_history_degraded')} == 1",
        summary=f"{HERE}: history is not written, or not whole ({{{{ $labels.reason }}}})",
        description=f"The history of gpuwatch on {HERE} is degraded: {{{{ $labels.reason }}}}. "
        "What is remembered of its boards may be lost with the next restart, or is lost.",
        step="`journalctl -u gpuwatch` there names the file and the way out.",
    ),
    Watch(
        code="alert-test",
        urgency=None,
        wait="",
        keep="",
        expr="gpuwatch_alert_test == 1",
        summary=f"TEST from {HERE}: nothing is wrong (route {{{{ $labels.route }}}})",
        description="TEST. Nothing is wrong. Somebody has run `gpuwatch alert-test` on "
        f"{HERE} to see whether an alert of the route {{{{ $labels.route }}}} arrives where it "
        "should. It ends by itself within an hour.",
        step="Nothing to do; `gpuwatch audit` there tells who tests.",
    ),
    Watch(
        code="flag-without-window",
        urgency=Urgency.WINDOW,
        wait="1h",
        hidden=CHANGING,
        scope=Scope.GPU,
        expr=joined(
            f"{lately('gpuwatch_gpu_flag_late')} == 1\n{_TAKEN_UP}\n"
            "unless on (instance, uuid) (gpuwatch_gpu_flag_acknowledged == 1)\n"
            f"unless on (instance, uuid) (gpuwatch_gpu_flag_scheduled == 1)\n{_MAINTAINED}"
        ),
        summary=f"{_GPU}: flagged, and no window before it is due",
        description=f"{GPU}: the board is flagged, and no maintenance window starts before the "
        "flag is due.",
        step="`gpuwatch windows` there shows them; give it one by `gpuwatch flags schedule`.",
    ),
    Watch(
        code="flag-overdue",
        urgency=Urgency.WINDOW,
        wait="",
        hidden=CHANGING,
        scope=Scope.GPU,
        expr=joined(
            f"({NOW} - on (instance) group_right ()\n"
            f"  gpuwatch_gpu_flag_due_timestamp_seconds > 0)\n{_TAKEN_UP}\n"
            "unless on (instance, uuid) (\n"
            "  (gpuwatch_gpu_flag_window_start_timestamp_seconds\n"
            f"    > on (instance) group_left () {NOW})\n"
            "  and on (instance, uuid) (gpuwatch_gpu_flag_scheduled == 1)\n"
            f")\n{_MAINTAINED}"
        ),
        summary=f"{_GPU}: its flag is overdue",
        description=f"{GPU}: the flag to replace the board was due "
        "{{ $value | humanizeDuration }} ago.",
        step="Swap the board, or say by `gpuwatch flags` why not: schedule, snooze or dismiss it.",
    ),
    Watch(
        code="maintenance-forgotten",
        urgency=Urgency.WINDOW,
        wait="",
        expr='min_over_time(gpuwatch_maintenance{scope="host"}[1d]) == 1\n'
        'and gpuwatch_maintenance{scope="host"} offset 1d == 1',
        summary=f"{HERE}: in maintenance for more than a day",
        description=f"{HERE} has been in maintenance for more than a day. While it is, nothing "
        "about it pages.",
        step="`gpuwatch maintenance list` there shows who began it; `gpuwatch maintenance end`.",
    ),
    *UPKEEP,
)
# fmt: on


def watches(runbooks: str = AGENTS_OWN) -> Group:
    """The alerts about the watch itself."""
    return Group("gpuwatch-watching", tuple(watched(row, runbooks) for row in WATCHES))
