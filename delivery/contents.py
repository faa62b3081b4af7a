"""Contents: every path that a package installs, with its kind, mode and source."""

import gzip
import shutil
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path, PurePosixPath

from delivery import licences
from delivery.places import PACKAGING, ROOT
from gpuwatch.cli.completion import bash, fish, zsh
from gpuwatch.cli.grammar import grammar
from gpuwatch.cli.parser import parser

_LIBRARY = PurePosixPath("/usr/lib/gpuwatch")
_SHARE = PurePosixPath("/usr/share/gpuwatch")
_DOCUMENTS = PurePosixPath("/usr/share/doc/gpuwatch")
_UNITS = PurePosixPath("/usr/lib/systemd/system")
# Beside docs/: what these link to must be there, too.
DOCUMENTS = (
    "README.md",
    "CHANGELOG.md",
    "CONTRIBUTING.md",
    "simulator/README.md",
    "grafana/viewer/README.md",
)
# Folders below which all belongs to the package.
_OURS = (_LIBRARY, _SHARE, _DOCUMENTS, PurePosixPath("/etc/gpuwatch"))
# Folders of shells that need not be installed: with rpm everyone lists them who puts files there.
_OF_SHELLS = tuple(
    map(PurePosixPath, ("/usr/share/bash-completion", "/usr/share/fish", "/usr/share/zsh"))
)


class Kind(StrEnum):
    """What a path is, by the name that nfpm has for it."""

    FILE = "file"
    FOLDER = "dir"
    LINK = "symlink"
    SETTINGS = "config|noreplace"


class Format(StrEnum):
    """A format of packages."""

    DEB = "deb"
    RPM = "rpm"


@dataclass(frozen=True, slots=True)
class Item:
    """One path of a package. `source` is a file, or where a link leads; "" for a folder."""

    path: PurePosixPath
    kind: Kind
    mode: int
    source: str = ""
    only: Format | None = None


def collect(stage: Path, library: Path) -> tuple[Item, ...]:
    """Everything but for scripts, sorted by path; `library` is what lies below /usr/lib/gpuwatch.

    Texts that are generated are written into `stage`.
    """
    shutil.rmtree(stage, ignore_errors=True)
    stage.mkdir(parents=True)
    found = [
        *_tree(library, _LIBRARY),
        _file(PACKAGING / "prepare", _LIBRARY / "prepare", 0o755),
        _file(PACKAGING / "gpuwatch", PurePosixPath("/usr/bin/gpuwatch"), 0o755),
        *_settings(),
        *_system(),
        *_manual(stage),
        *_completion(stage),
        *_shared(),
        *_documents(stage),
    ]
    folders = _folders(found)
    return tuple(sorted((*found, *folders), key=lambda item: (item.path, item.only or "")))


def _settings() -> Iterator[Item]:
    place = PurePosixPath("/etc")
    files = {
        place / "gpuwatch" / "gpuwatch.toml": PACKAGING / "gpuwatch.toml",
        place / "default" / "gpuwatch": ROOT / "systemd" / "gpuwatch.default",
    }
    for path, source in files.items():
        yield Item(path, Kind.SETTINGS, 0o644, str(source))
    yield Item(place / "gpuwatch" / "conf.d", Kind.FOLDER, 0o755)
    yield Item(place / "gpuwatch" / "secrets", Kind.FOLDER, 0o700)


def _system() -> Iterator[Item]:
    """Units, and what udev and sysusers read; drop-ins are examples, for an operator to take."""
    place = ROOT / "systemd"
    for unit in sorted((*place.glob("*.service"), *place.glob("*.timer"))):
        yield _file(unit, _UNITS / unit.name)
    for rule in sorted(place.glob("*.rules")):
        yield _file(rule, PurePosixPath("/usr/lib/udev/rules.d") / rule.name)
    users = place / "gpuwatch.sysusers"
    yield _file(users, PurePosixPath("/usr/lib/sysusers.d/gpuwatch.conf"))
    for drop_in in sorted(place.glob("*.conf")):
        yield _file(drop_in, _SHARE / "systemd" / drop_in.name)


def _manual(stage: Path) -> Iterator[Item]:
    for page in sorted((PACKAGING / "man").iterdir()):
        packed = stage / f"{page.name}.gz"
        packed.write_bytes(gzip.compress(page.read_bytes(), mtime=0))
        section = page.suffix.removeprefix(".")
        yield _file(packed, PurePosixPath(f"/usr/share/man/man{section}") / packed.name)


def _completion(stage: Path) -> Iterator[Item]:
    top, share = grammar(parser()), PurePosixPath("/usr/share")
    scripts = (
        (bash(top), share / "bash-completion/completions/gpuwatch", None),
        (zsh(top), share / "zsh/vendor-completions/_gpuwatch", Format.DEB),
        (zsh(top), share / "zsh/site-functions/_gpuwatch", Format.RPM),
        (fish(top), share / "fish/vendor_completions.d/gpuwatch.fish", None),
    )
    for text, path, only in scripts:
        written = stage / f"{path.parent.name}-{path.name}"
        written.write_text(text, encoding="utf-8")
        yield Item(path, Kind.FILE, 0o644, str(written), only)


def _shared() -> Iterator[Item]:
    yield from _tree(ROOT / "alerts", _SHARE / "alerts")
    for hook in sorted((PACKAGING / "hooks").iterdir()):
        yield _file(hook, _SHARE / "hooks" / hook.name, 0o755)
    for part in ("dashboards", "provisioning"):
        yield from _tree(ROOT / "grafana" / part, _SHARE / "grafana" / part)


def _documents(stage: Path) -> Iterator[Item]:
    for name in DOCUMENTS:
        yield _file(ROOT / name, _DOCUMENTS / name)
    yield from _tree(ROOT / "docs", _DOCUMENTS / "docs")
    (stage / "copyright").write_text(licences.notice(), encoding="utf-8")
    yield _file(stage / "copyright", _DOCUMENTS / "copyright")


def _tree(source: Path, place: PurePosixPath) -> Iterator[Item]:
    for path in sorted(source.rglob("*")):
        inner = place / path.relative_to(source).as_posix()
        if path.is_symlink():
            yield Item(inner, Kind.LINK, 0o777, str(path.readlink()))
        elif path.is_file() and "__pycache__" not in path.parts:
            yield _file(path, inner)


def _file(source: Path, path: PurePosixPath, mode: int = 0o644) -> Item:
    return Item(path, Kind.FILE, mode, str(source))


def _folders(items: Iterable[Item]) -> Iterator[Item]:
    """The folders that are the package's own, so that its removal takes them away."""
    named = {item.path for item in items}
    parents = {parent for item in items for parent in item.path.parents}
    for folder in sorted(parents - named):
        if any(folder.is_relative_to(ours) for ours in _OURS):
            yield Item(folder, Kind.FOLDER, 0o755)
        elif any(folder.is_relative_to(place) for place in _OF_SHELLS):
            yield Item(folder, Kind.FOLDER, 0o755, only=Format.RPM)
