"""A card that lies about its syncs, end to end: what it forgot is a gap and an alarm at central,
never another observation under a number that was given before, never silent wrong stock.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
import pytest
from sqlalchemy import Connection, text

from benchmarks.powercut.disk import SURVIVALS
from benchmarks.powercut.mount import Card, mounted, why_not
from central.catalogue import items, packs, places
from central.database.store import Database
from central.database.tide import Tide
from central.intake.ingest import Ingest
from central.judging import replay
from central.judging.judge import Judge
from central.reconcile.verdict import ReadPoint
from central.stock import chain, projection
from edge.journal import Journal, JournalLimits
from edge.keeper import Keeper
from edge.segments_duckdb import DuckDBSegments
from edge.uplink import Uplink, UplinkSettings
from gateway import codec
from gateway.clock import SystemClock
from gateway.contract import CodeScanned, Watermark
from gateway.mqtt import NotConnected
from tests.edge.waiting import until

GTIN = "09521234000013"
LIMITS = JournalLimits(segment_rows=60)
BEGIN = datetime(2026, 1, 31, 8, tzinfo=UTC)


def scan(serial: int) -> CodeScanned:
    """One receipt of one piece; its lot is its serial, so that no two are alike."""
    return CodeScanned(
        device="gun", read_point="desk", event_time=BEGIN + timedelta(seconds=serial),
        data=f"01{GTIN}10{serial}", symbology="]C1",
    )  # fmt: skip


def serial_of(body: bytes | str) -> int:
    return int(msgspec.json.decode(body, type=CodeScanned).data[18:])


Acknowledged = dict[tuple[str, int], set[int]]
"""Which serials were ever given a place (epoch and sequence number): one each, if all is well."""


def open_noting(folder: Path, acknowledged: Acknowledged, epoch: str | None) -> Journal:
    """The real journal, and a note outside the card of what it acknowledged at which place."""

    class Noting(Journal):
        def append(self, bodies: Sequence[bytes]) -> range:
            seqs = super().append(bodies)
            for seq, body in zip(seqs, bodies, strict=True):
                acknowledged.setdefault((self.epoch, seq), set()).add(serial_of(body))
            return seqs

    store = DuckDBSegments(folder, LIMITS.memory_mib)
    if epoch is None:
        return Noting(store, LIMITS)
    return Noting(store, LIMITS, new_epoch=lambda: epoch)


class Central:
    """The real ingest and judging on an honest disk; the broker is a function call."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.ingest = Ingest(database, Tide())
        self.retained: Watermark | None = None
        self.takes = True
        self.hears: Callable[[bytes], None] | None = None
        self.forgotten_at_the_edge = 0

    async def publish(self, topic: str, payload: bytes) -> None:
        if not self.takes:
            raise NotConnected("the road is down")
        outcome = await self.ingest.receive([(topic, payload)])
        for mark in outcome.watermarks.values():
            self.retained = mark
        self.tell()

    def tell(self) -> None:
        if self.hears is not None and self.retained is not None:
            self.hears(codec.encode_watermark(self.retained))


class Edge:
    """One life of the edge, from its start to the power cut."""

    def __init__(self, central: Central, journal: Journal) -> None:
        self.keeper = Keeper(journal, commit_every_ms=1)
        self.central = central
        self._asked = 0
        self.uplink = Uplink(
            self.keeper, central.publish, site="site", edge="pi",
            settings=UplinkSettings(batch=7, window=3, resend_after_s=0.2), clock=SystemClock(),
        )  # fmt: skip
        self.keeper.when_committed(lambda _: self.uplink.wake())
        self._tasks = [
            asyncio.create_task(self.keeper.run()), asyncio.create_task(self.uplink.run())
        ]  # fmt: skip

    async def keep(self, serials: Sequence[int]) -> None:
        """Have observations committed, in a few commits."""
        for serial in serials:
            await self.keeper.keep([scan(serial)])
            self._asked += 1
            if serial % 4 == 0:
                await self.committed()
        await self.committed()

    async def committed(self) -> None:
        await until(lambda: self.keeper.kept == self._asked, "all is committed")

    async def die(self) -> None:
        """As by kill -9: nothing is closed in order, no position saved."""
        self.central.hears = None
        self.central.forgotten_at_the_edge += self.uplink.counters["observations_forgotten"]
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self.keeper._thread.shutdown(wait=True)
        self.keeper._journal._store.close()


def set_up(conn: Connection) -> None:
    places.add_location(conn, places.Location(code="hall", name="Hall"))
    items.add_item(conn, items.Item(sku="SKU-1", name="Item"))
    packs.put_pack(conn, GTIN, "SKU-1", 1)
    places.put_read_point(conn, ReadPoint(code="desk", kind="scan", location="hall"))


@asynccontextmanager
async def a_central(folder: Path) -> AsyncIterator[Central]:
    database = Database(f"sqlite:///{folder / 'central.sqlite'}")
    try:
        await asyncio.to_thread(database.migrate)
        await database.write(set_up)
        yield Central(database)
    finally:
        await asyncio.to_thread(database.close)


