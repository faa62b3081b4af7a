"""Survey: every row of the signal table asked of every GPU, and what came back."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, assert_never

from gpuwatch.domain.readings import GapReason
from gpuwatch.domain.signals import Cadence, Call, Field, Moved, PerFan, PerLink, Query, SramBanks
from gpuwatch.sources.nvml_signals import TABLE, rows
from tests.support.gpu.host import Host
from tests.support.nvml_child import PROGRAM, NvmlChild

ALL = tuple(cadence.value for cadence in Cadence)
Answer = int | float | str | list[Any]  # a value, or [reason, code]


@dataclass(frozen=True, slots=True)
class Surveyed:
    """One GPU: its `device` message and its answer to every row, by key."""

    device: dict[str, Any]
    answers: dict[str, Answer]


@dataclass(frozen=True, slots=True)
class Survey:
    """What the child said of itself, and every GPU."""

    hello: dict[str, Any]
    gpus: tuple[Surveyed, ...]

    def gaps(self) -> Iterator[tuple[str, str, int | None]]:
        """The row, the reason and the code of every answer that is none."""
        for gpu in self.gpus:
            for key, answer in gpu.answers.items():
                if isinstance(answer, list):
                    yield key, answer[0], answer[1]

    def counts(self) -> Counter[str]:
        """How many rows of all GPUs were answered, and how many are gaps by reason."""
        total = sum(len(gpu.answers) for gpu in self.gpus)
        reasons = Counter(reason for _, reason, _ in self.gaps())
        return Counter({"answered": total - reasons.total()}) + reasons


def survey(host: Host, *, program: Sequence[str] = PROGRAM) -> Survey:
    """Ask everything once, in the order in which the agent does."""
    with NvmlChild(host, program=program) as child:
        hello = child.hello
        assert hello["say"] == "ready", f"NVML is not ready: {hello}; it logged {child.logged}"
        devices = [answer for answer in child.inventory() if answer["say"] == "device"]
        swept = child.sweep(*ALL)
    return Survey(hello, tuple(Surveyed(device, swept[device["pci"]]) for device in devices))


def question(query: Query) -> str:
    """A query in words: the call or field that is asked."""
    match query:
        case Call():
            return f"{query.function}({', '.join(map(str, query.arguments))})"
        case Field():
            return query.name
        case Moved():
            return " or ".join(field.name for field in query.fields)
        case PerLink():
            return f"{question(query.query)} of each link"
        case PerFan():
            return f"{question(query.query)} of each fan"
        case SramBanks():
            return query.function
        case _:
            assert_never(query)


def table(seen: Survey) -> str:
    """Every row with what the GPUs answered, then what is absent by reason."""
    asked = {row.key: row for row in rows(tuple(Cadence))}
    lines = [f"{'cadence':9} {'row':88} answer of each GPU"]
    for row in TABLE:
        answers = [_shown(gpu.answers[row.key]) for gpu in seen.gpus]
        same = len(set(answers)) == 1 and len(answers) > 1
        told = f"{answers[0]} (all {len(answers)})" if same else ", ".join(answers)
        lines.append(f"{row.every.value:9} {row.key:88} {told}")
    for reason in GapReason:
        absent = {(asked[key].query, code) for key, why, code in seen.gaps() if why == reason}
        lines += sorted(
            f"{reason.value}: {question(query)} "
            + (
                "(no error code: not asked, or its value means none)"
                if code is None
                else f"(NVML error {code})"
            )
            for query, code in absent
        )
    return "\n".join(lines)


def _shown(answer: Answer) -> str:
    return f"-- {answer[0]} {answer[1]}" if isinstance(answer, list) else repr(answer)
