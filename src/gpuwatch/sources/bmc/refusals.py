"""Refusals: what a failed log-in means, by where it failed, in a sentence with the way out."""

from gpuwatch.domain.bmc import BmcTrouble
from gpuwatch.sources.bmc.rmcp import Stage
from gpuwatch.sources.bmc_loop import Trouble

_PRIVILEGE = "give the account at least the privilege of `privilege`, or ask for less"
_SESSIONS = "close sessions that nobody uses, or wait until they expire"
_NAME = (
    "the user is unknown or disabled, or may not have this privilege (see `user`, `privilege`, and"
    " whether the account may use IPMI over LAN)"
)
_SUITE = "allow cipher suite 17 or 3 for the account's privilege on the BMC's LAN channel"

# RMCP+ status codes (IPMI 2.0, table 13-15) by the stage that they were told in. Other codes of a
# stage are under None; 0 is a check of ours that failed.
_TABLE: dict[Stage, dict[int | None, tuple[BmcTrouble, str]]] = {
    Stage.CAPABILITIES: {
        None: (BmcTrouble.PROTOCOL, "it does not tell how to log in (is IPMI over LAN enabled?)"),
    },
    Stage.VERSION: {
        None: (
            BmcTrouble.PROTOCOL,
            "it speaks IPMI 1.5 only, which protects nothing (enable RMCP+, IPMI 2.0)",
        ),
    },
    Stage.OPEN: {
        0x01: (BmcTrouble.NO_SESSION, f"all its sessions are taken ({_SESSIONS})"),
        0x0B: (BmcTrouble.NO_SESSION, f"all sessions of this privilege are taken ({_SESSIONS})"),
        0x09: (BmcTrouble.PRIVILEGE, f"it refuses this privilege ({_PRIVILEGE})"),
        0x0A: (BmcTrouble.PRIVILEGE, f"it refuses this privilege ({_PRIVILEGE})"),
        None: (BmcTrouble.PROTOCOL, f"it accepts none of our cipher suites ({_SUITE})"),
    },
    Stage.NAME: {
        0x00: (
            BmcTrouble.PASSWORD,
            "the password is wrong, or the user is unknown to it (see `user` and `password_file`)",
        ),
        # Several BMCs say "unauthorized name" also where only the privilege is too high.
        0x0D: (
            BmcTrouble.PASSWORD,
            _NAME,
        ),
        0x0C: (BmcTrouble.PASSWORD, "it does not take a user name of this length (see `user`)"),
        0x01: (BmcTrouble.NO_SESSION, f"all its sessions are taken ({_SESSIONS})"),
        0x0B: (BmcTrouble.NO_SESSION, f"all sessions of this privilege are taken ({_SESSIONS})"),
        0x09: (BmcTrouble.PRIVILEGE, f"the account may not have this privilege ({_PRIVILEGE})"),
        0x0A: (BmcTrouble.PRIVILEGE, f"the account may not have this privilege ({_PRIVILEGE})"),
        None: (BmcTrouble.PROTOCOL, "it refused the log-in (look at the BMC's own log)"),
    },
    Stage.KEY: {
        0x00: (
            BmcTrouble.PASSWORD,
            "the BMC key (Kg) is wrong: it has one of its own, or none (see `kg_file`)",
        ),
        0x0F: (BmcTrouble.PASSWORD, "it says that the password is wrong (see `password_file`)"),
        0x01: (BmcTrouble.NO_SESSION, f"all its sessions are taken ({_SESSIONS})"),
        None: (BmcTrouble.PROTOCOL, "it refused the log-in (look at the BMC's own log)"),
    },
    Stage.PRIVILEGE: {
        None: (BmcTrouble.PRIVILEGE, f"the account may not have this privilege ({_PRIVILEGE})"),
    },
}
_SILENT = "it does not answer (is the address right, the BMC up, and UDP let through?)"
_FELL_SILENT = "it answered, and then no more (does the network lose datagrams, or is it starting?)"


def refusal(stage: Stage, status: int) -> Trouble:
    """Why the BMC said no."""
    by_status = _TABLE[stage]
    reason, text = by_status.get(status) or by_status[None]
    told = f" [{stage}, code 0x{status:02x}]" if status else ""
    return Trouble(reason, text + told)


def silence(stage: Stage) -> Trouble:
    """It stopped answering, or never began."""
    if stage is Stage.CAPABILITIES:
        return Trouble(BmcTrouble.UNREACHABLE, _SILENT)
    return Trouble(BmcTrouble.TIMED_OUT, _FELL_SILENT)
