"""The NVML source against a real child process that hangs, dies and lies on command."""

import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from gpuwatch.clock import SystemClock
from gpuwatch.domain.events import Event, EventKind, EventSource
from gpuwatch.domain.readings import Gap, GapReason, Sweep
from gpuwatch.domain.signals import Cadence
from gpuwatch.domain.snapshot import SourceState
from gpuwatch.sources.base import DeviceHang, DriverCondition, DriverState, Inventory, Message
from gpuwatch.sources.nvml_agenda import SOON_SECONDS
from gpuwatch.sources.nvml_settings import RetryPlan
from gpuwatch.sources.nvml_source import NvmlSource
from tests.support.fake_world import FakeWorld, Listener
from tests.support.patience import eventually
from tests.support.unkillable import unkillable

SICK = "0000:03:00.0"
SLEEP = {"mode": "sleep"}
EIGHT = {f"GPU-{number}" for number in range(1, 9)}
Start = Callable[..., NvmlSource]


@pytest.fixture(name="world")
def _world(tmp_path: Path) -> FakeWorld:
    return FakeWorld(tmp_path)


@pytest.fixture(name="heard")
def _heard() -> Listener:
    return Listener()


@pytest.fixture(name="start")
def _start(world: FakeWorld, heard: Listener) -> Iterator[Start]:
    started: list[NvmlSource] = []

    def start(**changes: Any) -> NvmlSource:  # noqa: ANN401 - any field of settings
        source = NvmlSource(
            world.settings(**changes), SystemClock(), command=world.command, log=heard.log
        )
        source.start(heard)
        started.append(source)
        return source

    yield start
    for source in started:
        source.stop(4.0)


def _conditions(heard: Listener) -> list[str]:
    return [state.condition for state in heard.all(DriverState)]


def _pids(heard: Listener) -> list[object]:
    return [facts["pid"] for event, facts in heard.logged if event == "probe-started"]


def _descriptors() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


def test_healthy_gpus_are_told_in_order(heard: Listener, start: Start) -> None:
    """The driver's epoch comes first, then who is there, then everything that each one tells."""
    source = start()

    assert eventually(lambda: source.state().fresh)

    driver, inventory = heard.all(DriverState), heard.all(Inventory)
    first = heard.all(Sweep)[:8]
    assert [(state.condition, state.driver_version) for state in driver] == [("ready", "580.95.05")]
    assert [device.board.key.uuid for device in inventory[0].devices] == sorted(EIGHT)
    assert [sweep.board.uuid for sweep in first] == sorted(EIGHT)
    assert {sweep.cadences for sweep in first} == {frozenset(Cadence)}
    assert [sweep.values[0] for sweep in first] == list(range(1, 9))
    assert source.state().up
    assert source.state().problem == ""


def test_seven_gpus_go_on_while_one_hangs(world: FakeWorld, heard: Listener, start: Start) -> None:
    """The sick one is set apart and named; the others are asked by a fresh child."""
    source = start()
    assert eventually(lambda: heard.swept() == EIGHT)
    world.gpu(SICK, hang=SLEEP)
    assert eventually(lambda: heard.all(DeviceHang))
    heard.forget()

    assert eventually(lambda: heard.swept() == EIGHT - {"GPU-3"})
    assert eventually(lambda: source.state().fresh and source.state().up)
    assert set(source.set_apart()) == {SICK}
    assert source.state().problem == f"set apart because they hung: GPU {SICK}"
    assert source.state().timeouts >= 1
    assert source.state().restarts == 1


def test_a_hang_is_confirmed_alone_and_names_the_call(
    world: FakeWorld, heard: Listener, start: Start
) -> None:
    """Told at once as unconfirmed; confirmed after it hung in fresh children asking only it."""
    world.gpu(SICK, hang=SLEEP)
    start()

    assert eventually(lambda: any(hang.confirmed for hang in heard.all(DeviceHang)))

    hangs = heard.all(DeviceHang)
    assert {hang.pci_address for hang in hangs} == {SICK}
    assert {hang.call for hang in hangs} == {"nvmlDeviceGetRemappedRows"}
    assert {hang.state for hang in hangs} == {"S"}
    assert [hang.confirmed for hang in hangs[:3]] == [False, False, True]


