"""Web: what a polite scrape takes beside every kind of hostile client, and what they make us hold.

A real agent of eight simulated GPUs, by plain HTTP and then by TLS with a password; the hostile
client is a process of its own at another address, and does not stop while scrapes are measured.

    python -m bench web
"""

import base64
import math
import statistics
import tempfile
import time
from collections.abc import Callable
from http import HTTPStatus
from http.client import HTTPConnection, HTTPSConnection
from pathlib import Path

from bench import agents
from bench.agents import Agent
from bench.processes import size
from bench.table import Row
from tests.support.guarded import PASSWORD, SERVER, Guarded, users
from tests.support.hostile import KINDS, TLS_KINDS, besieged

SCRAPES = 60
PAUSE_SECONDS = 0.02
MORE_MILLISECONDS = 100.0  # than alone
# From the second siege by all kinds to the third: what a full house of TLS connections holds, which
# the allocator may keep or not.
GROWTH_MIB = 20.0
CADENCE_SECONDS = 10.0
_MIB = 1024 * 1024
_PATIENCE_SECONDS = 30.0
_SETTLING_SECONDS = 1.0
_PLAIN = "http_server_config:\n  http2: false\n"
_USER = base64.b64encode(f"prom:{PASSWORD}".encode()).decode()
Connect = Callable[[int], HTTPConnection]


def run() -> tuple[Row, ...]:
    """The rows of plain HTTP, then those of TLS with a password, at one agent."""
    with tempfile.TemporaryDirectory() as directory:
        place = Path(directory)
        guarded = Guarded.make(place / "web")
        options = (f"web.config_file={guarded.write(_PLAIN)}",)
        with (
            agents.simulated(place) as server,
            agents.running(
                server, fast_seconds=CADENCE_SECONDS, slow="1m", rare="5m", options=options
            ) as agent,
        ):
            rows = _besieged(agent, "HTTP", tuple(KINDS), _plain)
            guarded.write(SERVER + users("prom"))
            context = guarded.context()

            def by_tls(port: int) -> HTTPConnection:
                return HTTPSConnection(
                    "localhost", port, timeout=_PATIENCE_SECONDS, context=context
                )

            _until_it_speaks(by_tls, agent.ports[0])
            return rows + _besieged(agent, "TLS", tuple(TLS_KINDS), by_tls)


def _plain(port: int) -> HTTPConnection:
    return HTTPConnection("127.0.0.1", port, timeout=_PATIENCE_SECONDS)


def _until_it_speaks(connect: Connect, port: int) -> None:
    """Wait until the file that was written is in force."""
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while True:
        try:
            _scrape(connect, port)
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.2)
        else:
            return


def _besieged(agent: Agent, name: str, kinds: tuple[str, ...], connect: Connect) -> tuple[Row, ...]:
    port = agent.ports[0]
    descriptors = size((agent.process.pid,)).descriptors
    alone = _quantiles(connect, port)
    beside = []
    for kind in kinds:
        with besieged(kind, port):
            beside.append(_quantiles(connect, port))
    held = [_held_after(agent, kinds, connect, descriptors) for _ in range(2)]
    growth = (held[1] - held[0]) / _MIB
    return (
        Row(f"{name}: alone, p50 and p99", f"{alone[0]:.1f} and {alone[1]:.1f} ms"),
        *(
            row
            for kind, (half, most) in zip(kinds, beside, strict=True)
            for row in (
                Row(f"{name}: beside '{kind}', p50 and p99", f"{half:.1f} and {most:.1f} ms"),
                Row.at_most(
                    f"{name}: beside '{kind}', p99 more than alone",
                    max(most - alone[1], 0.0),
                    MORE_MILLISECONDS,
                    "ms",
                ),
            )
        ),
        Row.at_most(f"{name}: memory, more after one more siege", growth, GROWTH_MIB, "MiB"),
    )


def _held_after(agent: Agent, kinds: tuple[str, ...], connect: Connect, descriptors: int) -> int:
    """Bytes that the agent itself holds after a siege, once what was open has been given back."""
    for kind in kinds:
        with besieged(kind, agent.ports[0]):
            _scrape(connect, agent.ports[0])
            time.sleep(_SETTLING_SECONDS)
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while size((agent.process.pid,)).descriptors > descriptors and time.monotonic() < deadline:
        time.sleep(_SETTLING_SECONDS / 4)
    return size((agent.process.pid,)).uss


def _quantiles(connect: Connect, port: int) -> tuple[float, float]:
    """The median and the 99th percentile of scrapes, each on its own connection, in ms."""
    taken = []
    for _ in range(SCRAPES):
        began = time.perf_counter()
        _scrape(connect, port)
        taken.append((time.perf_counter() - began) * 1_000)
        time.sleep(PAUSE_SECONDS)
    taken.sort()
    return statistics.median(taken), taken[math.ceil(0.99 * len(taken)) - 1]


def _scrape(connect: Connect, port: int) -> None:
    connection = connect(port)
    try:
        headers = {"Authorization": f"Basic {_USER}", "Accept-Encoding": "gzip"}
        connection.request("GET", "/metrics", headers=headers)
        response = connection.getresponse()
        if response.status != HTTPStatus.OK or not response.read():
            raise OSError(f"a polite scrape was answered {response.status}")
    finally:
        connection.close()
