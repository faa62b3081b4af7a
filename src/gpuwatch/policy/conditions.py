"""Conditions: questions that rules ask of a view; the answer is facts, no, or cannot tell."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import Enum, auto

from gpuwatch.domain.readings import Gap, GapReason, Value
from gpuwatch.domain.recovery import RecoveryAction
from gpuwatch.policy.views import BmcView, DriverHealth, GpuView, HostView, PolicySettings

RECOVERY = "gpuwatch_gpu_recovery_action"
# What asks nothing of the GPU that tells it.
_NOT_FOR_THE_GPU = frozenset({RecoveryAction.NONE, RecoveryAction.RECOVER_IMEX_DOMAIN})


class Answer(Enum):
    """The two answers without facts."""

    NO = auto()
    CANNOT_TELL = auto()


@dataclass(frozen=True, slots=True, kw_only=True)
class Match:
    """The condition holds. `facts` fill the rule's sentence and stand in the evidence.

    `evidence_at` is Unix seconds of the latest thing it rests on; None means now. `standing` says
    that it is a state that holds now, however long since, and not something that happened then.
    """

    facts: Mapping[str, str] = field(default_factory=dict)
    evidence_at: float | None = None
    standing: bool = False


Outcome = Match | Answer
GpuCondition = Callable[[GpuView, HostView, PolicySettings], Outcome]
HostCondition = Callable[[HostView, PolicySettings], Outcome]
BmcCondition = Callable[[BmcView, HostView, PolicySettings], Outcome]
Condition = GpuCondition | HostCondition | BmcCondition


@dataclass(frozen=True, slots=True)
class AtLeast:
    """A signal reads at least a number."""

    signal: str
    threshold: float

    def __str__(self) -> str:
        return f"`{self.signal}` reads {self.threshold:g} or more."

    def __call__(self, gpu: GpuView, _host: HostView, _settings: PolicySettings) -> Outcome:
        """Compare the fresh reading; a gap cannot tell, an unsupported signal says no."""
        value = number_of(gpu, self.signal)
        if isinstance(value, Answer):
            return value
        return matched(gpu, self.signal, value) if value >= self.threshold else Answer.NO


@dataclass(frozen=True, slots=True)
class Reads:
    """A signal reads exactly a number."""

    signal: str
    number: float

    def __str__(self) -> str:
        return f"`{self.signal}` reads {self.number:g}."

    def __call__(self, gpu: GpuView, _host: HostView, _settings: PolicySettings) -> Outcome:
        """Compare the fresh reading; a gap cannot tell, an unsupported signal says no."""
        value = number_of(gpu, self.signal)
        if isinstance(value, Answer):
            return value
        return matched(gpu, self.signal, value) if value == self.number else Answer.NO


@dataclass(frozen=True, slots=True)
class Recovery:
    """The driver asks for one of these recovery actions (or answers RESET_REQUIRED)."""

    actions: frozenset[RecoveryAction]

    def __str__(self) -> str:
        return f"The driver asks for recovery by {_named(self.actions)}."

    def __call__(self, gpu: GpuView, _host: HostView, _settings: PolicySettings) -> Outcome:
        """Look at the recovery action of one GPU."""
        if gpu.reset_required and RecoveryAction.GPU_RESET in self.actions:
            return Match(facts={"action": "a reset (NVML error 16, reset required)"})
        if gpu.recovery is None:
            return silence_of(gpu.readings.get(RECOVERY))
        if gpu.recovery not in self.actions:
            return Answer.NO
        words = gpu.recovery.replace("_", " ")
        return Match(facts={"action": words, "number": str(gpu.recovery_number)})


def number_of(gpu: GpuView, signal: str) -> float | Answer:
    """The fresh reading of a signal; NO where it is not supported, CANNOT_TELL without one."""
    value = gpu.readings.get(signal)
    if value is None or isinstance(value, Gap):
        return silence_of(value)
    try:
        return float(value)
    except ValueError:
        return Answer.CANNOT_TELL


def matched(gpu: GpuView, signal: str, value: float) -> Match:
    """A match by what a signal reads, dated by when it began to read so."""
    held = gpu.record.held.get(signal)
    since = held.since if held else None
    return Match(facts={"value": f"{value:,.15g}"}, evidence_at=since, standing=True)


def silence_of(value: Value | Gap | None) -> Answer:
    """What no reading means: a board or driver without the signal has nothing to tell."""
    unsupported = isinstance(value, Gap) and value.reason is GapReason.UNSUPPORTED
    return Answer.NO if unsupported else Answer.CANNOT_TELL


class Word(Enum):
    """What the driver says of a GPU for which something else wants a reset."""

    ASKS = auto()
    ASKS_NOTHING = auto()
    UNREADABLE = auto()
    NOT_READ_YET = auto()


def word_of(gpu: GpuView) -> Word:
    """Whether the driver itself asks for a recovery, where it can be asked."""
    if gpu.reset_required:
        return Word.ASKS
    if gpu.recovery is not None:
        return Word.ASKS_NOTHING if gpu.recovery in _NOT_FOR_THE_GPU else Word.ASKS
    asked = gpu.readings.get(RECOVERY) is not None or gpu.hang is not None
    return Word.UNREADABLE if asked else Word.NOT_READ_YET


@dataclass(frozen=True, slots=True)
class AnyGpuRecovery:
    """One or more GPUs of the host ask for one of these recovery actions."""

    actions: frozenset[RecoveryAction]

    def __str__(self) -> str:
        return f"The driver asks for recovery by {_named(self.actions)}, for one GPU or more."

    def __call__(self, host: HostView, _settings: PolicySettings) -> Outcome:
        """Look at every GPU; the host has one finding however many ask."""
        asking = [gpu for gpu in host.gpus if gpu.recovery in self.actions]
        if not asking:
            return Answer.NO
        return Match(facts={"gpus": ", ".join(name_of(gpu) for gpu in asking)})


@dataclass(frozen=True, slots=True)
class Driver:
    """The driver as a whole is in one of these conditions, and there is something to drive."""

    conditions: frozenset[DriverHealth]

    def __str__(self) -> str:
        named = " or ".join(sorted(self.conditions)).replace("_", " ")
        return f"The driver is {named}, and the host has NVIDIA functions or boards."

    def __call__(self, host: HostView, _settings: PolicySettings) -> Outcome:
        """Look at the driver; a released host is silent, a host without boards has no finding."""
        if host.released or host.driver is DriverHealth.STARTING:
            return Answer.CANNOT_TELL
        if host.driver not in self.conditions or not (host.pci_functions or host.gpus):
            return Answer.NO
        return Match(
            facts={
                "text": host.driver_text,
                "driver": host.driver_version or "unknown",
                "library": host.library_version or "unknown",
                "functions": str(host.pci_functions),
                "boards": str(len(host.gpus)),
            }
        )


def _named(actions: frozenset[RecoveryAction]) -> str:
    return ", ".join(sorted(action.replace("_", " ") for action in actions))


def name_of(gpu: GpuView) -> str:
    """How a sentence names a GPU: its index where it has one, and its serial or UUID."""
    identity = gpu.record.key.serial or gpu.uuid
    return identity if gpu.record.index is None else f"GPU {gpu.record.index} ({identity})"


def history_lost(host: HostView, _settings: PolicySettings) -> Outcome:
    """Part of the history could not be brought back."""
    return Match(facts={"text": host.history_lost}) if host.history_lost else Answer.NO


def calendar_refused(host: HostView, _settings: PolicySettings) -> Outcome:
    """An iCalendar file of the settings, or a part of it, cannot be used."""
    return Match(facts={"text": host.calendar_problem}) if host.calendar_problem else Answer.NO