def test_a_gpu_that_answers_again_comes_back(
    world: FakeWorld, heard: Listener, start: Start
) -> None:
    """A retry that succeeds brings it back to the others; nobody restarts anything."""
    world.gpu(SICK, hang=SLEEP)
    source = start()
    assert eventually(lambda: heard.all(DeviceHang))
    world.gpu(SICK, hang=None)

    assert eventually(lambda: not source.set_apart())
    heard.forget()
    assert eventually(lambda: heard.swept() == EIGHT)


def test_a_gpu_that_is_set_apart_is_not_told_as_gone(
    world: FakeWorld, heard: Listener, start: Start
) -> None:
    """Not to be asked is not to be gone: the inventory keeps its place."""
    start()
    assert eventually(lambda: heard.swept() == EIGHT)
    world.gpu(SICK, hang=SLEEP)
    assert eventually(lambda: heard.all(DeviceHang))
    heard.forget()

    assert eventually(lambda: heard.all(Inventory))
    assert len(heard.all(Inventory)[0].devices) == 8


def test_a_child_that_cannot_be_killed_stops_nobody(
    world: FakeWorld, heard: Listener, start: Start, tmp_path: Path
) -> None:
    """It is counted and left; the hang is confirmed all the same; no child beyond the limit."""
    with unkillable(tmp_path) as place:
        source = start()
        assert eventually(lambda: heard.swept() == EIGHT)
        world.gpu(SICK, hang=place.spec)
        assert eventually(lambda: source.state().unkillable == 2)
        assert eventually(lambda: any(hang.confirmed for hang in heard.all(DeviceHang)))
        heard.forget()

        assert eventually(lambda: heard.swept() == EIGHT - {"GPU-3"})
        assert source.state().problem.startswith("2 probes cannot be ended")

        world.gpu(SICK, hang=None)
        place.let_go()
        assert eventually(lambda: source.state().unkillable == 0)
        assert eventually(lambda: not source.set_apart())
        assert eventually(lambda: source.state().problem == "")


def test_a_driver_in_which_nobody_answers_hangs_as_a_whole(
    world: FakeWorld, heard: Listener, start: Start
) -> None:
    """When the fresh child for the others hangs too, it is the driver; it is told when it ends."""
    start()
    assert eventually(lambda: heard.swept() == EIGHT)
    world.all(hang_everywhere=SLEEP)
    assert eventually(lambda: _conditions(heard)[-1] == DriverCondition.HUNG)
    assert "nvmlDeviceGetRemappedRows" in heard.all(DriverState)[-1].text
    assert len({hang.pci_address for hang in heard.all(DeviceHang)}) == 1

    world.all(hang_everywhere=None)
    heard.forget()

    assert eventually(lambda: _conditions(heard) == [DriverCondition.READY])
    assert eventually(lambda: heard.swept() == EIGHT)


def test_an_initialisation_that_hangs_twice_is_the_driver(
    world: FakeWorld, heard: Listener, start: Start
) -> None:
    """No GPU can be named when NVML does not even initialise."""
    world.all(hang=SLEEP)

    start(init_deadline=1.0)

    assert eventually(lambda: _conditions(heard)[-1:] == [DriverCondition.HUNG])
    assert heard.all(DeviceHang) == []


def test_two_gpus_that_hang_are_not_taken_for_the_driver(
    world: FakeWorld, heard: Listener, start: Start
) -> None:
    """Six go on, whatever was thought in between."""
    source = start()
    assert eventually(lambda: heard.swept() == EIGHT)
    world.gpu("0000:01:00.0", hang=SLEEP)
    world.gpu("0000:02:00.0", hang=SLEEP)

    assert eventually(lambda: set(source.set_apart()) == {"0000:01:00.0", "0000:02:00.0"})
    heard.forget()
    assert eventually(lambda: heard.swept() == EIGHT - {"GPU-1", "GPU-2"})
    assert eventually(lambda: source.state().up)


