"""Alert causes: for the alert of every rule, a cause on a real agent that comes and is removed."""

import signal
from typing import Any

from gpuwatch.agent.wiring import VOCABULARY
from gpuwatch.domain.bmc import BmcTrouble
from gpuwatch.exposition.metrics import MetricsRenderer
from simulator.world import Server
from tests.support import bmc_stories
from tests.support.agents import DAY, AgentProcess, eventually
from tests.support.alert_scenes import Scene, Story
from tests.support.bmc_stories import Stage
from tests.support.rule_stories import (
    BLACKWELL,
    MEMORY,
    MESSAGES,
    OLD_DRIVER,
    TURING,
    XIDS,
    RuleCase,
)
from tests.support.watching import QUICK, QUIET_SECONDS, codes, gpuwatch, wait_for_judgement

HOUR = 3600.0
PACE = 0.25
A_MINUTE_A_SECOND = 60.0
HALF_AN_HOUR_A_SWEEP = 7200.0
HW_SLOWDOWN, HW_THERMAL = 0x8, 0x40
LOAD_MILLIWATTS = 650_000

# What a reboot does not cure: the board is replaced.
_STAYS_WITH_THE_BOARD = {
    "row-remap-failed",
    "sram-threshold-exceeded",
    "sram-near-threshold",
    "memory-unrepairable",
    "memory-repair-failed",
    "remap-bank-exhausted",
    "inforom-corrupt",
    "ecc-disabled",
    "recent-uncorrectable-error",
    "rma-signals-unreadable",
    "retired-pages-high",
}


def _cases(
    host: str, cases: tuple[RuleCase, ...], profile: str = "h100-sxm", driver: str = "580.95.05"
) -> Story:
    """Each case befalls a GPU of one host; then it is powered off, repaired, and booted."""
    codes = tuple(case.code for case in cases)

    def tell(scene: Scene) -> None:
        server = scene.server(profile, len(cases), driver=driver)
        server.privileged("everyone")
        _happen(server, cases, early=True)
        with scene.agent(server) as agent:
            scene.shown(agent, len(cases))
            _happen(server, cases, early=False)
            for slot, code in enumerate(codes):
                scene.arrives(agent, code, slot)
        for slot, code in enumerate(codes):
            if code in _STAYS_WITH_THE_BOARD:
                server.swap(slot)
        server.reboot()
        with scene.agent(server) as agent:
            scene.shown(agent, len(cases))
            scene.ends()

    return Story(host, codes, tell)


def _happen(server: Server, cases: tuple[RuleCase, ...], *, early: bool) -> None:
    for slot, case in enumerate(cases):
        if case.early is early:
            case.fires(server, slot)


def _fires(agent: AgentProcess, code: str, slot: int | None = None) -> None:
    eventually(lambda: code in codes(agent, slot), f"{code} fires")


def _resets_do_not_help(scene: Scene) -> None:
    """Two lives that Prometheus knows nothing of, then the one in which the vendor is called."""
    again, twice, waiting = range(3)
    server = scene.server(gpus=3)
    for _ in range(2):
        server.set(waiting, "remap.pending", 1)
        with scene.agent(server) as agent:
            agent.wait_for_gpus(3)
            server.xid(again, 64)
            server.xid(twice, 119)
            _fires(agent, "gsp-or-firmware-fault", twice)
            wait_for_judgement(agent, 3)
        server.reload()
    server.set(waiting, "remap.pending", 1)
    with scene.agent(server) as agent:
        scene.shown(agent, 3)
        server.xid(again, 64)
        server.xid(twice, 119)
        scene.arrives(agent, "remap-record-failed-again", again)
        scene.arrives(agent, "gsp-or-firmware-fault-again", twice)
        scene.arrives(agent, "remap-not-applied", waiting)
    server.reboot()
    with scene.agent(server) as agent:
        scene.shown(agent, 3)
        scene.ends()


