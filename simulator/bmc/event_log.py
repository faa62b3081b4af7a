"""Event log: the SEL of a simulated BMC, its entries, its clock, and who else clears it."""

from simulator.bmc import records
from simulator.bmc.machine import BmcMachine
from simulator.bmc.sensors import Discrete


class LoggingBmc(BmcMachine):
    """A BMC with a SEL that things happen to."""

    def sel_add(
        self, name: str, offset: int, *, asserted: bool = True, data: tuple[int, ...] = (),
        seconds_ago: float = 0.0,
    ) -> None:  # fmt: skip
        """An entry of a sensor's event, now or some time ago by the BMC's clock.

        `offset` is the event's number (IPMI 2.0, chapter 42), `data` event data 2 and 3.
        """
        record = records.event(self.sensor(name), offset, asserted=asserted, data=data)
        self.sel_add_raw(record, seconds_ago=seconds_ago)

    def sel_add_raw(self, record: bytes, kind: int = 0x02, *, seconds_ago: float = 0.0) -> None:
        """An entry of any record type: thirteen bytes, the first four of them left to the clock."""
        ahead = self.clock_ahead
        entry = " ".join(f"0x{byte:02x}" for byte in record)
        lines = [f"sel_add 0x20 0x{kind:02x} {entry}"]
        if seconds_ago:
            lines = [
                f"bmc_clock 0x20 {ahead - int(seconds_ago)}", *lines, f"bmc_clock 0x20 {ahead}"
            ]  # fmt: skip
        self._console.do(lines)

    def sel_fill(self, number: int) -> None:
        """So many correctable memory errors more.

        Raises ConsoleError when it is full (1,000 entries); Get SEL Info then tells of an overflow.
        """
        record = records.event(self.sensor("ECC Memory"), 0, data=(0, 0x12))
        line = "sel_add 0x20 0x02 " + " ".join(f"0x{byte:02x}" for byte in record)
        self._console.do([line] * number)

    def sel_reassert(self) -> None:
        """Every state that holds is entered again, as many BMCs do when the power comes on."""
        for sensor in self.sensors():
            if isinstance(sensor, Discrete):
                holding = int(self.value(sensor.name))
                for offset in range(holding.bit_length()):
                    if holding >> offset & 1:
                        self.sel_add(sensor.name, offset)

    def sel_clear(self) -> None:
        """Clear the SEL, as another tool does."""
        self._console.do(["sel_clear 0x20"])
        self.sel_overflow(overflow=False)

    def sel_drop(self, number: int) -> None:
        """Lose the oldest entries, as a log that goes round does."""
        self._console.do([f"sel_drop 0x20 {number}"])

    def sel_overflow(self, *, overflow: bool = True) -> None:
        """Entries were lost because the SEL was full: what Get SEL Info says of it."""
        self._setting("overflow", f"sel_overflow 0x20 {overflow:d}")

    def sel_entries(self) -> list[bytes]:
        """Every entry, sixteen bytes each."""
        self._console.do(["report_sel 0x20"])
        entries = (self.directory / "sel").read_text().splitlines()
        return list(map(bytes.fromhex, entries))

    @property
    def clock_ahead(self) -> int:
        """How many seconds its clock is ahead of ours."""
        line = self._settings().get("clock", "bmc_clock 0x20 0")
        return int(line.split()[-1])

    def set_clock(self, *, ahead_seconds: int) -> None:
        """Set its clock so far ahead of ours; negative is behind."""
        self._setting("clock", f"bmc_clock 0x20 {ahead_seconds}")
