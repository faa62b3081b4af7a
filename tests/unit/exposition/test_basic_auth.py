"""Basic auth: who is let in, what is remembered, and what a password may be."""

import base64
from unittest.mock import patch

import bcrypt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gpuwatch.exposition.basic_auth import BasicAuth, Credentials, credentials

COST = 4
USERS = {"prom": bcrypt.hashpw(b"secret", bcrypt.gensalt(COST))}


def _header(text: bytes) -> str:
    return "Basic " + base64.b64encode(text).decode()


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        (_header(b"prom:secret"), Credentials("prom", b"secret")),
        (_header(b"prom:a:b"), Credentials("prom", b"a:b")),
        (_header(b":"), Credentials("", b"")),
        (_header("jürgen:ß".encode()), Credentials("jürgen", "ß".encode())),
        ("basic   cHJvbTpz", Credentials("prom", b"s")),
        (_header(b"no colon"), None),
        (_header(b"\xff:a"), None),
        ("Basic !!!", None),
        ("Basic", None),
        ("Bearer cHJvbTpz", None),
        ("", None),
    ],
)
def test_a_header_says_who_and_with_what(header: str, expected: Credentials | None) -> None:
    """RFC 7617; what is anything else says nothing."""
    assert credentials(header) == expected


@given(st.text())
def test_no_header_breaks_it(header: str) -> None:
    """Whatever a client sends."""
    assert credentials(header) is None or isinstance(credentials(header), Credentials)


@pytest.mark.parametrize(
    ("user", "password", "expected"),
    [
        ("prom", b"secret", True),
        ("prom", b"wrong", False),
        ("prom", b"", False),
        ("prom", b"secret\0", False),
        ("nobody", b"secret", False),
        ("", b"secret", False),
    ],
)
def test_only_who_is_named_with_the_right_password_gets_in(
    user: str, password: bytes, expected: bool
) -> None:
    """And it is known at once the second time."""
    users, given_ = BasicAuth(USERS), Credentials(user, password)

    first = users.remembered(given_)
    checked = users.check(given_)

    assert (first, checked, users.remembered(given_)) == (None, expected, expected)


@pytest.mark.parametrize("prefix", [b"$2a$", b"$2b$", b"$2y$"])
def test_every_spelling_of_bcrypt_is_read(prefix: bytes) -> None:
    """Htpasswd writes 2y, others 2a and 2b."""
    users = BasicAuth({"prom": prefix + USERS["prom"][4:]})

    assert users.check(Credentials("prom", b"secret"))


def test_of_a_long_password_bcrypt_looks_at_its_beginning() -> None:
    """As the other exporters do, for hashes that were made so."""
    long = b"a" * 100
    users = BasicAuth({"prom": bcrypt.hashpw(long[:72], bcrypt.gensalt(COST))})

    assert users.check(Credentials("prom", long))


def test_a_name_that_nobody_has_costs_as_much_as_one_that_somebody_has() -> None:
    """One bcrypt of the same cost, so that the time tells nothing."""
    users = BasicAuth(USERS)

    with patch("bcrypt.checkpw", return_value=False) as checked:
        users.check(Credentials("prom", b"wrong"))
        users.check(Credentials("nobody", b"wrong"))

    costs = [call.args[1][4:6] for call in checked.call_args_list]
    assert costs == [b"04", b"04"]


@pytest.mark.parametrize("user", ["old", "new", "nobody"])
def test_hashes_of_different_costs_tell_no_name(user: str) -> None:
    """What a lower one saves is spent all the same: each cost is twice the one below."""
    users = BasicAuth({"old": b"$2b$05$" + b"." * 53, "new": b"$2y$08$" + b"." * 53})

    with patch("bcrypt.checkpw", return_value=False) as checked:
        users.check(Credentials(user, b"wrong"))

    assert sum(2 ** int(call.args[1][4:6]) for call in checked.call_args_list) == 2**8


def test_guesses_do_not_make_it_forget_who_was_right() -> None:
    """Nor grow it."""
    users, right = BasicAuth(USERS), Credentials("prom", b"secret")
    users.check(right)

    with patch("bcrypt.checkpw", return_value=False):
        guesses = [Credentials("prom", str(number).encode()) for number in range(1_000)]
        answers = {users.check(guess) for guess in guesses}

    assert answers == {False}
    assert users.remembered(right)
    assert users.remembered(guesses[-1]) is False
    assert users.remembered(guesses[0]) is None
