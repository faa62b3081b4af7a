"""What is tried of the package and of the bundle in a root of one release, with its own tools."""

import shutil
import tarfile
from dataclasses import dataclass
from pathlib import Path

from tests.support.deliveries import Delivery
from tests.support.package_story import Root, Told

SERVICES = ("gpuwatch.service", "gpuwatch-sram.service")
_UNITS = Path("/usr/lib/systemd/system")
_COMPLETE = (
    "source /usr/share/bash-completion/completions/gpuwatch; complete -p gpuwatch;"
    ' COMP_WORDS=(gpuwatch stat); COMP_CWORD=1; _gpuwatch; echo "${COMPREPLY[@]}"'
)
# With no package installed, so that apt has to find every one that is wanted in the archive.
_FROM_NOTHING = (
    *("apt-get", "--simulate", "--no-install-recommends"),
    *("-o", "Dir::State::status=/dev/null", "install"),
)


@dataclass(frozen=True, slots=True)
class Tried:
    """What each command said."""

    wanted: Told
    installed: Told
    launched: Told
    imported: Told
    completed: Told
    shown: Told
    verified: tuple[Told, ...]
    judged: tuple[Told, ...]
    bundled: Told


def try_release(root: Root, delivery: Delivery, python: str) -> Tried:
    """Install in the root, look at everything once, and install the bundle beside it."""
    shutil.copy(delivery.deb, root.place / "root" / "gpuwatch.deb")
    wanted = root.tell(*_FROM_NOTHING, "/root/gpuwatch.deb")
    return Tried(
        wanted=wanted,
        installed=root.install(delivery.deb),
        launched=root.tell("sh", "-x", "/usr/bin/gpuwatch", "--version"),
        imported=_import_compiled(root, python),
        completed=root.tell("bash", "-c", _COMPLETE),
        shown=root.tell("man", "--warnings", "gpuwatch"),
        verified=tuple(
            root.tell("systemd-analyze", "verify", str(_UNITS / unit))
            for unit in (*SERVICES, "gpuwatch-sram.timer")
        ),
        judged=tuple(
            root.tell("systemd-analyze", "security", "--offline=true", str(_UNITS / unit))
            for unit in SERVICES
        ),
        bundled=_bundle(root, delivery),
    )


def _import_compiled(root: Root, python: str) -> Told:
    """Import each compiled module of the package's tree; says how many there are."""
    tree = f"/usr/lib/gpuwatch/py{python}"
    program = (
        "import importlib, pathlib, sys\n"
        "count = 0\n"
        "for top in sys.argv[1:]:\n"
        "    for path in pathlib.Path(top).rglob('*.so'):\n"
        "        inner = path.relative_to(top)\n"
        "        name = '.'.join((*inner.parent.parts, inner.name.split('.')[0]))\n"
        "        importlib.import_module(name)\n"
        "        count += 1\n"
        "print(count)\n"
    )
    site = f"{tree}/lib/python{python}/site-packages"
    return root.tell(f"{tree}/bin/python3", "-I", "-c", program, site, "/usr/lib/gpuwatch/common")


def _bundle(root: Root, delivery: Delivery) -> Told:
    with tarfile.open(delivery.bundle) as archive:
        archive.extractall(root.place / "root", filter="data")
    (unpacked,) = (root.place / "root").glob("gpuwatch-*-airgap-*")
    return root.tell(f"/root/{unpacked.name}/install.sh", "/opt/gpuwatch")
