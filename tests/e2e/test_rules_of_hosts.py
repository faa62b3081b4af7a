"""Rules that need time or a whole host: each fires in the real agent, and waits until it should."""

from functools import partial
from pathlib import Path

from tests.support.agents import DAY, AgentProcess, eventually, running
from tests.support.server import MakeServer
from tests.support.watching import QUICK, QUIET_SECONDS, codes, wait_for_judgement


def _fires(agent: AgentProcess, code: str, slot: int | None = None) -> None:
    eventually(lambda: code in codes(agent, slot), f"{code} fires")


def test_errors_of_switches_are_one_matter_of_the_host(
    make_server: MakeServer, tmp_path: Path
) -> None:
    """One that is not fatal is noted; a fatal one is a page, and takes the note's place."""
    server = make_server(gpus=2)
    with running(server, tmp_path / "agent") as agent:
        agent.wait_for_gpus(2)
        server.sxid(11012, link=7, fatal=False)
        _fires(agent, "nvswitch-error")
        before = codes(agent)
        server.sxid(20034, link=30)
        _fires(agent, "nvswitch-fatal")

        assert before == ["nvswitch-error"]
        assert codes(agent) == ["nvswitch-fatal"]
        assert codes(agent, 0) == codes(agent, 1) == []


def test_what_the_driver_asks_of_the_host_is_the_hosts(
    make_server: MakeServer, tmp_path: Path
) -> None:
    """A reboot or a domain's recovery; a reset is a matter of the GPU alone."""
    server = make_server(gpus=3, driver="610.43.02")
    with running(server, tmp_path / "agent") as agent:
        agent.wait_for_gpus(3)
        server.recovery_action(0, "reset")
        _fires(agent, "recovery-action", 0)
        before = codes(agent)
        server.recovery_action(1, "reboot")
        server.recovery_action(2, "5")
        _fires(agent, "recovery-reboot")
        _fires(agent, "recovery-imex-domain")

        assert before == []


def test_an_echo_without_an_owner_is_told_after_ten_minutes(
    make_server: MakeServer, tmp_path: Path
) -> None:
    """With an owner it is nobody's matter, however long one waits."""
    server = make_server(gpus=3)
    with running(server, tmp_path / "agent") as agent:
        agent.wait_for_gpus(3)
        server.uncorrectable(0, echo=(1,))
        _fires(agent, "recent-uncorrectable-error", 0)
        server.advance(QUIET_SECONDS)
        wait_for_judgement(agent)
        owned = codes(agent)
        server.xid(2, 94)
        eventually(lambda: agent.events("xid")[-1]["pci"] == server.get(2, "pci"), "it is read")
        server.advance(121.0)
        eventually(lambda: agent.gpu(2)["unattributed_errors"], "nobody owns it")
        young = codes(agent)
        server.advance(QUIET_SECONDS)
        _fires(agent, "unattributed-error")

        assert (owned, young) == ([], [])


def test_a_board_that_is_gone_after_a_boot_is_missing(
    make_server: MakeServer, tmp_path: Path
) -> None:
    """Not in the first ten minutes; a page on the day on which it served, then for the window."""
    server = make_server(gpus=3)
    with running(server, tmp_path / "agent", options=QUICK) as agent:
        agent.wait_for_gpus(3)
        agent.stop()
    server.lose(1, vanish=True, silent=True)
    server.reboot()
    with running(server, tmp_path / "agent", options=QUICK) as agent:
        agent.wait_for_gpus(2)
        wait_for_judgement(agent, 3)
        at_first = codes(agent, 1)
        server.advance(QUIET_SECONDS)
        _fires(agent, "board-missing-in-service", 1)
        first_day = codes(agent, 1)
        server.advance(DAY)
        _fires(agent, "board-missing", 1)

        assert (at_first, first_day) == ([], ["board-missing-in-service"])
        assert codes(agent, 1) == ["board-missing"]


def test_a_board_that_falls_off_the_bus_again_is_flagged(
    make_server: MakeServer, tmp_path: Path
) -> None:
    """The first fall is for a power cycle; only the second within 90 days is for a replacement."""
    server = make_server(gpus=2)
    with running(server, tmp_path / "agent", options=QUICK) as agent:
        agent.wait_for_gpus(2)
        server.lose(0)
        _fires(agent, "off-the-bus", 0)
        first = codes(agent, 0)
        server.restore(0)
        agent.wait_for_gpus(2)
        server.advance(2 * DAY)
        eventually(lambda: agent.gpu(0)["fresh"], "it answers two days later")
        wait_for_judgement(agent, 3)
        server.lose(0)
        _fires(agent, "off-the-bus-again", 0)

        assert "off-the-bus-again" not in first


def test_a_remap_that_waits_for_a_month_wants_its_reset(
    make_server: MakeServer, tmp_path: Path
) -> None:
    """After 31 days it is for the window; one of 29 days still is for information."""
    server = make_server(gpus=2)
    with running(server, tmp_path / "agent", max_gap_seconds=40 * DAY) as agent:
        agent.wait_for_gpus(2)
        server.remap(0, correctable=True)
        _fires(agent, "row-remap-pending", 0)
        server.advance(2 * DAY)
        server.remap(1, correctable=True)
        _fires(agent, "row-remap-pending", 1)
        server.advance(29 * DAY)
        _fires(agent, "row-remap-pending-long", 0)
        wait_for_judgement(agent)

        assert "row-remap-pending-long" not in codes(agent, 1)


def test_programs_that_fail_on_one_gpu_alone_are_a_reason_to_look(
    make_server: MakeServer, tmp_path: Path
) -> None:
    """Two days prove nothing; the third process on a third day does, if no sibling has the same."""
    server = make_server(gpus=2)
    with running(server, tmp_path / "agent", max_gap_seconds=2 * DAY) as agent:
        agent.wait_for_gpus(2)
        for process in (4000, 4001):
            server.xid(0, 31, process=(process, "train"))
            eventually(partial(_is_read, agent, process), "it is read")
            server.advance(DAY)
        wait_for_judgement(agent)
        after_two = codes(agent, 0)
        server.xid(0, 31, process=(4002, "train"))
        _fires(agent, "xid-from-one-gpu", 0)
        server.xid(1, 13, process=(4003, "train"))
        eventually(lambda: "xid-from-one-gpu" not in codes(agent, 0), "a sibling has the same")

        assert "xid-from-one-gpu" not in after_two


def _is_read(agent: AgentProcess, process: int) -> bool:
    return any(f"pid={process}," in each["detail"] for each in agent.events("xid"))
