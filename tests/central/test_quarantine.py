"""What nobody understands is kept for a person, once, and never without limit."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
from sqlalchemy import text

from central.database.store import Database
from central.database.tide import Tide
from central.intake import quarantine
from central.intake.ingest import Ingest
from central.intake.quarantine import KEPT_BYTES, Limits, Standing
from gateway import codec
from tests.central.test_ingest_and_judge import TOPIC, scan, wire
from tests.fakes.clock import FakeClock


async def stand(database: Database) -> Standing:
    return await database.read(quarantine.standing)


async def kept(database: Database) -> list[tuple[bytes, int, int, int]]:
    """Payload, how often it came, first and last time of each row, in order of the last."""
    rows = text("SELECT payload, times, received_us, last_us FROM quarantine ORDER BY last_us, id")
    return [
        (bytes(row.payload), row.times, row.received_us, row.last_us)
        for row in await database.read(lambda c: c.execute(rows).all())
    ]


async def test_the_same_payload_again_is_counted_and_not_kept_again(database: Database) -> None:
    clock = FakeClock()
    ingest = Ingest(database, Tide(), clock=clock)
    for _ in range(3):
        clock.wall_us += 10
        await ingest.receive([(TOPIC, b"{broken"), (TOPIC, b"{other")])
    await ingest.receive([("tp/v1/site/edge-9/up/observations", b"{broken")])
    assert await kept(database) == [
        (b"{broken", 3, 10, 30), (b"{other", 3, 10, 30), (b"{broken", 1, 30, 30),
    ]  # fmt: skip
    assert await stand(database) == Standing(rows=3, times=7, gone=0)


async def test_what_an_edge_sends_again_later_is_the_same(database: Database) -> None:
    ingest = Ingest(database, Tide())
    _, payload = wire(1, [scan("1")])
    later = wire(1, [scan("1")])[1]
    batch = msgspec.json.decode(payload) | {"v": 9}
    for minute in range(4):
        again = {**batch, "sent_at": f"2026-01-01T00:{minute:02}:00Z", "committed_seq": minute}
        await ingest.receive([(TOPIC, msgspec.json.encode(again))])
    packed = codec.encode(codec.decode(later), compress=True)
    await ingest.receive([("tp/v1/site/another/up/observations", one) for one in (later, packed)])
    assert [times for _, times, _, _ in await kept(database)] == [4, 2]


async def fill(database: Database, payloads: Sequence[bytes], limits: Limits) -> Ingest:
    clock = FakeClock()
    ingest = Ingest(database, Tide(), clock=clock, quarantined=limits)
    for payload in payloads:
        clock.wall_us += 1
        await ingest.receive([(TOPIC, payload)])
    return ingest


async def test_the_oldest_go_and_are_counted_when_there_are_too_many(database: Database) -> None:
    payloads = [b"{%d" % number for number in range(8)]
    # The first comes again and again: it is not old.
    ingest = await fill(database, [*payloads[:4], payloads[0], *payloads[4:]], Limits(max_rows=5))
    assert [row[0] for row in await kept(database)] == [payloads[0], *payloads[4:]]
    assert await stand(database) == Standing(rows=5, times=6, gone=3)
    assert ingest.counters["quarantine_gone"] == 3


async def test_bytes_are_bounded_as_well_and_a_giant_keeps_its_beginning(
    database: Database,
) -> None:
    limits = Limits(max_bytes=3 * KEPT_BYTES)
    giants = [b"{%d" % number + b"x" * (2 * KEPT_BYTES) for number in range(4)]
    await fill(database, giants, limits)
    rows = await kept(database)
    assert [row[0] for row in rows] == [giant[:KEPT_BYTES] for giant in giants[1:]]
    assert (await stand(database)).gone == 1


async def test_what_an_older_release_kept_is_kept(database: Database) -> None:
    database.migrate("0005")
    old = text(
        "INSERT INTO quarantine (received_us, topic, reason, payload) "
        "VALUES (0, 'a topic', 'a reason', :payload)"
    )
    for _ in range(2):  # an older release kept every repeat
        await database.write(lambda c: c.execute(old, {"payload": b"{old"}).rowcount)
    database.migrate()
    await fill(database, [b"{new"], Limits(max_rows=2))
    assert [row[0] for row in await kept(database)] == [b"{old", b"{new"]
    database.migrate("0005")
    count = text("SELECT count(*) FROM quarantine")
    assert await database.read(lambda c: c.execute(count).scalar_one()) == 2
