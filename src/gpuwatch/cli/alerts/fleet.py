"""Fleet: what no single host can see: boards that move, cohorts of boards, one driver version."""

from gpuwatch.cli.alerts.findings import CHANGING, GPU, WHICH
from gpuwatch.cli.alerts.model import Group, Recording
from gpuwatch.cli.alerts.runbooks import AGENTS_OWN
from gpuwatch.cli.alerts.watch import Watch, watched
from gpuwatch.domain.verdicts import Scope, Urgency

FLAGGED = "instance_serial_code:gpuwatch_board_flag_info:last_seen_timestamp_seconds"
INCIDENTS = "part_number_vbios:gpuwatch_gpu_incidents_total:rise1h"
EXPOSURE = "part_number_vbios:gpuwatch_gpu_exposure_seconds_total:rise1h"
_KNOWN = f"(last_over_time({FLAGGED}[2h]) > 0)"
# The host that has it now was told of those flags, and a person there has dismissed them.
_CLEARED = f'(last_over_time({FLAGGED}{{code="flagged-board-returned"}}[2h]) == 0)'
_REMEMBERED = "400 * 86400"
_YEAR = "31557600"
# lambda0's floor: below it no cohort is called healthier, however little is known of its past.
_FLOOR = "0.02"
_IDENTITY = "topk by (instance, uuid) (1, gpuwatch_gpu_info)"
_DISMISSED = (
    '(gpuwatch_gpu_flag{state="dismissed"} == 1)'
    f" * on (instance, uuid) group_left (serial) {_IDENTITY}"
)
FAULTS = "instance_driver:gpuwatch_gpu_finding:firmware_faults"
_COHORT = (
    "part {{ with $labels.part_number }}{{ . }}{{ else }}unknown{{ end }}, "
    "VBIOS {{ with $labels.vbios }}{{ . }}{{ else }}unknown{{ end }}"
)
_DRIVER = "driver {{ with $labels.driver }}{{ . }}{{ else }}of unknown version{{ end }}"


def _rise(metric: str) -> str:
    """By how much a counter of a board rose in an hour, and while its host did not answer.

    The value before is the last one up to a day back: what happened while nobody scraped counts
    when the board is back. A counter that fell begins anew and counts for nothing.
    """
    total = f"sum by (instance, uuid) ({metric})"
    before = f"sum by (instance, uuid) (last_over_time({metric}[1d] offset 1h))"
    return (
        "sum by (part_number, vbios) (\n"
        f"  clamp_min({total} - {before}, 0)\n"
        f"  * on (instance, uuid) group_left (part_number, vbios) {_IDENTITY}\n)"
    )


def _rate(range_: str) -> str:
    """Incidents per board-year of each cohort over a range."""
    incidents = f"sum_over_time({INCIDENTS}{range_})"
    return f"{incidents} / (sum_over_time({EXPOSURE}{range_}) > 0) * {_YEAR}"


_BEFORE = "[365d] offset 30d"

# Once an hour: the rises of the hours add up to months, and the query over a month stays small.
HOURLY = Group(
    "gpuwatch-cohorts",
    (
        Recording(record=INCIDENTS, expr=_rise("gpuwatch_gpu_incidents_total")),
        Recording(record=EXPOSURE, expr=_rise("gpuwatch_gpu_exposure_seconds_total")),
    ),
    interval="1h",
)

# A memory that carries itself on needs no long retention: it only outlives a week of silence.
# A flag that a person dismissed is forgotten, by a 0, while its board still sits there.
MEMORY = Group(
    "gpuwatch-flagged-boards",
    (
        Recording(
            record=FLAGGED,
            expr="max by (instance, serial, code) (\n"
            "  timestamp(gpuwatch_board_flag_info)\n"
            f"  or last_over_time({FLAGGED}[7d]) > time() - {_REMEMBERED}\n)\n"
            "unless on (instance, serial, code) (\n"
            f"  {_DISMISSED}\n)\n"
            f"or max by (instance, serial, code) (0 * {_DISMISSED})",
        ),
    ),
    interval="30m",
)

