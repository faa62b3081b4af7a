"""One BMC as it answers now: what is fresh, what is silence, and when it may have started."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from gpuwatch.agent.live_bmc import (
    DEADLINE_SECONDS,
    DOUBT_SECONDS,
    START_SECONDS,
    LiveBmc,
    WatchedBmc,
)
from gpuwatch.domain.bmc import BmcFailure, BmcProtocol, BmcSweep, BmcTrouble
from gpuwatch.domain.moments import Moment
from tests.support.views import NOW

WATCHED = WatchedBmc(name="host", protocol=BmcProtocol.IPMI, address="192.0.2.7:623", interval=60.0)
STALE = 3 * 60.0 + DEADLINE_SECONDS


def _at(seconds: float) -> Moment:
    return Moment(wall=NOW.wall + seconds, boottime=NOW.boottime + seconds, boot_id=NOW.boot_id)


def _sweep(seconds: float) -> BmcSweep:
    return BmcSweep(bmc="host", at=_at(seconds), seconds=0.3)


def _failure(seconds: float, trouble: BmcTrouble = BmcTrouble.UNREACHABLE) -> BmcFailure:
    return BmcFailure(bmc="host", at=_at(seconds), trouble=trouble, text="no answer")


def _live() -> LiveBmc:
    return LiveBmc(WATCHED, _at(0))


def test_a_bmc_that_was_just_taken_up_is_not_silent() -> None:
    """It may answer any moment; after three intervals and a deadline it did not."""
    live = _live()

    late = live.silence(_at(STALE + 1))

    assert live.silence(_at(STALE)) is None
    assert late is not None
    assert (late.trouble, late.since) == (BmcTrouble.TIMED_OUT, _at(0))
    assert late.text == "nothing came from it for 241 s"


def test_a_trouble_is_told_at_once_and_dated_by_its_first_failure() -> None:
    """Several in a row are one; the latest says why."""
    live = _live()
    live.take(_sweep(10))
    live.fail(_failure(70))
    live.fail(_failure(100, BmcTrouble.NO_SESSION))

    silence = live.silence(_at(100))

    assert silence is not None
    assert (silence.trouble, silence.since) == (BmcTrouble.NO_SESSION, _at(70))
    assert live.is_fresh(_at(100))


def test_an_answer_ends_a_trouble() -> None:
    """Nothing of it is left."""
    live = _live()
    live.fail(_failure(5))
    live.take(_sweep(65))

    assert (live.silence(_at(65)), live.answers) == (None, 1)


def test_what_it_told_grows_stale() -> None:
    """After three intervals and a deadline, failures or none."""
    live = _live()
    live.take(_sweep(10))

    fresh, silence = live.is_fresh(_at(10 + STALE)), live.silence(_at(11 + STALE))

    assert fresh
    assert not live.is_fresh(_at(11 + STALE))
    assert silence is not None
    assert silence.since == _at(10)


def test_a_long_silence_may_have_been_a_start() -> None:
    """A short one was not, and a refused password is no sign of one."""
    short, long, refused = _live(), _live(), _live()
    for live, trouble in (
        (short, BmcTrouble.TIMED_OUT),
        (long, BmcTrouble.TIMED_OUT),
        (refused, BmcTrouble.PASSWORD),
    ):
        live.take(_sweep(0))
        live.fail(_failure(60, trouble))

    assert not short.take(_sweep(START_SECONDS - 1))
    assert long.take(_sweep(START_SECONDS))
    assert not refused.take(_sweep(START_SECONDS))


def test_the_first_answer_is_no_start() -> None:
    """Since when it is up, nobody saw."""
    live = _live()
    live.fail(_failure(1))

    assert not live.take(_sweep(1000))


@given(st.lists(st.floats(1.0, 2000.0), max_size=40))
def test_a_bad_network_is_no_start_more_than_once_an_hour(pauses: list[float]) -> None:
    """Else a BMC that is often silent would never be settled, and its findings never told."""
    live = _live()
    live.take(_sweep(0))
    passed, starts = 0.0, []
    for pause in pauses:
        live.fail(_failure(passed + pause / 2))
        passed += pause
        starts += [passed] * live.take(_sweep(passed))

    assert all(later - earlier >= DOUBT_SECONDS for earlier, later in pairwise(starts))


def test_its_source_is_called_like_its_subject() -> None:
    """Work on it excuses the silence of its source, too."""
    assert WATCHED.subject == "bmc.host"
