"""Fleet: how all hosts stand, from sums that Prometheus records; the same with 2,000 of them."""

from collections.abc import Callable

from grafana.model import Colour, Dashboard, Kind, Panel, Query, Section, Step, Unit
from grafana.words import (
    BOARD,
    BOARD_YEAR,
    FLAGGED,
    FOUND,
    LIVING,
    NO_FINDING,
    NOBODY,
    TO_ACT_ON,
    WINDOW_START,
    WORKS,
    counted,
    graded,
    milliseconds,
    summed,
    verdicts,
)

_BLIND = (
    '(gpuwatch_source_up{source=~"nvml|kernel_log"} == 0'
    " unless on (instance, source) gpuwatch_source_released == 1)"
)
_INCIDENTS = "part_number_vbios:gpuwatch_gpu_incidents_total:rise1h"
_EXPOSURE = "part_number_vbios:gpuwatch_gpu_exposure_seconds_total:rise1h"
_ALL_INCIDENTS = "name_part_number:gpuwatch_gpu_incidents_total:sum"
_ALL_EXPOSURE = "name_part_number:gpuwatch_gpu_exposure_seconds_total:sum"
_BOARDS = "name_part_number_vbios_driver:gpuwatch_gpu_info:count"
_MOST = 100  # rows of a table


def _to_do(found: Callable[[str], str]) -> str:
    """Findings to act on, the first of them if there are too many to read."""
    return f"topk({_MOST}, {graded(found, 'urgency', TO_ACT_ON)})"


_NOW = Section(
    "Now",
    (
        Panel(
            title="GPUs by verdict",
            description="What all findings about each GPU say together. Unknown is not healthy: "
            "gpuwatch cannot see these GPUs.",
            kind=Kind.STAT,
            unit=Unit.COUNT,
            queries=verdicts("verdict:gpuwatch_gpu_verdict:sum{{{}}}".format),
            height=4,
        ),
        Panel(
            title="Hosts by verdict",
            description="What all findings about each host, its own BMCs included, say together.",
            kind=Kind.STAT,
            unit=Unit.COUNT,
            queries=verdicts("verdict:gpuwatch_host_verdict:sum{{{}}}".format),
            height=4,
        ),
        Panel(
            title="Agents that answer",
            description="Share of the scraped agents that answer. The others are listed below.",
            kind=Kind.STAT,
            unit=Unit.SHARE,
            queries=(Query("gpuwatch:up:sum / gpuwatch:up:count", "answer"),),
            width=6,
            height=3,
            base=Colour.NOW,
            steps=(Step(0.95, Colour.SOON), Step(1, Colour.GOOD)),
        ),
        Panel(
            title="Blind hosts",
            description="Hosts whose agent does not answer, or whose NVML or kernel log cannot be "
            "read and was not released on purpose. Nothing is known of their GPUs.",
            kind=Kind.STAT,
            unit=Unit.COUNT,
            queries=(
                Query(
                    f'count(count by (instance) (up{{job="gpuwatch"}} == 0 or {_BLIND}))'
                    " or 0 * gpuwatch:up:count",
                    "blind",
                ),
            ),
            width=6,
            height=3,
            base=Colour.GOOD,
            steps=(Step(1, Colour.BLIND),),
        ),
        Panel(
            title="Living flags",
            description="Flags to replace a board that are open, in somebody's hands, or being "
            "verified after the swap.",
            kind=Kind.STAT,
            unit=Unit.COUNT,
            queries=(Query(summed(f"code_state:gpuwatch_gpu_flag:sum{{{LIVING}}}"), "flags"),),
            width=6,
            height=3,
            base=Colour.GOOD,
            steps=(Step(1, Colour.ACT),),
        ),
        Panel(
            title="Power of all GPUs",
            description="What all GPUs that tell it draw together.",
            kind=Kind.STAT,
            unit=Unit.WATT,
            queries=(Query("sum(instance:gpuwatch_gpu_power_watts:sum)", "power"),),
            width=6,
            height=3,
        ),
    ),
)

