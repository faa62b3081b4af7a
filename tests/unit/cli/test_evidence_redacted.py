"""Redacted evidence: no name that is to be hidden stays anywhere, and what a vendor needs does."""

import json
import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from gpuwatch.cli.bundle.contents import Attached, contents
from gpuwatch.cli.bundle.redacted import Redacted
from gpuwatch.domain.devices import Slot
from gpuwatch.exposition.evidence_documents import evidence
from gpuwatch.exposition.evidence_shapes import EvidenceShape
from gpuwatch.policy.describe import told_of
from gpuwatch.sources.nvml_signals import TABLE
from tests.support.dossiers import a_capture, a_dossier
from tests.support.golden import GOLDEN
from tests.support.snapshots import rich_snapshot

_TABLE = "Processes:\n|    0   N/A  N/A      2291      C   /opt/a b                 1234MiB |\n"
_LIST = "  Process ID          : 4711\n    Type              : C\n    Name              : /opt/c\n"
SIGNALS = {row.key: row for row in TABLE}
OTHER_UUID = "GPU-deadbeef-0000-1111-2222-333344445555"
OWN_SERIAL, OWN_UUID = "1654223010009", "GPU-00000002-1111-2222-3333-444455556662"
# What the scenario has of each sort, in the capture of it.
_HIDDEN = (
    "gpu-node-17", "node-18", "ams1", "(ada)", "4242", "python3", "192.0.2.17", "192.0.2.18",
    "SRV0042", "A-0042", "1572923000411", "1654223010010",
    "GPU-00000003-1111-2222-3333-444455556663",
)  # fmt: skip


def _told(number: int = 15, **changes: Any) -> EvidenceShape:  # noqa: ANN401 - of a snapshot
    snapshot = replace(rich_snapshot(), **changes)
    held = a_dossier(snapshot, number)
    return evidence(snapshot, held, SIGNALS, told_of(held.flag.code))


def _text(told: str, **changes: Any) -> str:  # noqa: ANN401 - of a snapshot
    return Redacted(_told(**changes), (told,)).text(told)


