"""Albums: what history tells of one board's last days, for whoever draws it."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from gpuwatch.domain.records import Spread, Transition


@dataclass(frozen=True, slots=True, kw_only=True)
class Album:
    """The last days of one board; instants are Unix seconds, everything is in time order.

    `levels` are five-minute buckets by `Signal.key`, each with the instant of its first reading.
    `transitions` are values that signals kept by their changes took, also long before. `resets` are
    the evidenced ones of the board and of its host, `epochs` when each driver was met, with its
    version.
    """

    levels: Mapping[str, tuple[tuple[float, Spread], ...]] = field(default_factory=dict)
    transitions: tuple[Transition, ...] = ()
    resets: tuple[float, ...] = ()
    epochs: tuple[tuple[float, str], ...] = ()
