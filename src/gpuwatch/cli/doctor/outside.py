"""Outside: looks at the kernel log and at management controllers."""

from collections.abc import Iterator
from pathlib import Path

from gpuwatch.cli.doctor.alone import MOST_BMCS, ask_bmcs, ask_kernel_log
from gpuwatch.cli.doctor.answers import Answer, from_sentence, ok, problem, unknown
from gpuwatch.cli.doctor.scene import Scene, may
from gpuwatch.config.bmc import Bmc
from gpuwatch.domain.bmc import BmcFailure, BmcProtocol, BmcTrouble
from gpuwatch.exposition.words import plural

_READ_WRITE = 6
_SUDO = "sudo gpuwatch doctor"
_START = "start the agent, which is given it"


def look_at_kernel_log(scene: Scene) -> Iterator[Answer]:
    """Whether it is read, and nothing of it was lost."""
    settings = scene.settings.kernel_log
    if not settings.enabled:
        yield ok("kernel-log", "not read: kernel_log.enabled is false")
        return
    restricted = _restriction(scene.proc)
    if scene.told is None and not scene.is_alone:
        yield unknown("kernel-log", *scene.untold)
        return
    if scene.told is None:
        state = ask_kernel_log(scene.settings)
        if state.up:
            yield ok("kernel-log", f"{settings.path} can be read by this user{restricted}")
        elif not scene.is_root and Path(settings.path).exists():
            found = f"{settings.path} cannot be read by this user{restricted}"
            yield unknown("kernel-log", f"{found}; the agent's may", _SUDO)
        else:
            yield from_sentence(
                "kernel-log", state.problem or "it does not answer", "docs/kernel-log.md"
            )
        return
    source, lost = scene.source("kernel_log"), _lost(scene)
    if source is None:
        remedy = "sudo systemctl restart gpuwatch"
        yield problem("kernel-log", "the agent was started without reading it", remedy)
    elif not source["up"]:
        said = source["problem"] or "it is not read yet"
        remedy = "give the agent CAP_SYSLOG, as its unit does: docs/kernel-log.md"
        yield from_sentence("kernel-log", f"{settings.path}: {said}", remedy)
    elif lost:
        found = f"{plural(lost, 'record')} were overwritten before they were read"
        yield problem("kernel-log", found, "gpuwatch runbook kernel-log-lost")
    else:
        yield ok("kernel-log", f"{settings.path} is read, nothing lost{restricted}")


def _lost(scene: Scene) -> int:
    return scene.told["snapshot"]["status"]["kernel_log_lost"] if scene.told else 0


def _restriction(proc: Path) -> str:
    """What kernel.dmesg_restrict says, "" where it is not told."""
    try:
        word = (proc / "sys" / "kernel" / "dmesg_restrict").read_text().strip()
    except OSError:
        return ""
    return f" (kernel.dmesg_restrict={word})"


def look_at_bmcs(scene: Scene) -> Iterator[Answer]:
    """Each that the settings name: as the agent has it, or asked now."""
    asked = {name: bmc for name, bmc in scene.settings.bmc.items() if bmc.enabled}
    if not asked:
        yield ok("bmc", f"none is asked{_local_device(scene)}: the settings have no [bmc.NAME]")
    elif scene.told is not None:
        yield from _as_told(scene, tuple(asked))
    elif not scene.is_alone:
        yield from (unknown(f"bmc.{name}", *scene.untold) for name in asked)
    else:
        yield from _alone(scene, asked)


def _local_device(scene: Scene) -> str:
    """That this host has a BMC of its own which could be asked."""
    found = sorted((scene.root / "dev").glob("ipmi[0-9]*"))
    return f", though /dev/{found[0].name} is there" if found else ""


def _as_told(scene: Scene, names: tuple[str, ...]) -> Iterator[Answer]:
    shapes = {one["name"]: one for one in scene.told["snapshot"]["bmcs"]} if scene.told else {}
    for name in names:
        bmc = shapes.get(name)
        if bmc is None:
            remedy = "sudo systemctl restart gpuwatch"
            yield problem(f"bmc.{name}", "the agent was started without it", remedy)
        elif bmc["trouble"] is not None:
            found = f"{bmc['address']}: {bmc['trouble']}: {bmc['problem']}"
            yield problem(f"bmc.{name}", found, bmc["remedy"] or f"gpuwatch explain bmc.{name}")
        elif not bmc["fresh"]:
            found = f"{bmc['address']}: it has told nothing yet"
            yield unknown(f"bmc.{name}", found, "ask again in a minute")
        else:
            identity = bmc["identity"]
            who = " ".join(filter(None, (identity["manufacturer"], identity["product"])))
            yield ok(f"bmc.{name}", f"{bmc['address']} answers{f': {who}' if who else ''}")


def _alone(scene: Scene, asked: dict[str, Bmc]) -> Iterator[Answer]:
    untold = {name: why for name, bmc in asked.items() if (why := _untold(scene, bmc))}
    chosen = [name for name in asked if name not in untold][:MOST_BMCS]
    told = ask_bmcs(scene.settings, frozenset(chosen))
    for name, bmc in asked.items():
        place = bmc.endpoint or bmc.device
        if name in untold:
            yield untold[name]
        elif name not in chosen:
            found = f"{place}: not asked, as {MOST_BMCS} others were"
            yield unknown(f"bmc.{name}", found, "start the agent, which asks all")
        elif name not in told:
            found = f"{place}: it has not answered in time"
            yield problem(f"bmc.{name}", found, "gpuwatch runbook bmc-unreachable")
        else:
            failure = told[name]
            yield (
                _failed(name, place, failure) if failure else ok(f"bmc.{name}", f"{place} answers")
            )


def _untold(scene: Scene, bmc: Bmc) -> Answer | None:
    """Why this user cannot ask it as the agent would, or None."""
    name = next(name for name, one in scene.settings.bmc.items() if one is bmc)
    if bmc.credential:
        found = f"not asked: its password is the credential {bmc.credential} of the unit"
        return unknown(f"bmc.{name}", found, _START)
    if bmc.protocol is BmcProtocol.IPMI_LOCAL:
        return _closed_device(scene, name, bmc)
    if not scene.is_root:
        return unknown(f"bmc.{name}", "not asked: its password is for root to read", _SUDO)
    return None


def _closed_device(scene: Scene, name: str, bmc: Bmc) -> Answer | None:
    """What is amiss with the device of a BMC in band, or None."""
    path = scene.root / bmc.device.lstrip("/")
    if not path.exists():
        remedy = "sudo modprobe -a ipmi_si ipmi_devintf; docs/bmc.md"
        return problem(f"bmc.{name}", f"{bmc.device} is not there", remedy)
    user = scene.agents_user()
    if user is not None and not may(path.stat(), *user, _READ_WRITE):
        remedy = "systemd/60-gpuwatch-ipmi.rules and 10-local-ipmi.conf: docs/systemd.md"
        return problem(f"bmc.{name}", f"the agent's user may not open {bmc.device}", remedy)
    if not scene.is_root:
        return unknown(f"bmc.{name}", f"{bmc.device} is for root to ask", _SUDO)
    return None


def _failed(name: str, place: str, failure: BmcFailure) -> Answer:
    found = f"{place}: {failure.trouble.value}: {failure.text}"
    otherwise = f"see [bmc.{name}] in the settings; gpuwatch runbook bmc-unreachable"
    if failure.trouble is BmcTrouble.FAILED:
        return unknown(f"bmc.{name}", found, otherwise)
    return from_sentence(f"bmc.{name}", found, otherwise)
