"""Slots: what is replaced as one piece, GPUs of one board, a slot in which boards keep failing."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import replace

from gpuwatch.domain.devices import Board, Fru, Slot, same_board
from gpuwatch.domain.flags import Flag, FlagState
from gpuwatch.domain.records import BoardRecord
from gpuwatch.domain.verdicts import Finding, Remedy, Urgency
from gpuwatch.policy.views import GpuView

_SUPERCHIP = re.compile(r"\bGB\d{3}")  # the compute trays of NVL racks: GB200, GB300
_SXM = re.compile(r"\bSXM\d?\b|-SXM")


def fru_of(board: Board, slot: Slot | None, setting: str) -> Fru:
    """What is replaced with this board: as the settings say, else by its platform.

    Superchips of NVL racks come with their tray, SXM modules with their baseboard (they tell a
    module number, or their name says so), cards alone.
    """
    if setting:
        return Fru(setting)
    if _SUPERCHIP.search(board.name):
        return Fru.TRAY
    on_baseboard = slot is not None and slot.module_id is not None
    return Fru.BASEBOARD if on_baseboard or _SXM.search(board.name) else Fru.MODULE


def slot_note(record: BoardRecord, flags: Iterable[Flag]) -> str:
    """What to look at beside the board when another one was flagged in its slot before; else ""."""
    if record.slot is None:
        return ""
    earlier = [
        flag.board.serial or flag.board.uuid
        for flag in flags
        if flag.slot_label == record.slot.label
        and flag.state is not FlagState.DISMISSED
        and not same_board(flag.board, record.key)
    ]
    if not earlier:
        return ""
    boards = ", ".join(dict.fromkeys(earlier))
    return f"inspect the slot and its cooling: {boards} failed in {record.slot.label} before"


def with_twins(
    findings: Mapping[str, tuple[Finding, ...]], gpus: Iterable[GpuView]
) -> dict[str, tuple[Finding, ...]]:
    """The findings by UUID; what asks to replace a board concerns all the GPUs on it.

    Only the GPU where it was found alerts: its twins are told for information.
    """
    by_serial: dict[str, list[str]] = {}
    for gpu in gpus:
        if gpu.record.key.serial:
            by_serial.setdefault(gpu.record.key.serial, []).append(gpu.uuid)
    shared = dict(findings)
    for uuids in (several for several in by_serial.values() if len(several) > 1):
        for uuid in uuids:
            others = (other for other in uuids if other != uuid)
            theirs = (finding for other in others for finding in findings[other])
            own = {finding.code for finding in findings[uuid]}
            shared[uuid] = findings[uuid] + tuple(
                replace(
                    finding,
                    subject=uuid,
                    route=Urgency.INFO,
                    sentence=f"on another GPU of this board: {finding.sentence}",
                )
                for finding in theirs
                if finding.remedy is Remedy.REPLACE and finding.code not in own
            )
    return shared
