"""Tests of the way of alerts end by themselves, or when somebody ends them."""

from gpuwatch.agent.alert_tests import AlertTests


def test_a_route_is_tested_for_its_time_and_no_longer() -> None:
    """Nobody has to remember it."""
    tests = AlertTests()

    tests.begin("page", 600.0)
    tests.begin("info", 0.0)

    assert tests.routes == ("page",)


def test_tests_end_together_when_they_are_ended() -> None:
    """What was tested is told, for the audit log."""
    tests = AlertTests()
    tests.begin("info", 600.0)
    tests.begin("page", 600.0)

    assert tests.end() == ("page", "info")
    assert tests.routes == ()
    assert tests.end() == ()
