"""Runbook lines: a runbook for a terminal of any width."""

import textwrap

import pytest

from gpuwatch.cli.runbook_lines import runbook_lines
from gpuwatch.exposition.runbook_tree import Commands, tree
from gpuwatch.exposition.runbooks import codes, runbook_of
from tests.support.runbooks import leaves_of

WHOLE = 60  # a word as long as that is an address or a query, and stays whole

PAGE = """\
# a: a title that is long

> **Page**: now.

## What it means

A sentence that is longer than the lines are, with `some code` in it.

1. One step that is also too long for a line.

   ```sh
   a command | that is never broken, however long it is
   ```

- See [cooling](cooling.md) and [NVIDIA](https://docs.example/x), or
  [flags](../flags.md#life) or <https://y.example/>.
"""


def test_text_is_broken_and_commands_are_not() -> None:
    """Headings stand out, points are hung, links say what leads there from a terminal."""
    lines = runbook_lines(PAGE, 40)

    assert "\n".join(lines) == textwrap.dedent(
        """\
        a: a title that is long

          Page: now.

        WHAT IT MEANS

          A sentence that is longer than the
          lines are, with `some code` in it.

          1. One step that is also too long for
             a line.
               a command | that is never broken, however long it is

          - See cooling and NVIDIA:
            https://docs.example/x, or flags
            (docs/flags.md#life) or
            https://y.example/."""
    )


@pytest.mark.parametrize("code", codes())
def test_no_line_of_a_page_is_wider_than_the_terminal(code: str) -> None:
    """But for commands and addresses, which are copied whole."""
    page = runbook_of(code)
    assert page is not None
    leaves = leaves_of(tree(page.markdown))
    whole = {
        line for leaf in leaves if isinstance(leaf, Commands) for line in leaf.text.split("\n")
    }

    wide = [
        line
        for line in runbook_lines(page.markdown, 72)
        if len(line) > 72 and line.strip() not in {one.strip() for one in whole}
    ]
    assert [line for line in wide if max(map(len, line.split())) < WHOLE] == []
