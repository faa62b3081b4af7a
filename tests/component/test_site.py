"""The documents as a site: every page there, every link alive, nothing from elsewhere."""

import re
from pathlib import Path

import pytest

from delivery.places import ROOT, DeliveryError
from delivery.site import build


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A small checkout with two documents that lead to each other."""
    (tmp_path / "docs" / "decisions").mkdir(parents=True)
    (tmp_path / "README.md").write_text("# Top\n\n[one](docs/one.md#part-two)\n")
    (tmp_path / "docs" / "one.md").write_text(
        "# One\n\n## Part two\n\n![p](p.png) [up](../README.md)\n"
    )
    (tmp_path / "docs" / "p.png").write_bytes(b"png")
    return tmp_path


def test_every_document_is_a_page_and_every_link_leads_somewhere(tmp_path: Path) -> None:
    """Those of this checkout; a link that rots fails here."""
    documents = sum(1 for _ in (ROOT / "docs").rglob("*.md")) + 3

    assert build(tmp_path / "site") == documents
    page = (tmp_path / "site" / "docs" / "flags.html").read_text()
    assert 'aria-current="page">Flags' in page
    assert 'href="../docs/runbooks/index.html"' in page


def test_no_page_takes_anything_from_elsewhere(tmp_path: Path) -> None:
    """It is read in halls without a network."""
    build(tmp_path / "site")

    fetched = re.compile(r'(?:src|<link[^>]*href)="(https?:[^"]*)"|@import|<script')
    pages = [path.read_text() for path in (tmp_path / "site").rglob("*.html")]
    assert [found for page in pages for found in fetched.findall(page)] == []


def test_links_anchors_and_pictures_are_carried_over(root: Path, tmp_path: Path) -> None:
    """A document becomes its page, a heading keeps its anchor, a picture is copied."""
    build(tmp_path / "site", root)

    top = (tmp_path / "site" / "index.html").read_text()
    one = (tmp_path / "site" / "docs" / "one.html").read_text()
    assert '<a href="docs/one.html#part-two">one</a>' in top
    assert '<h2 id="part-two">Part two</h2>' in one
    assert '<a href="../index.html">up</a>' in one
    assert (tmp_path / "site" / "docs" / "p.png").read_bytes() == b"png"


@pytest.mark.parametrize(
    ("link", "told"),
    [
        ("docs/two.md", "README.md: docs/two.md"),
        ("docs/one.md#part-three", "README.md: docs/one.md#part-three (no such heading)"),
        ("../secret.md", "README.md: ../secret.md"),
    ],
)
def test_a_link_that_leads_nowhere_is_an_error(
    root: Path, tmp_path: Path, link: str, told: str
) -> None:
    """With the document and the link."""
    (root / "README.md").write_text(f"# Top\n\n[x]({link})\n")

    with pytest.raises(DeliveryError, match=re.escape(told)):
        build(tmp_path / "site", root)


def test_html_in_a_document_is_text(root: Path, tmp_path: Path) -> None:
    """A page runs nothing that somebody wrote into a document."""
    (root / "README.md").write_text("# Top\n\n<script>alert(1)</script>\n")

    build(tmp_path / "site", root)

    assert "<script" not in (tmp_path / "site" / "index.html").read_text()
