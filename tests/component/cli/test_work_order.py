"""The work order as real processes: on a terminal, on paper, as a document, with no agent."""

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from gpuwatch import __version__
from tests.support.commands import run
from tests.support.controllers import Controller
from tests.support.fake_agent import FakeAgent
from tests.support.flags import DEED, a_flag
from tests.support.golden import assert_golden
from tests.support.histories import Bench, board_key

SETTINGS = """
[agent]
state_directory = "{state}"
runtime_directory = "{state}"
hostname = "gpu-node-17"

[host]
site = "ams1"
rack = "17"

[nvml]
sysfs = "{state}/sys"

[work_orders]
zone = "{zone}"
contacts = ["Hall desk +49 30 555 0100"]
notes = ["Badge at desk B."]
drain = "slurm: scontrol update nodename=gpu-node-17 state=drain reason=gpuwatch"

[bmc.main]
protocol = "ipmi"
address = "192.0.2.17"

[bmc.written-amiss]
protocol = "redfish"
address = "ada:geheim@192.0.2.18"
"""


def _told(agent: FakeAgent, *words: str) -> str:
    told = run("work-order", *words, "--socket", str(agent.path))
    assert told.status == 0, told
    return told.out.replace(f"gpuwatch {__version__}", "gpuwatch VERSION")


def test_a_terminal_shows_what_the_paper_says(agent: FakeAgent) -> None:
    """Where, when, what, why, what not to touch, the steps, whom to call."""
    assert_golden("cli_work_order.txt", _told(agent, "15"))


def test_no_line_but_a_command_is_wider_than_a_terminal(agent: FakeAgent) -> None:
    """A command must stay whole to be copied; a sentence need not."""
    lines = [line for line in _told(agent, "15").splitlines() if "curl" not in line]

    assert [line for line in lines if len(line) > 80 and not line.startswith("    ")] == []


def test_the_page_to_print_is_golden(agent: FakeAgent) -> None:
    """One file without anything from elsewhere."""
    assert_golden("work_order.html", _told(agent, "15", "--format", "html"))


def test_scripts_get_the_document(agent: FakeAgent) -> None:
    """`--format json` and `--json` are one thing, and hold the flag as it is told elsewhere."""
    document = json.loads(_told(agent, "15", "--format", "json"))

    assert document == json.loads(_told(agent, "15", "--json"))
    assert document["flag"]["number"] == 15
    assert document["server"]["asset_tag"] == "A-0042"


def test_a_terminal_that_lacks_a_letter_gets_the_paper_all_the_same(agent: FakeAgent) -> None:
    """And a page is in UTF-8 wherever it is written, as it says."""
    directions = replace(agent.snapshot.directions, contacts=("Jürgen",))
    agent.snapshot = replace(agent.snapshot, directions=directions)
    words = ("work-order", "15", "--socket", str(agent.path))

    text = run(*words, environment={"PYTHONIOENCODING": "ascii"})
    page = run(*words, "--format", "html", environment={"PYTHONIOENCODING": "latin-1"})

    assert (text.status, text.err) == (0, "")
    assert "J\\xfcrgen" in text.out
    assert "Jürgen" in page.out


def test_one_form_is_asked_for_at_a_time(agent: FakeAgent) -> None:
    """Neither is silently left out."""
    told = run("work-order", "15", "--json", "--format", "html", "--socket", str(agent.path))

    assert told.status == 2
    assert "--json and --format html exclude each other" in told.out


def test_a_flag_that_is_none_is_refused(agent: FakeAgent) -> None:
    """With its number, and where the numbers are."""
    told = run("work-order", "99", "--socket", str(agent.path))

    assert told.status != 0
    assert told.out == ""
    assert "there is no flag 99" in told.err


def test_what_a_driver_says_cannot_break_out_of_the_page(agent: FakeAgent) -> None:
    """A board's name is text on paper, whatever it holds."""
    hostile = replace(agent.snapshot.flags[0], sentence="<script>alert(1)</script>", number=15)
    agent.snapshot = replace(agent.snapshot, flags=(hostile,))

    page = _told(agent, "15", "--format", "html")

    assert "<script" not in page
    assert "&lt;script&gt;" in page


@pytest.fixture
def state() -> Iterator[Path]:
    """What an agent left that had flagged a board, on a server whose firmware tells who it is.

    It once watched another server's BMC, too, of which the settings say nothing any more.
    """
    with TemporaryDirectory(prefix="gpuwatch-") as name:
        bench, bmc = Bench.open(Path(name) / "history.db", boards=2), Controller(name="node-18")
        now = bench.clock.now()
        bench.history.take_bmc_sweep(bmc.sweep(now), [bmc.batch(now)])
        bench.sweep(1)
        bench.history.save_flag(a_flag(number=0, board=board_key(0), window_start=None), DEED)
        bench.history.close()
        dmi = Path(name) / "sys" / "class" / "dmi" / "id"
        dmi.mkdir(parents=True)
        (dmi / "sys_vendor").write_text("Supermicro\n", encoding="utf-8")
        (dmi / "product_serial").write_text("S400123\n", encoding="utf-8")
        (dmi / "chassis_asset_tag").write_text("To Be Filled By O.E.M.\n", encoding="utf-8")
        yield Path(name)


@pytest.mark.parametrize("zone", ["Europe/Berlin", "Nowhere/Never"])
def test_paper_can_be_had_while_no_agent_runs(state: Path, zone: str) -> None:
    """The host may be down when the work begins: history and the settings tell the most of it."""
    file = state / "gpuwatch.toml"
    file.write_text(SETTINGS.format(state=state, zone=zone), encoding="utf-8")

    told = run("work-order", "1", "--config", str(file))

    assert told.status == 0
    assert "this is what" in told.err
    for text in (
        f"replace board {board_key(0).serial} in gpu-node-17",
        "its serial S400123 (by its firmware)",
        "asset tag  not told",
        "rack unit  not set (host.unit)",
        "Hall desk +49 30 555 0100",
        "Badge at desk B.",
        "[ ] slurm: scontrol update",
        board_key(1).serial,
        "-H 192.0.2.17 -p 623 -U USER",
        "https://ADDRESS:PORT/redfish",
    ):
        assert text in told.out
    assert "geheim" not in told.out
