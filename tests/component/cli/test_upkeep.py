"""Backups by the command line: of an agent that cannot make one, of none, and what is refused."""

import json
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from gpuwatch.control.requests import ControlError, ErrorKind
from gpuwatch.history.backups import examine
from tests.support.commands import Outcome, run
from tests.support.fake_agent import FakeAgent
from tests.support.histories import Bench


@pytest.fixture
def config(folder: Path) -> Path:
    """Settings that name the folder of a history of three boards, which no agent writes."""
    Bench.open(folder / "state" / "history.db", boards=3).history.close()
    path = folder / "gpuwatch.toml"
    path.write_text(
        f'[agent]\nstate_directory = "{folder}/state"\nruntime_directory = "{folder}"\n'
    )
    return path


def _run(config: Path, *words: str) -> Outcome:
    return run(*words, "--config", str(config))


def test_a_backup_is_made_of_the_file_where_the_agents_disk_is_full(
    agent: FakeAgent, config: Path, folder: Path
) -> None:
    """The agent has no room to make one: whoever may read its file can still save it elsewhere."""
    agent.refusal = ControlError(ErrorKind.FAILED, "no space is left", "free some")

    done = _run(config, "backup", str(folder / "b.db"))

    assert done.status == 0, done.err
    assert examine(folder / "b.db").boards == 3


def test_who_may_not_ask_the_agent_gets_no_backup(
    agent: FakeAgent, config: Path, folder: Path
) -> None:
    """A refusal is not worked around."""
    agent.refusal = ControlError(ErrorKind.DENIED, "uid 7 may only read", "use sudo")

    done = _run(config, "backup", str(folder / "b.db"))

    assert (done.status, done.err) == (77, "gpuwatch: uid 7 may only read (use sudo)\n")
    assert not (folder / "b.db").exists()


def test_a_backup_that_exists_is_replaced_only_when_told(config: Path, folder: Path) -> None:
    """It may be the only good one."""
    target = folder / "b.db"
    target.write_bytes(b"old")

    refused = _run(config, "backup", str(target))
    before = target.read_bytes()
    replaced = _run(config, "backup", "--overwrite", "--json", str(target))

    assert (refused.status, before) == (2, b"old")
    assert "exists (name another, or --overwrite)" in refused.err
    assert json.loads(replaced.out)["boards"] == 3


def test_a_folder_and_a_place_that_is_not_there_are_told(config: Path, folder: Path) -> None:
    """One line, with the way out."""
    in_folder = _run(config, "backup", str(folder))
    nowhere = _run(config, "backup", str(folder / "gone" / "b.db"))

    too_long = _run(config, "backup", str(folder / ("b" * 300)))

    assert (in_folder.status, nowhere.status, too_long.status) == (2, 1, 1)
    assert "is a folder (name a file in it)" in in_folder.err
    assert "No such file or directory; nothing was written (is the folder there?)" in nowhere.err
    assert "File name too long; nothing was written" in too_long.err


@pytest.mark.parametrize("words", [("restore", "--check"), ("restore",)])
def test_a_backup_that_cannot_be_looked_at_is_one_line(
    config: Path, words: tuple[str, ...]
) -> None:
    """As in a folder that is closed to whoever asks; here its name is too long."""
    told = _run(config, *words, "b" * 300)

    assert told.status == 1
    assert "File name too long; nothing was changed" in told.err
    assert told.err.count("\n") == 1


def test_a_restore_says_what_it_kept_and_a_check_changes_nothing(
    config: Path, folder: Path
) -> None:
    """The check looks at the same things."""
    backup, state = folder / "b.db", folder / "state"
    _run(config, "backup", str(backup))
    before = sorted(
        path.name for path in state.iterdir() if not path.name.endswith(("-wal", "-shm"))
    )

    checked = _run(config, "restore", "--check", str(backup))
    after = sorted(
        path.name for path in state.iterdir() if not path.name.endswith(("-wal", "-shm"))
    )
    restored = _run(config, "restore", str(backup), "--reason", "OPS-17")

    assert (checked.status, before) == (0, after)
    assert f"{backup} can be restored" in checked.out
    assert restored.status == 0
    assert "what was there is kept as" in restored.out
    assert len(list(state.glob("history.db.before-restore-*"))) == 1


def test_a_damaged_or_newer_backup_is_one_line_and_a_failure(config: Path, folder: Path) -> None:
    """With what to do; the history stays."""
    damaged, newer = folder / "damaged.db", folder / "newer.db"
    damaged.write_text("no database" * 400)
    _run(config, "backup", str(newer))
    with closing(sqlite3.connect(newer)) as connection:
        connection.execute("drop table backup")
        connection.execute("insert into migrations values ('0999-of-tomorrow')")
        connection.commit()

    told = [_run(config, "restore", str(path)) for path in (damaged, newer)]

    assert [each.status for each in told] == [1, 1]
    assert "is no backup of gpuwatch, or is damaged" in told[0].err
    assert "nothing was changed (install that version or a newer one, then restore)" in told[1].err
    assert [each.err.count("\n") for each in told] == [1, 1]
    assert not list((folder / "state").glob("*before-restore*"))
