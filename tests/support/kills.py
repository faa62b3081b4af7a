"""Kills: errors injected into a simulated server whose agents are killed, and what is expected.

A group is a span of at most hours; groups lie more than a week apart. So all errors of one board in
one group are one incident, and errors of two groups are two.
"""

import os
import random
import signal
import time
from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from simulator.world import Server
from tests.support.agents import DAY, AgentProcess, eventually
from tests.support.processes import Child, children_of

GROUP_SECONDS = 8 * DAY
FLUSH_SECONDS = 61.0  # after which history has written when it last read each counter
# More than the second within which lines of one Xid are one occurrence.
APART_SECONDS = 1.5
SLACK_SECONDS = 1.0
MEMORIES = ("dram", "sram")
FLOODING = 31


@dataclass(frozen=True, slots=True)
class Injected:
    """Uncorrectable errors in one memory of one board; whether the kernel log has a record."""

    at: float
    logged: bool


@dataclass(slots=True)
class Injector:
    """Injects errors and keeps the account of the whole run and of the present group.

    `errors` by slot and memory, `xids` by slot and code, `incidents` by slot; `echoes` are when a
    board reported a peer's error, `began` when the group began (Unix seconds).
    """

    server: Server
    chance: random.Random
    errors: Counter[tuple[int, str]] = field(default_factory=Counter)
    xids: Counter[tuple[int, int]] = field(default_factory=Counter)
    incidents: Counter[int] = field(default_factory=Counter)
    group: dict[int, list[Injected]] = field(default_factory=dict)
    echoes: dict[int, list[float]] = field(default_factory=dict)
    began: float = 0.0

    def flood(self) -> None:
        """An application's Xid on some board, over and over: more than history keeps one by one."""
        slot, count = self.chance.choice(self.server.gpus()), self.chance.randint(1, 15)
        for _ in range(count):
            self.server.advance(APART_SECONDS)
            self.server.xid(slot, FLOODING)
        self.xids[slot, FLOODING] += count

    def inject(self) -> None:
        """Errors on some board: with or without a record in the kernel log, with echoes or not."""
        slots = list(self.server.gpus())
        slot, *others = self.chance.sample(slots, len(slots))
        memory, count = self.chance.choice(MEMORIES), self.chance.randint(1, 3)
        logged = self.chance.random() < 0.6
        self.server.advance(APART_SECONDS)
        at = self.server.clock.now().wall
        if logged:
            self._reported(slot, memory, count, at, others[: self.chance.randint(0, 2)])
        else:
            self._silent(slot, memory, count)
        self.errors[slot, memory] += count
        before = self.group.setdefault(slot, [])
        self.incidents[slot] += not before
        before.append(Injected(at, logged))

    def _reported(self, slot: int, memory: str, count: int, at: float, echo: list[int]) -> None:
        self.server.uncorrectable(slot, memory=memory, count=count, echo=echo)
        self.xids[slot, 48] += 1
        for reporter in (slot, *echo):
            self.xids[reporter, 94] += 1
        for peer in echo:
            self.echoes.setdefault(peer, []).append(at)

    def _silent(self, slot: int, memory: str, count: int) -> None:
        with self.server.change() as world:
            for span in ("volatile", "aggregate"):
                world.add(slot, f"ecc.uncorrected.{span}.{memory}", count)

    def begin_group(self, agent: AgentProcess) -> None:
        """More than a week later, every counter read since and that written down."""
        self.server.advance(GROUP_SECONDS)
        self.began = self.server.clock.now().wall
        self._read_since(agent, self.began)
        self.server.advance(FLUSH_SECONDS)
        self._read_since(agent, self.server.clock.now().wall)
        self.group, self.echoes = {}, {}

    def _read_since(self, agent: AgentProcess, at: float) -> None:
        eventually(
            lambda: all(_last_reading(gpu) > at for gpu in agent.gpus().values()),
            "every GPU was read again",
        )

    def watch_and_kill(self, directory: Path) -> tuple[Child, ...]:
        """Start an agent, inject for a moment, kill it at another; its children of that instant."""
        agent = AgentProcess(self.server, directory, wait=False)
        end = time.monotonic() + self.chance.uniform(0.0, 3.0)
        try:
            while (left := end - time.monotonic()) > 0:
                time.sleep(min(left, self.chance.uniform(0.0, 0.8)))
                self.chance.choices((self.inject, self.flood), (3, 1))[0]()
            # Stopped, it can start no child that would not be seen.
            agent.signal(signal.SIGSTOP)
            children = children_of(agent.process.pid)
        finally:
            agent.kill()
        return children

    def between(self, children: tuple[Child, ...]) -> None:
        """While no agent runs: its children end by themselves; errors, sometimes a driver load."""
        eventually(lambda: all(child.gone for child in children), f"the end of {children}")
        if self.chance.random() < 0.3:
            self.inject()
        if self.chance.random() < 0.2:
            self.server.reload()

    def counted(self, agent: AgentProcess) -> dict[tuple[int, str], int]:
        """What an agent has counted, where it is not 0."""
        gpus = {slot: agent.gpu(slot) for slot in self.server.gpus()}
        return {
            (slot, memory): count
            for slot, gpu in gpus.items()
            for memory, count in gpu["errors"].items()
            if count
        }

    def logged(self, agent: AgentProcess) -> dict[tuple[int, int], int]:
        """What an agent has counted of the Xids that were injected, whoever told it."""
        counts: Counter[tuple[int, int]] = Counter()
        for slot in self.server.gpus():
            for seen in agent.gpu(slot)["xids"]:
                if seen["xid"] in {48, 94, FLOODING}:
                    counts[slot, seen["xid"]] += seen["count"]
        return dict(counts)

    def settle(self, agent: AgentProcess) -> None:
        """Wait until everything that was injected has been counted."""
        eventually(
            lambda: self.counted(agent) == dict(self.errors), f"errors are {dict(self.errors)}"
        )
        eventually(lambda: self.logged(agent) == dict(self.xids), f"Xids are {dict(self.xids)}")

    def misdated(self, agent: AgentProcess) -> list[str]:
        """What is wrong with the dates of this group's incidents; nothing when all is well."""
        now = self.server.clock.now().wall
        return [
            f"slot {slot}: {wrong}; injected {injected}; said {agent.gpu(slot)['incidents']}"
            for slot, injected in self.group.items()
            if (
                wrong := _misdated(
                    agent.gpu(slot)["incidents"][-1],
                    injected[0],
                    self._records(slot, injected),
                    (self.began, now),
                )
            )
        ]

    def _records(self, slot: int, injected: list[Injected]) -> list[float]:
        """When the log has records by which the board's first error may be dated.

        An error that left none of its own cannot be told from one of which a later record speaks.
        """
        own = [each.at for each in injected if each.logged]
        if injected[0].logged:
            return own[:1]
        return [*own, *self.echoes.get(slot, [])]


