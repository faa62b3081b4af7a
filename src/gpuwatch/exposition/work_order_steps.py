"""Work order steps: what is done in which order, with the commands that this host needs."""

from gpuwatch.domain.acceptances import NEEDED_LOAD_SECONDS
from gpuwatch.domain.devices import Fru
from gpuwatch.domain.flags import Flag, FlagState
from gpuwatch.domain.records import BoardState
from gpuwatch.domain.snapshot import Snapshot
from gpuwatch.exposition.paper import NOT_TOLD, seat
from gpuwatch.exposition.work_order_boards import bearer, flagged, serial_of
from gpuwatch.exposition.work_order_shapes import StepShape

_LOAD_HOURS = NEEDED_LOAD_SECONDS / 3600
_ENDED = (
    "This flag has ended ({state}): nothing is to be done. What follows is how it would be done."
)
_SWAPPED = (
    "{Board} has been taken out, and {new} is on trial in its place: nothing is to be taken out for"
    " this flag. What follows is how it would be done."
)
_LEFT = (
    "{Board} has left this server, as far as gpuwatch knows: find out where it is before anything"
    " is taken out here."
)
_ABSENT = (
    "gpuwatch does not see {board} at present: the slot on this paper is where it saw it last. If"
    " the label there says another serial number, stop and call."
)
_DRAIN = (
    "Take {host} out of service: no new job may start on it, and the running ones must have"
    " ended. nvidia-smi then names no process."
)
_LIFT = {
    "": "Take {board} out and put the new one in",
    Fru.MODULE: "Take {board} out and put the new module in",
    Fru.BASEBOARD: "Take the baseboard out on which {board} sits, and put the new one in",
    Fru.TRAY: "Take the tray out in which {board} sits, and put the new one in",
    Fru.SERVER: "Take the server out in which {board} sits, and put the new one in",
}
_LIFT_OTHER = "Take the {fru} out with {board}, and put the new one in"


def _says(text: str, *commands: str) -> StepShape:
    return {"text": text, "commands": list(commands)}


_STEPS = (
    _says(
        "Stand before the right server: its name, rack unit, serial number and asset tag are"
        " those of this paper. If one differs, stop and call."
    ),
    _says("{drain}"),
    _says(
        "Collect the evidence for the board's vendor while its host still runs:",
        "gpuwatch evidence {number}",
    ),
    _says(
        "Tell gpuwatch, which then lets go of the driver and pages nobody:",
        'gpuwatch flags start {number} --reason "work order"',
        'gpuwatch maintenance begin host --for 4h --release --reason "flag {number}"',
    ),
    _says(
        "Switch the host off, wait until its fans stand still, and take both power cords out"
        " as the server's service manual says. Light the identify lamp before, if that helps.",
        "systemctl poweroff",
    ),
    _says(
        "{lift}, as the service manual says. Compare the serial number on the label with this"
        " paper before it leaves its slot. Touch nothing else."
    ),
    _says("Switch the host on; put the identify lamp out."),
    _says(
        "See that the new board is there and on trial, and end the maintenance where the list"
        " still has it:",
        "gpuwatch flags show {number}",
        "gpuwatch maintenance list",
        "gpuwatch maintenance end IDENTITY",
    ),
    _says(
        "Run NVIDIA's field diagnostic on the new board if you have it, and attach its output:",
        "gpuwatch boards accept NEW-SERIAL --diagnostic FILE --result passed",
    ),
    _says(
        "Put {host} back into service. gpuwatch closes flag {number} by itself once the new board"
        " has worked for {hours:.0f} hours under load without an error."
    ),
)


def work_steps(snapshot: Snapshot, flag: Flag, *, remembered: bool = False) -> list[StepShape]:
    """The steps in order. gpuwatch takes none of them: it only watches how they are taken.

    `remembered` when no agent runs, so that nobody knows which boards answer.
    """
    host = snapshot.hostname
    lift = _LIFT.get(flag.fru, _LIFT_OTHER).format(board=_board(snapshot, flag), fru=flag.fru)
    facts = {
        "host": host,
        "number": flag.number,
        "drain": snapshot.directions.drain or _DRAIN.format(host=host),
        "lift": lift,
        "hours": _LOAD_HOURS,
    }
    steps = [
        _says(step["text"].format(**facts), *(one.format(**facts) for one in step["commands"]))
        for step in _STEPS
    ]
    first = _standing(snapshot, flag, remembered=remembered)
    return [_says(first), *steps] if first else steps


def _standing(snapshot: Snapshot, flag: Flag, *, remembered: bool) -> str:
    """Why the steps are not to be taken as they stand here; "" where they are."""
    gpu = bearer(snapshot, flag)
    board = _named(serial_of(gpu, flag))
    told = {"board": board, "Board": board[0].upper() + board[1:]}
    if not flag.is_open:
        return _ENDED.format(state=flag.outcome.replace("_", " ") or flag.state.value)
    if flag.state is FlagState.VERIFYING:
        new = "another board" if flag.successor is None else _named(flag.successor.serial)
        return _SWAPPED.format(new=new, **told)
    if gpu is None or gpu.present:
        return ""
    if gpu.record.state is BoardState.LEFT:
        return _LEFT.format(**told)
    return "" if remembered else _ABSENT.format(**told)


def _named(serial: str) -> str:
    return f"board {serial}" if serial else "the board without a serial"


def _board(snapshot: Snapshot, flag: Flag) -> str:
    """The board and where it sits, never by its index: GPU 2 may be module 3."""
    told = flagged(snapshot, flag)
    board, place = _named(told["serial"]), seat(told)
    return board if place == NOT_TOLD else f"{board} ({place})"
