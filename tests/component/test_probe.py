"""The child-process harness against a real child that misbehaves on command."""

import json
import os
import signal
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from gpuwatch.sources import wire
from gpuwatch.sources.probe import Probe, ProbeFailed
from gpuwatch.sources.probe_end import Endings, EndOrder, end
from gpuwatch.sources.probe_wait import Wake, wait
from tests.support.patience import eventually
from tests.support.unkillable import unkillable

FAKE = Path(__file__).parent.parent / "support" / "fake_probe.py"
WORLD = {"driver": "580.95.05", "nvml": "13.580", "cuda": 13000, "table": "t", "gpus": []}
QUICK = EndOrder(input_seconds=0.3, terminate_seconds=0.3, kill_seconds=0.5)


@pytest.fixture(name="script")
def _script(tmp_path: Path) -> Path:
    script = tmp_path / "script.json"
    script.write_text(json.dumps(WORLD))
    return script


@pytest.fixture(name="logged")
def _logged() -> list[str]:
    return []


@pytest.fixture(name="probe")
def _probe(script: Path, logged: list[str]) -> Iterator[Probe]:
    probe = _start(script, logged)
    yield probe
    end(probe, QUICK)


def _start(script: Path, logged: list[str]) -> Probe:
    probe = Probe(
        [sys.executable, str(FAKE), "--script", str(script)],
        log=logged.append,
        environment={"GPUWATCH_EXTRA": "1"},
        progress=True,
    )
    ready = probe.receive(time.monotonic() + 30)
    assert ready is not None
    assert ready["say"] == "ready"
    return probe


def _ask(probe: Probe, how: str, seconds: float = 30.0) -> dict[str, object] | None:
    probe.send({"ask": "misbehave", "how": how})
    return probe.receive(time.monotonic() + seconds)


def _descriptors() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


def test_a_child_answers_what_it_is_asked(probe: Probe) -> None:
    """A question goes in on a line, the answers come out on lines."""
    probe.send({"ask": "inventory", "id": 5, "devices": None})

    assert probe.receive(time.monotonic() + 30) == {"say": "done", "id": 5, "count": 0}


def test_a_line_may_come_in_pieces(probe: Probe) -> None:
    """A message is whole when its line ends, however the pipe cuts it."""
    assert _ask(probe, "half") == {"say": "half"}


def test_silence_ends_at_the_deadline(probe: Probe) -> None:
    """No answer by the deadline is None; the child is still there to be described and ended."""
    assert _ask(probe, "silence", 0.2) is None
    assert probe.exit_status() is None


@pytest.mark.parametrize(
    ("how", "text"),
    [
        ("garbage", "no message"),
        ("a list", "JSON object, not list"),
        ("deep", "no message"),
        ("long", f"more than {wire.LIMIT} bytes"),
        ("exit", "exited with status 3"),
        ("abort", "ended by SIGABRT"),
        ("close output", "closed its output"),
    ],
)
def test_a_child_that_breaks_the_protocol_has_failed(probe: Probe, how: str, text: str) -> None:
    """Garbage, a line without end, an exit: each is told in words, and again when asked again."""
    with pytest.raises(ProbeFailed, match=text):
        _ask(probe, how)

    with pytest.raises(ProbeFailed, match=text):
        probe.receive(time.monotonic() + 30)


def test_a_child_that_cannot_start_has_failed() -> None:
    """A missing interpreter is told with its path, and leaks nothing."""
    before = _descriptors()

    with pytest.raises(ProbeFailed, match="/nonexistent/python: No such file"):
        Probe(["/nonexistent/python"], log=print, progress=True)

    assert _descriptors() == before


def test_a_child_that_does_not_read_has_failed(probe: Probe) -> None:
    """Asking never blocks: a full pipe is a failure of the child."""
    probe.send({"ask": "misbehave", "how": "silence"})

    with pytest.raises(ProbeFailed, match="does not read"):
        _fill(probe)


