"""A real browser obeys our security policy and has nothing to complain about in our pages."""

import html
import json
import re
import subprocess
from collections.abc import Mapping
from typing import Any

import pytest

from gpuwatch.exposition.figures import Figures
from gpuwatch.exposition.messages import Request, Response
from gpuwatch.exposition.page import status_page
from tests.support.nights import album, every_page
from tests.support.require import require
from tests.support.snapshots import rich_snapshot, uuid_of
from tests.support.web import Running, serving, site

pytestmark = pytest.mark.optional

WIDTHS = (320, 390, 1280)
# What the browser's flag calls the two wishes.
SCHEMES = {"dark": 0, "light": 1}
HTML = "text/html; charset=utf-8"
FRAMED = (("X-Frame-Options", "sameorigin"),)
# Looks at each page in a frame of its own, whose width is the page's; tells what it saw as a title.
MEASURING = """<!doctype html><title>gpu-node-17</title>
<link rel="icon" href="data:,"><body>FRAMES<script>
function look(frame) {
  const inner = frame.contentDocument, view = frame.contentWindow, width = view.innerWidth;
  const wide = [...inner.querySelectorAll("body *")].filter(one => !one.closest("svg svg, thead"))
    .filter(one => one.getBoundingClientRect().right > width + 1)
    .map(one => `${one.tagName} ${one.className.baseVal ?? one.className}`);
  return {page: frame.getAttribute("src"), width, wide: wide.slice(0, 5),
    across: inner.documentElement.scrollWidth - inner.documentElement.clientWidth,
    ground: view.getComputedStyle(inner.body).backgroundColor,
    small: [...inner.querySelectorAll("svg text")].filter(
      one => parseFloat(view.getComputedStyle(one).fontSize) < 11).length};
}
window.onload = () => {
  const seen = [...document.querySelectorAll("iframe")].map(look);
  document.body.textContent = JSON.stringify(seen);
};
</script>"""


def _run(browser: str, address: str, *flags: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [
            browser,
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--enable-logging=stderr",
            *flags,
            "--dump-dom",
            address,
        ],
        capture_output=True,
        text=True,
        timeout=200,
        check=True,
    )


def _complaints(browser: str, running: Running, path: str) -> list[str]:
    """What the browser writes on its console while it loads the page."""
    loaded = _run(browser, f"http://127.0.0.1:{running.port}{path}")
    assert "gpu-node-17" in loaded.stdout
    return [line for line in loaded.stderr.splitlines() if "CONSOLE" in line]


class Measured:
    """Our pages, framed by one that measures them; and what was asked for beside them."""

    def __init__(self, pages: Mapping[str, bytes]) -> None:
        self.pages = pages
        self.others: list[str] = []

    def answer(self, request: Request) -> Response:
        """A page of ours in a frame, or the page that measures."""
        page = self.pages.get(request.path.removeprefix("/"))
        if page is not None:
            return Response(body=page, content_type=HTML, security_policy="", headers=FRAMED)
        if request.path != "/measure":
            self.others.append(request.path)
        frames = "".join(
            f'<iframe src="/{name}" width="{width}" height="800" style="border:0"></iframe>'
            for name in self.pages
            for width in WIDTHS
        )
        body = MEASURING.replace("FRAMES", frames)
        return Response(body=body.encode(), content_type=HTML, security_policy="")


def _measured(measured: Measured, scheme: str) -> list[dict[str, Any]]:
    browser = require("chromium", "chromium")
    flag = f"--blink-settings=preferredColorScheme={SCHEMES[scheme]}"
    with serving(measured.answer) as running:
        told = _run(browser, f"http://127.0.0.1:{running.port}/measure", flag).stdout
    found = re.search(r"<body>(\[.*\])", told, re.DOTALL)
    assert found is not None, told[-2_000:]
    seen: list[dict[str, Any]] = json.loads(html.unescape(found[1]))
    return seen


@pytest.mark.parametrize(
    "path",
    ["/", "/flags", "/flag/14", f"/gpu/{uuid_of(7)}?span=14d", "/bmc/main", "/runbooks/cooling"],
)
def test_a_browser_has_nothing_to_complain_about(path: str) -> None:
    """Our own style passes the policy by its hash; nothing else is asked for."""
    browser = require("chromium", "chromium")

    figures = Figures(album, lambda _what, _error: None)
    with serving(site(figures=figures)) as running:
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


@pytest.mark.parametrize(("scheme", "ground"), [("light", "251, 251, 250"), ("dark", "19, 19, 18")])
def test_pages_fit_a_phone_and_follow_the_wish_for_light_or_dark(scheme: str, ground: str) -> None:
    """No page is wider than 320, 390 or 1280 pixels are, and none asks for anything else."""
    measured = Measured(every_page())

    seen = _measured(measured, scheme)

    assert len(seen) == len(measured.pages) * len(WIDTHS)
    assert [one for one in seen if one["across"] or one["wide"]] == []
    assert {one["ground"] for one in seen} == {f"rgb({ground})"}
    assert [one for one in seen if one["small"]] == []
    assert measured.others == []
