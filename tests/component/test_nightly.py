"""Nightly backups: one a day of this host, the oldest gone only after a new one is whole."""

from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from gpuwatch.agent.nightly import NightlyBackups
from gpuwatch.domain.snapshot import BackupState
from gpuwatch.history.backups import examine
from tests.support.histories import Bench

DAY = 86_400.0
NOON = datetime(2026, 3, 14, 12, tzinfo=UTC).timestamp()


@dataclass
class Night:
    """A history, a folder, and the hand that sets the clock."""

    folder: Path
    history: Path
    now: float = NOON

    def backups(self, keep: int = 3, host: str = "node-17") -> NightlyBackups:
        """As an agent that starts has them."""
        return NightlyBackups(
            history=self.history,
            folder=self.folder,
            hour=2,
            keep=keep,
            host=host,
            wall=lambda: self.now,
        )

    def names(self) -> list[str]:
        """What lies in the folder."""
        return sorted(path.name for path in self.folder.iterdir())


@pytest.fixture
def night(tmp_path: Path) -> Night:
    """A host whose agent has a history of two boards."""
    Bench.open(tmp_path / "history.db", boards=2).history.close()
    return Night(tmp_path / "backups", tmp_path / "history.db")


def test_the_first_is_made_at_once_and_the_next_in_the_next_night(night: Night) -> None:
    """A host that was down in its hour has missed none."""
    backups = night.backups()

    backups.look()
    backups.look()
    night.now += 9 * 3600
    backups.look()
    before = night.names()
    night.now += 9 * 3600
    backups.look()

    assert before == ["gpuwatch-node-17-20260314T120000Z.db"]
    assert night.names() == [*before, "gpuwatch-node-17-20260315T060000Z.db"]
    assert examine(night.folder / before[0]).mark.host == "node-17"


def test_an_agent_that_starts_again_knows_what_was_made(night: Night) -> None:
    """By the names in the folder; a start is no reason for a backup."""
    night.backups().look()
    again = night.backups()
    night.now += 3600.0

    again.look()

    assert len(night.names()) == 1
    assert again.state is not None
    assert again.state.last_success == NOON


def test_only_the_latest_are_kept_and_nobody_elses_are_touched(night: Night) -> None:
    """Hosts may share a folder, and people leave things."""
    night.folder.mkdir()
    foreign = ("gpuwatch-node-1-20200101T000000Z.db", "gpuwatch-node-17-mine.db", "notes")
    kept = [(night.folder / name).write_bytes(b"x") for name in foreign]
    backups = night.backups(keep=2)

    for _ in range(4):
        backups.look()
        night.now += DAY

    assert len(kept) == 3
    assert night.names() == sorted(
        [
            *foreign,
            "gpuwatch-node-17-20260316T120000Z.db",
            "gpuwatch-node-17-20260317T120000Z.db",
        ]
    )


def test_one_that_fails_takes_nothing_away_and_is_made_up_for(night: Night) -> None:
    """The state says why meanwhile, and since when there is none."""
    backups = night.backups(keep=1)
    backups.look()
    before = night.names()
    night.history.rename(night.history.with_suffix(".away"))
    night.now += DAY

    backups.look()

    failed = backups.state
    night.now += 600.0
    backups.look()
    again = backups.state
    assert night.names() == before
    night.history.with_suffix(".away").rename(night.history)
    backups.look()
    assert failed is not None
    assert "history.db does not exist" in failed.problem
    assert (failed.last_success, failed.failing_since) == (NOON, NOON + DAY)
    assert again == failed
    assert backups.state is not None
    assert backups.state == BackupState(NOON + DAY + 600.0)
    assert night.names() == ["gpuwatch-node-17-20260315T121000Z.db"]


def test_nothing_is_known_before_the_first_look(night: Night) -> None:
    """A folder that hangs is not one in which all is well."""
    backups = night.backups()

    assert backups.state == BackupState()


def test_a_clock_that_was_far_ahead_stops_no_backup(night: Night) -> None:
    """What is dated in the future is not believed, and what was just made is not removed."""
    night.folder.mkdir()
    (night.folder / "gpuwatch-node-17-20380119T000000Z.db").write_bytes(b"x")
    backups = night.backups(keep=1)

    backups.look()

    assert night.names() == ["gpuwatch-node-17-20260314T120000Z.db"]


def test_hosts_have_minutes_of_their_own(night: Night) -> None:
    """A shared folder is not written by ten thousand at once."""
    at = datetime(2026, 3, 14, 2, 59, 59, tzinfo=UTC)

    minutes = {night.backups(host=f"node-{n}")._due_since(at).minute for n in range(600)}

    assert len(minutes) == 60


def test_a_host_whose_name_is_no_file_name_has_one(night: Night) -> None:
    """A name in the settings may hold anything."""
    night.backups(host="a/../b c").look()

    assert night.names() == ["gpuwatch-a_.._b_c-20260314T120000Z.db"]


def test_none_is_made_where_they_are_switched_off(night: Night) -> None:
    """Nothing is made, and nothing is told."""
    off = replace(night.backups(), folder=None)

    off.look()

    assert off.state is None
    assert not night.folder.exists()
