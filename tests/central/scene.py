# ruff: noqa: E501, PERF401 (a table of made-up facts reads best unfolded)
"""A small shop with a dock, a shelf and a few days of stock, for screens to show."""

from __future__ import annotations

import json
import random
from datetime import UTC, datetime, timedelta

import msgspec
from sqlalchemy import Connection, insert

from central import schema
from central.database.moments import to_us
from central.intake import observations
from central.intake.observations import Arrived
from central.reconcile.verdict import Hypothesis, TagVerdict
from central.stock import ledger
from central.stock.model import Cause, Movement
from gateway.contract import (
    Antenna,
    DeviceDescribed,
    DeviceHealth,
    Observation,
    TagSighting,
    WeightDisturbed,
    WeightSettled,
)
from tests.central.harness import Bench

CASES = {
    "OAT-500": ("Rolled oats 500 g", 12),
    "PASTA-1K": ("Durum pasta 1 kg", 10),
    "OIL-750": ("Olive oil 750 ml", 6),
    "RICE-1K": ("Basmati rice 1 kg", 10),
    "TOM-400": ("Chopped tomatoes 400 g", 24),
}
PLATES = {
    "SCR-M4": ("Hex screw M4 x 20", 3_200),
    "SCR-M6": ("Hex screw M6 x 30", 9_800),
    "NUT-M6": ("Nut M6", 2_400),
    "WASH-6": ("Washer 6 mm", 1_100),
    "BIT-PH2": ("Bit PH2", 7_600),
    "TAPE-19": ("Insulating tape 19 mm", 38_000),
}
LAYOUT = {
    "boards": [{"board": board, "width_mm": 900, "depth_mm": 400} for board in (1, 2)],
    "plates": [
        {"plate": plate, "board": board, "x_mm": x, "y_mm": 20, "width_mm": width, "depth_mm": 360}
        for plate, board, x, width in ((1, 2, 10, 280), (2, 2, 310, 280), (3, 2, 610, 280),
                                       (4, 1, 10, 210), (5, 1, 240, 210), (6, 1, 470, 420))
    ],
}  # fmt: skip
"""How shelf 7 stands: two boards, the upper one with three plates."""


async def set_up(made: Bench) -> None:
    """Catalogue, places and opening stock, through the API."""
    for code, name in {
        "warehouse": "Warehouse",
        "backroom": "Back room",
        "shelf-7": "Shelf 7",
    }.items():
        await made.post("/locations", code=code, name=name)
    for sku, (name, _) in CASES.items():
        await made.post("/items", sku=sku, name=name, category="dry goods")
    for sku, (name, unit_mg) in PLATES.items():
        await made.post("/items", sku=sku, name=name, category="hardware", unit_mg=unit_mg)
    await made.put("/read-points/dock-1", kind="portal", location="warehouse")
    await made.put(
        "/read-points/shelf-7", kind="shelf", location="shelf-7", inbound_from="backroom"
    )
    for plate, (sku, (_, unit_mg)) in enumerate(PLATES.items(), 1):
        await made.put(f"/read-points/shelf-7/plates/{plate}", sku=sku, unit_mg=unit_mg)
        for place, quantity in (("backroom", 400 + 25 * plate), ("shelf-7", 60 + 12 * plate)):
            await made.post(
                "/stock/receive",
                id=f"opening-{sku}-{place}",
                sku=sku,
                quantity=quantity,
                location=place,
            )
    await made.put("/read-points/shelf-7/layout", **LAYOUT)
    for sku in CASES:
        await made.post(
            "/stock/receive", id=f"opening-{sku}", sku=sku, quantity=480, location="warehouse"
        )


async def play(made: Bench, seed: int = 7) -> None:
    """Passes, weights, health and movements, as ingest and judging would have left them."""
    rng = random.Random(seed)
    now = datetime.now(UTC)
    await made.services.write(lambda c: _play(c, rng, now))


