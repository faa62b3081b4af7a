"""What alerts say: the words that reach a person at 03:00, for boards that tell all or little."""

from pathlib import Path

import pytest

from gpuwatch.cli.alerts.findings import name_of
from gpuwatch.cli.alerts.fleet import WATCHES as FLEET
from gpuwatch.cli.alerts.watching import WATCHES
from gpuwatch.cli.alerts.words import NUMBERS
from gpuwatch.policy.rules import RULES
from tests.support.alert_texts import HOST, SERIAL, SLOT, UUID, Text, texts
from tests.support.golden import assert_golden

OF_GPUS = {name_of(rule.code) for rule in RULES if rule.scope == "gpu"}
OF_BMCS = {name_of(rule.code) for rule in RULES if rule.scope == "bmc"}
OF_HOSTS = {name_of(rule.code) for rule in RULES if rule.scope == "host"}
COUNTED = {name_of(code) for code in NUMBERS}


@pytest.fixture(scope="module", name="told")
def _told(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Text]:
    """Every alert by its name, about a board that tells everything."""
    return {text.name: text for text in texts(tmp_path_factory.mktemp("told"))}


def _without(told: dict[str, Text], names: set[str], *words: str) -> list[str]:
    """The alerts whose description lacks one of the words."""
    return [
        name for name in names if any(word not in told[name].says["description"] for word in words)
    ]


def test_golden_texts_of_alerts(told: dict[str, Text]) -> None:
    """Each alert as a person reads it."""
    lines = [line for text in told.values() for line in (*text.lines(), "")]

    assert_golden("alert_texts.txt", "\n".join(lines))


def test_golden_texts_of_alerts_about_boards_that_tell_little(tmp_path: Path) -> None:
    """No serial, slot, name, part number, VBIOS or driver; a BMC of the host itself."""
    told = texts(tmp_path, bare=True)

    lines = [line for text in told for line in (*text.lines(), "")]
    assert [text for text in told if text.holes] == []
    assert_golden("alert_texts_bare.txt", "\n".join(lines))


def test_every_alert_is_told(told: dict[str, Text]) -> None:
    """None is left out."""
    codes = [*(rule.code for rule in RULES), *(row.code for row in (*WATCHES, *FLEET))]

    assert told.keys() == {name_of(code) for code in codes}


def test_no_text_has_a_hole(told: dict[str, Text]) -> None:
    """No empty placeholder, no doubled space, nothing that a template could not fill in."""
    assert [text for text in told.values() if text.holes] == []


def test_a_text_names_whom_it_is_about(told: dict[str, Text]) -> None:
    """Host, index, serial and slot of a GPU; the host; the BMC, its host and who asks it."""
    board = (HOST, "GPU 5", f"serial {SERIAL}", f"slot {SLOT}", UUID)

    assert _without(told, OF_GPUS, *board) == []
    assert _without(told, OF_HOSTS, HOST) == []
    assert _without(told, OF_BMCS, "BMC main", "gpu-node-18", f"asked by {HOST}") == []


def test_a_text_tells_its_number_and_what_to_do_next(told: dict[str, Text]) -> None:
    """The number that goes with the finding, where one does; a step always."""
    steps = [
        name
        for name, text in told.items()
        if not text.says["next_step"] or text.says["next_step"] not in text.says["description"]
    ]

    assert _without(told, COUNTED, ": 3") == []
    assert steps == []
