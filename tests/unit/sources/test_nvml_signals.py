"""The NVML table keeps the metric contract and names only what the binding and drivers have."""

import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pynvml
import pytest

from gpuwatch.domain.signals import (
    Cadence,
    Call,
    Field,
    Keep,
    Kind,
    Moved,
    PerFan,
    PerLink,
    Query,
    Role,
    SramBanks,
)
from gpuwatch.sources.nvml_signals import (
    CANARY,
    CORRUPTED_INFOROM,
    TABLE,
    rows,
    table_hash,
)

_IDS = Path(__file__).parents[2] / "fixtures" / "nvml_field_ids.json"
_SERIES_PER_GPU = 120
_KEPT_SERIES = 10
_FIRST_MOVED_ID = 251  # ids from here on meant different things in 570, 575 and 580.82


def _calls(query: Query) -> Iterator[Call]:
    match query:
        case Call():
            yield query
        case PerLink(query=Call() as call) | PerFan(query=call):
            yield call
        case SramBanks(function=function):
            yield Call(function)


def _fields(query: Query) -> Iterator[Field]:
    match query:
        case Field():
            yield query
        case Moved(fields=fields):
            yield from fields
        case PerLink(query=Field() as field):
            yield field


CALLS = sorted({call for row in TABLE for call in _calls(row.query)}, key=repr)
FIELDS = sorted({CANARY} | {field for row in TABLE for field in _fields(row.query)}, key=repr)
RELEASES = json.loads(_IDS.read_text())


def _driver(release: str) -> tuple[int, ...]:
    """The driver that a release of the binding was made for: 13.580.82 is 580.82."""
    return tuple(int(part) for part in release.split(".")[1:])


def _known_id(name: str, release: str) -> int | None:
    """The number of a field's constant in that release, None before it had the constant."""
    order = RELEASES["releases"]
    found = None
    for since, number in RELEASES["ids"][name]:
        if order.index(since) <= order.index(release):
            found = number
    return found


def _asked_id(field: Field) -> int:
    return getattr(pynvml, field.name) if field.number is None else field.number


@pytest.mark.parametrize("call", CALLS, ids=lambda call: call.function)
def test_the_binding_has_every_call(call: Call) -> None:
    """A function, constant or structure that the binding lacks could never be read."""
    named = [argument for argument in call.arguments if isinstance(argument, str)]

    missing = [
        name
        for name in [call.function, *named, *filter(None, [call.struct])]
        if not hasattr(pynvml, name)
    ]

    assert missing == []


@pytest.mark.parametrize("field", FIELDS, ids=lambda field: field.name)
def test_the_binding_has_every_field(field: Field) -> None:
    """A field's constant exists, under the number that the table states if it states one."""
    newest = field.last_driver is None

    number = getattr(pynvml, field.name, None)

    assert number is not None
    assert field.number in {None, number} or not newest


@pytest.mark.parametrize("structure", sorted({call.struct for call in CALLS if call.struct}))
def test_every_pick_is_a_member_of_its_structure(structure: str) -> None:
    """A pick that a structure lacks would be a gap for ever."""
    readers = [
        row for row in TABLE if isinstance(row.query, Call) and row.query.struct == structure
    ]
    picks = {row.pick for row in readers} | {row.given[0] for row in readers if row.given}

    members = {member[0] for member in getattr(pynvml, structure)._fields_}

    assert picks
    assert picks <= members


@pytest.mark.parametrize("release", RELEASES["releases"])
def test_no_driver_is_asked_an_id_that_means_something_else_there(release: str) -> None:
    """Field ids moved: 251 to 273 changed twice between 570 and 580.82, 199 and 200 in 560."""
    driver = _driver(release)
    asked = [field for field in FIELDS if field.admits(driver)]

    wrong = {
        field.name: (_asked_id(field), known)
        for field in asked
        if (known := _known_id(field.name, release)) not in {None, _asked_id(field)}
    }

    assert wrong == {}


@pytest.mark.parametrize("release", RELEASES["releases"])
def test_a_moved_field_is_asked_exactly_where_a_driver_has_it(release: str) -> None:
    """One of the ids of a moved field fits a driver that has the field, none fits another."""
    driver = _driver(release)
    moved = {row.query for row in TABLE if isinstance(row.query, Moved)}

    asked = {query: [_asked_id(f) for f in query.fields if f.admits(driver)] for query in moved}

    assert asked == {
        query: [known] if (known := _known_id(query.fields[0].name, release)) else []
        for query in moved
    }


def test_an_id_of_the_moving_range_always_has_its_limits_and_number() -> None:
    """Without them the binding's release would decide what an older driver is asked."""
    unsure = [
        field.name
        for field in FIELDS
        if _asked_id(field) >= _FIRST_MOVED_ID
        and (field.first_driver is None or field.number is None)
    ]

    assert unsure == []


