"""BMC steps: what hands at the server do first about a finding of a BMC, and when."""

from gpuwatch.domain.bmc import BmcTrouble
from gpuwatch.domain.snapshot import BmcState, Maintenance, Snapshot
from gpuwatch.domain.verdicts import Finding, Urgency, Verdict
from gpuwatch.exposition.bmc_views import identity_of, server_of
from gpuwatch.exposition.cells import by_urgency
from gpuwatch.exposition.next_steps import work_step

# By code, as the end of a sentence. {server} is the server's name with its serial, {bmc} the BMC's
# name in the settings.
_STEPS = {
    "bmc-unreachable": "try the BMC {bmc} from this host: its address, its account, its cable. If "
    "it is hung, restart the BMC alone with its vendor's tool; {server} runs on meanwhile.",
    "bmc-clock-skewed": "point the BMC's clock to a time server (NTP) in its own settings.",
    "cipher-suite-weak": "enable cipher suite 17 in the BMC's settings, or update its firmware; "
    "keep its network apart meanwhile.",
    "chassis-power-off": "look whether power comes to {server}, and at the lamps of its supplies. "
    "Switch it on only when you know why it went off.",
    "psu-lost-unprotected": "move the work off {server}: it may go off at any moment. Then bring "
    "back the supplies or cords named here, one by one, with the server left on.",
    "redundancy-lost": "have the supplies or cords named here looked at: first whether the cord is "
    "in and its socket has power, then the supply. {server} may stay on, but touch no supply that "
    "still works.",
    "psu-input-lost": "look at the cord and the socket of the supply named here, and whether the "
    "feed or its breaker is off. The supply itself is probably sound.",
    "psu-failed": "exchange the supply named here for one of the same part number. It can be "
    "pulled with {server} on; pull no other. If it was taken out for good, say so: "
    "`gpuwatch bmc {bmc} --accept`.",
    "fans-insufficient": "move the work off {server}, and have its fans exchanged. It will slow "
    "down or switch itself off.",
    "fan-failed": "exchange the fan named here. Keep the lid of {server} closed while it runs: "
    "without it the air takes another way.",
    "fan-redundancy-lost": "look which fan of {server} stands or lags, and exchange it.",
    "redundancy-lost-elsewhere": "look in the BMC's web page what this redundancy of {server} is "
    "of, and which part of it is lost.",
    "fan-slow": "look whether the fan named here is blocked by dust or a cable, and exchange it "
    "when it is not.",
    "inlet-hot": "see to the air of the room: the cold aisle, its doors and blanking panels, the "
    "units that cool it. Nothing is to be done at {server}.",
    "cooling-fault": "look at the lamps of {server} and in the BMC's web page what of its cooling "
    "is at fault.",
    "power-fault": "look at the lamps of {server} and in the BMC's web page what of its power is "
    "at fault, and how much it draws against its limit.",
    "drive-fault": "find the drive by its lamp, save what is on it, and exchange it.",
    "chassis-intrusion": "ask who has opened {server}. If its lid is closed, the BMC may want to "
    "be told so in its own settings.",
    "watchdog-expired": "look in the logs of the operating system of {server}, and in the BMC's "
    "event log, when it stopped and why.",
    "sensor-critical": "compare the reading with what the vendor allows. A voltage out of its "
    "limits is a case for the vendor of {server}; heat is dust, a fan or a heat sink.",
    "sensor-warning": "nothing, while it does not become critical.",
    "sel-critical": "read the entry. Memory: exchange the module that it names. PCIe or processor: "
    "open a case with the vendor of {server}, with the entry's text. Power or heat: see whether it "
    "came from the feed or the room.",
    "log-full": "save the log with the vendor's tool and clear it there. gpuwatch keeps what it "
    "has read.",
    "bmc-gpu-fault": "ask `gpuwatch explain` about the GPU named here. If NVML does not confirm "
    "it, run NVIDIA's field diagnostic before anything is exchanged.",
}
_WHEN = {
    Urgency.PAGE: "Now",
    Urgency.WINDOW: "Nothing now. At a window",
    Urgency.INFO: "Not urgent",
    Urgency.WATCH: "Not urgent",
}
# What history remembers may be of a rule that the installed ones have not.
_OTHER = "see docs/rules.md, or the release that raised it, for what {code} asks for."
_SILENT = "bmc-unreachable"  # the rule's code: what to do depends on the trouble
_HEALTHY = "Nothing to do: the BMC answers, and no rule holds."
_UNKNOWN = "Nobody knows whether {server} is well: {because}."
_ADDRESS = (
    "See that {address} can be reached from here and that the BMC runs; one that hangs wants a cold"
    " reset, or the server's cords pulled for a minute."
)
_TROUBLES = {
    BmcTrouble.UNREACHABLE: _ADDRESS,
    BmcTrouble.TIMED_OUT: _ADDRESS,
    BmcTrouble.PASSWORD: "Put the right password where [bmc.{name}] says: it is read again at the"
    " next attempt. Make sure that the BMC has not locked the account.",
    BmcTrouble.PRIVILEGE: "Give the account the privilege that [bmc.{name}] asks for, or ask for"
    " less there.",
    BmcTrouble.NO_SESSION: "End sessions of the BMC that nobody uses, or wait until it ends them.",
    BmcTrouble.CERTIFICATE: "Make sure that the certificate is the BMC's own, then name it in"
    " [bmc.{name}]: ca_file or fingerprint.",
    BmcTrouble.DEVICE: "Load ipmi_si and ipmi_devintf, and let the agent's user open the device.",
    BmcTrouble.PROTOCOL: "Make sure that [bmc.{name}] names the right protocol and port.",
    BmcTrouble.FAILED: "Look into the agent's log of that time.",
}


