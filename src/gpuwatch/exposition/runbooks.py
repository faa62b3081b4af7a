"""Runbooks: the pages for people on call, which come with the package, and where they are."""

import difflib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

PATH = "/runbooks/"
_SUFFIX = ".md"
_INDEX = "README"
_CODE = re.compile(r"[a-z0-9-]+")
_FOLDER = files("gpuwatch").joinpath("runbooks")
_NEAR = 3
_ALERT = "gpuwatch"  # how the name of every alert begins


@dataclass(frozen=True, slots=True)
class Runbook:
    """One page: `code` is that of the rule or alert, `markdown` all of it, its title included."""

    code: str
    title: str
    markdown: str


@cache
def codes() -> tuple[str, ...]:
    """The code of every page, in alphabetical order."""
    names = (path.name.removesuffix(_SUFFIX) for path in _FOLDER.iterdir())
    return tuple(sorted(name for name in names if _CODE.fullmatch(name)))


def runbook_of(code: str) -> Runbook | None:
    """The page of a rule or alert; None where there is none."""
    if code not in codes():
        return None
    markdown = _read(code)
    title = markdown.partition("\n")[0].removeprefix(f"# {code}: ")
    return Runbook(code, title, markdown)


def code_meant(name: str) -> str:
    """The code that goes by a name: a code in capitals, or the name of the alert that was sent.

    Alerts are called after codes: GpuwatchRowRemapFailed is row-remap-failed. A name of none
    stays as it is.
    """
    return _by_sound().get(_sound(name), name)


def index() -> str:
    """The page that leads to all others, as Markdown."""
    return _read(_INDEX)


def near(code: str) -> Sequence[str]:
    """Codes that might be meant, the nearest first."""
    within = [one for one in codes() if code and code in one]
    return list(dict.fromkeys((*difflib.get_close_matches(code, codes()), *within)))[:_NEAR]


def runbook_link(base: str, code: str) -> str:
    """Where the page of a rule is read: under `base` (`web.runbook_url`), on this agent for ""."""
    return f"{base}/{code}" if base else f"{PATH}{code}"


def code_of(target: str) -> str | None:
    """The code of the page to which a link between pages leads; None for other links."""
    code = target.removesuffix(_SUFFIX)
    return code if target.endswith(_SUFFIX) and code in codes() else None


def _sound(name: str) -> str:
    """A name without what differs between a code and its alert."""
    return name.lower().replace("-", "").removeprefix(_ALERT)


@cache
def _by_sound() -> Mapping[str, str]:
    return {_sound(code): code for code in codes()}


def _read(name: str) -> str:
    return _FOLDER.joinpath(name + _SUFFIX).read_text(encoding="utf-8")
