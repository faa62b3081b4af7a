"""Hook documents: what a hook reads on its standard input."""

from typing import TypedDict

from gpuwatch.domain.audit import AuditRecord
from gpuwatch.domain.flags import Flag
from gpuwatch.domain.hooks import transition_of
from gpuwatch.domain.snapshot import Snapshot
from gpuwatch.exposition.flag_documents import audit_document, flag_document
from gpuwatch.exposition.flag_shapes import AuditShape, FlagShape
from gpuwatch.exposition.runbooks import runbook_link
from gpuwatch.exposition.views import gpu_by_uuid, index_of, slot_of

FORMAT = "gpuwatch-hook/1"


class HookGpuShape(TypedDict):
    """The GPU of the flagged board as it is now."""

    index: int | None
    name: str
    part_number: str
    pci_address: str
    present: bool
    verdict: str


class HookShape(TypedDict):
    """What happened to which flag, and how the flag is now, which may be later.

    `other_flags` are the numbers of the other flags of this host on which somebody has to act.
    """

    format: str
    hook: str
    transition: str
    host: str
    labels: dict[str, str]
    record: AuditShape
    flag: FlagShape
    other_flags: list[int]
    gpu: HookGpuShape | None
    runbook_url: str


def hook_document(snapshot: Snapshot, flag: Flag, record: AuditRecord, hook: str) -> HookShape:
    """The document of one transition of `flag`."""
    return {
        "format": FORMAT,
        "hook": hook,
        "transition": transition_of(record),
        "host": snapshot.hostname,
        "labels": {name: value for name, value in snapshot.labels.items() if value},
        "record": audit_document(record),
        "flag": flag_document(snapshot, flag),
        "other_flags": [
            one.number for one in snapshot.flags if one.is_open and one.number != flag.number
        ],
        "gpu": _gpu(snapshot, flag.board.uuid),
        "runbook_url": runbook_link(snapshot.runbook_url, flag.code),
    }


def _gpu(snapshot: Snapshot, uuid: str) -> HookGpuShape | None:
    gpu = gpu_by_uuid(snapshot, uuid)
    if gpu is None:
        return None
    slot, board = slot_of(gpu), gpu.record.board
    return {
        "index": index_of(gpu) if gpu.present else None,
        "name": board.name,
        "part_number": board.part_number,
        "pci_address": slot.pci_address if slot else "",
        "present": gpu.present,
        "verdict": gpu.verdict.value,
    }
