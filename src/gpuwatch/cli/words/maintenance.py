"""Maintenance: work that people announce."""

from gpuwatch.cli.words.common import Commands, client, duration, group


def add(commands: Commands) -> None:
    """Add the commands of this group."""
    verbs = group(commands, "maintenance", "Work during which nothing pages.")
    begin = client(verbs, "begin", "maintenance:begin", "Somebody works on a host or a board.")
    begin.add_argument("scope", choices=("host", "board", "bmc"), help="what is worked on")
    begin.add_argument(
        "name",
        nargs="?",
        default="",
        metavar="NAME",
        help="the board's serial number; the BMC, or the host that it watches",
    )
    end = begin.add_mutually_exclusive_group(required=True)
    end.add_argument("--for", dest="lasting", type=duration, metavar="DURATION", help='"2h"')
    end.add_argument("--until", metavar="TIME", help='"2026-03-15T04:00Z"; local without a zone')
    begin.add_argument("--reason", required=True, help="why; kept in the audit log")
    begin.add_argument("--ticket", default="", help="where more is written")
    begin.add_argument("--release", action="store_true", help="also let go of the driver")
    ending = client(verbs, "end", "maintenance:end", "That work is done.")
    ending.add_argument("identity", metavar="IDENTITY", help="as begin and list print it")
    client(verbs, "list", "maintenance:list_maintenance", "Work that is going on.")
