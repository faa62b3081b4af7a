"""Renderings: made once per change, also when many ask at once."""

import gzip
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from itertools import cycle

from gpuwatch.domain.snapshot import Snapshot
from gpuwatch.exposition.renderings import Renderings
from tests.support.snapshots import rich_snapshot


class Counted:
    """A renderer that remembers which versions it was asked for."""

    def __init__(self) -> None:
        self.versions: list[int] = []

    def __call__(self, snapshot: Snapshot) -> bytes:
        """Render the version as text."""
        self.versions.append(snapshot.version)
        return f"version {snapshot.version}".encode()


def test_equal_versions_are_rendered_once() -> None:
    """A second scrape costs a copy."""
    snapshot = rich_snapshot()
    render = Counted()
    renderings = Renderings(lambda: snapshot)

    first = renderings.get("text", render)
    second = renderings.get("text", render)

    assert first is second
    assert render.versions == [snapshot.version]


def test_kinds_are_kept_apart() -> None:
    """Text and OpenMetrics of one version are two renderings."""
    snapshot = rich_snapshot()
    renderings = Renderings(lambda: snapshot)

    text = renderings.get("text", lambda _: b"text")
    other = renderings.get("openmetrics", lambda _: b"openmetrics")

    assert (text.body, other.body) == (b"text", b"openmetrics")


def test_a_new_version_is_rendered_anew() -> None:
    """And what was kept of the old one is dropped."""
    snapshots = iter([rich_snapshot(), replace(rich_snapshot(), version=4_712)])
    renderings = Renderings(lambda: next(snapshots))
    render = Counted()

    bodies = [renderings.get("text", render).body for _ in range(2)]

    assert bodies == [b"version 4711", b"version 4712"]


def test_the_compressed_bytes_hold_the_same_text() -> None:
    """Compressed once, level 1."""
    snapshot = rich_snapshot()

    rendering = Renderings(lambda: snapshot).get("text", lambda _: b"the same")

    assert gzip.decompress(rendering.gzipped) == b"the same"


def test_many_threads_share_one_rendering() -> None:
    """Sixteen scrapes at once of one version render it once."""
    snapshot = rich_snapshot()
    render = Counted()
    renderings = Renderings(lambda: snapshot)

    with ThreadPoolExecutor(16) as pool:
        bodies = set(pool.map(lambda _: renderings.get("text", render).body, range(64)))

    assert bodies == {b"version 4711"}
    assert render.versions == [4_711]


def test_threads_never_get_the_bytes_of_another_version() -> None:
    """While versions alternate, a body always belongs to a version that was current."""
    versions = cycle([rich_snapshot(), replace(rich_snapshot(), version=4_712)])
    renderings = Renderings(lambda: next(versions))

    with ThreadPoolExecutor(8) as pool:
        bodies = set(pool.map(lambda _: renderings.get("text", Counted()).body, range(200)))

    assert bodies == {b"version 4711", b"version 4712"}
