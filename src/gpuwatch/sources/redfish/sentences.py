"""Sentences: what is said when a service as a whole cannot be asked, with the way out."""

from gpuwatch.domain.bmc import BmcTrouble
from gpuwatch.sources.bmc_loop import Trouble
from gpuwatch.sources.redfish.causes import Cause

_REASONS = {
    Cause.CERTIFICATE: BmcTrouble.CERTIFICATE,
    Cause.NO_TLS: BmcTrouble.PROTOCOL,
    Cause.NOBODY: BmcTrouble.UNREACHABLE,
    Cause.LATE: BmcTrouble.TIMED_OUT,
    Cause.DROPPED: BmcTrouble.TIMED_OUT,
    Cause.REFUSED: BmcTrouble.PROTOCOL,
    Cause.ODD: BmcTrouble.PROTOCOL,
}
_TEXTS = {
    Cause.CERTIFICATE: "its certificate is not to be trusted: {error} (set ca_file to the authority"
    " that signed it, or fingerprint to the certificate's own SHA-256, and mind whose it is)",
    Cause.NO_TLS: "it does not speak TLS as it should: {error} (is this its HTTPS port? a very old"
    " BMC needs newer firmware, or protocol ipmi)",
    Cause.NOBODY: "nobody answers at {address}: {error} (is the BMC on, its name and address right,"
    " and the management network reachable from here?)",
    Cause.LATE: "it answers too late or not at all: {error} (a BMC that hangs is often helped by a"
    " cold reset of the BMC, which leaves the host running)",
    Cause.DROPPED: "it ended the connection in the middle: {error} (it may be restarting)",
    Cause.REFUSED: "it sends us where gpuwatch does not go: {error} (is this the BMC's own address,"
    " and no portal's?)",
    Cause.ODD: "what it said makes no sense: {error}",
}
_LENGTH = 300


def no_answer(cause: Cause, error: BaseException, address: str) -> Trouble:
    """A request that came to nothing."""
    said = str(error)[:_LENGTH] or type(error).__name__
    return Trouble(_REASONS[cause], _TEXTS[cause].format(error=said, address=address))


def no_service(status: int) -> Trouble:
    """A service root that is none."""
    if status in {429, 503}:
        text = f"its Redfish service is starting or has too much to do (HTTP {status})"
        return Trouble(BmcTrouble.UNREACHABLE, f"{text}; asked again by itself")
    text = f"no Redfish service is there (HTTP {status} for /redfish/v1/): is Redfish switched on?"
    return Trouble(BmcTrouble.PROTOCOL, f"{text} (else use protocol ipmi)")


def wrong_password(status: int) -> Trouble:
    """User or password refused."""
    text = f"it refuses the user or the password (HTTP {status}); the next try is in five minutes"
    hint = "correct them: a BMC locks an account after a few wrong ones"
    return Trouble(BmcTrouble.PASSWORD, f"{text} ({hint})")


def expired_password() -> Trouble:
    """An account that must change its password first."""
    text = "it wants the account's password changed before it tells anything (change it there)"
    return Trouble(BmcTrouble.PASSWORD, text)


def no_session(status: int) -> Trouble:
    """All sessions are taken."""
    text = f"all its sessions are taken (HTTP {status}); one is tried for again by itself"
    return Trouble(BmcTrouble.NO_SESSION, f"{text} (close forgotten ones in its web interface)")


def no_login(status: int) -> Trouble:
    """A login that failed for another reason."""
    return Trouble(BmcTrouble.PROTOCOL, f"it answers a login with HTTP {status} and no session")


def no_login_right(status: int) -> Trouble:
    """An account that may not log in."""
    text = f"the account may not log in over Redfish (HTTP {status})"
    hint = "is it enabled, not locked, and does it have the login and read-only privileges?"
    return Trouble(BmcTrouble.PRIVILEGE, f"{text} ({hint})")


def no_right() -> Trouble:
    """An account to which nothing is shown."""
    text = "the account may read neither Systems nor Chassis nor Managers"
    return Trouble(BmcTrouble.PRIVILEGE, f"{text} (give it a read-only role)")


def too_slow(seconds: float) -> Trouble:
    """A service that answers, and too late for everything."""
    text = f"it answers so slowly that {seconds:.0f} s are not enough for Systems and Chassis"
    return Trouble(BmcTrouble.TIMED_OUT, f"{text} (a BMC that is overloaded may want a restart)")


def nothing_told(codes: str) -> Trouble:
    """A service that tells nothing at all."""
    text = f"it tells of no Systems, Chassis and Managers ({codes}); asked again by itself"
    return Trouble(BmcTrouble.PROTOCOL, f"{text} (a BMC that has just started may need minutes)")
