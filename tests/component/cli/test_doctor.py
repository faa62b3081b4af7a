"""The doctor as a real process: what it tells with an agent and without, and its archive."""

import hashlib
import json
import os
import pwd
import subprocess
import sys
import tarfile
from argparse import Namespace
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest

from gpuwatch.cli.archives import MANIFEST
from gpuwatch.cli.doctor import bundle as bundles
from gpuwatch.cli.doctor.answers import PAGES
from gpuwatch.cli.doctor.apart import Work
from gpuwatch.cli.doctor.bundle import (
    _names,
    _secrets,
    _written_secrets,
    without_credentials,
)
from gpuwatch.cli.doctor.command import _ask, _read
from gpuwatch.cli.doctor.scene import Scene, Silence, Silent
from gpuwatch.control.requests import ControlError, ErrorKind
from gpuwatch.domain.snapshot import Maintenance, Snapshot
from gpuwatch.exposition.redaction import Named
from tests.support.agents import ROOT
from tests.support.commands import Outcome, run
from tests.support.doctors import healthy, scrape
from tests.support.fake_agent import FakeAgent
from tests.support.snapshots import AT

SECRET = "hunter2-needle-9000"
HOST = "gpu-node-17"
PLANTED = (
    SECRET,
    HOST,
    "10.20.0.5",
    "10.77.0.9",
    "fe80::77:1",
    "adalovelace",
    "quietuser",
    "train_llm",
)
MEMBERS = (
    "README.txt", "doctor.json", "doctor.txt", "history.json", "kernel.txt", "log.txt",
    "metrics.txt", "settings.txt", "snapshot.json", "units.txt", "versions.txt", MANIFEST,
)  # fmt: skip


@pytest.fixture
def config(folder: Path) -> Path:
    """Settings of a host that has nothing of this machine's."""
    return _config(folder)


def _config(folder: Path) -> Path:
    """Settings with nothing of this machine's in them, and with secrets to be found out."""
    secret = folder / "bmc-password"
    secret.write_text(f"{SECRET}\n")
    secret.chmod(0o600)
    path = folder / "gpuwatch.toml"
    path.write_text(
        f'[agent]\nstate_directory = "{folder}/state"\nruntime_directory = "{folder}"\n'
        f'hostname = "{HOST}"\n'
        f'[nvml]\nsysfs = "{folder}/sys"\nproc = "{folder}/proc"\n'
        f'[kernel_log]\npath = "{folder}/kmsg"\n'
        '[web]\nlisten_addresses = ["127.0.0.1:9"]\n'
        '[work_orders]\ncontacts = ["quietuser, +49 30 555 0101"]\n'
        '[bmc.main]\nprotocol = "redfish"\naddress = "127.0.0.1:1"\nuser = "quietuser"\n'
        f'password_file = "{secret}"\n'
    )
    return path


def _doctor(config: Path, *words: str) -> Outcome:
    return run("doctor", "--config", str(config), *words)


def _checks(told: Outcome) -> dict[str, dict[str, Any]]:
    return {one["name"]: one for one in json.loads(told.out)["checks"]}


def test_without_an_agent_everything_is_told_as_far_as_possible(config: Path) -> None:
    """Why none runs, and what can be seen without: every check has its line."""
    told = _doctor(config, "--json")

    checks = _checks(told)
    assert (told.status, told.err) == (1, "")
    assert {name.partition(".")[0] for name in checks} == PAGES.keys()
    assert "no agent listens" in checks["agent"]["found"]
    problems = {name for name, one in checks.items() if one["state"] == "problem"}
    assert problems >= {"agent", "driver", "kernel-log", "bmc.main"}
    assert checks["bmc.main"]["found"].startswith("127.0.0.1:1: unreachable")
    assert checks["settings"]["state"] == "ok"