# With the driver under which the GPU stopped: the next one is not to be blamed for it.
DRIVERS = Group(
    "gpuwatch-drivers",
    (
        Recording(
            record=FAULTS,
            expr="max by (instance, driver) (\n"
            '  (gpuwatch_gpu_finding{code=~"gsp-or-firmware-fault.*"} == 1)\n'
            f"  * on (instance, uuid) group_left (driver) {_IDENTITY}\n)",
        ),
    ),
)

# fmt: off - a table reads by rows
WATCHES: tuple[Watch, ...] = (
    Watch(
        code="flagged-board-elsewhere",
        urgency=Urgency.WINDOW,
        wait="10m",
        scope=Scope.GPU,
        hidden=(*CHANGING, "flagged_on", "flagged_for"),
        expr='(\n  (gpuwatch_gpu_info{serial!=""}\n'
        "    and on (instance, uuid) (gpuwatch_gpu_present == 1))\n"
        f"  * on (serial) group_left (flagged_on, flagged_for) topk by (serial) (1,\n"
        f"    label_replace(label_replace({_KNOWN},\n"
        '      "flagged_on", "$1", "instance", "(.*)"), "flagged_for", "$1", "code", "(.*)"))\n)\n'
        f"unless on (instance, serial) {_KNOWN}\nunless on (instance, serial) {_CLEARED}",
        summary=f"{WHICH} on {{{{ $labels.instance }}}}: a board that was flagged on "
        "{{ $labels.flagged_on }}",
        description=f"{GPU}: the board was last flagged on {{{{ $labels.flagged_on }}}} for "
        '{{ $labels.flagged_for }} ({{ with $value | toTime }}{{ .Format "2006-01-02" }}{{ end }})'
        " and is now in service here.",
        step="Ask whether it was repaired. If not, take it out at the next window.",
    ),
    Watch(
        code="cohort",
        urgency=Urgency.WINDOW,
        wait="",
        scope="fleet",
        expr=f"({_rate('[30d]')}\n"
        f"  >= 4 * clamp_min({_rate(_BEFORE)}, {_FLOOR})\n"
        f"  or {_rate('[30d]')} >= 4 * {_FLOOR}\n"
        f"  unless on (part_number, vbios) (sum_over_time({EXPOSURE}{_BEFORE}) > 0))\n"
        f"and on (part_number, vbios) (sum_over_time({INCIDENTS}[30d]) >= 5)",
        summary=f"Memory errors rise among equal boards: {_COHORT}",
        description=f"Boards of {_COHORT} had "
        '{{ $value | printf "%.2f" }} uncorrectable-error incidents a board-year in the last 30 '
        "days: at least 5, and four times as many as in the year before. This judges no single "
        "board. gpuwatch heuristic, not an NVIDIA criterion.",
        step="Look for what these boards share (delivery, VBIOS, room), then ask the vendor.",
    ),
    Watch(
        code="firmware-faults-of-one-driver",
        urgency=Urgency.WINDOW,
        wait="",
        scope="fleet",
        expr=f"count by (driver) (max_over_time({FAULTS}[1d])) >= 3",
        summary=f"Firmware faults on several hosts with {_DRIVER}",
        description=f'{{{{ $value | printf "%.0f" }}}} hosts with {_DRIVER} had GPUs '
        "whose firmware stopped within the last day: suspect the driver before the boards.",
        step="Look for a known issue of this driver version; roll it out no further.",
    ),
)
# fmt: on


def fleet(runbooks: str = AGENTS_OWN) -> tuple[Group, ...]:
    """The memory of flagged boards and drivers, the sums of cohorts, and the alerts over these."""
    alerts = tuple(watched(row, runbooks) for row in WATCHES)
    return (MEMORY, HOURLY, DRIVERS, Group("gpuwatch-fleet", alerts, interval="5m"))
