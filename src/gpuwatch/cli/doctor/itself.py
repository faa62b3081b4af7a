"""Itself: looks at the agent: its settings, its unit, who may ask it, what it left behind."""

import errno
import grp
import os
import pwd
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime

from gpuwatch import __version__
from gpuwatch.cli.doctor.answers import Answer, ok, problem, unknown
from gpuwatch.cli.doctor.scene import Scene, Silence
from gpuwatch.cli.doctor.system import UNIT, is_systemds, journal, processes, unit_properties
from gpuwatch.cli.exits import Exit
from gpuwatch.config.models import Settings
from gpuwatch.control.peers import GROUP
from gpuwatch.exposition.redaction import Named
from gpuwatch.exposition.site import STALLED_SECONDS
from gpuwatch.exposition.words import plural

_SHOWN_PROBLEMS = 3
_HINT_LINES = 20
_CLOSED = os.strerror(errno.EACCES)  # what a user may not read, the agent may
_CHECK = "gpuwatch check-config tells each problem"
_LOG = "journalctl -u gpuwatch -n 50"
_START = "sudo systemctl start gpuwatch"
_BY_A_SIGNAL = ("2", "3")  # CLD_KILLED and CLD_DUMPED, include/uapi/asm-generic/siginfo.h
_ENABLE = "sudo systemctl enable gpuwatch"
_NO_BOOT = "it does not start at the next boot", _ENABLE
# Enablement with which it is not started again, systemctl(1): what that means, and the way out.
_NOT_AGAIN = {
    "disabled": _NO_BOOT,
    "indirect": _NO_BOOT,
    "linked": _NO_BOOT,
    "linked-runtime": _NO_BOOT,
    "enabled-runtime": _NO_BOOT,
    "masked": (_NO_BOOT[0], f"sudo systemctl unmask gpuwatch && {_ENABLE}"),
    "masked-runtime": (
        "it cannot be started again before the next boot",
        f"sudo systemctl unmask --runtime gpuwatch && {_ENABLE}",
    ),
}
# What an agent that could not start ended with, and the way out.
_ENDED = {
    f"status {int(Exit.CONFIG)}": "its settings were refused: gpuwatch check-config",
    f"status {int(Exit.USAGE)}": "its command line is wrong: see ARGS in /etc/default/gpuwatch",
    f"status {int(Exit.UNAVAILABLE)}": f"another agent runs, or its port is taken: {_LOG}",
}


def look_at_settings(scene: Scene) -> Iterator[Answer]:
    """Whether they are valid, and those that the agent has in effect."""
    read = scene.read
    refused = [one for one in read.problems if scene.is_root or _CLOSED not in one.text]
    if read.problems and not refused:
        shown = "; ".join(map(str, read.problems[:_SHOWN_PROBLEMS]))
        yield unknown("settings", f"not for this user to read: {shown}", "sudo gpuwatch doctor")
        return
    if refused:
        shown = "; ".join(map(str, refused[:_SHOWN_PROBLEMS]))
        more = len(refused) - _SHOWN_PROBLEMS
        rest = f"; and {plural(more, 'other problem')}" if more > 0 else ""
        yield problem("settings", f"refused: {shown}{rest}", _CHECK)
        return
    theirs = scene.told["files"] if scene.told else []
    if theirs and not set(theirs) & set(read.files):
        here = ", ".join(read.files) or "no file"
        found = f"the agent reads {', '.join(theirs)}, and this command {here}"
        yield unknown("settings", found, f"gpuwatch doctor --config {theirs[0]}")
        return
    waiting = _waiting(scene)
    if waiting:
        names = ", ".join(waiting[:_SHOWN_PROBLEMS])
        restart = any(key.split(".")[0] not in Settings.LIVE for key in waiting)
        how = "restart" if restart else "reload"
        yield problem(
            "settings",
            f"the files were changed, and the agent has not read them again: {names}",
            f"sudo systemctl {how} gpuwatch",
        )
        return
    names = ", ".join(read.files) or "no file: every setting has its default"
    unseen = "" if scene.is_root else "; the files with passwords are for root to look at"
    yield ok("settings", f"valid; read from {names}{unseen}")


