"""Doctors: scenes for the looks of `gpuwatch doctor`, told by an agent or not, in a folder."""

from dataclasses import replace
from pathlib import Path
from typing import Any, cast

from gpuwatch import __version__
from gpuwatch.agent.doctor_requests import DoctorShape, of_snapshot
from gpuwatch.cli.doctor.scene import Read, Scene, Silence, Silent
from gpuwatch.config.loading import load
from gpuwatch.domain.moments import Moment
from gpuwatch.domain.snapshot import BackupState, Snapshot, SourceState, WebState
from gpuwatch.sources.base import DriverCondition
from tests.support.snapshots import AT, BOOT, DRIVER, gpu_state

HOUR = 3_600.0
AGENT_PID = 4_242


def healthy() -> Snapshot:
    """A host with two GPUs on which nothing is amiss."""
    sources = tuple(SourceState(name=name, up=True, fresh=True) for name in ("nvml", "kernel_log"))
    return Snapshot(
        version=1,
        at=Moment(wall=AT, boottime=100.0, boot_id=BOOT),
        started_at=AT - 30 * HOUR,
        hostname="gpu-node-17",
        gpus=(gpu_state(0), gpu_state(1)),
        sources=sources,
        backups=BackupState(AT - 5 * HOUR),
        web=WebState(),
        clock_synchronized=True,
        history_bytes=3_211_264,
    )


def scrape(**changes: object) -> dict[str, Any]:
    """A Prometheus that was answered a few seconds ago."""
    return {
        "client": "10.20.0.5",
        "program": "Prometheus/3.1.0",
        "path": "/metrics",
        "status": 200,
        "at": AT - 12.0,
        "count": 431,
        **changes,
    }


def told(snapshot: Snapshot, **changes: object) -> DoctorShape:
    """What an agent with that snapshot answers."""
    ready = {
        "condition": DriverCondition.READY,
        "text": "",
        "driver_version": DRIVER,
        "library_version": f"13.{DRIVER}",
    }
    answer = {
        "version": __version__,
        "python": "3.11.2",
        "pid": AGENT_PID,
        "uid": 990,
        "groups": [990],
        "started_at": snapshot.started_at,
        "at": snapshot.at.wall,
        "heartbeat_seconds": 0.4,
        "listening": [9853],
        "driver": ready,
        "scrapes": [scrape()],
        **of_snapshot(snapshot),
        "history": "/none/history.db",
        "files": [],
        "settings": [],
        "metrics": "",
        **changes,
    }
    return cast("DoctorShape", answer)


def scene(
    root: Path,
    answer: DoctorShape | None = None,
    *options: str,
    **changes: Any,  # noqa: ANN401
) -> Scene:
    """A scene in `root`, with settings as on the command line; without an answer no agent runs."""
    movable = (f"nvml.sysfs={root}/sys", f"nvml.proc={root}/proc")
    loaded = load(options=(*movable, *options), environment={})
    read = Read(
        settings=loaded.settings,
        socket=root / "run/gpuwatch/control.sock",
        history=root / "var/lib/gpuwatch/history.db",
    )
    absent = Silent(Silence.ABSENT, f"no agent listens at {read.socket}", "start it")
    for folder in ("proc", "dev", "sys", "run", "etc"):
        (root / folder).mkdir(exist_ok=True)
    made = Scene(
        read=read, now=AT, told=answer, silent=None if answer else absent, root=root, uid=0
    )
    return replace(made, **changes)


def process(root: Path, pid: int, name: str, *, parent: int = 1, state: str = "S") -> Path:
    """A process in the table of a temporary root, which holds nothing open yet."""
    home = root / "proc" / str(pid)
    (home / "fd").mkdir(parents=True)
    (home / "stat").write_text(f"{pid} ({name}) {state} {parent} 1 1 0 -1\n")
    return home


def module(root: Path, version: str = DRIVER) -> None:
    """The driver as loaded in a temporary root."""
    home = root / "sys" / "module" / "nvidia"
    home.mkdir(parents=True)
    (home / "initstate").write_text("live\n")
    (home / "version").write_text(f"{version}\n")


def function(root: Path, address: str, driver: str = "nvidia") -> None:
    """A GPU on the PCI bus of a temporary root."""
    home = root / "sys" / "bus" / "pci" / "devices" / address
    home.mkdir(parents=True)
    (home / "vendor").write_text("0x10de\n")
    (home / "class").write_text("0x030200\n")
    (home / "driver").symlink_to(f"../../drivers/{driver}")
