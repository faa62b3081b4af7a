"""Machine: one simulated BMC as a process with a memory; its sensors and settings by name."""

import json
import signal
from pathlib import Path
from types import TracebackType
from typing import NamedTuple, Self

from simulator.bmc import configuration
from simulator.bmc.configuration import Model, Ports
from simulator.bmc.console import Console
from simulator.bmc.process import SimulatorProcess, free_ports, local_environment
from simulator.bmc.sensors import Sensor

DEVICE = Path("/dev/ipmi0")


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


class BmcMachine:
    """One BMC in a directory. As a context manager it runs inside and is gone after.

    What is set survives `restart`, as it would on a real BMC; a new object on the same directory
    (`open`) goes on from there. `model` may be replaced between `stop` and `start`.
    """

    def __init__(
        self, directory: Path, model: Model | None = None, ports: Ports | None = None
    ) -> None:
        self.directory = directory.absolute()
        self.model = model or Model()
        self.ports = ports or free_ports()
        self._process = SimulatorProcess(self.directory)
        self._console = Console(self.ports.console)

    @classmethod
    def open(cls, directory: Path) -> Self:
        """The BMC that lives in a directory. Raises FileNotFoundError where there is none."""
        path = directory / "model.json"
        if not path.exists():
            raise FileNotFoundError(
                f"{directory}: no simulated BMC (simulate bmc create makes one)"
            )
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

    def sensors(self) -> tuple[Sensor, ...]:
        """Every sensor that can be set."""
        return self.model.sensors()

    def sensor(self, name: str) -> Sensor:
        """The first sensor of that name. Raises ValueError for an unknown one."""
        for sensor in self.sensors():
            if sensor.name == name:
                return sensor
        known = ", ".join(sensor.name for sensor in self.sensors())
        raise ValueError(f"no sensor {name!r} (there are {known})")

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

    # -- how it answers --

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

    # -- what it was asked --

    def commands(self) -> list[Command]:
        """Every command it was given since `forget_commands`, session commands included."""
        path = self.directory / "commands"
        return list(map(_command, path.read_text().splitlines() if path.exists() else []))

    def forget_commands(self) -> None:
        """Begin the command log anew."""
        (self.directory / "commands").unlink(missing_ok=True)
        self._console.do(["command_log 0x20 1"])

    def sessions(self) -> list[Session]:
        """The sessions that are open on the BMC's side."""
        self._console.do(["report_sessions 0x20"])
        lines = (self.directory / "sessions").read_text().splitlines()
        return [
            Session(int(account), int(privilege))
            for account, privilege, starting in map(str.split, lines)
            if starting == "0"
        ]

    def free_sessions(self, number: int) -> None:
        """Let only so many sessions more be opened; 63 is what ipmi_sim has. Until a restart."""
        self._console.do([f"free_sessions 0x20 {number}"])

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