def _waiting(scene: Scene) -> list[str]:
    """Settings that a file gives another value than the one in effect."""
    if scene.told is None:
        return []
    files = {*scene.told["files"], *scene.read.files}
    here = {one.key: one for one in scene.read.effective}
    there = {one["key"]: one for one in scene.told["settings"]}
    pairs = {key: (here.get(key), there.get(key)) for key in here.keys() | there.keys()}
    # A section with a name, say a window, is on one side only when it was added or removed.
    values = {
        key: (one and one.value, other and other["value"]) for key, (one, other) in pairs.items()
    }
    origins = {
        key: {told for told in (one and one.origin, other and other["origin"]) if told}
        for key, (one, other) in pairs.items()
    }
    return [
        key
        for key in sorted(pairs)
        if values[key][0] != values[key][1]
        and origins[key] & files
        and origins[key] <= {*files, "default"}
    ]


def look_at_agent(scene: Scene) -> Iterator[Answer]:
    """Whether one runs, is the one installed, and moves; else why not."""
    told, silent = scene.told, scene.silent
    if told is None:
        yield (
            _silent(scene)
            if silent is not None
            else unknown("agent", "nobody was asked", "gpuwatch status")
        )
        return
    since = datetime.fromtimestamp(told["started_at"], UTC)
    found = f"version {told['version']}, pid {told['pid']}, since {since:%Y-%m-%d %H:%M} UTC"
    failed = ", ".join(f"{job} {count}" for job, count in told["failures"].items() if count)
    if told["heartbeat_seconds"] > STALLED_SECONDS:
        stands = f"its loop has not moved for {told['heartbeat_seconds']:.0f} s"
        yield problem("agent", f"{found}; {stands}", "gpuwatch runbook agent-stuck")
    elif told["version"] != __version__:
        yield problem(
            "agent", f"{found}; installed is {__version__}", "sudo systemctl restart gpuwatch"
        )
    elif failed:
        yield problem(
            "agent", f"{found}; tasks that failed: {failed}", "gpuwatch runbook agent-failing"
        )
    else:
        yield ok("agent", found)


def _silent(scene: Scene) -> Answer:
    """Why nobody answers: the socket's word, what systemd knows, the last words of the log."""
    silent = scene.silent
    if silent is None or silent.why is Silence.DENIED:
        return unknown("agent", "not asked: see access", "sudo gpuwatch doctor")
    if silent.why is not Silence.ABSENT:
        return problem(
            "agent", silent.what, f"{silent.remedy}: {_LOG}; gpuwatch runbook agent-stuck"
        )
    if not is_systemds(scene.root):
        return problem("agent", silent.what, "start it: gpuwatch run, as its service does")
    return stopped_answer(silent.what, unit_properties() or {}, _last_words())


def stopped_answer(what: str, properties: Mapping[str, str], last: str) -> Answer:
    """Why the unit's agent does not answer; `what` is the socket's word, `last` the log's."""
    if properties.get("LoadState") == "not-found":
        return problem("agent", f"{what}; there is no {UNIT}", "install it: docs/install.md")
    result = properties.get("Result", "")
    found = f"{what}; {UNIT} is {properties.get('ActiveState', 'in an unknown state')}"
    if result not in ("", "success"):
        found += f" ({result}, {_end_of(properties)})"
    remedy = _ENDED.get(_end_of(properties), f"{_START}; then {_LOG}")
    return problem("agent", f"{found}{last}", remedy)


def _end_of(properties: Mapping[str, str]) -> str:
    """How the main process ended: its exit status, or the signal that ended it (wait(2))."""
    how = "signal" if properties.get("ExecMainCode") in _BY_A_SIGNAL else "status"
    return f"{how} {properties.get('ExecMainStatus', 'unknown')}"


def _last_words() -> str:
    """The last line that the agent itself has written, as a hint."""
    lines = (journal(_HINT_LINES, "--unit", UNIT) or "").splitlines()
    own = [line for line in lines if "gpuwatch[" in line]
    return f"; its log ends: {own[-1].partition(']: ')[2]}" if own else ""


def look_at_unit(scene: Scene) -> Iterator[Answer]:
    """Whether the service manager has it running, and will at the next boot."""
    if not is_systemds(scene.root):
        yield ok("unit", "no systemd runs here (a container?): no unit is expected")
        return
    properties = unit_properties()
    if properties is None:
        yield unknown("unit", "systemctl does not answer", "systemctl status gpuwatch")
        return
    yield unit_answer(properties, answers=not scene.is_alone)


