"""The agent is killed at random moments while errors happen: none is lost, doubled or misplaced."""

import os
import random
from pathlib import Path

from tests.support.agents import running
from tests.support.kills import Injector, seed
from tests.support.server import MakeServer

SOAK = bool(os.environ.get("GPUWATCH_SOAK"))
KILLS = 200 if SOAK else 20
KILLS_OF_A_GROUP = 5


def test_a_kill_at_any_moment_loses_no_error(make_server: MakeServer, tmp_path: Path) -> None:
    """Sums per board and memory, incidents and their dates are what was injected."""
    number = seed()
    print(f"\nGPUWATCH_KILL_SEED={number} repeats this run")  # noqa: T201 - to repeat a failure
    server, place = make_server(), tmp_path / "agent"
    injector = Injector(server, random.Random(number))
    with running(server, place) as agent:
        agent.wait_for_gpus(8)
        injector.begin_group(agent)
        agent.kill()

    for _ in range(KILLS // KILLS_OF_A_GROUP):
        for _ in range(KILLS_OF_A_GROUP):
            children = injector.watch_and_kill(place)
            injector.between(children)
        with running(server, place) as agent:
            injector.settle(agent)
            assert injector.misdated(agent) == []
            incidents = {slot: len(agent.gpu(slot)["incidents"]) for slot in server.gpus()}
            assert incidents == {slot: injector.incidents[slot] for slot in server.gpus()}
            injector.begin_group(agent)
            agent.kill()
