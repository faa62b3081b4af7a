"""A row that breaks the metric contract is unbuildable; a field knows its drivers."""

import pytest

from gpuwatch.domain.signals import Cadence, Call, Field, Keep, Kind, Signal
from gpuwatch.domain.units import Unit


def _row(
    name: str,
    kind: Kind = Kind.GAUGE,
    unit: Unit = Unit.COUNT,
    text: str = "A level.",
    labels: tuple[tuple[str, str], ...] = (),
) -> Signal:
    return Signal(
        name=name,
        kind=kind,
        unit=unit,
        query=Call("nvmlDeviceGetPowerUsage"),
        help=text,
        every=Cadence.FAST,
        keep=Keep.NEVER,
        labels=labels,
    )


@pytest.mark.parametrize(
    ("name", "kind", "unit", "text", "says"),
    [
        ("gpu_power_watts", Kind.GAUGE, Unit.MILLIWATTS, "A.", "starts with gpuwatch_"),
        ("gpuwatch_power", Kind.GAUGE, Unit.MILLIWATTS, "A.", "MILLIWATTS name ends in _watts"),
        ("gpuwatch_errors", Kind.COUNTER, Unit.COUNT, "A.", "counters end in _total"),
        ("gpuwatch_errors_total", Kind.GAUGE, Unit.COUNT, "A.", "counters end in _total"),
        ("gpuwatch_level", Kind.GAUGE, Unit.COUNT, "A level", "ends with a full stop"),
    ],
)
def test_a_row_that_breaks_the_contract_is_refused(
    name: str, kind: Kind, unit: Unit, text: str, says: str
) -> None:
    """The message names the row and the rule."""
    with pytest.raises(ValueError, match=f"signal {name}: .*{says}"):
        _row(name, kind, unit, text)


def test_a_counter_of_a_unit_carries_both_endings() -> None:
    """Its unit, then _total."""
    row = _row("gpuwatch_gpu_energy_joules_total", Kind.COUNTER, Unit.MILLIJOULES)

    assert row.key == "gpuwatch_gpu_energy_joules_total"


def test_rows_of_one_family_differ_by_their_labels() -> None:
    """The key is unique in a table."""
    row = _row("gpuwatch_gpu_level", labels=(("memory", "dram"), ("bank", "0")))

    assert row.key == 'gpuwatch_gpu_level{memory="dram",bank="0"}'


@pytest.mark.parametrize(
    ("first", "last", "driver", "admitted"),
    [
        (None, None, (), True),
        ((575,), None, (), False),
        ((575,), None, (570, 86), False),
        ((575,), None, (575, 51), True),
        ((575,), (580, 82), (580, 65), True),
        ((575,), (580, 82), (580, 82), False),
        (None, (580, 82), (470,), True),
    ],
)
def test_a_field_is_asked_only_of_drivers_that_know_it(
    first: tuple[int, ...] | None,
    last: tuple[int, ...] | None,
    driver: tuple[int, ...],
    admitted: bool,
) -> None:
    """Ids moved between drivers; an unknown driver is asked no limited field."""
    field = Field("NVML_FI_DEV_POWER_INSTANT", first_driver=first, last_driver=last)

    assert field.admits(driver) is admitted
