"""Announced goods over REST: made once, ticked off by what is seen, closed."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from central.database.tide import Tide
from central.intake.ingest import Ingest
from central.judging.judge import Judge
from gateway import codec
from gateway.contract import Batch, CodeScanned, Observation
from gateway.gs1 import sgtin96_hex
from tests.central.harness import Bench, bench
from tests.fakes.portal_log import moment

GTIN = "09521234000013"
TOPIC = "tp/v1/site/edge-1/up/observations"
ORDER: dict[str, object] = {
    "id": "asn-00001",
    "kind": "asn",
    "destination": "hall",
    "lines": [
        {"gtin": GTIN, "quantity": 2, "epcs": [f"(01){GTIN}(21)7", sgtin96_hex(GTIN, 7, 8)]},
        {"sku": "OAT", "quantity": 12, "line": "loose"},
    ],
    "units": [{"sscc": "340123450000000017", "contents": [{"sku": "OAT", "quantity": 6}]}],
}


@pytest.fixture
async def made(tmp_path: Path, books_url: str) -> AsyncIterator[Bench]:
    async with bench(tmp_path, books_url) as opened:
        await opened.post("/locations", code="hall", name="Hall")
        gtins = [{"gtin": GTIN, "quantity": 6}]
        await opened.post("/items", sku="OAT", name="Oats", gtins=gtins)
        await opened.put("/read-points/desk", kind="scan", location="hall", inferred="auto")
        yield opened


async def scanned(made: Bench, first: int, *codes: str) -> None:
    seen: list[Observation] = [
        CodeScanned(device="s", read_point="desk", event_time=moment(n), data=code, symbology="]C1")
        for n, code in enumerate(codes)
    ]
    batch = Batch(
        edge="edge-1", epoch="epoch0001", first_seq=first, observations=seen, lost_before=0,
        sent_at=moment(0.0),
    )  # fmt: skip
    await Ingest(made.database, Tide()).receive([(TOPIC, codec.encode(batch))])
    judge = Judge(made.database, Tide())
    while await judge.step():
        pass


async def test_a_document_is_made_once_shown_ticked_off_and_closed(made: Bench) -> None:
    first = await made.post("/documents", **ORDER)
    assert (first["source"], first["status"]) == ("supplier", "open")
    assert [line["quantity"] for line in first["lines"]] == [12, 12]  # type: ignore[attr-defined, index]
    again = await made.post("/documents", 200, **ORDER)
    assert again == first
    other = await made.post("/documents", 409, **ORDER | {"destination": "customer"})
    assert other["type"] == "urn:tallyport:problem:already-exists"
    await scanned(made, 1, f"01{GTIN}217", "00340123450000000017", f"01{GTIN}21999")
    shown = await made.get("/documents/asn-00001")
    assert [
        (one["line"], one["state"], one["read_qty"], one["inferred_qty"])
        for one in shown["progress"]  # type: ignore[attr-defined]
    ] == [("1", "short", 6, 0), ("loose", "matched", 6, 6)]
    assert (await made.get("/stock/OAT"))["on_hand"] == 18
    closed = await made.post("/documents/asn-00001/close", 200)
    assert closed["status"] == "closed"
    assert (await made.post("/documents/asn-00001/close", 200))["status"] == "closed"
    assert (await made.get("/documents"))["rows"] == []
    assert len((await made.get("/documents?status=all"))["rows"]) == 1  # type: ignore[arg-type]
    await scanned(made, 4, f"01{GTIN}21444")
    assert len((await made.get("/documents/asn-00001"))["notes"]) == 3  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("change", "status", "said"),
    [
        ({"destination": "moon"}, 404, "no location moon"),
        ({"kind": "transfer", "destination": "hall"}, 422, "needs its source"),
        ({"lines": [{"sku": "NONE", "quantity": 1}]}, 404, "no item NONE"),
        ({"lines": [{"gtin": "4012345000016", "quantity": 1}]}, 404, "no item has the GTIN"),
        ({"lines": [{"sku": "OAT", "quantity": 1, "epcs": [GTIN]}]}, 422, "names no single piece"),
        ({"lines": [{"sku": "OAT", "gtin": GTIN, "quantity": 1}]}, 422, "either sku or gtin"),
        ({"units": [{"sscc": "340123450000000018"}]}, 422, "check digit"),
        ({"lines": [{"sku": "OAT", "quantity": 1, "line": "a"}] * 2}, 422, "name of its own"),
    ],
)
async def test_what_cannot_be_announced_is_said(
    made: Bench, change: dict[str, object], status: int, said: str
) -> None:
    answer = await made.post("/documents", status, **ORDER | change)
    assert said in str(answer["detail"])


async def test_later_evidence_stands_beside_the_movement(made: Bench) -> None:
    await made.put("/read-points/desk", kind="scan", location="hall", fuse_s=0)
    assert (await made.get("/read-points"))["rows"][0]["fuse_s"] == 0  # type: ignore[index]
    await scanned(made, 1, f"01{GTIN}21999")
    (row,) = (await made.get("/movements"))["rows"]  # type: ignore[misc]
    assert (await made.get(f"/movements/{row['id']}"))["witnesses"] == []
