"""simulate: make things happen to a simulated server, for people and for tests.

    python -m simulator.simulate --world DIR create --profile h100-sxm --gpus 8
    python -m simulator.simulate --world DIR error 3 --memory dram --echo 0 1 2
    python -m simulator.simulate --world DIR reset 3
    python -m simulator.simulate --world DIR bmc psu-lost 2

GPUs are named by slot. Exit status: 0 done, 1 the driver refused (in use) or the BMC did, 2 a wrong
command.
"""

import argparse
import re
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from simulator.arguments import Argument
from simulator.bmc import commands as bmc
from simulator.bmc.console import ConsoleError
from simulator.bmc.process import BmcAbsentError
from simulator.machine import InUseError
from simulator.profiles import OPTIONS, PROFILES
from simulator.world import DRIVER, Server

_UNITS = {"s": 1.0, "m": 60.0, "h": 3600.0, "d": 86_400.0, "y": 365.25 * 86_400.0}


def seconds(text: str) -> float:
    """A span such as 90, 15m, 1.5h, 12d, 1y, in seconds. Raises ArgumentTypeError for others."""
    match = re.fullmatch(r"(\d+(?:\.\d+)?)([smhdy]?)", text)
    if not match:
        raise argparse.ArgumentTypeError(f"{text!r} is no span of time (90, 15m, 1.5h, 12d, 1y)")
    return float(match[1]) * _UNITS[match[2] or "s"]


def _instance(text: str) -> int | None:
    return None if text == "" else int(text)


@dataclass(frozen=True, slots=True)
class Command:
    """One command: what it is for, its arguments, and what it does to the server."""

    help: str
    arguments: tuple[Argument, ...]
    do: Callable[[Server, argparse.Namespace], object]


_GPU = Argument("gpu", int)
_CALL = Argument("call")
_SPAN = Argument("span", seconds)
_MEMORY = Argument("--memory", default="dram", choices=("dram", "sram"))
_COUNT = Argument("--count", int, 1)
_FORCE = Argument("--force", flag=True)

