"""prometheus-ipmi-exporter on a simulated BMC: an independent reading of the same sensors."""

import re
import subprocess
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from simulator.bmc.server import Account, IpmiBmc
from tests.support.agents import clean_environment, eventually
from tests.support.require import require

PROGRAM, PACKAGE = "prometheus-ipmi-exporter", "prometheus-ipmi-exporter"
# ipmi_sim answers the opening of a session with another privilege than was asked for.
_CONFIGURATION = """\
modules:
  default:
    user: {user}
    pass: {password}
    driver: LAN_2_0
    privilege: {privilege}
    timeout: 20000
    collectors: [bmc, ipmi, chassis, dcmi, sel]
    workaround_flags: [opensesspriv]
"""


class IpmiExporter:
    """The exporter as a process of its own."""

    def __init__(self, process: "subprocess.Popen[bytes]", port: int) -> None:
        self.process = process
        self._port = port

    def scrape(self, bmc: IpmiBmc, port: int | None = None) -> str:
        """Its metrics of one BMC, by way of a relay if its port is given."""
        target = f"{bmc.host}:{port or bmc.port}"
        url = f"http://127.0.0.1:{self._port}/ipmi?target={target}"
        with urllib.request.urlopen(url, timeout=120) as answer:
            return str(answer.read().decode())


@contextmanager
def ipmi_exporter(directory: Path, account: Account) -> Iterator[IpmiExporter]:
    """An exporter that runs inside, with folders of its own."""
    program = require(PROGRAM, PACKAGE)
    require("ipmi-sensors", "freeipmi-tools")
    directory.mkdir()
    configuration = directory / "ipmi.yml"
    configuration.write_text(
        _CONFIGURATION.format(
            user=account.name, password=account.password, privilege=account.privilege
        )
    )
    log = directory / "log"
    command = [
        program, f"--config.file={configuration}", "--web.listen-address=127.0.0.1:0"
    ]  # fmt: skip
    # FreeIPMI keeps sensor records below HOME.
    here = {**clean_environment(), "HOME": str(directory), "TMPDIR": str(directory)}
    with log.open("wb") as output, subprocess.Popen(command, env=here, stderr=output) as process:
        try:
            (port, *_) = eventually(
                lambda: re.findall(r"istening on.*address=127\.0\.0\.1:(\d+)", log.read_text()),
                "the exporter listens",
            )
            yield IpmiExporter(process, int(port))
        finally:
            process.terminate()
