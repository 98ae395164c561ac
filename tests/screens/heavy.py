"""Books of a large house, made directly: pages over them must stay small."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta

import msgspec
from sqlalchemy import Connection, insert

from central import schema
from central.catalogue import items, places
from central.database.moments import from_us, to_us
from central.insight.series import Point
from central.judging import findings
from central.reconcile.verdict import Hypothesis, Pass, ReadPoint, Review, TagVerdict
from central.stock import ledger
from central.stock.model import Cause, Movement
from gateway.contract import TagSighting
from tests.central.harness import Bench

__all__ = ["EDGES", "PASSES", "TAGS", "build"]

TAGS, PASSES, MOVES, GOODS, BINS, EDGES, FEEDS = 2_000, 500, 3_000, 3_000, 500, 200, 400
_ENDED = datetime.now(UTC).replace(microsecond=0) - timedelta(seconds=30)
_CAUSE = Cause(edge="edge-000", epoch="e0000001", first_seq=1, last_seq=4 * TAGS)
_EARS = (("1", "outside"), ("2", "inside"))
_GTIN_STEP = 10


async def build(made: Bench) -> None:
    """All of it, in one transaction; and what was measured."""
    await made.services.write(lambda conn: _book(conn, random.Random(7)))
    now_us = to_us(_ENDED)
    await made.series.write(
        [
            Point(measurement="plate", tags={"read_point": f"shelf-{n:03}", "plate": "1"},
                  fields={"gross_g": 400.0 + n}, time_us=now_us - ago * 60_000_000)
            for n in range(FEEDS) for ago in range(3)
        ]
    )  # fmt: skip


def _book(conn: Connection, rng: random.Random) -> None:
    for code in ("hall", "north"):
        places.add_location(conn, places.Location(code=code, name=code.capitalize()))
    places.put_read_point(conn, ReadPoint(code="dock-1", kind="portal", location="hall"))
    _goods(conn)
    _fleet(conn)
    epcs = [f"{rng.getrandbits(96):024X}" for _ in range(TAGS)]
    _heard(conn, epcs, rng)
    tags = [_verdict(epc, rng) for epc in epcs]
    for number in range(PASSES):
        ended = _ENDED - timedelta(seconds=40 * number)
        own = tags[5 * number % TAGS : 5 * number % TAGS + 5]
        _pass(conn, f"small-{number}", own, ended)
    _pass(conn, "large", tags, _ENDED, causes=(_CAUSE,))
    moved = [
        Movement(
            id=f"large-{sku}", sku=sku, quantity=sum(one.sku == sku for one in tags),
            source="supplier", destination="hall", biz_step="receiving", event_time=_ENDED,
            origin="portal", confidence=0.9, evidence={"pass": "large"}, causes=(_CAUSE,),
            epcs=tuple(one.epc for one in tags if one.sku == sku),
        )
        for sku in sorted({one.sku for one in tags if one.sku})
    ]  # fmt: skip
    ledger.post(conn, moved, record_us=to_us(_ENDED) + 1_000_000)
    _ask(conn, tags)


def _goods(conn: Connection) -> None:
    """Thousands of items in one hall, hundreds of its bins, and one item that never rests."""
    for number in range(GOODS):
        items.add_item(conn, items.Item(sku=f"SKU-{number:04}", name=f"Article number {number}"))
    for number in range(BINS):
        code = f"north-{number:03}"
        places.add_location(
            conn, places.Location(code=code, name=f"Bin {number}", parent="north", type="bin")
        )
    long_ago = _ENDED - timedelta(days=2)
    moves = [
        Movement(
            id=f"in-{number}", sku=f"SKU-{number:04}", quantity=50_000, source="supplier",
            destination=f"north-{number % BINS:03}", biz_step="receiving", event_time=long_ago,
        )
        for number in range(GOODS)
    ]  # fmt: skip
    moves += [
        Movement(
            id=f"go-{number}", sku="SKU-0000", quantity=1, source="north-000",
            destination=f"north-{1 + number % (BINS - 1):03}", biz_step="storing",
            event_time=long_ago + timedelta(seconds=number),
        )
        for number in range(MOVES)
    ]  # fmt: skip
    ledger.post(conn, moves, record_us=to_us(long_ago))


def _fleet(conn: Connection) -> None:
    """Edges with five devices each; every tenth edge is away, every fifth device is not well."""
    at_us = to_us(_ENDED)
    states = [("streaming", "", "")] * 4 + [("retrying", "No route to host", "Is it switched on?")]
    conn.execute(
        insert(schema.edge_presence),
        [
            {"edge": f"edge-{n:03}", "state": "offline" if n % 10 == 9 else "online",
             "since_us": at_us, "version": "1.0.0", "reason": "keep alive" if n % 10 == 9 else ""}
            for n in range(EDGES)
        ],
    )  # fmt: skip
    conn.execute(
        insert(schema.device),
        [
            {"edge": f"edge-{n:03}", "device": f"reader-{each}", "read_point": "dock-1",
             "driver": "llrp", "model": "R700", "state": states[each][0], "cause": states[each][1],
             "hint": states[each][2], "health_us": at_us, "state_us": at_us, "last_us": at_us,
             "description": msgspec.json.encode({"antennas": [
                 {"antenna": int(ear), "side": side} for ear, side in _EARS]}).decode()}
            for n in range(EDGES) for each in range(5)
        ],
    )  # fmt: skip


def _heard(conn: Connection, epcs: list[str], rng: random.Random) -> None:
    """Each tag twice at each antenna while a lorry's load goes by."""
    began_us = to_us(_ENDED) - 60_000_000
    rows = []
    for seq in range(4 * len(epcs)):
        epc, at_us = epcs[seq % len(epcs)], began_us + 7_000 * seq
        ear = _EARS[seq // (2 * len(epcs))][0]
        seen = TagSighting(
            event_time=from_us(at_us), device="reader-0", read_point="dock-1", epc=epc,
            antenna=int(ear), count=3, peak_rssi_dbm=round(rng.uniform(-70, -40), 1),
            phase_rad=rng.uniform(0, 6.28),
        )  # fmt: skip
        rows.append(
            {"edge": _CAUSE.edge, "epoch": _CAUSE.epoch, "seq": seq + 1, "kind": "tag_sighting",
             "device": "reader-0", "read_point": "dock-1", "event_us": at_us, "record_us": at_us,
             "body": msgspec.json.encode(seen).decode()}
        )  # fmt: skip
    conn.execute(insert(schema.observation), rows)


def _verdict(epc: str, rng: random.Random) -> TagVerdict:
    return TagVerdict(
        epc=epc, direction="in", confidence=rng.uniform(0.8, 0.999), reads=rng.randrange(4, 60),
        sku=f"SKU-{rng.randrange(40):04}", quantity=1, peak_rssi_dbm=rng.uniform(-62, -44),
        sides={"outside": 12, "inside": 9},
    )  # fmt: skip


def _pass(
    conn: Connection,
    name: str,
    tags: list[TagVerdict],
    ended: datetime,
    causes: tuple[Cause, ...] = (),
) -> None:
    one = Pass(
        id=name, read_point="dock-1", opened_at=ended - timedelta(seconds=60), closed_at=ended,
        direction="in", decision="moved", tags=tuple(tags), causes=causes,
    )  # fmt: skip
    findings.keep_passes(conn, [one], 1)


def _ask(conn: Connection, tags: list[TagVerdict]) -> None:
    """What became of the large pass, asked of a person."""
    moved = tuple(
        Movement(
            id=f"maybe-{one.epc}", sku=one.sku or "", quantity=1, source="supplier",
            destination="hall", biz_step="receiving", event_time=_ENDED, origin="portal",
            confidence=0.6, epcs=(one.epc,), causes=(_CAUSE,),
            evidence={"pass": "large", "direction": "in"},
        )
        for one in tags
    )  # fmt: skip
    review = Review(
        id="review-large", read_point="dock-1", reason="low confidence", event_time=_ENDED,
        hypotheses=(
            Hypothesis(says=f"all {TAGS} tags came in", probability=0.6, movements=moved),
            Hypothesis(says="half of them came in", probability=0.3, movements=moved[::2]),
            Hypothesis(says="nothing crossed", probability=0.1),
        ),
        causes=(_CAUSE,),
        evidence={
            "pass": "another", "model": "abc",
            "tags": [
                {"epc": one.epc, "direction": "in", "confidence": 0.7, "crossed": 0.62,
                 "inwards": 0.9, "reads": 21, "features": {"loud": 0.1}}
                for one in tags
            ],
        },
    )  # fmt: skip
    findings.keep_reviews(conn, [review], to_us(_ENDED), 0)
