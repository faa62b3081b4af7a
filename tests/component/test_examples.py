"""The snippets of docs/maintenance.md: what people copy out of it works."""

import re
import subprocess
from pathlib import Path

import pytest

from gpuwatch.agent.maintenance import parse

PAGE = (Path(__file__).parent.parent.parent / "docs" / "maintenance.md").read_text()
SHELL = re.findall(r"```sh\n(.*?)```", PAGE, re.DOTALL)
EPILOG = next(block for block in SHELL if "Epilog:" in block)
PROLOG = next(block for block in SHELL if "Prolog:" in block)
UPGRADE = next(block for block in SHELL if "Upgrade NVIDIA" in block)
# A gpuwatch that runs what stands behind `--`, or has no agent, and tools that say they were run.
GPUWATCH = """#!/bin/sh
echo "gpuwatch $1" >>"$LOG"
[ "$1" = status ] && echo '{said}' && exit {status}
while [ "$1" != -- ]; do shift; done
shift
exec "$@"
"""
TOOL = '#!/bin/sh\necho "$(basename "$0") $*" >>"$LOG"\n'
TOOLS = ("nvidia-smi", "systemctl", "modprobe", "apt-get")


def _run(
    tmp_path: Path, script: str, *arguments: str, status: int = 0, said: str = "{}", ends: int = 0
) -> list[str]:
    """Run a snippet with tools of our own in front; what was run, in order."""
    place, log = tmp_path / "bin", tmp_path / "log"
    place.mkdir()
    for name, text in (
        ("gpuwatch", GPUWATCH.format(status=status, said=said)),
        *((t, TOOL) for t in TOOLS),
    ):
        (place / name).write_text(text)
        (place / name).chmod(0o755)
    snippet = script.replace("PATH=", f"PATH={place}:", 1)
    environment = {"PATH": f"{place}:/usr/bin:/bin", "LOG": str(log), "SLURM_JOB_GPUS": "0,3"}
    done = subprocess.run(
        ["/bin/sh", "-c", snippet, "snippet", *arguments], env=environment, check=False, timeout=30
    )
    assert done.returncode == ends
    return log.read_text().splitlines()


@pytest.mark.parametrize("snippet", SHELL)
def test_every_shell_snippet_is_shell(snippet: str) -> None:
    """A shell reads it without complaint."""
    done = subprocess.run(
        ["/bin/sh", "-n"], input=snippet, text=True, capture_output=True, check=False, timeout=30
    )

    assert (done.returncode, done.stderr) == (0, "")


def test_the_prolog_refuses_a_gpu_that_is_to_be_drained(tmp_path: Path) -> None:
    """At the first of the job's GPUs that is."""
    ran = _run(tmp_path, PROLOG, status=1, said='{"gpu": {"verdict": "drain_now"}}', ends=1)

    assert ran == ["gpuwatch status"]


@pytest.mark.parametrize(
    ("status", "said"), [(0, '{"verdict": "healthy"}'), (1, '{"verdict": "watch"}'), (69, "")]
)
def test_the_prolog_lets_a_job_start_on_any_other(tmp_path: Path, status: int, said: str) -> None:
    """Also where no agent runs."""
    assert _run(tmp_path, PROLOG, status=status, said=said) == ["gpuwatch status"] * 2


@pytest.mark.parametrize("status", [0, 1, 3])
def test_the_epilog_resets_under_a_release(tmp_path: Path, status: int) -> None:
    """Whatever the agent thinks of the host."""
    ran = _run(tmp_path, EPILOG, status=status)

    assert ran == ["gpuwatch status", "gpuwatch release", "nvidia-smi --gpu-reset -i 0,3"]


def test_the_epilog_resets_where_no_agent_runs(tmp_path: Path) -> None:
    """A host is not drained because gpuwatch is down."""
    assert _run(tmp_path, EPILOG, status=69) == [
        "gpuwatch status",
        "nvidia-smi --gpu-reset -i 0,3",
    ]


def test_an_upgrade_goes_its_way_under_one_release(tmp_path: Path) -> None:
    """The module goes and comes while the driver is released."""
    ran = _run(tmp_path, UPGRADE, "nvidia-driver-580")

    assert ran == [
        "gpuwatch release",
        "systemctl stop nvidia-persistenced nvidia-fabricmanager dcgm",
        "modprobe -r nvidia_uvm nvidia_drm nvidia_modeset nvidia",
        "apt-get install -y nvidia-driver-580",
        "modprobe nvidia",
        "systemctl start nvidia-persistenced",
        "systemctl start nvidia-fabricmanager",
        "gpuwatch status",
    ]


def test_the_maintenance_file_of_the_page_is_one() -> None:
    """Its keys are those that the agent reads."""
    body = next(line for line in PAGE.splitlines() if line.startswith('    {"until"'))

    work = parse("example", body.encode())

    assert (work.scope, work.reason, work.ticket, work.release) == (
        "host",
        "firmware",
        "OPS-17",
        True,
    )
