"""The doctor's looks, each at real files in a root of their own: well, a problem, not known."""

import grp
import pwd
import re
import socket
import sqlite3
from collections.abc import Callable, Iterable
from dataclasses import asdict, replace
from pathlib import Path
from shutil import copyfile

import pytest

from gpuwatch import __version__
from gpuwatch.cli.doctor.answers import Answer, State
from gpuwatch.cli.doctor.devices import look_at_devices, look_at_holders
from gpuwatch.cli.doctor.driver import look_at_gpus
from gpuwatch.cli.doctor.itself import (
    look_at_access,
    look_at_agent,
    look_at_children,
    look_at_settings,
    look_at_unit,
)
from gpuwatch.cli.doctor.lines import lines_of
from gpuwatch.cli.doctor.memory import look_at_backups, look_at_disk, look_at_history
from gpuwatch.cli.doctor.outside import look_at_bmcs, look_at_kernel_log
from gpuwatch.cli.doctor.readers import (
    listening,
    look_at_clock,
    look_at_port,
    look_at_prometheus,
)
from gpuwatch.cli.doctor.scene import Scene, Silence, Silent
from gpuwatch.cli.doctor.table import worded_for
from gpuwatch.config.layers import Problem
from gpuwatch.config.loading import Setting, load
from gpuwatch.domain.snapshot import BackupState, Snapshot, SourceState, WebState
from gpuwatch.history.migrations import MIGRATIONS
from gpuwatch.sources.base import DriverCondition
from tests.support.doctors import (
    AGENT_PID,
    function,
    healthy,
    module,
    process,
    scene,
    told,
)
from tests.support.golden import assert_golden
from tests.support.histories import Bench
from tests.support.snapshots import AT, rich_snapshot

Look = Callable[[Scene], Iterable[Answer]]
TOLD: tuple[Look, ...] = (
    look_at_settings,
    look_at_agent,
    look_at_unit,
    look_at_access,
    look_at_children,
    look_at_gpus,
    look_at_devices,
    look_at_holders,
    look_at_kernel_log,
    look_at_bmcs,
    look_at_history,
    look_at_backups,
    look_at_clock,
    look_at_port,
    look_at_prometheus,
)


_WINDOW = '[[windows]]\nname = "w"\ncron = "0 2 * * 0"\nduration = "4h"\nzone = "UTC"\n'
_OF_SYSTEMD = r"systemctl|journalctl"
_HOOK = '[hooks.ticket]\ncommand = ["/bin/true"]\n'


def _one(look: Look, place: Scene) -> Answer:
    (answer,) = look(place)
    return answer


def _stands(look: Look, place: Scene) -> tuple[State, str]:
    answer = _one(look, place)
    return answer.state, answer.found


def _history(root: Path) -> Path:
    path = root / "var/lib/gpuwatch/history.db"
    Bench.open(path, boards=1).history.close()
    path.chmod(0o640)
    return path


def _told(snapshot: Snapshot, root: Path, *options: str, **changes: object) -> str:
    """Without what differs from one root, release of gpuwatch or release of SQLite to the next."""
    path = root / "var/lib/gpuwatch/history.db"
    place = scene(root, told(snapshot, history=str(path), **changes), *options)
    hidden = ((str(root), ""), (__version__, "VERSION"), (MIGRATIONS[-1].name, "LATEST"))
    lines = lines_of(
        (_hiding(answer, hidden) for look in TOLD for answer in look(place)), "HOST", AT
    )
    return "\n".join(lines[1:]) + "\n"


def _hiding(answer: Answer, hidden: Iterable[tuple[str, str]]) -> Answer:
    found = re.sub(r"\b\d+ KiB", "N KiB", answer.found)
    for text, instead in hidden:
        found = found.replace(text, instead)
    return replace(answer, found=found)


def test_what_a_well_host_tells_is_golden(tmp_path: Path) -> None:
    """Every line is ok."""
    module(tmp_path)
    path = _history(tmp_path)

    text = _told(healthy(), tmp_path, uid=path.stat().st_uid)

    assert "PROBLEM" not in text
    assert ", 0 problems, 0 unknown" in text
    assert_golden("cli_doctor_well.txt", text)


