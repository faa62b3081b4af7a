"""Loading: layers become checked settings that know where each came from, or all that is wrong."""

import hashlib
import json
import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from pydantic import ValidationError

from gpuwatch.config.layers import NAMED, Entry, Key, Layers, Problem, read
from gpuwatch.config.models import Settings
from gpuwatch.config.refusals import problems as refusals
from gpuwatch.config.schema import dotted, shown, text_value
from gpuwatch.sources.calendars import glance

EXIT_CONFIG = 78  # EX_CONFIG of sysexits.h


class ConfigError(Exception):
    """The configuration is refused; `problems` are all that is wrong with it."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(f"config: {problem}" for problem in self.problems))


@dataclass(frozen=True, slots=True)
class Setting:
    """One effective value for people: written as in the file, and where it came from."""

    key: str
    value: str
    origin: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Loaded:
    """Checked settings, with the sources they were read from, so that they can be read again."""

    settings: Settings
    layers: Layers
    file: Path | None
    options: tuple[str, ...]

    def effective(self) -> tuple[Setting, ...]:
        """Every setting with its value and origin; what came from a credential is not shown."""
        return tuple(self._sections()) + tuple(
            Setting(dotted((section, table.name, key)), shown(value), entry.origin)
            for section in NAMED
            for entry, table in zip(
                self.layers.tables[section], getattr(self.settings, section), strict=True
            )
            for key, value in table.model_dump().items()
        )

    def _sections(self) -> Iterator[Setting]:
        for section, keys in self.settings.model_dump(exclude=set(NAMED)).items():
            for key, value in keys.items():
                whole = self.layers.entries.get((section, key))
                parts = value if isinstance(value, dict) and value else {}
                for part, single in parts.items():
                    entry = self.layers.entries.get((section, key, part), whole)
                    yield _setting(dotted((section, key, part)), single, entry)
                if not parts:
                    yield _setting(f"{section}.{key}", value, whole)

    @property
    def digest(self) -> str:
        """A short name of the effective settings: equal settings, equal name."""
        text = json.dumps(self.settings.model_dump(mode="json"), sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:12]


@dataclass(frozen=True, slots=True)
class Reloaded:
    """What reading the sources again gave.

    `loaded` is in effect from now on: sections that need a restart keep their old values in it.
    `changed` are keys that took effect, `needs_restart` keys whose new value waits for a restart.
    """

    loaded: Loaded
    changed: tuple[str, ...]
    needs_restart: tuple[str, ...]


def load(
    *,
    file: Path | None = None,
    options: Iterable[str] = (),
    environment: Mapping[str, str] | None = None,
) -> Loaded:
    """Read and check everything. Raises ConfigError with all problems.

    `file` is the file named on the command line, `options` the texts of `--set`.
    """
    options = tuple(options)
    layers = read(file, os.environ if environment is None else environment, options)
    return Loaded(settings=check(layers), layers=layers, file=file, options=options)


def check(layers: Layers) -> Settings:
    """The settings that the layers say together. Raises ConfigError with all problems."""
    tree = _tree(layers)
    problems = [*layers.problems, *_duplicates(layers)]
    try:
        settings = Settings.model_validate(tree)
    except ValidationError as error:
        raise ConfigError([*problems, *refusals(error, layers)]) from error
    problems += [*_unreadable(settings, layers), *_asked_twice(settings, layers)]
    if problems:
        raise ConfigError(problems)
    return settings


def reload(old: Loaded, environment: Mapping[str, str] | None = None) -> Reloaded:
    """Read the sources of `old` again (SIGHUP). Raises ConfigError; `old` then stays in effect."""
    new = load(file=old.file, options=old.options, environment=environment)
    before = {setting.key: setting.value for setting in old.effective()}
    after = {setting.key: setting.value for setting in new.effective()}
    differing = sorted(
        key for key in before.keys() | after.keys() if before.get(key) != after.get(key)
    )
    live = tuple(key for key in differing if key.split(".")[0] in Settings.LIVE)
    waiting = tuple(key for key in differing if key.split(".")[0] not in Settings.LIVE)
    kept = {
        name: getattr(old.settings, name)
        for name in Settings.model_fields
        if name not in Settings.LIVE
    }
    settings = new.settings.model_copy(update=kept)
    loaded = Loaded(settings=settings, layers=new.layers, file=new.file, options=new.options)
    return Reloaded(loaded, live, waiting)


def _setting(key: str, value: object, entry: Entry | None) -> Setting:
    if entry is None:
        return Setting(key, shown(value), "default")
    return Setting(key, "(hidden)" if entry.secret else shown(value), entry.origin)


def _tree(layers: Layers) -> dict[str, object]:
    """The winning values as nested tables, texts typed as their setting wants."""
    tree: dict[str, object] = {}
    for key, entry in layers.entries.items():
        value = text_value(key, str(entry.value)) if entry.is_text else entry.value
        _place(tree, key, value)
    for section, tables in layers.tables.items():
        if tables:
            tree[section] = [entry.value for entry in tables]
    return tree


def _place(tree: dict[str, object], key: Key, value: object) -> None:
    table = tree
    for name in key[:-1]:
        below = table.setdefault(name, {})
        if not isinstance(below, dict):
            return  # a value where a table belongs: reported as such, with its own origin
        table = below
    if value != {} or key[-1] not in table:
        table[key[-1]] = value


def _unreadable(settings: Settings, layers: Layers) -> Iterator[Problem]:
    """Calendars that cannot be read now. What stands in them is found out while the agent runs."""
    for entry, calendar in zip(layers.tables["calendars"], settings.calendars, strict=True):
        if text := glance(calendar.path):
            key = dotted(("calendars", calendar.name, "path"))
            yield Problem(entry.origin, key, shown(calendar.path), text)


def _asked_twice(settings: Settings, layers: Layers) -> Iterator[Problem]:
    """BMCs that two names mean: each entry of its log would be told twice."""
    seen: dict[tuple[str, str], str] = {}
    for name, bmc in settings.bmc.items():
        key = "address" if bmc.endpoint else "device"
        place = (bmc.protocol, bmc.endpoint or bmc.device)
        if place in seen:
            entry = layers.entries.get(("bmc", name, key))
            origin = "default" if entry is None else entry.origin
            text = f"is that of bmc.{seen[place]} already (remove one of them, or correct it)"
            yield Problem(origin, f"bmc.{name}.{key}", shown(place[1]), text)
        else:
            seen[place] = name


def _duplicates(layers: Layers) -> Iterator[Problem]:
    """Windows whose name another one has already; names are how people and flags refer to them."""
    for section, one in NAMED.items():
        seen: dict[object, str] = {}
        for entry in layers.tables[section]:
            name = entry.value.get("name") if isinstance(entry.value, dict) else None
            if isinstance(name, str) and name in seen:
                text = f"is the name of a {one} in {seen[name]} already (give it another name)"
                yield Problem(entry.origin, f"{section}.name", shown(name), text)
            elif isinstance(name, str):
                seen[name] = entry.origin
