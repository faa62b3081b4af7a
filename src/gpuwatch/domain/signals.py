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
    """

    PLAIN = "plain"
    ECC_VOLATILE = "ecc_volatile"
    ECC_AGGREGATE = "ecc_aggregate"
    ROWS_REMAPPED = "rows_remapped"
    PAGES_RETIRED = "pages_retired"
    REMAP_PENDING = "remap_pending"
    RECOVERY_ACTION = "recovery_action"


# While any of these can be read, a board's exposure clock runs: an error would have been seen.
OWNING_ROLES = frozenset(
    {Role.ECC_VOLATILE, Role.ECC_AGGREGATE, Role.ROWS_REMAPPED, Role.PAGES_RETIRED}
)


@dataclass(frozen=True, slots=True)
class Call:
    """A named call of the binding; `arguments` follow the device handle.

    An argument that is a string names a constant of the binding; the probe resolves it.
    """

    function: str
    arguments: tuple[int | str, ...] = ()


@dataclass(frozen=True, slots=True)
class Field:
    """A field id by its constant's name, asked in one batch per device.

    `drivers` limits it to driver versions `first <= version < last`, compared as integer tuples;
    None leaves an end open. An id that moved between drivers needs its limits (rules of the table).
    """

    name: str
    scope: int = 0
    first_driver: tuple[int, ...] | None = None
    last_driver: tuple[int, ...] | None = None


@dataclass(frozen=True, slots=True)
class PerLink:
    """A query repeated for every NVLink of the device and summed; an inactive link counts 0."""

    query: Call | Field


Query = Call | Field | PerLink


@dataclass(frozen=True, slots=True, kw_only=True)
class Signal:
    """One row of a signal table.

    `name` is the full metric name. `labels` are the fixed labels of this row, so that several rows
    may share one metric family. `pick` takes the value out of a struct, tuple or bit mask: an
    attribute name, an index, or (with `bit`) the mask whose presence reads 1. `absent` are raw
    values that mean "no reading" (a sentinel becomes a gap, reason `unsupported`).
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
