"""Names: what can be told of a word that names something, and patterns of many such words."""

import re
from collections.abc import Iterable

from gpuwatch.cli.bundle.telltale import EVERYBODYS, OF_MEMORY, PLACE_BEFORE, ROW, WORDS
from gpuwatch.exposition.redaction import STANDING_IN, is_address

BEFORE, BEHIND = r"(?<![^\W_])", r"(?![^\W_])"  # where a word begins and ends; "_" is no letter
_SHORTEST_PLACE = 3
_NEAR = 60  # characters to both sides
_DOMAIN = re.compile(r"[\w-]+(?:\.[\w-]+)*\.[a-z][\w-]+")  # of two labels at least


def process_of(found: re.Match[str]) -> tuple[str, str]:
    """The number and the name of a process, "" where a pattern has, or a line tells, none."""
    told = found.groupdict()
    name = (told.get("name") or "").strip()
    return told.get("pid") or "", "" if is_unknown(name.lower()) else name


def is_unknown(name: str) -> bool:
    """Whether it names nothing, or is one of our own words for a name."""
    return name.strip("<>") in EVERYBODYS or STANDING_IN.fullmatch(name) is not None


def is_plain(place: str) -> bool:
    """Whether a place is called what much else is called as well."""
    lettered = any(one.isalpha() for one in place)
    return len(place) < _SHORTEST_PLACE or not lettered or place in WORDS


def longest_first(names: Iterable[str]) -> str:
    """An alternation of names; one that nothing matches where there are none."""
    ordered = sorted(names, key=lambda one: (-len(one), one))
    return "|".join(map(re.escape, ordered)) or r"(?!)"


def near_to(names: Iterable[str]) -> re.Pattern[str]:
    """A place that is called so, behind a word that says what it is."""
    return re.compile(rf"{PLACE_BEFORE}(?P<place>{longest_first(names)}){BEHIND}", re.IGNORECASE)


def beside_them(names: Iterable[str]) -> re.Pattern[str]:
    """A host in the domain of one whose name is known: whose hosts they are is told by it."""
    domains = {one.partition(".")[2] for one in names if not is_address(one)}
    of_two = longest_first(one for one in domains if _DOMAIN.fullmatch(one))
    labels = r"[\w-]{1,63}(?:\.[\w-]{1,63}){0,4}?"
    return re.compile(rf"(?<![\w.-])(?P<name>{labels}\.(?:{of_two}))(?![\w-])", re.IGNORECASE)


def is_of_memory(found: re.Match[str]) -> bool:
    """Whether what `near_to` found is a row of memory, by the line around it."""
    if not (found["before"].lower().startswith(ROW) and found["place"].isdecimal()):
        return False
    text = found.string
    before = text[max(found.start() - _NEAR, 0) : found.start()].rpartition("\n")[2]
    behind = text[found.start() : found.end() + _NEAR].partition("\n")[0]
    return OF_MEMORY.search(before + behind) is not None
