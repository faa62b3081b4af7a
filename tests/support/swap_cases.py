"""Cases of the rules about boards that were pulled, came back, or came in and were refused."""

from dataclasses import replace

from gpuwatch.domain.devices import Board, BoardKey, Slot
from gpuwatch.domain.flag_life import ACCEPTANCE_FAILED, Outcome
from gpuwatch.domain.flags import Disposition, Flag, FlagState
from gpuwatch.domain.known_boards import KnownBoard, KnownFlag
from gpuwatch.domain.records import BoardRecord, BoardState, Departure
from gpuwatch.domain.verdicts import RmaStanding
from gpuwatch.policy.views import DriverHealth, GpuView, HostView
from tests.support.flags import a_flag
from tests.support.views import DAY, KEY, NOW, gpu, host, record

OTHER = BoardKey("1652222014799", "GPU-other")
HOUR = 3600.0
BOOTED = replace(NOW, boottime=HOUR)
OPEN = a_flag(board=KEY, raised_at=NOW.wall - DAY)
IN_HANDS = replace(OPEN, state=FlagState.IN_HANDS)
KNOWN = KnownBoard(
    key=KEY,
    host="node-17",
    exported_at=NOW.wall - DAY,
    name="",
    part_number="",
    vbios="",
    slot="module-1",
    state="left",
    first_seen=NOW.wall - 9 * DAY,
    last_seen=NOW.wall - 2 * DAY,
    exposure_seconds=DAY,
    flags=(
        KnownFlag(
            code="rising-uncorrectable-trend",
            state=FlagState.DISMISSED,
            outcome="dismissed",
            raised_at=NOW.wall - 5 * DAY,
            evidence_at=NOW.wall - 5 * DAY,
            sentence="2 incidents.",
            rma=RmaStanding.NEEDS_FIELD_DIAGNOSTIC,
            disposition=Disposition.QUARANTINE,
            vendor_case="",
        ),
    ),
)


def other(**changes: object) -> BoardRecord:
    """Another board, last seen two hours ago in the slot beside."""
    base = record(
        board=Board(key=OTHER),
        slot=Slot(pci_address="0000:4b:00.0", module_id=4),
        state=BoardState.ABSENT,
        last_seen=NOW.wall - 2 * HOUR,
    )
    return replace(base, **changes)  # type: ignore[arg-type]


def gone(**changes: object) -> BoardRecord:
    """That board, replaced by another."""
    left = other(state=BoardState.LEFT, departure=Departure.REPLACED)
    return replace(left, **changes)  # type: ignore[arg-type]


def pulled(flag: Flag = OPEN, *more: GpuView, **changes: object) -> HostView:
    """A host just booted, with a flagged board that is here and what `changes` say."""
    base: dict[str, object] = {"now": BOOTED, "flags": (flag,)}
    return host(gpu(), *more, **base | changes)


def missing(**changes: object) -> GpuView:
    """The other board as a GPU that is not here."""
    absent = gpu(record=other(), present=False, readings={}, seen_this_epoch=False)
    return replace(absent, **changes)  # type: ignore[arg-type]


def returned(flag: Flag, before: frozenset[int] = frozenset({OPEN.number})) -> HostView:
    """A host with the board of that flag, which came back after those flags were raised for it."""
    back = record(returned_at=NOW.wall - HOUR, flagged_before_return=before)
    return host(gpu(record=back), flags=(flag,))


REFUSED = a_flag(board=KEY, code=ACCEPTANCE_FAILED, sentence="ECC is off")
RESEATED = replace(OPEN, state=FlagState.CLOSED, outcome=Outcome.RESEATED.value)
LONG_UP = replace(NOW, boottime=2 * DAY)
SWAPPED_OUT = a_flag(
    board=OTHER, number=9, state=FlagState.CLOSED, state_since=NOW.wall - HOUR, outcome="accepted"
)
LONG_IN_HANDS = replace(IN_HANDS, raised_at=NOW.wall - 9 * DAY)
GONE_FOR_DAYS = other(last_seen=NOW.wall - 3 * DAY)

FIRES: list[tuple[str, HostView]] = [
    ("wrong-board-pulled", pulled(OPEN, departed=(gone(),))),
    ("wrong-board-pulled", pulled(OPEN, missing())),
    ("wrong-board-pulled", pulled(IN_HANDS, missing(), departed=(gone(),))),
    ("wrong-board-pulled", pulled(LONG_IN_HANDS, missing(record=GONE_FOR_DAYS), now=LONG_UP)),
    ("flagged-board-returned", returned(OPEN)),
    ("flagged-board-returned", returned(replace(OPEN, state=FlagState.DISMISSED))),
    ("flagged-board-returned", host(gpu(), known_boards={KEY.serial: (KNOWN,)})),
    (ACCEPTANCE_FAILED, host(gpu(), flags=(REFUSED,))),
]
SILENT: list[tuple[str, HostView]] = [
    ("wrong-board-pulled", pulled(OPEN)),
    ("wrong-board-pulled", pulled(replace(OPEN, state=FlagState.VERIFYING), departed=(gone(),))),
    ("wrong-board-pulled", pulled(OPEN, departed=(gone(departure=Departure.RETIRED),))),
    ("wrong-board-pulled", pulled(OPEN, departed=(gone(departure=Departure.WITH_FRU),))),
    ("wrong-board-pulled", pulled(OPEN, departed=(gone(last_seen=NOW.wall - 2 * DAY),))),
    ("wrong-board-pulled", pulled(OPEN, departed=(gone(),), now=LONG_UP)),
    ("wrong-board-pulled", pulled(OPEN, missing(managed=False))),
    ("wrong-board-pulled", pulled(OPEN, missing(lost=True))),
    ("wrong-board-pulled", pulled(OPEN, missing(record=other(last_seen=NOW.wall - 60)))),
    ("wrong-board-pulled", pulled(OPEN, departed=(gone(),), flags=(OPEN, SWAPPED_OUT))),
    (
        "wrong-board-pulled",
        pulled(OPEN, departed=(gone(),), flags=(OPEN, a_flag(board=OTHER, number=9))),
    ),
    ("wrong-board-pulled", pulled(OPEN, departed=(gone(),), driver=DriverHealth.NOT_LOADED)),
    ("wrong-board-pulled", pulled(OPEN, departed=(gone(),), released=True)),
    ("wrong-board-pulled", pulled(a_flag(board=OTHER), departed=(gone(),))),
    ("flagged-board-returned", returned(RESEATED)),
    ("flagged-board-returned", returned(OPEN, before=frozenset())),
    ("flagged-board-returned", returned(a_flag(board=OTHER), before=frozenset())),
    ("flagged-board-returned", host(gpu(), known_boards={OTHER.serial: (KNOWN,)})),
    (
        "flagged-board-returned",
        host(gpu(), flags=(RESEATED,), known_boards={KEY.serial: (KNOWN,)}),
    ),
    (ACCEPTANCE_FAILED, host(gpu(), flags=(replace(REFUSED, state=FlagState.DISMISSED),))),
    (ACCEPTANCE_FAILED, host(gpu(), flags=(OPEN,))),
    (ACCEPTANCE_FAILED, host(gpu(), flags=(replace(REFUSED, board=OTHER),))),
]
