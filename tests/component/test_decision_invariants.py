"""Whatever happens in whatever order, nothing is lost, doubled, or charged to the wrong board."""

import contextlib
import os
import tempfile
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
import structlog
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from gpuwatch.agent import actions
from gpuwatch.domain.audit import AuditRecord, Deed
from gpuwatch.domain.flag_audit import flag_record, flag_subject
from gpuwatch.domain.flag_life import ACCEPTANCE_FAILED
from gpuwatch.domain.flags import Flag, FlagState
from gpuwatch.domain.incidents import Incident, Memory
from gpuwatch.domain.records import BoardRecord, BoardState
from gpuwatch.domain.snapshot import Maintenance
from gpuwatch.domain.verdicts import Finding, Remedy, Urgency, Verdict
from gpuwatch.history import HistorySettings
from gpuwatch.policy.agenda import Agenda
from gpuwatch.policy.rules import BY_CODE
from gpuwatch.policy.schedule import Schedule
from gpuwatch.policy.views import PolicySettings
from tests.support.driven import (
    COUNTER_PLACES,
    FAST_SECONDS,
    FLAG_PLACES,
    MEMORY_DISK,
    Counters,
    DrivenHost,
    Line,
    Part,
)
from tests.support.histories import DAY
from tests.support.operators import ACTIONS, act, attributes
from tests.support.truth import ECHOES, OWNERS, BoardTruth, Error

SOAK = bool(os.environ.get("GPUWATCH_SOAK"))
SHARES = 5 if SOAK else 1  # each is a test of its own, with a deadline of its own
EXAMPLES = 2_000 if SOAK else 300
STEPS = 20
SLOTS = 3
YEAR = 365 * DAY
OBSERVED = 7 * DAY  # sweeps so far apart still observe a board
UNWRITTEN = HistorySettings().flush_seconds  # of what time passed, a kill loses so much
WEEKLY = Schedule("weekly", "0 2 * * 0", timedelta(hours=4), ZoneInfo("UTC"))
DAILY = Schedule("daily", "30 22 * * *", timedelta(hours=2), ZoneInfo("Europe/Berlin"))
NOBODY = Deed(actor="nobody", action="none", reason="", at=0.0)
DATED = frozenset({"evidence", "due", "acknowledged"})
TREND = "rising-uncorrectable-trend"
RETURNED = frozenset({ACCEPTANCE_FAILED, "flagged-board-returned"})
CODES = sorted(BY_CODE)

slots = st.integers(0, SLOTS - 1)
memories = st.sampled_from(["dram", "sram"])
pauses = st.sampled_from([10.0, 60.0, 600.0, 3600.0])
days = st.sampled_from([0.3, 1.2, 2.5, 5.0, 9.0, 30.0, 120.0])


