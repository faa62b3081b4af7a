"""Command: `gpuwatch doctor`: looks at everything, tells it, and writes a support archive."""

import os
import socket
import time
from argparse import Namespace
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, cast

from gpuwatch.cli.archives import refuse_target
from gpuwatch.cli.doctor.answers import exit_of
from gpuwatch.cli.doctor.apart import Broken, Hung, Work, apart
from gpuwatch.cli.doctor.lines import document_of, lines_of
from gpuwatch.cli.doctor.scene import Read, Scene, Silence, Silent
from gpuwatch.cli.doctor.table import answers
from gpuwatch.cli.output import clean, print_json, print_lines
from gpuwatch.cli.session import database_of, layers_of, socket_of
from gpuwatch.config import bmc_files, web_files
from gpuwatch.config.layers import Problem
from gpuwatch.config.loading import ConfigError, load
from gpuwatch.config.models import Settings
from gpuwatch.control.client import AgentAbsentError, ask
from gpuwatch.control.requests import ControlError, ErrorKind

if TYPE_CHECKING:
    from gpuwatch.agent.doctor_requests import DoctorShape

_SETTINGS_SECONDS = 10.0
_ASK_SECONDS = 10.0
_MARGIN = 3.0
_SILENCE = {ErrorKind.DENIED: Silence.DENIED, ErrorKind.BUSY: Silence.LATE}


def doctor(arguments: Namespace) -> int:
    """Look, and tell; 0 when all is well, 1 with a problem, 3 with something unknown."""
    target = None if arguments.bundle is None else Path(arguments.bundle).absolute()
    if target is not None:
        refuse_target(target, overwrite=arguments.force)
    scene = look_around(arguments, metrics=target is not None)
    found = answers(scene)
    host = _host(scene)
    document = document_of(found, host, scene.now)
    lines = [clean(line) for line in lines_of(found, host, scene.now)]
    if target is not None:
        from gpuwatch.cli.doctor.bundle import write_bundle  # noqa: PLC0415 - only where asked for

        made = write_bundle(target, scene, found, host, overwrite=arguments.force)
        document["bundle"] = {"file": str(made.path), "bytes": made.size, "sha256": made.sha256}
        lines += ["", clean(f"wrote {made.path} ({made.size:,} bytes)"), f"sha256 {made.sha256}"]
    if arguments.json:
        print_json(document)
    else:
        print_lines(lines)
    return exit_of(found)


def _host(scene: Scene) -> str:
    """As the agent calls this host, or would."""
    if scene.told is not None:
        return scene.told["snapshot"]["status"]["hostname"]
    return scene.settings.agent.hostname or socket.gethostname()


def look_around(arguments: Namespace, *, metrics: bool) -> Scene:
    """What every look shares: the settings, and the agent's own word, each in bounded time."""
    read = apart({"read": Work(partial(_read, arguments), _SETTINGS_SECONDS)})["read"]
    if isinstance(read, Hung | Broken):
        why = Problem("the settings", "", "", f"{read.text} (does their file system hang?)")
        read = Read(settings=Settings(), problems=(why,))
    if arguments.socket is not None:
        read = replace(read, socket=Path(arguments.socket))
    work = Work(partial(_ask, read.socket, metrics=metrics), _ASK_SECONDS + _MARGIN)
    told = apart({"ask": work})["ask"]
    scene = Scene(read=read, now=time.time())
    if isinstance(told, Hung | Broken):
        told = Silent(Silence.LATE, f"{read.socket}: {told.text}", "does its file system hang?")
    if isinstance(told, Silent):
        return replace(scene, silent=told)
    return replace(scene, told=told)


def _read(arguments: Namespace) -> Read:
    """The settings, or every problem; paths are taken from what was written all the same."""
    layers = layers_of(arguments)
    read = Read(
        settings=Settings(),
        files=tuple(map(str, layers.files)),
        named=tuple(
            (key[-1], str(entry.value))
            for key, entry in layers.entries.items()
            if key[0] == "bmc" or key == ("agent", "hostname")
        ),
        socket=socket_of(arguments),
        history=database_of(arguments),
    )
    try:
        loaded = load(file=arguments.config)
    except ConfigError as refused:
        return replace(read, problems=refused.problems)
    of_files = bmc_files.problems(loaded) if os.geteuid() == 0 else ()
    return replace(
        read,
        settings=loaded.settings,
        problems=(*of_files, *web_files.problems(loaded)),
        effective=loaded.effective(),
    )


def _ask(path: Path, *, metrics: bool) -> "DoctorShape | Silent":
    """The agent's word, or why there is none."""
    try:
        return cast(
            "DoctorShape", ask(path, "doctor", within_seconds=_ASK_SECONDS, metrics=metrics)
        )
    except AgentAbsentError as absent:
        return Silent(Silence.ABSENT, str(absent), "start it")
    except ControlError as refused:
        if refused.kind is ErrorKind.USAGE:
            what = "an agent of another version runs, which cannot be asked this"
            return Silent(Silence.FAILED, what, "sudo systemctl restart gpuwatch")
        why = _SILENCE.get(refused.kind, Silence.FAILED)
        return Silent(why, refused.what, refused.remedy)
