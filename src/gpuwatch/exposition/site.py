"""Site: which path answers what; every answer comes from the snapshot of the moment."""

import gzip
import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from http import HTTPStatus
from typing import Protocol

from prometheus_client.exposition import choose_encoder

from gpuwatch.domain.snapshot import Snapshot
from gpuwatch.exposition.bmc_documents import bmc_document, bmcs_document
from gpuwatch.exposition.bmc_page import bmc_page
from gpuwatch.exposition.bmc_views import bmc_by_name
from gpuwatch.exposition.compat import TABLES, CompatTable, compat_families
from gpuwatch.exposition.detail import gpu_page
from gpuwatch.exposition.documents import (
    events_document,
    flags_document,
    gpus_document,
    status_document,
)
from gpuwatch.exposition.explanation import explanation
from gpuwatch.exposition.families import Vocabulary
from gpuwatch.exposition.flags_page import flags_page
from gpuwatch.exposition.frame import SECURITY_POLICY
from gpuwatch.exposition.gpu_documents import gpu_document
from gpuwatch.exposition.messages import Request, Response, plain
from gpuwatch.exposition.metrics import (
    CONTENT_TYPE_OPENMETRICS,
    CONTENT_TYPE_PLAIN_0_0_4,
    MetricsRenderer,
    encoded,
)
from gpuwatch.exposition.page import status_page
from gpuwatch.exposition.readiness import readiness
from gpuwatch.exposition.renderings import GZIP_LEVEL, Rendering, Renderings
from gpuwatch.exposition.runbook_pages import runbook_page, runbooks_page
from gpuwatch.exposition.runbooks import PATH as RUNBOOKS
from gpuwatch.exposition.runbooks import runbook_of
from gpuwatch.exposition.views import gpu_by_uuid
from gpuwatch.exposition.window_documents import plan_document

JSON = "application/json"
HTML = "text/html; charset=utf-8"
STALLED_SECONDS = 30.0  # the loop beats every second or so; after this long it is stuck

_Route = Callable[[Request], Response]
_OneOfMany = Callable[[Request, str], Response | None]  # None where nothing has that name


class _PageOf(Protocol):
    """A page of the whole host, with a warning when the agent has stood still for so long."""

    def __call__(self, snapshot: Snapshot, stalled_seconds: float | None = None, /) -> bytes: ...


_FOR_PROGRAMS = ("/metrics", "/healthz", "/readyz", "/api/")
_EXPLAIN = "/explain"
_NO_GPU = "no GPU of this host has that UUID; / lists them"
_NO_BMC = "no BMC has that name in the settings; / lists them"
_NO_RUNBOOK = f"no runbook has that code; {RUNBOOKS} lists them"
_NAMED = (
    "/gpu/UUID",
    "/bmc/NAME",
    f"{RUNBOOKS}CODE",
    "/api/v1/gpus/UUID",
    "/api/v1/gpus/UUID/explain",
    "/api/v1/bmcs/NAME",
)
_DOCUMENTS: Mapping[str, Callable[[Snapshot], object]] = {
    "/api/v1/status": status_document,
    "/api/v1/gpus": lambda snapshot: {"gpus": gpus_document(snapshot)},
    "/api/v1/bmcs": lambda snapshot: {"bmcs": bmcs_document(snapshot)},
    "/api/v1/flags": lambda snapshot: {"flags": flags_document(snapshot)},
    "/api/v1/events": lambda snapshot: {"events": events_document(snapshot)},
    "/api/v1/windows": plan_document,
}


def _json(document: object) -> bytes:
    return json.dumps(document, ensure_ascii=False, allow_nan=False).encode() + b"\n"


