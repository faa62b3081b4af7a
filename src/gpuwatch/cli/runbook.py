"""Runbook: what to do about a finding or an alert, printed from the package; it asks no agent."""

import shutil
from argparse import Namespace

from gpuwatch.cli.exits import Exit
from gpuwatch.cli.output import COLUMNS, print_error, print_json, print_lines, table
from gpuwatch.cli.runbook_lines import runbook_lines
from gpuwatch.exposition.runbooks import code_meant, codes, near, runbook_of

_NARROWEST, _WIDEST = 40, 100  # lines that are longer are hard to read


def runbook(arguments: Namespace) -> int:
    """Print the page of one code, or the codes with their titles."""
    if arguments.code is None:
        return _list(arguments)
    page = runbook_of(code_meant(arguments.code))
    if page is None:
        return _unknown(arguments)
    if arguments.json:
        print_json({"code": page.code, "title": page.title, "markdown": page.markdown})
    else:
        columns = min(max(shutil.get_terminal_size((COLUMNS, 24)).columns, _NARROWEST), _WIDEST)
        print_lines(runbook_lines(page.markdown, columns))
    return Exit.OK


def _list(arguments: Namespace) -> int:
    pages = [page for code in codes() if (page := runbook_of(code)) is not None]
    if arguments.json:
        print_json({"runbooks": [{"code": page.code, "title": page.title} for page in pages]})
    else:
        print_lines(table(("CODE", "TITLE"), ((page.code, page.title) for page in pages)))
    return Exit.OK


def _unknown(arguments: Namespace) -> int:
    nearest = near(arguments.code)
    way_out = "gpuwatch runbook lists them"
    if nearest:
        way_out = f"did you mean {' or '.join(nearest)}? {way_out}"
    print_error(f"there is no runbook {arguments.code}", way_out, as_json=arguments.json)
    return Exit.USAGE
