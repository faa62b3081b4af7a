"""Hooks: every transition once, in order, retried, given up, remembered over a restart."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from threading import Thread, current_thread
from typing import TYPE_CHECKING

import pytest
from structlog.testing import capture_logs

from gpuwatch.agent.hook_run import Outcome, Run, environment_of
from gpuwatch.agent.hooks import PAUSES, HookWatch
from gpuwatch.domain.audit import AuditRecord
from gpuwatch.domain.hooks import Hook, Transition
from gpuwatch.domain.snapshot import Snapshot
from tests.support.snapshots import rich_snapshot

if TYPE_CHECKING:
    from collections.abc import Callable

SLURM = Hook(name="slurm", command=("/bin/drain", "--now"), timeout_seconds=7.0)
FAILS = Run(Outcome.FAILED, "ended with status 1: no such node")
WELL = Run(Outcome.SUCCEEDED)


def _record(number: int, action: str = "raised", flag: int = 15) -> AuditRecord:
    return AuditRecord(
        at=5.0,
        actor="gpuwatch",
        action=f"flag-{action}",
        subject=f"flag {flag}",
        reason="because",
        number=number,
    )


class Counted(Mapping[int, tuple[AuditRecord, ...]]):
    """Records that count how often somebody looks at those of a flag."""

    def __init__(self, records: Mapping[int, tuple[AuditRecord, ...]]) -> None:
        self.records = records
        self.looks = 0

    def __getitem__(self, flag: int) -> tuple[AuditRecord, ...]:
        self.looks += 1
        return self.records[flag]

    def __iter__(self) -> Iterator[int]:
        return iter(self.records)

    def __len__(self) -> int:
        return len(self.records)


class Scene:
    """A host whose flags' audit records, time and commands' outcomes a test decides."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.now = 1000.0
        self.records: Mapping[int, tuple[AuditRecord, ...]] = {}
        self.outcomes: Iterator[Run] = iter(())
        self.during: Callable[[], object] = lambda: None
        self.calls: list[tuple[tuple[str, ...], dict[str, object], float]] = []

    def watch(self, *hooks: Hook, latest: int = 0) -> HookWatch:
        """Hooks that are looked at by hand, without a thread."""
        watch = HookWatch(self.snapshot, self.path, lambda: self.now, self._run)
        watch.stop()
        watch._stopping = True
        watch.watch(hooks, latest)
        watch._stopping = False
        return watch

    def snapshot(self) -> Snapshot:
        """What the agent knows."""
        return replace(rich_snapshot(), flag_audit=self.records)

    def happens(self, *records: AuditRecord) -> None:
        """These are all the records there are."""
        flags = {int(one.subject.removeprefix("flag ")) for one in records}
        self.records = {
            flag: tuple(one for one in records if one.subject == f"flag {flag}") for flag in flags
        }

    def numbers(self) -> list[object]:
        """The numbers of the records for which a command was run, in order."""
        return [document["record"]["number"] for _, document, _ in self.calls]  # type: ignore[index]

    def _run(self, command: tuple[str, ...], body: bytes, seconds: float) -> Run:
        self.calls.append((command, json.loads(body), seconds))
        self.during()
        return next(self.outcomes, WELL)


def _again_and_again(watch: HookWatch) -> None:
    for _ in range(40):
        watch.watch((SLURM,), 0)


@pytest.fixture
def scene(tmp_path: Path) -> Scene:
    """A host to which nothing has happened yet."""
    return Scene(tmp_path / "hooks.json")


def test_a_command_gets_the_transition_the_flag_and_its_gpu(scene: Scene) -> None:
    """With its own arguments and its own deadline."""
    watch = scene.watch(SLURM)
    scene.happens(_record(1))

    watch.look()

    ((command, document, seconds),) = scene.calls
    assert (command, seconds) == (("/bin/drain", "--now"), 7.0)
    assert document["format"] == "gpuwatch-hook/1"
    assert document["transition"] == "raised"
    assert document["flag"]["number"] == 15  # type: ignore[index]
    assert document["gpu"]["index"] == 2  # type: ignore[index]
    assert document["other_flags"] == [14]


def test_transitions_are_run_once_and_in_their_order(scene: Scene) -> None:
    """Whatever flag they are of."""
    watch = scene.watch(SLURM)
    scene.happens(_record(4, flag=14), _record(2), _record(3, "late"))

    for _ in range(5):
        watch.look()

    assert scene.numbers() == [2, 3, 4]
    assert watch.states()[0].succeeded == 3
    assert watch.states()[0].waiting == 0


