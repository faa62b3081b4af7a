"""The kernel-log reader against recorded logs, a FIFO, crash dumps and the real /dev/kmsg."""

import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from gpuwatch.clock import SystemClock
from gpuwatch.domain.events import Event
from gpuwatch.domain.moments import Clock
from gpuwatch.sources.base import LogPosition, Message
from gpuwatch.sources.crash_dumps import read_dumps
from gpuwatch.sources.kernel_log_source import KernelLogSettings, KernelLogSource
from gpuwatch.sources.probe import Probe, ProbeFailed
from gpuwatch.sources.probe_end import EndOrder, end
from tests.support.log_keeper import stored
from tests.support.patience import eventually
from tests.support.processes import Child, children_of
from tests.support.server import MakeServer

LOGS = Path(__file__).parent.parent / "fixtures" / "kernel_log"
KEEPER = Path(__file__).parent.parent / "support" / "log_keeper.py"
KILLS = 200 if os.environ.get("GPUWATCH_SOAK") == "1" else 10
HEAD = "NVRM: Xid (PCI:0000:01:00): "
NOBODY = 65534

StartSource = Callable[..., "Listener"]


class Listener:
    """A source and what it has delivered."""

    def __init__(self, source: KernelLogSource, said: list[str]) -> None:
        self.source = source
        self.said = said
        self.messages: list[Message] = []
        source.start(lambda _name, message: self.messages.append(message))

    @property
    def events(self) -> list[Event]:
        """The events so far."""
        return [message for message in self.messages if isinstance(message, Event)]

    @property
    def position(self) -> LogPosition | None:
        """The last position so far."""
        positions = [each for each in self.messages if isinstance(each, LogPosition)]
        return positions[-1] if positions else None

    def reached(self, sequence: int) -> bool:
        """Wait until everything up to `sequence` was delivered."""
        return eventually(lambda: self.position is not None and self.position.sequence >= sequence)


@pytest.fixture(name="start")
def _start() -> Iterator[StartSource]:
    listeners: list[Listener] = []

    def start(
        path: Path,
        *,
        clock: Clock | None = None,
        position: LogPosition | None = None,
        dumps: tuple[str, ...] = (),
        silence_seconds: float = 180.0,
        order: EndOrder | None = None,
    ) -> Listener:
        said: list[str] = []
        source = KernelLogSource(
            clock or SystemClock(),
            KernelLogSettings(
                path=str(path),
                dumps=dumps,
                silence_seconds=silence_seconds,
                end=order or EndOrder(),
            ),
            position=position,
            log=said.append,
        )
        listeners.append(Listener(source, said))
        return listeners[-1]

    yield start
    for listener in listeners:
        listener.source.stop(10.0)


@pytest.fixture(name="fifo")
def _fifo(tmp_path: Path) -> Path:
    fifo = tmp_path / "kmsg"
    os.mkfifo(fifo)
    return fifo


@pytest.fixture(name="child")
def _child() -> Iterator[Callable[..., Probe]]:
    probes: list[Probe] = []

    def child(path: str | Path, *arguments: str) -> Probe:
        command = [sys.executable, "-m", "gpuwatch.sources.kernel_log", "--path", str(path)]
        probes.append(Probe([*command, *arguments], log=lambda _line: None, progress=True))
        return probes[-1]

    yield child
    for probe in probes:
        end(probe, EndOrder(input_seconds=5.0, terminate_seconds=5.0))


def _reader() -> Child:
    """The reader that this process has."""
    return next(
        child
        for child in children_of(os.getpid())
        if child.program == "gpuwatch.sources.kernel_log"
    )


def _killed_reader() -> Child:
    """The next reader that this process starts, killed as by the kernel for its memory."""
    assert eventually(lambda: any("kernel_log" in one.program for one in children_of(os.getpid())))
    child = _reader()
    os.kill(child.pid, signal.SIGKILL)
    assert eventually(lambda: child.gone)
    return child


def xid(sequence: int, code: int, usec: int | None = None) -> str:
    """A record of /dev/kmsg with an Xid."""
    return f"3,{sequence},{sequence * 2_000_000 if usec is None else usec},-;{HEAD}{code}, x\n"


