"""The gate refuses whatever is none of what gpuwatch does to a BMC."""

import pytest
import requests

from gpuwatch.sources.redfish.deadline import Deadline
from gpuwatch.sources.redfish.gate import Gate, Refused
from gpuwatch.sources.redfish.trust import trust

ORIGIN = "https://127.0.0.1:9"
SYSTEM = f"{ORIGIN}/redfish/v1/Systems/1"
SESSIONS = f"{ORIGIN}/redfish/v1/SessionService/Sessions"


@pytest.mark.parametrize(
    ("method", "address"),
    [
        ("POST", f"{SYSTEM}/Actions/ComputerSystem.Reset"),
        ("POST", f"{SYSTEM}/LogServices/SEL/Actions/LogService.ClearLog"),
        ("POST", f"{SESSIONS}/Members"),
        ("POST", f"{SESSIONS}?x=1"),
        ("POST", f"{ORIGIN}/redfish/v1/AccountService/Accounts"),
        ("PATCH", SYSTEM),
        ("PUT", SYSTEM),
        ("HEAD", SYSTEM),
        ("OPTIONS", SYSTEM),
        ("DELETE", SYSTEM),
        ("DELETE", f"{SESSIONS}/1"),
        ("DELETE", SESSIONS),
        ("GET", f"{ORIGIN}/admin"),
        ("GET", f"{ORIGIN}/redfish"),
        ("GET", "https://127.0.0.1/redfish/v1/"),
        ("GET", "http://127.0.0.1:9/redfish/v1/"),
        ("GET", "https://other.example:9/redfish/v1/"),
        ("GET", "https://127.0.0.1:9@other.example/redfish/v1/"),
    ],
)
def test_what_could_change_something_or_leads_away_is_refused(method: str, address: str) -> None:
    """Before it is sent: nobody listens at that address."""
    gate = Gate(ORIGIN, trust("", "ab" * 32), Deadline())
    request = requests.Request(method, address).prepare()

    with pytest.raises(Refused):
        gate.send(request)

    assert gate.requests == 0
