"""A deadline ends what waits, and only while it holds."""

import contextlib
import os
import select
import time

import pytest

from gpuwatch.sources.redfish.deadline import Deadline, Late


def test_what_waits_too_long_is_ended() -> None:
    """In the middle of a system call."""
    deadline, (asked, other) = Deadline(), os.pipe()
    try:
        with pytest.raises(Late), deadline.within(0.05):
            os.read(asked, 1)
    finally:
        os.close(asked)
        os.close(other)


def test_what_is_in_time_is_left_alone() -> None:
    """Also when its time comes later on."""
    deadline = Deadline()

    with deadline.within(0.05):
        pass
    select.select([], [], [], 0.1)

    with deadline.within(30.0):
        done = time.monotonic()
    assert done > 0


def test_who_swallows_it_gets_it_again() -> None:
    """A library that catches everything goes on waiting otherwise."""
    deadline = Deadline()
    caught = 0

    def swallow() -> None:
        nonlocal caught
        with contextlib.suppress(Late):
            select.select([], [], [], 30.0)
        caught += 1
        select.select([], [], [], 30.0)

    with pytest.raises(Late), deadline.within(0.02):
        swallow()

    assert caught == 1
