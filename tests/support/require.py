"""Requirements: a test whose tool is missing says which package brings it."""

import os
import shutil

import pytest


def require(tool: str, package: str) -> str:
    """The path of `tool`; else skip, or fail where GPUWATCH_REQUIRE=all wants every group run."""
    path = shutil.which(tool)
    if path is not None:
        return path
    reason = f"missing: {tool} (apt-get install {package})"
    if os.environ.get("GPUWATCH_REQUIRE") == "all":
        pytest.fail(reason)
    pytest.skip(reason)
