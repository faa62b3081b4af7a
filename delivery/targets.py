"""Targets: the Pythons and machines that packages are built for, and what fits them."""

from dataclasses import dataclass
from enum import StrEnum

from packaging.utils import parse_wheel_filename

MINORS = ("3.11", "3.12", "3.13")
# The C library of the oldest system that is served: that of Debian 10 and RHEL 8.
_GLIBC = 28
_OLDER_NAMES = ("manylinux2014", "manylinux2010", "manylinux1")


class Architecture(StrEnum):
    """A machine, by Debian's name."""

    AMD64 = "amd64"
    ARM64 = "arm64"


MACHINES = {Architecture.AMD64: "x86_64", Architecture.ARM64: "aarch64"}


@dataclass(frozen=True, slots=True)
class Target:
    """One Python minor on one machine."""

    minor: str
    architecture: Architecture

    @property
    def machine(self) -> str:
        """The machine by the kernel's name."""
        return MACHINES[self.architecture]

    @property
    def name(self) -> str:
        """A name for folders and messages."""
        return f"python{self.minor}-{self.architecture}"

    def platforms(self) -> tuple[str, ...]:
        """Platform tags of wheels that run there, as pip takes them."""
        numbered = (f"manylinux_2_{minor}_{self.machine}" for minor in range(_GLIBC, 4, -1))
        return (*numbered, *(f"{older}_{self.machine}" for older in _OLDER_NAMES))

    def environment(self) -> dict[str, str]:
        """What markers of requirements are evaluated with."""
        return {
            "python_version": self.minor,
            "python_full_version": f"{self.minor}.0",
            "implementation_name": "cpython",
            "implementation_version": f"{self.minor}.0",
            "platform_python_implementation": "CPython",
            "platform_machine": self.machine,
            "platform_system": "Linux",
            "platform_release": "",
            "platform_version": "",
            "os_name": "posix",
            "sys_platform": "linux",
            "extra": "",
        }


def is_for_one_minor(wheel: str) -> bool:
    """Whether the wheel of this file name was compiled for one Python minor only."""
    _, _, _, tags = parse_wheel_filename(wheel)
    return all(tag.abi.startswith("cp") for tag in tags)
