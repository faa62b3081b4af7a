"""Run: `make run` starts the real agent, on real GPUs where there is a driver, else on simulated.

Without a driver this builds the simulated one and a server of eight boards of the H100 class whose
time runs at a quarter of a day a second, so that a trend of weeks is seen in minutes. The agent is
the product's own; only its clock and the library it loads are the simulated server's.
"""

import argparse
import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from gpuwatch.agent import run
from gpuwatch.config.loading import ConfigError, load
from simulator.bmc.commands import place
from simulator.bmc.process import BmcAbsentError, SimulatorProcess
from simulator.bmc.server import MONITOR, IpmiBmc, Model
from simulator.story import DAY, Story
from simulator.world import Server

ROOT = Path(__file__).parent.parent
PLACE = ROOT / "build" / "run"
PORT = 9853
REAL_MODULE = Path("/sys/module/nvidia")
WINDOW = (
    '[[windows]]\nname = "sunday"\ncron = "0 2 * * sun"\nduration = "4h"\nzone = "Europe/Berlin"\n'
)


def free_port(wanted: int) -> int:
    """`wanted` if nobody listens there, else any free port."""
    for port in (wanted, 0):
        with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as trial:
            trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                trial.bind(("127.0.0.1", port))
            except OSError:
                continue
            return int(trial.getsockname()[1])
    raise OSError("no free port on 127.0.0.1")


def announce(port: int, kind: str, kept: str, options: Sequence[str]) -> None:
    """Say where to look; `kept` is what becomes of the state."""
    print(
        f"gpuwatch watches {kind}\n"
        f"  page     http://127.0.0.1:{port}/\n"
        f"  metrics  http://127.0.0.1:{port}/metrics\n"
        f"  status   {sys.executable} -m gpuwatch status --socket {PLACE}/run/control.sock\n"
        f"  state    {PLACE}/state ({kept})\n",
        *options,
        sep="",
        flush=True,
    )


def settings(port: int, extra: Sequence[str]) -> tuple[str, ...]:
    """What both kinds of run set."""
    return (
        f"agent.state_directory={PLACE}/state",
        f"agent.runtime_directory={PLACE}/run",
        f'web.listen_addresses=["127.0.0.1:{port}"]',
        *extra,
    )


def watch_real(port: int) -> int:
    """Watch the GPUs of this host."""
    announce(port, "the GPUs of this host", "kept; remove it to begin anew", ())
    return run(load(options=settings(port, ())))


def start_bmc(world: Path) -> IpmiBmc | None:
    """The server's BMC, running; None, and a word why, where there can be none."""
    bmc = IpmiBmc(place(world), Model(large=True))
    try:
        bmc.start()
    except BmcAbsentError as absent:
        print(f"without a BMC: {absent}\n", flush=True)
        return None
    return bmc


def stop_bmc(world: Path) -> None:
    """End the BMC of a server, also one that a run left behind which was killed."""
    SimulatorProcess(place(world)).kill()


def bmc_settings(bmc: IpmiBmc) -> str:
    """The agent's settings for the BMC; the password goes into a file of its own."""
    password = PLACE / "bmc-password"
    password.touch(mode=0o600)
    password.write_text(MONITOR.password)
    return (
        f'\n[bmc.host]\nprotocol = "ipmi"\naddress = "{bmc.host}:{bmc.port}"\n'
        f'user = "{MONITOR.name}"\npassword_file = "{password}"\ninterval = "5s"\n'
    )


def watch_simulated(port: int, rate: float) -> int:
    """Watch a simulated server whose time runs `rate` times as fast."""
    subprocess.run(
        ["make", "--silent", "-C", str(ROOT / "simulator" / "driver")],  # noqa: S607 - any make
        check=True,
    )
    stop_bmc(PLACE / "server")
    shutil.rmtree(PLACE, ignore_errors=True)
    PLACE.mkdir(parents=True)
    server = Server.create(PLACE / "server", profile="h100-sxm", gpus=8, lively=True)
    os.environ.update(server.environment())
    server.run_at(rate)
    control = PLACE / "run" / "control.sock"
    bmc = start_bmc(server.directory)
    story = Story(server, bmc, control, rate, lambda text: print(text, flush=True))
    upcoming = [f"  day {scene.day:>4g}  {scene.look_for}\n" for scene in story.scenes()]
    announce(
        port,
        f"eight simulated GPUs; a day takes {DAY / rate:.0f} s. What will happen:",
        "made anew by every run",
        (
            f"  more     {sys.executable} -m simulator.simulate --world {PLACE}/server --help\n",
            *("\n", *upcoming),
        ),
    )
    simulated = (
        f"nvml.sysfs={server.sysfs}",
        f"nvml.proc={server.proc}",
        f"kernel_log.path={server.kmsg}",
        "nvml.fast=2s",
        "nvml.slow=4s",
        "nvml.rare=10s",
        "nvml.fast_deadline=3s",
        "nvml.slow_deadline=4s",
        "log.level=warning",
        # An hour without an answer passes in a blink.
        'rules.disabled=["telemetry-gap", "bmc-unreachable"]',
        # So does a night: the job waits by real time for one that is long over.
        "backups.enabled=false",
    )
    config = PLACE / "gpuwatch.toml"
    config.write_text(WINDOW + (bmc_settings(bmc) if bmc else ""))
    loaded = load(file=config, options=settings(port, simulated))
    story.start()
    try:
        return run(loaded, clock=server.clock, max_gap_seconds=60 * rate)
    finally:
        story.stop()
        if bmc is not None:
            bmc.stop()
        server.close()


def main() -> int:
    """Parse the command line and run."""
    parser = argparse.ArgumentParser(prog="make run", description=__doc__)
    parser.add_argument("--port", type=int, default=PORT, help="port of the page and metrics")
    parser.add_argument("--day", type=float, default=4.0, help="seconds a simulated day takes")
    parser.add_argument("--simulated", action="store_true", help="also where a driver is loaded")
    arguments = parser.parse_args()
    port = free_port(arguments.port)
    try:
        if REAL_MODULE.exists() and not arguments.simulated:
            return watch_real(port)
        return watch_simulated(port, DAY / arguments.day)
    except ConfigError as error:
        print(error, file=sys.stderr)
        return 78


if __name__ == "__main__":
    sys.exit(main())
