"""A real browser obeys our security policy and has nothing to complain about in our pages."""

import subprocess

import pytest

from gpuwatch.exposition.messages import Request, Response
from gpuwatch.exposition.page import status_page
from tests.support.require import require
from tests.support.snapshots import rich_snapshot, uuid_of
from tests.support.web import Running, serving, site

pytestmark = pytest.mark.optional


def _complaints(browser: str, running: Running, path: str) -> list[str]:
    """What the browser writes on its console while it loads the page."""
    loaded = subprocess.run(
        [
            browser,
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--enable-logging=stderr",
            "--dump-dom",
            f"http://127.0.0.1:{running.port}{path}",
        ],
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    assert "gpu-node-17" in loaded.stdout
    return [line for line in loaded.stderr.splitlines() if "CONSOLE" in line]


@pytest.mark.parametrize(
    "path", ["/", "/flags", f"/gpu/{uuid_of(7)}", "/bmc/main", "/runbooks/cooling"]
)
def test_a_browser_has_nothing_to_complain_about(path: str) -> None:
    """Our own style passes the policy by its hash; nothing else is asked for."""
    browser = require("chromium", "chromium")

    with serving(site()) as running:
        complaints = _complaints(browser, running, path)

    assert complaints == []


def test_a_browser_refuses_a_style_that_is_not_ours() -> None:
    """The policy is not only written down: without the hash of the style the page is bare."""
    browser = require("chromium", "chromium")

    def bare(_request: Request) -> Response:
        return Response(body=status_page(rich_snapshot()), content_type="text/html; charset=utf-8")

    with serving(bare) as running:
        complaints = _complaints(browser, running, "/")

    assert any("Content Security Policy" in line for line in complaints)
