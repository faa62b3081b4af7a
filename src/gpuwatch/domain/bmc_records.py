"""BMC records: what is remembered of a BMC, whether or not it answers."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from gpuwatch.domain.bmc_logs import LogSeverity, LogTopic


@dataclass(frozen=True, slots=True, kw_only=True)
class BmcRecord:
    """What history knows of one BMC. Instants are Unix seconds.

    `serial` and `firmware` are what it told last, "" while it told none. `power_on` is the chassis
    as it was seen last, `power_since` when it was seen to change to that, None where no change was
    seen. `restarts` are when it lately was replaced, started, got another firmware, or had its
    chassis switched, the oldest first: what it tells right after that is no news. `seen_well` is
    all that `bmc_well.well_in` ever found in a sweep of this machine. `counts` are the entries of
    its logs beside the baseline; they never fall. `cleared` and `wrapped` say how often somebody
    emptied a log, and how often entries were overwritten before they could be read.
    """

    name: str
    serial: str = ""
    firmware: str = ""
    power_on: bool | None = None
    power_since: float | None = None
    restarts: tuple[float, ...] = ()
    seen_well: frozenset[str] = frozenset()
    counts: Mapping[tuple[LogTopic, LogSeverity], int] = field(default_factory=dict)
    cleared: int = 0
    wrapped: int = 0