def test_broken_settings_keep_nothing_from_being_told(
    folder: Path, config: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Paths are taken from what was written all the same."""
    for name in [name for name in os.environ if name.startswith("GPUWATCH_")]:
        monkeypatch.delenv(name)  # what the tests are run with
    config.write_text(config.read_text() + '[web2]\nx = 1\n[policy]\ninlet_class = "Z"\n')

    read = _read(Namespace(config=config, socket=None))

    assert {one.key for one in read.problems} == {"web2", "policy.inlet_class"}
    assert read.socket == folder / "control.sock"
    assert read.history == folder / "state" / "history.db"


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        (ErrorKind.DENIED, Silence.DENIED),
        (ErrorKind.BUSY, Silence.LATE),
        (ErrorKind.FAILED, Silence.FAILED),
        (ErrorKind.USAGE, Silence.FAILED),
    ],
)
def test_an_agent_that_refuses_is_told_as_such(
    agent: FakeAgent, kind: ErrorKind, expected: Silence
) -> None:
    """One of an older version does not know what it is asked."""
    agent.refusal = ControlError(kind, "no", "see its log")

    told = _ask(agent.path, metrics=False)

    assert isinstance(told, Silent)
    assert told.why is expected
    assert ("another version" in told.what) == (kind is ErrorKind.USAGE)


def test_nothing_that_hangs_holds_the_doctor_up(tmp_path: Path) -> None:
    """It is left behind, keeps no pipe of ours, and is gone once a signal reaches it."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.support.hanging", str(tmp_path)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )

    before, told = done.stdout.splitlines()
    got = json.loads(told)
    assert before == "before"
    assert "no answer within 0.5 s" in got["hangs"]
    assert "no answer within 0.5 s" in got["deaf"]
    assert "no such thing" in got["fails"]
    assert "ended without an answer" in got["vanishes"]
    assert len(got["large"]) == 1_000_000
    pids = [(tmp_path / name).read_text() for name in ("hangs", "deaf")]
    assert [pid for pid in pids if Path("/proc", pid).exists()] == []


@dataclass(frozen=True)
class Bundle:
    """A run with an archive: what it said, and the files of the archive by name."""

    out: str
    status: int
    mode: int
    files: dict[str, bytes]


@pytest.fixture(scope="module", name="bundle")
def _bundle() -> Iterator[Bundle]:
    """What is in the archive of an agent that tells all sorts of names and secrets."""
    with TemporaryDirectory(prefix="gpuwatch-") as name:
        folder = Path(name)
        agent = FakeAgent(folder, _talkative())
        agent.told = {
            "scrapes": [scrape()],
            "history": f"{folder}/state/history.db",
            "settings": [
                {"key": "bmc.main.user", "value": '"quietuser"', "origin": "file"},
                {"key": "work_orders.contacts", "value": '["adalovelace"]', "origin": "file"},
                {"key": "hooks.x.command", "value": f'["curl", "{SECRET}"]', "origin": "file"},
            ],
            "metrics": f'gpuwatch_up{{host="{HOST}"}} 1\n# {SECRET}\n',
        }
        target = folder / "b.tar.gz"
        told = _doctor(_config(folder), "--bundle", str(target))
        agent.stop()
        assert "wrote" in told.out, told.err
        with tarfile.open(target) as tar:
            opened = {one.name.partition("/")[2]: tar.extractfile(one) for one in tar}
            files = {name: file.read() for name, file in opened.items() if file is not None}
        yield Bundle(told.out, told.status, target.stat().st_mode & 0o777, files)


def _talkative() -> Snapshot:
    troubled = "Xid (PCI:0000:01:00): 13, pid=4242, name=train_llm, from fe80::77:1"
    sick = replace(healthy().sources[0], problem=f"asked by {HOST} at 10.77.0.9: {troubled}")
    work = Maintenance(
        identity="m-1", scope="host", board="", until=AT + 60, reason="swap",
        actor="uid 1000 (adalovelace)",
    )  # fmt: skip
    return replace(healthy(), sources=(sick, healthy().sources[1]), maintenance=(work,))


def test_with_an_agent_its_word_is_told(bundle: Bundle) -> None:
    """On the hardware, on itself, and on who comes for the metrics."""
    lines = bundle.out.splitlines()

    assert any(line.startswith("ok       gpus        2 of 2 GPUs") for line in lines)
    assert any(line.startswith("ok       prometheus  /metrics by Prometheus/3.1") for line in lines)
    assert any(line.startswith("PROBLEM  bmc.main    the agent was started") for line in lines)
    assert bundle.status == 1


def test_the_archive_holds_what_a_stranger_asks_for(bundle: Bundle) -> None:
    """Each file with its sum."""
    files = bundle.files
    sums = [line.split("  ") for line in files[MANIFEST].decode().splitlines()]

    assert sorted(files) == sorted(MEMBERS)
    assert bundle.mode == 0o600
    assert [sha256 for sha256, _ in sums] == [
        hashlib.sha256(files[name]).hexdigest() for _, name in sums
    ]
    assert [name for _, name in sums] == sorted(MEMBERS[:-1])
    assert json.loads(files["doctor.json"])["hostname"] == "host-1"
    assert json.loads(files["snapshot.json"])["status"]["hostname"] == "host-1"
    assert json.loads(files["history.json"])["path"].endswith("/state/history.db")
    assert b"gpuwatch_up" in files["metrics.txt"]
    assert b"package pydantic-settings " in files["versions.txt"]


