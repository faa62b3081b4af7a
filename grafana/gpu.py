"""GPU: one board's life, in whichever host it was: what it counts, its incidents, its flag."""

from grafana.host import HOST
from grafana.model import Colour, Dashboard, Kind, Panel, Query, Section, Step, Unit, Variable
from grafana.words import (
    BOARD_YEAR,
    FLAG_STATES,
    FLAGGED,
    FOUND,
    LIVING,
    NO_FINDING,
    URGENCIES,
    graded,
)

_UUID = Variable(
    name="uuid",
    title="GPU",
    selector='gpuwatch_gpu_info{instance="$instance"}',
    label="uuid",
)
_NOT_TOLD = "This board or its driver does not tell it."
_NO_FLAG = "This board is not flagged."


def _of(metric: str, more: str = "") -> str:
    return f'{metric}{{uuid="$uuid"{more}}}'


def _graph(
    title: str,
    description: str,
    unit: Unit,
    *queries: Query,
    empty: str = "",
    width: int = 8,
    floor: float = 0.0,
    band: bool = False,
) -> Panel:
    """A graph; a band is 1 while something holds."""
    return Panel(
        title=title,
        description=description,
        kind=Kind.TIME_SERIES,
        unit=unit,
        queries=queries,
        empty=empty,
        width=width,
        floor=floor,
        stacked=band,
    )


_NOW = Section(
    "Now",
    (
        Panel(
            title="Verdict",
            description="What all findings about this GPU say together.",
            kind=Kind.STAT,
            unit=Unit.COUNT,
            queries=(Query(f"{_of('gpuwatch_gpu_verdict')} == 1", "{{verdict}}"),),
            width=4,
            height=5,
            named=True,
        ),
        Panel(
            title="Incidents",
            description="Incidents of uncorrectable errors on record, by the memory they were in.",
            kind=Kind.STAT,
            unit=Unit.COUNT,
            queries=(
                Query(f"sum by (memory) ({_of('gpuwatch_gpu_incidents_total')})", "{{memory}}"),
            ),
            width=6,
            height=5,
            base=Colour.GOOD,
            steps=(Step(1, Colour.SOON), Step(2, Colour.ACT)),
        ),
        Panel(
            title="Watched for",
            description="How long gpuwatch has watched this board: the time in which it would have "
            "seen an uncorrectable error.",
            kind=Kind.STAT,
            unit=Unit.YEARS,
            queries=(
                Query(
                    f"max({_of('gpuwatch_gpu_exposure_seconds_total')}) / {BOARD_YEAR}",
                    "board-years",
                ),
            ),
            width=4,
            height=5,
        ),
        Panel(
            title="Flag is due",
            description="When the earliest flag of this board is due.",
            kind=Kind.STAT,
            unit=Unit.FROM_NOW,
            queries=(Query(f"1000 * {_of(FLAGGED)}", "due"),),
            width=5,
            height=5,
            empty=_NO_FLAG,
        ),
        Panel(
            title="Planned window",
            description="Start of the earliest window that is planned for this board.",
            kind=Kind.STAT,
            unit=Unit.FROM_NOW,
            queries=(
                Query(
                    f"1000 * {_of('gpuwatch_gpu_flag_window_start_timestamp_seconds')}", "window"
                ),
            ),
            width=5,
            height=5,
            empty="No window is planned.",
        ),
        Panel(
            title="Who and where",
            description="What identifies this board, and every place in which it is known. "
            "The host's name leads to its dashboard.",
            kind=Kind.TABLE,
            unit=Unit.COUNT,
            queries=(
                Query(
                    f"{_of('gpuwatch_gpu_info')}"
                    f" * on (instance, uuid) group_left () {_of('gpuwatch_gpu_present')}",
                    title="present",
                ),
            ),
            width=24,
            height=4,
            columns=(
                *("instance", "gpu", "slot", "pci_address", "serial", "name"),
                *("part_number", "vbios", "driver", "uuid"),
            ),
            words=((0.0, "no", Colour.NOW), (1.0, "yes", Colour.GOOD)),
        ),
    ),
)

