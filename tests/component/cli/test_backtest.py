"""The backtest on real files: what is refused, what is warned of, what is printed."""

import json
import os
import re
import shlex
from pathlib import Path

import pytest

from gpuwatch.cli import main
from gpuwatch.cli.backtest_files import KINDS, read_events
from gpuwatch.cli.sheets import LINE_LIMIT, BadFileError
from tests.support.golden import assert_golden

HEADER = "serial,time,event,location"
IN = "A,2024-01-01,IN,r1"
NOW = 1_800_000_000.0
DOCUMENT = Path(__file__).parents[3] / "docs" / "backtest.md"
BLOCK = re.compile(r"```(console|toml)\n(.*?)```\n", re.DOTALL)

SMALL = f"""\
{HEADER},cohort
A,2024-01-01,IN,r1,P-1
A,2024-03-01T06:00:00Z,UCE,r1,P-1
A,2024-03-11T08:00:00+02:00,UCE,r1,P-1
A,2024-04-20 01:02:03,DBE,r1,P-1
A,2024-12-31,END,r1,P-1
B,2024-01-01,IN,r2,P-2
B,2024-02-01,UCE,r2,P-2
B,2024-02-08 12:00,UCE,r2,P-2
B,2024-02-08 12:00,OUT,r2,P-2
C,2024-01-01,IN,r3,
C,2024-12-31,END,r3,
"""


@pytest.fixture(autouse=True)
def _folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)


def _main(*words: str) -> int:
    """The command, without the settings that the test run has in its environment."""
    with pytest.MonkeyPatch.context() as patch:
        for name in [name for name in os.environ if name.startswith("GPUWATCH_")]:
            patch.delenv(name)
        return main(["backtest", *words])


def _events(*rows: str, header: str = HEADER) -> bytes:
    return "\n".join((header, *rows, "")).encode()