def _switches_and_wishes(scene: Scene) -> None:
    """NVSwitches err, and the driver asks things of the host."""
    server = scene.server(gpus=3, driver="610.43.02")
    with scene.agent(server) as agent:
        scene.shown(agent, 3)
        server.sxid(11012, link=7, fatal=False)
        scene.arrives(agent, "nvswitch-error")
        server.sxid(20034, link=30)
        server.recovery_action(1, "reboot")
        server.recovery_action(2, "5")
        for code in ("nvswitch-fatal", "recovery-reboot", "recovery-imex-domain"):
            scene.arrives(agent, code)
        scene.ends("nvswitch-error")
    server.reboot()
    with scene.agent(server) as agent:
        scene.shown(agent, 3)
        scene.ends()


def _process_fails(server: Server, agent: AgentProcess, gpu: int, process: int) -> None:
    server.xid(gpu, 31, process=(process, "train"))
    eventually(
        lambda: any(f"pid={process}," in each["detail"] for each in agent.events("xid")),
        "it is read",
    )


def _weeks_pass(scene: Scene) -> None:
    """What takes weeks: a trend, a remap that waits, programs that fail, an error of nobody."""
    rising, failing, echoing = range(3)
    server = scene.server(gpus=3)
    with scene.agent(server, max_gap_seconds=40 * DAY) as agent:
        scene.shown(agent, 3)
        for times in range(1, 4):
            if times < 3:
                server.uncorrectable(rising)
                eventually(lambda: len(agent.gpu(rising)["incidents"]) == times, "an incident")  # noqa: B023
            _process_fails(server, agent, failing, 4000 + times)
            if times < 3:
                server.advance(12 * DAY)
        scene.arrives(agent, "rising-uncorrectable-trend", rising)
        scene.arrives(agent, "xid-from-one-gpu", failing)
        server.xid(echoing, 94)
        eventually(lambda: agent.events("xid")[-1]["pci"] == server.get(echoing, "pci"), "read")
        server.advance(121.0)
        eventually(lambda: agent.gpu(echoing)["unattributed_errors"], "nobody owns it")
        server.advance(QUIET_SECONDS)
        scene.arrives(agent, "unattributed-error")
        server.advance(8 * DAY)
        scene.arrives(agent, "row-remap-pending-long", rising)
        scene.ends("xid-from-one-gpu", "unattributed-error")
    server.swap(rising)
    server.reboot()
    with scene.agent(server) as agent:
        scene.shown(agent, 3)
        scene.ends()


def _boards_go(scene: Scene) -> None:
    """A board falls off the bus, and once more; another is gone after a boot."""
    falling, gone = 0, 1
    options = [*QUICK, "nvml.expected_gpus=4"]
    server = scene.server(gpus=4)
    with scene.agent(server, options=options) as agent:
        scene.shown(agent, 4)
        server.lose(falling)
        scene.arrives(agent, "off-the-bus", falling)
        server.restore(falling)
        scene.ends("off-the-bus")
        agent.wait_for_gpus(4)
        server.advance(2 * DAY)
        eventually(lambda: agent.gpu(falling)["fresh"], "it answers two days later")
        wait_for_judgement(agent, 3)
        server.lose(falling)
        scene.arrives(agent, "off-the-bus-again", falling)
        eventually(lambda: scene.counts()["off-the-bus"][0] == 2, "a page for the second fall")
    server.swap(falling)
    server.lose(gone, vanish=True, silent=True)
    server.reboot()
    with scene.agent(server, options=options) as agent:
        scene.shown(agent, 3)
        server.advance(QUIET_SECONDS)
        scene.arrives(agent, "board-missing-in-service", gone)
        server.advance(QUIET_SECONDS)
        scene.arrives(agent, "gpu-count")
        server.advance(DAY)
        scene.arrives(agent, "board-missing", gone)
    server.restore(gone)
    server.reboot()
    with scene.agent(server, options=options) as agent:
        scene.shown(agent, 4)
        scene.ends()


