"""Frame: what every page has around its content, and the policy that lets nothing foreign in."""

import base64
import hashlib
from importlib.resources import files

from gpuwatch import __version__
from gpuwatch.domain.snapshot import Snapshot
from gpuwatch.exposition.markup import Markup, join, raw, tag
from gpuwatch.exposition.plots import STYLE as PLOTS
from gpuwatch.exposition.runbooks import PATH as RUNBOOKS
from gpuwatch.exposition.words import second, span

_REFRESH_SECONDS = "30"
_STYLE = files("gpuwatch.exposition").joinpath("page.css").read_text(encoding="utf-8") + PLOTS
_STYLE_HASH = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()

# Only our own style, known by its hash, and the empty icon that keeps browsers from asking for one.
SECURITY_POLICY = (
    f"default-src 'none'; style-src 'sha256-{_STYLE_HASH}'; img-src data:; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)


def frame(
    snapshot: Snapshot,
    title: str,
    *content: str,
    stalled_seconds: float | None = None,
    refreshed: bool = True,
) -> bytes:
    """A whole page. `stalled_seconds` is how long the agent has stood still, None while it runs.

    A page that is `refreshed` is loaded anew by itself; one that never changes is not.
    """
    head = tag(
        "head",
        tag("meta", charset="utf-8"),
        tag("title", f"{title} - gpuwatch"),
        tag("meta", name="viewport", content="width=device-width, initial-scale=1"),
        tag("meta", http_equiv="refresh", content=_REFRESH_SECONDS) if refreshed else "",
        tag("link", rel="icon", href="data:,"),
        tag("style", raw(_STYLE)),
    )
    body = tag(
        "body",
        tag("a", "To the content", href="#content", class_="skip"),
        _navigation(snapshot),
        "" if stalled_seconds is None else _stalled(snapshot, stalled_seconds),
        tag("main", *content, id="content"),
        _footer(snapshot),
    )
    return f"<!doctype html>\n{tag('html', head, body, lang='en')}\n".encode()


def _navigation(snapshot: Snapshot) -> Markup:
    place = " · ".join(f"{name} {value}" for name, value in snapshot.labels.items() if value)
    return tag(
        "header",
        tag("a", "gpuwatch", href="/", class_="brand"),
        tag("strong", snapshot.hostname),
        tag("span", place, class_="quiet"),
        tag(
            "nav",
            tag("a", "GPUs", href="/"),
            tag("a", "flags", href="/flags"),
            tag("a", "runbooks", href=RUNBOOKS),
            tag("a", "metrics", href="/metrics"),
            tag("a", "JSON", href="/api/v1/status"),
            aria_label="pages",
        ),
    )


def _stalled(snapshot: Snapshot, seconds: float) -> Markup:
    return tag(
        "p",
        tag("strong", f"gpuwatch has stood still for {span(seconds)}. "),
        f"Everything below is as of {second(snapshot.at.wall)} and may have changed since.",
        class_="stalled",
        role="alert",
    )


def _footer(snapshot: Snapshot) -> Markup:
    versions = [f"gpuwatch {__version__}"]
    if snapshot.rules_version:
        versions.append(f"rules {snapshot.rules_version}")
    if snapshot.config_hash:
        versions.append(f"settings {snapshot.config_hash}")
    started = span(max(snapshot.at.wall - snapshot.started_at, 0.0))
    versions.append(f"running for {started}")
    return tag("footer", join(" · ".join(versions)), class_="quiet")
