"""Routes: whom a finding reaches after settings, maintenance and people had their say."""

from collections.abc import Iterable
from dataclasses import replace

from gpuwatch.domain.verdicts import Finding, Urgency
from gpuwatch.policy.attention import is_covered
from gpuwatch.policy.views import BmcView, HostView, PolicySettings

_HOST = ""


def routed(
    found: Iterable[Finding], host: HostView, settings: PolicySettings, bmc: BmcView | None = None
) -> tuple[Finding, ...]:
    """The same findings with the route that is left to them; of `bmc`, else of host and GPUs."""
    return tuple(replace(finding, route=_route(finding, host, settings, bmc)) for finding in found)


def _route(
    finding: Finding, host: HostView, settings: PolicySettings, bmc: BmcView | None
) -> Urgency:
    hushed = _is_worked_on(finding, host) if bmc is None else _is_maintained(bmc, host)
    if settings.shadow or hushed:
        return Urgency.INFO
    if finding.urgency is Urgency.PAGE and finding.code in settings.not_paging:
        return Urgency.WINDOW
    return finding.urgency


def _is_worked_on(finding: Finding, host: HostView) -> bool:
    """Whether people work on the host or the board, or have taken this finding up."""
    quiet = _HOST in host.in_maintenance or finding.subject in host.in_maintenance
    return quiet or host.released or _may_be_over(finding, host) or is_covered(finding, host)


def _may_be_over(finding: Finding, host: HostView) -> bool:
    """Whether it was found before a release, and nobody has told yet whether that mended it.

    Who resets a GPU under a release is not paged for what the reset has ended.
    """
    concerned = host.awaited if finding.subject == _HOST else host.awaited & {finding.subject}
    return bool(concerned) and finding.since <= host.resumed_at


def _is_maintained(bmc: BmcView, host: HostView) -> bool:
    """Whether people work on the BMC's server. Who lets go of our driver touches no BMC."""
    of_this_host = not bmc.host and _HOST in host.in_maintenance
    return of_this_host or bmc.subject in host.in_maintenance
