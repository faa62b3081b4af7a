"""Every rule in the real agent: it fires on its case, and spares the board that has the nearest."""

from functools import partial
from pathlib import Path

import pytest

from simulator.world import Server
from tests.support.agents import AgentProcess, eventually, running
from tests.support.rule_stories import (
    BLACKWELL,
    MEMORY,
    MESSAGES,
    OLD_DRIVER,
    TURING,
    XIDS,
    RuleCase,
)
from tests.support.server import MakeServer
from tests.support.watching import codes, wait_for_judgement


@pytest.mark.parametrize(
    ("profile", "driver", "cases"),
    [
        ("h100-sxm", "590.48.01", MEMORY),
        ("h100-sxm", "580.95.05", XIDS),
        ("h100-sxm", "580.95.05", MESSAGES),
        ("h100-sxm", "535.183.01", OLD_DRIVER),
        ("b200", "580.95.05", BLACKWELL),
        ("t4", "580.95.05", TURING),
    ],
    ids=["memory", "xids", "messages", "old-driver", "blackwell", "turing"],
)
def test_a_rule_fires_on_its_case_and_on_no_other(
    make_server: MakeServer,
    tmp_path: Path,
    profile: str,
    driver: str,
    cases: tuple[RuleCase, ...],
) -> None:
    """Of each two GPUs the first has what the rule is for, the second the nearest other thing."""
    server = make_server(profile, 2 * len(cases), driver=driver)
    server.privileged("everyone")
    _happen(server, cases, early=True)
    with running(server, tmp_path / "agent") as agent:
        agent.wait_for_gpus(2 * len(cases))
        _happen(server, cases, early=False)
        for at, case in enumerate(cases):
            eventually(partial(_fired, agent, case, 2 * at), f"{case.code} fires")
        wait_for_judgement(agent, 3)

        spared = [_fired(agent, case, 2 * at + 1) for at, case in enumerate(cases)]
        assert spared == [False] * len(cases)


def test_what_resets_do_not_help_is_a_case_for_the_vendor(
    make_server: MakeServer, tmp_path: Path
) -> None:
    """Xid 64 in a second life of a board, Xid 119 in a third; one life fewer is still a reset."""
    twice, once, thrice, second, pending, fresh = range(6)
    server = make_server(gpus=6)

    server.set(pending, "remap.pending", 1)
    _life(server, tmp_path / "agent", ((twice, 64), (thrice, 119)))
    server.set(pending, "remap.pending", 1)
    server.set(fresh, "remap.pending", 1)
    happening = ((twice, 64), (once, 64), (second, 119), (thrice, 119))
    two = _life(server, tmp_path / "agent", happening)
    three = _life(server, tmp_path / "agent", ((second, 119), (thrice, 119)))

    assert "remap-record-failed-again" in two[twice]
    assert "remap-record-failed" in two[once]
    assert "gsp-or-firmware-fault" in two[thrice]
    assert ("remap-not-applied" in two[pending], "remap-not-applied" in two[fresh]) == (True, False)
    assert "gsp-or-firmware-fault-again" in three[thrice]
    assert "gsp-or-firmware-fault" in three[second]


def _happen(server: Server, cases: tuple[RuleCase, ...], *, early: bool) -> None:
    """Let all cases happen that are due before the agent starts, or while it runs."""
    due = [(at, case) for at, case in enumerate(cases) if case.early is early]
    for at, case in due:
        case.fires(server, 2 * at)
        case.spares(server, 2 * at + 1)


def _fired(agent: AgentProcess, case: RuleCase, slot: int) -> bool:
    return case.code in codes(agent, slot)


def _life(
    server: Server, directory: Path, xids: tuple[tuple[int, int], ...]
) -> dict[int, list[str]]:
    """Xids of slots between two driver loads, the last one a 119: the findings by slot."""
    with running(server, directory) as agent:
        agent.wait_for_gpus(len(server.gpus()))
        for slot, code in xids:
            server.xid(slot, code)
        last = xids[-1][0]
        eventually(
            lambda: any(code.startswith("gsp-or-firmware-fault") for code in codes(agent, last)),
            "the last one is told",
        )
        wait_for_judgement(agent, 3)
        told = {slot: codes(agent, slot) for slot in server.gpus()}
        agent.stop()
    server.reload()
    return told
