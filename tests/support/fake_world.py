"""Fake world: a host of GPUs for the NVML source: kernel trees, a script for the fake probe.

The kernel trees are files of the same names and contents as the real ones.
"""

import json
import shutil
import sys
import threading
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

from gpuwatch.domain.readings import Sweep
from gpuwatch.sources.base import Message
from gpuwatch.sources.nvml_settings import NvmlSettings, RetryPlan
from gpuwatch.sources.nvml_signals import table_hash
from gpuwatch.sources.probe_end import EndOrder

_FAKE = Path(__file__).with_name("fake_probe.py")
_M = TypeVar("_M", bound=Message)

# Everything is quicker than in production, but no deadline is so short that a busy machine misses.
QUICK = NvmlSettings(
    fast=2.0,
    slow=2.0,
    rare=4.0,
    init_deadline=30.0,
    inventory_deadline=2.0,
    fast_deadline=2.0,
    slow_deadline=2.0,
    end_order=EndOrder(input_seconds=0.2, terminate_seconds=0.4, kill_seconds=0.4),
    retry=RetryPlan(soon=0.2, confirm=1.0, later=(0.5,)),
    respawn=(0.1, 0.2),
    look=0.1,
)


class FakeWorld:
    """A host with `count` GPUs whose driver is loaded."""

    def __init__(self, directory: Path, count: int = 8) -> None:
        self._directory = directory
        self._script = directory / "script.json"
        self.sysfs = directory / "sys"
        self.proc = directory / "proc"
        self.addresses = [f"0000:{number:02x}:00.0" for number in range(1, count + 1)]
        self._world: dict[str, Any] = {
            "driver": "580.95.05",
            "nvml": "13.580.95.05",
            "cuda": 13000,
            "table": table_hash(),
            "gpus": [self._gpu(address) for address in self.addresses],
        }
        for name in ("nvidia", "vfio-pci"):
            (self.sysfs / "bus/pci/drivers" / name).mkdir(parents=True)
        for address in self.addresses:
            self.plug(address)
        self._save()
        self.load("580.95.05")

    @property
    def command(self) -> list[str]:
        """The fake probe's command line."""
        return [sys.executable, str(_FAKE), "--script", str(self._script)]

    def settings(self, **changes: Any) -> NvmlSettings:  # noqa: ANN401 - any field of settings
        """Quick settings for this world."""
        return replace(QUICK, sysfs=self.sysfs, proc=self.proc, **changes)

    def load(self, version: str) -> None:
        """Load the driver anew."""
        home = self.sysfs / "module/nvidia"
        # Made beside and moved: another directory, so another inode, as after a real load.
        fresh = self.sysfs / "module/.loading"
        fresh.mkdir(parents=True)
        (fresh / "version").write_text(version + "\n")
        (fresh / "initstate").write_text("live\n")
        if home.exists():
            self.unload()
        fresh.rename(home)

    def unload(self) -> None:
        """Unload the driver. The directory is kept aside: a freed inode number would come back."""
        home = self.sysfs / "module/nvidia"
        home.rename(self._directory / f"unloaded-{home.stat().st_ino}")

    def plug(self, address: str, driver: str = "nvidia") -> None:
        """Put a GPU on the PCI bus, or bind it to another driver ("" for none)."""
        device = self.sysfs / "bus/pci/devices" / address
        device.mkdir(parents=True, exist_ok=True)
        (device / "vendor").write_text("0x10de\n")
        (device / "class").write_text("0x030200\n")
        (device / "driver").unlink(missing_ok=True)
        if driver:
            (device / "driver").symlink_to(f"../../drivers/{driver}")

    def unplug(self, address: str) -> None:
        """Take a GPU off the PCI bus and out of NVML's sight."""
        shutil.rmtree(self.sysfs / "bus/pci/devices" / address)
        self._world["gpus"] = [gpu for gpu in self._world["gpus"] if gpu["pci"] != address]
        self._save()

    def add(self, address: str) -> None:
        """Another GPU, on the bus and in NVML's sight."""
        self.plug(address)
        self._world["gpus"].append(self._gpu(address))
        self._save()

    def gpu(self, address: str, **changes: object) -> None:
        """Change what one GPU does: `hang`, `lost`, `value`."""
        next(gpu for gpu in self._world["gpus"] if gpu["pci"] == address).update(changes)
        self._save()

    def all(self, **changes: object) -> None:
        """Change what the driver does: `fail`, `hang`, `hang_everywhere`, `table`, versions."""
        self._world.update(changes)
        self._save()

    def event(self, address: str, kind: int, data: int) -> None:
        """Have NVML's event set give out an event."""
        gpu = next(gpu for gpu in self._world["gpus"] if gpu["pci"] == address)
        told = {"pci": address, "uuid": gpu["uuid"], "type": kind, "data": data}
        self._world.setdefault("events", []).append(told)
        self._save()

    def _gpu(self, address: str) -> dict[str, Any]:
        number = int(address[5:7], 16)
        return {"pci": address, "uuid": f"GPU-{number}", "serial": f"S{number}", "value": number}

    def _save(self) -> None:
        beside = self._script.with_suffix(".new")
        beside.write_text(json.dumps(self._world))
        beside.rename(self._script)


class Listener:
    """Keeps what a source delivers."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._messages: list[Message] = []
        self.logged: list[tuple[str, dict[str, object]]] = []

    def __call__(self, name: str, message: Message) -> None:
        """Take one message."""
        assert name == "nvml"
        with self._lock:
            self._messages.append(message)

    def log(self, event: str, /, **facts: object) -> None:
        """Keep what the source logs."""
        self.logged.append((event, facts))

    def all(self, kind: type[_M]) -> list[_M]:
        """Everything of one kind so far, in order."""
        with self._lock:
            return [message for message in self._messages if isinstance(message, kind)]

    def swept(self) -> set[str]:
        """The UUIDs of which a sweep was delivered since the last call of `forget`."""
        return {sweep.board.uuid for sweep in self.all(Sweep)}

    def forget(self) -> None:
        """Start anew."""
        with self._lock:
            self._messages.clear()
