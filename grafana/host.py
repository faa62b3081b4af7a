"""Host: one server from both sides, its GPUs on the left and its BMC on the right."""

from grafana.model import Colour, Dashboard, Kind, Panel, Query, Section, Step, Unit, Variable
from grafana.words import (
    FOUND,
    NO_FINDING,
    REDUNDANCIES,
    SUPPLIES,
    URGENCIES,
    WORKS,
    graded,
    verdicts,
)

HOST = Variable(
    name="instance",
    title="Host",
    selector='up{job="gpuwatch"}',
    label="instance",
)
_SERVER = Variable(
    name="server",
    title="Server",
    selector='up{job="gpuwatch",instance="$instance"}',
    label="instance",
    cut="^(.+?)(?::\\d+)?$",
    hidden=True,
)
_HERE = 'instance="$instance"'
_NO_BMC = "No BMC of this host tells this."
_GPU = "GPU {{gpu}}"
_COOL = 20.0  # degrees; from 0 on, the lines of a server would be squeezed together


def of_gpus(metric: str, more: str = "") -> str:
    """A metric of this host's GPUs."""
    return f"{metric}{{{_HERE}{more}}}"


def of_bmc(metric: str, more: str = "") -> str:
    """A metric of this host's BMCs, which this agent asks or the one of a management host."""
    return f'({metric}{{{_HERE},host=""{more}}} or {metric}{{host="$server"{more}}})'


def _supplies(which: str) -> str:
    """Supplies in a state; absent is one of which the BMC knows that it is not present."""
    metric = "gpuwatch_bmc_psu_state"
    if which == 'state="absent"':
        present = of_bmc(metric, ',state="present"')
        return f"{present} == bool 0 > 0"
    return f"{of_bmc(metric, f',{which}')} == 1"


_NOW = Section(
    "Now",
    (
        Panel(
            title="Server's verdict",
            description="What all findings about the host and its own BMCs say together. Its GPUs "
            "have their own.",
            kind=Kind.STAT,
            unit=Unit.COUNT,
            queries=(Query(f"{of_gpus('gpuwatch_host_verdict')} == 1", "{{verdict}}"),),
            width=4,
            height=5,
            named=True,
        ),
        Panel(
            title="GPUs by verdict",
            description="What all findings about each GPU say together.",
            kind=Kind.STAT,
            unit=Unit.COUNT,
            queries=verdicts(lambda which: f"sum({of_gpus('gpuwatch_gpu_verdict', f',{which}')})"),
            height=5,
        ),
        Panel(
            title="BMCs",
            description="Whether each BMC of this host answers.",
            kind=Kind.STAT,
            unit=Unit.COUNT,
            queries=(Query(of_bmc("gpuwatch_bmc_up"), "{{bmc}}"),),
            width=4,
            height=5,
            words=((0.0, "silent", Colour.BLIND), (1.0, "answers", Colour.GOOD)),
            empty="No BMC is set up for this host.",
        ),
        Panel(
            title="Next window",
            description="Start of the maintenance window that is open, else of the next.",
            kind=Kind.STAT,
            unit=Unit.FROM_NOW,
            queries=(
                Query(
                    f"1000 * {of_gpus('gpuwatch_maintenance_window_start_timestamp_seconds')}",
                    "window",
                ),
            ),
            width=4,
            height=5,
            empty="No window is set up.",
        ),
    ),
)

_FINDINGS = Section(
    "Findings",
    (
        Panel(
            title="About GPUs",
            description="Every rule that holds for a GPU, with the urgency that alerts go by now. "
            "`gpuwatch explain UUID` on the host tells why.",
            kind=Kind.TABLE,
            unit=Unit.COUNT,
            queries=(
                Query(
                    graded(lambda which: of_gpus(FOUND, f",{which}"), "urgency", URGENCIES),
                    title="urgency",
                ),
            ),
            height=7,
            columns=("gpu", "code", "remedy", "slot", "serial", "uuid", "instance"),
            words=URGENCIES,
            empty=NO_FINDING,
        ),
        Panel(
            title="About the host",
            description="Every rule that holds for the host itself.",
            kind=Kind.TABLE,
            unit=Unit.COUNT,
            queries=(
                Query(
                    graded(
                        lambda which: f"{of_gpus('gpuwatch_host_finding', f',{which}')} == 1",
                        "urgency",
                        URGENCIES,
                    ),
                    title="urgency",
                ),
            ),
            width=5,
            height=7,
            columns=("code", "remedy"),
            words=URGENCIES,
            empty=NO_FINDING,
        ),
        Panel(
            title="About BMCs",
            description="Every rule that holds for a BMC of this host or what it watches: "
            "supplies, fans, air.",
            kind=Kind.TABLE,
            unit=Unit.COUNT,
            queries=(
                Query(
                    graded(
                        lambda which: f"{of_bmc('gpuwatch_bmc_finding', f',{which}')} == 1",
                        "urgency",
                        URGENCIES,
                    ),
                    title="urgency",
                ),
            ),
            width=7,
            height=7,
            columns=("bmc", "code", "remedy"),
            words=URGENCIES,
            empty=NO_FINDING,
        ),
    ),
)

