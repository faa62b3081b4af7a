"""GPUs that hung: set apart, asked again alone, confirmed, brought back."""

import math

from gpuwatch.sources.nvml_quarantine import Quarantine, SetApart
from gpuwatch.sources.nvml_settings import RetryPlan
from gpuwatch.sources.probe_stuck import Stuck

GPU, OTHER = "0000:03:00.0", "0000:04:00.0"
PLAN = RetryPlan()


def _stuck(seconds: float) -> Stuck:
    return Stuck(
        pid=7, state="D", where="", call="nvmlDeviceGetRemappedRows", device=GPU, seconds=seconds
    )


def _member(quarantine: Quarantine) -> SetApart:
    (member,) = quarantine
    return member


def _confirmed_at(now: float) -> Quarantine:
    quarantine = Quarantine(PLAN)
    quarantine.missed(GPU, _stuck(10), now - 80, alone=False)
    quarantine.missed(GPU, _stuck(30), now - 40, alone=True)
    quarantine.missed(GPU, _stuck(30), now, alone=True)
    return quarantine


def test_a_first_miss_is_asked_again_soon_and_not_confirmed() -> None:
    """One missed deadline is unknown, not a finding."""
    quarantine = Quarantine(PLAN)

    member = quarantine.missed(GPU, _stuck(10), 100.0, alone=False)

    assert GPU in quarantine
    assert (member.confirmed, member.began, member.next_retry) == (False, 90.0, 105.0)


def test_a_hang_is_confirmed_by_misses_alone_over_a_minute() -> None:
    """Missed with the others, missed alone, missed alone again, 90 s in all: it hangs."""
    quarantine = Quarantine(PLAN)

    told = [
        quarantine.missed(GPU, _stuck(10), 100.0, alone=False).confirmed,
        quarantine.missed(GPU, _stuck(30), 140.0, alone=True).confirmed,
        quarantine.missed(GPU, _stuck(30), 180.0, alone=True).confirmed,
    ]

    assert told == [False, False, True]


def test_a_hang_is_not_confirmed_within_a_minute() -> None:
    """A driver that stalls for less than the time the rule asks for is not charged to the GPU."""
    quarantine = Quarantine(PLAN)

    for now in (10.0, 20.0, 30.0, 40.0, 59.0):
        assert not quarantine.missed(GPU, _stuck(5), now, alone=now > 10.0).confirmed

    assert quarantine.missed(GPU, _stuck(5), 65.0, alone=True).confirmed


def test_a_hang_only_beside_others_is_never_confirmed() -> None:
    """Without a miss alone it may have been somebody else's fault."""
    quarantine = Quarantine(PLAN)

    for now in (100.0, 200.0, 300.0, 400.0):
        assert not quarantine.missed(GPU, _stuck(10), now, alone=False).confirmed


def test_a_child_that_cannot_be_ended_counts_as_a_miss_going_on() -> None:
    """With a child of its own still stuck, one miss alone is enough once the time has passed."""
    quarantine = Quarantine(PLAN)
    quarantine.missed(GPU, _stuck(10), 10.0, alone=False)
    member = quarantine.missed(GPU, _stuck(30), 45.0, alone=True, still_stuck=True)

    early = quarantine.ripen({GPU}, 59.0)
    elsewhere = quarantine.ripen({OTHER}, 61.0)
    late = quarantine.ripen({GPU}, 61.0)
    again = quarantine.ripen({GPU}, 62.0)

    assert not member.confirmed
    assert (early, elsewhere, again) == ((), (), ())
    assert [each.pci_address for each in late] == [GPU]


def test_retries_follow_the_plan() -> None:
    """After the confirmation: 1, 5, 15 minutes, then every 60."""
    now = 1_000.0
    quarantine = _confirmed_at(now)
    pauses = []

    for _ in range(6):
        pause = _member(quarantine).next_retry - now
        pauses.append(pause / 60)
        now += pause
        quarantine.retrying(GPU)
        quarantine.missed(GPU, _stuck(30), now, alone=True)

    assert pauses == [1, 5, 15, 60, 60, 60]