def test_a_single_gpu_that_hangs_is_confirmed_too(tmp_path: Path, heard: Listener) -> None:
    """With nobody else to ask, the sick one is asked alone all the same."""
    world = FakeWorld(tmp_path / "one", count=1)
    world.gpu("0000:01:00.0", hang=SLEEP)
    source = NvmlSource(world.settings(), SystemClock(), command=world.command, log=heard.log)
    source.start(heard)

    assert eventually(lambda: any(hang.confirmed for hang in heard.all(DeviceHang)))
    world.gpu("0000:01:00.0", hang=None)
    assert eventually(lambda: source.state().fresh)
    source.stop(4.0)


def test_a_driver_that_appears_later_is_found(
    world: FakeWorld, heard: Listener, start: Start
) -> None:
    """Not loaded at start: told with the GPUs that wait for it, no child is started; then ready."""
    world.unload()
    world.plug("0000:09:00.0", "vfio-pci")
    source = start()
    assert eventually(lambda: heard.all(DriverState))
    absent = heard.all(DriverState)[0]

    world.load("580.95.05")

    assert absent.condition == DriverCondition.NOT_LOADED
    assert absent.pci_functions == tuple(world.addresses)
    assert eventually(lambda: source.state().fresh)
    assert len(_pids(heard)) == 1


def test_a_driver_that_is_upgraded_gets_another_child(
    world: FakeWorld, heard: Listener, start: Start
) -> None:
    """Another load, another token, another child: the old library stays mapped in the old one."""
    start()
    assert eventually(lambda: heard.swept() == EIGHT)
    world.unload()
    assert eventually(lambda: _conditions(heard)[-1] == DriverCondition.NOT_LOADED)
    world.all(driver="590.44.01")
    world.load("590.44.01")

    assert eventually(lambda: len(heard.all(DriverState)) == 3)

    before, _, after = heard.all(DriverState)
    assert (after.condition, after.driver_version) == ("ready", "590.44.01")
    assert before.driver_load != after.driver_load
    assert len(set(_pids(heard))) == 2


def test_a_reload_is_noticed_without_a_gap(world: FakeWorld, heard: Listener, start: Start) -> None:
    """The same version loaded again is another epoch, also when nobody saw it unloaded."""
    start()
    assert eventually(lambda: heard.swept() == EIGHT)

    world.load("580.95.05")

    assert eventually(lambda: len(heard.all(DriverState)) >= 2)
    first, *_, last = heard.all(DriverState)
    assert first.driver_load != last.driver_load


@pytest.mark.parametrize(
    ("fail", "condition", "text"),
    [
        ({"stage": "init", "code": 18, "text": "?", "nvml": "13.590"}, "driver-mismatch", "590"),
        ({"stage": "load", "code": 12, "text": "?"}, "library-missing", "libnvidia-ml"),
        ({"stage": "load", "code": None, "text": "other table"}, "failed", "other table"),
        ({"stage": "init", "code": 9, "text": "?"}, "driver-not-loaded", "/dev/nvidiactl"),
        ({"stage": "init", "code": 999, "text": "odd"}, "failed", "code 999: odd"),
    ],
)
def test_nvml_refuses_and_later_does_not(  # noqa: PLR0917 - a table and four fixtures
    world: FakeWorld,
    heard: Listener,
    start: Start,
    fail: dict[str, object],
    condition: str,
    text: str,
) -> None:
    """Told by code with both versions where known, tried again, and ready when it is mended."""
    world.all(fail=fail)
    source = start()
    assert eventually(lambda: heard.all(DriverState))
    refused = heard.all(DriverState)[0]
    problem_told = eventually(lambda: text in source.state().problem)

    world.all(fail=None)

    assert refused.condition == condition
    assert text in refused.text
    assert refused.driver_version == "580.95.05"
    assert problem_told
    assert eventually(lambda: source.state().fresh)
    assert _conditions(heard) == [condition, "ready"]
    assert source.state().restarts == 0