_POWER = Section(
    "Power: GPUs and server",
    (
        Panel(
            title="Power of GPUs",
            description="What each GPU draws, by the driver.",
            kind=Kind.TIME_SERIES,
            unit=Unit.WATT,
            queries=(Query(of_gpus("gpuwatch_gpu_power_watts"), _GPU),),
            stacked=True,
        ),
        Panel(
            title="Power of the server",
            description="What the server draws by its BMC, and each power sensor. Input, output "
            "and totals may stand side by side: do not add them up.",
            kind=Kind.TIME_SERIES,
            unit=Unit.WATT,
            queries=(
                Query(of_bmc("gpuwatch_bmc_server_power_watts"), "{{bmc}}: server"),
                Query(of_bmc("gpuwatch_bmc_power_watts"), "{{bmc}}: {{sensor}}"),
            ),
            empty=_NO_BMC,
        ),
        Panel(
            title="GPUs that are held back, by reason",
            description="How many GPUs have their clocks held down, as a mean over time. Thermal "
            "slowdown asks for air; power brake and power cap ask about supplies and limits.",
            kind=Kind.TIME_SERIES,
            unit=Unit.NUMBER,
            queries=(
                Query(
                    "sum by (reason) (avg_over_time("
                    + of_gpus(
                        "gpuwatch_gpu_clocks_event",
                        ',reason!~"gpu_idle|applications_clocks_setting"',
                    )
                    + "[$__rate_interval]))",
                    "{{reason}}",
                ),
            ),
        ),
        Panel(
            title="Power supplies",
            description="What the BMC knows of each supply; several states may hold at once, and "
            "standby is no fault.",
            kind=Kind.TABLE,
            unit=Unit.COUNT,
            queries=(
                Query(
                    graded(_supplies, "state", SUPPLIES),
                    title="state",
                ),
            ),
            width=5,
            columns=("bmc", "psu"),
            words=SUPPLIES,
            empty=_NO_BMC,
        ),
        Panel(
            title="Redundancy",
            description="What is left of each redundancy of supplies or fans: full, degraded "
            "(one less, and one to spare), lost (none to spare), insufficient.",
            kind=Kind.TABLE,
            unit=Unit.COUNT,
            queries=(
                Query(
                    graded(
                        lambda which: (
                            f"{of_bmc('gpuwatch_bmc_redundancy_state', f',{which}')} == 1"
                        ),
                        "state",
                        REDUNDANCIES,
                    ),
                    title="state",
                ),
            ),
            width=7,
            columns=("bmc", "redundancy", "part"),
            words=REDUNDANCIES,
            empty=_NO_BMC,
        ),
    ),
)

