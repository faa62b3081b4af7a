"""Groups: everything that stands in the rule file, in its order."""

from gpuwatch.cli.alerts.findings import findings
from gpuwatch.cli.alerts.fleet import fleet
from gpuwatch.cli.alerts.model import Group
from gpuwatch.cli.alerts.runbooks import AGENTS_OWN
from gpuwatch.cli.alerts.sums import SUMS
from gpuwatch.cli.alerts.watching import watches
from gpuwatch.policy.rules import RULES

HEADER = (
    "# Rules for Prometheus 2.42 or newer, written by `gpuwatch rules --alerts`: do not edit.",
    "# How to install and change them: docs/alerts.md.",
)


def groups(runbooks: str = AGENTS_OWN) -> tuple[Group, ...]:
    """All groups; alerts point to `runbooks`/CODE, by default to the agents themselves."""
    return (findings(RULES, runbooks), watches(runbooks), *fleet(runbooks), SUMS)
