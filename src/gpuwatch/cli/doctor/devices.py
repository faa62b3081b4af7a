"""Devices: looks at the device files of NVIDIA's driver, and at who else holds them open."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from gpuwatch.cli.doctor.answers import Answer, ok, problem, unknown
from gpuwatch.cli.doctor.driver import OFF
from gpuwatch.cli.doctor.scene import Scene, may
from gpuwatch.cli.doctor.system import Process, below, opened, processes
from gpuwatch.exposition.redaction import Named
from gpuwatch.exposition.words import plural
from gpuwatch.sources.driver import driver_load, pci_functions

_LISTED = 4
_READ_WRITE = 6
_HOSTS_PROCESSES = "pid:[4026531836]"  # PROC_PID_INIT_INO, include/linux/proc_ns.h


def look_at_devices(scene: Scene) -> Iterator[Answer]:
    """Whether the driver's device files are there, and the agent's user may open them."""
    nvml, source = scene.settings.nvml, scene.source("nvml")
    managed = [one for one in pci_functions(Path(nvml.sysfs)) if one.managed]
    if not nvml.enabled:
        yield ok("devices", OFF)
    elif source is not None and source["up"]:
        yield ok("devices", "the agent has them open: GPUs answer")
    elif driver_load(Path(nvml.sysfs), Path(nvml.proc)) is None:
        yield unknown("devices", "no driver is loaded that would have any", "first the driver")
    else:
        yield devices_answer(scene, len(managed))


def devices_answer(scene: Scene, gpus: int) -> Answer:
    """What the files themselves say; nothing is opened."""
    folder, user = scene.root / "dev", scene.agents_user()
    wanted = [folder / "nvidiactl", *(folder / f"nvidia{index}" for index in range(gpus))]
    missing = [path.name for path in wanted if not path.exists()]
    if missing:
        return problem(
            "devices",
            f"not there: {', '.join(f'/dev/{name}' for name in missing[:_LISTED])}",
            "sudo systemctl enable --now nvidia-persistenced, which makes them",
        )
    if user is None:
        found = f"{len(wanted)} are there; this host has no user gpuwatch to look for"
        return unknown("devices", found, "name the agent's user by starting the agent")
    closed = [path for path in wanted if not may(path.stat(), *user, _READ_WRITE)]
    if closed:
        mode = f"{closed[0].stat().st_mode & 0o777:o}"
        return problem(
            "devices",
            f"the agent's user may not open /dev/{closed[0].name} (mode {mode})",
            "let it: NVreg_DeviceFileMode of the module nvidia, or its group in the unit",
        )
    return ok("devices", f"{len(wanted)} are there, and the agent's user may open them")


def look_at_holders(scene: Scene) -> Iterator[Answer]:
    """Who holds the driver open besides us: who a reset or an upgrade would have to wait for."""
    if _is_contained(scene.proc):
        found = "a container sees no process of its host but its own"
        yield unknown("holders", found, "run it on the host, or with the host's processes")
        return
    listed = {one.pid: one for one in processes(scene.proc)}
    ours = below(listed, scene.asker) | (below(listed, scene.told["pid"]) if scene.told else set())
    holders, unseen = [], 0
    for pid, one in sorted(listed.items()):
        try:
            if pid not in ours and opened(scene.proc / str(pid), "/dev/nvidia"):
                holders.append(one)
        except PermissionError:
            unseen += 1
        except OSError:  # it has ended
            continue
    yield _holders_answer(holders, unseen, len(listed), is_root=scene.is_root)


def _is_contained(proc: Path) -> bool:
    """Whether the table of processes is not the host's."""
    try:
        return str((proc / "self" / "ns" / "pid").readlink()) != _HOSTS_PROCESSES
    except OSError:
        return False


def _holders_answer(
    holders: Sequence[Process], unseen: int, looked_at: int, *, is_root: bool
) -> Answer:
    shown = holders[: 2 * _LISTED]
    more = len(holders) - len(shown)
    listed = ", ".join(f"{one.name} ({one.pid})" for one in shown)
    found = f"{plural(len(holders), 'other process')}: {listed}" + (
        f" and {more} more" if more else ""
    )
    found = found if holders else "nobody else has /dev/nvidia* open"
    names = [one.name for one in shown]
    if unseen:
        told = f"of {plural(looked_at, 'process')} {unseen} cannot be looked into; {found}"
        remedy = "a container needs CAP_SYS_PTRACE" if is_root else "sudo gpuwatch doctor"
        return unknown("holders", told, remedy).naming(Named.PROCESS, *names)
    return ok("holders", found).naming(Named.PROCESS, *names)
