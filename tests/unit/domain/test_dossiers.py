"""Dossiers: what was known when."""

import pytest

from gpuwatch.domain.dossiers import Dossier
from tests.support.flags import a_flag

HELD = Dossier(flag=a_flag(), record=None, epochs=((10.0, "570.86.15"), (20.0, "580.95.05")))


@pytest.mark.parametrize(
    ("instant", "driver"),
    [(9.0, ""), (10.0, "570.86.15"), (19.0, "570.86.15"), (20.0, "580.95.05"), (99.0, "580.95.05")],
)
def test_the_driver_of_an_instant_is_the_one_that_was_met_last(instant: float, driver: str) -> None:
    """And none before any was met."""
    assert HELD.driver(instant) == driver
