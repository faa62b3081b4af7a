"""Running: the agent itself, and its settings."""

from pathlib import Path

from gpuwatch.cli.words.common import Commands, command


def add(commands: Commands) -> None:
    """Add the commands of this group."""
    for name, function, text in (
        ("run", "running:run", "Run the agent until it is told to end."),
        ("check-config", "running:check_config", "Print each setting and where it came from."),
    ):
        one = command(commands, name, function, text)
        one.add_argument(
            "--set",
            dest="options",
            action="append",
            default=[],
            metavar="SECTION.KEY=VALUE",
            help="set one setting; stronger than every other source",
        )
    # Without help: it is for gpuwatch-sram.service, and stands in no list of commands.
    errand = commands.add_parser("sram-counts", allow_abbrev=False)
    errand.set_defaults(command="gpuwatch.cli.sram:sram_counts", json=False)
    for name in ("--config", "--socket"):
        errand.add_argument(name, type=Path)
