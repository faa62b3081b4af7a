"""Probe lines: what a child writes, cut into lines that cannot grow without bound."""

_LOG_LINE_BYTES = 2_000
_LOG_LINES_A_MINUTE = 60
_SECONDS_A_MINUTE = 60.0


class LineBuffer:
    """Whole lines out of chunks. Raises ValueError for a line longer than `limit` bytes."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._rest = b""

    def feed(self, chunk: bytes) -> list[bytes]:
        """The lines that `chunk` completes, without their ends."""
        *lines, self._rest = (self._rest + chunk).split(b"\n")
        longest = max(map(len, (*lines, self._rest)))
        if longest > self._limit:
            raise ValueError(f"a line of more than {self._limit} bytes")
        return lines


class LogLines:
    """A child's standard error: lines shortened, and at most 60 a minute; the rest is counted."""

    def __init__(self) -> None:
        self._rest = b""
        self._skipping = False
        self._minute_ends = 0.0
        self._said = 0
        self._dropped = 0

    def feed(self, chunk: bytes, now: float) -> list[str]:
        """The lines to log for `chunk` at monotonic second `now`."""
        *whole, self._rest = (self._rest + chunk).split(b"\n")
        if self._skipping and whole:
            del whole[0]  # the end of a line whose beginning was logged
            self._skipping = False
        if len(self._rest) > _LOG_LINE_BYTES:
            if not self._skipping:
                whole.append(self._rest)
            self._rest, self._skipping = b"", True
        elif self._skipping:
            self._rest = b""
        return self._budget([line for line in whole if line.strip()], now)

    def close(self) -> list[str]:
        """What is left to log when the child is gone: a last unended line, and the count."""
        lines = [_text(self._rest)] if self._rest.strip() and not self._skipping else []
        self._rest = b""
        return lines + self._take_dropped()

    def _budget(self, lines: list[bytes], now: float) -> list[str]:
        said: list[str] = []
        if lines and now >= self._minute_ends:
            said = self._take_dropped()
            self._minute_ends, self._said = now + _SECONDS_A_MINUTE, 0
        room = max(_LOG_LINES_A_MINUTE - self._said, 0)
        said += [_text(line) for line in lines[:room]]
        self._said += len(lines[:room])
        self._dropped += len(lines[room:])
        return said

    def _take_dropped(self) -> list[str]:
        dropped, self._dropped = self._dropped, 0
        return [f"{dropped} more lines were dropped"] if dropped else []


def _text(line: bytes) -> str:
    shown = line[:_LOG_LINE_BYTES].decode(errors="backslashreplace").rstrip()
    return shown + " ..." if len(line) > _LOG_LINE_BYTES else shown
