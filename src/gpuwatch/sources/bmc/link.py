"""Link: the way to a BMC, whichever it is: a command goes out, an answer comes back."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from gpuwatch.sources.bmc.gate import Command

NOT_PRESENT = 0xCB
NO_RESERVATION = 0xC5
UPDATING = frozenset({0xD0, 0xD1, 0xD2})  # SDR repository or firmware being written, or starting
BUSY = frozenset({0xC0, 0xC3, 0xFF})

# Completion codes that say why, as words of GapReason; every other one is `failed`.
_REASONS = {
    0xC1: "unsupported",  # invalid command
    0xC2: "unsupported",  # for this LUN
    0xC3: "timed_out",
    NOT_PRESENT: "lost",
    0xCD: "unsupported",  # for this kind of sensor
    0xD4: "denied",  # privilege, or a firmware firewall
    0xD6: "unsupported",  # disabled
}


@dataclass(frozen=True, slots=True)
class Answer:
    """A completion code, 0 for success, and what follows it."""

    code: int
    data: bytes


class Link(Protocol):
    """An open session with a BMC, or its device."""

    @property
    def cipher_suite(self) -> int | None:
        """The suite that protects the session, None in band."""
        ...

    @property
    def alive(self) -> bool:
        """Whether it can still be asked."""
        ...

    def ask(self, command: Command, data: Sequence[int] = (), lun: int = 0) -> Answer:
        """Send one command. Raises Trouble when no answer comes."""
        ...

    def rest(self, seconds: float) -> None:
        """Wait so long and keep the session alive."""
        ...

    def close(self) -> None:
        """Log out and let everything go. Never raises."""
        ...


class RefusedError(Exception):
    """The BMC answered, but not with what was asked for. `code` is None for too short an answer."""

    def __init__(self, code: int | None) -> None:
        super().__init__(code)
        self.code = code

    @property
    def gap(self) -> list[str | int | None]:
        """Reason and code, as a message tells a gap."""
        return gap(self.code)


def gap(code: int | None) -> list[str | int | None]:
    """Reason and completion code of a gap."""
    return [_REASONS.get(code or 0, "failed"), code]


def read(
    link: Link, command: Command, data: Sequence[int] = (), *, least: int = 0, lun: int = 0
) -> bytes:
    """What a command brings. Raises RefusedError for a code or fewer than `least` bytes."""
    answer = link.ask(command, data, lun)
    if answer.code:
        raise RefusedError(answer.code)
    if len(answer.data) < least:
        raise RefusedError(None)
    return answer.data
