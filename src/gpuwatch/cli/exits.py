"""Exits: what a command's status tells a script."""

from enum import IntEnum


class Exit(IntEnum):
    """The statuses; those above 64 are sysexits.h's."""

    OK = 0
    ATTENTION = 1  # status, doctor: something wants a person; other commands: it failed
    USAGE = 2
    UNKNOWN = 3  # status: a GPU or the host cannot be judged; doctor: a check could not be made
    UNAVAILABLE = 69  # no agent runs
    SOFTWARE = 70  # run: the agent failed
    TEMPORARY = 75  # the agent is busy or did not answer in time
    DENIED = 77
    CONFIG = 78
    INTERRUPTED = 130  # 128 + SIGINT, as a shell counts it
    PIPE = 141  # the reader of the output went away


MEANINGS: dict[Exit, str] = {
    Exit.OK: "done; for `status`: every GPU, the host and each server that it watches are healthy"
    " or watched; for `doctor`: every check is well",
    Exit.ATTENTION: "for `status`: a GPU, the host or a server that it watches wants a person; for"
    " `doctor`: a problem; else: the command failed, or a flag does not allow it",
    Exit.USAGE: "the command line is wrong, or names no GPU or BMC (or several), or a finding that"
    " does not hold, or a code without a runbook",
    Exit.UNKNOWN: "for `status`: nothing urgent, but a GPU, the host or a server that it watches"
    " cannot be judged; for `doctor`: no problem, but something could not be looked at",
    Exit.UNAVAILABLE: "no agent runs; `status`, `explain` and `bmc` print what is remembered all"
    " the same (to `doctor` it is a problem like any other); for `run`: another agent runs, or its"
    " port is taken",
    Exit.SOFTWARE: "for `run`: the agent failed and ended; its log says why",
    Exit.TEMPORARY: "the agent is busy or did not answer in time; try again",
    Exit.DENIED: "this user may not do that",
    Exit.CONFIG: "the configuration is refused; every problem is printed",
    Exit.INTERRUPTED: "somebody pressed Ctrl-C",
    Exit.PIPE: "the reader of the output went away",
}
