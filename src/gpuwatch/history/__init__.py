"""History: what gpuwatch remembers about every board, in SQLite."""

from gpuwatch.history.health import Degraded, HistoryError, SecondWriterError, remedy_of
from gpuwatch.history.history import History
from gpuwatch.history.reader import Reader
from gpuwatch.history.settings import Change, HistorySettings

__all__ = [
    "Change",
    "Degraded",
    "History",
    "HistoryError",
    "HistorySettings",
    "Reader",
    "SecondWriterError",
    "remedy_of",
]
