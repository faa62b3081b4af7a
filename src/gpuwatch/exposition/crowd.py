"""Crowd: who is connected, and who has to leave when there is no room for one more.

A newcomer is always let in: who is refused cannot be told from who is down. The one that leaves is
of the address that holds most, and of those the one that has been longest in its present state. So
a greedy address crowds out itself, and a scraper that asks at once and reads at once stays.
"""

import ipaddress
from collections import Counter
from collections.abc import Iterable
from typing import Generic, Protocol, TypeVar

_NETWORK_BYTES = 8


class Guest(Protocol):
    """One connection. `since` is when its present state began (monotonic seconds).

    It is a stranger until it has been answered for the first time.
    """

    @property
    def group(self) -> str:
        """What it counts to: `group_of` its address."""
        ...

    @property
    def since(self) -> float:
        """When its present state began."""
        ...

    @property
    def stranger(self) -> bool:
        """Whether it has never been answered."""
        ...


_Guest = TypeVar("_Guest", bound=Guest)


def group_of(host: str) -> str:
    """What counts as one client: an IPv4 address, or the network (/64) of an IPv6 address.

    A host can take any of the addresses of its network.
    """
    address = ipaddress.ip_address(host.partition("%")[0])
    if isinstance(address, ipaddress.IPv4Address):
        return host
    return address.packed[:_NETWORK_BYTES].hex(":", 2)


class Crowd(Generic[_Guest]):
    """At most `room` guests; at most `strangers` of one group are strangers."""

    def __init__(self, room: int, strangers: int) -> None:
        self._room = room
        self._strangers = strangers
        self._guests: set[_Guest] = set()
        self.crowded_out = 0

    def __len__(self) -> int:
        return len(self._guests)

    @property
    def guests(self) -> tuple[_Guest, ...]:
        """Everybody who is here."""
        return tuple(self._guests)

    def enter(self, newcomer: _Guest) -> tuple[_Guest, ...]:
        """Let one in; those who have to leave for it, who are here no longer."""
        leaving = tuple(self._make_room(newcomer))
        self._guests.add(newcomer)
        self.crowded_out += len(leaving)
        return leaving

    def leave(self, guest: _Guest) -> None:
        """One that is gone, or was already."""
        self._guests.discard(guest)

    def _make_room(self, newcomer: _Guest) -> Iterable[_Guest]:
        group = newcomer.group
        strangers = [one for one in self._guests if one.stranger and one.group == group]
        if len(strangers) >= self._strangers:
            yield self._see_out(strangers)
        if len(self._guests) >= self._room:
            held = Counter(one.group for one in (*self._guests, newcomer))
            most = max(held.values())
            yield self._see_out([one for one in self._guests if held[one.group] == most])

    def _see_out(self, candidates: Iterable[_Guest]) -> _Guest:
        longest = min(candidates, key=lambda one: one.since)
        self._guests.discard(longest)
        return longest
