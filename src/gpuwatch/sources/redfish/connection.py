"""Connection: the client library, set up so that it stays within our gate."""

import contextlib
from collections.abc import Mapping
from http.cookiejar import DefaultCookiePolicy

from redfish.rest.v1 import AuthMethod, HttpClient, RestResponse

from gpuwatch.sources.redfish.fields import ROOT
from gpuwatch.sources.redfish.gate import REDIRECTS, Gate

SESSIONS = f"{ROOT}SessionService/Sessions"
CLOSE_SECONDS = 3.0


class Connection(HttpClient):
    """One service and our session with it. Requests raise what the library raises."""

    def __init__(self, origin: str, gate: Gate) -> None:
        super().__init__(
            base_url=origin,
            default_prefix=ROOT,
            max_retry=0,  # the library would repeat a login, too
            https_adapter=gate,
            check_connectivity=False,
        )
        self.gate = gate
        self._session.mount("http://", gate)  # where a redirection may point: it is refused
        self._session.trust_env = False  # neither proxies nor passwords of the environment
        self._session.max_redirects = REDIRECTS
        self._session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=()))
        self._session.headers["User-Agent"] = "gpuwatch"
        # What is packed has no size until it is unpacked; and a BMC has better to do.
        self._session.headers["Accept-Encoding"] = "identity"

    def fetch(self, target: str, seconds: float, headers: Mapping[str, str]) -> RestResponse:
        """The answer to a GET of `target`, within so many seconds."""
        self.gate.seconds = seconds
        return self.get(target, headers=dict(headers))

    def enter(self, sessions: str, user: str, password: str, seconds: float) -> None:
        """Make a session at the path of the collection of `sessions`."""
        self.gate.seconds = seconds
        self.login_url = sessions
        self.login(user, password, auth=AuthMethod.SESSION)

    def enter_basic(self, user: str, password: str, seconds: float) -> None:
        """Send user and password with every request, where there are no sessions."""
        self.gate.seconds = seconds
        self.login(user, password, auth=AuthMethod.BASIC)

    @property
    def entered(self) -> bool:
        """Whether requests carry who we are."""
        return bool(self.get_session_key() or self.get_authorization_key())

    def leave(self) -> None:
        """Close our session. Never raises: it may be gone, as may be the service."""
        self.gate.seconds = CLOSE_SECONDS
        with contextlib.suppress(Exception):
            self.logout()
        self.set_session_key(None)
        self.set_session_location(None)

    def end(self) -> None:
        """Close our session and the connection. Never raises."""
        self.leave()
        with contextlib.suppress(Exception):
            self._session.close()
