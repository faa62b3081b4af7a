"""Fleet cases: what only a fleet sees, at its edges: boards that move, hosts that are renamed."""

from gpuwatch.cli.alerts.fleet import EXPOSURE, INCIDENTS
from tests.support.alert_cases import GPU, INFO, Case, Check, Labels

_SERIAL = "1654223010009"
_COHORT = 'part_number="692-2",vbios="96.00"'
_DAY = 1440
_ELSEWHERE = "GpuwatchFlaggedBoardElsewhere"


def _on(host: str, metric: str, more: str = "") -> str:
    return f'{metric}{{job="gpuwatch",instance="{host}:9853",gpu="0",uuid="GPU-a"{more}}}'


def _info(host: str) -> str:
    return _on(host, "gpuwatch_gpu_info", f',serial="{_SERIAL}",name="H100"')


def _flag(host: str) -> str:
    return (
        f'gpuwatch_board_flag_info{{job="gpuwatch",instance="{host}:9853",serial="{_SERIAL}",'
        'code="off-the-bus-again",disposition="undecided"}'
    )


def _moved(host: str) -> Labels:
    return {
        "code": "flagged-board-elsewhere",
        "severity": "warning",
        "route": "window",
        "scope": "gpu",
        "job": "gpuwatch",
        "instance": f"{host}:9853",
        "uuid": "GPU-a",
        "serial": _SERIAL,
    }


# Every five minutes.
EDGES: tuple[Case, ...] = (
    Case(
        name="a flagged board moves twice, and home again",
        every=5,
        series={
            _flag("n1"): "1x20 stale",
            _info("n2"): "_x40 1x20 stale",
            _on("n2", "gpuwatch_gpu_present"): "_x40 1x20 stale",
            _info("n3"): "_x70 1x20 stale",
            _on("n3", "gpuwatch_gpu_present"): "_x70 1x20 stale",
            _info("n1"): "1x20 stale _x80 1x30",
            _on("n1", "gpuwatch_gpu_present"): "1x20 stale _x80 1x30",
        },
        checks=(
            Check(at=100, alert=_ELSEWHERE),
            Check(at=250, alert=_ELSEWHERE, fires=(_moved("n2"),)),
            Check(at=335, alert=_ELSEWHERE),
            Check(at=400, alert=_ELSEWHERE, fires=(_moved("n3"),)),
            Check(at=600, alert=_ELSEWHERE),
        ),
    ),
    Case(
        name="the host of a flagged board is renamed",
        every=5,
        series={
            _flag("n1"): "1x20 stale",
            _info("n1"): "1x20 stale",
            _on("n1", "gpuwatch_gpu_present"): "1x20 stale",
            _flag("node1"): "_x22 1x60",
            _info("node1"): "_x22 1x60",
            _on("node1", "gpuwatch_gpu_present"): "_x22 1x60",
        },
        checks=tuple(Check(at=at, alert=_ELSEWHERE) for at in (115, 130, 300)),
    ),
    Case(
        name="incidents of a board whose host is renamed, or whose counter falls, count once",
        every=30,
        series={
            INFO: "1x6 stale",
            f'gpuwatch_gpu_incidents_total{{{GPU},memory="dram"}}': "4x2 5x3 stale",
            _on("n9", "gpuwatch_gpu_info", ',part_number="692-2",vbios="96.00"'): "_x7 1x20",
            _on("n9", "gpuwatch_gpu_incidents_total", ',memory="dram"'): "_x7 5x4 1x3 2x10",
        },
        queries=tuple(
            (at, INCIDENTS, ((f"{INCIDENTS}{{{_COHORT}}}", rise),))
            for at, rise in ((90, 1), (270, 0), (360, 0), (450, 0), (510, 1))
        ),
    ),
)  # fmt: skip

# Once a day, as a Prometheus that forgets after 15 days has it: nothing of a year before.
FORGETFUL: tuple[Case, ...] = (
    Case(
        name="of 15 days, five incidents of 100 boards are a cohort and four are none",
        every=_DAY,
        series={
            f"{INCIDENTS}{{{_COHORT}}}": "0 1x4 0x9",
            f"{EXPOSURE}{{{_COHORT}}}": "8640000x14",
            f'{INCIDENTS}{{part_number="692-3",vbios="96.00"}}': "0 1x3 0x10",
            f'{EXPOSURE}{{part_number="692-3",vbios="96.00"}}': "8640000x14",
        },
        checks=(
            Check(at=4 * _DAY, alert="GpuwatchCohort"),
            Check(
                at=14 * _DAY,
                alert="GpuwatchCohort",
                fires=(
                    {
                        "code": "cohort",
                        "severity": "warning",
                        "route": "window",
                        "scope": "fleet",
                        "part_number": "692-2",
                        "vbios": "96.00",
                    },
                ),
            ),
        ),
    ),
)
