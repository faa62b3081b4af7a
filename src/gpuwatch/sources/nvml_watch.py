"""NVML watch: decides by which child the GPUs are asked, and what a missing answer means.

One `step` does what is due and returns; it never blocks. Monotonic time is passed in.
"""

import contextlib
import math
import time
from collections.abc import Callable, Collection, Sequence
from typing import assert_never

from gpuwatch.domain.moments import Clock
from gpuwatch.sources.base import Message
from gpuwatch.sources.nvml_agenda import Agenda
from gpuwatch.sources.nvml_alone import Alone
from gpuwatch.sources.nvml_children import Children
from gpuwatch.sources.nvml_conversation import (
    Answered,
    Broke,
    Conversation,
    Found,
    Happened,
    Missed,
    Outcome,
    Ready,
    Refused,
    Swept,
)
from gpuwatch.sources.nvml_gate import Gate
from gpuwatch.sources.nvml_log import Log
from gpuwatch.sources.nvml_messages import (
    ASK_SOON,
    MIG_CHANGED,
    Translator,
    age_of,
    event_of,
    is_lost,
)
from gpuwatch.sources.nvml_meter import Meter
from gpuwatch.sources.nvml_settings import NvmlSettings
from gpuwatch.sources.nvml_signals import table_hash
from gpuwatch.sources.nvml_suspicion import Suspicion

_OTHER_TABLE = "its signal table is not the agent's: gpuwatch was upgraded, restart the agent"