def _things_hang(scene: Scene) -> None:
    """One GPU, then the whole driver."""
    server = scene.server(gpus=3)
    with scene.agent(server, options=QUICK) as agent:
        scene.shown(agent, 3)
        server.advance(QUIET_SECONDS)
        server.hang(1, "nvmlDeviceGetUtilizationRates")
        scene.arrives(agent, "gpu-unresponsive", 1)
        server.unhang(1)
        scene.ends("gpu-unresponsive")
        server.hang(None, "*")
        scene.arrives(agent, "driver-hung")
        server.unhang(None)
        scene.ends()


def _no_driver(scene: Scene) -> None:
    """None is loaded; then the library is another one than the loaded module's."""
    server = scene.server(gpus=2)
    server.unload()
    with scene.agent(server, options=QUICK) as agent:
        scene.shown(agent)
        server.advance(301.0)
        scene.arrives(agent, "driver-not-loaded")
        server.load()
        scene.ends("driver-not-loaded")
    server.mismatch("590.48.01")
    with scene.agent(server, options=QUICK) as agent:
        scene.shown(agent)
        server.advance(61.0)
        scene.arrives(agent, "driver-mismatch")
        server.load()
        scene.ends()


def _grows(server: Server, gpu: int, key: str, a_second: float) -> None:
    server.set(gpu, key, f"0+{a_second}@{server.clock.now().boottime}")


def _minutes_pass(agent: AgentProcess, minutes: float) -> None:
    until = agent.server.clock.now().boottime + minutes * 60
    eventually(lambda: agent.server.clock.now().boottime > until, "time passes")
    wait_for_judgement(agent)


def _worse_than_siblings(scene: Scene) -> None:
    """A link down, a hot board, replays, a narrow link, links that err: on a GPU each."""
    down, hot, replays, narrow, erring = range(5)
    server = scene.server(gpus=8)
    with scene.agent(server, pace_seconds=PACE) as agent:
        agent.wait_for_gpus(8)
        server.advance(QUIET_SECONDS)
        server.run_at(A_MINUTE_A_SECOND)
        _minutes_pass(agent, 4)
        scene.shown(agent)
        server.set(down, "nvlink.7.state", 0)
        server.set(hot, "temperature.gpu", 83)
        server.set(hot, "clocks.event_reasons", HW_SLOWDOWN | HW_THERMAL)
        _grows(server, replays, "pcie.replays", 1.0)
        server.set(narrow, "pcie.width", 8)
        scene.arrives(agent, "nvlink-down", down)
        scene.arrives(agent, "gpu-cooling-path", hot)
        scene.arrives(agent, "pcie-replay-rate", replays)
        scene.arrives(agent, "pcie-downgraded", narrow)
        server.unset(down, "nvlink.7.state")
        server.unset(hot, "temperature.gpu")
        server.unset(hot, "clocks.event_reasons")
        server.set(replays, "pcie.replays", 10**6)
        server.unset(narrow, "pcie.width")
        scene.ends()
        _grows(server, erring, "nvlink.replay", 0.01)
        server.run_at(HALF_AN_HOUR_A_SWEEP)
        scene.arrives(agent, "nvlink-error-rate", erring)
        server.set(erring, "nvlink.replay", 10**6)
        scene.ends()


def _whole_host(scene: Scene) -> None:
    """The fabric, the hall and the power."""
    server = scene.server(gpus=4)
    with scene.agent(server, pace_seconds=PACE) as agent:
        agent.wait_for_gpus(4)
        server.advance(QUIET_SECONDS)
        server.run_at(A_MINUTE_A_SECOND)
        _minutes_pass(agent, 4)
        scene.shown(agent)
        for slot in range(1, 4):
            server.set(slot, "clocks.event_reasons", HW_SLOWDOWN | HW_THERMAL)
        server.set(1, "fabric.state", 2)
        _grows(server, 0, "slowdown.power_brake", 5e8)
        for code in ("cooling", "fabric-not-ready", "power-brake"):
            scene.arrives(agent, code)
        server.set(1, "fabric.state", 3)
        server.unset(0, "slowdown.power_brake")
        for slot in range(1, 4):
            server.unset(slot, "clocks.event_reasons")
        scene.ends()


