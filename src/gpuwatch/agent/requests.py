"""Requests: what the agent answers on its control socket; changes run in the agent's own thread."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import structlog

from gpuwatch.agent import actions, boards
from gpuwatch.agent.bmc_requests import BmcRequests
from gpuwatch.agent.core import Agent
from gpuwatch.agent.evidence_requests import EvidenceRequests
from gpuwatch.agent.flag_requests import FlagRequests
from gpuwatch.agent.maintenance import MaintenanceError
from gpuwatch.agent.preview import preview
from gpuwatch.agent.releases import StandingRelease, longest_release, wait_released
from gpuwatch.control.naming import Named, resolve
from gpuwatch.control.peers import Peer
from gpuwatch.control.requests import ControlError, ErrorKind, Request
from gpuwatch.domain.events import EventKind
from gpuwatch.domain.snapshot import GpuState, Maintenance, Snapshot
from gpuwatch.exposition.documents import (
    events_document,
    flags_document,
    snapshot_document,
    status_document,
)
from gpuwatch.exposition.explanation import explanation
from gpuwatch.exposition.gpu_documents import gpu_document
from gpuwatch.exposition.site import STALLED_SECONDS
from gpuwatch.exposition.window_documents import plan_document
from gpuwatch.history import HistoryError

log = structlog.get_logger("gpuwatch.control")

Answer = Mapping[str, object]
Answers = Mapping[str, Callable[[Request, str], Answer]]
ANSWER_SECONDS = 10.0
HISTORY_EVENTS = 500


class Requests:
    """Answers one request at a time per connection. Every change stands in the audit log.

    `others` answer requests that are no matter of boards.
    """

    def __init__(self, agent: Agent, standing: StandingRelease, others: Answers) -> None:
        self._agent = agent
        self._standing = standing
        self._answers: dict[str, Callable[[Request, str], Answer]] = {
            "status": self._status,
            "windows": lambda _request, _actor: dict(plan_document(self._present)),
            "gpu": self._gpu,
            "explain": self._explain,
            "history": self._history,
            "preview": self._preview,
            "boards": self._boards,
            "retire": self._retire,
            "boards-export": self._export,
            "boards-import": self._import,
            "boards-accept": self._accept,
            "maintenance-begin": self._begin,
            "maintenance-end": self._end,
            "maintenance-list": self._list,
            "release": self._release,
            "resume": self._resume,
            **FlagRequests(agent).answers,
            **BmcRequests(agent, lambda: self._present).answers,
            **EvidenceRequests(agent).answers,
            **others,
        }

    def answer(self, request: Request, peer: Peer) -> Answer:
        """The answer to `request`, asked by `peer`. Raises ControlError to refuse."""
        try:
            return self._answers[request.do](request, peer.actor(request.claims))
        except TimeoutError as error:
            raise ControlError(ErrorKind.BUSY, str(error), "try again in a moment") from error

    def _status(self, _request: Request, _actor: str) -> Answer:
        return dict(snapshot_document(self._present))

    def _gpu(self, request: Request, _actor: str) -> Answer:
        snapshot = self._present
        return dict(gpu_document(snapshot, self._named(request.text("gpu"), snapshot.gpus)))

    def _explain(self, request: Request, _actor: str) -> Answer:
        snapshot = self._present
        return dict(explanation(snapshot, self._named(request.text("gpu"), snapshot.gpus)))

    def _history(self, request: Request, _actor: str) -> Answer:
        everyone = self._in_thread(lambda: actions.every_board(self._agent))
        snapshot = self._snapshot
        gpu = self._named(request.text("gpu"), everyone)
        key = gpu.record.key
        history = self._agent.history
        events = self._in_thread(lambda: history.recent_events(HISTORY_EVENTS, key))
        flags = [flag for flag in flags_document(snapshot) if flag["uuid"] == key.uuid]
        return {
            "gpu": gpu_document(snapshot, gpu),
            "flags": flags,
            "events": events_document(replace(snapshot, events=events)),
        }

    def _preview(self, request: Request, _actor: str) -> Answer:
        agent = self._agent
        try:
            said = preview(
                agent.history.path,
                agent.decisions.judge.settings,
                since=request.number("since"),
                until=agent.clock.now().wall,
            )
        except (HistoryError, OSError) as error:
            raise ControlError(
                ErrorKind.FAILED, f"the history cannot be read: {error}", "see gpuwatch status"
            ) from error
        return dict(said)

    def _boards(self, _request: Request, _actor: str) -> Answer:
        snapshot = self._snapshot
        everyone = self._in_thread(lambda: actions.every_board(self._agent))
        return {"boards": [gpu_document(snapshot, gpu) for gpu in everyone]}

    def _retire(self, request: Request, actor: str) -> Answer:
        gpu = self._named(
            request.text("serial"), self._in_thread(lambda: actions.every_board(self._agent))
        )
        key, reason = gpu.record.key, request.text("reason")
        if gpu.present:
            raise ControlError(
                ErrorKind.USAGE,
                f"board {key} is present and answers",
                "retire a board once it is out of the host",
            )
        self._in_thread(lambda: actions.retire(self._agent, key, actor, reason))
        return {"retired": key.serial or key.uuid}

    def _export(self, request: Request, _actor: str) -> Answer:
        everything = request.flag("all")
        return {
            "boards": self._in_thread(lambda: boards.export(self._agent, everything=everything))
        }

    def _import(self, request: Request, actor: str) -> Answer:
        line = request.text("line")
        return {"new": self._in_thread(lambda: boards.take_line(self._agent, line, actor))}

    def _accept(self, request: Request, actor: str) -> Answer:
        everyone = self._in_thread(lambda: actions.every_board(self._agent))
        key = self._named(request.text("serial"), everyone).record.key
        state = Path(self._agent.health.path).parent
        kept = boards.keep_diagnostic(state, request.text("content"))
        name, result = request.text("name"), request.text("result")
        answer: Answer = self._in_thread(
            lambda: boards.attach(
                self._agent, key, name=name, result=result, kept=kept, actor=actor
            )
        )
        return answer

    def _begin(self, request: Request, actor: str) -> Answer:
        now = self._agent.clock.now()
        lasting = request.number("seconds")
        until = now.wall + lasting if lasting else request.number("until")
        if until <= now.wall:
            raise ControlError(
                ErrorKind.USAGE, "the maintenance would already be over", "give a later --until"
            )
        board = request.text("board")
        if request.text("scope") == "board":
            board = self._named(board, self._snapshot.gpus).record.key.uuid
        bmc = request.text("bmc")
        if request.text("scope") == "bmc":
            self._controller(bmc)
        work = Maintenance(
            identity="",
            scope=request.text("scope"),
            board=board,
            bmc=bmc,
            until=until,
            reason=request.text("reason"),
            ticket=request.text("ticket"),
            actor=actor,
            release=request.flag("release"),
        )
        begun = self._try(lambda: self._agent.works.begin(work))
        self._audit(actor, "maintenance-begin", begun.identity, begun.reason)
        self._in_thread(lambda: actions.look_at_maintenance(self._agent))
        if begun.release and self._agent.nvml is not None:
            back = f"gpuwatch maintenance end {begun.identity}"
            wait_released(self._agent.nvml, back)
        return {"maintenance": self._documents((begun,))[0]}

    def _end(self, request: Request, actor: str) -> Answer:
        identity = request.text("identity")
        self._try(lambda: self._agent.works.end(identity))
        self._audit(actor, "maintenance-end", identity, "")
        self._in_thread(lambda: actions.look_at_maintenance(self._agent))
        return {"ended": [identity]}

    def _list(self, _request: Request, _actor: str) -> Answer:
        works = self._agent.works.read(self._agent.clock.now().wall)
        return {"maintenance": self._documents(works)}

    def _release(self, request: Request, actor: str) -> Answer:
        nvml = self._agent.nvml
        if nvml is None:
            raise ControlError(ErrorKind.USAGE, "GPUs are not asked", "nvml.enabled is false")
        now = self._agent.clock.now()
        until = now.wall + request.number("seconds")
        reason = request.text("reason") or "asked for on the command line"
        renewal = nvml.state().released
        if (longer := longest_release(self._agent.maintenance)) is not None:
            until = max(until, longer.until)
        nvml.release(reason, until)
        self._standing.keep(reason, until - now.wall, now)
        if not renewal:  # a command that runs on renews its release and does nothing new
            self._audit(actor, "release", "nvml", reason)
            self._happened(EventKind.SOURCE_RELEASED, reason)
        wait_released(nvml, "gpuwatch resume")
        return {"released_until": until}

    def _resume(self, _request: Request, actor: str) -> Answer:
        nvml = self._agent.nvml
        if nvml is None or not (nvml.asked_release or nvml.state().released):
            return {"resumed": False}
        nvml.resume()
        self._standing.drop()
        self._audit(actor, "resume", "nvml", "")
        self._happened(EventKind.SOURCE_RESUMED, actor)
        return {"resumed": True}

    @property
    def _present(self) -> Snapshot:
        """The snapshot, while the loop renews it. Raises ControlError when it stands still."""
        age = self._agent.heartbeat_age()
        if age > STALLED_SECONDS:
            raise ControlError(
                ErrorKind.BUSY,
                f"the agent's loop has not moved for {age:.0f} s: what it knows may be old",
                "does the disk of its state directory hang? see its log",
            )
        return self._snapshot

    @property
    def _snapshot(self) -> Snapshot:
        return self._agent.snapshot

    def _named(self, name: str, gpus: tuple[GpuState, ...]) -> GpuState:
        named = [
            Named(
                uuid=gpu.record.key.uuid,
                index=gpu.device.index if gpu.device and gpu.present else None,
                serial=gpu.record.key.serial,
                pci_address=gpu.record.slot.pci_address if gpu.record.slot else "",
            )
            for gpu in gpus
        ]
        uuid = resolve(name, named).uuid
        return next(gpu for gpu in gpus if gpu.record.key.uuid == uuid)

    def _controller(self, name: str) -> None:
        """Raises ControlError unless `name` is that of a watched BMC, or of a host with one."""
        known = dict.fromkeys(name for bmc in self._snapshot.bmcs for name in (bmc.name, bmc.host))
        if name not in known or not name:
            listed = ", ".join(filter(None, known)) or "none (see [bmc.NAME] in the settings)"
            what = f'"{name}" names no BMC that is watched here, nor its host'
            raise ControlError(ErrorKind.NOT_FOUND, what, f"there are: {listed}")

    def _in_thread(self, work: Callable[[], Any]) -> Any:  # noqa: ANN401 - what the work returns
        return self._agent.inbox.ask(work).result(ANSWER_SECONDS)

    def _try(self, work: Callable[[], Any]) -> Any:  # noqa: ANN401 - what the work returns
        try:
            return work()
        except MaintenanceError as error:
            raise ControlError(
                ErrorKind.NOT_FOUND, str(error), "see gpuwatch maintenance list"
            ) from error
        except OSError as error:
            raise ControlError(
                ErrorKind.FAILED, f"maintenance file: {error}", "is agent.runtime_directory right?"
            ) from error

    def _audit(self, actor: str, action: str, subject: str, reason: str) -> None:
        self._in_thread(lambda: actions.audit(self._agent, actor, action, subject, reason))

    def _happened(self, kind: EventKind, detail: str) -> None:
        self._in_thread(lambda: actions.happened(self._agent, kind, detail))

    def _documents(self, works: tuple[Maintenance, ...]) -> list[Any]:
        return list(status_document(replace(self._snapshot, maintenance=works))["maintenance"])
