"""Supply conditions: power supplies that are lost, and what is left to carry the server."""

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, field, replace

from gpuwatch.domain.bmc import (
    BmcSweep,
    Part,
    PowerSupply,
    Redundancy,
    RedundancyState,
    SensorHealth,
)
from gpuwatch.domain.bmc_well import redundancy_word, supply_word
from gpuwatch.policy.bmc_conditions import listed, telling
from gpuwatch.policy.conditions import Answer, Match, Outcome
from gpuwatch.policy.views import BmcView, HostView, PolicySettings

GONE = frozenset({RedundancyState.LOST, RedundancyState.INSUFFICIENT})
_TWO = 2  # supplies that can stand in for each other
_SETTLING_SWEEPS = 2  # supplies of one feed may be seen to go one after the other


def failed_supplies(bmc: BmcView, _host: HostView, _settings: PolicySettings) -> Outcome:
    """A supply has failed or is critical, predicts its failure, or is gone from its bay.

    A bay in which none was ever seen is empty, and a supply without input is another matter.
    """
    sweep = telling(bmc)
    if sweep is None:
        return Answer.CANNOT_TELL
    told = [f"{each.name} {why}" for each in sweep.supplies if (why := fault_of(each, bmc))]
    return Match(facts={"supplies": listed(told)}) if told else Answer.NO


def lost_inputs(bmc: BmcView, _host: HostView, _settings: PolicySettings) -> Outcome:
    """A supply that is there has no input."""
    sweep = telling(bmc)
    if sweep is None:
        return Answer.CANNOT_TELL
    told = [each.name for each in sweep.supplies if each.input_lost]
    return Match(facts={"supplies": listed(told)}) if told else Answer.NO


def supplies_unprotected(bmc: BmcView, _host: HostView, _settings: PolicySettings) -> Outcome:
    """No supply is left to stand in for another: by the BMC, or since only one of several works.

    A redundancy that was never seen is none to lose, unless a supply is lost, too.
    """
    sweep = telling(bmc)
    if sweep is None:
        return Answer.CANNOT_TELL
    out = lost_supplies(bmc, sweep)
    told = [each for each in sweep.redundancies if each.part is Part.PSU and each.state]
    gone = [each.name for each in told if each.state in GONE and _was_there(each, bmc, out)]
    alone = not told and bool(out) and len(_working(sweep, out)) == 1
    return Match(facts={"lost": _lost(out)}) if gone or alone else Answer.NO


def supplies_insufficient(bmc: BmcView, _host: HostView, _settings: PolicySettings) -> Outcome:
    """A further supply is lost after the redundancy was, or the BMC says that they do not suffice.

    More than half of them lost are a further one, too: no redundancy is larger than that.
    """
    sweep = telling(bmc)
    if sweep is None:
        return Answer.CANNOT_TELL
    out = lost_supplies(bmc, sweep)
    told = [each for each in sweep.redundancies if each.part is Part.PSU and each.state in GONE]
    short = [
        each.name
        for each in told
        if each.state is RedundancyState.INSUFFICIENT and _was_there(each, bmc, out)
    ]
    before = bmc.lost_with_redundancy
    further = before is not None and bool({each.name for each in out} - before)
    most = len(out) > len(_working(sweep, out))
    return Match(facts={"lost": _lost(out)}) if short or (told and (further or most)) else Answer.NO


@dataclass(frozen=True, slots=True)
class RedundancyOf:
    """The redundancy of a part is in one of these states, and was better before."""

    part: Part
    states: tuple[RedundancyState, ...]

    def __str__(self) -> str:
        states = " or ".join(self.states)
        return f"A redundancy of the part {self.part} is {states}, and was better before."

    def __call__(self, bmc: BmcView, _host: HostView, _settings: PolicySettings) -> Outcome:
        """Look at what the BMC tells of it."""
        sweep = telling(bmc)
        if sweep is None:
            return Answer.CANNOT_TELL
        told = (each for each in sweep.redundancies if each.part is self.part)
        gone = [each.name for each in told if each.state in self.states and _seen(each, bmc)]
        return Match(facts={"names": listed(gone)}) if gone else Answer.NO