def test_an_unknown_driver_is_asked_no_moving_id() -> None:
    """A driver whose version cannot be read is not guessed at."""
    limited = [field for field in FIELDS if field.first_driver]

    assert limited
    assert [field for field in limited if field.admits(())] == []


def test_no_two_rows_have_one_key() -> None:
    """Two rows of one key would overwrite each other's values."""
    keys = Counter(row.key for row in TABLE)

    assert [key for key, count in keys.items() if count > 1] == []


def test_rows_of_one_metric_agree() -> None:
    """Rows that share a metric share its kind, unit, help, cadence and label names."""
    families: dict[str, set[object]] = {}
    for row in TABLE:
        told = (row.kind, row.unit, row.help, row.every, tuple(name for name, _ in row.labels))
        families.setdefault(row.name, set()).add(told)

    assert [name for name, told in families.items() if len(told) > 1] == []


def test_a_metric_with_parts_has_no_total_beside_them() -> None:
    """A row without labels in a metric with labels would be counted twice in a sum."""
    plain = {row.name for row in TABLE if not row.labels}
    parted = {row.name for row in TABLE if row.labels}

    assert plain & parted == set()


def test_help_is_one_sentence_with_a_capital() -> None:
    """Help is what people read in Prometheus."""
    odd = [row.key for row in TABLE if not (row.help[0].isupper() or row.help[0].isdigit())]

    assert odd == []


def test_at_most_ten_signals_are_kept_as_series() -> None:
    """The database's growth is budgeted for ten series a board."""
    kept = [row.key for row in TABLE if row.keep is Keep.SERIES]

    assert 0 < len(kept) <= _KEPT_SERIES


def test_a_gpu_publishes_at_most_120_series() -> None:
    """Small-memory errors end with Volta and NVLink 5 errors begin with Blackwell: never both."""
    published = [row.key for row in TABLE if row.kind is not Kind.TEXT]
    older = {row.key for row in TABLE if "_cache_errors_total" in row.name}

    assert len(set(published) - older) <= _SERIES_PER_GPU


def test_history_finds_its_signals() -> None:
    """The roles that incidents, exposure and rules rest on are each played by the pinned rows."""
    roles: dict[Role, list[str]] = {}
    for row in TABLE:
        roles.setdefault(row.role, []).append(row.key)
    del roles[Role.PLAIN]

    ecc = "gpuwatch_gpu_ecc_uncorrected"
    assert roles == {
        Role.ECC_VOLATILE: [
            f"{ecc}_volatile_errors_total",
            f'{ecc}_volatile_memory_errors_total{{memory="dram"}}',
            f'{ecc}_volatile_memory_errors_total{{memory="sram"}}',
        ],
        Role.ECC_AGGREGATE: [
            f"{ecc}_aggregate_errors_total",
            f'{ecc}_aggregate_memory_errors_total{{memory="dram"}}',
            f'{ecc}_aggregate_memory_errors_total{{memory="sram"}}',
        ],
        Role.ROWS_REMAPPED: ["gpuwatch_gpu_rows_remapped_uncorrectable_total"],
        Role.REMAP_PENDING: ["gpuwatch_gpu_row_remap_pending"],
        Role.RECOVERY_ACTION: ["gpuwatch_gpu_recovery_action"],
        Role.PAGES_RETIRED: ["gpuwatch_gpu_pages_retired_double_bit_total"],
        Role.CAPABILITY: [
            "gpuwatch_gpu_nvlink_active_links",
            "gpuwatch_gpu_pcie_link_generation",
            "gpuwatch_gpu_pcie_link_lanes",
        ],
    }


def test_corrected_errors_are_not_kept_by_their_changes() -> None:
    """A board may correct millions of errors a day; each change would be a row of history."""
    kept = [row.key for row in TABLE if "_corrected_" in row.name and row.keep is not Keep.NEVER]

    assert kept == []


def test_the_rows_of_a_sweep_follow_the_table() -> None:
    """Values travel without names: their order is the table's, whatever the cadences' order."""
    both = rows((Cadence.RARE, Cadence.FAST))

    assert both == tuple(row for row in TABLE if row.every in {Cadence.FAST, Cadence.RARE})


def test_numbers_copied_from_nvml_are_the_binding_s() -> None:
    """The table is used without the binding, so it states some of its numbers itself."""
    assert CORRUPTED_INFOROM == pynvml.NVML_ERROR_CORRUPTED_INFOROM


def test_the_hash_tells_tables_apart() -> None:
    """Agent and child compare it: eight hexadecimal digits, the same in every process."""
    assert len(table_hash()) == 8
    assert table_hash() == table_hash()
