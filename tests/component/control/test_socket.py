"""The control socket between real processes and against clients that misbehave."""

import grp
import json
import os
import socket
import stat
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from gpuwatch.control.client import AgentAbsentError, ask
from gpuwatch.control.peers import Peer
from gpuwatch.control.requests import REQUEST_LIMIT, ControlError, ErrorKind, Request
from gpuwatch.control.server import ControlServer

WAIT = 30.0
NOBODY = 65_534

CLIENT = """
import json, os, sys
from pathlib import Path
from gpuwatch.control.client import ask
from gpuwatch.control.requests import ControlError
path, do, uid, groups, fields = json.loads(sys.argv[1])
os.setgroups(groups)
os.setgid(uid)
os.setuid(uid)
try:
    print(ask(Path(path), do, **fields))
except ControlError as refused:
    print(refused.kind.value, refused.what)
"""


class Agent:
    """A handler that remembers who asked what, and a server around it."""

    def __init__(self, folder: Path, group_name: str = "gpuwatch") -> None:
        self.path = folder / "control.sock"
        self.asked: list[tuple[Request, Peer]] = []
        self.notices: list[str] = []
        self.hold = threading.Event()
        self.hold.set()
        self.server = ControlServer(
            self.path, self._handle, self._notice, client_seconds=0.5, group_name=group_name
        )
        self.server.start()

    def _handle(self, request: Request, peer: Peer) -> Mapping[str, object]:
        self.asked.append((request, peer))
        self.hold.wait(WAIT)
        match request.do:
            case "boards":
                raise RuntimeError("no boards today")
            case "history":
                raise ControlError(ErrorKind.NOT_FOUND, "no such GPU", "there are: none")
            case "maintenance-list":
                return {"maintenance": "x" * (17 << 20)}
            case "gpu":
                return {"gpu": "y" * 3_000_000}
            case _:
                return {"did": request.do}

    def _notice(self, event: str, _facts: Mapping[str, object]) -> None:
        self.notices.append(event)


@pytest.fixture
def folder() -> Iterator[Path]:
    """A short path that other users may enter, as /run/gpuwatch is."""
    with TemporaryDirectory(prefix="gpuwatch-") as name:
        Path(name).chmod(0o755)
        yield Path(name)


@pytest.fixture
def agent(folder: Path) -> Iterator[Agent]:
    """A server that answers."""
    one = Agent(folder)
    yield one
    one.hold.set()
    one.server.stop()


@pytest.fixture
def crowded(folder: Path) -> Iterator[socket.socket]:
    """A socket at which an agent listens that takes nobody up, though somebody waits."""
    path = str(folder / "crowded.sock")
    with socket.socket(socket.AF_UNIX) as listening, socket.socket(socket.AF_UNIX) as waiting:
        listening.bind(path)
        listening.listen(0)
        waiting.connect(path)
        yield listening


def test_an_agent_whose_queue_is_full_is_not_absent(
    crowded: socket.socket,
) -> None:
    """It hangs, or was stopped."""
    with pytest.raises(ControlError, match=r"did not answer within 0\.2 s") as late:
        ask(Path(crowded.getsockname()), "status", within_seconds=0.2)

    assert late.value.kind is ErrorKind.BUSY


