"""Values: how durations, addresses and names are written in the configuration."""

import re
from datetime import datetime, timedelta
from typing import Annotated
from zoneinfo import ZoneInfo

from pydantic import BeforeValidator, PlainSerializer
from pydantic_core import PydanticCustomError

from gpuwatch.config.durations import WORDS, format_duration, parse_duration

HIDDEN = "gpuwatch_hidden"
_ADDRESS = re.compile(r"(?P<host>\[[0-9a-fA-F:.%]+\]|[^\[\]:\s]*):(?P<port>\d{1,5})", re.ASCII)
_BASE_URL = re.compile(r"https?://[^\s/?#@<>{}\"'\\]+(/[^\s?#@<>{}\"'\\]*)?", re.ASCII)
_LAST_PORT = 65_535
_FIRST_YEAR, _LAST_YEAR = 2000, 2199


def _duration(value: object) -> timedelta:
    """A duration from a source, or from a default that is one already."""
    if isinstance(value, timedelta):
        return value
    if isinstance(value, str):
        try:
            return parse_duration(value)
        except ValueError as error:
            raise refused(str(error)) from error
    if isinstance(value, int | float) and not isinstance(value, bool):
        raise refused(f'is a number without its unit (write "{value}s" if seconds are meant)')
    raise refused(f"is not a duration {WORDS}")


def _address(value: object) -> str:
    """`HOST:PORT`, `[IPv6]:PORT` or `:PORT` for every address of the host."""
    found = _ADDRESS.fullmatch(value) if isinstance(value, str) else None
    if found is None or int(found["port"]) > _LAST_PORT:
        raise refused(
            'is not an address to listen on (write "HOST:PORT", "[IPV6]:PORT" or ":PORT")'
        )
    return found[0]


def _path(value: object) -> str:
    if not isinstance(value, str) or (value and not value.startswith("/")):
        raise refused("is not an absolute path (the agent's working directory is not yours)")
    if "\0" in value:
        raise refused("holds a zero byte (write a path)")
    return value


def _base_url(value: object) -> str:
    """The beginning of addresses to which a name is appended; "" for none."""
    text = value.rstrip("/") if isinstance(value, str) else None
    if text == "" or (text is not None and _BASE_URL.fullmatch(text)):
        return text
    raise refused(
        'is not the beginning of an address (write "https://HOST/PATH"; no user, no "?" and no "#",'
        " because /CODE is appended)"
    )


def _wall_time(value: object) -> datetime:
    """A date and a time on the wall of some zone, as TOML writes it or as a text."""
    if isinstance(value, str):
        try:
            value = datetime.fromisoformat(value)
        except ValueError:
            value = None
    if not isinstance(value, datetime):
        raise refused('is not a date with a time (write "2026-03-15T02:00")')
    if value.tzinfo is not None:
        raise refused("has an offset (write the time on the wall, and say the zone in zone)")
    if not _FIRST_YEAR <= value.year <= _LAST_YEAR:
        raise refused(f"is not in the years {_FIRST_YEAR} to {_LAST_YEAR} (correct the date)")
    return value


def _zone(value: object) -> str:
    try:
        return ZoneInfo(value).key if isinstance(value, str) else ZoneInfo("").key
    except (ValueError, OSError, KeyError) as error:  # ZoneInfoNotFoundError is a KeyError
        raise refused(
            'is not a time zone that this host knows (write "UTC" or a name such as'
            ' "Europe/Berlin"; is tzdata installed?)'
        ) from error


def refused(text: str) -> PydanticCustomError:
    """An error that carries its own sentence: what is wrong, then the way out in parentheses."""
    return PydanticCustomError("gpuwatch", "{text}", {"text": text})


def hidden(text: str) -> PydanticCustomError:
    """The same for a value that must not be shown: people write secrets in its place."""
    return PydanticCustomError(HIDDEN, "{text}", {"text": text})


Duration = Annotated[timedelta, BeforeValidator(_duration), PlainSerializer(format_duration)]
Address = Annotated[str, BeforeValidator(_address)]
BaseUrl = Annotated[str, BeforeValidator(_base_url)]
AbsolutePath = Annotated[str, BeforeValidator(_path)]
WallTime = Annotated[datetime, BeforeValidator(_wall_time)]
Zone = Annotated[str, BeforeValidator(_zone)]
