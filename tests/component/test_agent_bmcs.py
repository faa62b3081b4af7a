"""The agent's memory of BMCs on a real history: what sources deliver, and who sees what."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from gpuwatch.agent.decide import Decisions
from gpuwatch.agent.live import Live
from gpuwatch.agent.live_bmc import DEADLINE_SECONDS, HELD_BATCHES, WatchedBmc
from gpuwatch.agent.planning import Calendar
from gpuwatch.agent.remember import Memory
from gpuwatch.agent.views import Situation, host_view
from gpuwatch.domain.bmc import BmcFailure, BmcGpu, BmcProtocol, BmcTrouble, PowerSupply
from gpuwatch.domain.bmc_logs import LogSeverity, LogTopic
from gpuwatch.domain.events import EventKind
from gpuwatch.domain.snapshot import BmcState
from gpuwatch.domain.verdicts import Verdict
from gpuwatch.history import History, HistorySettings
from gpuwatch.policy.judge import Judge
from gpuwatch.policy.views import BmcView, PolicySettings
from gpuwatch.sources.base import Inventory
from tests.support.controllers import Controller
from tests.support.histories import DAY, HandClock, board_key, device

POWER = (LogTopic.POWER, LogSeverity.CRITICAL)
STALE = 3 * 60.0 + DEADLINE_SECONDS


def watched(name: str = "host", host: str = "") -> WatchedBmc:
    """A BMC that is asked every minute."""
    address = f"{name}.example:623"
    return WatchedBmc(
        name=name, protocol=BmcProtocol.IPMI, address=address, interval=60.0, host=host
    )


@dataclass
class Bench:
    """A memory with its history and clock."""

    path: Path
    watched: tuple[WatchedBmc, ...] = (watched(),)
    clock: HandClock = field(default_factory=lambda: HandClock(boottime=10 * DAY))
    bmc: Controller = field(default_factory=Controller)

    def __post_init__(self) -> None:
        self.start()

    def start(self) -> None:
        """An agent starts on the history."""
        settings = HistorySettings(retry_seconds=0.0)
        self.history = History.open(self.path, self.clock, settings)
        self.memory = Memory(self.history, kernel_log_readable=lambda: True)
        self.memory.bmcs.watch(self.watched, self.clock.now())

    def restart(self) -> None:
        """It ends and starts again."""
        self.history.close()
        self.start()

    def log(self, bmc: Controller | None = None) -> None:
        """What is new in the log is delivered."""
        self.memory.take((bmc or self.bmc).batch(self.clock.now()), self.clock.now())

    def sweep(self, bmc: Controller | None = None, **changes: object) -> None:
        """All else is delivered."""
        self.memory.take((bmc or self.bmc).sweep(self.clock.now(), **changes), self.clock.now())

    def poll(self, after: float = 60.0, bmc: Controller | None = None, **changes: object) -> None:
        """Both, after a while."""
        self.clock.pass_seconds(after)
        self.log(bmc)
        self.sweep(bmc, **changes)

    def fail(self, trouble: BmcTrouble = BmcTrouble.UNREACHABLE, name: str = "host") -> None:
        """It does not answer."""
        now = self.clock.now()
        self.memory.take(BmcFailure(bmc=name, at=now, trouble=trouble, text="no answer"), now)

    def view(self) -> BmcView:
        """The first BMC as rules see it."""
        return self.memory.bmcs.views(self.clock.now())[0]

    def state(self) -> BmcState:
        """The first BMC as readers see it."""
        decisions = Decisions(self.history, Judge(PolicySettings()), Calendar())
        return self.memory.bmcs.states(decisions.frame(self.clock.now(), 40.0, {}))[0]

    @property
    def kinds(self) -> list[EventKind]:
        """What happened, the oldest first."""
        return [event.kind for event in reversed(self.history.recent_events(100))]


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    """A BMC with an old entry that answered once."""
    bench = Bench(tmp_path / "state" / "history.db")
    bench.bmc.write(bench.clock.wall - DAY)
    bench.poll(10.0)
    yield bench
    bench.history.close()


def test_what_it_tells_is_seen_until_it_is_stale(bench: Bench) -> None:
    """Readers keep its last words and know that they are old; rules see nothing."""
    bench.clock.pass_seconds(STALE)
    fresh, seen = bench.state(), bench.view()
    changed_before = bench.memory.bmcs.freshness_changed(bench.clock.now())
    bench.clock.pass_seconds(1)

    stale, blind = bench.state(), bench.view()

    assert (fresh.fresh, stale.fresh) == (True, False)
    assert fresh.swept_at == stale.swept_at == pytest.approx(bench.clock.wall - STALE - 1)
    assert (seen.sweep, seen.trouble, seen.silent_seconds) == (fresh.sweep, None, 0.0)
    assert (blind.sweep, blind.trouble) == (None, BmcTrouble.TIMED_OUT)
    assert blind.silent_seconds == pytest.approx(STALE + 1)
    assert changed_before
    assert bench.memory.bmcs.freshness_changed(bench.clock.now())
    assert not bench.memory.bmcs.freshness_changed(bench.clock.now())


def test_one_lost_answer_is_told_to_readers_and_not_to_rules(bench: Bench) -> None:
    """What it said a minute ago still holds."""
    bench.clock.pass_seconds(60)
    bench.fail()

    state, view = bench.state(), bench.view()

    assert (state.trouble, state.problem) == (BmcTrouble.UNREACHABLE, "no answer")
    assert state.trouble_since == pytest.approx(bench.clock.wall)
    assert (state.fresh, view.trouble) == (True, None)


def test_a_refused_password_is_told_at_once_after_a_start(bench: Bench) -> None:
    """Nothing fresh is there that could hide it; what was counted before is."""
    bench.bmc.write(bench.clock.wall)
    bench.poll()
    bench.restart()
    waiting = bench.view()
    bench.fail(BmcTrouble.PASSWORD)

    state, view = bench.state(), bench.view()

    assert (waiting.trouble, waiting.sweep, waiting.answers) == (None, None, 0)
    assert (view.trouble, state.trouble) == (BmcTrouble.PASSWORD, BmcTrouble.PASSWORD)
    assert (state.counts, len(state.entries)) == ({POWER: 1}, 2)
    assert (state.sweep, state.swept_at, state.verdict) == (None, None, Verdict.UNKNOWN)


def test_rules_see_the_news_of_a_day(bench: Bench) -> None:
    """Neither the baseline nor what was first read longer ago, however old it says it is."""
    bench.bmc.write(bench.clock.wall)
    bench.poll()
    bench.poll(DAY - 30)
    bench.bmc.write(bench.clock.wall - 5, text="PSU 1: failure detected")
    bench.poll()

    view, state = bench.view(), bench.state()

    assert [one.entry.text for one in view.entries] == ["PSU 1: failure detected"]
    assert len(state.entries) == 3


def test_a_log_waits_for_the_sweep_that_tells_whose_it_is(bench: Bench) -> None:
    """After a start and after a failure another machine may answer: its log is a baseline."""
    bench.restart()
    other = Controller(serial="SRV0043", known=True)
    other.write(bench.clock.wall)
    bench.log(other)
    waiting = bench.state().entries
    bench.sweep(other)

    assert len(waiting) == 1
    assert [one.baseline for one in bench.state().entries] == [True, True]
    assert bench.state().counts == {}
    assert EventKind.BMC_REPLACED in bench.kinds


def test_another_serial_within_a_connection_hides_no_entry(bench: Bench) -> None:
    """A FRU that was written anew; nobody can have exchanged the machine."""
    bench.bmc.serial = "SRV0042-A"
    bench.bmc.write(bench.clock.wall)
    bench.poll()

    assert bench.kinds == [EventKind.BMC_ADDED, EventKind.BMC_CHANGED]
    assert bench.state().counts == {POWER: 1}


def test_a_log_that_waits_is_taken_when_no_sweep_follows(bench: Bench) -> None:
    """What its child delivered once it does not deliver again."""
    bench.restart()
    bench.bmc.write(bench.clock.wall)
    bench.log()
    bench.fail()

    assert bench.state().counts == {POWER: 1}


def test_a_log_that_waits_is_bounded(bench: Bench) -> None:
    """A child that delivers without an end fills no memory."""
    bench.restart()
    for _ in range(HELD_BATCHES + 1):
        bench.bmc.write(bench.clock.wall)
        bench.log()

    taken, position = len(bench.state().entries), bench.history.log_positions("host")
    bench.sweep()

    assert taken == HELD_BATCHES + 2
    assert bench.history.log_positions("host") == position
    assert bench.state().counts == {POWER: HELD_BATCHES + 1}


def test_a_bmc_that_is_not_configured_leaves_the_picture_and_stays_in_history(
    bench: Bench,
) -> None:
    """A late message of it changes nothing."""
    bench.watched = (watched("other"),)
    bench.restart()
    bench.poll()

    assert [state.name for state in (bench.state(),)] == ["other"]
    assert len(bench.history.logged("host")) == 1
    assert (bench.view().sweep, bench.history.bmc("other")) == (None, None)


def test_what_is_said_right_after_a_start_is_known_to_be_so(bench: Bench) -> None:
    """The chassis was switched, the BMC was silent for long, or this host itself booted."""
    before = bench.view().settled_seconds
    bench.poll(600.0)
    bench.fail()
    bench.clock.pass_seconds(300)
    bench.sweep()
    returned = bench.view()
    bench.bmc.power_on = False
    bench.poll(100.0)
    bench.clock.pass_seconds(30)
    switched = bench.view()

    assert before == pytest.approx(10 * DAY + 10)
    assert returned.settled_seconds == pytest.approx(0.0)
    assert returned.restarts == pytest.approx((bench.clock.wall - 130,))
    assert switched.settled_seconds == pytest.approx(30.0)
    assert switched.powered_off_seconds == pytest.approx(30.0)
    assert EventKind.BMC_STARTED in bench.kinds


def test_a_host_of_another_name_has_another_start(tmp_path: Path) -> None:
    """That this host booted tells nothing of it."""
    bench = Bench(tmp_path / "history.db", (watched(host="node17"),), HandClock(boottime=30.0))
    bench.poll()

    view = bench.view()

    assert (view.host, view.settled_seconds, view.restarts) == ("node17", 1e9, ())
    bench.history.close()


def test_a_chassis_that_was_never_seen_on_is_not_powered_off(tmp_path: Path) -> None:
    """A server that is switched off, or a field that its BMC fills with nothing."""
    bench = Bench(tmp_path / "history.db")
    bench.bmc.power_on = False
    bench.poll()

    assert bench.view().powered_off_seconds is None
    bench.history.close()


def test_what_a_server_had_outlives_a_restart(bench: Bench) -> None:
    """Rules miss what was there, also what went while the agent was not there."""
    bench.poll(supplies=(PowerSupply(name="PSU 2", present=True),))
    bench.restart()

    assert bench.view().seen_well == {"supply:PSU 2"}


def test_what_was_taken_out_for_good_is_not_missed(bench: Bench) -> None:
    """Rules see at once that it is accepted."""
    both = tuple(PowerSupply(name=f"PSU {number}", present=True) for number in (1, 2))
    bench.poll(supplies=both)
    before = bench.view().seen_well
    bench.history.accept_parts(bench.bmc.sweep(bench.clock.now(), supplies=both[:1]))

    assert before == {"supply:PSU 1", "supply:PSU 2"}
    assert bench.view().seen_well == {"supply:PSU 1"}


def test_a_gpu_is_joined_to_what_a_bmc_of_this_host_tells(bench: Bench) -> None:
    """By serial, from fresh sweeps only, and never from another host's BMC."""
    key = board_key(0)
    told = BmcGpu(name="GPU_SXM_1", serial=key.serial, temperature_celsius=41.0)
    bench.watched = (watched("far", host="node17"), watched())
    bench.restart()
    bench.poll(bmc=Controller("far"), gpus=(BmcGpu(name="GPU_SXM_9", serial=key.serial),))
    bench.memory.take(Inventory(devices=(device(0),)), bench.clock.now())
    alone = _out_of_band(bench)
    bench.poll(gpus=(told,))
    joined = _out_of_band(bench)
    bench.clock.pass_seconds(STALE + 1)

    assert (alone, joined, _out_of_band(bench)) == (None, told, None)


