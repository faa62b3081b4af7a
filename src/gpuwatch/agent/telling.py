"""Telling: what happened, as one log line an event."""

import structlog

from gpuwatch.domain.events import Event, EventKind
from gpuwatch.domain.incidents import Incident
from gpuwatch.sources.base import Inventory

log = structlog.get_logger("gpuwatch.remember")

_LOUD = frozenset(
    {
        EventKind.BOARD_LOST,
        EventKind.BOARD_LEFT,
        EventKind.BOARDS_EXCHANGED,
        EventKind.DEPARTED_WITH_FRU,
        EventKind.PLATFORM_CHANGED,
        EventKind.FELL_OFF_BUS,
        EventKind.HISTORY_LOST,
        EventKind.BMC_REPLACED,
        EventKind.CHASSIS_POWER_OFF,
        EventKind.LOG_CLEARED,
        EventKind.LOG_WRAPPED,
    }
)
_QUIET = frozenset({EventKind.ERRORS_COUNTED})


def tell_who_holds(known: Inventory | None, found: Inventory) -> None:
    """One log line for each GPU that was given to another driver, or taken back."""
    before, after = dict(known.unmanaged) if known else {}, dict(found.unmanaged)
    for address, driver in after.items() - before.items():
        log.warning("gpu-not-managed", pci=address, driver=driver or "none")
    for address in before.keys() - after.keys():
        log.info("gpu-managed-again", pci=address)


def tell(events: tuple[Event, ...]) -> None:
    """Log each event with what is known of it."""
    for event in events:
        quiet = event.kind in _QUIET
        level = "warning" if event.kind in _LOUD else "debug" if quiet else "info"
        facts = {
            "serial": event.board.serial if event.board else "",
            "uuid": event.board.uuid if event.board else "",
            "pci": event.pci_address,
            "bmc": event.bmc,
            "code": event.code,
            "detail": event.detail,
        }
        told = {name: fact for name, fact in facts.items() if fact not in (None, "")}
        getattr(log, level)(event.kind.value.replace("_", "-"), **told)


def tell_incident(incident: Incident, *, opened: bool) -> None:
    """One log line for an incident that was opened, or that more belongs to."""
    getattr(log, "warning" if opened else "debug")(
        "incident-opened" if opened else "incident-extended",
        serial=incident.board.serial,
        uuid=incident.board.uuid,
        memory=incident.memory.value,
        signals=[signal.kind.value for signal in incident.signals],
    )
