"""A failure that goes on is logged at its first, its hourly count and its last."""

import structlog

from gpuwatch.logs.repeats import Facts, Repeats


class Seconds:
    """A monotonic clock that a test moves."""

    def __init__(self) -> None:
        self.now = 1_000.0

    def __call__(self) -> float:
        """The present, in seconds."""
        return self.now


def _passed(repeats: Repeats, **facts: object) -> Facts | None:
    try:
        return repeats(None, "warning", dict(facts))
    except structlog.DropEvent:
        return None


def _failure(repeats: Repeats, source: str = "nvml", detail: int = 0) -> Facts | None:
    return _passed(
        repeats, event="sweep-failed", source=source, detail=detail, limit_by=("source",)
    )


def test_lines_without_a_limit_pass_untouched() -> None:
    """Nothing is limited that did not ask for it."""
    repeats = Repeats(Seconds())

    passed = [_passed(repeats, event="board-lost", gpu=3) for _ in range(3)]

    assert passed == [{"event": "board-lost", "gpu": 3}] * 3


def test_the_first_of_many_passes_and_the_others_wait() -> None:
    """Ten failures of one source within an hour are one line."""
    repeats = Repeats(Seconds())

    passed = [_failure(repeats) for _ in range(10)]

    assert passed == [{"event": "sweep-failed", "source": "nvml", "detail": 0}] + [None] * 9


def test_failures_that_differ_in_the_chosen_keys_are_two() -> None:
    """One source's flood does not hide another source; other facts do not make a new failure."""
    repeats = Repeats(Seconds())

    passed = [
        _failure(repeats, "nvml", 1),
        _failure(repeats, "kernel_log", 2),
        _failure(repeats, "nvml", 3),
    ]

    assert [facts and facts["source"] for facts in passed] == ["nvml", "kernel_log", None]


def test_every_hour_a_line_counts_those_since() -> None:
    """The hourly line holds how many times it happened, itself included."""
    clock = Seconds()
    repeats = Repeats(clock)
    counts = []

    for _ in range(721):  # every 10 s for two hours
        facts = _failure(repeats)
        counts += [] if facts is None else [facts.get("repeated")]
        clock.now += 10.0

    assert counts == [None, 360, 360]


def test_the_last_line_comes_when_it_has_been_quiet() -> None:
    """Ten minutes after the last failure its line stands, with its own facts and the count."""
    clock = Seconds()
    repeats = Repeats(clock)
    for detail in (4, 5, 6):
        _failure(repeats, detail=detail)
        clock.now += 10.0
    clock.now += 585.0

    before = repeats.ended()
    clock.now += 10.0
    after = repeats.ended()

    assert before == []
    assert after == [
        (
            "warning",
            {
                "event": "sweep-failed",
                "source": "nvml",
                "detail": 6,
                "repeated": 2,
                "last_seconds_ago": 605,
            },
        )
    ]
    assert repeats.ended() == []


def test_a_failure_that_happened_once_has_one_line() -> None:
    """Its first line is its last; when it comes back it is a first line again."""
    clock = Seconds()
    repeats = Repeats(clock)
    _failure(repeats)
    clock.now += 601.0

    ended = repeats.ended()
    again = _failure(repeats)

    assert ended == []
    assert again == {"event": "sweep-failed", "source": "nvml", "detail": 0}


def test_a_kept_failure_keeps_no_traceback() -> None:
    """Frames of a suppressed failure would keep their local variables alive for an hour."""
    clock = Seconds()
    repeats = Repeats(clock)
    for _ in range(2):
        _passed(repeats, event="x", limit_by=(), exc_info=ValueError("v"), stack_info=True)
    clock.now += 600.0

    [(_, facts)] = repeats.ended()

    assert facts == {"event": "x", "repeated": 1, "last_seconds_ago": 600}


def test_failures_without_number_do_not_fill_the_memory() -> None:
    """The 1,025th failure pushes out the one that was silent longest."""
    repeats = Repeats(Seconds())
    for number in range(1_025):
        _failure(repeats, str(number))

    assert _failure(repeats, "1") is None
    assert _failure(repeats, "0") is not None
