"""Ordinary life: a host with eight healthy GPUs, in which much happens and nothing breaks.

Jobs crash, halls get hot, drivers are upgraded, hosts reboot, MIG is set up and taken down, memory
corrects errors, and now and then one row of it fails, is remapped, and is put right by a reset.
"""

import random
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from gpuwatch.domain.flags import Flag
from gpuwatch.domain.readings import Gap, Value
from gpuwatch.domain.signals import Cadence, Kind, Signal
from gpuwatch.domain.snapshot import Maintenance
from gpuwatch.domain.verdicts import Finding, Urgency
from gpuwatch.sources.nvml_signals import TABLE
from tests.support.driven import UNSUPPORTED, DrivenClock, DrivenHost, Part
from tests.support.histories import DAY, START

GPUS = 8
IDLE_SHARE = 0.3
_IDLE = 'gpuwatch_gpu_clocks_event{reason="gpu_idle"}'
FAST = tuple(signal for signal in TABLE if signal.every is Cadence.FAST)
WHOLE = FAST + tuple(signal for signal in TABLE if signal.every is not Cadence.FAST)
_PLACES = {signal.key: place for place, signal in enumerate(WHOLE)}
_HOT = tuple(
    f'gpuwatch_gpu_clocks_event{{reason="{reason}"}}'
    for reason in ("hw_slowdown", "hw_thermal_slowdown", "sw_thermal_slowdown")
)
_HIDDEN_BY_MIG = tuple(
    signal.key
    for signal in TABLE
    if "remap" in signal.name or "utilization" in signal.name or "nvlink" in signal.name
)
_USUAL: dict[str, Value] = {
    "gpuwatch_gpu_temperature_celsius": 58,
    "gpuwatch_gpu_memory_temperature_celsius": 66,
    "gpuwatch_gpu_power_watts": 520_000,
    "gpuwatch_gpu_power_limit_watts": 700_000,
    "gpuwatch_gpu_utilization_ratio": 93,
    "gpuwatch_gpu_sm_clock_hertz": 1755,
    "gpuwatch_gpu_nvlink_active_links": 18,
    "gpuwatch_gpu_nvlink_links": 18,
    "gpuwatch_gpu_fabric_completed": 1,
    "gpuwatch_gpu_fabric_succeeded": 1,
    "gpuwatch_gpu_fabric_state": 3,
    "gpuwatch_gpu_pcie_link_generation": 5,
    "gpuwatch_gpu_pcie_link_lanes": 16,
    'gpuwatch_gpu_row_remap_banks{spare="max"}': 640,
    "gpuwatch_gpu_ecc_enabled": 1,
    "gpuwatch_gpu_ecc_enabled_at_next_boot": 1,
    "gpuwatch_gpu_persistence_enabled": 1,
    "gpuwatch_gpu_inforom_valid": 1,
}


def _usual(signal: Signal) -> Value | Gap:
    """What a healthy board answers to a row."""
    if "pages_retired" in signal.name:
        return UNSUPPORTED
    return _USUAL.get(signal.key, "" if signal.kind is Kind.TEXT and signal not in FAST else 0)


@dataclass(slots=True)
class ServerPart(Part):
    """A board that answers the whole table; `told` are its answers, by place."""

    told: list[Value | Gap] = field(default_factory=lambda: [_usual(signal) for signal in WHOLE])
    mig: bool = False

    def tell(self, key: str, value: Value | Gap) -> None:
        """Answer this from now on."""
        self.told[_PLACES[key]] = value

    def count(self, key: str, more: int) -> None:
        """A counter rises."""
        value = self.told[_PLACES[key]]
        self.tell(key, int(value) + more if not isinstance(value, Gap) else value)

    def answer(self) -> tuple[Value | Gap, ...]:
        """The answers to the whole table, the fast rows first."""
        self.tell("gpuwatch_gpu_ecc_uncorrected_volatile_errors_total", self.volatile)
        self.tell("gpuwatch_gpu_ecc_uncorrected_aggregate_errors_total", self.aggregate)
        self.tell(
            'gpuwatch_gpu_ecc_uncorrected_aggregate_memory_errors_total{memory="dram"}', self.dram
        )
        self.tell("gpuwatch_gpu_rows_remapped_uncorrectable_total", self.rows)
        self.tell("gpuwatch_gpu_row_remap_pending", self.pending)
        self.tell("gpuwatch_gpu_mig_enabled", int(self.mig))
        if not self.mig:
            return tuple(self.told)
        hidden = {_PLACES[key] for key in _HIDDEN_BY_MIG}
        return tuple(
            UNSUPPORTED if place in hidden else value for place, value in enumerate(self.told)
        )


