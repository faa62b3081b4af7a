"""LAN: addresses, keys and what a failed log-in means."""

import socket
import threading

import pytest

from gpuwatch.domain.bmc import BmcTrouble
from gpuwatch.sources.bmc.lan import key_of, resolve, split_address
from gpuwatch.sources.bmc.refusals import refusal, silence
from gpuwatch.sources.bmc.rmcp import Stage
from gpuwatch.sources.bmc_loop import Trouble


@pytest.mark.parametrize(
    ("address", "host", "port"),
    [
        ("192.0.2.7:623", "192.0.2.7", 623),
        ("bmc.example:6230", "bmc.example", 6230),
        ("bmc.example", "bmc.example", 623),
        ("[2001:db8::7]:6230", "2001:db8::7", 6230),
        ("[2001:db8::7]", "2001:db8::7", 623),
        ("2001:db8::7", "2001:db8::7", 623),
    ],
)
def test_an_address_is_a_host_and_a_port(address: str, host: str, port: int) -> None:
    """The port is IPMI's own where none is named."""
    assert split_address(address) == (host, port)


@pytest.mark.parametrize(
    ("text", "key"),
    [("", None), ("secret", b"secret"), ("0x00ff", b"\x00\xff"), ("0xno", b"0xno")],
)
def test_a_key_is_text_or_hexadecimal(text: str, key: bytes | None) -> None:
    """Keys of BMCs are often bytes that nobody can type."""
    assert key_of(text) == key


def test_an_address_of_numbers_resolves_to_itself() -> None:
    """Without asking anybody."""
    assert resolve("127.0.0.1", 623) == ["127.0.0.1"]
    assert resolve("::1", 623) == ["::1"]


def test_a_name_that_nobody_knows_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    """With the setting to look at."""

    def unknown(*_: object) -> None:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)

    with pytest.raises(Trouble, match=r"bmc\.example does not resolve: Name .*see `address`") as t:
        resolve("bmc.example", 623)
    assert t.value.reason is BmcTrouble.UNREACHABLE


def test_a_name_service_that_is_silent_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """A resolver cannot be told how long it may take; we can."""
    asked = threading.Event()
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_: asked.wait(30.0))

    with pytest.raises(Trouble, match=r"says nothing of bmc\.example within 0\.1 s"):
        resolve("bmc.example", 623, 0.1)
    asked.set()


@pytest.mark.parametrize(
    ("stage", "status", "reason", "text"),
    [
        (Stage.NAME, 0x00, "password", "the password is wrong"),
        (Stage.NAME, 0x0D, "password", "unknown or disabled, or may not have this privilege"),
        (Stage.NAME, 0x09, "privilege", "may not have this privilege"),
        (Stage.NAME, 0x0A, "privilege", "may not have this privilege"),
        (Stage.NAME, 0x01, "no_session", "all its sessions are taken"),
        (Stage.NAME, 0x77, "protocol", "refused the log-in"),
        (Stage.OPEN, 0x01, "no_session", "all its sessions are taken"),
        (Stage.OPEN, 0x11, "protocol", "none of our cipher suites"),
        (Stage.KEY, 0x00, "password", "BMC key"),
        (Stage.KEY, 0x0F, "password", "password is wrong"),
        (Stage.PRIVILEGE, 0x00, "privilege", "may not have this privilege"),
        (Stage.VERSION, 0x00, "protocol", "IPMI 1.5 only"),
        (Stage.CAPABILITIES, 0xC1, "protocol", "is IPMI over LAN enabled"),
    ],
)
def test_a_refusal_says_the_way_out(stage: Stage, status: int, reason: str, text: str) -> None:
    """By where it was refused and with which code, not by a library's words."""
    trouble = refusal(stage, status)

    assert trouble.reason == reason
    assert text in trouble.text
    assert "(" in trouble.text
    assert (f"code 0x{status:02x}" in trouble.text) is bool(status)


def test_one_that_never_answered_is_unreachable() -> None:
    """One that answered first is not: the network lets something through."""
    never, later = silence(Stage.CAPABILITIES), silence(Stage.DONE)

    assert (never.reason, later.reason) == (BmcTrouble.UNREACHABLE, BmcTrouble.TIMED_OUT)