def _out_of_band(bench: Bench) -> BmcGpu | None:
    now = bench.clock.now()
    situation = Situation(
        now=now,
        driver=None,
        epoch_started=None,
        released=False,
        clock_settled=True,
        quiet_seconds=700.0,
        stale_seconds=40.0,
        bmcs=bench.memory.bmcs.views(now),
    )
    return host_view(bench.history.records(), Live(), situation).gpus[0].out_of_band


def test_every_new_entry_is_a_line_and_a_baseline_is_one(tmp_path: Path) -> None:
    """At the level of its severity; a delivery of hundreds is cut, and says so."""
    bench = Bench(tmp_path / "history.db", (watched(host="node17"),))
    with capture_logs() as lines:
        for _ in range(30):
            bench.bmc.write(bench.clock.wall - DAY)
        bench.poll()
        bench.bmc.write(bench.clock.wall, text="PSU 2: failure detected")
        bench.bmc.write(bench.clock.wall, severity=LogSeverity.INFO, text="System boot")
        bench.poll()
        for number in range(25):
            bench.bmc.write(bench.clock.wall, text=f"Fan {number}")
        bench.poll()
    bench.history.close()

    told = [line for line in lines if line["event"].startswith("bmc-log")]
    assert [(line["event"], line["log_level"]) for line in told[:3]] == [
        ("bmc-log-baseline", "info"),
        ("bmc-log-entry", "warning"),
        ("bmc-log-entry", "info"),
    ]
    assert (told[0]["entries"], told[1]["text"]) == (30, "PSU 2: failure detected")
    assert {(line["bmc"], line["host"]) for line in told} == {("host", "node17")}
    assert [line["event"] for line in told].count("bmc-log-entry") == 22
    assert told[-1]["event"] == "bmc-log-entries-not-shown"
    assert told[-1]["entries"] == 5


