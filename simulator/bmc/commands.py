"""Commands: what `simulate bmc` makes happen to a BMC, which lives in the server's directory."""

import argparse
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from simulator.arguments import Argument
from simulator.bmc.server import IpmiBmc, Model


@dataclass(frozen=True, slots=True)
class BmcCommand:
    """One command: what it is for, its arguments, and what it does to the BMC."""

    help: str
    arguments: tuple[Argument, ...]
    do: Callable[[IpmiBmc, argparse.Namespace], object]


def _integer(text: str) -> int:
    return int(text, 0)


def _number(text: str) -> float:
    return _integer(text) if text.lower().startswith("0x") else float(text)


_NUMBER = Argument("number", int)
_SENSOR = Argument("sensor")
_SWITCH = Argument("state", choices=("on", "off"))


def _print_commands(bmc: IpmiBmc) -> None:
    for command in bmc.commands():
        print(
            f"netfn 0x{command.netfn:02x} command 0x{command.command:02x} "
            f"data {command.data.hex() or '-'} code 0x{command.code:02x}"
        )


COMMANDS: dict[str, BmcCommand] = {
    "start": BmcCommand("start it (again)", (), lambda bmc, _: bmc.restart()),
    "stop": BmcCommand("kill it", (), lambda bmc, _: bmc.stop()),
    "freeze": BmcCommand("let it be silent", (), lambda bmc, _: bmc.freeze()),
    "thaw": BmcCommand("let it go on", (), lambda bmc, _: bmc.thaw()),
    "psu-lost": BmcCommand("a supply has no input", (_NUMBER,),
                           lambda bmc, a: bmc.psu_lost(a.number)),
    "psu-failed": BmcCommand("a supply has failed", (_NUMBER,),
                             lambda bmc, a: bmc.psu_failed(a.number)),
    "psu-failing": BmcCommand("a supply predicts its failure", (_NUMBER,),
                              lambda bmc, a: bmc.psu_failing(a.number)),
    "psu-gone": BmcCommand("a supply is pulled", (_NUMBER,),
                           lambda bmc, a: bmc.psu_gone(a.number)),
    "psu-good": BmcCommand("a supply is in order again", (_NUMBER,),
                           lambda bmc, a: bmc.psu_good(a.number)),
    "fan": BmcCommand("the speed of a fan", (_NUMBER, Argument("rpm", float)),
                      lambda bmc, a: bmc.fan(a.number, a.rpm)),
    "inlet": BmcCommand("the air that comes in", (Argument("celsius", float),),
                        lambda bmc, a: bmc.inlet(a.celsius)),
    "set": BmcCommand("a sensor's value in its unit, or its states as a bit mask",
                      (_SENSOR, Argument("value", _number)),
                      lambda bmc, a: bmc.set(a.sensor, a.value)),
    "code": BmcCommand("let a sensor answer with a completion code (0: well again)",
                       (_SENSOR, Argument("code", _integer)),
                       lambda bmc, a: bmc.sensor_code(a.sensor, a.code or None)),
    "power": BmcCommand("the server's power", (_SWITCH,),
                        lambda bmc, a: bmc.power_on() if a.state == "on" else bmc.power_off()),
    "watts": BmcCommand("what DCMI says of the server's power", (Argument("watts", int),),
                        lambda bmc, a: bmc.watts(a.watts)),
    "intrusion": BmcCommand("somebody opens the chassis", (), lambda bmc, _: bmc.intrusion()),
    "updating": BmcCommand("its firmware is written", (_SWITCH,),
                           lambda bmc, a: bmc.updating(busy=a.state == "on")),
    "heal": BmcCommand("all sensors as on the first day", (), lambda bmc, _: bmc.heal()),
    "sel": BmcCommand("an entry of a sensor's event, by the event's number",
                      (_SENSOR, Argument("offset", int), Argument("--deasserted", flag=True)),
                      lambda bmc, a: bmc.sel_add(a.sensor, a.offset, asserted=not a.deasserted)),
    "sel-fill": BmcCommand("so many memory errors", (_NUMBER,),
                           lambda bmc, a: bmc.sel_fill(a.number)),
    "sel-clear": BmcCommand("clear the SEL, as another tool", (),
                            lambda bmc, _: bmc.sel_clear()),
    "sel-drop": BmcCommand("lose the oldest entries", (_NUMBER,),
                           lambda bmc, a: bmc.sel_drop(a.number)),
    "clock": BmcCommand("how far its clock is ahead, in seconds (after --: behind)",
                        (Argument("seconds", int),),
                        lambda bmc, a: bmc.set_clock(ahead_seconds=a.seconds)),
    "delay": BmcCommand("the time before each answer", (Argument("milliseconds", int),),
                        lambda bmc, a: bmc.delay(a.milliseconds)),
    "sessions": BmcCommand("who is logged in, and with which privilege", (),
                           lambda bmc, _: print(*bmc.sessions(), sep="\n")),
    "commands": BmcCommand("every command it was given", (), lambda bmc, _: _print_commands(bmc)),
    "address": BmcCommand("where it listens", (),
                          lambda bmc, _: print(f"{bmc.host}:{bmc.port}")),
    "environment": BmcCommand("what a program needs to meet it in band", (),
                              lambda bmc, _: print(*(f"{name}={value}" for name, value in
                                                     bmc.local_environment().items()), sep="\n")),
}  # fmt: skip


def place(world: Path) -> Path:
    """Where the BMC of the server in a directory lives."""
    return world / "bmc"


def add_to(parser: argparse.ArgumentParser) -> None:
    """Tell argparse of the commands."""
    commands = parser.add_subparsers(dest="bmc_command", required=True, metavar="COMMAND")
    create = commands.add_parser("create", help="make one and start it")
    create.add_argument("--large", action="store_true", help="94 sensors and not 60")
    create.add_argument("--cold-redundant", action="store_true", help="two supplies sleep")
    for name, command in COMMANDS.items():
        sub = commands.add_parser(name, help=command.help)
        for argument in command.arguments:
            argument.add_to(sub)


def run(world: Path, arguments: argparse.Namespace) -> None:
    """Do what the command line says to the BMC of the server in a directory."""
    if arguments.bmc_command == "create":
        if place(world).exists():
            raise FileExistsError(f"{place(world)}: there is a BMC already (bmc start starts it)")
        model = Model(large=arguments.large, cold_redundant=arguments.cold_redundant)
        IpmiBmc(place(world), model).start()
        return
    COMMANDS[arguments.bmc_command].do(IpmiBmc.open(place(world)), arguments)