_JUDGED = Section(
    "Findings and flag",
    (
        Panel(
            title="Findings",
            description="Every rule that holds. `gpuwatch explain UUID` on the host tells why.",
            kind=Kind.TABLE,
            unit=Unit.COUNT,
            queries=(
                Query(
                    graded(lambda which: _of(FOUND, f",{which}"), "urgency", URGENCIES),
                    title="urgency",
                ),
            ),
            columns=("code", "remedy", "instance"),
            words=URGENCIES,
            empty=NO_FINDING,
            width=8,
        ),
        Panel(
            title="Flag",
            description="State of the latest flag of each rule; closed and dismissed ones are "
            "history.",
            kind=Kind.TABLE,
            unit=Unit.COUNT,
            queries=(
                Query(
                    graded(
                        lambda which: f"{_of('gpuwatch_gpu_flag', f',{which}')} == 1",
                        "state",
                        FLAG_STATES,
                    ),
                    title="state",
                ),
            ),
            columns=("code", "instance"),
            words=FLAG_STATES,
            empty=_NO_FLAG,
            width=8,
        ),
        _graph(
            "Verdict over time",
            "1 while the GPU had this verdict.",
            Unit.COUNT,
            Query(f"{_of('gpuwatch_gpu_verdict')} == 1", "{{verdict}}"),
            band=True,
        ),
        _graph(
            "Living flags over time",
            "Whether a flag of this board was open, in somebody's hands or being verified.",
            Unit.COUNT,
            Query(f"{_of('gpuwatch_gpu_flag', ',' + LIVING)} == 1", "{{code}}, {{state}}"),
            empty=_NO_FLAG,
            band=True,
            width=12,
        ),
        _graph(
            "Incidents over time",
            "Incidents of uncorrectable errors on record, by memory.",
            Unit.COUNT,
            Query(f"sum by (memory) ({_of('gpuwatch_gpu_incidents_total')})", "{{memory}}"),
            width=12,
        ),
    ),
)

_MEMORY = Section(
    "Memory",
    (
        _graph(
            "Uncorrected errors over the board's life",
            "By memory, from the InfoROM.",
            Unit.COUNT,
            Query(_of("gpuwatch_gpu_ecc_uncorrected_aggregate_memory_errors_total"), "{{memory}}"),
            empty=_NOT_TOLD,
        ),
        _graph(
            "Remapped rows",
            "Rows remapped after uncorrectable and correctable errors, whether a remap waits for "
            "a reset, and whether one has failed.",
            Unit.COUNT,
            Query(_of("gpuwatch_gpu_rows_remapped_uncorrectable_total"), "uncorrectable"),
            Query(_of("gpuwatch_gpu_rows_remapped_correctable_total"), "correctable"),
            Query(_of("gpuwatch_gpu_row_remap_pending"), "pending"),
            Query(_of("gpuwatch_gpu_row_remap_failed"), "failed"),
            empty=_NOT_TOLD,
        ),
        _graph(
            "Banks that have used spare rows",
            "Banks of memory by how many spare rows they have left, those left out that have all.",
            Unit.COUNT,
            Query(_of("gpuwatch_gpu_row_remap_banks", ',spare!="max"'), "{{spare}}"),
            empty=_NOT_TOLD,
        ),
        _graph(
            "Retired pages",
            "Pages retired on boards before Ampere.",
            Unit.COUNT,
            Query(_of("gpuwatch_gpu_pages_retired_double_bit_total"), "double-bit"),
            Query(_of("gpuwatch_gpu_pages_retired_single_bit_total"), "single-bit"),
            empty=_NOT_TOLD,
        ),
        _graph(
            "Corrected errors",
            "Corrected errors for each second; never a reason to replace a board.",
            Unit.NUMBER,
            Query(
                f"rate({_of('gpuwatch_gpu_ecc_corrected_volatile_errors_total')}[$__rate_interval])",
                "corrected",
            ),
            empty=_NOT_TOLD,
        ),
        Panel(
            title="Xid errors on record",
            description="Every code that was seen: how often, by reporter, since the agent counts.",
            kind=Kind.TABLE,
            unit=Unit.COUNT,
            queries=(Query(f"{_of('gpuwatch_gpu_xid_errors_total')} > 0", title="errors"),),
            width=8,
            columns=("xid", "source", "instance"),
            empty="No Xid errors.",
        ),
    ),
)

