"""Who may change things, and how that person stands in the audit log."""

import pwd

import pytest

from gpuwatch.control.peers import Peer

AGENT_UID, GROUP = 990, 991


@pytest.mark.parametrize(
    ("peer", "may"),
    [
        (Peer(pid=1, uid=0, gid=5), True),
        (Peer(pid=1, uid=AGENT_UID, gid=5), True),
        (Peer(pid=1, uid=1_000, gid=GROUP), True),
        (Peer(pid=1, uid=1_000, gid=5, groups=(6, GROUP)), True),
        (Peer(pid=1, uid=1_000, gid=5, groups=(6,)), False),
        (Peer(pid=1, uid=65_534, gid=65_534), False),
    ],
)
def test_root_the_agent_and_the_group_may_change(peer: Peer, *, may: bool) -> None:
    """Nobody else, whatever they claim."""
    assert peer.may_change(AGENT_UID, GROUP) is may


def test_without_the_group_only_root_and_the_agent_may_change() -> None:
    """A host without the group has no members of it, not even by group id 0."""
    assert not Peer(pid=1, uid=1_000, gid=0).may_change(AGENT_UID, None)


def test_an_actor_is_the_kernels_word_before_any_claim() -> None:
    """uid, then who logged in, then what the client says of itself, labelled."""
    peer = Peer(pid=1, uid=0, gid=0, login_uid=4_000_000)

    assert peer.actor({"SUDO_USER": "alice"}) == (
        "uid 0 (root), login uid 4000000 (no name), claims SUDO_USER=alice"
    )
    assert Peer(pid=1, uid=0, gid=0, login_uid=0).actor({}) == "uid 0 (root)"


def test_a_name_that_is_no_text_can_be_written_down(monkeypatch: pytest.MonkeyPatch) -> None:
    """Half a record, because the database refuses a name, would be none."""
    entry = pwd.struct_passwd(("al\udcffice", "x", 1_000, 1_000, "", "/", "/bin/sh"))
    monkeypatch.setattr(pwd, "getpwuid", lambda _uid: entry)

    assert Peer(pid=1, uid=1_000, gid=0).actor({}) == "uid 1000 (al\\udcffice)"