def write(fifo: Path, text: str) -> None:
    """Write to the FIFO as one writer that comes and goes."""
    descriptor = os.open(fifo, os.O_WRONLY)
    os.write(descriptor, text.encode())
    os.close(descriptor)


def hear(probe: Probe, say: str) -> dict[str, Any]:
    """The child's next message of that kind."""
    while True:
        message = probe.receive(time.monotonic() + 30.0)
        assert message is not None, f"no {say}"
        if message["say"] == say:
            return message


def shape(event: Event) -> tuple[str, int | None, str, str]:
    """What an event is about."""
    return (event.kind.value, event.code, event.pci_address, event.subcode)


def asleep(pid: int) -> bool:
    """Whether a process is found sleeping, twenty times running."""
    states = set()
    for _ in range(20):
        states.add(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0])
        time.sleep(0.002)
    return states == {"S"}


def test_a_recorded_log_of_a_hopper_server_is_read(start: StartSource) -> None:
    """Contained errors with and without MIG, switch faults, a fall off the bus."""
    listener = start(LOGS / "hopper.log")

    assert listener.reached(829)
    assert [shape(event) for event in listener.events] == [
        ("xid", 48, "0000:19:00.0", ""),
        ("xid", 63, "0000:19:00.0", ""),
        ("xid", 94, "0000:19:00.0", ""),
        ("xid", 94, "0000:3b:00.0", "GPU-I:05"),
        ("sxid", 24007, "0000:c1:00.0", "fatal link 44"),
        ("sxid", 20009, "0000:c1:00.0", "non-fatal link 28"),
        ("xid", 79, "0000:5d:00.0", ""),
        ("xid", 154, "0000:5d:00.0", ""),
    ]
    assert {event.uuid for event in listener.events if event.pci_address == "0000:19:00.0"} == {
        "GPU-0f1d2c3b-4a59-6877-8695-a4b3c2d1e0f9"
    }


def test_lines_of_a_recorded_log_are_kept_word_by_word(start: StartSource) -> None:
    """All that the driver says, events or not, and nothing of others; told again by the next."""
    listener = start(LOGS / "hopper.log")
    assert listener.reached(829)
    lines = listener.source.lines()
    again = start(LOGS / "hopper.log", position=listener.position)
    assert eventually(lambda: len(again.source.lines()) == len(lines))

    texts = [line.text for line in lines]
    assert len(texts) == 17
    assert texts[0].startswith("NVRM: loading NVIDIA UNIX Open Kernel Module for x86_64")
    assert "NVRM: A GPU crash dump has been created. If possible, please run\nNVRM: " in texts[15]
    assert not any("usb" in text for text in texts)
    assert [line.text for line in again.source.lines()] == texts
    assert again.events == []


def test_a_flood_of_the_bus_is_counted_and_hides_no_xid(start: StartSource, tmp_path: Path) -> None:
    """A link that reports an error a thousand times a second."""
    log = tmp_path / "kmsg"
    aer = "pcieport 0000:00:01.0: AER: Corrected error received: 0000:02:00.0"
    flood = [f"4,{number},{number},-;{aer}\n" for number in range(1, 1_001)]
    log.write_text("".join([*flood, xid(1_001, 48, usec=1_001)]))
    listener = start(log)
    assert listener.reached(1_001)

    assert [event.code for event in listener.events] == [48]
    assert eventually(lambda: listener.source.skipped == 800)
    assert [line.text for line in listener.source.lines()] == [aer] * 100 + [f"{HEAD}48, x"]


def test_the_start_of_a_healthy_driver_tells_nothing(start: StartSource) -> None:
    """Read from an H100's host; a line of the driver that says poison is not one that means it."""
    listener = start(LOGS / "h100_start.log")

    assert listener.reached(357)
    assert listener.events == []