def _run(content: bytes | str, *words: str) -> int:
    text = content if isinstance(content, bytes) else content.encode()
    Path("events.csv").write_bytes(text)
    return _main("--events", "events.csv", *words)


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "events.csv: the file is empty (line 1 must be serial,time,event,location; it may"),
        (_events(), "events.csv: no row below the header (line 1 must be serial,time,event,loc"),
        (
            b"serial;time;event;location\nA;2024-01-01;IN;r1\n",
            'events.csv:1: no column "serial" in "serial;time;event;location" (line 1 must be',
        ),
        (
            b"serial,time,kind,location\n",
            'events.csv:1: no column "event" in "serial,time,kind,location" (line 1 must be',
        ),
        (
            b"serial,time,event,location,time\n",
            'events.csv:1: column "time" is there twice (rename one of them)',
        ),
        (_events(IN, "A,2024-01-02,UCE"), "events.csv:3: 3 cells, and 4 in line 1 (put cells"),
        (_events(",2024-01-01,IN,r1"), "events.csv:2: no serial (every row names its board)"),
        (
            _events(IN, "A,2024-01-02,UEC,r1"),
            'events.csv:3: unknown event "UEC" (did you mean UCE? write IN, OUT, END, RESET or',
        ),
        (
            _events(IN, "A,2024-01-02,,r1"),
            'events.csv:3: unknown event "" (write IN, OUT, END, RESET or an error kind',
        ),
        (
            _events("A,01.02.2024,IN,r1"),
            'events.csv:2: "01.02.2024" is not a time (write it as "2026-03-14T03:12:07Z")',
        ),
        (_events("A,,IN,r1"), 'events.csv:2: "" is not a time (write it as'),
        (_events("A,0024-01-01,IN,r1"), 'events.csv:2: "0024-01-01" is in the year 24 (write'),
        (
            _events("A,2098-01-01,IN,r1"),
            'events.csv:2: "2098-01-01" is in the future (a history ends today; is the clock',
        ),
        (
            _events("A,2024-01-02,OUT,r1", "A,2024-01-03,IN,r1", "B,2024-01-04,OUT,r1"),
            "events.csv:2: OUT of board A, which is not in service then; 1 more boards have such",
        ),
        (
            _events(IN, "A,2024-01-02,END,r1", "A,2024-01-03,OUT,r1"),
            "events.csv:4: OUT of board A after its END (END says that nothing more is known",
        ),
        (_events("A,2024-01-02,UCE,r1"), "events.csv:2: board A has no row IN (add it, with"),
        (
            _events("A,2024-01-02,OTB,r1"),
            "events.csv: no row but errors of other kinds (OTB) (choose them with --kinds",
        ),
        (_events(IN, 'A,2024-01-02,"UCE,r1'), "events.csv:3: not CSV: unexpected end of data (a"),
        (
            _events(IN) + "A,2024-01-02,UCE,Z\u00fcrich\n".encode("latin-1"),
            "events.csv:3: byte 19 (0xfc) is not UTF-8 (save the file as UTF-8)",
        ),
        (_events(IN).decode().encode("utf-16"), "events.csv:1: byte 1 (0xff) is not UTF-8 (save"),
        (
            _events(IN, "A" * (LINE_LIMIT + 1)),
            "events.csv:3: the line is longer than 65,536 bytes (is it a CSV file?)",
        ),
        (
            _events("A,2024-01-01,IN,r1,X", "A,2024-01-02,UCE,r1,Y", header=f"{HEADER},cohort"),
            'events.csv:3: board A is of cohort "Y" and of X (a board has one cohort)',
        ),
    ],
)
def test_a_history_that_cannot_be_used_is_refused(
    content: bytes, says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """One error with file, line, value and the way out."""
    status = _run(content)

    told = capsys.readouterr()
    assert (status, told.out) == (1, "")
    assert told.err.startswith(f"gpuwatch: {says}")
    assert told.err.count("\n") == 1


def test_an_error_is_a_document_for_scripts(capsys: pytest.CaptureFixture[str]) -> None:
    """What is wrong, then the remedy."""
    status = _run(b"", "--json")

    told = json.loads(capsys.readouterr().out)
    assert status == 1
    assert told["error"]["what"] == "events.csv: the file is empty"
    assert told["error"]["remedy"].startswith("line 1 must be serial,")


def test_a_file_that_is_not_there_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    """Or that is a folder."""
    status = _main("--events", "none.csv")
    folder = _main("--events", ".")

    told = capsys.readouterr().err.splitlines()
    assert (status, folder) == (1, 1)
    remedy = "(name a file that exists and that you may read)"
    assert told == [
        f"gpuwatch: none.csv: cannot be read: No such file or directory {remedy}",
        f"gpuwatch: .: cannot be read: Is a directory {remedy}",
    ]


def test_a_file_of_too_many_rows_is_refused() -> None:
    """Rather than filling the memory."""
    Path("events.csv").write_bytes(_events(IN, *["A,2024-01-02,UCE,r1"] * 3))

    with pytest.raises(BadFileError, match=r"events\.csv: more than 3 rows \(split it by boards"):
        read_events(Path("events.csv"), KINDS, now=NOW, row_limit=3)


def test_what_is_odd_is_gone_on_with_counted_and_said(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Every warning once, with its count and its first line."""
    rows = (
        "A,2023-01-01,UCE,r1,x",
        "A,2024-01-01,IN,r1,x",
        "A,2024-01-02,UCE,r1,x",
        "A,2024-01-02,UCE,r1,x",
        "A,2024-01-03,OTB,r1,x",
        "A,2024-01-04,OTB,r1,x",
        "A,2024-01-05,IN,r2,x",
        "B,2024-01-05,IN,r3,x",
    )

    status = _run(_events(*rows, header=f"{HEADER},comment"), "--kinds", "UCE")

    assert status == 0
    assert capsys.readouterr().err.splitlines() == [
        f"gpuwatch: warning: events.csv: {text})"
        for text in (
            '1 column "comment" is not used (first: line 1',
            "2 rows OTB are of no kind that counts: left out (first: line 6",
            "1 rows say what another row says: each counts once (first: line 5",
            "1 errors of boards that were not in service then: left out (first: line 2",
            "1 rows IN of boards in service: taken as moves, service goes on (first: line 8",
            "2 boards without OUT or END: in service to the end of the file (first: line 8",
        )
    ]


@pytest.mark.parametrize("mark", [b"\xef\xbb\xbf", b""])
@pytest.mark.parametrize("ending", [b"\r\n", b"\n", b"\n\n"])
def test_files_of_other_programs_are_read(
    mark: bytes, ending: bytes, capsys: pytest.CaptureFixture[str]
) -> None:
    """A byte order mark, other line ends, empty lines, other order and case of columns."""
    shuffled = SMALL.replace(HEADER, "Serial, TIME ,Event,location").encode()

    status = _run(mark + shuffled.replace(b"\n", ending), "--json")

    told = json.loads(capsys.readouterr().out)
    assert status == 0
    assert told["fleet"]["boards"] == 3
    assert told["warnings"] == []


def test_a_golden_table_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    """All of it, for a fleet that can be checked by hand."""
    Path("exposure.csv").write_text("cohort,month,board_days\nP-1,2024-01,3100\nP-1,2024-02,2900\n")

    status = _run(SMALL, "--exposure", "exposure.csv")

    told = capsys.readouterr()
    assert (status, told.err) == (0, "")
    assert_golden("backtest.txt", told.out)


def test_a_golden_document_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    """The same for scripts, with every flag."""
    Path("exposure.csv").write_text("cohort,month,board_days\nP-1,2024-01,3100\nP-1,2024-02,2900\n")

    status = _run(SMALL, "--exposure", "exposure.csv", "--json")

    assert status == 0
    assert_golden("backtest.json", capsys.readouterr().out)


def test_a_history_without_resets_may_say_so(capsys: pytest.CaptureFixture[str]) -> None:
    """Three days apart: one incident of seven days, or two of one."""
    rows = (IN, "A,2024-01-02,UCE,r1", "A,2024-01-05,UCE,r1", "A,2024-02-01,END,r1")

    _run(_events(*rows), "--json")
    seven = json.loads(capsys.readouterr().out)
    _run(_events(*rows), "--json", "--incident-window", "24h")
    one = json.loads(capsys.readouterr().out)

    assert (seven["incident_window"], seven["fleet"]["incidents"]) == ("7d", 1)
    assert (one["incident_window"], one["fleet"]["incidents"]) == ("24h", 2)


def test_kinds_choose_what_counts(capsys: pytest.CaptureFixture[str]) -> None:
    """One's own words too, in any case."""
    rows = (IN, "A,2024-01-02,meltdown,r1", "A,2024-03-05,OTB,r1", "A,2024-04-01,UCE,r1")

    _run(_events(*rows), "--json", "--kinds", "otb, Meltdown")

    told = json.loads(capsys.readouterr().out)
    assert told["kinds"] == ["OTB", "MELTDOWN"]
    assert told["fleet"]["errors"] == 2


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("--kinds", "XID94"), "--kinds names XID94, which may be the echo of another board's"),
        (("--kinds", "UCE,SBE"), "--kinds names SBE, which is no uncorrectable error: it never"),
        (("--kinds", "UCE,,DBE"), '--kinds names "" (name error kinds, such as UCE,DBE)'),
        (("--kinds", "OUT"), '--kinds names "OUT" (name error kinds, such as UCE,DBE)'),
        (("--seed", "3"), "--seed means nothing with --events (leave it out)"),
    ],
)
def test_options_that_mean_nothing_are_refused(
    words: tuple[str, ...], says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Before the file is read."""
    status = _main("--events", "none.csv", *words)

    assert status == 2
    assert capsys.readouterr().err.startswith(f"gpuwatch: {says}")


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("", "exposure.csv: the file is empty (line 1 must be cohort,month,board_days)"),
        ("cohort,month\n", 'exposure.csv:1: no column "board_days" in "cohort,month" (line 1'),
        (
            "cohort,month,board_days\nA,March,3\n",
            'exposure.csv:2: "March" is not a month (write it as "2026-03")',
        ),
        ("cohort,month,board_days\nA,2024-13,3\n", 'exposure.csv:2: "2024-13" is not a month'),
        (
            "cohort,month,board_days\nA,2024-01,3\nB,2024-01,3\nA,2024-01,4\n",
            "exposure.csv:4: A in 2024-01 stands in line 2 already (add both up in one row)",
        ),
        (
            "cohort,month,board_days\nA,2024-01,many\n",
            'exposure.csv:2: "many" is no number of board-days (100 boards in service for a whole',
        ),
        ("cohort,month,board_days\nA,2024-01,-1\n", 'exposure.csv:2: "-1" is no number of'),
        ("cohort,month,board_days\nA,2024-01,inf\n", 'exposure.csv:2: "inf" is no number of'),
    ],
)
def test_an_exposure_that_cannot_be_used_is_refused(
    content: str, says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """As the history is."""
    Path("exposure.csv").write_text(content)

    status = _run(SMALL, "--exposure", "exposure.csv")

    assert status == 1
    assert capsys.readouterr().err.startswith(f"gpuwatch: {says}")


def test_a_column_of_the_exposure_that_is_not_used_is_said(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """A misspelt one would else be missed."""
    Path("exposure.csv").write_text("cohort,month,board_days,site\nA,2024-01,3,x\n")

    status = _run(SMALL, "--exposure", "exposure.csv")

    assert status == 0
    assert capsys.readouterr().err == (
        'gpuwatch: warning: exposure.csv: 1 column "site" is not used (first: line 1)\n'
    )


def test_a_policy_is_the_section_of_the_agents_configuration(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """The same keys; board A's cohort has a rate of its own."""
    Path("policy.toml").write_text(
        "[policy]\nhealthy_rate_per_year = 0.04\nfalse_flag_budget_per_year = 0.002\n"
        "[policy.lambda0_by_part]\nP-1 = 0.5\n"
    )

    status = _run(SMALL, "--policy", "policy.toml", "--json")

    told = json.loads(capsys.readouterr().out)
    assert status == 0
    assert told["policy"] == {
        "from": "policy.toml",
        "healthy_rate_per_year": 0.04,
        "lambda0_by_part": {"P-1": 0.5},
        "false_flag_budget_per_year": 0.002,
    }
    assert [flag["serial"] for flag in told["flags"]] == ["B"]


def test_without_a_policy_it_is_the_agents_configuration(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """The file that --config names, as for every command."""
    Path("agent.toml").write_text("[policy]\nhealthy_rate_per_year = 0.4\n")

    status = _run(SMALL, "--config", "agent.toml", "--json")

    told = json.loads(capsys.readouterr().out)
    assert status == 0
    assert (told["policy"]["from"], told["policy"]["healthy_rate_per_year"]) == ("agent.toml", 0.4)


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("[policy]\nhealthy_rate = 0.1\n", "policy.toml: policy.healthy_rate is no setting (did"),
        (
            "[policy]\nhealthy_rate_per_year = 0.6\n",
            "policy.toml: policy.healthy_rate_per_year = 0.6 is above 0.5 (that is the most)",
        ),
        ("[policy\n", "policy.toml is not TOML:"),
        (None, "policy.toml does not exist (create it, or name another file"),
    ],
)
def test_a_policy_that_the_agent_would_refuse_is_refused(
    content: str | None, says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """In the same words, with the status of a refused configuration."""
    Path("policy.toml").write_text(content or "")
    Path("policy.toml" if content is None else "none").unlink(missing_ok=True)

    status = _run(SMALL, "--policy", "policy.toml")

    assert status == 78
    assert capsys.readouterr().err.startswith(f"gpuwatch: {says}")


def test_an_invented_fleet_is_written_and_can_be_replayed(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Without a warning; the truth about it is in its documentation."""
    status = _main("--synthetic", "fleet", "--boards", "300", "--json")
    files = json.loads(capsys.readouterr().out)

    again = _main("--events", files["events"], "--exposure", files["exposure"])
    told = capsys.readouterr()
    assert (status, again, told.err) == (0, 0, "")
    assert (files["boards"], files["years"], files["seed"]) == (300, 5, 1)
    assert told.out.startswith("fleet/events.csv: ")


@pytest.mark.parametrize(
    ("words", "status", "says"),
    [
        (("--boards", "0"), 2, "--boards 0 is not between 1 and 1000000 (the default is 4000)"),
        (("--years", "8"), 2, "--years 8 is not between 1 and 7 (the default is 5)"),
        (("--seed", "-1"), 2, "--seed -1 is not between 0 and"),
        (("--kinds", "UCE"), 2, "--kinds means nothing with --synthetic (leave it out)"),
        (("--incident-window", "24h"), 2, "--incident-window means nothing with --synthetic"),
        ((), 1, "fleet/events.csv: exists already (name another folder)"),
    ],
)
def test_an_invented_fleet_overwrites_nothing_and_takes_no_other_option(
    words: tuple[str, ...], status: int, says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """A history that somebody collected must survive a typing error."""
    Path("fleet").mkdir()
    Path("fleet/events.csv").write_text("mine")

    told = _main("--synthetic", "fleet", *words)

    assert told == status
    assert capsys.readouterr().err.startswith(f"gpuwatch: {says}")
    assert Path("fleet/events.csv").read_text() == "mine"


def test_a_place_that_is_no_folder_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    """A file stands where the folder should be."""
    Path("fleet").write_text("mine")

    status = _main("--synthetic", "fleet", "--boards", "3")

    assert status == 1
    assert capsys.readouterr().err.startswith("gpuwatch: fleet")


def test_golden_numbers_of_the_document_are_what_is_printed(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Every command of docs/backtest.md, run in order, prints what stands below it."""
    written = DOCUMENT.read_text()

    current = BLOCK.sub(lambda found: _block(found, capsys), written)

    if os.environ.get("GPUWATCH_GOLDEN") == "rewrite":
        DOCUMENT.write_text(current)
        written = current
    assert written == current, "docs/backtest.md: make golden, and read the diff"


def _block(found: re.Match[str], capsys: pytest.CaptureFixture[str]) -> str:
    """A block as it should be: a file is written, a command is run."""
    language, body = found.groups()
    first = body.splitlines()[0]
    if language == "toml":
        Path(first.removeprefix("# ")).write_text(body)
        return found[0]
    assert _main(*shlex.split(first)[3:]) == 0
    return f"```console\n{first}\n{capsys.readouterr().out}```\n"
