"""BMC: the settings of the management controllers that are asked, each under a name of its own."""

import re
from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field, StrictBool, StrictStr
from pydantic import model_validator as after_fields

from gpuwatch.config.bmc_addresses import endpoint_of, is_bmc_address
from gpuwatch.config.section import HOUR, MINUTE, SECOND, Section, refuse
from gpuwatch.config.values import AbsolutePath, Duration, hidden, refused
from gpuwatch.domain.bmc import BmcProtocol

MOST = 64  # children of one agent
SECRETS = frozenset({"password", "passwd", "pass", "kg", "key", "secret", "token"})

_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,31}", re.ASCII)
_CREDENTIAL = re.compile(r"[A-Za-z0-9_.@-]{1,128}", re.ASCII)
_FINGERPRINT = re.compile(r"[0-9a-f]{64}", re.ASCII)
_IPMI_USER = 16  # characters: IPMI 2.0, 22.28

# What a key is for; set with another protocol, it would do nothing.
_ONLY: Mapping[str, tuple[BmcProtocol, ...]] = {
    "address": (BmcProtocol.IPMI, BmcProtocol.REDFISH),
    "user": (BmcProtocol.IPMI, BmcProtocol.REDFISH),
    "password_file": (BmcProtocol.IPMI, BmcProtocol.REDFISH),
    "credential": (BmcProtocol.IPMI, BmcProtocol.REDFISH),
    "host": (BmcProtocol.IPMI, BmcProtocol.REDFISH),
    "privilege": (BmcProtocol.IPMI,),
    "kg_file": (BmcProtocol.IPMI,),
    "ca_file": (BmcProtocol.REDFISH,),
    "fingerprint": (BmcProtocol.REDFISH,),
    "gpus": (BmcProtocol.REDFISH,),
    "device": (BmcProtocol.IPMI_LOCAL,),
}


def _name(value: object) -> str:
    if isinstance(value, str) and _NAME.fullmatch(value):
        return value
    raise refused("is no name for a BMC (write up to 32 of a-z, 0-9 and -, the first of them no -)")


def _bmc_address(value: object) -> str:
    """`HOST`, `HOST:PORT`, `[IPV6]` or `[IPV6]:PORT`."""
    if not isinstance(value, str) or not is_bmc_address(value):
        # Not shown: it is here that people write "user:password@host".
        raise hidden(
            'is no address of a BMC (write "HOST", "HOST:PORT", "[IPV6]" or "[IPV6]:PORT")'
        )
    return value


def _secret_path(value: object) -> str:
    if isinstance(value, str) and value.startswith("/") and "\0" not in value:
        return value
    # Not shown: it is here that people write the password itself.
    raise hidden(
        "is not the absolute path of a file (write the secret into a file, and its path here)"
    )


def _credential(value: object) -> str:
    if not isinstance(value, str) or not _CREDENTIAL.fullmatch(value) or value in (".", ".."):
        raise hidden("is no name of a credential (write the one of LoadCredential=NAME:FILE)")
    if value.startswith("gpuwatch."):
        raise refused(
            "is a credential that holds a setting (name it without gpuwatch. in front,"
            " here and in LoadCredential=)"
        )
    return value


def _fingerprint(value: object) -> str:
    text = value.replace(":", "").lower() if isinstance(value, str) else ""
    if not _FINGERPRINT.fullmatch(text):
        raise refused(
            "is not the SHA-256 fingerprint of a certificate (write its 64 hexadecimal digits:"
            " openssl x509 -noout -fingerprint -sha256)"
        )
    return text


def _host_name(value: object) -> str:
    if isinstance(value, str) and value.isprintable() and value.strip() == value:
        return value
    raise refused("is no name of a host (write it as people call it)")


def _not_too_many(bmcs: dict[str, "Bmc"]) -> dict[str, "Bmc"]:
    if len(bmcs) > MOST:
        raise hidden(
            f"has {len(bmcs)} BMCs, and one agent asks {MOST} at most"
            " (give the others to an agent on another host)"
        )
    return bmcs


