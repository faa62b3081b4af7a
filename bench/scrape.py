"""Scrape: kept bytes over HTTP against the same families rendered anew for every scrape.

Both stand behind the same server, on one connection that is kept, with gzip at the same level; the
rendered one goes through a prometheus-client registry and collector as exporters do it.

    python -m bench.scrape
"""

import gzip
import socket
import statistics
import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace
from time import perf_counter

from prometheus_client import CollectorRegistry, Metric
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4, generate_latest
from prometheus_client.registry import Collector

from gpuwatch.domain.snapshot import Snapshot
from gpuwatch.exposition.families import Vocabulary
from gpuwatch.exposition.messages import Request, Response
from gpuwatch.exposition.metrics import metric_families
from gpuwatch.exposition.renderings import GZIP_LEVEL
from gpuwatch.exposition.site import Site
from tests.support.snapshots import ALERTING_XIDS, every_signal, rich_snapshot
from tests.support.web import serving

SCRAPES = 300
TARGET_RATIO = 1 / 3
_GPUS = 8
_VOCABULARY = Vocabulary(alerting_xids=ALERTING_XIDS)
_REQUEST = b"GET /metrics HTTP/1.1\r\nHost: bench\r\nAccept-Encoding: gzip\r\n\r\n"


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table: what was measured, the figure, and what it should be."""

    name: str
    figure: str
    target: str = ""


class _PerScrape(Collector):
    """The same families, made whenever they are asked for."""

    def __init__(self, snapshot: Snapshot) -> None:
        self._snapshot = snapshot

    def collect(self) -> Iterator[Metric]:
        """Every family of the snapshot."""
        return metric_families(self._snapshot, _VOCABULARY)


def full_snapshot() -> Snapshot:
    """Eight GPUs that answer every row of the signal table: more than any real board."""
    snapshot = rich_snapshot()
    gpus = (
        replace(gpu, latest=every_signal(index), present=True, fresh=True)
        for index, gpu in enumerate(snapshot.gpus)
    )
    return replace(snapshot, gpus=tuple(gpus)[:_GPUS])


def run() -> tuple[tuple[Row, ...], bool]:
    """The rows of the table, and whether the target ratio is met."""
    snapshot = full_snapshot()
    registry = CollectorRegistry()
    registry.register(_PerScrape(snapshot))

    def rendered(_request: Request) -> Response:
        return Response(
            body=gzip.compress(generate_latest(registry), GZIP_LEVEL),
            content_type=CONTENT_TYPE_PLAIN_0_0_4,
            headers=(("Content-Encoding", "gzip"),),
        )

    site = Site(lambda: snapshot, heartbeat_age=lambda: 0.0, vocabulary=_VOCABULARY)
    with serving(site.answer) as server, server.connect() as client:
        kept, body = _measure(client)
    with serving(rendered) as server, server.connect() as client:
        per_scrape, other = _measure(client)
    text = gzip.decompress(body)
    if text != gzip.decompress(other):
        raise AssertionError("the two servers did not tell the same")
    ratio = kept / per_scrape
    series = sum(not line.startswith(b"#") for line in text.splitlines())
    rows = (
        Row("series", f"{series}"),
        Row("text", f"{len(text) / 1_000:.0f} kB, gzip {len(body) / 1_000:.0f} kB"),
        Row("scrape of kept bytes, median", f"{kept * 1_000:.2f} ms"),
        Row("scrape rendered by a collector, median", f"{per_scrape * 1_000:.2f} ms"),
        Row("ratio", f"{ratio:.3f}", f"<= {TARGET_RATIO:.3f}"),
    )
    return rows, ratio <= TARGET_RATIO


def _measure(client: socket.socket) -> tuple[float, bytes]:
    """The median seconds of a scrape, and the last body."""
    client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    durations = []
    body = _scrape(client)  # the first one renders
    for _ in range(SCRAPES):
        began = perf_counter()
        body = _scrape(client)
        durations.append(perf_counter() - began)
    return statistics.median(durations), body


def _scrape(client: socket.socket) -> bytes:
    client.sendall(_REQUEST)
    received = bytearray()
    while b"\r\n\r\n" not in received:
        received += client.recv(65_536)
    head, _, body = bytes(received).partition(b"\r\n\r\n")
    length = int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0])
    while len(body) < length:
        body += client.recv(65_536)
    return body


def main() -> int:
    """Print the table; exit status 1 when the ratio is missed."""
    rows, ok = run()
    for row in rows:
        print(f"{row.name:42} {row.figure:>24}  {row.target}")
    return 0 if ok else 1


if __name__ == "__main__":
    sys.exit(main())
