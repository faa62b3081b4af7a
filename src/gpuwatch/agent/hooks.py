"""Hooks: a thread that runs the owner's commands at transitions of flags, and never the loop's.

Each hook works through the audit records of flags in their order. How far it came is kept in a
file, so that a restart neither forgets a transition nor runs one again that succeeded. A run that
fails is tried again after growing pauses; what fails at every attempt is given up, counted, told.
"""

import json
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

import structlog

from gpuwatch.agent.hook_run import Outcome, Run, run
from gpuwatch.agent.watching import Watching
from gpuwatch.domain.audit import AuditRecord
from gpuwatch.domain.flags import Flag
from gpuwatch.domain.hooks import Hook, HookState, transition_of
from gpuwatch.domain.snapshot import Snapshot
from gpuwatch.exposition.hook_documents import hook_document
from gpuwatch.history.placing import placed

log = structlog.get_logger("gpuwatch.hooks")

Runner = Callable[[tuple[str, ...], bytes, float], Run]
PAUSES = (10.0, 60.0, 300.0, 900.0, 3600.0)  # seconds before each further attempt
_LOOK_SECONDS = 2.0


@dataclass(slots=True)
class _Line:
    """One hook: `done` is the number of the last audit record that it is through with."""

    hook: Hook
    done: int
    attempts: int = 0
    not_before: float = 0.0
    state: HookState = field(init=False)

    def __post_init__(self) -> None:
        self.state = HookState(name=self.hook.name)


class HookWatch(Watching):
    """Runs hooks. `current` gives the snapshot of now (any thread), `monotonic` seconds.

    A hook that is new begins with what happens from now on: nobody wants years of transitions run
    at once.
    """

    def __init__(
        self,
        current: Callable[[], Snapshot],
        path: Path,
        monotonic: Callable[[], float],
        runner: Runner = run,
    ) -> None:
        super().__init__("hooks", _LOOK_SECONDS)
        self._current = current
        self._path = path
        self._monotonic = monotonic
        self._run_command = runner
        self._lines: dict[str, _Line] = {}
        self._keeping = threading.Lock()
        # Which hooks were looked at with which records: those are the same until one is new.
        self._seen: tuple[object, object] = (None, None)

    def states(self) -> tuple[HookState, ...]:
        """How every hook is doing (any thread)."""
        return tuple(line.state for line in tuple(self._lines.values()))

    def watch(self, hooks: tuple[Hook, ...], latest: int) -> None:
        """Run these from now on, `latest` being the number of the latest audit record.

        One of the same name goes on where it is, and never beyond what history holds: one that was
        lost counts from 1 again.
        """
        kept = self._kept()
        lines: dict[str, _Line] = {}
        for hook in hooks:
            done = min(kept.get(hook.name, latest), latest)
            # The same line, not a copy: its command may be running, and will note how far it came.
            line = self._lines.get(hook.name) or _Line(hook, done)
            if line.hook != hook:  # mended, perhaps: what failed is tried at once, and as often
                line.hook, line.attempts, line.not_before = hook, 0, 0.0
            lines[hook.name] = line
        self._lines = lines
        self._keep()
        if hooks:
            self._begin()

    def look(self) -> None:
        """Run what is due, one transition of each hook at most."""
        snapshot, lines = self._current(), self._lines
        hooks, audit = self._seen
        same = hooks is lines and audit is snapshot.flag_audit
        if same and not any(line.state.waiting for line in lines.values()):
            return
        self._seen = (lines, snapshot.flag_audit)
        for line in lines.values():
            if not self._stopping:
                self._look_at(line, snapshot)

    def _look(self) -> None:
        self.look()

    def _look_at(self, line: _Line, snapshot: Snapshot) -> None:
        waiting = _waiting(line, snapshot)
        line.state = replace(line.state, waiting=len(waiting))
        if not waiting:
            self._pass_over(line, snapshot)
        if not waiting or self._monotonic() < line.not_before:
            return
        record, flag = waiting[0]
        document = hook_document(snapshot, flag, record, line.hook.name)
        body = json.dumps(document, ensure_ascii=False).encode() + b"\n"
        ended = self._run_command(line.hook.command, body, line.hook.timeout_seconds)
        self._note(line, record, ended, snapshot)
        line.state = replace(line.state, waiting=len(_waiting(line, snapshot)))

    def _pass_over(self, line: _Line, snapshot: Snapshot) -> None:
        """What it does not want is done: to want more later digs nothing up."""
        audit = snapshot.flag_audit.values()
        latest = max((one.number for records in audit for one in records), default=0)
        if latest > line.done:
            line.done = latest
            self._keep()

    def _note(self, line: _Line, record: AuditRecord, ended: Run, snapshot: Snapshot) -> None:
        state = line.state
        match ended.outcome:
            case Outcome.SUCCEEDED:
                at = snapshot.at.wall
                state = replace(state, succeeded=state.succeeded + 1, last_success=at)
            case Outcome.FAILED:
                state = replace(state, failed=state.failed + 1)
            case Outcome.TIMED_OUT:
                state = replace(state, timed_out=state.timed_out + 1)
        line.state = replace(state, problem=ended.problem)
        if ended.outcome is Outcome.SUCCEEDED:
            self._advance(line, record)
            return
        told = {"hook": line.hook.name, "subject": record.subject, "action": record.action}
        if line.attempts < len(PAUSES):
            pause = PAUSES[line.attempts]
            line.attempts += 1
            line.not_before = self._monotonic() + pause
            log.warning("hook-failed", **told, problem=ended.problem, again_in_seconds=pause)
            return
        line.state = replace(line.state, given_up=line.state.given_up + 1)
        log.error("hook-given-up", **told, problem=ended.problem, attempts=line.attempts + 1)
        self._advance(line, record)

    def _advance(self, line: _Line, record: AuditRecord) -> None:
        line.done, line.attempts, line.not_before = record.number, 0, 0.0
        self._keep()

    def _kept(self) -> Mapping[str, int]:
        """How far each hook came, by its name; none where nothing was kept or can be read."""
        try:
            told = json.loads(self._path.read_text(encoding="utf-8"))
            return {str(name): int(number) for name, number in told.items()}
        except FileNotFoundError:
            return {}
        except (OSError, ValueError, AttributeError, TypeError) as error:
            log.warning("hooks-position-lost", path=str(self._path), error=str(error))
            return {}

    def _keep(self) -> None:
        """Write how far each hook came. Hooks no longer set keep nothing: they begin anew.

        Asked for by the hooks' thread and, with new settings, by the agent's own.
        """
        try:
            with self._keeping:
                if not self._lines:
                    self._path.unlink(missing_ok=True)
                    return
                told = {name: line.done for name, line in self._lines.items()}
                with placed(self._path) as made:
                    made.write_text(json.dumps(told), encoding="utf-8")
        except OSError as error:
            log.warning("hooks-position-not-kept", path=str(self._path), error=error.strerror)


def _waiting(line: _Line, snapshot: Snapshot) -> list[tuple[AuditRecord, Flag]]:
    """The records for which the hook is still to be run, in order, with their flags."""
    found = [
        (record, flag)
        for flag in snapshot.flags
        for record in snapshot.flag_audit.get(flag.number, ())
        if record.number > line.done and line.hook.wants(transition_of(record))
    ]
    return sorted(found, key=lambda one: one[0].number)
