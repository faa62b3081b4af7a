"""Tables: what gpuwatch knows by heart."""

from gpuwatch.cli.words.common import Commands, command


def add(commands: Commands) -> None:
    """Add the commands of this group."""
    signals = command(commands, "signals", "tables:signals", "Every signal that is asked.")
    signals.add_argument(
        "--bmc", action="store_true", help="the metrics about BMCs instead, with their own labels"
    )
    xids = command(commands, "xids", "tables:xids", "What every Xid means.")
    xids.add_argument("code", nargs="?", type=int, metavar="XID", help="one code")
    rules = command(commands, "rules", "tables:rules", "Every rule that judges.")
    rules.add_argument(
        "--alerts",
        nargs="?",
        const=True,
        metavar="URL",
        help="print the alerting rules for Prometheus instead; their runbooks are at URL/CODE"
        " (default: web.runbook_url of the configuration, else on the agents)",
    )
    for one in (signals, xids, rules):
        one.add_argument("--markdown", action="store_true", help="print a table for documents")
