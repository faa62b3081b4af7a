"""Passwords of the port: what users send to a real agent is nowhere but in its memory."""

import base64
import signal
import urllib.error
import urllib.request
from pathlib import Path

import bcrypt

from tests.support import commands
from tests.support.agents import eventually
from tests.support.bmc_agents import BmcAgent

RIGHT, WRONG = "right-needle-password", "wrong-needle-password"
NOTHING = "[nvml]\nenabled = false\n[kernel_log]\nenabled = false\n"


def _token(password: str) -> str:
    return base64.b64encode(f"prometheus:{password}".encode()).decode()


def _ask(agent: BmcAgent, path: str, password: str) -> tuple[int, str]:
    """The status and what else comes back."""
    request = urllib.request.Request(
        f"http://127.0.0.1:{agent.port}{path}",
        headers={"Authorization": f"Basic {_token(password)}"},
    )
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:  # noqa: S310 - loopback
            return answer.status, f"{answer.headers}{answer.read().decode()}"
    except urllib.error.HTTPError as refused:
        return refused.code, f"{refused.headers}{refused.read().decode()}"


def test_no_password_of_the_port_is_told_by_anybody(tmp_path: Path) -> None:
    """Neither the right nor a wrong one, nor a hash; at log level debug, over a bad reload."""
    hashed = bcrypt.hashpw(RIGHT.encode(), bcrypt.gensalt(4)).decode()
    web = tmp_path / "web.yml"
    web.touch(mode=0o600)
    web.write_text(f"basic_auth_users:\n  prometheus: {hashed}\n")
    options = (f"web.config_file={web}", "log.level=debug")
    agent = BmcAgent(NOTHING, tmp_path / "agent", options=options)
    try:
        paths = ("/", "/metrics", "/api/v1/status", "/nowhere")
        right = [_ask(agent, path, RIGHT) for path in paths]
        wrong = [_ask(agent, path, WRONG) for path in paths]
        web.write_text(f"basic_auth_users:\n  prometheus: {RIGHT}\n  {hashed}\n")
        before = len(agent.log())
        agent.signal(signal.SIGHUP)
        eventually(lambda: len(agent.log()) > before, "the reload is told")
        place = Path(f"/proc/{agent.process.pid}")
        seen = [(place / name).read_text(errors="replace") for name in ("cmdline", "environ")]
        agent.stop()
    finally:
        agent.kill()
    web.write_text(f"basic_auth_users:\n  prometheus: {hashed}\n")
    checked = commands.run(
        "check-config", "--config", str(tmp_path / "agent" / "gpuwatch.toml"),
        "--set", options[0],
    )  # fmt: skip
    files = [
        path.read_text(errors="replace")
        for path in (tmp_path / "agent").rglob("*")
        if path.is_file()
    ]

    everything = "\n".join(
        (*(text for _, text in (*right, *wrong)), *seen, *files, checked.out, checked.err)
    )
    assert [status for status, _ in right] == [200, 200, 200, 404]
    assert {status for status, _ in wrong} == {401}
    assert "web.config_file" in everything
    needles = (RIGHT, WRONG, _token(RIGHT), _token(WRONG), hashed)
    assert [needle for needle in needles if needle in everything] == []
