"""Scene: what is known before anything is looked at: the settings, and what the agent said."""

import os
import pwd
from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING

from gpuwatch.config.layers import Problem
from gpuwatch.config.loading import Setting
from gpuwatch.config.models import Settings
from gpuwatch.control.peers import GROUP
from gpuwatch.sources.child import end_with_parent

if TYPE_CHECKING:
    from gpuwatch.agent.doctor_requests import DoctorShape
    from gpuwatch.exposition.shapes import SourceShape

AGENTS_USER = GROUP  # the unit's user and group have one name


class Silence(StrEnum):
    """Why no agent has answered."""

    ABSENT = "absent"
    DENIED = "denied"
    LATE = "late"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Silent:
    """That no agent has answered, and what was said instead."""

    why: Silence
    what: str
    remedy: str


@dataclass(frozen=True, slots=True)
class Read:
    """What reading the settings gave: defaults where they are refused, and what is wrong.

    `named` is what was written of hosts, users and secrets, also where it is refused: what must not
    leave with an archive, by the setting's last word.
    """

    settings: Settings
    problems: tuple[Problem, ...] = ()
    files: tuple[str, ...] = ()
    effective: tuple[Setting, ...] = ()
    named: tuple[tuple[str, str], ...] = ()
    socket: Path = Path("/run/gpuwatch/control.sock")
    history: Path = Path("/var/lib/gpuwatch/history.db")


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """Everything that looks share. `uid` and process `asker` are who asks, `now` Unix seconds.

    `root` is where /proc, /dev and /run are found, but for what the settings place elsewhere.
    """

    read: Read
    now: float
    told: "DoctorShape | None" = None
    silent: Silent | None = None
    uid: int = field(default_factory=os.geteuid)
    asker: int = field(default_factory=os.getpid)
    root: Path = Path("/")

    @property
    def settings(self) -> Settings:
        """The settings that hold, as far as can be told from here."""
        return self.read.settings

    @property
    def socket(self) -> Path:
        """Where the agent would listen."""
        return self.read.socket

    @property
    def history(self) -> Path:
        """Where history is kept: by the agent's own word, else by the settings."""
        return Path(self.told["history"]) if self.told else self.read.history

    @property
    def proc(self) -> Path:
        """Where processes are listed."""
        return self.root / "proc"

    @property
    def is_alone(self) -> bool:
        """Whether no agent runs: one that is late, of another version or not for us runs."""
        return self.told is None and (self.silent is None or self.silent.why is Silence.ABSENT)

    @property
    def untold(self) -> tuple[str, str]:
        """What is found, and the way out, where an agent runs and has not told."""
        denied = self.silent is not None and self.silent.why is Silence.DENIED
        remedy = "first access" if denied else "first the agent"
        return "not looked at: an agent may run, and has not told", remedy

    @property
    def is_root(self) -> bool:
        """Whether whoever asks may look everywhere."""
        return self.uid == 0

    def source(self, name: str) -> "SourceShape | None":
        """How the agent's source of that name is doing; None where there is none."""
        sources = self.told["snapshot"]["status"]["sources"] if self.told else []
        return next((one for one in sources if one["name"] == name), None)

    def agents_user(self) -> tuple[int, frozenset[int]] | None:
        """The agent's user and groups: its own word, else those of the unit's user, if any."""
        if self.told is not None:
            return self.told["uid"], frozenset(self.told["groups"])
        try:
            entry = pwd.getpwnam(AGENTS_USER)
        except KeyError:
            return None
        return entry.pw_uid, frozenset(os.getgrouplist(AGENTS_USER, entry.pw_gid))


def become_the_agents_user() -> None:
    """Have this process, and what it starts, be the agent's user for good, where root may.

    What root may open says nothing of what the agent may.
    """
    try:
        entry = pwd.getpwnam(AGENTS_USER)
    except KeyError:
        return
    if os.geteuid() == 0:
        os.setgroups(os.getgrouplist(AGENTS_USER, entry.pw_gid))
        os.setresgid(entry.pw_gid, entry.pw_gid, entry.pw_gid)
        os.setresuid(entry.pw_uid, entry.pw_uid, entry.pw_uid)
        end_with_parent()  # the kernel forgets that with the user


def may(file: os.stat_result, uid: int, groups: Iterable[int], bits: int) -> bool:
    """Whether a user may do with a file what `bits` say (4 read, 2 write, 1 enter)."""
    if uid == 0:
        return True
    shift = 6 if file.st_uid == uid else 3 if file.st_gid in set(groups) else 0
    return file.st_mode >> shift & bits == bits