async def one_life(edge: Edge, serials: Sequence[int], chance: random.Random) -> None:
    """Some of it with a road to central, some of it without, words heard or not."""
    central = edge.central
    central.takes = chance.random() < 0.8
    early, hears = chance.random() < 0.5, chance.random() < 0.7
    if hears:
        central.hears = edge.uplink.watermark
    if early:  # the retained watermark comes before the first observation of this life
        central.tell()
    edge.uplink.connected()
    half = len(serials) // 2
    await edge.keep(serials[:half])
    if not early:
        central.tell()
    if central.takes and hears and chance.random() < 0.7:
        with suppress(TimeoutError):
            await asyncio.wait_for(edge.uplink.drained(), 5)
    await edge.keep(serials[half:])
    if central.takes and chance.random() < 0.5:
        sent = edge.uplink.counters["batches_sent"]
        with suppress(TimeoutError):
            await until(lambda: edge.uplink.counters["batches_sent"] > sent, limit_s=0.1)


async def lives(
    card: Card, central: Central, seed: int, count: int, epoch: str | None = None
) -> Acknowledged:
    """``count`` lives and power cuts on a lying card, and a last one that brings all home."""
    chance = random.Random(seed)
    acknowledged: Acknowledged = {}
    serial = 1
    card.lie()
    for number in range(count):
        edge = Edge(central, open_noting(card.path, acknowledged, epoch))
        rows = chance.randint(5, 60)
        await one_life(edge, range(serial, serial + rows), chance)
        serial += rows
        await edge.die()
        card.cut(chance.choice(SURVIVALS), seed * 1_000 + number)
    central.takes = True
    edge = Edge(central, open_noting(card.path, acknowledged, epoch))
    central.hears = edge.uplink.watermark
    central.tell()
    edge.uplink.connected()
    await edge.keep(range(serial, serial + 10))
    if epoch is None:  # else central's word is about more than this life wrote, and not believed
        await asyncio.wait_for(edge.uplink.drained(), 60)
    await edge.die()
    return acknowledged


async def faults(central: Central, acknowledged: Acknowledged) -> list[str]:
    """What is wrong at central, held against what the edge had acknowledged to its devices."""
    judge = Judge(central.database, Tide())
    while await judge.step():
        pass
    found: list[str] = await central.database.read(_unsound)
    there = {
        (epoch, seq): serial_of(body)
        for epoch, seq, body in await central.database.read(
            lambda c: c.execute(text("SELECT epoch, seq, body FROM observation")).all()
        )
    }
    streams = await central.database.read(
        lambda c: c.execute(text("SELECT epoch, committed_seq, lost FROM edge_stream")).all()
    )
    for place, serials in acknowledged.items():
        if len(serials) > 1:
            found.append(f"{place} was given to {len(serials)} observations: {serials}")
    for place, serial in there.items():
        if acknowledged.get(place) != {serial}:
            found.append(f"{place} holds {serial} and was given to {acknowledged.get(place)}")
    if len(set(there.values())) != len(there):
        found.append("an observation came twice")
    for epoch, committed, lost in streams:
        gone = [p for p in acknowledged if p[0] == epoch and p[1] <= committed and p not in there]
        if len(gone) != lost:
            found.append(f"{epoch}: {len(gone)} announced ones never came, {lost} counted as lost")
    if central.ingest.counters["lost"] != sum(lost for _, _, lost in streams):
        found.append("the alarm's counter is not the sum of what the streams lost")
    return found


def _unsound(conn: Connection) -> list[str]:
    moved = conn.execute(text("SELECT count(*) FROM movement WHERE origin = 'scan'")).scalar_one()
    seen = conn.execute(text("SELECT count(*) FROM observation")).scalar_one()
    wrong = [] if moved == seen else [f"{seen} scans came to {moved} movements"]
    return [
        *wrong, *chain.verify(conn), *projection.check_balances(conn), *replay.differences(conn)
    ]  # fmt: skip


@pytest.fixture
def card(tmp_path: Path) -> AsyncIterator[Card]:
    if reason := why_not():
        pytest.skip(reason)
    with mounted(tmp_path / "card") as made:
        yield made


async def test_what_a_lying_card_forgot_is_a_gap_and_an_alarm(tmp_path: Path) -> None:
    if reason := why_not():
        pytest.skip(reason)
    at_central = at_the_edge = 0
    for seed in (1, 2, 3, 4):
        room = tmp_path / str(seed)
        room.mkdir()
        with mounted(room / "card") as card:
            async with a_central(room) as central:
                acknowledged = await lives(card, central, seed, count=12)
                assert await faults(central, acknowledged) == []
                counted = central.ingest.counters
                at_central += counted["lost"] + counted["forgotten"]
                at_the_edge += central.forgotten_at_the_edge
    assert at_central > 0
    assert at_the_edge > 0


async def test_a_journal_that_kept_its_epoch_would_be_caught(card: Card, tmp_path: Path) -> None:
    """The negative control: one epoch for all lives gives numbers a second time."""
    async with a_central(tmp_path) as central:
        acknowledged = await lives(card, central, 1, count=6, epoch="0123456789abcdef")
        told = await faults(central, acknowledged)
        assert any("was given to" in one for one in told)
