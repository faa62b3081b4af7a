"""Pictures: everything from a recording to docs/pictures, `python -m grafana.viewer.pictures`.

Needs npm, chromium, prometheus, prometheus-alertmanager and openipmi. What was recorded is kept in
build/pictures; `--record` records anew, which takes 20 minutes, the rest ten.
"""

import argparse
import html
import json
import pickle
import shutil
import subprocess
import sys
import urllib.parse
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

from grafana.build import DASHBOARDS
from grafana.viewer import history, record
from grafana.viewer.recording import Recording
from tests.support.agents import ROOT

HERE = Path(__file__).parent
KEPT = ROOT / "build" / "pictures"
PICTURES = ROOT / "docs" / "pictures"
NODE_01 = {"instance": "gpu-node-01:9853"}
WIDE, PHONE = 1600, 400  # pixels
HOUR = 3600.0
_PAGED = "runbooks/row-remap-failed"  # of the page that is shown
_LARGEST = 200_000  # bytes of a picture in the repository
# One that a phone shows: the words are Alertmanager's, the frame is nobody's application.
_FRAME = """<!doctype html><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<style>
body {{ margin: 0; padding: 12px; background: #e9ebef; font: 15px/1.4 system-ui, sans-serif }}
article {{ background: #fff; border-radius: 12px; padding: 12px 14px; margin-bottom: 12px }}
h1 {{ font-size: 16px; margin: 0 0 8px }}
p {{ margin: 0; white-space: pre-line; overflow-wrap: anywhere }}
</style>
{articles}
"""


@dataclass(frozen=True, slots=True)
class Shot:
    """One picture of a dashboard: of which data, the last hours of which, and how it is looked at.

    `titles` are the panels to show, all of them if there are none; rows of these names with them.
    """

    file: str
    dashboard: str
    data: str
    hours: float
    width: int = WIDE
    theme: str = "dark"
    choices: Mapping[str, str] = field(default_factory=dict)
    sections: tuple[str, ...] = ()


def shots(uuid: str) -> tuple[Shot, ...]:
    """All pictures of dashboards; `uuid` is the GPU that is looked at."""
    gpu = {**NODE_01, "uuid": uuid}
    return (
        Shot("fleet.png", "fleet", "fleet", 24, sections=("Now", "To act on", "Blind", "Flags")),
        Shot("host.png", "host", "few", 24, choices=NODE_01),
        Shot("gpu.png", "gpu", "few", 168, choices=gpu),
        Shot("planning.png", "planning", "fleet", 24),
        Shot("fleet-light.png", "fleet", "few", 24, theme="light", sections=("Now", "To act on")),
        Shot("fleet-phone.png", "fleet", "few", 24, width=PHONE, sections=("Now", "To act on")),
    )


def _order(shot: Shot, url: str, end: float, folder: Path) -> dict[str, object]:
    """What shoot.mjs is told."""
    asked = {
        "prometheus": url,
        "dashboard": f"/dashboards/gpuwatch-{shot.dashboard}.json",
        "from": round(end - shot.hours * HOUR),
        "to": round(end),
        "scrape": 240 if shot.hours <= 24 else 600,  # noqa: PLR2004 - as they were recorded
        "theme": shot.theme,
        "panels": ",".join(map(str, _panels(shot))),
        **{f"var-{name}": value for name, value in shot.choices.items()},
    }
    return {
        "page": f"index.html?{urllib.parse.urlencode(asked)}",
        "file": str(folder / shot.file),
        "width": shot.width,
        "scale": 2 if shot.width == PHONE else 1,
        "now": end,
        "dashboard": True,
    }


def _panels(shot: Shot) -> Iterator[int]:
    """The numbers of the panels that are shown; none says all."""
    dashboard = next(one for one in DASHBOARDS if one.uid == f"gpuwatch-{shot.dashboard}")
    number = 0
    for section in dashboard.sections:
        here = range(number + 1, number + 2 + len(section.panels))
        number = here[-1]
        if section.title in shot.sections:
            yield from here


def _pages(folder: Path) -> Iterator[dict[str, object]]:
    """The agent's own pages, and the pages that people are sent."""
    sent = json.loads((KEPT / "notifications.json").read_text())
    pages = [one for one in sent if one["receiver"] == "pager" and _PAGED in one["text"]][:1]
    articles = "".join(
        f"<article><h1>{html.escape(one['title'])}</h1><p>{html.escape(one['text'].strip())}</p></article>"
        for one in pages
    )
    (KEPT / "page.html").write_text(_FRAME.format(articles=articles))
    phone = {"width": PHONE, "scale": 2, "theme": "light"}
    status = (KEPT / "page-status.html").as_uri()
    yield {"page": (KEPT / "page.html").as_uri(), "file": str(folder / "page.png"), **phone}
    yield {"page": status, "file": str(folder / "status-phone.png"), **phone, "height": 860}
    yield {
        "page": status,
        "file": str(folder / "status.png"),
        "width": 1200,
        "height": 1300,
        "theme": "light",
    }


def _npm(*command: str) -> None:
    """Run something in the viewer's directory; its words are shown."""
    subprocess.run(command, cwd=HERE, check=True)


def _flagged_gpu(recording: Recording) -> str:
    """The board whose life is shown: one with two incidents or more."""
    name = "gpuwatch_gpu_incidents_total"
    found = [labels for (metric, labels), (_, values) in recording.series.items()
             if metric == name and values[-1] > 1]  # fmt: skip
    if not found:
        raise SystemExit("no board of the recording has two incidents: record anew (--record)")
    return found[0].split('uuid="')[1].split('"')[0]


def main(arguments: Sequence[str]) -> int:
    """Make all pictures; 1 if one is too large to be kept."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--record", action="store_true", help="record anew")
    asked = parser.parse_args(arguments)
    if asked.record or not (KEPT / "recording.pickle").exists():
        shutil.rmtree(KEPT, ignore_errors=True)
        record.main(KEPT)
    recording: Recording = pickle.loads((KEPT / "recording.pickle").read_bytes())  # noqa: S301 - ours
    if not (HERE / "node_modules").exists():
        _npm("npm", "install")
    _npm("npm", "run", "bundle")
    history.build(recording, KEPT / "few", days=7.5)
    history.build(history.with_copies(recording), KEPT / "fleet", days=1)
    PICTURES.mkdir(exist_ok=True)
    with ExitStack() as stack:
        urls = {
            one: stack.enter_context(history.prometheus(KEPT / one)) for one in ("few", "fleet")
        }
        orders = [
            *(
                _order(one, urls[one.data], recording.end, PICTURES)
                for one in shots(_flagged_gpu(recording))
            ),
            *_pages(PICTURES),
        ]
        (KEPT / "shots.json").write_text(json.dumps(orders))
        _npm("node", "shoot.mjs", str(KEPT / "shots.json"))
    large = [one.name for one in PICTURES.iterdir() if one.stat().st_size > _LARGEST]
    print(*(f"{name} is over {_LARGEST} bytes" for name in large), sep="\n", end="")  # noqa: T201 - a tool
    return 1 if large else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
