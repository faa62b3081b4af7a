"""Running: the agent itself, and the check of what it would run with."""

import importlib
import sys
from argparse import Namespace
from dataclasses import asdict

from gpuwatch.cli.exits import Exit
from gpuwatch.cli.output import print_json, print_lines, print_refusal
from gpuwatch.config import bmc_files, web_files
from gpuwatch.config.loading import ConfigError, Loaded, load

_ALIGNED = 48  # columns before the origin; longer values push theirs to the right


def _load(arguments: Namespace) -> Loaded:
    return load(file=arguments.config, options=arguments.options)


def run(arguments: Namespace) -> int:
    """Run the agent until it ends; 78 for a configuration that is refused."""
    try:
        loaded = _load(arguments)
    except ConfigError as refused:
        print_refusal(refused.problems, as_json=arguments.json)
        return Exit.CONFIG
    return int(importlib.import_module("gpuwatch.agent").run(loaded) or 0)


def _checked(arguments: Namespace) -> Loaded:
    """What the agent would run with, and the files that its settings name looked at."""
    loaded = _load(arguments)
    unusable = (*bmc_files.problems(loaded), *web_files.problems(loaded))
    if unusable:
        raise ConfigError(unusable)
    return loaded


def check_config(arguments: Namespace) -> int:
    """Print every effective setting and its origin, or every problem."""
    try:
        loaded = _checked(arguments)
    except ConfigError as refused:
        if arguments.json:
            print_json({"ok": False, "problems": [asdict(one) for one in refused.problems]})
        else:
            print(refused, file=sys.stderr)
        return Exit.CONFIG
    settings = loaded.effective()
    files = [str(path) for path in loaded.layers.files]
    if arguments.json:
        listed = [asdict(setting) for setting in settings]
        print_json({"ok": True, "files": files, "hash": loaded.digest, "settings": listed})
        return Exit.OK
    lines = [(f"{one.key} = {one.value}", one.origin) for one in settings]
    width = min(max(len(line) for line, _ in lines), _ALIGNED)
    print_lines(
        [
            f"# read: {', '.join(files) or 'no file'}; hash {loaded.digest}",
            *(f"{line:<{width}}  # {origin}" for line, origin in lines),
        ]
    )
    return Exit.OK