_HEAT = Section(
    "Heat: GPUs and server",
    (
        Panel(
            title="Temperature of GPUs",
            description="Temperature of each GPU's core. What is too hot differs by model: see "
            "the degrees left.",
            kind=Kind.TIME_SERIES,
            unit=Unit.CELSIUS,
            queries=(Query(of_gpus("gpuwatch_gpu_temperature_celsius"), _GPU),),
            floor=_COOL,
        ),
        Panel(
            title="Air",
            description="Air that comes in and goes out, by the BMC. The line is 35 °C, the "
            "upper end of ASHRAE's class A2; the rules go by the class in your settings.",
            kind=Kind.TIME_SERIES,
            unit=Unit.CELSIUS,
            queries=(
                Query(
                    of_bmc("gpuwatch_bmc_temperature_celsius", ',part=~"inlet|exhaust"'),
                    "{{bmc}}: {{sensor}}",
                ),
            ),
            steps=(Step(35, Colour.ACT),),
            floor=10.0,
            empty=_NO_BMC,
        ),
        Panel(
            title="Degrees left",
            description="Degrees until each GPU slows down by itself.",
            kind=Kind.TIME_SERIES,
            unit=Unit.CELSIUS,
            queries=(Query(of_gpus("gpuwatch_gpu_temperature_margin_celsius"), _GPU),),
            empty="No GPU of this host tells its margin.",
        ),
        Panel(
            title="Fans",
            description="The speed at which each fan really turns, by the BMC.",
            kind=Kind.TIME_SERIES,
            unit=Unit.RPM,
            queries=(Query(of_bmc("gpuwatch_bmc_fan_speed_rpm"), "{{bmc}}: {{sensor}}"),),
            empty=_NO_BMC,
        ),
        Panel(
            title="Temperature of memory",
            description="Temperature of each board's memory, where it is told.",
            kind=Kind.TIME_SERIES,
            unit=Unit.CELSIUS,
            queries=(Query(of_gpus("gpuwatch_gpu_memory_temperature_celsius"), _GPU),),
            floor=_COOL,
            empty="No GPU of this host tells it.",
        ),
        Panel(
            title="Other temperatures of the server",
            description="Processors, memory, voltage regulators, drives and the rest, by the BMC.",
            kind=Kind.TIME_SERIES,
            unit=Unit.CELSIUS,
            queries=(
                Query(
                    of_bmc("gpuwatch_bmc_temperature_celsius", ',part!~"inlet|exhaust"'),
                    "{{bmc}}: {{sensor}}",
                ),
            ),
            empty=_NO_BMC,
        ),
    ),
)

_WORK = Section(
    "Work and events",
    (
        Panel(
            title="Utilization of GPUs",
            description="Share of time in which a kernel ran on each GPU.",
            kind=Kind.TIME_SERIES,
            unit=Unit.SHARE,
            queries=(Query(of_gpus("gpuwatch_gpu_utilization_ratio"), _GPU),),
        ),
        Panel(
            title="Event logs of BMCs",
            description="New entries about faults by topic and severity, as a number for each "
            "step of the graph.",
            kind=Kind.TIME_SERIES,
            unit=Unit.COUNT,
            queries=(
                Query(
                    "sum by (topic, severity) (increase(gpuwatch_bmc_log_events_total"
                    f'{{{_HERE},host="",severity!="info"}}[$__rate_interval])'
                    " or increase(gpuwatch_bmc_log_events_total"
                    '{host="$server",severity!="info"}[$__rate_interval])) > 0',
                    "{{topic}}, {{severity}}",
                ),
            ),
            bars=True,
            empty="No entries about faults.",
        ),
        Panel(
            title="Xid errors",
            description="New Xid errors by GPU and code, as a number for each step of the graph. "
            "`gpuwatch xids CODE` tells what a code means.",
            kind=Kind.TIME_SERIES,
            unit=Unit.COUNT,
            queries=(
                Query(
                    "sum by (gpu, xid) (increase("
                    + of_gpus("gpuwatch_gpu_xid_errors_total")
                    + "[$__rate_interval])) > 0",
                    "GPU {{gpu}}, Xid {{xid}}",
                ),
            ),
            bars=True,
            empty="No Xid errors.",
        ),
        Panel(
            title="Sources",
            description="Whether each source of this agent works.",
            kind=Kind.TABLE,
            unit=Unit.COUNT,
            queries=(
                Query(of_gpus("gpuwatch_source_up"), title="works"),
                Query(
                    f"1000 * {of_gpus('gpuwatch_source_last_success_timestamp_seconds')}",
                    title="last success",
                    unit=Unit.DATE,
                ),
            ),
            columns=("source",),
            words=WORKS,
        ),
    ),
)

DASHBOARD = Dashboard(
    uid="gpuwatch-host",
    title="gpuwatch: host",
    description="One server from both sides: its GPUs on the left, its BMC on the right.",
    sections=(_NOW, _FINDINGS, _POWER, _HEAT, _WORK),
    variables=(HOST, _SERVER),
    span="now-6h",
)
