"""The units in a real systemd: start, watchdog, reload, stop, crash, credentials, upgrade."""

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.agents import eventually
from tests.support.booted import Booted, booted
from tests.support.server import servers
from tests.support.unkillable import unkillable

pytestmark = [pytest.mark.xdist_group("systemd"), pytest.mark.timeout(600)]

SECRET = "a-planted-secret-81"
NVML = "gpuwatch.sources.nvml"
SRAM = 'gpuwatch_gpu_sram_unique_uncorrected_addresses{gpu="1",protection="parity"'
INCIDENTS = 'gpuwatch_gpu_incidents_total{gpu="0"'
BMC = f"""
[bmc.rack]
protocol = "redfish"
address = "127.0.0.1:1"
user = "watch"
credential = "bmc-password"
fingerprint = "{"ab" * 32}"
interval = "10s"
"""


@pytest.fixture(scope="module")
def system(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Booted]:
    """One system for all of these: they leave the service as they like, and it is reset."""
    with servers(tmp_path_factory.mktemp("systemd")) as make, booted(make(gpus=2)) as running:
        yield running


@pytest.fixture
def service(system: Booted) -> Booted:
    """The same, with the agent started and ready."""
    system.write("/etc/gpuwatch/gpuwatch.toml", "")
    system.run("systemctl", "reset-failed")
    system.run("systemctl", "start", "gpuwatch.service")
    return system


def _main(system: Booted) -> int:
    return int(system.shows("MainPID"))


def _started_anew(system: Booted, before: int) -> int:
    def look() -> int:
        pid = _main(system)
        active = system.shows("ActiveState") == "active"
        return pid if active and pid not in (0, before) else 0

    return eventually(look, "the agent was started anew")


def _sources(system: Booted) -> dict[str, dict[str, object]]:
    told = system.get("/api/v1/status")
    return {one["name"]: one for one in json.loads(told)["sources"]} if told else {}


def _metrics(system: Booted, beginning: str) -> list[float]:
    lines = system.get("/metrics").splitlines()
    return [float(line.split()[-1]) for line in lines if line.startswith(beginning)]


def test_the_start_ends_when_the_gpus_have_been_read(service: Booted) -> None:
    """`systemctl start` returns with metrics there, and the status says what it does."""
    present = _metrics(service, "gpuwatch_gpu_present{")

    assert present == [1.0, 1.0]
    assert 'rack="r7"' in service.get("/metrics")
    assert service.shows("StatusText") == "watching 2 GPUs, host healthy"


def test_a_user_without_rights_reads_the_kernel_log(service: Booted) -> None:
    """With CAP_SYSLOG, also where dmesg is restricted; nothing of the service is root's."""
    up = eventually(lambda: _sources(service).get("kernel_log", {}).get("up"), "it is read")

    owners = service.run("ps", "-o", "user=", "-p", ",".join(map(str, service.processes())))
    assert up
    assert set(owners.split()) == {"gpuwatch"}


def test_root_hands_over_what_the_driver_denies_to_the_agent(service: Booted) -> None:
    """A gap before, a value afterwards, and a source that tells how old it is."""
    service.server.uncorrectable(1, memory="sram")
    before = _metrics(service, SRAM)

    service.run("systemctl", "start", "gpuwatch-sram.service")

    assert before == []
    assert eventually(lambda: _metrics(service, SRAM), "it is told") == [1.0]
    assert _sources(service)["sram"]["fresh"]


def test_the_one_who_asks_as_root_keeps_away_from_a_driver_that_is_let_go_of(
    service: Booted,
) -> None:
    """Somebody resets a GPU or changes the driver."""
    service.run("gpuwatch", "release", "--reason", "reset")
    stamp = "/run/gpuwatch-sram/counts.json"
    service.run("rm", "-f", stamp)

    service.run("systemctl", "start", "gpuwatch-sram.service")

    there = service.attempt("test", "-e", stamp).returncode == 0
    service.run("gpuwatch", "resume")
    assert not there


def test_a_loop_that_stands_still_is_ended_and_started_anew(service: Booted) -> None:
    """Stopped by a signal it feeds no watchdog, and does not even act on SIGABRT."""
    before = _main(service)

    service.run("kill", "-STOP", str(before))

    assert _started_anew(service, before)
    assert service.shows("NRestarts") != "0"
    assert "Watchdog timeout" in service.journal()


def test_a_crash_tells_where_every_thread_was_and_is_started_anew(service: Booted) -> None:
    """The watchdog's own signal; children of the old agent do not stay."""
    before, child = _main(service), service.child(NVML)

    service.run("kill", "-ABRT", str(before))

    _started_anew(service, before)
    assert child not in service.processes()
    assert "Fatal Python error: Aborted" in service.journal()
    assert 'File "/opt/src/gpuwatch/agent/core.py"' in service.journal()


