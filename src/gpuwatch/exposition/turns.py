"""Turns: one answer at a time is made for each address, so that who asks for much waits alone."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from time import monotonic
from weakref import WeakValueDictionary

_RESTS = 3.0  # so that one address has a quarter of the thread at most


class Turns:
    """Who may take the thread of the loop; each address has its own queue."""

    def __init__(self) -> None:
        self._locks: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    @asynccontextmanager
    async def turn_of(self, group: str) -> AsyncIterator[None]:
        """Wait for the turn of an address, and have its next one wait for longer than this took."""
        turn = self._locks.setdefault(group, asyncio.Lock())
        await turn.acquire()
        began = monotonic()
        try:
            await asyncio.sleep(0)  # others have their turn, also before who asks without pause
            began = monotonic()
            yield
        finally:
            rest = _RESTS * (monotonic() - began)
            asyncio.get_running_loop().call_later(rest, turn.release)