def seed() -> int:
    """A new one for every run, or the one that failed: GPUWATCH_KILL_SEED."""
    given = os.environ.get("GPUWATCH_KILL_SEED")
    return random.SystemRandom().randrange(10**9) if given is None else int(given)


def _last_reading(gpu: dict[str, Any]) -> float:
    """When the slowest of its error counters was last read."""
    counter = 'gpuwatch_gpu_ecc_uncorrected_volatile_memory_errors_total{memory="dram"}'
    answer = gpu["readings"].get(counter)
    return _seconds(answer["at"]) if answer else 0.0


def _misdated(
    incident: dict[str, Any], first: Injected, records: list[float], span: tuple[float, float]
) -> str | None:
    opened = _seconds(incident["opened_at"])
    anchors = [
        signal
        for signal in incident["signals"]
        if signal["at"] == incident["opened_at"] and not signal["echo"]
    ]
    if any(signal["not_before"] is None for signal in anchors):
        right = any(abs(opened - at) <= SLACK_SECONDS for at in records)
        return None if right else f"dated {opened}, by no record of {records}"
    if first.logged:
        return f"dated {opened} as an interval, though the log has a record"
    before, after = (_seconds(anchors[0][name]) for name in ("not_before", "not_after"))
    holds = before - SLACK_SECONDS <= first.at <= after + SLACK_SECONDS
    narrow = before >= span[0] - SLACK_SECONDS and after <= span[1]
    return None if holds and narrow else f"dated [{before}, {after}] within {span}"


def _seconds(text: str) -> float:
    return datetime.fromisoformat(text).timestamp()
