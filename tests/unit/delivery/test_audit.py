"""The audit: what it says, when it fails, and that it asks nobody but the index."""

from collections.abc import Iterator, Sequence
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread

import pytest

from delivery import audit
from delivery.audit import NotToldError, Weakness
from delivery.lock import Locked

NEEDED = Locked("pydantic", "2.0", ("aa",))
TOOL = Locked("mypy", "2.0", ("bb",))
WEAK = Weakness(NEEDED, "PYSEC-1", ("2.1",))
WEAK_TOOL = Weakness(TOOL, "PYSEC-2", ())
_TOLD = '[{"id": "PYSEC-1", "fixed_in": ["2.1"]}, {"id": "PYSEC-3", "withdrawn": "2026"}]'
ANSWERS = {
    "/pypi/pydantic/2.0/json": (200, f'{{"vulnerabilities": {_TOLD}}}'),
    "/pypi/mypy/2.0/json": (200, '{"info": {}}'),
}


class _Index(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        status, body = ANSWERS.get(self.path, (404, ""))
        self.send_response(status)
        self.end_headers()
        self.wfile.write(body.encode())

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def index() -> Iterator[str]:
    """The address of an index on loopback."""
    with HTTPServer(("127.0.0.1", 0), _Index) as server:
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/simple"
        server.shutdown()
        thread.join()


def _knows(one: Locked) -> Sequence[Weakness]:
    return {"pydantic": [WEAK], "mypy": [WEAK_TOOL]}[one.name]


def _knows_of_tools(one: Locked) -> Sequence[Weakness]:
    return {"pydantic": [], "mypy": [WEAK_TOOL]}[one.name]


def _away(_: Locked) -> Sequence[Weakness]:
    raise NotToldError("the configured index does not answer")


def test_a_weakness_of_what_is_delivered_fails() -> None:
    """Who delivers it must resolve the lock again, or say why it does no harm."""
    lines, bad = audit.report([NEEDED, TOOL], [NEEDED], {}, _knows)

    assert lines == [
        "2 locked packages, 1 of them at run time; 2 known vulnerabilities, 1 of them at run time",
        "mypy 2.0: PYSEC-2, no fix is known",
        "pydantic 2.0: PYSEC-1, fixed in 2.1",
    ]
    assert bad


def test_a_weakness_of_a_tool_is_told_only() -> None:
    """A linter's parser is nobody's attack surface."""
    lines, bad = audit.report([NEEDED, TOOL], [NEEDED], {}, _knows_of_tools)

    assert len(lines) == 2
    assert not bad


def test_a_weakness_that_was_looked_at_is_not_told_again() -> None:
    """pyproject.toml keeps which, and why."""
    lines, bad = audit.report([NEEDED, TOOL], [NEEDED], {"PYSEC-1": "not reachable"}, _knows)

    assert "PYSEC-1" not in " ".join(lines)
    assert not bad


def test_an_index_that_is_away_fails_nothing() -> None:
    """A line says that nothing was audited: that is not the same as clean."""
    lines, bad = audit.report([NEEDED, TOOL], [NEEDED], {}, _away)

    (line,) = lines
    assert line.endswith("not audited: the configured index does not answer")
    assert not bad


def test_the_index_is_asked_for_one_version(index: str) -> None:
    """What was withdrawn is no weakness."""
    assert audit.asked(index, NEEDED) == (WEAK,)


@pytest.mark.parametrize("package", [TOOL, Locked("six", "1", ())], ids=["no list", "not found"])
def test_an_index_without_such_data_says_so(index: str, package: Locked) -> None:
    """A mirror serves files and knows nothing of weaknesses."""
    with pytest.raises(NotToldError, match="serves no vulnerability data"):
        audit.asked(index, package)


def test_a_closed_port_is_an_index_that_does_not_answer() -> None:
    """No network is no failure."""
    with pytest.raises(NotToldError, match="does not answer"):
        audit.asked("http://127.0.0.1:1/simple", NEEDED)


@pytest.mark.parametrize("index", ["", "https://user:****@mirror.example/simple"])
def test_no_index_that_may_be_asked_is_told(index: str) -> None:
    """Pip hides passwords, and a wrong one is not sent."""
    with pytest.raises(NotToldError, match="without a password"):
        audit.asked(index, NEEDED)


def test_the_index_is_the_one_that_pip_takes(monkeypatch: pytest.MonkeyPatch) -> None:
    """A mirror that is configured is asked, and nobody else."""
    monkeypatch.setenv("PIP_INDEX_URL", "https://mirror.example/simple/")

    assert audit.configured_index() == "https://mirror.example/simple"


def test_each_accepted_weakness_has_its_reason() -> None:
    """Nobody is silenced without a word."""
    assert all(audit.accepted().values())