def test_a_lost_gpu_changes_nothing_for_the_others(
    world: FakeWorld, heard: Listener, start: Start
) -> None:
    """Its values are gaps that say so, the inventory lists it as lost, until it is back."""
    start()
    assert eventually(lambda: heard.swept() == EIGHT)
    world.gpu(SICK, lost=True)

    assert eventually(lambda: heard.all(Inventory)[-1].lost == (SICK,))
    assert len(heard.all(Inventory)[-1].devices) == 7
    gone = [sweep for sweep in heard.all(Sweep) if Gap(GapReason.LOST, 15) in sweep.values]
    assert {sweep.board.uuid for sweep in gone} == {"GPU-3"}
    heard.forget()
    assert eventually(lambda: heard.swept() == EIGHT - {"GPU-3"})

    world.gpu(SICK, lost=False)
    assert eventually(lambda: heard.swept() == EIGHT)
    assert heard.all(Inventory)[-1].lost == ()
    assert len(heard.all(Inventory)[-1].devices) == 8


def test_gpus_leave_and_come(world: FakeWorld, heard: Listener, start: Start) -> None:
    """More or fewer than before is noticed without being told, and told."""
    start()
    assert eventually(lambda: heard.swept() == EIGHT)

    world.unplug(SICK)
    assert eventually(lambda: len(heard.all(Inventory)[-1].devices) == 7)
    assert SICK not in heard.all(Inventory)[-1].pci_functions
    world.add("0000:0a:00.0")
    assert eventually(lambda: len(heard.all(Inventory)[-1].devices) == 8)
    assert eventually(lambda: "GPU-10" in heard.swept())


def test_a_gpu_of_another_driver_is_not_managed(
    world: FakeWorld, heard: Listener, start: Start
) -> None:
    """A function bound to vfio-pci, or to nothing, is listed as such: it is not missing."""
    world.unplug("0000:07:00.0")
    world.unplug("0000:08:00.0")
    world.plug("0000:07:00.0", "vfio-pci")
    world.plug("0000:08:00.0", "")

    start()

    assert eventually(lambda: heard.all(Inventory))
    inventory = heard.all(Inventory)[0]
    assert inventory.unmanaged == (("0000:07:00.0", "vfio-pci"), ("0000:08:00.0", ""))
    assert len(inventory.devices) == 6
    assert inventory.pci_functions == tuple(world.addresses)


def test_the_driver_is_let_go_of_and_taken_up(
    world: FakeWorld, heard: Listener, start: Start
) -> None:
    """While released no child runs and the state says why; resuming waits for a loaded driver."""
    source = start()
    assert eventually(lambda: heard.swept() == EIGHT)
    source.release("driver upgrade", time.time() + 600)
    assert source.asked_release == "driver upgrade"
    assert source.wait_released(30.0)
    assert eventually(lambda: source.state().released)
    assert source.state().released_reason == "driver upgrade"
    assert not source.state().up

    world.unload()
    source.resume()
    assert source.asked_release == ""
    assert eventually(lambda: not source.state().released)
    assert eventually(lambda: "no driver is loaded" in source.state().problem)
    heard.forget()
    world.load("590.44.01")

    assert eventually(lambda: heard.swept() == EIGHT)
    assert len(_pids(heard)) == 2


def test_a_release_expires_by_itself(heard: Listener, start: Start) -> None:
    """Nobody has to remember to resume."""
    source = start()
    assert eventually(lambda: heard.swept() == EIGHT)
    source.release("forgotten", time.time() + 0.5)
    assert source.wait_released(30.0)
    heard.forget()

    assert eventually(lambda: heard.swept() == EIGHT)
    assert not source.state().released
    assert source.asked_release == ""


def test_one_gpu_is_asked_out_of_turn(heard: Listener, start: Start) -> None:
    """What an event makes interesting is asked at once, of that GPU alone."""
    source = start(slow=600.0, rare=600.0)
    assert eventually(lambda: heard.swept() == EIGHT)
    heard.forget()

    source.ask_soon(SICK, frozenset({Cadence.RARE}))

    def asked() -> list[str]:
        return [sweep.board.uuid for sweep in heard.all(Sweep) if Cadence.RARE in sweep.cadences]

    assert eventually(asked)
    assert asked() == ["GPU-3"]


