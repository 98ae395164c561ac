"""What happens now goes ahead as a preview, only while a backlog waits, and bounded."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import msgspec

from edge.chapters import Chapter
from edge.fold.moments import moment
from edge.live import LiveLane
from gateway import codec
from gateway.contract import CodeScanned
from gateway.mqtt_settings import NotConnected
from tests.edge.waiting import until
from tests.fakes.clock import FakeClock


def bodies(first: int, count: int) -> list[bytes]:
    return [
        msgspec.json.encode(
            CodeScanned(device="gun", read_point="desk", event_time=moment(n), data=str(n))
        )
        for n in range(first, first + count)
    ]


class Edge:
    """A journal's figures, and what was published."""

    def __init__(self, backlog: int) -> None:
        self.clock = FakeClock(steady=100.0)
        self.backlog = backlog
        self.sent: list[tuple[str, bytes]] = []
        self.connected = True
        self.chapter = Chapter("epoch0001", 1_000)
        self.lane = LiveLane(
            self._publish, site="s", edge="pi", backlog=lambda: self.backlog, clock=self.clock
        )

    async def _publish(self, topic: str, payload: bytes) -> None:
        if not self.connected:
            raise NotConnected("gone")
        self.sent.append((topic, payload))

    def commit(self, count: int, *, confirmed: int) -> None:
        """Keep ``count`` more while central confirms some."""
        first = self.chapter.last_seq + 1
        self.chapter = self.chapter._replace(last_seq=self.chapter.last_seq + count)
        self.backlog += count - confirmed
        self.lane.take(bodies(first, count), self.chapter)


@asynccontextmanager
async def running(edge: Edge) -> AsyncIterator[None]:
    task = asyncio.create_task(edge.lane.run())
    yield
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def test_nothing_is_previewed_while_central_keeps_up() -> None:
    edge = Edge(0)
    async with running(edge):
        for _ in range(20):
            edge.commit(10, confirmed=10)
            edge.clock.pass_s(0.25)
        await asyncio.sleep(0)
    assert edge.sent == []


async def test_behind_a_backlog_the_newest_go_ahead_and_stop_when_it_is_gone() -> None:
    edge = Edge(50_000)
    async with running(edge):
        edge.clock.pass_s(2.0)
        edge.commit(5, confirmed=400)
        await until(lambda: len(edge.sent) == 1)
        topic, payload = edge.sent[0]
        batch = codec.decode(payload)
        assert topic == "tp/v1/s/pi/up/live"
        assert batch.first_seq == 1_001
        assert [one.data for one in batch.observations if isinstance(one, CodeScanned)] == [
            str(n) for n in range(1_001, 1_006)
        ]
        edge.commit(5, confirmed=edge.backlog)  # the backlog is gone
        edge.clock.pass_s(0.25)
        edge.commit(5, confirmed=5)
        await asyncio.sleep(0)
    assert len(edge.sent) == 1
    assert edge.lane.counters["live_observations"] == 5


async def test_without_a_connection_previews_are_dropped_and_counted() -> None:
    edge = Edge(50_000)
    edge.connected = False
    edge.clock.pass_s(2.0)
    for _ in range(30):
        edge.commit(100, confirmed=0)
    assert edge.lane.counters["live_dropped"] == 1_000  # no more than 20 lots wait
    async with running(edge):
        await until(lambda: edge.lane.counters["live_dropped"] == 3_000)
    assert edge.sent == []
