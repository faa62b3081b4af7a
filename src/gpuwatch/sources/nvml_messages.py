"""NVML messages: what the child said on the wire, as the domain's values."""

from typing import Any

from gpuwatch.domain.devices import Board, BoardKey, Device, Slot
from gpuwatch.domain.events import Event, EventKind, EventSource
from gpuwatch.domain.moments import Moment
from gpuwatch.domain.readings import Gap, GapReason, Sweep, Value
from gpuwatch.domain.signals import Cadence
from gpuwatch.domain.xids import XidAdvice
from gpuwatch.sources.nvml_conversation import Answered, Happened
from gpuwatch.sources.nvml_signals import rows
from gpuwatch.sources.xids import advice

DOUBLE_BIT, XID, MIG_CHANGED = 0x2, 0x8, 0x100

# Event types of nvml.h (nvmlEventType*) that are events of ours. The rest only say that something
# is worth asking soon. https://docs.nvidia.com/deploy/nvml-api/group__nvmlEventType.html
_KINDS = {DOUBLE_BIT: EventKind.DOUBLE_BIT_ERROR, XID: EventKind.XID}
_FAST, _SLOW, _RARE = Cadence.FAST, Cadence.SLOW, Cadence.RARE
ASK_SOON: dict[int, frozenset[Cadence]] = {
    DOUBLE_BIT: frozenset({_FAST, _SLOW}),
    XID: frozenset({_FAST, _SLOW}),
    0x400: frozenset({_FAST, _SLOW, _RARE}),  # DRAM retirement
    0x800: frozenset({_FAST, _SLOW, _RARE}),  # DRAM retirement failed
    0x1000: frozenset({_FAST, _SLOW}),  # poison, not fatal
    0x2000: frozenset({_FAST, _SLOW}),  # poison, fatal
    0x4000: frozenset({_FAST}),  # GPU unavailable
    0x8000: frozenset({_FAST}),  # GPU recovery action
}


class Translator:
    """Keeps the rows and gaps that sweeps repeat, because a sweep is the hot path."""

    def __init__(self) -> None:
        self._rows: dict[frozenset[Cadence], tuple[Any, ...]] = {}
        self._gaps: dict[tuple[str, int | None], Gap] = {}

    def sweep(self, answered: Answered, board: BoardKey, at: Moment) -> Sweep:
        """One GPU's answers. Raises ValueError when they do not fit the table's rows."""
        signals = self._rows.get(answered.cadences)
        if signals is None:
            signals = self._rows[answered.cadences] = rows(answered.cadences)
        if len(signals) != len(answered.values):
            raise ValueError(f"{len(answered.values)} values for {len(signals)} rows")
        gap = self._gap
        values = tuple([gap(value) if type(value) is list else value for value in answered.values])
        return Sweep(board=board, at=at, cadences=answered.cadences, signals=signals, values=values)

    def _gap(self, told: list[Any]) -> Gap:
        match told:
            case [str(reason), int() | None as code]:
                gap = self._gaps.get((reason, code))
                if gap is None:
                    gap = self._gaps[reason, code] = Gap(GapReason(reason), code)
                return gap
            case _:
                raise ValueError(f"{told!r} is no gap")


def is_lost(values: tuple[Value | Gap, ...]) -> bool:
    """Whether the GPU said while it was asked that it is gone (NVML_ERROR_GPU_IS_LOST)."""
    gaps = [value for value in values if type(value) is Gap]
    return any(gap.reason is GapReason.LOST for gap in gaps)


def device_of(message: dict[str, Any]) -> Device:
    """A `device` message as a device. Raises ValueError or KeyError for one without identity."""
    attributes = message.get("attributes") or {}
    return Device(
        index=int(message["index"]),
        board=Board(
            key=BoardKey(_text(message, "serial"), _text(message, "uuid")),
            name=_text(message, "name"),
            part_number=_text(message, "part_number"),
            vbios=_text(message, "vbios"),
            inforom=_text(message, "inforom"),
        ),
        slot=Slot(
            pci_address=str(message["pci"]),
            module_id=message.get("module_id"),
            chassis_serial=_text(message, "chassis_serial"),
            slot_number=message.get("slot_number"),
            tray_index=message.get("tray_index"),
        ),
        mig_enabled=message.get("mig"),
        attributes=tuple(sorted((str(name), str(text)) for name, text in attributes.items())),
    )


def age_of(told: Happened, boottime: float) -> float:
    """Seconds since the child was given the event, at `boottime` on the kernel's own boot clock."""
    return max(boottime - told.boottime, 0.0)


def event_of(
    told: Happened, board: BoardKey | None, now: Moment, age_seconds: float
) -> Event | None:
    """An event that is `age_seconds` old at `now`; None for a type that is no event of ours.

    Two of them are two occurrences; whether the kernel log told the same one is the agent's to
    find out: an NVML event has no identity in common with a line.
    """
    kind = _KINDS.get(told.type)
    if kind is None:
        return None
    code = told.data if kind is EventKind.XID else None
    # As the kernel log says it.
    subcode = "" if told.instance is None else f"GPU-I:{told.instance:02d}"
    parts = (now.boot_id, told.pci_address, kind, code, subcode, f"nvml-{told.boottime:.6f}")
    return Event(
        kind=kind,
        at=now.wall - age_seconds,
        source=EventSource.NVML,
        identity="/".join("" if part is None else str(part) for part in parts),
        boot_id=now.boot_id,
        board=board,
        pci_address=told.pci_address,
        uuid=told.uuid,
        code=code,
        subcode=subcode,
        advice=XidAdvice.UNKNOWN if code is None else advice(code),
        boottime=now.boottime - age_seconds,
    )


def _text(message: dict[str, Any], name: str) -> str:
    return str(message.get(name) or "")
