"""The file of SRAM counts is taken from root alone, whole, and of this boot."""

import json
import os
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gpuwatch.domain.moments import Moment
from gpuwatch.sources.sram_counts import CountsRefused, SramCounts, read, write

NOW = Moment(wall=1_800_000_000.0, boottime=5000.0, boot_id="b")
TOLD = SramCounts("b", 4900.0, {"GPU-1": {"parity": 3, "secded": 1}, "GPU-2": {}})
OWN = {os.geteuid()}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A good file."""
    write(tmp_path / "counts.json", TOLD)
    return tmp_path / "counts.json"


def _refusal(path: Path, now: Moment = NOW, owners: frozenset[int] = frozenset(OWN)) -> str:
    with pytest.raises(CountsRefused) as refused:
        read(path, now, owners)
    return str(refused.value)


def _write(path: Path, body: object) -> None:
    path.write_text(json.dumps(body))


def test_what_was_written_is_read(path: Path) -> None:
    """All of it."""
    assert read(path, NOW, OWN) == TOLD


def test_a_new_file_takes_the_place_of_the_old_one_whole(path: Path) -> None:
    """Nobody reads half of it, and nothing is left beside it, also of a run that was killed."""
    path.with_name(".counts.json.new").write_text("half of")

    write(path, replace(TOLD, boottime=4950.0))

    assert read(path, NOW, OWN).boottime == 4950.0
    assert list(path.parent.iterdir()) == [path]


def test_a_link_in_the_place_of_the_file_is_not_followed(path: Path, tmp_path: Path) -> None:
    """Whoever laid it would choose what is overwritten, or read."""
    precious = tmp_path / "precious"
    precious.write_text("precious")
    path.unlink()
    path.symlink_to(precious)

    refusal = _refusal(path)
    write(path, TOLD)

    assert "cannot be read" in refusal
    assert precious.read_text() == "precious"
    assert not path.is_symlink()


def test_a_file_of_another_user_is_refused(path: Path) -> None:
    """Anybody could have a board replaced."""
    assert "and not to root" in _refusal(path, owners=frozenset({4242}))


@pytest.mark.parametrize("mode", [0o664, 0o646])
def test_a_file_that_others_may_write_is_refused(path: Path, mode: int) -> None:
    """It may be root's, and not what root wrote."""
    path.chmod(mode)

    assert "can be written by others" in _refusal(path)


def test_a_pipe_is_refused_and_not_waited_for(path: Path) -> None:
    """The agent's loop reads it."""
    path.unlink()
    os.mkfifo(path, 0o644)

    assert "is not a file" in _refusal(path)


def test_a_file_of_another_boot_is_refused(path: Path) -> None:
    """Its seconds count from another instant."""
    assert "is of another boot" in _refusal(path, replace(NOW, boot_id="c"))


def test_a_file_from_the_future_is_refused(path: Path) -> None:
    """It would stay fresh for as long as it likes."""
    assert "from the future" in _refusal(path, replace(NOW, boottime=4000.0))


def test_a_file_without_end_is_refused(path: Path) -> None:
    """It is read up to a limit."""
    path.write_text(" " * 300_000)

    assert "larger than" in _refusal(path)


@pytest.mark.parametrize(
    "change",
    [
        {"format": 2},
        {"boottime": "soon"},
        {"boottime": float("-inf")},
        {"gpus": []},
        {"gpus": {"GPU-1": {"parity": -1, "secded": 0}}},
        {"gpus": {"GPU-1": {"parity": True, "secded": 0}}},
        {"gpus": {"GPU-1": {"parity": 1.5, "secded": 0}}},
        {"gpus": {"GPU-1": {"parity": 2**70, "secded": 0}}},
        {"gpus": {"GPU-1": 5}},
    ],
)
def test_a_file_that_says_something_else_is_refused(path: Path, change: dict[str, object]) -> None:
    """Unknown is never a number."""
    _write(path, {"format": 1, "boot_id": "b", "boottime": 4900.0, "gpus": {}} | change)

    assert "is not understood" in _refusal(path)


@given(body=st.binary(max_size=200))
def test_no_content_brings_the_reader_down(
    tmp_path_factory: pytest.TempPathFactory, body: bytes
) -> None:
    """It is refused, whatever it is."""
    path = tmp_path_factory.mktemp("any") / "counts.json"
    path.write_bytes(body)

    assert _refusal(path)


def test_without_a_file_that_is_said(tmp_path: Path) -> None:
    """And is nothing wrong: not every site has it written."""
    with pytest.raises(FileNotFoundError):
        read(tmp_path / "counts.json", NOW, OWN)
