"""Layers: what each source of settings says, key by key, with where it stands.

Standard library only: commands that merely look for the agent's socket read their settings here.
The order, strongest first: command line, environment, systemd credentials, drop-ins by name (a
later name is stronger), the file; what nobody sets has its default.
"""

import tomllib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

DEFAULT_FILE = Path("/etc/gpuwatch/gpuwatch.toml")
FILE_VARIABLE = "GPUWATCH_CONFIG"
_PREFIX = "GPUWATCH_"
_CREDENTIAL = "gpuwatch."
_FILE_LIMIT = 1 << 20

Key = tuple[str, ...]
# Sections of which there may be several, each with a name; what one of them is called.
NAMED = {"windows": "window", "blackouts": "blackout", "calendars": "calendar"}
# Sections of which there may be several, each below its name: [bmc.NAME]. Sources add up by key.
KEYED = frozenset({"bmc", "hooks"})


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing wrong with the configuration: where it stands, the key, and a sentence.

    `value` is the value as written, "" when there is none to show. `text` says what is wrong, then
    the way out.
    """

    where: str
    key: str
    value: str
    text: str

    def __str__(self) -> str:
        named = f"{self.key} = {self.value}" if self.key and self.value else self.key
        return ": ".join(part for part in (self.where, named) if part) + f" {self.text}"


@dataclass(frozen=True, slots=True)
class Entry:
    """A value that a source gives, and where from. Text is not typed yet; secrets are not shown."""

    value: object
    origin: str
    is_text: bool = False
    secret: bool = False


@dataclass(slots=True)
class Layers:
    """All sources together: the winning entry of every key, and the problems met on the way.

    `tables` are the tables of `[[windows]]` and the other `NAMED`: those of the file and its
    drop-ins add up, as each has a name of its own; every other list is replaced by the stronger
    source.
    """

    entries: dict[Key, Entry] = field(default_factory=dict)
    tables: dict[str, list[Entry]] = field(
        default_factory=lambda: {section: [] for section in NAMED}
    )
    problems: list[Problem] = field(default_factory=list)
    files: list[Path] = field(default_factory=list)

    def text(self, key: Key, default: str) -> str:
        """The winning value of `key` where it is a text, else `default`."""
        entry = self.entries.get(key)
        return entry.value if entry is not None and isinstance(entry.value, str) else default

    def texts(self, key: Key) -> tuple[str, ...]:
        """The winning value of `key` where it is a list of texts, else none."""
        entry = self.entries.get(key)
        told = entry.value if entry is not None and isinstance(entry.value, list | tuple) else ()
        return tuple(one for one in told if isinstance(one, str))


def read(file: Path | None, environment: Mapping[str, str], options: Iterable[str] = ()) -> Layers:
    """Read every source; problems are collected, not raised.

    `file` is the file named on the command line (None: GPUWATCH_CONFIG, else the default file
    where it exists). `options` are the texts "section.key=value" of the command line.
    """
    layers = Layers()
    _read_files(layers, file, environment)
    _read_credentials(layers, environment)
    take_environment(layers, environment)
    take_options(layers, options)
    return layers


def _read_files(layers: Layers, named: Path | None, environment: Mapping[str, str]) -> None:
    """The file, then its drop-ins. A file that somebody named must exist."""
    if named is None and environment.get(FILE_VARIABLE):
        named = Path(environment[FILE_VARIABLE])
    file = DEFAULT_FILE if named is None else named
    drop_ins = sorted((file.parent / "conf.d").glob("*.toml"), key=lambda path: path.name)
    if named is not None or file.exists():
        _read_file(layers, file)
    for drop_in in drop_ins:
        if not drop_in.name.startswith("."):
            _read_file(layers, drop_in)


def _read_file(layers: Layers, path: Path) -> None:
    try:
        with path.open("rb") as stream:
            content = stream.read(_FILE_LIMIT + 1)
        if len(content) > _FILE_LIMIT:
            layers.problems.append(
                Problem(str(path), "", "", "is larger than 1 MiB (is it the right file?)")
            )
            return
        document = tomllib.loads(content.decode())
    except FileNotFoundError:
        text = "does not exist (create it, or name another file with --config)"
    except OSError as error:
        text = f"cannot be read: {error.strerror} (who may read it?)"
    except UnicodeDecodeError as error:
        text = f"is not UTF-8: byte {error.start} (save it as UTF-8)"
    except tomllib.TOMLDecodeError as error:
        text = f"is not TOML: {error} (texts need quotes; see https://toml.io)"
    else:
        layers.files.append(path)
        take_document(layers, document, str(path))
        return
    layers.problems.append(Problem(str(path), "", "", text))


def take_document(layers: Layers, document: dict[str, object], origin: str) -> None:
    """Add what a file says; it is stronger than what was taken before."""
    for section, one in NAMED.items():
        tables = document.pop(section, [])
        if isinstance(tables, list):
            layers.tables[section] += [Entry(table, origin) for table in tables]
        else:
            text = f'is not a list of tables (write "[[{section}]]" above each {one})'
            layers.problems.append(Problem(origin, section, "", text))
    for key, value in _leaves(document):
        layers.entries[key] = Entry(value, origin)


def _leaves(table: Mapping[str, object], above: Key = ()) -> Iterator[tuple[Key, object]]:
    """Every value with its key; an empty table is a value, so that its name is checked too."""
    for name, value in table.items():
        key = (*above, name)
        if isinstance(value, dict) and value:
            yield from _leaves(value, key)
        else:
            yield key, value


def take_environment(layers: Layers, environment: Mapping[str, str]) -> None:
    """GPUWATCH_SECTION__KEY=value."""
    for name in sorted(environment):
        if name.startswith(_PREFIX) and name != FILE_VARIABLE:
            key = tuple(name.removeprefix(_PREFIX).lower().split("__"))
            _take_text(layers, key, Entry(environment[name], f"variable {name}", is_text=True))


def _read_credentials(layers: Layers, environment: Mapping[str, str]) -> None:
    """Files `gpuwatch.SECTION.KEY` that systemd hands over; other credentials are not ours."""
    folder = environment.get("CREDENTIALS_DIRECTORY", "")
    if not folder:
        return
    try:
        for path in sorted(Path(folder).glob(f"{_CREDENTIAL}*")):
            key = tuple(path.name.removeprefix(_CREDENTIAL).split(".", 2))
            text = path.read_text().rstrip("\n")
            entry = Entry(text, f"credential {path.name}", is_text=True, secret=True)
            _take_text(layers, key, entry)
    except (OSError, UnicodeDecodeError) as error:
        text = f"cannot be read: {error} (see LoadCredential= in systemd.exec(5))"
        layers.problems.append(Problem(folder, "", "", text))


def take_options(layers: Layers, options: Iterable[str]) -> None:
    """Add the texts of `--set`."""
    for option in options:
        name, equals, value = option.partition("=")
        if not equals or "." not in name:
            text = 'is not a setting (write "--set SECTION.KEY=VALUE")'
            layers.problems.append(Problem("option --set", option, "", text))
            continue
        entry = Entry(value, f"option --set {name}", is_text=True)
        _take_text(layers, tuple(name.strip().split(".", 2)), entry)


def _take_text(layers: Layers, key: Key, entry: Entry) -> None:
    """A text for one key. A list of windows, or of another of `NAMED`, replaces the files' one."""
    if len(key) > 1 or key[0] not in NAMED:
        layers.entries[key] = entry
        return
    tables = typed(str(entry.value))
    if isinstance(tables, list):
        layers.tables[key[0]] = [Entry(table, entry.origin) for table in tables]
        return
    text = 'is not a list of tables (write [{name = "...", cron = "...", duration = "..."}])'
    layers.problems.append(Problem(entry.origin, key[0], "", text))


def typed(text: str) -> object:
    """The value that `text` says in TOML's words (5, true, ["a", "b"]), or `text` itself."""
    try:
        document = tomllib.loads(f"value = {text}\n")
    except tomllib.TOMLDecodeError:
        return text
    return document["value"] if len(document) == 1 else text
