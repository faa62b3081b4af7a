"""Service: one Redfish service: a session that is kept, and what a GET of a resource came to."""

import json
import logging
import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from redfish.rest.v1 import (
    InvalidCredentialsError,
    RestResponse,
    RetriesExhaustedError,
    SessionCreationError,
)

from gpuwatch.domain.readings import Gap, GapReason
from gpuwatch.sources.bmc_loop import Trouble
from gpuwatch.sources.redfish import sentences
from gpuwatch.sources.redfish.causes import Cause, cause_of
from gpuwatch.sources.redfish.connection import SESSIONS, Connection
from gpuwatch.sources.redfish.deadline import Deadline
from gpuwatch.sources.redfish.fields import ROOT, Document, link, local, number
from gpuwatch.sources.redfish.gate import Gate
from gpuwatch.sources.redfish.trust import trust

REQUEST_SECONDS = 10.0
LOGIN_SECONDS = (
    20.0  # a session that is made after we gave up is lost to everybody for half an hour
)
PULSE_SECONDS = 5.0
_SHORTEST_SECONDS = 0.2
_LIMIT_REACHED = re.compile(r"limit|too ?many|maxim|simultaneous", re.IGNORECASE)
_NO_SESSIONS = frozenset({404, 405, 501})
_REASONS = {
    **dict.fromkeys((400, 404, 405, 410, 501), GapReason.UNSUPPORTED),
    **dict.fromkeys((401, 403), GapReason.DENIED),
}
_OK, _UNCHANGED, _UNAUTHORIZED, _FORBIDDEN = 200, 304, 401, 403
_GAPS = {
    Cause.LATE: Gap(GapReason.TIMED_OUT),
    Cause.DROPPED: Gap(GapReason.LOST),
    Cause.REFUSED: Gap(GapReason.FAILED),
    Cause.ODD: Gap(GapReason.FAILED),
}
_WHOLE = frozenset({Cause.CERTIFICATE, Cause.NO_TLS, Cause.NOBODY})

logging.getLogger("redfish").addHandler(logging.NullHandler())
logging.getLogger("redfish").propagate = False  # it would write what the BMC says to our stderr


@dataclass(frozen=True, slots=True)
class Answer:
    """What a GET came to. `document` is None for a gap, and for one that has not changed."""

    document: Document | None = None
    gap: Gap | None = None
    etag: str = ""


