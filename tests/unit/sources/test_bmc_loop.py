"""The loop of a BMC's child: its pace, what it tells, and how it ends."""

from collections.abc import Iterable, Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gpuwatch.domain.bmc import BmcTrouble
from gpuwatch.sources import wire
from gpuwatch.sources.bmc_loop import (
    BACKOFF_SECONDS,
    FRESH,
    Line,
    Message,
    Pace,
    Trouble,
    refuse,
    serve,
)

SWEEP: Message = {"say": "sweep", "boottime": 12.5, "seconds": 0.25}
LOG: Message = {"say": "log", "log": "sel", "entries": [], "position": "7"}
DRAWS = st.floats(0.0, 1.0, exclude_max=True)


class Written:
    """Output that keeps what is written to it, as messages."""

    def __init__(self) -> None:
        self.messages: list[Message] = []

    def write(self, line: bytes) -> int:
        """Take a line."""
        self.messages.append(wire.decode(line))
        return len(line)

    def flush(self) -> None:
        """Everything is there already."""


class Deaf:
    """Output whose reader is gone."""

    def write(self, _line: bytes) -> int:
        """Refuse."""
        raise BrokenPipeError

    def flush(self) -> None:
        """Nothing was written."""


class FakeTalk:
    """Tells what each sweep of a script says, on a clock of its own, and ends after the last."""

    def __init__(self, *sweeps: Iterable[Message | Exception], seconds: float = 0.0) -> None:
        self.sweeps = iter(sweeps)
        self.seconds = seconds
        self.now = 1_000.0
        self.swept_at: list[float] = []
        self.idled: list[float] = []
        self.closed = 0

    def monotonic(self) -> float:
        """The time."""
        return self.now

    def sweep(self) -> Iterator[Message]:
        """The next of the script."""
        self.swept_at.append(self.now)
        steps = next(self.sweeps, None)
        if steps is None:
            raise SystemExit(0)
        self.now += self.seconds
        for step in steps:
            if isinstance(step, Exception):
                raise step
            yield step

    def idle(self, seconds: float) -> None:
        """Let time pass."""
        self.idled.append(seconds)
        self.now += seconds

    def close(self) -> None:
        """Count."""
        self.closed += 1


def _serve(talk: FakeTalk, output: Line, **settings: object) -> int:
    """Serve without jitter, for an interval of 60 s."""
    told: dict[str, Any] = {"interval": 60.0, **settings}
    return serve(told, talk, output, None, monotonic=talk.monotonic, draw=lambda: 0.5)


def _said(output: Written, *kinds: str) -> list[Message]:
    return [message for message in output.messages if message["say"] in kinds]


@given(draw=DRAWS, took=st.floats(0.0, 10.0))
def test_sweeps_are_an_interval_apart_give_or_take_a_tenth(draw: float, took: float) -> None:
    """From the beginning of one to the beginning of the next."""
    pace = Pace(60.0, lambda: draw)

    pause = pace.after_success(took)

    assert 54.0 <= took + pause <= 66.0


def test_a_bmc_slower_than_the_interval_is_left_in_peace_between_two_sweeps() -> None:
    """It would do nothing else otherwise."""
    pace = Pace(60.0, lambda: 0.5)

    pause = pace.after_success(200.0)

    assert pause == 15.0


def test_failures_in_a_row_wait_longer_and_longer_up_to_five_minutes() -> None:
    """30 s, doubled each time."""
    pace = Pace(60.0, lambda: 0.5)

    pauses = [pace.after_failure(BmcTrouble.UNREACHABLE) for _ in range(7)]

    assert pauses == [30.0, 60.0, 120.0, 240.0, 300.0, 300.0, 300.0]


@given(draw=DRAWS, failures=st.integers(0, 12))
def test_no_pause_is_further_than_a_tenth_from_what_it_should_be(
    draw: float, failures: int
) -> None:
    """Jitter spreads hosts and changes nothing else."""
    pace = Pace(60.0, lambda: draw, failures)
    wanted = BACKOFF_SECONDS[min(failures, 4)]

    pause = pace.after_failure(BmcTrouble.TIMED_OUT)

    assert 0.9 * wanted <= pause <= 1.1 * wanted


@pytest.mark.parametrize("reason", [BmcTrouble.PASSWORD, BmcTrouble.PRIVILEGE])
@given(draw=DRAWS)
def test_a_refused_account_is_not_tried_again_within_five_minutes(
    reason: BmcTrouble, draw: float
) -> None:
    """Many BMCs lock an account out after a few wrong passwords."""
    pace = Pace(60.0, lambda: draw)

    pause = pace.after_failure(reason)

    assert 300.0 <= pause <= 330.0


def test_a_success_forgets_the_failures_before_it() -> None:
    """The next failure is the first again."""
    pace = Pace(60.0, lambda: 0.5, failures=4)

    pace.after_success(1.0)

    assert pace.after_failure(BmcTrouble.TIMED_OUT) == 30.0