COMMANDS: dict[str, Command] = {
    "error": Command(
        "uncorrectable errors: counters, Xids, rows to remap, echoes on peers",
        (_GPU, _MEMORY, _COUNT, Argument("--echo", int, (), nargs="*"),
         Argument("--uncontained", flag=True), Argument("--lag-aggregate", flag=True)),
        lambda server, a: server.uncorrectable(
            a.gpu, memory=a.memory, count=a.count, echo=a.echo, contained=not a.uncontained,
            lag_aggregate=a.lag_aggregate),
    ),
    "settle": Command("let lagging aggregate counters catch up", (_GPU,),
                      lambda server, a: server.settle(a.gpu)),
    "correctable": Command("correctable errors", (_GPU, _MEMORY, _COUNT),
                           lambda server, a: server.correctable(a.gpu, memory=a.memory,
                                                                count=a.count)),
    "remap": Command("rows marked for remapping", (_GPU, _COUNT,
                                                   Argument("--correctable", flag=True)),
                     lambda server, a: server.remap(a.gpu, correctable=a.correctable,
                                                    count=a.count)),
    "remap-failure": Command("a row that could not be remapped", (_GPU,),
                             lambda server, a: server.remap_failure(a.gpu)),
    "sram-threshold": Command("SRAM threshold exceeded", (_GPU,),
                              lambda server, a: server.sram_threshold(a.gpu)),
    "xid": Command(
        "an Xid in the kernel log and as an event",
        (_GPU, Argument("code", int), Argument("--text", default=""),
         Argument("--instance", _instance), Argument("--no-event", flag=True),
         Argument("--no-log", flag=True)),
        lambda server, a: server.xid(a.gpu, a.code, text=a.text, instance=a.instance,
                                     event=not a.no_event, log=not a.no_log),
    ),
    "sxid": Command(
        "an NVSwitch's error",
        (Argument("code", int), Argument("--switch", int, 0), Argument("--link", int, 0),
         Argument("--non-fatal", flag=True)),
        lambda server, a: server.sxid(a.code, switch=a.switch, link=a.link, fatal=not a.non_fatal),
    ),
    "recovery-action": Command("what the driver wants done", (_GPU, Argument("action")),
                               lambda server, a: server.recovery_action(a.gpu, a.action)),
    "lose": Command("the GPU falls off the bus", (_GPU, Argument("--vanish", flag=True)),
                    lambda server, a: server.lose(a.gpu, vanish=a.vanish)),
    "restore": Command("a lost GPU answers again", (_GPU,),
                       lambda server, a: server.restore(a.gpu)),
    "hang": Command(
        "let one call of one GPU hang (CALL * is every call)",
        (_GPU, _CALL, Argument("--mode", default="sleep", choices=("sleep", "spin", "file")),
         Argument("--path", Path)),
        lambda server, a: server.hang(a.gpu, a.call, a.mode, path=a.path),
    ),
    "hang-driver": Command("let a call hang for every GPU", (_CALL,),
                           lambda server, a: server.hang(None, a.call)),
    "fail": Command("let one call return an error code", (_GPU, _CALL, Argument("code", int)),
                    lambda server, a: server.fail(a.gpu, a.call, a.code)),
    "delay": Command("let one call take longer", (_GPU, _CALL, _SPAN),
                     lambda server, a: server.delay(a.gpu, a.call, a.span)),
    "grow": Command("let one call take memory and never give it back",
                    (_GPU, _CALL, Argument("mebibytes", int)),
                    lambda server, a: server.grow(a.gpu, a.call, a.mebibytes)),
    "unhang": Command("end hangs, errors, delays and growth of a GPU", (_GPU,),
                      lambda server, a: server.unhang(a.gpu)),
    "unhang-driver": Command("end hangs of the whole driver", (),
                             lambda server, _: server.unhang(None)),
    "reset": Command("reset a GPU (refused while in use)", (_GPU,),
                     lambda server, a: server.reset(a.gpu)),
    "reload": Command("reload or upgrade the driver (refused while in use)",
                      (Argument("--driver"), _FORCE),
                      lambda server, a: server.reload(driver=a.driver, force=a.force)),
    "unload": Command("unload the driver (refused while in use)", (_FORCE,),
                      lambda server, a: server.unload(force=a.force)),
    "load": Command("load the driver", (), lambda server, _: server.load()),
    "mismatch": Command("a library of another version than the module", (Argument("version"),),
                        lambda server, a: server.mismatch(a.version)),
    "reboot": Command("boot anew", (Argument("--driver"),),
                      lambda server, a: server.reboot(driver=a.driver)),
    "vfio": Command("give the GPU to a virtual machine", (_GPU,),
                    lambda server, a: server.vfio(a.gpu)),
    "take-back": Command("take it back", (_GPU,), lambda server, a: server.take_back(a.gpu)),
    "mig": Command("MIG mode", (_GPU, Argument("mode", choices=("on", "off"))),
                   lambda server, a: server.mig(a.gpu, enabled=a.mode == "on")),
    "ecc": Command("ECC mode, from the next reset on",
                   (_GPU, Argument("mode", choices=("on", "off"))),
                   lambda server, a: server.ecc(a.gpu, enabled=a.mode == "on")),
    "privileged": Command("who may make privileged calls",
                          (Argument("who", choices=("root", "everyone", "nobody")),),
                          lambda server, a: server.privileged(a.who)),
    "swap": Command("another board in the slot; prints its serial number",
                    (_GPU, Argument("--prior-errors", int, 0)),
                    lambda server, a: print(server.swap(a.gpu, prior_errors=a.prior_errors))),
    "swap-baseboard": Command("another baseboard with all its boards", (),
                              lambda server, _: server.swap_baseboard()),
    "exchange": Command("two boards trade places", (_GPU, Argument("other", int)),
                        lambda server, a: server.exchange(a.gpu, a.other)),
    "library": Command("put the library in place or take it away",
                       (Argument("state", choices=("install", "uninstall")),),
                       lambda server, a: server.install_library() if a.state == "install"
                       else server.uninstall_library()),
    "set": Command("set any value of a GPU", (_GPU, Argument("key"), Argument("value")),
                   lambda server, a: server.set(a.gpu, a.key, a.value)),
    "set-server": Command("set any value of [server]", (Argument("key"), Argument("value")),
                          lambda server, a: server.set_server(a.key, a.value)),
    "message": Command("print a line to the kernel log", (Argument("text"),),
                       lambda server, a: server.kernel_message(a.text)),
    "lose-records": Command("let kernel-log sequence numbers jump", (Argument("number", int),),
                            lambda server, a: server.lose_records(a.number)),
    "rate": Command("let time run this many times as fast", (Argument("rate", float),),
                    lambda server, a: server.run_at(a.rate)),
    "advance": Command("jump ahead in time", (_SPAN,), lambda server, a: server.advance(a.span)),
    "step-wall": Command("step the wall clock alone, ahead or back",
                         (_SPAN, Argument("--back", flag=True)),
                         lambda server, a: server.step_wall(-a.span if a.back else a.span)),
    "clients": Command("who holds the driver", (),
                       lambda server, _: print(*server.clients(), sep="\n")),
    "environment": Command("what a program needs to meet this server", (),
                           lambda server, _: print(*(f"{name}={value}" for name, value in
                                                     server.environment().items()), sep="\n")),
}  # fmt: skip


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="simulate", description=__doc__.splitlines()[0])
    parser.add_argument("--world", type=Path, required=True, help="the server's directory")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    create = commands.add_parser("create", help="make a server")
    create.add_argument("--profile", choices=PROFILES, default="h100-sxm")
    create.add_argument("--gpus", type=int, default=8)
    create.add_argument("--driver", default=DRIVER)
    create.add_argument("--option", choices=OPTIONS, action="append", default=[])
    commands.add_parser("serve", help="feed the kernel-log FIFO until interrupted")
    for name, command in COMMANDS.items():
        sub = commands.add_parser(name, help=command.help)
        for argument in command.arguments:
            argument.add_to(sub)
    bmc.add_to(commands.add_parser("bmc", help="the server's BMC: bmc COMMAND --help"))
    return parser