@pytest.mark.parametrize(
    ("told", "expected"),
    [
        ("on gpu-node-17.ams1.example.net now", "on host-1 now"),
        ("gpu-node-17-bmc and GPU-NODE-17", "host-1-bmc and host-1"),
        ("in hall ams1, rack 17, 17 errors", "in hall place-1, rack place-3, 17 errors"),
        ("board 1654223010010 and 1654223010009", "board serial-8 and 1654223010009"),
        (f"{OWN_SERIAL}/{OWN_UUID}", f"{OWN_SERIAL}/{OWN_UUID}"),
        ("pid=4242, name=train_llm, Ch 8", "pid=pid-1, name=process-1, Ch 8"),
        ("pid='<unknown>', name=<unknown>, Ch 8", "pid='<unknown>', name=<unknown>, Ch 8"),
        ("pid=77, name=python, x; python died", "pid=pid-2, name=process-2, x; process-2 died"),
        ("PID: 991 Comm: my job Not tainted 6.1", "PID: pid-2 Comm: process-2 Not tainted 6.1"),
        ("Comm: eve #7", "Comm: process-2"),
        ("NVRM: the client 'eve' (pid 991) has", "NVRM: the client 'process-2' (pid pid-2) has"),
        ("Comm: eve Kdump: loaded Tainted: P", "Comm: process-2 Tainted: P"),
        ("Comm: eve " + "x" * 70, "Comm: process-2 " + "x" * 70),
        ("Killed process 991 (my job) total-vm:1", "Killed process pid-2 (process-2) total-vm:1"),
        ("oom-kill:task=eve,pid=991,uid=1000", "oom-kill:task=process-2,pid=pid-2,uid=1000"),
        ("INFO: task kworker/3:991 blocked", "INFO: task process-2:pid-2 blocked"),
        ("slurmd[991]: started", "process-2[pid-2]: started"),
        ("the process 4242 train_llm did it", "the process pid-1 process-1 did it"),
        ("by uid 7 (bob), claims SUDO_USER=eve", "by uid 7 (user-2), claims SUDO_USER=user-3"),
        ("/home/dave/x; dave did it", "/home/user-2/x; user-2 did it"),
        ("uid 0 (root) by gpuwatch", "uid 0 (root) by gpuwatch"),
        ("from 10.0.0.7:623, fe80::1%eth0", "from address-2:623, address-1%eth0"),
        ("lladdr aa:bb:cc:0D:EE:ff", "lladdr address-1"),
        ("0000:3b:00.0 at 2026-03-14T03:12:07Z", "0000:3b:00.0 at 2026-03-14T03:12:07Z"),
        ("a flag of host gpu-3.b: x; gpu-3 it is", "a flag of host host-2: x; host-2 it is"),
        ("on this host 12 GPUs in 12 slots", "on this host 12 GPUs in 12 slots"),
        ("a flag of host hop: ab-cd of 2026-03-02", "a flag of host host-2: ab-cd of 2026-03-02"),
        ("host hop told of it, with 1 flag; hop", "host host-2 told of it, with 1 flag; host-2"),
        ("row 17 of bank 3, rack 17", "row 17 of bank 3, rack place-3"),
        ("NVRM: DRAM row 17, col 3\nin row 17", "NVRM: DRAM row 17, col 3\nin row place-3"),
        ("row 17: the bank failed", "row place-3: the bank failed"),
        (f"NVRM: GPU at PCI:0000:9b:00: {OTHER_UUID}", "NVRM: GPU at PCI:0000:9b:00: uuid-8"),
        (f"{OTHER_UUID}; {OTHER_UUID[4:]}", "uuid-8; uuid-8"),
        ("NVRM: GPU Board Serial Number: 1777000111", "NVRM: GPU Board Serial Number: serial-12"),
        (f"Board Serial Number: {OWN_SERIAL}", f"Board Serial Number: {OWN_SERIAL}"),
        ("serial: changed, all is changed", "serial: changed, all is changed"),
        ("S/N: AB123; serial AB124", "S/N: serial-12; serial serial-13"),
        ("serial AB124 in place of AB123", "serial serial-12 in place of serial-13"),
        ("driver 580.95.05 in place of 570.124.06", "driver 580.95.05 in place of 570.124.06"),
        ("http://HOST:9853/ of the host", "http://HOST:9853/ of the host"),
        ("https://www.ashrae.org/x", "https://www.ashrae.org/x"),
        ("HGX-22.10-rc6 in place of HGX-22.09", "HGX-22.10-rc6 in place of HGX-22.09"),
        (f"/pods/{OTHER_UUID[4:]}/volumes", "/pods/uuid-8/volumes"),
        ("https://ops:p!w@n7.corp.example/x", "https://(hidden)@host-2/x"),
        ("ada.lovelace@corp.example saw it", "user-2 saw it"),
        ("User carol logged in; carol", "User user-2 logged in; user-2"),
        ("hostname: www.corp.example; www; w1.corp.example", "hostname: host-2; www; host-3"),
        ("n9.ams1.example.net, ams1", "n9.place-1.example.net, place-1"),
        (_TABLE, _TABLE.replace("2291", "pid-2").replace("/opt/a b", "process-2")),
        (_LIST, _LIST.replace("4711", "pid-2").replace("/opt/c", "process-2")),
        ("", ""),
    ],
)  # fmt: skip
def test_names_are_replaced_and_nothing_else(told: str, expected: str) -> None:
    """Hosts with their domains, places where something says so, processes as the kernel tells."""
    assert _text(told) == expected


def test_a_host_whose_name_is_the_beginning_of_the_board_spares_the_board() -> None:
    """The board's own serial and UUID are what the vendor needs."""
    told = f"{OWN_UUID} on gpu"

    assert _text(told, hostname="gpu") == f"{OWN_UUID} on host-1"


@pytest.mark.parametrize("text", ["uid 1 (", "Comm: a ", "host a-", ",name=", "pid=1 task=a,"])
def test_a_line_made_to_last_for_hours_does_not(text: str) -> None:
    """A diagnostic is what somebody gave: no pattern looks at all of it for each of its words."""
    line = text * 20_000

    assert len(_text(line)) > len(line) / 2


def test_another_host_of_the_same_domain_is_replaced() -> None:
    """Whose hosts they are is told by their domain."""
    told = _text("n9.hall.example.net; hall.example.net", hostname="gpu-7.hall.example.net")

    assert re.fullmatch(r"host-\d; hall\.example\.net", told)


def test_a_process_with_a_common_name_is_replaced_where_the_kernel_tells_of_it() -> None:
    """And not in every sentence about GPUs."""
    assert (
        _text("pid=9, name=gpu, x: the gpu is lost")
        == "pid=pid-2, name=process-2, x: the gpu is lost"
    )


