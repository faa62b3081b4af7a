"""Offline: what is remembered, read from the database when no agent runs."""

import sys
import time
from argparse import Namespace
from dataclasses import replace
from types import TracebackType
from typing import TYPE_CHECKING, Self

from gpuwatch.cli.offline_bmcs import OfflineBmcs
from gpuwatch.cli.offline_host import identity_of
from gpuwatch.cli.output import clean
from gpuwatch.cli.session import database_of, layers_of, without_history
from gpuwatch.control.client import AgentAbsentError
from gpuwatch.control.naming import Named, resolve, resolve_flag
from gpuwatch.domain.devices import BoardKey
from gpuwatch.domain.known_boards import told, write
from gpuwatch.domain.moments import Moment
from gpuwatch.domain.snapshot import GpuState, Snapshot
from gpuwatch.domain.verdicts import Verdict
from gpuwatch.domain.windows import Outlook
from gpuwatch.exposition.documents import (
    events_document,
    flags_document,
    gpus_document,
    snapshot_document,
)
from gpuwatch.exposition.evidence_documents import evidence
from gpuwatch.exposition.explanation import explanation
from gpuwatch.exposition.flag_documents import audit_document, flag_document
from gpuwatch.exposition.window_documents import plan_document
from gpuwatch.exposition.work_orders import work_order
from gpuwatch.history.dossiers import dossier
from gpuwatch.history.health import HistoryError
from gpuwatch.history.reader import Reader
from gpuwatch.policy.describe import told_of
from gpuwatch.sources.nvml_signals import TABLE

if TYPE_CHECKING:
    from gpuwatch.exposition.evidence_shapes import EvidenceShape
    from gpuwatch.exposition.explanation_shapes import ExplanationShape
    from gpuwatch.exposition.flag_shapes import AuditShape, FlagShape
    from gpuwatch.exposition.shapes import EventShape, GpuShape, SnapshotShape
    from gpuwatch.exposition.window_shapes import PlanShape
    from gpuwatch.exposition.work_order_shapes import WorkOrderShape

_EVENTS = 200


