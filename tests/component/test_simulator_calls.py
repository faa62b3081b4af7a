"""The simulated driver, met through the real binding: calls that fail, hang, wait or cost."""

import os
from pathlib import Path

import pytest

from simulator.world import Server
from tests.support.nvml_client import NvmlClient
from tests.support.patience import eventually
from tests.support.server import MakeServer

LOST = "error 15"
NOT_SUPPORTED = "error 3"
NO_PERMISSION = "error 4"
ABSENT = "error 13"


@pytest.fixture
def server(make_server: MakeServer) -> Server:
    """Eight H100 boards, healthy."""
    return make_server()


def test_a_privileged_call_is_refused(server: Server) -> None:
    """Who may not ask gets NO_PERMISSION, not zeros."""
    server.privileged("nobody")

    with NvmlClient(server) as client:
        client.call("nvmlInit")
        status = client.call(
            "nvmlDeviceGetSramEccErrorStatus", "#1", "&c_nvmlEccSramErrorStatus_v1_t"
        )

    assert status == NO_PERMISSION


def test_a_call_may_fail_on_one_gpu(server: Server) -> None:
    """An error code set for one call of one GPU is that call's alone, until it is taken away."""
    server.fail(3, "nvmlDeviceGetPowerUsage", 999)

    with NvmlClient(server) as client:
        client.call("nvmlInit")
        failing = client.call("nvmlDeviceGetPowerUsage", "#3")
        other_call = client.call("nvmlDeviceGetTemperature", "#3", 0)
        other_gpu = client.call("nvmlDeviceGetPowerUsage", "#2")
        server.unhang(3)
        mended = client.call("nvmlDeviceGetPowerUsage", "#3")

    assert (failing, other_call, other_gpu, mended) == ("error 999", 45, 318_000, 318_000)


def test_a_call_may_hang_until_it_is_let_go(server: Server) -> None:
    """A hung call answers only after the hang ends; another process's calls go on meanwhile."""
    server.hang(6, "nvmlDeviceGetRemappedRows")

    with NvmlClient(server) as stuck, NvmlClient(server) as other:
        stuck.call("nvmlInit")
        other.call("nvmlInit")
        stuck.send("nvmlDeviceGetRemappedRows", "#6")
        meanwhile = other.call("nvmlDeviceGetRemappedRows", "#5")
        server.unhang(6)
        answer = stuck.answer()

    assert (meanwhile, answer) == ([0, 0, 0, 0], [0, 0, 0, 0])


def test_a_call_may_hang_in_a_read(server: Server, tmp_path: Path) -> None:
    """In `file` mode the call sits in a read of a path the test provides."""
    pipe = tmp_path / "stuck"
    os.mkfifo(pipe)
    server.hang(0, "nvmlDeviceGetTemperature", "file", path=pipe)

    with NvmlClient(server) as client:
        client.call("nvmlInit")
        client.send("nvmlDeviceGetTemperature", "#0", 0)
        with pipe.open("w") as writer:  # opens once the call is reading
            writer.write("x")
        answer = client.answer()

    assert answer == 45


def test_a_lost_gpu_answers_as_a_real_one_does(server: Server) -> None:
    """Identity comes from the cache, the index and readings fail, a batch fails value by value."""
    with NvmlClient(server) as client:
        client.call("nvmlInit")
        client.call("nvmlDeviceGetUUID", "#2")
        server.lose(2)
        uuid = client.call("nvmlDeviceGetUUID", "#2")
        index = client.call("nvmlDeviceGetIndex", "#2")
        power = client.call("nvmlDeviceGetPowerUsage", "#2")
        fields = client.fields(2, 4, 82)
        neighbour = client.fields(3, 4)
        count = client.call("nvmlDeviceGetCount")

    assert uuid == server.get(2, "uuid")
    assert (index, power, fields, neighbour, count) == (LOST, LOST, [LOST, LOST], [0], 8)


def test_a_lost_gpu_gives_no_handle_to_a_fresh_process(server: Server) -> None:
    """It is still counted, and asking for it says lost; restored it answers again."""
    server.lose(2)

    with NvmlClient(server) as client:
        client.call("nvmlInit")
        count = client.call("nvmlDeviceGetCount")
        handle = client.call("nvmlDeviceGetPowerUsage", "#2")
        server.restore(2)
        restored = client.call("nvmlDeviceGetPowerUsage", "#2")

    assert (count, handle, restored) == (8, LOST, 318_000)


def test_events_reach_who_registered_for_them(server: Server) -> None:
    """An event set gets the Xids of its GPUs after its creation, with the handle it knows."""
    server.xid(1, 13)

    with NvmlClient(server) as client:
        client.call("nvmlInit")
        client.call("nvmlDeviceRegisterEvents", "#1", 8, "$set")
        server.xid(0, 31)
        server.xid(1, 79)
        event = client.call("nvmlEventSetWait_v2", "$set", 10_000)
        nothing = client.call("nvmlEventSetWait_v2", "$set", 0)

    assert (event["type"], event["data"], event["handle_kept"]) == (8, 79, "#1")
    assert nothing == "error 10"


