"""What a server was seen to have: only the loss of it is news."""

from gpuwatch.domain.bmc import Part, RedundancyState
from gpuwatch.domain.bmc_well import fan_word, redundancy_word, supply_word, well_in
from gpuwatch.domain.readings import Gap, GapReason
from tests.support.bmcs import fan, inlet, redundancy, supply, sweep


def test_what_is_there_and_well_is_seen() -> None:
    """Supplies in their bays, redundancies with some to spare, fans that turn."""
    spare = redundancy(RedundancyState.DEGRADED)
    seen = sweep(sensors=(inlet(), fan(1)), supplies=(supply(1),), redundancies=(spare,))

    assert well_in(seen) == {fan_word(fan(1)), supply_word(supply(1)), redundancy_word(spare)}


def test_what_is_not_told_to_be_there_is_not_seen() -> None:
    """Empty bays, what has nothing to spare, fans that stand still or cannot be read."""
    fans = (fan(1, 0.0), fan(2, None), fan(3, value=Gap(GapReason.UNSUPPORTED)))
    bare = sweep(
        sensors=fans,
        supplies=(supply(1, present=False), supply(2, present=None)),
        redundancies=(redundancy(RedundancyState.LOST), redundancy(None, Part.FAN)),
    )

    assert well_in(bare) == frozenset()
