"""What systemd-timesyncd leaves and chronyd answers, where the kernel may not be asked."""

import os
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from gpuwatch import timekeepers

NOW = 1_800_000_000.0
# Recorded of chronyd 4.3: without a source, and with `local stratum 10`; then one with a server.
SILENT = bytes.fromhex(
    "06020000002100050000000000000000f5330378"
    + "00" * 34
    + "0003"
    + "00" * 32
    + "0480000004800000"
    + "00" * 8
)
LOCAL = bytes.fromhex(
    "06020000002100050000000000000000558786d500000000000000007f7f0101"
    + "00" * 20
    + "000a0000000000006b0871723791c9ae"
    + "00" * 36
)
SERVED = LOCAL[:28] + bytes.fromhex("c0000201") + LOCAL[32:]


@contextmanager
def _chronyd(answer: bytes) -> Iterator[tuple[str, int]]:
    """Something that answers one question as recorded, with the question's own sequence number."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as port:
        port.bind(("127.0.0.1", 0))
        port.settimeout(30.0)

        def serve() -> None:
            question, asker = port.recvfrom(1_000)
            same = question[8:12] if len(question) == len(SILENT) else b"none"
            port.sendto(answer[:16] + same + answer[20:], asker)

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield port.getsockname()
        thread.join(30.0)


@pytest.mark.parametrize(
    ("age", "told"), [(0.0, True), (31_999.0, True), (32_001.0, False), (-60.0, False)]
)
def test_a_stamp_is_believed_as_long_as_the_kernel_would(
    age: float, told: bool, tmp_path: Path
) -> None:
    """One from the future is of a clock that was set back since."""
    stamp = tmp_path / "synchronized"
    stamp.touch()
    os.utime(stamp, (NOW - age, NOW - age))

    assert timekeepers.by_stamp(NOW, stamp) is told


def test_a_service_without_a_stamp_was_never_synchronised(tmp_path: Path) -> None:
    """Its folder is there while it runs; without it, it is not the one that keeps this clock."""
    (tmp_path / "timesync").mkdir()

    assert timekeepers.by_stamp(NOW, tmp_path / "timesync" / "synchronized") is False
    assert timekeepers.by_stamp(NOW, tmp_path / "absent" / "synchronized") is None


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        (SERVED, True),
        (SILENT, False),
        (LOCAL, False),
        (SERVED[:50], None),
        (SERVED[:8] + b"\0\2" + SERVED[10:], None),
        (b"\5" + SERVED[1:], None),
    ],
    ids=["by a server", "by nobody", "by itself", "short", "refused", "of another version"],
)
def test_chronyd_says_whether_it_follows_anybody(answer: bytes, told: bool | None) -> None:
    """What is no answer to the question says nothing."""
    with _chronyd(answer) as address:
        assert timekeepers.by_chrony(address) is told


def test_nobody_at_the_port_says_nothing() -> None:
    """The kernel refuses at once."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as free:
        free.bind(("127.0.0.1", 0))
        address = free.getsockname()

    assert timekeepers.by_chrony(address) is None


def test_the_stamp_comes_first_and_chronyd_where_there_is_none(tmp_path: Path) -> None:
    """Only one of them keeps a clock; of one that does not run there is no folder."""
    (tmp_path / "timesync").mkdir()

    with _chronyd(SERVED) as address:
        stamped = timekeepers.synchronized(tmp_path / "timesync" / "synchronized", address)
        asked = timekeepers.synchronized(tmp_path / "absent" / "synchronized", address)

    assert (stamped, asked) == (False, True)
