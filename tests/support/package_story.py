"""The life of a package in a minimal Debian root without network, told as what was seen."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from simulator.world import Server
from tests.support.debian_root import inside
from tests.support.deliveries import Delivery

GPUS = 2
_AGENT = Path(__file__).parent / "root_agent.py"
_USER = ("setpriv", "--reuid", "gpuwatch", "--regid", "gpuwatch", "--clear-groups")
# What dpkg and systemd themselves write, and what the user of the package changes.
_OTHERS = ("var/lib/dpkg", "var/log", "var/cache", "proc", "dev", "sys", "tmp", "srv", "root")
# A file of an operator beside those of the package.
FOREIGN = "etc/gpuwatch/conf.d/site.toml"


@dataclass(frozen=True, slots=True)
class Told:
    """What a command in the root said."""

    status: int
    text: str


class Root:
    """A minimal root in which packages come and go."""

    def __init__(self, place: Path) -> None:
        self.place = place

    def tell(self, *command: str) -> Told:
        """Run a command in it."""
        done = inside(self.place, *command, check=False)
        return Told(done.returncode, done.stdout + done.stderr)

    def as_user(self, *command: str) -> Told:
        """Run a command in it as the user that the package made."""
        return self.tell(*_USER, *command)

    def install(self, package: Path) -> Told:
        """Install, upgrade or downgrade, as dpkg does it; questions get their default."""
        copy = self.place / "root" / package.name
        shutil.copy(package, copy)
        told = self.tell("dpkg", "--install", f"/root/{package.name}")
        copy.unlink()
        return told

    def version(self) -> str:
        """The package's version as dpkg has it, "" for none."""
        return self.tell("dpkg-query", "--show", "--showformat=${Version}", "gpuwatch").text

    @contextmanager
    def silent_manager(self) -> Iterator[None]:
        """A systemd that is there by all that scripts look at, and that answers nobody."""
        missing = [path for path in ("run/systemd", "run/systemd/system") if not self._has(path)]
        for path in missing:
            (self.place / path).mkdir()
        try:
            yield
        finally:
            for path in reversed(missing):
                shutil.rmtree(self.place / path)

    def _has(self, path: str) -> bool:
        return (self.place / path).is_dir()

    def write(self, path: str, text: str) -> None:
        """Write a file as an operator does."""
        (self.place / path).parent.mkdir(parents=True, exist_ok=True)
        (self.place / path).write_text(text, encoding="utf-8")

    def read(self, path: str) -> str:
        """The text of a file, "" for one that is not there."""
        found = self.place / path
        return found.read_text(encoding="utf-8") if found.exists() else ""

    def paths(self) -> frozenset[str]:
        """Every path in it, but for what dpkg, systemd and the kernel write themselves."""
        return frozenset(self._paths())

    def _paths(self) -> Iterator[str]:
        for path in self.place.rglob("*"):
            inner = path.relative_to(self.place).as_posix()
            if not inner.startswith(_OTHERS):
                yield inner

    def serve(self) -> Told:
        """The metrics that the installed agent serves of a simulated server in the root."""
        place = self.place / "srv" / "server"
        server = Server.create(place, gpus=GPUS)
        try:
            library = place / "lib" / "libnvidia-ml.so.1"
            real = library.resolve()
            library.unlink()
            shutil.copy(real, library)
            inside(self.place, "chown", "-R", "gpuwatch", "/srv/server")
            shutil.copy(_AGENT, self.place / "root" / "agent.py")
            return self.tell("python3", "-I", "/root/agent.py", "/srv/server", str(GPUS))
        finally:
            server.close()


@dataclass(frozen=True, slots=True)
class Story:
    """What was seen after each step."""

    before: frozenset[str]
    installed: Told
    root: Root
    first: str
    enabled_at_once: str
    configuration: Told
    served: Told
    upgraded: Told
    second: str
    enabled_after_upgrade: str
    settings_after_upgrade: str
    downgraded: Told
    third: str
    removed: Told
    after_removal: frozenset[str]
    purged: Told
    after_purge: frozenset[str]


def tell(root: Root, older: Delivery, newer: Delivery) -> Story:
    """Install, serve, upgrade, downgrade, remove and purge."""
    before = root.paths()
    installed, first = root.install(older.deb), root.version()
    enabled_at_once = root.tell("systemctl", "is-enabled", "gpuwatch.service").text.strip()
    configuration, served = root.as_user("gpuwatch", "check-config"), root.serve()
    root.write(FOREIGN, '[agent]\nhostname = "gpu-node-17"\n')
    root.write("etc/default/gpuwatch", "GPUWATCH_NVML__EXPECTED_GPUS=8\n")
    root.write("etc/gpuwatch/secrets/bmc-password", "planted\n")
    root.tell("systemctl", "enable", "gpuwatch.service")
    upgraded, second = root.install(newer.deb), root.version()
    enabled_after = root.tell("systemctl", "is-enabled", "gpuwatch.service").text.strip()
    settings_after = root.read("etc/default/gpuwatch")
    with root.silent_manager():
        downgraded, third = root.install(older.deb), root.version()
    removed = root.tell("dpkg", "--remove", "gpuwatch")
    after_removal = root.paths()
    purged = root.tell("dpkg", "--purge", "gpuwatch")
    return Story(
        before=before,
        installed=installed,
        root=root,
        first=first,
        enabled_at_once=enabled_at_once,
        configuration=configuration,
        served=served,
        upgraded=upgraded,
        second=second,
        enabled_after_upgrade=enabled_after,
        settings_after_upgrade=settings_after,
        downgraded=downgraded,
        third=third,
        removed=removed,
        after_removal=after_removal,
        purged=purged,
        after_purge=root.paths(),
    )
