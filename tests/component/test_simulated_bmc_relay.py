"""The bad network before a simulated BMC does to datagrams what it is told."""

import socket
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager

import pytest

from simulator.bmc.relay import Faults, Relay
from tests.support.bmc import MakeBmc, ipmitool
from tests.support.patience import eventually

SECONDS = 5.0


@contextmanager
def echoing() -> Iterator[int]:
    """A port that sends every datagram back."""
    with closing(socket.socket(socket.AF_INET, socket.SOCK_DGRAM)) as listening:
        listening.bind(("127.0.0.1", 0))

        def answer() -> None:
            while (received := listening.recvfrom(4096))[0] != b"end":
                listening.sendto(*received)

        thread = threading.Thread(target=answer)
        thread.start()
        port = int(listening.getsockname()[1])
        yield port
        with closing(socket.socket(socket.AF_INET, socket.SOCK_DGRAM)) as ending:
            ending.sendto(b"end", ("127.0.0.1", port))
        thread.join()


@pytest.fixture
def relay() -> Iterator[Relay]:
    """A relay before a port that echoes."""
    with echoing() as port, Relay(port) as running:
        yield running


@contextmanager
def client(relay: Relay) -> Iterator[socket.socket]:
    """A client's connected socket."""
    with closing(socket.socket(socket.AF_INET, socket.SOCK_DGRAM)) as used:
        used.settimeout(SECONDS)
        used.connect(("127.0.0.1", relay.port))
        yield used


def test_a_good_network_passes_everything(relay: Relay) -> None:
    """There and back, for every client its own."""
    with client(relay) as first, client(relay) as second:
        first.send(b"one")
        second.send(b"two")

        answers = (first.recv(100), second.recv(100))

    assert answers == (b"one", b"two")
    assert relay.counts == {"passed": 4}


def test_a_black_hole_swallows_everything_until_it_is_closed(relay: Relay) -> None:
    """Nothing comes back, and what was swallowed does not come later."""
    with client(relay) as asking:
        relay.faults = Faults(black_hole=True)
        asking.send(b"lost")
        swallowed = eventually(lambda: relay.counts["lost"] == 1)
        relay.faults = Faults()
        asking.send(b"found")

        answer = asking.recv(100)

    assert swallowed
    assert answer == b"found"


def test_loss_takes_its_share(relay: Relay) -> None:
    """Twenty of a hundred, more or less, each way; the seed makes it the same every time."""
    relay.faults = Faults(loss=0.2)
    with client(relay) as asking:
        for _ in range(100):
            asking.send(b"datagram")

        eventually(lambda: relay.counts["passed"] + relay.counts["lost"] > 150)

    assert 20 <= relay.counts["lost"] <= 60


def test_duplicates_and_late_ones_come_again(relay: Relay) -> None:
    """One question, its echo eight times: twice and once late, each way."""
    relay.faults = Faults(duplicates=1.0, late=1.0, late_seconds=0.1)
    with client(relay) as asking:
        asking.send(b"again")

        answers = [asking.recv(100) for _ in range(9)]

    assert answers == [b"again"] * 9


def test_garbage_follows_an_answer(relay: Relay) -> None:
    """Noise of the same length, from the BMC's port."""
    relay.faults = Faults(garbage=1.0)
    with client(relay) as asking:
        asking.send(b"question")

        answer, noise = asking.recv(100), asking.recv(100)

    assert answer == b"question"
    assert (len(noise), noise == answer) == (8, False)


def test_a_datagram_of_our_own_reaches_the_client(relay: Relay) -> None:
    """What a forger on the network would send."""
    with client(relay) as asking:
        asking.send(b"question")
        asking.recv(100)
        relay.inject(b"forged")

        answer = asking.recv(100)

    assert answer == b"forged"


def test_a_tool_works_through_it(make_bmc: MakeBmc) -> None:
    """A whole session, over a network that loses, doubles and delays a little."""
    bmc = make_bmc()

    with Relay(bmc.port) as relay:
        relay.faults = Faults(duplicates=0.2, delay=0.001, jitter=0.002, reorder=0.05)
        seen = ipmitool(bmc, "chassis", "status", port=relay.port)

    assert "System Power         : on" in seen


def test_a_dead_bmc_is_silence_and_not_the_relays_end(make_bmc: MakeBmc) -> None:
    """A closed port behind it makes no error for the client, and it comes back by itself."""
    bmc = make_bmc()

    with Relay(bmc.port) as relay:
        bmc.stop()
        dead = ipmitool(bmc, "-R", "1", "-N", "1", "chassis", "status", port=relay.port)
        bmc.start()
        alive = ipmitool(bmc, "chassis", "status", port=relay.port)

    assert "Unable to establish IPMI v2 / RMCP+ session" in dead
    assert "System Power         : on" in alive
