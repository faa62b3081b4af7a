"""Hooks: the settings that have commands of one's own run when something happens to a flag."""

import re
from typing import Annotated

from pydantic import AfterValidator, BeforeValidator, Field, StrictStr

from gpuwatch.config.section import MINUTE, SECOND, Section
from gpuwatch.config.values import Duration, refused
from gpuwatch.domain.hooks import Hook as HookOrder
from gpuwatch.domain.hooks import Transition

_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,31}", re.ASCII)
_MOST = 16


def _name(value: object) -> str:
    if isinstance(value, str) and _NAME.fullmatch(value):
        return value
    raise refused(
        "is no name for a hook (write up to 32 of a-z, 0-9 and -, the first of them no -)"
    )


def _command(value: tuple[str, ...]) -> tuple[str, ...]:
    if not value[0].startswith("/"):
        raise refused("does not begin with an absolute path (no shell and no PATH looks for it)")
    if any("\0" in one for one in value):
        raise refused("holds a zero byte (write a path and its arguments)")
    return value


def _not_too_many(hooks: dict[str, "Hook"]) -> dict[str, "Hook"]:
    if len(hooks) > _MOST:
        raise refused(f"has {len(hooks)} hooks, and there may be {_MOST} (let one of them do more)")
    return hooks


class Hook(Section):
    """A command that is run when something happens to a flag. See hooks.md."""

    command: Annotated[tuple[StrictStr, ...], AfterValidator(_command)] = Field(
        min_length=1,
        max_length=64,
        description="The command and its arguments, the first an absolute path; no shell reads"
        " it. It gets one JSON document on standard input.",
    )
    on: tuple[Transition, ...] = Field(
        (), description="The transitions at which it is run; an empty list is every one."
    )
    timeout: Duration = Field(
        30 * SECOND, ge=SECOND, le=10 * MINUTE, description="After which it is ended, and retried."
    )

    def order(self, name: str) -> HookOrder:
        """The hook as the agent takes it."""
        return HookOrder(
            name=name,
            command=self.command,
            on=frozenset(one.value for one in self.on),
            timeout_seconds=self.timeout.total_seconds(),
        )


HookName = Annotated[str, BeforeValidator(_name)]
Hooks = Annotated[dict[HookName, Hook], AfterValidator(_not_too_many)]
