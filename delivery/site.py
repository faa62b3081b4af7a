"""Site: the documents as pages that need no network, one for each, with a list of all beside it.

mistune reads the Markdown; nothing is added but the frame. A link to a document becomes one to its
page; a link or an anchor that leads nowhere is an error, so that the site cannot rot in silence.
"""

import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from html import escape, unescape
from pathlib import Path, PurePosixPath

import mistune

from delivery.places import ROOT, VERSION, DeliveryError

_OUTSIDE = ("https://", "http://", "mailto:")
_TAGS = re.compile(r"<[^>]+>")
_NO_WORD = re.compile(r"[^\w\- ]")
# Files that are linked to and are no documents are copied as they are.
_FIRST = ("README.md", "CHANGELOG.md", "CONTRIBUTING.md")
_COPIED = (".png", ".svg")
_STYLE = Path(__file__).with_name("site.css").read_text(encoding="utf-8")


@dataclass(slots=True)
class _Page:
    """One document: where it lies below the root, its title, its HTML, the anchors in it."""

    source: PurePosixPath
    title: str
    body: str
    anchors: frozenset[str]
    links: list[str] = field(default_factory=list)


class _Renderer(mistune.HTMLRenderer):
    """Gives headings anchors as code hosts do, and keeps the links that were met."""

    def __init__(self) -> None:
        super().__init__(escape=True)
        self.links: list[str] = []
        self.anchors: dict[str, int] = {}
        self.title = ""

    def heading(self, text: str, level: int, **_attributes: object) -> str:
        """A heading; the first is the page's title."""
        plain = unescape(_TAGS.sub("", text))
        self.title = self.title or plain
        name = _NO_WORD.sub("", plain.lower()).replace(" ", "-")
        seen = self.anchors.get(name, 0)
        self.anchors[name] = seen + 1
        anchor = f"{name}-{seen}" if seen else name
        return f'<h{level} id="{escape(anchor)}">{text}</h{level}>\n'

    def link(self, text: str, url: str, title: str | None = None) -> str:
        """A link; to a document it leads to its page."""
        self.links.append(url)
        return super().link(text, _as_page(url), title)

    def image(self, text: str, url: str, title: str | None = None) -> str:
        """A picture, which is copied."""
        self.links.append(url)
        return super().image(text, url, title)


def build(into: Path, root: Path = ROOT) -> int:
    """The pages of `root`, and how many. Raises DeliveryError with each link that leads nowhere."""
    pages = {source: _read(root, source) for source in _documents(root)}
    problems = [problem for page in pages.values() for problem in _broken(root, page, pages)]
    if problems:
        raise DeliveryError("links that lead nowhere: " + "; ".join(problems))
    shutil.rmtree(into, ignore_errors=True)
    for page in pages.values():
        place = into / _as_page(str(page.source))
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(_html(page, pages), encoding="utf-8")
    for path in sorted(_pictures(pages)):
        place = into / path
        place.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(root / path, place)
    return len(pages)


def _documents(root: Path) -> Iterator[PurePosixPath]:
    found = (*(root / name for name in _FIRST), *sorted((root / "docs").rglob("*.md")))
    return (PurePosixPath(path.relative_to(root).as_posix()) for path in found if path.exists())


def _read(root: Path, source: PurePosixPath) -> _Page:
    renderer = _Renderer()
    markdown = mistune.create_markdown(renderer=renderer, plugins=["table", "strikethrough"])
    body = str(markdown((root / source).read_text(encoding="utf-8")))
    return _Page(
        source, renderer.title or str(source), body, frozenset(renderer.anchors), renderer.links
    )


def _broken(root: Path, page: _Page, pages: dict[PurePosixPath, _Page]) -> Iterator[str]:
    for link in page.links:
        if link.startswith(_OUTSIDE):
            continue
        target, _, anchor = link.partition("#")
        path = _below_root(page.source, target) if target else page.source
        if not (root / path).exists():
            yield f"{page.source}: {link}"
        elif anchor and path in pages and anchor not in pages[path].anchors:
            yield f"{page.source}: {link} (no such heading)"


def _below_root(source: PurePosixPath, target: str) -> PurePosixPath:
    """The path below the root that `target` in `source` means."""
    parts: list[str] = []
    for part in (*source.parent.parts, *PurePosixPath(target).parts):
        if part == "..":
            if not parts:
                return PurePosixPath("outside the root")
            parts.pop()
        elif part != ".":
            parts.append(part)
    return PurePosixPath(*parts)


def _as_page(link: str) -> str:
    """The link with the page in the place of the document; a folder's page is its README."""
    target, hash_mark, anchor = link.partition("#")
    if link.startswith(_OUTSIDE) or not target.endswith(".md"):
        return link
    path = PurePosixPath(target)
    name = "index.html" if path.name == "README.md" else f"{path.stem}.html"
    return f"{path.parent / name}{hash_mark}{anchor}"


def _pictures(pages: dict[PurePosixPath, _Page]) -> Iterator[PurePosixPath]:
    for page in pages.values():
        for link in page.links:
            if link.endswith(_COPIED) and not link.startswith(_OUTSIDE):
                yield _below_root(page.source, link)


def _html(page: _Page, pages: dict[PurePosixPath, _Page]) -> str:
    up = "../" * (len(page.source.parts) - 1)
    listed = "".join(_entry(one, page, up) for one in pages.values() if _is_listed(one))
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        f"<title>{escape(page.title)} - gpuwatch {VERSION}</title>"
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f'<link rel="icon" href="data:,"><style>{_STYLE}</style></head><body>'
        f'<nav aria-label="documents"><ul>{listed}</ul></nav>'
        f"<main>{page.body}</main></body></html>\n"
    )


def _is_listed(page: _Page) -> bool:
    """The runbooks and decisions have lists of their own."""
    return len(page.source.parts) <= 2 or page.source.name == "README.md"  # noqa: PLR2004


def _entry(one: _Page, shown: _Page, up: str) -> str:
    current = ' aria-current="page"' if one is shown else ""
    return f'<li><a href="{up}{_as_page(str(one.source))}"{current}>{escape(one.title)}</a></li>'
