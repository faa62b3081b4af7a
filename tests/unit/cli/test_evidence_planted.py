"""Names planted where other hosts, tools, settings and kernels write them: none stays anywhere."""

import json
import re
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from gpuwatch.cli.bundle.contents import Attached, contents
from gpuwatch.cli.bundle.redacted import Redacted
from gpuwatch.cli.bundle.telltale import BY_KEY, OURS, VERSIONS
from gpuwatch.exposition.evidence_documents import evidence
from gpuwatch.exposition.evidence_shapes import EvidenceShape
from gpuwatch.policy.describe import told_of
from gpuwatch.sources.nvml_signals import TABLE
from tests.support.dossiers import a_dossier
from tests.support.snapshots import rich_snapshot

OWN_SERIAL = "1654223010009"
# Instants are looked into, names of formats and signals are ours: nobody writes secrets there.
_AS_THEY_ARE = {
    *OURS,
    *VERSIONS,
    *BY_KEY,
    "columns",
    "source",
    "address",
    "diagnostic_output",
    "raw",
}
_INSTANT = re.compile(r"\d{4}-\d\d-\d\dT.*Z")


def _told() -> EvidenceShape:
    held = a_dossier(rich_snapshot(), 15)
    return evidence(rich_snapshot(), held, {row.key: row for row in TABLE}, told_of(held.flag.code))


def _joined(told: EvidenceShape) -> str:
    """All that would be written of it, with the names of the files."""
    files = contents(told, Attached(redacted=True))
    return b"\n".join(name.encode() + b"\n" + content for name, content in files.items()).decode()


def _in_capture(told: Any, names: tuple[str, ...]) -> Any:  # noqa: ANN401 - JSON
    """With what other hosts, tools and settings bring into the document of a capture."""
    address, wiki, bmc, host, actor, flagged, uuid, serial = names
    told["captures"][0]["document"] |= {
        "bmcs": [{"name": "main", "address": f"{address}:623", "remedy": f"ping {address}"}],
        "host": {
            "sources": [{"name": "nvml"}, {"name": f"bmc.{bmc}"}],
            "findings": [
                {
                    "runbook": f"https://{wiki}.example/version-drift",
                    "remedy": "inspect",
                    "sentence": f"a flag of host {flagged}: ab-cd of 2026-03-02, open",
                }
            ],
            "maintenance": [{"actor": f"slurm prolog, {actor}"}],
        },
        "events": [{"bmc": host}],
    }
    told["captures"][0]["document"]["kernel_lines"] += [
        {"text": f"NVRM: GPU at PCI:0000:9b:00: {uuid}"},
        {"text": f"NVRM: GPU Board Serial Number: {serial}"},
    ]
    return told


def test_words_around_the_names_of_a_capture_stay() -> None:
    """How to reach a BMC is a sentence, and the remedy of a finding is a word of ours."""
    uuid = "GPU-deadbeef-0000-1111-2222-333344445555"
    names = ("qbmc", "qwiki", "n-18", "n-19", "ada.b", "hopper", uuid, "1777000111222")
    told = _in_capture(_told(), names)

    redacted: Any = Redacted(told).evidence(told)

    document = redacted["captures"][0]["document"]
    (finding,) = document["host"]["findings"]
    assert re.fullmatch(r"ping host-\d", document["bmcs"][0]["remedy"])
    assert re.fullmatch(r"https://host-\d/version-drift", finding["runbook"])
    assert re.fullmatch(r"a flag of host host-\d: ab-cd of 2026-03-02, open", finding["sentence"])
    assert finding["remedy"] == "inspect"
    assert document["host"]["sources"][0] == {"name": "nvml"}
    assert re.fullmatch(r"bmc\.host-\d", document["host"]["sources"][1]["name"])
    assert re.fullmatch(
        r"NVRM: GPU at PCI:0000:9b:00: uuid-\d", document["kernel_lines"][-2]["text"]
    )


