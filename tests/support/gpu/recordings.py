"""Recordings: what a real GPU answered, kept as JSON without its identity, and read back.

A recording that is committed in tests/fixtures/gpu is replayed by an ordinary unit test.
"""

import json
import platform
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

from gpuwatch.domain.devices import Device
from gpuwatch.domain.moments import Moment
from gpuwatch.domain.readings import Gap, GapReason, Sweep, Value
from gpuwatch.domain.signals import Cadence
from gpuwatch.sources.nvml_messages import device_of
from gpuwatch.sources.nvml_signals import TABLE
from tests.support.gpu.survey import Answer, Survey

FORMAT = 1
FIXTURES = Path(__file__).parent.parent.parent / "fixtures" / "gpu"
_ANONYMOUS_CHASSIS = "SCRUBBED"
_SHORT = 8
_IDENTITY = ("uuid", "serial", "chassis_serial")


def recorded(seen: Survey, sections: Mapping[str, Any], *, identity: bool) -> dict[str, Any]:
    """A survey and further findings as a document; without serials and UUIDs unless asked."""
    document = {
        "format": FORMAT,
        "made_by_hand": False,
        "made_on": datetime.now(UTC).date().isoformat(),
        "kernel": platform.release(),
        "binding": version("nvidia-ml-py"),
        **{name: seen.hello.get(name) for name in ("driver", "nvml", "cuda", "table")},
        "gpus": [{"device": gpu.device, "answers": gpu.answers} for gpu in seen.gpus],
        "sections": dict(sections),
    }
    return document if identity else scrubbed(document, seen)


def scrubbed(document: dict[str, Any], seen: Survey) -> dict[str, Any]:
    """The document with every serial and UUID replaced, wherever it stands."""
    text = json.dumps(document)
    for told, stand_in in _stand_ins(seen).items():
        # A short one stands in other texts too, so only where it is all that a text says.
        old, new = json.dumps(told), json.dumps(stand_in)
        whole = len(told) < _SHORT
        text = text.replace(old, new) if whole else text.replace(old[1:-1], stand_in)
    clean: dict[str, Any] = json.loads(text)
    return clean


def _stand_ins(seen: Survey) -> dict[str, str]:
    found: dict[str, str] = {}
    for number, gpu in enumerate(seen.gpus, start=1):
        stand_ins = (f"GPU-{number:08d}-0000-0000-0000-000000000000", f"{number:013d}")
        for name, stand_in in zip(_IDENTITY, (*stand_ins, _ANONYMOUS_CHASSIS), strict=True):
            if told := str(gpu.device.get(name) or ""):
                found[told] = stand_in
    return found


@dataclass(frozen=True, slots=True)
class Recording:
    """A recording read back. `unknown` are rows that the table no longer has."""

    document: dict[str, Any]

    @classmethod
    def load(cls, path: Path) -> "Recording":
        """Raises ValueError for another format."""
        document: dict[str, Any] = json.loads(path.read_text())
        if document.get("format") != FORMAT:
            raise ValueError(f"{path}: format {document.get('format')}, not {FORMAT}: record anew")
        return cls(document)

    @property
    def made_by_hand(self) -> bool:
        """Whether no GPU ever said this."""
        return bool(self.document["made_by_hand"])

    @property
    def unknown(self) -> frozenset[str]:
        """Keys of rows that are not in today's table."""
        keys = {key for gpu in self.document["gpus"] for key in gpu["answers"]}
        return frozenset(keys - {row.key for row in TABLE})

    def devices(self) -> tuple[Device, ...]:
        """The GPUs as an inventory tells them."""
        return tuple(device_of(gpu["device"]) for gpu in self.document["gpus"])

    def sweeps(self, at: Moment) -> Iterator[Sweep]:
        """Each GPU's answers as one sweep of all cadences; rows it never had are not in it."""
        for device, gpu in zip(self.devices(), self.document["gpus"], strict=True):
            signals = tuple(row for row in TABLE if row.key in gpu["answers"])
            yield Sweep(
                board=device.board.key,
                at=at,
                cadences=frozenset(Cadence),
                signals=signals,
                values=tuple(_value(gpu["answers"][row.key]) for row in signals),
            )


def fixtures() -> tuple[Path, ...]:
    """Every recording that is committed."""
    return tuple(sorted(FIXTURES.glob("*.json")))


def _value(answer: Answer) -> Value | Gap:
    if isinstance(answer, list):
        reason, code = answer
        return Gap(GapReason(reason), code)
    return answer
