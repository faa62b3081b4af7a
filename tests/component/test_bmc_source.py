"""The source of one BMC against children that answer, fail, hang and cannot be ended."""

import hashlib
import json
import os
import signal
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from gpuwatch.clock import SystemClock
from gpuwatch.domain.bmc import BmcFailure, BmcIdentity, BmcSweep, BmcTrouble
from gpuwatch.domain.bmc_logs import LogBatch
from gpuwatch.domain.moments import Moment
from gpuwatch.sources.bmc_source import BmcSettings, BmcSource
from gpuwatch.sources.probe_end import EndOrder
from tests.support.patience import eventually
from tests.support.unkillable import unkillable

CHILD = Path(__file__).parent.parent / "support" / "fake_bmc.py"
LOG = {"log": "sel", "position": "7"}
TROUBLE = {"reason": "unreachable", "text": "no answer (is the cable in?)"}
NEEDLE = "hunter2-needle"
SILENCE = 4.0  # seconds: a child on a busy machine takes one or two to start

Start = Callable[..., "Listener"]


def _translate(message: Mapping[str, Any], moment: Moment, bmc: str) -> BmcSweep | LogBatch:
    if message["say"] == "log":
        return LogBatch(
            bmc=bmc,
            log=message["log"],
            at=moment,
            entries=(),
            position=message["position"],
            baseline=not message["known"],
        )
    return BmcSweep(
        bmc=bmc,
        at=moment,
        seconds=float(message["seconds"]),
        identity=BmcIdentity(serial=str(message["pid"]), guid=message["password"]),
    )


class Listener:
    """A source and what it has delivered, and the world of its child."""

    def __init__(self, source: BmcSource, script: Path, said: list[str]) -> None:
        self.source = source
        self.script = script
        self.said = said
        self.messages: list[object] = []
        source.start(lambda _name, message: self.messages.append(message))

    @property
    def sweeps(self) -> list[BmcSweep]:
        """The sweeps so far."""
        return [each for each in self.messages if isinstance(each, BmcSweep)]

    @property
    def batches(self) -> list[LogBatch]:
        """What was read of logs so far."""
        return [each for each in self.messages if isinstance(each, LogBatch)]

    @property
    def failures(self) -> list[BmcFailure]:
        """The failures so far."""
        return [each for each in self.messages if isinstance(each, BmcFailure)]

    @property
    def children(self) -> list[int]:
        """The process ids of its children so far."""
        return [int(line.split()[0]) for line in self.journal if line.endswith(" began")]

    @property
    def journal(self) -> list[str]:
        """What its children noted."""
        path = self.script.with_suffix(".journal")
        return path.read_text().splitlines() if path.exists() else []

    def swept(self, count: int) -> bool:
        """Wait for so many sweeps."""
        return eventually(lambda: len(self.sweeps) >= count)

    def failed(self, count: int) -> bool:
        """Wait for so many failures."""
        return eventually(lambda: len(self.failures) >= count)


def _write(script: Path, *ways: str, **world: object) -> None:
    """Put a script in place at once: a child may read it at any time."""
    draft = script.with_suffix(".draft")
    draft.write_text(json.dumps({"ways": ways, **world}))
    draft.replace(script)


@pytest.fixture(name="start")
def _start(tmp_path: Path) -> Iterator[Start]:
    listeners: list[Listener] = []

    def start(
        *ways: str,
        secrets: Mapping[str, object] | None = None,
        positions: Mapping[str, str] | None = None,
        silence_seconds: float = 30.0,
        interval: float = 0.05,
        backoff: tuple[float, ...] = (0.05,),
        start_after: float = 0.0,
        lock_out: float = 0.05,
        **world: object,
    ) -> Listener:
        said: list[str] = []
        script = tmp_path / f"bmc{len(listeners)}.json"
        _write(script, *ways, **world)
        settings = BmcSettings(
            name="host",
            command=(sys.executable, "-I", str(CHILD), str(script)),
            asked={"protocol": "ipmi", "secrets": secrets or {}},
            interval=interval,
            start_after=start_after,
            silence_seconds=silence_seconds,
            backoff=backoff,
            lock_out=lock_out,
            end=EndOrder(0.3, 0.3, 0.3),
        )
        source = BmcSource(
            SystemClock(), settings, _translate, positions=positions or {}, log=said.append
        )
        listeners.append(Listener(source, script, said))
        return listeners[-1]

    yield start
    for listener in listeners:
        listener.source.stop(5.0)


