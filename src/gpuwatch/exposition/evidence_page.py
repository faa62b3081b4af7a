"""Evidence page: the first page of evidence, one file without anything from elsewhere, for A4."""

from collections.abc import Iterable, Sequence
from importlib.resources import files

from gpuwatch.exposition.evidence_plots import Figure, figures
from gpuwatch.exposition.evidence_shapes import EvidenceShape
from gpuwatch.exposition.evidence_timeline import timeline
from gpuwatch.exposition.evidence_words import Section, headline, sections, steps, summary
from gpuwatch.exposition.markup import Markup, tag
from gpuwatch.exposition.paper import Row, paper
from gpuwatch.exposition.plots import STYLE, inline_figure

_CSS = files("gpuwatch.exposition").joinpath("evidence.css").read_text(encoding="utf-8")
_LONG = "Counters"


def evidence_page(told: EvidenceShape, contents: Sequence[Row], notes: Sequence[str]) -> bytes:
    """The page; `contents` are files with what they hold, `notes` what was done to all of them."""
    title = headline(told)
    main = tag("main", tag("h1", title), *_content(told, contents, notes))
    return paper(title, _CSS + STYLE, main, tag("footer", written(told)))


def written(told: EvidenceShape) -> str:
    """When and by what all of this was written."""
    at = told["written_at"][:19].replace("T", " ")
    rules = f", rule set {told['rules_version']}" if told["rules_version"] else ""
    memory = "; no agent ran: this is what its history tells" if told["remembered"] else ""
    return f"Written {at} UTC by gpuwatch {told['version']}{rules}{memory}. All times are UTC."


def _content(
    told: EvidenceShape, contents: Sequence[Row], notes: Sequence[str]
) -> Iterable[Markup]:
    yield tag("p", summary(told), class_="lead")
    parts = sections(told)
    yield from (_part(part) for part in parts[:3])
    yield tag("section", tag("h2", "What to do"), tag("ol", *(tag("li", s) for s in steps(told))))
    moments, before = timeline(told)
    rows = [(at[:19].replace("T", " "), text) for at, text in moments]
    if before:
        rows.insert(0, ("", f"{before:,} earlier moments are in events.csv and audit.csv"))
    yield _section("What happened (UTC)", _rows(rows, "time"))
    yield from (_figure(figure) for figure in figures(told))
    yield from (_part(part) for part in parts[3:])
    yield _section("The files beside this one", _rows(contents, "files"))
    missing = [f"{one['what']}: {one['why']}" for one in told["missing"]]
    if missing:
        yield _section("What is missing, and why", _list(missing))
    if notes:
        yield _section("What was done to these files", _list(notes))


def _part(part: Section) -> Markup:
    return _section(part.title, _rows(part.rows, "long" if part.title.startswith(_LONG) else None))


def _figure(figure: Figure) -> Markup:
    drawn = inline_figure(figure.panels, figure.start, figure.end, title=figure.title)
    return _section(figure.title, drawn)


def _section(title: str, content: Markup) -> Markup:
    return tag("section", tag("h2", title), content)


def _list(items: Iterable[str]) -> Markup:
    return tag("ul", *(tag("li", item) for item in items))


def _rows(rows: Iterable[Row], kind: str | None) -> Markup:
    cells = (
        tag(
            "tr",
            tag("th", name, scope="row"),
            tag("td", text),
            class_="serial" if name == "serial" and kind is None else None,
        )
        for name, text in rows
    )
    return tag("table", tag("tbody", *cells), class_=kind)
