"""How a collection is asked for together with its members."""

import pytest

from gpuwatch.sources.redfish.shelf import expansion


@pytest.mark.parametrize(
    ("offered", "query"),
    [
        ({"NoLinks": True, "Levels": True, "MaxLevels": 6}, "?$expand=.($levels=1)"),
        ({"NoLinks": True, "Levels": False}, "?$expand=."),
        ({"NoLinks": False, "ExpandAll": True, "Levels": True}, "?$expand=*($levels=1)"),
        ({"NoLinks": False, "ExpandAll": False, "Levels": True}, ""),
        ({"NoLinks": "yes"}, ""),
        ({}, ""),
        (7, ""),
    ],
)
def test_only_what_a_service_offers_is_asked_of_it(offered: object, query: str) -> None:
    """One level: what is below would bring the whole tree."""
    assert expansion({"ProtocolFeaturesSupported": {"ExpandQuery": offered}}) == query


def test_a_root_without_features_offers_nothing() -> None:
    """As services of before 2018 have."""
    assert expansion({}) == expansion({"ProtocolFeaturesSupported": 7}) == ""
