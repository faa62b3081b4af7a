"""The checks for a real GPU, run on the simulated driver: so they are right where a GPU is."""

import json
import os
import stat
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from gpuwatch.sources.nvml_signals import TABLE
from simulator.world import Server
from tests.support.agents import ROOT, clean_environment
from tests.support.gpu.cost import cost_table, event_set, polling_cost
from tests.support.gpu.effect import effect
from tests.support.gpu.endings import Way, ending
from tests.support.gpu.host import Host, absence, is_root
from tests.support.gpu.recordings import Recording, recorded
from tests.support.gpu.survey import survey, table
from tests.support.gpu.unprivileged import difference, survey_as_nobody
from tests.support.gpu.untouched import openings_of, traces
from tests.support.gpu.watching import watching
from tests.support.server import MakeServer, build_library

PRIVILEGED = {row.key for row in TABLE if row.privileged}
UUIDS = "gpuwatch_gpu_uuid"


@pytest.fixture
def server(make_server: MakeServer) -> Server:
    """Two GPUs."""
    return make_server(gpus=2)


@pytest.fixture
def open_server() -> Iterator[Server]:
    """A server that another user may use: pytest's own folders are closed to all others."""
    build_library()
    with tempfile.TemporaryDirectory() as place:
        Path(place).chmod(0o755)
        server = Server.create(Path(place) / "server", gpus=2)
        for path in (server.directory, *server.directory.rglob("*")):
            path.chmod(path.stat().st_mode | 0o666 | (0o111 if path.is_dir() else 0))
        yield server
        server.close()


def test_the_survey_asks_every_row_and_names_every_gap(server: Server) -> None:
    """The table has a line for every row; what cannot be told stands with its reason and code."""
    server.fail(1, "nvmlDeviceGetTemperature", 999)

    seen = survey(Host.simulated(server))

    text = table(seen)
    assert [set(gpu.answers) for gpu in seen.gpus] == [{row.key for row in TABLE}] * 2
    assert all(row.key in text for row in TABLE)
    assert "failed: nvmlDeviceGetTemperature(NVML_TEMPERATURE_GPU) (NVML error 999)" in text
    assert seen.counts().total() == 2 * len(TABLE)


def test_a_recording_has_no_identity_and_reads_back_as_it_was(server: Server) -> None:
    """Serials and UUIDs are gone wherever they stood; every answer else is the same."""
    seen = survey(Host.simulated(server))
    sections = {"events": {"text": f"of {seen.gpus[1].device['uuid']}"}}

    document = recorded(seen, sections, identity=False)

    text = json.dumps(document)
    identities = [
        gpu.device[name] for gpu in seen.gpus for name in ("uuid", "serial", "chassis_serial")
    ]
    assert [name for name in identities if name and name in text] == []
    assert [gpu["answers"]["gpuwatch_gpu_power_watts"] for gpu in document["gpus"]] == [
        gpu.answers["gpuwatch_gpu_power_watts"] for gpu in seen.gpus
    ]
    assert len({device.board.key for device in Recording(document).devices()}) == 2
    assert Recording(document).unknown == frozenset()


def test_a_serial_of_one_digit_spoils_no_number_of_a_recording(server: Server) -> None:
    """Some boards say "0": that text alone is replaced."""
    server.set(0, "serial", "0")
    seen = survey(Host.simulated(server))

    (first, _) = recorded(seen, {}, identity=False)["gpus"]

    assert first["device"]["serial"] == "0000000000001"
    assert first["device"]["pci"] == seen.gpus[0].device["pci"]


def test_a_recording_keeps_the_identity_where_that_is_wanted(server: Server) -> None:
    """Whoever asks for it gets the serials."""
    seen = survey(Host.simulated(server))

    document = recorded(seen, {}, identity=True)

    assert document["gpus"][0]["answers"][UUIDS] == seen.gpus[0].device["uuid"]


def test_the_cost_of_polling_names_the_slow_call(server: Server) -> None:
    """A call that takes long is the first of the slowest; every cadence has its cost."""
    server.delay(None, "nvmlDeviceGetPowerUsage", 0.02)

    cost = polling_cost(Host.simulated(server), sweeps=3)

    assert cost["slowest_calls"][0]["name"] == "nvmlDeviceGetPowerUsage"
    assert cost["cadences"].keys() == {"fast", "slow", "rare", "inventory"}
    assert cost["cadences"]["fast"]["wall_ms"] > 40 > cost["cadences"]["rare"]["wall_ms"]
    assert "nvmlDeviceGetPowerUsage" in cost_table(cost)
    assert len(cost["slowest_fields"]) == 10


