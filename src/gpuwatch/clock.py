"""The system's clocks: wall time that may step, boot time that never does, and NTP's word."""

import ctypes
import time
from pathlib import Path

from gpuwatch import timekeepers
from gpuwatch.domain.moments import Moment

_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")
_TIMEX_BYTES = 208  # sizeof(struct timex) on 64-bit Linux; 128 on 32-bit, never more
_TIME_ERROR = 5  # adjtimex(2): the clock is not synchronised


class SystemClock:
    """The real clocks of this host."""

    def __init__(self, boot_id_file: Path = _BOOT_ID) -> None:
        self._boot_id = boot_id_file.read_text().strip()

    def now(self) -> Moment:
        """The present instant."""
        return Moment(
            wall=time.time(),
            boottime=time.clock_gettime(time.CLOCK_BOOTTIME),
            boot_id=self._boot_id,
        )

    def synchronized(self) -> bool | None:
        """Whether the kernel holds the clock for synchronised (adjtimex(2)).

        Where it may not be asked, whether the service that keeps the clock does; None where neither
        says.
        """
        libc = ctypes.CDLL(None, use_errno=True)
        state = libc.adjtimex(ctypes.create_string_buffer(_TIMEX_BYTES))
        return timekeepers.synchronized() if state < 0 else bool(state != _TIME_ERROR)
