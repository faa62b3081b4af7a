"""What alerts say: the words that reach a person at 03:00, for boards that tell all or little."""

from pathlib import Path

from gpuwatch.cli.alerts.findings import name_of
from gpuwatch.cli.alerts.fleet import WATCHES as FLEET
from gpuwatch.cli.alerts.watching import WATCHES
from gpuwatch.cli.alerts.words import NUMBERS
from gpuwatch.policy.rules import RULES
from tests.support.alert_texts import HOST, SERIAL, SLOT, UUID, Text, summary, texts
from tests.support.golden import assert_golden

OF_GPUS = {name_of(rule.code) for rule in RULES if rule.scope == "gpu"}
OF_BMCS = {name_of(rule.code) for rule in RULES if rule.scope == "bmc"}
OF_HOSTS = {name_of(rule.code) for rule in RULES if rule.scope == "host"}
ALL = {
    *(name_of(rule.code) for rule in RULES),
    *(name_of(row.code) for row in (*WATCHES, *FLEET)),
}
COUNTED = {name_of(code) for code in NUMBERS}


def _without(told: dict[str, Text], names: set[str], *words: str) -> list[str]:
    """The alerts whose description lacks one of the words."""
    return [
        name for name in names if any(word not in told[name].says["description"] for word in words)
    ]


def _stepless(told: dict[str, Text]) -> list[str]:
    """The alerts that say no next step, or not where it is read first."""
    return [
        name
        for name, text in told.items()
        if not text.says["next_step"] or text.says["next_step"] not in text.says["description"]
    ]


def test_golden_texts_of_alerts(tmp_path: Path) -> None:
    """Each alert as a person reads it, about a board that tells everything.

    Host, index, serial and slot of a GPU; the host; the BMC, its host and who asks it; the number
    that goes with the finding, where one does; a next step always; nowhere a hole.
    """
    told = {text.name: text for text in texts(tmp_path)}

    lines = [line for text in told.values() for line in (*text.lines(), "")]
    assert told.keys() == ALL
    assert [text for text in told.values() if text.holes] == []
    assert _without(told, OF_GPUS, HOST, "GPU 5", f"serial {SERIAL}", f"slot {SLOT}", UUID) == []
    assert _without(told, OF_HOSTS, HOST) == []
    assert _without(told, OF_BMCS, "BMC main", "gpu-node-18", f"asked by {HOST}") == []
    assert _without(told, COUNTED, ": 3") == []
    assert _stepless(told) == []
    assert_golden("alert_texts.txt", "\n".join(lines))


def test_golden_texts_of_alerts_about_boards_that_tell_little(tmp_path: Path) -> None:
    """No serial, slot, name, part number, VBIOS or driver; a BMC of the host itself."""
    told = texts(tmp_path, bare=True)

    lines = [line for text in told for line in (*text.lines(), "")]
    assert [text for text in told if text.holes] == []
    assert_golden("alert_texts_bare.txt", "\n".join(lines))


def test_a_label_of_the_scrape_configuration_names_no_other_server(tmp_path: Path) -> None:
    """Where targets have a label `host`, Prometheus calls that of a BMC `exported_host`."""
    found = (
        f'gpuwatch_bmc_finding{{job="gpuwatch",instance="{HOST}",host="asker",bmc="main",'
        'exported_host="gpu-node-18",code="fan-failed",urgency="window",remedy="cool"}'
    )

    told = summary(tmp_path, found, "GpuwatchFanFailed")

    assert told == f"gpu-node-18 (BMC main, asked by {HOST}): a fan failed"
