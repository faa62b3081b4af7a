"""What the viewer makes of a recording: copies of hosts, and what rules record."""

import re

from grafana.build import DASHBOARDS
from grafana.viewer.history import Copies, alone, recorded_rules, renamer, with_copies
from grafana.viewer.pictures import shots
from grafana.viewer.record import DAY
from grafana.viewer.recording import Recording

UUID = "GPU-42478b0a-f20e-56ab-ab42-6c9aadeef0ca"
END = 10 * DAY
EXPOSED = f"""# HELP gpuwatch_gpu_info Who it is.
gpuwatch_gpu_info{{gpu="0",uuid="{UUID}",serial="1650524000001",slot="module-1"}} 1
python_info{{version="3.11"}} 1
"""


def _recording() -> Recording:
    recording = Recording(END)
    for hour in range(30):
        recording.add(END - 3600 * (29 - hour), "node-1:9853", EXPOSED)
    recording.add(END, "node-2:9853", None)
    return recording


def test_a_scrape_is_kept_as_prometheus_would() -> None:
    """With the target's labels and whether it answered; what no dashboard asks for is left out."""
    series = _recording().series

    up = {
        labels: list(values)[-1] for (name, labels), (_, values) in series.items() if name == "up"
    }
    assert up == {
        'job="gpuwatch",instance="node-1:9853"': 1,
        'job="gpuwatch",instance="node-2:9853"': 0,
    }
    assert {name for name, _ in series} == {"up", "gpuwatch_gpu_info"}


def test_a_copy_is_the_same_host_under_other_names() -> None:
    """No board stands in two hosts, and all else is as it was recorded."""
    rename = renamer("node-1", "node-9", 3)

    labels = rename(f'instance="node-1:9853",gpu="0",uuid="{UUID}",serial="1650524000001"')
    assert re.fullmatch(
        r'instance="node-9:9853",gpu="0",uuid="GPU-[0-9a-f-]{36}",serial="1650524040001"', labels
    )
    assert UUID not in labels


def test_copies_stand_beside_what_was_recorded() -> None:
    """The last day, every other scrape: enough for a fleet's dashboard."""
    made = with_copies(_recording(), [Copies("node-1", 2)])

    infos = [times for (name, _), (times, _) in made.series.items() if name == "gpuwatch_gpu_info"]
    assert len(infos) == 3
    assert {len(times) for times in infos} == {13}
    assert {labels[15:] for name, labels in alone(made, "node-2").series if name == "up"} == {
        'instance="node-2:9853"'
    }


def test_all_that_dashboards_ask_rules_for_is_recorded() -> None:
    """Also when the file of rules is written in another way."""
    exprs = [query.expr for one in DASHBOARDS for panel in one.panels for query in panel.queries]

    asked = {name for expr in exprs for name in re.findall(r"\b\w+:gpuwatch_\w+:\w+", expr)}
    assert asked <= recorded_rules().keys()
    assert len(asked) > 10


def test_every_dashboard_has_its_picture_of_sections_that_exist() -> None:
    """A section that is renamed is not silently left out of a picture."""
    sections = {one.uid: {each.title for each in one.sections} for one in DASHBOARDS}

    made = shots(UUID)
    assert {f"gpuwatch-{shot.dashboard}" for shot in made} == sections.keys()
    assert [
        shot.file
        for shot in made
        if not set(shot.sections) <= sections[f"gpuwatch-{shot.dashboard}"]
    ] == []
