"""The simulated server: made from a profile, reset, reloaded, rebooted, its boards swapped."""

import os
import random
from collections.abc import Sequence
from pathlib import Path

from simulator import boards, drivers, messages, profiles
from simulator.clock import Setting
from simulator.faults import FaultyMachine
from simulator.machine import InUseError
from simulator.trees import PciFunction
from simulator.worldfile import World

__all__ = ["FIRST_SERIAL", "InUseError", "Server", "World"]

DRIVER = "580.95.05"
FIRST_SERIAL = 1_650_524_000_001
_NVSWITCHES = 4
_AMPERE = 7  # NVML_DEVICE_ARCH_AMPERE
_GPUS_MAX = 64  # as many as the library looks for

# What a reset or a driver load sets back to zero.
_VOLATILE = (
    "ecc.corrected.volatile.", "ecc.uncorrected.volatile.", "sram.volatile.", "remap.pending",
    "pages.pending", "violation.", "slowdown.", "pcie.replays", "recovery_action",
    "reset_required", "drain_and_reset_recommended", "repair.", "lag.", "call.",
)  # fmt: skip


class Server(FaultyMachine):
    """One simulated server: `create` makes it, `open` finds one that exists."""

    @classmethod
    def create(
        cls,
        directory: Path,
        profile: str = "h100-sxm",
        gpus: int = 8,
        *,
        options: Sequence[str] = (),
        driver: str = DRIVER,
        first_serial: int = FIRST_SERIAL,
        lively: bool = False,
        serve: bool = True,
    ) -> "Server":
        """A healthy server in an empty or absent directory, its driver loaded, its log fed.

        `lively` lets temperature, power and load move; else they stand still, as tests want.
        """
        if not 0 <= gpus <= _GPUS_MAX:
            raise ValueError(f"{gpus} GPUs: a simulated server has 0 to {_GPUS_MAX}")
        server = cls(directory)
        (directory / "clients").mkdir(parents=True)
        server.clock.set(Setting.real())
        server.trees.create()
        server.log.create()
        world = World(every=profiles.common_values(profile, tuple(options)))
        world.server = {
            "profile": profile,
            "kmsg_sequence": "0",
            "module_load": "0",
            "next_serial": str(first_serial),
            "privileged": "root",
            **drivers.library_values(driver),
        }
        if lively:
            world.every |= boards.lively(world.every)
        boards.fill(world, gpus)
        server.file.create(world)
        server._plug_in(profile)
        server.install_library()
        server._load(driver)
        if serve:
            server.serve()
        return server

    @classmethod
    def open(cls, directory: Path) -> "Server":
        """The server in a directory. Raises FileNotFoundError when there is none."""
        if not (directory / "world").exists():
            raise FileNotFoundError(f"{directory}: no simulated server (simulate create makes one)")
        return cls(directory)

    def _plug_in(self, profile: str) -> None:
        world = self.file.read()
        for slot, own in world.gpus.items():
            device = int(world.text(slot, "pci_device_id") or "0", 0) >> 16
            self.trees.add(PciFunction.gpu(own["pci"], device, "nvidia"))
        if profiles.has_nvswitch(profile):
            for number in range(_NVSWITCHES):
                self.trees.add(PciFunction.nvswitch(f"0000:{5 + number:02x}:00.0"))
        self.trees.add(PciFunction.network("0000:29:00.0"))

    # -- the driver --

    def _load(self, driver: str) -> None:
        with self.change() as world:
            world.server |= drivers.module_values(driver)
            world.server["module_loaded"] = "yes"
            for key in [key for key in world.server if key.startswith("call.")]:
                del world.server[key]  # what hung was the module that is gone
            world.server["module_load"] = str(int(world.server["module_load"]) + 1)
            for slot in world.gpus:
                self._set_back(world, slot)
            is_open = world.server["profile"] != "t4"
            self.trees.load_module(driver, open_module=is_open)
            machine = os.uname().machine
            flavour = f"Open Kernel Module for {machine}" if is_open else f"{machine} Kernel Module"
            world.kernel.append(
                (messages.WARNING, f"NVRM: loading NVIDIA UNIX {flavour}  {driver}")
            )

    def _set_back(self, world: World, gpu: int) -> None:
        """Volatile things of one GPU go back to zero; pending modes become current."""
        world.forget(gpu, *_VOLATILE)
        for mode in ("mig", "ecc_mode"):
            pending = world.text(gpu, f"{mode}.pending")
            if pending is not None:
                world.gpus[gpu][f"{mode}.current"] = pending
        self._restart_energy(world, gpu, 0)

    def _restart_energy(self, world: World, gpu: int, millijoules: int) -> None:
        """Energy grows by the power drawn, from a reading at this instant."""
        power = (world.text(gpu, "power.milliwatts") or "0").split("~")[0]
        now = self.clock.now().boottime
        world.gpus[gpu]["energy.millijoules"] = f"{millijoules}+{power}@{now:.3f}"

    def set_power(self, gpu: int, milliwatts: int) -> None:
        """Another power draw; the energy counter goes on from where it is."""
        with self.change() as world:
            base, _, growth = world.gpus[gpu]["energy.millijoules"].partition("+")
            rate, _, since = growth.partition("@")
            elapsed = self.clock.now().boottime - float(since)
            world.gpus[gpu]["power.milliwatts"] = str(milliwatts)
            self._restart_energy(world, gpu, int(float(base) + float(rate) * elapsed))

    def reset(self, gpu: int) -> None:
        """`nvidia-smi --gpu-reset`: volatile counters, pending remaps and hangs go.

        Raises InUseError while a client holds the GPU, ValueError for a lost one: only a power
        cycle (`restore` or `reboot`) brings that back.
        """
        with self.file.locked():
            if self.get(gpu, "lost") == "yes":
                raise ValueError(f"GPU {gpu} is lost: it cannot be reset (restore or reboot)")
            if self.clients(gpu):
                raise InUseError(self._in_use_text(gpu))
            with self.change() as world:
                self._set_back(world, gpu)

    def _in_use_text(self, gpu: int) -> str:
        address = self.file.read().gpus[gpu]["pci"].upper()
        return (
            f"The following GPUs could not be reset:\n  GPU 0000{address}: In use by another client"
            "\n\n1 device is currently being used by one or more other processes (e.g., Fabric "
            "Manager, CUDA application, graphics application such as an X server, or a monitoring "
            "application such as another instance of nvidia-smi). Please first kill all processes "
            "using this device and all compute applications running in the system."
        )

    def reload(self, *, driver: str | None = None, force: bool = False) -> None:
        """Unload the module and load it again, from another release if one is named.

        An upgrade replaces the library file too: processes that mapped the old one keep it.
        Raises InUseError while a client holds the driver, unless forced.
        """
        with self.file.locked():
            version = driver or self.file.read().server["library_version"]
            drivers.branch(version)
            self.unload(force=force)
            if driver:
                self.mismatch(driver)
            self._load(version)

    def unload(self, *, force: bool = False) -> None:
        """`modprobe -r nvidia`. Raises InUseError while a client holds the driver."""
        with self.file.locked():
            if self.clients() and not force:
                raise InUseError("modprobe: FATAL: Module nvidia is in use.")
            with self.change() as world:
                world.server["module_loaded"] = "no"
                self.trees.unload_module()

    def load(self) -> None:
        """`modprobe nvidia`, in the library's version."""
        self._load(self.file.read().server["library_version"])

    def mismatch(self, version: str) -> None:
        """A package upgrade without a reload: the library on disk is newer than the module."""
        with self.change() as world:
            world.server |= drivers.library_values(version)

    def reboot(self, *, driver: str | None = None) -> None:
        """A boot: a new boot id, an empty log, the driver loaded anew. Clients must be gone."""
        with self.file.locked():
            self.unload()
            self.clock.reboot()
            self.log.clear()
            with self.change() as world:
                world.server["kmsg_sequence"] = "0"
                for slot in world.gpus:
                    world.forget(slot, "lost")
            if driver:
                self.mismatch(driver)
            self.load()

    # -- settings of one GPU --

    def vfio(self, gpu: int) -> None:
        """Give the GPU to a virtual machine: bound to vfio-pci, NVML no longer sees it."""
        self._bind(gpu, "vfio-pci")

    def take_back(self, gpu: int) -> None:
        """Bind it to the NVIDIA driver again."""
        self._bind(gpu, "nvidia")

    def _bind(self, gpu: int, driver: str) -> None:
        with self.change() as world:
            world.gpus[gpu]["kernel_driver"] = driver
            self.trees.bind(world.gpus[gpu]["pci"], driver)

    def mig(self, gpu: int, *, enabled: bool) -> None:
        """Turn MIG on or off: at once, but on Ampere at the next reset (NVIDIA's MIG guide)."""
        with self.change() as world:
            world.put(gpu, "mig.pending", int(enabled))
            if world.number(gpu, "architecture") != _AMPERE:
                world.put(gpu, "mig.current", int(enabled))

    def ecc(self, gpu: int, *, enabled: bool) -> None:
        """Turn ECC on or off, from the next reset on."""
        with self.change() as world:
            world.put(gpu, "ecc_mode.pending", int(enabled))

    def privileged(self, who: str) -> None:
        """Who may make privileged calls: `root` (as the driver does), `everyone` or `nobody`."""
        if who not in {"root", "everyone", "nobody"}:
            raise ValueError(f"privileged for {who!r}: root, everyone or nobody")
        self.set_server("privileged", who)

    # -- boards --

    def carry(self, gpu: int, other: "Server", slot: int) -> None:
        """Put a board into another server's slot, whose own goes; another board fills its place.

        Boards are carried with the power off: follow with `reboot` of both.
        """
        with self.change() as world:
            own = world.gpus[gpu].items()
            board = {key: value for key, value in own if key not in boards.OF_THE_SLOT}
            boards.new_board(world, gpu)
        with other.change() as world:
            own = world.gpus[slot].items()
            place = {key: value for key, value in own if key in boards.OF_THE_SLOT}
            world.gpus[slot] = place | board

    def swap(self, gpu: int, *, prior_errors: int = 0) -> str:
        """Another board in the slot; its serial number. A refurbished one brings old counts.

        Boards are swapped with the power off: follow with `reboot`, or see what happens if not.
        """
        with self.change() as world:
            boards.new_board(world, gpu)
            self._restart_energy(world, gpu, 0)
            if prior_errors:
                world.add(gpu, "ecc.uncorrected.aggregate.dram", prior_errors)
            return world.gpus[gpu]["serial"]

    def swap_baseboard(self) -> None:
        """Another baseboard: every board, and the chassis serial where the platform tells one."""
        with self.change() as world:
            for slot in world.gpus:
                boards.new_board(world, slot)
                self._restart_energy(world, slot, 0)
            if serial := world.every.get("platform.chassis_serial"):
                world.every["platform.chassis_serial"] = str(int(serial) + 1)

    def exchange(self, gpu: int, other: int) -> None:
        """Two boards trade places."""
        with self.change() as world:
            first, second = world.gpus[gpu], world.gpus[other]
            world.gpus[gpu], world.gpus[other] = (
                {key: value for key, value in second.items() if key not in boards.OF_THE_SLOT}
                | {key: value for key, value in first.items() if key in boards.OF_THE_SLOT},
                {key: value for key, value in first.items() if key not in boards.OF_THE_SLOT}
                | {key: value for key, value in second.items() if key in boards.OF_THE_SLOT},
            )

    def hold(self, gpu: int) -> boards.Hold:
        """Be a client of a GPU, as a CUDA program is, until the returned object is closed."""
        return boards.Hold(self._clients / f"{random.randrange(10**6, 10**7)}.{gpu}")