def test_events_are_told_and_make_the_source_look(
    world: FakeWorld, heard: Listener, start: Start
) -> None:
    """An Xid of NVML's becomes an event of that board, and its counters are asked at once."""
    start(slow=600.0, rare=600.0)
    assert eventually(lambda: heard.swept() == EIGHT)
    heard.forget()
    before = time.time()

    world.event(SICK, 8, 79)
    world.event(SICK, 8, 79)
    world.event(SICK, 2, 0)
    world.event(SICK, 0x80, 0)

    assert eventually(lambda: len(heard.all(Event)) == 3)
    xid, again, double_bit = heard.all(Event)
    assert (xid.kind, xid.code, xid.source) == (EventKind.XID, 79, EventSource.NVML)
    assert double_bit.kind == EventKind.DOUBLE_BIT_ERROR
    assert xid.board is not None
    assert (xid.board.uuid, xid.pci_address, xid.uuid) == ("GPU-3", SICK, "GPU-3")
    assert len({xid.identity, again.identity, double_bit.identity}) == 3
    assert before - 1 <= xid.at <= time.time()
    assert eventually(
        lambda: [s.board.uuid for s in heard.all(Sweep) if Cadence.SLOW in s.cadences]
    )


@pytest.mark.parametrize("mode", ["exit", "garbage"])
def test_a_child_that_dies_is_replaced(
    world: FakeWorld, heard: Listener, start: Start, mode: str
) -> None:
    """A crash costs a pause and is counted; the sentence says how the child ended."""
    source = start(respawn=(0.5,))
    assert eventually(lambda: heard.swept() == EIGHT)
    world.gpu(SICK, hang={"mode": mode})
    assert eventually(lambda: "the probe was ended" in source.state().problem)

    world.gpu(SICK, hang=None)
    heard.forget()

    assert eventually(lambda: heard.swept() == EIGHT)
    assert eventually(lambda: source.state().problem == "")
    assert source.state().restarts >= 1


def test_a_gpu_that_crashes_the_library_is_set_apart(
    world: FakeWorld, heard: Listener, start: Start
) -> None:
    """Twice running in a call of the same GPU: the seven others go on without it."""
    source = start()
    assert eventually(lambda: heard.swept() == EIGHT)
    world.gpu(SICK, hang={"mode": "exit"})

    assert eventually(lambda: set(source.set_apart()) == {SICK})
    heard.forget()
    assert eventually(lambda: heard.swept() == EIGHT - {"GPU-3"})
    assert eventually(lambda: any(hang.confirmed for hang in heard.all(DeviceHang)))
    assert {hang.pci_address for hang in heard.all(DeviceHang)} == {SICK}


def test_a_gpu_that_may_not_be_opened_is_told_as_that(
    world: FakeWorld, heard: Listener, start: Start
) -> None:
    """The driver counts it and does not open it for our user: it is neither lost nor hanging."""
    world.gpu(SICK, denied=True)

    source = start()

    assert eventually(lambda: heard.swept() == EIGHT - {"GPU-3"})
    inventory = heard.all(Inventory)[-1]
    assert (inventory.denied, inventory.lost) == ((SICK,), ())
    assert eventually(lambda: f"does not let us open GPU {SICK}" in source.state().problem)
    assert source.state().up


def test_a_storm_of_events_does_not_have_the_gpu_asked_without_a_pause(
    world: FakeWorld, heard: Listener, start: Start
) -> None:
    """Each error is worth a look, and a GPU that reports twenty a second is not asked as often."""
    start()
    assert eventually(lambda: heard.swept() == EIGHT)
    heard.forget()
    began = time.monotonic()
    for _ in range(60):
        world.event(SICK, 8, 31)
        time.sleep(0.05)
    allowed = 2 + (time.monotonic() - began) / SOON_SECONDS

    asked = [sweep.board.uuid for sweep in heard.all(Sweep)]
    out_of_turn = asked.count("GPU-3") - asked.count("GPU-2")

    assert 1 <= out_of_turn <= allowed