def test_who_meets_a_full_queue_waits_for_a_place(
    crowded: socket.socket, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One is free as soon as the agent takes up who came before."""
    taken: list[socket.socket] = []
    monkeypatch.setattr(time, "sleep", lambda _: taken.append(crowded.accept()[0]))

    with pytest.raises(ControlError):
        ask(Path(crowded.getsockname()), "status", within_seconds=0.2)
    taken.append(crowded.accept()[0])
    asked = taken[1].recv(REQUEST_LIMIT)
    for one in taken:
        one.close()

    assert json.loads(asked) == {"do": "status"}


def _raw(path: Path, data: bytes, *, shut: bool = False) -> dict[str, dict[str, str]]:
    """What the server answers to these bytes."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
        connection.settimeout(WAIT)
        connection.connect(str(path))
        with suppress(BrokenPipeError):  # turned away: the reason can still be read
            connection.sendall(data)
        if shut:
            connection.shutdown(socket.SHUT_WR)
        got = b""
        while chunk := connection.recv(65_536):
            got += chunk
    answer: dict[str, dict[str, str]] = json.loads(got) if got else {}
    return answer


def _as_nobody(path: Path, do: str, *, groups: tuple[int, ...] = (), **fields: str) -> str:
    """What a process of another user is told (it drops its rights itself, then connects)."""
    if os.geteuid() != 0:
        pytest.skip("missing: root (only root can become another user)")
    told = json.dumps([str(path), do, NOBODY, groups, fields])
    return subprocess.run(
        [sys.executable, "-c", CLIENT, told],
        capture_output=True,
        text=True,
        check=True,
        timeout=WAIT,
    ).stdout.strip()


def test_a_request_is_answered_and_the_kernel_says_who_asked(agent: Agent) -> None:
    """The peer is this process, whatever the request claims."""
    answer = ask(agent.path, "status")

    [(request, peer)] = agent.asked
    assert answer == {"did": "status"}
    assert request.do == "status"
    assert (peer.pid, peer.uid, peer.gid) == (os.getpid(), os.geteuid(), os.getegid())


def test_sudo_user_is_passed_as_a_claim(agent: Agent, monkeypatch: pytest.MonkeyPatch) -> None:
    """What the environment says is recorded, apart from what the kernel says."""
    monkeypatch.setenv("SUDO_USER", "alice")

    ask(agent.path, "resume")

    assert agent.asked[0][0].claims == {"SUDO_USER": "alice"}


def test_a_large_answer_arrives_whole(agent: Agent) -> None:
    """Three megabytes through a socket whose buffer holds a fraction of them."""
    assert len(str(ask(agent.path, "gpu", gpu="0")["gpu"])) == 3_000_000


def test_the_socket_is_for_owner_and_group(agent: Agent) -> None:
    """Mode 0660, and no other file left beside it but the lock."""
    assert stat.S_IMODE(agent.path.stat().st_mode) == 0o660
    assert sorted(path.name for path in agent.path.parent.iterdir()) == [
        "control.sock",
        "control.sock.lock",
    ]


def test_another_user_cannot_connect(agent: Agent) -> None:
    """The kernel refuses; the client says what to do."""
    assert _as_nobody(agent.path, "status") == f"denied {agent.path}: permission denied"


def test_a_user_who_can_connect_reads_but_does_not_change(agent: Agent) -> None:
    """An operator may open the socket to everybody: they can look."""
    agent.path.chmod(0o666)

    looked = _as_nobody(agent.path, "status")
    changed = _as_nobody(agent.path, "retire", serial="17", reason="swap")

    assert looked == "{'did': 'status'}"
    assert changed == f"denied retire changes something, and uid {NOBODY} may only read"
    assert [request.do for request, _ in agent.asked] == ["status"]


def test_a_member_of_the_group_may_change(folder: Path) -> None:
    """Membership is what the kernel says of the process, by supplementary group."""
    group = next(one for one in grp.getgrall() if one.gr_gid not in (0, NOBODY))
    agent = Agent(folder, group.gr_name)

    try:
        answer = _as_nobody(agent.path, "resume", groups=(group.gr_gid,))
        owner = agent.path.stat().st_gid
    finally:
        agent.server.stop()

    assert answer == "{'did': 'resume'}"
    assert owner == group.gr_gid


@pytest.mark.parametrize(
    ("data", "what"),
    [
        (b"garbage\n", "not a JSON object"),
        (b'{"do": "reboot"}\n', '"reboot" is no request'),
        (b"x" * (2 * REQUEST_LIMIT), f"a request is at most {REQUEST_LIMIT} bytes"),
        (b'{"do": "sta', "no whole line came within 0.5 s"),
    ],
)
def test_a_client_that_misbehaves_is_told(agent: Agent, data: bytes, what: str) -> None:
    """Garbage, too much, too little: one line back, and the server lives."""
    answer = _raw(agent.path, data)

    assert answer["error"]["what"].startswith(what)
    assert ask(agent.path, "status") == {"did": "status"}


def test_a_client_that_leaves_is_forgotten(agent: Agent) -> None:
    """Half a line and gone: nothing is answered, nothing is logged."""
    assert _raw(agent.path, b'{"do"', shut=True) == {}
    assert ask(agent.path, "status") == {"did": "status"}
    assert agent.notices == []


def test_a_fault_in_the_handler_is_an_answer_and_a_log_line(agent: Agent) -> None:
    """The agent goes on; the person learns that it is not their fault."""
    with pytest.raises(ControlError) as refused:
        ask(agent.path, "boards")

    assert refused.value.kind is ErrorKind.FAILED
    assert refused.value.what == "the agent failed: RuntimeError('no boards today')"
    assert agent.notices == ["control-request-failed"]


def test_a_refusal_reaches_the_client_as_it_was_raised(agent: Agent) -> None:
    """Kind, what and remedy survive the wire."""
    with pytest.raises(ControlError) as refused:
        ask(agent.path, "history", gpu="9")

    assert (refused.value.kind, str(refused.value)) == (
        ErrorKind.NOT_FOUND,
        "no such GPU (there are: none)",
    )


def test_an_answer_beyond_the_limit_is_refused(agent: Agent) -> None:
    """Seventeen megabytes are a fault, not an answer."""
    with pytest.raises(ControlError, match="larger than 16 MiB"):
        ask(agent.path, "maintenance-list")


def test_seventeen_clients_are_one_too_many(agent: Agent) -> None:
    """Sixteen wait for the handler; the next one is told to come back, then all are served."""
    agent.hold.clear()
    answers: list[object] = []

    def wait_for_an_answer() -> None:
        answers.append(ask(agent.path, "status", within_seconds=WAIT))

    clients = [threading.Thread(target=wait_for_an_answer) for _ in range(16)]
    for client in clients:
        client.start()
    while len(agent.asked) < 16:
        agent.hold.wait(0.01)

    with pytest.raises(ControlError, match="16 clients are being served"):
        ask(agent.path, "status")

    agent.hold.set()
    for client in clients:
        client.join(WAIT)
    assert answers == [{"did": "status"}] * 16


def test_an_agent_that_does_not_answer_is_given_up(agent: Agent) -> None:
    """The client has a deadline of its own."""
    agent.hold.clear()

    with pytest.raises(ControlError) as refused:
        ask(agent.path, "status", within_seconds=0.1)

    assert refused.value.kind is ErrorKind.BUSY


def test_a_live_socket_is_not_taken_over(agent: Agent, folder: Path) -> None:
    """A second agent is refused with the way out, and the first one still answers."""
    with pytest.raises(ControlError, match="another agent listens"):
        Agent(folder)

    assert ask(agent.path, "status") == {"did": "status"}


def test_a_live_socket_without_a_lock_is_not_taken_over(folder: Path) -> None:
    """Somebody else's server: asking the socket itself is what tells."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as other:
        other.bind(str(folder / "control.sock"))
        other.listen(1)

        with pytest.raises(ControlError, match="another agent listens"):
            Agent(folder)


def test_a_stale_socket_is_replaced(folder: Path) -> None:
    """An agent that was killed leaves its file; the next one starts."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as dead:
        dead.bind(str(folder / "control.sock"))
    agent = Agent(folder)

    answer = ask(agent.path, "status")

    agent.server.stop()
    assert answer == {"did": "status"}


def test_a_file_that_is_no_socket_is_left_alone(folder: Path) -> None:
    """Nothing of somebody else's is removed."""
    (folder / "control.sock").write_text("precious")

    with pytest.raises(ControlError, match="exists and is no socket"):
        Agent(folder)

    assert (folder / "control.sock").read_text() == "precious"


def test_a_path_that_no_socket_can_have_is_explained(folder: Path) -> None:
    """The kernel's limit, before the kernel's error."""
    with pytest.raises(ControlError, match="longer than 107 bytes"):
        Agent(folder / ("x" * 100))


def test_a_stopped_agent_leaves_nothing_and_is_absent(folder: Path) -> None:
    """The socket's file goes, and a client says that nobody listens."""
    agent = Agent(folder)
    agent.server.stop()

    with pytest.raises(AgentAbsentError, match="no agent listens"):
        ask(agent.path, "status")
    again = Agent(folder)
    assert ask(again.path, "status") == {"did": "status"}
    again.server.stop()


def test_a_killed_agent_is_absent(folder: Path) -> None:
    """The file is there, nobody listens."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as dead:
        dead.bind(str(folder / "control.sock"))

    with pytest.raises(AgentAbsentError, match="no agent listens"):
        ask(folder / "control.sock", "status")
