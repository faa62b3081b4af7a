"""Requirements: a test whose tool is missing says which package brings it."""

import os
import shutil
from pathlib import Path
from typing import NoReturn

import pytest


def require(tool: str, package: str) -> str:
    """The path of `tool`; else skip, or fail where GPUWATCH_REQUIRE=all wants every group run."""
    path = shutil.which(tool)
    return path if path is not None else _miss_package(tool, package)


def require_file(path: Path, package: str) -> None:
    """As `require`, for a file that is no program."""
    if not path.exists():
        _miss_package(str(path), package)


def _miss_package(what: str, package: str) -> NoReturn:
    miss(f"{what} (apt-get install {package})")


def miss(what: str) -> NoReturn:
    """Skip the test for what this machine lacks, or fail it where every group must run."""
    reason = f"missing: {what}"
    if os.environ.get("GPUWATCH_REQUIRE") == "all":
        pytest.fail(reason)
    pytest.skip(reason)
