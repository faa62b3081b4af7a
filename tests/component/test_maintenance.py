"""Maintenance files are read with distrust and said plainly when they are wrong."""

import json
import os
from pathlib import Path

import pytest

from gpuwatch.agent.maintenance import MaintenanceDirectory, MaintenanceError, parse
from gpuwatch.domain.snapshot import Maintenance

WORK = Maintenance(identity="", scope="host", board="", until=2000.0, reason="driver upgrade")


@pytest.mark.parametrize(
    ("fields", "complaint"),
    [
        ("[]", "not a JSON object"),
        ("{", "not JSON"),
        ('{"until": 1, "scope": "rack"}', "neither"),
        ('{"until": 1, "scope": "board"}', "needs a serial number"),
        ("{}", "until: missing"),
        ('{"until": true}', "until: missing"),
        ('{"until": "tomorrow"}', "not an ISO 8601 time"),
        ('{"until": "2026-03-15T06:00:00"}', "has no time zone"),
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


def test_work_begins_holds_expires_and_ends(tmp_path: Path) -> None:
    """What begin writes, read finds until its time is over or end removes it."""
    works = MaintenanceDirectory(tmp_path / "maintenance.d")

    begun = works.begin(WORK)
    held = works.read(1999.0)
    over = works.read(2000.0)
    works.end(begun.identity)

    assert (held, over, works.read(0.0)) == ((begun,), (), ())


def test_ending_what_does_not_exist_says_so(tmp_path: Path) -> None:
    """Neither an unknown name nor a path gets anywhere."""
    works = MaintenanceDirectory(tmp_path)

    for name in ("nothing", "../../etc/passwd", ".hidden", ""):
        with pytest.raises(MaintenanceError, match="maintenance"):
            works.end(name)


def test_only_our_own_expired_files_are_removed(tmp_path: Path) -> None:
    """What another tool wrote is left for that tool."""
    works = MaintenanceDirectory(tmp_path)
    works.begin(WORK)
    (tmp_path / "slurm.json").write_text(json.dumps({"until": 5}))
    (tmp_path / "gpuwatch-bad.json").write_text("{")

    works.expire(3000.0)

    assert sorted(path.name for path in tmp_path.iterdir()) == ["gpuwatch-bad.json", "slurm.json"]


def test_a_fifo_a_link_and_a_huge_file_hold_nothing_up(tmp_path: Path) -> None:
    """Whatever lies in the directory, reading it returns, and says what it refused."""
    works = MaintenanceDirectory(tmp_path)
    os.mkfifo(tmp_path / "fifo.json")
    (tmp_path / "link.json").symlink_to("/etc/hostname")
    (tmp_path / "huge.json").write_text(" " * 20_000)

    held = works.read(0.0)

    assert (held, sorted(works.refused)) == ((), ["fifo.json", "huge.json", "link.json"])


def test_a_directory_that_is_not_there_holds_nothing(tmp_path: Path) -> None:
    """Before anybody begins work there is no directory."""
    assert MaintenanceDirectory(tmp_path / "none").read(0.0) == ()
