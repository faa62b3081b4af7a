"""BMC steps: what a person does first about a finding of a BMC or its server."""

from gpuwatch.domain.snapshot import BmcState, Snapshot
from gpuwatch.domain.verdicts import Finding, Remedy, Urgency
from gpuwatch.exposition.bmc_views import server_of

# What to do, as the end of a sentence; {server} is the name of the server.
_ACTIONS = {
    Remedy.REPLACE: "have it replaced on site",
    Remedy.RESET: "reset the BMC; {server} runs on meanwhile",
    Remedy.REBOOT: "drain {server} and reboot it",
    Remedy.RESEAT: "have it reseated on site",
    Remedy.INSPECT: "have {server} looked at on site",
    Remedy.POWER_CYCLE: "drain {server} and switch it off and on",
    Remedy.COOL: "see to the cooling of {server}: fans, filters, the air that comes in",
    Remedy.POWER: "see to the power of {server}: supplies, cords, feeds",
    Remedy.VENDOR_CASE: "open a case with the vendor of {server}",
}
_WHEN = {
    Urgency.PAGE: "Now: ",
    Urgency.WINDOW: "Nothing now. At a window: ",
    Urgency.INFO: "Not urgent: ",
}
_NOTHING = "Nothing to do."


def bmc_step(snapshot: Snapshot, bmc: BmcState, finding: Finding) -> str:
    """What one finding asks for, and when."""
    when, action = _WHEN.get(finding.urgency), _ACTIONS.get(finding.remedy)
    if when is None or action is None:
        return _NOTHING
    return f"{when}{action.format(server=server_of(snapshot, bmc))}."
