"""Many edges in one process: the product's MQTT client and uplink, with journals in memory.

What an edge is towards the broker and central is all here, and the product's own: presence and
will, watermarks, batches, waits and resends. Devices and disks are left out.
"""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import Callable, Sequence
from random import Random

import msgspec

from edge.chapters import Chapter, Stretch
from edge.fold.moments import moment
from edge.uplink import Uplink, UplinkSettings
from gateway import codec, topics
from gateway.clock import SystemClock
from gateway.contract import Presence, TagSighting
from gateway.mqtt import MqttClient, MqttSettings, Will

SITE = "herd"
_encode = msgspec.json.Encoder().encode


class MemoryJournal:
    """One chapter of observations in memory: an ``edge.chapters.Source``."""

    def __init__(self, edge: str) -> None:
        self._edge = edge
        self.bodies: list[bytes] = []
        self.chapters: tuple[Chapter, ...] = (Chapter(secrets.token_hex(8)),)

    def keep(self, bodies: list[bytes]) -> None:
        """Keep some observations, as the wire has them."""
        self.bodies += bodies
        self.chapters = (self.chapters[0]._replace(last_seq=len(self.bodies)),)

    def observe(self, count: int) -> None:
        """Keep so many more sightings, each of a tag of its own."""
        now_us = time.time_ns() // 1_000
        first = len(self.bodies)
        sightings = [
            _encode(
                TagSighting(
                    device="reader", read_point=f"{self._edge}-gate", event_time=moment(now_us + n),
                    epc=f"3034{secrets.token_hex(10).upper()}", antenna=1 + n % 4, count=3,
                    peak_rssi_dbm=-50.0, mean_rssi_dbm=-57.5, channel=1 + n % 50,
                )
            )
            for n in range(first, first + count)
        ]  # fmt: skip
        self.keep(sightings)

    async def read(self, epoch: str, after_seq: int, limit: int) -> Stretch:
        """See ``edge.chapters.Source``."""
        assert epoch == self.chapters[0].epoch
        return Stretch(after_seq + 1, 0, self.bodies[after_seq : after_seq + limit])

    async def trim(self, epoch: str, upto_seq: int) -> None:
        """See ``edge.chapters.Source``; the bodies stay, for they are few."""
        assert epoch == self.chapters[0].epoch
        self.chapters = (self.chapters[0]._replace(trimmed_upto=upto_seq),)

    async def set_aside(self, epoch: str, why: str) -> int:
        """See ``edge.chapters.Source``: with one chapter nothing is ever set aside."""
        raise AssertionError(f"{epoch} set aside: {why}")


class HerdEdge:
    """One edge. ``connects`` are the moments (monotonic) at which it stood again, ``shares`` what
    full jitter drew for its waits; with ``in_step`` it waits the whole ceiling instead, as all
    others do. ``left`` counts the batches that the broker took, ``unheard`` those among them that
    it had nobody to give to.
    """

    def __init__(self, number: int, port: int, *, seed: int, batch: int) -> None:
        self.name = f"edge-{number:03}"
        self.journal = MemoryJournal(self.name)
        self.connects: list[float] = []
        self.shares: list[float] = []
        self.in_step = False
        self.left = self.unheard = 0
        self._chance = Random(f"{seed} {number}")
        status = topics.status(SITE, self.name)
        self.client = MqttClient(
            MqttSettings(
                port=port, client_id=f"{SITE}.{self.name}", clean_start=True, session_expiry_s=0
            ),
            will=Will(status, self._presence("offline"), retain=True),
            on_connected=self._on_connected,
            jitter=self._share,
        )
        self.uplink = Uplink(
            self.journal,
            self._publish,
            site=SITE,
            edge=self.name,
            settings=UplinkSettings(batch=batch),
            clock=SystemClock(),
        )

    async def run(self) -> None:
        """Live until cancelled."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self.client.run())
            group.create_task(self.uplink.run())
            group.create_task(self._listen())

    def observe(self, count: int) -> None:
        """Hear and keep so many observations."""
        self.journal.observe(count)
        self.uplink.wake()

    def keep(self, bodies: list[bytes]) -> None:
        """Keep these observations."""
        self.journal.keep(bodies)
        self.uplink.wake()

    async def _publish(self, topic: str, payload: bytes) -> bool:
        heard = await self.client.publish(topic, payload)
        self.left += 1
        self.unheard += not heard
        return heard

    def _share(self) -> float:
        if self.in_step:
            return 1.0
        self.shares.append(self._chance.random())
        return self.shares[-1]

    async def _on_connected(self) -> None:
        await self.client.publish(
            topics.status(SITE, self.name), self._presence("online"), retain=True
        )
        self.connects.append(time.monotonic())
        self.uplink.connected()

    async def _listen(self) -> None:
        await self.client.subscribe(topics.watermark(SITE, self.name))
        async for message in self.client.messages():
            self.uplink.watermark(message.payload)
            message.ack()

    def _presence(self, state: str) -> bytes:
        since = moment(time.time_ns() // 1_000)
        return codec.encode_presence(
            Presence(edge=self.name, state=state, since=since, version="herd", reason="")
        )


class Herd:
    """All of them. Start with ``start``, end with ``stop``."""

    def __init__(self, count: int, port: int, *, seed: int, batch: int) -> None:
        self.edges = [HerdEdge(number, port, seed=seed, batch=batch) for number in range(count)]
        self._running: list[asyncio.Task[None]] = []

    def start(self) -> None:
        """Switch all of them on at once."""
        self._running = [asyncio.create_task(edge.run(), name=edge.name) for edge in self.edges]

    async def stop(self) -> None:
        """Switch them off; raises what ended one of them before."""
        ended = [task for task in self._running if task.done()]
        for task in self._running:
            task.cancel()
        await asyncio.gather(*self._running, return_exceptions=True)
        for task in ended:
            task.result()

    async def all_hold(self, holds: Callable[[HerdEdge], bool], limit_s: float) -> list[str]:
        """Wait until something is true of every edge; the names of those that fail it then."""
        deadline = time.monotonic() + limit_s
        while True:
            left = [edge.name for edge in self.edges if not holds(edge)]
            if not left or time.monotonic() > deadline:
                return left
            await asyncio.sleep(0.05)

    def observe(self, count: int) -> None:
        """Each edge hears so many observations."""
        for edge in self.edges:
            edge.observe(count)

    @property
    def left(self) -> int:
        """How many batches the broker took, repeats included."""
        return sum(edge.left for edge in self.edges)

    def connected_since(self, since: float) -> list[float]:
        """When each edge first stood again after a moment (monotonic), in order."""
        firsts = ([at for at in edge.connects if at > since] for edge in self.edges)
        return sorted(times[0] for times in firsts if times)


def peak(times: Sequence[float], window_s: float) -> int:
    """The most of some ordered moments that fall into any window of a length."""
    most = first = 0
    for index, at in enumerate(times):
        while times[first] <= at - window_s:
            first += 1
        most = max(most, index - first + 1)
    return most