BmcName = Annotated[str, BeforeValidator(_name)]
BmcAddress = Annotated[str, BeforeValidator(_bmc_address)]
SecretPath = Annotated[str, BeforeValidator(_secret_path)]
Credential = Annotated[str, BeforeValidator(_credential)]
Fingerprint = Annotated[str, BeforeValidator(_fingerprint)]
HostName = Annotated[str, BeforeValidator(_host_name)]


def _usual_interval(data: dict[str, Any]) -> timedelta:
    return 5 * MINUTE if data.get("protocol") is BmcProtocol.IPMI_LOCAL else MINUTE


class Bmc(Section):
    """A management controller of this host, or of another. See bmc.md."""

    protocol: BmcProtocol = Field(
        description="ipmi over the network, ipmi-local through the kernel's device, or redfish."
    )
    address: BmcAddress | None = Field(
        None,
        description='Where it listens: "HOST", "HOST:PORT" or "[IPV6]:PORT"; the port is 623 for'
        " ipmi and 443 for redfish unless it is written.",
    )
    user: StrictStr | None = Field(
        None,
        min_length=1,
        max_length=255,
        description="The account; one with the least rights will do (user, or ReadOnly).",
    )
    password_file: SecretPath | None = Field(
        None,
        description="A file with its password, of root or the agent's user and mode 600; read"
        " again when the BMC refuses it. Or credential.",
    )
    credential: Credential | None = Field(
        None,
        description="The systemd credential with its password: the NAME of LoadCredential="
        "NAME:FILE in the unit. Or password_file.",
    )
    kg_file: SecretPath | None = Field(
        None, description="A file with the BMC's key K_g, where it has one; as password_file."
    )
    privilege: Literal["user", "operator", "administrator"] = Field(
        "user", description="The session's privilege; some BMCs tell watts only to an operator."
    )
    ca_file: AbsolutePath | None = Field(
        None, description="Certificates (PEM) that may have signed the BMC's; unset: the system's."
    )
    fingerprint: Fingerprint | None = Field(
        None, description="Or the SHA-256 fingerprint of the BMC's own certificate."
    )
    device: AbsolutePath = Field(
        "/dev/ipmi0", min_length=1, description="The device of ipmi-local."
    )
    host: HostName = Field(
        "", max_length=253, description='Whose BMC it is; "" is this host\'s own.'
    )
    expected_on: StrictBool = Field(
        default=False,
        description="Whether its host is never switched off without maintenance: it is then told.",
    )
    interval: Duration = Field(
        default_factory=_usual_interval,
        ge=5 * SECOND,
        le=HOUR,
        description="How often it is asked; 5m with ipmi-local unless it is written.",
    )
    enabled: StrictBool = Field(default=True, description="Whether it is asked at all.")
    required: StrictBool = Field(
        default=False, description="Whether /readyz needs fresh readings of this source."
    )
    gpus: StrictBool = Field(
        default=True, description="Whether it is asked about GPUs, where it tells of them."
    )

    @after_fields(mode="after")
    def _goes_together(self) -> "Bmc":
        refuse(**dict(self._problems()))
        return self

    def _problems(self) -> Iterator[tuple[str, str]]:
        for key, protocols in _ONLY.items():
            if key in self.model_fields_set and self.protocol not in protocols:
                yield key, f"does nothing with protocol {self.protocol.value} (remove it)"
        if self.ca_file and self.fingerprint:
            yield "fingerprint", "stands beside ca_file (keep one of them)"
        if self.protocol is BmcProtocol.IPMI_LOCAL:
            return
        if self.address is None:
            yield "address", 'is missing (write where the BMC listens: "HOST" or "HOST:PORT")'
        if self.user is None:
            yield "user", "is missing (write the account; one with the least rights will do)"
        elif self.protocol is BmcProtocol.IPMI and len(self.user.encode()) > _IPMI_USER:
            yield "user", f"is longer than {_IPMI_USER} bytes, which IPMI cannot say (shorten it)"
        if self.password_file is None and self.credential is None:
            yield "password_file", "is missing (name the file with the password, or a credential)"
        if self.password_file is not None and self.credential is not None:
            yield "credential", "stands beside password_file (keep one of them)"

    @property
    def endpoint(self) -> str:
        """Where it listens, with its port; "" for one in band."""
        return endpoint_of(self.address or "", self.protocol)


Bmcs = Annotated[dict[BmcName, Bmc], AfterValidator(_not_too_many)]
