"""Answers: what one check found, how it stands, and what to do: rows for people and for scripts."""

from dataclasses import dataclass, replace
from enum import StrEnum

from gpuwatch.cli.exits import Exit
from gpuwatch.exposition.redaction import Named


class State(StrEnum):
    """How a check stands. Unknown is what could not be looked at: never well."""

    OK = "ok"
    PROBLEM = "problem"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Answer:
    """One row: the check, how it stands, what was found, and a sentence with the way out.

    `names` are those of people and processes in it, for who has to replace them.
    """

    name: str
    state: State
    found: str
    remedy: str = ""
    names: tuple[tuple[Named, str], ...] = ()

    def __post_init__(self) -> None:
        if not self.found or (self.state is not State.OK and not self.remedy):
            raise ValueError(f"{self.name}: an answer says what was found, and the way out")

    def naming(self, kind: Named, *names: str) -> "Answer":
        """The same, with names in it that are told apart."""
        return replace(self, names=(*self.names, *((kind, name) for name in names)))

    @property
    def page(self) -> str:
        """The document to read on in, relative to docs/."""
        return PAGES["bmc" if self.name.startswith("bmc.") else self.name]


# The checks in the order in which they are told: the agent, the hardware, its memory, its readers.
PAGES = {
    "settings": "configuration.md",
    "agent": "operating.md",
    "unit": "systemd.md",
    "access": "cli.md",
    "children": "runbooks/probe-wedged.md",
    "driver": "runbooks/driver-not-loaded.md",
    "library": "runbooks/driver-mismatch.md",
    "devices": "systemd.md",
    "gpus": "runbooks/gpu-unresponsive.md",
    "signals": "runbooks/rma-signals-unreadable.md",
    "holders": "coexistence.md",
    "kernel-log": "kernel-log.md",
    "bmc": "bmc.md",
    "history": "runbooks/history-degraded.md",
    "disk": "sizing.md",
    "backups": "backup.md",
    "clock": "runbooks/clock-unsynchronized.md",
    "port": "tls.md",
    "prometheus": "runbooks/no-targets.md",
}


def ok(name: str, found: str) -> Answer:
    """All is well with it, or there is nothing to look at and none is expected."""
    return Answer(name, State.OK, found)


def problem(name: str, found: str, remedy: str) -> Answer:
    """Something is amiss."""
    return Answer(name, State.PROBLEM, found, remedy)


def unknown(name: str, found: str, remedy: str) -> Answer:
    """It could not be looked at."""
    return Answer(name, State.UNKNOWN, found, remedy)


def from_sentence(name: str, sentence: str, otherwise: str) -> Answer:
    """A problem as the rest of the house words it: what is wrong (the way out)."""
    said = sentence.strip()
    start = _last_bracket(said)
    if start > 0:
        return problem(name, said[:start].rstrip(), said[start + 1 : -1])
    return problem(name, said, otherwise)


def _last_bracket(said: str) -> int:
    """Where the bracket opens that closes the sentence; 0 where none does."""
    depth = 0
    for at in range(len(said) - 1, -1, -1):
        depth += {")": 1, "(": -1}.get(said[at], 0)
        if not depth:
            return at if said[at] == "(" else 0
    return 0


def exit_of(answers: tuple[Answer, ...]) -> Exit:
    """1 with a problem, 3 with something that is not known, else 0."""
    states = {answer.state for answer in answers}
    if State.PROBLEM in states:
        return Exit.ATTENTION
    return Exit.UNKNOWN if State.UNKNOWN in states else Exit.OK
