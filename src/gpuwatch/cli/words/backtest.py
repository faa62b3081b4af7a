"""Backtest: the past of a fleet, or an invented one."""

from pathlib import Path

from gpuwatch.cli.words.common import Commands, command


def add(commands: Commands) -> None:
    """Add the command of this group."""
    one = command(
        commands,
        "backtest",
        "backtest:backtest",
        "What the trend test would have flagged in a fleet's own past, and whether it was right.",
    )
    source = one.add_mutually_exclusive_group(required=True)
    for name, metavar, text in (
        ("events", "FILE", "CSV: serial,time,event,location[,cohort]"),
        ("synthetic", "FOLDER", "write an invented fleet there, to try it on"),
    ):
        source.add_argument(f"--{name}", type=Path, metavar=metavar, help=text)
    for name, text in (
        ("exposure", "CSV: cohort,month,board_days of boards that are not in the events"),
        ("policy", "TOML with the section [policy] (default: the agent's configuration)"),
    ):
        one.add_argument(f"--{name}", type=Path, metavar="FILE", help=text)
    one.add_argument(
        "--kinds", metavar="KIND,...", help="errors that count (default: all that own incidents)"
    )
    one.add_argument(
        "--incident-window",
        choices=("24h", "7d"),
        help="what one incident absorbs: 7 days, 24 hours after a reset (7d, the default), or 24"
        " hours always, for histories that tell no resets",
    )
    for name, text in (
        ("boards", "slots of the invented fleet (default 4000)"),
        ("years", "years that it is watched (default 5)"),
        ("seed", "another number, another fleet (default 1)"),
    ):
        one.add_argument(f"--{name}", type=int, metavar="N", help=text)
