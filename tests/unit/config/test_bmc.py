"""BMCs become settings, or all that is wrong with them; what is secret is refused and not shown."""

import tomllib
from collections.abc import Mapping
from datetime import timedelta

import pytest

from gpuwatch.config.layers import Layers, take_document, take_environment, take_options
from gpuwatch.config.loading import ConfigError, Loaded, check
from gpuwatch.config.models import Settings

FILE = "gpuwatch.toml"
NEEDLE = "hunter2-needle"
LOGIN = 'user = "watch"\npassword_file = "/etc/gpuwatch/bmc.secret"\n'
IPMI = f'[bmc.host]\nprotocol = "ipmi"\naddress = "10.0.0.7"\n{LOGIN}'
REDFISH = f'[bmc.gpus]\nprotocol = "redfish"\naddress = "10.0.0.8"\n{LOGIN}'
LOCAL = '[bmc.here]\nprotocol = "ipmi-local"\n'
FINGERPRINT = "AB:" * 31 + "cd"
SECRET = (
    "is a secret, and whoever reads the configuration reads it (write it alone into a file of mode"
    " 600 and name that in password_file or kg_file, or set credential; and choose another)"
)
NO_ADDRESS = 'is no address of a BMC (write "HOST", "HOST:PORT", "[IPV6]" or "[IPV6]:PORT")'


def _layers(
    toml: str = "", environment: Mapping[str, str] | None = None, options: tuple[str, ...] = ()
) -> Layers:
    layers = Layers()
    take_document(layers, tomllib.loads(toml), FILE)
    take_environment(layers, environment or {})
    take_options(layers, options)
    return layers


def _settings(toml: str) -> Settings:
    return check(_layers(toml))


def _refusal(layers: Layers) -> list[str]:
    with pytest.raises(ConfigError) as refused:
        check(layers)
    assert NEEDLE not in str(refused.value)
    return [str(problem) for problem in refused.value.problems]