def test_what_a_host_in_trouble_tells_is_golden(tmp_path: Path) -> None:
    """With the way out of each."""
    module(tmp_path)

    options = _bmc_options(tmp_path)[:8]

    text = _told(rich_snapshot(), tmp_path, *options, version="0.0.1", scrapes=[])

    assert_golden("cli_doctor_troubles.txt", text)


# The settings.


def test_refused_settings_are_told_with_the_first_problems(tmp_path: Path) -> None:
    """And how many more there are."""
    problems = tuple(Problem(f"f{n}", "nvml.fast", "", "is wrong (mend it)") for n in range(5))
    place = scene(tmp_path)

    state, found = _stands(
        look_at_settings, replace(place, read=replace(place.read, problems=problems))
    )

    assert state is State.PROBLEM
    assert found.startswith("refused: f0: nvml.fast is wrong")
    assert found.endswith("; and 2 other problems")


@pytest.mark.parametrize(
    ("key", "there", "expected"),
    [
        ("log.level", "file", "sudo systemctl reload gpuwatch"),
        ("nvml.fast", "file", "sudo systemctl restart gpuwatch"),
        ("nvml.fast", "variable GPUWATCH_NVML__FAST", ""),
    ],
)
def test_files_that_were_changed_since_are_told(
    tmp_path: Path, key: str, there: str, expected: str
) -> None:
    """What the agent was told otherwise, say in its unit, is nobody's mistake."""
    here = Setting(key, "other", "file")
    settings = [{"key": key, "value": "one", "origin": there}]
    place = scene(tmp_path, told(healthy(), settings=settings, files=["file"]))
    read = replace(place.read, files=("file",), effective=(here,))

    answer = _one(look_at_settings, replace(place, read=read))

    assert (answer.state is State.OK, answer.remedy) == (not expected, expected)


@pytest.mark.parametrize(
    ("before", "after"),
    [("", _WINDOW), (_WINDOW, ""), ("", _HOOK), (_HOOK, "")],
    ids=["window-added", "window-removed", "hook-added", "hook-removed"],
)
def test_a_section_that_was_added_or_removed_since_is_told(
    tmp_path: Path, before: str, after: str
) -> None:
    """A window, a hook, a calendar or a BMC has its keys on one side only."""
    path = tmp_path / "gpuwatch.toml"
    path.write_text(before)
    there = [asdict(one) for one in load(file=path, environment={}).effective()]
    path.write_text(after)
    here = load(file=path, environment={}).effective()
    place = scene(tmp_path, told(healthy(), settings=there, files=[str(path)]))

    answer = _one(
        look_at_settings,
        replace(place, read=replace(place.read, files=(str(path),), effective=here)),
    )

    assert answer.state is State.PROBLEM
    assert "has not read them again" in answer.found


@pytest.mark.parametrize(
    ("uid", "others", "state", "words"),
    [
        (0, (), State.PROBLEM, "refused: f: web.config_file"),
        (1_000, (), State.UNKNOWN, "not for this user to read: f: web.config_file"),
        (1_000, (Problem("g", "nvml.fast", "", "is wrong"),), State.PROBLEM, "refused: g: nvml"),
    ],
)
def test_a_file_that_this_user_may_not_read_is_not_refused(
    tmp_path: Path, uid: int, others: tuple[Problem, ...], state: State, words: str
) -> None:
    """The agent may read it."""
    closed = Problem("f", "web.config_file", "", "cannot be read: Permission denied (is it?)")
    place = scene(tmp_path, uid=uid)

    told_state, found = _stands(
        look_at_settings, replace(place, read=replace(place.read, problems=(closed, *others)))
    )

    assert told_state is state
    assert found.startswith(words)


