"""Hook rows: the metrics about the owner's commands that are run at transitions of flags."""

from collections.abc import Callable, Iterator

from gpuwatch.domain.hooks import HookState
from gpuwatch.exposition.families import Row, Sample, Scene, Type


def _each(take: Callable[[HookState], float | None]) -> Callable[[Scene], Iterator[Sample]]:
    """A family of one series per hook; none for a hook where `take` gives None."""

    def samples(scene: Scene) -> Iterator[Sample]:
        for hook in scene.snapshot.hooks:
            value = take(hook)
            if value is not None:
                yield {"hook": hook.name}, float(value)

    return samples


def _runs(scene: Scene) -> Iterator[Sample]:
    for hook in scene.snapshot.hooks:
        yield {"hook": hook.name, "outcome": "succeeded"}, float(hook.succeeded)
        yield {"hook": hook.name, "outcome": "failed"}, float(hook.failed)
        yield {"hook": hook.name, "outcome": "timed_out"}, float(hook.timed_out)


HOOK_ROWS: tuple[Row[Scene], ...] = (
    Row(
        "gpuwatch_hook_runs_total",
        Type.COUNTER,
        "Runs of a hook since the agent started, by how they ended.",
        _runs,
    ),
    Row(
        "gpuwatch_hook_given_up_total",
        Type.COUNTER,
        "Transitions of flags for which a hook failed at every attempt.",
        _each(lambda hook: hook.given_up),
    ),
    Row(
        "gpuwatch_hook_waiting",
        Type.GAUGE,
        "Transitions of flags for which a hook has still to be run.",
        _each(lambda hook: hook.waiting),
    ),
    Row(
        "gpuwatch_hook_last_success_timestamp_seconds",
        Type.GAUGE,
        "When a run of a hook succeeded for the last time.",
        _each(lambda hook: hook.last_success),
    ),
)
