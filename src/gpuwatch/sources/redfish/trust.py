"""Trust: by what the other end of a TLS connection is known; never by nothing."""

import re
import ssl
from dataclasses import dataclass

from gpuwatch.domain.bmc import BmcTrouble
from gpuwatch.sources.bmc_loop import Trouble

_SHA256 = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class Trust:
    """What a connection must show: a certificate of an authority, or that very certificate.

    `fingerprint` is the SHA-256 of the certificate as 64 hex digits, "" when it is not pinned.
    """

    context: ssl.SSLContext
    fingerprint: str


def trust(ca_file: str, fingerprint: str) -> Trust:
    """By a pinned certificate, by the authorities of `ca_file`, else by the system's.

    With both given, both must hold. Raises Trouble for a file or fingerprint that is none.
    """
    pinned = fingerprint.lower().removeprefix("sha256:").replace(":", "").strip()
    if pinned and not _SHA256.fullmatch(pinned):
        text = "fingerprint is not a SHA-256 in hex (openssl x509 -noout -fingerprint -sha256)"
        raise Trouble(BmcTrouble.CERTIFICATE, text)
    try:
        context = ssl.create_default_context(cafile=ca_file or None)
    except (OSError, ValueError) as error:  # ssl.SSLError is an OSError
        text = f"ca_file {ca_file}: no certificates can be read from it ({error})"
        raise Trouble(BmcTrouble.CERTIFICATE, text) from error
    if pinned and not ca_file:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE  # the fingerprint is verified instead
    return Trust(context, pinned)