def test_no_secret_and_no_name_leaves_with_the_archive(bundle: Bundle) -> None:
    """Neither in a text nor in a document; the same name is the same word in both."""
    this_host = Path("/proc/sys/kernel/hostname").read_text().strip()
    people = {one.pw_name for one in pwd.getpwall() if 1_000 <= one.pw_uid < 60_000}
    whole = b"\n".join(bundle.files.values()).decode()
    settings = bundle.files["settings.txt"].decode()

    assert [planted for planted in PLANTED if planted in whole] == []
    assert not {this_host, *people} & set(whole.split())
    assert "host-1: gpuwatch" in bundle.files["doctor.txt"].decode()
    assert "at address-1, " in bundle.files["doctor.txt"].decode()
    assert 'bmc.main.user = "user-' in settings
    assert "work_orders.contacts = (hidden)" in settings
    assert "hooks.x.command = (hidden)" in settings


def test_what_is_refused_is_redacted_too(config: Path, folder: Path) -> None:
    """Also a password that somebody wrote where it does not belong."""
    written = f'[bmc.other]\naddress = "bmc-9.mgmt.example:x"\npassword = "{SECRET}-2"\n'
    config.write_text(config.read_text() + written)

    read = _read(Namespace(config=config, socket=None))
    scene = Scene(read=read, now=AT, root=folder)

    assert read.problems
    assert _written_secrets(scene) == [f"{SECRET}-2"]
    names = _names(scene, "h", ())
    assert {"bmc-9.mgmt.example:x", "127.0.0.1", HOST} <= set(names[Named.HOST])
    assert "quietuser" in names[Named.USER]


def test_no_command_and_no_contact_leaves_where_it_is_refused(config: Path, folder: Path) -> None:
    """A refusal quotes what it refuses; a line that is broken in the middle hides nothing."""
    listed = '["quietuser, +49 30 555 0101"]'
    written = config.read_text().replace(listed, listed.strip("[]"))
    hook = f'[hooks.ticket]\ncommand = ["curl", "-u", "admin:{SECRET}-2", "https://tickets"]\n'
    config.write_text(written + hook)
    target = folder / "b.tar.gz"

    told = _doctor(config, "--bundle", str(target))

    assert "refused: " in told.out
    with tarfile.open(target) as tar:
        opened = [tar.extractfile(one) for one in tar]
        whole = b" ".join(file.read() for file in opened if file is not None).decode()
    assert f"{SECRET}-2" not in whole
    assert "555 0101" not in " ".join(whole.split())
    assert "hooks.ticket.command = (hidden) does not begin" in whole


@pytest.mark.parametrize(
    "written",
    [
        "SetCredential=rack7:hunter2-needle",
        "SetCredential = rack7: hunter2-needle",
        "SetCredential=rack7:hunter\\\n  2-needle",
    ],
    ids=["plain", "spaced", "lines"],
)
def test_a_credential_in_a_unit_is_hidden(written: str) -> None:
    """Whatever its name, and over how many lines; the rest of the unit stays."""
    told = without_credentials(f"[Service]\n{written}\nUser=gpuwatch\n")

    assert "needle" not in told
    assert "rack7:(hidden)\nUser=gpuwatch" in told


def test_passwords_that_hang_are_waited_for_together(
    config: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A dead file server holds up sixteen as long as one."""
    rounds: list[set[str]] = []
    written = config.read_text().split("[bmc.main]")[1].replace("bmc-password", "other")
    config.write_text(f"{config.read_text()}[bmc.other]{written}")

    def _apart(works: Mapping[str, Work[str]]) -> dict[str, object]:
        rounds.append(set(works))
        return {}

    monkeypatch.setattr(bundles, "apart", _apart)

    _secrets(Scene(read=_read(Namespace(config=config, socket=None)), now=AT, root=folder))

    assert rounds == [{f"{folder}/bmc-password", f"{folder}/other"}]


def test_an_archive_replaces_nothing_unless_told_to(config: Path, folder: Path) -> None:
    """It is said at once, before anything is looked at."""
    target = folder / "b.tar.gz"
    target.write_bytes(b"mine")

    told = _doctor(config, "--bundle", str(target))

    assert (told.status, target.read_bytes()) == (2, b"mine")
    assert "--force" in told.err
    assert told.out == ""
