"""Crowd: who is connected, and who has to leave when there is no room for one more.

Who comes too fast is turned away; any other newcomer is let in. The one that leaves for it is
of the address that holds most, and of those the one that has been longest in its present state. So
a greedy address crowds out itself, and a scraper that asks at once and reads at once stays.
"""

import ipaddress
from collections import Counter
from collections.abc import Iterable
from typing import Generic, Protocol, TypeVar

_NETWORK_BYTES = 8
_GROUPS_REMEMBERED = 4_096


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


class Pace:
    """How fast each group may connect: `burst` at once, and then `each_second`.

    What comes faster is turned away before it costs anything, so that the queue of the kernel, in
    which all wait one behind the other, is short for others.
    """

    def __init__(self, each_second: float, burst: int) -> None:
        self._each_second = each_second
        self._burst = burst
        self._spent: dict[str, tuple[float, float]] = {}
        self.turned_away = 0

    def allows(self, group: str, now: float) -> bool:
        """Whether one more of this group may come in at `now` (monotonic seconds)."""
        spent, since = self._spent.pop(group, (0.0, now))
        spent = max(spent - (now - since) * self._each_second, 0.0)
        allowed = spent + 1.0 <= self._burst
        self._spent[group] = (spent + 1.0 if allowed else spent, now)
        if len(self._spent) > _GROUPS_REMEMBERED:
            del self._spent[next(iter(self._spent))]  # who has not come for longest
        self.turned_away += not allowed
        return allowed


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
