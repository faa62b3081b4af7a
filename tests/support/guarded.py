"""A protected port for tests: certificates, users and a web file in one folder, and who asks it."""

import ssl
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.client import HTTPSConnection
from pathlib import Path

import bcrypt

from gpuwatch.agent.web_config import WebConfigWatch
from tests.support.certificates import Authority, Pair, authority
from tests.support.require import require
from tests.support.web import PATIENCE_SECONDS, Running, serving, site

PASSWORD = "secret"
SERVER = "tls_server_config:\n  cert_file: server.pem\n  key_file: server.key\n"
MUTUAL = (
    f"{SERVER}  client_auth_type: RequireAndVerifyClientCert\n  client_ca_file: authority.pem\n"
)
_COST = 4


def users(*names: str, password: str = PASSWORD) -> str:
    """The section that lets these users in by one password."""
    hashed = bcrypt.hashpw(password.encode(), bcrypt.gensalt(_COST)).decode()
    return "basic_auth_users:\n" + "".join(f"  {name}: {hashed}\n" for name in names)


@dataclass(frozen=True, slots=True)
class Guarded:
    """The folder with everything in it; `authority` has signed server.pem."""

    directory: Path
    authority: Authority

    @classmethod
    def make(cls, directory: Path) -> "Guarded":
        """A folder with an authority and a server's pair, and no web file yet."""
        made = authority(directory)
        made.issue("server")
        return cls(directory, made)

    @property
    def file(self) -> Path:
        """The web file."""
        return self.directory / "web.yml"

    def write(self, text: str) -> Path:
        """Write the web file, as it may be read by its owner only."""
        self.file.write_text(text)
        self.file.chmod(0o600)
        return self.file

    def context(self, client: Pair | None = None) -> ssl.SSLContext:
        """What a client trusts, and what it shows."""
        context = ssl.create_default_context(cafile=str(self.authority.certificate))
        if client is not None:
            context.load_cert_chain(client.certificate, client.key)
        return context

    def curl(self, port: int, *words: str, path: str = "/metrics") -> tuple[int, str]:
        """The exit status of curl and the HTTP status that it saw ("000" for none)."""
        command = [
            *(require("curl", "curl"), "--silent", "--output", "/dev/null"),
            *("--cacert", str(self.authority.certificate), "--write-out", "%{http_code}"),
            *(*words, f"https://localhost:{port}{path}"),
        ]
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
        return done.returncode, done.stdout

    def serial(self, port: int) -> int:
        """The serial number of the certificate that the server shows now."""
        connection = HTTPSConnection(
            "localhost", port, timeout=PATIENCE_SECONDS, context=self.context()
        )
        try:
            connection.connect()
            shown = connection.sock.getpeercert() or {}
            return int(str(shown["serialNumber"]), 16)
        finally:
            connection.close()


@dataclass(frozen=True, slots=True)
class Watched:
    """A server whose protection is watched; `watch.read()` is one look."""

    running: Running
    watch: WebConfigWatch


@contextmanager
def watched(file: Path) -> Iterator[Watched]:
    """A server over the site that is protected by a file."""
    watch = WebConfigWatch(file)
    with serving(site(), protection=watch.protection) as running:
        yield Watched(running, watch)
