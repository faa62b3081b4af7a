"""Messages: what is taken from a request head, what is refused, and how answers go out."""

from http import HTTPStatus

import pytest

from gpuwatch.exposition.messages import (
    HeadLimits,
    Request,
    RequestError,
    Response,
    encode,
    parse_head,
    plain,
)

LIMITS = HeadLimits(head_bytes=2_000, line_bytes=100, headers=3)


def _parse(head: str) -> Request:
    return parse_head(head.encode("latin-1"), LIMITS)


def test_a_request_is_read() -> None:
    """Method, decoded path, query and headers."""
    request = _parse("GET /gpu/a%20b?name[]=x&name[]=y HTTP/1.1\r\nHost: h\r\nAccept: a\r\n\r\n")

    assert request.method == "GET"
    assert request.path == "/gpu/a b"
    assert request.query == {"name[]": ("x", "y")}
    assert request.headers == {"host": "h", "accept": "a"}
    assert request.keep_alive


@pytest.mark.parametrize(
    ("target", "path"),
    [
        ("http://x/v1/flags", "/v1/flags"),
        ("http://[::1]:9853/metrics", "/metrics"),
        ("/apihttp://x/v1/flags", "/apihttp://x/v1/flags"),
    ],
)
def test_an_origin_stands_only_in_front_of_a_path(target: str, path: str) -> None:
    """Whatever a proxy on the way takes for the path is what we take for it."""
    request = _parse(f"GET {target} HTTP/1.1\r\nHost: h\r\n\r\n")

    assert request.path == path


@pytest.mark.parametrize(
    ("head", "status"),
    [
        ("GET / HTTP/1.1\r\n\r\n", 400),
        ("nonsense\r\n\r\n", 400),
        ("GET  / HTTP/1.1\r\nHost: h\r\n\r\n", 400),
        ("GET / HTTP/1.1\r\nHost: h\r\nno colon\r\n\r\n", 400),
        ("GET / HTTP/1.1\r\nHost: h\r\n folded: x\r\n\r\n", 400),
        ("GET / HTTP/1.1\r\nHost : h\r\n\r\n", 400),
        ("GET http://[bad/ HTTP/1.1\r\nHost: h\r\n\r\n", 400),
        ("GET metrics HTTP/1.1\r\nHost: h\r\n\r\n", 400),
        ("GET /api%2fv1 HTTP/1.1\r\nHost: h\r\n\r\n", 400),
        ("GET /..%5Cmetrics HTTP/1.1\r\nHost: h\r\n\r\n", 400),
        ("GET /metrics\\ HTTP/1.1\r\nHost: h\r\n\r\n", 400),
        ("GET /metrics%00 HTTP/1.1\r\nHost: h\r\n\r\n", 400),
        ("GET / HTTP/1.1\r\nHost: h\nX: y\r\n\r\n", 400),
        ("PRI * HTTP/2.0\r\n\r\n", 505),
        (f"GET /{'a' * 100} HTTP/1.1\r\nHost: h\r\n\r\n", 414),
        ("GET / HTTP/1.1\r\nHost: h\r\na: 1\r\nb: 2\r\nc: 3\r\n\r\n", 431),
        ("POST / HTTP/1.1\r\nHost: h\r\n\r\n", 405),
        ("BREW / HTTP/1.1\r\nHost: h\r\n\r\n", 405),
        ("GET / HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\n", 413),
        ("GET / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n", 413),
    ],
)
def test_what_is_no_plain_request_is_refused(head: str, status: int) -> None:
    """With the status that says why, before anything is looked up."""
    with pytest.raises(RequestError) as refused:
        _parse(head)

    assert refused.value.status == status


def test_a_query_of_a_thousand_fields_is_refused() -> None:
    """Whoever asks for a thousand names wants something else."""
    head = f"GET /metrics?{'a=1&' * 1_000} HTTP/1.1\r\nHost: h\r\n\r\n".encode()

    with pytest.raises(RequestError) as refused:
        parse_head(head, HeadLimits())

    assert refused.value.status == HTTPStatus.BAD_REQUEST


@pytest.mark.parametrize(
    ("head", "kept"),
    [
        ("GET / HTTP/1.1\r\nHost: h\r\n\r\n", True),
        ("GET / HTTP/1.1\r\nHost: h\r\nConnection: Close\r\n\r\n", False),
        ("GET / HTTP/1.0\r\n\r\n", False),
        ("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", True),
    ],
)
def test_a_connection_is_kept_as_the_version_says(head: str, kept: bool) -> None:
    """HTTP/1.1 keeps it unless told, HTTP/1.0 closes it unless told."""
    assert _parse(head).keep_alive is kept


@pytest.mark.parametrize(
    ("accepted", "takes"),
    [
        ("gzip", True),
        ("br, GZIP;q=0.5", True),
        ("gzip;q=0", False),
        ("deflate", False),
        ("", False),
    ],
)
def test_gzip_is_sent_to_who_takes_it(accepted: str, takes: bool) -> None:
    """A weight of zero is a refusal."""
    request = _parse(f"GET / HTTP/1.1\r\nHost: h\r\nAccept-Encoding: {accepted}\r\n\r\n")

    assert request.accepts_gzip() is takes


def test_an_empty_line_before_a_request_is_forgiven() -> None:
    """RFC 9112 2.2: some clients send one after a body."""
    assert _parse("\r\nGET / HTTP/1.1\r\nHost: h\r\n\r\n").path == "/"


def test_an_answer_to_head_has_the_length_of_the_body_and_no_body() -> None:
    """So that a HEAD tells what a GET would bring."""
    sent = encode(Response(body=b"12345"), head_only=True, keep_alive=True)

    assert b"\r\nContent-Length: 5\r\n" in sent
    assert sent.endswith(b"\r\n\r\n")


def test_every_answer_is_strict() -> None:
    """Also the refusals: no sniffing, no caching, nothing loaded from anywhere."""
    sent = encode(plain(HTTPStatus.NOT_FOUND, "no"), head_only=False, keep_alive=False)

    assert sent.startswith(b"HTTP/1.1 404 Not Found\r\n")
    assert b"\r\nX-Content-Type-Options: nosniff\r\n" in sent
    assert b"\r\nCache-Control: no-store\r\n" in sent
    assert b"\r\nContent-Security-Policy: default-src 'none'; frame-ancestors 'none'\r\n" in sent
    assert sent.endswith(b"\r\n\r\nno\n")
