"""BMC troubles: why a management controller cannot be asked, in words."""

from gpuwatch.domain.bmc import BmcTrouble

# The finding that says so. It is about the controller's network or account, not about its server.
UNREACHABLE = "bmc-unreachable"

_WORDS = {
    BmcTrouble.UNREACHABLE: "no answer comes from its address, or its name does not resolve",
    BmcTrouble.TIMED_OUT: "it stopped answering",
    BmcTrouble.PASSWORD: "it refuses the user or the password",
    BmcTrouble.PRIVILEGE: "its account may not do what gpuwatch asks",
    BmcTrouble.NO_SESSION: "all its sessions are taken",
    BmcTrouble.CERTIFICATE: "its certificate is not the one that the settings expect",
    BmcTrouble.DEVICE: "its device is not here, or may not be opened",
    BmcTrouble.PROTOCOL: "what it answers makes no sense",
    BmcTrouble.FAILED: "the process of gpuwatch that asks it failed",
}
# What time does not heal, and trying again may make worse: an account is locked.
LASTING = frozenset(
    {BmcTrouble.PASSWORD, BmcTrouble.PRIVILEGE, BmcTrouble.CERTIFICATE, BmcTrouble.DEVICE}
)


def words_of(trouble: BmcTrouble) -> str:
    """The trouble as a part of a sentence."""
    return _WORDS[trouble]
