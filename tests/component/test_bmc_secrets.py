"""Secrets of BMCs: from files that nobody else may read, and from systemd."""

import os
import stat
from pathlib import Path

import pytest

from gpuwatch.sources.bmc_child import with_secrets
from gpuwatch.sources.bmc_secrets import SecretRefused, _judge, judge_file, read_secret

SECRET = "hunter2-needle"
REGULAR, FOREIGNER = stat.S_IFREG | 0o600, 4_242


def _file(tmp_path: Path, content: bytes = f"{SECRET}\n".encode(), mode: int = 0o600) -> Path:
    path = tmp_path / "bmc.secret"
    path.write_bytes(content)
    path.chmod(mode)
    return path


def _refusal(path: Path) -> str:
    with pytest.raises(SecretRefused) as refused:
        read_secret({"file": str(path)}, {})
    assert SECRET not in str(refused.value)
    return str(refused.value)


def _stat(mode: int, owner: int) -> os.stat_result:
    return os.stat_result((mode, 1, 1, 1, owner, 0, 8, 0, 0, 0))


@pytest.mark.parametrize("end", [b"", b"\n", b"\r\n"])
def test_a_secret_is_the_only_line_of_its_file(tmp_path: Path, end: bytes) -> None:
    """However an editor ends lines."""
    path = _file(tmp_path, SECRET.encode() + end)

    assert read_secret({"file": str(path)}, {}) == SECRET


def test_a_secret_may_hold_blanks_at_both_ends(tmp_path: Path) -> None:
    """They are part of a password."""
    path = _file(tmp_path, b" pass word \n")

    assert read_secret({"file": str(path)}, {}) == " pass word "


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620, 0o602, 0o666])
def test_a_file_that_others_may_read_or_write_is_refused(tmp_path: Path, mode: int) -> None:
    """The mode is named, and what to do."""
    path = _file(tmp_path, mode=mode)

    assert _refusal(path) == (
        f"{path} can be read or written by others than its owner: mode {mode:o}"
        " (make it mode 600, and change the secret if others have read it)"
    )


def test_a_link_is_followed_and_what_it_leads_to_judged(tmp_path: Path) -> None:
    """Secrets are often linked to by what hands them out."""
    link = tmp_path / "link"
    link.symlink_to(_file(tmp_path, mode=0o644))

    assert "mode 644" in _refusal(link)


def test_a_link_to_a_secret_is_as_good_as_the_secret(tmp_path: Path) -> None:
    """It has no rights of its own."""
    link = tmp_path / "link"
    link.symlink_to(_file(tmp_path))

    assert read_secret({"file": str(link)}, {}) == SECRET


def test_a_pipe_is_refused_and_keeps_nobody(tmp_path: Path) -> None:
    """Opening one waits for a writer, who may never come."""
    path = tmp_path / "pipe"
    os.mkfifo(path, 0o600)

    assert _refusal(path) == f"{path} is not a file (name the file that holds the secret)"


def test_a_folder_is_refused(tmp_path: Path) -> None:
    """It holds no secret."""
    assert "is not a file" in _refusal(tmp_path)


def test_a_missing_file_is_refused_with_how_to_make_it(tmp_path: Path) -> None:
    """It may be the first start."""
    path = tmp_path / "gone"

    assert _refusal(path) == (
        f"{path} cannot be read: No such file or directory"
        " (write the secret into it, alone, and make it mode 600)"
    )


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "is empty (write the secret into it)"),
        (b"\n", "is empty (write the secret into it)"),
        (
            f"{SECRET}\nsecond\n".encode(),
            "holds more than one line of text (write the secret alone)",
        ),
        (f"{SECRET}\0".encode(), "holds more than one line of text (write the secret alone)"),
        (f"{SECRET}\xfc".encode("latin-1"), "is not UTF-8 (write the secret as UTF-8)"),
        (SECRET.encode() * 200, "holds more than 1024 bytes (is it the right file?)"),
    ],
)
def test_what_is_no_secret_is_refused_and_not_quoted(
    tmp_path: Path, content: bytes, said: str
) -> None:
    """It may be a key, a certificate, another's file."""
    path = _file(tmp_path, content)

    assert _refusal(path) == f"{path} {said}"


