"""Markup: HTML in which whatever is not markup already is escaped, so that nobody can forget to."""

from html import escape

# Elements of HTML that have no end tag, as far as the pages use them.
_VOID = frozenset({"meta", "link", "br"})


class Markup(str):
    """Text that is HTML already; only `tag`, `join` and `raw` make it."""

    __slots__ = ()


def raw(html: str) -> Markup:
    """Constant HTML of our own. Never for anything that was read from somewhere."""
    return Markup(html)


def join(*children: str) -> Markup:
    """The children one after the other; plain text among them is escaped."""
    return Markup("".join(_html(child) for child in children))


def tag(name: str, /, *children: str, **attributes: str | None) -> Markup:
    """An element. `class_` stands for class, `data_x` for data-x; an attribute of None is left out.

    Children and attribute values are escaped unless they are Markup.
    """
    told = "".join(
        f' {key.rstrip("_").replace("_", "-")}="{escape(value)}"'
        for key, value in attributes.items()
        if value is not None
    )
    start = f"<{name}{told}>"
    return Markup(start if name in _VOID else f"{start}{join(*children)}</{name}>")


def _html(child: str) -> str:
    return child if isinstance(child, Markup) else escape(child)