@dataclass(slots=True)
class Protection:
    """Which supplies were lost when the redundancy was: one that goes after that is a further one.

    It knows since the agent started; one that restarts takes what is lost then for what was.
    """

    _lost: dict[str, tuple[int, frozenset[str]]] = field(default_factory=dict)

    def recall(self, bmc: BmcView) -> BmcView:
        """The same view with what was lost; taken up from it where its redundancy is just lost."""
        sweep = telling(bmc)
        if sweep is not None:
            self._note(bmc, sweep)
        known = self._lost.get(bmc.subject)
        return bmc if known is None else replace(bmc, lost_with_redundancy=known[1])

    def forget(self, subjects: Collection[str]) -> None:
        """Keep only these BMCs."""
        for subject in self._lost.keys() - subjects:
            del self._lost[subject]

    def _note(self, bmc: BmcView, sweep: BmcSweep) -> None:
        if not any(each.part is Part.PSU and each.state in GONE for each in sweep.redundancies):
            self._lost.pop(bmc.subject, None)
            return
        first, before = self._lost.get(bmc.subject, (bmc.answers, frozenset()))
        if bmc.answers - first < _SETTLING_SWEEPS:
            out = frozenset(each.name for each in lost_supplies(bmc, sweep))
            self._lost[bmc.subject] = (first, before | out)


def lost_supplies(bmc: BmcView, sweep: BmcSweep) -> list[PowerSupply]:
    """The supplies that carry nothing and should: failed, without input, or gone."""
    return [
        each
        for each in sweep.supplies
        if each.input_lost or _has_failed(each) or _is_missed(each, bmc)
    ]


def fault_of(supply: PowerSupply, bmc: BmcView) -> str:
    """What is wrong with a supply itself, not with its input; "" for nothing."""
    if _is_missed(supply, bmc):
        return "is gone from its bay"
    if supply.input_lost:
        return ""
    if _has_failed(supply):
        return "has failed"
    if supply.failing:
        return "predicts its failure"
    return "is critical by its BMC" if supply.health is SensorHealth.CRITICAL else ""


def faulted_supplies(bmc: BmcView, sweep: BmcSweep) -> list[PowerSupply]:
    """The supplies of which rules tell something."""
    lost = lost_supplies(bmc, sweep)
    return [each for each in sweep.supplies if each in lost or fault_of(each, bmc)]


def is_explained_by_supplies(bmc: BmcView, sweep: BmcSweep) -> bool:
    """Whether something is wrong with supplies or their redundancy, which their rules tell."""
    redundancies = (each for each in sweep.redundancies if each.part is Part.PSU)
    return bool(faulted_supplies(bmc, sweep)) or any(each.state in GONE for each in redundancies)


def _working(sweep: BmcSweep, out: Collection[PowerSupply]) -> list[PowerSupply]:
    """Those that carry the server, or stand by to."""
    return [each for each in sweep.supplies if each.present and each not in out]


def _has_failed(supply: PowerSupply) -> bool:
    """By its own state, or by its health where the BMC tells no state."""
    untold = supply.failed is None and supply.health is SensorHealth.CRITICAL
    return supply.failed is True or untold


def _is_missed(supply: PowerSupply, bmc: BmcView) -> bool:
    return supply.present is False and supply_word(supply) in bmc.seen_well


def _was_there(redundancy: Redundancy, bmc: BmcView, out: Collection[PowerSupply]) -> bool:
    return bool(out) or _seen(redundancy, bmc)


def _seen(redundancy: Redundancy, bmc: BmcView) -> bool:
    return redundancy_word(redundancy) in bmc.seen_well


def _lost(out: Iterable[PowerSupply]) -> str:
    return listed(_named(out)) or "the BMC does not say which supply is lost"


def _named(out: Iterable[PowerSupply]) -> Iterator[str]:
    for each in out:
        yield f"{each.name} has no input" if each.input_lost else f"{each.name} is lost"
