"""Air gap: a bundle of wheels that installs with no network into a folder of its own."""

import hashlib
import io
import tarfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from packaging.utils import canonicalize_name, parse_wheel_filename

from delivery.contents import DOCUMENTS
from delivery.lock import Locked
from delivery.places import PACKAGING, ROOT, VERSION, commit_seconds
from delivery.targets import MACHINES, Architecture
from delivery.wheels import sha256

_BESIDE = ("alerts", "docs", "grafana/dashboards", "grafana/provisioning", "systemd")
# What can be run of it: the script, and the examples of hooks in a folder of theirs.
_SCRIPT = "install.sh"
_HOOKS = "hooks/"


def bundle(
    architecture: Architecture, wheels: Mapping[str, Sequence[Path]], bill: str, into: Path
) -> Path:
    """The bundle for one machine in `into`, with the wheels of every minor given.

    It names the SHA-256 of every file in it, and of every wheel once more for pip.
    """
    name = f"gpuwatch-{VERSION}-airgap-{MACHINES[architecture]}"
    files = dict(_files(wheels, bill))
    sums = "".join(f"{_digest(data)}  {path}\n" for path, data in sorted(files.items()))
    files["SHA256SUMS"] = sums.encode()
    into.mkdir(parents=True, exist_ok=True)
    made = into / f"{name}.tar"
    with tarfile.open(made, "w", format=tarfile.GNU_FORMAT) as archive:
        for path, data in sorted(files.items()):
            _add(archive, f"{name}/{path}", data, _mode(path))
    return made


def requirements(wheels: Sequence[Path]) -> str:
    """What pip takes to install exactly these wheels."""
    entries = sorted(map(_pinned, wheels), key=lambda one: one.name)
    return "".join(one.requirement() for one in entries)


def _pinned(wheel: Path) -> Locked:
    name, version, _, _ = parse_wheel_filename(wheel.name)
    return Locked(canonicalize_name(name), str(version), (sha256(wheel),))


def _files(wheels: Mapping[str, Sequence[Path]], bill: str) -> Iterator[tuple[str, bytes]]:
    yield _SCRIPT, (PACKAGING / "airgap" / _SCRIPT).read_bytes()
    yield "gpuwatch.toml", (PACKAGING / "gpuwatch.toml").read_bytes()
    yield "sbom.cdx.json", bill.encode()
    for document in DOCUMENTS:
        yield document, (ROOT / document).read_bytes()
    for folder in _BESIDE:
        for path in sorted((ROOT / folder).rglob("*")):
            if path.is_file():
                yield path.relative_to(ROOT).as_posix(), path.read_bytes()
    for hook in sorted((PACKAGING / "hooks").iterdir()):
        yield f"{_HOOKS}{hook.name}", hook.read_bytes()
    for minor, files in wheels.items():
        yield f"requirements-{minor}.txt", requirements(files).encode()
        yield from ((f"wheels/{wheel.name}", wheel.read_bytes()) for wheel in files)


def _digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def _mode(path: str) -> int:
    return 0o755 if path == _SCRIPT or path.startswith(_HOOKS) else 0o644


def _add(archive: tarfile.TarFile, path: str, data: bytes, mode: int) -> None:
    about = tarfile.TarInfo(path)
    about.size = len(data)
    about.mode = mode
    about.mtime = commit_seconds()
    about.uname = about.gname = "root"
    archive.addfile(about, io.BytesIO(data))
