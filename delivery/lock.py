"""Lock: what requirements.lock pins, and which of it the product itself needs at run time."""

import importlib.metadata
import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from delivery.places import LOCK, ROOT, DeliveryError
from delivery.targets import MINORS, Architecture, Target

_ENTRY = re.compile(r"^(?P<name>[A-Za-z0-9._-]+)==(?P<version>\S+)")
_HASH = re.compile(r"--hash=sha256:([0-9a-f]{64})")


@dataclass(frozen=True, slots=True)
class Locked:
    """One pinned project, with the SHA-256 of every file that may be installed for it."""

    name: str
    version: str
    hashes: tuple[str, ...]

    def requirement(self, hashes: Iterable[str] | None = None) -> str:
        """The lines that pip takes, with all hashes or these only."""
        chosen = self.hashes if hashes is None else tuple(hashes)
        lines = (f"{self.name}=={self.version}", *(f"--hash=sha256:{one}" for one in chosen))
        return " \\\n    ".join(lines) + "\n"


def read(path: Path = LOCK) -> dict[str, Locked]:
    """Every entry by its normalised name. DeliveryError for one without version or hash."""
    text = path.read_text(encoding="utf-8")
    entries = re.split(r"\n(?=\S)", text.strip())
    return {one.name: one for one in map(_entry, entries)}


def _entry(text: str) -> Locked:
    found, hashes = _ENTRY.match(text), tuple(_HASH.findall(text))
    if found is None or not hashes:
        raise DeliveryError(f"no version or no hash in the lock: {text[:80]!r}; run make lock")
    return Locked(canonicalize_name(found["name"]), found["version"], hashes)


def runtime(target: Target, lock: Mapping[str, Locked]) -> tuple[Locked, ...]:
    """What gpuwatch needs on a target, by name: its dependencies and theirs, from their metadata.

    Metadata is that of what is installed here, which is what the lock pins. DeliveryError for a
    project that is needed there and is not in the lock or not installed.
    """
    names = {needed for _, needed in edges(target)}
    return tuple(_pinned(name, lock, target) for name in sorted(names))


def everywhere(lock: Mapping[str, Locked]) -> tuple[Locked, ...]:
    """What gpuwatch needs on any target, by name."""
    targets = [Target(minor, machine) for minor in MINORS for machine in Architecture]
    found = {one.name: one for target in targets for one in runtime(target, lock)}
    return tuple(found[name] for name in sorted(found))


def edges(target: Target) -> Iterator[tuple[str, str]]:
    """Who needs whom on a target; what needs the direct dependencies is gpuwatch."""
    waiting = [("gpuwatch", one) for one in _direct()]
    seen: set[tuple[str, frozenset[str]]] = set()
    while waiting:
        needer, one = waiting.pop()
        name, extras = canonicalize_name(one.name), frozenset(one.extras)
        yield needer, name
        if (name, extras) not in seen:
            seen.add((name, extras))
            waiting += ((name, other) for other in _required(name, target, extras))


def _direct() -> list[Requirement]:
    told = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    return [Requirement(text) for text in told["project"]["dependencies"]]


def _required(name: str, target: Target, extras: frozenset[str]) -> Iterator[Requirement]:
    wanted = ("", *sorted(extras))
    for text in _metadata(name).get_all("Requires-Dist") or ():
        one = Requirement(text)
        environments = (target.environment() | {"extra": extra} for extra in wanted)
        if one.marker is None or any(map(one.marker.evaluate, environments)):
            yield one


def _pinned(name: str, lock: Mapping[str, Locked], target: Target) -> Locked:
    if name not in lock:
        raise DeliveryError(f"{target.name} needs {name}, which the lock lacks: run make lock")
    return lock[name]


def _metadata(name: str) -> importlib.metadata.PackageMetadata:
    try:
        return importlib.metadata.metadata(name)
    except importlib.metadata.PackageNotFoundError as error:
        raise DeliveryError(
            f"{name} is not installed here, so that what it needs is not known: run make setup"
            f" with one of the Pythons that are delivered ({', '.join(MINORS)})"
        ) from error