@pytest.mark.parametrize(
    ("toml", "text"),
    [
        ("[bmc.host]", "bmc.host.protocol is missing (give it one)"),
        (f"[bmc.host]\n{LOGIN}", "bmc.host.protocol is missing (give it one)"),
        (
            IPMI.replace('"ipmi"', '"snmp"'),
            (
                "bmc.host.protocol = \"snmp\" is none of 'ipmi', 'ipmi-local' or 'redfish'"
                " (write one of them)"
            ),
        ),
        (
            IPMI.replace("bmc.host", "bmc.Host"),
            (
                "bmc.Host is no name for a BMC"
                " (write up to 32 of a-z, 0-9 and -, the first of them no -)"
            ),
        ),
        ("bmc = 3", 'bmc = 3 is not a table (write { "name" = value })'),
        ("[bmc]\nhost = 3", "bmc.host is not a section (write its keys below [its name])"),
        (
            IPMI.replace("address", "addres"),
            "bmc.host.addres is no setting (did you mean bmc.host.address?)",
        ),
        (IPMI.replace("10.0.0.7", f"root:{NEEDLE}@10.0.0.7"), f"bmc.host.address {NO_ADDRESS}"),
        (IPMI.replace("10.0.0.7", "fe80::1"), f"bmc.host.address {NO_ADDRESS}"),
        (IPMI.replace("10.0.0.7", "bmc:0"), f"bmc.host.address {NO_ADDRESS}"),
        (IPMI.replace("10.0.0.7", "bmc:65536"), f"bmc.host.address {NO_ADDRESS}"),
        (
            IPMI.replace("/etc/gpuwatch/bmc.secret", NEEDLE),
            (
                "bmc.host.password_file is not the absolute path of a file"
                " (write the secret into a file, and its path here)"
            ),
        ),
        (IPMI + f'password = "{NEEDLE}"', f"bmc.host.password {SECRET}"),
        (IPMI + f'kg = "{NEEDLE}"', f"bmc.host.kg {SECRET}"),
        (
            IPMI.replace("password_file", "credential").replace("/etc/gpuwatch/", f"{NEEDLE}/"),
            (
                "bmc.host.credential is no name of a credential"
                " (write the one of LoadCredential=NAME:FILE)"
            ),
        ),
        (
            IPMI.replace("password_file", "credential").replace("/etc/gpuwatch/", "gpuwatch."),
            (
                'bmc.host.credential = "gpuwatch.bmc.secret" is a credential that holds a setting'
                " (name it without gpuwatch. in front, here and in LoadCredential=)"
            ),
        ),
        (
            IPMI + 'credential = "bmc"',
            'bmc.host.credential = "bmc" stands beside password_file (keep one of them)',
        ),
        (
            IPMI.replace("watch", "a-user-of-17-byte"),
            (
                'bmc.host.user = "a-user-of-17-byte" is longer than 16 bytes,'
                " which IPMI cannot say (shorten it)"
            ),
        ),
        (
            IPMI + 'ca_file = "/etc/ssl/bmc.pem"',
            'bmc.host.ca_file = "/etc/ssl/bmc.pem" does nothing with protocol ipmi (remove it)',
        ),
        (
            REDFISH + 'privilege = "operator"',
            'bmc.gpus.privilege = "operator" does nothing with protocol redfish (remove it)',
        ),
        (
            LOCAL + 'host = "n7"',
            'bmc.here.host = "n7" does nothing with protocol ipmi-local (remove it)',
        ),
        (
            IPMI + 'host = "n7\\n"',
            'bmc.host.host = "n7\\n" is no name of a host (write it as people call it)',
        ),
        (
            REDFISH + 'fingerprint = "ab:cd"',
            (
                'bmc.gpus.fingerprint = "ab:cd" is not the SHA-256 fingerprint of a certificate'
                " (write its 64 hexadecimal digits: openssl x509 -noout -fingerprint -sha256)"
            ),
        ),
        (
            REDFISH + f'fingerprint = "{"ab" * 32}"\nca_file = "/etc/ssl/bmc.pem"',
            f'bmc.gpus.fingerprint = "{"ab" * 32}" stands beside ca_file (keep one of them)',
        ),
        (
            IPMI + IPMI.replace("bmc.host", "bmc.other").replace("10.0.0.7", "10.0.0.7:623"),
            (
                'bmc.other.address = "10.0.0.7:623" is that of bmc.host already'
                " (remove one of them, or correct it)"
            ),
        ),
        (
            LOCAL + LOCAL.replace("here", "there") + 'device = "/dev/ipmi0"',
            (
                'bmc.there.device = "/dev/ipmi0" is that of bmc.here already'
                " (remove one of them, or correct it)"
            ),
        ),
        (IPMI + 'interval = "1s"', 'bmc.host.interval = "1s" is below "5s" (that is the least)'),
        (
            "[policy]\ninlet_celsius_max = 70",
            "policy.inlet_celsius_max = 70 is above 60 (that is the most)",
        ),
        (
            '[policy]\ninlet_class = "A1"\ninlet_celsius_max = 33',
            "policy.inlet_celsius_max = 33 stands beside inlet_class (keep one of them)",
        ),
    ],
)
def test_a_bad_bmc_is_refused_with_its_place_and_the_way_out(toml: str, text: str) -> None:
    """File, key, value, what is wrong and what to write instead; a secret is never shown."""
    assert _refusal(_layers(toml)) == [f"{FILE}: {text}"]


def test_a_bmc_without_a_way_to_log_in_is_refused() -> None:
    """Everything that it lacks is told at once, where its other keys stand."""
    problems = _refusal(_layers('[bmc.host]\nprotocol = "ipmi"'))

    assert problems == [
        (
            f"{FILE}: bmc.host.address is missing"
            ' (write where the BMC listens: "HOST" or "HOST:PORT")'
        ),
        f"{FILE}: bmc.host.user is missing (write the account; one with the least rights will do)",
        (
            f"{FILE}: bmc.host.password_file is missing"
            " (name the file with the password, or a credential)"
        ),
    ]


