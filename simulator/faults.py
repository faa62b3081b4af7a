"""Faults: what goes wrong with a simulated GPU, told in counters, events and kernel log alike."""

from collections.abc import Sequence
from pathlib import Path

from simulator import messages
from simulator.drivers import branch
from simulator.machine import Machine
from simulator.messages import Reporter
from simulator.trees import PciFunction
from simulator.worldfile import World

EVENT_SINGLE_BIT, EVENT_DOUBLE_BIT, EVENT_XID = 0x1, 0x2, 0x8
NO_INSTANCE = 0xFFFFFFFF

_BLACKWELL = 10  # NVML_DEVICE_ARCH_BLACKWELL
_NEWER_LINES = 570  # newer logs have Xid 171 and 172 and no unknown process; 550 had it otherwise

Process = tuple[int, str]
_WORKLOAD: Process = (4242, "python3")
_LAG = "lag."


class FaultyMachine(Machine):
    """A machine on which things go wrong. Every method is one change of the world.

    GPUs are named by slot, the number in `[gpu N]`; NVML's index is the same while all answer.
    """

    # -- memory --

    def uncorrectable(
        self,
        gpu: int,
        *,
        memory: str = "dram",
        count: int = 1,
        echo: Sequence[int] = (),
        contained: bool = True,
        remap: bool = True,
        lag_aggregate: bool = False,
        action: str | None = None,
    ) -> None:
        """Uncorrectable ECC errors in one GPU's memory, with all that follows from them.

        Volatile and aggregate counters rise together (the aggregate only at `settle` with
        `lag_aggregate`). Xid 48 is printed, with 171 or 172 by newer drivers; DRAM rows are marked
        for remapping (Xid 63), or pages retired before Ampere; Ampere and Hopper add Xid 94, or 95
        when not `contained`. Each GPU of `echo` prints Xid 94 for this GPU's error, as NVLink
        peers do. The driver then wants a reset when not `contained`, and on Blackwell to drain and
        reset, or what `action` names. Raises ValueError for another memory.
        """
        if memory not in {"dram", "sram"}:
            raise ValueError(f"memory {memory!r} is neither dram nor sram")
        with self.change() as world:
            world.add(gpu, f"ecc.uncorrected.volatile.{memory}", count)
            self._aggregate(
                world, gpu, f"ecc.uncorrected.aggregate.{memory}", count, lag=lag_aggregate
            )
            if memory == "sram":
                _sram_error(world, gpu, count)
            self._report(world, gpu, memory)
            if memory == "dram" and remap:
                self._mask(world, gpu, count)
            blackwell = world.number(gpu, "architecture") == _BLACKWELL
            if world.text(gpu, "remap.pending") is not None and not blackwell:
                self._xid(world, gpu, 94 if contained else 95, process=_WORKLOAD)
            usual = "drain-and-reset" if blackwell else "none"
            self._recovery(world, gpu, action or (usual if contained else "reset"))
            for peer in echo:
                self._xid(world, peer, 94, process=_WORKLOAD)

    def _report(self, world: World, gpu: int, memory: str) -> None:
        world.events.append(_event(world, gpu, EVENT_DOUBLE_BIT, 0))
        self._xid(world, gpu, 48, text=messages.double_bit(memory))
        if branch(world.server["driver_version"]) >= _NEWER_LINES:
            self._xid(world, gpu, 171 if memory == "dram" else 172)
            self._xid(world, gpu, 48, process=_WORKLOAD)

    def _mask(self, world: World, gpu: int, count: int) -> None:
        """Mark rows for remapping, or retire pages on boards that cannot remap."""
        if world.text(gpu, "remap.pending") is not None:
            _remap_rows(world, gpu, "uncorrectable", count)
            self._xid(world, gpu, 63)
        elif world.text(gpu, "pages.pending") is not None:
            retired = sum(key.startswith("pages.double.") for key in world.gpus[gpu])
            when = int(self.clock.now().wall)
            for number in range(retired, retired + count):
                address = 0x3A5B_3000 + 0x1000 * number
                world.gpus[gpu][f"pages.double.{number}"] = f"{address:#x} {when}"
            world.put(gpu, "pages.pending", 1)
            self._xid(
                world,
                gpu,
                63,
                text="Dynamic Page Retirement: New page retired, reboot to activate "
                f"(0x{0x3A5B3 + retired:016x}).",
            )

    @staticmethod
    def _aggregate(world: World, gpu: int, key: str, count: int, *, lag: bool) -> None:
        if lag:
            late = int(world.gpus[gpu].get(_LAG + key, "0"))
            world.gpus[gpu][_LAG + key] = str(late + count)
        else:
            world.add(gpu, key, count)

    def settle(self, gpu: int) -> None:
        """Let lagging aggregate counters catch up."""
        with self.change() as world:
            own = world.gpus[gpu]
            for key in [key for key in own if key.startswith(_LAG)]:
                world.add(gpu, key.removeprefix(_LAG), int(own.pop(key)))

    def correctable(self, gpu: int, *, memory: str = "dram", count: int = 1) -> None:
        """Correctable ECC errors: counters and nothing else."""
        with self.change() as world:
            for span in ("volatile", "aggregate"):
                world.add(gpu, f"ecc.corrected.{span}.{memory}", count)

    def remap(self, gpu: int, *, correctable: bool = False, count: int = 1) -> None:
        """Rows marked for remapping without an uncorrectable error being counted."""
        with self.change() as world:
            _remap_rows(world, gpu, "correctable" if correctable else "uncorrectable", count)
            self._xid(world, gpu, 63)

    def remap_failure(self, gpu: int) -> None:
        """A row that could not be remapped: the flag that stays for the board's life, Xid 64."""
        with self.change() as world:
            world.put(gpu, "remap.failed", 1)
            self._xid(world, gpu, 64)

    def sram_threshold(self, gpu: int) -> None:
        """The SRAM error threshold exceeded flag, readable by the privileged call only."""
        with self.change() as world:
            world.put(gpu, "sram.threshold_exceeded", 1)

    # -- messages --

    def xid(
        self,
        gpu: int,
        code: int,
        *,
        text: str = "",
        process: Process | None = None,
        instance: int | None = None,
        event: bool = True,
        log: bool = True,
        times: int = 1,
    ) -> None:
        """An Xid, so many times, in the kernel log (`log`), as an NVML event (`event`), or both."""
        with self.change() as world:
            for _ in range(times):
                self._xid(
                    world, gpu, code, text=text, process=process, instance=instance,
                    event=event, log=log,
                )  # fmt: skip

    def _xid(
        self,
        world: World,
        gpu: int,
        code: int,
        *,
        text: str = "",
        process: Process | None = None,
        instance: int | None = None,
        event: bool = True,
        log: bool = True,
    ) -> None:
        own = world.gpus[gpu]
        reporter = Reporter(
            pci=own["pci"],
            uuid=own["uuid"],
            serial=own["serial"],
            process=process,
            gpu_instance=instance,
            names_unknown=branch(world.server["driver_version"]) < _NEWER_LINES,
        )
        if log:
            lines = messages.xid_lines(reporter, code, text)
            world.kernel += [(messages.WARNING, line) for line in lines]
        if event:
            world.events.append(_event(world, gpu, EVENT_XID, code, instance))

    def sxid(self, code: int, *, switch: int = 0, link: int = 0, fatal: bool = True) -> None:
        """An NVSwitch's error, in the kernel log only."""
        lines = messages.sxid_lines(
            f"0000:{0x5 + switch:02x}:00.0", code, switch=switch, link=link, fatal=fatal
        )
        with self.change() as world:
            world.kernel += [(messages.ERROR, line) for line in lines]

    def recovery_action(self, gpu: int, action: str) -> None:
        """What the driver wants done (`none`, `reset`, `reboot`, ..., or a number), and Xid 154."""
        with self.change() as world:
            self._recovery(world, gpu, action)

    def _recovery(self, world: World, gpu: int, action: str) -> None:
        before = world.text(gpu, "recovery_action")
        if before is None or before == action:
            return
        world.put(gpu, "recovery_action", action)
        world.put(gpu, "reset_required", int(action == "reset"))
        world.put(gpu, "drain_and_reset_recommended", int(action == "drain-and-reset"))
        self._xid(world, gpu, 154, text=messages.recovery_detail(before, action))

    # -- presence --

    def lose(self, gpu: int, *, vanish: bool = False, silent: bool = False) -> None:
        """The GPU falls off the bus: `vanish` takes its PCI function too, `silent` logs nothing."""
        with self.change() as world:
            world.gpus[gpu]["lost"] = "yes"
            if not silent:
                self._xid(world, gpu, 79)
            if vanish:
                world.gpus[gpu]["present"] = "no"
                self.trees.remove(world.gpus[gpu]["pci"])

    def restore(self, gpu: int) -> None:
        """It answers again, as after a power cycle of the slot."""
        with self.change() as world:
            own = world.gpus[gpu]
            own.pop("lost", None)
            own.pop("present", None)
            device = int(world.text(gpu, "pci_device_id") or "0", 0) >> 16
            self.trees.add(PciFunction.gpu(own["pci"], device, own.get("kernel_driver", "nvidia")))

    # -- calls --

    def hang(
        self, gpu: int | None, call: str, mode: str = "sleep", *, path: Path | None = None
    ) -> None:
        """Let one call of one GPU hang: `sleep` or `spin` until `unhang`, `file` in a read of PATH.

        `call` is the function's name in the library, `*` for all; GPU None is the whole driver.
        """
        if mode not in {"sleep", "spin", "file"} or (mode == "file") != (path is not None):
            raise ValueError(f"hang mode {mode!r}: sleep, spin, or file with a path to read")
        self._fault(gpu, call, f"hang {mode}" + (f" {path}" if path else ""))

    def fail(self, gpu: int | None, call: str, code: int) -> None:
        """Let one call return an NVML error code."""
        self._fault(gpu, call, f"error {code}")

    def delay(self, gpu: int | None, call: str, seconds: float) -> None:
        """Let one call take this much longer."""
        self._fault(gpu, call, f"delay {seconds}")

    def grow(self, gpu: int | None, call: str, mebibytes: int) -> None:
        """Let one call take so much memory each time and never give it back; it aborts at last.

        The memory is not touched: a limit of the process ends it, and the machine loses nothing.
        """
        self._fault(gpu, call, f"grow {mebibytes}")

    def unhang(self, gpu: int | None, call: str | None = None) -> None:
        """End hangs, errors, delays and growth of one call, or of all calls."""
        with self.change() as world:
            section = world.server if gpu is None else world.gpus[gpu]
            for key in [key for key in section if key.startswith("call.")]:
                if call is None or key == f"call.{call}":
                    del section[key]

    def _fault(self, gpu: int | None, call: str, what: str) -> None:
        with self.change() as world:
            section = world.server if gpu is None else world.gpus[gpu]
            section[f"call.{call}"] = what


def _event(
    world: World, gpu: int, kind: int, data: int, instance: int | None = None
) -> tuple[int, str, int, int, int, int]:
    here = NO_INSTANCE if instance is None else instance
    return (gpu, world.gpus[gpu]["uuid"], kind, data, here, NO_INSTANCE)


def _remap_rows(world: World, gpu: int, kind: str, count: int) -> None:
    world.add(gpu, f"remap.{kind}", count)
    world.put(gpu, "remap.pending", 1)
    world.add(gpu, "remap.banks.max", -count)
    world.add(gpu, "remap.banks.high", count)


def _sram_error(world: World, gpu: int, count: int) -> None:
    """Parity errors in L2, at one address each: what the SRAM status tells of them."""
    if world.text(gpu, "sram.threshold_exceeded") is None:
        return
    for key in ("sram.volatile.parity", "sram.aggregate.parity", "sram.aggregate.l2"):
        world.add(gpu, key, count)
    known = sum(key.startswith("sram.unique.") for key in world.gpus[gpu])
    for number in range(known, known + count):
        world.gpus[gpu][f"sram.unique.{number}"] = f"0 {number} 0 0 {0x1000 + number} 1 1"
