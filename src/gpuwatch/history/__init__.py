"""History: what gpuwatch remembers about every board, in SQLite."""

from gpuwatch.history.backups import Backup, BackupError, Mark
from gpuwatch.history.health import Degraded, HistoryError, SecondWriterError, remedy_of
from gpuwatch.history.history import History
from gpuwatch.history.reader import Reader
from gpuwatch.history.settings import Change, HistorySettings

__all__ = [
    "Backup",
    "BackupError",
    "Change",
    "Degraded",
    "History",
    "HistoryError",
    "HistorySettings",
    "Mark",
    "Reader",
    "SecondWriterError",
    "remedy_of",
]
