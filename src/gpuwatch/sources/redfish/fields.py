"""Fields: what is taken out of a Redfish resource, whatever its service has put there instead."""

import math
import re
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import urlsplit

ROOT = "/redfish/v1/"
TEXT_LENGTH = 200
_LINK_LENGTH = 1_000
_HIDDEN = re.compile(r"\\|%(?![2-7][0-9a-f])|%(2e|2f|5c|7f)", re.IGNORECASE)  # as "." and "/"

Document = Mapping[str, Any]
_NOTHING: Document = {}


def text(document: Document, *path: str, length: int = TEXT_LENGTH) -> str:
    """A text, printable and of bounded length; "" for anything else, numbers made texts."""
    value = walk(document, *path)
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return ""
    return "".join(sign if sign.isprintable() else " " for sign in str(value)[:length]).strip()


def number(document: Document, *path: str) -> float | None:
    """A finite number; also one that is written as a text, as metric reports do."""
    return as_number(walk(document, *path))


def as_number(value: object) -> float | None:
    """A finite number out of one or a text; None for anything else."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        found = float(value[:64] if isinstance(value, str) else value)
    except (ValueError, OverflowError):
        return None
    return found if math.isfinite(found) else None


def flag(document: Document, *path: str) -> bool | None:
    """A truth value; None for anything else."""
    value = walk(document, *path)
    return value if isinstance(value, bool) else None


def part(document: Document, *path: str) -> Document:
    """An object within; an empty one for anything else."""
    value = walk(document, *path)
    return value if isinstance(value, Mapping) else _NOTHING


def items(document: Document, *path: str, limit: int) -> Iterator[Document]:
    """The objects of an array, at most `limit` of them; what is no object is left out."""
    value = walk(document, *path)
    for item in value[:limit] if isinstance(value, list) else ():
        if isinstance(item, Mapping):
            yield item


def link(document: Document, *path: str) -> str:
    """Where a reference points, as `local` says; "" where there is none."""
    return local(part(document, *path).get("@odata.id"))


def links(document: Document, *path: str, limit: int) -> list[str]:
    """Where the references of an array point, without those that `local` refuses."""
    found = (local(item.get("@odata.id")) for item in items(document, *path, limit=limit))
    return [place for place in found if place]


def local(target: object, origin: str = "") -> str:
    """A path of this service without `/redfish/v1/`; "" for one that leads anywhere else.

    What a service names is asked with our credentials: another host, another tree of the same
    host, and what a server could read as either are not followed. A whole address is taken where
    it begins with `origin`.
    """
    if not isinstance(target, str) or len(target) > _LINK_LENGTH:
        return ""
    if origin and target.startswith(f"{origin}/"):
        target = target[len(origin) :]
    odd = not target.isascii() or not target.isprintable() or _HIDDEN.search(target)
    if odd or not target.startswith(ROOT):
        return ""
    place = urlsplit(target)
    if {"..", "."} & set(place.path.split("/")) or "//" in place.path:
        return ""
    return target[len(ROOT) :].partition("#")[0].rstrip("/")


def walk(document: Document, *path: str) -> object:
    """What stands at the end of `path`; None where it ends before."""
    value: object = document
    for name in path:
        if not isinstance(value, Mapping):
            return None
        value = value.get(name)
    return value
