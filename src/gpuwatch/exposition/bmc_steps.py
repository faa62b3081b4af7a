"""BMC steps: what hands at the server do first about a finding of a BMC, and when."""

from gpuwatch.domain.snapshot import BmcState, Snapshot
from gpuwatch.domain.verdicts import Finding, Urgency
from gpuwatch.exposition.bmc_views import identity_of, server_of

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
    "pulled with {server} on; pull no other.",
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


def bmc_step(snapshot: Snapshot, bmc: BmcState, finding: Finding) -> str:
    """What one finding asks for, and when."""
    serial = identity_of(bmc).serial
    server = server_of(snapshot, bmc) + (f" (serial {serial})" if serial else "")
    step = _STEPS[finding.code].format(server=server, bmc=bmc.name)
    return f"{_WHEN[finding.urgency]}: {step}"
