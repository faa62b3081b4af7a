"""A downgrade: an agent on the history of a newer one watches on, and writes nothing into it."""

import sqlite3
from contextlib import closing
from pathlib import Path

from tests.support.agents import eventually, running
from tests.support.server import MakeServer
from tests.support.watching import codes


def test_an_older_agent_watches_on_and_leaves_a_newer_history_alone(
    make_server: MakeServer, tmp_path: Path
) -> None:
    """It tells why nothing is written, and what is broken is judged all the same."""
    server, history = make_server(gpus=2), tmp_path / "state" / "history.db"
    with running(server, tmp_path) as agent:
        agent.wait_for_gpus(2)
        agent.stop()
    with closing(sqlite3.connect(history)) as connection:
        connection.execute("insert into migrations values ('0999-of-tomorrow')")
        connection.commit()
        connection.execute("pragma wal_checkpoint(truncate)").fetchall()
    before = history.read_bytes()
    with running(server, tmp_path) as older:
        older.wait_for_gpus(2)
        degraded = older.metric("gpuwatch_history_degraded", reason="newer-schema")
        server.remap_failure(1)
        judged = eventually(
            lambda: "row-remap-failed" in codes(older, 1),
            "the board is judged",
        )
        told = older.events("history-degraded")
        stopped = older.stop()

    assert list(degraded.values()) == [1.0]
    assert judged
    assert "install that one again" in told[0]["remedy"]
    assert stopped == 0
    assert history.read_bytes() == before
