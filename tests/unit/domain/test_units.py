"""Units convert to Prometheus's base units."""

from gpuwatch.domain.units import Unit


def test_milliwatts_become_watts_exactly() -> None:
    """71 W is read as 71000 mW and published as 71, not 71.00000000000001."""
    assert Unit.MILLIWATTS.to_base(71_000) == 71.0


def test_a_name_without_its_unit_does_not_fit() -> None:
    """A power metric that does not end in watts is refused."""
    assert not Unit.MILLIWATTS.fits("gpuwatch_gpu_power")
