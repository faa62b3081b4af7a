"""Trees: wheels unpacked below /usr/lib/gpuwatch, where each Python minor has a tree of its own.

What is the same for every minor lies once, in `common`; a tree adds what was compiled for its
minor. A tree is what Python takes for a virtual environment: isolated from the system's modules,
also for the children that the agent starts, and without a path in it that names the builder.
"""

import zipfile
from collections.abc import Iterable, Mapping
from pathlib import Path, PurePosixPath

from delivery.targets import is_for_one_minor

_MODULES = ("purelib", "platlib")


def grow(place: Path, wheels: Mapping[str, Iterable[Path]]) -> None:
    """Lay the wheels of every minor into `place`."""
    for minor, files in wheels.items():
        tree = place / f"py{minor}"
        site = tree / "lib" / f"python{minor}" / "site-packages"
        site.mkdir(parents=True)
        (tree / "pyvenv.cfg").write_text(
            f"home = /usr/bin\ninclude-system-site-packages = false\nversion = {minor}\n",
            encoding="utf-8",
        )
        (site / "gpuwatch.pth").write_text("../../../../common\n", encoding="utf-8")
        (tree / "bin").mkdir()
        (tree / "bin" / "python3").symlink_to(f"/usr/bin/python{minor}")
        for wheel in files:
            unpack(wheel, site if is_for_one_minor(wheel.name) else place / "common")


def unpack(wheel: Path, place: Path) -> None:
    """Lay a wheel's modules and metadata into `place`; its programs are left out."""
    with zipfile.ZipFile(wheel) as archive:
        for member in archive.infolist():
            inner = _inner(PurePosixPath(member.filename))
            if inner is None or member.is_dir():
                continue
            path = place / inner
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(archive.read(member))


def _inner(name: PurePosixPath) -> PurePosixPath | None:
    """Where a member of a wheel belongs, None for what is not laid."""
    if name.is_absolute() or ".." in name.parts:
        raise ValueError(f"a wheel with a member outside itself: {name}")
    if not name.parts[0].endswith(".data"):
        return name
    return PurePosixPath(*name.parts[2:]) if name.parts[1] in _MODULES else None
