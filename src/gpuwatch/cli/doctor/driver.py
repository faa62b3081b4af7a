"""Driver: looks at NVIDIA's driver, its library and device files, and who else holds them."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from gpuwatch.cli.doctor.alone import Gpus, ask_gpus, is_stuck, standing_release
from gpuwatch.cli.doctor.answers import Answer, from_sentence, ok, problem, unknown
from gpuwatch.cli.doctor.scene import Scene, may
from gpuwatch.cli.doctor.system import Process, below, opened, processes
from gpuwatch.domain.readings import GapReason
from gpuwatch.exposition.redaction import Named
from gpuwatch.exposition.words import plural
from gpuwatch.sources.base import DriverCondition
from gpuwatch.sources.driver import driver_load, pci_functions
from gpuwatch.sources.nvml_signals import TABLE

if TYPE_CHECKING:
    from gpuwatch.agent.doctor_requests import DriverShape
    from gpuwatch.exposition.shapes import GpuShape, SourceShape

NAMES = ("driver", "library", "gpus", "signals")
_OFF = "not asked: nvml.enabled is false"
_LISTED = 4
_PREFIX = "gpuwatch_gpu_"  # of every key
_READ_WRITE = 6
_NO_GPU = ("the driver knows no GPU", "lspci -d 10de: tells what is there")
_HOSTS_PROCESSES = "pid:[4026531836]"  # PROC_PID_INIT_INO, include/linux/proc_ns.h
_PRIVILEGED = frozenset(row.key for row in TABLE if row.privileged)
_AMISS = (GapReason.DENIED, GapReason.LOST, GapReason.TIMED_OUT, GapReason.FAILED)
_OF_THE_DRIVER = {
    DriverCondition.NOT_LOADED: (
        "driver",
        "sudo modprobe nvidia, or install the driver; nvml.enabled = false where there are no GPUs",
    ),
    DriverCondition.LIBRARY_MISSING: (
        "library",
        "install the driver's library package, or set nvml.library_path",
    ),
    DriverCondition.MISMATCH: ("library", "reboot, or load the driver that is installed"),
    DriverCondition.HUNG: ("driver", "gpuwatch runbook driver-hung; a reboot of the host ends it"),
    DriverCondition.FAILED: ("library", "gpuwatch runbook source-down"),
}
Readings = Mapping[str, str]  # the gap's reason by signal, "" for a value


def look_at_gpus(scene: Scene) -> Iterator[Answer]:
    """The driver, its library, the GPUs and their signals: as the agent has them, or asked now."""
    if not scene.settings.nvml.enabled:
        yield from (ok(name, _OFF) for name in NAMES)
    elif scene.told is not None:
        yield from _as_told(scene, scene.told["driver"], scene.source("nvml"))
    elif held := standing_release(scene.settings, scene.now):
        remedy = "wait until that is done, or start the agent"
        yield from (unknown(name, f"not asked: {held}", remedy) for name in NAMES)
    else:
        yield from asked_alone(scene, ask_gpus(scene.settings))


def _as_told(
    scene: Scene, driver: "DriverShape | None", source: "SourceShape | None"
) -> Iterator[Answer]:
    if source is not None and source["released"]:
        found = f"let go of: {source['released_reason']}"
        yield from (unknown(name, found, "gpuwatch resume takes it up again") for name in NAMES)
        return
    if source is None:
        remedy = "sudo systemctl restart gpuwatch"
        found = "the agent was started without asking GPUs"
        yield from (problem(name, found, remedy) for name in NAMES)
        return
    if driver is None:
        found = f"not asked yet: {source['problem'] or 'the agent starts'}"
        yield from (unknown(name, found, "ask again in a minute") for name in NAMES)
        return
    versions = driver["driver_version"], driver["library_version"]
    yield from _of_driver(scene, driver["condition"], driver["text"], *versions)
    gpus = scene.told["snapshot"]["gpus"] if scene.told else []
    if driver["condition"] != DriverCondition.READY:
        yield from _nobody_answers()
        return
    yield gpus_answer(gpus, scene.settings.nvml.expected_gpus)
    fresh = {_name(gpu): _reasons(gpu) for gpu in gpus if gpu["fresh"] and gpu["managed"]}
    yield signals_answer(fresh, scene.source("sram"))


def asked_alone(scene: Scene, gpus: Gpus) -> Iterator[Answer]:
    """The same from what a child of our own was told."""
    driver = gpus.driver
    if driver is None:
        found = f"NVML does not answer: {gpus.problem}"
        hangs = DriverCondition.HUNG if is_stuck(gpus.problem) else DriverCondition.FAILED
        yield problem("driver", found, _OF_THE_DRIVER[hangs][1])
        yield unknown("library", "NVML has not answered", "first the driver")
        yield from _nobody_answers()
        return
    versions = driver.driver_version, driver.library_version
    yield from _of_driver(scene, driver.condition, driver.text, *versions)
    if driver.condition != DriverCondition.READY:
        yield from _nobody_answers()
        return
    expected, count = scene.settings.nvml.expected_gpus, len(gpus.found)
    silent = sorted(set(gpus.found) - set(gpus.gaps))
    if expected is not None and count < expected:
        what = f"{count} of the {expected} GPUs expected are here"
        yield problem("gpus", what, "gpuwatch runbook gpu-count")
    elif silent or gpus.lost:
        missing = ", ".join((*silent, *gpus.lost))
        what = f"of {plural(count + len(gpus.lost), 'GPU')} these do not answer: {missing}"
        yield problem("gpus", what, "gpuwatch runbook gpu-unresponsive")
    elif not count:
        yield problem("gpus", *_NO_GPU)
    else:
        yield ok("gpus", f"{plural(count, 'GPU')}, all answer")
    yield signals_answer(gpus.gaps, None, whose="whoever asks")


def _of_driver(
    scene: Scene, condition: str, text: str, loaded: str, library: str
) -> Iterator[Answer]:
    """Both lines: what is amiss stands in one of them, and the other says what is known."""
    nvml = scene.settings.nvml
    load = driver_load(Path(nvml.sysfs), Path(nvml.proc))
    version = (load.version if load else "") or loaded
    known = f"the module is loaded, version {version or 'not told'}"
    where, remedy = _OF_THE_DRIVER.get(condition, ("", ""))
    if where == "driver":
        yield from_sentence("driver", text, remedy)
        yield unknown("library", "not asked while the driver does not answer", "first the driver")
    elif where == "library":
        yield ok("driver", known) if load else unknown("driver", text, remedy)
        yield from_sentence("library", text, remedy)
    else:
        yield ok("driver", known)
        yield ok("library", f"NVML answers, version {library or 'not told'}")


def _nobody_answers() -> Iterator[Answer]:
    for name in ("gpus", "signals"):
        yield unknown(name, "no GPU can be asked", "first the driver and its library")


def gpus_answer(gpus: "Iterable[GpuShape]", expected: int | None) -> Answer:
    """Whether all that should be here are, and answer."""
    known = [gpu for gpu in gpus if gpu["managed"]]
    here = [gpu for gpu in known if gpu["present"]]
    amiss = [gpu for gpu in known if gpu["set_apart"] or not gpu["fresh"]]
    counted = f"{len(here)} of {plural(len(known), 'GPU')} present"
    if expected is not None and len(here) < expected:
        return problem("gpus", f"{counted}, {expected} expected", "gpuwatch runbook gpu-count")
    if amiss:
        listed = "; ".join(f"{_name(gpu)}: {_amiss(gpu)}" for gpu in amiss[:_LISTED])
        return problem("gpus", f"{counted}; {listed}", "gpuwatch explain GPU")
    if not known:
        return problem("gpus", *_NO_GPU)
    return ok("gpus", f"{counted}, all answer")


def _amiss(gpu: "GpuShape") -> str:
    return gpu["set_apart"] or ("no fresh readings" if gpu["present"] else "absent")


def signals_answer(
    gaps: Mapping[str, Readings], sram: "SourceShape | None", *, whose: str = "the agent"
) -> Answer:
    """Which signals cannot be had, by the reason; what a board does not support is not amiss."""
    if not gaps:
        return unknown("signals", "no GPU answers at present", "first the line gpus")
    by_reason: dict[str, set[str]] = defaultdict(set)
    for readings in gaps.values():
        for key, reason in readings.items():
            by_reason[reason].add(key)
    told = len(by_reason[""])
    unsupported = len(by_reason[GapReason.UNSUPPORTED] - by_reason[""])
    found = (
        f"{plural(told, 'signal')} of {plural(len(gaps), 'GPU')} told, {unsupported} unsupported"
    )
    amiss = [
        f"{reason.value}: {_some(by_reason[reason])}" for reason in _AMISS if by_reason[reason]
    ]
    if not amiss:
        return ok("signals", found)
    denied = by_reason[GapReason.DENIED]
    found = f"{found}; {'; '.join(amiss)}"
    if denied and denied <= _PRIVILEGED:
        why = f" ({sram['problem']})" if sram is not None and sram["problem"] else ""
        return problem(
            "signals",
            f"{found}{why}",
            "sudo systemctl enable --now gpuwatch-sram.timer: root asks for the agent",
        )
    if denied:
        remedy = f"the driver refuses them to {whose}: see its unit, docs/systemd.md"
        return problem("signals", found, remedy)
    return problem("signals", found, "gpuwatch status GPU tells each; gpuwatch explain GPU why")


def _some(keys: Iterable[str]) -> str:
    """A few names, and how many more."""
    listed = sorted(key.removeprefix(_PREFIX) for key in keys)
    more = len(listed) - _LISTED
    return ", ".join(listed[:_LISTED]) + (f" and {more} more" if more > 0 else "")


def _name(gpu: "GpuShape") -> str:
    if gpu["index"] is not None and gpu["present"]:
        return f"GPU {gpu['index']}"
    return gpu["serial"] or gpu["uuid"]


def _reasons(gpu: "GpuShape") -> Readings:
    return {key: str(answer.get("gap", "")) for key, answer in gpu["readings"].items()}


def look_at_devices(scene: Scene) -> Iterator[Answer]:
    """Whether the driver's device files are there, and the agent's user may open them."""
    nvml, source = scene.settings.nvml, scene.source("nvml")
    managed = [one for one in pci_functions(Path(nvml.sysfs)) if one.managed]
    if not nvml.enabled:
        yield ok("devices", _OFF)
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
