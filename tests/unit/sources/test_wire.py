"""The wire's lines and the progress page."""

import os

import pytest

from gpuwatch.sources.wire import SWEEPING, WAITING, Progress, ProgressPage, decode, encode


def test_a_message_is_one_line() -> None:
    """Also when a text in it has several."""
    message = {"say": "failed", "text": "first\nsecond", "code": None}

    line = encode(message)

    assert line.count(b"\n") == 1
    assert decode(line) == message


def test_what_is_no_object_is_refused() -> None:
    """A list is JSON, and no message."""
    with pytest.raises(ValueError, match="not list"):
        decode(b"[1, 2]\n")


def test_the_two_lanes_of_the_page_do_not_disturb_each_other() -> None:
    """The thread that waits for events says so beside the one that sweeps."""
    page, descriptor = ProgressPage.create()
    waiting = ProgressPage(descriptor, WAITING)
    os.close(descriptor)

    page.enter(41, "0000:1b:00.0", "nvmlDeviceGetFieldValues")
    waiting.enter(42, "", "nvmlEventSetWait_v2")
    page.leave()

    assert page.read(SWEEPING) is None
    assert page.read(WAITING) == Progress(42, "", "nvmlEventSetWait_v2")
    waiting.close()
    page.close()


def test_a_prepared_mark_says_what_enter_says() -> None:
    """Prepared once, written before every call."""
    page, descriptor = ProgressPage.create()
    os.close(descriptor)

    page.marker("0000:1b:00.0", "nvmlDeviceGetPowerUsage")(77)

    assert page.read() == Progress(77, "0000:1b:00.0", "nvmlDeviceGetPowerUsage")
    page.close()


def test_two_messages_on_one_line_are_no_message() -> None:
    """The second one would be lost without a word."""
    with pytest.raises(ValueError, match="more follows"):
        decode(b'{"say":"done"} {"say":"done"}\n')
