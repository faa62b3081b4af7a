"""Evidence requests: all that is known of one flag, gathered in the agent's thread."""

from collections.abc import Callable, Mapping
from dataclasses import replace

from gpuwatch.agent import actions
from gpuwatch.agent.core import Agent
from gpuwatch.control.naming import resolve_flag
from gpuwatch.control.requests import Request
from gpuwatch.domain.dossiers import Dossier
from gpuwatch.domain.flags import Flag
from gpuwatch.domain.snapshot import GpuState
from gpuwatch.exposition.evidence_documents import evidence
from gpuwatch.history.dossiers import dossier
from gpuwatch.policy.describe import told_of
from gpuwatch.sources.nvml_signals import TABLE

Answer = Mapping[str, object]
ANSWER_SECONDS = 20.0
_SIGNALS = {row.key: row for row in TABLE}


class EvidenceRequests:
    """Answers to requests for evidence. `answers` are its methods by the word of the request."""

    def __init__(self, agent: Agent) -> None:
        self._agent = agent
        self.answers: dict[str, Callable[[Request, str], Answer]] = {"evidence": self._evidence}

    def _evidence(self, request: Request, _actor: str) -> Answer:
        """History is read in the agent's thread, and the document made of it in this one."""
        snapshot = self._agent.snapshot
        flag = resolve_flag(request.number("number"), snapshot.flags)
        work = self._agent.inbox.ask(lambda: self._gathered(flag))
        held, everyone = work.result(ANSWER_SECONDS)
        told = replace(snapshot, gpus=everyone)
        return dict(evidence(told, held, _SIGNALS, told_of(flag.code)))

    def _gathered(self, flag: Flag) -> tuple[Dossier, tuple[GpuState, ...]]:
        agent = self._agent
        mine = [bmc.name for bmc in agent.snapshot.bmcs if not bmc.host]
        held = dossier(agent.history, flag, mine, agent.history.path.parent)
        return held, actions.every_board(agent)