def test_an_agent_with_other_files_is_not_judged_by_these(tmp_path: Path) -> None:
    """Whoever asks is told which to name."""
    answer = _one(look_at_settings, scene(tmp_path, told(healthy(), files=["/x/gpuwatch.toml"])))

    assert answer.state is State.UNKNOWN
    assert answer.remedy == "gpuwatch doctor --config /x/gpuwatch.toml"


# The agent.


@pytest.mark.parametrize(
    ("silent", "state", "words"),
    [
        (Silent(Silence.ABSENT, "no agent listens", "start it"), State.PROBLEM, "no agent listens"),
        (Silent(Silence.LATE, "no answer in 10 s", "see its log"), State.PROBLEM, "no answer"),
        (Silent(Silence.DENIED, "permission denied", "use sudo"), State.UNKNOWN, "see access"),
    ],
)
def test_why_no_agent_answers_is_told(
    tmp_path: Path, silent: Silent, state: State, words: str
) -> None:
    """One that hangs is not one that is not there."""
    told_state, found = _stands(look_at_agent, scene(tmp_path, silent=silent))

    assert told_state is state
    assert words in found


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"heartbeat_seconds": 95.0}, "has not moved for 95 s"),
        ({"version": "0.0.1"}, "installed is"),
        ({"failures": {"sweep": 3}}, "sweep 3"),
    ],
)
def test_an_agent_that_answers_may_be_sick(
    tmp_path: Path, changes: dict[str, object], words: str
) -> None:
    """Its loop, its version, and what it could not do."""
    state, found = _stands(look_at_agent, scene(tmp_path, told(healthy(), **changes)))

    assert state is State.PROBLEM
    assert words in found


def test_who_may_not_ask_is_told_how_to(tmp_path: Path) -> None:
    """By the group of the socket."""
    denied = Silent(Silence.DENIED, "control.sock: permission denied", "use sudo")

    answer = _one(look_at_access, scene(tmp_path, silent=denied, uid=1))

    assert answer.state is State.PROBLEM
    assert "usermod -aG gpuwatch" in answer.remedy


@pytest.mark.parametrize(
    ("uid", "words"), [(0, "may ask and change things"), (1, "may ask, but change nothing")]
)
def test_what_a_user_may_do_is_told(tmp_path: Path, uid: int, words: str) -> None:
    """As the agent will decide it."""
    assert words in _one(look_at_access, scene(tmp_path, told(healthy()), uid=uid)).found