def test_a_recorded_log_of_nvlink_5_is_decoded(start: StartSource) -> None:
    """Each link is an occurrence of its own, its words are explained."""
    listener = start(LOGS / "blackwell_nvlink.log")

    assert listener.reached(2037)
    assert [shape(event) for event in listener.events] == [
        ("xid", 145, "0018:01:00.0", "RLW_RXPIPE link 13"),
        ("xid", 137, "0018:01:00.0", ""),
        ("xid", 149, "0019:01:00.0", "NETIR_LINK_EVT link 0"),
        ("xid", 149, "0019:01:00.0", "NETIR_LINK_EVT link 1"),
        ("xid", 45, "0019:01:00.0", ""),
        ("xid", 144, "0018:01:00.0", "SAW_MVB link 0"),
    ]
    assert "RESET_GPU, then INVESTIGATE_PEER_DEVICE" in listener.events[2].detail
    assert listener.events[5].detail.endswith("[not in NVIDIA's NVLink decode table]")


def test_a_recorded_log_of_old_drivers_is_read(start: StartSource) -> None:
    """No `PCI:`, no pid, falls without an Xid, a board that cannot be started."""
    listener = start(LOGS / "old_drivers.log")

    assert listener.reached(82)
    assert [shape(event) for event in listener.events] == [
        ("xid", 14, "0000:03:00.0", ""),
        ("xid", 13, "0000:02:00.0", ""),
        ("fell_off_bus", None, "0000:b3:00.0", ""),
        ("init_failed", None, "0000:04:00.0", ""),
        ("fell_off_bus", None, "0000:06:00.0", ""),
    ]


def test_a_line_in_a_fifo_is_delivered_as_it_comes(start: StartSource, fifo: Path) -> None:
    """Writers come and go; each line is dated by its receipt."""
    listener = start(fifo)
    assert eventually(lambda: listener.source.readable)

    before = time.time()
    write(fifo, xid(5, 48, usec=round(time.clock_gettime(time.CLOCK_BOOTTIME) * 1e6)))
    assert eventually(lambda: len(listener.events) == 1)
    received = time.time()
    quoted = f"12,7,8,-;logger: {HEAD}79, only quoted\n"
    write(fifo, "6,6,7,-;usb 1-1: noise\n DEVICE=c1:2\n" + quoted + xid(8, 94) + xid(9, 95))
    assert eventually(lambda: len(listener.events) == 3)

    assert [event.code for event in listener.events] == [48, 94, 95]
    assert before - 0.1 <= listener.events[0].at <= received
    assert listener.source.lost == 0


def test_a_fifo_without_a_writer_costs_nothing(child: Callable[..., Probe], fifo: Path) -> None:
    """The reader sleeps before, between and after writers."""
    probe = child(fifo)
    hear(probe, "ready")
    assert eventually(lambda: asleep(probe.pid))

    write(fifo, xid(1, 48))
    hear(probe, "record")

    assert eventually(lambda: asleep(probe.pid))


def test_a_device_that_is_always_at_its_end_costs_nothing(child: Callable[..., Probe]) -> None:
    """/dev/null is what a container may offer for /dev/kmsg."""
    probe = child("/dev/null")
    hear(probe, "position")

    assert eventually(lambda: asleep(probe.pid))


def test_a_fifo_that_is_made_anew_is_followed(start: StartSource, fifo: Path) -> None:
    """The log may be replaced while the reader runs."""
    listener = start(fifo)
    assert eventually(lambda: listener.source.readable)

    fifo.unlink()
    os.mkfifo(fifo)
    write(fifo, xid(1, 62))

    assert eventually(lambda: [event.code for event in listener.events] == [62])


def test_a_jump_in_the_sequence_is_a_counted_loss(start: StartSource, fifo: Path) -> None:
    """Records 3 to 9 were overwritten before they were read."""
    listener = start(fifo)
    assert eventually(lambda: listener.source.readable)

    write(fifo, xid(2, 48) + xid(10, 94))

    assert eventually(lambda: len(listener.events) == 2)
    assert eventually(lambda: listener.source.lost == 7)


def test_end_of_input_ends_the_child(child: Callable[..., Probe], fifo: Path) -> None:
    """The agent closes the pipe, or is killed."""
    probe = child(fifo)
    hear(probe, "ready")

    probe.close_input()

    assert eventually(lambda: probe.exit_status() == 0)


def test_a_missing_log_says_what_to_check_and_is_tried_again(
    start: StartSource, tmp_path: Path
) -> None:
    """The source is not up, names the path and the way out, and recovers by itself."""
    log = tmp_path / "kmsg"
    listener = start(log)

    assert eventually(lambda: "missing" in listener.source.state().problem)
    assert not listener.source.readable
    assert listener.source.state().last_success is None
    log.write_text(xid(1, 48))
    assert eventually(lambda: len(listener.events) == 1)

    assert listener.source.state().problem == ""
    assert listener.said[-1] == "kernel log: it is read again"
    assert len([line for line in listener.said if "missing" in line]) == 1


