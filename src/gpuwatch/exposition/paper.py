"""Paper: what pages for paper have in common: rows, where a board sits, the frame of a page."""

from importlib.resources import files
from typing import TypedDict

from gpuwatch.exposition.markup import Markup, raw, tag

Row = tuple[str, str]  # what it is called, and what is known of it
NOT_TOLD = "not told"
_STYLE = files("gpuwatch.exposition").joinpath("paper.css").read_text(encoding="utf-8")


class Seated(TypedDict):
    """What a board's document says of its place, as NVML names places."""

    module: int | None
    platform_slot: int | None
    tray: int | None
    slot: str


def seat(board: Seated) -> str:
    """Where a board sits, in words."""
    numbers = (
        ("module", board["module"]),
        ("slot", board["platform_slot"]),
        ("tray", board["tray"]),
    )
    places = [f"{name} {number}" for name, number in numbers if number is not None]
    return ", ".join(places) or board["slot"] or NOT_TOLD


def paper(title: str, style: str, main: Markup, footer: Markup) -> bytes:
    """A whole page, one file without anything from elsewhere; `style` is added to what all have."""
    head = tag(
        "head",
        tag("meta", charset="utf-8"),
        tag("title", title),
        tag("meta", name="viewport", content="width=device-width, initial-scale=1"),
        tag("link", rel="icon", href="data:,"),
        tag("style", raw(_STYLE + style)),
    )
    page = tag("html", head, tag("body", main, footer), lang="en")
    return f"<!doctype html>\n{page}\n".encode(errors="backslashreplace")