def _lacks(scene: Scene) -> None:
    """Versions that differ, no persistence, no time, and a GPU that tells too little."""
    server = scene.server(gpus=4)
    server.set(3, "vbios", "96.00.61.00.01")
    server.set(1, "persistence_mode", 0)
    server.clock.set_synchronized(synchronized=False)
    with scene.agent(server, pace_seconds=PACE) as agent:
        scene.shown(agent, 4)
        server.set(2, "remap.pending", "error 999")
        server.run_at(A_MINUTE_A_SECOND)
        eventually(lambda: agent.gpu(2)["verdict"] == "unknown", "it is blind")
        server.advance(3600.0)
        for code in ("version-drift", "persistence-off", "clock-unsynchronized", "telemetry-gap"):
            scene.arrives(agent, code)
    server.unset(2, "remap.pending")
    server.set(1, "persistence_mode", 1)
    server.unset(3, "vbios")
    server.clock.set_synchronized(synchronized=True)
    server.reboot()
    server.run_at(A_MINUTE_A_SECOND)
    with scene.agent(server, pace_seconds=PACE) as agent:
        scene.shown(agent, 4)
        scene.ends()


def _fails(agent: AgentProcess, slot: int) -> str:
    """The remap of a row fails, and the board is flagged: the flag's number."""
    agent.server.remap_failure(slot)
    return str(eventually(lambda: agent.api("flags")["flags"], "a flag")[0]["number"])


def _wrong_board(scene: Scene) -> None:
    """A flagged board stays where it is, and its neighbour is pulled."""
    flagged, pulled = 0, 1
    settings: dict[str, Any] = {"options": QUICK, "max_gap_seconds": DAY}
    server = scene.server(gpus=3)
    serial = str(server.get(pulled, "serial"))
    with scene.agent(server, **settings) as agent:
        agent.wait_for_gpus(3)
        number = _fails(agent, flagged)
        gpuwatch(agent, "flags start", number, "--reason", "the part is here")
    server.swap(pulled)
    server.reboot()
    with scene.agent(server, **settings) as agent:
        scene.shown(agent, 3)
        scene.arrives(agent, "wrong-board-pulled")
        gpuwatch(agent, "boards retire", serial, "--reason", "it was to go as well")
        scene.ends()


def _refused(scene: Scene) -> None:
    """A new board fails its acceptance, and is replaced as well."""
    bad = 0
    settings: dict[str, Any] = {"options": QUICK, "max_gap_seconds": DAY}
    server = scene.server(gpus=2)
    with scene.agent(server, **settings) as agent:
        agent.wait_for_gpus(2)
        _fails(agent, bad)
    server.swap(bad)
    server.reboot()
    with scene.agent(server, **settings) as agent:
        agent.wait_for_gpus(2)
        server.set_power(bad, LOAD_MILLIWATTS)
        eventually(lambda: agent.api("flags")["flags"][0]["state"] == "verifying", "it is verified")
        before = agent.gpu(bad)["exposure_seconds"]
        server.advance(HOUR)
        eventually(lambda: agent.gpu(bad)["exposure_seconds"] >= before + HOUR, "an hour passes")
        scene.shown(agent)
        server.uncorrectable(bad)
        scene.arrives(agent, "acceptance-failed", bad)
    server.swap(bad)
    server.reboot()
    with scene.agent(server, **settings) as agent:
        scene.shown(agent, 2)
        scene.ends()


