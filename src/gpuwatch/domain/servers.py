"""Servers: what a server says of itself, and what its owner tells the people at the rack."""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    """The server by its own firmware. Texts are "" where it does not tell or may not be read."""

    maker: str = ""
    product: str = ""
    serial: str = ""
    asset_tag: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Directions:
    """What the settings add to a work order.

    `zone` is the time zone of the hall, by its IANA name. `contacts` are whom to call, `notes` what
    to know on site, a line each; `drain` is how this site takes a host out of service, "" unknown.
    """

    zone: str = "UTC"
    contacts: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    drain: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """What a snapshot says of the host and the configuration."""

    hostname: str
    labels: Mapping[str, str]
    config_hash: str
    runbook_url: str
    server: Server
    directions: Directions
