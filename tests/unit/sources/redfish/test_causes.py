"""What it means that a request failed."""

import http.client
import socket
import ssl

import pytest
import requests
import urllib3

from gpuwatch.sources.redfish.causes import Cause, cause_of
from gpuwatch.sources.redfish.deadline import Late
from gpuwatch.sources.redfish.gate import TooLarge


@pytest.mark.parametrize(
    ("error", "cause"),
    [
        (requests.ConnectionError(ConnectionResetError(104, "reset")), Cause.DROPPED),
        (requests.ConnectionError(http.client.RemoteDisconnected("gone")), Cause.DROPPED),
        (requests.ConnectTimeout("slow"), Cause.NOBODY),
        (requests.ReadTimeout("slow"), Cause.LATE),
        (requests.ConnectionError(socket.gaierror(-2, "no name")), Cause.NOBODY),
        (requests.ConnectionError(ConnectionRefusedError(111, "refused")), Cause.NOBODY),
        (requests.exceptions.SSLError(ssl.SSLCertVerificationError("bad")), Cause.CERTIFICATE),
        (requests.exceptions.SSLError(ssl.SSLError("odd")), Cause.NO_TLS),
        (
            urllib3.exceptions.SSLError("Fingerprints did not match. Expected a, got b"),
            Cause.CERTIFICATE,
        ),
        (TooLarge("long"), Cause.REFUSED),
        (requests.TooManyRedirects("round"), Cause.REFUSED),
        (Late("late"), Cause.LATE),
        (ValueError("odd"), Cause.ODD),
    ],
)
def test_a_cause_is_found_within_what_a_library_raised(error: Exception, cause: Cause) -> None:
    """However deep it sits."""
    wrapped = RuntimeError("no more retries")
    wrapped.__cause__ = error

    assert cause_of(wrapped)[0] is cause


def test_errors_that_contain_each_other_have_an_end() -> None:
    """As contexts may."""
    one, other = ValueError("one"), ValueError("other")
    one.__context__, other.__context__ = other, one

    assert cause_of(one)[0] is Cause.ODD
