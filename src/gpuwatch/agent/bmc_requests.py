"""BMC requests: what people ask of BMCs and of what stands in their event logs."""

from collections.abc import Callable, Iterable, Mapping
from functools import partial

from gpuwatch.agent import actions
from gpuwatch.agent.core import Agent
from gpuwatch.control.naming import resolve_bmc
from gpuwatch.control.requests import ControlError, ErrorKind, Request
from gpuwatch.domain.bmc_logs import LogSeverity, LogTopic
from gpuwatch.domain.snapshot import BmcState, Logged, Snapshot
from gpuwatch.exposition.bmc_documents import bmc_document, bmcs_document
from gpuwatch.exposition.bmc_explanation import bmc_explanation
from gpuwatch.exposition.bmc_log_documents import Wanted, log_document

Answer = Mapping[str, object]
ANSWER_SECONDS = 10.0
_ALL = 1_000_000  # more than history keeps


class BmcRequests:
    """Answers to requests about BMCs. `answers` are its methods by the word of the request.

    `present` gives the snapshot, or raises ControlError while nobody renews it.
    """

    def __init__(self, agent: Agent, present: Callable[[], Snapshot]) -> None:
        self._agent = agent
        self._present = present
        self.answers: dict[str, Callable[[Request, str], Answer]] = {
            "bmcs": lambda _request, _actor: {"bmcs": bmcs_document(self._present())},
            "bmc": self._bmc,
            "explain-bmc": self._explain,
            "bmc-log": self._log,
            "bmc-accept": self._accept,
        }

    def _bmc(self, request: Request, _actor: str) -> Answer:
        snapshot = self._present()
        return dict(bmc_document(snapshot, _named(snapshot, request.text("bmc"))))

    def _explain(self, request: Request, _actor: str) -> Answer:
        snapshot = self._present()
        return dict(bmc_explanation(snapshot, _named(snapshot, request.text("bmc"))))

    def _accept(self, request: Request, actor: str) -> Answer:
        bmc = _named(self._present(), request.text("bmc"))
        if bmc.sweep is None or not bmc.fresh or bmc.sweep.updating:
            raise ControlError(
                ErrorKind.REFUSED,
                f"bmc.{bmc.name} does not tell what its server has",
                "accept the server once its BMC answers",
            )
        work = partial(actions.accept_server, self._agent, bmc.sweep, actor, request.text("reason"))
        gone = self._agent.inbox.ask(work).result(ANSWER_SECONDS)
        return {"accepted": bmc.name, "gone": list(gone)}

    def _log(self, request: Request, _actor: str) -> Answer:
        snapshot = self._agent.snapshot
        name, topic = request.text("bmc"), request.text("topic")
        names = [_named(snapshot, name).name] if name else [bmc.name for bmc in snapshot.bmcs]
        wanted = Wanted(
            severity=LogSeverity(request.text("severity")),
            topic=LogTopic(topic) if topic else None,
            since=request.number("since"),
            limit=int(request.number("limit")),
        )
        depth = wanted.depth or _ALL
        logs = self._agent.inbox.ask(lambda: self._logs(names, depth)).result(ANSWER_SECONDS)
        return dict(log_document(logs, wanted))

    def _logs(self, names: Iterable[str], depth: int) -> dict[str, tuple[Logged, ...]]:
        return {name: self._agent.history.logged(name, depth) for name in names}


def _named(snapshot: Snapshot, name: str) -> BmcState:
    found = resolve_bmc(name, {bmc.name: bmc.host for bmc in snapshot.bmcs})
    return next(bmc for bmc in snapshot.bmcs if bmc.name == found)
