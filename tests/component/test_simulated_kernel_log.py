"""The simulated kernel log: what a reader of the FIFO gets, and the real reader on it."""

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from gpuwatch.sources.kmsg import parse_record
from simulator.world import Server
from tests.support.patience import eventually
from tests.support.server import MakeServer


class Reader:
    """Reads the log as /dev/kmsg is read: one record a read, without waiting."""

    def __init__(self, path: Path) -> None:
        self._descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
        self.reads: list[bytes] = []

    def read(self) -> list[bytes]:
        """Everything read so far, one entry a read."""
        while True:
            try:
                data = os.read(self._descriptor, 8192)
            except BlockingIOError:
                return self.reads
            self.reads.append(data)

    def has(self, count: int) -> bool:
        """Whether `count` reads were answered, waiting for them."""
        return eventually(lambda: len(self.read()) >= count)

    def texts(self) -> list[str]:
        """The texts of the records read."""
        return [parse_record(data.decode()).text for data in self.read()]

    def close(self) -> None:
        """Go away."""
        os.close(self._descriptor)


@contextmanager
def reading(server: Server) -> Iterator[Reader]:
    """A reader that goes away at the end."""
    reader = Reader(server.kmsg)
    try:
        yield reader
    finally:
        reader.close()


@pytest.fixture
def server(make_server: MakeServer) -> Server:
    """Two H100 boards, healthy."""
    return make_server(gpus=2)


def test_one_read_is_one_record(server: Server) -> None:
    """However fast they were written, each read returns one whole record."""
    with reading(server) as reader:
        reader.has(1)
        with server.change() as world:
            world.kernel += [(4, f"line {number}") for number in range(50)]
        assert reader.has(51)

    assert [data.count(b"\n") for data in reader.reads] == [1] * 51


def test_a_late_reader_gets_the_whole_ring(server: Server) -> None:
    """Each reader that opens the log starts with its oldest record."""
    server.kernel_message("before anyone read")
    with reading(server) as first:
        assert first.has(2)
    server.kernel_message("while nobody read")

    with reading(server) as second:
        assert second.has(3)
        texts = second.texts()

    assert texts[1:] == ["before anyone read", "while nobody read"]


def test_more_than_a_pipe_holds_arrives(server: Server) -> None:
    """A ring far larger than the pipe comes through whole, in order."""
    with server.change() as world:
        world.kernel += [(6, f"line {number}") for number in range(2_000)]

    with reading(server) as reader:
        assert reader.has(2_001)
        texts = reader.texts()

    assert texts[1:] == [f"line {number}" for number in range(2_000)]


def test_records_carry_sequence_and_simulated_boot_time(server: Server) -> None:
    """Sequence numbers run on; the time is the simulated boot time in microseconds."""
    server.advance(86_400)
    server.kernel_message("a day later")
    now = server.clock.now().boottime

    records = [parse_record(f"{line}\n") for line in server.log.records()]

    assert [record.sequence for record in records] == [0, 1]
    assert 0 <= now - records[1].usec / 1e6 < 60
    assert records[1].usec - records[0].usec >= 86_400 * 1_000_000


def test_lost_records_leave_a_jump(server: Server) -> None:
    """A reader sees from the numbers how many records it did not get."""
    server.lose_records(7)
    server.kernel_message("after the jump")

    sequences = [parse_record(f"{line}\n").sequence for line in server.log.records()]

    assert sequences == [0, 8]


def test_many_writers_share_the_log(server: Server) -> None:
    """Threads that write at once get their own numbers; nothing is torn or lost."""
    writers = [
        threading.Thread(target=server.kernel_message, args=(f"writer {number}",))
        for number in range(16)
    ]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()

    records = [parse_record(f"{line}\n") for line in server.log.records()][1:]

    assert [record.sequence for record in records] == list(range(1, 17))
    assert {record.text for record in records} == {f"writer {number}" for number in range(16)}


def test_an_uncorrectable_error_is_printed_as_the_driver_prints_it(server: Server) -> None:
    """48, where it was, whom it hit, the row to remap, the containment; then the echo."""
    server.uncorrectable(0, echo=[1])

    codes = [
        parse_record(f"{line}\n").text.split("): ")[1].split(",")[0]
        for line in server.log.records()[1:]
    ]
    reporters = [line.split("PCI:")[1][:7] for line in server.log.records()[1:]]

    assert codes == ["48", "171", "48", "63", "94", "94"]
    assert reporters == ["0000:1b"] * 5 + ["0000:43"]


def test_a_boot_empties_the_ring(server: Server) -> None:
    """After a reboot numbers and time start again and the boot id is another."""
    before = server.clock.now()
    server.kernel_message("the last boot's")
    server.reboot()

    records = [parse_record(f"{line}\n") for line in server.log.records()]

    after = server.clock.now()
    assert [record.sequence for record in records] == [0]
    assert (after.boot_id != before.boot_id, after.boottime < 60) == (True, True)
    assert after.wall >= before.wall
