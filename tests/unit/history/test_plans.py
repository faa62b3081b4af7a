"""Plans: which rows of a sweep history looks at."""

from gpuwatch.domain.signals import Role
from gpuwatch.history.plans import PAGES, ROWS, TOTAL, Plan, counter_of, is_urgent
from tests.support.histories import FAST, FAST_AND_SLOW, row


def test_counters_find_their_rows() -> None:
    """The total, the locations and the remapped rows each know their places."""
    plan = Plan.of(FAST_AND_SLOW)

    named = {
        counter: [plan.watched[place].name.removeprefix("gpuwatch_gpu_") for place in places]
        for counter, places in plan.counters.items()
    }

    assert named == {
        TOTAL: ["ecc_uncorrected_volatile_errors_total", "ecc_uncorrected_aggregate_errors_total"],
        ROWS: ["rows_remapped_uncorrectable_total"],
        "dram": [
            "ecc_uncorrected_volatile_memory_errors_total",
            "ecc_uncorrected_aggregate_memory_errors_total",
        ],
        "sram": [
            "ecc_uncorrected_volatile_memory_errors_total",
            "ecc_uncorrected_aggregate_memory_errors_total",
        ],
    }


def test_values_that_never_matter_are_not_watched() -> None:
    """Energy changes in every sweep and is neither watched nor kept as a series."""
    plan = Plan.of(FAST)

    assert "gpuwatch_gpu_energy_joules_total" not in plan.keys
    assert plan.series_keys == ("gpuwatch_gpu_power_watts", "gpuwatch_gpu_temperature_celsius")


def test_a_part_of_another_location_feeds_no_counter() -> None:
    """L2 is a part of SRAM on some boards and of nothing we name on others."""
    part = row("ecc_uncorrected_volatile_memory_errors_total", Role.ECC_VOLATILE, "l2_cache")

    assert counter_of(part) is None


def test_retired_pages_are_a_counter() -> None:
    """Boards before Ampere retire pages instead of remapping rows."""
    assert counter_of(row("pages_retired_double_bit_total", Role.PAGES_RETIRED)) == PAGES


def test_only_plain_counters_may_wait() -> None:
    """A corrected-error counter may change in every sweep for ever; a state may not wait."""
    assert not is_urgent(row("ecc_corrected_volatile_errors_total"))
    assert is_urgent(row("row_remap_failed"))
    assert is_urgent(row("rows_remapped_uncorrectable_total", Role.ROWS_REMAPPED))