class Site:
    """Answers requests from the current snapshot; `heartbeat_age` is that of the loop, in seconds.

    `current` may be asked from any thread and must not block; `compat` are the exporters whose
    names are offered.
    """

    def __init__(
        self,
        current: Callable[[], Snapshot],
        *,
        heartbeat_age: Callable[[], float],
        vocabulary: Vocabulary,
        compat: tuple[CompatTable, ...] = (),
    ) -> None:
        self._current = current
        self._heartbeat_age = heartbeat_age
        self._renderings = Renderings(current)
        self._metrics_renderer = MetricsRenderer(vocabulary)
        self._compat_tables = compat
        self._routes: dict[str, _Route] = {
            "/": self._status_page,
            "/flags": self._flags_page,
            RUNBOOKS: self._runbooks_page,
            RUNBOOKS.rstrip("/"): self._runbooks_page,
            "/metrics": self._metrics,
            "/metrics/compat": self._compat,
            "/healthz": self._healthz,
            "/readyz": self._readyz,
            **dict.fromkeys(_DOCUMENTS, self._document),
        }
        self._each: tuple[tuple[str, _OneOfMany, str], ...] = (
            ("/gpu/", self._gpu_page, _NO_GPU),
            ("/bmc/", self._bmc_page, _NO_BMC),
            (RUNBOOKS, self._runbook_page, _NO_RUNBOOK),
            ("/api/v1/gpus/", self._gpu_document, _NO_GPU),
            ("/api/v1/bmcs/", self._bmc_document, _NO_BMC),
        )

    def answer(self, request: Request) -> Response:
        """The answer to one request; unknown paths get a 404 that names the known ones.

        While the loop stands still, what programs read is refused: a verdict that nobody renews
        would look like the present to them. Pages are shown with a warning.
        """
        stalled = self._stalled_seconds()
        if stalled is not None and request.path.startswith(_FOR_PROGRAMS):
            return _stalled(request, stalled)
        route = self._routes.get(request.path)
        if route is not None:
            return route(request)
        for prefix, one, missing in self._each:
            if request.path.startswith(prefix):
                answer = one(request, request.path.removeprefix(prefix))
                return answer or _missing(request, missing)
        known = ", ".join((*sorted(self._routes), *_NAMED))
        return _missing(request, f"there is nothing here; there is something at {known}")

    def _metrics(self, request: Request) -> Response:
        names = frozenset(request.query.get("name[]", ()))
        if _wants_openmetrics(request):
            content_type, render = CONTENT_TYPE_OPENMETRICS, self._metrics_renderer.openmetrics
        else:
            content_type, render = CONTENT_TYPE_PLAIN_0_0_4, self._metrics_renderer.text
        if names:
            return _sent(request, content_type, render(self._current(), names))
        return _kept(request, content_type, self._renderings.get(content_type, render))

    def _compat(self, request: Request) -> Response:
        if not self._compat_tables:
            settings = ", ".join(f"{table.setting} = true" for table in TABLES)
            return _missing(request, f"names of other exporters are switched off ({settings})")
        target = next(iter(request.query.get("target", ())), "")
        families = compat_families(self._compat_tables, self._current(), target)
        if families is None:
            return _missing(request, "no BMC that is asked by IPMI goes by that target")
        openmetrics = _wants_openmetrics(request)
        content_type = CONTENT_TYPE_OPENMETRICS if openmetrics else CONTENT_TYPE_PLAIN_0_0_4
        return _sent(request, content_type, encoded(families, openmetrics=openmetrics))

    def _document(self, request: Request) -> Response:
        build = _DOCUMENTS[request.path]
        rendering = self._renderings.get(request.path, lambda snapshot: _json(build(snapshot)))
        return _kept(request, JSON, rendering)

    def _gpu_document(self, request: Request, name: str) -> Response | None:
        snapshot = self._current()
        gpu = gpu_by_uuid(snapshot, name.removesuffix(_EXPLAIN))
        if gpu is None:
            return None
        explained = name.endswith(_EXPLAIN)
        document = explanation(snapshot, gpu) if explained else gpu_document(snapshot, gpu)
        return _sent(request, JSON, _json(document))

    def _bmc_document(self, request: Request, name: str) -> Response | None:
        snapshot = self._current()
        bmc = bmc_by_name(snapshot, name)
        if bmc is None:
            return None
        return _sent(request, JSON, _json(bmc_document(snapshot, bmc)))

    def _status_page(self, request: Request) -> Response:
        return self._kept_page(request, status_page)

    def _flags_page(self, request: Request) -> Response:
        return self._kept_page(request, flags_page)

    def _runbooks_page(self, request: Request) -> Response:
        page = runbooks_page(self._current(), self._stalled_seconds())
        return _page(_sent(request, HTML, page))

    def _runbook_page(self, request: Request, code: str) -> Response | None:
        one = runbook_of(code)
        if one is None:
            return None
        page = runbook_page(self._current(), one, self._stalled_seconds())
        return _page(_sent(request, HTML, page))

    def _kept_page(self, request: Request, page: _PageOf) -> Response:
        stalled = self._stalled_seconds()
        if stalled is not None:
            return _page(_sent(request, HTML, page(self._current(), stalled)))
        return _page(_kept(request, HTML, self._renderings.get(request.path, page)))

    def _gpu_page(self, request: Request, uuid: str) -> Response | None:
        snapshot = self._current()
        gpu = gpu_by_uuid(snapshot, uuid)
        if gpu is None:
            return None
        return _page(_sent(request, HTML, gpu_page(snapshot, gpu, self._stalled_seconds())))

    def _bmc_page(self, request: Request, name: str) -> Response | None:
        snapshot = self._current()
        bmc = bmc_by_name(snapshot, name)
        if bmc is None:
            return None
        return _page(_sent(request, HTML, bmc_page(snapshot, bmc, self._stalled_seconds())))

    def _healthz(self, _request: Request) -> Response:
        return plain(HTTPStatus.OK, "ok")

    def _readyz(self, _request: Request) -> Response:
        report = readiness(self._current())
        status = HTTPStatus.OK if report["ready"] else HTTPStatus.SERVICE_UNAVAILABLE
        return Response(body=_json(report), content_type=JSON, status=status)

    def _stalled_seconds(self) -> float | None:
        age = self._heartbeat_age()
        return age if age > STALLED_SECONDS else None