_TO_DO = Section(
    "To act on",
    (
        Panel(
            title="GPUs to act on",
            description="The first 100 findings about GPUs that page or want a window, pages "
            "first. Host and UUID lead to their dashboards.",
            kind=Kind.TABLE,
            unit=Unit.COUNT,
            queries=(Query(_to_do(lambda which: f"{FOUND}{{{which}}}"), title="urgency"),),
            width=14,
            columns=("instance", "gpu", "code", "remedy", "slot", "serial", "uuid"),
            words=TO_ACT_ON,
            empty="Nothing about GPUs wants to be acted on.",
        ),
        Panel(
            title="Servers to act on",
            description="The first 100 findings about hosts and BMCs that page or want a window, "
            "pages first; host is the server of a BMC that another machine watches.",
            kind=Kind.TABLE,
            unit=Unit.COUNT,
            queries=(
                Query(
                    _to_do(
                        lambda which: (
                            f"gpuwatch_host_finding{{{which}}} == 1"
                            f" or gpuwatch_bmc_finding{{{which}}} == 1"
                        )
                    ),
                    title="urgency",
                ),
            ),
            width=10,
            columns=("instance", "bmc", "host", "code", "remedy"),
            words=TO_ACT_ON,
            empty="Nothing about servers wants to be acted on.",
        ),
    ),
)

_FLAGS = Section(
    "Flags",
    (
        Panel(
            title="Flagged boards by due date",
            description="The first 100 boards with a flag, the earliest due first, with the window "
            "that each is planned into. Host and UUID lead to their dashboards.",
            kind=Kind.TABLE,
            unit=Unit.FROM_NOW,
            queries=(
                Query(f"sort(bottomk({_MOST}, {milliseconds(FLAGGED)}))", title="due"),
                Query(
                    milliseconds(f"min by (instance, uuid) ({WINDOW_START})"),
                    title="window",
                    unit=Unit.DATE,
                ),
            ),
            width=24,
            height=9,
            columns=BOARD,
            empty=NOBODY,
        ),
        Panel(
            title="Flags by when they are due",
            description="A flag that is due in days can wait for its window; one that is overdue "
            "should have been acted on.",
            kind=Kind.STAT,
            unit=Unit.COUNT,
            queries=(
                Query(counted(f"{FLAGGED} < time()"), "overdue", colour=Colour.NOW),
                Query(
                    counted(f"{FLAGGED} >= time() and {FLAGGED} < time() + 7 * 86400"),
                    "within 7 days",
                    colour=Colour.SOON,
                ),
                Query(counted(f"{FLAGGED} >= time() + 7 * 86400"), "later", colour=Colour.NOTE),
                Query(
                    counted("gpuwatch_gpu_flag_late == 1"), "no window in time", colour=Colour.ACT
                ),
            ),
            width=8,
        ),
        Panel(
            title="Flags by state",
            description="The latest flag of each board and rule, by state; closed and dismissed "
            "ones are left out.",
            kind=Kind.TIME_SERIES,
            unit=Unit.COUNT,
            queries=(
                Query(
                    f"sum by (state) (code_state:gpuwatch_gpu_flag:sum{{{LIVING}}})", "{{state}}"
                ),
            ),
            width=8,
            stacked=True,
            empty=NOBODY,
        ),
        Panel(
            title="Flags by rule",
            description="Which rules raised the flags that live. `gpuwatch rules` explains each.",
            kind=Kind.TIME_SERIES,
            unit=Unit.COUNT,
            queries=(
                Query(f"sum by (code) (code_state:gpuwatch_gpu_flag:sum{{{LIVING}}})", "{{code}}"),
            ),
            width=8,
            stacked=True,
            empty=NOBODY,
        ),
    ),
)


def _findings(of: str, metric: str, width: int = 8) -> Panel:
    return Panel(
        title=f"Findings about {of}",
        description=f"How many {of} each rule holds for, with the urgency that alerts go by now: "
        "page, window, info or watch.",
        kind=Kind.TIME_SERIES,
        unit=Unit.COUNT,
        queries=(Query(f"code_urgency:{metric}:sum", "{{code}} ({{urgency}})"),),
        width=width,
        stacked=True,
        empty=NO_FINDING,
    )


_FINDINGS = Section(
    "Findings over time",
    (
        _findings("GPUs", "gpuwatch_gpu_finding"),
        _findings("hosts", "gpuwatch_host_finding"),
        _findings("BMCs", "gpuwatch_bmc_finding"),
        Panel(
            title="GPUs that are not healthy",
            description="Verdicts other than healthy over time.",
            kind=Kind.TIME_SERIES,
            unit=Unit.COUNT,
            queries=(Query('verdict:gpuwatch_gpu_verdict:sum{verdict!="healthy"}', "{{verdict}}"),),
            stacked=True,
        ),
        Panel(
            title="Hottest hosts",
            description="The ten hosts with the hottest GPU at the end of the span. What is too "
            "hot differs by model: a host's dashboard shows the degrees left.",
            kind=Kind.TABLE,
            unit=Unit.CELSIUS,
            queries=(
                Query("topk(10, instance:gpuwatch_gpu_temperature_celsius:max)", title="hottest"),
            ),
            columns=("instance",),
        ),
    ),
)

