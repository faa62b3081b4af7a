"""Evidence as real processes: an archive that others can check, with an agent and without one."""

import gzip
import json
import os
import subprocess
import tarfile
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from gpuwatch import __version__
from gpuwatch.cli.archives import write
from tests.support.commands import Outcome, run
from tests.support.controllers import Controller
from tests.support.disk import fill, small_disk
from tests.support.fake_agent import FakeAgent
from tests.support.flags import DEED, a_flag
from tests.support.golden import assert_golden
from tests.support.histories import Bench, board_key

FOLDER = "gpuwatch-evidence-flag-15-1654223010009"


def _evidence(agent: FakeAgent, *words: object) -> Outcome:
    return run("evidence", *map(str, words), "--socket", str(agent.path))


def _unpacked(archive: Path) -> Path:
    """The folder in it, beside it."""
    with tarfile.open(archive) as tar:
        tar.extractall(archive.parent, filter="data")
        return archive.parent / tar.getnames()[0].partition("/")[0]


def _steady(text: str, folder: Path) -> str:
    """Without what differs from run to run, or from version to version."""
    lines = text.replace(f"gpuwatch {__version__}", "gpuwatch VERSION").splitlines()
    return "".join(
        f"{'SHA-256 SUM' if line.startswith('SHA-256') else line}\n" for line in lines
    ).replace(str(folder), "FOLDER")


def test_what_is_written_and_what_is_missing_is_golden(agent: FakeAgent, folder: Path) -> None:
    """Its name, its sum, and everything that a reader will look for in vain."""
    told = _evidence(agent, 15, "--output", folder / "e.tar.gz")

    assert (told.status, told.err) == (0, "")
    assert_golden("cli_evidence.txt", _steady(told.out, folder))


def test_the_first_page_is_golden_as_text(agent: FakeAgent, folder: Path) -> None:
    """For who reads it where no browser is."""
    _evidence(agent, 15, "--output", folder / "e.tar.gz")

    page = (_unpacked(folder / "e.tar.gz") / "README.txt").read_text()

    assert_golden("evidence_readme.txt", _steady(page, folder))
    assert [line for line in page.splitlines() if len(line) > 80] == []


def test_redacted_evidence_is_golden(agent: FakeAgent, folder: Path) -> None:
    """The same page with words for names; the board is still the board."""
    told = _evidence(agent, 15, "--redact", "--output", folder / "e.tar.gz")

    page = (_unpacked(folder / "e.tar.gz") / "README.txt").read_text()

    assert_golden("cli_evidence_redacted.txt", _steady(told.out, folder))
    assert_golden("evidence_readme_redacted.txt", _steady(page, folder))


def test_anybody_can_check_it_with_sha256sum(agent: FakeAgent, folder: Path) -> None:
    """Coreutils, and nothing of gpuwatch."""
    _evidence(agent, 15, "--output", folder / "e.tar.gz")
    unpacked = _unpacked(folder / "e.tar.gz")

    whole = _sha256sum(unpacked)
    (unpacked / "flag.json").write_text("{}")
    changed = _sha256sum(unpacked)

    assert (whole.returncode, changed.returncode) == (0, 1)
    assert "flag.json: FAILED" in changed.stdout
    lines = (unpacked / "MANIFEST.sha256").read_text().splitlines()
    listed = {line.partition("  ")[2] for line in lines}
    files = {str(path.relative_to(unpacked)) for path in unpacked.rglob("*") if path.is_file()}
    assert listed == files - {"MANIFEST.sha256"}


