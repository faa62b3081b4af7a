"""Wheels: gpuwatch's own, and those of the lock, downloaded once and checked against its hashes."""

import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

from delivery.lock import Locked
from delivery.places import BUILD, ROOT, DeliveryError, commit_seconds
from delivery.targets import Target

_DOWNLOADED = BUILD / "wheels"
_PIP = (sys.executable, "-m", "pip", "--disable-pip-version-check", "--quiet")
_SHOWN = 400  # characters of what pip says that are worth showing


def sha256(path: Path) -> str:
    """The SHA-256 of a file."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def own(into: Path, *, source: bool = False) -> Path:
    """Gpuwatch's own wheel, or its source archive, built from this tree."""
    kind = "sdist" if source else "wheel"
    into.mkdir(parents=True, exist_ok=True)
    place = BUILD / "own" / kind
    shutil.rmtree(place, ignore_errors=True)
    _checked(
        [sys.executable, "-m", "hatchling", "build", "-t", kind, "-d", str(place)],
        f"gpuwatch's own {kind} does not build",
        os.environ | {"SOURCE_DATE_EPOCH": str(commit_seconds())},
    )
    (built,) = place.iterdir()
    return Path(shutil.copy(built, into / built.name))


def fetch(target: Target, packages: Sequence[Locked]) -> tuple[Path, ...]:
    """The wheel of every package for a target, sorted; what is here is not asked for again."""
    platforms = [word for tag in target.platforms() for word in ("--platform", tag)]
    options = (*platforms, "--python-version", target.minor, "--implementation", "cp")
    return download(target.name, packages, options)


def download(
    name: str, packages: Sequence[Locked], options: Iterable[str] = ()
) -> tuple[Path, ...]:
    """The file of every package, into a folder of this name, checked against the lock's hashes.

    DeliveryError says what is missing where the index cannot be reached.
    """
    wanted = "".join(one.requirement() for one in packages)
    folder = _DOWNLOADED / f"{name}-{hashlib.sha256(wanted.encode()).hexdigest()[:12]}"
    if not folder.exists():
        unfinished = folder.with_suffix(".unfinished")
        shutil.rmtree(unfinished, ignore_errors=True)
        unfinished.mkdir(parents=True)
        requirements = unfinished / "requirements.txt"
        requirements.write_text(wanted, encoding="utf-8")
        chosen = ("--no-deps", "--require-hashes", "--only-binary=:all:", *options)
        command = [*_PIP, "download", *chosen, "-r", str(requirements), "-d", str(unfinished)]
        names = ", ".join(f"{one.name} {one.version}" for one in packages)
        _checked(command, f"missing for {name}: one of {names}", dict(os.environ))
        requirements.unlink()
        unfinished.rename(folder)
    return verified(sorted(folder.iterdir()), packages)


def verified(files: Sequence[Path], packages: Sequence[Locked]) -> tuple[Path, ...]:
    """These files. DeliveryError for one whose hash the lock does not know."""
    known = {digest for one in packages for digest in one.hashes}
    for path in files:
        if sha256(path) not in known:
            raise DeliveryError(f"{path} is not what the lock pins: delete it, and build again")
    if len(files) != len(packages):
        raise DeliveryError(f"{len(files)} files for {len(packages)} packages: run make clean")
    return tuple(files)


def _checked(command: list[str], trouble: str, environment: dict[str, str]) -> None:
    done = subprocess.run(
        command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )
    if done.returncode != 0:
        said = (done.stderr.strip() or done.stdout.strip())[-_SHOWN:]
        raise DeliveryError(
            f"{trouble}\nthe way out: an index that pip can reach, or the files in a folder that"
            f" PIP_FIND_LINKS names\n{command[2]} said: {said}"
        )
