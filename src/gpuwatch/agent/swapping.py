"""Swapping: flags follow what happens to their boards: exchanged, replaced, accepted, refused."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import structlog

from gpuwatch.agent.live import Live
from gpuwatch.domain.acceptances import Acceptance, AcceptanceState, Candidate
from gpuwatch.domain.audit import Deed
from gpuwatch.domain.devices import BoardKey, same_board
from gpuwatch.domain.flag_audit import GPUWATCH
from gpuwatch.domain.flag_life import ACCEPTANCE_FAILED, accepted, board_changed, failed
from gpuwatch.domain.flags import Flag, FlagState
from gpuwatch.domain.moments import Moment
from gpuwatch.domain.records import BoardRecord, BoardState
from gpuwatch.history import History
from gpuwatch.policy.acceptance import (
    Checkup,
    advanced,
    begin,
    best_of,
    is_loaded,
    judge_acceptance,
    refusal,
)
from gpuwatch.policy.judge import Judgement
from gpuwatch.policy.rules import BY_CODE
from gpuwatch.policy.slots import slot_note

log = structlog.get_logger("gpuwatch.swapping")

Records = Mapping[BoardKey, BoardRecord]
_STANDING = frozenset({FlagState.OPEN, FlagState.IN_HANDS})


@dataclass(frozen=True, slots=True)
class Scene:
    """All that is known at one instant."""

    records: Records
    live: Live
    judgement: Judgement
    now: Moment


@dataclass(frozen=True, slots=True)
class _Look:
    """The exposure clock of a candidate when it was looked at, and whether it carried load."""

    exposure: float
    loaded: bool


@dataclass(slots=True)
class Swapping:
    """Moves flags along with their boards. Remembers only the last look at each candidate."""

    history: History
    _looks: dict[tuple[int, str], _Look] = field(default_factory=dict)

    def follow(self, flags: Sequence[Flag], scene: Scene) -> bool:
        """Look at every flag that has not ended; whether one changed. Cheap when there is none."""
        changed = False
        for flag in flags:
            if flag.is_open and (record := _bearer(flag, scene.records)) is not None:
                step = self._keep_up if flag.state in _STANDING else self._verify
                changed |= step(flag, record, scene)
        return changed

    def _keep_up(self, flag: Flag, record: BoardRecord, scene: Scene) -> bool:
        """A flag whose board is to be replaced: it moved, or another one is in its slot."""
        if record.state is BoardState.LEFT and record.successor is not None:
            return self._swap(flag, record, record.successor, scene)
        slot = record.slot.label if record.slot else ""
        if record.state is not BoardState.PRESENT or not slot or slot == flag.slot_label:
            return False
        reason = f"the board is in {slot} now, it was in {flag.slot_label or 'an unknown slot'}"
        deed = _deed("flag-follows-board", reason, scene.now)
        self.history.save_flag(replace(flag, slot_label=slot), deed)
        log.warning("flag-follows-board", flag=flag.number, serial=flag.board.serial, slot=slot)
        return True

    def _swap(self, flag: Flag, record: BoardRecord, successor: BoardKey, scene: Scene) -> bool:
        now = scene.now
        acceptance = begin(flag, record, scene.records, now.wall)
        if acceptance is None:
            return False
        announced = flag.state is FlagState.IN_HANDS
        unsaid = "" if announced else ", and nobody had announced it"
        reason = f"{successor} is in {flag.slot_label} in its place{unsaid}"
        self.history.save_acceptance(acceptance, with_flag=True)
        changed = board_changed(flag, successor, now.wall)
        self.history.save_flag(changed, _deed("flag-board-changed", reason, now))
        (log.info if announced else log.warning)(
            "flag-board-changed",
            flag=flag.number,
            serial=flag.board.serial,
            successor=successor.serial or successor.uuid,
            slot=flag.slot_label,
            announced=announced,
        )
        return True

    def _verify(self, flag: Flag, record: BoardRecord, scene: Scene) -> bool:
        """What came in carries load for a while, and is then accepted, or is refused."""
        acceptance = self._current(flag, record, scene)
        if acceptance is None:
            return False
        known, flag = flag, next(one for one in self.history.flags() if one.number == flag.number)
        checkups = _checkups(acceptance, scene)
        acceptance = self._carry(acceptance, checkups)
        now, records = scene.now, scene.records
        left = records[acceptance.candidates[0].key].state is BoardState.LEFT
        if record.state is BoardState.PRESENT and left:
            sentence = "the flagged board was put back into service"
            refused = acceptance.decided(AcceptanceState.FAILED, sentence, now.wall)
            return self._refuse(flag, refused, record, now)
        decided = judge_acceptance(acceptance, checkups, now.wall)
        if decided.state is AcceptanceState.RUNNING:
            return flag != known
        if (against := refusal(acceptance, checkups)) is not None:
            return self._refuse(flag, decided, records[against[0]], now)
        return self._accept(flag, decided, now)

    def _current(self, flag: Flag, record: BoardRecord, scene: Scene) -> Acceptance | None:
        """The acceptance that runs, begun anew when another board replaced what came in."""
        acceptance = self.history.acceptances().get(flag.number)
        gone, records = record, scene.records
        if acceptance is not None and all(one.key in records for one in acceptance.candidates):
            gone = records[acceptance.candidates[0].key]
            if gone.state is not BoardState.LEFT or gone.successor is None:
                return acceptance
        begun = begin(flag, gone, records, scene.now.wall)
        if begun is not None:
            key = begun.candidates[0].key
            self.history.save_acceptance(begun, with_flag=True)
            deed = _deed("flag-successor-changed", f"{key} is to be accepted now", scene.now)
            self.history.save_flag(replace(flag, successor=key), deed)
        return begun

    def _carry(self, acceptance: Acceptance, checkups: Sequence[Checkup]) -> Acceptance:
        """Count what was carried since the last look, between two looks under load."""
        carried = tuple(
            self._advance(acceptance.flag, candidate, checkup)
            for candidate, checkup in zip(acceptance.candidates, checkups, strict=True)
        )
        if carried == acceptance.candidates:
            return acceptance
        acceptance = replace(acceptance, candidates=carried)
        # Written with the clocks of the boards, once a minute.
        self.history.save_acceptance(acceptance, with_flag=True)
        return acceptance

    def _advance(self, flag: int, candidate: Candidate, checkup: Checkup) -> Candidate:
        look, exposure = (flag, candidate.key.uuid), checkup.record.exposure_seconds
        before, loaded = self._looks.get(look), is_loaded(checkup.readings)
        if before is not None and before.exposure == exposure:
            return candidate
        self._looks[look] = _Look(exposure, loaded)
        if before is None or not (before.loaded and loaded):
            return candidate
        return advanced(candidate, exposure - before.exposure, checkup)

    def _accept(self, flag: Flag, acceptance: Acceptance, now: Moment) -> bool:
        proven = acceptance.state is AcceptanceState.ACCEPTED
        closed = accepted(flag, now.wall, proven=proven)
        self.history.save_acceptance(acceptance, with_flag=True)
        self.history.save_flag(closed, _deed("flag-accepted", acceptance.sentence, now))
        log.info("board-accepted", flag=flag.number, proven=proven, sentence=acceptance.sentence)
        return True

    def _refuse(self, flag: Flag, acceptance: Acceptance, record: BoardRecord, now: Moment) -> bool:
        """Close the flag with its outcome; one flag is raised for the board that was refused."""
        due = BY_CODE[ACCEPTANCE_FAILED].due
        due_at = now.wall + (due.total_seconds() if due else 0.0)
        closed, raised = failed(flag, record.key, acceptance.sentence, now.wall, due_at=due_at)
        flags = self.history.flags()
        changes = [(closed, _deed("flag-acceptance-failed", acceptance.sentence, now))]
        if not any(_is_refused(one, record.key) for one in flags):
            raised = replace(raised, slot_note=slot_note(record, flags))
            changes.append((raised, _deed("flag-raised", acceptance.sentence, now)))
        self.history.save_acceptance(acceptance, with_flag=True)
        self.history.save_flags(changes)
        log.error(
            "acceptance-failed",
            flag=flag.number,
            serial=record.key.serial,
            uuid=record.key.uuid,
            sentence=acceptance.sentence,
        )
        return True


def _is_refused(flag: Flag, board: BoardKey) -> bool:
    """Whether a flag says already that this board was refused."""
    return flag.is_open and flag.code == ACCEPTANCE_FAILED and same_board(flag.board, board)


def _bearer(flag: Flag, records: Records) -> BoardRecord | None:
    """The flagged board, also when only one side knows its serial number."""
    found = records.get(flag.board)
    if found is not None:
        return found
    return next((one for key, one in records.items() if same_board(key, flag.board)), None)


def _checkups(acceptance: Acceptance, scene: Scene) -> tuple[Checkup, ...]:
    """Every candidate as it is now, in their order."""
    return tuple(_checkup(scene.records[one.key], scene) for one in acceptance.candidates)


def _checkup(record: BoardRecord, scene: Scene) -> Checkup:
    boards = scene.live.boards
    answers = {
        key.uuid: board.readings
        for key, other in scene.records.items()
        if other.board.part_number == record.board.part_number
        and (board := boards.get(key.uuid)) is not None
        and board.present
    }
    return Checkup(
        record=record,
        readings=answers.get(record.key.uuid, {}),
        best=best_of(answers.values()),
        findings=scene.judgement.findings.get(record.key.uuid, ()),
    )


def _deed(action: str, reason: str, now: Moment) -> Deed:
    """What gpuwatch does by itself."""
    return Deed(actor=GPUWATCH, action=action, reason=reason, at=now.wall)
