"""Fake agent: a real control server whose handler answers from one snapshot and keeps what it did.

It implements every request of the table, so that the command line is tested as real processes.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from threading import Event

from gpuwatch.agent.preview import preview
from gpuwatch.control.naming import Named, resolve, resolve_bmc
from gpuwatch.control.peers import Peer
from gpuwatch.control.requests import ControlError, ErrorKind, Request
from gpuwatch.control.server import ControlServer
from gpuwatch.domain.bmc_logs import LogSeverity, LogTopic
from gpuwatch.domain.known_boards import told, write
from gpuwatch.domain.snapshot import BmcState, GpuState, Snapshot
from gpuwatch.exposition.acceptance_documents import acceptance_document
from gpuwatch.exposition.bmc_documents import bmc_document, bmcs_document
from gpuwatch.exposition.bmc_explanation import bmc_explanation
from gpuwatch.exposition.bmc_log_documents import Wanted, log_document
from gpuwatch.exposition.documents import (
    events_document,
    flags_document,
    gpus_document,
    snapshot_document,
    status_document,
)
from gpuwatch.exposition.evidence_documents import evidence
from gpuwatch.exposition.explanation import explanation
from gpuwatch.exposition.flag_documents import audit_document
from gpuwatch.exposition.gpu_documents import gpu_document
from gpuwatch.exposition.window_documents import plan_document
from gpuwatch.exposition.work_orders import work_order
from gpuwatch.policy.describe import told_of
from gpuwatch.policy.views import PolicySettings
from gpuwatch.sources.nvml_signals import TABLE
from tests.support.doctors import told as told_by
from tests.support.dossiers import a_dossier
from tests.support.histories import DAY, START


class FakeAgent:
    """Listens in `folder`; `done` are the requests that changed something, `busy` refuses all."""

    def __init__(self, folder: Path, snapshot: Snapshot) -> None:
        self.path = folder / "control.sock"
        self.snapshot = snapshot
        self.done: list[Request] = []
        self.released = Event()
        self.refusal: ControlError | None = None
        self.history: Path | None = None
        self.written = True
        self.told: dict[str, object] = {}  # what a doctor is told otherwise
        self._server = ControlServer(self.path, self._answer, lambda _event, _facts: None)
        self._server.start()

    def stop(self) -> None:
        """Close the socket."""
        self._server.stop()

    def _answer(self, request: Request, _peer: Peer) -> Mapping[str, object]:
        if self.refusal is not None:
            raise self.refusal
        answers: dict[str, Callable[[], Mapping[str, object]]] = {
            "status": lambda: dict(snapshot_document(self.snapshot)),
            "windows": lambda: dict(plan_document(self.snapshot)),
            "gpu": lambda: dict(gpu_document(self.snapshot, self._gpu(request.text("gpu")))),
            "explain": lambda: dict(explanation(self.snapshot, self._gpu(request.text("gpu")))),
            "history": lambda: self._history(self._gpu(request.text("gpu"))),
            "boards": lambda: {"boards": gpus_document(self.snapshot)},
            "bmcs": lambda: {"bmcs": bmcs_document(self.snapshot)},
            "bmc": lambda: dict(bmc_document(self.snapshot, self._bmc(request))),
            "explain-bmc": lambda: dict(bmc_explanation(self.snapshot, self._bmc(request))),
            "bmc-log": lambda: self._log(request),
            "preview": lambda: self._preview(request.number("since")),
            "flags": lambda: {"flags": flags_document(self.snapshot)},
            "flag": lambda: {"flag": self._flag(request)},
            "work-order": lambda: self._work_order(request),
            "evidence": lambda: self._evidence(request),
            "audit": lambda: {"audit": self._audit(request), "more": False},
            "doctor": lambda: dict(told_by(self.snapshot, **self.told)),
            "boards-export": lambda: {"boards": [self._line()]},
            "maintenance-list": lambda: {
                "maintenance": status_document(self.snapshot)["maintenance"]
            },
        }
        if request.do in answers:
            return answers[request.do]()
        self.done.append(request)
        if request.do == "bmc-accept":
            return {"accepted": self._bmc(request).name, "gone": ["supply PSU 4"]}
        return self._board(request) if request.do.startswith("boards-") else self._change(request)

    def _gpu(self, name: str) -> GpuState:
        candidates = {
            gpu["uuid"]: Named(gpu["uuid"], gpu["index"], gpu["serial"], gpu["pci_address"])
            for gpu in gpus_document(self.snapshot)
        }
        uuid = resolve(name, candidates.values()).uuid
        return next(gpu for gpu in self.snapshot.gpus if gpu.record.key.uuid == uuid)

    def _bmc(self, request: Request) -> BmcState:
        hosts = {bmc.name: bmc.host for bmc in self.snapshot.bmcs}
        name = resolve_bmc(request.text("bmc"), hosts)
        return next(bmc for bmc in self.snapshot.bmcs if bmc.name == name)

    def _log(self, request: Request) -> Mapping[str, object]:
        bmcs = (self._bmc(request),) if request.text("bmc") else self.snapshot.bmcs
        topic = request.text("topic")
        wanted = Wanted(
            severity=LogSeverity(request.text("severity")),
            topic=LogTopic(topic) if topic else None,
            since=request.number("since"),
            limit=int(request.number("limit")),
        )
        return dict(log_document({bmc.name: bmc.entries for bmc in bmcs}, wanted))

    def _flag(self, request: Request) -> object:
        flags = {flag["number"]: flag for flag in flags_document(self.snapshot)}
        number = int(request.number("number"))
        if number not in flags:
            raise ControlError(ErrorKind.NOT_FOUND, f"there is no flag {number}", "look")
        return flags[number]

    def _work_order(self, request: Request) -> Mapping[str, object]:
        self._flag(request)
        number = int(request.number("number"))
        flag = next(one for one in self.snapshot.flags if one.number == number)
        return dict(work_order(self.snapshot, flag))

    def _evidence(self, request: Request) -> Mapping[str, object]:
        self._flag(request)
        held = a_dossier(self.snapshot, int(request.number("number")))
        signals = {row.key: row for row in TABLE}
        return dict(evidence(self.snapshot, held, signals, told_of(held.flag.code)))

    def _audit(self, request: Request) -> list[object]:
        records = [record for kept in self.snapshot.flag_audit.values() for record in kept]
        wanted = request.text("subject")
        return [audit_document(one) for one in records if wanted in ("", one.subject)]

    def _line(self) -> str:
        gpu = next(gpu for gpu in self.snapshot.gpus if gpu.record.key.serial == "1654223010009")
        return write(told(gpu.record, self.snapshot.flags, self.snapshot.hostname, 0.0))

    def _history(self, gpu: GpuState) -> Mapping[str, object]:
        uuid = gpu.record.key.uuid
        return {
            "gpu": gpu_document(self.snapshot, gpu),
            "flags": [flag for flag in flags_document(self.snapshot) if flag["uuid"] == uuid],
            "events": [event for event in events_document(self.snapshot) if event["uuid"] == uuid],
        }

    def _preview(self, since: float) -> Mapping[str, object]:
        assert self.history is not None, "give the agent a history first"
        return dict(
            preview(self.history, PolicySettings(), since=since, until=START + 12 * DAY + 7200)
        )

    def _board(self, request: Request) -> Mapping[str, object]:
        if request.do == "boards-accept":
            return {"acceptance": acceptance_document(self.snapshot.acceptances[11])}
        return {"new": request.text("line") not in [one.text("line") for one in self.done[:-1]]}

    def _change(self, request: Request) -> Mapping[str, object]:
        if request.do.startswith("flag-"):
            return {"flag": self._flag(request), "written": self.written}
        match request.do:
            case "release":
                self.released.set()
                return {"released_until": 1_900_000_000.5}
            case "resume":
                was = self.released.is_set()
                self.released.clear()
                return {"resumed": was}
            case "retire":
                return {"retired": request.text("serial")}
            case "maintenance-begin":
                begun = replace(
                    self.snapshot.maintenance[0],
                    identity="m-7",
                    scope=request.text("scope"),
                    board=request.text("board"),
                    until=request.number("until"),
                    reason=request.text("reason"),
                )
                changed = replace(self.snapshot, maintenance=(begun,))
                return {"maintenance": status_document(changed)["maintenance"][0]}
            case "maintenance-end":
                return {"ended": [request.text("identity")]}
            case other:
                raise ControlError(ErrorKind.FAILED, f"no answer to {other}", "add one")
