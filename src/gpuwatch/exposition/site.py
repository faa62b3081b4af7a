"""Site: which path answers what; every answer comes from the snapshot of the moment."""

from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import Protocol

from gpuwatch.domain.snapshot import Snapshot
from gpuwatch.exposition.answers import (
    HTML,
    JSON,
    json_bytes,
    kept,
    not_found,
    page_answer,
    sent,
    standing_still,
    wants_openmetrics,
)
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
from gpuwatch.exposition.figures import Figures
from gpuwatch.exposition.flag_page import flag_page
from gpuwatch.exposition.flags_page import flags_page
from gpuwatch.exposition.gpu_documents import gpu_document
from gpuwatch.exposition.gpu_plots import DEFAULT_SPAN, SPANS, plots_section
from gpuwatch.exposition.messages import Later, Request, Response, plain
from gpuwatch.exposition.metrics import (
    CONTENT_TYPE_OPENMETRICS,
    CONTENT_TYPE_PLAIN_0_0_4,
    MetricsRenderer,
    encoded,
)
from gpuwatch.exposition.page import status_page
from gpuwatch.exposition.readiness import readiness
from gpuwatch.exposition.renderings import Renderings
from gpuwatch.exposition.runbook_pages import runbook_page, runbooks_page
from gpuwatch.exposition.runbooks import PATH as RUNBOOKS
from gpuwatch.exposition.runbooks import runbook_of
from gpuwatch.exposition.views import flag_by_number, gpu_by_uuid
from gpuwatch.exposition.window_documents import plan_document

FIGURE_SECONDS = 3.0  # a disk that takes longer gives a page without plots
STALLED_SECONDS = 30.0  # the loop beats every second or so; after this long it is stuck

_Route = Callable[[Request], Response]
_OneOfMany = Callable[[Request, str], Response | Later | None]  # None where nothing has that name


class _PageOf(Protocol):
    """A page of the whole host, with a warning when the agent has stood still for so long."""

    def __call__(self, snapshot: Snapshot, stalled_seconds: float | None = None, /) -> bytes: ...