def test_a_host_that_is_called_like_a_word_of_ours_is_replaced() -> None:
    """Its name stands for no other host either."""
    told: Any = json.loads(json.dumps(_told()).replace("gpu-node-17", "host-12"))
    told["captures"][0]["document"]["bmcs"] = [{"name": "host-1", "address": "host-2:623"}]

    redacted = Redacted(told).evidence(told)

    whole = _joined(redacted)
    assert [one for one in ("host-12", '"host-1"', "host-2:") if one in whole] == []
    assert redacted["place"]["host"] == "host-3"


_LETTERS = "abcdefghijklmnopqrstuvwxyz"
_NAMES = st.text(_LETTERS + "0123456789_-", min_size=6, max_size=14).map(lambda one: f"q{one}z")
_NUMBERS = st.integers(min_value=4_180_000, max_value=4_194_303)  # none is part of another number
# An address that begins with 127 is everybody's own, and stays.
_BYTES = st.integers(min_value=16, max_value=250).filter(lambda byte: byte != 127)


_HEX = st.text("0123456789abcdef", min_size=4, max_size=4)


@st.composite
def _of_captures(draw: st.DrawFn) -> tuple[str, ...]:
    """An address, a wiki, a BMC, hosts, a person, a UUID and a serial number, as captures tell."""
    address, wiki, bmc, actor = (draw(_NAMES) for _ in range(4))
    flagged = "q" + draw(st.text(_LETTERS, min_size=6, max_size=9)) + "z"
    number, serial = draw(st.integers(100, 999)), f"1777{draw(_NUMBERS)}"
    uuid = f"GPU-{draw(_HEX)}beef-{draw(_HEX)}-1111-2222-3333{draw(_HEX)}aaaa"
    return address, wiki, f"{bmc}-18", f"host-{number}", f"{actor}.x", flagged, uuid, serial


@st.composite
def _planted(draw: st.DrawFn) -> tuple[str, tuple[str, ...]]:
    """A text as kernels, BMCs and people write it, and what must not stay of it."""
    host, user, process, site = (draw(_NAMES) for _ in range(4))
    pid, address = draw(_NUMBERS), ".".join(str(draw(_BYTES)) for _ in range(4))
    mac = ":".join(f"{draw(_BYTES):02x}" for _ in range(6))
    text = (
        f" {host} {host}.{site}.example [{address}] {mac} 2001:db8::{draw(_BYTES):x}:7f by uid 1000"
        f" ({user}), /home/{user}/x in {site}; pid={pid}, name={process}, Ch 1; {process}[{pid}]: y"
    )
    return text, (host, user, process, site, str(pid), address, mac, "2001:db8::")


@settings(max_examples=15, deadline=None)
@given(_planted(), _of_captures())
def test_nothing_that_was_planted_anywhere_stays(
    planted: tuple[str, tuple[str, ...]], names: tuple[str, ...]
) -> None:
    """In every text of the document that anybody but gpuwatch writes, in all files, their names."""
    text, secrets = planted
    told: Any = _in_capture(_with(text, "", _told()), names)
    told["place"]["host"], told["place"]["site"] = secrets[0], secrets[3]

    whole = _joined(Redacted(told, (text,)).evidence(told)).lower()

    assert [secret for secret in (*secrets, *names) if secret.lower() in whole] == []
    assert OWN_SERIAL in whole


def _with(text: str, key: str, value: Any) -> Any:  # noqa: ANN401 - JSON
    """The same with `text` at the end of every text, but for what is ours."""
    if isinstance(value, str):
        ours = key in _AS_THEY_ARE or key == "tables" or _INSTANT.fullmatch(value)
        return value if ours else value + text
    if isinstance(value, dict):
        if "columns" in value:
            return value | {"rows": [_row(text, value["columns"], row) for row in value["rows"]]}
        return {one: _with(text, one, each) for one, each in value.items()}
    if isinstance(value, list):
        return [_with(text, key, each) for each in value]
    return value


def _row(text: str, columns: list[str], row: list[Any]) -> list[Any]:
    return [_with(text, column, cell) for column, cell in zip(columns, row, strict=True)]
