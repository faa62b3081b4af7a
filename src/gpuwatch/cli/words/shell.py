"""Shell: what helps people to type commands, and programs to help them."""

from gpuwatch.cli.words.common import Commands, command


def add(commands: Commands) -> None:
    """Add the commands of this group."""
    completion = command(
        commands, "completion", "completion:completion", "Print completion for a shell."
    )
    completion.add_argument(
        "shell", choices=("bash", "zsh", "fish"), help="the shell that will read it"
    )
    # Without help it stands in no list: completion scripts call it.
    names = commands.add_parser("complete-names", allow_abbrev=False)
    names.set_defaults(
        command="gpuwatch.cli.completion:names", json=False, config=None, socket=None
    )
    names.add_argument("kind", choices=("gpus", "flags", "bmcs", "subjects", "runbooks"))