def _returned(scene: Scene) -> None:
    """A board that was flagged, and replaced, is put into another slot."""
    bad, peer = 0, 1
    settings: dict[str, Any] = {"options": QUICK, "max_gap_seconds": DAY}
    server = scene.server(gpus=3)
    old = {name: str(server.get(bad, name)) for name in ("serial", "uuid")}
    with scene.agent(server, **settings) as agent:
        agent.wait_for_gpus(3)
        _fails(agent, bad)
    server.swap(bad)
    server.reboot()
    with scene.agent(server, **settings) as agent:
        agent.wait_for_gpus(3)
        eventually(lambda: agent.api("flags")["flags"][0]["state"] == "verifying", "it is verified")
    for name, text in old.items():
        server.set(peer, name, text)
    server.reboot()
    with scene.agent(server, **settings) as agent:
        scene.shown(agent, 3)
        scene.arrives(agent, "flagged-board-returned", peer)
    server.swap(peer)
    server.reboot()
    with scene.agent(server, **settings) as agent:
        scene.shown(agent, 3)
        scene.ends()


def _put_back(scene: Scene) -> None:
    """A board that was flagged is put back into its slot, where another was being accepted."""
    bad = 0
    settings: dict[str, Any] = {"options": QUICK, "max_gap_seconds": DAY}
    server = scene.server(gpus=2)
    old = {name: str(server.get(bad, name)) for name in ("serial", "uuid")}
    with scene.agent(server, **settings) as agent:
        agent.wait_for_gpus(2)
        _fails(agent, bad)
    server.swap(bad)
    server.reboot()
    with scene.agent(server, **settings) as agent:
        agent.wait_for_gpus(2)
        eventually(lambda: agent.api("flags")["flags"][0]["state"] == "verifying", "it is verified")
    for name, text in old.items():
        server.set(bad, name, text)
    server.advance(HOUR)  # as long as hands take: who pulls a sound board is told within minutes
    server.reboot()
    with scene.agent(server, **settings) as agent:
        scene.shown(agent, 2)
        scene.arrives(agent, "acceptance-failed", bad)
    server.swap(bad)
    server.reboot()
    with scene.agent(server, **settings) as agent:
        scene.shown(agent, 2)
        scene.ends()


def _files(scene: Scene) -> None:
    """The history is spoilt, and the calendar of windows is."""
    server = scene.server(gpus=2)
    with scene.agent(server) as agent:
        agent.wait_for_gpus(2)
        agent.stop()
    with (scene.folder / "state" / "history.db").open("r+b") as file:
        file.write(b"not a database " * 8)
    calendar, config = scene.folder / "ops.ics", scene.folder / "gpuwatch.toml"
    with config.open("a") as settings:
        settings.write(f'[[calendars]]\nname = "ops"\npath = "{calendar}"\n')
    calendar.write_text("broken")
    with scene.agent(server, max_gap_seconds=40 * DAY) as agent:
        scene.shown(agent, 2)
        scene.arrives(agent, "history-lost")
        scene.arrives(agent, "calendar-refused")
        calendar.write_text("BEGIN:VCALENDAR\nVERSION:2.0\nPRODID:-//x//y//EN\nEND:VCALENDAR\n")
        agent.signal(signal.SIGHUP)
        server.advance(31 * DAY)
        scene.ends()


def _publish(scene: Scene, stage: Stage) -> None:
    renderer = MetricsRenderer(VOCABULARY)
    scene.alerting.hosts.tell(scene.host, renderer.text(stage.host.agent.snapshot).decode())


