"""Operators: what people do to flags, allowed or not."""

import re
from collections.abc import Callable

from gpuwatch.domain import flag_changes, flag_life
from gpuwatch.domain.audit import Deed
from gpuwatch.domain.flag_life import FlagError, Outcome
from gpuwatch.domain.flags import Disposition, Flag
from gpuwatch.domain.moments import SECONDS_PER_DAY
from gpuwatch.domain.windows import Window
from gpuwatch.policy.placement import NoPlaceError
from tests.support.driven import DrivenHost

ANN = "uid=1000(ann)"
_Step = Callable[[Flag, tuple[Window, ...], float], Flag]
_STEPS: dict[str, _Step] = {
    "ack": lambda flag, _windows, now: flag_changes.acknowledged(flag, ANN, now),
    "snooze": lambda flag, _windows, now: flag_changes.snoozed(flag, now + 3600.0, now),
    "snooze-too-long": lambda flag, _windows, now: flag_changes.snoozed(
        flag, now + 90 * SECONDS_PER_DAY, now
    ),
    "schedule": lambda flag, windows, now: flag_changes.scheduled(flag, windows[-1], ANN, now),
    "unschedule": lambda flag, _windows, _now: flag_changes.unpinned(flag),
    "start": lambda flag, _windows, now: flag_life.started(flag, now),
    "done": lambda flag, _windows, now: flag_life.done(flag, Outcome.RESEATED, now),
    "dismiss": lambda flag, _windows, now: flag_life.dismissed(flag, now),
    "due": lambda flag, _windows, now: flag_changes.written(
        flag, now, due_at=now + 3 * SECONDS_PER_DAY
    ),
    "disposition": lambda flag, _windows, now: flag_changes.written(
        flag, now, disposition=Disposition.RMA
    ),
    "case": lambda flag, _windows, now: flag_changes.written(flag, now, vendor_case="CASE-7"),
}
# `name=value; name=value`, where a value may hold a semicolon of its own
_ATTRIBUTE = re.compile(r"(?:^|; )([a-z_]+)=(.*?)(?=; [a-z_]+=|$)", re.DOTALL)
ACTIONS = tuple(_STEPS)


def act(host: DrivenHost, flag: Flag, action: str) -> Flag | None:
    """What a person makes of a flag; None when it is refused."""
    decisions, now = host.agent.decisions, host.clock.now()
    windows = decisions.calendar.at(now).windows
    try:
        if action == "schedule":
            name = windows[-1].name if windows else "none of that name"
            windows = (decisions.place_for(flag, name, None, now),)
        changed = _STEPS[action](flag, windows, now.wall)
    except (FlagError, NoPlaceError):
        return None
    deed = Deed(actor=ANN, action=f"flag-{action}", reason="a test", at=now.wall)
    return decisions.change(changed, deed)


def attributes(told: str) -> dict[str, str]:
    """What one side of an audit record says of a flag, by name."""
    return dict(_ATTRIBUTE.findall(told))
