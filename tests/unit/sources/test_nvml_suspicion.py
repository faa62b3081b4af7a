"""One GPU, or the driver?"""

from gpuwatch.sources.nvml_suspicion import Suspicion
from gpuwatch.sources.probe_stuck import Stuck

FIRST, SECOND, THIRD = "0000:01:00.0", "0000:02:00.0", "0000:03:00.0"
STUCK = Stuck(pid=7, state="D", where="", call="nvmlDeviceGetUUID", device="", seconds=30)


def test_a_miss_after_others_answered_is_that_gpus() -> None:
    """However often: GPUs answer, so the driver does not hang."""
    suspicion = Suspicion((60.0,))

    told = [suspicion.missed(gpu, STUCK, silent=False) for gpu in (FIRST, SECOND, THIRD)]

    assert told == [False, False, False]
    assert not suspicion.hung


def test_a_first_silent_miss_is_not_the_driver_yet() -> None:
    """It takes a fresh child to say that."""
    suspicion = Suspicion((60.0,))

    assert not suspicion.missed(FIRST, STUCK, silent=True)


def test_a_fresh_child_in_which_nobody_answers_is_the_driver() -> None:
    """The child that spares the sick GPU hangs as well."""
    suspicion = Suspicion((60.0, 300.0))
    suspicion.missed(FIRST, STUCK, silent=False)

    assert suspicion.missed(SECOND, STUCK, silent=True)

    assert suspicion.hung
    assert suspicion.spared == {SECOND}
    assert suspicion.pause == 60.0


def test_attempts_spare_whom_they_blamed_and_grow_rarer() -> None:
    """Each blames another; when all were blamed, it is none of them."""
    suspicion = Suspicion((60.0, 300.0))
    suspicion.missed(FIRST, STUCK, silent=False)

    pauses = []
    for gpu in (SECOND, THIRD, ""):
        suspicion.missed(gpu, STUCK, silent=True)
        pauses.append(suspicion.pause)

    assert pauses == [60.0, 300.0, 300.0]
    assert suspicion.spared == {SECOND, THIRD}
    suspicion.spare_nobody()
    assert suspicion.spared == frozenset()
    assert suspicion.hung


def test_an_answer_absolves_the_driver_and_leaves_the_blamed() -> None:
    """With one GPU spared the others answer: it was that one."""
    suspicion = Suspicion((60.0,))
    suspicion.missed(FIRST, STUCK, silent=False)
    suspicion.missed(SECOND, STUCK, silent=True)

    blamed = suspicion.answered()

    assert blamed == {SECOND: STUCK}
    assert not suspicion.hung
    assert suspicion.spared == frozenset()
    assert suspicion.pause == 0.0


def test_a_whole_sweep_between_makes_a_miss_a_first_one() -> None:
    """Hangs hours apart are not one after the other."""
    suspicion = Suspicion((60.0,))
    suspicion.missed(FIRST, STUCK, silent=True)
    suspicion.swept()

    assert not suspicion.missed(FIRST, STUCK, silent=True)