def unit_answer(properties: Mapping[str, str], *, answers: bool) -> Answer:
    """What the properties of the unit mean; `answers` is whether an agent does."""
    state = f"{properties.get('ActiveState')} ({properties.get('SubState')})"
    if properties.get("LoadState") == "not-found":
        found = f"there is no {UNIT}"
        if answers:
            return ok("unit", f"{found}; the agent was started otherwise")
        return problem("unit", found, "install it: docs/install.md")
    if properties.get("ActiveState") != "active":
        why = f"{properties.get('Result')}, {_end_of(properties)}"
        return problem("unit", f"{state}; {why}", f"{_START}; then {_LOG}")
    if properties.get("NeedDaemonReload") == "yes":
        remedy = "sudo systemctl daemon-reload && sudo systemctl restart gpuwatch"
        return problem("unit", f"{state}; its files were changed since", remedy)
    enablement = properties.get("UnitFileState", "")
    if enablement in _NOT_AGAIN:
        what, remedy = _NOT_AGAIN[enablement]
        return problem("unit", f"{state}, but {enablement}: {what}", remedy)
    again = int(properties.get("NRestarts", "0") or 0)
    restarts = f"; restarted {plural(again, 'time')} by systemd" if again else ""
    return ok("unit", f"{state}, {enablement or 'of unknown enablement'}{restarts}")


def look_at_access(scene: Scene) -> Iterator[Answer]:
    """Whether this user may ask the agent, and change things."""
    silent = scene.silent
    name, is_member = _user_name(scene.uid), _is_member(scene.uid)
    join = f"sudo usermod -aG {GROUP} {name}, then log in anew; or use sudo"
    if silent is not None and silent.why is Silence.DENIED:
        remedy = "log in anew: you are in the group, this session is not" if is_member else join
        yield problem("access", silent.what, remedy).naming(Named.USER, name)
        return
    if scene.told is None:
        found = f"nobody listens at {scene.socket}"
        told = (found, "first the agent") if scene.is_alone else scene.untold
        yield unknown("access", *told)
        return
    may_change = scene.uid in (0, scene.told["uid"]) or is_member
    what = "ask and change things" if may_change else "ask, but change nothing"
    found = f"user {name} may {what} at {scene.socket}"
    yield ok("access", found).naming(Named.USER, name)


def _is_member(uid: int) -> bool:
    """Whether a user is in the group, or has it for its own, as the agent asks."""
    try:
        group, user = grp.getgrnam(GROUP), pwd.getpwuid(uid)
    except KeyError:
        return False
    return user.pw_gid == group.gr_gid or user.pw_name in group.gr_mem


def _user_name(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return f"uid {uid}"


def look_at_children(scene: Scene) -> Iterator[Answer]:
    """Whether processes that ask hardware hang where no signal ends them."""
    if scene.told is not None:
        sources = scene.told["snapshot"]["status"]["sources"]
        wedged = [one for one in sources if one["unkillable"]]
        if wedged:
            listed = ", ".join(f"{one['name']}: {one['unkillable']}" for one in wedged)
            found = f"processes that no signal ends, by source: {listed}"
            yield problem("children", found, "gpuwatch runbook probe-wedged; a reboot ends them")
            return
        again = sum(one["restarts"] for one in sources)
        late = sum(one["timeouts"] for one in sources)
        yield ok(
            "children",
            f"none hangs; {plural(len(sources), 'source')}, {plural(again, 'restart')},"
            f" {plural(late, 'missed deadline')} since the start",
        )
        return
    if not scene.is_alone:
        yield unknown("children", *scene.untold)
        return
    left = [one for one in processes(scene.proc) if _is_left(one.name, one.state, one.parent)]
    if left:
        pids = ", ".join(str(one.pid) for one in left)
        yield unknown(
            "children",
            f"no agent runs, and what may be a probe that it left behind hangs: process {pids}",
            "sudo cat /proc/PID/stack tells where; gpuwatch runbook probe-wedged",
        )
    else:
        yield ok("children", "none is left behind")


def _is_left(name: str, state: str, parent: int) -> bool:
    return state == "D" and parent == 1 and name.startswith(("python", "gpuwatch"))
