"""Command lines that are wrong, and places for the output that take none, as real processes."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.agents import clean_environment
from tests.support.commands import Outcome, run

WAIT = 60.0
GPUWATCH = (sys.executable, "-m", "gpuwatch")


def _run_with(redirection: str, *words: str) -> Outcome:
    """Run a command under a shell that closes or redirects its streams before."""
    done = subprocess.run(
        ["/bin/sh", "-c", f'exec "$@" {redirection}', "sh", *GPUWATCH, *words],
        capture_output=True,
        text=True,
        check=False,
        timeout=WAIT,
        env=clean_environment(),
    )
    return Outcome(done.returncode, done.stdout, done.stderr)


@pytest.mark.parametrize("words", [("xids", "79"), ("signals", "--json")])
def test_output_that_finds_no_room_is_one_line_and_a_failure(words: tuple[str, ...]) -> None:
    """A page that is written onto a full disk is not whole, and whoever asked for it is told."""
    told = _run_with(">/dev/full", *words)

    assert told.status == 1
    assert told.err == (
        "gpuwatch: the output cannot be written: No space left on device"
        " (is there room where it goes?)\n"
    )


def test_output_that_is_closed_is_wanted_by_nobody() -> None:
    """The status is told all the same."""
    assert _run_with(">&-", "xids", "79") == Outcome(0, "", "")


def test_errors_that_are_closed_do_not_end_up_in_the_output() -> None:
    """A script that reads the output reads nothing but output."""
    assert _run_with("2>&-", "runbook", "xyzzy") == Outcome(2, "", "")


@pytest.mark.parametrize(
    ("word", "way_out"),
    [("stauts", "did you mean status? gpuwatch --help lists them"), ("xyzzy", "gpuwatch --help")],
)
def test_a_command_that_does_not_exist_is_a_line_with_the_nearest(word: str, way_out: str) -> None:
    """Not a list of all there are, with those that are for machines."""
    told = run(word)

    assert (told.status, told.out) == (2, "")
    assert told.err.startswith(f"gpuwatch: there is no command {word} ({way_out}")
    assert told.err.count("\n") == 1


def test_what_a_command_does_not_take_is_told_with_its_own_usage() -> None:
    """Not with the usage of gpuwatch as a whole."""
    told = run("signals", "79")

    assert told.status == 2
    assert told.err.startswith("usage: gpuwatch signals ")
    assert told.err.endswith("gpuwatch signals: error: it does not take 79\n")


def test_a_release_without_the_dashes_says_where_they_go() -> None:
    """Who forgets them is about to reset a GPU, at night."""
    told = run("release", "nvidia-smi", "--gpu-reset")

    assert told.status == 2
    assert told.err.endswith("it does not take --gpu-reset (write -- before COMMAND)\n")


def test_an_option_of_gpuwatch_itself_is_refused_in_its_name() -> None:
    """There is no command whose usage could be told."""
    told = run("--version=3")

    assert told.status == 2
    assert "gpuwatch: error: argument --version: ignored explicit argument" in told.err


@pytest.mark.parametrize("number", ["0", "many"])
def test_a_number_of_log_entries_is_refused_with_its_bounds(number: str) -> None:
    """In words, not by the name of a function."""
    told = run("sel", "--limit", number)

    assert told.status == 2
    assert told.err.endswith(f'argument --limit: "{number}" is no number from 1 to 5000\n')


@pytest.mark.parametrize("command", ["run", "windows", "preview"])
def test_a_refused_configuration_is_a_document_for_scripts(tmp_path: Path, command: str) -> None:
    """As every other error, with the status that says it."""
    file = tmp_path / "gpuwatch.toml"
    file.write_text(f'[agent]\nruntime_directory = "{tmp_path}"\n[nvml]\nfats = "1s"\n')

    told = run(command, "--json", "--config", str(file))

    assert (told.status, told.err) == (78, "")
    assert json.loads(told.out)["error"] == {
        "what": f"{file}: nvml.fats is no setting (did you mean nvml.fast?)",
        "remedy": "correct it, or name another file with --config",
    }


def test_nothing_to_import_says_what_is_taken() -> None:
    """A diagnostic has another way out."""
    told = run("boards", "import", os.devnull)

    assert told.status == 2
    assert "is empty (it takes what gpuwatch boards export prints" in told.err
