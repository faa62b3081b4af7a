"""NVML's library: taken from the folder that the settings name, and nothing else of that folder.

LD_LIBRARY_PATH would have the child take its C library from there, too: from the root of another
distribution, mounted into a container, that keeps even Python from starting.
"""

import ctypes
from collections.abc import Mapping
from contextlib import suppress

FOLDER = "NVML_LIBRARY_FOLDER"  # of a child's environment
_NAME = "libnvidia-ml.so.1"


def environment_for(folder: str) -> dict[str, str]:
    """What tells a child that the library lies in `folder`; nothing for "": it is searched."""
    return {FOLDER: folder} if folder else {}


def load_named(environment: Mapping[str, str]) -> None:
    """Load the library, if its folder is named: the binding then finds it by its name (dlopen(3)).

    One that is not there or cannot be loaded is searched by the binding, which tells what is wrong.
    """
    if folder := environment.get(FOLDER, ""):
        with suppress(OSError):
            ctypes.CDLL(f"{folder}/{_NAME}")
