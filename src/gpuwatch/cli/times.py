"""Times: instants as people write them in an option."""

from datetime import UTC, datetime

from gpuwatch.control.requests import ControlError, ErrorKind


def instant_of(text: str, option: str) -> float:
    """The Unix seconds of an ISO time; without a zone it is this host's local time.

    Raises ControlError, naming the option, for anything else.
    """
    try:
        return datetime.fromisoformat(text).astimezone().timestamp()
    except (ValueError, OverflowError) as error:
        what = f'{option} "{text}" is not a time'
        raise ControlError(ErrorKind.USAGE, what, 'write "2026-03-15T04:00Z"') from error


def instant_to_come(text: str, option: str) -> float:
    """The same, of an instant after now."""
    instant = instant_of(text, option)
    if instant <= datetime.now(UTC).timestamp():
        what = f"{option} {datetime.fromtimestamp(instant, UTC):%Y-%m-%d %H:%M} UTC is over"
        raise ControlError(ErrorKind.USAGE, what, "name a time to come")
    return instant
