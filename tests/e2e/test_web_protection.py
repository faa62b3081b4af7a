"""The real agent behind TLS, passwords and client certificates, before a real Prometheus."""

import re
import signal
from collections.abc import Iterator
from contextlib import suppress
from http.client import HTTPSConnection
from pathlib import Path
from typing import Any

from tests.support.agents import eventually, running
from tests.support.certificates import Pair
from tests.support.guarded import MUTUAL, PASSWORD, Guarded, users
from tests.support.prometheus import scraping
from tests.support.server import MakeServer
from tests.support.web import PATIENCE_SECONDS

OPENED = re.compile(r"/dev/(null|urandom|random)")


def _job(name: str, port: int, tls: dict[str, str], password: str) -> dict[str, Any]:
    return {
        "job_name": name,
        "scheme": "https",
        "tls_config": {**tls, "server_name": "localhost"},
        "basic_auth": {"username": "prom", "password": password},
        "static_configs": [{"targets": [f"127.0.0.1:{port}"]}],
    }


def _serial(guarded: Guarded, client: Pair, port: int) -> str:
    connection = HTTPSConnection(
        "localhost", port, timeout=PATIENCE_SECONDS, context=guarded.context(client)
    )
    try:
        connection.connect()
        shown: dict[str, Any] = connection.sock.getpeercert() or {}
        return str(shown["serialNumber"])
    finally:
        connection.close()


def _opened(process: Path) -> Iterator[str]:
    """What a process has open; a descriptor may be gone before it is looked at."""
    for one in (process / "fd").iterdir():
        with suppress(FileNotFoundError):
            yield str(one.readlink())


def test_prometheus_scrapes_by_tls_with_password_and_certificate(
    make_server: MakeServer, tmp_path: Path
) -> None:
    """Nobody else is answered, and a new certificate needs no restart."""
    guarded = Guarded.make(tmp_path / "web")
    client = guarded.authority.issue("client", "DNS:prometheus")
    file = guarded.write(MUTUAL + users("prom"))
    trusted = {"ca_file": str(guarded.authority.certificate)}
    known = {**trusted, "cert_file": str(client.certificate), "key_file": str(client.key)}
    options = (f"web.config_file={file}",)
    with running(make_server(gpus=2), tmp_path / "agent", options=options) as agent:
        jobs = (
            _job("right", agent.port, known, PASSWORD),
            _job("wrong-password", agent.port, known, "guess"),
            _job("no-certificate", agent.port, trusted, PASSWORD),
        )
        with scraping(tmp_path / "prometheus", jobs) as prometheus:
            eventually(
                lambda: len(prometheus.query("gpuwatch_gpu_present == 1")) == 2,
                "both GPUs are scraped",
            )
            first = _serial(guarded, client, agent.port)
            guarded.authority.issue("server")
            agent.signal(signal.SIGHUP)
            eventually(
                lambda: _serial(guarded, client, agent.port) != first, "the new one is shown"
            )
            scraped = prometheus.numbers("timestamp(up{job='right'})", "job")[("right",)]
            eventually(
                lambda: (
                    prometheus.numbers("timestamp(up{job='right'})", "job")[("right",)]
                    > scraped + 2.0
                ),
                "it is scraped again",
            )
            up = prometheus.numbers("up", "job")
            failing = prometheus.numbers("gpuwatch_web_config_failing", "job")

        assert up == {("right",): 1, ("wrong-password",): 0, ("no-certificate",): 0}
        assert failing == {("right",): 0}
        assert agent.events("web-config-read")
        assert agent.events("page-failed") == []
        assert PASSWORD not in agent.log()


def test_the_process_that_answers_the_network_opens_no_device(
    make_server: MakeServer, tmp_path: Path
) -> None:
    """The driver's library, the devices and the kernel log are its children's."""
    server = make_server(gpus=2)
    with running(server, tmp_path / "agent") as agent:
        agent.wait_for_gpus(2)
        process = Path(f"/proc/{agent.process.pid}")
        opened = list(_opened(process))
        mapped = (process / "maps").read_text()

    devices = [one for one in opened if one.startswith("/dev/") and not OPENED.fullmatch(one)]
    assert devices == []
    assert str(server.kmsg) not in opened
    assert "libnvidia-ml" not in mapped