def test_only_what_a_hook_wants_is_run(scene: Scene) -> None:
    """Others count as done, so that widening `on` later does not dig them up."""
    watch = scene.watch(replace(SLURM, on=frozenset({"late"})))
    scene.happens(_record(1), _record(2, "late"))

    watch.look()
    watch.look()
    scene.happens(_record(1), _record(2, "late"), _record(3))
    watch.look()
    wider = scene.watch(SLURM, latest=3)
    wider.look()

    assert scene.numbers() == [2]


def test_a_new_hook_begins_with_what_happens_from_now_on(scene: Scene) -> None:
    """Nobody wants the drains of last year."""
    scene.happens(_record(1), _record(2))
    watch = scene.watch(SLURM, latest=2)

    watch.look()
    scene.happens(_record(1), _record(2), _record(3))
    watch.look()

    assert scene.numbers() == [3]


def test_a_restart_neither_forgets_nor_repeats(scene: Scene) -> None:
    """How far it came is in the file."""
    scene.happens(_record(1), _record(2))
    before = scene.watch(SLURM)
    before.look()

    after = scene.watch(SLURM, latest=2)
    after.look()
    after.look()

    assert scene.numbers() == [1, 2]


def test_a_history_that_was_lost_counts_anew(scene: Scene) -> None:
    """A position beyond all that history holds would keep the hook silent for years."""
    scene.path.write_text('{"slurm": 9000}', encoding="utf-8")
    watch = scene.watch(SLURM, latest=0)
    scene.happens(_record(1))

    watch.look()

    assert scene.numbers() == [1]


@pytest.mark.parametrize("text", ["", "[]", '{"slurm": "x"}', "{", '{"slurm": null}'])
def test_a_file_that_makes_no_sense_is_a_new_beginning(scene: Scene, text: str) -> None:
    """Somebody's editor, or a full disk."""
    scene.path.write_text(text, encoding="utf-8")
    scene.happens(_record(1))
    watch = scene.watch(SLURM, latest=1)

    watch.look()

    assert scene.calls == []


def test_what_fails_is_tried_again_after_growing_pauses(scene: Scene) -> None:
    """And the next transition waits its turn."""
    watch = scene.watch(SLURM)
    scene.happens(_record(1), _record(2))
    scene.outcomes = iter((FAILS, Run(Outcome.TIMED_OUT, "took longer than 7 s"), WELL))

    watch.look()
    scene.now += PAUSES[0] - 0.1
    watch.look()
    waited = scene.numbers()
    scene.now += 0.2
    watch.look()
    told = watch.states()[0]
    scene.now += PAUSES[1]
    watch.look()
    watch.look()

    assert waited == [1]
    assert scene.numbers() == [1, 1, 1, 2]
    assert (told.failed, told.timed_out, told.waiting) == (1, 1, 2)
    assert told.problem == "took longer than 7 s"
    assert watch.states()[0].problem == ""


def test_what_fails_at_every_attempt_is_given_up_and_counted(scene: Scene) -> None:
    """The next transition has its turn then."""
    watch = scene.watch(SLURM)
    scene.happens(_record(1), _record(2))
    scene.outcomes = iter([FAILS] * (len(PAUSES) + 1))

    for pause in (*PAUSES, 0.0):
        watch.look()
        scene.now += pause
    watch.look()

    told = watch.states()[0]
    assert scene.numbers() == [1] * 6 + [2]
    assert (told.given_up, told.failed, told.succeeded) == (1, 6, 1)


def test_one_hook_that_fails_holds_up_no_other(scene: Scene) -> None:
    """Each goes its own way."""
    watch = scene.watch(SLURM, replace(SLURM, name="ticket"))
    scene.happens(_record(1), _record(2))
    scene.outcomes = iter((FAILS,))

    watch.look()
    watch.look()

    assert [one.succeeded for one in watch.states()] == [0, 2]


def test_a_reload_keeps_what_a_hook_has_done(scene: Scene) -> None:
    """Its command may have changed; its place and its counts have not."""
    watch = scene.watch(SLURM)
    scene.happens(_record(1))
    watch.look()

    watch.stop()
    watch.watch((replace(SLURM, command=("/bin/other",)),), 1)
    watch._stopping = False
    scene.happens(_record(1), _record(2))
    watch.look()

    assert [command for command, _, _ in scene.calls] == [SLURM.command, ("/bin/other",)]
    assert watch.states()[0].succeeded == 2


