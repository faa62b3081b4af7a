"""Fleet replay: one agent's recorded exposition told again as many hosts, its values moving on.

Counters go on at the pace at which they were recorded, instants of Unix time move with the clock,
other values that changed while they were recorded change in the same way again, and hosts are not
in step. Boards get a UUID and a serial for each host.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from tests.support.fleet_recording import HOSTNAME, Frame

_TYPE = re.compile(r"^# TYPE (\S+) (\S+)$", re.MULTILINE)
_SAMPLE = re.compile(r"^(([a-zA-Z_]\w*)(?:\{.*\})?) (\S+)$", re.MULTILINE)
_IDENTITY = re.compile(r'GPU-[0-9a-f]{8}(?=-)|(?<=serial=")\d{13}|' + HOSTNAME)
_COUNTING = ("counter", "histogram")
_PART = re.compile(r"_(?:bucket|count|sum)$")
_HOLE = "\0"
_SPREAD = 7  # by how many seconds the values that wander are apart from host to host


@dataclass(frozen=True, slots=True)
class Moving:
    """A value by the seconds since it was recorded: it grows, or goes through what it was."""

    values: tuple[float, ...]
    per_second: float | None
    whole: bool

    def at(self, seconds: float, host: int) -> float:
        """The value at one host."""
        if self.per_second is None:
            return self.values[(int(seconds) + _SPREAD * host) % len(self.values)]
        grown = self.values[-1] + self.per_second * seconds
        return float(int(grown)) if self.whole else grown


class Replay:
    """The exposition of one recorded agent as that of any host, by the host's number."""

    def __init__(self, frames: Sequence[Frame]) -> None:
        self._recorded_at = frames[-1].at
        text = frames[-1].metrics
        tables = [_table(frame.metrics) for frame in frames]
        self.series = tuple(tables[-1])
        self._text, self._moving = _holed(text, tables, frames[-1].at - frames[0].at)
        self._hosts: dict[int, list[str]] = {}

    def text(self, host: int, now: float) -> str:
        """What the host tells at an instant in Unix seconds."""
        if host not in self._hosts:
            self._hosts[host] = of_host(self._text, host).split(_HOLE)
        first, *rest = self._hosts[host]
        seconds = now - self._recorded_at
        values = (repr(one.at(seconds, host)) for one in self._moving)
        return first + "".join(part for pair in zip(values, rest, strict=True) for part in pair)


def of_host(text: str, host: int) -> str:
    """The text with the identities of one host: its name, its boards' UUIDs and serials."""

    def renamed(found: re.Match[str]) -> str:
        word = found[0]
        if word == HOSTNAME:
            return name_of(host)
        if word.startswith("GPU-"):
            return f"GPU-{int(word[4:], 16) ^ (host << 16):08x}"
        return str(int(word) + 100 * host)

    return _IDENTITY.sub(renamed, text)


def name_of(host: int) -> str:
    """The name of a host."""
    return f"node-{host:04d}"


def _table(text: str) -> dict[str, float]:
    return {found[1]: float(found[3]) for found in _SAMPLE.finditer(text)}


def _holed(
    text: str, tables: Sequence[Mapping[str, float]], span: float
) -> tuple[str, tuple[Moving, ...]]:
    """The text with a hole for each value that moved, and what goes into the holes."""
    types = dict(_TYPE.findall(text))
    moving: list[Moving] = []

    def hole(found: re.Match[str]) -> str:
        values = tuple(table[found[1]] for table in tables if found[1] in table)
        if len(set(values)) == 1:
            return found[0]
        moving.append(_moving(found[2], types, values, span))
        return f"{found[1]} {_HOLE}"

    return _SAMPLE.sub(hole, text), tuple(moving)


def _moving(name: str, types: Mapping[str, str], values: tuple[float, ...], span: float) -> Moving:
    if name.endswith("_timestamp_seconds"):
        return Moving(values, 1.0, whole=False)
    if types.get(name, types.get(_PART.sub("", name))) in _COUNTING:
        whole = all(value.is_integer() for value in values)
        return Moving(values, (values[-1] - values[0]) / span, whole)
    return Moving(values, None, whole=False)
