"""Messages: an HTTP/1.1 request head becomes a Request, a Response becomes bytes; no sockets."""

import re
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from dataclasses import dataclass, field
from http import HTTPStatus
from types import MappingProxyType
from urllib.parse import parse_qs, unquote

METHODS = ("GET", "HEAD")
TEXT = "text/plain; charset=utf-8"
NOTHING_FROM_ANYWHERE = "default-src 'none'; frame-ancestors 'none'"
_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")  # RFC 9110 5.6.2
_VERSION = re.compile(r"HTTP/1\.[01]")
_CONTROL = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")
_ORIGIN = re.compile(r"\Ahttps?://[^/?\[\]]*(\[[\da-f:.%]+\](:\d+)?)?(?=/)", re.IGNORECASE)
# What a proxy on the way may take for another path than we do.
_AMBIGUOUS = re.compile(r"\\|%2f|%5c|%00", re.IGNORECASE)
_NOTHING_ELSE: Mapping[str, str] = MappingProxyType({})


class RequestError(Exception):
    """A request that is not answered: the status and a sentence that says why."""

    def __init__(self, status: HTTPStatus, sentence: str) -> None:
        super().__init__(sentence)
        self.status = status
        self.sentence = sentence


@dataclass(frozen=True, slots=True, kw_only=True)
class HeadLimits:
    """How much of a request head is read: bytes in all, bytes of its first line, header lines."""

    head_bytes: int = 16_384
    line_bytes: int = 4_096
    headers: int = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """A GET or HEAD. `path` is decoded; `headers` have lower-case names, repeated ones joined."""

    method: str
    path: str
    query: Mapping[str, tuple[str, ...]]
    headers: Mapping[str, str]
    keep_alive: bool

    def accepts_gzip(self) -> bool:
        """Whether the client takes gzip (RFC 9110 12.5.3)."""
        for item in self.headers.get("accept-encoding", "").split(","):
            coding, _, weight = item.partition(";")
            if coding.strip().lower() == "gzip":
                return re.fullmatch(r"\s*q=0(\.0*)?\s*", weight) is None
        return False


@dataclass(frozen=True, slots=True, kw_only=True)
class Response:
    """What is sent back: a status, a body and its type, further headers."""

    body: bytes
    content_type: str = TEXT
    status: HTTPStatus = HTTPStatus.OK
    security_policy: str = NOTHING_FROM_ANYWHERE
    headers: tuple[tuple[str, str], ...] = field(default=())


@dataclass(frozen=True, slots=True, kw_only=True)
class Later:
    """An answer for which something is made on another thread.

    `answer` makes it, once `ready` is done or after `seconds`, whichever is first.
    """

    ready: Future[None]
    seconds: float
    answer: Callable[[], Response]


def plain(status: HTTPStatus, sentence: str, *headers: tuple[str, str]) -> Response:
    """An answer of one sentence."""
    return Response(body=f"{sentence}\n".encode(), status=status, headers=headers)


def parse_head(head: bytes, limits: HeadLimits) -> Request:
    """The request whose head ends in an empty line. Raises RequestError with the status to send."""
    lines = head.lstrip(b"\r\n").decode("latin-1").removesuffix("\r\n\r\n").split("\r\n")
    method, target, version = _request_line(lines[0], limits)
    headers = _headers(lines[1:], limits)
    if version == "HTTP/1.1" and "host" not in headers:
        raise RequestError(HTTPStatus.BAD_REQUEST, "a request needs a Host header")
    if method not in METHODS:
        raise RequestError(
            HTTPStatus.METHOD_NOT_ALLOWED, "gpuwatch is read-only here: GET and HEAD only"
        )
    if "transfer-encoding" in headers or headers.get("content-length", "0").strip() != "0":
        raise RequestError(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "a request to gpuwatch has no body")
    path, query = _target(target)
    return Request(
        method=method,
        path=path,
        query=query,
        headers=headers,
        keep_alive=_keep_alive(version, headers.get("connection", "")),
    )


def _request_line(line: str, limits: HeadLimits) -> tuple[str, str, str]:
    if len(line) > limits.line_bytes:
        raise RequestError(
            HTTPStatus.REQUEST_URI_TOO_LONG,
            f"the request line is longer than {limits.line_bytes} bytes",
        )
    parts = line.split(" ")
    if len(parts) != 3 or not _TOKEN.fullmatch(parts[0]):  # noqa: PLR2004 - method target version
        raise RequestError(HTTPStatus.BAD_REQUEST, "the request line is not one of HTTP/1.1")
    if not _VERSION.fullmatch(parts[2]):
        raise RequestError(HTTPStatus.HTTP_VERSION_NOT_SUPPORTED, "gpuwatch speaks HTTP/1.1")
    return parts[0], parts[1], parts[2]


def _headers(lines: list[str], limits: HeadLimits) -> dict[str, str]:
    if len(lines) > limits.headers:
        raise RequestError(
            HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE, f"more than {limits.headers} headers"
        )
    headers: dict[str, str] = {}
    for line in lines:
        name, colon, value = line.partition(":")
        if not colon or not _TOKEN.fullmatch(name) or _CONTROL.search(value):
            raise RequestError(HTTPStatus.BAD_REQUEST, "a header line is malformed")
        key = name.lower()
        headers[key] = f"{headers[key]}, {value.strip()}" if key in headers else value.strip()
    return headers


def _target(target: str) -> tuple[str, Mapping[str, tuple[str, ...]]]:
    """The path, decoded, and the query, of an address in one of two forms (RFC 9112 3.2)."""
    path, _, asked = _ORIGIN.sub("", target, count=1).partition("?")
    if not path.startswith("/") or _AMBIGUOUS.search(path):
        raise RequestError(HTTPStatus.BAD_REQUEST, "the path is not a plain one")
    try:
        query = parse_qs(asked, max_num_fields=100)
    except ValueError as error:
        raise RequestError(HTTPStatus.BAD_REQUEST, "the address is malformed") from error
    return unquote(path), {name: tuple(values) for name, values in query.items()}


def _keep_alive(version: str, connection: str) -> bool:
    wishes = {token.strip().lower() for token in connection.split(",")}
    return "keep-alive" in wishes if version == "HTTP/1.0" else "close" not in wishes


def encode(
    response: Response,
    *,
    head_only: bool,
    keep_alive: bool,
    instead: Mapping[str, str] = _NOTHING_ELSE,
) -> bytes:
    """The response as it goes over the wire; a HEAD gets the length of what a GET would get.

    `instead` are headers by name in the place of those of ours, or beside them. What runs here and
    in which version is told to who may read /metrics, not to everybody.
    """
    headers = {
        "Content-Type": response.content_type,
        "Content-Length": str(len(response.body)),
        "Connection": "keep-alive" if keep_alive else "close",
        "Cache-Control": "no-store",
        "Content-Security-Policy": response.security_policy,
        "Referrer-Policy": "no-referrer",
        "X-Content-Type-Options": "nosniff",
        "X-Frame-Options": "deny",
        **dict(response.headers),
        **instead,
    }
    lines = [f"HTTP/1.1 {response.status.value} {response.status.phrase}"]
    lines.extend(f"{name}: {value}" for name, value in headers.items())
    head = "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n"
    return head if head_only else head + response.body