def test_a_wait_ends_when_the_event_comes(server: Server) -> None:
    """A waiting thread is woken; every process's set gets the event."""
    with NvmlClient(server) as first, NvmlClient(server) as second:
        for client in (first, second):
            client.call("nvmlInit")
            client.call("nvmlDeviceRegisterEvents", "#4", 2, "$set")
            client.send("nvmlEventSetWait_v2", "$set", 20_000)
        server.uncorrectable(4)
        events = [client.answer()["type"] for client in (first, second)]

    assert events == [2, 2]


def test_a_wait_says_that_a_gpu_was_lost(server: Server) -> None:
    """Its last event comes first, then GPU_IS_LOST."""
    with NvmlClient(server) as client:
        client.call("nvmlInit")
        client.call("nvmlDeviceRegisterEvents", "#4", 8, "$set")
        server.lose(4)
        event = client.call("nvmlEventSetWait_v2", "$set", 10_000)
        after = client.call("nvmlEventSetWait_v2", "$set", 10_000)

    assert (event["data"], after) == (79, LOST)


def test_an_unsupported_event_type_refuses_the_registration(make_server: MakeServer) -> None:
    """One unknown bit refuses all, as the driver does: ask for the supported ones first."""
    server = make_server("t4", 1)

    with NvmlClient(server) as client:
        client.call("nvmlInit")
        supported = client.call("nvmlDeviceGetSupportedEventTypes", "#0")
        refused = client.call("nvmlDeviceRegisterEvents", "#0", 8 | 0x8000, "$set")

    assert (supported, refused) == (0x1B, NOT_SUPPORTED)


def test_an_unmapped_function_stays_within_the_library(server: Server) -> None:
    """What the simulated library does not export is an old driver's missing symbol."""
    with NvmlClient(server) as client:
        client.call("nvmlInit")
        answer = client.call("nvmlDeviceGetAccountingMode", "#0")

    assert answer == ABSENT


def test_a_driver_that_hangs_holds_everybody(server: Server) -> None:
    """A hang of the whole driver blocks every call until it ends."""
    with NvmlClient(server) as client:
        client.call("nvmlInit")
        server.hang(None, "*")
        client.send("nvmlDeviceGetCount")
        server.unhang(None)
        answer = client.answer()

    assert answer == 8


def test_the_world_may_be_edited_by_hand(server: Server) -> None:
    """A file that an editor replaced is noticed; one that cannot be read changes nothing."""
    path = server.file.path
    edited = path.with_name("edited")

    with NvmlClient(server) as client:
        client.call("nvmlInit")
        client.call("nvmlDeviceGetTemperature", "#0", 0)
        edited.write_text(path.read_text().replace("temperature.gpu = 45", "temperature.gpu = 77"))
        edited.replace(path)
        noticed = eventually(lambda: client.call("nvmlDeviceGetTemperature", "#0", 0) == 77)
        edited.write_text("half a li")
        edited.replace(path)
        server.file.bump()
        broken = client.call("nvmlDeviceGetTemperature", "#0", 0)

    assert (noticed, broken) == (True, 77)


def test_calls_and_fields_burn_the_cpu_they_are_told_to(server: Server) -> None:
    """Each call and each batched field costs its share of thread CPU time, for benchmarks."""
    server.set_server("burn_call_us", 10_000)
    server.set_server("burn_field_us", 20_000)

    with NvmlClient(server) as client:
        client.call("nvmlInit")
        client.call("nvmlDeviceGetUUID", "#0")
        before = _cpu_seconds(client.process.pid)
        client.call("nvmlDeviceGetPowerUsage", "#0")
        client.fields(0, 3, 4, 5, 6)
        burnt = _cpu_seconds(client.process.pid) - before

    assert burnt >= 0.08


def _cpu_seconds(pid: int) -> float:
    """User and system time of a process so far, counted in ticks: up to 20 ms too little."""
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def test_a_value_may_be_an_error(server: Server) -> None:
    """`error N` in a value's place makes calls and fields return N for it."""
    server.set(0, "temperature.memory", "error 999")
    server.set(0, "power.milliwatts", "error 15")
    server.set(1, "field.230", "error 3")
    server.set(1, "field.94", 12)

    with NvmlClient(server) as client:
        client.call("nvmlInit")
        power = client.call("nvmlDeviceGetPowerUsage", "#0")
        fields = client.fields(0, 82, 186, 94) + client.fields(1, 230, 94)

    assert (power, fields) == (LOST, ["error 999", LOST, 0, NOT_SUPPORTED, 12])