def test_silence_is_told_at_its_first_and_its_end(bench: Bench) -> None:
    """In between the log's own limit holds the lines back."""
    with capture_logs() as lines:
        bench.clock.pass_seconds(60)
        bench.fail()
        bench.clock.pass_seconds(30)
        bench.fail()
        bench.poll(40.0)
        bench.poll()

    told = [(line["event"], line.get("limit_by"), line.get("after_seconds")) for line in lines]
    assert told == [
        ("bmc-not-answering", ("bmc", "trouble"), None),
        ("bmc-not-answering", ("bmc", "trouble"), None),
        ("bmc-answers-again", ("bmc",), 70),
    ]


def test_what_happens_to_a_bmc_is_told_with_its_name(bench: Bench) -> None:
    """Loudly where somebody should look."""
    with capture_logs() as lines:
        bench.bmc.clear()
        bench.poll()
        bench.poll(identity=Controller(firmware="1.80").sweep(bench.clock.now()).identity)

    told = [(line["event"], line["log_level"], line["bmc"]) for line in lines]
    assert told == [("log-cleared", "warning", "host"), ("bmc-changed", "info", "host")]


def test_an_entry_that_was_told_before_is_known_to_be(bench: Bench) -> None:
    """Also when that was in the baseline, and over a restart; another part's is another one."""
    memory = {"topic": LogTopic.MEMORY, "sensor": "memory", "sensor_key": "memory"}
    bench.bmc.write(bench.clock.wall)
    bench.bmc.write(bench.clock.wall, text="ECC error of DIMM 3", **memory)
    bench.bmc.write(bench.clock.wall, text="ECC error of DIMM 4", **memory)
    bench.poll()
    before = [one.again for one in bench.view().entries]
    bench.restart()
    bench.bmc.write(bench.clock.wall, text="ECC error of DIMM 3", **memory)
    bench.poll()

    assert before == [False, False, True]
    assert [one.again for one in bench.view().entries] == [True, False, False, True]
    assert [one.again for one in bench.state().entries] == [True, False, False, True, False]
