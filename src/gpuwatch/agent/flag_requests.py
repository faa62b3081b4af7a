"""Flag requests: what people ask of flags and the audit log; changes run in the agent's thread."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from gpuwatch.agent.core import Agent
from gpuwatch.agent.guard import SWEEP
from gpuwatch.control.naming import resolve_flag
from gpuwatch.control.requests import ControlError, ErrorKind, Request
from gpuwatch.domain.audit import Deed
from gpuwatch.domain.flag_changes import acknowledged, scheduled, snoozed, unpinned, written
from gpuwatch.domain.flag_life import FlagError, Outcome, dismissed, done, started
from gpuwatch.domain.flags import Disposition, Flag
from gpuwatch.exposition.documents import flags_document
from gpuwatch.exposition.flag_documents import audit_document, flag_document
from gpuwatch.exposition.work_orders import work_order
from gpuwatch.policy.placement import NoPlaceError

Answer = Mapping[str, object]
Change = Callable[[Flag, float], Flag]
ANSWER_SECONDS = 10.0


class FlagRequests:
    """Answers to requests about flags. `answers` are its methods by the word of the request."""

    def __init__(self, agent: Agent) -> None:
        self._agent = agent
        self.answers: dict[str, Callable[[Request, str], Answer]] = {
            "flags": self._flags,
            "flag": self._flag,
            "flag-acknowledge": self._acknowledge,
            "flag-snooze": self._snooze,
            "flag-schedule": self._schedule,
            "flag-start": self._start,
            "flag-done": self._done,
            "flag-dismiss": self._dismiss,
            "flag-set": self._set,
            "audit": self._audit,
            "work-order": self._work_order,
        }

    def _flags(self, _request: Request, _actor: str) -> Answer:
        return {"flags": flags_document(self._agent.snapshot)}

    def _flag(self, request: Request, _actor: str) -> Answer:
        snapshot = self._agent.snapshot
        return {
            "flag": flag_document(snapshot, resolve_flag(request.number("number"), snapshot.flags))
        }

    def _work_order(self, request: Request, _actor: str) -> Answer:
        snapshot = self._agent.snapshot
        return dict(work_order(snapshot, resolve_flag(request.number("number"), snapshot.flags)))

    def _acknowledge(self, request: Request, actor: str) -> Answer:
        return self._change(
            request, actor, "flag-acknowledged", lambda flag, now: acknowledged(flag, actor, now)
        )

    def _snooze(self, request: Request, actor: str) -> Answer:
        until, seconds = request.number("until"), request.number("seconds")
        return self._change(
            request,
            actor,
            "flag-snoozed",
            lambda flag, now: snoozed(flag, now + seconds if seconds else until, now),
        )

    def _schedule(self, request: Request, actor: str) -> Answer:
        name, start = request.text("window"), request.number("start")
        if request.flag("auto"):
            if name or start:
                raise ControlError(
                    ErrorKind.USAGE,
                    "--auto leaves the window to gpuwatch, and another option names one",
                    "give one of them",
                )
            return self._change(request, actor, "flag-unpinned", lambda flag, _now: unpinned(flag))

        def pin(flag: Flag, now: float) -> Flag:
            moment = self._agent.clock.now()
            begins = datetime.fromtimestamp(start, UTC) if start else None
            window = self._agent.decisions.place_for(flag, name, begins, moment)
            return scheduled(flag, window, actor, now)

        return self._change(request, actor, "flag-scheduled", pin)

    def _start(self, request: Request, actor: str) -> Answer:
        return self._change(request, actor, "flag-started", started)

    def _done(self, request: Request, actor: str) -> Answer:
        outcome = Outcome(request.text("outcome"))
        return self._change(request, actor, "flag-done", lambda flag, now: done(flag, outcome, now))

    def _dismiss(self, request: Request, actor: str) -> Answer:
        return self._change(request, actor, "flag-dismissed", dismissed)

    def _set(self, request: Request, actor: str) -> Answer:
        disposition = request.text("disposition")
        return self._change(
            request,
            actor,
            "flag-set",
            lambda flag, now: written(
                flag,
                now,
                due_at=request.number("due") or None,
                disposition=Disposition(disposition) if disposition else None,
                vendor_case=request.text("vendor_case") or None,
                fru=request.text("fru") or None,
            ),
        )

    def _audit(self, request: Request, _actor: str) -> Answer:
        limit, since = int(request.number("limit")), request.number("since")
        subject, history = request.text("subject"), self._agent.history
        records = self._in_thread(lambda: history.audit(limit + 1, since=since, subject=subject))
        return {
            "audit": [audit_document(record) for record in records[-limit:]],
            "more": len(records) > limit,
        }

    def _change(self, request: Request, actor: str, action: str, change: Change) -> Answer:
        """Change one flag, decide what follows from it, and answer with the flag as it is then."""
        agent, number = self._agent, request.number("number")

        def work() -> Answer:
            now = agent.clock.now()
            before = resolve_flag(number, agent.history.flags())
            deed = Deed(actor=actor, action=action, reason=request.text("reason"), at=now.wall)
            agent.decisions.change(change(before, now.wall), deed)
            on_disk = agent.history.is_written
            agent.guard.run(SWEEP, agent.sweep, changed=True)
            snapshot = agent.snapshot
            return {
                "flag": flag_document(snapshot, resolve_flag(number, snapshot.flags)),
                "written": on_disk,
            }

        try:
            return dict(self._in_thread(work))
        except FlagError as error:
            kind = ErrorKind.USAGE if error.misuse else ErrorKind.REFUSED
            raise ControlError(kind, error.what, error.remedy) from error
        except NoPlaceError as error:
            what, _, remedy = str(error).removesuffix(")").partition(" (")
            raise ControlError(ErrorKind.USAGE, what, remedy) from error

    def _in_thread(self, work: Callable[[], Any]) -> Any:  # noqa: ANN401 - what the work returns
        return self._agent.inbox.ask(work).result(ANSWER_SECONDS)
