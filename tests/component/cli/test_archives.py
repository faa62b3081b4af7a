"""Archives as files: whole or not there, the same for the same content, checked by sha256sum."""

import subprocess
import tarfile
from pathlib import Path

import pytest

from gpuwatch.cli.archives import MANIFEST, packed, write
from gpuwatch.control.requests import ControlError, ErrorKind

CONTENT = {"b.txt": b"two\n", "a/a.json": b"{}\n"}
AT = 1_767_225_600.0


def test_the_manifest_is_what_sha256sum_checks(tmp_path: Path) -> None:
    """Without gpuwatch."""
    target = tmp_path / "x.tar.gz"

    told = write(target, "bundle", CONTENT, at=AT)

    with tarfile.open(target) as tar:
        tar.extractall(tmp_path, filter="data")
    checked = subprocess.run(
        ["/usr/bin/sha256sum", "--strict", "-c", MANIFEST],
        cwd=tmp_path / "bundle", capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert checked.stdout == "a/a.json: OK\nb.txt: OK\n"
    assert told.names == ("a/a.json", "b.txt", MANIFEST)
    assert told.size == target.stat().st_size


def test_equal_content_makes_equal_bytes_that_name_nobody(tmp_path: Path) -> None:
    """In whatever order it was handed over, and whoever writes it."""
    turned = dict(reversed(CONTENT.items()))

    assert packed("f", CONTENT, at=AT) == packed("f", turned, at=AT)
    write(tmp_path / "x.tar.gz", "f", CONTENT, at=AT)
    with tarfile.open(tmp_path / "x.tar.gz") as tar:
        owners = {(one.uid, one.gid, one.uname, one.mode, one.mtime) for one in tar}
    assert owners == {(0, 0, "", 0o600, AT)}


def test_a_file_is_only_replaced_when_asked_to(tmp_path: Path) -> None:
    """What is there stays whole, nothing lies beside it, and what is made is its owner's alone."""
    target = tmp_path / "x.tar.gz"
    target.write_bytes(b"mine")

    with pytest.raises(ControlError, match="exists") as refused:
        write(target, "f", CONTENT, at=AT)

    assert (refused.value.kind, target.read_bytes()) == (ErrorKind.USAGE, b"mine")
    write(target, "f", CONTENT, at=AT, overwrite=True)
    assert target.stat().st_mode & 0o777 == 0o600
    assert list(tmp_path.iterdir()) == [target]


@pytest.mark.parametrize("name", ["", "missing/x.tar.gz", "x" * 300])
def test_a_place_that_cannot_be_written_is_told(tmp_path: Path, name: str) -> None:
    """With the way out."""
    with pytest.raises(ControlError, match=r"\(.+\)"):
        write(tmp_path / name, "f", CONTENT, at=AT)
