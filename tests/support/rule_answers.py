"""What rules answer where they raise nothing: that all is well, or that nobody can tell."""

from collections import Counter
from collections.abc import Iterable
from typing import cast

from gpuwatch.domain.verdicts import Scope
from gpuwatch.policy.conditions import (
    Answer,
    BmcCondition,
    GpuCondition,
    HostCondition,
    Outcome,
)
from gpuwatch.policy.rules import BY_CODE
from gpuwatch.policy.views import HostView, PolicySettings

Case = tuple[str, HostView]
_SETTINGS = PolicySettings()


def _outcomes(code: str, view: HostView) -> list[Outcome]:
    """The answer for every board or BMC of a view, or for its host."""
    rule = BY_CODE[code]
    match rule.scope:
        case Scope.GPU:
            of_gpu = cast("GpuCondition", rule.when)
            return [of_gpu(gpu, view, _SETTINGS) for gpu in view.gpus]
        case Scope.BMC:
            of_bmc = cast("BmcCondition", rule.when)
            return [of_bmc(bmc, view, _SETTINGS) for bmc in view.bmcs]
        case Scope.HOST:
            return [cast("HostCondition", rule.when)(view, _SETTINGS)]
        case _:
            raise ValueError(f"{code}: no rule is asked of a {rule.scope.value}")


def _word(outcome: Outcome) -> str:
    match outcome:
        case Answer.NO:
            return "no"
        case Answer.CANNOT_TELL:
            return "cannot tell"
        case _:
            return "holds"


def answers(cases: Iterable[Case]) -> str:
    """A line for each case: its rule, which of the rule's cases it is, and what is answered.

    "holds" is for a condition that holds where something else keeps the rule silent.
    """
    seen: Counter[str] = Counter()
    lines = []
    for code, view in cases:
        seen[code] += 1
        told = [_word(outcome) for outcome in _outcomes(code, view)]
        lines.append(f"{code} {seen[code]}: {', '.join(told) or 'nothing to ask about'}\n")
    return "".join(lines)