@dataclass(slots=True)
class Service:
    """Asks one service. Every method but `close` raises Trouble when the service as a whole fails.

    `settings` are those of the child: address, user, password, ca_file, fingerprint. `until` is
    when the present sweep must be over, on the monotonic clock.
    """

    settings: Mapping[str, Any]
    deadline: Deadline
    monotonic: Callable[[], float] = time.monotonic
    until: float = 0.0
    root: Document = field(default_factory=dict)
    basic: bool = False
    session_timeout: float | None = None
    asked_at: float = 0.0
    _connection: Connection | None = None
    _relogin: bool = True
    _accepted: bool = False  # whether anything was shown to us in this sweep

    @property
    def address(self) -> str:
        """Where the service is, `host` or `host:port`."""
        return str(self.settings["address"])

    @property
    def requests(self) -> int:
        """How many requests were sent since the child began."""
        return self._connection.gate.requests if self._connection else 0

    def begin(self, seconds: float) -> None:
        """Begin a sweep that may take so long: connect and log in, where that is to be done."""
        self.until = self.monotonic() + seconds
        self._relogin, self._accepted = True, False
        if self._connection is None:
            origin = self._origin()
            known = trust(str(self.settings["ca_file"]), str(self.settings["fingerprint"]))
            self._connection = Connection(origin, Gate(origin, known, self.deadline))
        if not self._connection.entered:
            self._enter(self._connection)

    def time_left(self) -> float:
        """Seconds until the sweep must be over."""
        return self.until - self.monotonic()

    def has_time(self) -> bool:
        """Whether another request is worth a try in this sweep."""
        return self.time_left() >= _SHORTEST_SECONDS

    def get(self, path: str, etag: str = "") -> Answer:
        """A resource, or why it is not to be had. With an `etag` it may not have changed.

        `path` is without `/redfish/v1/`, and may have a query.
        """
        headers = {"If-None-Match": etag} if etag else {}
        answer = self._get(path, headers)
        if answer.gap == Gap(GapReason.LOST):  # a kept connection is dropped without a word
            answer = self._get(path, headers)
        return answer

    def pulse(self) -> None:
        """Ask for next to nothing, so that the session lives on. Raises nothing."""
        if self._connection is not None and self._connection.entered:
            self.asked_at = self.monotonic()
            try:
                self._connection.fetch(SESSIONS, PULSE_SECONDS, {})
            except RetriesExhaustedError:
                return

    def close(self) -> None:
        """Close the session. Never raises."""
        if self._connection is not None:
            self._connection.end()
            self._connection = None

    def local(self, target: object) -> str:
        """Where a reference of this service points, as `fields.local` says."""
        return local(target, self._origin())

    def _origin(self) -> str:
        """As requests and services write it: the usual port is left out."""
        return f"https://{self.address}".lower().removesuffix(":443")

    def _get(self, path: str, headers: Mapping[str, str]) -> Answer:
        connection = self._connection
        if connection is None or not self.has_time():
            return Answer(gap=Gap(GapReason.TIMED_OUT))
        seconds = min(REQUEST_SECONDS, self.time_left())
        self.asked_at = self.monotonic()
        try:
            response = connection.fetch(ROOT + path, seconds, headers)
        except RetriesExhaustedError as error:
            return self._without_answer(connection, error)
        if response.status == _UNAUTHORIZED and self._relogin and not self.basic:
            self._relogin = False  # once a sweep: whatever refuses us again means it
            connection.leave()  # it may be alive, and only this resource be refused
            self._enter(connection)
            return self._get(path, headers)
        if response.status == _UNAUTHORIZED and self.basic and not self._accepted:
            # It goes with every request: those that follow would lock the account.
            connection.set_authorization_key(None)
            raise sentences.wrong_password(response.status)
        self._accepted = self._accepted or response.status in {_OK, _UNCHANGED}
        return _answer(response)

    def _without_answer(self, connection: Connection, error: RetriesExhaustedError) -> Answer:
        """A gap for one resource, as long as the service is there for others."""
        cause, told_by = cause_of(error)
        if cause in _WHOLE:
            raise sentences.no_answer(cause, told_by, self.address) from error
        connection.gate.close()
        if cause is not Cause.REFUSED:
            self._look_alive(connection)
        return Answer(gap=_GAPS[cause])

    def _look_alive(self, connection: Connection) -> None:
        """Raise Trouble when the service answers nothing at all."""
        try:
            connection.fetch(ROOT, PULSE_SECONDS, {})
        except RetriesExhaustedError as error:
            cause, told_by = cause_of(error)
            raise sentences.no_answer(cause, told_by, self.address) from error

    def _enter(self, connection: Connection) -> None:
        """Read the root and log in, with a session where the service has them."""
        try:
            response = connection.fetch(ROOT, REQUEST_SECONDS, {})
            self.root = _root(response)
            connection.root, connection.root_resp = {}, response
            self._log_in(connection)
        except Trouble:
            connection.leave()  # there may be a session all the same
            raise
        except RetriesExhaustedError as error:
            cause, told_by = cause_of(error)
            raise sentences.no_answer(cause, told_by, self.address) from error

    def _log_in(self, connection: Connection) -> None:
        user, password = str(self.settings["user"]), str(self.settings["password"])
        offered = {"SessionService", "Links"} & self.root.keys() or not self.root
        self.basic = not offered
        if offered:
            sessions = link(self.root, "Links", "Sessions")
            self.basic = not self._make_session(connection, sessions, user, password)
        if self.basic:
            self._log_in_without_session(connection, user, password)
        else:
            self._learn_timeout(connection)

    def _make_session(self, connection: Connection, path: str, user: str, password: str) -> bool:
        """Whether there are sessions at all."""
        gate = connection.gate
        try:
            connection.enter(ROOT + path if path else SESSIONS, user, password, LOGIN_SECONDS)
        except RetriesExhaustedError:
            raise
        except SessionCreationError as error:
            if gate.status in _NO_SESSIONS:
                return False
            raise _no_session(gate.status, str(error)) from error
        except Exception as error:  # the library raises what it meets in an odd answer
            raise _no_session(gate.status, type(error).__name__) from error
        if not connection.entered:
            raise sentences.no_login(gate.status)
        return True

    def _log_in_without_session(self, connection: Connection, user: str, password: str) -> None:
        try:
            connection.enter_basic(user, password, REQUEST_SECONDS)
        except InvalidCredentialsError as error:
            connection.set_authorization_key(None)
            raise sentences.wrong_password(_UNAUTHORIZED) from error

    def _learn_timeout(self, connection: Connection) -> None:
        """After how many idle seconds the session ends; None where it is not told."""
        path = link(self.root, "SessionService") or "SessionService"
        answer = _answer(connection.fetch(ROOT + path, REQUEST_SECONDS, {}))
        self.session_timeout = number(answer.document or {}, "SessionTimeout")


def _root(response: RestResponse) -> Document:
    """The service root; {} where it is shown only to who is logged in."""
    if response.status == _UNAUTHORIZED:
        return {}
    if response.status != _OK:
        raise sentences.no_service(response.status)
    answer = _answer(response)
    document = answer.document or {}
    if not {"Systems", "Chassis", "RedfishVersion"} & document.keys():
        raise sentences.no_service(response.status)
    return document


def _no_session(status: int, said: str) -> Trouble:
    """Why a login came to nothing."""
    if "PasswordChangeRequired" in said:
        return sentences.expired_password()
    if status == _UNAUTHORIZED:
        return sentences.wrong_password(status)
    if status in {429, 503} or _LIMIT_REACHED.search(said):
        return sentences.no_session(status)
    return sentences.no_login_right(status) if status == _FORBIDDEN else sentences.no_login(status)


def _answer(response: RestResponse) -> Answer:
    status = response.status
    if status == _UNCHANGED:
        return Answer()
    if status != _OK:
        return Answer(gap=Gap(_REASONS.get(status, GapReason.FAILED), status))
    try:
        document = json.loads(response.read)
    except (ValueError, RecursionError):
        return Answer(gap=Gap(GapReason.FAILED, status))
    if not isinstance(document, dict):
        return Answer(gap=Gap(GapReason.FAILED, status))
    return Answer(document, etag=str(response.getheader("ETag") or "")[:200])
