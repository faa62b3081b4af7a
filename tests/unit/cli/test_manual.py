"""The manual says what the parser and the settings say, in troff that every system renders."""

import os
import re
from itertools import chain
from pathlib import Path

import pytest

from gpuwatch.cli.grammar import grammar
from gpuwatch.cli.manual import _plain, pages, write
from gpuwatch.cli.parser import parser
from gpuwatch.config.schema import fields_of, sections

MANUAL = Path(__file__).parents[3] / "packaging" / "man"
MACROS = {".TH", ".SH", ".SS", ".TP", ".br", ".nh", ".ad"}
TOP = grammar(parser())


def test_golden_manual_pages_are_current() -> None:
    """`make man` writes them; a page of a command that is gone is gone, too."""
    if os.environ.get("GPUWATCH_GOLDEN") == "rewrite":
        write(MANUAL)

    kept = {path.name: path.read_text(encoding="utf-8") for path in MANUAL.iterdir()}

    assert kept == pages(), "packaging/man: make man, and read the diff"


def test_every_option_of_every_command_is_in_its_page() -> None:
    """With the names by which it is given."""
    told = pages()
    missing = [
        (command.words, name)
        for command in TOP.walk()
        for option in command.options
        for name in option.names
        if command.words
        and not command.commands
        and f"\\fB{_plain(name)}\\fR" not in told[f"gpuwatch-{command.words[0]}.1"]
    ]

    assert missing == []


def test_every_setting_is_in_the_page_of_the_configuration() -> None:
    """Under its section."""
    told = pages()["gpuwatch.toml.5"]
    keys = chain.from_iterable(fields_of(name) for name, _ in sections())

    assert [key for key in keys if f"\\fB{_plain(key)}\\fR" not in told] == []


def test_commands_for_machines_have_no_page() -> None:
    """Completion scripts call them; people need not."""
    assert "gpuwatch-complete-names.1" not in pages()


@pytest.mark.parametrize("name", sorted(pages()))
def test_a_page_has_only_macros_that_man_knows(name: str) -> None:
    """A line of text that begins with a dot would vanish."""
    lines = pages()[name].splitlines()

    macros = {line.split(" ")[0] for line in lines if line.startswith((".", "'"))}

    assert macros - MACROS == {'.\\"'}
    assert [line for line in lines if re.search(r"\\\\[^&e(\\-fBIR]", line)] == []


@pytest.mark.parametrize(
    ("text", "troff"),
    [
        (".hidden", "\\&.hidden"),
        ("'quoted'", "\\&'quoted'"),
        ("a\\b --c", "a\\eb \\-\\-c"),
        ('say "no"', "say \\(dqno\\(dq"),
        ("two\n lines", "two lines"),
    ],
)
def test_text_is_printed_as_it_is(text: str, troff: str) -> None:
    """Nothing in a help text is taken for a command to troff."""
    assert _plain(text) == troff


def test_pages_of_commands_that_are_gone_are_removed(tmp_path: Path) -> None:
    """Files that are not ours stay."""
    (tmp_path / "gpuwatch-gone.1").write_text("old")
    (tmp_path / "README").write_text("ours")

    write(tmp_path)

    assert {path.name for path in tmp_path.iterdir()} == {*pages(), "README"}
