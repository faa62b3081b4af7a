"""Boards: what this host has seen, what has left it, what came in, and what others told."""

from pathlib import Path

from gpuwatch.cli.words.common import Commands, client, group


def add(commands: Commands) -> None:
    """Add the commands of this group."""
    verbs = group(commands, "boards", "The boards that this host has seen.")
    client(verbs, "list", "boards:list_boards", "Every board remembered.")
    show = client(verbs, "show", "boards:show", "One board, present or gone, and its acceptance.")
    show.add_argument("serial", metavar="SERIAL", help="its serial, or UUID where it has none")
    accept = client(
        verbs,
        "accept",
        "boards:accept",
        "Attach a diagnostic's output to the acceptance of a board that came in.",
    )
    accept.add_argument("serial", metavar="SERIAL", help="its serial, or UUID where it has none")
    accept.add_argument(
        "--diagnostic", required=True, type=Path, metavar="FILE", help="its output, at most 1 MiB"
    )
    accept.add_argument(
        "--result",
        required=True,
        choices=("passed", "failed"),
        help="what it came to; gpuwatch does not read the file",
    )
    export = client(
        verbs, "export", "boards:export", "Boards that are not to be trusted, for other hosts."
    )
    export.add_argument("--all", action="store_true", help="every board, sound ones too")
    taken = client(verbs, "import", "boards:take", "Boards that other hosts told of.")
    taken.add_argument("file", type=Path, metavar="FILE", help='as export writes it; "-" is stdin')
    retire = client(verbs, "retire", "boards:retire", "Say that a board has left for good.")
    retire.add_argument("serial", metavar="SERIAL", help="its serial, or UUID where it has none")
    retire.add_argument("--reason", required=True, help="why; kept in the audit log")
