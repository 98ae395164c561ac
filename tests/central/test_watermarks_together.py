"""What central tells hundreds of edges goes out together, not one answer after the other."""

from __future__ import annotations

import asyncio
import contextlib

import msgspec

from central.database.store import Database
from central.database.tide import Tide
from central.intake.ingest import Ingest
from gateway import codec, topics
from tests.central.test_ingest_and_judge import batch, scan
from tests.edge.waiting import until
from tests.fakes.link import FakeLink

EDGES = 40


class SlowLink(FakeLink):
    """The broker answers nobody before everybody has been told."""

    def __init__(self) -> None:
        super().__init__()
        self._told = asyncio.Barrier(EDGES)

    async def publish(
        self, topic: str, payload: bytes, *, qos: int = 1, retain: bool = False
    ) -> bool:
        await super().publish(topic, payload, qos=qos, retain=retain)
        await self._told.wait()
        return True


async def test_every_edge_is_told_before_the_first_answer(database: Database) -> None:
    names = [f"edge-{number:02}" for number in range(EDGES)]
    one = batch(1, [scan("1")])
    before = Ingest(database, Tide())
    await before.receive(
        [
            (topics.observations("s", name), codec.encode(msgspec.structs.replace(one, edge=name)))
            for name in names
        ]
    )
    link = SlowLink()
    running = asyncio.create_task(Ingest(database, Tide()).run(link))
    await until(lambda: len(link.published) == EDGES, "every edge to be told")
    link.arrive(topics.observations("s", names[0]), b"")  # goes aside, once the road is free
    await until(lambda: link.acked == 1, "the message that came after all were told")
    assert sorted(topic for topic, _, _ in link.published) == sorted(
        topics.watermark("s", name) for name in names
    )
    running.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await running
