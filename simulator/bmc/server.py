"""Server: a simulated BMC that people and tests make things happen to, by its parts' names."""

import json
import re
import signal
from collections.abc import Iterable
from pathlib import Path
from types import TracebackType
from typing import NamedTuple, Self

from simulator.bmc import configuration, records
from simulator.bmc.configuration import ADMIN, MONITOR, OPERATOR, Account, Model, Ports
from simulator.bmc.console import Console
from simulator.bmc.process import SimulatorProcess, free_ports, local_environment
from simulator.bmc.sensors import FAILED, INPUT_LOST, PRESENT, SUPPLIES, Quirk, Sensor

__all__ = ["ADMIN", "MONITOR", "OPERATOR", "Account", "IpmiBmc", "Model", "Ports", "Quirk"]

DEVICE = Path("/dev/ipmi0")
_WATTS_ON = (4800, 3900, 9800, 5100)
_WATTS_OFF = (60, 20, 9800, 5100)
_POWER_ON, _RESTORE_PREVIOUS = 0x01, 0x20
_REDUNDANT, _REDUNDANCY_LOST = 0x01, 0x02
_POWERED_DOWN = 0x01  # of the power unit
# What a server that is off no longer measures.
_ASLEEP = re.compile(r"CPU\d|GPU\d|DIMM|NVSwitch|FAN\d|P12V|NVMe")


class Command(NamedTuple):
    """A command that the BMC was given: its codes, its data and the completion code."""

    netfn: int
    command: int
    data: bytes = b""
    code: int = 0


class Session(NamedTuple):
    """An open session: whose it is (2 admin, 3 operator, 4 monitor), and its privilege."""

    account: int
    privilege: int


# Get Chassis Status's last power event: IPMI 2.0, 28.2.
AC_FAILED, OVERLOAD, INTERLOCK, POWER_FAULT, BY_COMMAND = 0x01, 0x02, 0x04, 0x08, 0x10


