"""What leaves the site: without secrets, and with names that stand for names."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gpuwatch.exposition.redaction import HIDDEN, Named, Redactor


def _redactor(*, names: bool = True) -> Redactor:
    named = {
        Named.HOST: ("gpu-node-17.hall2.example.net", "10.0.0.7", "localhost"),
        Named.USER: ("alice", "root"),
    }
    return Redactor(named, secrets=("Xyzzy-9000",), names=names)


@pytest.mark.parametrize(
    ("told", "expected"),
    [
        ("on gpu-node-17 and GPU-NODE-17.hall2.example.net.", "on host-1 and host-1."),
        ("gpu-node-17.other.example is it too", "host-1 is it too"),
        ("my-gpu-node-17 is another", "my-gpu-node-17 is another"),
        ("alice logged in, root too", "user-1 logged in, root too"),
        ("from 10.0.0.7:623 to 10.0.0.8", "from address-1:623 to address-2"),
        ("from [fe80::1]:443, fe80::1: refused", "from [address-1]:443, address-1: refused"),
        ("::ffff:10.1.2.3 and 2001:db8::7.", "address-1 and address-2."),
        ("lladdr aa:bb:cc:0D:EE:ff up", "lladdr address-1 up"),
        ("reverse 9.1.2.3.in-addr.arpa", "reverse address-1.in-addr.arpa"),
        ("127.0.0.1 ::1 0.0.0.0 [::]:9853", "127.0.0.1 ::1 0.0.0.0 [::]:9853"),
        ("0000:3b:00.0 at 2026-03-14T03:12:07Z", "0000:3b:00.0 at 2026-03-14T03:12:07Z"),
        ("VBIOS 96.00.74.00.01, driver 570.124.06", "VBIOS 96.00.74.00.01, driver 570.124.06"),
        ("Xid: 31, pid=4242, name=train_llm, Ch 8", "Xid: 31, pid=4242, name=process-1, Ch 8"),
        ("uid 1000 (bob), claims SUDO_USER=carol", "uid 1000 (user-2), claims SUDO_USER=user-3"),
        ("/home/dave/run.sh", "/home/user-2/run.sh"),
        ("key Xyzzy-9000 inXyzzy-9000word", f"key {HIDDEN} in{HIDDEN}word"),
        ("https://ops:pw@wiki.example/x", f"https://{HIDDEN}@host-2/x"),
        ("password = 'a b', x", f"password = {HIDDEN}, x"),
        ('SNMP_COMMUNITY="public"; next', f"SNMP_COMMUNITY={HIDDEN}; next"),
        ("api-key: abc api_token=def", f"api-key: {HIDDEN} api_token={HIDDEN}"),
        ("Authorization: Basic b3BzOnB3", f"Authorization: Basic {HIDDEN}"),
        ("with basic authentication", "with basic authentication"),
        ("password_file = /etc/gpuwatch/p", "password_file = /etc/gpuwatch/p"),
        ("https://ops:p@ss@wiki.example/x", f"https://{HIDDEN}@host-2/x"),
        ("https://a.example, u@b", "https://host-2, u@b"),
        (
            "https://docs.nvidia.com/deploy/ by ops@a.example",
            "https://docs.nvidia.com/deploy/ by user-2",
        ),
        ("getty@tty1.service, user@1000.service", "getty@tty1.service, user@1000.service"),
        ("Hostname : a7, nodename=b.example", "Hostname : host-2, nodename=host-3"),
        ("User: carol, username = true", "User: user-2, username = true"),
        ("user 'al b' of root; user: none", "user 'user-2' of root; user: none"),
        ("User carol has logged in; carol", "User user-2 has logged in; user-2"),
        ("logged in using carol, from GUI", "logged in using user-2, from GUI"),
        ("opened for user carol(uid=7)", "opened for user user-2(uid=7)"),
        (r'{"password": "x\"y", "at": 1}', f'{{"password": {HIDDEN}, "at": 1}}'),
        (r"password='x\'y' it is", f"password={HIDDEN} it is"),
        (r'"{\"token\": \"x\", \"at\": 1}"', rf'"{{\"token\": {HIDDEN}, \"at\": 1}}"'),
        ('password="cut off', f"password={HIDDEN}"),
        (r'password="C:\" it is', f"password={HIDDEN}"),
        ("password=ab,cd;ef it is", f"password={HIDDEN} it is"),
        ("token: ab, the next", f"token: {HIDDEN}, the next"),
        ('{"token":123456,"at":1}', f'{{"token":{HIDDEN},"at":1}}'),
        ('{"token": ["abcd", "ef"], "at": 1}', f'{{"token": {HIDDEN}, "at": 1}}'),
        ("password=[ab]cd it is", f"password={HIDDEN} it is"),
        ("AWS_SECRET_ACCESS_KEY=ab/cd+ef", f"AWS_SECRET_ACCESS_KEY={HIDDEN}"),
        ("secret_key: ab", f"secret_key: {HIDDEN}"),
    ],
)
def test_what_tells_of_people_and_machines_is_replaced(told: str, expected: str) -> None:
    """And nothing else: PCI addresses, times and versions stay."""
    assert _redactor().text(told) == expected


def test_one_name_is_replaced_by_one_word_in_every_text() -> None:
    """What was told of in one document is known in the next, and once learned in those before."""
    redactor = _redactor()
    late = "Xid: 13, pid=7, name=train_llm, x"

    redactor.learn([{"log": late}])

    assert redactor.text("train_llm died at 10.9.9.9") == "process-1 died at address-1"
    assert redactor.text(late) == "Xid: 13, pid=7, name=process-1, x"
    assert redactor.text("10.9.9.9") == "address-1"


def test_replacing_twice_changes_nothing_more() -> None:
    """Words that stand for names are no names."""
    redactor = _redactor()

    once = redactor.text("gpu-node-17 10.0.0.8 uid 7 (bob) password=x")

    assert redactor.text(once) == once


def test_a_host_that_is_called_like_a_word_of_ours_is_replaced() -> None:
    """And its name stands for no other host."""
    redactor = Redactor({Named.HOST: ("host-2.example.net", "host-1", "a7", "b7")})

    told = redactor.text("host-1, HOST-2 and host-2.example.net; a7, b7")

    assert told == "host-4, host-3 and host-3; host-5, host-6"
    assert redactor.text(told) == told
    assert redactor.counts == {Named.HOST: 4}


def test_documents_are_replaced_to_their_last_text() -> None:
    """Keys and values, in lists and objects; what is no text stays."""
    told = {
        "hostname": "gpu-node-17",
        "gpus": [{"at": 1.5, "password": "x", "up": None}],
        "alice": 1,
    }

    assert _redactor().value(told) == {
        "hostname": "host-1",
        "gpus": [{"at": 1.5, "password": HIDDEN, "up": None}],
        "user-1": 1,
    }


@pytest.mark.parametrize(
    ("value", "expected"),
    [(12_345_678, HIDDEN), (["abcd", "ef"], HIDDEN), ({"new": "ab"}, HIDDEN), (0.5, HIDDEN),
     (True, True), (None, None), ("", ""), ([], []), ({}, {})],
)  # fmt: skip
def test_whatever_a_secret_is_made_of_is_hidden(value: object, expected: object) -> None:
    """Whether there is one is no secret."""
    assert _redactor().value({"snmp_community": value}) == {"snmp_community": expected}


def test_without_names_only_secrets_are_hidden() -> None:
    """For a recipient who is to know which host it is."""
    told = _redactor(names=False).text("gpu-node-17 10.0.0.8 Xyzzy-9000")

    assert told == f"gpu-node-17 10.0.0.8 {HIDDEN}"


@pytest.mark.parametrize(
    "line",
    [
        "a-" * 20_000,
        "uid 1 (" * 5_000,
        "f:" * 20_000,
        "/home/" + "a." * 20_000,
        "a.b://" * 10_000,
        "a.b.c://" + "x" * 50_000,
        "token=[ " * 5_000 + "]",
    ],
)
def test_a_long_line_is_read_in_one_go(line: str) -> None:
    """What somebody has logged on purpose holds up nobody: this would take minutes otherwise."""
    assert _redactor().text(f"{line} alice").endswith(" user-1")


_WORDS = st.text(st.characters(codec="utf-8"), max_size=30)


@given(before=_WORDS, after=_WORDS, secret=st.text("abcdefgh0123456789-", min_size=4, max_size=20))
def test_a_known_secret_never_stays(before: str, after: str, secret: str) -> None:
    """Wherever it stands."""
    redactor = Redactor({}, secrets=(secret,))

    assert secret not in redactor.text(f"{before}{secret}{after}").replace(HIDDEN, "")


@given(text=st.text(st.sampled_from("0123456789abcdef:.[] =x"), max_size=60))
def test_no_address_survives_between_spaces(text: str) -> None:
    """Whatever stands around it."""
    told = _redactor().text(f"{text} 192.168.7.9 2001:db8::9 00:11:22:33:44:55 {text}")

    assert "192.168.7.9" not in told
    assert "2001:db8::9" not in told
    assert "00:11:22:33:44:55" not in told