def _wants_openmetrics(request: Request) -> bool:
    accepted = choose_encoder(request.headers.get("accept", ""))[1]
    return accepted.startswith("application/openmetrics-text")


def _stalled(request: Request, seconds: float) -> Response:
    sentence = f"the agent's loop has not moved for {seconds:.0f} s: what it knows may be old"
    if request.path in ("/healthz", "/metrics", "/metrics/compat"):
        return plain(HTTPStatus.SERVICE_UNAVAILABLE, sentence)
    told: dict[str, object] = {"ready": False} if request.path == "/readyz" else {}
    body = _json(told | {"error": sentence})
    return Response(body=body, content_type=JSON, status=HTTPStatus.SERVICE_UNAVAILABLE)


def _missing(request: Request, sentence: str) -> Response:
    if request.path.startswith("/api/"):
        body = _json({"error": sentence})
        return Response(body=body, content_type=JSON, status=HTTPStatus.NOT_FOUND)
    return plain(HTTPStatus.NOT_FOUND, sentence)


def _kept(request: Request, content_type: str, rendering: Rendering) -> Response:
    """Bytes that are kept in both forms, in the one that the client takes."""
    vary = ("Vary", "Accept, Accept-Encoding")
    if request.accepts_gzip():
        compressed = ("Content-Encoding", "gzip")
        return Response(
            body=rendering.gzipped, content_type=content_type, headers=(vary, compressed)
        )
    return Response(body=rendering.body, content_type=content_type, headers=(vary,))


def _sent(request: Request, content_type: str, body: bytes) -> Response:
    """Bytes made for this request, compressed if the client wants."""
    if request.accepts_gzip():
        return _kept(request, content_type, Rendering(body, gzip.compress(body, GZIP_LEVEL)))
    return _kept(request, content_type, Rendering(body, b""))


def _page(response: Response) -> Response:
    return replace(response, security_policy=SECURITY_POLICY)
