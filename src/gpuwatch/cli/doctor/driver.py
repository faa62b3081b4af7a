"""Driver: looks at NVIDIA's driver, its library, the GPUs and what they tell."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from gpuwatch.cli.doctor.alone import Gpus, ask_gpus, is_stuck, standing_release
from gpuwatch.cli.doctor.answers import Answer, from_sentence, ok, problem, unknown
from gpuwatch.cli.doctor.scene import Scene
from gpuwatch.domain.readings import GapReason
from gpuwatch.exposition.words import plural
from gpuwatch.sources.base import DriverCondition
from gpuwatch.sources.driver import driver_load
from gpuwatch.sources.nvml_signals import TABLE

if TYPE_CHECKING:
    from gpuwatch.agent.doctor_requests import DriverShape
    from gpuwatch.exposition.shapes import GpuShape, SourceShape

NAMES = ("driver", "library", "gpus", "signals")
OFF = "not asked: nvml.enabled is false"
_LISTED = 4
_PREFIX = "gpuwatch_gpu_"  # of every key
_NO_GPU = ("the driver knows no GPU", "lspci -d 10de: tells what is there")
_LET_US_OPEN = (
    "let it open /dev/nvidiaN: DeviceAllow= of the unit, what the container was given, its mode"
)
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
        yield from (ok(name, OFF) for name in NAMES)
    elif scene.told is not None:
        yield from _as_told(scene, scene.told["driver"], scene.source("nvml"))
    elif not scene.is_alone:
        yield from (unknown(name, *scene.untold) for name in NAMES)
    else:
        yield from _alone(scene)


def _alone(scene: Scene) -> Iterator[Answer]:
    try:
        held = standing_release(scene.settings, scene.now)
    except PermissionError as error:
        found = f"not asked: the driver may be let go of; {error.filename} is not for this user"
        yield from (unknown(name, found, "sudo gpuwatch doctor") for name in NAMES)
        return
    if held:
        remedy = "wait until that is done, or start the agent"
        yield from (unknown(name, f"not asked: {held}", remedy) for name in NAMES)
        return
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
    if gpus and not any(gpu["managed"] for gpu in gpus):
        found = f"{plural(len(gpus), 'GPU')}, held by another driver (vfio): none is asked"
        yield from (ok(name, found) for name in ("gpus", "signals"))
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
    if gpus.denied:
        what = f"the driver does not let us open {', '.join(gpus.denied)} (no permission)"
        yield problem("gpus", what, _LET_US_OPEN)
    elif expected is not None and count < expected:
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
    yield signals_answer(gpus.gaps, None, alone=True)


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
    gaps: Mapping[str, Readings], sram: "SourceShape | None", *, alone: bool = False
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
    if denied and denied <= _PRIVILEGED and len(amiss) == 1:
        if alone:  # whoever is asked is not the agent, to which root tells them
            return unknown("signals", found, "first the agent, for which root asks for these")
        why = f" ({sram['problem']})" if sram is not None and sram["problem"] else ""
        return problem(
            "signals",
            f"{found}{why}",
            "sudo systemctl enable --now gpuwatch-sram.timer: root asks for the agent",
        )
    if denied - _PRIVILEGED:
        whose = "whoever asks" if alone else "the agent"
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
