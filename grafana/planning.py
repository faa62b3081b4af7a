"""Planning: what goes into the next windows, what misses them, and how many spares it takes."""

from grafana.model import Colour, Dashboard, Kind, Panel, Query, Section, Step, Unit
from grafana.words import (
    ACCEPTANCES,
    BOARD,
    FLAGGED,
    LIVING,
    NOBODY,
    WINDOW_START,
    counted,
    graded,
    milliseconds,
    summed,
)

_BOARDS = "name_part_number_vbios_driver:gpuwatch_gpu_info:count"
_PLANNED = f"(min by (instance, uuid) ({WINDOW_START}))"
_AHEAD = f"({_PLANNED} >= time())"


def _which(holds: str) -> str:
    return f"{FLAGGED} and on (instance, uuid) ({holds})"


def _number(title: str, description: str, expr: str, colour: Colour) -> Panel:
    return Panel(
        title=title,
        description=description,
        kind=Kind.STAT,
        unit=Unit.COUNT,
        queries=(Query(expr, "boards"),),
        width=4,
        height=4,
        base=Colour.GOOD,
        steps=(Step(1, colour),),
    )


_NUMBERS = Section(
    "How many",
    (
        _number("Flagged boards", "Boards with a flag that lives.", counted(FLAGGED), Colour.NOTE),
        _number(
            "In windows within 7 days",
            "Boards whose planned window starts within 7 days.",
            counted(f"{_AHEAD} < time() + 7 * 86400"),
            Colour.SOON,
        ),
        _number(
            "In windows within 30 days",
            "Boards whose planned window starts within 30 days.",
            counted(f"{_AHEAD} < time() + 30 * 86400"),
            Colour.NOTE,
        ),
        _number(
            "Late",
            "Boards for which no window starts before their flag is due.",
            counted("gpuwatch_gpu_flag_late == 1"),
            Colour.ACT,
        ),
        _number(
            "Overdue", "Boards whose flag is past due.", counted(f"{FLAGGED} < time()"), Colour.NOW
        ),
        _number(
            "In hands or verified",
            "Flags that somebody works on, or whose new board proves itself.",
            summed('code_state:gpuwatch_gpu_flag:sum{state=~"in_hands|verifying"}'),
            Colour.NOTE,
        ),
    ),
)

_WINDOWS = Section(
    "Windows",
    (
        Panel(
            title="What goes into the next windows",
            description="Flagged boards with a planned window, the earliest window first.",
            kind=Kind.TABLE,
            unit=Unit.DATE,
            queries=(
                Query(
                    "sort("
                    + milliseconds(
                        f"{_PLANNED} + on (instance, uuid) group_right () (0 * " + FLAGGED + ")"
                    )
                    + ")",
                    title="window",
                ),
                Query(
                    milliseconds(f"min by (instance, uuid) ({FLAGGED})"),
                    title="due",
                    unit=Unit.FROM_NOW,
                ),
            ),
            width=24,
            height=9,
            columns=BOARD,
            empty="No board is planned into a window.",
        ),
        Panel(
            title="No window in time",
            description="Flagged boards for which no window starts before they are due, with when "
            "they are. `gpuwatch flags schedule` gives one a window.",
            kind=Kind.TABLE,
            unit=Unit.FROM_NOW,
            queries=(
                Query(f"sort({milliseconds(_which('gpuwatch_gpu_flag_late == 1'))})", title="due"),
            ),
            columns=BOARD,
            empty="Every flagged board has a window in time.",
        ),
        Panel(
            title="Next windows of hosts with flagged boards",
            description="Start of the window that is open, else of the next, and how many boards "
            "of the host are flagged.",
            kind=Kind.TABLE,
            unit=Unit.DATE,
            queries=(
                Query(
                    "sort("
                    + milliseconds(
                        "max by (instance) (gpuwatch_maintenance_window_start_timestamp_seconds)"
                        f" and on (instance) {FLAGGED}"
                    )
                    + ")",
                    title="window",
                ),
                Query(f"count by (instance) ({FLAGGED})", title="boards", unit=Unit.COUNT),
            ),
            columns=("instance",),
            empty="No host with a flagged board has a window.",
        ),
    ),
)

_SPARES = Section(
    "Spares and returns",
    (
        Panel(
            title="Spares by part number",
            description="How many boards are flagged, how many of them within 30 days, and how "
            "many such boards are in service: what to have at hand.",
            kind=Kind.TABLE,
            unit=Unit.COUNT,
            queries=(
                Query(f"count by (name, part_number) ({FLAGGED})", title="flagged"),
                Query(
                    f"count by (name, part_number) ({FLAGGED} < time() + 30 * 86400)",
                    title="due within 30 days",
                ),
                Query(
                    f"sum by (name, part_number) ({_BOARDS}) and on (name, part_number) {FLAGGED}",
                    title="in service",
                ),
            ),
            columns=("name", "part_number"),
            empty=NOBODY,
        ),
        Panel(
            title="What becomes of flagged boards",
            description="Boards with an open flag by what people decided: undecided, or a return "
            "to the vendor and the like.",
            kind=Kind.TABLE,
            unit=Unit.COUNT,
            queries=(Query("count by (disposition) (gpuwatch_board_flag_info)", title="boards"),),
            width=6,
            columns=("disposition",),
            empty=NOBODY,
        ),
        Panel(
            title="Acceptance",
            description="Boards that came in for flagged ones, and where their acceptance stands.",
            kind=Kind.TABLE,
            unit=Unit.COUNT,
            queries=(
                Query(
                    graded(
                        lambda which: f"gpuwatch_gpu_acceptance{{{which}}} == 1",
                        "state",
                        ACCEPTANCES,
                    ),
                    title="state",
                ),
            ),
            width=6,
            columns=("instance", "gpu", "uuid"),
            words=ACCEPTANCES,
            empty="No board has come in for a flagged one.",
        ),
        Panel(
            title="Flags over time",
            description="Flags that live, by state: whether they are worked off.",
            kind=Kind.TIME_SERIES,
            unit=Unit.COUNT,
            queries=(
                Query(
                    f"sum by (state) (code_state:gpuwatch_gpu_flag:sum{{{LIVING}}})", "{{state}}"
                ),
            ),
            width=24,
            stacked=True,
            empty=NOBODY,
        ),
    ),
)

DASHBOARD = Dashboard(
    uid="gpuwatch-planning",
    title="gpuwatch: replacement planning",
    description="What goes into the next windows, what misses them, and how many spares it takes.",
    sections=(_NUMBERS, _WINDOWS, _SPARES),
    span="now-30d",
)
