"""Packages and the bundle: what lies in them, how it is marked, and that builds repeat."""

import gzip
import json
import re
import stat
import subprocess
import tarfile
from os.path import normpath
from pathlib import Path

import pytest

from tests.support import archives
from tests.support.archives import Entry
from tests.support.deliveries import ROOT, Delivery, architecture, deliver, delivered, minor
from tests.support.require import require

pytestmark = [pytest.mark.xdist_group("packages"), pytest.mark.timeout(600)]

SETTINGS = {"/etc/default/gpuwatch", "/etc/gpuwatch/gpuwatch.toml"}
HOOKS = ("kubernetes-taint", "slurm-drain", "ticket-body")
PROGRAMS = {
    "/usr/bin/gpuwatch",
    "/usr/lib/gpuwatch/prepare",
    *(f"/usr/share/gpuwatch/hooks/{name}" for name in HOOKS),
}
OURS = ("/usr/lib/gpuwatch", "/usr/share/gpuwatch", "/usr/share/doc/gpuwatch", "/etc/gpuwatch")
WANTED = {
    "/usr/lib/gpuwatch/common/gpuwatch/cli/__init__.py",
    "/usr/lib/gpuwatch/common/gpuwatch/runbooks/down.md",
    "/usr/lib/systemd/system/gpuwatch.service",
    "/usr/lib/systemd/system/gpuwatch-sram.timer",
    "/usr/lib/sysusers.d/gpuwatch.conf",
    "/usr/lib/udev/rules.d/60-gpuwatch-ipmi.rules",
    "/usr/share/gpuwatch/systemd/10-local-ipmi.conf",
    "/usr/share/gpuwatch/alerts/gpuwatch.rules.yml",
    "/usr/share/gpuwatch/grafana/dashboards/gpuwatch-fleet.json",
    "/usr/share/gpuwatch/grafana/provisioning/dashboards/gpuwatch.yaml",
    "/usr/share/man/man1/gpuwatch.1.gz",
    "/usr/share/man/man5/gpuwatch.toml.5.gz",
    "/usr/share/bash-completion/completions/gpuwatch",
    "/usr/share/fish/vendor_completions.d/gpuwatch.fish",
    "/usr/share/doc/gpuwatch/copyright",
    "/usr/share/doc/gpuwatch/CHANGELOG.md",
    "/usr/share/doc/gpuwatch/docs/install.md",
    "/usr/share/doc/gpuwatch/docs/runbooks/down.md",
    "/etc/gpuwatch/conf.d",
    *SETTINGS,
    *PROGRAMS,
}


@pytest.fixture(scope="module")
def delivery() -> Delivery:
    """What `make dist` makes, for this machine."""
    return delivered()


@pytest.fixture(scope="module")
def deb(delivery: Delivery) -> dict[str, Entry]:
    """The paths of the Debian package."""
    return archives.debian(delivery.deb)


@pytest.fixture(scope="module")
def rpm(delivery: Delivery) -> dict[str, Entry]:
    """The paths of the RPM package."""
    return archives.rpm(delivery.rpm)


@pytest.fixture(scope="module", params=["deb", "rpm"])
def package(request: pytest.FixtureRequest) -> dict[str, Entry]:
    """The paths of each package in turn."""
    found: dict[str, Entry] = request.getfixturevalue(request.param)
    return found