def test_a_child_that_is_stopped_is_no_gpus_fault(heard: Listener, start: Start) -> None:
    """A SIGSTOP or a debugger makes the child late: it is replaced, and nobody is set apart."""
    source = start()
    assert eventually(lambda: heard.swept() == EIGHT)
    pid = _pids(heard)[0]
    assert isinstance(pid, int)
    os.kill(pid, signal.SIGSTOP)

    assert eventually(lambda: source.state().restarts == 1)
    heard.forget()
    assert eventually(lambda: heard.swept() == EIGHT)
    assert source.set_apart() == {}
    assert heard.all(DeviceHang) == []


def test_a_child_that_died_and_left_its_output_open_hung_nowhere(
    world: FakeWorld, heard: Listener, start: Start, tmp_path: Path
) -> None:
    """What it started holds the pipe, so nothing says that it is gone: that is no GPU's hang."""
    source = start()
    assert eventually(lambda: heard.swept() == EIGHT)

    world.gpu(SICK, hang={"mode": "heir", "path": str(tmp_path / "died")})

    assert eventually(lambda: source.state().restarts == 1)
    heard.forget()
    assert eventually(lambda: heard.swept() == EIGHT)
    assert source.state().timeouts == 0
    assert heard.all(DeviceHang) == []


def test_a_child_of_another_version_is_not_believed(
    world: FakeWorld, heard: Listener, start: Start
) -> None:
    """Values of another table would land in the wrong rows: none is taken, the way out is told."""
    world.all(table="another")

    source = start()

    assert eventually(lambda: "restart the agent" in source.state().problem)
    assert heard.all(Sweep) == []


def test_a_failure_that_nobody_foresaw_costs_one_start(world: FakeWorld, heard: Listener) -> None:
    """The source says so and starts over; a thread that ended would watch no GPU again."""
    failed: list[Message] = []

    def deliver(name: str, message: Message) -> None:
        if isinstance(message, Inventory) and not failed:
            failed.append(message)
            raise LookupError("a board that nobody foresaw")
        heard(name, message)

    source = NvmlSource(world.settings(), SystemClock(), command=world.command, log=heard.log)
    source.start(deliver)

    try:
        assert eventually(lambda: source.state().fresh)
        assert heard.swept() == EIGHT
        assert "nvml-source-failed" in [event for event, _ in heard.logged]
        assert source.state().problem == ""
    finally:
        source.stop(4.0)


def test_the_agent_stops_beside_a_child_that_cannot_be_killed(
    world: FakeWorld, heard: Listener, start: Start, tmp_path: Path
) -> None:
    """Stopping keeps its time, and the thread is gone."""
    with unkillable(tmp_path) as place:
        source = start(fast_deadline=600.0, slow_deadline=600.0)
        assert eventually(lambda: heard.swept() == EIGHT)
        world.gpu(SICK, hang=place.spec)
        heard.forget()
        assert eventually(lambda: "GPU-2" in heard.swept())

        source.stop(2.0)

        assert "nvml-source" not in {thread.name for thread in threading.enumerate()}


def test_many_hangs_leave_nothing_behind(world: FakeWorld, heard: Listener, start: Start) -> None:
    """Descriptors, threads and children are as before after many children came and went."""
    source = start(retry=RetryPlan(soon=0.05, confirm=1.0, later=(0.05,)), inventory_deadline=0.3)
    assert eventually(lambda: heard.swept() == EIGHT)
    before = (_descriptors(), threading.active_count())
    world.gpu(SICK, hang=SLEEP)
    assert eventually(lambda: source.state().timeouts >= 8, 120)
    world.gpu(SICK, hang=None)

    assert eventually(lambda: not source.set_apart())
    assert eventually(lambda: (_descriptors(), threading.active_count()) == before)


def test_the_state_counts_durations(heard: Listener, start: Start) -> None:
    """Each whole sweep lands in one bucket; the last success is dated by the wall clock."""
    source = start()

    assert eventually(lambda: source.state().durations[-1:] and source.state().durations[-1][1])

    state = source.state()
    assert [bound for bound, _ in state.durations][:2] == [0.005, 0.01]
    assert state.last_success is not None
    assert abs(time.time() - state.last_success) < 60
    assert any(told.last_success for told in heard.all(SourceState))
