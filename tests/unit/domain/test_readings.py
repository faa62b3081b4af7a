"""A sweep answers each of its rows with a value or a gap."""

from gpuwatch.domain.devices import BoardKey
from gpuwatch.domain.moments import Moment
from gpuwatch.domain.readings import Gap, GapReason, Reading, Sweep
from gpuwatch.domain.signals import Cadence, Call, Keep, Kind, Signal
from gpuwatch.domain.units import Unit

AT = Moment(wall=100.0, boottime=7.0, boot_id="boot")


def _row(name: str, unit: Unit) -> Signal:
    return Signal(
        name=name,
        kind=Kind.GAUGE,
        unit=unit,
        query=Call("nvmlDeviceGetPowerUsage"),
        help="A level.",
        every=Cadence.FAST,
        keep=Keep.NEVER,
    )


POWER = _row("gpuwatch_gpu_power_watts", Unit.MILLIWATTS)
TEMPERATURE = _row("gpuwatch_gpu_temperature_celsius", Unit.CELSIUS)
SWEEP = Sweep(
    board=BoardKey("", "GPU-a"),
    at=AT,
    cadences=frozenset({Cadence.FAST}),
    signals=(POWER, TEMPERATURE),
    values=(71_000, Gap(GapReason.UNSUPPORTED, 3)),
)


def test_a_value_is_read_with_its_instant() -> None:
    """In the row's own unit."""
    assert SWEEP.get(POWER.key) == Reading(71_000, AT)


def test_a_gap_keeps_its_reason() -> None:
    """What could not be read is not zero."""
    assert SWEEP.get(TEMPERATURE.key) == Gap(GapReason.UNSUPPORTED, 3)


def test_a_row_that_was_not_asked_is_neither() -> None:
    """It has no answer at all."""
    assert SWEEP.get("gpuwatch_gpu_fan_speed_ratio") is None


def test_a_sweep_lists_its_answers_in_table_order() -> None:
    """Each row beside its answer."""
    assert list(SWEEP) == [(POWER, 71_000), (TEMPERATURE, Gap(GapReason.UNSUPPORTED, 3))]
