"""Compat DCGM: dcgm-exporter's names, labels and units, out of what the GPUs told."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from prometheus_client import Metric
from prometheus_client.openmetrics import parser as openmetrics_parser
from prometheus_client.parser import text_string_to_metric_families as parse_text
from prometheus_client.samples import Sample

from gpuwatch.domain.readings import Gap, GapReason, Value
from gpuwatch.domain.records import XidCount
from gpuwatch.domain.snapshot import GpuState, Latest, Snapshot
from gpuwatch.exposition.compat import DCGM, compat_families
from gpuwatch.exposition.compat_dcgm import XID_NAMES
from gpuwatch.exposition.compat_dcgm_rows import ROWS
from gpuwatch.exposition.metrics import encoded
from gpuwatch.sources.nvml_signals import TABLE
from tests.support.golden import assert_golden
from tests.support.snapshots import AT, every_signal, gpu_state, rich_snapshot, uuid_of

# The library's function has no annotations.
parse_openmetrics: Callable[[str], Iterator[Metric]] = (
    openmetrics_parser.text_string_to_metric_families
)
ROOT = Path(__file__).parent.parent.parent.parent
NAMES = {name for row in ROWS for name in row.names} | set(XID_NAMES)
SERIES = 49  # of a GPU that tells everything, as the documentation says
SIGNALS = {signal.key: signal for signal in TABLE}

# What dcgm-exporter tells unless it is told otherwise, of several of its versions.
DEFAULT_LIST = frozenset(
    {
        *(f"DCGM_FI_DEV_{name}" for name in (
            "SM_CLOCK", "MEM_CLOCK", "MEMORY_TEMP", "GPU_TEMP", "POWER_USAGE",
            "TOTAL_ENERGY_CONSUMPTION", "PCIE_TX_THROUGHPUT", "PCIE_RX_THROUGHPUT",
            "PCIE_REPLAY_COUNTER", "GPU_UTIL", "MEM_COPY_UTIL", "ENC_UTIL", "DEC_UTIL",
            "XID_ERRORS", "FB_FREE", "FB_USED", "FB_RESERVED", "NVLINK_BANDWIDTH_TOTAL",
            "VGPU_LICENSE_STATUS", "UNCORRECTABLE_REMAPPED_ROWS", "CORRECTABLE_REMAPPED_ROWS",
            "ROW_REMAP_FAILURE",
        )),
        *(f"DCGM_FI_PROF_{name}" for name in (
            "GR_ENGINE_ACTIVE", "PIPE_TENSOR_ACTIVE", "DRAM_ACTIVE", "PCIE_TX_BYTES",
            "PCIE_RX_BYTES",
        )),
    }
)  # fmt: skip
# What people switch on there.
OFTEN_ENABLED = frozenset(
    {
        *(f"DCGM_FI_DEV_{name}_VIOLATION" for name in (
            "POWER", "THERMAL", "SYNC_BOOST", "BOARD_LIMIT", "LOW_UTIL", "RELIABILITY",
        )),
        *(f"DCGM_FI_DEV_{name}" for name in (
            "ECC_SBE_VOL_TOTAL", "ECC_DBE_VOL_TOTAL", "ECC_SBE_AGG_TOTAL", "ECC_DBE_AGG_TOTAL",
            "RETIRED_SBE", "RETIRED_DBE", "RETIRED_PENDING", "NVLINK_BANDWIDTH_L0",
            "NVLINK_CRC_FLIT_ERROR_COUNT_TOTAL", "NVLINK_CRC_DATA_ERROR_COUNT_TOTAL",
            "NVLINK_REPLAY_ERROR_COUNT_TOTAL", "NVLINK_RECOVERY_ERROR_COUNT_TOTAL",
        )),
        *(f"DCGM_FI_PROF_{name}_ACTIVE" for name in (
            "SM", "PIPE_FP64", "PIPE_FP32", "PIPE_FP16",
        )),
        "DCGM_FI_PROF_SM_OCCUPANCY",
        *(f"DCGM_EXP_{name}" for name in (
            "CLOCK_EVENTS_COUNT", "XID_ERRORS_COUNT", "GPU_HEALTH_STATUS", "P2P_STATUS",
        )),
    }
)  # fmt: skip
# The same field, and the name that DCGM 4.6 gave it.
RENAMED = {
    "DCGM_FI_DEV_GPU_TEMP": "DCGM_FI_DEV_GPU_TEMP_CELSIUS",
    "DCGM_FI_DEV_RETIRED_SBE": "DCGM_FI_DEV_PAGE_RETIRED_SBE_TOTAL",
    "DCGM_FI_DEV_RETIRED_DBE": "DCGM_FI_DEV_PAGE_RETIRED_DBE_TOTAL",
    "DCGM_FI_DEV_UNCORRECTABLE_REMAPPED_ROWS": "DCGM_FI_DEV_ROW_REMAP_UNCORRECTABLE_TOTAL",
    "DCGM_FI_DEV_ROW_REMAP_FAILURE": "DCGM_FI_DEV_ROW_REMAP_FAILED",
    "DCGM_FI_DEV_THRESHOLD_SRM": "DCGM_FI_DEV_SRAM_EXCEEDED",
}


def _text(snapshot: Snapshot) -> str:
    families = compat_families((DCGM,), snapshot, "")
    assert families is not None
    return encoded(families, openmetrics=False).decode()


def _of(*gpus: GpuState) -> list[Sample]:
    text = _text(replace(rich_snapshot(), gpus=gpus))
    return [sample for family in parse_text(text) for sample in family.samples]


def _answering(key: str, value: Value | Gap) -> GpuState:
    """A GPU that has answered this one signal."""
    return replace(gpu_state(0), latest=(Latest(SIGNALS[key], value, AT),))


def _told(gpu: GpuState, name: str) -> list[float]:
    return [sample.value for sample in _of(gpu) if sample.name == name]


def _documented(heading: str) -> list[list[str]]:
    """The rows of the first table after a line of docs/compat.md, without their back quotes."""
    _, _, rest = (ROOT / "docs" / "compat.md").read_text().partition(heading)
    lines = rest.lstrip().split("\n\n")[0].splitlines()[2:]
    return [[cell.strip().strip("`") for cell in line.split("|")[1:-1]] for line in lines]


def test_golden_of_the_names_of_dcgm_exporter() -> None:
    """All that is told of eight GPUs, of which some are gone, hung or full of gaps."""
    assert_golden("compat_dcgm.txt", _text(rich_snapshot()))


def test_every_name_that_dashboards_use_is_offered_or_listed_as_left_out() -> None:
    """Nobody has to guess why a panel is empty, and nothing is both."""
    left_out = {row[0] for row in _documented("Left out:")}

    assert NAMES | left_out >= DEFAULT_LIST | OFTEN_ENABLED
    assert NAMES.isdisjoint(left_out)


def test_every_row_stands_in_the_documentation_with_its_unit_and_signal() -> None:
    """Whoever moves over reads there what a number means and where it comes from."""
    told = _documented(f"- A GPU has at most {SERIES} series.")

    expected = [[row.name, row.newer, row.measure.word, row.signal] for row in ROWS]
    assert told[:-1] == expected
    assert told[-1][:2] == list(XID_NAMES)


def test_both_spellings_tell_the_same() -> None:
    """What DCGM 4.6 renamed is told under the old name and under the new one."""
    state = replace(gpu_state(0), latest=every_signal(0))
    values = {sample.name: sample.value for sample in _of(state)}

    assert {name: values[name] for name in RENAMED} == {
        name: values[newer] for name, newer in RENAMED.items()
    }


def test_every_row_has_a_signal_behind_it() -> None:
    """A row whose signal is not polled would never have a series, and a name is told once."""
    state = replace(gpu_state(0), latest=every_signal(0))
    names = [sample.name for sample in _of(state)]

    assert sorted(names) == sorted(NAMES)
    assert len(names) == SERIES


def test_openmetrics_accepts_every_name() -> None:
    """Counters have no type there, because their names do not end as a counter's must."""
    state = replace(gpu_state(0), latest=every_signal(0))
    families = compat_families((DCGM,), replace(rich_snapshot(), gpus=(state,)), "")
    assert families is not None

    parsed = list(parse_openmetrics(encoded(families, openmetrics=True).decode()))

    types = {family.name: family.type for family in parsed}
    assert set(types) == NAMES
    assert types["DCGM_FI_DEV_ECC_DBE_AGG_TOTAL"] == "unknown"
    assert types["DCGM_FI_DEV_GPU_TEMP"] == "gauge"


