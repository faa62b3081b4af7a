"""Answers: what is sent for a page, a document, a refusal; compressed for who takes it."""

import gzip
import json
from dataclasses import replace
from http import HTTPStatus

from prometheus_client.exposition import choose_encoder

from gpuwatch.exposition.frame import SECURITY_POLICY
from gpuwatch.exposition.messages import Request, Response, plain
from gpuwatch.exposition.renderings import GZIP_LEVEL, Rendering

JSON = "application/json"
HTML = "text/html; charset=utf-8"


def json_bytes(document: object) -> bytes:
    """A document as it is sent."""
    return json.dumps(document, ensure_ascii=False, allow_nan=False).encode() + b"\n"


def wants_openmetrics(request: Request) -> bool:
    """Whether the client takes OpenMetrics before the older text."""
    accepted = choose_encoder(request.headers.get("accept", ""))[1]
    return accepted.startswith("application/openmetrics-text")


def standing_still(request: Request, seconds: float) -> Response:
    """What programs get while the agent's loop stands still: a refusal with its reason."""
    sentence = f"the agent's loop has not moved for {seconds:.0f} s: what it knows may be old"
    if request.path in ("/healthz", "/metrics", "/metrics/compat"):
        return plain(HTTPStatus.SERVICE_UNAVAILABLE, sentence)
    told: dict[str, object] = {"ready": False} if request.path == "/readyz" else {}
    body = json_bytes(told | {"error": sentence})
    return Response(body=body, content_type=JSON, status=HTTPStatus.SERVICE_UNAVAILABLE)


def not_found(request: Request, sentence: str) -> Response:
    """Nothing of that name: a sentence, in JSON for who asks the API."""
    if request.path.startswith("/api/"):
        body = json_bytes({"error": sentence})
        return Response(body=body, content_type=JSON, status=HTTPStatus.NOT_FOUND)
    return plain(HTTPStatus.NOT_FOUND, sentence)


def kept(request: Request, content_type: str, rendering: Rendering) -> Response:
    """Bytes that are kept in both forms, in the one that the client takes."""
    vary = ("Vary", "Accept, Accept-Encoding")
    if request.accepts_gzip():
        compressed = ("Content-Encoding", "gzip")
        return Response(
            body=rendering.gzipped, content_type=content_type, headers=(vary, compressed)
        )
    return Response(body=rendering.body, content_type=content_type, headers=(vary,))


def sent(request: Request, content_type: str, body: bytes) -> Response:
    """Bytes made for this request, compressed if the client wants."""
    if request.accepts_gzip():
        return kept(request, content_type, Rendering(body, gzip.compress(body, GZIP_LEVEL)))
    return kept(request, content_type, Rendering(body, b""))


def page_answer(response: Response) -> Response:
    """The same as a page of ours, which may have our style and no more."""
    return replace(response, security_policy=SECURITY_POLICY)
