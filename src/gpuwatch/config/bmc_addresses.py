"""BMC addresses: where a management controller listens, as people write it.

Standard library only, as for `layers`: commands read them without an agent.
"""

import re

from gpuwatch.domain.bmc import BmcProtocol

_ADDRESS = re.compile(
    r"(?P<host>\[[0-9a-fA-F:.]+(?:%[\w.-]+)?\]|[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?)"
    r"(?::(?P<port>\d{1,5}))?",
    re.ASCII,
)
_LAST_PORT = 65_535
_PORTS = {BmcProtocol.IPMI: 623, BmcProtocol.REDFISH: 443}


def is_bmc_address(text: str) -> bool:
    """Whether it is `HOST`, `HOST:PORT`, `[IPV6]` or `[IPV6]:PORT`."""
    found = _ADDRESS.fullmatch(text)
    return found is not None and 0 < int(found["port"] or 1) <= _LAST_PORT


def endpoint_of(address: str, protocol: BmcProtocol) -> str:
    """An address with its port, the usual one if none is written; "" for what is none."""
    found = _ADDRESS.fullmatch(address) if is_bmc_address(address) else None
    if found is None or protocol not in _PORTS:
        return ""
    return f"{found['host']}:{found['port'] or _PORTS[protocol]}"
