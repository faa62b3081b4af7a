"""Figures: the plots of GPUs, drawn on a thread of their own and kept for a while.

A page never waits for a disk on the web's thread, and many clients make it no dearer: each GPU and
span is drawn at most once in its time, one at a time, and the thread rests after each.
"""

import time
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass
from queue import SimpleQueue
from threading import Lock, Thread

from gpuwatch.domain.albums import Album
from gpuwatch.domain.devices import BoardKey
from gpuwatch.domain.snapshot import GpuState, Snapshot
from gpuwatch.exposition.gpu_plots import Span, gpu_figure
from gpuwatch.exposition.markup import Markup, tag

_RESTS = 3.0  # times what drawing took, so that nobody makes us draw for more than a quarter
_FORGOTTEN_SECONDS = 900.0  # a page is loaded anew every half minute while somebody looks
_Key = tuple[str, str]


class AlbumError(Exception):
    """Why an album cannot be had, a sentence."""


Read = Callable[[BoardKey, float], Album]
Report = Callable[[str, Exception], None]


@dataclass(frozen=True, slots=True)
class _Job:
    snapshot: Snapshot
    gpu: GpuState
    span: Span
    done: Future[None]


class Figures:
    """The plots of every GPU in every span, as they were drawn last; for any thread.

    `read` gives the album of a board since a Unix second and raises AlbumError; it may block.
    Whatever else goes wrong is told to `report`.
    """

    def __init__(self, read: Read, report: Report) -> None:
        self._read = read
        self._report = report
        self._lock = Lock()
        self._drawn: dict[_Key, tuple[float, Markup]] = {}
        self._asked: dict[_Key, Future[None]] = {}
        self._jobs: SimpleQueue[_Job] = SimpleQueue()
        self._thread: Thread | None = None

    def ask(self, snapshot: Snapshot, gpu: GpuState, span: Span) -> Future[None] | None:
        """See to it that a figure is drawn; when it is, or None where the one kept will do."""
        key = (gpu.record.key.uuid, span.name)
        with self._lock:
            drawn = self._drawn.get(key)
            if drawn is not None and time.monotonic() - drawn[0] < span.kept_seconds:
                return None
            done = self._asked.get(key)
            if done is None:
                done = self._asked[key] = Future()
                self._jobs.put(_Job(snapshot, gpu, span, done))
                self._start()
            return done

    def get(self, gpu: GpuState, span: Span) -> Markup | None:
        """The figure as it was drawn last, however old; None while there is none."""
        with self._lock:
            drawn = self._drawn.get((gpu.record.key.uuid, span.name))
            return None if drawn is None else drawn[1]

    def _start(self) -> None:
        if self._thread is None:  # nobody pays for it who never looks
            self._thread = Thread(target=self._work, name="figures", daemon=True)
            self._thread.start()

    def _work(self) -> None:
        while True:
            job = self._jobs.get()
            began = time.thread_time()
            figure = self._figure(job)
            self._keep(job, figure)
            job.done.set_result(None)
            time.sleep(_RESTS * (time.thread_time() - began))

    def _keep(self, job: _Job, figure: Markup) -> None:
        now = time.monotonic()
        key = (job.gpu.record.key.uuid, job.span.name)
        with self._lock:
            del self._asked[key]
            recent = {
                other: drawn
                for other, drawn in self._drawn.items()
                if now - drawn[0] < _FORGOTTEN_SECONDS
            }
            self._drawn = {**recent, key: (now, figure)}

    def _figure(self, job: _Job) -> Markup:
        since = job.snapshot.at.wall - job.span.seconds
        try:
            album = self._read(job.gpu.record.key, since)
            return gpu_figure(job.snapshot, job.gpu, album, job.span)
        except AlbumError as error:
            return tag("p", f"No plots: {error}.", class_="trouble")
        except Exception as error:  # noqa: BLE001 - one bad plot must not end the thread
            self._report(f"the plots of {job.gpu.record.key}", error)
            return tag("p", "No plots: drawing them failed; see the agent's log.", class_="trouble")