def _sha256sum(folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["/usr/bin/sha256sum", "--strict", "-c", "MANIFEST.sha256"],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_same_evidence_is_the_same_file(agent: FakeAgent, folder: Path) -> None:
    """Whoever writes it, and however often; it is its owner's alone."""
    for name in ("a.tar.gz", "b.tar.gz"):
        _evidence(agent, 15, "--output", folder / name)

    first, second = folder / "a.tar.gz", folder / "b.tar.gz"
    assert first.read_bytes() == second.read_bytes()
    assert first.stat().st_mode & 0o777 == 0o600


def test_the_manifest_tells_what_every_file_is(agent: FakeAgent, folder: Path) -> None:
    """And by which version, when, redacted or not, and what is missing."""
    report = folder / "nvidia-bug-report.log.gz"
    report.write_bytes(gzip.compress(b"nvidia-smi says\n", mtime=0))
    diagnostic = folder / "fieldiag.log"
    diagnostic.write_text("memory test FAIL\n")
    _evidence(agent, 15, "--output", folder / "e.tar.gz", "--bug-report", report,
              "--diagnostic", diagnostic)  # fmt: skip
    unpacked = _unpacked(folder / "e.tar.gz")

    manifest = json.loads((unpacked / "manifest.json").read_text())

    assert (manifest["format"], manifest["gpuwatch"]) == ("gpuwatch-evidence/1", __version__)
    assert (manifest["flag"], manifest["serial"]) == (15, "1654223010009")
    assert manifest["redacted"] is False
    assert [one["what"] for one in manifest["missing"]] == ["the latest entries of event logs"]
    assert [one["name"] for one in manifest["files"] if not one["what"]] == []
    assert (unpacked / "nvidia-bug-report.log.gz").read_bytes() == report.read_bytes()
    told = json.loads((unpacked / "diagnostic.json").read_text())
    assert told["of_the_flagged_board"]["output"] == "memory test FAIL\n"


def test_a_diagnostic_is_redacted_and_a_bug_report_only_goes_along_when_told(
    agent: FakeAgent, folder: Path
) -> None:
    """It cannot be redacted."""
    report, diagnostic = folder / "r.log.gz", folder / "gpu-node-17.log"
    report.write_bytes(gzip.compress(b"gpu-node-17"))
    diagnostic.write_text("on gpu-node-17 by pid=4242, name=train_llm, FAIL\n")
    given = ("--redact", "--output", folder / "e.tar.gz", "--bug-report", report)

    refused = _evidence(agent, 15, *given)
    nothing = sorted(path.name for path in folder.glob("*.tar.gz"))
    done = _evidence(agent, 15, *given, "--bug-report-as-it-is", "--diagnostic", diagnostic)

    told = json.loads((_unpacked(folder / "e.tar.gz") / "diagnostic.json").read_text())
    assert (refused.status, refused.out, nothing) == (2, "", [])
    assert refused.err == (
        "gpuwatch: a bug report cannot be redacted: it names the host, its processes and addresses"
        " (leave it out, or add it unredacted with --bug-report-as-it-is)\n"
    )
    assert "nothing in it was replaced" in done.out
    assert told["of_the_flagged_board"]["file"] == "host-1"
    assert (
        told["of_the_flagged_board"]["output"] == "on host-1 by pid=pid-1, name=process-1, FAIL\n"
    )


def test_scripts_get_a_document(agent: FakeAgent, folder: Path) -> None:
    """What was written, and what is missing."""
    told = json.loads(_evidence(agent, 15, "--output", folder / "e.tar.gz", "--json").out)

    assert told["file"] == str(folder / "e.tar.gz")
    assert told["bytes"] == (folder / "e.tar.gz").stat().st_size
    assert "README.html" in told["files"]
    assert told["redacted"] is False


def test_it_is_written_here_under_a_name_of_its_own(agent: FakeAgent, folder: Path) -> None:
    """And never over what is there, unless told; what was redacted can be told by its name."""
    here = folder / "here"
    here.mkdir()
    words = ("evidence", "15", "--socket", str(agent.path))

    first, again, forced = (
        run(*words, cwd=here),
        run(*words, cwd=here),
        run(*words, "--force", cwd=here),
    )
    redacted = run(*words, "--redact", cwd=here)

    assert [one.status for one in (first, again, forced, redacted)] == [0, 2, 0, 0]
    assert sorted(path.name for path in here.iterdir()) == [
        f"{FOLDER}-redacted.tar.gz",
        f"{FOLDER}.tar.gz",
    ]
    assert _unpacked(here / f"{FOLDER}-redacted.tar.gz").name == f"{FOLDER}-redacted"
    assert again.err == (f"gpuwatch: {here}/{FOLDER}.tar.gz exists (name another, or --force)\n")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("99",), "there is no flag 99"),
        ((), "no flag is named (gpuwatch flags list --all has the numbers"),
        (("15", "--output", "."), "is a folder (name a file in it)"),
        (("15", "--output", "/nowhere/e.tar.gz"), "No such file or directory; nothing was written"),
        (("15", "--diagnostic", "/nowhere/x"), "/nowhere/x: No such file or directory"),
        (("15", "--diagnostic", "{binary}"), "is no text (UTF-8)"),
        (("15", "--diagnostic", "{empty}"), "is empty"),
        (("15", "--bug-report", "{empty}"), "is empty"),
        (("15", "--bug-report", "{binary}"), "is not gzip, or not whole"),
        (("15", "--bug-report", "{torn}"), "is not gzip, or not whole"),
        (("15", "--bug-report-as-it-is"), "is about a bug report in redacted evidence"),
        (("15", "--verify", "{torn}"), "give --verify FILE alone"),
        (("--verify", "{torn}", "--redact"), "give --verify FILE alone"),
        (("--verify", "/nowhere/x"), "/nowhere/x: No such file or directory"),
        (("--verify", "{binary}"), "it is no .tar.gz, or damaged"),
        (("--verify", "{empty}"), "it is no .tar.gz, or damaged"),
    ],
)
def test_what_cannot_be_done_is_one_line(
    agent: FakeAgent, folder: Path, words: tuple[str, ...], said: str
) -> None:
    """With the way out, and nothing is left behind."""
    files = {name: folder / name for name in ("binary", "empty", "torn")}
    files["binary"].write_bytes(b"\xff\xfe\x00")
    files["empty"].touch()
    files["torn"].write_bytes(gzip.compress(os.urandom(4096))[:-9])
    before = sorted(folder.iterdir())

    told = _evidence(agent, *(word.format(**files) for word in words))

    assert told.status in (1, 2)
    assert (told.out, told.err.count("\n")) == ("", 1)
    assert said in told.err
    assert sorted(folder.iterdir()) == before


