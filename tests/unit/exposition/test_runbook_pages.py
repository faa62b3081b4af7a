"""Runbook pages: every runbook as a page of the agent, in the frame of all pages."""

import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gpuwatch.exposition.frame import frame
from gpuwatch.exposition.runbook_pages import runbook_page, runbooks_page
from gpuwatch.exposition.runbooks import Runbook, code_of, codes, near, runbook_link, runbook_of
from tests.support.golden import assert_golden
from tests.support.pages import Reader
from tests.support.snapshots import rich_snapshot

WRITTEN = frozenset(
    ["article", "h1", "h2", "p", "pre", "code", "ol", "ul", "li", "strong", "em", "a"]
)
OF_THE_FRAME = Reader(frame(rich_snapshot(), "empty")).elements


def _page(code: str) -> bytes:
    runbook = runbook_of(code)
    assert runbook is not None
    return runbook_page(rich_snapshot(), runbook)


def test_the_page_of_a_gpu_off_the_bus_is_the_golden_one() -> None:
    """Steps, commands, links to other runbooks and to public sources."""
    assert_golden("runbook.html", _page("off-the-bus").decode())


@pytest.mark.parametrize("code", codes())
def test_every_runbook_is_a_page(code: str) -> None:
    """Of elements that we write, in the frame of every page, with links that lead somewhere."""
    reader = Reader(_page(code))

    inner = {link for link in reader.addresses if link.startswith("/runbooks/")} - {"/runbooks/"}
    assert reader.elements <= WRITTEN | OF_THE_FRAME
    assert reader.open == []
    assert {link.removeprefix("/runbooks/") for link in inner} <= set(codes())


def test_the_index_leads_to_every_page() -> None:
    """Grouped, with the title of each."""
    reader = Reader(runbooks_page(rich_snapshot()))

    assert {f"/runbooks/{code}" for code in codes()} <= reader.addresses
    assert reader.elements <= WRITTEN | OF_THE_FRAME


def test_a_runbook_is_not_loaded_anew_by_itself() -> None:
    """Somebody reads it from top to bottom, and its place on the screen shall stay."""
    assert b"http-equiv" not in _page("off-the-bus")
    assert b"http-equiv" in frame(rich_snapshot(), "status")


def test_a_document_that_is_not_served_is_named() -> None:
    """It lies beside the runbooks in the repository, and not on the agent."""
    page = runbook_page(rich_snapshot(), Runbook("a", "b", "# a: b\n\n[flags](../flags.md)\n"))

    assert "flags (<code>docs/flags.md</code>)" in page.decode()


@given(st.text(max_size=200))
def test_whatever_a_page_says_is_text_or_refused(markdown: str) -> None:
    """No text becomes an element that we do not write; what is no runbook is a ValueError."""
    try:
        reader = Reader(runbook_page(rich_snapshot(), Runbook("x", "x", markdown)))
    except ValueError:
        return

    written = WRITTEN | {f"h{level}" for level in range(1, 7)}
    assert reader.elements <= written | OF_THE_FRAME
    assert reader.open == []


@pytest.mark.parametrize("code", ["README", "", "../flags", "off-the-bus.md", "OFF-THE-BUS", "."])
def test_only_codes_are_pages(code: str) -> None:
    """Nothing but the files of the folder can be asked for."""
    assert runbook_of(code) is None


@pytest.mark.parametrize(
    ("meant", "told"),
    [
        ("of-the-bus", ["off-the-bus", "off-the-bus-again"]),
        ("hung", ["driver-hung"]),
        ("", []),
        ("xyzzy", []),
    ],
)
def test_the_nearest_codes_are_told(meant: str, told: list[str]) -> None:
    """A misspelt one, and one of which a part is known."""
    assert list(near(meant)) == told


def test_links_lead_to_the_agent_or_to_the_base() -> None:
    """A base is what the settings name; code and suffix of a link between pages are told apart."""
    assert runbook_link("", "cooling") == "/runbooks/cooling"
    assert runbook_link("https://wiki.example/gpu", "cooling") == "https://wiki.example/gpu/cooling"
    assert (code_of("cooling.md"), code_of("README.md"), code_of("cooling")) == (
        "cooling",
        None,
        None,
    )


def test_the_reader_of_markdown_is_loaded_by_the_first_page_only() -> None:
    """An agent of which nobody asks a runbook does not pay for it."""
    program = (
        "import sys, gpuwatch.exposition.site, gpuwatch.cli.explain, gpuwatch.cli.completion;"
        "print('mistune' in sys.modules);"
        "from gpuwatch.exposition.runbook_tree import tree; tree('a');"
        "print('mistune' in sys.modules)"
    )

    done = subprocess.run([sys.executable, "-c", program], capture_output=True, check=True)

    assert done.stdout.split() == [b"False", b"True"]
