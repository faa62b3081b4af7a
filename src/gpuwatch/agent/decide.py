"""Decide: findings become verdicts that are remembered, and flags that get a window."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime

import structlog

from gpuwatch.agent.known import NO_FILES, KnownFiles, by_board
from gpuwatch.agent.live import Live
from gpuwatch.agent.planning import Calendar, take_up
from gpuwatch.agent.publish import Frame, Transitions
from gpuwatch.agent.swapping import Scene, Swapping
from gpuwatch.domain.audit import AuditRecord, Deed
from gpuwatch.domain.devices import BoardKey
from gpuwatch.domain.flag_audit import GPUWATCH
from gpuwatch.domain.flag_life import stays_in_service
from gpuwatch.domain.flags import Flag
from gpuwatch.domain.known_boards import KnownBoard
from gpuwatch.domain.moments import Moment
from gpuwatch.domain.records import BoardRecord, BoardState
from gpuwatch.domain.signals import Cadence
from gpuwatch.domain.verdicts import Finding, Urgency, Verdict
from gpuwatch.domain.windows import Window
from gpuwatch.history import History
from gpuwatch.policy.attention import attending, escalations, is_followed, outlived, uuids_of
from gpuwatch.policy.judge import NOTHING_JUDGED, Judge, Judgement
from gpuwatch.policy.placement import place_for
from gpuwatch.policy.planner import plan
from gpuwatch.policy.rules import RULES_VERSION, is_remembered
from gpuwatch.policy.views import HostView

log = structlog.get_logger("gpuwatch.decide")

_CONFIRMED = "newer evidence for the same cause"
_LEVELS = {Urgency.PAGE: "error", Urgency.WINDOW: "warning"}


@dataclass(slots=True)
class Decisions:
    """The last thing decided about every board and the host, and what is written of it."""

    history: History
    judge: Judge
    calendar: Calendar
    rules_version: str = RULES_VERSION
    transitions: Transitions = field(default_factory=Transitions)
    flags: tuple[Flag, ...] = ()
    flag_audit: Mapping[int, tuple[AuditRecord, ...]] = field(default_factory=dict)
    judgement: Judgement = NOTHING_JUDGED
    known_boards: Mapping[str, tuple[KnownBoard, ...]] = field(default_factory=dict)
    known_files: KnownFiles = NO_FILES
    swapping: Swapping = field(init=False)
    _held: dict[tuple[str, str], Finding] = field(default_factory=dict)
    _servers: dict[str, str] = field(default_factory=dict)
    _edition: tuple[str, int] = ("", 0)

    def __post_init__(self) -> None:
        self.swapping = Swapping(self.history)

    def restore(self, now: Moment) -> None:
        """Take up what history remembers: verdicts, latched findings, flags."""
        before = self.history.rule_set()
        if self.history.install_rules(self.rules_version):
            log.info(
                "rules-installed",
                version=self.rules_version,
                before=before[0] if before else "none",
            )
        self._edition = self.history.edition
        self.judge.latched.clear()
        self.judge.dismissed.clear()
        for subject, known in self.history.verdicts().items():
            self.transitions.verdicts[subject] = (known.verdict, known.since)
        for finding in self.history.latched_findings():
            self.judge.latched[finding.code, finding.subject] = finding
        self._look_at_flags()
        self.look_at_known_boards()
        for flag in filter(stays_in_service, self.flags):
            followed = is_followed(flag, self.flags)
            for uuid in uuids_of(flag, self.history.records()):
                if followed:
                    self.judge.remember_settled(flag.code, uuid, flag.evidence_at)
                else:
                    self.judge.remember_dismissal(flag.code, uuid, flag.evidence_at, now)
        for code, uuid, evidence_at in outlived(self.flags, self.history.records()):
            self.judge.remember_settled(code, uuid, evidence_at)

    def decide(
        self, view: HostView, records: Mapping[BoardKey, BoardRecord]
    ) -> tuple[Judgement, bool]:
        """Judge, remember what changed, raise and plan flags; whether anything changed."""
        now = view.now
        if self.history.edition != self._edition:
            self.restore(now)
        here = {gpu.uuid for gpu in view.gpus}
        if any(subject not in here for _, subject in self.judge.latched):
            self.drop_latches_of_departed()
        view = replace(view, flags=self.flags, known_boards=self.known_boards)
        judgement = self.judgement = self.judge.judge(attending(view, self.flags))
        self._servers = {bmc.subject: bmc.host for bmc in view.bmcs if bmc.host}
        for finding in judgement.newly_latched:
            self.history.save_latched(finding)
        changed = self._note_findings(judgement)
        changed |= self._note_verdicts(judgement, view)
        changed |= self._escalate(judgement, now, records)
        changed |= self._plan(judgement, now, records)
        return judgement, changed

    def look_at_known_boards(self) -> None:
        """Take up what other hosts told of boards, in files and by import."""
        self.known_boards = by_board((*self.known_files.read(), *self.history.known_boards()))

    def follow_boards(
        self, records: Mapping[BoardKey, BoardRecord], live: Live, now: Moment
    ) -> bool:
        """Let flags follow their boards through swaps and acceptances; whether one changed."""
        changed = self.swapping.follow(self.flags, Scene(records, live, self.judgement, now))
        if changed:
            self._look_at_flags()
        return changed

    def frame(self, now: Moment, stale_seconds: float, cadences: Mapping[Cadence, float]) -> Frame:
        """What a snapshot of this instant says of the decisions."""
        return Frame(
            now=now,
            judgement=self.judgement,
            transitions=self.transitions,
            settings=self.judge.settings,
            stale_seconds=stale_seconds,
            cadences=cadences,
        )

    def change(self, flag: Flag, deed: Deed) -> Flag:
        """Write what a person made of a flag; the flag as it is kept.

        The findings of a board that stays in service although its flag has ended are silent, until
        newer evidence comes; their latches end in the same transaction.
        """
        silent: tuple[tuple[str, str], ...] = ()
        if stays_in_service(flag):
            silent = tuple((flag.code, uuid) for uuid in uuids_of(flag, self.history.records()))
        (saved,) = self.history.save_flags(((flag, deed),), silent)
        for code, uuid in silent:
            self.judge.dismiss(code, uuid, flag.evidence_at)
        self._look_at_flags()
        return saved

    def drop_latches_of_departed(self) -> None:
        """A board that left takes its latched findings along."""
        left = {
            record.key.uuid
            for record in self.history.records().values()
            if record.state is BoardState.LEFT
        }
        for code, subject in [key for key in self.judge.latched if key[1] in left]:
            if is_remembered(code):
                self.judge.dismiss(code, subject, self.judge.latched[code, subject].evidence_at)
            self.judge.leave(code, subject)
            self.history.clear_latched(code, subject)

    def _note_findings(self, judgement: Judgement) -> bool:
        """One log line for each finding that began or ended."""
        held = {
            (finding.code, finding.subject): finding
            for _, _, findings in judgement.by_subject()
            for finding in findings
        }
        before = self._held
        self._held = held
        for key in held.keys() - before.keys():
            finding = held[key]
            getattr(log, _LEVELS.get(finding.urgency, "info"))(
                "finding-began",
                code=finding.code,
                subject=finding.subject or "host",
                **self._where(finding.subject),
                urgency=finding.urgency.value,
                route=finding.route.value,
                remedy=finding.remedy.value,
                sentence=finding.sentence,
            )
        for code, subject in before.keys() - held.keys():
            log.info("finding-ended", code=code, subject=subject or "host", **self._where(subject))
        return held != before

    def _where(self, subject: str) -> dict[str, str]:
        """What remote hands know it by: a board's serial and slot, the host that a BMC watches.

        Nothing for this host, or what is not remembered.
        """
        if server := self._servers.get(subject):
            return {"host": server}
        records = self.history.records()
        record = next((record for key, record in records.items() if key.uuid == subject), None)
        if record is None:
            return {}
        known = {"serial": record.key.serial, "slot": record.slot.label if record.slot else ""}
        return {name: text for name, text in known.items() if text}

    def _note_verdicts(self, judgement: Judgement, view: HostView) -> bool:
        """Remember every verdict that changed; not that an agent which just started knows none.

        A BMC may be asked for the first time only a minute later.
        """
        changed, now = False, view.now
        unasked = {bmc.subject for bmc in view.bmcs if bmc.sweep is None and bmc.trouble is None}
        for subject, verdict, findings in judgement.by_subject():
            if verdict is Verdict.UNKNOWN and (view.settling or subject in unasked):
                continue
            basis = findings if subject else judgement.host_basis
            codes = "; ".join(finding.code for finding in basis)
            reason = judgement.unknown_because.get(subject) or codes or "no finding holds"
            changed |= self._note_verdict(subject, verdict, reason, now)
        return changed

    def _note_verdict(self, subject: str, verdict: Verdict, reason: str, now: Moment) -> bool:
        before = self.transitions.verdicts.get(subject, (None, 0.0))[0]
        if not self.transitions.take(subject, verdict, now.wall):
            return False
        self.history.save_verdict(subject, verdict, reason, now)
        at_first = before is None and verdict is Verdict.HEALTHY
        getattr(log, "debug" if at_first else "info")(
            "verdict-changed",
            subject=subject or "host",
            verdict=verdict.value,
            before=before.value if before else "none",
            reason=reason,
        )
        return True

    def _escalate(
        self, judgement: Judgement, now: Moment, records: Mapping[BoardKey, BoardRecord]
    ) -> bool:
        """Bring flags up to a cause that has become graver than it was when people looked."""
        escalated = tuple(escalations(self.flags, judgement.findings, records))
        for flag in escalated:
            reason = f"its cause is now {flag.urgency.value}: {flag.sentence}"
            self.history.save_flag(flag, _deed("flag-escalated", reason, now))
            log.warning("flag-escalated", flag=flag.number, urgency=flag.urgency.value)
        if escalated:
            self._look_at_flags()
        return bool(escalated)

    def _look_at_flags(self) -> None:
        self.flags, self.flag_audit = self.history.flags(), self.history.flag_audit()

    def _plan(
        self, judgement: Judgement, now: Moment, records: Mapping[BoardKey, BoardRecord]
    ) -> bool:
        wanted = plan(
            judgement.findings,
            records,
            self.flags,
            self.calendar.at(now),
            now,
            notice=self.judge.settings.window_notice,
            freeze_at=self.calendar.freeze_at,
            fru=self.judge.settings.fru,
        )
        for change in wanted.changes:
            take_up(self.history, change, now)
        for flag in wanted.confirmed:
            self.history.save_flag(flag, _deed("flag-confirmed", _CONFIRMED, now))
            log.info("flag-confirmed", flag=flag.number, evidence_at=flag.evidence_at)
        if wanted.changes or wanted.confirmed:
            self._look_at_flags()
            return True
        return False

    def place_for(self, flag: Flag, name: str, start: datetime | None, now: Moment) -> Window:
        """The window that a person pins `flag` to. Raises NoPlaceError; see `placement`."""
        return place_for(
            flag,
            name,
            start,
            self.flags,
            self.calendar.at(now),
            now=now.utc,
            notice=self.judge.settings.window_notice,
        )


def _deed(action: str, reason: str, now: Moment) -> Deed:
    """What gpuwatch does by itself."""
    return Deed(actor=GPUWATCH, action=action, reason=reason, at=now.wall)
