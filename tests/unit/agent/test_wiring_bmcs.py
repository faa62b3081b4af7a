"""What the settings of BMCs make of their sources."""

import tomllib

from gpuwatch.agent.wiring_bmcs import bmc_settings
from gpuwatch.config.layers import Layers, take_document
from gpuwatch.config.loading import check
from gpuwatch.sources.bmc_source import BmcSettings

LOGIN = 'user = "watch"\npassword_file = "/etc/gpuwatch/bmc.secret"\n'
IPMI = f'[bmc.host]\nprotocol = "ipmi"\naddress = "10.0.0.7"\n{LOGIN}'
LOCAL = '[bmc.here]\nprotocol = "ipmi-local"\ndevice = "/dev/ipmi1"\n'
REDFISH = (
    '[bmc.gpus]\nprotocol = "redfish"\naddress = "10.0.0.8"\nuser = "watch"\ncredential = "gpus"\n'
    'ca_file = "/etc/ssl/bmc.pem"\ngpus = false\n'
)


def _settings(toml: str) -> tuple[BmcSettings, ...]:
    layers = Layers()
    take_document(layers, tomllib.loads(toml), "gpuwatch.toml")
    return bmc_settings(check(layers))


def test_a_child_over_lan_is_told_where_to_log_in_and_where_its_password_is() -> None:
    """The password itself is read by the child."""
    (told,) = _settings(IPMI + 'kg_file = "/etc/gpuwatch/kg.secret"\nprivilege = "operator"')

    assert told.command[-2:] == ("gpuwatch.sources.bmc", "host")
    assert told.asked == {
        "protocol": "ipmi",
        "address": "10.0.0.7:623",
        "device": "",
        "user": "watch",
        "privilege": "operator",
        "ca_file": "",
        "fingerprint": "",
        "gpus": True,
        "kg": "",
        "secrets": {
            "password": {"file": "/etc/gpuwatch/bmc.secret"},
            "kg": {"file": "/etc/gpuwatch/kg.secret"},
        },
    }


def test_a_child_in_band_is_told_its_device_and_no_account() -> None:
    """Every five minutes: the kernel's driver is slow."""
    (told,) = _settings(LOCAL)

    assert told.command[-2:] == ("gpuwatch.sources.bmc", "here")
    assert told.interval == 300.0
    assert (told.asked["address"], told.asked["device"]) == ("", "/dev/ipmi1")
    assert (told.asked["user"], told.asked["secrets"]) == ("", {})


def test_a_redfish_child_is_another_program() -> None:
    """With what it takes to trust the BMC, and whether to look for GPUs."""
    (told,) = _settings(REDFISH)

    assert told.command[-2:] == ("gpuwatch.sources.redfish", "gpus")
    assert (told.asked["ca_file"], told.asked["gpus"]) == ("/etc/ssl/bmc.pem", False)
    assert told.asked["secrets"] == {"password": {"credential": "gpus"}}


def test_a_bmc_that_is_not_asked_is_no_source() -> None:
    """And takes no turn."""
    (told,) = _settings(IPMI + "enabled = false\n" + LOCAL)

    assert (told.name, told.start_after) == ("here", 0.0)


def test_children_start_a_second_apart() -> None:
    """The first at once. Fifty at the same time would keep a small host busy for a while."""
    bmcs = "".join(
        IPMI.replace("bmc.host", f"bmc.n{number}").replace("10.0.0.7", f"n{number}")
        for number in range(50)
    )

    told = _settings(bmcs)

    assert [each.start_after for each in told] == list(range(50))


def test_all_children_have_started_within_the_shortest_interval() -> None:
    """However many there are."""
    bmcs = "".join(
        IPMI.replace("bmc.host", f"bmc.n{number}").replace("10.0.0.7", f"n{number}")
        + 'interval = "10s"\n'
        for number in range(50)
    )

    assert max(each.start_after for each in _settings(bmcs)) < 10.0
