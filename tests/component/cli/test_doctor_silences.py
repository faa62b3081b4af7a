"""The doctor beside an agent that is there and does not tell: nothing is concluded."""

import sqlite3
from collections.abc import Callable, Iterable
from pathlib import Path

import pytest

from gpuwatch.cli.doctor.answers import Answer, State
from gpuwatch.cli.doctor.driver import look_at_gpus
from gpuwatch.cli.doctor.itself import look_at_access, look_at_children
from gpuwatch.cli.doctor.memory import look_at_backups, look_at_history
from gpuwatch.cli.doctor.outside import look_at_bmcs, look_at_kernel_log
from gpuwatch.cli.doctor.readers import look_at_port, look_at_prometheus
from gpuwatch.cli.doctor.scene import Scene, Silence, Silent
from tests.support.doctors import process, scene
from tests.support.histories import Bench

Look = Callable[[Scene], Iterable[Answer]]
LATE = Silent(Silence.LATE, "the agent did not answer within 10 s", "see its log")
SILENT = (
    LATE,
    Silent(Silence.DENIED, "control.sock: permission denied", "use sudo"),
    Silent(Silence.FAILED, "an agent of another version runs", "sudo systemctl restart gpuwatch"),
)
_TAKEN = "  0: 0100007F:267D 00000000:0000 0A 00000000:00000000\n"  # 127.0.0.1:9853


def _host(root: Path, silent: Silent) -> Scene:
    """A host with a BMC, a kernel log, a child that hangs, and somebody on the agent's port."""
    secret = root / "secret"
    secret.write_text("hunter2-needle\n")
    secret.chmod(0o600)
    (root / "kmsg").write_text("6,1,100,-;NVRM: loading\n")
    options = (
        f"kernel_log.path={root}/kmsg",
        "backups.enabled=true",
        "bmc.main.protocol=redfish",
        "bmc.main.address=127.0.0.1:1",
        "bmc.main.user=watch",
        f"bmc.main.password_file={secret}",
    )
    place = scene(root, None, *options, silent=silent)
    process(root, 77, "python3", state="D")
    (root / "proc/net").mkdir()
    (root / "proc/net/tcp").write_text(f"head\n{_TAKEN}")
    return place


@pytest.mark.parametrize("silent", SILENT, ids=lambda one: one.why.value)
@pytest.mark.parametrize(
    "look",
    [
        look_at_port,
        look_at_prometheus,
        look_at_backups,
        look_at_children,
        look_at_gpus,
        look_at_bmcs,
        look_at_kernel_log,
    ],
)
def test_an_agent_that_does_not_tell_is_not_one_that_is_not_there(
    tmp_path: Path, look: Look, silent: Silent
) -> None:
    """What it alone knows is unknown; its port is nobody else's, and no hardware is asked."""
    answers = tuple(look(_host(tmp_path, silent)))

    assert {one.state for one in answers} == {State.UNKNOWN}
    assert {one.found for one in answers} == {"not looked at: an agent may run, and has not told"}


def test_somebody_listens_where_an_agent_hangs(tmp_path: Path) -> None:
    """It is not said that nobody does."""
    (answer,) = look_at_access(_host(tmp_path, LATE))

    assert "nobody listens" not in answer.found


def test_the_history_of_an_agent_that_hangs_is_read_with_its_latest_words(tmp_path: Path) -> None:
    """They stand in the write-ahead log, which only who knows that it is written looks into."""
    path = tmp_path / "var/lib/gpuwatch/history.db"
    history = Bench.open(path, boards=1).history
    connection = sqlite3.connect(path)
    connection.execute("insert into migrations (name) values ('9999-to-come')")
    connection.commit()

    (answer,) = look_at_history(_host(tmp_path, LATE))
    connection.close()
    history.close()

    assert answer.state is State.PROBLEM
    assert "9999-to-come" in answer.found
