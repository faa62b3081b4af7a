"""Bundle: the support archive: what the doctor found, and what a stranger asks for, redacted."""

import json
import os
import platform
import re
from collections.abc import Iterable, Iterator
from dataclasses import asdict, replace
from functools import partial
from importlib.metadata import PackageNotFoundError, requires, version
from pathlib import Path

from gpuwatch import __version__
from gpuwatch.cli.archives import Archive, write
from gpuwatch.cli.doctor.answers import Answer
from gpuwatch.cli.doctor.apart import Broken, Hung, Work, apart
from gpuwatch.cli.doctor.lines import document_of, lines_of
from gpuwatch.cli.doctor.scene import Scene
from gpuwatch.cli.doctor.system import UNIT, journal, said
from gpuwatch.config.bmc import SECRETS as WRITTEN_OUT
from gpuwatch.exposition.redaction import HIDDEN, Named, Redactor
from gpuwatch.sources.bmc_secrets import CREDENTIAL, FILE, SecretRefused, read_secret

FOLDER = "gpuwatch-doctor"
_LOG_LINES, _KERNEL_LINES = 1_000, 300
_SECONDS = 20.0
_UNITS = (UNIT, "gpuwatch-sram.service", "gpuwatch-sram.timer")
_FIRST_PERSON, _LAST_PERSON = 1_000, 60_000  # user ids of people, login.defs(5)
# What people write for people; nothing in it helps whoever reads this archive.
_PRIVATE = re.compile(r"^(work_orders\.(contacts|notes|drain)|hooks\.[^.]+\.command)$")
# A secret may stand in a unit under any name: SetCredential=rack7:..., also over several lines.
_CREDENTIALS = re.compile(r"(?m)^(?P<keep>[ \t]*SetCredential[ \t]*=[^:\n]*:)(?:.*\\\n)*.*$")
_README = """\
A support archive of gpuwatch {version}, written by `gpuwatch doctor --bundle`.

doctor.txt, doctor.json   what was found on this host
settings.txt              every effective setting and where it came from, or what is wrong with them
snapshot.json             all that the agent knew: GPUs, findings, flags, BMCs, events
metrics.txt               what Prometheus would have been told
log.txt                   the latest lines of gpuwatch's own log
kernel.txt                the latest lines of the kernel log about NVIDIA's driver
versions.txt              of the system, its kernel and driver, Python and its packages
units.txt                 the units as systemd has them, with their drop-ins
history.json              the database's place, owner, size and schema; nothing of what is in it
MANIFEST.sha256           sums: sha256sum -c MANIFEST.sha256

A file that could not be had says why. Names of hosts, users and processes and the addresses of
networks are replaced, the same one by the same word everywhere: host-1, user-1, process-1,
address-1. Secrets, contacts and the commands of hooks are left out. Serial numbers and UUIDs of
boards, PCI addresses, the names of BMCs in the settings and paths are as they were: without them
nothing could be found out. Look through it before you send it.
"""


def write_bundle(
    target: Path, scene: Scene, answers: tuple[Answer, ...], host: str, *, overwrite: bool
) -> Archive:
    """Gather, redact and write. Raises ControlError."""
    gathered = _gather(scene)
    texts = {
        "settings.txt": _settings(scene),
        "metrics.txt": _metrics(scene),
        **gathered,
    }
    values = {
        "doctor.json": document_of(answers, host, scene.now),
        "snapshot.json": scene.told["snapshot"] if scene.told else {"error": "no agent answered"},
        "history.json": _history(scene, answers),
    }
    redactor = Redactor(_names(scene, host, answers), secrets=_secrets(scene))
    for told in (*texts.values(), *values.values()):
        redactor.learn(told)
    # Redacted first: what is broken into lines is not found any more.
    said = [
        replace(one, found=redactor.text(one.found), remedy=redactor.text(one.remedy))
        for one in answers
    ]
    texts["doctor.txt"] = "\n".join(lines_of(said, host, scene.now)) + "\n"
    content = {name: redactor.text(text).encode() for name, text in texts.items()}
    content |= {
        name: json.dumps(redactor.value(value), indent=1, ensure_ascii=False).encode() + b"\n"
        for name, value in values.items()
    }
    content["README.txt"] = _README.format(version=__version__).encode()
    return write(target, FOLDER, content, at=scene.now, overwrite=overwrite)


def _gather(scene: Scene) -> dict[str, str]:
    """What programs and files of the system tell, side by side and in bounded time."""
    works = {
        "log.txt": Work(partial(_journal, _LOG_LINES, *_matching(_UNITS)), _SECONDS),
        "kernel.txt": Work(partial(_journal, _KERNEL_LINES, *_OF_THE_KERNEL), _SECONDS),
        "units.txt": Work(_units, _SECONDS),
        "versions.txt": Work(partial(_versions, scene), _SECONDS),
    }
    return {
        name: f"not to be had: {got.text}\n" if isinstance(got, Hung | Broken) else got
        for name, got in apart(works).items()
    }


_OF_THE_KERNEL = ("--dmesg", "--grep=NVRM|nvidia|nvswitch|ipmi")


def _matching(units: Iterable[str]) -> Iterator[str]:
    for unit in units:
        yield from ("--unit", unit)


def _journal(lines: int, *matches: str) -> str:
    return journal(lines, *matches) or "the journal cannot be read, or has none of these lines\n"


def _units() -> str:
    told = (said("systemctl", "cat", "--no-pager", unit) or "" for unit in _UNITS)
    return without_credentials("\n".join(filter(None, told))) or "systemd has none of the units\n"