def test_a_hook_whose_settings_are_mended_is_tried_at_once(scene: Scene) -> None:
    """Whoever mends it does not wait for the rest of an hour."""
    watch = scene.watch(SLURM)
    scene.happens(_record(1))
    scene.outcomes = iter((FAILS,))
    watch.look()

    watch.stop()
    watch.watch((SLURM,), 1)
    watch._stopping = False
    watch.look()
    unchanged = len(scene.calls)
    watch.stop()
    watch.watch((replace(SLURM, timeout_seconds=9.0),), 1)
    watch._stopping = False
    watch.look()

    assert unchanged == 1
    assert scene.numbers() == [1, 1]


def test_settings_that_are_read_again_meanwhile_take_no_position_away(scene: Scene) -> None:
    """Both threads write the file, and none into what the other writes."""
    watch = scene.watch(SLURM)
    watch._thread = current_thread()
    reading = Thread(target=_again_and_again, args=(watch,))

    with capture_logs() as told:
        reading.start()
        for number in range(1, 41):
            scene.happens(_record(number))
            watch.look()
        reading.join()

    assert told == []
    assert json.loads(scene.path.read_text(encoding="utf-8")) == {"slurm": 40}
    assert [path.name for path in scene.path.parent.iterdir()] == ["hooks.json"]


def test_a_disk_that_takes_nothing_stops_no_hook(scene: Scene) -> None:
    """It is told, and the worst is a run that is repeated after a restart."""
    scene.path = Path("/proc/gpuwatch-hooks.json")
    watch = scene.watch(SLURM)
    scene.happens(_record(1))

    watch.look()

    assert watch.states()[0].succeeded == 1


def test_without_hooks_nothing_is_kept(scene: Scene) -> None:
    """One that comes back later begins anew."""
    scene.watch(SLURM, latest=3)

    scene.watch()

    assert not scene.path.exists()


def test_a_hook_learns_nothing_that_is_ours_alone() -> None:
    """A credential's folder, the notify socket, what steers us."""
    ours = {
        "PATH": "/bin",
        "KUBECONFIG": "/k",
        "GPUWATCH_CONFIG": "/c",
        "NOTIFY_SOCKET": "/n",
        "WATCHDOG_USEC": "1",
        "CREDENTIALS_DIRECTORY": "/d",
        "INVOCATION_ID": "i",
        "JOURNAL_STREAM": "j",
        "LISTEN_FDS": "1",
    }

    assert environment_of(ours) == {"PATH": "/bin", "KUBECONFIG": "/k"}


def test_every_transition_has_a_word_in_the_settings() -> None:
    """What the agent writes into the audit log can be asked for."""
    sources = (Path(__file__).parents[3] / "src" / "gpuwatch" / "agent").glob("*.py")
    requests = {"flag-acknowledge", "flag-snooze", "flag-schedule", "flag-start", "flag-dismiss"}
    text = "".join(path.read_text(encoding="utf-8") for path in sources)
    written = {part.partition('"')[0] for part in text.split('"flag-')[1:]}
    words = {f"flag-{word}" for word in written if word} - requests

    assert {word.removeprefix("flag-") for word in words} <= {one.value for one in Transition}


def test_a_reload_while_a_command_runs_does_not_run_it_again(scene: Scene) -> None:
    """What the running one achieved counts for the hook under its new settings."""
    watch = scene.watch(SLURM)
    scene.happens(_record(1))
    watch._thread = current_thread()
    scene.during = lambda: watch.watch((replace(SLURM, timeout_seconds=9.0),), 1)

    watch.look()
    watch.look()

    assert scene.numbers() == [1]


def test_records_that_are_the_same_are_not_gone_through_again(scene: Scene) -> None:
    """Every two seconds all of years; a hook that is new looks at them all the same."""
    watch = scene.watch(replace(SLURM, on=frozenset({"late"})))
    scene.happens(_record(1))
    scene.records = records = Counted(scene.records)
    watch.look()
    looks = records.looks

    watch.look()

    again = records.looks
    watch.stop()
    watch.watch((SLURM,), 1)
    watch._stopping = False
    watch.look()
    assert looks > 0
    assert again == looks
    assert records.looks > again
