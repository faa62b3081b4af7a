"""Signals: one row says what a source can tell of a device, how to ask and how to publish it."""

from dataclasses import dataclass
from enum import StrEnum

from gpuwatch.domain.units import Unit


class Kind(StrEnum):
    """What a signal's value is. TEXT values are identity and never become a sample of their own."""

    GAUGE = "gauge"
    COUNTER = "counter"
    TEXT = "text"


class Keep(StrEnum):
    """How long history keeps a signal: not at all, when it changes, or as a 14-day series."""

    NEVER = "never"
    CHANGES = "changes"
    SERIES = "series"


class Cadence(StrEnum):
    """How often a signal is asked: 10 s, 60 s, 5 min; or at start, hourly and in a new epoch."""

    FAST = "fast"
    SLOW = "slow"
    RARE = "rare"
    INVENTORY = "inventory"


class Role(StrEnum):
    """What a signal means to history and rules; PLAIN is only published.

    ECC_* count uncorrected errors: rows with a label `memory` of "dram" or "sram" by location, the
    row without it in total. ROWS_REMAPPED and PAGES_RETIRED count what uncorrectable errors caused.
    CAPABILITY is what a link can do at best: history keeps the greatest value of each board.
    """

    PLAIN = "plain"
    ECC_VOLATILE = "ecc_volatile"
    ECC_AGGREGATE = "ecc_aggregate"
    ROWS_REMAPPED = "rows_remapped"
    PAGES_RETIRED = "pages_retired"
    REMAP_PENDING = "remap_pending"
    RECOVERY_ACTION = "recovery_action"
    CAPABILITY = "capability"


# While any of these can be read, a board's exposure clock runs: an error would have been seen.
OWNING_ROLES = frozenset(
    {Role.ECC_VOLATILE, Role.ECC_AGGREGATE, Role.ROWS_REMAPPED, Role.PAGES_RETIRED}
)


@dataclass(frozen=True, slots=True)
class Call:
    """A named call of the binding; `arguments` follow the device handle.

    An argument that is a string names a constant of the binding; the probe resolves it. `struct`
    names a structure of the binding that is passed last, by reference, and is what the rows pick
    from; "" when the call returns its answer.
    """

    function: str
    arguments: tuple[int | str, ...] = ()
    struct: str = ""


@dataclass(frozen=True, slots=True)
class Field:
    """A field id by its constant's name, asked in one batch per device.

    The limits are driver versions, `first_driver <= version < last_driver`, compared as integer
    tuples; None leaves an end open. An id that moved between drivers needs its limits (rules of
    the table), and its `number`, because the binding knows only the number of one driver.
    """

    name: str
    scope: int = 0
    first_driver: tuple[int, ...] | None = None
    last_driver: tuple[int, ...] | None = None
    number: int | None = None

    def admits(self, driver: tuple[int, ...]) -> bool:
        """Whether this driver may be asked; an unknown driver, (), is asked no limited field."""
        if self.first_driver is None and self.last_driver is None:
            return True
        if not driver or (self.first_driver is not None and driver < self.first_driver):
            return False
        return self.last_driver is None or driver < self.last_driver


@dataclass(frozen=True, slots=True)
class Moved:
    """One value under ids that changed: the first field that admits the driver is asked."""

    fields: tuple[Field, ...]


@dataclass(frozen=True, slots=True)
class PerLink:
    """A query repeated for every NVLink of the device and summed; an inactive link counts 0."""

    query: Call | Field


@dataclass(frozen=True, slots=True)
class PerFan:
    """A call repeated for every fan of the device, whose number is its argument: the largest."""

    query: Call


@dataclass(frozen=True, slots=True)
class SramBanks:
    """The SRAM addresses with uncorrected errors; rows pick "parity" or "secded".

    The value is the number of such addresses in the bank that has the most.
    """

    function: str


Query = Call | Field | Moved | PerLink | PerFan | SramBanks


@dataclass(frozen=True, slots=True, kw_only=True)
class Signal:
    """One row of a signal table.

    `name` is the full metric name. `labels` are the fixed labels of this row, so that several rows
    may share one metric family. `pick` takes the value out of a struct, tuple or bit mask: an
    attribute name, an index, or (with `bit`) the mask whose presence reads 1. `bits` are (shift,
    mask) of a number inside a bit field. `absent` are raw values that mean "no reading" (a
    sentinel becomes a gap, reason `unsupported`), and so does everything below `least`. `given`
    is (pick, value): the answer means something only where the same answer holds that value too.
    `equals` are the raw values that read 1, all others read 0. `answers` are error codes that are
    an answer, with the value each means. `privileged` rows are `denied` to a daemon without root.
    """

    name: str
    kind: Kind
    unit: Unit
    query: Query
    help: str
    every: Cadence
    keep: Keep
    labels: tuple[tuple[str, str], ...] = ()
    pick: int | str | None = None
    bit: int | None = None
    absent: tuple[int, ...] = ()
    role: Role = Role.PLAIN
    bits: tuple[int, int] | None = None
    equals: tuple[int, ...] = ()
    least: int | None = None
    given: tuple[int | str, int] | None = None
    answers: tuple[tuple[int, int], ...] = ()
    privileged: bool = False

    def __post_init__(self) -> None:
        """Refuse a row whose name breaks the metric contract."""
        if not self.name.startswith("gpuwatch_"):
            raise ValueError(f"signal {self.name}: a metric name starts with gpuwatch_")
        if not self.unit.fits(self.name):
            raise ValueError(
                f"signal {self.name}: a {self.unit.name} name ends in _{self.unit.suffix}"
            )
        if (self.kind is Kind.COUNTER) != self.name.endswith("_total"):
            raise ValueError(f"signal {self.name}: counters end in _total, and nothing else does")
        if not self.help.endswith("."):
            raise ValueError(f"signal {self.name}: help is a sentence and ends with a full stop")

    @property
    def key(self) -> str:
        """The name with its fixed labels, unique in a table: `name{a="b"}` or plain `name`."""
        if not self.labels:
            return self.name
        inside = ",".join(f'{label}="{value}"' for label, value in self.labels)
        return f"{self.name}{{{inside}}}"
