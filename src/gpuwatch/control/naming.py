"""Naming: which GPU, BMC or flag a person means, by any of the names it has."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from gpuwatch.control.requests import ControlError, ErrorKind
from gpuwatch.domain.flags import Flag

_PCI = re.compile(
    r"(?:(?P<domain>[0-9a-f]{4,8}):)?(?P<bus>[0-9a-f]{2}):(?P<slot>[0-9a-f]{2})(?:\.0)?"
)
_SHORTEST = 4  # characters of a UUID's beginning, so that "3" is never one


@dataclass(frozen=True, slots=True)
class Named:
    """A GPU with all its names; "" and None where it has none. Keep the UUID to find it again."""

    uuid: str
    index: int | None = None
    serial: str = ""
    pci_address: str = ""

    def __str__(self) -> str:
        index = f"GPU {self.index}" if self.index is not None else "absent GPU"
        known = (self.uuid, self.serial and f"serial {self.serial}", self.pci_address)
        return f"{index} ({', '.join(filter(None, known))})"


def resolve(name: str, candidates: Iterable[Named]) -> Named:
    """The one GPU that `name` names. Raises ControlError(NOT_FOUND) that lists those there are.

    An index names only GPUs that are present now; every other name also names remembered ones.
    """
    everyone = tuple(candidates)
    wanted = name.strip()
    found = tuple(one for one in everyone if _is_named(one, wanted))
    if len(found) == 1:
        return found[0]
    if found:
        listed = "; ".join(map(str, found))
        raise ControlError(
            ErrorKind.NOT_FOUND, f'"{name}" names {len(found)} GPUs', f"one of: {listed}"
        )
    listed = "; ".join(map(str, everyone)) or "none"
    raise ControlError(
        ErrorKind.NOT_FOUND, f'"{name}" names no GPU of this host', f"there are: {listed}"
    )


def _is_named(one: Named, wanted: str) -> bool:
    if wanted.isdecimal() and one.index is not None and int(wanted) == one.index:
        return True
    if one.serial and wanted == one.serial:
        return True
    low = wanted.lower()
    uuid = one.uuid.lower()
    if low == uuid:
        return True
    if len(low.removeprefix("gpu-")) >= _SHORTEST and (
        uuid.startswith(low) or uuid.removeprefix("gpu-").startswith(low)
    ):
        return True
    return bool(one.pci_address) and _same_address(low, one.pci_address.lower())


def _same_address(wanted: str, address: str) -> bool:
    """Equal PCI functions, whether the domain has four digits, eight as in NVML, or is left out."""
    ours, theirs = _PCI.fullmatch(wanted), _PCI.fullmatch(address)
    if ours is None or theirs is None:
        return False
    domains = (int(ours["domain"] or "0", 16), int(theirs["domain"] or "0", 16))
    return domains[0] == domains[1] and ours.group("bus", "slot") == theirs.group("bus", "slot")


def resolve_bmc(name: str, hosts: Mapping[str, str]) -> str:
    """The name of the one BMC that `name` names: by its own, `bmc.NAME`, or the host it is of.

    `hosts` are the hosts by the names of their BMCs, "" for this host. Raises
    ControlError(NOT_FOUND) that lists those there are.
    """
    wanted = name.strip().removeprefix("bmc.")
    found = [one for one, host in hosts.items() if one == wanted]
    found = found or [one for one, host in hosts.items() if host and host == wanted]
    if len(found) == 1:
        return found[0]
    what = f'"{name}" names {len(found)} BMCs' if found else f'"{name}" names no BMC'
    listed = ", ".join(found or hosts) or "none: the settings have no [bmc.NAME]"
    raise ControlError(ErrorKind.NOT_FOUND, what, f"there are: {listed}")


def resolve_flag(number: float, flags: Iterable[Flag]) -> Flag:
    """The flag of that number. Raises ControlError(NOT_FOUND) when there is none."""
    for flag in flags:
        if flag.number == number:
            return flag
    raise ControlError(
        ErrorKind.NOT_FOUND, f"there is no flag {number:.12g}", "see gpuwatch flags list --all"
    )
