"""The simulate command, as people and scripts use it."""

import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path

import pytest

from simulator.bmc import process
from simulator.bmc.commands import COMMANDS as BMC_COMMANDS
from simulator.bmc.sensors import INPUT_LOST, PRESENT
from simulator.bmc.server import IpmiBmc
from simulator.simulate import COMMANDS
from simulator.world import Server
from tests.support.bmc import MakeBmc
from tests.support.nvml_client import NvmlClient
from tests.support.server import MakeServer, build_library

_ROOT = Path(__file__).parent.parent.parent


def simulate(world: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the command on the server in this directory."""
    return subprocess.run(
        [sys.executable, "-m", "simulator.simulate", "--world", str(world), *arguments],
        cwd=_ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.fixture
def server(make_server: MakeServer) -> Server:
    """Two H100 boards, healthy."""
    return make_server(gpus=2)


def test_it_makes_a_server(tmp_path: Path) -> None:
    """`create` writes a server that another process can use at once."""
    build_library()
    world = tmp_path / "made"

    done = simulate(world, "create", "--profile", "l40s", "--gpus", "3", "--driver", "570.172.08")

    with NvmlClient(Server.open(world)) as client:
        client.call("nvmlInit")
        answers = [client.call("nvmlDeviceGetCount"), client.call("nvmlSystemGetDriverVersion")]
    assert (done.returncode, done.stderr) == (0, "")
    assert answers == [3, "570.172.08"]


def test_an_error_from_the_command_reaches_a_running_client(server: Server) -> None:
    """A change by another process is seen by the next call."""
    with NvmlClient(server) as client:
        client.call("nvmlInit")
        before = client.fields(1, 4, 144)
        done = simulate(server.directory, "error", "1", "--count", "3", "--echo", "0")
        after = client.fields(1, 4, 144)

    assert done.returncode == 0
    assert (before, after) == ([0, 0], [3, 1])


def test_a_refused_reset_exits_1_and_says_why(server: Server) -> None:
    """In use by a client: exit status 1 and nvidia-smi's words; let go, it works."""
    with NvmlClient(server) as client:
        client.call("nvmlInit")
        client.call("nvmlDeviceGetUUID", "#1")
        refused = simulate(server.directory, "reset", "1")
        client.call("nvmlShutdown")
        done = simulate(server.directory, "reset", "1")

    assert refused.returncode == 1
    assert "GPU 00000000:43:00.0: In use by another client" in refused.stderr
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("error", "9"), "no GPU 9 in this server (it has 0, 1)"),
        (("reload", "--driver", "new"), "driver version 'new' is not like 580.95.05"),
        (("advance", "soon"), "'soon' is no span of time (90, 15m, 1.5h, 12d, 1y)"),
        (("hang", "0", "nvmlInit", "--mode", "file"), "file with a path to read"),
    ],
)
def test_a_mistake_exits_2_and_says_what(
    server: Server, arguments: tuple[str, ...], says: str
) -> None:
    """What is wrong, which value, and the way out; the world is as it was."""
    before = server.file.path.read_text()

    done = simulate(server.directory, *arguments)

    assert done.returncode == 2
    assert says in done.stderr
    assert server.file.path.read_text() == before


def test_without_a_server_it_says_how_to_make_one(tmp_path: Path) -> None:
    """An empty directory is no server."""
    done = simulate(tmp_path, "error", "0")

    assert done.returncode == 2
    assert "simulate create makes one" in done.stderr


_SAMPLES = {
    "error": ("0",), "settle": ("0",), "correctable": ("0", "--count", "50000000"),
    "remap": ("0",), "remap-failure": ("0",), "sram-threshold": ("0",), "xid": ("0", "79"),
    "sxid": ("20034", "--link", "30"), "recovery-action": ("0", "reset"), "lose": ("0",),
    "restore": ("0",), "hang": ("0", "nvmlDeviceGetRemappedRows"), "hang-driver": ("*",),
    "fail": ("0", "nvmlDeviceGetPowerUsage", "999"), "delay": ("0", "nvmlDeviceGetName", "0.1"),
    "grow": ("0", "nvmlDeviceGetPowerUsage", "4"),
    "unhang": ("0",), "unhang-driver": (), "reset": ("0",), "reload": (), "unload": (),
    "load": (), "mismatch": ("590.48.01",), "reboot": (), "vfio": ("0",), "take-back": ("0",),
    "mig": ("0", "on"), "ecc": ("0", "off"), "privileged": ("nobody",), "swap": ("0",),
    "swap-baseboard": (),
    "exchange": ("0", "1"), "library": ("uninstall",), "set": ("0", "temperature.gpu", "90"),
    "set-server": ("burn_call_us", "20"), "message": ("hello",), "lose-records": ("3",),
    "rate": ("60",), "advance": ("12d",), "step-wall": ("1h", "--back"), "clients": (),
    "environment": (),
}  # fmt: skip


