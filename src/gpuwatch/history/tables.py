"""Tables: the columns of every table of the store, key columns first, as code writes them."""

from dataclasses import dataclass

Scalar = int | float | str | bytes | None
Row = tuple[Scalar, ...]


@dataclass(frozen=True, slots=True)
class Table:
    """A table as history writes it: the first `keys` of `columns` identify a row.

    `fixed` rows are written once and never again. `rank` orders what is given up first when rows
    wait in memory for a sick disk: the lowest goes first, rank 3 never.
    """

    name: str
    columns: tuple[str, ...]
    keys: int = 1
    fixed: bool = False
    rank: int = 3

    @property
    def upsert(self) -> str:
        """The statement that writes one row, whether or not an older one is there."""
        names = ", ".join(self.columns)
        marks = ", ".join("?" * len(self.columns))
        key = ", ".join(self.columns[: self.keys])
        rest = self.columns[self.keys :]
        sets = ", ".join(f"{name} = excluded.{name}" for name in rest)
        action = "nothing" if self.fixed or not rest else f"update set {sets}"
        return (  # names come from this module only
            f"insert into {self.name} ({names}) values ({marks})"  # noqa: S608 - see above
            f" on conflict ({key}) do {action}"
        )

    @property
    def delete(self) -> str:
        """The statement that deletes one row by its key."""
        where = " and ".join(f"{name} = ?" for name in self.columns[: self.keys])
        return f"delete from {self.name} where {where}"  # noqa: S608 - names come from this module

    @property
    def select(self) -> str:
        """The statement that reads all columns; a `where` or `order by` may follow."""
        return f"select {', '.join(self.columns)} from {self.name}"  # noqa: S608 - as above


def _table(name: str, columns: str, keys: int = 1, *, fixed: bool = False, rank: int = 3) -> Table:
    return Table(name, tuple(columns.split()), keys, fixed, rank)


META = _table("meta", "key value")
BOOTS = _table("boots", "number boot_id wall_offset")
EPOCHS = _table("epochs", "number boot boottime driver_load driver_version")
SIGNALS = _table("signals", "number key")
BOARDS = _table(
    "boards",
    "number serial uuid name part_number vbios inforom state gpu_index pci_address module_id"
    " chassis_serial slot_number tray_index first_boot first_boottime departure successor"
    " returned_boot returned_boottime",
)
CLOCKS = _table(
    "clocks",
    "board exposure read_boot read_boottime seen_boot seen_boottime unattributed gap_boot"
    " gap_start gap_end",
)
COUNTS = _table(
    "counts",
    "board counter epoch prior volatile_seen volatile_sum aggregate_seen aggregate_sum good_boot"
    " good_boottime",
    2,
)
HELD = _table("held", "board signal value boot boottime", 2)
BESTS = _table("bests", "board signal value pci_address", 2)
CHANGES = _table("changes", "number board signal value boot boottime", rank=1)
INCIDENTS = _table("incidents", "number board boot boottime exposure")
ERROR_SIGNALS = _table(
    "error_signals",
    "number incident kind boot boottime seconds_before seconds_after exposure memory count",
)
WAITING = _table("waiting", "number board kind boot boottime exposure")
OFF_BUS = _table("off_bus", "number board boot boottime")
RESETS = _table("resets", "number board boot boottime evidence", rank=2)
EVENTS = _table(
    "events",
    "number kind source identity board pci_address code subcode detail boot boottime"
    " seconds_before seconds_after bmc",
    fixed=True,
    rank=2,
)
XIDS = _table(
    "xids",
    "board kind code source count first_boot first_boottime last_boot last_boottime",
    4,
)
XID_TRACES = _table(
    "xid_traces",
    "number board kind code process subcode advice count first_boot first_boottime last_boot"
    " last_boottime",
    rank=2,
)
KERNEL_LOG = _table("kernel_log", "number boot_id sequence")
VERDICTS = _table("verdicts", "number subject verdict reason boot boottime", rank=1)
LATCHED = _table(
    "latched",
    "code subject scope urgency route remedy since sentence source evidence evidence_at rma"
    " due_seconds clears escalates",
    2,
)
FLAGS = _table(
    "flags",
    "number serial uuid code urgency sentence raised_at evidence_at due_at rma state disposition"
    " window_name window_start window_end slot_label state_since outcome acknowledged_by"
    " acknowledged_at snoozed_until pinned told_late vendor_case fru slot_note successor_serial"
    " successor_uuid",
)
AUDIT = _table(
    "audit",
    "number at boot boottime actor action subject reason before after",
    fixed=True,
)
RULE_SETS = _table("rule_sets", "number version boot boottime")
RULE_STARTS = _table("rule_starts", "board boot boottime")
ACCEPTANCES = _table("acceptances", "flag began_at state candidates diagnostic sentence decided_at")
KNOWN_BOARDS = _table("known_boards", "uuid host serial document", 2)
BMCS = _table("bmcs", "number name serial firmware power power_boot power_boottime seen_well")
BMC_LOGS = _table("bmc_logs", "number bmc log position founded boot boottime cleared wrapped")
BMC_ENTRIES = _table(
    "bmc_entries",
    "number log digest record told_at topic severity text sensor sensor_key asserted raw boot"
    " boottime age baseline",
    fixed=True,
    rank=2,
)
BMC_COUNTS = _table("bmc_counts", "bmc topic severity count", 3)
# Few, and of what nobody can tell again: a sick disk costs none of them.
CAPTURES = _table("captures", "number board occasion boot boottime settled document")
LOSSES = _table("losses", "number boot boottime detail", fixed=True)
SERIES_COLUMNS = _table("series_columns", "number signals", fixed=True)
SERIES = _table("series", "board sequence boot boottime columns data", 2, rank=0)

TABLES = (
    META,
    BOOTS,
    EPOCHS,
    SIGNALS,
    BOARDS,
    CLOCKS,
    COUNTS,
    HELD,
    BESTS,
    CHANGES,
    INCIDENTS,
    ERROR_SIGNALS,
    WAITING,
    OFF_BUS,
    RESETS,
    EVENTS,
    XIDS,
    XID_TRACES,
    KERNEL_LOG,
    VERDICTS,
    LATCHED,
    FLAGS,
    AUDIT,
    RULE_SETS,
    RULE_STARTS,
    ACCEPTANCES,
    KNOWN_BOARDS,
    BMCS,
    BMC_LOGS,
    BMC_ENTRIES,
    BMC_COUNTS,
    CAPTURES,
    LOSSES,
    SERIES_COLUMNS,
    SERIES,
)
