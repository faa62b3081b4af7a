"""Watch stories: what Prometheus finds at hosts when an alert that is no finding comes and goes.

These alerts are about hours, days and fleets. So what the hosts tell is written down here, and what
Prometheus already knows of them is written into its store before it starts: `past`. A cause that
ends only with the passing of time does so AGES_SECONDS after that start.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

from gpuwatch.cli.alerts.fleet import EXPOSURE, FAULTS, INCIDENTS
from tests.support.alertmanager import DEAD_MAN, NOBODY, PAGER, TICKETS

AGES_SECONDS = 120
MINUTE, HOUR, DAY = 60, 3600, 86_400
_LATELY = 2 * DAY
Told = str | Mapping[str, str] | None  # of one host, of several by name; None where nobody listens

_GPU = 'gpu="3",uuid="GPU-a"'
_INFO = (
    f'gpuwatch_gpu_info{{{_GPU},serial="1654223010009",slot="module-4",name="H100",'
    'part_number="692-2",vbios="96.00",driver="580.95.05"} 1\n'
)
_OF_GPU = ("GPU 3", "serial 1654223010009", "slot module-4", "GPU-a")


@dataclass(frozen=True, slots=True)
class Past:
    """A series before the start: from `first` to `last` seconds ago, one sample `every` seconds.

    `hosts` are those that had it, by their names; without any it belongs to no host.
    """

    series: str
    value: float
    first: int
    last: int = 0
    every: int = MINUTE
    hosts: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class WatchStory:
    """What one host, named like the alert's code, tells while the alert holds and afterwards.

    `after` is None where it ends by itself. `says` stands in the alert's text, `receiver` gets it.
    """

    code: str
    receiver: str
    during: Told
    after: Told
    says: tuple[str, ...] = ()
    past: tuple[Past, ...] = ()
    ages: bool = False
    labels: Mapping[str, str] = field(default_factory=dict)

    def hosts(self) -> set[str]:
        """The names of its hosts."""
        return set(self.during) if isinstance(self.during, Mapping) else {self.code}


def _ages(series: str, hours: int, before: float, then: float) -> tuple[Past, ...]:
    """A series that changes so that the change is `hours` old AGES_SECONDS after the start."""
    turn = hours * HOUR - AGES_SECONDS
    return (
        Past(series, before, turn + 20 * MINUTE, turn - 1, every=30),
        Past(series, then, turn - 30, 0),
    )


def _lives(series: str) -> tuple[Past, ...]:
    """Six starts, the first of which is an hour old AGES_SECONDS after the start."""
    turn, life = HOUR - AGES_SECONDS, 5 * MINUTE
    began = tuple(turn - 30 - number * life for number in range(6))
    ended = (*began[1:], 0)
    return (
        Past(series, 1000, turn + 20 * MINUTE, turn - 1, every=30),
        *(
            Past(series, 2000 + first, first, last)
            for first, last in zip(began, ended, strict=True)
        ),
    )


_SNAPSHOT = "gpuwatch_snapshot_timestamp_seconds"
_START = "gpuwatch_start_timestamp_seconds"
_SUCCESS = 'gpuwatch_source_last_success_timestamp_seconds{source="nvml"}'
_UP = 'gpuwatch_source_up{source="nvml"}'
_MAINTAINED = 'gpuwatch_maintenance{scope="host"}'
_EXPOSED = f"gpuwatch_gpu_exposure_seconds_total{{{_GPU}}}"
_HERE = f"{_INFO}gpuwatch_gpu_present{{{_GPU}}} "
_BACKED_UP = (
    "gpuwatch_backup_enabled 1\ngpuwatch_start_timestamp_seconds 90000\n"
    "gpuwatch_backup_last_success_timestamp_seconds 100000\n"
)
_FROM = "gpuwatch_web_certificate_valid_from_timestamp_seconds"
_UNTIL = "gpuwatch_web_certificate_valid_until_timestamp_seconds"
_COHORT = '{part_number="692-2",vbios="96.00"}'
_FAULT = f'{FAULTS}{{driver="580.95.05"}}'
_FAULTY = ("faulty-1", "faulty-2", "faulty-3")
# A serial of its own: a flagged board is told on every host that has its serial.
_MOVED = _INFO.replace("1654223010009", "1654223010123") + f"gpuwatch_gpu_present{{{_GPU}}} "
_FLAGGED = (
    'gpuwatch_board_flag_info{serial="1654223010123",code="off-the-bus-again",'
    'disposition="undecided"} 1\n'
)

# fmt: off - a table reads by rows
STORIES = (
    WatchStory("down", TICKETS, None, "", ("15 minutes",)),
    WatchStory("down-on-live-host", PAGER, None, "", ("node_exporter",)),
    WatchStory(
        "agent-stuck",
        TICKETS,
        f"{_SNAPSHOT} 1000\n",
        f"{_SNAPSHOT} 2000\n",
        ("15 minutes",),
        past=(Past(_SNAPSHOT, 1000, 20 * MINUTE),),
    ),
    WatchStory(
        "agent-failing",
        TICKETS,
        'gpuwatch_agent_failures_total{task="judge"} 3\n',
        None,
        ("judge", "failed about"),
        past=_ages('gpuwatch_agent_failures_total{task="judge"}', 1, 0, 3),
        ages=True,
    ),
    WatchStory(
        "agent-restarting",
        TICKETS,
        f"{_START} {_lives(_START)[-1].value:g}\n",
        None,
        ("started anew at least 6 times",),
        past=_lives(_START),
        ages=True,
    ),
    WatchStory(
        "kernel-log-lost",
        NOBODY,
        "gpuwatch_kernel_log_lost_total 40\n",
        None,
        ("records of the kernel log",),
        past=_ages("gpuwatch_kernel_log_lost_total", 1, 0, 40),
        ages=True,
    ),
    WatchStory("source-down", TICKETS, f"{_UP} 0\n", f"{_UP} 1\n", ("nvml",)),
    WatchStory(
        "source-stale",
        TICKETS,
        f"{_SNAPSHOT} 10000\n{_UP} 1\n{_SUCCESS} 8000\n",
        f"{_SNAPSHOT} 10000\n{_UP} 1\n{_SUCCESS} 9990\n",
        ("nvml", "33m 20s ago"),
    ),
    WatchStory(
        "probe-wedged",
        TICKETS,
        'gpuwatch_source_unkillable_children{source="nvml"} 1\n',
        'gpuwatch_source_unkillable_children{source="nvml"} 0\n',
        ("nvml", "1 children"),
    ),
    WatchStory(
        "gpu-unknown",
        TICKETS,
        f'{_INFO}gpuwatch_gpu_verdict{{{_GPU},verdict="unknown"}} 1\n',
        f'{_INFO}gpuwatch_gpu_verdict{{{_GPU},verdict="unknown"}} 0\n',
        _OF_GPU,
    ),
    WatchStory(
        "exposure-gap",
        TICKETS,
        f"{_HERE}1\n{_EXPOSED} 700\n",
        f"{_HERE}1\n{_EXPOSED} 6700\n",
        (*_OF_GPU, "10m 0s"),
        past=(
            Past(_EXPOSED, 100, 3 * HOUR + 10 * MINUTE),
            Past("up", 1, 3 * HOUR + 10 * MINUTE),
        ),
    ),
    WatchStory(
        "history-degraded",
        TICKETS,
        'gpuwatch_history_degraded{reason="disk-full"} 1\n',
        'gpuwatch_history_degraded{reason="disk-full"} 0\n',
        ("disk-full",),
    ),
    WatchStory(
        "backup-failed",
        TICKETS,
        "gpuwatch_backup_failed 1\n",
        "gpuwatch_backup_failed 0\n",
        ("back up",),
    ),
    WatchStory(
        "backup-old",
        TICKETS,
        f"{_BACKED_UP}{_SNAPSHOT} 195000\n",
        f"{_BACKED_UP}{_SNAPSHOT} 101000\n",
        ("1d 2h 23m 20s",),
    ),
    WatchStory(
        "web-config-failing",
        TICKETS,
        "gpuwatch_web_config_failing 1\n",
        "gpuwatch_web_config_failing 0\n",
        ("web.config_file",),
    ),
    WatchStory(
        "certificate-expiring",
        TICKETS,
        f"{_SNAPSHOT} 8400000\n{_FROM} 1000000\n{_UNTIL} 8776000\n",
        f"{_SNAPSHOT} 8400000\n{_FROM} 8000000\n{_UNTIL} 9776000\n",
        ("ends in 4d 8h 26m 40s",),
    ),
    WatchStory(
        "hook-given-up",
        TICKETS,
        'gpuwatch_hook_given_up_total{hook="slurm"} 1\n',
        None,
        ("The hook slurm",),
        past=_ages('gpuwatch_hook_given_up_total{hook="slurm"}', 1, 0, 1),
        ages=True,
    ),
    WatchStory(
        "alert-test",
        TICKETS,
        'gpuwatch_alert_test{route="window"} 1\n',
        "",
        ("TEST",),
    ),
    WatchStory(
        "flag-without-window",
        TICKETS,
        f"{_INFO}gpuwatch_gpu_flag_late{{{_GPU}}} 1\n",
        f"{_INFO}gpuwatch_gpu_flag_late{{{_GPU}}} 0\n",
        _OF_GPU,
    ),
    WatchStory(
        "flag-overdue",
        TICKETS,
        f"{_INFO}{_SNAPSHOT} 10000\ngpuwatch_gpu_flag_due_timestamp_seconds{{{_GPU}}} 6400\n",
        f"{_INFO}{_SNAPSHOT} 10000\n",
        (*_OF_GPU, "1h 0m 0s ago"),
    ),
    WatchStory(
        "maintenance-forgotten",
        TICKETS,
        f"{_MAINTAINED} 1\n",
        f"{_MAINTAINED} 0\n",
        ("more than a day",),
        past=(Past(_MAINTAINED, 1, 25 * HOUR, every=4 * MINUTE),),
    ),
    WatchStory(
        "flagged-board-elsewhere",
        TICKETS,
        {"flagged-board-elsewhere": f"{_MOVED}1\n", "flagged-before": _FLAGGED},
        {"flagged-board-elsewhere": f"{_MOVED}0\n", "flagged-before": _FLAGGED},
        (
            "GPU 3",
            "serial 1654223010123",
            "slot module-4",
            "flagged-before:9853",
            "off-the-bus-again",
        ),
    ),
    WatchStory(
        "cohort",
        TICKETS,
        {},
        None,
        ("part 692-2, VBIOS 96.00", " incidents a board-year"),
        past=(
            Past(f"{EXPOSURE}{_COHORT}", 1e7, 40 * DAY, 40 * DAY - 1),
            Past(f"{EXPOSURE}{_COHORT}", 1e7, 10 * DAY, 10 * DAY - 1),
            Past(f"{INCIDENTS}{_COHORT}", 0, 40 * DAY, 40 * DAY - 1),
            Past(f"{INCIDENTS}{_COHORT}", 5, 30 * DAY - AGES_SECONDS, 30 * DAY - AGES_SECONDS - 1),
            Past(f"{INCIDENTS}{_COHORT}", 0, 10 * DAY, 10 * DAY - 1),
        ),
        ages=True,
    ),
    WatchStory(
        "firmware-faults-of-one-driver",
        TICKETS,
        dict.fromkeys(_FAULTY, _INFO),
        None,
        ("3 hosts with driver 580.95.05",),
        past=(Past(_FAULT, 1, DAY - AGES_SECONDS, DAY - AGES_SECONDS - 1, hosts=_FAULTY),),
        ages=True,
    ),
)
# fmt: on
# In tests of their own: one holds always, the other only while there is no target at all.
APART = {"watchdog": DEAD_MAN, "no-targets": TICKETS}
HOSTS = sorted({host for story in STORIES for host in story.hosts()})


def past(now: float) -> tuple[str, ...]:
    """What Prometheus knows at the start: the last days, and what lies before them.

    They are apart because each stretch is read once for every two hours that it is long.
    """
    rows = [(row, host) for story in STORIES for row in story.past for host in _whose(row, story)]
    days = [pair for pair in rows if pair[0].first < _LATELY]
    before = [pair for pair in rows if pair[0].first >= _LATELY]
    return _written(days, now), _written(before, now)


def _whose(row: Past, story: WatchStory) -> tuple[str, ...]:
    return row.hosts or (("",) if isinstance(story.during, Mapping) else (story.code,))


def _written(rows: list[tuple[Past, str]], now: float) -> str:
    """The samples in OpenMetrics, where families stand together."""
    samples: dict[str, list[str]] = {}
    for row, host in rows:
        family = samples.setdefault(row.series.partition("{")[0], [])
        family.extend(_lines(row, host, now))
    lines = [line for family in samples.values() for line in family]
    return "".join(f"{line}\n" for line in (*lines, "# EOF"))


def _lines(row: Past, host: str, now: float) -> Iterator[str]:
    name, _, rest = row.series.partition("{")
    labels = [rest.rstrip("}")] if rest else []
    if host:
        labels += ['job="gpuwatch"', f'instance="{host}:9853"']
    written = ",".join(labels)
    for ago in range(row.first, row.last, -row.every):
        yield f"{name}{{{written}}} {row.value:g} {now - ago:.3f}"


def tell(told: Told, code: str, say: Callable[[str, str | None], None]) -> None:
    """Say of each host of a story what it tells."""
    for host, text in (told if isinstance(told, Mapping) else {code: told}).items():
        say(host, text)