def bmc_step(snapshot: Snapshot, bmc: BmcState, finding: Finding) -> str:
    """What one finding asks for, and when; of one that does not answer, by its trouble."""
    if finding.code == _SILENT and bmc.trouble is not None:
        return trouble_remedy(bmc)
    serial = identity_of(bmc).serial
    server = server_of(snapshot, bmc) + (f" (serial {serial})" if serial else "")
    step = _STEPS.get(finding.code, _OTHER)
    told = step.format(server=server, bmc=bmc.name, code=finding.code)
    return f"{_WHEN[finding.urgency]}: {told}"


def bmc_steps(snapshot: Snapshot, bmc: BmcState, *, remembered: bool = False) -> list[str]:
    """What to do, in order; the first is the answer to the page."""
    gravest = by_urgency(bmc.findings)[:1]
    urgent = [bmc_step(snapshot, bmc, one) for one in gravest if one.urgency is Urgency.PAGE]
    later = [bmc_step(snapshot, bmc, one) for one in gravest if one.urgency is not Urgency.PAGE]
    told = [*urgent, *_blindness(snapshot, bmc, remembered=remembered), *later]
    works = [work_step(work) for work in snapshot.maintenance if _is_about(work, bmc)]
    return [*(dict.fromkeys(told) or [_HEALTHY]), *works]


def _is_about(work: Maintenance, bmc: BmcState) -> bool:
    if work.scope == "bmc":
        return work.bmc in (bmc.name, bmc.host)
    return work.scope == "host" and not bmc.host


def _blindness(snapshot: Snapshot, bmc: BmcState, *, remembered: bool) -> list[str]:
    """That its server cannot be judged, why, and the way out."""
    told = []
    if bmc.verdict is Verdict.UNKNOWN:
        because = bmc.unknown_because or "nobody knows why"
        told.append(_UNKNOWN.format(server=server_of(snapshot, bmc), because=because))
    remedy = "Start the agent: systemctl start gpuwatch." if remembered else trouble_remedy(bmc)
    return [*told, remedy] if remedy else told


def trouble_remedy(bmc: BmcState) -> str:
    """The way out of what keeps a BMC from answering; "" while it answers."""
    if bmc.trouble is None:
        return ""
    return _TROUBLES[bmc.trouble].format(name=bmc.name, address=bmc.address)