class Offline:
    """The documents that the agent would give, with nothing in them that only hardware can tell.

    Every board is absent and every verdict unknown: what was true when the agent ended need not be
    true now. Saying so goes to standard error. Raises `absent` when there is no database either.
    """

    def __init__(self, arguments: Namespace, absent: AgentAbsentError) -> None:
        path = self._path = database_of(arguments)
        self._host = identity_of(layers_of(arguments))
        try:
            path.stat()  # SQLite does not tell which of the two it is
            self._reader = Reader.open(path)
        except (HistoryError, OSError) as error:
            raise without_history(absent, path, error) from absent
        self.bmcs = OfflineBmcs(self._reader, layers_of(arguments))
        note = f"gpuwatch: {absent}: this is what {path} remembers, not what is"
        print(clean(note), file=sys.stderr)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._reader.close()

    def snapshot(self) -> "SnapshotShape":
        """The document of the request `status`."""
        return snapshot_document(self._remembered())

    def boards(self) -> "list[GpuShape]":
        """The boards of the request `boards`."""
        return gpus_document(self._remembered())

    def export(self, *, everything: bool) -> list[str]:
        """The lines of the request `boards-export`."""
        flags, host, now = self._reader.flags(), self._host.hostname, time.time()
        known = [told(record, flags, host, now) for record in self._reader.records().values()]
        return [write(one) for one in known if everything or one.unproven]

    def gpu(self, name: str) -> "GpuShape":
        """The document of the request `gpu`. Raises ControlError for an unknown name."""
        boards = self.boards()
        named = resolve(
            name,
            (Named(one["uuid"], one["index"], one["serial"], one["pci_address"]) for one in boards),
        )
        return next(one for one in boards if one["uuid"] == named.uuid)

    def explanation(self, name: str) -> "ExplanationShape":
        """The document of the request `explain`: what history alone can tell of one GPU.

        Findings that outlive their readings, flags, and the last verdict, which may be over.
        """
        uuid = self.gpu(name)["uuid"]
        snapshot = self._remembered()
        gpu = next(one for one in snapshot.gpus if one.record.key.uuid == uuid)
        latched = [one for one in self._reader.latched_findings() if one.subject == uuid]
        kept = self._reader.verdicts().get(uuid)
        last = f"; its last verdict was {kept.verdict.value} ({kept.reason})" if kept else ""
        remembered = replace(
            gpu, findings=tuple(latched), unknown_because=f"no agent looks at it{last}"
        )
        rules = self._reader.rule_set()
        judged = replace(snapshot, rules_version=rules[0] if rules else "")
        return explanation(judged, remembered, remembered=True)

    def plan(self, outlook: Outlook) -> "PlanShape":
        """The document of the request `windows`, for what is to come by the configuration."""
        return plan_document(replace(self._remembered(), outlook=outlook))

    def history(self, name: str) -> "dict[str, GpuShape | list[FlagShape] | list[EventShape]]":
        """The document of the request `history`. Raises ControlError for an unknown name."""
        gpu = self.gpu(name)
        key = BoardKey(gpu["serial"], gpu["uuid"])
        snapshot = self._remembered(key)
        flags = [flag for flag in flags_document(snapshot) if flag["uuid"] == key.uuid]
        return {"gpu": gpu, "flags": flags, "events": events_document(snapshot)}

    def flags(self) -> "list[FlagShape]":
        """The flags of the request `flags`."""
        return flags_document(self._remembered())

    def flag(self, number: int) -> "FlagShape":
        """The flag of the request `flag`. Raises ControlError when there is none."""
        remembered = self._remembered()
        return flag_document(remembered, resolve_flag(number, remembered.flags))

    def work_order(self, number: int) -> "WorkOrderShape":
        """The document of the request `work-order`. Raises ControlError when there is none."""
        remembered = replace(self._remembered(), bmcs=self.bmcs.of_this_server())
        return work_order(remembered, resolve_flag(number, remembered.flags), remembered=True)

    def evidence(self, number: int) -> "EvidenceShape":
        """The document of the request `evidence`. Raises ControlError when there is none."""
        remembered = replace(self._remembered(), bmcs=self.bmcs.of_this_server())
        flag = resolve_flag(number, remembered.flags)
        mine = [bmc.name for bmc in remembered.bmcs]
        held = dossier(self._reader, flag, mine, self._path.parent)
        rules = self._reader.rule_set()
        told = replace(remembered, rules_version=rules[0] if rules else "")
        signals = {row.key: row for row in TABLE}
        return evidence(told, held, signals, told_of(flag.code), remembered=True)

    def audit(self, since: float, subject: str, limit: int) -> "dict[str, list[AuditShape] | bool]":
        """The document of the request `audit`."""
        records = self._reader.audit(limit + 1, since=since, subject=subject)
        return {
            "audit": [audit_document(record) for record in records[-limit:]],
            "more": len(records) > limit,
        }

    def _remembered(self, board: BoardKey | None = None) -> Snapshot:
        """All that is remembered; events of one board only where it is named."""
        now = time.time()
        records = self._reader.records().values()
        return Snapshot(
            version=0,
            at=Moment(wall=now, boottime=0.0, boot_id=""),
            started_at=now,
            hostname=self._host.hostname,
            labels=self._host.labels,
            server=self._host.server,
            directions=self._host.directions,
            gpus=tuple(
                GpuState(
                    record=record,
                    device=None,
                    present=False,
                    fresh=False,
                    verdict=Verdict.UNKNOWN,
                    verdict_since=record.last_seen,
                )
                for record in records
            ),
            bmcs=self.bmcs.states(),
            flags=self._reader.flags(),
            flag_audit=self._reader.flag_audit(),
            acceptances=dict(self._reader.acceptances()),
            events=self._reader.recent_events(_EVENTS, board),
            sxids=self._reader.sxids(),
            history_bytes=self._reader.size_bytes,
            runbook_url=self._host.runbook_url,
        )
