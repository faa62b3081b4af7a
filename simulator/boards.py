"""Boards and slots: what a fresh board is, what belongs to its slot, and who holds it."""

import fcntl
import uuid
from pathlib import Path

from simulator import profiles
from simulator.worldfile import World

# What belongs to the slot and stays when the board goes.
OF_THE_SLOT = (
    "pci", "minor_number", "board_id", "module_id", "platform.module_id", "kernel_driver",
)  # fmt: skip


class Hold:
    """A lock that says a GPU is in use."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("w")
        fcntl.flock(self._file, fcntl.LOCK_EX)

    def close(self) -> None:
        """Stop using it."""
        self._file.close()


def fill(world: World, count: int) -> None:
    """The first slots of a server, each with a board fresh from the factory."""
    for slot in range(count):
        profile = world.server["profile"]
        address = profiles.pci_address(profile, slot)
        module = str(profiles.module_number(profile, slot))
        world.gpus[slot] = {
            "pci": address,
            "minor_number": str(slot),
            "board_id": f"{int(address.split(':')[1], 16) << 8:#x}",
            "module_id": module,
        }
        if "platform.slot_number" in world.every:
            world.gpus[slot]["platform.module_id"] = module
        new_board(world, slot)


def new_board(world: World, slot: int) -> None:
    """A board fresh from the factory in this slot."""
    serial = int(world.server["next_serial"])
    world.server["next_serial"] = str(serial + 1)
    own = world.gpus[slot]
    name = f"{world.server['profile']}-{serial}"
    world.gpus[slot] = {key: own[key] for key in OF_THE_SLOT if key in own} | {
        "serial": str(serial),
        "uuid": f"GPU-{uuid.uuid5(uuid.NAMESPACE_OID, name)}",
        "pdi": f"{uuid.uuid5(uuid.NAMESPACE_OID, str(serial)).int >> 65:#x}",
    }


def lively(every: dict[str, str]) -> dict[str, str]:
    """Temperatures, power and load that swing slowly, each with its own period in seconds.

    Nothing swings below half of what it is: a small board would draw less than nothing.
    """
    swings = {
        "temperature.gpu": (4, 540), "temperature.memory": (4, 540), "temperature.margin": (4, 540),
        "utilization.gpu": (30, 300), "utilization.memory": (15, 300),
        "power.milliwatts": (60_000, 300), "power.average": (60_000, 300),
    }  # fmt: skip
    return {
        key: f"{every[key]}~{min(height, int(every[key]) // 2)}/{period}"
        for key, (height, period) in swings.items()
        if key in every
    }
