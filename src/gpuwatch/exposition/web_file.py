"""Web file: how the port is protected, read from the exporters' web-config.yml format.

The format is exporter-toolkit's: https://github.com/prometheus/exporter-toolkit/blob/master/docs/web-configuration.md
"""

import difflib
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

import yaml

from gpuwatch.exposition.web_words import BARRED, HEADERS, VALUES, of_hash

_LIMIT = 1_048_576  # bytes


class ClientCertificate(StrEnum):
    """Whether a client shows a certificate; what it shows is always verified."""

    NONE = "NoClientCert"
    IF_GIVEN = "VerifyClientCertIfGiven"
    REQUIRED = "RequireAndVerifyClientCert"


class TlsVersion(StrEnum):
    """Versions of TLS that are spoken."""

    TLS12 = "TLS12"
    TLS13 = "TLS13"


class WebFileError(Exception):
    """A file that is refused: which, the line where it has one, what is wrong, the way out."""

    def __init__(self, path: Path, problem: str, line: int = 0) -> None:
        self.problem = f"line {line}: {problem}" if line else problem
        super().__init__(f"web.config_file {path}: {self.problem}")


@dataclass(frozen=True, slots=True, kw_only=True)
class TlsSettings:
    """The section tls_server_config; paths are absolute."""

    certificate: Path
    key: Path
    oldest: TlsVersion = TlsVersion.TLS12
    newest: TlsVersion = TlsVersion.TLS13
    client: ClientCertificate = ClientCertificate.NONE
    client_authorities: Path | None = None
    client_names: frozenset[str] = frozenset()
    server_chooses: bool = True  # which cipher suite, of those that both sides speak


@dataclass(frozen=True, slots=True, kw_only=True)
class WebFile:
    """What a file says. `users` are bcrypt hashes by name; `headers` replace those of ours."""

    tls: TlsSettings | None = None
    users: Mapping[str, bytes] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)


class _Refused(Exception):  # noqa: N818 - says what is wrong with it
    """What is wrong at a node, before it is known in which file."""

    def __init__(self, node: yaml.Node, problem: str) -> None:
        super().__init__(problem)
        self.line = node.start_mark.line + 1


def parse_web_file(text: str, path: Path) -> WebFile:
    """What the text of the file at `path` says. Raises WebFileError."""
    try:
        if len(text) > _LIMIT:
            raise WebFileError(path, "is longer than a megabyte (is it the right file?)")
        root = yaml.compose(text, Loader=yaml.SafeLoader)
        if root is None:
            # Half-written by who rotates it, it would take all protection away.
            raise WebFileError(path, "says nothing (for no protection leave web.config_file out)")
        return _file(root, path.absolute().parent)
    except _Refused as refused:
        raise WebFileError(path, str(refused), refused.line) from refused
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 0
        raise WebFileError(path, f"is not YAML: {error.problem} (correct it)", line) from error
    except (yaml.YAMLError, RecursionError) as error:
        raise WebFileError(path, "is not YAML that can be read (correct it)") from error


def _file(root: yaml.Node, folder: Path) -> WebFile:
    top = _section(root, "", ("tls_server_config", "http_server_config", "basic_auth_users"))
    http = _section(top.get("http_server_config"), "http_server_config", ("http2", "headers"))
    http2 = http.get("http2")
    if http2 is not None and _truth(http2, "http_server_config.http2"):
        raise _Refused(http2, f"http_server_config.http2 {BARRED['http_server_config.http2']}")
    tls = top.get("tls_server_config")
    return WebFile(
        tls=_tls(tls, folder) if tls is not None else None,
        users=_users(top.get("basic_auth_users")),
        headers=_headers(http.get("headers")),
    )


def _tls(node: yaml.Node, folder: Path) -> TlsSettings:
    name = "tls_server_config"
    keys = _section(node, name, _TLS_KEYS)

    def text(key: str, otherwise: str = "") -> str:
        return _text(keys[key], f"{name}.{key}") if key in keys else otherwise

    def file(key: str) -> Path:
        if not text(key):
            raise _Refused(
                keys.get(key, node), f"{name}.{key} is missing (name the file, or leave {name} out)"
            )
        return folder / text(key)

    def choice(key: str, otherwise: str) -> str:
        chosen, barred = text(key) or otherwise, VALUES[key]
        if chosen in barred.refused:
            raise _Refused(keys[key], f"{name}.{key} = {chosen} {barred.refused[chosen]}")
        if chosen not in barred.accepted:
            accepted = ", ".join(barred.accepted)
            raise _Refused(keys[key], f"{name}.{key} = {chosen!r} is none of {accepted}")
        return chosen

    prefer = keys.get("prefer_server_cipher_suites")
    settings = TlsSettings(
        certificate=file("cert_file"),
        key=file("key_file"),
        oldest=TlsVersion(choice("min_version", TlsVersion.TLS12)),
        newest=TlsVersion(choice("max_version", TlsVersion.TLS13)),
        client=ClientCertificate(choice("client_auth_type", ClientCertificate.NONE)),
        client_authorities=file("client_ca_file") if text("client_ca_file") else None,
        client_names=_names(keys.get("client_allowed_sans")),
        server_chooses=prefer is None or _truth(prefer, f"{name}.prefer_server_cipher_suites"),
    )
    _refuse_contradictions(settings, keys, node)
    return settings


