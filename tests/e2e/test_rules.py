"""Every rule in the real agent: it fires on its case, and spares the board that has the nearest."""

from pathlib import Path

import pytest

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
    for at, case in enumerate(cases):
        if case.early:
            case.fires(server, 2 * at)
            case.spares(server, 2 * at + 1)
    with running(server, tmp_path / "agent") as agent:
        agent.wait_for_gpus(2 * len(cases))
        for at, case in enumerate(cases):
            if not case.early:
                case.fires(server, 2 * at)
                case.spares(server, 2 * at + 1)
        for at, case in enumerate(cases):
            fired = 2 * at
            eventually(lambda: case.code in codes(agent, fired), f"{case.code} fires")  # noqa: B023
        wait_for_judgement(agent, 3)

        spared = [case.code in codes(agent, 2 * at + 1) for at, case in enumerate(cases)]
        assert spared == [False] * len(cases)


def test_what_resets_do_not_help_is_a_case_for_the_vendor(
    make_server: MakeServer, tmp_path: Path
) -> None:
    """Xid 64 in a second life of a board, Xid 119 in a third; one life fewer is still a reset."""
    twice, once, thrice, second, pending, fresh = range(6)
    server = make_server(gpus=6)
    for life in (1, 2, 3):
        if life > 1:
            server.reload()
            server.set(pending, "remap.pending", 1)
        with running(server, tmp_path / "agent") as agent:
            agent.wait_for_gpus(6)
            if life == 1:
                server.set(pending, "remap.pending", 1)
            if life == 2:
                server.set(fresh, "remap.pending", 1)
            if life > 1:
                server.xid(twice, 64)
                server.xid(second, 119)
            server.xid(thrice, 119)
            if life == 2:
                server.xid(once, 64)
            if life == 1:
                server.xid(twice, 64)
            eventually(lambda: _firmware(agent, thrice), "the fault is told")
            wait_for_judgement(agent, 3)
            told = {slot: codes(agent, slot) for slot in range(6)}
            agent.stop()
        if life == 2:
            after_two = told

    assert "remap-record-failed-again" in after_two[twice]
    assert "remap-record-failed" in after_two[once]
    assert "gsp-or-firmware-fault" in after_two[thrice]
    assert "remap-not-applied" in after_two[pending]
    assert "remap-not-applied" not in after_two[fresh]
    assert "gsp-or-firmware-fault-again" in told[thrice]
    assert "gsp-or-firmware-fault" in told[second]


def _firmware(agent: AgentProcess, slot: int) -> bool:
    return any(code.startswith("gsp-or-firmware-fault") for code in codes(agent, slot))
