"""Recordings of GPUs, replayed as the readings and gaps that they were."""

import math
from pathlib import Path

import pytest

from gpuwatch.domain.moments import Moment
from gpuwatch.domain.readings import Gap, GapReason, Reading, Sweep
from gpuwatch.domain.signals import Kind
from gpuwatch.domain.units import Unit
from tests.support.gpu.recordings import FIXTURES, Recording, fixtures

NOW = Moment(wall=1_795_435_200.0, boottime=86_400.0, boot_id="boot-1")
EVERY = pytest.mark.parametrize("path", fixtures(), ids=lambda path: path.stem)
# What no board can read: a wrong unit or a sentinel taken for a value shows here.
POSSIBLE = {Unit.CELSIUS: (1, 130), Unit.MILLIWATTS: (1_000, 3_000_000), Unit.PERCENT: (0, 100)}


def _sweeps(path: Path) -> tuple[Sweep, ...]:
    return tuple(Recording.load(path).sweeps(NOW))


def test_the_recording_made_by_hand_says_so_and_reads_as_it_was_written() -> None:
    """Values are readings in the row's own unit, pairs of reason and code are gaps."""
    recording = Recording.load(FIXTURES / "hand-made.json")

    (sweep,), (device,) = recording.sweeps(NOW), recording.devices()

    assert recording.made_by_hand
    assert (device.board.key, device.slot.pci_address) == (sweep.board, "0000:1b:00.0")
    assert sweep.get("gpuwatch_gpu_power_watts") == Reading(118_250, NOW)
    assert sweep.get("gpuwatch_gpu_sram_threshold_exceeded") == Gap(GapReason.DENIED, 4)
    assert sweep.get("gpuwatch_gpu_module_id") == Gap(GapReason.FAILED, 999)
    assert sweep.get("gpuwatch_gpu_sm_clock_hertz") is None


@EVERY
def test_every_row_of_a_recording_is_one_of_ours(path: Path) -> None:
    """A row that was renamed has to be renamed in the recording, too."""
    assert Recording.load(path).unknown == frozenset()


@EVERY
def test_every_recorded_answer_is_a_reading_or_a_gap_with_its_reason(path: Path) -> None:
    """Numbers are finite and not negative, text rows apart; what failed says with which code."""
    answers = [pair for sweep in _sweeps(path) for pair in sweep]
    numbers = [value for row, value in answers if isinstance(value, int | float)]
    texts = {row.kind for row, value in answers if isinstance(value, str)}
    gaps = [value for _, value in answers if isinstance(value, Gap)]

    assert all(math.isfinite(number) and number >= 0 for number in numbers)
    assert texts <= {Kind.TEXT}
    assert [gap for gap in gaps if gap.reason is GapReason.FAILED and gap.code is None] == []


@EVERY
def test_every_recorded_number_is_one_that_a_board_can_have(path: Path) -> None:
    """No temperature, power or share beyond what there is, in the unit of the row."""
    beyond = [
        (row.key, value)
        for sweep in _sweeps(path)
        for row, value in sweep
        if row.unit in POSSIBLE and isinstance(value, int | float)
        if not POSSIBLE[row.unit][0] <= value <= POSSIBLE[row.unit][1]
    ]

    assert beyond == []


@EVERY
def test_errors_by_location_are_no_more_than_the_total(path: Path) -> None:
    """DRAM and SRAM are parts of what the total counts."""
    name = "gpuwatch_gpu_ecc_uncorrected_volatile"
    over = [
        sweep.board
        for sweep in _sweeps(path)
        if _number(sweep, f'{name}_memory_errors_total{{memory="dram"}}')
        + _number(sweep, f'{name}_memory_errors_total{{memory="sram"}}')
        > _number(sweep, f"{name}_errors_total")
    ]

    assert over == []


def test_a_recording_of_another_format_is_refused(tmp_path: Path) -> None:
    """It names the file, what it has and what to do."""
    (tmp_path / "old.json").write_text('{"format": 0}')

    with pytest.raises(ValueError, match=r"old\.json: format 0, not 1: record anew"):
        Recording.load(tmp_path / "old.json")


def _number(sweep: Sweep, key: str) -> int:
    """A counter's reading; 0 where it has none."""
    answer = sweep.get(key)
    return int(answer.value) if isinstance(answer, Reading) else 0
