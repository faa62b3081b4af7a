"""Requests keep to their form, or say which part does not."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gpuwatch.control.forms import Access
from gpuwatch.control.requests import FORMS, ControlError, ErrorKind, parse


def _line(**message: object) -> bytes:
    return json.dumps(message).encode()


def test_a_request_with_all_its_fields_is_parsed() -> None:
    """Fields arrive by their kind; surrounding blanks are not part of a text."""
    request = parse(
        _line(
            do="maintenance-begin",
            scope="board",
            board=" 1652 ",
            until=1_900_000_000,
            reason="swap",
            release=True,
            claims={"SUDO_USER": "alice", "uid": "0"},
        )
    )

    assert request.do == "maintenance-begin"
    assert request.text("board") == "1652"
    assert request.number("until") == 1_900_000_000.0
    assert request.flag("release") is True
    assert request.text("ticket") == ""
    assert request.claims == {"SUDO_USER": "alice"}


@pytest.mark.parametrize(
    ("line", "what"),
    [
        (b"", "not a JSON object: Expecting value: line 1 column 1 (char 0)"),
        (b"[1]", "not a JSON object"),
        (b"\xff\xfe", "not a JSON object"),
        (_line(do="reboot"), '"reboot" is no request; there are: status, gpu'),
        (_line(gpu="3"), "null is no request"),
        (_line(do="gpu"), "gpu needs the field gpu"),
        (_line(do="gpu", gpu=3), "gpu: gpu = 3 is no text of 1 to 1000 printable characters"),
        (_line(do="gpu", gpu=" "), 'gpu: gpu = " " is no text of 1'),
        (_line(do="gpu", gpu="a\nb"), 'gpu: gpu = "a\\nb" is no text'),
        (_line(do="gpu", gpu="x" * 1_001), 'gpu: gpu = "xxxx'),
        (_line(do="status", colour=1), 'status has no field "colour"'),
        (_line(do="release", seconds=0), "release: seconds = 0 is no number from 1 to 86400"),
        (_line(do="release", seconds=True), "release: seconds = true is no number"),
        (b'{"do": "release", "seconds": NaN}', "release: seconds = NaN is no number"),
        (
            _line(do="maintenance-begin", scope="rack", until=1, reason="x"),
            'maintenance-begin: scope = "rack" is no choice of host, board',
        ),
        (
            b'{"do": "maintenance-begin", "scope": "host", "reason": "x", "until": Infinity}',
            "maintenance-begin: until = Infinity is no number from 0 to 3.25037e+10",
        ),
    ],
)
def test_a_request_that_keeps_to_no_form_is_refused(line: bytes, what: str) -> None:
    """The text names the field and the value."""
    with pytest.raises(ControlError) as refused:
        parse(line)

    assert refused.value.kind is ErrorKind.USAGE
    assert refused.value.what.startswith(what)


@given(st.binary(max_size=200))
def test_garbage_is_refused_and_nothing_else(line: bytes) -> None:
    """No bytes end in another exception."""
    with pytest.raises(ControlError):
        parse(line)


def test_requests_that_change_are_the_known_ones() -> None:
    """A new row that changes something is looked at twice: this list is edited with it."""
    changing = {form.do for form in FORMS if form.access is Access.CHANGING}

    of_flags = {"acknowledge", "snooze", "schedule", "start", "done", "dismiss", "set"}
    assert changing == {
        *("retire", "boards-import", "boards-accept", "bmc-accept"),
        *("maintenance-begin", "maintenance-end", "release", "resume"),
        *("backup", "backup-part", "alert-test", "alert-test-end"),
        *(f"flag-{verb}" for verb in of_flags),
    }
