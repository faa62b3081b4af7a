"""Gate: the one way to a service, through which nothing passes that changes anything.

Every request of the client library goes through `Gate.send`. It lets GETs of the Redfish tree pass
and the setting up and closing of our own session; it keeps to one host, bounds every answer in time
and size, and verifies the certificate whatever the library asks for.
"""

import io
import re
from typing import Any
from urllib.parse import urlsplit

from requests import PreparedRequest, Response
from requests.adapters import HTTPAdapter

from gpuwatch.sources.redfish.deadline import Deadline
from gpuwatch.sources.redfish.fields import ROOT
from gpuwatch.sources.redfish.trust import Trust

ANSWER_BYTES = 4 << 20
CONNECT_SECONDS = 5.0
REDIRECTS = 3
_PIECE_BYTES = 1 << 16
_SESSIONS = re.compile(r"/redfish/v1/(SessionService/)?Sessions/?")
_REDIRECTED = frozenset({301, 302, 303, 307, 308})


class Refused(Exception):  # noqa: N818 - says what happened
    """A request that gpuwatch does not make: it could change something, or leads elsewhere."""


class TooLarge(Exception):  # noqa: N818 - says what happened
    """An answer longer than any that is waited for."""


class Gate(HTTPAdapter):
    """Sends what may be sent to the service at `origin` (`https://host:port`).

    `seconds` is how long the next request may take in all, `requests` how many were sent, `status`
    the HTTP status of the last answer.
    """

    def __init__(self, origin: str, trust: Trust, deadline: Deadline) -> None:
        self._origin = origin
        self._deadline = deadline
        self._session = ""  # the path of our own, the only one that may be closed
        self.seconds = CONNECT_SECONDS
        self.requests = 0
        self.status = 0
        super().__init__()
        # One connection, made with our trust and no other.
        self.init_poolmanager(
            1, 1, ssl_context=trust.context, assert_fingerprint=trust.fingerprint or None
        )

    def build_connection_pool_key_attributes(
        self, request: PreparedRequest, *_: object, **__: object
    ) -> tuple[dict[str, Any], dict[str, Any]]:
        """Where to connect to. Whom to trust is settled, whatever the library asks for."""
        place = urlsplit(str(request.url))
        return {"scheme": place.scheme, "host": place.hostname, "port": place.port}, {}

    def cert_verify(self, *_: object, **__: object) -> None:
        """Add no authorities of the library's own."""

    def send(self, request: PreparedRequest, *_: object, **__: object) -> Response:
        """The answer, read whole. Raises Refused, TooLarge, Late and what the library raises."""
        self._check(request)
        self.requests += 1
        patience = (min(CONNECT_SECONDS, self.seconds), self.seconds)
        with self._deadline.within(self.seconds):
            response = super().send(request, stream=True, timeout=patience, proxies={})
            try:
                body = _body(response)
            except BaseException:
                response.raw.close()  # what is left of it must not be taken for the next answer
                raise
        response.raw = io.BytesIO(body)  # the connection is free again
        self.status = response.status_code
        self._check_answer(request, response)
        return response

    def _check(self, request: PreparedRequest) -> None:
        place = urlsplit(str(request.url))
        path = place.path
        if f"{place.scheme}://{place.netloc}" != self._origin:
            raise Refused(f"{request.method} leads to another host")
        allowed = {
            "GET": path == ROOT.rstrip("/") or path.startswith(ROOT),
            "POST": bool(_SESSIONS.fullmatch(path)) and not place.query,
            "DELETE": path == self._session,
        }
        if not allowed.get(str(request.method), False):
            raise Refused(f"{request.method} {path[:200]} is none of what gpuwatch does to a BMC")

    def _check_answer(self, request: PreparedRequest, response: Response) -> None:
        """Remember our session, and let no redirection lead a request that is no GET."""
        location = str(response.headers.get("location", ""))
        if request.method == "POST" and response.ok:
            self._session = _own_session(str(request.url), location, response)
        if response.status_code in _REDIRECTED and request.method != "GET":
            raise Refused(f"{request.method} was sent on to {location[:200]}")


def _body(response: Response) -> bytes:
    pieces, size = [], 0
    while piece := response.raw.read1(_PIECE_BYTES, decode_content=True):
        size += len(piece)
        if size > ANSWER_BYTES:
            raise TooLarge(f"it is longer than {ANSWER_BYTES >> 20} MiB")
        pieces.append(piece)
    return b"".join(pieces)


def _own_session(collection: str, location: str, response: Response) -> str:
    """The path of the session that was just made, "" when the answer does not name one of these."""
    if not location:
        try:
            location = str(response.json().get("@odata.id", ""))
        except (ValueError, AttributeError):
            return ""
    within = urlsplit(collection).path.rstrip("/") + "/"
    path = urlsplit(location).path
    name = path.removeprefix(within).rstrip("/")
    return path if path.startswith(within) and name and "/" not in name else ""
