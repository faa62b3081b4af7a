"""Licences: what every project that gpuwatch brings along is licensed under, and who needs it."""

import importlib.metadata
from collections.abc import Iterator
from dataclasses import dataclass

from delivery import lock
from delivery.places import DeliveryError
from delivery.targets import MINORS, Architecture, Target

OWN = "not chosen yet"
# Where modules lie: what is for every minor of Python, and what was compiled for one.
_PLACES = ("usr/lib/gpuwatch/common", "usr/lib/gpuwatch/py*/site-packages")
# Projects whose metadata has no SPDX expression: what their licence files, or their sources, say.
_READ = {
    "apscheduler": "MIT",
    "bcrypt": "Apache-2.0",
    "certifi": "MPL-2.0",
    "charset-normalizer": "MIT",
    "cronsim": "BSD-3-Clause",
    "mistune": "BSD-3-Clause",
    "nvidia-ml-py": "BSD-3-Clause",
    "pyghmi": "Apache-2.0",
    "python-dateutil": "Apache-2.0 OR BSD-3-Clause",
    "python-dotenv": "BSD-3-Clause",
    "pyyaml": "MIT",
    "redfish": "BSD-3-Clause",
    "requests": "Apache-2.0",
    "requests-toolbelt": "Apache-2.0",
    "requests-unixsocket": "Apache-2.0",
    "six": "MIT",
    "tzdata": "Apache-2.0",
    "x-wr-timezone": "LGPL-3.0-or-later",
}
_INTRODUCTION = """\
# Licences

What is installed with gpuwatch, and under which licence, as SPDX expressions; written by
`python -m delivery licences` from requirements.lock and the metadata of each project. The packages
and the bundle carry the licence files of these projects beside their modules, in
`NAME-VERSION.dist-info` (nvidia-ml-py has its licence at the head of `pynvml.py`), and a bill of
materials in CycloneDX's format says the same for programs.

**gpuwatch's own licence is not chosen yet.** Until its owner chooses one, nobody has been given the
right to pass it on; packages say "not chosen yet" where they have to name a licence.

recurring-ical-events and x-wr-timezone are under the LGPL. They lie in the packages as the plain
Python files that their projects publish, unchanged, and whoever installs a package may replace them
by other versions. The wheels of cryptography have OpenSSL (Apache-2.0) inside them, those of
pydantic-core, cryptography and backports-zstd further libraries that their licence files name.

| project | version | licence | needed by |
| --- | --- | --- | --- |
"""


@dataclass(frozen=True, slots=True)
class Brought:
    """A project that is installed with gpuwatch, and what needs it, by name."""

    name: str
    version: str
    licence: str
    summary: str
    needed_by: tuple[str, ...]
    needs: tuple[str, ...]


def brought() -> tuple[Brought, ...]:
    """Every project that any target needs, by name. DeliveryError where a licence is not known."""
    locked = lock.everywhere(lock.read())
    targets = [Target(minor, machine) for minor in MINORS for machine in Architecture]
    edges = sorted({edge for target in targets for edge in lock.edges(target)})
    return tuple(
        Brought(
            one.name,
            one.version,
            licence_of(one.name),
            importlib.metadata.metadata(one.name)["Summary"] or "",
            tuple(needer for needer, needed in edges if needed == one.name),
            tuple(needed for needer, needed in edges if needer == one.name),
        )
        for one in locked
    )


def licence_of(name: str) -> str:
    """The SPDX expression of a project that is installed here."""
    (told, *_) = importlib.metadata.metadata(name).get_all("License-Expression") or ("",)
    if not told and name not in _READ:
        raise DeliveryError(
            f"{name} does not say its licence as an SPDX expression: read its licence file, and add"
            " it to the table in delivery/licences.py"
        )
    return told or _READ[name]


def markdown() -> str:
    """docs/licences.md."""
    rows = (
        f"| {one.name} | {one.version} | {one.licence} | {', '.join(one.needed_by)} |\n"
        for one in brought()
    )
    return _INTRODUCTION + "".join(rows)


def notice() -> str:
    """The file `copyright` of the packages, in Debian's machine-readable format."""
    parts = [
        (
            "Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/\n"
            "Upstream-Name: gpuwatch\n"
            "Comment: What each project below /usr/lib/gpuwatch is licensed under. Their own\n"
            " licence files lie beside their modules, in NAME-VERSION.dist-info; that of\n"
            " nvidia-ml-py is at the head of pynvml.py.\n"
        ),
        (
            "Files: *\n"
            "Copyright: the authors of gpuwatch\n"
            "License: not-chosen-yet\n"
            " The owner of gpuwatch has not chosen a licence yet.\n"
        ),
    ]
    parts += [
        f"Files:{''.join(f'{chr(10)} {path}' for path in _paths(one.name))}\n"
        f"Copyright: the authors of {one.name} {one.version}\n"
        f"License: {one.licence.replace(' OR ', ' or ').replace(' AND ', ' and ')}\n"
        for one in brought()
    ]
    return "\n".join(parts)


def _paths(name: str) -> Iterator[str]:
    """Where the modules and the metadata of a project lie in a package, for any minor of Python."""
    listed = importlib.metadata.files(name) or ()
    inside = [path.parts for path in listed if path.parts[0] not in ("..", "__pycache__")]
    # What is compiled has the minor and the machine in its name, behind the first dot.
    tops = {f"{top}/*" if rest else f"{top.split('.')[0]}.*" for top, *rest in inside}
    for top in sorted(tops):
        yield from (f"{place}/{top}" for place in _PLACES)