def test_a_full_disk_is_one_error_and_leaves_nothing(agent: FakeAgent, folder: Path) -> None:
    """Half an archive would look like a whole one."""
    with small_disk(folder / "disk") as disk:
        filler = fill(disk)

        told = _evidence(agent, 15, "--output", disk / "e.tar.gz")

        assert told.status == 1
        assert "; nothing was written" in told.err
        assert told.err.count("\n") == 1
        assert list(disk.iterdir()) == [filler]


def test_an_archive_says_itself_whether_it_is_whole(agent: FakeAgent, folder: Path) -> None:
    """Without unpacking it, and without an agent."""
    _evidence(agent, 15, "--output", folder / "e.tar.gz")

    told = run("evidence", "--verify", str(folder / "e.tar.gz"))

    assert (told.status, told.err) == (0, "")
    assert told.out.endswith(" files, all as its manifest lists them\n")


def test_files_that_differ_lack_or_are_too_many_are_named_and_golden(folder: Path) -> None:
    """All of them, in one look."""
    _packed(folder / "whole.tar.gz", {"a.txt": b"a\n", "b.txt": b"b\n"})
    manifest = (_unpacked(folder / "whole.tar.gz") / "MANIFEST.sha256").read_bytes()
    others = {"a.txt": b"other\n", "c\x1b.txt": b"", "MANIFEST.sha256": manifest}
    _tar(folder / "e.tar.gz", {f"f/{name}": content for name, content in others.items()})

    told = run("evidence", "--verify", str(folder / "e.tar.gz"))
    document = json.loads(run("evidence", "--verify", str(folder / "e.tar.gz"), "--json").out)

    assert told.status == 1
    assert_golden("cli_evidence_differs.txt", _steady(told.out, folder))
    assert (document["differ"], document["missing"]) == (["a.txt"], ["b.txt"])
    assert (document["unlisted"], document["whole"]) == (["c?.txt"], False)


