"""Archives made by somebody else: a check of one ends soon, and calls none whole that is a trap."""

import gzip
import hashlib
import io
import tarfile
from pathlib import Path

import pytest

from gpuwatch.cli.archives import packed
from gpuwatch.cli.bundle.check import NoBundleError, check

MANIFEST = "MANIFEST.sha256"
_YEARS = 1 << 60  # bytes


def _line(name: str, content: bytes) -> bytes:
    return f"{hashlib.sha256(content).hexdigest()}  {name}\n".encode()


def _tar(path: Path, members: dict[str, bytes], **headers: str) -> Path:
    """An archive with members of these whole names, each with further headers."""
    with tarfile.open(path, "w:gz", format=tarfile.PAX_FORMAT) as tar:
        for name, content in members.items():
            member = tarfile.TarInfo(name)
            member.size, member.pax_headers = len(content), headers
            tar.addfile(member, io.BytesIO(content))
    return path


def _header(kind: bytes, size: int) -> bytes:
    """The header of something that is `size` bytes long, without what is behind it."""
    member = tarfile.TarInfo("f/x")
    member.type, member.size = kind, size
    return member.tobuf(tarfile.GNU_FORMAT)


def _gzip(path: Path, content: bytes) -> Path:
    path.write_bytes(gzip.compress(content))
    return path


@pytest.mark.parametrize(
    ("folder", "name"),
    [
        ("", "etc/cron.d/x"),
        ("..", "x"),
        (".", "x"),
        ("f", "../../x"),
        ("f", "a/./x"),
        ("f", "a//x"),
        ("f", "..\\x"),
    ],
)
def test_a_name_that_leads_elsewhere_is_never_whole(tmp_path: Path, folder: str, name: str) -> None:
    """Whoever unpacks next trusts the answer."""
    members = {f"{folder}/{name}": b"a", f"{folder}/{MANIFEST}": _line(name, b"a")}
    archive = _tar(tmp_path / "e.tar.gz", members)

    with pytest.raises(NoBundleError, match="does not belong into such an archive"):
        check(archive)


def test_a_manifest_with_two_sums_for_a_file_is_none(tmp_path: Path) -> None:
    """One of them is wrong, as sha256sum says of the same file."""
    manifest = _line("x", b"other") + _line("x", b"a")
    archive = _tar(tmp_path / "e.tar.gz", {"f/x": b"a", f"f/{MANIFEST}": manifest})

    with pytest.raises(NoBundleError, match="two sums for x"):
        check(archive)


@pytest.mark.parametrize(
    "kind",
    [tarfile.GNUTYPE_LONGNAME, tarfile.XHDTYPE, tarfile.XGLTYPE, tarfile.SYMTYPE, tarfile.LNKTYPE],
)
def test_what_the_library_would_read_at_once_is_refused_by_its_size(
    tmp_path: Path, kind: bytes
) -> None:
    """A few KiB unpack to all memory that there is."""
    archive = _gzip(tmp_path / "e.tar.gz", _header(kind, 1 << 33))

    with pytest.raises(NoBundleError, match="does not belong into such an archive"):
        check(archive)


def test_a_file_of_nothing_but_holes_is_refused(tmp_path: Path) -> None:
    """Its zeros would be summed up for years."""
    holes = {"GNU.sparse.size": str(_YEARS), "GNU.sparse.map": f"0,0,{_YEARS},0"}
    archive = _tar(tmp_path / "e.tar.gz", {"f/x": b""}, **holes)

    with pytest.raises(NoBundleError, match="f/x does not belong into such an archive"):
        check(archive)


def test_headers_that_contradict_themselves_are_damage(tmp_path: Path) -> None:
    """And no traceback."""
    sparse = {"GNU.sparse.major": "1", "GNU.sparse.minor": "0"}
    archive = _tar(tmp_path / "e.tar.gz", {"f/x": b"9" * 512}, **sparse)

    with pytest.raises(NoBundleError, match="or damaged"):
        check(archive)


def test_more_than_any_such_archive_holds_is_not_read_to_its_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is behind the last member counts as well."""
    content = gzip.decompress(packed("f", {"a": b"a"}, at=0.0)) + bytes(1 << 20)
    archive = _gzip(tmp_path / "e.tar.gz", content)
    monkeypatch.setattr("gpuwatch.cli.bundle.check._MOST_BYTES", 1 << 19)

    with pytest.raises(NoBundleError, match="it is larger than"):
        check(archive)


def test_names_that_are_long_or_of_any_script_are_whole(tmp_path: Path) -> None:
    """They have headers of their own, which are small."""
    content = {f"captures/{'n' * 180}.json": b"a", "b\u00e4.txt": b"b"}
    archive = tmp_path / "e.tar.gz"
    archive.write_bytes(packed("f", content, at=0.0))

    assert check(archive).is_whole
