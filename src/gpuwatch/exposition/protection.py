"""Protection: what a web file asks for, loaded: certificates, users, headers; or why it cannot be.

What the file and the keys hold is nobody else's business: those that everybody on the host may
read, or others than their owner may write, are refused.
"""

import os
import ssl
import stat
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType

from gpuwatch.exposition.basic_auth import BasicAuth
from gpuwatch.exposition.certificates import Validity, validity_of
from gpuwatch.exposition.web_file import (
    ClientCertificate,
    TlsSettings,
    TlsVersion,
    WebFile,
    WebFileError,
    parse_web_file,
)

# Forward secrecy and authenticated encryption; those of TLS 1.3 are OpenSSL's own.
_SUITES = "ECDHE+AESGCM:ECDHE+CHACHA20"
_VERSIONS = {TlsVersion.TLS12: ssl.TLSVersion.TLSv1_2, TlsVersion.TLS13: ssl.TLSVersion.TLSv1_3}
_VERIFY = {
    ClientCertificate.NONE: ssl.CERT_NONE,
    ClientCertificate.IF_GIVEN: ssl.CERT_OPTIONAL,
    ClientCertificate.REQUIRED: ssl.CERT_REQUIRED,
}
_FORBIDDEN = stat.S_IROTH | stat.S_IWOTH | stat.S_IWGRP
_LIMIT = 1_048_576  # bytes
_FLAGS = os.O_RDONLY | os.O_CLOEXEC | os.O_NOCTTY | os.O_NONBLOCK  # a pipe would keep us for ever

Identity = tuple[tuple[str, int, int, int, int], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Protection:
    """How the port is protected at one time; without arguments: not at all.

    `files` are those that were read; `validity` is that of the certificate.
    """

    tls: ssl.SSLContext | None = None
    client_names: frozenset[str] = frozenset()
    users: BasicAuth | None = None
    headers: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    files: tuple[Path, ...] = ()
    validity: Validity | None = None

    def admits(self, certificate: Mapping[str, object] | None) -> bool:
        """Whether a client with this certificate, which was verified, may speak to us."""
        return not self.client_names or bool(self.client_names & _names(certificate or {}))


def protect(path: Path) -> Protection:
    """What the file at `path` asks for, ready to be used. Raises WebFileError."""
    content = _read(path, path, "", secret=True)
    try:
        said = parse_web_file(content.decode(), path)
    except UnicodeDecodeError as error:
        raise WebFileError(path, "is not UTF-8 (save it so)") from error
    tls = said.tls
    return Protection(
        tls=_context(path, tls) if tls else None,
        client_names=tls.client_names if tls else frozenset(),
        users=BasicAuth(said.users) if said.users else None,
        headers=MappingProxyType(dict(said.headers)),
        files=(path, *_files(said)),
        validity=_validity(path, tls.certificate) if tls else None,
    )


def identity(files: tuple[Path, ...]) -> Identity:
    """What changes when one of these files does; a file that is gone counts as changed."""
    return tuple(_identity(file) for file in files)


def _identity(file: Path) -> tuple[str, int, int, int, int]:
    try:
        found = file.stat()
    except OSError as error:
        return str(file), error.errno or 0, 0, 0, 0
    return str(file), found.st_ino, found.st_mtime_ns, found.st_ctime_ns, found.st_size


def _files(said: WebFile) -> tuple[Path, ...]:
    if said.tls is None:
        return ()
    authorities = said.tls.client_authorities
    return (said.tls.certificate, said.tls.key, *((authorities,) if authorities else ()))


def _context(path: Path, tls: TlsSettings) -> ssl.SSLContext:
    _read(path, tls.certificate, "cert_file", secret=False)
    _read(path, tls.key, "key_file", secret=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = _VERSIONS[tls.oldest]
    context.maximum_version = _VERSIONS[tls.newest]
    context.set_ciphers(_SUITES)
    context.options |= ssl.OP_NO_RENEGOTIATION
    if tls.server_chooses:
        context.options |= ssl.OP_CIPHER_SERVER_PREFERENCE
    else:
        context.options &= ~ssl.OP_CIPHER_SERVER_PREFERENCE
    try:
        # Without the last argument OpenSSL would ask the terminal for a passphrase.
        context.load_cert_chain(tls.certificate, tls.key, lambda: "")
    except ssl.SSLError as error:
        raise WebFileError(path, _of_the_pair(tls, error)) from error
    except OSError as error:  # gone since it was judged: somebody replaces it at this instant
        raise WebFileError(path, f"{_pair(tls)} cannot be read: {error.strerror}") from error
    if tls.client_authorities is not None:
        _read(path, tls.client_authorities, "client_ca_file", secret=False)
        try:
            context.load_verify_locations(tls.client_authorities)
        except ssl.SSLError as error:
            raise WebFileError(
                path, f"client_ca_file {tls.client_authorities} holds no certificates (is it PEM?)"
            ) from error
        except OSError as error:
            what = f"client_ca_file {tls.client_authorities} cannot be read: {error.strerror}"
            raise WebFileError(path, what) from error
    context.verify_mode = _VERIFY[tls.client]
    return context


def _pair(tls: TlsSettings) -> str:
    return f"cert_file {tls.certificate} and key_file {tls.key}"


def _of_the_pair(tls: TlsSettings, error: ssl.SSLError) -> str:
    names = _pair(tls)
    if error.reason == "KEY_VALUES_MISMATCH":
        return f"{names} do not belong together (put both of one pair there)"
    why = (error.reason or "no reason told").lower().replace("_", " ")
    return (
        f"{names} are refused by OpenSSL: {why} (PEM, the key not encrypted, RSA of 2048 bits or"
        " more, or elliptic?)"
    )


def _validity(path: Path, certificate: Path) -> Validity:
    content = _read(path, certificate, "cert_file", secret=False)
    try:
        return validity_of(content.decode("latin-1"))
    except ValueError as error:
        raise WebFileError(path, f"cert_file {certificate} {error} (is it PEM?)") from error


def _read(path: Path, file: Path, key: str, *, secret: bool) -> bytes:
    """The content of a file that `path` names by `key`; of itself when there is no key."""
    which = f"{key} {file} " if key else ""
    try:
        descriptor = os.open(file, _FLAGS)
    except OSError as error:
        raise WebFileError(
            path,
            f"{which}cannot be read: {error.strerror} (is it the right file, and the agent's?)",
        ) from error
    try:
        found = os.fstat(descriptor)
        if not stat.S_ISREG(found.st_mode):
            raise WebFileError(path, f"{which}is not a file (name one)")
        if secret and found.st_mode & _FORBIDDEN:
            raise WebFileError(
                path,
                f"{which}is open to others: mode {stat.S_IMODE(found.st_mode):o} (make it mode 640"
                " of root and the agent's group, or 600 of the agent's user)",
            )
        return os.read(descriptor, _LIMIT)
    except OSError as error:
        raise WebFileError(path, f"{which}cannot be read: {error.strerror}") from error
    finally:
        os.close(descriptor)


def _names(certificate: Mapping[str, object]) -> frozenset[str]:
    """The alternative names of a certificate, as ssl.SSLSocket.getpeercert() tells them."""
    listed = certificate.get("subjectAltName", ())
    pairs = listed if isinstance(listed, tuple) else ()
    return frozenset(str(value) for _, value in pairs)
