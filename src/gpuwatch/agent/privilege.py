"""Privilege: who the process may be that answers the network."""

import ipaddress

from gpuwatch.config.models import Settings
from gpuwatch.exposition.listen import Address

_ROOT = 0


def problem_of_root(settings: Settings, user: int) -> str:
    """Why this user (an effective id) may not run the agent; "" when it may.

    Nothing that the agent does needs root: its user needs the GPUs' devices and CAP_SYSLOG.
    """
    addresses = [Address.parse(text) for text in settings.web.listen_addresses]
    reached = [str(address) for address in addresses if not _is_loopback(address.host)]
    if user != _ROOT or settings.agent.allow_root or not reached:
        return ""
    return (
        f"agent: is root and would listen on {', '.join(reached)}, where others on the network "
        "reach it (start it as a user of its own, listen on 127.0.0.1 only, or set "
        "agent.allow_root = true)"
    )


def _is_loopback(host: str) -> bool:
    """Whether only this host reaches it; a name is anything but "localhost"."""
    try:
        return ipaddress.ip_address(host.partition("%")[0]).is_loopback
    except ValueError:
        return host == "localhost"