def _fill(probe: Probe) -> None:
    for _ in range(1_000):
        probe.send({"ask": "x" * 4_000})


def test_what_a_child_logs_is_bounded(probe: Probe, logged: list[str]) -> None:
    """Standard error reaches the log shortened, at most 60 lines a minute; the rest is counted."""
    assert _ask(probe, "flood errors") == {"say": "flooded"}

    end(probe, QUICK)

    assert logged[:2] == ["line 0", "line 1"]
    assert len(logged) == 61
    assert "more lines were dropped" in logged[-1]


def test_a_child_gets_its_pipes_and_page_and_nothing_else(
    script: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """No descriptor of the agent and no word of the service manager reaches a child."""
    monkeypatch.setenv("NOTIFY_SOCKET", "/run/systemd/notify")
    monkeypatch.setenv("WATCHDOG_USEC", "30000000")
    with (tmp_path / "precious").open("w") as precious:
        os.set_inheritable(precious.fileno(), True)
        probe = _start(script, [])
        told = _ask(probe, "environment")
        end(probe, QUICK)

    assert told is not None
    names, links = told["names"], told["links"]
    assert isinstance(names, list)
    assert isinstance(links, list)
    assert {"NOTIFY_SOCKET", "WATCHDOG_USEC"}.isdisjoint(names)
    assert "GPUWATCH_EXTRA" in names
    assert sorted({str(link).split(":")[0] for link in links}) == ["/memfd", "pipe"]


def test_end_of_input_ends_a_child_that_listens(probe: Probe) -> None:
    """The first step is enough for a healthy child: it exits by itself, with status 0."""
    assert end(probe)

    assert probe.exit_status() == 0


def test_sigterm_ends_a_child_that_does_not_listen(probe: Probe) -> None:
    """The second step is for a child that sits in a call."""
    _ask(probe, "silence", 0.2)

    assert end(probe, EndOrder(input_seconds=0.2, terminate_seconds=60))
    assert probe.exit_status() == -signal.SIGTERM


def test_sigkill_ends_a_child_that_ignores_sigterm(probe: Probe) -> None:
    """The third step is the last, and comes late."""
    _ask(probe, "stubborn", 0.2)

    assert end(probe, EndOrder(input_seconds=0.2, terminate_seconds=0.2, kill_seconds=60))
    assert probe.exit_status() == -signal.SIGKILL


def test_a_child_that_floods_its_output_is_ended_too(probe: Probe) -> None:
    """What a child still writes is read and dropped, so that it can see the end of its input."""
    for _ in range(3):
        probe.send({"ask": "misbehave", "how": "long"})

    assert end(probe, EndOrder(input_seconds=60))
    assert probe.exit_status() == 0


def test_a_stuck_child_is_described_from_outside(tmp_path: Path, script: Path) -> None:
    """State letter, call, device and kernel function are told without asking the child."""
    with unkillable(tmp_path) as place:
        world = WORLD | {"gpus": [{"pci": "0000:03:00.0", "hang": place.spec}]}
        script.write_text(json.dumps(world))
        probe = _start(script, [])
        probe.send({"ask": "sweep", "id": 1, "cadences": ["fast"], "devices": None})
        assert eventually(lambda: probe.describe_stuck(0.0).state == "D")

        stuck = probe.describe_stuck(94.0)
        place.let_go()
        end(probe, QUICK)

    assert str(stuck).startswith(
        "stuck for 0 s in state D, in nvmlDeviceGetRemappedRows, GPU 0000:03:00.0"
    )
    assert stuck.where


def test_a_child_that_sigkill_cannot_end_is_abandoned_and_reaped_later(
    tmp_path: Path, script: Path
) -> None:
    """Abandoning gives its descriptors back and blocks nobody; when it dies it is reaped."""
    endings = Endings(QUICK)
    before = _descriptors()
    with unkillable(tmp_path) as place:
        script.write_text(json.dumps(WORLD | {"gpus": [{"pci": "p", "hang": place.spec}]}))
        probe = _start(script, [])
        probe.send({"ask": "sweep", "id": 1, "cadences": ["fast"], "devices": None})
        assert eventually(lambda: probe.describe_stuck(0.0).state == "D")

        endings.begin(probe, time.monotonic())
        assert eventually(lambda: endings.advance(time.monotonic()))
        held_while_abandoned = (endings.abandoned, endings.under_way, probe.exit_status())
        place.let_go()
        reaped = eventually(lambda: endings.advance(time.monotonic()) or not endings.abandoned)

    assert held_while_abandoned == (1, 0, None)
    assert reaped
    assert probe.exit_status() == -signal.SIGKILL
    assert _descriptors() == before


def test_an_agent_that_exits_waits_for_no_child(tmp_path: Path, script: Path) -> None:
    """Interpreter exit does not block on an unkillable child, abandoned or not."""
    program = f"""
        import sys, time
        from gpuwatch.sources.probe import Probe
        probe = Probe([sys.executable, {str(FAKE)!r}, "--script", {str(script)!r}], log=print)
        probe.receive(time.monotonic() + 30)
        probe.send({{"ask": "sweep", "id": 1, "cadences": [], "devices": None}})
        while probe.describe_stuck(0.0).state != "D":
            time.sleep(0.01)
        print(probe.pid)
        """
    with unkillable(tmp_path) as place:
        script.write_text(json.dumps(WORLD | {"gpus": [{"pci": "p", "hang": place.spec}]}))

        agent = subprocess.run(
            [sys.executable, "-W", "ignore", "-c", textwrap.dedent(program)],
            timeout=60,
            check=True,
            capture_output=True,
        )

        child_state = Path(f"/proc/{int(agent.stdout)}/stat").read_text().rpartition(")")[2]

    assert child_state.split()[0] == "D"


@pytest.mark.parametrize("how", ["silence", "listening"])
def test_a_child_ends_when_the_agent_is_killed(script: Path, how: str) -> None:
    """After SIGKILL of the agent its child ends, whether it reads its input or sits in a call."""
    program = f"""
        import sys, time
        from gpuwatch.sources.probe import Probe
        probe = Probe([sys.executable, {str(FAKE)!r}, "--script", {str(script)!r}], log=print)
        probe.receive(time.monotonic() + 30)
        if {how!r} == "silence":
            probe.send({{"ask": "misbehave", "how": "silence"}})
        print(probe.pid, flush=True)
        time.sleep(600)
        """
    command = [sys.executable, "-c", textwrap.dedent(program)]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as agent:
        assert agent.stdout is not None
        child = Path(f"/proc/{int(agent.stdout.readline())}")
        agent.kill()

    assert eventually(lambda: not child.exists() or ") Z" in (child / "stat").read_text())


def test_another_thread_ends_a_wait(probe: Probe) -> None:
    """A request of the agent reaches a source that waits for its child."""
    wake = Wake()
    other = threading.Timer(0.05, wake.set)
    other.start()

    woken = wait((probe,), time.monotonic() + 60, wake)
    other.join()
    again = wait((probe,), time.monotonic(), wake)
    wake.close()

    assert (woken, again) == (True, False)


def test_waiting_burns_no_cpu(probe: Probe) -> None:
    """The parent sleeps while the child is silent, also when its log is at an end."""
    probe.send({"ask": "misbehave", "how": "silence"})
    before = time.process_time()

    assert probe.receive(time.monotonic() + 1.0) is None

    assert time.process_time() - before < 0.5


def test_many_children_leave_nothing_behind(script: Path) -> None:
    """Descriptors, threads and zombies are as before after 30 children that came and went."""
    end(_start(script, []), QUICK)
    before = (_descriptors(), threading.active_count(), _children())

    for _ in range(30):
        end(_start(script, []), QUICK)

    assert (_descriptors(), threading.active_count(), _children()) == before


def _children() -> str:
    return Path(f"/proc/self/task/{threading.get_native_id()}/children").read_text()
