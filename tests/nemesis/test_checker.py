"""Whoever judges a nemesis run must see what is wrong: each lie of a log is planted and found."""

from __future__ import annotations

import asyncio
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest
from sqlalchemy import Connection, create_engine, insert, update

from benchmarks.nemesis.checker import unaccounted
from benchmarks.nemesis.watch import Watch
from benchmarks.nemesis.witness import Witness
from benchmarks.servers.series import SeriesServer
from central import schema
from edge.fold.moments import moment
from edge.journal import Journal
from gateway.contract import CodeScanned

EDGE = "dock-pi"
ROWS = 5


def body(seq: int, data: str = "") -> bytes:
    """The observation that a number stands for."""
    return msgspec.json.encode(
        CodeScanned(device="gun", read_point="desk", event_time=moment(seq), data=data or str(seq))
    )


@pytest.fixture
def journal(tmp_path: Path) -> str:
    """A dead edge's journal with a few rows; its epoch."""
    made = Journal.open(tmp_path / "journal")
    made.append([body(seq) for seq in range(1, ROWS + 1)])
    made.close()
    return made.epoch


@pytest.fixture
def conn(journal: str) -> Iterator[Connection]:
    """A central that has all of it."""
    engine = create_engine("sqlite://")
    schema.metadata.create_all(engine)
    with engine.connect() as connection:
        connection.execute(
            insert(schema.edge_stream).values(
                edge=EDGE, epoch=journal, site="s", upto_seq=ROWS, committed_seq=ROWS, lost=0,
                fenced=False, first_us=0, last_us=0,
            )
        )  # fmt: skip
        for seq in range(1, ROWS + 1):
            put(connection, journal, seq, body(seq))
        yield connection
    engine.dispose()


def put(conn: Connection, epoch: str, seq: int, there: bytes) -> None:
    conn.execute(
        insert(schema.observation).values(
            edge=EDGE, epoch=epoch, seq=seq, kind="code_scanned", device="gun", read_point="desk",
            event_us=seq, record_us=seq, body=there.decode(),
        )
    )  # fmt: skip


def seen(tmp_path: Path) -> Witness:
    witness = Witness()
    witness.look(tmp_path / "journal")
    return witness


def take(conn: Connection, seq: int) -> None:
    conn.execute(schema.observation.delete().where(schema.observation.c.seq == seq))


def test_a_central_that_has_everything_is_in_order(
    tmp_path: Path, journal: str, conn: Connection
) -> None:
    witness = seen(tmp_path)
    assert set(witness.contents) == {(journal, seq) for seq in range(1, ROWS + 1)}
    assert witness.compare(conn, EDGE) == []
    assert list(unaccounted(conn)) == []


def test_another_content_under_a_number_is_seen(
    tmp_path: Path, journal: str, conn: Connection
) -> None:
    take(conn, 3)
    put(conn, journal, 3, body(3, "another"))
    assert "another content" in seen(tmp_path).compare(conn, EDGE)[0]


def test_a_number_that_is_gone_and_not_counted_is_seen(
    tmp_path: Path, journal: str, conn: Connection
) -> None:
    take(conn, 2)
    (told,) = seen(tmp_path).compare(conn, EDGE)
    assert told == f"{journal}: 1 kept numbers are missing, 0 counted"
    assert len(list(unaccounted(conn))) == 1
    conn.execute(update(schema.edge_stream).values(lost=1))
    assert seen(tmp_path).compare(conn, EDGE) == []
    assert list(unaccounted(conn)) == []


def test_a_doubled_event_does_not_hide_behind_a_lost_one(journal: str, conn: Connection) -> None:
    take(conn, 5)
    put(conn, journal, 5, body(4))
    (told,) = unaccounted(conn)
    assert told.startswith("one event stands 2 times under different numbers")


def test_an_edge_that_was_further_than_central_knows_is_seen(
    tmp_path: Path, journal: str, conn: Connection
) -> None:
    take(conn, ROWS)
    conn.execute(update(schema.edge_stream).values(committed_seq=ROWS - 1, upto_seq=ROWS - 1))
    assert list(unaccounted(conn)) == []  # central cannot know
    told = seen(tmp_path).compare(conn, EDGE)
    assert told[0] == f"{journal}: {ROWS} were kept, central knows of {ROWS - 1}"


async def test_a_process_that_ends_unasked_is_named_and_one_that_was_ended_is_not() -> None:
    watch, alive = Watch(), {"edge": True, "broker": True}
    death = asyncio.create_task(watch.death({
        "edge": lambda: alive["edge"], "broker": lambda: alive["broker"],
    }))  # fmt: skip
    with watch.away("edge"):
        alive["edge"] = False
        done, _ = await asyncio.wait({death}, timeout=0.5)
        assert not done
        alive["edge"] = True
    alive["broker"] = False
    assert await asyncio.wait_for(death, 30) == "broker"


def test_a_series_server_hangs_and_keeps_what_it_was_told_once_it_answers() -> None:
    server = SeriesServer()
    try:
        write(server, "stock,location=a,sku=x on_hand=3 100\nstock,location=a,sku=x on_hand=2 200")
        server.hang()
        with pytest.raises(OSError, match="timed out"):
            write(server, "stock,location=a,sku=x on_hand=7 300", 0.5)
        server.answer()
        write(server, "stock,location=a,sku=x on_hand=9 150")
        server.stop()
        with pytest.raises(OSError, match="refused"):
            write(server, "stock,location=a,sku=x on_hand=1 400")
        server.start()
        write(server, "stock,location=a,sku=x on_hand=8 400")
        assert server.newest("stock", "on_hand") == {"location=a,sku=x": 8.0}
        assert server.hung == 1
    finally:
        server.stop()


def write(server: SeriesServer, lines: str, patience_s: float = 30.0) -> None:
    with urllib.request.urlopen(server.url, lines.encode(), timeout=patience_s) as answer:
        assert answer.status == 204
