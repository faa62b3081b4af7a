"""Maintenance: somebody works on a host or a board, and nothing of it pages meanwhile."""

from argparse import Namespace
from typing import TYPE_CHECKING, cast

from gpuwatch.cli.exits import Exit
from gpuwatch.cli.output import at, clean, print_json, print_lines, table
from gpuwatch.cli.session import request
from gpuwatch.cli.times import instant_to_come
from gpuwatch.control.requests import ControlError, ErrorKind

if TYPE_CHECKING:
    from datetime import timedelta

    from gpuwatch.exposition.shapes import MaintenanceShape

# Ending the probe, when the maintenance asks for the driver, takes its grace and SIGTERM's.
_BEGIN_SECONDS = 60.0


def begin(arguments: Namespace) -> int:
    """Begin; prints the identity by which it is ended earlier."""
    if (arguments.scope != "host") != bool(arguments.name):
        what = "maintenance begin board and bmc need NAME, and maintenance begin host takes none"
        raise ControlError(ErrorKind.USAGE, what, "see gpuwatch maintenance begin --help")
    named = {} if arguments.scope == "host" else {arguments.scope: arguments.name}
    answer = request(
        arguments,
        "maintenance-begin",
        within_seconds=_BEGIN_SECONDS,
        scope=arguments.scope,
        **named,
        **_end(arguments),
        reason=arguments.reason,
        ticket=arguments.ticket,
        release=arguments.release,
    )
    if arguments.json:
        print_json(answer)
        return Exit.OK
    begun = cast("MaintenanceShape", answer["maintenance"])
    print(f"{clean(begun['identity'])} until {at(begun['until'])} UTC")
    return Exit.OK


def end(arguments: Namespace) -> int:
    """End one before its time."""
    answer = request(arguments, "maintenance-end", identity=arguments.identity)
    if arguments.json:
        print_json(answer)
    else:
        print_lines(f"ended {clean(identity)}" for identity in cast("list[str]", answer["ended"]))
    return Exit.OK


def list_maintenance(arguments: Namespace) -> int:
    """Print what is going on."""
    answer = request(arguments, "maintenance-list")
    if arguments.json:
        print_json(answer)
        return Exit.OK
    rows = [
        (
            one["identity"],
            one["board"] or one["bmc"] or one["scope"],
            at(one["until"]),
            one["reason"],
        )
        for one in cast("list[MaintenanceShape]", answer["maintenance"])
    ]
    if rows:
        print_lines(table(("IDENTITY", "OF", "UNTIL (UTC)", "REASON"), rows))
    else:
        print("nobody has announced work on this host")
    return Exit.OK


def _end(arguments: Namespace) -> dict[str, float]:
    """How long, by the agent's clock, or until when."""
    if arguments.lasting is not None:
        lasting: timedelta = arguments.lasting
        return {"seconds": lasting.total_seconds()}
    return {"until": instant_to_come(arguments.until, "--until")}
