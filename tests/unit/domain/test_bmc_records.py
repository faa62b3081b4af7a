"""What is remembered of a BMC that never told anything."""

from gpuwatch.domain.bmc_records import BmcRecord


def test_a_bmc_that_told_nothing_is_neither_on_nor_off() -> None:
    """Nothing was seen of its server, and nothing counted."""
    record = BmcRecord(name="host")

    assert (record.power_on, record.power_since) == (None, None)
    assert (record.seen_well, dict(record.counts)) == (frozenset(), {})