def _hash(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()


def _alive(pid: int) -> bool:
    return Path(f"/proc/{pid}").exists()


def test_a_bmc_is_swept_again_and_again_by_one_child(start: Start) -> None:
    """The source counts what it took, and is up and fresh."""
    listener = start("answer")

    assert listener.swept(3)

    state = listener.source.state()
    assert (state.name, state.up, state.fresh, state.problem) == ("bmc.host", True, True, "")
    assert state.durations_sum >= 0.75
    assert state.durations[-1][1] >= 3
    assert len(listener.children) == 1
    assert listener.failures == []


def test_a_source_that_was_not_swept_yet_is_neither_up_nor_in_trouble(start: Start) -> None:
    """Its turn comes."""
    listener = start("answer", start_after=600.0)

    state = listener.source.state()

    assert (state.up, state.fresh, state.problem, state.last_success) == (False, False, "", None)
    assert listener.children == []


def test_stopping_does_not_wait_for_a_turn_that_is_to_come(start: Start) -> None:
    """Nor starts a child at the last moment."""
    listener = start("answer", start_after=600.0)
    began = time.monotonic()

    listener.source.stop(30.0)

    assert time.monotonic() - began < 20.0
    assert listener.children == []


def test_a_child_logs_out_when_the_source_stops(start: Start) -> None:
    """Also while it waits for its next sweep."""
    listener = start("answer", interval=600.0)
    listener.swept(1)

    listener.source.stop(30.0)

    (pid,) = listener.children
    assert listener.journal[-1] == f"{pid} logged out"
    assert eventually(lambda: not _alive(pid))


def test_a_child_in_the_middle_of_a_sweep_logs_out_too(start: Start) -> None:
    """End of input interrupts it."""
    listener = start("sleep")
    eventually(lambda: any(line.endswith("swept sleep") for line in listener.journal))

    listener.source.stop(30.0)

    assert listener.journal[-1].endswith(" logged out")


def test_a_failure_is_told_at_each_attempt(start: Start) -> None:
    """The child goes on by itself: one process for all attempts."""
    listener = start("trouble", trouble=TROUBLE)

    assert listener.failed(4)

    assert len(listener.children) == 1
    assert listener.failures[0].trouble is BmcTrouble.UNREACHABLE
    assert listener.failures[0].text == TROUBLE["text"]
    assert listener.source.state().problem == TROUBLE["text"]
    assert not listener.source.state().up


def test_a_bmc_that_answers_again_is_said_to(start: Start) -> None:
    """And told about no more."""
    listener = start("trouble", "trouble", "answer", trouble=TROUBLE)

    assert listener.swept(2)

    assert len(listener.failures) == 2
    assert (listener.source.state().up, listener.source.state().problem) == (True, "")


def test_a_child_that_dies_is_replaced(start: Start) -> None:
    """What it was is told, and counted."""
    listener = start("answer", "exit")

    assert eventually(lambda: len(listener.children) >= 3)

    assert listener.failures[0].trouble is BmcTrouble.FAILED
    assert listener.failures[0].text == "its process failed: it exited with status 9"
    assert listener.source.state().restarts >= 2


@pytest.mark.parametrize(
    ("way", "text"),
    [
        ("garbage", "its process failed: it wrote what is no message: Expecting value"),
        ("long", "its process failed: it wrote what is no message: a line of more than"),
    ],
)
def test_a_child_that_says_no_message_is_replaced(start: Start, way: str, text: str) -> None:
    """Whatever wrote that may write anything."""
    listener = start(way)

    assert eventually(lambda: len(listener.children) >= 2)

    assert listener.failures[0].trouble is BmcTrouble.FAILED
    assert listener.failures[0].text.startswith(text)


def test_a_sweep_that_makes_no_sense_is_a_failure_and_the_child_goes_on(start: Start) -> None:
    """A BMC's firmware may say anything; the next sweep is as good as any."""
    listener = start("nonsense")

    assert listener.swept(2)

    assert listener.failures[0].trouble is BmcTrouble.PROTOCOL
    assert listener.failures[0].text.startswith("what it said (sweep) makes no sense: ")
    assert len(listener.children) == 1


@pytest.mark.parametrize("way", ["sleep", "stubborn"])
def test_a_child_that_falls_silent_is_ended_and_replaced(start: Start, way: str) -> None:
    """However it clings to life: SIGKILL comes last."""
    listener = start("answer", way, silence_seconds=SILENCE)

    assert eventually(lambda: len(listener.children) >= 2)

    first = listener.children[0]
    assert eventually(lambda: not _alive(first))
    assert listener.failures[0].trouble is BmcTrouble.TIMED_OUT
    assert "its process says nothing, stuck for 4 s" in listener.failures[0].text
    assert listener.source.state().timeouts >= 1


def test_a_stopped_child_is_ended_and_replaced(start: Start) -> None:
    """SIGSTOP: it hears neither end of input nor SIGTERM."""
    listener = start("answer", interval=0.3, silence_seconds=SILENCE)
    listener.swept(1)

    os.kill(listener.children[0], signal.SIGSTOP)

    assert eventually(lambda: len(listener.children) >= 2)
    assert "in state T" in listener.failures[0].text
    assert eventually(lambda: not _alive(listener.children[0]))


def test_pauses_between_children_grow_and_a_sweep_makes_them_short_again(start: Start) -> None:
    """A process costs more than a question."""
    listener = start("exit", backoff=(0.05, 0.05, 600.0))
    listener.failed(3)

    assert len(listener.children) == 3
    assert listener.source.state().restarts == 2


def test_a_success_makes_the_pauses_short_again(start: Start) -> None:
    """What was before it is forgotten."""
    listener = start("answer", "exit", backoff=(0.05, 600.0))

    assert eventually(lambda: len(listener.children) >= 4)


def test_children_that_nothing_ends_are_counted_and_two_are_enough(
    start: Start, tmp_path: Path
) -> None:
    """No more are started for this BMC, until one of them is gone after all."""
    with unkillable(tmp_path) as place:
        listener = start(place.spec["mode"], path=place.spec["path"], silence_seconds=SILENCE)

        assert eventually(lambda: listener.source.state().unkillable == 2)
        assert eventually(lambda: "no more is started" in listener.failures[-1].text)
        assert len(listener.children) == 2

        _write(listener.script, "answer")
        place.let_go()
        assert listener.swept(1)

    assert eventually(lambda: listener.source.state().unkillable == 0)


def test_stopping_leaves_a_child_that_nothing_ends(start: Start, tmp_path: Path) -> None:
    """In the time that was given, and not later."""
    with unkillable(tmp_path) as place:
        listener = start(place.spec["mode"], path=place.spec["path"])
        eventually(lambda: len(listener.journal) >= 2)
        began = time.monotonic()

        listener.source.stop(2.0)

        assert time.monotonic() - began < 20.0


def test_a_fresh_child_goes_on_where_the_last_one_left(start: Start) -> None:
    """What was delivered is known to it, so that it is no first sight."""
    listener = start("answer", "exit", log=LOG)

    assert eventually(lambda: len(listener.batches) >= 2)

    assert [batch.baseline for batch in listener.batches[:2]] == [True, False]


def test_a_first_child_goes_on_where_an_earlier_agent_left(start: Start) -> None:
    """The stored position is handed to it."""
    listener = start("answer", log=LOG, positions={"sel": "5"})

    assert eventually(lambda: len(listener.batches) >= 1)

    assert not listener.batches[0].baseline


def test_a_rotated_password_is_read_when_the_old_one_is_refused(
    start: Start, tmp_path: Path
) -> None:
    """By a fresh child: the one that was refused made room for it."""
    secret = tmp_path / "bmc.secret"
    secret.touch(mode=0o600)
    secret.write_text("old-password\n")
    refused = {"reason": "password", "text": "password refused"}
    where = {"password": {"file": str(secret)}}
    listener = start("answer", "trouble", secrets=where, trouble=refused)
    listener.swept(1)
    secret.write_text(f"{NEEDLE}\n")

    assert eventually(lambda: listener.sweeps[-1].identity.guid == _hash(NEEDLE))

    assert listener.sweeps[0].identity.guid == _hash("old-password")
    assert listener.failures[0].trouble is BmcTrouble.PASSWORD
    assert any(line.endswith(" logged out") for line in listener.journal)


def test_a_secret_that_others_can_read_keeps_a_bmc_from_being_asked(
    start: Start, tmp_path: Path
) -> None:
    """It is told with the way out, and tried again: somebody makes it right."""
    secret = tmp_path / "bmc.secret"
    secret.write_text(f"{NEEDLE}\n")
    secret.chmod(0o644)

    listener = start("answer", secrets={"password": {"file": str(secret)}})

    assert listener.failed(1)
    assert listener.failures[0].trouble is BmcTrouble.PASSWORD
    assert "mode 644" in listener.failures[0].text
    assert NEEDLE not in repr(listener.messages) + repr(listener.said)
    assert listener.journal == []


def test_no_secret_is_on_a_command_line_or_in_an_environment(start: Start, tmp_path: Path) -> None:
    """Neither of the child nor of the agent, whatever it is asked."""
    secret = tmp_path / "bmc.secret"
    secret.touch(mode=0o600)
    secret.write_text(f"{NEEDLE}\n")
    listener = start("answer", secrets={"password": {"file": str(secret)}})
    listener.swept(1)

    (pid,) = listener.children
    told = b"".join(
        Path(f"/proc/{process}/{name}").read_bytes()
        for process in (pid, os.getpid())
        for name in ("cmdline", "environ")
    )

    assert listener.sweeps[0].identity.guid == _hash(NEEDLE)
    assert NEEDLE.encode() not in told


def test_one_bmc_that_hangs_touches_no_other(start: Start) -> None:
    """Each has a thread, a process and a session of its own."""
    stuck, other = start("sleep", silence_seconds=600.0), start("answer")
    eventually(lambda: len(stuck.journal) >= 2)
    before = len(other.sweeps)

    assert other.swept(before + 5)
    assert stuck.sweeps == []
