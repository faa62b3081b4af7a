"""Lines out of chunks, and a log that cannot flood."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gpuwatch.sources.probe_lines import LineBuffer, LogLines


@given(
    st.lists(st.binary(max_size=20).filter(lambda line: b"\n" not in line)),
    st.integers(min_value=1, max_value=30),
)
def test_lines_are_the_same_however_they_are_cut(lines: list[bytes], size: int) -> None:
    """Every whole line comes out once and in order, whatever the chunks."""
    stream = b"".join(line + b"\n" for line in lines)
    buffer = LineBuffer(20)

    chunks = [stream[at : at + size] for at in range(0, len(stream), size)]
    found = [line for chunk in chunks for line in buffer.feed(chunk)]

    assert found == lines


def test_a_line_beyond_the_limit_is_refused() -> None:
    """A line without end cannot fill the agent's memory."""
    buffer = LineBuffer(10)
    buffer.feed(b"0123456789")

    with pytest.raises(ValueError, match="more than 10 bytes"):
        buffer.feed(b"x")


def test_a_long_log_line_is_shortened_once() -> None:
    """The beginning of an endless line is logged, its end is not, the next line is."""
    log = LogLines()

    said = log.feed(b"x" * 3_000, 0.0) + log.feed(b"y" * 3_000 + b"\n", 0.0)
    said += log.feed(b"next\n", 0.0)

    assert said == ["x" * 2_000 + " ...", "next"]


def test_lines_beyond_sixty_a_minute_are_counted() -> None:
    """A flood is cut, its size is told when the next minute speaks, and then lines pass again."""
    log = LogLines()

    flood = log.feed(b"again\n" * 75, 0.0)
    quiet = log.feed(b"later\n", 30.0)
    after = log.feed(b"next minute\n", 61.0)

    assert flood == ["again"] * 60
    assert quiet == []
    assert after == ["16 more lines were dropped", "next minute"]


def test_the_last_words_are_logged_at_the_end() -> None:
    """A line that was never ended, and the count of what was dropped, are told at the close."""
    log = LogLines()
    log.feed(b"again\n" * 61 + b"Segmentation fault", 0.0)

    assert log.close() == ["Segmentation fault", "1 more lines were dropped"]
    assert log.close() == []
