"""What the service manager is told, over real notify sockets."""

import os
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from gpuwatch.agent.systemd import READY_WITHIN_SECONDS, Notifier

MORE_TIME = "EXTEND_TIMEOUT_USEC=30000000"


class Hand:
    """A monotonic clock that a test moves."""

    def __init__(self) -> None:
        self.seconds = 1000.0

    def __call__(self) -> float:
        """The present second."""
        return self.seconds


class Manager:
    """A service manager's end of the socket."""

    def __init__(self, address: str, name: str) -> None:
        self.name = name
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK)
        self._socket.bind(address)

    def heard(self) -> list[str]:
        """Every datagram since the last look, its lines joined by a space."""
        told = []
        while True:
            try:
                told.append(self._socket.recv(4096).decode().replace("\n", " "))
            except BlockingIOError:
                return told

    def fill(self) -> None:
        """Send until nothing goes in any more."""
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK) as other:
            while True:
                try:
                    other.sendto(b"x", self._socket.getsockname())
                except BlockingIOError:
                    return

    def close(self) -> None:
        """Stop listening."""
        self._socket.close()


@pytest.fixture
def manager(tmp_path: Path) -> Iterator[Manager]:
    """A manager on a path."""
    listening = Manager(str(tmp_path / "notify"), str(tmp_path / "notify"))
    yield listening
    listening.close()


def _watched(manager: Manager, clock: Hand, **more: str) -> Notifier:
    environment = {"NOTIFY_SOCKET": manager.name, "WATCHDOG_USEC": "60000000"}
    return Notifier(environment | more, clock)


def test_the_start_is_over_when_the_loop_knows_how_the_gpus_are(manager: Manager) -> None:
    """Until then more time is asked for at every turn; afterwards only the watchdog is fed."""
    clock = Hand()
    notifier = _watched(manager, clock)

    for knows in (False, True, True):
        notifier.turned(knows=knows)
        clock.seconds += 20.0

    assert manager.heard() == [MORE_TIME, "WATCHDOG=1", "READY=1", "WATCHDOG=1", "WATCHDOG=1"]


def test_a_start_without_an_answer_is_over_all_the_same(manager: Manager) -> None:
    """The pages and the kernel log are there, and other services wait."""
    clock = Hand()
    notifier = _watched(manager, clock)
    clock.seconds += READY_WITHIN_SECONDS

    notifier.turned(knows=False)

    assert manager.heard()[0] == "READY=1"


def test_the_watchdog_is_fed_four_times_an_interval(manager: Manager) -> None:
    """And not at every turn: there may be many."""
    clock = Hand()
    notifier = _watched(manager, clock)

    for _ in range(60):
        notifier.turned(knows=True)
        clock.seconds += 1.0

    assert manager.heard().count("WATCHDOG=1") == 4


def test_a_loop_that_does_not_turn_feeds_nothing(manager: Manager) -> None:
    """No thread of its own does, and no word but that of a turn."""
    clock = Hand()
    notifier = _watched(manager, clock)

    notifier.status("watching 8 GPUs")
    notifier.starting("opening the history", 60.0)
    notifier.stopping()

    assert "WATCHDOG=1" not in " ".join(manager.heard())


def test_the_watchdog_of_another_process_is_not_fed(manager: Manager) -> None:
    """WATCHDOG_PID names whom it is for."""
    notifier = _watched(manager, Hand(), WATCHDOG_PID="1")

    notifier.turned(knows=True)

    assert manager.heard() == ["READY=1"]


def test_a_manager_in_the_abstract_namespace_is_found() -> None:
    """Its address begins with an @ that stands for a zero byte."""
    name = f"gpuwatch-test-{os.getpid()}"
    manager = Manager(f"\0{name}", f"@{name}")

    arrived = Notifier({"NOTIFY_SOCKET": manager.name}).tell("STOPPING=1")

    assert (arrived, manager.heard()) == (True, ["STOPPING=1"])
    manager.close()


def test_a_socket_that_is_full_is_told_again_and_never_waited_for(manager: Manager) -> None:
    """A start whose end is not heard would be taken for a failed one."""
    notifier = _watched(manager, Hand())
    manager.fill()
    notifier.turned(knows=True)
    manager.heard()

    notifier.turned(knows=True)

    assert manager.heard() == ["READY=1", "WATCHDOG=1"]


def test_a_socket_that_is_gone_is_no_reason_to_fail(tmp_path: Path) -> None:
    """The manager may be replaced while we run."""
    notifier = Notifier({"NOTIFY_SOCKET": str(tmp_path / "nothing")})

    arrived = notifier.tell("READY=1")

    assert not arrived


def test_without_a_manager_nothing_is_told() -> None:
    """Started by hand."""
    notifier = Notifier({})

    notifier.turned(knows=True)

    assert notifier.tell("READY=1")


def test_a_status_is_told_when_it_changes(manager: Manager) -> None:
    """One line for people, in `systemctl status`."""
    notifier = _watched(manager, Hand())

    for text in ("watching 8 GPUs", "watching 8 GPUs", "watching 7 GPUs"):
        notifier.status(text)

    assert manager.heard() == ["STATUS=watching 8 GPUs", "STATUS=watching 7 GPUs"]


def test_a_slow_step_of_the_start_asks_for_its_time(manager: Manager) -> None:
    """In microseconds, and in words."""
    _watched(manager, Hand()).starting("opening the history", 600.0)

    assert manager.heard() == ["STATUS=opening the history EXTEND_TIMEOUT_USEC=600000000"]


def test_a_reload_is_told_with_its_time_and_its_end(manager: Manager) -> None:
    """CLOCK_MONOTONIC in microseconds, by which systemd tells it from an older READY=1."""
    notifier = _watched(manager, Hand())
    notifier.turned(knows=True)
    manager.heard()

    with notifier.reloading():
        began = manager.heard()

    assert began[0].startswith("RELOADING=1 MONOTONIC_USEC=")
    assert manager.heard() == ["READY=1"]


def test_a_reload_while_it_starts_does_not_end_the_start(manager: Manager) -> None:
    """READY=1 would."""
    notifier = _watched(manager, Hand())

    with notifier.reloading():
        pass

    assert manager.heard() == []


def test_no_child_inherits_the_words_of_the_service_manager() -> None:
    """They are taken out of the environment that children get."""
    environment = {
        "NOTIFY_SOCKET": "/run/systemd/notify",
        "WATCHDOG_USEC": "60000000",
        "WATCHDOG_PID": "1",
        "LANG": "C",
    }

    Notifier(environment)

    assert environment == {"LANG": "C"}