def test_a_child_says_that_it_is_ready_and_then_all_that_its_talk_tells() -> None:
    """In the same order."""
    output, talk = Written(), FakeTalk([LOG, SWEEP], [SWEEP])

    status = _serve(talk, output)

    assert status == 0
    assert [message["say"] for message in output.messages if message["say"] != "alive"] == [
        "ready",
        "log",
        "sweep",
        "sweep",
    ]


def test_sweeps_begin_an_interval_apart_however_long_they_take() -> None:
    """What a sweep took is taken off the pause after it."""
    talk = FakeTalk([SWEEP], [SWEEP], seconds=20.0)

    _serve(talk, Written())

    assert talk.swept_at == [1_000.0, 1_060.0, 1_120.0]


def test_a_child_that_waits_gives_a_sign_of_life_every_quarter_of_a_minute() -> None:
    """The agent ends one that says nothing for a minute."""
    output, talk = Written(), FakeTalk([SWEEP])

    _serve(talk, output, interval=300.0)

    assert max(talk.idled) == 15.0
    assert len(_said(output, "alive")) == 19


def test_a_failure_is_told_with_its_reason_and_when_it_is_tried_again() -> None:
    """And it is tried again then."""
    trouble = Trouble(BmcTrouble.UNREACHABLE, "no answer (is the cable in?)")
    output, talk = Written(), FakeTalk([trouble], [SWEEP])

    _serve(talk, output)

    assert _said(output, "failed") == [
        {
            "say": "failed",
            "reason": "unreachable",
            "text": "no answer (is the cable in?)",
            "retry_seconds": 30.0,
        }
    ]
    assert talk.swept_at == [1_000.0, 1_030.0, 1_090.0]


def test_log_entries_read_before_a_failure_are_told_all_the_same() -> None:
    """They are worth most when the BMC dies after them."""
    output = Written()

    _serve(FakeTalk([LOG, Trouble(BmcTrouble.TIMED_OUT, "no answer")]), output)

    assert [message["say"] for message in _said(output, "log", "failed")] == ["log", "failed"]


def test_what_a_library_raises_unforeseen_is_a_failure_and_not_the_end() -> None:
    """The sentence says what it was."""
    output = Written()

    _serve(FakeTalk([KeyError("entity")], [SWEEP]), output)

    (failure,) = _said(output, "failed")
    assert failure["reason"] == "failed"
    assert "KeyError('entity')" in failure["text"]
    assert len(_said(output, "sweep")) == 1


def test_no_secret_gets_out_in_the_text_of_a_failure() -> None:
    """A library may quote what it was given."""
    output = Written()
    talk = FakeTalk([ValueError("login of eve with hunter2 and 0xkey")])

    _serve(talk, output, password="hunter2", kg="0xkey")

    (failure,) = _said(output, "failed")
    assert "login of eve with (hidden) and (hidden)" in failure["text"]


def test_a_message_beyond_what_a_line_may_hold_is_a_failure() -> None:
    """The agent would end a child that wrote it."""
    output = Written()

    _serve(FakeTalk([{"say": "sweep", "names": "x" * wire.LIMIT}]), output)

    (failure,) = _said(output, "failed")
    assert failure["reason"] == "protocol"
    assert "more than 1048576" in failure["text"]


def test_a_child_whose_memory_is_full_says_so_and_makes_room_for_a_fresh_one() -> None:
    """What the libraries hold then is not worth keeping."""
    output, talk = Written(), FakeTalk([MemoryError()])

    status = _serve(talk, output)

    assert status == FRESH
    assert talk.closed == 1
    assert "more than 768 MiB" in _said(output, "failed")[0]["text"]


def test_a_child_logs_out_once_when_it_ends() -> None:
    """BMCs have few sessions."""
    talk = FakeTalk([SWEEP])

    _serve(talk, Written())

    assert talk.closed == 1


def test_a_child_whose_agent_is_gone_logs_out_and_ends() -> None:
    """Nobody is left to tell."""
    talk = FakeTalk([SWEEP])

    status = _serve(talk, Deaf())

    assert status == 0
    assert talk.closed == 1


def test_a_child_whose_password_is_refused_makes_room_for_one_that_reads_it_again() -> None:
    """Somebody changed the password on the BMC, and then in its file."""
    output = Written()
    talk = FakeTalk([Trouble(BmcTrouble.PASSWORD, "password refused")])

    status = _serve(talk, output, secrets={"password": {"file": "/etc/gpuwatch/bmc.secret"}})

    assert status == FRESH
    assert _said(output, "failed")[0]["retry_seconds"] >= 300.0
    assert talk.closed == 1


def test_a_child_that_cannot_even_begin_says_why() -> None:
    """And ends with the status of one that makes room for another."""
    output = Written()

    status = refuse(BmcTrouble.PASSWORD, "the file is gone", output)

    assert status == FRESH
    assert output.messages == [
        {"say": "failed", "reason": "password", "text": "the file is gone", "retry_seconds": 30.0}
    ]
