"""`gpuwatch rules --alerts` as a real process: where its runbooks lie, and what it refuses."""

import json
from pathlib import Path

import pytest

from tests.support.commands import run

AGENTS_OWN = "http://{{ $labels.instance }}/runbooks/off-the-bus"
WIKI = "https://wiki.example/gpu"
VARIABLE = "GPUWATCH_WEB__RUNBOOK_URL"


def _file(folder: Path, text: str) -> str:
    path = folder / "gpuwatch.toml"
    path.write_text(text)
    return str(path)


@pytest.mark.parametrize(
    ("settings", "words", "link"),
    [
        ("", (), AGENTS_OWN),
        ('[web]\nrunbook_url = ""', (), AGENTS_OWN),
        (f'[web]\nrunbook_url = "{WIKI}/"', (), f"{WIKI}/off-the-bus"),
        (f'[web]\nrunbook_url = "{WIKI}/"', (WIKI,), f"{WIKI}/off-the-bus"),
        (f'[web]\nrunbook_url = "{WIKI}"', (f"{WIKI}/",), f"{WIKI}/off-the-bus"),
        ("", (f"{WIKI}/",), f"{WIKI}/off-the-bus"),
        ("[nvml]\nfast = 1", (), AGENTS_OWN),
    ],
    ids=["nothing", "empty", "set", "same", "same-but-slash", "url", "another-setting-is-wrong"],
)
def test_runbooks_lie_where_the_url_or_else_the_configuration_says(
    tmp_path: Path, settings: str, words: tuple[str, ...], link: str
) -> None:
    """Else on the agents; no other setting has a part in it, so none is checked."""
    told = run("rules", "--config", _file(tmp_path, settings), "--alerts", *words)

    assert (told.status, told.err) == (0, "")
    assert f"runbook_url: '{link}'" in told.out


def test_the_environment_is_part_of_the_configuration(tmp_path: Path) -> None:
    """As it is for the agent."""
    told = run("rules", "--alerts", "--config", _file(tmp_path, ""), environment={VARIABLE: WIKI})

    assert f"runbook_url: '{WIKI}/off-the-bus'" in told.out


@pytest.mark.parametrize(
    ("settings", "words", "status", "says"),
    [
        ("", ("--alerts", "wiki"), 2, '--alerts: web.runbook_url = "wiki" is not the beginning'),
        ("", ("--alerts", "wiki"), 2, 'of an address (write "https://HOST/PATH"; '),
        ("", ("--alerts", "https://h/{{x}}"), 2, "is not the beginning of an address"),
        ("", ("--alerts", "https://u:p@h"), 2, "is not the beginning of an address"),
        ("", ("--alerts", "--json"), 2, "--alerts and --json exclude each other"),
        ("", ("--alerts", "--markdown"), 2, "--alerts and --markdown exclude each other"),
        (
            f'[web]\nrunbook_url = "{WIKI}"',
            ("--alerts", "https://other.example"),
            2,
            f'--alerts "https://other.example" is not web.runbook_url = "{WIKI}" of ',
        ),
        (f'[web]\nrunbook_url = "{WIKI}"', ("--alerts", ""), 2, '--alerts "" is not web.runbook'),
        ('[web]\nrunbook_url = "wiki"', ("--alerts",), 78, 'web.runbook_url = "wiki" is not the'),
        ("[web", ("--alerts",), 78, "is not TOML"),
    ],
)  # fmt: skip
def test_what_cannot_agree_is_one_error_and_no_rules(
    tmp_path: Path, settings: str, words: tuple[str, ...], status: int, says: str
) -> None:
    """A URL that is none, one that the agents contradict, options that exclude each other."""
    told = run("rules", "--config", _file(tmp_path, settings), *words)

    assert told.status == status
    assert says in told.out + told.err
    assert "groups:" not in told.out


def test_scripts_get_the_error_as_json(tmp_path: Path) -> None:
    """On standard output, as from every command."""
    told = run("rules", "--config", _file(tmp_path, ""), "--alerts", "wiki", "--json")

    assert json.loads(told.out)["error"]["what"] == "--alerts and --json exclude each other"
