"""Wiring of BMCs: each that the settings name becomes a source of its own."""

from collections.abc import Callable, Mapping

from gpuwatch.config.bmc import Bmc
from gpuwatch.config.models import Settings
from gpuwatch.domain.bmc import BmcProtocol
from gpuwatch.domain.moments import Clock
from gpuwatch.history import History
from gpuwatch.sources import bmc_ipmi, bmc_redfish
from gpuwatch.sources.bmc_secrets import CREDENTIAL, FILE
from gpuwatch.sources.bmc_source import COMMANDS, BmcSettings, BmcSource, Translate

Log = Callable[[str], None]

_APART_SECONDS = 1.0  # a child takes half a second of a core to start
TRANSLATORS: Mapping[BmcProtocol, Translate] = {
    BmcProtocol.IPMI: bmc_ipmi.translate,
    BmcProtocol.IPMI_LOCAL: bmc_ipmi.translate,
    BmcProtocol.REDFISH: bmc_redfish.translate,
}


def bmc_sources(
    settings: Settings, clock: Clock, history: History, log: Log
) -> tuple[BmcSource, ...]:
    """The BMCs that are to be asked, one after the other, each from where its logs were left."""
    return tuple(
        BmcSource(
            clock,
            told,
            TRANSLATORS[settings.bmc[told.name].protocol],
            positions=history.log_positions(told.name),
            log=log,
        )
        for told in bmc_settings(settings)
    )


def bmc_settings(settings: Settings) -> tuple[BmcSettings, ...]:
    """How each BMC is asked. Their first children are started at some distance."""
    asked = {name: bmc for name, bmc in settings.bmc.items() if bmc.enabled}
    return tuple(
        BmcSettings(
            name=name,
            command=(*COMMANDS[bmc.protocol], name),  # the name is for who looks at processes
            asked=_asked(bmc),
            interval=bmc.interval.total_seconds(),
            required=bmc.required,
            start_after=place * min(_APART_SECONDS, bmc.interval.total_seconds() / len(asked)),
        )
        for place, (name, bmc) in enumerate(asked.items())
    )


def _asked(bmc: Bmc) -> dict[str, object]:
    """What a child is told; of its secrets, where they are."""
    return {
        "protocol": bmc.protocol.value,
        "address": bmc.endpoint,
        "device": bmc.device if bmc.protocol is BmcProtocol.IPMI_LOCAL else "",
        "user": bmc.user or "",
        "privilege": bmc.privilege,
        "ca_file": bmc.ca_file or "",
        "fingerprint": bmc.fingerprint or "",
        "gpus": bmc.gpus,
        "kg": "",
        "secrets": _secrets(bmc),
    }


def _secrets(bmc: Bmc) -> dict[str, dict[str, str]]:
    places = (
        ("password", FILE, bmc.password_file),
        ("password", CREDENTIAL, bmc.credential),
        ("kg", FILE, bmc.kg_file),
    )
    return {name: {way: place} for name, way, place in places if place}
