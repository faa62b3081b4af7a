"""What is remembered of a board, and the same a sweep later."""

from dataclasses import fields, replace

from gpuwatch.domain.devices import Board, BoardKey, Slot
from gpuwatch.domain.incidents import Memory
from gpuwatch.domain.records import BoardRecord, BoardState, Departure, Held, XidCount
from gpuwatch.domain.xids import XidAdvice, XidTrace

RECORD = BoardRecord(
    board=Board(key=BoardKey("1652", "GPU-1")),
    slot=Slot(pci_address="0000:01:00.0"),
    index=3,
    state=BoardState.PRESENT,
    first_seen=1.0,
    last_seen=2.0,
    exposure_seconds=4.0,
    errors={Memory.DRAM: 5},
    prior={"dram": 6},
    unattributed=7,
    traces={
        63: (
            XidTrace(code=63, advice=XidAdvice.NOTHING_URGENT, count=2, first_at=9.0, last_at=10.0),
        )
    },
    xids={(79, "kernel_log"): XidCount(8, 9.0, 10.0)},
    held={"gpuwatch_gpu_row_remap_failed": Held(0, 11.0)},
    bests={"gpuwatch_gpu_nvlink_active_links": 18},
    last_reset_at=12.0,
    off_bus_at=(13.0,),
    fell_at=13.0,
    reset_since_incident=True,
    judged_from=14.0,
    departure=Departure.RETIRED,
    successor=BoardKey("1653", "GPU-2"),
    returned_at=15.0,
    flagged_before_return=frozenset({16}),
)


def test_a_record_a_sweep_later_differs_in_two_instants() -> None:
    """Nothing else is lost, whatever fields a record gets."""
    later = RECORD.seen(20.0, 21.0)

    assert later == replace(RECORD, exposure_seconds=20.0, last_seen=21.0)


def test_a_record_of_this_test_leaves_no_field_but_incidents_at_its_default() -> None:
    """Else a field that is not carried over would not show."""
    empty = replace(RECORD, incidents=())
    defaults = {
        one.name
        for one in fields(empty)
        if getattr(empty, one.name) in (None, 0, (), {}, frozenset())
    }

    assert defaults == {"incidents"}