_LINKS = Section(
    "Links",
    (
        _graph(
            "NVLinks",
            "Links that are up, and links that the GPU has.",
            Unit.COUNT,
            Query(_of("gpuwatch_gpu_nvlink_active_links"), "up"),
            Query(_of("gpuwatch_gpu_nvlink_links"), "all"),
            empty=_NOT_TOLD,
        ),
        _graph(
            "NVLink errors",
            "By kind, for each second.",
            Unit.NUMBER,
            Query(f"rate({_of('gpuwatch_gpu_nvlink_errors_total')}[$__rate_interval])", "{{kind}}"),
            empty=_NOT_TOLD,
        ),
        _graph(
            "PCIe link",
            "Generation and lanes at which the link runs; an idle GPU lowers the generation.",
            Unit.COUNT,
            Query(_of("gpuwatch_gpu_pcie_link_generation"), "generation"),
            Query(_of("gpuwatch_gpu_pcie_link_lanes"), "lanes"),
            empty=_NOT_TOLD,
        ),
    ),
)

_LOAD = Section(
    "Load",
    (
        _graph(
            "Power",
            "What the board draws, by the driver and by the BMC, and its limit.",
            Unit.WATT,
            Query(_of("gpuwatch_gpu_power_watts"), "driver"),
            Query(_of("gpuwatch_gpu_power_limit_watts"), "limit"),
            Query(_of("gpuwatch_bmc_gpu_power_watts"), "BMC {{bmc}}"),
        ),
        _graph(
            "Temperature",
            "Core and memory, by the driver and by the BMC.",
            Unit.CELSIUS,
            Query(_of("gpuwatch_gpu_temperature_celsius"), "core"),
            Query(_of("gpuwatch_gpu_memory_temperature_celsius"), "memory"),
            Query(_of("gpuwatch_bmc_gpu_temperature_celsius"), "core, BMC {{bmc}}"),
            floor=20.0,
        ),
        _graph(
            "Clock",
            "Clock of the streaming multiprocessors.",
            Unit.HERTZ,
            Query(_of("gpuwatch_gpu_sm_clock_hertz"), "clock"),
        ),
        _graph(
            "Utilization",
            "Share of time in which a kernel ran.",
            Unit.SHARE,
            Query(_of("gpuwatch_gpu_utilization_ratio"), "utilization"),
        ),
        _graph(
            "Held back, by reason",
            "Share of time in which the clocks were held down.",
            Unit.SHARE,
            Query(
                "avg_over_time("
                + _of("gpuwatch_gpu_clocks_event", ',reason!~"gpu_idle|applications.*"')
                + "[$__rate_interval])",
                "{{reason}}",
            ),
        ),
        _graph(
            "Signals that cannot be read",
            "How many, by reason. Unsupported is no fault; denied and timed out blind gpuwatch.",
            Unit.COUNT,
            Query(_of("gpuwatch_gpu_signal_gap"), "{{reason}}"),
            empty="All signals are read.",
        ),
    ),
)

DASHBOARD = Dashboard(
    uid="gpuwatch-gpu",
    title="gpuwatch: GPU",
    description="One board's life, in whichever host it was.",
    sections=(_NOW, _JUDGED, _MEMORY, _LINKS, _LOAD),
    variables=(HOST, _UUID),
    span="now-7d",
)
