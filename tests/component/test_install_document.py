"""docs/install.md: what an operator copies from it holds."""

import json
import re
import subprocess
import textwrap
import tomllib
from pathlib import Path
from typing import Any

import pytest

from delivery.contents import collect
from gpuwatch.config.loading import load
from tests.support.require import require, require_file

DOCUMENT = Path(__file__).parent.parent.parent / "docs" / "install.md"
_PARSE = "import json, sys, yaml; json.dump(yaml.safe_load(sys.stdin), sys.stdout)"


@pytest.fixture
def play() -> Any:  # noqa: ANN401 - YAML
    """The example for Ansible, as a YAML reader has it."""
    require_file(Path("/usr/lib/python3/dist-packages/yaml/__init__.py"), "python3-yaml")
    section = DOCUMENT.read_text().split("## Ansible\n")[1].split("\n\nA setting")[0]
    parsed = subprocess.run(
        [require("/usr/bin/python3", "python3"), "-c", _PARSE],
        input=textwrap.dedent(section),
        capture_output=True,
        text=True,
        check=True,
    )
    (found,) = json.loads(parsed.stdout)
    return found


def test_every_task_of_the_example_is_named_and_has_one_module(play: Any) -> None:  # noqa: ANN401 - YAML
    """By its full name, as Ansible's own linter wants it."""
    words = {"name", "notify", "loop", "when", "register", "check_mode"}
    words |= {"changed_when", "failed_when"}
    modules = [task.keys() - words for task in [*play["tasks"], *play["handlers"]]]

    assert all(task["name"][0].isupper() for task in [*play["tasks"], *play["handlers"]])
    assert all(len(found) == 1 for found in modules)
    assert all(name.startswith("ansible.builtin.") for found in modules for name in found)


def test_every_handler_that_is_notified_exists(play: Any) -> None:  # noqa: ANN401 - YAML
    """A misspelt name would reload nothing, in silence."""
    notified = {task["notify"] for task in play["tasks"] if "notify" in task}

    assert notified == {handler["name"] for handler in play["handlers"]}


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        ("install ok installed", "installed_1.2.3"),
        ("deinstall ok config-files", "config-files_1.2.3"),
    ],
)
def test_the_example_installs_again_what_was_removed(
    play: Any,  # noqa: ANN401 - YAML
    tmp_path: Path,
    status: str,
    expected: str,
) -> None:
    """Of which dpkg still knows the version, and whose settings are still there."""
    (tmp_path / "status").write_text(
        f"Package: gpuwatch\nStatus: {status}\nVersion: 1.2.3\nArchitecture: all\n"
        "Maintainer: nobody <nobody@example.org>\nDescription: x\n"
    )
    (tmp_path / "info").mkdir()
    by_name = {task["name"]: task for task in play["tasks"]}
    program, *words = by_name["See which version is there"]["ansible.builtin.command"].split()
    (install,) = (task for name, task in by_name.items() if name.startswith("Install it"))

    told = subprocess.run(
        [require(program, "dpkg"), f"--admindir={tmp_path}", *words],
        capture_output=True,
        text=True,
        check=True,
    )

    assert told.stdout == expected
    assert install["when"] == "there.stdout != 'installed_' ~ package.split('_')[1]"


def test_the_settings_of_the_example_are_accepted(play: Any, tmp_path: Path) -> None:  # noqa: ANN401 - YAML
    """The agent would start with them."""
    (text,) = [
        task["ansible.builtin.copy"]["content"]
        for task in play["tasks"]
        if "content" in task.get("ansible.builtin.copy", {})
    ]
    path = tmp_path / "site.toml"
    path.write_text(text)

    loaded = load(file=path, environment={})

    assert loaded.settings.nvml.expected_gpus == tomllib.loads(text)["nvml"]["expected_gpus"]


def test_every_place_of_the_table_is_in_the_package(tmp_path: Path) -> None:
    """Files, folders and what begins with a name."""
    table = DOCUMENT.read_text().split("| where | what |")[1].split("\n\n")[0]
    cells = [line.split("|")[1] for line in table.splitlines()[2:]]
    named = [path.rstrip("*") for cell in cells for path in re.findall(r"`([^`]+)`", cell)]
    packed = [str(item.path) for item in collect(tmp_path / "stage", tmp_path / "library")]
    made = ["/var/lib/gpuwatch", "/usr/lib/gpuwatch"]

    missing = [path for path in named if not any(one.startswith(path) for one in [*packed, *made])]

    assert len(named) > 10
    assert missing == []


def test_every_shared_path_that_a_document_names_is_in_the_package(tmp_path: Path) -> None:
    """Such as the examples of hooks: what is copied from a document must be there."""
    documents = sorted(DOCUMENT.parent.rglob("*.md"))
    text = "".join(path.read_text() for path in documents)
    named = set(re.findall(r"/usr/share/gpuwatch/[\w./-]*\w", text))
    packed = {str(item.path) for item in collect(tmp_path / "stage", tmp_path / "library")}

    assert "/usr/share/gpuwatch/hooks/slurm-drain" in named
    assert named - packed == set()
