"""The runbooks themselves: whole, each about its own matter, with commands that exist."""

import contextlib
import io
import os
import re
from collections import defaultdict
from functools import cache

import pytest

from gpuwatch.cli.alerts.findings import name_of
from gpuwatch.cli.parser import parser
from gpuwatch.exposition.runbook_tree import Block, Heading, tree
from gpuwatch.exposition.runbooks import code_meant, codes, index, runbook_of
from gpuwatch.policy.rules import BY_CODE, OURS
from tests.support.runbooks import (
    ALERTS,
    DESTROYING,
    ENDING,
    FOLDER,
    HEADINGS,
    KEEPING,
    gpuwatch_words,
    line_of,
    line_of_alert,
    links_of,
    paragraphs_of,
)

LONG = 60  # characters of a paragraph that stands on one page only
OF_RULES = [code for code in codes() if code in BY_CODE]


@cache
def _text(code: str) -> str:
    page = runbook_of(code)
    assert page is not None
    return page.markdown


@cache
def _tree(code: str) -> tuple[Block, ...]:
    return tree(_text(code))


def test_every_rule_and_alert_has_a_page_and_no_page_is_about_nothing() -> None:
    """Whoever is woken finds a page; nobody reads one of what no longer exists."""
    assert set(codes()) == BY_CODE.keys() | ALERTS.keys()


@pytest.mark.parametrize("code", codes())
def test_a_page_is_meant_by_the_name_of_its_alert_and_in_capitals(code: str) -> None:
    """As it stands on a pager."""
    assert [code_meant(name) for name in (code, name_of(code), code.upper())] == [code] * 3


def test_a_name_of_no_page_stays_as_it_is() -> None:
    """Who mistypes is told what was read."""
    assert code_meant("GpuwatchXyzzy") == "GpuwatchXyzzy"


@pytest.mark.parametrize("code", codes())
def test_a_page_has_all_its_parts(code: str) -> None:
    """The same seven questions everywhere, in one order: a person at 03:00 knows where to look."""
    headings = [block for block in _tree(code) if isinstance(block, Heading)]

    told = ["".join(span.text for span in block.spans) for block in headings]
    assert told[0].startswith(f"{code}: ")
    assert tuple(told[1:]) == HEADINGS
    assert [block.level for block in headings] == [1, *[2] * len(HEADINGS)]


@pytest.mark.parametrize("code", codes())
def test_golden_second_line_of_a_page_says_what_its_rule_says(code: str) -> None:
    """Urgency, scope, remedy, due, return: from the row of the rule, or that of the alert."""
    path = FOLDER / f"{code}.md"
    title, _, _, *rest = path.read_text().split("\n")
    told = line_of(BY_CODE[code]) if code in BY_CODE else line_of_alert(ALERTS[code])
    expected = "\n".join((title, "", told, *rest))
    if os.environ.get("GPUWATCH_GOLDEN") == "rewrite":
        path.write_text(expected)

    assert path.read_text() == expected, f"{path.name}: make golden, and read the page again"


def test_a_page_names_the_source_of_its_rule() -> None:
    """Whose criterion it is: that of a document, or our own and no one else's."""
    sources = {code: _text(code).partition("## Sources")[2] for code in OF_RULES}

    assert OURS == "gpuwatch heuristic"
    assert [code for code in OF_RULES if BY_CODE[code].source not in sources[code]] == []


@pytest.mark.parametrize("code", codes())
def test_every_command_of_ours_in_a_page_exists(code: str) -> None:
    """The real parser takes it, with options and choices; only the words in capitals differ."""
    refused = []
    for words in gpuwatch_words(_tree(code)):
        told = io.StringIO()
        with contextlib.redirect_stderr(told), contextlib.redirect_stdout(told):
            try:
                parser().parse_args(words)
            except SystemExit as refusal:
                refused += [(words, told.getvalue().splitlines()[-1])] if refusal.code else []

    assert refused == []


def test_every_command_of_ours_in_the_index_exists() -> None:
    """The index names commands, too."""
    told = [words for words in gpuwatch_words(tree(index())) if words[:2] != ("release", "--")]
    for words in told:
        parser().parse_args(words)

    assert told != []


def test_links_between_pages_and_documents_lead_somewhere() -> None:
    """To another page, to a document of this repository, or to a public address."""
    inner = [
        (code, target)
        for code in codes()
        for target in links_of(_tree(code))
        if not target.startswith("https://")
    ]

    files = [(code, FOLDER / target.partition("#")[0]) for code, target in inner]
    assert [(code, path.name) for code, path in files if not path.is_file()] == []
    assert [code for code, path in files if path.name == f"{code}.md"] == []


def test_a_page_names_what_to_run_first() -> None:
    """Nobody composes a command at 03:00."""
    first = {
        code: _text(code).partition("## First five minutes")[2].partition("\n## ")[0]
        for code in codes()
    }

    assert [code for code, text in first.items() if "```sh\n" not in text] == []


def test_no_page_tells_to_empty_a_log_or_a_counter() -> None:
    """That is the evidence."""
    found = {code: DESTROYING.findall(_text(code)) for code in codes()}

    assert {code: told for code, told in found.items() if told} == {}


def test_evidence_is_kept_before_it_is_lost() -> None:
    """Whatever ends the state of a GPU, a host or a service comes after what writes it down."""
    late = []
    for code in codes():
        _, _, steps = _text(code).partition("## First five minutes")
        ended = ENDING.search(steps)
        late += [code] if ended and not KEEPING.search(steps[: ended.start()]) else []

    assert late == []


def test_no_paragraph_stands_on_two_pages() -> None:
    """A page that could stand for another helps nobody."""
    pages = defaultdict(list)
    for code in codes():
        for paragraph in paragraphs_of(_tree(code)):
            pages[paragraph].append(code)
    sources = re.compile(r"^(NVIDIA|ASHRAE|IPMI 2\.0),")

    shared = {
        paragraph: on
        for paragraph, on in pages.items()
        if len(on) > 1 and len(paragraph) > LONG and not sources.match(paragraph)
    }
    assert shared == {}


def test_the_index_leads_to_every_page_once_by_its_title() -> None:
    """Whoever browses the folder finds all of them."""
    listed = re.findall(r"^- \[([a-z0-9-]+)\]\(\1\.md\): (.+)$", index(), re.MULTILINE)

    titles = [(page.code, page.title) for code in codes() if (page := runbook_of(code))]
    assert sorted(listed) == sorted(titles)