def test_two_builds_of_one_commit_are_equal(
    delivery: Delivery, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Byte for byte, each file of the delivery: nobody has to believe a builder."""
    again = deliver(tmp_path_factory.mktemp("again"))

    first = (delivery.folder / "SHA256SUMS").read_text()
    assert (again.folder / "SHA256SUMS").read_text() == first
    assert len(first.splitlines()) == len(list(delivery.folder.iterdir())) - 1


def test_the_sums_are_those_of_the_files(delivery: Delivery) -> None:
    """What the documents say to check holds."""
    command = [require("sha256sum", "coreutils"), "--check", "--strict", "--quiet", "SHA256SUMS"]

    checked = subprocess.run(command, cwd=delivery.folder, capture_output=True, check=False)

    assert checked.returncode == 0, checked.stdout


def test_a_package_has_all_that_it_should(package: dict[str, Entry]) -> None:
    """Program, units, manual, completion, alerts, dashboards, documents, settings."""
    assert package.keys() >= WANTED


def test_both_packages_have_the_same_contents(deb: dict[str, Entry], rpm: dict[str, Entry]) -> None:
    """But for where zsh looks, which Debian has its own place for."""
    ours = {path for path, entry in deb.items() if not stat.S_ISDIR(entry.mode)}
    theirs = {path for path, entry in rpm.items() if not stat.S_ISDIR(entry.mode)}

    assert ours ^ theirs == {
        "/usr/share/zsh/vendor-completions/_gpuwatch",
        "/usr/share/zsh/site-functions/_gpuwatch",
    }


def test_everything_is_roots(package: dict[str, Entry]) -> None:
    """The service must not be able to change what it runs."""
    assert {(entry.owner, entry.group) for entry in package.values()} == {("root", "root")}


def test_nobody_else_may_write_and_no_program_has_rights_of_its_own(
    package: dict[str, Entry],
) -> None:
    """Modes are those of Debian's policy; passwords lie where only root looks."""
    modes = {
        path: stat.S_IMODE(entry.mode)
        for path, entry in package.items()
        if not stat.S_ISLNK(entry.mode)
    }
    folders = {path for path, entry in package.items() if stat.S_ISDIR(entry.mode)}

    assert modes["/etc/gpuwatch/secrets"] == 0o700
    assert {modes[path] for path in folders - {"/etc/gpuwatch/secrets"}} == {0o755}
    assert {path for path in modes.keys() - folders if modes[path] == 0o755} == PROGRAMS
    assert {modes[path] for path in modes.keys() - folders - PROGRAMS} == {0o644}


def test_settings_are_marked_as_such(package: dict[str, Entry]) -> None:
    """An upgrade keeps what the operator changed, and only that."""
    assert {path for path, entry in package.items() if entry.settings} == SETTINGS


def test_nothing_compiled_and_nothing_of_the_build_is_in_it(package: dict[str, Entry]) -> None:
    """Compiled modules differ from build to build, and tests belong to nobody's host."""
    strange = re.compile(r"\.py[co]$|__pycache__|/\.git/|\.orig$|~$|/tests/support/")

    assert [path for path in package if strange.search(path)] == []


def test_no_file_names_the_machine_that_built_it(deb: dict[str, Entry]) -> None:
    """A path of the builder would be wrong on every other machine."""
    builder = str(ROOT).encode()

    assert [path for path, entry in deb.items() if builder in entry.data] == []


def test_links_lead_to_the_pythons_of_the_system(delivery: Delivery) -> None:
    """The only links, and no Python of the builder's."""
    command = [require("dpkg-deb", "dpkg"), "--contents", str(delivery.deb)]
    told = subprocess.run(command, capture_output=True, text=True, check=True).stdout

    links = re.findall(r"^l.* (\S+) -> (\S+)$", told, re.MULTILINE)

    tree = f"./usr/lib/gpuwatch/py{minor()}/bin/python3"
    assert links == [(tree, f"/usr/bin/python{minor()}")]


def test_folders_of_its_own_are_the_packages(rpm: dict[str, Entry]) -> None:
    """A removal by rpm takes only folders that the package lists."""
    parents = {str(parent) for path in rpm for parent in Path(path).parents}

    assert {path for path in parents if path.startswith(OURS)} - rpm.keys() == set()


def test_every_local_link_of_the_documents_leads_somewhere(deb: dict[str, Entry]) -> None:
    """The installed documents stand alone."""
    place = Path("/usr/share/doc/gpuwatch")
    pages = {path: entry for path, entry in deb.items() if path.startswith(f"{place}/")}
    broken = [
        (path, target)
        for path, entry in pages.items()
        if path.endswith(".md")
        for target in re.findall(rb"\]\(([^)#:]+\.md)[)#]", entry.data)
        if normpath(Path(path).parent / target.decode()) not in pages
    ]

    assert broken == []


def test_manual_pages_are_packed_without_a_time(deb: dict[str, Entry]) -> None:
    """The header has the instant of packing unless told otherwise."""
    page = deb["/usr/share/man/man1/gpuwatch.1.gz"].data

    assert page[4:8] == b"\0\0\0\0"
    assert gzip.decompress(page) == (ROOT / "packaging" / "man" / "gpuwatch.1").read_bytes()


def test_man_shows_a_page_of_the_package(deb: dict[str, Entry], tmp_path: Path) -> None:
    """As an operator reads it, without a warning."""
    page = tmp_path / "gpuwatch.1.gz"
    page.write_bytes(deb["/usr/share/man/man1/gpuwatch.1.gz"].data)

    shown = subprocess.run(
        [require("man", "man-db"), "--warnings", "--local-file", str(page)],
        capture_output=True,
        text=True,
        check=False,
    )

    assert "check-config" in shown.stdout
    assert (shown.returncode, shown.stderr) == (0, "")


def test_the_debian_package_says_what_it_needs(delivery: Delivery) -> None:
    """A Python that it serves, whichever the system has, and a C library."""
    control = archives.debian_control(delivery.deb, "control")

    assert archives.said(r"(?m)^Depends: (.*)$", control) == (
        "python3.13 | python3.12 | python3.11, libc6 (>= 2.28)"
    )
    assert archives.said(r"(?m)^Architecture: (.*)$", control) == architecture()
    assert archives.said(r"(?m)^Version: (.*)$", control) == "0.1.0-1"


@pytest.mark.parametrize("script", ["postinst", "prerm", "postrm"])
def test_a_script_of_the_package_stops_at_a_failure(delivery: Delivery, script: str) -> None:
    """The packager must hear of it; the shell takes the script without complaint."""
    text = archives.debian_control(delivery.deb, script)

    checked = subprocess.run(["sh", "-n"], input=text.encode(), capture_output=True, check=False)  # noqa: S607 - any shell

    assert text.startswith("#!/bin/sh\nset -e\n")
    assert (checked.returncode, checked.stderr) == (0, b"")


def test_the_rpm_says_what_it_needs_and_no_more(delivery: Delivery) -> None:
    """Nothing that rpm's own search would find in a bundled library."""
    needed = archives.rpm_query(delivery.rpm, "--requires").split("\n")

    others = [line for line in needed if line and not line.startswith("rpmlib(")]
    assert others == ["(python3.13 or python3.12 or python3.11)"]


def test_the_rpm_says_that_no_licence_is_chosen(delivery: Delivery) -> None:
    """A field that must have a value has a true one."""
    asked = archives.rpm_query(delivery.rpm, "--queryformat=%{LICENSE} %{BUILDHOST}")

    assert asked == "not chosen yet localhost"


def test_the_bill_lists_every_wheel_of_the_bundle(delivery: Delivery) -> None:
    """With the hash that the bundle has for it."""
    bill = json.loads(delivery.bill.read_text())
    listed = {
        file["name"]: file["hashes"][0]["content"]
        for one in [bill["metadata"]["component"], *bill["components"]]
        for file in one["components"]
    }
    with tarfile.open(delivery.bundle) as bundle:
        (sums,) = (one for one in bundle.getmembers() if one.name.endswith("/SHA256SUMS"))
        told = bundle.extractfile(sums)
        assert told is not None
        text = told.read().decode()

    assert {f"{digest}  wheels/{name}" for name, digest in listed.items()} == {
        line for line in text.splitlines() if line.endswith(".whl")
    }
