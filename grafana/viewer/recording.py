"""Recording: scrapes of several agents, as series of samples."""

import re
from array import array
from dataclasses import dataclass, field

_SAMPLE = re.compile(r"([a-zA-Z_:][\w:]*)(?:\{(.*)\})? (\S+)")
# What is of no use on a dashboard.
_LEFT_OUT = re.compile(r"^(python_|process_)|_(bucket|created)$")

Samples = tuple["array[float]", "array[float]"]  # times and values
Series = dict[tuple[str, str], Samples]


@dataclass(slots=True)
class Recording:
    """Samples by metric and labels, as times in Unix seconds and values; `end` is "now"."""

    end: float
    series: Series = field(default_factory=dict)

    def add(self, at: float, instance: str, text: str | None) -> None:
        """One scrape; None is one that failed. `up` is written as Prometheus would."""
        self._add("up", f'job="gpuwatch",instance="{instance}"', at, float(text is not None))
        for line in (text or "").splitlines():
            found = None if line.startswith("#") else _SAMPLE.fullmatch(line)
            if found and not _LEFT_OUT.search(found[1]):
                more = f",{found[2]}" if found[2] else ""
                labels = f'job="gpuwatch",instance="{instance}"{more}'
                self._add(found[1], labels, at, float(found[3]))

    def _add(self, name: str, labels: str, at: float, value: float) -> None:
        times, values = self.series.setdefault((name, labels), (array("d"), array("d")))
        times.append(at)
        values.append(value)
