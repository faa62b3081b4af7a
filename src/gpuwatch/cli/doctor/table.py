"""Table: the looks in their order, each with the time that it may take."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from functools import partial

from gpuwatch.cli.doctor.alone import BMC_SECONDS, GPU_SECONDS, LOG_SECONDS, STOP_SECONDS
from gpuwatch.cli.doctor.answers import Answer, unknown
from gpuwatch.cli.doctor.apart import Broken, Hung, Work, apart
from gpuwatch.cli.doctor.devices import look_at_devices, look_at_holders
from gpuwatch.cli.doctor.driver import NAMES as OF_THE_GPUS
from gpuwatch.cli.doctor.driver import look_at_gpus
from gpuwatch.cli.doctor.elsewhere import without_systemd
from gpuwatch.cli.doctor.itself import (
    look_at_access,
    look_at_agent,
    look_at_children,
    look_at_settings,
    look_at_unit,
)
from gpuwatch.cli.doctor.memory import look_at_backups, look_at_disk, look_at_history
from gpuwatch.cli.doctor.outside import look_at_bmcs, look_at_kernel_log
from gpuwatch.cli.doctor.readers import look_at_clock, look_at_port, look_at_prometheus
from gpuwatch.cli.doctor.scene import Scene, become_the_agents_user
from gpuwatch.cli.doctor.system import is_systemds

Look = Callable[[Scene], Iterable[Answer]]
_QUICK = 10.0  # seconds for what reads a few files
_SLOW = 30.0
_MARGIN = 5.0
# What hangs where, and the way out; whatever else hangs is a disk or a kernel that does.
_HANGS = {
    "history": "gpuwatch runbook history-degraded: does the disk answer? ls /var/lib/gpuwatch",
    "disk": "gpuwatch runbook history-degraded: does the disk answer? df /var/lib/gpuwatch",
    "driver": "gpuwatch runbook driver-hung",
    "bmc": "gpuwatch runbook bmc-unreachable",
}
_OTHERWISE = "try it again, then look at the kernel log: dmesg"


@dataclass(frozen=True, slots=True)
class Row:
    """One look: what it answers, by what, in how many seconds at most, and by whose rights."""

    names: tuple[str, ...]
    look: Look
    seconds: float = _QUICK
    as_agent: bool = False  # by the agent's user, where nobody but us asks


LOOKS = (
    Row(("settings",), look_at_settings),
    Row(("agent",), look_at_agent, 2 * _QUICK),  # systemctl and journalctl have their own
    Row(("unit",), look_at_unit),
    Row(("access",), look_at_access),
    Row(("children",), look_at_children),
    Row(OF_THE_GPUS, look_at_gpus, GPU_SECONDS + STOP_SECONDS + _MARGIN, as_agent=True),
    Row(("devices",), look_at_devices),
    Row(("holders",), look_at_holders, _SLOW),
    Row(("kernel-log",), look_at_kernel_log, LOG_SECONDS + STOP_SECONDS + _MARGIN),
    Row(("bmc",), look_at_bmcs, BMC_SECONDS + STOP_SECONDS + _MARGIN),
    Row(("history",), look_at_history, _SLOW),
    Row(("disk",), look_at_disk),
    Row(("backups",), look_at_backups),
    Row(("clock",), look_at_clock),
    Row(("port",), look_at_port),
    Row(("prometheus",), look_at_prometheus),
)


def answers(scene: Scene, rows: Iterable[Row] = LOOKS) -> tuple[Answer, ...]:
    """What each look found, in order; of one that hung or failed, that it did."""
    told = apart({row.names[0]: Work(partial(_look, row, scene), row.seconds) for row in rows})
    return worded_for(scene, (answer for row in rows for answer in _of(row, told)))


def worded_for(scene: Scene, found: Iterable[Answer]) -> tuple[Answer, ...]:
    """The same with remedies for this host, which may have no systemd."""
    if is_systemds(scene.root):
        return tuple(found)
    return tuple(replace(one, remedy=without_systemd(one.remedy)) for one in found)


def _look(row: Row, scene: Scene) -> tuple[Answer, ...]:
    """In a process of its own, which may become another user's."""
    if row.as_agent and scene.told is None:
        become_the_agents_user()
    return tuple(row.look(scene))


def _of(row: Row, told: Mapping[str, tuple[Answer, ...] | Hung | Broken]) -> Iterable[Answer]:
    got = told[row.names[0]]
    if isinstance(got, Hung | Broken):
        return (unknown(name, got.text, _HANGS.get(row.names[0], _OTHERWISE)) for name in row.names)
    return got
