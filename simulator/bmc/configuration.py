"""Configuration: the files that make OpenIPMI's ipmi_sim the BMC of an 8-GPU server."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from simulator.bmc import records, sensors
from simulator.bmc.sensors import Analog, Quirk, Sensor

PLUGIN = Path(__file__).parent.parent / "build" / "bmc.so"
SEL_ENTRIES_MAX = 1000
_SEL_FLAGS = 0x0A  # deleting and reserving are supported
_DAY = 86_400
_STATE_BITS = 15


@dataclass(frozen=True, slots=True)
class Account:
    """Who may log in: a name and a password of at most 16 and 20 characters."""

    name: str
    password: str
    privilege: str


ADMIN = Account("admin", "simulated-admin", "admin")
OPERATOR = Account("operator", "simulated-oper", "operator")
MONITOR = Account("monitor", "simulated-user", "user")
_ACCOUNTS = (ADMIN, OPERATOR, MONITOR)


@dataclass(frozen=True, slots=True, kw_only=True)
class Model:
    """Which BMC it is. `key` is K_g, up to 19 characters (ipmi_sim 2.0.33 cuts the twentieth)."""

    large: bool = False
    extra_sensors: int = 0
    quirks: frozenset[Quirk] = field(default_factory=frozenset)
    cold_redundant: bool = False
    manufacturer: int = 0x1614  # none whose own commands pyghmi would try
    product: int = 0x0F02
    firmware: str = "2.14"  # as tools show it: the minor part is binary-coded decimal
    serial: str = "SN-SYS-0001"
    key: str = ""
    delay_milliseconds: int = 2  # answers under 1 ms lose pyghmi's wake-up
    with_history: bool = True
    keep_command_log: bool = True

    def sensors(self) -> tuple[Sensor, ...]:
        """Every sensor that can be set."""
        return sensors.of_server(
            large=self.large,
            extra=self.extra_sensors,
            quirks=self.quirks,
            cold_redundant=self.cold_redundant,
        )


@dataclass(frozen=True, slots=True)
class Ports:
    """Where it listens on 127.0.0.1: IPMI over UDP; console and local interface over TCP."""

    ipmi: int
    console: int
    local: int


_BEHIND_QUIRKS: Mapping[Quirk, Analog] = {
    # The satellite's number is the inlet's: a reader that overlooks the owner reads the inlet.
    Quirk.SATELLITE: records.sensor_of_quirk(0x02, "ME Temp", 99),
    Quirk.LATIN1: records.sensor_of_quirk(0x08, "Ansaugluft \xb0C", 20),
    Quirk.SIXBIT: records.sensor_of_quirk(0x09, "RISER 1 TEMP", 33),
    Quirk.NO_NAME: records.sensor_of_quirk(0x0A, "", 21),
}


def _hexadecimal(data: bytes) -> str:
    return " ".join(f"0x{byte:02x}" for byte in data)


def lan_configuration(model: Model, ports: Ports, directory: Path) -> str:
    """What ipmi_sim reads with `-c`."""
    users = "\n".join(
        f'  user {number} true "{account.name}" "{account.password}" {account.privilege}'
        " 10 none md2 md5 straight"
        for number, account in enumerate(_ACCOUNTS, start=2)
    )
    key = f'    bmc_key "{model.key}"\n' if model.key else ""
    return (
        f'name "bmc{ports.ipmi}"\n'
        "set_working_mc 0x20\n"
        "  startlan 1\n"
        f"    addr 127.0.0.1 {ports.ipmi}\n"
        "    priv_limit admin\n"
        "    allowed_auths_callback none md2 md5 straight\n"
        "    allowed_auths_user md2 md5\n"
        "    allowed_auths_operator md2 md5\n"
        "    allowed_auths_admin md2 md5\n"
        f"    guid 47505557415443484d4f434b{ports.ipmi:08x}\n"
        f"{key}"
        "  endlan\n"
        f"  serial 15 127.0.0.1 {ports.local} codec VM\n"
        '  user 1 false "" "" user 1 none\n'
        f"{users}\n"
        f"console 127.0.0.1 {ports.console}\n"
        f'loadlib "{PLUGIN}" "{directory}"\n'
    )


def set_value(sensor: Sensor, value: float, before: float, *, event: bool) -> list[str]:
    """The console lines that bring a sensor from one value to another, with or without SEL."""
    at = f"0x20 0 0x{sensor.number:02x}"
    if isinstance(sensor, Analog):
        return [f"sensor_set_value {at} {sensor.raw(value)} {event:d}"]
    changed = int(value) ^ int(before)
    return [
        f"sensor_set_bit {at} {bit} {int(value) >> bit & 1} {event:d}"
        for bit in range(_STATE_BITS)
        if changed >> bit & 1
    ]


def _add_sensor(sensor: Sensor, value: float) -> Iterator[str]:
    at = f"0x20 0 0x{sensor.number:02x}"
    yield "main_sdr_add 0x20 " + _hexadecimal(records.of_sensor(sensor))
    yield f"sensor_add {at} 0x{sensor.kind:02x} 0x{sensor.reading:02x}"
    if isinstance(sensor, Analog):
        mask, thresholds = records.threshold_bytes(sensor)
        limits = " ".join(map(str, thresholds))
        yield f"sensor_set_value {at} {sensor.raw(sensor.value)} 0"
        yield f"sensor_set_threshold {at} readable {mask:06b} {limits}"
        yield f"sensor_set_hysteresis {at} settable 1 1"
    events = f"{records.event_mask(sensor):015b}"
    yield (
        f"sensor_set_event_support {at} enable scanning per-state {events} {events} {events}"
        f" {events}"
    )
    yield from set_value(sensor, value, 0, event=False)


def _add_quirk(quirk: Quirk) -> Iterator[str]:
    sensor = _BEHIND_QUIRKS.get(quirk)
    record = records.of_quirk(quirk, sensor) if sensor else None
    if sensor is None or record is None:
        return
    owner = records.BMC_ADDRESS
    if quirk is Quirk.SATELLITE:
        owner = records.SATELLITE_ADDRESS
        yield f"mc_add 0x{owner:02x} 0x{owner:02x} no-device-sdrs 0x01 4 0 0x01 0x000157 0x0b04"
    at = f"0x{owner:02x} 0 0x{sensor.number:02x}"
    no_events = " ".join(["0" * _STATE_BITS] * 4)
    yield f"sensor_add {at} 0x01 0x01"
    yield f"sensor_set_value {at} {sensor.raw(sensor.value)} 0"
    yield f"sensor_set_event_support {at} enable scanning per-state {no_events}"
    if quirk is Quirk.SATELLITE:
        yield f"mc_enable 0x{owner:02x}"
    yield "main_sdr_add 0x20 " + _hexadecimal(record)


def _frus(model: Model) -> Iterator[tuple[str, bytes]]:
    yield (
        "GPU server",
        records.fru(
            ("Acme", "GPU Baseboard", "SN-BRD-0001", "P/N-1", "F1"),
            ("Acme", "GS8 GPU server", "GS8-H", "1.0", model.serial, "ASSET-0001", "F1"),
        ),
    )
    for number in range(1, sensors.SUPPLIES + 1):
        yield (
            f"PSU{number} FRU",
            records.fru(("Delta", "PSU 3300W", f"SN-PSU-{number}", "ECD3300", "F1")),
        )


def _history(found: Mapping[str, Sensor]) -> Iterator[str]:
    """A SEL with a past: ten days of it, healed since."""

    def entry(name: str, offset: int, *data: int, asserted: bool = True) -> str:
        record = records.event(found[name], offset, asserted=asserted, data=data)
        return "sel_add 0x20 0x02 " + _hexadecimal(record)

    yield f"bmc_clock 0x20 {-10 * _DAY}"
    yield entry("ECC Memory", 0, 0x00, 0x12)  # correctable, of module 0x12
    yield f"bmc_clock 0x20 {-5 * _DAY}"
    yield entry("PSU2 Status", 3)  # the input was lost
    yield entry("PS Redundancy", 1)
    yield f"bmc_clock 0x20 {-5 * _DAY + 1000}"
    yield entry("PSU2 Status", 3, asserted=False)
    yield entry("PS Redundancy", 0)
    yield f"bmc_clock 0x20 {-_DAY}"
    yield entry("CPU0 Status", 1)  # a thermal trip
    yield entry("ECC Memory", 1, 0x00, 0x12)  # uncorrectable
    yield entry("PCIe Fatal", 8)
    yield entry("GPU3 Temp", 9, 91, 90)  # upper critical going high: 91 over 90
    yield "sel_add 0x20 0xc1 " + _hexadecimal(
        bytes([0, 0, 0, 0, 0x57, 1, 0, 1, 2, 3, 4, 5, 6])  # an OEM record with a time
    )
    yield "sel_add 0x20 0xe0 " + _hexadecimal(bytes(range(13)))  # and one without


def commands(
    model: Model,
    values: Mapping[int, float],
    settings: Mapping[str, str],
    directory: Path,
    *,
    first_start: bool,
) -> Iterator[str]:
    """What ipmi_sim reads with `-f`: the server as it is now, with `settings` on top of it."""
    major, minor = model.firmware.split(".")
    yield "mc_setbmc 0x20"
    yield (
        f"mc_add 0x20 0x20 no-device-sdrs 0x01 {major} 0x{minor} 0xbf"
        f" 0x{model.manufacturer:06x} 0x{model.product:04x}"
    )
    yield f"sel_enable 0x20 {SEL_ENTRIES_MAX} 0x{_SEL_FLAGS:02x}"
    yield "main_sdr_add 0x20 " + _hexadecimal(records.of_controller())
    for number, (name, content) in enumerate(_frus(model)):
        path = directory / f"fru{number}.bin"
        path.write_bytes(content)
        yield f'mc_add_fru_data 0x20 {number} {len(content)} file 0 "{path}"'
        if number:
            locator = records.of_fru(number, name, sensors.Entity.POWER_SUPPLY, number)
            yield "main_sdr_add 0x20 " + _hexadecimal(locator)
    yield "sensor_add 0x20 0 0 0x23 0x6f event-only"
    yield "main_sdr_add 0x20 " + _hexadecimal(records.of_watchdog())
    every = model.sensors()
    for sensor in every:
        yield from _add_sensor(sensor, values.get(sensor.number, sensor.value))
    for quirk in sorted(model.quirks):
        yield from _add_quirk(quirk)
    if first_start and model.with_history:
        yield from _history({sensor.name: sensor for sensor in every})
    yield "bmc_clock 0x20 0"
    yield f"answer_delay 0x20 {model.delay_milliseconds}"
    yield f"command_log 0x20 {model.keep_command_log:d}"
    yield from settings.values()
    yield "mc_enable 0x20"


def save_model(path: Path, model: Model, ports: Ports) -> None:
    """Write down which BMC it is, for whoever opens the directory later."""
    text = {
        "model": {
            name: sorted(value) if isinstance(value, frozenset) else value
            for name, value in ((name, getattr(model, name)) for name in Model.__slots__)
        },
        "ports": [ports.ipmi, ports.console, ports.local],
    }
    path.write_text(json.dumps(text, indent=1))


def load_model(path: Path) -> tuple[Model, Ports]:
    """Read it again. Raises FileNotFoundError where there is none."""
    text = json.loads(path.read_text())
    quirks = frozenset(map(Quirk, text["model"].pop("quirks")))
    return Model(**text["model"], quirks=quirks), Ports(*text["ports"])
