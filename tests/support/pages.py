"""Pages: HTML of ours read as a browser reads it."""

from html.parser import HTMLParser

INLINE = frozenset({"a", "strong", "span", "small", "code", "time"})
HEADINGS = ("h1", "h2", "h3", "h4", "h5", "h6")
VOID = frozenset({"meta", "link", "br"})


class Reader(HTMLParser):
    """Reads a page as a browser would: which elements, which addresses, is it well nested."""

    def __init__(self, page: bytes) -> None:
        super().__init__()
        self.elements: set[str] = set()
        self.addresses: set[str] = set()
        self.attributes: set[str] = set()
        self.words: list[str] = []
        self.open: list[str] = []
        self.headings: list[int] = []
        self.feed(page.decode())

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Remember the element and its attributes."""
        self.elements.add(tag)
        self.attributes.update(name for name, _ in attrs)
        self.addresses.update(
            value for name, value in attrs if name in {"href", "src"} and value is not None
        )
        if tag in HEADINGS:
            self.headings.append(HEADINGS.index(tag) + 1)
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        """Every end closes what was opened last."""
        assert self.open.pop() == tag
        if tag not in INLINE:
            self.words.append(" ")

    def handle_data(self, data: str) -> None:
        """Collect the text."""
        if "style" not in self.open:
            self.words.append(data)

    @property
    def text(self) -> str:
        """All text, with single spaces."""
        return " ".join("".join(self.words).split())