@dataclass(slots=True)
class OrdinaryHost:
    """One host that lives through `days`; what it was told meanwhile is counted.

    `errors` is how many of its boards have one uncorrectable error, `floods` how many correct
    thousands.
    """

    folder: Path
    number: int
    days: int
    errors: int = 0
    floods: int = 0
    pages: list[Finding] = field(default_factory=list)
    findings: Counter[str] = field(default_factory=Counter)
    happened: Counter[str] = field(default_factory=Counter)
    dice: random.Random = field(init=False)
    host: DrivenHost = field(init=False)

    def __post_init__(self) -> None:
        self.dice = random.Random(self.number)
        clock = DrivenClock(wall=START + self.number * 3600.0)
        self.host = DrivenHost(self.folder, clock, fast=FAST, whole=WHOLE)
        for slot in range(GPUS):
            self.host.slots[slot] = ServerPart(self.number * GPUS + slot)

    @property
    def parts(self) -> list[ServerPart]:
        """The boards."""
        return [part for part in self.host.parts if isinstance(part, ServerPart)]

    def live(self) -> None:
        """Live through all days."""
        plan = self._plan()
        self.host.start()
        for day in range(self.days):
            for happening in plan.get(day, ()):
                happening()
                self.happened[happening.__name__] += 1
                self.watch(1)
            self.pulse(DAY)

    def pulse(self, seconds: float) -> None:
        """Everything is swept after some time, some of it idle; nobody should be paged."""
        for part in self.parts:
            idle = self.dice.random() < IDLE_SHARE
            part.tell("gpuwatch_gpu_utilization_ratio", 0 if idle else 93)
            part.tell("gpuwatch_gpu_pcie_link_generation", 1 if idle else 5)
            part.tell(_IDLE, int(idle))
            warm, drawn = (34, 71_000) if idle else (56, 520_000)
            part.tell("gpuwatch_gpu_temperature_celsius", warm + self.dice.randrange(8))
            part.tell("gpuwatch_gpu_power_watts", drawn + self.dice.randrange(40_000))
            part.count("gpuwatch_gpu_ecc_corrected_volatile_errors_total", self.dice.randrange(2))
        noisy = self.dice.choice(self.parts)
        noisy.count('gpuwatch_gpu_nvlink_errors_total{kind="replay"}', self.dice.randrange(3))
        noisy.count("gpuwatch_gpu_pcie_replays_total", self.dice.randrange(3))
        self.sweep(seconds)

    def sweep(self, seconds: float) -> None:
        """Sweep everything as it stands."""
        self.host.pulse(seconds)
        judgement = self.host.agent.decisions.judgement
        held = [*judgement.host_findings]
        held += [finding for findings in judgement.findings.values() for finding in findings]
        self.pages += [finding for finding in held if finding.route is Urgency.PAGE]
        self.findings.update({finding.code for finding in held})

    def watch(self, minutes: int) -> None:
        """Sweep every twenty seconds, for what lasts minutes."""
        for _ in range(3 * minutes):
            self.pulse(20.0)

    @property
    def flags(self) -> tuple[Flag, ...]:
        """What was flagged."""
        return self.host.agent.history.flags()

    @property
    def transitions(self) -> int:
        """How often a verdict changed, of a GPU or of the host."""
        return self.host.agent.history._book.numbers["verdicts"]

    @property
    def told_transitions(self) -> int:
        """How many there should be at most: each subject's first, and there and back.

        All GPUs and the host are unknown while the driver is let go of; the host is told of a hot
        hall, a GPU is watched after an error.
        """
        happened = self.happened
        let_go = (
            happened["the_driver_is_released"]
            + happened["the_driver_is_upgraded"]
            + happened["mig_changes"]
        )
        one_each = happened["the_hall_is_hot"] + happened["memory_fails_once"]
        return (GPUS + 1) * (1 + 2 * let_go) + 2 * one_each

    # --- what happens -------------------------------------------------------------------------

    def a_job_crashes(self) -> None:
        """Its processes leave a storm of Xids on some GPUs."""
        codes, struck = self.dice.choice(((13, 43), (31, 45), (45,), (43,))), self._some_slots()
        for _ in range(self.dice.randrange(5, 40)):
            self.host.clock.pass_seconds(0.5)
            for slot in struck:
                self.host.log_line(slot, self.dice.choice(codes))
        self.host.deliver_log()

    def the_hall_is_hot(self) -> None:
        """For some minutes every GPU slows down, as its siblings do."""
        for _ in range(12):
            for part in self.parts:
                part.tell("gpuwatch_gpu_temperature_celsius", self.dice.randrange(84, 90))
                part.tell("gpuwatch_gpu_power_watts", self.dice.randrange(380_000, 430_000))
                for reason in _HOT:
                    part.tell(reason, 1)
            self.sweep(20.0)
        for part in self.parts:
            for reason in _HOT:
                part.tell(reason, 0)
        self.watch(3)
        self.pulse(300.0)

    def the_host_reboots(self) -> None:
        """In good order; the fabric takes a while to come up."""
        self.host.stop()
        self.host.reboot(down_seconds=420.0)
        self._put_right()
        self.host.clock.pass_seconds(60.0)
        for part in self.parts:
            part.tell("gpuwatch_gpu_fabric_completed", 0)
            part.tell("gpuwatch_gpu_fabric_succeeded", 0)
        self.host.start()
        self.watch(2)
        for part in self.parts:
            part.tell("gpuwatch_gpu_fabric_completed", 1)
            part.tell("gpuwatch_gpu_fabric_succeeded", 1)

    def the_driver_is_upgraded(self) -> None:
        """While the agent has let go of it, as the playbook says."""
        self._released(900.0, self.host.reload_driver)
        self._put_right()

    def the_driver_is_released(self) -> None:
        """For a few minutes, for a tool that wants the GPUs alone."""
        self._released(float(self.dice.randrange(60, 1200)), lambda: None)

    def mig_changes(self) -> None:
        """One GPU is divided, or is whole again: a reset of it, with the driver let go of."""
        part = self.dice.choice(self.parts)

        def change() -> None:
            part.mig = not part.mig
            part.reset()

        self._released(120.0, change)

    def the_agent_restarts(self) -> None:
        """For an upgrade of ours, or because somebody killed it."""
        self.dice.choice((self.host.stop, self.host.kill))()
        self.host.clock.pass_seconds(self.dice.choice((3.0, 60.0, 900.0)))
        self.host.start()

    def memory_corrects_errors(self) -> None:
        """Thousands on one board, and a row of it is remapped."""
        part = self.parts[self.dice.randrange(self.floods)]
        for _ in range(6):
            part.count("gpuwatch_gpu_ecc_corrected_volatile_errors_total", 40_000)
            part.count("gpuwatch_gpu_ecc_corrected_aggregate_errors_total", 40_000)
            self.host.log_line(self.host.slot_of(part), 92)
            self.host.deliver_log()
            self.pulse(20.0)
        part.count("gpuwatch_gpu_rows_remapped_correctable_total", 1)
        self.host.log_line(self.host.slot_of(part), 63)
        self.host.deliver_log()

    def memory_fails_once(self) -> None:
        """One uncorrectable error, contained and remapped; the reset comes with the next work."""
        part = self.parts[GPUS - self.errors]
        self.errors -= 1
        slot = self.host.slot_of(part)
        for code in (48, 94, 63):
            self.host.log_line(slot, code)
        part.fail("dram", 1)
        part.rows += 1
        part.pending = 1
        self.pulse(7.0)
        self.host.deliver_log()

    # --- how ------------------------------------------------------------------------------------

    def _plan(self) -> dict[int, list[Callable[[], None]]]:
        """What happens on which day; rates are per year."""
        rates: tuple[tuple[Callable[[], None], float], ...] = (
            (self.a_job_crashes, 40),
            (self.the_host_reboots, 6),
            (self.the_driver_is_upgraded, 3),
            (self.the_driver_is_released, 12),
            (self.mig_changes, 6),
            (self.the_agent_restarts, 12),
            (self.memory_corrects_errors, 8 if self.floods else 0),
        )
        plan: dict[int, list[Callable[[], None]]] = {}
        for happening, rate in rates:
            for _ in range(max(round(rate * self.days / 365), 1 if rate else 0)):
                plan.setdefault(self.dice.randrange(1, self.days), []).append(happening)
        for _ in range(self.errors):
            early = self.dice.randrange(1, self.days // 2)
            plan.setdefault(early, []).append(self.memory_fails_once)
            plan.setdefault(early + 20, []).append(self.the_host_reboots)  # which puts it right
        summer = self.days // 2
        for day in range(summer, summer + 7):
            plan.setdefault(day, []).append(self.the_hall_is_hot)
        return plan

    def _some_slots(self) -> list[int]:
        return self.dice.sample(range(GPUS), self.dice.choice((1, 2, 4, 8)))

    def _put_right(self) -> None:
        """What a reset does for a row that waits to be remapped, Part.reset has done."""
        for part in self.parts:
            part.tell("gpuwatch_gpu_ecc_corrected_volatile_errors_total", 0)

    def _released(self, seconds: float, work: Callable[[], None]) -> None:
        """`gpuwatch release -- work`, as a maintenance that lets go of the driver."""
        until = self.host.clock.wall + 1200.0
        begun = self.host.agent.works.begin(
            Maintenance(
                identity="", scope="host", board="", until=until, reason="a test", release=True
            )
        )
        self.watch(1)
        work()
        for _ in range(int(seconds // 60)):
            self.pulse(60.0)
        self.host.agent.works.end(begun.identity)