@pytest.mark.parametrize(
    ("key", "raw", "name", "number"),
    [
        ("gpuwatch_gpu_sm_clock_hertz", 1_980, "DCGM_FI_DEV_SM_CLOCK", 1_980),
        ("gpuwatch_gpu_temperature_celsius", 41, "DCGM_FI_DEV_GPU_TEMP", 41),
        ("gpuwatch_gpu_power_watts", 311_204, "DCGM_FI_DEV_POWER_USAGE", 311.204),
        (
            "gpuwatch_gpu_energy_joules_total",
            912_345_678_901,
            "DCGM_FI_DEV_TOTAL_ENERGY_CONSUMPTION",
            912_345_678_901,
        ),
        ("gpuwatch_gpu_utilization_ratio", 97, "DCGM_FI_DEV_GPU_UTIL", 97),
        ('gpuwatch_gpu_memory_bytes{state="used"}', 5 << 20, "DCGM_FI_DEV_FB_USED", 5),
        (
            'gpuwatch_gpu_violation_seconds_total{policy="power"}',
            12_345_678_901_234,
            "DCGM_FI_DEV_POWER_VIOLATION",
            12_345_678_901_234,
        ),
    ],
)
def test_numbers_are_in_the_units_of_the_exporter(
    key: str, raw: int, name: str, number: float
) -> None:
    """MHz, degrees, W, mJ, percent, MiB and ns; whole numbers stay whole."""
    assert _told(_answering(key, raw), name) == [number]


