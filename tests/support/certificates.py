"""Certificates for tests: an authority of our own and what it signs, made by openssl."""

import subprocess
from dataclasses import dataclass
from pathlib import Path

from tests.support.require import require

_SERVER_NAMES = "DNS:localhost,IP:127.0.0.1"


@dataclass(frozen=True, slots=True)
class Pair:
    """A certificate and its key as files."""

    certificate: Path
    key: Path


@dataclass(frozen=True, slots=True)
class Authority:
    """One that signs; its certificate is what others trust."""

    directory: Path
    certificate: Path

    def issue(self, name: str, names: str = _SERVER_NAMES, days: int = 30) -> Pair:
        """A new pair, signed by this authority; `names` are its alternative names."""
        pair = Pair(self.directory / f"{name}.pem", self.directory / f"{name}.key")
        _openssl(
            *_new(pair.key, name),
            *("-addext", f"subjectAltName={names}", "-days", str(days)),
            *("-CA", str(self.certificate), "-CAkey", str(self.certificate.with_suffix(".key"))),
            *("-out", str(pair.certificate)),
        )
        return pair


def authority(directory: Path, name: str = "authority") -> Authority:
    """A new authority that nobody trusts yet."""
    directory.mkdir(parents=True, exist_ok=True)
    certificate = directory / f"{name}.pem"
    _openssl(*_new(certificate.with_suffix(".key"), name), "-days", "30", "-out", str(certificate))
    return Authority(directory, certificate)


def _new(key: Path, name: str) -> tuple[str, ...]:
    curve = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes")
    return ("req", "-x509", *curve, "-keyout", str(key), "-subj", f"/CN={name}")


def _openssl(*words: str) -> None:
    program = require("openssl", "openssl")
    subprocess.run([program, *words], check=True, capture_output=True, timeout=60)