def test_waiting_for_events_is_idle(server: Server) -> None:
    """Both GPUs register, and the child sleeps in the wait."""
    events = event_set(Host.simulated(server), wait_seconds=1.5)

    assert [code for _, code in events.registered.values()] == [0, 0]
    assert all(types for types, _ in events.registered.values())
    assert events.cpu_seconds < events.waited_seconds / 2


def test_nobody_is_denied_what_is_privileged(open_server: Server) -> None:
    """The survey as another user differs in the privileged rows, which are denied."""
    if not is_root():
        pytest.skip("missing: root, to become another user")
    host = Host.simulated(open_server)

    other = difference(survey(host), survey_as_nobody(host))

    assert other.denied
    assert set(other.denied) <= PRIVILEGED
    assert other.otherwise == ()


@pytest.mark.parametrize("way", list(Way))
def test_a_child_ends_in_a_poll_and_the_device_answers_on(server: Server, way: Way) -> None:
    """It was in a call, ended with status 0 and is gone; a fresh child reads both GPUs."""
    end = ending(Host.simulated(server), way)

    assert end.in_call.startswith("nvml")
    assert (end.status, end.gone, end.answered_after) == (0, True, True)


def test_a_child_that_polls_leaves_no_trace(server: Server) -> None:
    """The module is as it was, nobody refers to it any more, its loader was not run."""
    host = _with_loader(server)

    left = traces(host)

    assert (left.loader_watched, left.loader_run) == (True, False)
    assert left.load_before == left.load_after
    assert left.references == (0, 0, 0)


def test_a_loader_that_is_run_is_noticed(server: Server) -> None:
    """The kernel tells of it, whoever runs it and however short it is."""
    host = _with_loader(server)

    with openings_of(host.module_loader) as openings:
        before = openings.look()
        subprocess.run([host.module_loader], check=True)
        after = openings.look()

    assert (before, after) == (False, True)


def _with_loader(server: Server) -> Host:
    """The server as a host that has a module loader."""
    host = Host.simulated(server)
    host.module_loader.write_text("#!/bin/sh\n")
    host.module_loader.chmod(stat.S_IRWXU)
    return host


def test_the_agent_is_watched_on_a_driver(server: Server, tmp_path: Path) -> None:
    """A verdict for the host and both GPUs, metrics that parse, memory told by process."""
    watched = watching(_with_loader(server), tmp_path / "agent", seconds=1.0)

    assert watched.host_verdict == "healthy"
    assert sorted(watched.verdicts.values()) == ["healthy", "healthy"]
    assert watched.sources == {"nvml": "up", "kernel_log": "up"}
    assert watched.unexplained == ()
    assert watched.incidents == 0
    assert (watched.exit_status, watched.loader_run) == (0, False)
    assert watched.series > watched.families > 50
    assert set(watched.memory_mib) == {
        "agent",
        "gpuwatch.sources.nvml",
        "gpuwatch.sources.kernel_log",
    }


def test_the_effect_on_work_is_measured_in_turns(server: Server) -> None:
    """A workload's throughput is told without and with polling, alternately."""
    work = (
        "import json, time\n"
        "while True:\n"
        "    time.sleep(0.05)\n"
        "    print(json.dumps({'products': 7, 'seconds': 0.05}), flush=True)\n"
    )

    seen = effect(Host.simulated(server), [sys.executable, "-c", work], phase_seconds=0.5, rounds=2)

    assert (len(seen.without), len(seen.polled)) == (2, 2)
    assert seen.ratio == pytest.approx(1.0)
    assert seen.polls >= 2


def test_a_host_without_a_driver_is_told_in_one_sentence(server: Server) -> None:
    """The module, the library and the GPUs: the first that is missing is named."""
    host = Host.simulated(server)
    whole = absence(host)
    server.uninstall_library()
    library = absence(host)
    server.unload()
    module = absence(host)

    assert whole == ""
    assert "NVML could not load" in library
    assert module == (
        "make gpu-check needs an NVIDIA GPU with its driver loaded: "
        f"{server.sysfs}/module/nvidia is not there (load the driver first)"
    )


def test_the_check_fails_clearly_where_there_is_no_gpu() -> None:
    """One sentence on standard error and status 1, as `make` shows it."""
    if os.path.isdir("/sys/module/nvidia"):  # noqa: PTH112 - the machine's own
        pytest.skip("this machine has a driver: make gpu-check runs here")

    done = subprocess.run(
        [sys.executable, "-m", "tests.support.gpu.host"],
        cwd=ROOT,
        env=clean_environment(),
        capture_output=True,
        check=False,
        text=True,
    )

    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == (
        "make gpu-check needs an NVIDIA GPU with its driver loaded: "
        "/sys/module/nvidia is not there (load the driver first)\n"
    )