_FOR_PROGRAMS = ("/metrics", "/healthz", "/readyz", "/api/")
_EXPLAIN = "/explain"
_NO_GPU = "no GPU of this host has that UUID; / lists them"
_NO_SPAN = f"span is one of {', '.join(SPANS)}"
_NO_BMC = "no BMC has that name in the settings; / lists them"
_NO_FLAG = "no flag of this host has that number; /flags lists them"
_NO_RUNBOOK = f"no runbook has that code; {RUNBOOKS} lists them"
_NAMED = (
    "/gpu/UUID",
    "/bmc/NAME",
    "/flag/NUMBER",
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


class Site:
    """Answers requests from the current snapshot; `heartbeat_age` is that of the loop, in seconds.

    `current` may be asked from any thread and must not block; `compat` are the exporters whose
    names are offered, `figures` the plots of GPUs, None where no history is kept.
    """

    def __init__(
        self,
        current: Callable[[], Snapshot],
        *,
        heartbeat_age: Callable[[], float],
        vocabulary: Vocabulary,
        compat: tuple[CompatTable, ...] = (),
        figures: Figures | None = None,
    ) -> None:
        self._current = current
        self._heartbeat_age = heartbeat_age
        self._renderings = Renderings(current)
        self._metrics_renderer = MetricsRenderer(vocabulary)
        self._compat_tables = compat
        self._figures = figures
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
            ("/flag/", self._flag_page, _NO_FLAG),
            (RUNBOOKS, self._runbook_page, _NO_RUNBOOK),
            ("/api/v1/gpus/", self._gpu_document, _NO_GPU),
            ("/api/v1/bmcs/", self._bmc_document, _NO_BMC),
        )

    def answer(self, request: Request) -> Response | Later:
        """The answer to one request; unknown paths get a 404 that names the known ones.

        While the loop stands still, what programs read is refused: a verdict that nobody renews
        would look like the present to them. Pages are shown with a warning.
        """
        stalled = self._stalled_seconds()
        if stalled is not None and request.path.startswith(_FOR_PROGRAMS):
            return standing_still(request, stalled)
        route = self._routes.get(request.path)
        if route is not None:
            return route(request)
        for prefix, one, otherwise in self._each:
            if request.path.startswith(prefix):
                answer = one(request, request.path.removeprefix(prefix))
                return answer or not_found(request, otherwise)
        known = ", ".join((*sorted(self._routes), *_NAMED))
        return not_found(request, f"there is nothing here; there is something at {known}")

    def _metrics(self, request: Request) -> Response:
        names = frozenset(request.query.get("name[]", ()))
        if wants_openmetrics(request):
            content_type, render = CONTENT_TYPE_OPENMETRICS, self._metrics_renderer.openmetrics
        else:
            content_type, render = CONTENT_TYPE_PLAIN_0_0_4, self._metrics_renderer.text
        if names:
            return sent(request, content_type, render(self._current(), names))
        return kept(request, content_type, self._renderings.get(content_type, render))

    def _compat(self, request: Request) -> Response:
        if not self._compat_tables:
            settings = ", ".join(f"{table.setting} = true" for table in TABLES)
            return not_found(request, f"names of other exporters are switched off ({settings})")
        target = next(iter(request.query.get("target", ())), "")
        families = compat_families(self._compat_tables, self._current(), target)
        if families is None:
            return not_found(request, "no BMC that is asked by IPMI goes by that target")
        openmetrics = wants_openmetrics(request)
        content_type = CONTENT_TYPE_OPENMETRICS if openmetrics else CONTENT_TYPE_PLAIN_0_0_4
        return sent(request, content_type, encoded(families, openmetrics=openmetrics))

    def _document(self, request: Request) -> Response:
        build = _DOCUMENTS[request.path]
        rendering = self._renderings.get(request.path, lambda snapshot: json_bytes(build(snapshot)))
        return kept(request, JSON, rendering)

    def _gpu_document(self, request: Request, name: str) -> Response | None:
        snapshot = self._current()
        gpu = gpu_by_uuid(snapshot, name.removesuffix(_EXPLAIN))
        if gpu is None:
            return None
        explained = name.endswith(_EXPLAIN)
        document = explanation(snapshot, gpu) if explained else gpu_document(snapshot, gpu)
        return sent(request, JSON, json_bytes(document))

    def _bmc_document(self, request: Request, name: str) -> Response | None:
        snapshot = self._current()
        bmc = bmc_by_name(snapshot, name)
        if bmc is None:
            return None
        return sent(request, JSON, json_bytes(bmc_document(snapshot, bmc)))

    def _status_page(self, request: Request) -> Response:
        return self._kept_page(request, status_page)

    def _flags_page(self, request: Request) -> Response:
        return self._kept_page(request, flags_page)

    def _runbooks_page(self, request: Request) -> Response:
        page = runbooks_page(self._current(), self._stalled_seconds())
        return page_answer(sent(request, HTML, page))

    def _runbook_page(self, request: Request, code: str) -> Response | None:
        one = runbook_of(code)
        if one is None:
            return None
        page = runbook_page(self._current(), one, self._stalled_seconds())
        return page_answer(sent(request, HTML, page))

    def _kept_page(self, request: Request, page: _PageOf) -> Response:
        stalled = self._stalled_seconds()
        if stalled is not None:
            return page_answer(sent(request, HTML, page(self._current(), stalled)))
        return page_answer(kept(request, HTML, self._renderings.get(request.path, page)))

    def _gpu_page(self, request: Request, uuid: str) -> Response | Later | None:
        snapshot = self._current()
        gpu = gpu_by_uuid(snapshot, uuid)
        if gpu is None:
            return None
        span = SPANS.get(request.query.get("span", (DEFAULT_SPAN.name,))[0])
        if span is None:
            return plain(HTTPStatus.BAD_REQUEST, _NO_SPAN)
        ready = None if self._figures is None else self._figures.ask(snapshot, gpu, span)

        def answer() -> Response:
            figures = self._figures
            plots = None if figures is None else plots_section(span, figures.get(gpu, span))
            return page_answer(
                sent(request, HTML, gpu_page(snapshot, gpu, self._stalled_seconds(), plots))
            )

        if ready is None:
            return answer()
        return Later(ready=ready, seconds=FIGURE_SECONDS, answer=answer)

    def _bmc_page(self, request: Request, name: str) -> Response | None:
        snapshot = self._current()
        bmc = bmc_by_name(snapshot, name)
        if bmc is None:
            return None
        return page_answer(sent(request, HTML, bmc_page(snapshot, bmc, self._stalled_seconds())))

    def _flag_page(self, request: Request, number: str) -> Response | None:
        snapshot = self._current()
        flag = flag_by_number(snapshot, number)
        if flag is None:
            return None
        return page_answer(sent(request, HTML, flag_page(snapshot, flag, self._stalled_seconds())))

    def _healthz(self, _request: Request) -> Response:
        return plain(HTTPStatus.OK, "ok")

    def _readyz(self, _request: Request) -> Response:
        report = readiness(self._current())
        status = HTTPStatus.OK if report["ready"] else HTTPStatus.SERVICE_UNAVAILABLE
        return Response(body=json_bytes(report), content_type=JSON, status=status)

    def _stalled_seconds(self) -> float | None:
        age = self._heartbeat_age()
        return age if age > STALLED_SECONDS else None