@pytest.mark.parametrize("absent", [Gap(GapReason.UNSUPPORTED), float("nan"), float("inf")])
def test_what_could_not_be_read_has_no_series(absent: Value | Gap) -> None:
    """It is never 0."""
    gpu = _answering("gpuwatch_gpu_power_watts", absent)

    assert _told(gpu, "DCGM_FI_DEV_POWER_USAGE") == []


def test_a_gpu_that_does_not_answer_has_no_series() -> None:
    """Its last answers are too old to be taken for the present."""
    assert _of(replace(gpu_state(0), fresh=False)) == []


def test_series_have_the_labels_of_the_exporter() -> None:
    """The host's name in both its spellings; the bus id as NVML writes it."""
    (sample,) = [one for one in _of(gpu_state(1)) if one.name == "DCGM_FI_DEV_GPU_TEMP"]

    assert sample.labels == {
        "gpu": "1",
        "UUID": uuid_of(1),
        "pci_bus_id": "00000000:2B:00.0",
        "device": "nvidia1",
        "modelName": "NVIDIA H100 80GB HBM3",
        "Hostname": "gpu-node-17",
        "hostname": "gpu-node-17",
        "DCGM_FI_DRIVER_VERSION": "580.95.05",
    }


def _with_xids(**counts: float) -> GpuState:
    """A GPU with Xids by the letter x and their codes, and when each was last seen."""
    state = gpu_state(0)
    xids = {(int(code[1:]), "kernel_log"): XidCount(1, at, at) for code, at in counts.items()}
    return replace(state, record=replace(state.record, xids=xids))


@pytest.mark.parametrize("name", XID_NAMES)
def test_the_last_xid_is_told_by_its_code(name: str) -> None:
    """Of several the latest, whatever its number."""
    gpu = _with_xids(x94=AT - 60, x31=AT - 30, x48=AT - 90)

    told = [(one.value, one.labels["err_code"]) for one in _of(gpu) if one.name == name]
    assert told == [(31.0, "31")]


def test_an_xid_of_before_the_agent_started_is_over() -> None:
    """It would otherwise fire an alert on this name for ever."""
    gpu = _with_xids(x79=rich_snapshot().started_at - 1)

    assert _told(gpu, "DCGM_FI_DEV_XID_ERRORS") == [0.0]


def test_the_last_xid_of_a_gpu_that_is_gone_is_told() -> None:
    """It is often the last thing that is heard of a GPU that fell off the bus."""
    gone = replace(_with_xids(x79=AT - 5), present=False, fresh=False, device=None, latest=())

    assert {(one.name, one.value) for one in _of(gone)} == {(name, 79.0) for name in XID_NAMES}


def test_a_board_of_unknown_place_has_empty_labels() -> None:
    """Neither an index nor an address is made up."""
    gone = replace(_with_xids(x79=AT - 5), present=False, fresh=False, device=None, latest=())
    lost = replace(gone, record=replace(gone.record, index=None, slot=None))

    labels = _of(lost)[0].labels
    assert (labels["gpu"], labels["device"], labels["pci_bus_id"]) == ("", "", "")


def test_a_target_is_not_a_gpu() -> None:
    """Targets are BMCs; a GPU's series among a BMC's would have its instance."""
    assert compat_families((DCGM,), rich_snapshot(), "main") is None
