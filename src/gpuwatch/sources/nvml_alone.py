"""NVML alone: GPUs that hung are set apart and asked again, one at a time, in a child of their own.

The same child looks at a GPU that the main child holds for lost: a fresh client may still see it.
"""

from collections.abc import Callable

from gpuwatch.domain.signals import Cadence
from gpuwatch.sources.base import DeviceHang
from gpuwatch.sources.nvml_children import Children
from gpuwatch.sources.nvml_conversation import (
    Answered,
    Broke,
    Conversation,
    Found,
    Missed,
    Outcome,
    Ready,
    Refused,
    Swept,
)
from gpuwatch.sources.nvml_log import Log
from gpuwatch.sources.nvml_meter import Meter
from gpuwatch.sources.nvml_quarantine import Quarantine, SetApart
from gpuwatch.sources.nvml_settings import RetryPlan
from gpuwatch.sources.probe_stuck import Stuck

_EVERYTHING = frozenset({Cadence.FAST, Cadence.SLOW, Cadence.RARE})


class Alone:
    """The GPUs set apart, and the child that asks one of them."""

    def __init__(
        self,
        plan: RetryPlan,
        children: Children,
        meter: Meter,
        report: Callable[[DeviceHang], None],
        log: Log,
    ) -> None:
        self.quarantine = Quarantine(plan)
        self._children = children
        self._meter = meter
        self._report = report
        self._log = log
        self._doubts: list[str] = []

    @property
    def addresses(self) -> frozenset[str]:
        """The GPUs that nobody else may ask."""
        return frozenset(member.pci_address for member in self.quarantine)

    def next_due(self) -> float:
        """The monotonic second at which a GPU is to be asked again."""
        return self.quarantine.next_due()

    def set_apart(self, pci_address: str, stuck: Stuck, now: float, *, alone: bool) -> None:
        """A GPU missed its deadline: it is not asked with the others any more."""
        member = self.quarantine.missed(
            pci_address,
            stuck,
            now,
            alone=alone,
            still_stuck=pci_address in self._children.stuck_on,
        )
        self._log("gpu-set-apart", pci=pci_address, stuck=str(stuck), misses=member.misses)
        self._tell(member, now)

    def doubt(self, pci_address: str) -> None:
        """The main child says that this GPU is lost: have a fresh child look at it."""
        if pci_address not in self._doubts:
            self._doubts.append(pci_address)

    def clear(self) -> None:
        """Forget everything: whatever was is over with a new driver load or after a release."""
        self.quarantine.clear()
        self._doubts.clear()

    def ripen(self, now: float) -> None:
        """Confirm hangs whose children still sit where they sat, when enough time has passed."""
        for member in self.quarantine.ripen(self._children.stuck_on, now):
            self._tell(member, now)

    def start(self, now: float) -> None:
        """Start the child for the GPU whose turn it is, if any, and if one may be started."""
        if self._children.alone is not None or not self._children.may_start():
            return
        pci_address = self.quarantine.due(now) or (self._doubts.pop(0) if self._doubts else "")
        if not pci_address:
            return
        started = self._children.start_alone(pci_address, now)
        if pci_address in self.quarantine:
            turn = self.quarantine.retrying if started else self._postpone_at(now)
            turn(pci_address)

    def _postpone_at(self, now: float) -> Callable[[str], None]:
        return lambda pci_address: self.quarantine.postpone(pci_address, now)

    def hear(self, now: float) -> tuple[list[Answered], str]:
        """Go on with the child: what it answered, and the GPU that turned out well ("" if none)."""
        talk = self._children.alone
        if talk is None:
            return [], ""
        pci_address, answered = self._children.alone_asks, []
        for outcome in talk.advance(now):
            if isinstance(outcome, Answered):
                answered.append(outcome)
            elif self._is_settled(talk, pci_address, outcome, now):
                self._children.end_alone(now)
                well = isinstance(outcome, Swept)
                return answered, pci_address if well else ""
        return answered, ""

    def _is_settled(
        self, talk: Conversation, pci_address: str, outcome: Outcome, now: float
    ) -> bool:
        """Do what an outcome asks for; True when the child has told what it was started for."""
        match outcome:
            case Ready():
                talk.ask_inventory([pci_address], [pci_address], now)
                return False
            case Found(devices=devices) if devices:
                talk.ask_sweep([pci_address], _EVERYTHING, now)
                return False
            case Found() | Swept():  # also lost is an answer: it does not hang
                self._came_back(pci_address, now)
            case Missed(stuck=stuck):
                self._meter.timeouts += 1
                self.set_apart(pci_address, stuck, now, alone=True)
            case Broke(stuck=stuck, pci_address=blamed) if blamed:
                self.set_apart(pci_address, stuck, now, alone=True)
            case Refused(text=text) | Broke(text=text):
                self._log("probe-died", pci=pci_address, reason=text)
                if pci_address in self.quarantine:
                    self.quarantine.postpone(pci_address, now)
            case _:
                return False
        return True

    def _came_back(self, pci_address: str, now: float) -> None:
        if pci_address in self.quarantine:
            self.quarantine.recovered(pci_address, now)
            self._log("gpu-came-back", pci=pci_address)

    def _tell(self, member: SetApart, now: float) -> None:
        self._report(
            DeviceHang(
                pci_address=member.pci_address,
                call=member.stuck.call,
                state=member.stuck.state,
                where=member.stuck.where,
                seconds=member.stuck.seconds,
                silent_seconds=now - member.began,
                confirmed=member.confirmed,
            )
        )
