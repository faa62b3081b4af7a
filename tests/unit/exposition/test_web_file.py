"""The web file: what is taken of the exporters' format, and what is refused with which words."""

from pathlib import Path

import pytest

from gpuwatch.exposition.web_file import (
    ClientCertificate,
    TlsSettings,
    TlsVersion,
    WebFile,
    WebFileError,
    parse_web_file,
)

PATH = Path("/etc/gpuwatch/web.yml")
HASH = "$2y$10$" + "a" * 53
HEADERS = "http_server_config:\n  headers:\n"
PAIR = "tls_server_config:\n  cert_file: a.pem\n  key_file: /keys/a.key\n"


def test_a_whole_file_is_understood() -> None:
    """Paths that are not absolute are those beside the file."""
    text = (
        f"{PAIR}  client_auth_type: RequireAndVerifyClientCert\n  client_ca_file: ca.pem\n"
        "  client_allowed_sans: [prometheus.example, 192.0.2.7]\n"
        "  min_version: TLS13\n  max_version: TLS13\n  prefer_server_cipher_suites: false\n"
        "http_server_config:\n  http2: false\n  headers:\n"
        "    Strict-Transport-Security: max-age=63072000\n    X-Frame-Options: ''\n"
        f"basic_auth_users:\n  prom: {HASH}\n"
    )

    said = parse_web_file(text, PATH)

    assert said == WebFile(
        tls=TlsSettings(
            certificate=Path("/etc/gpuwatch/a.pem"),
            key=Path("/keys/a.key"),
            oldest=TlsVersion.TLS13,
            newest=TlsVersion.TLS13,
            client=ClientCertificate.REQUIRED,
            client_authorities=Path("/etc/gpuwatch/ca.pem"),
            client_names=frozenset({"prometheus.example", "192.0.2.7"}),
            server_chooses=False,
        ),
        users={"prom": HASH.encode()},
        headers={"Strict-Transport-Security": "max-age=63072000"},
    )