def test_a_reader_that_dies_over_old_dumps_does_without_them(
    start: StartSource, fifo: Path, tmp_path: Path
) -> None:
    """They may need more memory than it may have: the log of this boot is worth more."""
    line = f"<3>[    5.140900] {HEAD}48, {'x' * 100}\n"
    for number in range(16):
        (tmp_path / f"dmesg-efi-17000000{number:02}").write_text(line * ((1 << 20) // len(line)))
    listener = start(fifo, dumps=(str(tmp_path),))

    first, second = _killed_reader(), _killed_reader()
    assert eventually(lambda: listener.source.readable)

    assert ("--dumps" in first.command, "--dumps" in second.command) == (True, True)
    assert "--dumps" not in _reader().command


def test_of_too_many_dumps_the_latest_are_read(tmp_path: Path) -> None:
    """A server that crashed for years: what it keeps is more than a reader may hold."""
    for number in range(3):
        text = f"<3>[    {number}.140900] {HEAD}48, x\n"
        (tmp_path / f"dmesg-efi-170000000{number}").write_text(text)

    dumps = read_dumps([str(tmp_path)], 1.8e9, most=60)

    assert [usec for dump in dumps for usec, _ in dump.lines] == [1_140_900, 2_140_900]


def test_of_too_many_files_the_latest_count_wherever_they_are(tmp_path: Path) -> None:
    """What is still in the firmware is of the last crash, whatever was archived before."""
    firmware, archive = tmp_path / "firmware", tmp_path / "archive"
    for folder in (firmware, archive):
        folder.mkdir()
    for number in range(200):
        old = archive / f"dmesg-{number:03}"
        old.write_text("")
        os.utime(old, (1.6e9, 1.6e9))
    (firmware / "dmesg-1").write_text(f"<3>[    5.140900] {HEAD}79, x\n")

    dumps = read_dumps([str(firmware), str(archive)], 1.8e9)

    assert [text for dump in dumps for _, text in dump.lines] == [f"{HEAD}79, x"]


def test_a_log_that_may_not_be_read_names_the_capability(tmp_path: Path) -> None:
    """dmesg_restrict=1 is the default of Debian: the remedy is one line in the unit."""
    log = tmp_path / "kmsg"
    log.write_text(xid(1, 48))
    log.chmod(0)
    child = (
        "import os; from gpuwatch.sources.kernel_log import main; "
        f"os.getuid() or os.setuid({NOBODY}); main(['--path', {str(log)!r}])"
    )

    said = subprocess.run(
        [sys.executable, "-c", child], input=b"", capture_output=True, check=True, timeout=60
    )

    message = json.loads(said.stdout)
    assert (message["say"], message["reason"], message["code"]) == ("failed", "denied", 13)


def test_a_log_that_is_no_log_is_told_as_failed(
    child: Callable[..., Probe], tmp_path: Path
) -> None:
    """A directory opens and cannot be read; the child ends."""
    probe = child(tmp_path)

    assert hear(probe, "failed")["reason"] == "failed"
    with pytest.raises(ProbeFailed, match="status 1"):
        probe.receive(time.monotonic() + 30.0)


def test_a_restart_goes_on_behind_the_stored_position(start: StartSource, tmp_path: Path) -> None:
    """Nothing that was delivered comes again, and a line that belongs to it neither."""
    log = tmp_path / "kmsg"
    log.write_text(xid(1, 48) + xid(2, 94))
    first = start(log)
    assert first.reached(2)
    first.source.stop(10.0)

    with log.open("a") as more:
        more.write(xid(3, 94, usec=4_000_001) + xid(4, 95))
    second = start(log, position=first.position)

    assert second.reached(4)
    assert [event.code for event in first.events] == [48, 94]
    assert [event.code for event in second.events] == [95]


def test_a_killed_reader_is_replaced_without_doubles(start: StartSource, tmp_path: Path) -> None:
    """The kernel keeps the log meanwhile."""
    log = tmp_path / "kmsg"
    log.write_text(xid(1, 48))
    listener = start(log)
    assert listener.reached(1)

    os.kill(child_of(os.getpid(), str(log)), signal.SIGKILL)
    with log.open("a") as more:
        more.write(xid(2, 94))

    assert listener.reached(2)
    assert [event.code for event in listener.events] == [48, 94]
    assert listener.source.state().restarts == 1


def test_a_reader_that_hangs_is_replaced(start: StartSource, tmp_path: Path) -> None:
    """It says nothing for too long: a time-out that is counted and told, and a fresh reader."""
    log = tmp_path / "kmsg"
    log.write_text(xid(1, 48))
    listener = start(log, silence_seconds=3.0)
    assert listener.reached(1)

    stopped = child_of(os.getpid(), str(log))
    os.kill(stopped, signal.SIGSTOP)
    with log.open("a") as more:
        more.write(xid(2, 94))

    assert listener.reached(2)
    os.kill(stopped, signal.SIGCONT)
    assert [event.code for event in listener.events] == [48, 94]
    assert listener.source.state().timeouts >= 1
    assert any("says nothing, stuck for" in line and "state T" in line for line in listener.said)


def test_a_stopped_reader_is_ended_while_the_next_one_reads(
    start: StartSource, tmp_path: Path
) -> None:
    """It hears neither the end of its input nor SIGTERM; SIGKILL comes although all is well."""
    log = tmp_path / "kmsg"
    log.write_text(xid(1, 48))
    order = EndOrder(input_seconds=0.5, terminate_seconds=1.0, kill_seconds=10.0)
    listener = start(log, silence_seconds=6.0, order=order)
    assert listener.reached(1)

    stopped = child_of(os.getpid(), str(log))
    os.kill(stopped, signal.SIGSTOP)

    assert eventually(lambda: listener.source.state().restarts == 1 and listener.source.readable)
    assert eventually(lambda: not Path(f"/proc/{stopped}").exists())
    assert listener.source.state().restarts == 1


def child_of(parent: int, argument: str) -> int:
    """The process id of our child that has `argument` in its command line."""
    for task in Path(f"/proc/{parent}/task").iterdir():
        for pid in (task / "children").read_text().split():
            if argument in Path(f"/proc/{pid}/cmdline").read_text():
                return int(pid)
    raise LookupError(argument)


def _holds(store: Path, count: int) -> bool:
    return len(stored(store)[0]) >= count


def test_an_agent_killed_at_any_moment_loses_and_doubles_nothing(tmp_path: Path) -> None:
    """Events and position are stored together, so every occurrence is stored exactly once."""
    log, store = tmp_path / "kmsg", tmp_path / "store"
    log.touch()
    store.touch()
    chance = random.Random(20_260_302)
    sequence = 0

    for _ in range(KILLS):
        agent = subprocess.Popen([sys.executable, str(KEEPER), str(log), str(store)])
        few = chance.randint(1, 4) + len(stored(store)[0])
        for _ in range(chance.randint(2, 6)):
            sequence += 1
            with log.open("a") as more:
                more.write(xid(sequence, 31))
            time.sleep(chance.random() * 0.05)
        assert eventually(partial(_holds, store, min(few, sequence)))
        agent.kill()
        agent.wait()
    agent = subprocess.Popen([sys.executable, str(KEEPER), str(log), str(store)])
    complete = eventually(partial(_holds, store, sequence))
    agent.kill()
    agent.wait()

    numbers = [int(identity.rpartition("/")[2]) // 2_000_000 for identity in stored(store)[0]]
    assert complete
    assert numbers == list(range(1, sequence + 1))


def test_what_the_boot_before_left_is_told_once(start: StartSource, tmp_path: Path) -> None:
    """The Xid before the crash is the one that matters; the next start does not repeat it."""
    part = tmp_path / "pstore" / "1755555000" / "001"
    part.mkdir(parents=True)
    shutil.copy(LOGS / "pstore_dmesg.txt", part / "dmesg.txt")
    (part / "dmesg-efi-175555500001001.enc.z").write_bytes(b"\x00\x01")
    os.mkfifo(part / "dmesg-that-never-answers")
    log = tmp_path / "kmsg"
    log.write_text(xid(1, 31))
    dumps = (str(tmp_path / "pstore"), str(tmp_path / "absent"))

    first = start(log, dumps=dumps)
    assert first.reached(1)
    first.source.stop(10.0)
    second = start(log, dumps=dumps, position=first.position)
    assert eventually(lambda: second.source.readable)
    with log.open("a") as more:
        more.write(xid(2, 62))
    assert second.reached(2)

    told = [(event.code, event.boot_id) for event in first.events]
    assert told[:2] == [(48, "dump-1755555000"), (79, "dump-1755555000")]
    assert first.events[1].at == pytest.approx(1_755_555_000 - 0.300002)
    assert [event.code for event in first.events[2:]] == [31]
    assert [event.code for event in second.events] == [62]


def test_a_simulated_server_is_followed_through_a_restart(
    start: StartSource, make_server: MakeServer
) -> None:
    """Its FIFO gives the whole log to every reader; its time runs a thousand times as fast."""
    server = make_server(gpus=4)
    server.run_at(1_000.0)
    first = start(server.kmsg, clock=server.clock)
    server.xid(0, 94, process=(1, "python3"), instance=5)
    server.sxid(24007, link=30)
    server.lose_records(5)
    server.lose(3)
    assert eventually(lambda: len(first.events) == 3 and first.position is not None)
    assert eventually(lambda: first.position is not None and first.position.sequence >= 11)
    first.source.stop(10.0)
    written = server.clock.now()
    server.xid(1, 48)
    server.advance(3_600.0)

    second = start(server.kmsg, clock=server.clock, position=first.position)

    assert eventually(lambda: len(second.events) == 1)
    assert [shape(event)[:2] + shape(event)[3:] for event in first.events] == [
        ("xid", 94, "GPU-I:05"),
        ("sxid", 24007, "fatal link 30"),
        ("xid", 79, ""),
    ]
    assert first.source.lost == 5
    assert first.events[2].uuid == server.get(3, "uuid")
    assert (second.events[0].code, second.source.lost) == (48, 0)
    assert second.events[0].earliest == second.events[0].latest
    assert 0.0 <= (second.events[0].boottime or 0.0) - written.boottime < 3_600.0


def test_an_option_without_effect_is_refused() -> None:
    """A slip in the parent must not go unnoticed."""
    said = subprocess.run(
        [sys.executable, "-m", "gpuwatch.sources.kernel_log", "--paht", "/dev/kmsg"],
        capture_output=True,
        check=False,
        timeout=60,
    )

    assert said.returncode == 1
    assert b"takes one value" in said.stderr


@pytest.mark.optional
def test_the_real_kernel_log_is_followed(child: Callable[..., Probe]) -> None:
    """Where this process may read it: opened, read to its end, positioned."""
    try:
        os.close(os.open("/dev/kmsg", os.O_RDONLY | os.O_NONBLOCK))
    except OSError as error:
        pytest.skip(f"/dev/kmsg: {error.strerror}")

    probe = child("/dev/kmsg")

    assert hear(probe, "ready")["kind"] == "kmsg"
    assert hear(probe, "position")["sequence"] > 0
    assert eventually(lambda: asleep(probe.pid))


def test_a_failure_that_nobody_foresaw_costs_one_reader(fifo: Path) -> None:
    """The source says so and goes on; it would look like a reader for ever, and count no Xid."""
    got: list[Message] = []
    failed: list[Message] = []
    said: list[str] = []

    def deliver(_name: str, message: Message) -> None:
        if not failed:
            failed.append(message)
            raise LookupError("an event that nobody foresaw")
        got.append(message)

    source = KernelLogSource(
        SystemClock(), KernelLogSettings(path=str(fifo), dumps=()), position=None, log=said.append
    )
    source.start(deliver)
    try:
        assert eventually(lambda: source.readable)
        write(fifo, xid(1, 79))
        assert eventually(lambda: failed and not source.readable)
        assert eventually(lambda: source.readable)
        write(fifo, xid(2, 48))

        assert eventually(lambda: any(isinstance(each, Event) and each.code == 48 for each in got))
        assert any("nobody foresaw" in line for line in said)
    finally:
        source.stop(10.0)
