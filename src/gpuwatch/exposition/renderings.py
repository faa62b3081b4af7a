"""Renderings: bytes made once per snapshot and kind, compressed once, and kept until the next."""

import gzip
from collections.abc import Callable
from dataclasses import dataclass
from threading import Lock

from gpuwatch.domain.snapshot import Snapshot

# Level 1 takes 0.13 ms for 104 KB where level 9 takes 1.16 ms, for a tenth of the size either way.
GZIP_LEVEL = 1


@dataclass(frozen=True, slots=True)
class Rendering:
    """The same text twice: as it is, and compressed with gzip."""

    body: bytes
    gzipped: bytes


class Renderings:
    """The kept bytes of the current snapshot; safe to ask from any thread.

    `current` gives the snapshot of the moment. A kind is rendered when it is first asked for after
    a change of the snapshot's version, never in vain and never twice.
    """

    def __init__(self, current: Callable[[], Snapshot]) -> None:
        self._current = current
        self._lock = Lock()
        self._version: int | None = None
        self._kept: dict[str, Rendering] = {}

    @property
    def snapshot(self) -> Snapshot:
        """The snapshot of the moment."""
        return self._current()

    def get(self, kind: str, render: Callable[[Snapshot], bytes]) -> Rendering:
        """The bytes of `kind` for the snapshot of the moment, rendered if need be."""
        with self._lock:
            snapshot = self._current()
            if snapshot.version != self._version:
                self._version = snapshot.version
                self._kept.clear()
            kept = self._kept.get(kind)
            if kept is None:
                kept = self._kept[kind] = _rendering(render(snapshot))
            return kept


def _rendering(body: bytes) -> Rendering:
    # Without a time stamp equal texts are equal bytes.
    return Rendering(body, gzip.compress(body, GZIP_LEVEL, mtime=0))
