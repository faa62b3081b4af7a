"""`gpuwatch runbook` as a real process, with nothing but the package."""

import json
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

from gpuwatch.exposition.runbooks import codes
from tests.support.commands import run
from tests.support.golden import assert_golden
from tests.support.require import require
from tests.support.runbooks import FOLDER

WAIT = 120.0


def test_a_runbook_for_a_terminal_is_the_golden_one() -> None:
    """80 columns, as in a pipe; no agent is asked, none need run."""
    told = run("runbook", "off-the-bus")

    assert (told.status, told.err) == (0, "")
    assert_golden("cli_runbook.txt", told.out)


@pytest.mark.parametrize(("columns", "widest"), [("60", 60), ("20", 40), ("300", 100)])
def test_a_runbook_is_as_wide_as_the_terminal(columns: str, widest: int) -> None:
    """From 40 to 100 columns: narrower is torn, wider is hard to read."""
    told = run("runbook", "cooling", environment={"COLUMNS": columns})

    text = told.out.partition("FIRST FIVE MINUTES")[0].splitlines()
    assert widest - 12 <= max(len(line) for line in text) <= widest


def test_without_a_code_all_are_listed() -> None:
    """Code and title of each."""
    told = run("runbook")

    heading, *lines = told.out.splitlines()
    assert told.status == 0
    assert heading.split() == ["CODE", "TITLE"]
    assert [line.split()[0] for line in lines] == list(codes())


@pytest.mark.parametrize(
    ("word", "way_out"),
    [
        ("of-the-bus", "did you mean off-the-bus or off-the-bus-again?"),
        ("xyzzy", "gpuwatch runbook lists them"),
    ],
)
def test_an_unknown_code_is_a_misuse_that_names_the_nearest(word: str, way_out: str) -> None:
    """Status 2, and nothing on standard output."""
    told = run("runbook", word)

    assert (told.status, told.out) == (2, "")
    assert f"there is no runbook {word} (" in told.err
    assert way_out in told.err


def test_a_page_is_found_by_the_name_of_its_alert() -> None:
    """Who is paged has that name, and not the code."""
    told = run("runbook", "GpuwatchOffTheBus")

    assert told.status == 0
    assert told.out.startswith("off-the-bus: the GPU no longer answers")


def test_scripts_get_json() -> None:
    """The page as it is written, the list, and the error."""
    page, listed, unknown = (
        json.loads(run("runbook", *words, "--json").out) for words in (["cooling"], [], ["xyzzy"])
    )

    assert page["code"] == "cooling"
    assert page["markdown"] == (FOLDER / "cooling.md").read_text()
    assert page["title"] in {one["title"] for one in listed["runbooks"]}
    assert [one["code"] for one in listed["runbooks"]] == list(codes())
    assert unknown["error"]["what"] == "there is no runbook xyzzy"


def test_a_package_has_every_runbook(tmp_path: Path) -> None:
    """What is installed on a host without a network can be read there."""
    root = FOLDER.parents[1]
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)],
        cwd=root,
        check=True,
        capture_output=True,
        timeout=WAIT,
    )

    [wheel] = tmp_path.glob("*.whl")
    names = zipfile.ZipFile(wheel).namelist()
    packed = sorted(name for name in names if name.startswith("gpuwatch/runbooks/"))
    assert packed == sorted(f"gpuwatch/runbooks/{path.name}" for path in FOLDER.glob("*.md"))


def test_a_source_package_has_every_runbook_for_the_package(tmp_path: Path) -> None:
    """It has no links: what lies elsewhere in the repository is packed where it belongs."""
    root = FOLDER.parents[1]
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "sdist", "-d", str(tmp_path)],
        cwd=root,
        check=True,
        capture_output=True,
        timeout=WAIT,
    )

    [archive] = tmp_path.glob("*.tar.gz")
    with tarfile.open(archive) as packed:
        names = [name for name in packed.getnames() if "/src/gpuwatch/runbooks/" in name]
    assert len(names) == len(list(FOLDER.glob("*.md")))


def test_prometheus_understands_every_query_of_the_runbooks(tmp_path: Path) -> None:
    """Each of them as a rule, for Prometheus's own tool."""
    promtool = require("promtool", "prometheus")
    queries = [
        line.strip()
        for path in sorted(FOLDER.glob("*.md"))
        for block in path.read_text().split("```promql\n")[1:]
        for line in block.partition("```")[0].splitlines()
        if line.strip()
    ]
    rules = [{"record": f"runbook:query:{n}", "expr": query} for n, query in enumerate(queries)]
    file = tmp_path / "runbooks.yml"
    file.write_text(json.dumps({"groups": [{"name": "runbooks", "rules": rules}]}))

    checked = subprocess.run(
        [promtool, "check", "rules", str(file)], capture_output=True, text=True, check=False
    )

    assert checked.stderr == ""
    assert f"{len(queries)} rules found" in checked.stdout


def test_a_shell_understands_every_command() -> None:
    """A quotation that does not end would cost minutes at 03:00."""
    bash = require("bash", "bash")
    blocks = [
        block.partition("```")[0]
        for path in sorted(FOLDER.glob("*.md"))
        for block in path.read_text().split("```sh\n")[1:]
    ]
    script = "".join(f"step_{n}() {{\n{block}\n}}\n" for n, block in enumerate(blocks))

    checked = subprocess.run(
        [bash, "-n"], input=script, capture_output=True, text=True, check=False
    )

    assert (checked.returncode, checked.stderr) == (0, "")