def test_a_reload_takes_the_configuration_up_again(service: Booted) -> None:
    """In the same process; one that is refused keeps the old one."""
    before = _main(service)
    service.write("/etc/gpuwatch/gpuwatch.toml", '[host]\nsite = "north"\n')

    service.run("systemctl", "reload", "gpuwatch.service")

    eventually(lambda: 'site="north"' in service.get("/metrics"), "it is taken up")
    service.write("/etc/gpuwatch/gpuwatch.toml", "[host\n")
    service.run("systemctl", "reload", "gpuwatch.service")
    eventually(lambda: "reload-refused" in service.journal(), "it is refused")
    assert _main(service) == before
    assert service.shows("ActiveState") == "active"


def test_a_child_that_cannot_be_ended_holds_neither_stop_nor_port(
    service: Booted, tmp_path: Path
) -> None:
    """It sits in the driver; SIGKILL waits with it. The next agent listens and watches."""
    child, before = service.child(NVML), _main(service)
    outside = service.outside(child)
    with unkillable(tmp_path / "silent") as place:
        Path(place.spec["path"]).write_text(str(outside))

        service.run("systemctl", "restart", "gpuwatch.service")

        after = _main(service)
        present = eventually(lambda: _metrics(service, "gpuwatch_gpu_present{"), "it listens")
        left = service.processes()
        place.let_go()
    assert after not in (0, before)
    assert present == [1.0, 1.0]
    assert child in left


def test_memory_that_runs_out_takes_a_child_and_not_the_service(service: Booted) -> None:
    """The kernel takes who has the higher score, and systemd does not end the rest for it."""
    pids = (_main(service), service.child(NVML))

    scores = [service.run("cat", f"/proc/{pid}/oom_score_adj").strip() for pid in pids]

    assert service.shows("OOMPolicy") == "continue"
    assert scores == ["300", "700"]


def test_a_password_is_the_childs_alone(service: Booted) -> None:
    """Read from the credential, and in no environment, command line, log or page."""
    service.write("/etc/gpuwatch/secrets/bmc-password", SECRET, "600")
    service.write("/etc/gpuwatch/gpuwatch.toml", BMC)

    service.run("systemctl", "restart", "gpuwatch.service")

    problem = eventually(lambda: _sources(service)["bmc.rack"]["problem"], "it was tried")
    places = [f"/proc/{pid}" for pid in service.processes()]
    seen = "".join(service.run("cat", f"{at}/environ", f"{at}/cmdline") for at in places)
    kept = service.run("cat", "/run/credentials/gpuwatch.service/bmc-password")
    assert "credential" not in str(problem)
    assert kept == SECRET
    assert "CREDENTIALS_DIRECTORY" in seen
    assert SECRET not in seen + service.journal() + service.get("/api/v1/bmcs") + service.get("/")


def test_a_missing_password_is_told_and_its_stand_in_never_sent(service: Booted) -> None:
    """The service starts all the same."""
    service.run("rm", "-f", "/etc/gpuwatch/secrets/bmc-password")
    service.write("/etc/gpuwatch/gpuwatch.toml", BMC)

    service.run("systemctl", "restart", "gpuwatch.service")

    problem = eventually(lambda: _sources(service)["bmc.rack"]["problem"], "it is told")
    assert "credential bmc-password has no secret" in str(problem)


def test_no_process_but_the_agent_hears_of_the_notify_socket(service: Booted) -> None:
    """A child that fed the watchdog would hide that the agent hangs."""
    child = service.child(NVML)

    environment = service.run("cat", f"/proc/{child}/environ")

    assert "NOTIFY_SOCKET" not in environment
    assert "WATCHDOG" not in environment


def test_a_host_without_a_driver_is_ready_and_sees_it_come(service: Booted) -> None:
    """Nobody restarts anything: the devices are allowed by number."""
    service.run("systemctl", "stop", "gpuwatch.service")
    service.server.unload()
    service.run("systemctl", "start", "gpuwatch.service")
    said = service.shows("StatusText")

    service.server.load()

    fresh = eventually(lambda: _sources(service)["nvml"]["fresh"], "the GPUs are read")
    assert "no driver is loaded" in said
    assert fresh


def test_a_refused_configuration_is_not_tried_for_ever(service: Booted) -> None:
    """It fails once, and says what is wrong."""
    service.run("systemctl", "stop", "gpuwatch.service")
    service.write("/etc/gpuwatch/gpuwatch.toml", "[host]\nsites = 5\n")

    started = service.attempt("systemctl", "start", "gpuwatch.service")

    assert started.returncode
    assert (service.shows("ActiveState"), service.shows("ExecMainStatus")) == ("failed", "78")
    assert "host.sites" in service.journal()


