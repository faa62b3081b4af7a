"""Causes: what it means that a request to a service failed."""

import http.client
import socket
import ssl
from collections.abc import Iterator
from enum import StrEnum

import requests
import urllib3

from gpuwatch.sources.redfish.deadline import Late
from gpuwatch.sources.redfish.gate import Refused, TooLarge


class Cause(StrEnum):
    """Why there was no answer."""

    CERTIFICATE = "certificate"
    NO_TLS = "no TLS"
    NOBODY = "nobody"  # no such host, no route, nothing listens
    LATE = "late"
    DROPPED = "dropped"  # the connection ended in the middle
    REFUSED = "refused"  # by ourselves: it would have led elsewhere, or has no end
    ODD = "odd"


_KINDS: tuple[tuple[tuple[type[BaseException], ...], Cause], ...] = (
    ((Refused, TooLarge, requests.TooManyRedirects), Cause.REFUSED),
    ((ssl.SSLCertVerificationError,), Cause.CERTIFICATE),
    ((socket.gaierror, requests.ConnectTimeout, ConnectionRefusedError), Cause.NOBODY),
    ((Late, TimeoutError, requests.ReadTimeout, urllib3.exceptions.ReadTimeoutError), Cause.LATE),
    ((ssl.SSLEOFError, ssl.SSLZeroReturnError), Cause.DROPPED),
    ((ssl.SSLError,), Cause.NO_TLS),
    ((urllib3.exceptions.NewConnectionError,), Cause.NOBODY),
    ((ConnectionError, http.client.RemoteDisconnected), Cause.DROPPED),
    ((http.client.IncompleteRead, urllib3.exceptions.IncompleteRead), Cause.DROPPED),
)
_FINGERPRINT = "Fingerprints did not match"


def cause_of(error: BaseException) -> tuple[Cause, BaseException]:
    """What an error of the client library comes from, and the error that tells it best."""
    chain = list(_chain(error))
    for kinds, cause in _KINDS:
        for one in chain:
            if isinstance(one, kinds):
                return cause, one
    for one in chain:
        # urllib3 tells of a wrong pinned certificate by nothing but this text.
        if isinstance(one, urllib3.exceptions.SSLError) and _FINGERPRINT in str(one):
            return Cause.CERTIFICATE, one
    return Cause.ODD, chain[-1]


def _chain(error: BaseException) -> Iterator[BaseException]:
    """An error and what it was raised from, outermost first; libraries also keep it as argument."""
    pending, seen = [error], set[int]()
    while pending:
        one = pending.pop(0)
        if id(one) in seen:
            continue
        seen.add(id(one))
        yield one
        reason = getattr(one, "reason", None)
        known = (one.__cause__, one.__context__, reason, *one.args)
        pending += [each for each in known if isinstance(each, BaseException)]