class Life(RuleBasedStateMachine):
    """A host of three boards, their operators, and everything that goes wrong."""

    def __init__(self) -> None:
        super().__init__()
        self.host = DrivenHost(Path(tempfile.mkdtemp(prefix="gpuwatch-life-", dir=MEMORY_DISK)))
        self.boards: dict[int, BoardTruth] = {}
        self.owners: dict[int, int] = {}  # of lines of the kernel log: the board's number
        self.counted: set[int] = set()  # lines that were delivered
        self.shelf: list[Part] = []
        self.work: list[Maintenance] = []
        self.latched: set[tuple[str, str]] = set()
        self.released_latches: set[tuple[str, str]] = set()
        self.flags: dict[int, Flag] = {}
        self.left_with: dict[str, int] = {}  # the evidence for a trend when a board left
        self.audit: tuple[AuditRecord, ...] = ()
        self.stepped = False  # whether the clock was set: decisions are dated anew then
        self.dismissed: dict[tuple[str, str], int] = {}
        self.seen_until: dict[str, float] = {}  # the latest incident when a trend was dismissed

    @initialize(
        counters=st.lists(st.sampled_from(Counters), min_size=SLOTS, max_size=SLOTS),
        lags=st.booleans(),
        prior=st.integers(0, 3),
    )
    def begin(self, counters: list[Counters], lags: bool, prior: int) -> None:
        """Boards sit in their slots, one with prior errors, and the agent starts."""
        for number, kind in enumerate(counters):
            self.host.slots[number] = Part(
                number, kind, lags=lags and number == 1 and kind is Counters.BOTH
            )
        first = self.host.slots[0]
        assert first is not None
        first.fail("dram", prior) if prior else None
        self._start()

    # --- time -------------------------------------------------------------------------------

    @rule(seconds=pauses, slow=st.booleans())
    def sweep(self, seconds: float, slow: bool) -> None:
        """Every board is swept after a while."""
        self._pulse(seconds, slow=slow)

    @rule(length=days)
    def time_passes(self, length: float) -> None:
        """Days pass, in which the boards are swept often enough to be observed."""
        self._pulse()
        self._observe(length)

    @rule(seconds=st.sampled_from([2.0, 3600.0, 3 * YEAR, -2.0, -3600.0, -3 * YEAR]))
    def the_wall_clock_steps(self, seconds: float) -> None:
        """Somebody sets the clock."""
        self.host.clock.step(seconds)
        self.stepped = True
        self._pulse()

    # --- errors -----------------------------------------------------------------------------

    @rule(
        slot=slots,
        memory=memories,
        count=st.sampled_from([1, 1, 2, 700]),
        code=st.sampled_from([None, 48, 171]),
        own=st.sampled_from([None, None, 94, 95]),
        peers=st.booleans(),
        remap=st.booleans(),
        action=st.sampled_from([0, 0, 1]),
        told=st.booleans(),
    )
    def an_error(  # noqa: PLR0917 - the machine calls it by name
        self,
        slot: int,
        memory: str,
        count: int,
        code: int | None,
        own: int | None,
        peers: bool,
        remap: bool,
        action: int,
        told: bool,
    ) -> None:
        """An uncorrectable error, with or without records, echoes of peers and a remap."""
        part = self._fail(slot, memory, count)
        if part is None:
            return
        part.action = action
        if remap and memory == "dram":
            part.rows += 1
            part.pending = 1
            self.boards[part.number].errors[-1].remapped = True
        if code is not None:
            self._log(slot, 172 if code != 48 and memory == "sram" else code)
        if own is not None:
            self._log(slot, own)
        for other, peer in self.host.slots.items():
            if peers and other != slot and peer is not None:
                self._log(other, 94)
        if told:
            self._deliver()
            self._pulse()

    @rule(
        slot=slots,
        memory=memories,
        waits=st.lists(st.sampled_from([0.5, 1.2, 8.0, 20.0, 60.0, 200.0]), min_size=1, max_size=3),
        code=st.sampled_from([None, 48]),
        reset=st.booleans(),
    )
    def errors_rise(
        self, slot: int, memory: str, waits: list[float], code: int | None, reset: bool
    ) -> None:
        """One error after another of one board, days apart."""
        for wait in (0.0, *waits):
            self._observe(wait)
            part = self._fail(slot, memory, 1)
            if part is not None and code is not None:
                self._log(slot, code)
            if part is not None and reset:
                part.action = 1
            self._deliver()
            self._pulse()
            if part is not None and reset:
                self.a_board_is_reset(slot)

    @rule(slot=slots)
    def an_inforom_is_reset(self, slot: int) -> None:
        """While it answers its aggregate counters start from 0; what they had told stays told."""
        self._pulse()
        self._pulse()
        part = self.host.slots[slot]
        readable = self.host.running and not self.host.released
        if part is None or part.gaps or part.fallen or part.gone or not readable:
            return
        part.aggregate = part.dram = part.sram = 0
        self._pulse()
        self._pulse()

    @rule(slot=slots, code=st.sampled_from([94, 95, 140]), flood=st.sampled_from([1, 15]))
    def an_echo_alone(self, slot: int, code: int, flood: int) -> None:
        """A board reports the error of another host."""
        if self.host.slots[slot] is not None:
            for _ in range(flood):
                self.host.clock.pass_seconds(1.5)
                self._log(slot, code)
        if self.host.running:
            self.host.turn()

    @rule()
    def the_log_is_read(self) -> None:
        """What the kernel logged reaches the agent, late or not."""
        self._deliver()
        self._pulse()

    @rule(slot=slots)
    def a_remap_fails(self, slot: int) -> None:
        """The sticky flag of NVIDIA's criterion."""
        if (part := self.host.slots[slot]) is not None:
            part.failed = 1
        self._pulse()

    @rule(slot=slots, places=st.sampled_from([COUNTER_PLACES, FLAG_PLACES, ()]))
    def signals_go_or_come(self, slot: int, places: tuple[int, ...]) -> None:
        """Some signals of a board cannot be read, or can be again."""
        if (part := self.host.slots[slot]) is not None:
            part.gaps = frozenset(places)
        self._pulse()

    # --- resets -----------------------------------------------------------------------------

    @rule(slot=slots)
    def a_board_is_reset(self, slot: int) -> None:
        """nvidia-smi --gpu-reset."""
        self._pulse()
        part = self.host.slots[slot]
        if part is None or part.fallen or part.gone:
            return
        part.reset()
        self.boards[part.number].forget_volatile()
        self.boards[part.number].reset_unread = True
        self._pulse()

    @rule()
    def the_driver_is_reloaded(self) -> None:
        """Another load of the module."""
        self._forget_volatile()
        self.host.clock.pass_seconds(30.0)
        self.host.reload_driver()
        self._pulse()

    @rule(
        wrong=st.sampled_from([0.0, 0.0, 4 * YEAR, -4 * YEAR]),
        kept=st.booleans(),
        killed=st.booleans(),
    )
    def the_host_reboots(self, wrong: float, kept: bool, killed: bool) -> None:
        """With the clock right or wrong, and the tail of the log kept or not.

        A kill may lose how long a flood of echoes went on, unless the log is read again.
        """
        self._end(killed=killed and kept)
        self._reboot(wrong, kept=kept)
        self._start()

    @rule(killed=st.booleans())
    @precondition(lambda self: self.host.running)
    def the_agent_restarts(self, killed: bool) -> None:
        """Whatever was known before is known after."""
        self._pulse()
        before = self._memory()
        self.host.kill() if killed else self.host.stop()
        self.host.clock.pass_seconds(2.0)
        self.host.open()
        after = self._memory()
        changed = [name for name, known in before.items() if after[name] != known]
        assert changed == [], [(before[name], after[name]) for name in changed]
        self._start()

    @rule(killed=st.booleans())
    @precondition(lambda self: self.host.running)
    def the_agent_ends(self, killed: bool) -> None:
        """And stays off for a while."""
        self._end(killed=killed)

    @rule()
    @precondition(lambda self: not self.host.running)
    def the_agent_starts(self) -> None:
        """After whatever happened meanwhile."""
        self._start()

    # --- boards come and go -------------------------------------------------------------------

    @rule(slot=slots, new=st.booleans(), counters=st.sampled_from(Counters), began=st.booleans())
    def a_board_is_swapped(self, slot: int, new: bool, counters: Counters, began: bool) -> None:
        """For a new one, or for one from the shelf; announced by `start` or not."""
        old = self.host.slots[slot]
        if began and old is not None and self.host.running:
            self._act_on_board(old, "start")
        self._end(killed=False)
        self._reboot(0.0, kept=True)
        if new or not self.shelf:
            come = Part(len(self.boards) + len(self.shelf), counters)
        else:
            come = self.shelf.pop(0)
        if old is not None:
            self.shelf.append(old)
        self.host.slots[slot] = come
        self._start()

    @rule(one=slots, other=slots)
    def boards_are_exchanged(self, one: int, other: int) -> None:
        """Remote hands put two boards in each other's slots."""
        self._end(killed=False)
        self._reboot(0.0, kept=True)
        placed = self.host.slots
        placed[one], placed[other] = placed[other], placed[one]
        self._start()

    @rule(slot=slots)
    def a_board_falls_off_the_bus(self, slot: int) -> None:
        """Xid 79, and the driver says it is lost."""
        self._pulse()
        part = self.host.slots[slot]
        if part is None or part.fallen or part.gone:
            return
        part.fallen = True
        self._log(slot, 79)
        self._deliver()
        self._pulse()

    @rule(slot=slots)
    def a_board_vanishes(self, slot: int) -> None:
        """Nothing is on the bus where it was."""
        if (part := self.host.slots[slot]) is not None:
            part.gone = True
            self._count()

    @rule()
    def boards_come_back(self) -> None:
        """What had vanished is on the bus again."""
        for part in self.host.parts:
            part.gone = False
        self._count()

    @rule(place=st.integers(0, 3))
    @precondition(lambda self: self.host.running)
    def a_person_retires_a_board(self, place: int) -> None:
        """One that is absent has left for good; one that is present is refused."""
        board = list(self.boards.values())[place % len(self.boards)]
        agent = self.host.agent
        with contextlib.suppress(ValueError):
            actions.retire(agent, board.part.key, "uid=1000(ann)", "sold")
        self._pulse()

    # --- people -------------------------------------------------------------------------------

    @rule(
        slot=st.one_of(st.none(), slots),
        hours=st.sampled_from([0.05, 1.0, 60.0]),
        release=st.booleans(),
    )
    @precondition(lambda self: self.host.running)
    def maintenance_begins(self, slot: int | None, hours: float, release: bool) -> None:
        """Of the host or of a board, with the driver let go of or not."""
        part = self.host.slots[slot] if slot is not None else None
        work = self.host.agent.works.begin(
            Maintenance(
                identity="",
                scope="board" if part else "host",
                board=part.key.serial if part else "",
                until=self.host.clock.wall + hours * 3600.0,
                reason="a test",
                release=release,
            )
        )
        self.work.append(work)
        self._pulse()

    @rule()
    @precondition(lambda self: self.host.running and self.work)
    def maintenance_ends(self) -> None:
        """The oldest piece of work."""
        self.host.agent.works.end(self.work.pop(0).identity)
        self._pulse()

    @rule(
        disabled=st.sets(st.sampled_from(CODES), max_size=2),
        not_paging=st.sets(st.sampled_from(CODES), max_size=2),
        shadow=st.booleans(),
    )
    def the_settings_change(self, disabled: set[str], not_paging: set[str], shadow: bool) -> None:
        """Rules are disabled, kept from paging, or all of them put into the shadow."""
        self.host.apply(
            replace(
                PolicySettings(),
                disabled=frozenset(disabled),
                not_paging=frozenset(not_paging),
                shadow=shadow,
            )
        )
        self._pulse()

    @rule(chosen=st.sampled_from([(), (WEEKLY,), (DAILY,), (WEEKLY, DAILY)]))
    def windows_change(self, chosen: tuple[Schedule, ...]) -> None:
        """Windows are added, or cancelled."""
        self.host.agenda = Agenda(schedules=chosen, boards_per_window=1)
        self.host.apply(self.host.settings)
        self._pulse()

    @rule(
        place=st.integers(0, 5), chosen=st.lists(st.sampled_from(ACTIONS), min_size=1, max_size=4)
    )
    @precondition(lambda self: self.host.running and self.host.agent.decisions.flags)
    def a_person_acts_on_a_flag(self, place: int, chosen: list[str]) -> None:
        """What is refused changes nothing."""
        for action in chosen:
            flags = self.host.agent.decisions.flags
            self._act(flags[place % len(flags)], action)
            self._pulse()

    # --- what must hold -----------------------------------------------------------------------

    @invariant()
    def every_error_is_counted_once(self) -> None:
        """Per board and memory the recorded sum is what could be read."""
        for board, record in self._known():
            total = sum(record.errors.values())
            expected = sum(board.counted.values())
            if board.settled:
                assert total == expected, (record.key, record.errors, board.counted)
            assert total <= sum(error.count for error in board.errors)
            if board.located:
                told = {
                    Memory.DRAM: board.counted["dram"],
                    Memory.SRAM: board.counted["sram"],
                    Memory.UNKNOWN: 0,
                }
                assert dict(record.errors) == told

    @invariant()
    def every_error_is_in_one_incident(self) -> None:
        """The signals of the incidents add up to what happened, and to no more."""
        for board, record in self._known():
            sums = _sums(record.incidents)
            assert sums["row_remap"] == board.rows_read - board.rows, record.incidents
            for name in OWNERS.values():
                assert sums[name] == board.records[name], (name, record.incidents)
            if board.settled:
                named, unnamed = sums["ecc dram"] + sums["ecc sram"], sums["ecc unknown"]
                expected = sum(board.counted.values())
                assert max(named, unnamed) <= expected <= named + unnamed
            if board.located:
                assert sums["ecc dram"] <= board.counted["dram"]
                assert sums["ecc sram"] <= board.counted["sram"]

    @invariant()
    def echoes_charge_nobody(self) -> None:
        """A board that only echoed has no incident; every echo is accounted for once."""
        for board, record in self._known():
            if not board.known and not board.rows_read - board.rows:
                assert record.incidents == ()
            sums = _sums(record.incidents)
            known = self.host.agent.history._book.find(record.key)
            assert known is not None
            waiting = sum(echo.count for echo in known.waiting)
            attached = sum(sums[name] for name in ECHOES.values())
            echoed = sum(board.records[name] for name in ECHOES.values())
            assert attached + waiting + record.unattributed == echoed, record

    @invariant()
    def incidents_are_those_that_happened(self) -> None:
        """In order, on their board, and dated when they happened."""
        for board, record in self._known():
            exposures = [incident.opened_exposure for incident in record.incidents]
            assert exposures == sorted(exposures)
            if board.is_vague(self.host.clock) or not board.settled:
                continue
            expected = board.incidents()
            found = record.incidents
            assert len(found) == len(expected), (found, expected, board.resets)
            offsets = self.host.clock.offsets
            for incident, error in zip(found, expected, strict=True):
                at = offsets[error.boot_id] + error.boottime
                assert abs(incident.opened_at - at) <= error.doubt + 2.0, (incident, error, at)

    @invariant()
    def one_flag_stands_for_one_board_and_cause(self) -> None:
        """However often it is found again."""
        if self.host.running:
            standing = Counter(
                (flag.board, flag.code) for flag in self._flags().values() if flag.is_open
            )
            assert all(count == 1 for count in standing.values()), standing

    @invariant()
    def no_flag_is_without_evidence(self) -> None:
        """What it says happened to that very board; after a dismissal it takes newer evidence."""
        if not self.host.running:
            return
        flags = self._flags()
        for number in flags.keys() - self.flags.keys():
            flag = flags[number]
            board = self._board(flag.board.uuid)
            assert self._speaks_for(flag, board), flag
            seen = self.dismissed.get((flag.code, flag.board.uuid))
            assert seen is None or board.evidence[flag.code] > seen, (flag, board)
        for number, before in self.flags.items():
            assert flags[number].board == before.board
            if not before.is_open:
                assert not flags[number].is_open
        self.flags = flags

    @invariant()
    def every_change_of_a_flag_is_written_down(self) -> None:
        """The audit log has no gap, nothing in it changes, and replayed it gives every flag."""
        if not self.host.running:
            return
        audit = self.host.agent.history.audit(100_000)
        assert [record.number for record in audit] == list(range(1, len(audit) + 1))
        assert audit[: len(self.audit)] == self.audit
        self.audit = audit
        told: dict[str, dict[str, str]] = {}
        for record in audit:
            known = told.setdefault(record.subject, {})
            if record.before:
                for name, value in attributes(record.before).items():
                    moved = self.stepped and name in DATED
                    assert moved or known.get(name, "none") == value, record
            known.update(attributes(record.after))
        for flag in self._flags().values():
            whole = attributes(flag_record(None, flag, NOBODY).after)
            replayed = {"outcome": "none"} | told[flag_subject(flag.number)]
            for name in whole.keys() | replayed.keys():
                if not (self.stepped and name in DATED):
                    assert replayed.get(name, "none") == whole.get(name, "none"), (name, flag)

    @invariant()
    def latched_findings_stay(self) -> None:
        """Until a person dismisses them or the board leaves."""
        if not self.host.running:
            return
        now = {(found.code, found.subject) for found in self.host.agent.history.latched_findings()}
        records = self.host.agent.history.records()
        left = {key.uuid for key, one in records.items() if one.state is BoardState.LEFT}
        gone = {key for key in self.latched - now if key[1] not in left}
        assert gone <= self.released_latches, gone
        assert set(self.host.agent.decisions.judge.latched) == now
        self.latched, self.released_latches = now, set()

    @invariant()
    def nobody_is_paged_in_vain(self) -> None:
        """Not while somebody works on it, the driver is let go of, or rules are in the shadow."""
        if not self.host.running:
            return
        wall = self.host.clock.wall
        worked = [work for work in self.work if work.until > wall]
        boards = {work.board for work in worked if work.scope == "board"}
        in_hands = {
            flag.board.uuid for flag in self._flags().values() if flag.state is FlagState.IN_HANDS
        }
        attended = {
            (flag.code, flag.board.uuid)
            for flag in self._flags().values()
            if flag.is_open and _is_taken_up(flag, wall)
        }
        silent = self.host.released or self.host.settings.shadow
        silent |= any(work.scope == "host" for work in worked)
        for finding in self._findings():
            quiet = silent or finding.code in self.host.settings.not_paging
            assert finding.code not in self.host.settings.disabled
            serials = {
                b.part.key.serial
                for b in self.boards.values()
                if b.part.key.uuid == finding.subject
            }
            if finding.route is Urgency.PAGE:
                assert finding.subject not in in_hands, finding
                assert not quiet, finding
                assert not serials & boards, finding
                assert (finding.code, finding.subject) not in attended, finding

    @invariant()
    def a_rising_trend_is_found(self) -> None:
        """Two incidents within sixty days are more than chance, whatever happened meanwhile."""
        host = self.host
        for board, record in self._known():
            if record.state is BoardState.LEFT:
                self.left_with[record.key.uuid] = board.evidence[TREND]
        if not host.running or TREND in host.settings.disabled:
            return
        if not host.agent.clocks.settled(host.clock.now()):
            return
        for board, record in self._known():
            incidents, uuid = board.incidents(), record.key.uuid
            if self.left_with.get(uuid) == board.evidence[TREND]:
                continue  # a board that left and is back: only a new incident raises it again
            certain = board.settled and not board.is_vague(host.clock)
            if not certain or len(incidents) < 2:
                continue
            if incidents[-1].at - incidents[-2].at < 60 * DAY:
                found = (TREND, uuid) in host.agent.decisions.judge.latched
                assert found or incidents[-1].at <= self.seen_until.get(uuid, 0.0)

    @invariant()
    def whoever_is_paged_can_take_it_up(self) -> None:
        """A board to be replaced now has a flag for that cause that people can acknowledge."""
        if not self.host.running:
            return
        standing = {(flag.code, flag.board.uuid) for flag in self._flags().values() if flag.is_open}
        paging = {
            (finding.code, finding.subject)
            for finding in self._findings()
            if finding.route is Urgency.PAGE and finding.remedy is Remedy.REPLACE
        }
        assert paging <= standing

    @invariant()
    def a_failed_remap_is_never_forgotten(self) -> None:
        """What NVIDIA calls a reason to return the board is a finding, unless people ended it.

        A board that left and is back with a flag that cannot be read is not taken for sound either.
        """
        for board, record in self._known():
            if record.state is BoardState.LEFT:
                board.failed_asked = False
        if not self.host.running or "row-remap-failed" in self.host.settings.disabled:
            return
        found = {
            finding.subject for finding in self._findings() if finding.code == "row-remap-failed"
        }
        flagged = {
            flag.board.uuid for flag in self._flags().values() if flag.code == "row-remap-failed"
        }
        refused = {flag.board.uuid for flag in self._flags().values() if flag.code in RETURNED}
        for board, record in self._known():
            if board.failed_read and record.state is BoardState.PRESENT:
                uuid = record.key.uuid
                assert uuid in flagged
                told = found if board.failed_asked else found | refused
                assert uuid in told or ("row-remap-failed", uuid) in self.dismissed

    @invariant()
    def nobody_is_healthy_unseen(self) -> None:
        """A GPU is not healthy while a signal that rules need is missing, nor while it is gone."""
        if not self.host.running:
            return
        verdicts = self.host.agent.decisions.judgement.verdicts
        clock = self.host.clock
        for board, record in self._known():
            if verdicts.get(record.key.uuid) is not Verdict.HEALTHY:
                continue
            assert not self.host.released
            assert not board.part.gone or board.part.key.uuid in self.host.listed
            for boot, since in board.missing.values():
                age = clock.boottime - since if boot == clock.boot_id else 0.0
                assert age < 3 * FAST_SECONDS, (record.key, board.missing)

    def teardown(self) -> None:
        """The file goes with the example."""
        self.host.remove()

    # --- how the world moves --------------------------------------------------------------------

    def _start(self) -> None:
        self.host.start()
        self._take_lines(self.host.log)
        self._pulse()  # what a new board brings along is its baseline
        self._pulse()

    def _end(self, *, killed: bool) -> None:
        if not self.host.running:
            return
        self._pulse(UNWRITTEN if killed else FAST_SECONDS)
        self.host.kill() if killed else self.host.stop()
        for board in self.boards.values():
            board.killed(UNWRITTEN if killed else 0.0)

    def _reboot(self, wrong: float, *, kept: bool) -> None:
        self._forget_volatile()
        known = self.host.clock.offsets
        self.host.log = [line for line in self.host.log if kept and line.boot_id in known]
        self.host.reboot(wrong_by=wrong)
        self.work.clear()

    def _pulse(self, seconds: float = FAST_SECONDS, *, slow: bool = True) -> None:
        self.host.pulse(seconds, slow=slow)
        self._meet()
        for number in self.host.answers:
            self.boards[number].swept(self.host.answers[number], self.host.clock, slow=slow)

    def _observe(self, length: float) -> None:
        left = length * DAY
        if self.host.released:  # sweeps begin again when that is over, not days later
            ends = max(work.until for work in self.work) - self.host.clock.wall
            left -= ends
            self._pulse(max(ends, 0.0) + FAST_SECONDS)
        self._pulse()  # a counter that lags lags by a sweep, not by the days between two of ours
        self._pulse()
        while left > 0:
            self._pulse(min(left, OBSERVED))
            left -= OBSERVED
        self._pulse()

    def _fail(self, slot: int, memory: str, count: int) -> Part | None:
        """Errors of the board in a slot, four seconds after a sweep; None when none is there."""
        self._pulse()
        part, clock = self.host.slots[slot], self.host.clock
        if part is None or part.fallen or part.gone or part.number not in self.boards:
            return None
        clock.pass_seconds(4.0)
        part.fail(memory, count)
        error = Error(
            clock.true, clock.boot_id, clock.boottime, memory, count, aggregate=not part.lags
        )
        self.boards[part.number].errors.append(error)
        return part

    def _meet(self) -> None:
        """Note what an inventory told: boards never seen before, a new load of the driver."""
        host = self.host
        if not host.running or host.released:
            return
        for board in self.boards.values():
            listed = board.part.key.uuid in host.listed
            board.evidence["flagged-board-returned"] += listed and not board.listed
            board.listed = listed
        for part in host.parts:
            if part.key.uuid in host.listed and part.number not in self.boards:
                self.boards[part.number] = BoardTruth(
                    part, host.clock.true, rows=part.rows, rows_read=part.rows, load=host.load
                )
        for board in self.boards.values():
            if board.load != host.load:
                board.load = host.load
                board.resets.append(host.clock.true)

    def _count(self) -> None:
        """An inventory, as every hour."""
        if self.host.running and not self.host.released:
            self.host.tell(self.host.inventory())
        self._pulse()

    def _log(self, slot: int, code: int) -> None:
        part = self.host.slots[slot]
        assert part is not None
        line = self.host.log_line(slot, code)
        self.owners[line.sequence] = part.number

    def _deliver(self) -> None:
        if self.host.running:
            self._take_lines(self.host.deliver_log())

    def _take_lines(self, lines: list[Line]) -> None:
        """Note what the agent has read: every line once, however often it is delivered."""
        for line in lines:
            board = self.boards.get(self.owners[line.sequence])
            if line.sequence in self.counted or board is None:
                continue
            self.counted.add(line.sequence)
            board.logged(line, self.host.clock)

    def _forget_volatile(self) -> None:
        for part in self.host.parts:
            if part.number in self.boards:
                self.boards[part.number].forget_volatile()

    def _act(self, flag: Flag, action: str) -> None:
        changed = act(self.host, flag, action)
        if changed is not None and changed.state is FlagState.DISMISSED:
            self._released(changed)
        if changed is not None and action == "done":
            self._released(changed)

    def _released(self, flag: Flag) -> None:
        key, board = (flag.code, flag.board.uuid), self._board(flag.board.uuid)
        self.released_latches.add(key)
        self.dismissed[key] = board.evidence[flag.code]
        if flag.code == TREND and (incidents := board.incidents()):
            self.seen_until[flag.board.uuid] = incidents[-1].at + DAY

    def _act_on_board(self, part: Part, action: str) -> None:
        for flag in self._flags().values():
            if flag.is_open and flag.board.uuid == part.key.uuid:
                self._act(flag, action)

    # --- what is looked at ------------------------------------------------------------------------

    def _known(self) -> Iterator[tuple[BoardTruth, BoardRecord]]:
        if not self.host.running:
            return
        records = self.host.agent.history.records()
        for board in self.boards.values():
            yield board, records[board.part.key]

    def _flags(self) -> dict[int, Flag]:
        return {flag.number: flag for flag in self.host.agent.history.flags()}

    def _findings(self) -> list[Finding]:
        judgement = self.host.agent.decisions.judgement
        return [
            *judgement.host_findings,
            *(found for each in judgement.findings.values() for found in each),
        ]

    def _board(self, uuid: str) -> BoardTruth:
        return next(b for b in self.boards.values() if b.part.key.uuid == uuid)

    def _speaks_for(self, flag: Flag, board: BoardTruth) -> bool:
        code = flag.code
        if code == TREND:
            return len(board.known) >= 2 and (
                board.is_vague(self.host.clock) or len(board.incidents()) >= 2
            )
        if code == "row-remap-failed":
            return board.evidence[code] > 0
        if code == "off-the-bus-again":
            return board.evidence[code] >= 2
        before = [other for other in self._flags().values() if other.number < flag.number]
        if code == "flagged-board-returned":
            return any(other.board == flag.board for other in before)
        if code == ACCEPTANCE_FAILED:
            return bool(before) and board.evidence.total() > 0
        raise AssertionError(f"a flag for {code}: say what speaks for it")

    def _memory(self) -> Mapping[str, object]:
        """What must outlive a restart."""
        history = self.host.agent.history
        return {
            "errors": {key: dict(one.errors) for key, one in history.records().items()},
            "incidents": {key: one.incidents for key, one in history.records().items()},
            "falls": {key: one.off_bus_at for key, one in history.records().items()},
            "states": {key: one.state for key, one in history.records().items()},
            "flags": history.flags(),
            "latched": set(history.latched_findings()),
            "audit": history.audit(),
        }


