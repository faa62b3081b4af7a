"""Story: what befalls the eight boards that `make run` shows, told in simulated days."""

import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from gpuwatch.control.client import AgentAbsentError, ask
from gpuwatch.control.requests import ControlError
from simulator.bmc.server import IpmiBmc
from simulator.machine import InUseError
from simulator.world import Server

DAY = 86_400.0
REAL_SECONDS = 8.0  # how long a scene is watched in real time, before days fly again
BMC_SECONDS = 16.0  # a BMC is asked every 5 s, and believed when it says a thing twice


@dataclass(frozen=True, slots=True)
class Scene:
    """One thing that happens: on which day, what a reader should look for, and how it is done.

    It is watched for `real_seconds`, in which time runs as it does.
    """

    day: float
    look_for: str
    act: Callable[[], None]
    real_seconds: float = REAL_SECONDS


class Story(threading.Thread):
    """Plays the scenes in order while the agent watches; every scene is printed as it happens."""

    def __init__(
        self,
        server: Server,
        bmc: IpmiBmc | None,
        control_socket: Path,
        rate: float,
        tell: Callable[[str], None],
    ) -> None:
        super().__init__(name="story", daemon=True)
        self._rate = rate
        self._server = server
        self._bmc = bmc
        self._socket = control_socket
        self._tell = tell
        self._stopping = threading.Event()

    def scenes(self) -> tuple[Scene, ...]:
        """What will happen, in the order of its days."""
        scenes = (*self._of_gpus(), *(self._of_bmc(self._bmc) if self._bmc else ()))
        return tuple(sorted(scenes, key=lambda scene: scene.day))

    def _of_bmc(self, bmc: IpmiBmc) -> tuple[Scene, ...]:
        return (
            Scene(
                12,
                "BMC: power supply 2 has no input. Supplies are left to spare: a ticket, no page. "
                "(While days fly, most of what a BMC says is too old to be believed.)",
                lambda: bmc.psu_lost(2),
                BMC_SECONDS,
            ),
            Scene(13, "BMC: the input is back.", lambda: bmc.psu_good(2), BMC_SECONDS),
        )

    def _of_gpus(self) -> tuple[Scene, ...]:
        server = self._server
        return (
            Scene(
                3,
                "GPU 2: a first uncorrectable error, echoed by two peers. It is watched; its peers "
                "stay healthy.",
                lambda: server.uncorrectable(2, echo=(1, 3)),
            ),
            Scene(
                4, "GPU 2: reset through `gpuwatch release`; the row remap applies.", self._reset
            ),
            Scene(
                6,
                "GPU 4: 50 million correctable errors. Nothing is flagged for them.",
                lambda: server.correctable(4, count=50_000_000),
            ),
            Scene(
                9,
                "GPU 6: falls off the bus (Xid 79). Its series end, its identity stays.",
                lambda: server.lose(6),
            ),
            Scene(11, "GPU 6: answers again after a power cycle.", lambda: server.restore(6)),
            Scene(
                15,
                "GPU 2: a second incident, 12 days after the first. It is flagged for replacement "
                "in the next window, with the evidence.",
                lambda: server.uncorrectable(2, echo=(1, 3)),
            ),
            Scene(
                19,
                "GPU 5: a row remap fails: NVIDIA's own criterion. Drain now.",
                lambda: server.remap_failure(5),
            ),
            Scene(
                22,
                "GPU 7: one call hangs. It is set apart and the other seven go on; after a minute "
                "of real time it is to be drained.",
                lambda: server.hang(7, "nvmlDeviceGetPowerUsage"),
            ),
        )

    def run(self) -> None:
        """Play until the end, or until `stop`."""
        began = self._server.clock.now().boottime
        for scene in self.scenes():
            while self._server.clock.now().boottime - began < scene.day * DAY:
                if self._stopping.wait(0.1):
                    return
            self._tell(f"day {scene.day:g}  {scene.look_for}")
            # Echoes and owners are matched within seconds: such things need time to run as it does.
            self._server.run_at(1.0)
            scene.act()
            if self._stopping.wait(scene.real_seconds):
                return
            self._server.run_at(self._rate)
        self._tell("that was the story; the agent goes on watching until you stop it (Ctrl-C)")

    def stop(self) -> None:
        """End the story (the agent does not wait for it)."""
        self._stopping.set()

    def _reset(self) -> None:
        """Reset GPU 2 as an operator does: the agent lets go, the tool resets, it resumes."""
        try:
            ask(
                self._socket,
                "release",
                within_seconds=60.0,
                seconds=60,
                reason="reset of GPU 2",
            )
            self._server.reset(2)
            ask(self._socket, "resume")
        except (AgentAbsentError, ControlError, InUseError) as error:
            self._tell(f"        the reset did not work: {error}")
