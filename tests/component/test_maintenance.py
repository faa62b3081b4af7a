"""Maintenance files are read with distrust and said plainly when they are wrong."""

import json
import os
from dataclasses import replace
from pathlib import Path

import pytest

from gpuwatch.agent.maintenance import (
    LIMIT_FILES,
    MaintenanceDirectory,
    MaintenanceError,
    parse,
)
from gpuwatch.agent.releases import longest_release
from gpuwatch.domain.snapshot import Maintenance

WORK = Maintenance(identity="", scope="host", board="", until=2000.0, reason="driver upgrade")


@pytest.mark.parametrize(
    ("fields", "complaint"),
    [
        ("[]", "not a JSON object"),
        ("{", "not JSON"),
        ('{"until": 1, "scope": "rack"}', "neither"),
        ('{"until": 1, "scope": "board"}', "needs a serial number"),
        ('{"until": 1, "scope": "bmc"}', "needs the name of a BMC"),
        ("{}", "until: missing"),
        ('{"until": true}', "until: missing"),
        ('{"until": "tomorrow"}', "not an ISO 8601 time"),
        ('{"until": "2026-03-15T06:00:00"}', "has no time zone"),
        ('{"until": 1773554400000}', "before the year 3000"),
        ('{"until": Infinity}', "before the year 3000"),
        ('{"until": NaN}', "before the year 3000"),
        ('{"until": -1}', "before the year 3000"),
        (f'{{"until": {"9" * 400}}}', "before the year 3000"),
        ('{"until": "9999-12-31T23:59:59-14:00"}', "before the year 3000"),
        ("[" * 16_000, "not JSON"),
        ('{"until": 1, "reason": {"why": []}}', "reason: not a text"),
        (f'{{"until": 1, "reason": "{"x" * 1_001}"}}', "reason: not a text of at most"),
    ],
)
def test_a_bad_file_is_told_by_its_field(fields: str, complaint: str) -> None:
    """What is wrong, in which field, and what it should be."""
    with pytest.raises(MaintenanceError, match=complaint):
        parse("x", fields.encode())


def test_a_file_of_another_tool_is_understood() -> None:
    """A scheduler writes an ISO time, a board and a ticket."""
    body = (
        b'{"until": "2026-03-15T06:00:00Z", "scope": "board", "board": "1652", "ticket": "OPS-1"}'
    )

    work = parse("slurm-77", body)

    assert (work.identity, work.until, work.board, work.ticket, work.release) == (
        "slurm-77",
        1_773_554_400.0,
        "1652",
        "OPS-1",
        False,
    )


def test_a_file_names_a_bmc_or_its_host() -> None:
    """Work on another host, which this one watches."""
    work = parse("x", b'{"until": 1, "scope": "bmc", "bmc": "node17"}')

    assert (work.scope, work.bmc, work.board) == ("bmc", "node17", "")


def test_nothing_in_a_text_acts_on_a_log_a_page_or_the_store() -> None:
    """Line ends, escapes and halves of characters become spaces."""
    work = parse("x", b'{"until": 1, "reason": "a\\nb\\u001b[31mc\\ud800d\\n", "ticket": 77}')

    assert (work.reason, work.ticket) == ("a b [31mc d", "77")


def test_a_name_that_cannot_be_shown_is_refused(tmp_path: Path) -> None:
    """A name of any bytes lies in a directory, and is on no page."""
    works = MaintenanceDirectory(tmp_path)
    (tmp_path / os.fsdecode(b"bad\xff.json")).write_text('{"until": 5}')

    assert works.read(0.0) == ()
    assert list(works.refused.values()) == ["its name is not printable"]


@pytest.mark.parametrize("told", ['"false"', "1", "null"])
def test_the_driver_is_let_go_of_only_where_it_is_asked_for_plainly(told: str) -> None:
    """A tool that writes words for truth does not take the GPUs out of sight."""
    assert parse("x", f'{{"until": 1, "release": {told}}}'.encode()).release is False


def test_the_longest_release_is_the_one_that_counts() -> None:
    """A short one beside it does not take the driver up early."""
    short, long, none = (
        replace(WORK, identity=name, until=until, release=release)
        for name, until, release in (("a", 10.0, True), ("b", 30.0, True), ("c", 50.0, False))
    )

    assert longest_release((short, long, none)) == long
    assert longest_release((none,)) is None


def test_work_begins_holds_expires_and_ends(tmp_path: Path) -> None:
    """What begin writes, read finds until its time is over or end removes it."""
    works = MaintenanceDirectory(tmp_path / "maintenance.d")

    begun = works.begin(WORK)
    held = works.read(1999.0)
    over = works.read(2000.0)
    works.end(begun.identity)

    assert (held, over, works.read(0.0)) == ((begun,), (), ())


def test_ending_what_does_not_exist_says_so(tmp_path: Path) -> None:
    """Neither an unknown name nor a path gets anywhere, nor what is being written."""
    works = MaintenanceDirectory(tmp_path / "maintenance.d")
    works.make()
    others = [tmp_path / "elsewhere.json", works.directory / ".hidden.json"]
    for path in others:
        path.touch()

    for name in ("nothing", "../elsewhere", str(tmp_path / "elsewhere"), ".hidden", ""):
        with pytest.raises(MaintenanceError, match="maintenance"):
            works.end(name)

    assert [path.exists() for path in others] == [True, True]


def test_the_group_may_write_into_the_folder_whatever_the_umask(tmp_path: Path) -> None:
    """A tool of theirs may be the first who has something to say."""
    works = MaintenanceDirectory(tmp_path / "maintenance.d")
    before = os.umask(0o077)

    works.make()

    os.umask(before)
    assert works.directory.stat().st_mode & 0o777 == 0o770


def test_only_our_own_expired_files_are_removed(tmp_path: Path) -> None:
    """What another tool wrote is left for that tool."""
    works = MaintenanceDirectory(tmp_path)
    works.begin(WORK)
    (tmp_path / "slurm.json").write_text(json.dumps({"until": 5}))
    (tmp_path / "gpuwatch-bad.json").write_text("{")

    works.expire(WORK.until)

    assert sorted(path.name for path in tmp_path.iterdir()) == ["gpuwatch-bad.json", "slurm.json"]


def test_a_fifo_a_link_and_a_huge_file_hold_nothing_up(tmp_path: Path) -> None:
    """Whatever lies in the directory, reading it returns, and says what it refused."""
    works = MaintenanceDirectory(tmp_path)
    os.mkfifo(tmp_path / "fifo.json")
    (tmp_path / "elsewhere").write_text('{"until": 5}')
    (tmp_path / "link.json").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "huge.json").write_text(" " * 20_000)

    held = works.read(0.0)

    assert (held, sorted(works.refused)) == ((), ["fifo.json", "huge.json", "link.json"])


def test_of_very_many_files_the_first_are_read(tmp_path: Path) -> None:
    """Whoever fills the directory costs the agent a bounded time at every look."""
    works = MaintenanceDirectory(tmp_path)
    for number in range(LIMIT_FILES + 3):
        (tmp_path / f"{number:03}.json").write_text('{"until": 5}')

    held = works.read(0.0)

    assert [work.identity for work in held] == [f"{number:03}" for number in range(LIMIT_FILES)]


def test_a_directory_that_is_not_there_holds_nothing(tmp_path: Path) -> None:
    """Before anybody begins work there is no directory."""
    assert MaintenanceDirectory(tmp_path / "none").read(0.0) == ()
