"""Web words: what the exporters' web-config.yml may say here, and why the rest is refused."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Values:
    """The values of a key that are taken, and those of the format that are not, each with why."""

    accepted: tuple[str, ...]
    refused: Mapping[str, str] = field(default_factory=dict)


# Keys of the format that are not carried over: a key that does nothing would promise protection.
BARRED: Mapping[str, str] = {
    "tls_server_config.cert": "is not read from here (write it into a file: cert_file)",
    "tls_server_config.key": "is not read from here (write it into a file of mode 600: key_file)",
    "tls_server_config.client_ca": "is not read from here (write it into a file: client_ca_file)",
    "tls_server_config.cipher_suites": "is not carried over: TLS 1.2 is spoken with forward-secret"
    " AEAD suites only (leave it out)",
    "tls_server_config.curve_preferences": "is not carried over: OpenSSL chooses (leave it out)",
    "http_server_config.http2": "is not carried over: HTTP/1.1 is spoken (write false)",
    "rate_limit": "is not carried over: web.max_connections bounds clients (leave it out)",
}

_OLD = "is broken and not spoken (write TLS12)"
_VERSIONS = Values(("TLS12", "TLS13"), {"TLS10": _OLD, "TLS11": _OLD})
_ANYBODYS = "takes anybody's certificate, which keeps nobody out"
VALUES: Mapping[str, Values] = {
    "min_version": _VERSIONS,
    "max_version": _VERSIONS,
    "client_auth_type": Values(
        ("NoClientCert", "VerifyClientCertIfGiven", "RequireAndVerifyClientCert"),
        {
            "RequestClientCert": f"{_ANYBODYS} (write VerifyClientCertIfGiven)",
            "RequireAnyClientCert": f"{_ANYBODYS} (write RequireAndVerifyClientCert)",
            "RequireClientCert": f"{_ANYBODYS} (write RequireAndVerifyClientCert)",
        },
    ),
}

# The headers of the format, and their only values where it names some.
HEADERS: Mapping[str, tuple[str, ...]] = {
    "Content-Security-Policy": (),
    "Strict-Transport-Security": (),
    "X-Content-Type-Options": ("nosniff",),
    "X-Frame-Options": ("deny", "sameorigin"),
    "X-XSS-Protection": (),
}

_HASH = re.compile(r"\$2[aby]\$(\d\d)\$[./A-Za-z0-9]{53}", re.ASCII)
_LEAST_COST, _MOST_COST = 4, 14  # 14 takes about a second of a core


def of_hash(user: str, hashed: str) -> str:
    """What is wrong with a user and its bcrypt hash; "" for nothing. Never quotes the hash."""
    found = _HASH.fullmatch(hashed)
    if not user or ":" in user or not user.isprintable():
        return "is no name (write one without a colon)"
    if found is None:
        return "has no bcrypt hash (write what `htpasswd -nBC 10 NAME` prints behind the colon)"
    if not _LEAST_COST <= int(found[1]) <= _MOST_COST:
        return f"has a hash of cost {int(found[1])} (hash anew with {_LEAST_COST} to {_MOST_COST})"
    return ""
