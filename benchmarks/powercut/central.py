"""Central's SQLite under power cuts: what to do while recorded, and what must hold after.

A desk's scans arrive in batches; each is received in one transaction and judged in others.
What central told the edge (the watermark, after the commit) is what it must never go back on.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

from sqlalchemy import Connection, text

from benchmarks.powercut.journal import Found
from central.catalogue import items, packs, places
from central.database.store import Database
from central.database.tide import Tide
from central.intake.ingest import Ingest
from central.judging import replay
from central.judging.judge import Judge
from central.reconcile.verdict import ReadPoint
from central.stock import chain, projection
from gateway import codec, topics
from gateway.contract import Batch, CodeScanned, DeviceHealth, Observation

EDGE, EPOCH = "desk-pi", "0123456789abcdef"
_TOPIC = topics.observations("site", EDGE)
_GTINS = ("09521234000013", "09521234000020", "09521234000037")
_BEGIN = datetime(2026, 1, 31, 8, tzinfo=UTC)
_RESTART_EVERY = 25
_FACTS = {
    "movement": "seq, id, sku, lot, quantity, source, destination, evidence",
    "balance": "sku, lot, location, on_hand",
    "review": "id, reason",
    "edge_stream": "epoch, upto_seq, lost, fenced",
    "observation": "log_id, epoch, seq, body",
}
"""All that follows from what was received, without central's clock and the cut into blocks."""


def messages(steps: int, seed: int) -> list[tuple[int, tuple[str, bytes]]]:
    """``steps`` batches: the last sequence number of each, and the message."""
    chance = random.Random(seed)
    made, seq = [], 1
    for _ in range(steps):
        seen = [_observed(chance, seq + n) for n in range(chance.choice((1, 1, 2, 5, 12)))]
        batch = Batch(edge=EDGE, epoch=EPOCH, first_seq=seq, observations=seen, sent_at=_BEGIN)
        seq += len(seen)
        made.append((seq - 1, (_TOPIC, codec.encode(batch))))
    return made


def _observed(chance: random.Random, seq: int) -> Observation:
    at = _BEGIN + timedelta(seconds=seq)
    if chance.random() < 0.1:
        return DeviceHealth(
            device="gun", read_point="desk", event_time=at, state="running", counters={"codes": seq}
        )
    label = f"01{chance.choice(_GTINS)}10LOT{chance.randrange(40)}"
    if chance.random() < 0.1:
        label = f"nonsense {seq}"
    return CodeScanned(device="gun", read_point="desk", event_time=at, data=label, symbology="]C1")


def work(folder: Path, mark: Callable[[str], None], *, steps: int, seed: int) -> None:
    """Migrate, receive and judge ``steps`` batches, with restarts between."""
    asyncio.run(_work(folder, mark, messages(steps, seed)))


async def _work(
    folder: Path, mark: Callable[[str], None], sent: Sequence[tuple[int, tuple[str, bytes]]]
) -> None:
    for begin in range(0, len(sent), _RESTART_EVERY):
        async with _central(folder) as database:
            ingest, judge = Ingest(database, Tide()), Judge(database, Tide())
            for _, message in sent[begin : begin + _RESTART_EVERY]:
                outcome = await ingest.receive([message])
                for told in outcome.watermarks.values():
                    mark(f"told {told.upto_seq}")
                await judge.step()


@asynccontextmanager
async def _central(folder: Path) -> AsyncIterator[Database]:
    """The database as central opens it; its catalogue is there."""
    database = Database(f"sqlite:///{folder / 'central.sqlite'}")
    try:
        await asyncio.to_thread(database.migrate)
        await database.write(_set_up)
        yield database
    finally:
        await asyncio.to_thread(database.close)


def _set_up(conn: Connection) -> None:
    if places.list_read_points(conn):
        return
    places.add_location(conn, places.Location(code="hall", name="Hall"))
    for number, gtin in enumerate(_GTINS, start=1):
        items.add_item(conn, items.Item(sku=f"SKU-{number}", name=f"Item {number}"))
        packs.put_pack(conn, gtin, f"SKU-{number}", number)
    places.put_read_point(conn, ReadPoint(code="desk", kind="scan", location="hall"))


# ---- after the cut ---------------------------------------------------------------------------
Facts = dict[str, list[tuple[object, ...]]]


def facts(conn: Connection) -> Facts:
    """What the database says, in tables."""
    return {
        table: [tuple(row) for row in conn.execute(text(f"SELECT {names} FROM {table} ORDER BY 1"))]
        for table, names in _FACTS.items()
    }


def reference(folder: Path, sent: Sequence[tuple[int, tuple[str, bytes]]]) -> Facts:
    """What it comes to when the power stays on. ``folder`` must be empty."""

    async def all_of_it() -> Facts:
        async with _central(folder) as database:
            await _receive(database, sent)
            return await database.read(facts)

    return asyncio.run(all_of_it())


async def _receive(database: Database, sent: Sequence[tuple[int, tuple[str, bytes]]]) -> None:
    await Ingest(database, Tide()).receive([message for _, message in sent])
    judge = Judge(database, Tide())
    while await judge.step():
        pass


def check(
    folder: Path, told: int, sent: Sequence[tuple[int, tuple[str, bytes]]], expected: Facts
) -> Found:
    """Open what the cut left; ``told`` is the last watermark that the edge heard of.

    ``expected`` is the ``reference`` for all that is ``sent``: receiving the rest must end there.
    """
    return asyncio.run(_check(folder, told, sent, expected))


async def _check(
    folder: Path, told: int, sent: Sequence[tuple[int, tuple[str, bytes]]], expected: Facts
) -> Found:
    found = Found()
    async with _central(folder) as database:
        found.wrong += await database.read(_sound)
        there = await database.read(facts)
        streams, log = there["edge_stream"], there["observation"]
        upto = streams[0][1] if streams else 0
        if isinstance(upto, int) and upto < told:
            found.forgotten = told - upto
            found.wrong.append(f"central told the edge {told} and has only up to {upto}")
        if log != expected["observation"][: len(log)] or len(log) != upto:
            found.wrong.append(f"the log has {len(log)} entries and is not what was sent to {upto}")
        await _receive(database, [one for one in sent if one[0] > told])
        found.wrong += await database.read(_sound)
        found.wrong += _differences(await database.read(facts), expected)
    return found


def _sound(conn: Connection) -> list[str]:
    return [
        *(f"chain: {fault}" for fault in chain.verify(conn)),
        *(f"balances: {fault}" for fault in projection.check_balances(conn)),
        *(f"replay: {fault}" for fault in replay.differences(conn)),
    ]


def _differences(there: Facts, expected: Facts) -> list[str]:
    return [
        f"{table}: {len(there[table])} rows after going on, and not the {len(rows)} of an uncut run"
        for table, rows in expected.items()
        if there[table] != rows
    ]