def test_a_file_of_somebody_else_is_refused() -> None:
    """Whoever owns it could change where the agent logs in, and as whom."""
    path = Path("/etc/gpuwatch/bmc.secret")

    with pytest.raises(SecretRefused, match="belongs to user 4242, who is neither root nor"):
        _judge(path, _stat(REGULAR, 0), _stat(REGULAR, FOREIGNER), 0o066, {0, 990})


def test_a_link_of_somebody_else_is_refused() -> None:
    """They could lead the agent to another secret, and have it sent to their BMC."""
    path = Path("/etc/gpuwatch/bmc.secret")

    with pytest.raises(SecretRefused, match="reached by a link that belongs to user 4242"):
        _judge(path, _stat(stat.S_IFLNK, FOREIGNER), _stat(REGULAR, 0), 0o066, {0, 990})


def test_a_check_before_the_start_refuses_what_the_start_would(tmp_path: Path) -> None:
    """Nothing is told later that could be told now."""
    path = _file(tmp_path, mode=0o644)

    with pytest.raises(SecretRefused, match="mode 644"):
        judge_file(str(path))


def test_a_check_before_the_start_takes_a_good_file(tmp_path: Path) -> None:
    """And says nothing."""
    judge_file(str(_file(tmp_path)))


def test_a_credential_is_read_from_where_systemd_left_it(tmp_path: Path) -> None:
    """With the rights that an access list shows as the group's."""
    (tmp_path / "bmc-password").write_text(f"{SECRET}\n")
    (tmp_path / "bmc-password").chmod(0o440)

    told = read_secret({"credential": "bmc-password"}, {"CREDENTIALS_DIRECTORY": str(tmp_path)})

    assert told == SECRET


def test_a_credential_that_everybody_may_read_is_refused(tmp_path: Path) -> None:
    """That is nothing systemd does."""
    (tmp_path / "bmc-password").write_text(f"{SECRET}\n")
    (tmp_path / "bmc-password").chmod(0o444)

    with pytest.raises(SecretRefused, match="mode 444"):
        read_secret({"credential": "bmc-password"}, {"CREDENTIALS_DIRECTORY": str(tmp_path)})


def test_what_the_unit_hands_over_without_a_file_is_never_sent_as_a_password(
    tmp_path: Path,
) -> None:
    """A few wrong logins lock a BMC's user out."""
    (tmp_path / "bmc-password").write_text("unset")
    (tmp_path / "bmc-password").chmod(0o400)

    with pytest.raises(SecretRefused, match="credential bmc-password has no secret: "):
        read_secret({"credential": "bmc-password"}, {"CREDENTIALS_DIRECTORY": str(tmp_path)})


def test_a_credential_outside_systemd_is_refused_with_both_ways_out() -> None:
    """Somebody started the agent by hand."""
    with pytest.raises(SecretRefused) as refused:
        read_secret({"credential": "bmc-password"}, {})

    assert str(refused.value) == (
        "credential bmc-password was not handed over: CREDENTIALS_DIRECTORY is not set"
        " (write LoadCredential=bmc-password:FILE into the unit, or set password_file)"
    )


@pytest.mark.parametrize("name", ["password", "kg"])
def test_what_ipmi_cannot_take_is_refused_before_a_bmc_is_asked(tmp_path: Path, name: str) -> None:
    """It would refuse it, and lock the account out."""
    path = _file(tmp_path, b"x" * 21)
    settings = {"protocol": "ipmi", "secrets": {name: {"file": str(path)}}}

    with pytest.raises(SecretRefused, match=f"the {name} is longer than 20 bytes"):
        with_secrets(settings, {})


def test_a_child_finds_its_secrets_under_their_names(tmp_path: Path) -> None:
    """Beside its other settings, however long where the protocol has no limit."""
    path = _file(tmp_path, b"x" * 21)
    settings = {"protocol": "redfish", "secrets": {"password": {"file": str(path)}}}

    assert with_secrets(settings, {})["password"] == "x" * 21