_COHORTS = Section(
    "Boards",
    (
        Panel(
            title="Incidents per 1,000 board-years by part number",
            description="Incidents of uncorrectable errors over all the time in which gpuwatch "
            "watched these boards. Few board-years make a rough rate: one incident in 10 "
            "board-years reads as 100.",
            kind=Kind.TABLE,
            unit=Unit.NUMBER,
            queries=(
                Query(
                    f"{1000 * BOARD_YEAR} * {_ALL_INCIDENTS} / ({_ALL_EXPOSURE} > 0)",
                    title="rate",
                ),
                Query(_ALL_INCIDENTS, title="incidents", unit=Unit.COUNT),
                Query(f"{_ALL_EXPOSURE} / {BOARD_YEAR}", title="board-years"),
                Query(
                    f"sum by (name, part_number) ({_BOARDS})",
                    title="boards now",
                    unit=Unit.COUNT,
                ),
            ),
            columns=("name", "part_number"),
        ),
        Panel(
            title="Incidents per 1,000 board-years, 30 days before each point",
            description="The same rate over the 30 days before each point, by part number and "
            "VBIOS, as the cohort alert sees it. It moves once an hour, and begins where boards "
            "were watched for a tenth of a year in all: fewer make no rate.",
            kind=Kind.TIME_SERIES,
            unit=Unit.NUMBER,
            queries=(
                Query(
                    f"{1000 * BOARD_YEAR} * sum_over_time({_INCIDENTS}[30d])"
                    f" / (sum_over_time({_EXPOSURE}[30d]) > {BOARD_YEAR // 10})",
                    "{{part_number}}, VBIOS {{vbios}}",
                ),
            ),
            empty="Nothing yet: this is counted hourly, from a tenth of a board-year on.",
        ),
        Panel(
            title="Boards by driver",
            description="How many boards each driver version runs.",
            kind=Kind.TIME_SERIES,
            unit=Unit.COUNT,
            queries=(Query(f"sum by (driver) ({_BOARDS})", "{{driver}}"),),
            stacked=True,
        ),
        Panel(
            title="Agents by version",
            description="Versions of gpuwatch and of its rules.",
            kind=Kind.TIME_SERIES,
            unit=Unit.COUNT,
            queries=(Query("version:gpuwatch_build_info:count", "{{version}}, rules {{rules}}"),),
            stacked=True,
        ),
    ),
)

_DARK = Section(
    "Blind",
    (
        Panel(
            title="Agents that do not answer",
            description="The first 100 agents that Prometheus cannot scrape.",
            kind=Kind.TABLE,
            unit=Unit.COUNT,
            queries=(Query(f'topk({_MOST}, up{{job="gpuwatch"}} == 0)', title="answers"),),
            width=8,
            height=6,
            columns=("instance",),
            words=WORKS,
            empty="All agents answer.",
        ),
        Panel(
            title="Sources that cannot be read",
            description="The first 100 sources of NVML and kernel log that are blind, those that "
            "were released on purpose left out.",
            kind=Kind.TABLE,
            unit=Unit.COUNT,
            queries=(Query(f"topk({_MOST}, {_BLIND})", title="works"),),
            width=8,
            height=6,
            columns=("instance", "source"),
            words=WORKS,
            empty="All sources are read.",
        ),
        Panel(
            title="BMCs that do not answer",
            description="The first 100 BMCs that cannot be asked, and why; host is the server "
            "of a BMC that another machine watches.",
            kind=Kind.TABLE,
            unit=Unit.COUNT,
            queries=(Query(f"topk({_MOST}, gpuwatch_bmc_trouble == 1)", title="blind"),),
            width=8,
            height=6,
            columns=("instance", "bmc", "host", "reason"),
            words=((1.0, "yes", Colour.BLIND),),
            empty="All BMCs that are set up answer.",
        ),
    ),
)

DASHBOARD = Dashboard(
    uid="gpuwatch-fleet",
    title="gpuwatch: fleet",
    description="How all GPUs and hosts stand: verdicts, flags, findings, and who is blind.",
    sections=(_NOW, _TO_DO, _DARK, _FLAGS, _FINDINGS, _COHORTS),
)
