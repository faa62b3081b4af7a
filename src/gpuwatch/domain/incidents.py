"""Incidents: uncorrectable-error signals that belong together, charged to the owning board."""

from dataclasses import dataclass
from enum import StrEnum

from gpuwatch.domain.devices import BoardKey


class Memory(StrEnum):
    """The memory an uncorrectable error was in; UNKNOWN when the signal does not tell."""

    DRAM = "dram"
    SRAM = "sram"
    UNKNOWN = "unknown"


class ErrorKind(StrEnum):
    """A signal of an uncorrectable error. The value is what is stored and shown."""

    ECC = "ecc"
    ROW_REMAP = "row_remap"
    PAGE_RETIREMENT = "page_retirement"
    XID_48 = "xid_48"
    XID_171 = "xid_171"
    XID_172 = "xid_172"
    DOUBLE_BIT_EVENT = "double_bit_event"
    XID_94 = "xid_94"
    XID_95 = "xid_95"
    XID_140 = "xid_140"
    POISON = "poison"


# Echoes: NVIDIA's Xid catalog calls 94 and 95 sympathetic; peers over NVLink report them for
# somebody else's memory. https://docs.nvidia.com/deploy/xid-errors/analyzing-xid-catalog.html
ECHOES = frozenset({ErrorKind.XID_94, ErrorKind.XID_95, ErrorKind.XID_140, ErrorKind.POISON})


@dataclass(frozen=True, slots=True, kw_only=True)
class ErrorSignal:
    """One report of uncorrectable errors on one board.

    `at` is Unix seconds, with the interval [`not_before`, `not_after`] where only that is known.
    `exposure` is the board's exposure clock at that instant, in seconds. `count` is how many errors
    the signal reports (1 for an event).
    """

    board: BoardKey
    kind: ErrorKind
    at: float
    exposure: float
    memory: Memory = Memory.UNKNOWN
    count: int = 1
    not_before: float | None = None
    not_after: float | None = None

    def __post_init__(self) -> None:
        if self.count < 1:
            raise ValueError(f"an error signal reports at least one error, not {self.count}")

    @property
    def is_echo(self) -> bool:
        """Whether this signal never opens an incident alone."""
        return self.kind in ECHOES


@dataclass(frozen=True, slots=True, kw_only=True)
class Incident:
    """One or more error signals of one board that belong together.

    `opened_at` is Unix seconds and anchors the incident; `opened_exposure` is the exposure clock of
    the board then, in seconds. `signals` are in order of arrival, the opener first.
    """

    board: BoardKey
    opened_at: float
    opened_exposure: float
    signals: tuple[ErrorSignal, ...]

    def __post_init__(self) -> None:
        if not self.signals or self.signals[0].is_echo:
            raise ValueError("an incident is opened by an owning signal")

    @property
    def memory(self) -> Memory:
        """The memory the owning signals name; DRAM before SRAM when both do (it is the larger)."""
        named = {signal.memory for signal in self.signals if not signal.is_echo}
        for memory in (Memory.DRAM, Memory.SRAM):
            if memory in named:
                return memory
        return Memory.UNKNOWN

    @property
    def last_at(self) -> float:
        """Unix seconds of the latest signal."""
        return max(signal.at for signal in self.signals)
