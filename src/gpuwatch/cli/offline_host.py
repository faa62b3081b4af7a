"""Offline host: what the settings and the firmware say of this host while no agent runs."""

import socket
from pathlib import Path
from zoneinfo import ZoneInfo

from gpuwatch.config.layers import Layers
from gpuwatch.domain.servers import Directions, Identity
from gpuwatch.sources.dmi import server_of

_LABELS = ("site", "row", "rack", "unit", "fru")


def identity_of(layers: Layers) -> Identity:
    """As the agent would tell it; a setting that is no such thing counts as not set."""
    return Identity(
        hostname=layers.text(("agent", "hostname"), "") or socket.gethostname(),
        labels={name: layers.text(("host", name), "") for name in _LABELS},
        config_hash="",
        runbook_url=layers.text(("web", "runbook_url"), "").rstrip("/"),
        server=server_of(Path(layers.text(("nvml", "sysfs"), "/sys"))),
        directions=Directions(
            zone=_zone(layers.text(("work_orders", "zone"), "UTC")),
            contacts=layers.texts(("work_orders", "contacts")),
            notes=layers.texts(("work_orders", "notes")),
            drain=layers.text(("work_orders", "drain"), ""),
        ),
    )


def _zone(name: str) -> str:
    try:
        return ZoneInfo(name).key
    except (ValueError, OSError, KeyError):  # as the settings refuse it when the agent starts
        return "UTC"
