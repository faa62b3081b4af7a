"""The files that the settings of BMCs name, as check-config sees them."""

from pathlib import Path

import pytest

from tests.support.commands import run

NEEDLE = "hunter2-needle"


def _configuration(folder: Path, *lines: str) -> Path:
    file = folder / "gpuwatch.toml"
    login = f'user = "watch"\npassword_file = "{folder}/bmc.secret"'
    file.write_text("\n".join(("[bmc.host]", 'address = "bmc"', login, *lines)) + "\n")
    return file


def _secret(folder: Path, mode: int) -> Path:
    path = folder / "bmc.secret"
    path.write_text(f"{NEEDLE}\n")
    path.chmod(mode)
    return path


def test_check_config_says_which_secret_others_can_read(tmp_path: Path) -> None:
    """Before the agent does, and without telling it."""
    secret, file = _secret(tmp_path, 0o640), _configuration(tmp_path, 'protocol = "ipmi"')

    told = run("check-config", "--config", str(file))

    assert told.status == 78
    assert told.err == (
        f'config: {file}: bmc.host.password_file = "{secret}" can be read or written by others'
        " than its owner: mode 640"
        " (make it mode 600, and change the secret if others have read it)\n"
    )


def test_check_config_says_which_certificates_cannot_be_read(tmp_path: Path) -> None:
    """The BMC could not be trusted."""
    _secret(tmp_path, 0o600)
    gone = f"{tmp_path}/gone.pem"
    file = _configuration(tmp_path, 'protocol = "redfish"', f'ca_file = "{gone}"')

    told = run("check-config", "--config", str(file))

    assert told.status == 78
    assert told.err == (
        f'config: {file}: bmc.host.ca_file = "{gone}" cannot be read:'
        " No such file or directory (is it the right file?)\n"
    )


@pytest.mark.parametrize("form", [(), ("--json",)])
def test_no_secret_stands_in_what_check_config_prints(
    tmp_path: Path, form: tuple[str, ...]
) -> None:
    """Its path does."""
    secret, file = _secret(tmp_path, 0o600), _configuration(tmp_path, 'protocol = "ipmi"')

    told = run("check-config", "--config", str(file), *form)

    assert told.status == 0
    assert NEEDLE not in told.out + told.err
    assert str(secret) in told.out


def test_a_bmc_that_is_not_asked_needs_no_files(tmp_path: Path) -> None:
    """It may be switched off because they are gone."""
    file = _configuration(tmp_path, 'protocol = "ipmi"', "enabled = false")

    told = run("check-config", "--config", str(file))

    assert told.status == 0