def _is_taken_up(flag: Flag, wall: float) -> bool:
    """Whether somebody has said that they know of it, or has the board in hands."""
    until = flag.snoozed_until  # nobody may ask for more than 30 days: the clock was set back
    snoozed = until is not None and wall < until < wall + YEAR
    in_hands = flag.state in (FlagState.IN_HANDS, FlagState.VERIFYING)
    return in_hands or snoozed or flag.acknowledged_at is not None


def _sums(incidents: tuple[Incident, ...]) -> Counter[str]:
    """How many errors the signals of all incidents report, by kind (and memory, of counters)."""
    sums: Counter[str] = Counter()
    for incident in incidents:
        for signal in incident.signals:
            name = signal.kind.value
            sums[f"{name} {signal.memory.value}" if name == "ecc" else name] += signal.count
    return sums


@pytest.fixture(autouse=True)
def _quiet() -> Iterator[None]:
    """The agent's log lines are not what these tests look at."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(50))
    yield
    structlog.reset_defaults()


@pytest.mark.xdist_group("invariants")  # computes: one core for all of its shares
@pytest.mark.timeout(2900 if SOAK else 300)
@pytest.mark.parametrize("share", range(SHARES))
def test_no_sequence_of_happenings_breaks_an_invariant(share: int) -> None:  # noqa: ARG001 - one of
    """Errors, restarts, resets, swaps, maintenance and people, in any order."""
    run_state_machine_as_test(
        Life,
        settings=settings(
            max_examples=EXAMPLES,
            stateful_step_count=STEPS,
            deadline=None,
            report_multiple_bugs=False,
            derandomize=not SOAK,  # the soak searches, the test is the same every time
            phases=(Phase.explicit, Phase.reuse, Phase.generate, Phase.shrink),
            suppress_health_check=list(HealthCheck),
        ),
    )
