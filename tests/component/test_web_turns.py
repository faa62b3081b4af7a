"""Turns on a real loop: who asks for much waits, and nobody else does."""

import asyncio

from gpuwatch.exposition.turns import Turns


async def _visit(turns: Turns, group: str, told: list[str]) -> None:
    async with turns.turn_of(group):
        told.append(group)


async def _two_addresses() -> list[str]:
    turns, told = Turns(), list[str]()
    async with turns.turn_of("greedy"):
        again = asyncio.create_task(_visit(turns, "greedy", told))
        await _visit(turns, "other", told)
        told.append("done")
    await again
    return told


async def _one_and_the_next() -> tuple[float, float]:
    """How long a turn of an address took, and how long it waited for its next one."""
    turns, loop = Turns(), asyncio.get_running_loop()
    async with turns.turn_of("greedy"):
        began = loop.time()
        await asyncio.sleep(0.02)
        left = loop.time()
    await _visit(turns, "greedy", [])
    return left - began, loop.time() - left


async def _after_a_failure() -> list[str]:
    turns, told = Turns(), list[str]()
    try:
        async with turns.turn_of("greedy"):
            raise ValueError("no page")  # noqa: TRY301 - that is the point
    except ValueError:
        await _visit(turns, "greedy", told)
    return told


def test_an_address_has_one_turn_at_a_time_and_keeps_nobody_else_waiting() -> None:
    """The second request of one address comes after that of another."""
    assert asyncio.run(_two_addresses()) == ["other", "done", "greedy"]


def test_a_long_turn_is_followed_by_a_longer_rest() -> None:
    """So that one address has a quarter of the time at most."""
    took, rested = asyncio.run(_one_and_the_next())

    assert rested >= 2 * took


def test_a_turn_that_fails_is_over() -> None:
    """The address is heard again."""
    assert asyncio.run(_after_a_failure()) == ["greedy"]