def _controllers(scene: Scene) -> None:
    """Each case of a BMC's rule befalls a server; the agent is turned by hand, minute by minute."""
    cases = bmc_stories.CASES
    stage = Stage(scene.folder, tuple(case.code for case in cases))
    for case in cases:
        case.always(stage.bmcs[case.code])
    well = {name: dict(bmc.told) for name, bmc in stage.bmcs.items()}
    stage.start()
    stage.poll(7)
    _publish(scene, stage)
    for case in cases:
        case.fires(stage.bmcs[case.code])
    stage.poll(8)
    _publish(scene, stage)
    for case in cases:
        scene.arrives_of_bmc(case.code, case.code)
    for name, bmc in stage.bmcs.items():
        bmc.told, bmc.trouble = well[name], None
    stage.poll(14)
    _publish(scene, stage)
    scene.ends(*(case.code for case in cases if case.code != "sel-critical"))
    stage.poll(24 * 60)
    _publish(scene, stage)
    scene.ends("sel-critical")


def _network_of_controllers(scene: Scene) -> None:
    """Three of four BMCs fall silent together."""
    stage = Stage(scene.folder, ("a", "b", "c", "d"), of="rack 17")
    stage.start()
    stage.poll(2)
    _publish(scene, stage)
    for name in "abc":
        stage.bmcs[name].trouble = BmcTrouble.UNREACHABLE
    stage.poll(17)
    _publish(scene, stage)
    scene.arrives_of_host("bmc-network-lost")
    for name in "abc":
        stage.bmcs[name].trouble = None
    stage.poll(10)
    _publish(scene, stage)
    scene.ends()


# One Prometheus for each group.
BOARDS = (
    _cases("memory", MEMORY, driver="590.48.01"),
    _cases("xids", XIDS),
    _cases("messages", MESSAGES),
    _cases("old-driver", OLD_DRIVER, driver="535.183.01"),
)
OTHER_BOARDS = (
    _cases("blackwell", BLACKWELL, "b200"),
    _cases("turing", TURING, "t4"),
    Story(
        "again",
        ("remap-record-failed-again", "gsp-or-firmware-fault-again", "remap-not-applied"),
        _resets_do_not_help,
    ),
)
TIMES = (
    Story(
        "weeks",
        (
            "rising-uncorrectable-trend",
            "xid-from-one-gpu",
            "unattributed-error",
            "row-remap-pending-long",
        ),
        _weeks_pass,
    ),
    Story(
        "gone",
        (
            "off-the-bus",
            "off-the-bus-again",
            "board-missing-in-service",
            "board-missing",
            "gpu-count",
        ),
        _boards_go,
        again={"off-the-bus": 2},
    ),
)
SWAPS = (
    Story("wrong", ("wrong-board-pulled",), _wrong_board),
    Story("refused", ("acceptance-failed",), _refused),
    Story("returned", ("flagged-board-returned",), _returned),
    Story("put-back", ("acceptance-failed",), _put_back),
    Story("files", ("history-lost", "calendar-refused"), _files),
    Story(
        "switches",
        ("nvswitch-error", "nvswitch-fatal", "recovery-reboot", "recovery-imex-domain"),
        _switches_and_wishes,
    ),
)
LEVELS = (
    Story("hung", ("gpu-unresponsive", "driver-hung"), _things_hang),
    Story(
        "worse",
        (
            "nvlink-down",
            "gpu-cooling-path",
            "pcie-replay-rate",
            "pcie-downgraded",
            "nvlink-error-rate",
        ),
        _worse_than_siblings,
    ),
    Story("whole", ("cooling", "fabric-not-ready", "power-brake"), _whole_host),
    Story(
        "lacks",
        ("version-drift", "persistence-off", "clock-unsynchronized", "telemetry-gap"),
        _lacks,
    ),
)
CONTROLLERS = (
    Story("driver", ("driver-not-loaded", "driver-mismatch"), _no_driver),
    Story("controllers", tuple(case.code for case in bmc_stories.CASES), _controllers),
    Story("network", ("bmc-network-lost",), _network_of_controllers),
)  # fmt: skip
GROUPS = {
    "boards": BOARDS,
    "other-boards": OTHER_BOARDS,
    "times": TIMES,
    "swaps": SWAPS,
    "levels": LEVELS,
    "controllers": CONTROLLERS,
}
STORIES = tuple(story for group in GROUPS.values() for story in group)