@pytest.mark.parametrize(
    ("files", "said"),
    [
        ({"f/a.txt": b"a"}, "it has no MANIFEST.sha256"),
        ({"f/MANIFEST.sha256": b"nonsense\n"}, "line 1 of its MANIFEST.sha256 is no sum and name"),
        ({"f/a": b"", "g/b": b""}, "g/b does not belong into such an archive"),
        ({"f": b""}, "f is there twice, or one file too many"),
        ({"f/MANIFEST.sha256": b"x" * (4 << 20) + b"x"}, "its MANIFEST.sha256 is larger than any"),
    ],
)
def test_what_is_no_evidence_is_told(folder: Path, files: dict[str, bytes], said: str) -> None:
    """Nothing of it is written anywhere."""
    _tar(folder / "e.tar.gz", files)

    told = run("evidence", "--verify", str(folder / "e.tar.gz"))

    assert (told.status, told.out) == (1, "")
    assert said in told.err
    assert "(fetch it anew; gpuwatch evidence NUMBER makes another)" in told.err


@pytest.mark.parametrize("end", [200, -40])
def test_an_archive_that_was_torn_is_told(agent: FakeAgent, folder: Path, end: int) -> None:
    """However early it ends."""
    whole = folder / "e.tar.gz"
    _evidence(agent, 15, "--output", whole)
    whole.write_bytes(whole.read_bytes()[:end])

    told = run("evidence", "--verify", str(whole))

    assert (told.status, told.out) == (1, "")
    assert "fetch it anew" in told.err


def _packed(target: Path, content: dict[str, bytes]) -> None:
    write(target, "f", content, at=1_767_225_600.0)


def _tar(target: Path, files: dict[str, bytes]) -> None:
    """As somebody else would pack it."""
    with tarfile.open(target, "w:gz") as tar:
        for name, content in files.items():
            member = target.parent / "member"
            member.write_bytes(content)
            tar.add(member, name)


@pytest.fixture
def state() -> Iterator[Path]:
    """What an agent left that had flagged a board after an error.

    It once watched another server's BMC, too, of which the settings say nothing any more.
    """
    with TemporaryDirectory(prefix="gpuwatch-") as name:
        folder = Path(name)
        bench = Bench.open(folder / "history.db", boards=2)
        bench.sweep(0, slow=True)
        bmc, now = Controller(name="node-18"), bench.clock.now()
        bmc.write(now.wall)
        bench.history.take_bmc_sweep(bmc.sweep(now), [bmc.batch(now)])
        bench.boards[0].fail()
        bench.event(48)
        bench.sweep(0, slow=True)
        bench.history.save_flag(a_flag(number=0, board=board_key(0), window_start=None), DEED)
        bench.history.close()
        (folder / "gpuwatch.toml").write_text(
            f'[agent]\nstate_directory = "{folder}"\nruntime_directory = "{folder}"\n'
            'hostname = "gpu-node-17"\n[host]\nsite = "ams1"\n'
        )
        yield folder


def test_evidence_can_be_had_while_no_agent_runs(state: Path) -> None:
    """The host may be down for good: history tells the most of it, and says that it is that."""
    told = run(
        "evidence",
        "1",
        "--config",
        str(state / "gpuwatch.toml"),
        "--output",
        str(state / "e.tar.gz"),
    )
    unpacked = _unpacked(state / "e.tar.gz")

    manifest = json.loads((unpacked / "manifest.json").read_text())
    incidents = (unpacked / "incidents.csv").read_text().splitlines()
    assert told.status == 0
    assert "this is what" in told.err
    assert (manifest["told_by_an_agent"], manifest["rules_version"]) == (False, "")
    assert manifest["serial"] == board_key(0).serial
    assert len(incidents) == 3
    assert ",xid_48,owner," in "".join(incidents)
    assert "no agent ran" in (unpacked / "README.txt").read_text()
    assert _sha256sum(unpacked).returncode == 0


def test_a_bmc_that_the_settings_do_not_name_is_none_of_this_server(state: Path) -> None:
    """Nobody knows whose it was: a vendor must not get another server's log and serial number."""
    run("evidence", "1", "--config", f"{state}/gpuwatch.toml", "--output", f"{state}/e.tar.gz")
    unpacked = _unpacked(state / "e.tar.gz")

    inventory = json.loads((unpacked / "inventory.json").read_text())

    assert inventory["bmcs"] == []
    assert inventory["server"]["serial_told_by"] != "BMC"
    assert not (unpacked / "sel.csv").exists()
    assert "no BMC of this server is set up" in (unpacked / "README.txt").read_text()
