"""Completion in real shells: the scripts are asked as a person's Tab key asks them."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from gpuwatch.cli.completion import bash, fish, zsh
from gpuwatch.cli.grammar import grammar
from gpuwatch.cli.parser import parser
from tests.support.fake_agent import FakeAgent
from tests.support.require import require
from tests.support.snapshots import uuid_of

WAIT = 60.0
TOP = grammar(parser())


@pytest.fixture
def folder() -> Iterator[Path]:
    """A short path, as a socket needs, with scripts and a configuration that names the socket."""
    with TemporaryDirectory(prefix="gpuwatch-") as name:
        place = Path(name)
        (place / "gpuwatch.bash").write_text(bash(TOP))
        (place / "gpuwatch.zsh").write_text(zsh(TOP))
        (place / "gpuwatch.fish").write_text(fish(TOP))
        (place / "gpuwatch.toml").write_text(f'[agent]\nruntime_directory = "{place}"\n')
        yield place


def _shell(folder: Path, *words: str) -> str:
    environment = {
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        "GPUWATCH_CONFIG": str(folder / "gpuwatch.toml"),
        "HOME": str(folder),
    }
    done = subprocess.run(
        words, capture_output=True, text=True, check=True, timeout=WAIT, env=environment, cwd=folder
    )
    assert done.stderr == ""
    return done.stdout


def _bash(folder: Path, *words: str) -> list[str]:
    """What bash offers for the last of `words`."""
    script = (
        'source gpuwatch.bash; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _gpuwatch;'
        ' printf "%s\\n" "${COMPREPLY[@]}"'
    )
    return _shell(folder, "bash", "-c", script, "bash", "gpuwatch", *words).split()


def test_bash_knows_whom_to_ask(folder: Path) -> None:
    """The function is registered for the command."""
    told = _shell(folder, "bash", "-c", "source gpuwatch.bash; complete -p gpuwatch")

    assert told == "complete -F _gpuwatch gpuwatch\n"


@pytest.mark.parametrize(
    ("words", "offered"),
    [
        (("stat",), {"status"}),
        (("maintenance", ""), {"begin", "end", "list"}),
        (("maintenance", "begin", "h"), {"host"}),
        (("maintenance", "begin", "--rel"), {"--release"}),
        (("--json", "boards", "reti"), {"retire"}),
        (("completion", ""), {"bash", "zsh", "fish"}),
        (("status", "--config", "gpuwatch.t"), {"gpuwatch.toml"}),
        (("maintenance", "begin", "--reason", "x", "bo"), {"board"}),
        (("resume", ""), set()),
    ],
)
def test_bash_offers_what_may_follow(
    folder: Path, words: tuple[str, ...], offered: set[str]
) -> None:
    """Commands, options, choices and files; a value that is anything at all is not guessed."""
    assert set(_bash(folder, *words)) == offered


def test_every_command_is_offered(folder: Path) -> None:
    """All that the parser has, and nothing that is for machines only."""
    offered = _bash(folder, "")

    assert offered == [command.words[0] for command in TOP.commands]
    assert "complete-names" not in offered


def test_names_of_gpus_and_flags_come_from_the_agent(folder: Path, agent: FakeAgent) -> None:
    """Index, serial, UUID; open flags."""
    gpus, serials = _bash(folder, "explain", ""), _bash(folder, "boards", "retire", "16542230100")
    flags = _shell(folder, "gpuwatch", "complete-names", "flags").split()

    assert agent.done == []
    assert {"0", "1654223010007", uuid_of(0)} <= set(gpus)
    assert "6" not in gpus
    assert "1654223010013" in serials
    assert flags == ["14", "15"]


def test_names_of_bmcs_come_from_the_agent(folder: Path, agent: FakeAgent) -> None:
    """By themselves where a BMC is named, as subjects where a GPU may be named as well."""
    bmcs, subjects = _bash(folder, "sel", ""), _bash(folder, "explain", "bmc.")

    assert agent.done == []
    assert bmcs == ["main", "hgx", "node-18", "node-19"]
    assert subjects == ["bmc.main", "bmc.hgx", "bmc.node-18", "bmc.node-19"]


def test_codes_of_runbooks_come_from_the_package(folder: Path) -> None:
    """No agent runs, and the runbooks can be read all the same."""
    assert _bash(folder, "runbook", "off") == ["off-the-bus", "off-the-bus-again"]
    assert _bash(folder, "explain", "3", "inlet") == ["inlet-hot"]


def test_without_an_agent_nothing_is_offered_and_nothing_said(folder: Path) -> None:
    """A Tab key is no place for an error."""
    assert _bash(folder, "explain", "") == []


def test_a_command_after_two_dashes_is_not_ours(folder: Path) -> None:
    """The shell completes it as it would anywhere."""
    assert _bash(folder, "release", "--", "st") == []


def test_zsh_takes_the_script(folder: Path) -> None:
    """Its syntax, where that shell is there."""
    shell = require("zsh", "zsh")

    assert _shell(folder, shell, "-n", "gpuwatch.zsh") == ""


def test_fish_offers_what_may_follow(folder: Path) -> None:
    """Commands with their help, verbs of a group, options; where that shell is there."""
    shell = require("fish", "fish")

    told = [
        _shell(folder, shell, "-N", "-c", f"source gpuwatch.fish; complete -C '{line}'")
        for line in ("gpuwatch stat", "gpuwatch boards ", "gpuwatch maintenance begin --rel")
    ]

    assert told[0] == "status\tHow the host, its GPUs and its BMCs are.\n"
    assert {line.split("\t")[0] for line in told[1].splitlines()} >= {"list", "retire"}
    assert told[2].startswith("--release\t")


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_the_command_prints_the_script(folder: Path, shell: str) -> None:
    """As it is written from the parser."""
    printed = _shell(folder, "gpuwatch", "completion", shell)

    assert printed == (folder / f"gpuwatch.{shell}").read_text()
