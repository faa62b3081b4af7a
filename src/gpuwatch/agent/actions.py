"""Actions: what people change through the agent, in its own thread, written to the audit log."""

import structlog

from gpuwatch.agent.core import Agent
from gpuwatch.agent.publish import gpu_states
from gpuwatch.domain.audit import AuditRecord
from gpuwatch.domain.bmc import BmcSweep
from gpuwatch.domain.devices import BoardKey
from gpuwatch.domain.events import EventKind
from gpuwatch.domain.snapshot import GpuState

log = structlog.get_logger("gpuwatch.audit")


def audit(agent: Agent, actor: str, action: str, subject: str, reason: str) -> None:
    """Write who did what, in the log that nothing rewrites."""
    record = AuditRecord(
        at=agent.clock.now().wall, actor=actor, action=action, subject=subject, reason=reason
    )
    agent.history.append_audit(record)


def tell_audit(record: AuditRecord) -> None:
    """One log line for each audit record: log shipping is the off-host copy."""
    told = {name: text for name in ("before", "after") if (text := getattr(record, name))}
    log.info(
        "audit",
        number=record.number,
        actor=record.actor,
        action=record.action,
        subject=record.subject,
        reason=record.reason,
        **told,
    )


def retire(agent: Agent, key: BoardKey, actor: str, reason: str) -> None:
    """A person says that a board is gone for good; its latched findings go with it."""
    now = agent.clock.now()
    events = agent.history.retire(key, actor, reason, now)
    agent.memory.say(events)
    agent.decisions.drop_latches_of_departed()


def accept_server(agent: Agent, sweep: BmcSweep, actor: str, reason: str) -> tuple[str, ...]:
    """A person says that a server is as its BMC shows it; what is missed no longer, in words."""
    gone = tuple(word.replace(":", " ", 1) for word in agent.history.accept_parts(sweep))
    told = f"{reason} (no longer missed: {', '.join(gone) or 'nothing'})"
    audit(agent, actor, "bmc-accepted", f"bmc.{sweep.bmc}", told)
    return gone


def every_board(agent: Agent) -> tuple[GpuState, ...]:
    """All boards that are remembered, those that left included."""
    frame = agent.frame(agent.clock.now())
    return gpu_states(agent.history.records(), agent.memory.live, frame, departed=True)


def look_at_maintenance(agent: Agent) -> None:
    """Take up the maintenance files now, and not at the loop's next look."""
    now = agent.clock.now()
    agent.note_maintenance(agent.works.read(now.wall), now)


def happened(agent: Agent, kind: EventKind, detail: str) -> None:
    """Note a release or its end: hangs and absences prove nothing for a while."""
    now = agent.clock.now()
    agent.memory.happened(kind, now, detail)
    agent.memory.disturb(now)
