"""Certificate: one that a simulated service shows, signed by itself; made with openssl."""

import hashlib
import ssl
import subprocess
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Certificate:
    """Files with a certificate and its key, in PEM."""

    file: Path
    key: Path

    @property
    def fingerprint(self) -> str:
        """The SHA-256 of the certificate, in hex."""
        der = ssl.PEM_cert_to_DER_cert(self.file.read_text())
        return hashlib.sha256(der).hexdigest()

    def context(self) -> ssl.SSLContext:
        """For a server that shows it."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.file, self.key)
        return context


def make_certificate(directory: Path, name: str = "IP:127.0.0.1") -> Certificate:
    """A new certificate for `name`, an alternative name as openssl writes it."""
    made = Certificate(directory / "certificate.pem", directory / "key.pem")
    directory.mkdir(parents=True, exist_ok=True)
    subprocess.run(
        [
            *("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"),
            *("-nodes", "-days", "3650", "-subj", "/CN=simulated BMC"),
            *("-addext", f"subjectAltName={name}"),
            *("-keyout", str(made.key), "-out", str(made.file)),
        ],
        check=True,
        capture_output=True,
    )
    return made