def test_the_same_name_is_the_same_word_in_every_file() -> None:
    """A kernel line, a CSV and the capture tell of one process."""
    redacted = Redacted(_told())
    files = contents(redacted.evidence(_told()), Attached(redacted=True))

    assert b"pid=pid-1, name=process-1, DBE" in files["kernel.log"]
    assert b"pid=pid-1, name=process-1, DBE" in files["xids.csv"]
    assert b'"because": "incident 4 opened on GPU 2 of host-1"' in _joined(files)
    assert b"uid 1000 (user-1)" in files["audit.csv"]


def test_a_capture_as_agents_make_it_keeps_nothing_that_is_to_be_hidden() -> None:
    """The document of a GPU, of the host, of BMCs and of other boards are in it."""
    document = json.loads((GOLDEN / "capture.json").read_text())
    snapshot = rich_snapshot()
    capture = replace(a_capture(a_dossier(snapshot, 15).flag.board), document=document)
    held = replace(a_dossier(snapshot, 15), captures=(capture,))
    told = evidence(snapshot, held, SIGNALS, told_of(held.flag.code))

    redacted: Any = Redacted(told).evidence(told)
    text = json.dumps(redacted["captures"][0])

    before = json.dumps(told["captures"][0])
    assert [one for one in _HIDDEN if one not in before] == []
    assert [one for one in _HIDDEN if one in text] == []
    assert [one for one in (OWN_SERIAL, OWN_UUID, "96.00.5E.00.01") if one not in text] == []


def test_what_was_known_only_of_a_former_chassis_is_replaced_too() -> None:
    """A board that moved tells its old chassis in its counters alone."""
    snapshot = rich_snapshot()
    moved = tuple(
        replace(gpu, record=replace(gpu.record, slot=Slot(pci_address="0000:3b:00.0")))
        for gpu in snapshot.gpus
    )

    told = _told(gpus=moved)
    files = contents(Redacted(told).evidence(told), Attached(redacted=True))

    assert b"1572923000411" not in _joined(files)
    assert b"gpuwatch_gpu_chassis_serial,serial-" in files["counters.csv"]


@pytest.mark.parametrize(
    ("name", "address", "expected"),
    [
        ("rack17-bmc", "bmc17.hall.example:623", ("host-2", "host-3:623")),
        ("main", "https://192.0.2.9/redfish", ("main", "https://address-1/redfish")),
        ("main", "an address that is not set", ("main", "an address that is not set")),
        ("main", "/dev/ipmi0", ("main", "/dev/ipmi0")),
    ],
)
def test_a_bmc_that_is_called_like_a_host_is_one(
    name: str, address: str, expected: tuple[str, str]
) -> None:
    """A word such as "main" tells nobody anything."""
    bmc = replace(rich_snapshot().bmcs[0], name=name, address=address)
    told = _told(bmcs=(bmc,))

    (redacted,) = Redacted(told).evidence(told)["inventory"]["bmcs"]

    assert (redacted["name"], redacted["address"]) == expected


def test_a_rack_unit_is_replaced_and_the_unit_of_a_signal_is_not() -> None:
    """They have one key."""
    redacted = Redacted(_told())
    told = redacted.evidence(_told())

    assert told["place"]["unit"].startswith("place-")
    assert "watts" in {row[4] for row in told["tables"]["counters"]["rows"]}


def test_what_cannot_be_read_is_left_out_and_said() -> None:
    """Bytes of an event log, and a diagnostic that is no text."""
    told = _told(11)
    told["diagnostic_output"] = "//79AAE="  # FF FE FD 00 01

    redacted = Redacted(told).evidence(told)

    assert redacted["diagnostic_output"] is None
    assert {one["what"] for one in redacted["missing"]} >= {
        "raw entries of event logs",
        "the output of the diagnostic",
    }
    assert [row[-1] for row in redacted["tables"]["sel"]["rows"]] == [""]


def test_a_diagnostic_that_was_attached_is_redacted() -> None:
    """It names the host as often as not."""
    told = _told(11)
    told["diagnostic_output"] = "aG9zdCBncHUtbm9kZS0xNzogUEFTUw=="  # host gpu-node-17: PASS

    files = contents(Redacted(told).evidence(told), Attached(redacted=True))

    assert b"host host-1: PASS" in files["diagnostic.json"]


def _joined(files: Mapping[str, bytes]) -> bytes:
    return b"\n".join(name.encode() + b"\n" + content for name, content in files.items())
