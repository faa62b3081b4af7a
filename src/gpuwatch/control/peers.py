"""Peers: who is at the other end of the control socket, as the kernel says."""

import contextlib
import grp
import os
import pwd
import socket
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

GROUP = "gpuwatch"
_UCRED = struct.Struct("3i")  # struct ucred, unix(7)
_SO_PEERGROUPS = 59  # asm-generic/socket.h; the peer's supplementary groups, Linux 4.13
_GROUPS_BYTES = 1_024  # the most that Python's getsockopt takes: 256 groups
_NO_LOGIN = 4_294_967_295  # an unset loginuid, proc(5)


@dataclass(frozen=True, slots=True, kw_only=True)
class Peer:
    """A process that connected: `uid`, `gid`, `groups` and `pid` are the kernel's word.

    `login_uid` is who logged in before any sudo, None where the kernel does not tell it.
    """

    pid: int
    uid: int
    gid: int
    groups: tuple[int, ...] = ()
    login_uid: int | None = None

    def may_change(self, own_uid: int, group: int | None) -> bool:
        """Whether this peer may change things: root, the agent's own user, the group's members."""
        if self.uid in (0, own_uid):
            return True
        return group is not None and (group == self.gid or group in self.groups)

    def actor(self, claims: Mapping[str, str]) -> str:
        """Who did it, for the audit log: the kernel's word first, claims labelled as such."""
        parts = [f"uid {self.uid} ({_user_name(self.uid)})"]
        if self.login_uid is not None and self.login_uid != self.uid:
            parts.append(f"login uid {self.login_uid} ({_user_name(self.login_uid)})")
        parts += [f"claims {name}={value}" for name, value in claims.items()]
        return ", ".join(parts)


def peer_of(connection: socket.socket, proc: Path = Path("/proc")) -> Peer:
    """The peer of a unix stream socket. Raises OSError when the kernel does not tell."""
    packed = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _UCRED.size)
    pid, uid, gid = _UCRED.unpack(packed)
    return Peer(
        pid=pid,
        uid=uid,
        gid=gid,
        groups=_groups(connection, uid, gid),
        login_uid=_login_uid(proc, pid),
    )


def group_id(name: str = GROUP) -> int | None:
    """The id of the group whose members may change things, None when this host has none."""
    try:
        return grp.getgrnam(name).gr_gid
    except KeyError:
        return None


def _groups(connection: socket.socket, uid: int, gid: int) -> tuple[int, ...]:
    """The process's groups; those of the user's entry where it has more than can be asked for."""
    try:
        packed = connection.getsockopt(socket.SOL_SOCKET, _SO_PEERGROUPS, _GROUPS_BYTES)
    except OSError:
        with contextlib.suppress(KeyError, OSError):
            return tuple(os.getgrouplist(pwd.getpwuid(uid).pw_name, gid))
        return ()
    return tuple(number for (number,) in struct.iter_unpack("I", packed))


def _login_uid(proc: Path, pid: int) -> int | None:
    with contextlib.suppress(OSError, ValueError):
        login_uid = int((proc / str(pid) / "loginuid").read_text())
        return None if login_uid == _NO_LOGIN else login_uid
    return None


def _user_name(uid: int) -> str:
    try:
        # A name that is no UTF-8 comes with surrogates, which no database takes.
        return pwd.getpwuid(uid).pw_name.encode(errors="backslashreplace").decode()
    except KeyError:
        return "no name"