def test_a_short_file_has_the_defaults_of_the_format() -> None:
    """TLS 1.2 and 1.3, no client certificates, no users."""
    said = parse_web_file(PAIR, PATH)

    assert said == WebFile(
        tls=TlsSettings(certificate=Path("/etc/gpuwatch/a.pem"), key=Path("/keys/a.key"))
    )


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "says nothing (for no protection leave web.config_file out)"),
        ("# a comment\n", "says nothing (for no protection leave web.config_file out)"),
        ("- a\n", "line 1: the file is not a mapping (write KEY: VALUE lines)"),
        ("a: b: c\n", "line 1: is not YAML: mapping values are not allowed here (correct it)"),
        ("[" * 20_000, "is not YAML that can be read (correct it)"),
        (
            "\ntls_server_confg:\n",
            "line 2: tls_server_confg is unknown (did you mean tls_server_config?)",
        ),
        (
            "oauth: 1\n",
            (
                "line 1: oauth is unknown (known here: tls_server_config, http_server_config,"
                " basic_auth_users)"
            ),
        ),
        (
            "rate_limit:\n  burst: 1\n",
            (
                "line 1: rate_limit is not carried over: web.max_connections bounds clients"
                " (leave it out)"
            ),
        ),
        (
            f"{PAIR}  cipher_suites: [TLS_AES_128_GCM_SHA256]\n",
            (
                "line 4: tls_server_config.cipher_suites is not carried over: TLS 1.2 is spoken"
                " with forward-secret AEAD suites only (leave it out)"
            ),
        ),
        (
            f"{PAIR}  curve_preferences: [X25519]\n",
            (
                "line 4: tls_server_config.curve_preferences is not carried over: OpenSSL chooses"
                " (leave it out)"
            ),
        ),
        (
            f"{PAIR}  key: |\n    secret\n",
            (
                "line 4: tls_server_config.key is not read from here (write it into a file of mode"
                " 600: key_file)"
            ),
        ),
        (
            "http_server_config:\n  http2: true\n",
            (
                "line 2: http_server_config.http2 is not carried over: HTTP/1.1 is spoken"
                " (write false)"
            ),
        ),
        (
            "http_server_config:\n  http2: maybe\n",
            "line 2: http_server_config.http2 is neither true nor false (write one of them)",
        ),
        (
            "http_server_config:\n  headers:\n    X-Frame-Options: SAMEORIGIN\n",
            (
                "line 3: http_server_config.headers.X-Frame-Options = 'SAMEORIGIN' is refused"
                " (write deny or sameorigin)"
            ),
        ),
        (
            HEADERS + '    Content-Security-Policy: "a\\r\\nSet-Cookie: b"\n',
            (
                "line 3: http_server_config.headers.Content-Security-Policy is not plain ASCII"
                " (write it so)"
            ),
        ),
        (
            "tls_server_config:\n",
            (
                "line 1: tls_server_config.cert_file is missing (name the file, or leave"
                " tls_server_config out)"
            ),
        ),
        (
            "tls_server_config:\n  cert_file: a\n  key_file: ''\n",
            (
                "line 3: tls_server_config.key_file is missing (name the file, or leave"
                " tls_server_config out)"
            ),
        ),
        (
            f"{PAIR}  key_file: b\n",
            "line 4: tls_server_config.key_file is there twice (keep one)",
        ),
        (
            f"{PAIR}  min_version: TLS10\n",
            "line 4: tls_server_config.min_version = TLS10 is broken and not spoken (write TLS12)",
        ),
        (
            f"{PAIR}  max_version: '1.3'\n",
            "line 4: tls_server_config.max_version = '1.3' is none of TLS12, TLS13",
        ),
        (
            f"{PAIR}  min_version: TLS13\n  max_version: TLS12\n",
            (
                "line 5: tls_server_config.max_version is older than min_version (swap them, or"
                " leave both out)"
            ),
        ),
        (
            f"{PAIR}  client_auth_type: RequireAnyClientCert\n",
            (
                "line 4: tls_server_config.client_auth_type = RequireAnyClientCert takes anybody's"
                " certificate, which keeps nobody out (write RequireAndVerifyClientCert)"
            ),
        ),
        (
            f"{PAIR}  client_auth_type: VerifyClientCertIfGiven\n",
            (
                "line 4: tls_server_config.client_auth_type needs client_ca_file: the certificates"
                " that may have signed a client's (name it)"
            ),
        ),
        (
            f"{PAIR}  client_ca_file: ca.pem\n",
            (
                "line 4: tls_server_config.client_ca_file does nothing without client_auth_type"
                " (write RequireAndVerifyClientCert)"
            ),
        ),
        (
            f"{PAIR}  client_allowed_sans: [a]\n",
            (
                "line 4: tls_server_config.client_allowed_sans needs client_auth_type:"
                " RequireAndVerifyClientCert (write it)"
            ),
        ),
        (
            f"{PAIR}  client_allowed_sans: a\n",
            (
                "line 4: tls_server_config.client_allowed_sans is not a list of names (write them,"
                " or leave it out)"
            ),
        ),
        (
            f"{PAIR}  client_ca_file: [ca.pem]\n",
            "line 4: tls_server_config.client_ca_file is not a text (write it in one line)",
        ),
        (
            "basic_auth_users: {}\n",
            "line 1: basic_auth_users names nobody (name a user, or leave it out)",
        ),
        (
            "basic_auth_users:\n  prom: hunter2\n",
            (
                "line 2: basic_auth_users: user 'prom' has no bcrypt hash (write what"
                " `htpasswd -nBC 10 NAME` prints behind the colon)"
            ),
        ),
        (
            f"basic_auth_users:\n  prom: {HASH.replace('$10$', '$31$')}\n",
            "line 2: basic_auth_users: user 'prom' has a hash of cost 31 (hash anew with 4 to 14)",
        ),
        (
            f"basic_auth_users:\n  'a:b': {HASH}\n",
            "line 2: basic_auth_users: user 'a:b' is no name (write one without a colon)",
        ),
        (" " * 1_048_577, "is longer than a megabyte (is it the right file?)"),
    ],
)
def test_what_is_wrong_is_told_with_its_line_and_the_way_out(text: str, problem: str) -> None:
    """One problem, the first; a password that was written in clear is not repeated."""
    with pytest.raises(WebFileError) as refused:
        parse_web_file(text, PATH)

    assert str(refused.value) == f"web.config_file {PATH}: {problem}"
