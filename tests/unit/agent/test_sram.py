"""What root hands over of the GPUs' SRAM stands where the agent itself was refused."""

from dataclasses import replace
from pathlib import Path

import pytest

from gpuwatch.agent.sram import FRESH_SECONDS, HandedCounts
from gpuwatch.domain.devices import BoardKey
from gpuwatch.domain.moments import Moment
from gpuwatch.domain.readings import Gap, GapReason, Reading, Sweep, Value
from gpuwatch.domain.signals import Cadence
from gpuwatch.sources.nvml_signals import TABLE, rows
from gpuwatch.sources.sram_counts import SramCounts, write

NOW = Moment(wall=1_800_000_000.0, boottime=5000.0, boot_id="b")
RARE = rows({Cadence.RARE})
PARITY, SECDED = (row.key for row in RARE if row.privileged)
DENIED = Gap(GapReason.DENIED, 4)
TOLD = SramCounts("b", 4900.0, {"GPU-1": {PARITY: 3, SECDED: 1}, "GPU-2": {}})


def _sweep(value: Value | Gap, uuid: str = "GPU-1") -> Sweep:
    return Sweep(
        board=BoardKey("1652", uuid),
        at=NOW,
        cadences=frozenset({Cadence.RARE}),
        signals=RARE,
        values=(value,) * len(RARE),
    )


def _handed(path: Path, counts: SramCounts = TOLD, now: Moment = NOW) -> HandedCounts:
    write(path, counts)
    handed = HandedCounts(path)
    handed.look(now)
    return handed


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where the file is handed over."""
    return tmp_path / "counts.json"


def test_only_slow_and_rare_rows_are_told_to_root_only() -> None:
    """Fast sweeps, of which there are most, are not looked through."""
    assert {row.every for row in TABLE if row.privileged} == {Cadence.SLOW, Cadence.RARE}


def test_what_was_denied_is_filled_in_by_its_row(path: Path) -> None:
    """And nothing else of the sweep is touched."""
    filled = _handed(path).fill(_sweep(DENIED))

    assert (filled.get(PARITY), filled.get(SECDED)) == (Reading(3, NOW), Reading(1, NOW))
    assert filled.values.count(DENIED) == len(RARE) - 2


@pytest.mark.parametrize("value", [7, Gap(GapReason.LOST, 15), Gap(GapReason.UNSUPPORTED, 3)])
def test_what_the_agent_was_told_itself_stays(path: Path, value: Value | Gap) -> None:
    """A count of its own is newer, and a lost GPU is lost."""
    sweep = _sweep(value)

    assert _handed(path).fill(sweep) == sweep


@pytest.mark.parametrize("uuid", ["GPU-2", "GPU-3"])
def test_a_gpu_that_did_not_tell_stays_denied(path: Path, uuid: str) -> None:
    """Never with another's counts, and never with zero."""
    sweep = _sweep(DENIED, uuid)

    assert _handed(path).fill(sweep) == sweep


def test_counts_that_nobody_renews_are_not_used(path: Path) -> None:
    """Old ones would look like new ones."""
    later = replace(NOW, boottime=TOLD.boottime + FRESH_SECONDS + 1.0)
    sweep = _sweep(DENIED)

    handed = _handed(path, now=later)

    assert handed.fill(sweep) == sweep
    assert [(state.up, state.fresh) for state in handed.states(later)] == [(False, False)]


def test_a_sweep_of_other_rows_is_passed_on(path: Path) -> None:
    """Most are."""
    sweep = replace(_sweep(DENIED), cadences=frozenset({Cadence.FAST}))

    assert _handed(path).fill(sweep) is sweep


def test_its_last_success_is_when_the_driver_was_asked(path: Path) -> None:
    """On the wall clock as it stands now: that is the age of the counts."""
    (state,) = _handed(path).states(NOW)

    assert (state.name, state.up, state.fresh, state.required) == ("sram", True, True, False)
    assert state.last_success == NOW.wall - 100.0


def test_a_newer_file_takes_the_place(path: Path) -> None:
    """Every five minutes."""
    handed = _handed(path)
    write(path, replace(TOLD, gpus={"GPU-1": {PARITY: 5, SECDED: 1}}))

    handed.look(NOW)

    assert handed.fill(_sweep(DENIED)).get(PARITY) == Reading(5, NOW)


def test_without_a_file_there_is_no_such_source(path: Path) -> None:
    """Not every site runs the timer, and nothing is wrong with that."""
    handed = HandedCounts(path)

    handed.look(NOW)

    assert handed.states(NOW) == ()


def test_a_file_that_goes_takes_its_counts_along(path: Path) -> None:
    """Whoever removes it does not want it used."""
    handed = _handed(path)
    path.unlink()

    handed.look(NOW)

    assert handed.states(NOW) == ()
    assert handed.fill(_sweep(DENIED)) == _sweep(DENIED)


def test_a_file_that_is_no_good_is_a_source_that_is_down(path: Path) -> None:
    """With what is wrong with it, and where to look."""
    handed = _handed(path)
    path.write_text("{}")
    path.chmod(0o644)

    handed.look(NOW)

    (state,) = handed.states(NOW)
    assert (state.up, state.fresh) == (False, False)
    assert state.problem.startswith(f"{path} is not understood: ")
    assert "systemctl status gpuwatch-sram.timer" in state.problem
    assert handed.fill(_sweep(DENIED)) == _sweep(DENIED)


def test_nobody_hands_over_where_the_setting_is_empty() -> None:
    """`nvml.sram_counts = ""`."""
    handed = HandedCounts(None)

    handed.look(NOW)

    assert handed.states(NOW) == ()
