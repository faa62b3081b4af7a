"""Timekeepers: what the service that keeps the wall clock says of it.

For a process that may not ask the kernel: what asks is the system call that sets the clock, and a
sandbox forbids both. systemd-timesyncd leaves a stamp, chronyd answers on the loopback interface.
"""

import os
import socket
import struct
import time
from contextlib import closing
from pathlib import Path

# Touched at each synchronisation: systemd-timesyncd.service(8). Its folder goes with the service.
STAMP = Path("/run/systemd/timesync/synchronized")
# As long as the kernel would believe it: 16 s of error, growing by 500 parts in a million.
STAMP_SECONDS = 32_000.0

# The monitoring protocol of chronyc, open to every user of the host unless its port is closed:
# https://gitlab.com/chrony/chrony/-/blob/master/candm.h
CHRONY = ("127.0.0.1", 323)
_PATIENCE_SECONDS = 0.2
_VERSION, _ASKED, _ANSWERED, _TRACKING, _OF_TRACKING = 6, 1, 2, 33, 5
_QUESTION = struct.Struct("!BBxxHHIxxxxxxxx")  # version, kind, command, attempt, sequence
_ANSWER = struct.Struct("!BBxxHHHxxxxxxIxxxxxxxx")  # ..., command, layout, status, sequence
_SOURCE = struct.Struct("!I20xxxH")  # its id, behind its address and stratum the leap status
_ANSWER_BYTES = 104  # chronyd answers nothing that is longer than the question
_UNSYNCHRONISED = 3
_ITSELF = 0x7F7F0101  # 127.127.1.1, the id of `local`: it serves a time that nobody vouches for


def synchronized(stamp: Path = STAMP, chrony: tuple[str, int] = CHRONY) -> bool | None:
    """Whether a service holds the wall clock for synchronised; None where none says."""
    stamped = by_stamp(time.time(), stamp)
    return by_chrony(chrony) if stamped is None else stamped


def by_stamp(now: float, stamp: Path) -> bool | None:
    """By the stamp of systemd-timesyncd at Unix second `now`; None where it does not run."""
    try:
        age = now - stamp.stat().st_mtime
    except OSError:
        # It runs and was never synchronised; or it does not run.
        return False if stamp.parent.is_dir() else None
    return -1.0 <= age <= STAMP_SECONDS  # one from the future: the clock was set back since


def by_chrony(address: tuple[str, int]) -> bool | None:
    """By chronyd's word; None where it does not answer at once."""
    sequence = int.from_bytes(os.urandom(4))
    question = _QUESTION.pack(_VERSION, _ASKED, _TRACKING, 0, sequence)
    try:
        with closing(socket.socket(socket.AF_INET, socket.SOCK_DGRAM)) as channel:
            channel.settimeout(_PATIENCE_SECONDS)
            channel.connect(address)
            channel.send(question.ljust(_ANSWER_BYTES, b"\0"))
            answer = channel.recv(4 * _ANSWER_BYTES)
    except OSError:
        return None
    if len(answer) < _ANSWER.size + _SOURCE.size:
        return None
    wanted = (_VERSION, _ANSWERED, _TRACKING, _OF_TRACKING, 0, sequence)
    if _ANSWER.unpack_from(answer) != wanted:
        return None
    source, leap = _SOURCE.unpack_from(answer, _ANSWER.size)
    return bool(source != _ITSELF and leap != _UNSYNCHRONISED)
