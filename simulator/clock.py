"""Simulated time: wall and boot clocks that run at a set rate and can be stepped from outside.

The clock is one small file in the world's directory. An anchor on the real CLOCK_BOOTTIME ties it
to the machine; wall and boot time move together unless a step of the wall alone is asked for.
"""

import time
import uuid
from dataclasses import dataclass, replace
from pathlib import Path

from gpuwatch.domain.moments import Moment

_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """The clock file's content: at real boot time `anchor` it was `wall` and `boottime`.

    All in seconds; `rate` is simulated seconds a real second; `synchronized` is NTP's word.
    """

    anchor: float
    wall: float
    boottime: float
    rate: float
    boot_id: str
    synchronized: bool

    def __post_init__(self) -> None:
        if self.rate < 0:
            raise ValueError(f"rate {self.rate}: simulated boot time cannot run backwards")

    @classmethod
    def real(cls) -> "Setting":
        """The machine's own time."""
        return cls(
            anchor=(boottime := time.clock_gettime(time.CLOCK_BOOTTIME)),
            wall=time.time(),
            boottime=boottime,
            rate=1.0,
            boot_id=_BOOT_ID.read_text().strip(),
            synchronized=True,
        )

    @classmethod
    def parse(cls, text: str) -> "Setting":
        """The setting from the file's text. Raises ValueError or KeyError when it is none."""
        values = dict(line.split(" = ", 1) for line in text.splitlines() if " = " in line)
        return cls(
            anchor=float(values["anchor"]),
            wall=float(values["wall"]),
            boottime=float(values["boottime"]),
            rate=float(values["rate"]),
            boot_id=values["boot_id"],
            synchronized=values["synchronized"] == "yes",
        )

    def render(self) -> str:
        """The file's text; the driver reads the first four lines in this order."""
        return (
            f"anchor = {self.anchor!r}\nwall = {self.wall!r}\nboottime = {self.boottime!r}\n"
            f"rate = {self.rate!r}\nboot_id = {self.boot_id}\n"
            f"synchronized = {'yes' if self.synchronized else 'no'}\n"
        )

    def at_present(self) -> "Setting":
        """The same clock, anchored at this instant."""
        now = time.clock_gettime(time.CLOCK_BOOTTIME)
        elapsed = (now - self.anchor) * self.rate
        return replace(self, anchor=now, wall=self.wall + elapsed, boottime=self.boottime + elapsed)


class WarpedClock:
    """A `gpuwatch.domain.moments.Clock` that follows a clock file."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def setting(self) -> Setting:
        """The clock's setting, anchored at this instant."""
        return Setting.parse(self.path.read_text()).at_present()

    def now(self) -> Moment:
        """The present simulated instant."""
        setting = self.setting()
        return Moment(wall=setting.wall, boottime=setting.boottime, boot_id=setting.boot_id)

    def synchronized(self) -> bool | None:
        """What the file says of NTP."""
        return self.setting().synchronized

    def set(self, setting: Setting) -> None:
        """Replace the file at once."""
        fresh = self.path.with_suffix(".new")
        fresh.write_text(setting.render())
        fresh.replace(self.path)

    def run_at(self, rate: float) -> None:
        """Let simulated time run this many times as fast as real time from now on."""
        self.set(replace(self.setting(), rate=rate))

    def advance(self, seconds: float) -> None:
        """Jump ahead: wall and boot time together, as if that much time had passed."""
        if seconds < 0:
            raise ValueError(f"advance by {seconds} s: boot time never goes back (step the wall)")
        setting = self.setting()
        self.set(replace(setting, wall=setting.wall + seconds, boottime=setting.boottime + seconds))

    def step_wall(self, seconds: float) -> None:
        """Step the wall clock alone, as a wrong clock being set does."""
        setting = self.setting()
        self.set(replace(setting, wall=setting.wall + seconds))

    def set_synchronized(self, synchronized: bool) -> None:
        """Say what adjtimex would say."""
        self.set(replace(self.setting(), synchronized=synchronized))

    def reboot(self) -> None:
        """A new boot: another boot id, boot time from 0, the wall clock goes on."""
        self.set(replace(self.setting(), boottime=0.0, boot_id=str(uuid.uuid4())))
