"""The compatible names beside the exporter that they are named after, on one simulated BMC."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from math import isnan
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families as parse_text
from prometheus_client.samples import Sample

from gpuwatch.domain.bmc import BmcSweep
from gpuwatch.exposition.compat import IPMI, compat_families
from gpuwatch.exposition.metrics import encoded
from simulator.bmc.server import ADMIN, IpmiBmc
from tests.support.bmc import MakeBmc
from tests.support.ipmi_child import asking, state_of
from tests.support.ipmi_exporter import IpmiExporter, ipmi_exporter
from tests.support.snapshots import rich_snapshot

DRIVE_FAULT, COOLING_FAULT, NODE_BUSY, NOT_PRESENT = 0x04, 0x08, 0xC0, 0xCB
MANY = 60
NOTHING, NOT_A_NUMBER = "absent", "NaN"
Told = dict[str, str]
Differences = dict[str, tuple[str, str]]

# Ours and theirs, as docs/bmc.md lists them.
THE_MAKER = {
    'ipmi_bmc_info firmware_revision="2.14" manufacturer_id="Acme (5652)"'
    ' system_firmware_version="N/A"': ("1", NOTHING),
    'ipmi_bmc_info firmware_revision="2.14" manufacturer_id="Kraig Sigman (5652)"'
    ' system_firmware_version="N/A"': (NOTHING, "1"),
}
WARNINGS_AND_SUPPLIES = {
    'ipmi_temperature_state id="9" name="Inlet Temp"': ("1", "0"),
    'ipmi_fan_speed_state id="30" name="FAN4"': ("1", "0"),
    'ipmi_sensor_state id="53" name="PSU3 Status" type="Power Supply"': (NOT_A_NUMBER, "0"),
    'ipmi_sensor_state id="54" name="PSU4 Status" type="Power Supply"': ("1", "2"),
}
# Newer exporters than Debian 12's tell these too.
NEWER = (
    "ipmi_chassis_drive_fault_state", "ipmi_chassis_cooling_fault_state",
    "ipmi_bmc_watchdog_timer_state", 'ipmi_up collector="bmc-watchdog"',
)  # fmt: skip


@pytest.fixture(name="exporter")
def _exporter(tmp_path: Path) -> Iterator[IpmiExporter]:
    """Debian's exporter, which asks with FreeIPMI."""
    with ipmi_exporter(tmp_path / "exporter", ADMIN) as running:
        yield running


def _well(bmc: IpmiBmc) -> None:
    """Nothing is wrong."""
    assert bmc.pid is not None


def _bad_night(bmc: IpmiBmc) -> None:
    """Something of everything."""
    bmc.inlet(39)
    bmc.set("Exhaust Temp", 76)
    bmc.set("CPU0 VRM Temp", 121)
    bmc.fan(3, 1_000)
    bmc.fan(4, 2_000)
    bmc.fan(5, 0)
    bmc.psu_failed(1)
    bmc.psu_lost(2)
    bmc.psu_gone(3)
    bmc.psu_failing(4)
    for name, states in {
        "Intrusion": 0x01, "CPU0 Status": 0x02, "ECC Memory": 0x02, "PCIe Fatal": 0x10,
        "NVMe0": 0x03, "NVMe1": 0x00,
    }.items():  # fmt: skip
        bmc.set(name, states)
    bmc.sensor_unavailable("CPU0 Temp")
    bmc.sensor_code("CPU1 Temp", NOT_PRESENT)
    bmc.sensor_code("GPU0 Temp", NODE_BUSY)
    bmc.chassis_faults(DRIVE_FAULT | COOLING_FAULT)
    bmc.watts(3_210)


def _off(bmc: IpmiBmc) -> None:
    """The server is off, and its BMC measures no power."""
    bmc.power_off()
    bmc.no_dcmi()


def _ours(sweep: BmcSweep) -> Told:
    families = compat_families((IPMI,), replace(rich_snapshot(), bmcs=(state_of(sweep),)), "")
    assert families is not None
    return _told(encoded(families, openmetrics=False).decode())


def _told(text: str) -> Told:
    """The value of every series of IPMI by its name and labels; times are of the moment."""
    return {
        _series(sample): NOT_A_NUMBER if isnan(sample.value) else f"{sample.value:.9g}"
        for family in parse_text(text)
        for sample in family.samples
        if family.name.startswith("ipmi_")
        and family.name not in ("ipmi_exporter_build_info", "ipmi_scrape_duration_seconds")
    }


def _series(sample: Sample) -> str:
    labels = (f'{name}="{sample.labels[name]}"' for name in sorted(sample.labels))
    return " ".join((sample.name, *labels))


@pytest.mark.parametrize(
    ("bend", "stated"),
    [
        (_well, THE_MAKER),
        (_bad_night, THE_MAKER | WARNINGS_AND_SUPPLIES),
        (_off, THE_MAKER),
    ],
)
def test_the_compatible_names_say_what_their_exporter_says(
    make_bmc: MakeBmc,
    exporter: IpmiExporter,
    tmp_path: Path,
    bend: Callable[[IpmiBmc], None],
    stated: Differences,
) -> None:
    """Every name, label and value, but for the differences that are documented."""
    bmc = make_bmc()
    bend(bmc)

    theirs = _told(exporter.scrape(bmc))
    with asking(bmc, tmp_path, account=ADMIN) as child:
        ours = _ours(child.sweep())

    differences = {
        series: (ours.get(series, NOTHING), theirs.get(series, NOTHING))
        for series in ours.keys() | theirs.keys()
        if ours.get(series) != theirs.get(series)
    }
    only_ours = {series for series in NEWER if series not in theirs}
    assert {series: told for series, told in differences.items() if series not in only_ours} == (
        stated
    )
    assert len(ours) > MANY


def test_newer_names_have_the_polarity_of_their_exporter(make_bmc: MakeBmc, tmp_path: Path) -> None:
    """A fault is 0 there, and no fault is 1."""
    bmc = make_bmc()
    bmc.chassis_faults(DRIVE_FAULT)

    with asking(bmc, tmp_path, account=ADMIN) as child:
        ours = _ours(child.sweep())

    assert {series: ours[series] for series in NEWER} == dict(
        zip(NEWER, ("0", "1", "0", "1"), strict=True)
    )