def _serve(server: Server) -> None:
    server.serve(attend=True)
    try:
        sys.stdin.read()  # until interrupted, or until whoever started us closes it
    except KeyboardInterrupt:
        pass
    finally:
        server.close()


def run(arguments: argparse.Namespace) -> None:
    """Do what the command line says."""
    if arguments.command == "create":
        Server.create(
            arguments.world,
            arguments.profile,
            arguments.gpus,
            options=arguments.option,
            driver=arguments.driver,
            serve=False,
        )
        return
    if arguments.command == "bmc":
        bmc.run(arguments.world, arguments)
        return
    server = Server.open(arguments.world)
    if arguments.command == "serve":
        _serve(server)
        return
    gpu = getattr(arguments, "gpu", None)
    if gpu is not None and gpu not in server.gpus():
        raise ValueError(
            f"no GPU {gpu} in this server (it has {', '.join(map(str, server.gpus()))})"
        )
    COMMANDS[arguments.command].do(server, arguments)


def main() -> int:
    """The command line's entry."""
    arguments = _parser().parse_args()
    try:
        run(arguments)
    except (InUseError, ConsoleError) as refusal:
        print(refusal, file=sys.stderr)
        return 1
    except (ValueError, FileNotFoundError, FileExistsError, BmcAbsentError) as mistake:
        print(f"simulate: {mistake}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
