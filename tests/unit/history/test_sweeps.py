"""Sweeps: each error is counted once, however the counters tell of it."""

from pathlib import Path

from hypothesis import example, given, settings
from hypothesis import strategies as st

from gpuwatch.domain.incidents import Memory
from gpuwatch.history import HistorySettings
from gpuwatch.history.history import History
from gpuwatch.history.load import load
from gpuwatch.history.store import Store
from tests.support.histories import DAY, UNSUPPORTED, Bench, HandClock, Hardware, board_key, device

STEPS = st.lists(
    st.one_of(
        st.tuples(st.sampled_from(("dram", "sram")), st.integers(1, 4)),
        st.tuples(st.just("sweep"), st.sampled_from((10, 60, 100_000))),
        st.tuples(st.just("both"), st.sampled_from((10, 60, 100_000))),
        st.tuples(st.just("lag"), st.just(10)),
        st.tuples(st.just("reload"), st.just(0)),
        st.tuples(st.just("step"), st.sampled_from((-100_000, 100_000))),
        st.tuples(st.just("xid"), st.sampled_from((48, 94))),
    ),
    max_size=40,
)


def _in_memory() -> Bench:
    """A history whose store was never opened: everything waits in memory."""
    clock = HandClock()
    store = Store(Path("nowhere"), max_waiting=100_000, retry_seconds=0.0)
    bench = Bench(History(load(store), HistorySettings()), clock, {0: Hardware()})
    bench.history.enter_epoch(bench.epoch, clock.now())
    bench.history.take_inventory((device(0),), clock.now())
    bench.sweep(slow=True)
    return bench


def _do(bench: Bench, action: str, argument: int, loads: list[int]) -> None:
    match action:
        case "dram" | "sram":
            bench.boards[0].fail(action, argument)
        case "sweep" | "both":
            bench.sweep(after=float(argument), slow=action == "both")
        case "lag":
            bench.sweep(instead={1: UNSUPPORTED})
        case "reload":
            bench.sweep()  # what is not read before a reload only the aggregate can tell
            loads.append(len(loads))
            bench.reload_driver(f"load-{len(loads)}")
        case "step":
            bench.clock.step(float(argument))
        case _:
            bench.event(argument)


@settings(deadline=None)
@given(steps=STEPS)
def test_recorded_errors_equal_injected_ones(steps: list[tuple[str, int]]) -> None:
    """Whatever happens in whatever order, sums per memory are exact and all is partitioned."""
    bench = _in_memory()
    loads: list[int] = []
    for action, argument in steps:
        _do(bench, action, argument, loads)
    bench.sweep(slow=True)

    errors = bench.history.records()[board_key(0)].errors

    hardware = bench.boards[0]
    assert errors == {Memory.DRAM: hardware.dram, Memory.SRAM: hardware.sram, Memory.UNKNOWN: 0}


@settings(deadline=None)
@given(steps=STEPS)
@example(
    steps=[("xid", 48), ("dram", 1), ("reload", 0), ("sweep", 100_000), ("dram", 1), ("xid", 48)]
)
def test_incidents_stay_in_order_a_day_apart(steps: list[tuple[str, int]]) -> None:
    """Errors mean incidents, in the order of the exposure clock, never two of one instant."""
    bench = _in_memory()
    loads: list[int] = []
    for action, argument in steps:
        _do(bench, action, argument, loads)
    bench.sweep(slow=True)

    record = bench.history.records()[board_key(0)]

    hardware = bench.boards[0]
    exposures = [incident.opened_exposure for incident in record.incidents]
    assert exposures == sorted(exposures)
    assert bool(record.incidents) >= bool(hardware.dram + hardware.sram)


def test_a_quiet_sweep_changes_nothing() -> None:
    """No row waits to be written while nothing but time passes."""
    bench = _in_memory()
    bench.sweep()
    waiting = bench.history._book.store.waiting

    change = bench.sweep()

    assert change.boards == frozenset()
    assert bench.history._book.store.waiting == waiting


def test_an_aggregate_that_lags_counts_once() -> None:
    """The volatile counter tells first, the aggregate a sweep later: one error."""
    bench = _in_memory()
    bench.boards[0].volatile += 1
    bench.sweep()
    bench.boards[0].aggregate += 1
    bench.boards[0].dram += 1

    bench.sweep(after=60.0, slow=True)

    record = bench.history.records()[board_key(0)]
    assert sum(record.errors.values()) == 1
    assert len(record.incidents) == 1


def test_millions_of_corrected_errors_are_no_evidence() -> None:
    """Corrected errors change a held value and nothing else."""
    bench = _in_memory()
    bench.boards[0].corrected = 50_000_000

    bench.sweep()

    record = bench.history.records()[board_key(0)]
    assert record.incidents == ()
    assert sum(record.errors.values()) == 0
    held = record.held["gpuwatch_gpu_ecc_corrected_volatile_errors_total"]
    assert held.value == 50_000_000


def test_incidents_after_a_reset_a_day_apart_are_two() -> None:
    """A reset and a day between them: the second error opens an incident of its own."""
    bench = _in_memory()
    bench.boards[0].fail()
    bench.sweep()
    bench.reload_driver("2")
    bench.sweep(after=10.0)
    for _ in range(25):
        bench.sweep(after=DAY / 24)
    bench.boards[0].fail()
    bench.sweep()

    assert len(bench.history.records()[board_key(0)].incidents) == 2