def without_credentials(text: str) -> str:
    """The text of units without the secrets that are written into them."""
    return _CREDENTIALS.sub(rf"\g<keep>{HIDDEN}", text)


def _settings(scene: Scene) -> str:
    """Those in effect; what comes from a credential was hidden where it was read."""
    read = scene.read
    told = scene.told["settings"] if scene.told else [asdict(one) for one in read.effective]
    lines = [f"# refused: {problem}" for problem in read.problems]
    lines += [f"# read: {', '.join(read.files) or 'no file'}"]
    for one in told:
        value = HIDDEN if _PRIVATE.match(one["key"]) and one["value"] != "[]" else one["value"]
        lines.append(f"{one['key']} = {value}  # {one['origin']}")
    return "\n".join(lines) + "\n"


def _metrics(scene: Scene) -> str:
    return scene.told["metrics"] if scene.told else "no agent answered\n"


def _history(scene: Scene, answers: Iterable[Answer]) -> dict[str, object]:
    """The file and what was found of it."""
    path = scene.history
    told = {one.name: one for one in answers if one.name in ("history", "disk", "backups")}
    found: dict[str, object] = {
        name: {"state": one.state.value, "found": one.found} for name, one in told.items()
    }
    got = apart({"stat": Work(partial(os.stat, path), _SECONDS)})["stat"]
    if isinstance(got, Hung | Broken):
        return {"path": str(path), "problem": got.text, **found}
    mode, owner = f"{got.st_mode & 0o7777:04o}", [got.st_uid, got.st_gid]
    return {"path": str(path), "bytes": got.st_size, "mode": mode, "owner": owner, **found}


def _versions(scene: Scene) -> str:
    uname = os.uname()
    names = [re.split(r"[^\w.-]", one, maxsplit=1)[0] for one in requires("gpuwatch") or ()]
    lines = [
        f"gpuwatch {__version__}",
        f"agent {scene.told['version'] if scene.told else 'not running'}",
        f"python {platform.python_version()} ({platform.python_implementation()})",
        f"kernel {uname.sysname} {uname.release} {uname.version} {uname.machine}",
        f"libc {' '.join(platform.libc_ver())}",
        *(f"package {name} {_installed(name)}" for name in sorted(set(names))),
        *_file(Path("/etc/os-release"), "os"),
        *_file(Path(scene.settings.nvml.proc) / "driver" / "nvidia" / "version", "driver"),
        *_file(Path(scene.settings.nvml.sysfs) / "module" / "nvidia" / "version", "module"),
    ]
    return "\n".join(lines) + "\n"


def _installed(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "is not installed"


def _file(path: Path, called: str) -> list[str]:
    try:
        return [f"{called} {line}" for line in path.read_text(errors="replace").splitlines()]
    except OSError as error:
        return [f"{called} {path}: {error.strerror}"]


def _names(scene: Scene, host: str, answers: Iterable[Answer]) -> dict[Named, Iterable[str]]:
    """The names that are known to be names."""
    told = scene.told["snapshot"]["bmcs"] if scene.told else []
    written = scene.read.named
    hosts = [host, os.uname().nodename, *(bmc["host"] for bmc in told)]
    hosts += [text for key, text in written if key in ("host", "hostname")]
    places = [text for key, text in written if key == "address"]
    hosts += [_without_port(place) for place in (*places, *(bmc["address"] for bmc in told))]
    users = [*_people(scene), *(text for key, text in written if key == "user")]
    named = [one for answer in answers for one in answer.names]
    users += [name for kind, name in named if kind is Named.USER]
    holders = [name for kind, name in named if kind is Named.PROCESS]
    return {Named.HOST: hosts, Named.USER: users, Named.PROCESS: holders}


def _without_port(place: str) -> str:
    """The host of `host:port`, `[IPv6]:port` or `host`; a device is none."""
    if place.startswith("/"):
        return ""
    return (
        re.sub(r":\d+$", "", place).strip("[]") if place.count(":") <= 1 or "]" in place else place
    )


def _people(scene: Scene) -> list[str]:
    """Users of this host that are people; the file is read, since a directory service may hang."""
    try:
        lines = (scene.root / "etc" / "passwd").read_text(errors="replace").splitlines()
    except OSError:
        return []
    fields = [line.split(":") for line in lines]
    return [
        one[0]
        for one in fields
        if len(one) > 2 and one[2].isdecimal() and _FIRST_PERSON <= int(one[2]) < _LAST_PERSON  # noqa: PLR2004
    ]


def _secrets(scene: Scene) -> list[str]:
    """The passwords themselves, where this user may read them: to see that they stand nowhere."""
    ways = {"password_file": FILE, "kg_file": FILE, "credential": CREDENTIAL}
    works = {
        place: Work(partial(_read_secret, ways[key], place), _SECONDS)
        for key, place in scene.read.named
        if key in ways
    }
    read = [got for got in apart(works).values() if isinstance(got, str)]
    return [*_written_secrets(scene), *_refused(scene), *read]


def _refused(scene: Scene) -> list[str]:
    """Commands of hooks, contacts and notes that were refused: the refusal quotes them."""
    return [
        one.value
        for one in scene.read.problems
        if one.key.startswith(("hooks.", "work_orders.")) and one.value.startswith(('"', "[", "{"))
    ]


def _written_secrets(scene: Scene) -> list[str]:
    """Those that somebody wrote into the settings, where they are refused."""
    return [text for key, text in scene.read.named if key in WRITTEN_OUT]


def _read_secret(way: str, place: str) -> str:
    try:
        return read_secret({way: place}, os.environ)
    except SecretRefused:
        return ""
