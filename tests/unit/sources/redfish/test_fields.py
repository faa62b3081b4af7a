"""What is taken out of a resource, whatever a service has put there."""

import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gpuwatch.sources.redfish.fields import (
    ROOT,
    flag,
    items,
    link,
    links,
    local,
    number,
    part,
    text,
    walk,
)

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=8,
)
ORIGIN = "https://bmc.example:8443"


@given(JSON)
def test_anything_may_stand_anywhere(value: object) -> None:
    """No value of JSON is more than an absence, and none is passed on as it came."""
    document = {"it": value}

    assert text(document, "it").isprintable()
    assert (number(document, "it") or 0.0) < math.inf
    assert flag(document, "it") in {True, False, None}
    assert list(items(document, "it", limit=3)) is not None
    assert link(document, "it") == ""
    assert links(document, "it", limit=3) == []
    assert part(document, "it") is not None
    assert walk(document, "it", "further", "on") is None or isinstance(value, dict)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (22.5, 22.5),
        ("22.5", 22.5),
        (0, 0.0),
        ("nan", None),
        ("inf", None),
        (math.nan, None),
        (10**400, None),
        ("", None),
        ("warm", None),
        (True, None),
        ([1], None),
    ],
)
def test_a_number_is_finite_or_none(value: object, expected: float | None) -> None:
    """Metric reports write numbers as texts, and what they do not know as "nan"."""
    assert number({"it": value}, "it") == expected


def test_a_text_is_printable_and_short() -> None:
    """What does not print is a blank, what is a number is written out."""
    document = json.loads('{"odd": "a\\u0000b\\ud800c\\n", "long": "xxxxx", "number": 7}')

    assert text(document, "odd") == "a b c"
    assert text(document, "long", length=3) == "xxx"
    assert text(document, "number") == "7"


@pytest.mark.parametrize(
    ("target", "expected"),
    [
        (f"{ROOT}Systems/1", "Systems/1"),
        (f"{ROOT}Systems/1/", "Systems/1"),
        (f"{ROOT}Chassis/1/Power#/PowerSupplies/0", "Chassis/1/Power"),
        (f"{ROOT}Logs/Entries?$skip=50", "Logs/Entries?$skip=50"),
        (f"{ROOT}Sensors/CPU%200", "Sensors/CPU%200"),
        (f"{ORIGIN}{ROOT}Systems/1", "Systems/1"),
        (f"https://other.example{ROOT}Systems/1", ""),
        (f"//other.example{ROOT}Systems/1", ""),
        (f"{ORIGIN}.evil.example{ROOT}Systems/1", ""),
        ("/redfish/v1", ""),
        ("/redfish/v2/Systems", ""),
        (f"{ROOT}../../admin", ""),
        (f"{ROOT}%2E%2e/admin", ""),
        (f"{ROOT}Systems%2f1", ""),
        (f"{ROOT}Systems%00", ""),
        (f"{ROOT}Systems%", ""),
        (f"{ROOT}Systems\\1", ""),
        (f"{ROOT}Systems\n1", ""),
        (f"{ROOT}Systems//1", ""),
        (f"{ROOT}Systems/\u00e9", ""),
        (f"{ROOT}{'x' * 2_000}", ""),
        (7, ""),
    ],
)
def test_a_reference_stays_within_the_service(target: object, expected: str) -> None:
    """Another host, another tree, or what could be read as either: none of them is asked."""
    assert local(target, ORIGIN) == expected