def test_the_doctor_knows_the_unit(service: Booted) -> None:
    """While it runs, and when it was refused; its archive has the log and the files of the unit."""
    well = _doctor(service)
    service.attempt("gpuwatch", "doctor", "--bundle", "/root/b.tar.gz", "--force")
    bundled = service.run(
        "tar", "-xzOf", "/root/b.tar.gz", "--wildcards", "*/log.txt", "*/units.txt"
    )
    service.run("systemctl", "stop", "gpuwatch.service")
    service.write("/etc/gpuwatch/gpuwatch.toml", "[host]\nsites = 5\n")
    tried = service.attempt("systemctl", "start", "gpuwatch.service")
    refused = _doctor(service)

    states = {name: one["state"] for name, one in well.items()}
    assert {states[name] for name in ("agent", "access", "gpus", "history", "kernel-log")} == {"ok"}
    assert well["unit"]["found"].startswith("active (running)")
    assert "CapabilityBoundingSet=CAP_SYSLOG" in bundled
    assert "started" in bundled
    assert tried.returncode
    assert refused["settings"]["state"] == "problem"
    assert refused["agent"]["state"] == "problem", refused["agent"]
    assert "status 78" in refused["agent"]["found"]
    assert "gpuwatch check-config" in refused["agent"]["remedy"]
    assert refused["history"]["state"] == "ok"


def _doctor(system: Booted) -> dict[str, dict[str, str]]:
    told = json.loads(system.attempt("gpuwatch", "doctor", "--json").stdout)
    return {one["name"]: one for one in told["checks"]}


def test_the_group_may_leave_a_maintenance_file(service: Booted) -> None:
    """It holds until its time is over, also when the agent is stopped in between."""
    mode = service.run("stat", "--format=%a %U %G", "/run/gpuwatch/maintenance.d").split()
    service.run("gpuwatch", "maintenance", "begin", "host", "--for", "1h", "--reason", "swap")

    service.run("systemctl", "stop", "gpuwatch.service")
    service.run("systemctl", "start", "gpuwatch.service")

    told = json.loads(service.get("/api/v1/status"))["maintenance"]
    service.run("gpuwatch", "maintenance", "end", told[0]["identity"])
    assert mode == ["770", "gpuwatch", "gpuwatch"]
    assert [work["reason"] for work in told] == ["swap"]


def test_a_new_version_goes_on_with_the_history_of_the_old_one(service: Booted) -> None:
    """The files are replaced, the service restarted; what happened is remembered."""
    service.server.uncorrectable(0)
    eventually(lambda: sum(_metrics(service, INCIDENTS)), "an incident")
    service.run("cp", "-r", "/opt/src", "/opt/newer")
    module = "/opt/newer/gpuwatch/__init__.py"
    text = service.run("cat", module)
    service.write(module, re.sub(r'__version__ = ".*"', '__version__ = "99.1"', text))
    service.use("/opt/newer")

    service.run("systemctl", "restart", "gpuwatch.service")

    incidents = sum(_metrics(service, INCIDENTS))
    version = service.get("/metrics")
    service.use("/opt/src")
    service.run("systemctl", "restart", "gpuwatch.service")
    assert "gpuwatch_build_info{rules=" in version
    assert 'version="99.1"' in version
    assert incidents == 1.0


def test_the_clocks_state_is_told_by_who_keeps_it_or_where_a_drop_in_allows_it(
    service: Booted,
) -> None:
    """Without either there is none: unknown, and neither well nor ill."""
    before = _metrics(service, "gpuwatch_clock_synchronized")
    stamp = "/run/systemd/timesync"
    service.run("mkdir", stamp)
    service.run("touch", f"{stamp}/synchronized")
    service.run("systemctl", "restart", "gpuwatch.service")
    told = _metrics(service, "gpuwatch_clock_synchronized")
    service.run("rm", "-r", stamp)
    place = "/etc/systemd/system/gpuwatch.service.d/20-clock.conf"
    service.run("install", "--mode=644", "/opt/units/20-clock.conf", place)
    service.run("systemctl", "daemon-reload")

    service.run("systemctl", "restart", "gpuwatch.service")

    after = _metrics(service, "gpuwatch_clock_synchronized")
    service.run("rm", place)
    service.run("systemctl", "daemon-reload")
    assert before == []
    assert told == [1.0]
    assert after in ([0.0], [1.0])


def test_a_stop_ends_everything(service: Booted) -> None:
    """No process stays, no failure is left, and the state is there for the next start."""
    service.run("systemctl", "stop", "gpuwatch.service")

    assert service.shows("Result") == "success"
    assert service.processes() == {}
    assert service.attempt("test", "-s", "/var/lib/gpuwatch/history.db").returncode == 0