_TLS_KEYS = (
    "cert_file",
    "key_file",
    "client_auth_type",
    "client_ca_file",
    "client_allowed_sans",
    "min_version",
    "max_version",
    "prefer_server_cipher_suites",
)


def _refuse_contradictions(
    tls: TlsSettings, keys: Mapping[str, yaml.Node], section: yaml.Node
) -> None:
    """Keys that do not go together, each with its sentence."""
    asks = tls.client is not ClientCertificate.NONE
    for wrong, key, problem in (
        (
            tls.oldest > tls.newest,
            "max_version",
            "is older than min_version (swap them, or leave both out)",
        ),
        (
            asks and tls.client_authorities is None,
            "client_auth_type",
            "needs client_ca_file: the certificates that may have signed a client's (name it)",
        ),
        (
            tls.client_authorities is not None and not asks,
            "client_ca_file",
            "does nothing without client_auth_type (write RequireAndVerifyClientCert)",
        ),
        (
            tls.client_names and tls.client is not ClientCertificate.REQUIRED,
            "client_allowed_sans",
            "needs client_auth_type: RequireAndVerifyClientCert (write it)",
        ),
    ):
        if wrong:
            raise _Refused(keys.get(key, section), f"tls_server_config.{key} {problem}")


def _names(node: yaml.Node | None) -> frozenset[str]:
    name = "tls_server_config.client_allowed_sans"
    if node is None:
        return frozenset()
    if not isinstance(node, yaml.SequenceNode) or not node.value:
        raise _Refused(node, f"{name} is not a list of names (write them, or leave it out)")
    return frozenset(_text(item, name) for item in node.value)


def _users(node: yaml.Node | None) -> Mapping[str, bytes]:
    if node is None:
        return {}
    users = {}
    for user, value in _entries(node, "basic_auth_users").items():
        if problem := of_hash(user, hashed := _text(value, "basic_auth_users")):
            raise _Refused(value, f"basic_auth_users: user {user!r} {problem}")
        users[user] = hashed.encode()
    if not users:
        # Nobody could log in, or everybody: neither is what the section is for.
        raise _Refused(node, "basic_auth_users names nobody (name a user, or leave it out)")
    return users


def _headers(node: yaml.Node | None) -> Mapping[str, str]:
    name = "http_server_config.headers"
    given = _section(node, name, tuple(HEADERS))
    said = {header: _text(value, f"{name}.{header}") for header, value in given.items()}
    for header, value in said.items():
        allowed = HEADERS[header]
        if value and allowed and value not in allowed:
            only = " or ".join(allowed)
            raise _Refused(given[header], f"{name}.{header} = {value!r} is refused (write {only})")
        if not re.fullmatch(r"[\x20-\x7e]*", value):
            raise _Refused(given[header], f"{name}.{header} is not plain ASCII (write it so)")
    return {header: value for header, value in said.items() if value}


def _section(node: yaml.Node | None, name: str, known: tuple[str, ...]) -> dict[str, yaml.Node]:
    """The values of a section by key; nothing that is not `known` is in it."""
    if node is None or _is_null(node):
        return {}
    return _entries(node, name, lambda key: _unknown(f"{name}.{key}".lstrip("."), key, known))


def _unknown(dotted: str, key: str, known: tuple[str, ...]) -> str:
    """What is wrong with a key; "" for one that is `known`."""
    if key in known:
        return ""
    if dotted in BARRED:
        return f"{dotted} {BARRED[dotted]}"
    near = difflib.get_close_matches(key, known, 1)
    hint = f"did you mean {near[0]}?" if near else f"known here: {', '.join(known)}"
    return f"{dotted} is unknown ({hint})"


def _entries(
    node: yaml.Node, name: str, wrong: Callable[[str], str] = lambda _key: ""
) -> dict[str, yaml.Node]:
    if not isinstance(node, yaml.MappingNode):
        what = name or "the file"
        raise _Refused(node, f"{what} is not a mapping (write KEY: VALUE lines)")
    found: dict[str, yaml.Node] = {}
    for key, value in node.value:
        word = _text(key, f"a key of {name or 'the file'}")
        if problem := wrong(word):
            raise _Refused(key, problem)
        if word in found:
            raise _Refused(key, f"{name}.{word} is there twice (keep one)".lstrip("."))
        found[word] = value
    return found


def _text(node: yaml.Node, name: str) -> str:
    if not isinstance(node, yaml.ScalarNode):
        raise _Refused(node, f"{name} is not a text (write it in one line)")
    return "" if _is_null(node) else str(node.value)


def _truth(node: yaml.Node, name: str) -> bool:
    if not isinstance(node, yaml.ScalarNode) or not node.tag.endswith(":bool"):
        raise _Refused(node, f"{name} is neither true nor false (write one of them)")
    return node.value.lower() in {"true", "yes", "on"}


def _is_null(node: yaml.Node) -> bool:
    return isinstance(node, yaml.ScalarNode) and node.tag.endswith(":null")