def _play(conn: Connection, rng: random.Random, now: datetime) -> None:
    seen: list[Observation] = [
        DeviceDescribed(
            device="dock-1-reader", read_point="dock-1", event_time=now, driver="llrp",
            model="Impinj R420", antennas=[Antenna(antenna=1, side="outside"), Antenna(antenna=2, side="inside")],
        ),
        DeviceHealth(device="dock-1-reader", read_point="dock-1", event_time=now, state="running", counters={"frames": 12_400}),
        DeviceDescribed(device="desk-scanner", read_point="receiving", event_time=now, driver="scanner"),
        DeviceHealth(
            device="desk-scanner", read_point="receiving", event_time=now, state="retrying",
            cause="/dev/ttyACM0 does not exist", hint="Plug the scanner in; it is looked for again every few seconds.",
        ),
    ]  # fmt: skip
    for plate, (unit_mg) in enumerate((unit for _, unit in PLATES.values()), 1):
        device = f"plate-{plate}"
        units = 60 + 12 * plate
        at = now - timedelta(minutes=6)
        seen += [
            DeviceDescribed(device=device, read_point="shelf-7", event_time=at, driver="mt-sics", plate=plate),
            DeviceHealth(device=device, read_point="shelf-7", event_time=at, state="running"),
            WeightSettled(device=device, read_point="shelf-7", event_time=at, plate=plate, gross_mg=units * unit_mg),
            WeightSettled(
                device=device, read_point="shelf-7", event_time=at + timedelta(seconds=40 * plate),
                plate=plate, gross_mg=(units - 9 * plate) * unit_mg,
            ),
        ]  # fmt: skip
    seen.append(
        WeightDisturbed(
            device="plate-3", read_point="shelf-7", event_time=now, plate=3, reason="held"
        )
    )
    for tick in range(240):
        at = now - timedelta(seconds=240 - tick)
        wave = max(0.0, 1 - abs(tick % 60 - 30) / 14)
        seen += [
            TagSighting(
                device="dock-1-reader", read_point="dock-1", event_time=at, epc="30340789AB",
                antenna=antenna, count=3 + int(380 * wave) + rng.randrange(8), peak_rssi_dbm=-68 + 22 * wave,
            )
            for antenna in (1, 2)
        ]  # fmt: skip
    arrived = [
        Arrived(edge="dock-pi", epoch="e0000001", seq=seq, observation=one)
        for seq, one in enumerate(seen, 1)
    ]
    observations.append(conn, arrived, to_us(now))
    conn.execute(
        insert(schema.edge_stream).values(
            edge="dock-pi", epoch="e0000001", site="demo", upto_seq=len(arrived), lost=0,
            fenced=False, first_us=to_us(now), last_us=to_us(now),
        )
    )  # fmt: skip
    for number in range(5):
        add_pass(conn, number, rng, now - timedelta(seconds=50 * (5 - number)))
    ledger.post(
        conn,
        [
            Movement(
                id=f"pick-000{plate}", sku=sku, quantity=9 * plate, source="shelf-7", destination="customer",
                biz_step="picking", event_time=now - timedelta(seconds=31 - plate), origin="shelf", confidence=0.995,
                causes=(Cause(edge="dock-pi", epoch="e0000001", first_seq=9, last_seq=9),),
                evidence={"plate": plate, "before_g": 412.4, "after_g": 384.1},
            )
            for plate, sku in enumerate(PLATES, 1)
        ],
        record_us=to_us(now),
    )  # fmt: skip
    best = Movement(
        id="proposal-1", sku="SCR-M4", quantity=4, source="shelf-7", destination="customer",
        biz_step="picking", event_time=now, confidence=0.62,
    )  # fmt: skip
    guesses = [
        Hypothesis(says="4 of SCR-M4 taken", probability=0.62, movements=(best,)),
        Hypothesis(says="nothing was put on or taken", probability=0.38),
    ]
    conn.execute(
        insert(schema.review).values(
            id="review-1", opened_us=to_us(now), event_us=to_us(now), read_point="shelf-7",
            reason="The weight fits 4 screws or 3 screws and a washer",
            hypotheses=msgspec.json.encode(guesses).decode(), causes="[]", evidence="{}", status="open",
        )
    )  # fmt: skip


def add_pass(conn: Connection, number: int, rng: random.Random, at: datetime) -> None:
    """One pallet through the dock, with strays, and its movements."""
    inward = number % 3 != 2
    skus = rng.sample(list(CASES), 3)
    tags, posted = [], []
    for index, sku in enumerate(skus):
        pack = CASES[sku][1]
        epcs = [f"3034{number:04X}{index:04X}{case:012X}" for case in range(rng.randrange(8, 16))]
        for epc in epcs:
            tags.append(
                TagVerdict(
                    epc=epc, direction="in" if inward else "out", confidence=rng.uniform(0.97, 0.999),
                    reads=rng.randrange(12, 60), sku=sku, quantity=pack, peak_rssi_dbm=rng.uniform(-62, -44),
                )
            )  # fmt: skip
        posted.append(
            Movement(
                id=f"pass-{number}-{sku}", sku=sku, quantity=pack * len(epcs),
                source="supplier" if inward else "warehouse", destination="warehouse" if inward else "customer",
                biz_step="receiving" if inward else "shipping", event_time=at, origin="portal",
                confidence=0.981, epcs=tuple(epcs),
                evidence={"pass": f"p{number}", "tags": len(epcs), "reads": 812, "sides": {"outside": 402, "inside": 410}},
                causes=(Cause(edge="dock-pi", epoch="e0000001", first_seq=30 + number, last_seq=90 + number),),
            )
        )  # fmt: skip
    for stray in range(rng.randrange(0, 5)):
        tags.append(
            TagVerdict(
                epc=f"3034FFFF{stray:016X}", direction="none", confidence=0.99, reads=240,
                reason="lay still", sku="OIL-750", quantity=6, peak_rssi_dbm=-66.0,
            )
        )  # fmt: skip
    conn.execute(
        insert(schema.portal_pass).values(
            id=f"p{number}", read_point="dock-1", opened_us=to_us(at) - 3_400_000, closed_us=to_us(at),
            direction="in" if inward else "out", decision="posted",
            tags=msgspec.json.encode(tags).decode(), causes=json.dumps([]),
        )
    )  # fmt: skip
    ledger.post(conn, posted, record_us=to_us(at) + 1_100_000)