def test_a_password_in_the_environment_is_refused_by_the_name_of_its_variable() -> None:
    """Every process of the user can read it there."""
    problems = _refusal(_layers(IPMI, {"GPUWATCH_BMC__HOST__PASSWORD": NEEDLE}))

    assert problems == [f"variable GPUWATCH_BMC__HOST__PASSWORD: bmc.host.password {SECRET}"]


def test_a_password_on_the_command_line_is_refused() -> None:
    """Everybody on the host can read it there."""
    problems = _refusal(_layers(IPMI, options=(f"bmc.host.password={NEEDLE}",)))

    assert problems == [f"option --set bmc.host.password: bmc.host.password {SECRET}"]


def test_more_bmcs_than_an_agent_can_watch_are_refused() -> None:
    """Each is a process; fifty are what it is made for."""
    toml = "".join(
        IPMI.replace("bmc.host", f"bmc.n{number}").replace("10.0.0.7", f"n{number}")
        for number in range(65)
    )

    assert _refusal(_layers(toml)) == [
        (
            f"{FILE}: bmc has 65 BMCs, and one agent asks 64 at most"
            " (give the others to an agent on another host)"
        )
    ]


@pytest.mark.parametrize(
    ("toml", "endpoint"),
    [
        (IPMI, "10.0.0.7:623"),
        (IPMI.replace("10.0.0.7", "bmc.example:6230"), "bmc.example:6230"),
        (IPMI.replace("10.0.0.7", "[fe80::1%eno1]"), "[fe80::1%eno1]:623"),
        (IPMI.replace("10.0.0.7", "[::1]:9000"), "[::1]:9000"),
        (REDFISH, "10.0.0.8:443"),
        (LOCAL, ""),
    ],
)
def test_an_endpoint_has_its_port(toml: str, endpoint: str) -> None:
    """That of the protocol, unless another is written."""
    (bmc,) = _settings(toml).bmc.values()

    assert bmc.endpoint == endpoint


def test_a_bmc_is_asked_once_a_minute_and_one_in_band_every_five() -> None:
    """The kernel's driver is slow, and its host pays for it."""
    bmcs = _settings(IPMI + LOCAL).bmc

    assert bmcs["host"].interval == timedelta(minutes=1)
    assert bmcs["here"].interval == timedelta(minutes=5)


def test_a_fingerprint_is_kept_as_plain_digits() -> None:
    """However a tool prints it."""
    settings = _settings(REDFISH + f'fingerprint = "{FINGERPRINT}"')

    assert settings.bmc["gpus"].fingerprint == "ab" * 31 + "cd"


def test_sources_add_up_key_by_key_below_one_name() -> None:
    """And every value says where it came from; digits may be a user's name."""
    layers = _layers(
        IPMI,
        {"GPUWATCH_BMC__HOST__INTERVAL": "2m", "GPUWATCH_BMC__HOST__USER": "123"},
        ("bmc.host.host=n7",),
    )
    loaded = Loaded(settings=check(layers), layers=layers, file=None, options=())

    effective = {setting.key: (setting.value, setting.origin) for setting in loaded.effective()}

    assert effective["bmc.host.address"] == ('"10.0.0.7"', FILE)
    assert effective["bmc.host.interval"] == ('"2m"', "variable GPUWATCH_BMC__HOST__INTERVAL")
    assert effective["bmc.host.user"] == ('"123"', "variable GPUWATCH_BMC__HOST__USER")
    assert effective["bmc.host.host"] == ('"n7"', "option --set bmc.host.host")
    assert effective["bmc.host.privilege"] == ('"user"', "default")


@pytest.mark.parametrize(
    ("toml", "limit"),
    [
        ("", 35.0),
        ('[policy]\ninlet_class = "A1"', 32.0),
        ('[policy]\ninlet_class = "A4"', 45.0),
        ("[policy]\ninlet_celsius_max = 33", 33.0),
    ],
)
def test_an_inlet_is_too_hot_above_what_its_class_allows(toml: str, limit: float) -> None:
    """Or above what somebody wrote."""
    assert _settings(toml).policy.inlet_limit == limit
