"""Picture: the snapshot of this instant, put together from all that the agent holds."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from gpuwatch.agent.publish import gpu_states
from gpuwatch.agent.recollections import EVENTS_SHOWN
from gpuwatch.domain.devices import BoardKey
from gpuwatch.domain.moments import Moment, redated
from gpuwatch.domain.records import BoardRecord
from gpuwatch.domain.snapshot import Snapshot
from gpuwatch.policy.judge import Judgement
from gpuwatch.policy.rules import RULES_VERSION

if TYPE_CHECKING:
    from gpuwatch.agent.core import Agent


Records = Mapping[BoardKey, BoardRecord]


def picture(
    agent: "Agent", version: int, now: Moment, judgement: Judgement, records: Records
) -> Snapshot:
    """All that the host knows at `now`, as it was judged."""
    frame = agent.frame(now)
    return Snapshot(
        version=version,
        at=now,
        started_at=redated(agent.started, now),
        hostname=agent.identity.hostname,
        gpus=gpu_states(records, agent.memory.live, frame),
        sources=tuple(source.state() for source in agent.sources) + agent.memory.sram.states(now),
        bmcs=agent.memory.bmcs.states(frame),
        epoch=agent.memory.epoch,
        host_verdict=judgement.host_verdict,
        host_findings=judgement.host_findings,
        flags=agent.decisions.flags,
        acceptances=dict(agent.history.acceptances()),
        flag_audit=agent.decisions.flag_audit,
        outlook=agent.decisions.calendar.at(now),
        maintenance=agent.maintenance,
        events=agent.history.recent_events(EVENTS_SHOWN),
        degraded=agent.history.degraded,
        history_bytes=agent.history.size_bytes,
        backups=agent.backups(),
        alert_tests=agent.alert_tests.routes,
        kernel_log_lost=agent.kernel_log_lost(),
        web=agent.web_state(),
        sxids=agent.history.sxids(),
        clock_synchronized=agent.clocks.synchronized,
        clock_steps=agent.clocks.steps,
        failures=agent.guard.failures,
        labels=agent.identity.labels,
        rules_version=RULES_VERSION,
        config_hash=agent.identity.config_hash,
        runbook_url=agent.identity.runbook_url,
        server=agent.identity.server,
        directions=agent.identity.directions,
        hooks=agent.hooks(),
    )
