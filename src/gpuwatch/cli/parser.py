"""Parser: the words of the command line; what each command does is imported when it runs."""

import argparse
from pathlib import Path

from gpuwatch import __version__
from gpuwatch.cli.exits import MEANINGS
from gpuwatch.config.durations import parse_duration

_GPU = "index, UUID or its beginning, serial, or PCI address"


def parser() -> argparse.ArgumentParser:
    """The whole command line."""
    epilog = "exit status:\n" + "".join(f"  {int(k):>3}  {v}\n" for k, v in MEANINGS.items())
    top = argparse.ArgumentParser(
        prog="gpuwatch",
        description="Watches GPUs, remembers every board, flags boards to replace in a window.",
        epilog=epilog,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    top.add_argument("--version", action="version", version=f"gpuwatch {__version__}")
    commands = top.add_subparsers(metavar="COMMAND", required=True)
    _add_running(commands)
    _add_looking(commands)
    _add_boards(commands)
    _add_maintenance(commands)
    _add_release(commands)
    _add_tables(commands)
    return top


Commands = argparse._SubParsersAction  # noqa: SLF001 - argparse gives this type no public name


def _command(
    commands: "Commands[argparse.ArgumentParser]", name: str, function: str, text: str
) -> argparse.ArgumentParser:
    one = commands.add_parser(name, help=text, description=text, allow_abbrev=False)
    one.set_defaults(command=f"gpuwatch.cli.{function}")
    one.add_argument("--json", action="store_true", help="print JSON for scripts")
    one.add_argument(
        "--config",
        type=Path,
        metavar="FILE",
        help="the configuration (default: GPUWATCH_CONFIG, else /etc/gpuwatch/gpuwatch.toml)",
    )
    return one


def _client(
    commands: "Commands[argparse.ArgumentParser]", name: str, function: str, text: str
) -> argparse.ArgumentParser:
    one = _command(commands, name, function, text)
    one.add_argument(
        "--socket",
        type=Path,
        metavar="PATH",
        help="the agent's socket (default: control.sock in agent.runtime_directory)",
    )
    return one


def _add_running(commands: "Commands[argparse.ArgumentParser]") -> None:
    for name, function, text in (
        ("run", "running:run", "Run the agent until it is told to end."),
        ("check-config", "running:check_config", "Print each setting and where it came from."),
    ):
        one = _command(commands, name, function, text)
        one.add_argument(
            "--set",
            dest="options",
            action="append",
            default=[],
            metavar="SECTION.KEY=VALUE",
            help="set one setting; stronger than every other source",
        )


def _add_looking(commands: "Commands[argparse.ArgumentParser]") -> None:
    status = _client(commands, "status", "status:status", "How the host and its GPUs are.")
    status.add_argument("gpu", nargs="?", metavar="GPU", help=f"one GPU in full: {_GPU}")
    history = _client(commands, "history", "history:history", "What is remembered of one board.")
    history.add_argument("gpu", metavar="GPU", help=_GPU)


def _add_boards(commands: "Commands[argparse.ArgumentParser]") -> None:
    boards = commands.add_parser("boards", help="The boards that this host has seen.")
    verbs = boards.add_subparsers(metavar="VERB", required=True)
    _client(verbs, "list", "boards:list_boards", "Every board remembered.")
    retire = _client(verbs, "retire", "boards:retire", "Say that a board has left for good.")
    retire.add_argument("serial", metavar="SERIAL", help="its serial, or UUID where it has none")
    retire.add_argument("--reason", required=True, help="why; kept in the audit log")


def _add_maintenance(commands: "Commands[argparse.ArgumentParser]") -> None:
    maintenance = commands.add_parser("maintenance", help="Work during which nothing pages.")
    verbs = maintenance.add_subparsers(metavar="VERB", required=True)
    begin = _client(verbs, "begin", "maintenance:begin", "Somebody works on this host or a board.")
    begin.add_argument("scope", choices=("host", "board"), help="what is worked on")
    begin.add_argument("board", nargs="?", default="", metavar="SERIAL", help="the board")
    end = begin.add_mutually_exclusive_group(required=True)
    end.add_argument("--for", dest="lasting", type=_duration, metavar="DURATION", help='"2h"')
    end.add_argument("--until", metavar="TIME", help='"2026-03-15T04:00Z"; local without a zone')
    begin.add_argument("--reason", required=True, help="why; kept in the audit log")
    begin.add_argument("--ticket", default="", help="where more is written")
    begin.add_argument("--release", action="store_true", help="also let go of the driver")
    ending = _client(verbs, "end", "maintenance:end", "That work is done.")
    ending.add_argument("identity", metavar="IDENTITY", help="as begin and list print it")
    _client(verbs, "list", "maintenance:list_maintenance", "Work that is going on.")


def _add_release(commands: "Commands[argparse.ArgumentParser]") -> None:
    release = _client(
        commands,
        "release",
        "release:release",
        "Let go of the driver, so that it can be upgraded or a GPU reset. With a command: release,"
        " run it, resume, and end with its status.",
    )
    release.add_argument(
        "--for",
        dest="lasting",
        type=_duration,
        default=parse_duration("20m"),
        metavar="DURATION",
        help="it ends by itself after that (default 20m; renewed while COMMAND runs)",
    )
    release.add_argument("--reason", default="", help="why; kept in the audit log")
    release.add_argument("run", nargs="*", metavar="COMMAND", help="after --: what to run")
    _client(commands, "resume", "release:resume", "Ask the driver again, now.")


def _add_tables(commands: "Commands[argparse.ArgumentParser]") -> None:
    signals = _command(commands, "signals", "tables:signals", "Every signal that is asked.")
    xids = _command(commands, "xids", "tables:xids", "What every Xid means.")
    xids.add_argument("code", nargs="?", type=int, metavar="CODE", help="one code")
    for one in (signals, xids):
        one.add_argument("--markdown", action="store_true", help="print a table for documents")


def _duration(text: str) -> object:
    try:
        return parse_duration(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(f'"{text}" {error}') from error
