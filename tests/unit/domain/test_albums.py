"""An album is what was read of a board at one time, and no two share what they hold."""

from dataclasses import FrozenInstanceError

import pytest

from gpuwatch.domain.albums import Album


def test_an_album_of_nothing_holds_nothing_and_shares_nothing() -> None:
    """It goes from thread to thread: what one puts together is in no other."""
    first, second = Album(), Album()

    assert (first.levels, first.transitions, first.resets, first.epochs) == ({}, (), (), ())
    assert first.levels is not second.levels


def test_an_album_does_not_change() -> None:
    """A new one is read instead."""
    album = Album(resets=(1.0,))

    with pytest.raises(FrozenInstanceError):
        album.resets = ()  # type: ignore[misc]