class IpmiBmc:
    """One BMC in a directory. As a context manager it runs inside and is gone after.

    What is set survives `restart`, as it would on a real BMC; a new object on the same directory
    (`open`) goes on from there.
    """

    def __init__(
        self, directory: Path, model: Model | None = None, ports: Ports | None = None
    ) -> None:
        self.directory = directory.absolute()
        self.model = model or Model()
        self.ports = ports or free_ports()
        self._sensors = self.model.sensors()
        self._process = SimulatorProcess(self.directory)
        self._console = Console(self.ports.console)

    @classmethod
    def open(cls, directory: Path) -> Self:
        """The BMC that lives in a directory. Raises FileNotFoundError where there is none."""
        path = directory / "model.json"
        if not path.exists():
            raise FileNotFoundError(f"{directory}: no simulated BMC")
        return cls(directory, *configuration.load_model(path))

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    @property
    def host(self) -> str:
        """Where it listens."""
        return "127.0.0.1"

    @property
    def port(self) -> int:
        """Its UDP port."""
        return self.ports.ipmi

    @property
    def pid(self) -> int | None:
        """Its process, None while it is dead."""
        return self._process.pid

    def local_environment(self, device: Path = DEVICE) -> dict[str, str]:
        """What a program needs to find this BMC in band, as a device at that path."""
        return local_environment(self.ports, device)

    # -- life --

    def start(self) -> None:
        """Start it with everything that was set before, and wait until it answers."""
        directory = self.directory
        directory.mkdir(parents=True, exist_ok=True)
        configuration.save_model(directory / "model.json", self.model, self.ports)
        lines = configuration.commands(
            self.model,
            self._values(),
            self._settings(),
            directory,
            first_start=self._process.forget_records(),
        )
        lan = configuration.lan_configuration(self.model, self.ports, directory)
        (directory / "commands.emu").write_text("\n".join(lines) + "\n", encoding="latin-1")
        (directory / "lan.conf").write_text(lan)
        self._process.start(self.port)

    def stop(self) -> None:
        """Kill it: its sessions are gone; what was set is kept, and so is its SEL."""
        self._console.close()
        self._process.kill()

    def restart(self) -> None:
        """Kill it and start it again, as a BMC that is reset."""
        self.stop()
        self.start()

    def freeze(self) -> None:
        """Stop it in its tracks (SIGSTOP): its port is there and nothing is answered."""
        self._process.signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """Let it go on."""
        self._process.signal(signal.SIGCONT)

    # -- sensors --

    def sensor(self, name: str) -> Sensor:
        """The first sensor of that name. Raises KeyError for an unknown one."""
        for sensor in self._sensors:
            if sensor.name == name:
                return sensor
        raise KeyError(f"no sensor {name!r} (there are {', '.join(s.name for s in self._sensors)})")

    def value(self, name: str) -> float:
        """What a sensor is set to: in its unit, or a bit mask of states."""
        sensor = self.sensor(name)
        return self._values().get(sensor.number, sensor.value)

    def set(self, name: str, value: float, *, event: bool = True) -> None:
        """Set a sensor to a value in its unit, or to a bit mask of states.

        A threshold or state passed makes its SEL entry, unless `event` is False.
        """
        sensor = self.sensor(name)
        values = self._values()
        before = values.get(sensor.number, sensor.value)
        self._console.do(configuration.set_value(sensor, value, before, event=event))
        values[sensor.number] = value
        self._write("values.json", {str(number): kept for number, kept in values.items()})

    def heal(self) -> None:
        """All sensors as on the first day, the power on; the SEL is kept."""
        self.power_on()
        for sensor in self._sensors:
            if self.value(sensor.name) != sensor.value:
                self.set(sensor.name, sensor.value)

    def inlet(self, celsius: float) -> None:
        """The air that comes in."""
        self.set("Inlet Temp", celsius)

    def fan(self, number: int, rpm: float) -> None:
        """The speed of fan 1 to 8; redundancy is lost while any stands still."""
        self.set(f"FAN{number}", rpm)
        slowest = min(self.value(s.name) for s in self._sensors if s.name.startswith("FAN"))
        lost = slowest < 1200  # noqa: PLR2004 - the critical threshold of the fans
        self._redundancy("Fan Redundancy", lost=lost)

    def _redundancy(self, name: str, *, lost: bool) -> None:
        self.set(name, _REDUNDANCY_LOST if lost else _REDUNDANT)

    def _supply(self, number: int, states: int, watts: float, volts: float) -> None:
        if not 1 <= number <= SUPPLIES:
            raise ValueError(f"supply {number}: this server has 1 to {SUPPLIES}")
        self.set(f"PSU{number} Status", states)
        self.set(f"PSU{number} PIN", watts)
        self.set(f"PSU{number} VIN", volts)
        good = all(
            int(self.value(f"PSU{i}" + " Status")) & 0x0F == PRESENT for i in range(1, SUPPLIES + 1)
        )
        self._redundancy("PS Redundancy", lost=not good)

    def psu_lost(self, number: int) -> None:
        """Supply 1 to 6 has no input: the cable or the feed."""
        self._supply(number, PRESENT | INPUT_LOST, 0, 0)

    def psu_failed(self, number: int) -> None:
        """A supply has failed; its input is there."""
        self._supply(number, PRESENT | FAILED, 0, 230)

    def psu_gone(self, number: int) -> None:
        """A supply is pulled."""
        self._supply(number, 0, 0, 0)

    def psu_good(self, number: int) -> None:
        """A supply is in order again."""
        self._supply(number, PRESENT, 800, 230)

    def sensor_unavailable(self, name: str, *, unavailable: bool = True) -> None:
        """A reading that is marked unavailable (bit 5), as in a part that has no power."""
        number = self.sensor(name).number
        self._setting(f"unavailable {number}", f"sensor_unavailable 0x20 {number} {unavailable:d}")

    def sensor_code(self, name: str, code: int | None) -> None:
        """Answer Get Sensor Reading of a sensor with a completion code; None ends it."""
        number = self.sensor(name).number
        self._setting(
            f"code {number}", f"sensor_code 0x20 {number} {'none' if code is None else code}"
        )

    # -- the chassis --

    def chassis(
        self, *, power: int = _POWER_ON | _RESTORE_PREVIOUS, last_event: int = 0, faults: int = 0,
        restart_cause: int = 0,
    ) -> None:  # fmt: skip
        """The bytes of Get Chassis Status and the cause of Get System Restart Cause."""
        self._setting("chassis", f"chassis 0x20 {power} {last_event} {faults} {restart_cause}")

    def drive_fault(self, *, faulty: bool = True) -> None:
        """The chassis' drive fault."""
        self.chassis(faults=0x04 if faulty else 0)

    def cooling_fault(self, *, faulty: bool = True) -> None:
        """The chassis' cooling fault."""
        self.chassis(faults=0x08 if faulty else 0)

    def intrusion(self, *, open_: bool = True) -> None:
        """The chassis is open."""
        self.set("Intrusion", 1 if open_ else 0)
        self.chassis(faults=0x01 if open_ else 0)

    def power_off(self, *, last_event: int = BY_COMMAND) -> None:
        """The server is off: on purpose by default, else by what `last_event` says."""
        self.chassis(power=_RESTORE_PREVIOUS, last_event=last_event)
        self._setting("watts", "dcmi_watts 0x20 " + " ".join(map(str, _WATTS_OFF)))
        for sensor in self._sensors:
            if _ASLEEP.match(sensor.name):
                self.sensor_unavailable(sensor.name)
        self.set("Power Unit", _POWERED_DOWN)

    def power_on(self, *, restart_cause: int = 1) -> None:
        """The server is on again; by a chassis command by default."""
        self.chassis(last_event=BY_COMMAND, restart_cause=restart_cause)
        self.watts(*_WATTS_ON)
        for sensor in self._sensors:
            if _ASLEEP.match(sensor.name):
                self.sensor_unavailable(sensor.name, unavailable=False)
        self.set("Power Unit", 0)

    def watts(self, now: int, least: int = 3900, most: int = 9800, average: int = 5100) -> None:
        """What DCMI says of the whole server's power."""
        self._setting("watts", f"dcmi_watts 0x20 {now} {least} {most} {average}")

    def no_dcmi(self) -> None:
        """The power reading of DCMI is not supported."""
        self._setting("watts", "dcmi_watts 0x20 none")

    def updating(self, *, busy: bool = True) -> None:
        """Get Device ID says that the BMC is being updated (or starts)."""
        self._setting("busy", f"device_busy 0x20 {busy:d}")

    def watchdog(self, state: Iterable[int] | None) -> None:
        """The eight bytes of Get Watchdog Timer; None is the simulator's own."""
        data = "none" if state is None else " ".join(map(str, state))
        self._setting("watchdog", f"watchdog_state 0x20 {data}")

    def delay(self, milliseconds: int) -> None:
        """The time before every answer."""
        self._setting("delay", f"answer_delay 0x20 {milliseconds}")

    def refuse(
        self, netfn: int, command: int, code: int | None = 0xD4, *, below: int | None = None
    ) -> None:
        """Answer a command with a completion code, to everybody or below a privilege (2 user).

        DCMI is netfn 0x2c. `code=None` ends it.
        """
        answer = "none" if code is None else f"0x{code:02x}"
        limit = "" if below is None else f" {below}"
        self._setting(
            f"refuse {netfn} {command}",
            f"command_code 0x20 0x{netfn:02x} 0x{command:02x} {answer}{limit}",
        )

    # -- the SEL --

    def sel_add(
        self, name: str, offset: int, *, asserted: bool = True, data: tuple[int, ...] = (),
        seconds_ago: float = 0.0,
    ) -> None:  # fmt: skip
        """An entry of a sensor's event, now or some time ago by the BMC's clock."""
        record = records.event(self.sensor(name), offset, asserted=asserted, data=data)
        self.sel_add_raw(record, seconds_ago=seconds_ago)

    def sel_add_raw(self, record: bytes, kind: int = 0x02, *, seconds_ago: float = 0.0) -> None:
        """An entry of any record type: thirteen bytes, the first four of them left to the clock."""
        ahead = self.clock_ahead
        entry = " ".join(f"0x{byte:02x}" for byte in record)
        lines = [f"sel_add 0x20 0x{kind:02x} {entry}"]
        if seconds_ago:
            lines = [
                f"bmc_clock 0x20 {ahead - int(seconds_ago)}", *lines, f"bmc_clock 0x20 {ahead}"
            ]  # fmt: skip
        self._console.do(lines)

    def sel_fill(self, number: int) -> None:
        """So many correctable memory errors more."""
        record = records.event(self.sensor("ECC Memory"), 0, data=(0, 0x12))
        line = "sel_add 0x20 0x02 " + " ".join(f"0x{byte:02x}" for byte in record)
        self._console.do([line] * number)

    def sel_clear(self) -> None:
        """Clear the SEL, as another tool does."""
        self._console.do(["sel_clear 0x20"])

    def sel_drop(self, number: int) -> None:
        """Lose the oldest entries, as a log that goes round does."""
        self._console.do([f"sel_drop 0x20 {number}"])

    def sel_overflow(self, *, overflow: bool = True) -> None:
        """Entries were lost because the SEL was full: what Get SEL Info says of it."""
        self._setting("overflow", f"sel_overflow 0x20 {overflow:d}")

    def sel_entries(self) -> list[bytes]:
        """Every entry, sixteen bytes each."""
        self._console.do(["report_sel 0x20"])
        entries = (self.directory / "sel").read_text().splitlines()
        return list(map(bytes.fromhex, entries))

    @property
    def clock_ahead(self) -> int:
        """How many seconds its clock is ahead of ours."""
        line = self._settings().get("clock", "bmc_clock 0x20 0")
        return int(line.split()[-1])

    def set_clock(self, *, ahead_seconds: int) -> None:
        """Set its clock so far ahead of ours; negative is behind."""
        self._setting("clock", f"bmc_clock 0x20 {ahead_seconds}")

    # -- what it was asked --

    def commands(self) -> list[Command]:
        """Every command it was given since `forget_commands`, session commands included."""
        return list(map(_command, self._log_lines()))

    def forget_commands(self) -> None:
        """Begin the command log anew."""
        (self.directory / "commands").unlink(missing_ok=True)
        self._console.do(["command_log 0x20 1"])

    def _log_lines(self) -> list[str]:
        path = self.directory / "commands"
        return path.read_text().splitlines() if path.exists() else []

    def sessions(self) -> list[Session]:
        """The sessions that are open on the BMC's side."""
        self._console.do(["report_sessions 0x20"])
        lines = (self.directory / "sessions").read_text().splitlines()
        return [
            Session(int(account), int(privilege))
            for account, privilege, starting in map(str.split, lines)
            if starting == "0"
        ]

    # -- what is remembered --

    def _settings(self) -> dict[str, str]:
        return {key: str(line) for key, line in self._read("settings.json").items()}

    def _values(self) -> dict[int, float]:
        return {int(number): float(value) for number, value in self._read("values.json").items()}

    def _setting(self, key: str, line: str) -> None:
        """A console line that is carried out now and at every start from now on."""
        self._console.do([line])
        self._write("settings.json", {**self._settings(), key: line})

    def _read(self, name: str) -> dict[str, str | float]:
        path = self.directory / name
        content: dict[str, str | float] = json.loads(path.read_text()) if path.exists() else {}
        return content

    def _write(self, name: str, content: dict[str, str] | dict[str, float]) -> None:
        path = self.directory / name
        fresh = path.with_suffix(".new")
        fresh.write_text(json.dumps(content))
        fresh.replace(path)


def _command(line: str) -> Command:
    words = dict(word.split("=", 1) for word in line.split()[1:])
    return Command(
        int(words["netfn"], 0),
        int(words["command"], 0),
        bytes.fromhex(words["data"]),
        int(words["code"], 0),
    )