class Watch:
    """All GPUs of this host. For one thread."""

    def __init__(
        self,
        settings: NvmlSettings,
        command: Sequence[str],
        clock: Clock,
        deliver: Callable[[Message], None],
        log: Log,
    ) -> None:
        self._settings = settings
        self._clock = clock
        self._deliver = deliver
        self._log = log
        self.meter = Meter("nvml", settings.required)
        self.children = Children(command, settings, lambda line: log("probe-said", line=line))
        self.alone = Alone(settings.retry, self.children, self.meter, deliver, log)
        self.gate = Gate(settings, deliver, log)
        self.agenda = Agenda(settings)
        self.swept_at = -math.inf  # monotonic second of the last whole sweep
        self.trouble = ""  # why the main child died last; "" once a sweep came through
        self._census = self.agenda.census
        self._suspicion = Suspicion(settings.retry.later)
        self._translator = Translator()
        self._lost: set[str] = set()
        self._replacing = False
        self._died_on = ""  # the GPU in whose call the last child died

    def step(self, now: float, *, released: bool) -> None:
        """Do everything that is due; while `released` no child is started."""
        for stuck in self.children.advance_endings(now):
            self._log("probe-abandoned", pid=stuck.pid, stuck=str(stuck))
        self.meter.unkillable = self.children.abandoned
        if self.gate.look(now, at_once=self.children.main is None):
            self.start_over(now)
        elif self.gate.library_changed and self.children.main is None:
            self.children.start_at_once()
        self._hear_main(now)
        self._hear_alone(now)
        if self.gate.load is not None and not released:
            self._start(now)
        talk = self.children.main
        if talk is not None and talk.idle:
            self.agenda.ask(talk, self._spared(), now)
        self.alone.ripen(now)

    def due(self, now: float) -> float:
        """The monotonic second at which `step` wants to be called again."""
        times = [self.gate.due, self.children.due(now)]
        talk = self.children.main
        if talk is not None and talk.idle:
            times.append(self.agenda.due())
        if talk is None and self.children.not_before > now:
            times.append(self.children.not_before)
        if self.alone.next_due() > now:
            times.append(self.alone.next_due())
        return min(times)

    def start_over(self, now: float) -> None:
        """End every child and forget what held: another load of the driver, or a release."""
        self.children.end_all(now)
        self.children.start_at_once()
        self.alone.clear()
        self.agenda.forget_wants()
        self._suspicion = Suspicion(self._settings.retry.later)
        self._lost.clear()
        self._replacing = False
        self.trouble = ""

    def _spared(self) -> Collection[str]:
        """The GPUs that the main child may not touch."""
        spared = self.alone.addresses | self._suspicion.spared
        if self._suspicion.spared and self._census.to_open(spared) == ():
            self._suspicion.spare_nobody()
            return self.alone.addresses
        return spared

    def _start(self, now: float) -> None:
        nobody_else = self._census.to_open(self._spared()) == ()
        proven = self.children.main is not None and self.children.main.answers > 0
        if not self._suspicion.hung and (proven or nobody_else):
            self.alone.start(now)
        if self.children.main is not None or nobody_else or now < self.children.not_before:
            return
        if self.children.may_start() and self.children.start_main(now):
            self.meter.restarts += self._replacing
            self._replacing = False

    def _replace(self, now: float) -> None:
        """End the main child; another one takes its place."""
        self.children.end_main(now)
        self._replacing = True

    def _hear_main(self, now: float) -> None:
        talk = self.children.main
        if talk is None:
            return
        for outcome in talk.advance(now):
            self._hear(talk, outcome, now)
            if self.children.main is not talk:
                return

    def _hear(self, talk: Conversation, outcome: Outcome, now: float) -> None:
        match outcome:
            case Ready():
                self._ready(talk, outcome, now)
            case Refused():
                self.gate.refused(outcome)
                self.children.put_off(now, lived_seconds=0.0)
                self.children.end_main(now)
            case Found():
                self._found(talk, outcome, now)
            case Answered():
                self._answered(talk, outcome, now)
            case Swept():
                self._swept(outcome, now)
            case Happened():
                self._happened(outcome, now)
            case Missed():
                self._missed(talk, outcome, now)
            case Broke():
                self._broke(talk, outcome, now)
            case _:
                assert_never(outcome)

    def _hear_alone(self, now: float) -> None:
        answers, well = self.alone.hear(now)
        for answered in answers:
            with contextlib.suppress(ValueError):  # the main child's sweep tells what is wrong
                self._pass_on(answered)
        if not well:
            return
        if well in self._lost and self.children.main is not None:
            self._died(self.children.main, f"a fresh child sees GPU {well}", now)
        self.agenda.count_by(now)

    def _ready(self, talk: Conversation, told: Ready, now: float) -> None:
        if told.table != table_hash():
            self._died(talk, _OTHER_TABLE, now)
            return
        self._log("probe-started", pid=talk.probe.pid, driver=told.driver, nvml=told.nvml)
        self._census.versions = told
        self.agenda.fresh_child(now)

    def _found(self, talk: Conversation, found: Found, now: float) -> None:
        fresh = self.agenda.first_count
        try:
            inventory = self.agenda.counted(found, now)
        except (KeyError, TypeError, ValueError) as error:
            self._died(talk, f"its inventory is not understood: {error!r}", now)
            return
        if found.devices:
            self._absolve_driver(now)
        self.gate.answered(self._census.versions)
        self._deliver(inventory)
        for address in inventory.lost:
            self._note_lost(address, now, fresh=fresh)
        if found.lost or self._census.missing - set(self._spared()):
            self.agenda.count_by(now + self._settings.slow)

    def _absolve_driver(self, now: float) -> None:
        """GPUs answer: those in whose calls the attempts before sat are to blame themselves."""
        for address, stuck in self._suspicion.answered().items():
            self.alone.set_apart(address, stuck, now, alone=False)

    def _answered(self, talk: Conversation, answered: Answered, now: float) -> None:
        try:
            lost = self._pass_on(answered)
        except ValueError as error:
            self._died(talk, f"its sweep is not understood: {error}", now)
            return
        if lost:
            self._note_lost(answered.pci_address, now, fresh=False)
        elif answered.pci_address in self._lost:
            self._lost.discard(answered.pci_address)
            self.agenda.count_by(now)

    def _pass_on(self, answered: Answered) -> bool:
        """Deliver one GPU's sweep; True when the GPU said that it is lost."""
        device = self._census.devices.get(answered.pci_address)
        if device is None:
            return False
        sweep = self._translator.sweep(answered, device.board.key, self._clock.now())
        self._deliver(sweep)
        return is_lost(sweep.values)

    def _note_lost(self, pci_address: str, now: float, *, fresh: bool) -> None:
        """A GPU is lost: count again now, and ask a fresh child, which may still see it."""
        if pci_address in self._lost:
            return
        self._lost.add(pci_address)
        self._log("gpu-lost", pci=pci_address)
        if not fresh:
            self.agenda.count_by(now)
            self.alone.doubt(pci_address)

    def _swept(self, swept: Swept, now: float) -> None:
        self._suspicion.swept()
        if swept.absent:
            self.agenda.count_by(now)
        if self.agenda.routine:
            self.swept_at = now
            self.trouble = self._died_on = ""
            self.meter.swept(swept.seconds, self._clock.now().wall)

    def _happened(self, happened: Happened, now: float) -> None:
        device = self._census.devices.get(happened.pci_address)
        key = device.board.key if device else None
        age = age_of(happened, time.clock_gettime(time.CLOCK_BOOTTIME))
        event = event_of(happened, key, self._clock.now(), age)
        if event is not None:
            self._deliver(event)
        if happened.type == MIG_CHANGED:
            self.agenda.count_by(now)
        if happened.type in ASK_SOON and device is not None:
            self.agenda.want(happened.pci_address, ASK_SOON[happened.type])

    def _missed(self, talk: Conversation, missed: Missed, now: float) -> None:
        """A deadline passed: one GPU is set apart, or the driver hangs, or it was the child."""
        self.meter.timeouts += 1
        self._log("probe-missed-deadline", pci=missed.pci_address, stuck=str(missed.stuck))
        silent = talk.answers == 0
        if self._suspicion.missed(missed.pci_address, missed.stuck, silent=silent):
            self.gate.hung(missed.stuck)
            self.children.not_before = now + self._suspicion.pause
        elif missed.pci_address:
            self.alone.set_apart(missed.pci_address, missed.stuck, now, alone=False)
        else:
            self.children.put_off(now, lived_seconds=now - talk.began)
        self.trouble = f"the probe was {missed.stuck}"
        self._replace(now)

    def _broke(self, talk: Conversation, broke: Broke, now: float) -> None:
        """The child died: twice running in a call of the same GPU, and that one is set apart."""
        if broke.pci_address and broke.pci_address == self._died_on:
            self.alone.set_apart(broke.pci_address, broke.stuck, now, alone=False)
        self._died_on = broke.pci_address
        self._died(talk, broke.text, now)

    def _died(self, talk: Conversation, why: str, now: float) -> None:
        self._log("probe-died", pid=talk.probe.pid, reason=why)
        self.trouble = f"the probe was ended: {why}"
        self.children.put_off(now, lived_seconds=now - talk.began)
        self._replace(now)
