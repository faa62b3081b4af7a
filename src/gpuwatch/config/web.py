"""Web: the settings of the port."""

from pydantic import Field, StrictInt

from gpuwatch.config.section import MINUTE, SECOND, Section
from gpuwatch.config.values import AbsolutePath, Address, BaseUrl, Duration


class Web(Section):
    """The HTTP port: metrics, page and documents; read-only."""

    listen_addresses: tuple[Address, ...] = Field(
        (":9853",),
        min_length=1,
        description="Addresses to listen on. The default is every address of the host, as"
        " Prometheus is usually elsewhere and nothing can be changed through this port.",
    )
    config_file: AbsolutePath = Field(
        "",
        description="TLS, client certificates, users and headers in the exporters' web-config.yml"
        ' format; see tls.md. Read again when it changes. "" serves plain HTTP to everybody.',
    )
    max_connections: StrictInt = Field(
        64,
        ge=4,
        le=1024,
        description="Open connections; one more ends the one that has been idle or slow for"
        " longest, of the address that holds most.",
    )
    request_timeout: Duration = Field(
        10 * SECOND,
        ge=SECOND,
        le=2 * MINUTE,
        description="How long a client may take over its request, and over reading the answer.",
    )
    runbook_url: BaseUrl = Field(
        "",
        description="Under what the runbooks are read, where you keep them yourself:"
        ' "https://wiki.example/gpuwatch" leads to https://wiki.example/gpuwatch/CODE. "" is this'
        " agent's own /runbooks/CODE.",
    )
