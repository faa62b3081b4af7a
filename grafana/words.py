"""Words: expressions and columns that several dashboards share."""

from grafana.model import Colour

BOARD_YEAR = 31_557_600  # seconds
FLAGGED = "instance_uuid:gpuwatch_gpu_flag_due_timestamp_seconds:described"
FOUND = "instance_uuid_code:gpuwatch_gpu_finding:described"
WINDOW_START = "gpuwatch_gpu_flag_window_start_timestamp_seconds"
LIVING = 'state=~"open|in_hands|verifying"'
BOARD = ("instance", "gpu", "slot", "serial", "name", "part_number", "uuid")
NOBODY = "No board is flagged."
NO_FINDING = "Nothing is found."
HOLDS = ((1.0, "yes", Colour.ACT),)


def counted(expr: str) -> str:
    """How many series there are: 0 only while agents answer and rules run, else nothing."""
    return f"count({expr}) or 0 * (gpuwatch:up:sum > 0)"


def summed(expr: str) -> str:
    """A sum that is 0 without series, only while agents answer and rules run."""
    return f"sum({expr}) or 0 * (gpuwatch:up:sum > 0)"


def milliseconds(expr: str) -> str:
    """An instant as Grafana's dates want it."""
    return f"1000 * ({expr})"
