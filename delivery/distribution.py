"""Distribution: all that `make dist` builds, the same byte for byte from the same commit."""

import shutil
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from delivery import airgap, contents, lock, native, sbom, trees, wheels
from delivery.contents import Format
from delivery.places import BUILD, VERSION
from delivery.targets import MINORS, Architecture, Target


@dataclass(frozen=True, slots=True)
class Wish:
    """What to build; all of it if nothing is said."""

    minors: Sequence[str] = MINORS
    architectures: Sequence[Architecture] = tuple(Architecture)
    formats: Sequence[Format] = tuple(Format)
    bundle: bool = True
    release: int = 1


def build(wish: Wish, into: Path) -> tuple[Path, ...]:
    """Build into `into`, which is emptied first; the files, sorted by name.

    DeliveryError where something is missing.
    """
    shutil.rmtree(into, ignore_errors=True)
    into.mkdir(parents=True)
    own = wheels.own(into)
    wheels.own(into, source=True)
    locked = lock.read()
    chosen = {
        architecture: {
            minor: (*_fetched(Target(minor, architecture), locked), own) for minor in wish.minors
        }
        for architecture in wish.architectures
    }
    every = [wheel for minors in chosen.values() for files in minors.values() for wheel in files]
    bill = sbom.bill(every)
    (into / f"gpuwatch-{VERSION}.cdx.json").write_text(bill, encoding="utf-8")
    for architecture, by_minor in chosen.items():
        _pack(architecture, by_minor, wish, into)
        if wish.bundle:
            airgap.bundle(architecture, by_minor, bill, into)
    _write_sums(into)
    return tuple(sorted(into.iterdir()))


def _fetched(target: Target, locked: dict[str, lock.Locked]) -> tuple[Path, ...]:
    return wheels.fetch(target, lock.runtime(target, locked))


def _pack(
    architecture: Architecture, by_minor: dict[str, tuple[Path, ...]], wish: Wish, into: Path
) -> None:
    stage = BUILD / "stage" / architecture
    library = stage / "library"
    shutil.rmtree(stage, ignore_errors=True)
    trees.grow(library, by_minor)
    items = contents.collect(stage / "texts", library)
    for form in wish.formats:
        native.pack(native.Build(architecture, wish.release), form, items, into)


def _write_sums(into: Path) -> None:
    made: Iterable[Path] = sorted(into.iterdir())
    lines = [f"{wheels.sha256(path)}  {path.name}\n" for path in made]
    (into / "SHA256SUMS").write_text("".join(lines), encoding="utf-8")
