"""Work order page: a flag on paper, one file without anything from elsewhere."""

from collections.abc import Iterable
from importlib.resources import files

from gpuwatch.exposition.markup import Markup, join, tag
from gpuwatch.exposition.paper import Row, paper
from gpuwatch.exposition.work_order_shapes import LampShape, StepShape, WorkOrderShape
from gpuwatch.exposition.work_order_words import (
    board_words,
    headline,
    what,
    when,
    where,
    why,
)

_STYLE = files("gpuwatch.exposition").joinpath("work_order.css").read_text(encoding="utf-8")


def work_order_page(order: WorkOrderShape) -> bytes:
    """The whole page, which reads in black on white and prints on A4."""
    title = headline(order)
    main = tag("main", tag("h1", title), *_content(order))
    return paper(title, _STYLE, main, _footer(order))


def _content(order: WorkOrderShape) -> Iterable[Markup]:
    yield tag(
        "div",
        _section("Where", _rows(where(order))),
        _section("When", _rows(when(order))),
        class_="columns",
    )
    yield _section("What", _rows(what(order)))
    yield _section("Why", _rows(why(order)))
    if order["leaves_along"]:
        yield _section("Leaves with it", _list(map(board_words, order["leaves_along"])))
    yield tag(
        "section",
        tag("h2", "Do not touch"),
        _list(map(board_words, order["leave_alone"]))
        if order["leave_alone"]
        else tag("p", "No other board is known in this server."),
        class_="alone",
    )
    if order["notes"]:
        yield _section("On site", _list(order["notes"]))
    yield _section("Steps", tag("ol", *map(_step, order["steps"])))
    yield _section("Identify lamp", _lamps(order["lamps"]))
    yield _section("Whom to call", _contacts(order["contacts"]))
    yield tag("section", tag("h2", "To fill in"), _fields(order["fields"]), class_="fields")


def _section(title: str, content: Markup) -> Markup:
    return tag("section", tag("h2", title), content)


def _rows(rows: Iterable[Row]) -> Markup:
    cells = (
        tag(
            "tr",
            tag("th", name, scope="row"),
            tag("td", text),
            class_="serial" if name in ("serial", "its serial") else None,
        )
        for name, text in rows
    )
    return tag("table", tag("tbody", *cells))


def _list(items: Iterable[str]) -> Markup:
    return tag("ul", *(tag("li", item) for item in items))


def _step(step: StepShape) -> Markup:
    commands = (tag("code", command) for command in step["commands"])
    return tag("li", tag("span", step["text"], class_="box"), *commands)


def _lamps(lamps: list[LampShape]) -> Markup:
    if not lamps:
        return tag("p", "No BMC of this server is known to gpuwatch.")
    return tag("ul", *(_lamp(lamp) for lamp in lamps))


def _lamp(lamp: LampShape) -> Markup:
    at = f" at {lamp['address']}" if lamp["address"] else ", from the host itself"
    return tag(
        "li",
        join(f"By hand, with your own account, on BMC {lamp['bmc']}{at} ({lamp['note']}):"),
        tag("code", lamp["on"]),
        tag("code", lamp["off"]),
    )


def _contacts(contacts: list[str]) -> Markup:
    if contacts:
        return _list(contacts)
    return tag("p", "Nobody is named in the settings (work_orders.contacts).")


def _fields(fields: list[str]) -> Markup:
    rows = (tag("tr", tag("th", field, scope="row"), tag("td", "")) for field in fields)
    return tag("table", tag("tbody", *rows))


def _footer(order: WorkOrderShape) -> Markup:
    written = order["written_at"][:16].replace("T", " ")
    memory = "; no agent ran: this is what history tells" if order["remembered"] else ""
    return tag(
        "footer",
        f"Written {written} UTC by gpuwatch {order['version']}"
        f"{memory}. It may have changed since: gpuwatch work-order {order['flag']['number']}",
    )