def test_every_command_has_a_sample() -> None:
    """The table of commands and the samples below name the same commands."""
    assert set(_SAMPLES) == set(COMMANDS)


def _parse(line: list[str]) -> object:
    from simulator.simulate import _parser  # noqa: PLC0415 - only this helper looks inside

    return _parser().parse_args(line)


@pytest.mark.parametrize("name", sorted(_SAMPLES))
def test_every_command_leaves_a_world_that_can_be_read(server: Server, name: str) -> None:
    """Each command does something without failing, and what it leaves is a world."""
    arguments = _parse(["--world", str(server.directory), name, *_SAMPLES[name]])

    COMMANDS[name].do(server, arguments)  # type: ignore[arg-type] # argparse's own type

    assert set(server.file.read().gpus) == {0, 1}


_BMC_SAMPLES = {
    "start": (), "stop": (), "freeze": (), "thaw": (), "psu-lost": ("2",), "psu-failed": ("3",),
    "psu-failing": ("4",), "psu-gone": ("1",), "psu-good": ("1",), "fan": ("8", "0"),
    "inlet": ("40",), "set": ("PCIe Fatal", "0x10"), "code": ("FAN1", "0xd5"), "power": ("off",),
    "watts": ("7000",), "intrusion": (), "updating": ("on",), "heal": (),
    "sel": ("ECC Memory", "1", "--deasserted"), "sel-fill": ("3",), "sel-clear": (),
    "sel-drop": ("2",), "clock": ("--", "-3600"), "delay": ("5",), "sessions": (), "commands": (),
    "address": (), "environment": (),
}  # fmt: skip


def test_every_command_for_the_bmc_has_a_sample() -> None:
    """The table of commands and the samples above name the same commands."""
    assert set(_BMC_SAMPLES) == set(BMC_COMMANDS)


def test_every_command_for_the_bmc_leaves_one_that_can_be_started(make_bmc: MakeBmc) -> None:
    """Each does something without failing, one after the other, and what is left is a BMC."""
    bmc = make_bmc()

    for name, sample in _BMC_SAMPLES.items():
        arguments = _parse(["--world", "/nowhere", "bmc", name, *sample])
        bmc.thaw()
        BMC_COMMANDS[name].do(bmc, arguments)  # type: ignore[arg-type] # argparse's own type
        if name == "stop":
            bmc.start()

    bmc.restart()
    assert process.answers(bmc.port, 5)


def test_a_bmc_is_made_and_moved_from_the_command_line(make_bmc: MakeBmc, tmp_path: Path) -> None:
    """As a person does: create, make something happen, look, stop."""
    make_bmc()  # or skip where there can be none
    created = simulate(tmp_path, "bmc", "create")
    opened = IpmiBmc.open(tmp_path / "bmc")
    with ExitStack() as ending:
        ending.callback(opened.stop)
        lost = simulate(tmp_path, "bmc", "psu-lost", "2")
        wrong = simulate(tmp_path, "bmc", "inlets", "2")
        unknown = simulate(tmp_path, "bmc", "set", "Outlet Temp", "2")
        status = opened.value("PSU2 Status")
        stopped = simulate(tmp_path, "bmc", "stop")
        pid = opened.pid

    assert (created.returncode, lost.returncode, stopped.returncode) == (0, 0, 0)
    assert (wrong.returncode, unknown.returncode) == (2, 2)
    assert "no sensor 'Outlet Temp'" in unknown.stderr
    assert status == PRESENT | INPUT_LOST
    assert pid is None