def test_a_user_whose_own_group_it_is_may_change_things(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Such a one is no member by the file of groups, and is one to the agent."""
    own = pwd.getpwuid(1).pw_gid
    entry = grp.struct_group(("gpuwatch", "x", own, []))
    monkeypatch.setattr("gpuwatch.cli.doctor.itself.grp.getgrnam", lambda _name: entry)

    answer = _one(look_at_access, scene(tmp_path, told(healthy()), uid=1))

    assert "may ask and change things" in answer.found


def test_a_child_that_no_signal_ends_is_told(tmp_path: Path) -> None:
    """By the agent; without one what hangs may be one of its children, or not."""
    wedged = SourceState(name="nvml", up=False, fresh=False, unkillable=2)
    running = scene(tmp_path, told(replace(healthy(), sources=(wedged,))))
    process(tmp_path, 77, "python3", state="D")
    process(tmp_path, 78, "python3", state="D", parent=77)

    assert _stands(look_at_children, running)[0] is State.PROBLEM
    state, found = _stands(look_at_children, scene(tmp_path))
    assert state is State.UNKNOWN
    assert found.endswith("process 77")


# The driver.


@pytest.mark.parametrize(
    ("condition", "at"),
    [
        (DriverCondition.NOT_LOADED, "driver"),
        (DriverCondition.HUNG, "driver"),
        (DriverCondition.LIBRARY_MISSING, "library"),
        (DriverCondition.MISMATCH, "library"),
        (DriverCondition.FAILED, "library"),
    ],
)
def test_what_is_amiss_with_the_driver_stands_in_its_line(
    tmp_path: Path, condition: str, at: str
) -> None:
    """What follows from it is not known, and not one more problem."""
    module(tmp_path)
    driver = {"condition": condition, "text": "amiss", "driver_version": "", "library_version": ""}

    answers = look_at_gpus(scene(tmp_path, told(healthy(), driver=driver)))

    assert [one.name for one in answers if one.state is State.PROBLEM] == [at]


def test_a_driver_that_was_let_go_of_is_not_judged(tmp_path: Path) -> None:
    """Somebody works on it."""
    released = SourceState(
        name="nvml", up=False, fresh=False, released=True, released_reason="upgrade"
    )

    answers = tuple(look_at_gpus(scene(tmp_path, told(replace(healthy(), sources=(released,))))))

    assert {one.state for one in answers} == {State.UNKNOWN}
    assert answers[0].found == "let go of: upgrade"


def test_nobody_takes_the_driver_up_that_was_let_go_of(tmp_path: Path) -> None:
    """Also while no agent runs: under an upgrade nothing is asked."""
    work = tmp_path / "run/gpuwatch/maintenance.d"
    work.mkdir(parents=True)
    until = "2030-01-01T00:00:00Z"
    (work / "chg-1.json").write_text(
        f'{{"scope": "host", "until": "{until}", "reason": "driver", "release": true}}'
    )

    place = scene(tmp_path, None, f"agent.runtime_directory={tmp_path}/run/gpuwatch")
    answers = tuple(look_at_gpus(place))

    assert {one.state for one in answers} == {State.UNKNOWN}
    assert "chg-1" in answers[0].found


def test_gpus_that_all_are_handed_to_virtual_machines_are_nothing_amiss(tmp_path: Path) -> None:
    """Nobody asks them, and the driver knows none."""
    gpus = tuple(replace(one, managed=False) for one in healthy().gpus)
    place = scene(tmp_path, told(replace(healthy(), gpus=gpus)))

    found = {one.name: (one.state, one.found) for one in look_at_gpus(place)}

    held = "2 GPUs, held by another driver (vfio): none is asked"
    assert (found["gpus"], found["signals"]) == ((State.OK, held), (State.OK, held))


def test_gpus_that_are_missing_are_counted(tmp_path: Path) -> None:
    """Against what the settings expect."""
    place = scene(tmp_path, told(healthy()), "nvml.expected_gpus=8")

    (answer,) = (one for one in look_at_gpus(place) if one.name == "gpus")

    assert (answer.state, answer.found) == (State.PROBLEM, "2 of 2 GPUs present, 8 expected")


@pytest.mark.parametrize(
    ("mode", "names", "uid", "expected"),
    [
        (
            0o666,
            "nvidiactl nvidia0",
            990,
            (State.OK, "2 are there, and the agent's user may open them"),
        ),
        (
            0o660,
            "nvidiactl nvidia0",
            990,
            (State.PROBLEM, "the agent's user may not open /dev/nvidiactl (mode 660)"),
        ),
        (
            0o660,
            "nvidiactl nvidia0",
            0,
            (State.OK, "2 are there, and the agent's user may open them"),
        ),
        (0o666, "nvidiactl", 990, (State.PROBLEM, "not there: /dev/nvidia0")),
    ],
)
def test_device_files_are_for_the_agents_user(
    tmp_path: Path, mode: int, names: str, uid: int, expected: tuple[State, str]
) -> None:
    """Which is rarely who asks."""
    module(tmp_path)
    function(tmp_path, "0000:01:00.0")
    down = replace(healthy(), sources=(SourceState(name="nvml", up=False, fresh=False),))
    place = scene(tmp_path, told(down, uid=uid))
    for name in names.split():
        (tmp_path / "dev" / name).touch()
        (tmp_path / "dev" / name).chmod(mode)

    assert _stands(look_at_devices, place) == expected


def test_without_a_driver_no_device_file_is_missed(tmp_path: Path) -> None:
    """They come with it."""
    assert _stands(look_at_devices, scene(tmp_path))[0] is State.UNKNOWN


def test_who_else_holds_the_driver_is_told(tmp_path: Path) -> None:
    """Without the agent's own children."""
    place = scene(tmp_path, told(healthy()))
    process(tmp_path, AGENT_PID, "gpuwatch")
    for pid, name, parent in ((4_300, "python3", AGENT_PID), (5_000, "train llm", 1)):
        home = process(tmp_path, pid, name, parent=parent)
        (home / "fd" / "3").symlink_to("/dev/nvidia0")
    (process(tmp_path, 5_001, "bash") / "fd" / "0").symlink_to("/dev/pts/0")

    answer = _one(look_at_holders, place)

    assert (answer.state, answer.found) == (State.OK, "1 other process: train llm (5000)")


def test_a_container_does_not_see_who_holds_the_driver(tmp_path: Path) -> None:
    """And does not say that nobody does."""
    place = scene(tmp_path)
    (tmp_path / "proc/self/ns").mkdir(parents=True)
    (tmp_path / "proc/self/ns/pid").symlink_to("pid:[4026532000]")

    assert _stands(look_at_holders, place)[0] is State.UNKNOWN


def test_settings_that_ask_gpus_and_an_agent_that_does_not(tmp_path: Path) -> None:
    """It was started by others."""
    place = scene(tmp_path, told(replace(healthy(), sources=()), driver=None))

    assert {one.state for one in look_at_gpus(place)} == {State.PROBLEM}


# The kernel log and BMCs.


@pytest.mark.parametrize(
    ("state", "expected", "words"),
    [
        (SourceState(name="kernel_log", up=True, fresh=True), State.OK, "nothing lost"),
        (
            SourceState(
                name="kernel_log", up=False, fresh=False, problem="denied (give CAP_SYSLOG)"
            ),
            State.PROBLEM,
            "denied",
        ),
        (SourceState(name="nvml", up=True, fresh=True), State.PROBLEM, "without reading it"),
    ],
)
def test_the_kernel_log_is_as_the_agent_has_it(
    tmp_path: Path, state: SourceState, expected: State, words: str
) -> None:
    """Where Xids are."""
    place = scene(tmp_path, told(replace(healthy(), sources=(state,))))

    told_state, found = _stands(look_at_kernel_log, place)

    assert told_state is expected
    assert words in found


@pytest.mark.parametrize(("there", "expected"), [(True, State.OK), (False, State.PROBLEM)])
def test_without_an_agent_the_kernel_log_is_tried(
    tmp_path: Path, there: bool, expected: State
) -> None:
    """By the agent's own child."""
    path = tmp_path / "kmsg"
    if there:
        path.write_text("6,1,100,-;NVRM: loading\n")

    answer = _one(look_at_kernel_log, scene(tmp_path, None, f"kernel_log.path={path}"))

    assert answer.state is expected


def test_bmcs_are_as_the_agent_has_them(tmp_path: Path) -> None:
    """Each with the way out of its trouble; one that is new in the settings is not asked yet."""
    place = scene(tmp_path, told(rich_snapshot()), *_bmc_options(tmp_path))

    answers = {one.name: one for one in look_at_bmcs(place)}

    assert answers["bmc.main"].state is State.OK
    assert answers["bmc.node-18"].state is State.PROBLEM
    assert answers["bmc.new"].found == "the agent was started without it"


def _bmc_options(root: Path) -> tuple[str, ...]:
    names = ("main", "node-18", "new")
    return tuple(
        option
        for number, name in enumerate(names)
        for option in (
            f"bmc.{name}.protocol=redfish",
            f"bmc.{name}.address=127.0.0.1:{number + 1}",
            f"bmc.{name}.user=watch",
            f"bmc.{name}.password_file={root}/secret",
        )
    )


def test_without_an_agent_a_bmc_is_asked_once(tmp_path: Path) -> None:
    """As the agent would: one that is dead is a problem, a password for others is not known."""
    (tmp_path / "secret").write_text("hunter2-needle\n")
    (tmp_path / "secret").chmod(0o600)
    place = scene(tmp_path, None, *_bmc_options(tmp_path)[:4])

    asked = _one(look_at_bmcs, place)
    other = _one(look_at_bmcs, replace(place, uid=1_000))

    assert (asked.name, asked.state) == ("bmc.main", State.PROBLEM)
    assert "unreachable" in asked.found
    assert "hunter2-needle" not in asked.found + asked.remedy
    assert other.state is State.UNKNOWN


def test_a_bmc_in_band_needs_its_device(tmp_path: Path) -> None:
    """Who may not open it does not know more."""
    place = scene(tmp_path, None, "bmc.host.protocol=ipmi-local")

    gone = _stands(look_at_bmcs, place)
    (tmp_path / "dev/ipmi0").touch()
    (tmp_path / "dev/ipmi0").chmod(0o666)
    there = _stands(look_at_bmcs, replace(place, uid=1_000))

    assert gone == (State.PROBLEM, "/dev/ipmi0 is not there")
    assert there == (State.UNKNOWN, "/dev/ipmi0 is for root to ask")


# The history.


def test_a_history_is_read_without_a_trace(tmp_path: Path) -> None:
    """Nothing is made beside it: its owner could not open what root has made."""
    path = _history(tmp_path)
    before = sorted((one.name, one.stat().st_mtime_ns) for one in path.parent.iterdir())

    state, found = _stands(look_at_history, scene(tmp_path))

    assert sorted((one.name, one.stat().st_mtime_ns) for one in path.parent.iterdir()) == before
    assert (state, "whole" in found) == (State.OK, True)


@pytest.mark.parametrize(
    ("harm", "state", "words"),
    [
        (lambda path: path.unlink(), State.UNKNOWN, "does not exist"),
        (lambda path: path.write_bytes(b"no database " * 1_000), State.PROBLEM, "corrupt"),
        (lambda path: path.chmod(0o662), State.PROBLEM, "others may write it: mode 662"),
    ],
)
def test_a_history_that_is_not_as_it_should_be_is_told(
    tmp_path: Path, harm: Callable[[Path], object], state: State, words: str
) -> None:
    """Gone, damaged, or open to others."""
    harm(_history(tmp_path))

    told_state, found = _stands(look_at_history, scene(tmp_path))

    assert told_state is state
    assert words in found


def test_a_history_of_a_newer_version_is_told(tmp_path: Path) -> None:
    """It may only be read."""
    path = _history(tmp_path)
    connection = sqlite3.connect(path)
    connection.execute("insert into migrations (name) values ('9999-to-come')")
    connection.commit()
    connection.close()

    state, found = _stands(look_at_history, scene(tmp_path))

    assert state is State.PROBLEM
    assert "9999-to-come" in found


def test_a_history_that_waits_for_its_next_start_is_not_known(tmp_path: Path) -> None:
    """An agent that was killed leaves its latest words beside the file."""
    path = tmp_path / "var/lib/gpuwatch/history.db"
    live = Bench.open(tmp_path / "live.db", boards=1).history
    path.parent.mkdir(parents=True)
    copyfile(tmp_path / "live.db", path)
    copyfile(tmp_path / "live.db-wal", path.with_name("history.db-wal"))
    live.close()

    answer = _one(look_at_history, scene(tmp_path))

    assert answer.state is State.UNKNOWN
    assert "start the agent" in answer.remedy


def test_a_history_that_belongs_to_others_is_told(tmp_path: Path) -> None:
    """The agent could not write it."""
    path = _history(tmp_path)

    place = scene(tmp_path, told(healthy(), history=str(path), uid=990))
    state, found = _stands(look_at_history, place)

    assert state is State.PROBLEM
    assert "the agent is uid 990" in found


def test_a_disk_that_cannot_be_found_is_not_known(tmp_path: Path) -> None:
    """Until an agent should have made its folder."""
    assert _stands(look_at_disk, scene(tmp_path))[0] is State.UNKNOWN
    assert _stands(look_at_disk, scene(tmp_path, told(healthy())))[0] is State.PROBLEM
    _history(tmp_path)
    assert "free at" in _one(look_at_disk, scene(tmp_path)).found


@pytest.mark.parametrize(
    ("backups", "up", "state"),
    [
        (BackupState(AT - 3_600), 9e5, State.OK),
        (BackupState(AT - 3e5), 9e5, State.PROBLEM),
        (BackupState(AT - 3_600, "no space"), 9e5, State.PROBLEM),
        (BackupState(), 60.0, State.UNKNOWN),
        (None, 60.0, State.PROBLEM),
        (BackupState(), 9e5, State.PROBLEM),
    ],
)
def test_backups_are_made_or_that_is_a_problem(
    tmp_path: Path, backups: BackupState | None, up: float, state: State
) -> None:
    """A day and some hours after the last, or after the start."""
    snapshot = replace(healthy(), backups=backups, started_at=AT - up)

    assert _stands(look_at_backups, scene(tmp_path, told(snapshot)))[0] is state


# The port.


def test_a_port_that_somebody_else_has_is_told(tmp_path: Path) -> None:
    """As the kernel lists it."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        assert port in listening(Path("/proc"))
        net = tmp_path / "proc" / "net"
        place = scene(tmp_path, None, f'web.listen_addresses=["127.0.0.1:{port}"]')
        free = _stands(look_at_port, place)
        net.mkdir()
        (net / "tcp").write_text(Path("/proc/net/tcp").read_text())

        taken = _stands(look_at_port, place)

    assert free[0] is State.OK
    assert taken[0] is State.PROBLEM
    assert str(port) in taken[1]


@pytest.mark.parametrize(
    ("web", "state", "words"),
    [
        (WebState(), State.OK, "port 9853, plain HTTP"),
        (WebState(valid_until=AT + 1e7), State.OK, "TLS"),
        (WebState(valid_until=AT + 1e5), State.PROBLEM, "certificate ends"),
        (WebState(valid_from=AT - 1e4, valid_until=AT + 7e4), State.OK, "TLS"),
        (WebState(valid_from=AT - 8e4, valid_until=AT + 4e3), State.PROBLEM, "certificate ends"),
        (WebState(config_failing=True), State.PROBLEM, "an older file"),
    ],
)
def test_a_port_is_as_its_file_says(
    tmp_path: Path, web: WebState, state: State, words: str
) -> None:
    """And its certificate lasts."""
    told_state, found = _stands(look_at_port, scene(tmp_path, told(replace(healthy(), web=web))))

    assert told_state is state
    assert words in found


def test_remedies_hold_where_no_systemd_runs(tmp_path: Path) -> None:
    """In a container there is neither systemctl nor a journal; where there is, they are named."""
    module(tmp_path)
    place = scene(
        tmp_path,
        told(replace(rich_snapshot(), sources=()), version="0.0.1", driver=None),
        *_bmc_options(tmp_path),
        "backups.enabled=true",
    )
    late = replace(place, told=None, silent=Silent(Silence.LATE, "no answer", "see its log"))
    found = [*_all(place), *look_at_agent(late)]

    here = worded_for(place, found)
    (tmp_path / "run/systemd/system").mkdir(parents=True)
    under_systemd = worded_for(place, found)

    assert [one.remedy for one in here if re.search(_OF_SYSTEMD, one.remedy)] == []
    assert "start the agent anew" in {one.remedy for one in here}
    assert under_systemd == tuple(found)
    assert len([one for one in found if re.search(_OF_SYSTEMD, one.remedy)]) > 5


def _all(place: Scene) -> list[Answer]:
    return [answer for look in TOLD for answer in look(place)]


def test_what_nobody_can_tell_without_an_agent_is_not_known(tmp_path: Path) -> None:
    """And never well."""
    place = scene(tmp_path)

    assert _stands(look_at_prometheus, place)[0] is State.UNKNOWN
    assert _stands(look_at_backups, place)[0] is State.UNKNOWN
