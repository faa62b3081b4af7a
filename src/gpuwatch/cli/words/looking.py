"""Looking: how the host and one board are."""

from gpuwatch.cli.words.common import GPU, Commands, client, command


def add(commands: Commands) -> None:
    """Add the commands of this group."""
    status = client(commands, "status", "status:status", "How the host, its GPUs and its BMCs are.")
    status.add_argument("gpu", nargs="?", metavar="GPU", help=f"one GPU in full: {GPU}")
    windows = client(
        commands,
        "windows",
        "windows:windows",
        "When boards may be swapped, when not, and which flag goes where.",
    )
    windows.add_argument(
        "--ics", action="store_true", help="the windows in which a board is swapped, as iCalendar"
    )
    explain = client(
        commands,
        "explain",
        "explain:explain",
        "One GPU or BMC at 03:00: what to do, whether it can wait, and why.",
    )
    explain.add_argument("subject", metavar="GPU|BMC", help=f"{GPU}; or bmc.NAME")
    explain.add_argument("code", nargs="?", metavar="CODE", help="only the finding of that code")
    runbook = command(
        commands,
        "runbook",
        "runbook:runbook",
        "What to do about a finding or an alert; without a code, which there are.",
    )
    runbook.add_argument(
        "code", nargs="?", metavar="CODE", help="of the finding, or the name of the alert"
    )
    preview = client(
        commands,
        "preview",
        "preview:preview",
        "What the installed rules say of the whole history; nothing is changed.",
    )
    preview.add_argument(
        "--since", metavar="TIME", help='leave out what ended before it: "2026-03-15", in UTC'
    )
    history = client(commands, "history", "history:history", "What is remembered of one board.")
    history.add_argument("gpu", metavar="GPU", help=GPU)