def test_one_gpu_at_a_time_the_longest_overdue_first() -> None:
    """Nobody is asked again before its time, and nobody twice at once."""
    quarantine = Quarantine(PLAN)
    quarantine.missed(OTHER, _stuck(10), 101.0, alone=False)
    quarantine.missed(GPU, _stuck(10), 100.0, alone=False)

    assert quarantine.next_due() == 105.0
    assert quarantine.due(104.9) == ""
    assert quarantine.due(110.0) == GPU
    quarantine.retrying(GPU)
    assert quarantine.due(110.0) == OTHER
    quarantine.retrying(OTHER)
    assert quarantine.due(1e9) == ""
    assert math.isinf(quarantine.next_due())


def test_a_gpu_that_answers_is_free() -> None:
    """Success brings it back, and nothing is left of it."""
    quarantine = _confirmed_at(1_000.0)

    quarantine.recovered(GPU, 1_060.0)

    assert GPU not in quarantine
    assert list(quarantine) == []


def test_a_gpu_that_relapses_waits_longer_each_time() -> None:
    """It recovers alone and hangs among the others: each return costs the others a deadline."""
    quarantine = Quarantine(PLAN)
    waits = []

    for now in (0.0, 600.0, 1_200.0, 3_000.0):
        member = quarantine.missed(GPU, _stuck(10), now, alone=False)
        waits.append(member.next_retry - now)
        quarantine.recovered(GPU, member.next_retry + 1)

    assert waits == [5.0, 60.0, 300.0, 900.0]


def test_a_gpu_that_was_well_for_long_starts_anew() -> None:
    """Two hangs a day apart are two first hangs."""
    quarantine = Quarantine(PLAN)
    quarantine.missed(GPU, _stuck(10), 0.0, alone=False)
    quarantine.recovered(GPU, 20.0)

    member = quarantine.missed(GPU, _stuck(10), 86_400.0, alone=False)

    assert member.next_retry == 86_405.0
    assert member.misses == 1


def test_a_retry_that_told_nothing_is_made_again() -> None:
    """A child that died, or a driver that was gone, says nothing about the GPU."""
    unsure = Quarantine(PLAN)
    unsure.missed(GPU, _stuck(10), 100.0, alone=False)
    unsure.retrying(GPU)
    sure = _confirmed_at(1_000.0)
    sure.retrying(GPU)

    unsure.postpone(GPU, 110.0)
    sure.postpone(GPU, 1_060.0)

    assert (_member(unsure).misses, _member(unsure).next_retry) == (1, 115.0)
    assert (_member(sure).misses, _member(sure).next_retry) == (3, 1_360.0)


def test_a_confirmation_does_not_disturb_a_retry_under_way() -> None:
    """It ripens while its child is being asked: no second one is started."""
    quarantine = Quarantine(PLAN)
    quarantine.missed(GPU, _stuck(10), 10.0, alone=False)
    quarantine.missed(GPU, _stuck(30), 45.0, alone=True, still_stuck=True)
    quarantine.retrying(GPU)

    (member,) = quarantine.ripen({GPU}, 100.0)

    assert math.isinf(member.next_retry)


def test_a_clear_forgets_relapses_too() -> None:
    """Another driver load is another life."""
    quarantine = Quarantine(PLAN)
    quarantine.missed(GPU, _stuck(10), 0.0, alone=False)
    quarantine.recovered(GPU, 5.0)
    quarantine.clear()

    assert quarantine.missed(GPU, _stuck(10), 10.0, alone=False).next_retry == 15.0


def test_people_are_told_why_a_gpu_is_not_asked() -> None:
    """How often, where it sat, and when it is asked again."""
    quarantine = Quarantine(PLAN)
    quarantine.missed(GPU, _stuck(10), 100.0, alone=False)
    waiting = _member(quarantine).sentence(102.0)
    quarantine.retrying(GPU)

    assert waiting == (
        "did not answer once (stuck for 10 s in state D, in nvmlDeviceGetRemappedRows, "
        "GPU 0000:03:00.0); it is asked again in 3 s, alone"
    )
    assert _member(quarantine).sentence(106.0).endswith("; it is being asked again, alone")
