"""Compat DCGM: what the GPUs told last, under dcgm-exporter's names, labels and units."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from prometheus_client import Metric
from prometheus_client.core import GaugeMetricFamily, UnknownMetricFamily

from gpuwatch.domain.signals import Kind
from gpuwatch.domain.snapshot import GpuState, Latest, Snapshot
from gpuwatch.exposition.compat_dcgm_rows import COUNT, FLAG, ROWS, DcgmRow
from gpuwatch.exposition.views import driver_of, gpus_of, index_text, slot_of, trusted

XID_NAMES = ("DCGM_FI_DEV_XID_ERRORS", "DCGM_FI_DEV_XID_ERROR")
XID_HELP = "The last Xid since the agent was started, 0 for none."


@dataclass(frozen=True, slots=True)
class _Seen:
    """One GPU with its labels and what may be published of it, by the signal's key."""

    gpu: GpuState
    labels: Mapping[str, str]
    latest: Mapping[str, Latest]


def dcgm_families(snapshot: Snapshot, target: str) -> Iterable[Metric] | None:
    """The families of all GPUs of this host; None when a target is named, which is a BMC's."""
    if target:
        return None
    seen = [
        _Seen(gpu, _labels(gpu, snapshot), {one.signal.key: one for one in trusted(gpu)})
        for gpu in gpus_of(snapshot)
    ]
    fields = (_family(name, row, seen) for row in ROWS for name in row.names)
    xids = (_last_xids(name, seen, snapshot.started_at) for name in XID_NAMES)
    return (family for family in (*fields, *xids) if family.samples)


def _labels(gpu: GpuState, snapshot: Snapshot) -> dict[str, str]:
    """Its exporter's labels; the host's name in the older spelling and in the newer one."""
    index, slot = index_text(gpu), slot_of(gpu)
    board = gpu.record.board if gpu.device is None else gpu.device.board
    return {
        "gpu": index,
        "UUID": gpu.record.key.uuid,
        "pci_bus_id": "" if slot is None else _bus_id(slot.pci_address),
        "device": f"nvidia{index}" if index else "",
        "modelName": board.name,
        "Hostname": snapshot.hostname,
        "hostname": snapshot.hostname,
        "DCGM_FI_DRIVER_VERSION": driver_of(snapshot),
    }


def _bus_id(pci_address: str) -> str:
    """`0000:1b:00.0` as NVML writes it: `00000000:1B:00.0`."""
    domain, _, rest = pci_address.partition(":")
    return f"{domain:0>8}:{rest}".upper()


def _family(name: str, row: DcgmRow, seen: Iterable[_Seen]) -> Metric:
    """One family. What is a counter there has no type here.

    The library would append `_total` to the name of a counter, which these names do not have.
    """
    plain = row.measure in {COUNT, FLAG}
    text = row.help if plain else f"{row.help} Unit: {row.measure.word}."
    samples = []
    kind = Kind.GAUGE
    for one in seen:
        latest = one.latest.get(row.signal)
        value = None if latest is None else row.measure.of(latest)
        if latest is not None and value is not None:
            kind = latest.signal.kind
            samples.append((one.labels, value))
    make = UnknownMetricFamily if kind is Kind.COUNTER else GaugeMetricFamily
    metric: Metric = make(name, text)
    for labels, value in samples:
        metric.add_sample(name, dict(labels), value)
    return metric


def _last_xids(name: str, seen: Iterable[_Seen], since: float) -> Metric:
    """The last Xid of each GPU; of one that does not answer only if there was one.

    DCGM forgets what was before it started. An Xid of years ago would fire alerts for ever.
    """
    metric = GaugeMetricFamily(name, XID_HELP)
    for one in seen:
        code = _last_xid(one.gpu, since)
        if code or one.latest:
            metric.add_sample(name, {**one.labels, "err_code": str(code)}, float(code))
    return metric


def _last_xid(gpu: GpuState, since: float) -> int:
    """The code of the last Xid from `since` on (Unix seconds), 0 for none."""
    seen = ((xid.last_at, code) for (code, _), xid in gpu.record.xids.items())
    return max((one for one in seen if one[0] >= since), default=(0.0, 0))[1]
