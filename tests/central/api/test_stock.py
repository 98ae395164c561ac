"""Every route of stock with its documented bodies, the founding documents' ones among them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from tests.central.harness import Bench, bench

ITEM = {
    "sku": "ABC-12345", "name": "Wireless mouse", "unit_price": 29.99, "currency": "EUR",
    "attributes": {"colour": "black", "warranty_months": 24},
}  # fmt: skip
RECEIPT = {"sku": "ABC-12345", "location": "WH-01", "quantity": 150, "reference": "PO-7890"}


@pytest.fixture
async def made(tmp_path: Path, books_url: str) -> AsyncIterator[Bench]:
    async with bench(tmp_path, books_url) as opened:
        for code in ("WH-01", "WH-02"):
            await opened.post("/locations", code=code, name=code)
        await opened.post("/items", **ITEM)
        yield opened


async def _held(made: Bench, sku: str = "ABC-12345") -> dict[tuple[str, str], int]:
    found: Any = await made.get(f"/stock/{sku}")
    return {(one["location"], one["status"]): one["on_hand"] for one in found["balances"]}


async def test_the_first_receipt_into_a_new_location_is_there(made: Bench) -> None:
    received = await made.post("/stock/receive", **RECEIPT)
    assert (received["reference"], received["actor"]) == ("PO-7890", "api")
    assert await _held(made) == {("WH-01", "available"): 150}
    found: Any = await made.get("/api/inventory?sku=ABC-12345&location=WH-01")
    assert [(row["lot"], row["status"], row["on_hand"]) for row in found["rows"]] == [
        ("", "available", 150)
    ]
    there: Any = await made.get("/api/locations/WH-01/inventory")
    assert [row["sku"] for row in there["rows"]] == ["ABC-12345"]


@pytest.mark.parametrize(
    "ends",
    [
        {"source": "WH-01", "destination": "WH-02"},
        {"from": "WH-01", "to": "WH-02"},
        {"from_location": "WH-01", "to_location": "WH-02"},
        {"source_location": "WH-01", "destination_location": "WH-02"},
    ],
)
async def test_a_move_by_any_of_its_names(made: Bench, ends: dict[str, str]) -> None:
    await made.post("/stock/receive", **RECEIPT)
    goods = {"id": "move-0001", "sku": "ABC-12345", "quantity": 50}
    await made.post("/api/inventory/move", **goods, **ends)
    again = await made.post("/stock/move", 200, **goods, **ends)
    assert again["repeated"]
    assert await _held(made) == {("WH-01", "available"): 100, ("WH-02", "available"): 50}
    other = await made.post("/stock/move", 409, **(goods | {"quantity": 51}), **ends)
    assert other["type"] == "urn:tallyport:problem:conflicting-repeat"


async def test_a_status_is_put_as_a_movement(made: Bench) -> None:
    await made.post("/stock/receive", **RECEIPT)
    path = "/api/inventory/ABC-12345/status"
    some = {
        "id": "status-0001",
        "status": "damaged",
        "location": "WH-01",
        "quantity": 3,
        "reason": "wet",
    }
    for repeated in (False, True):
        answer = await made.http.put(path, json=some)
        assert answer.status_code == 200, answer.text
        (moved,) = answer.json()["movements"]
        assert (moved["source"], moved["destination"], moved["repeated"]) == (
            "WH-01",
            "WH-01",
            repeated,
        )
    await made.put(path, status="quarantined")
    assert await _held(made) == {("WH-01", "damaged"): 3, ("WH-01", "quarantined"): 147}
    sellable: Any = await made.get("/api/inventory?status=available")
    assert sellable["rows"] == []
    refused = await made.http.put(
        path, json={"status": "available", "from_status": "damaged", "quantity": 1}
    )
    assert refused.status_code == 422
    assert "say the `location`" in refused.json()["detail"]
    other = await made.http.put("/api/inventory/GHOST/status", json={"status": "damaged"})
    assert other.status_code == 404


async def test_commands_of_every_kind(made: Bench) -> None:
    await made.post("/stock/receive", **RECEIPT)
    of = {"sku": "ABC-12345", "location": "WH-01"}
    await made.post("/stock/ship", **of, quantity=10, reference="SO-1001")
    back = await made.post("/stock/return", **of, quantity=1, reference="RMA-17")
    assert (back["destination_status"], back["disposition"]) == ("quarantined", "returned")
    await made.post("/stock/status", **of, quantity=4, to_status="damaged", reason="wet")
    wet = of | {"quantity": 3, "status": "damaged", "reason": "wet"}
    assert (await made.http.post("/stock/scrap", json=wet)).status_code == 201
    fewer = await made.post("/stock/adjust", **of, change=-2, code="lost")
    assert (fewer["destination"], fewer["quantity"], fewer["reason"]) == ("adjustment", 2, "lost")
    await made.post("/stock/adjust", **of, change=1, code="found", reason="behind the box")
    nothing = await made.post("/stock/adjust", 409, **of, change=0, code="other")
    assert "a movement is of 1 to" in str(nothing["detail"])
    assert await _held(made) == {
        ("WH-01", "available"): 135, ("WH-01", "damaged"): 1, ("WH-01", "quarantined"): 1,
    }  # fmt: skip
    counted = await made.post("/stock/count", 200, id="count-0001", **of, counted=130)
    assert counted["movement"]["quantity"] == 5  # type: ignore[index]
    again = await made.post("/stock/count", 200, id="count-0001", **of, counted=130)
    assert again["movement"]["repeated"]  # type: ignore[index]
    assert (await made.post("/stock/count", 200, **of, counted=130))["movement"] is None


async def test_lines_are_carried_out_together_or_not_at_all(made: Bench) -> None:
    await made.post("/stock/receive", **RECEIPT)
    lines = [
        {"do": "move", "sku": "ABC-12345", "quantity": 8, "from": "WH-01", "to": "WH-02"},
        {"do": "scrap", "sku": "ABC-12345", "quantity": 1, "location": "WH-02"},
    ]
    first = await made.post("/stock/lines", id="kit-0001", lines=lines)
    assert [one["id"] for one in first["movements"]] == ["kit-0001-0", "kit-0001-1"]  # type: ignore[attr-defined]
    again = await made.post("/stock/lines", 200, id="kit-0001", lines=lines)
    assert all(one["repeated"] for one in again["movements"])  # type: ignore[attr-defined]
    lines[1]["quantity"] = 100
    refused = await made.post("/stock/lines", 409, id="kit-0002", lines=lines)
    assert "holds 15 of" in str(refused["detail"])
    assert await _held(made) == {("WH-01", "available"): 142, ("WH-02", "available"): 7}


async def test_stock_as_it_was_and_as_it_was_known(made: Bench) -> None:
    of = {"sku": "ABC-12345", "location": "WH-01"}
    await made.post("/stock/receive", **of, quantity=5, event_time="2026-01-01T08:00:00Z")
    late = await made.post("/stock/receive", **of, quantity=2, event_time="2025-12-31T08:00:00Z")

    async def then(asked: str) -> object:
        return (await made.get(f"/stock/ABC-12345?{asked}"))["on_hand"]

    assert await then("as_of=2025-12-31T12:00:00Z") == 2
    assert await then("as_of=2025-12-31T12:00:00Z&known_seq=1") == 0
    assert await then("known_seq=1") == 5
    assert await then(f"known_at={late['record_time']}") == 7
    assert await then("known_at=2026-01-01T08:00:00Z") == 0
    whole: Any = await made.get("/stock/ABC-12345?as_of=2026-01-01T08:00:00Z")
    assert whole["balances"] == (await made.get("/stock/ABC-12345"))["balances"]


async def test_a_lot_is_received_with_its_papers_and_called_back(made: Bench) -> None:
    await made.post("/items", sku="MILK-1L", name="Milk", tracking="lot")
    milk = {"sku": "MILK-1L", "quantity": 48, "location": "WH-01"}
    unnamed = await made.post("/stock/receive", 409, **milk)
    assert unnamed["detail"] == "item MILK-1L is tracked by lot: name the lot"
    milk["lot"] = "L2026-11"
    await made.post("/stock/receive", **milk, expires_on="2026-12-24")
    other = await made.post("/stock/receive", 422, **milk, expires_on="2026-12-25")
    assert "has expires_on 2026-12-24, not 2026-12-25" in str(other["detail"])
    known = await made.get("/lots/MILK-1L/L2026-11")
    assert (known["expires_on"], known["status"]) == ("2026-12-24", "active")
    soon: Any = await made.get("/lots?expires_before=2027-01-01")
    assert [row["lot"] for row in soon["rows"]] == ["L2026-11"]
    await made.put("/lots/MILK-1L/L2026-11", supplier_lot="A-77")
    done: Any = await made.post("/lots/MILK-1L/L2026-11/recall", 200, reason="glass found")
    assert [one["quantity"] for one in done["movements"]] == [48]
    assert await _held(made, "MILK-1L") == {("WH-01", "quarantined"): 48}
    await made.get("/lots/MILK-1L/none", 404)
    await made.post("/lots/MILK-1L/none/recall", 404, reason="glass found")


async def test_pieces_move_by_their_serial_numbers(made: Bench) -> None:
    await made.post("/items", sku="DRILL", name="Drill", tracking="serial")
    two = {"sku": "DRILL", "quantity": 2, "location": "WH-01"}
    short = await made.post("/stock/receive", 409, **two, serials=["S1"])
    assert "name each of the 2 pieces once, not 1" in str(short["detail"])
    await made.post("/stock/receive", **two, serials=["S1", "S2"])
    twice = await made.post("/stock/receive", 409, **two, serials=["S2", "S3"])
    assert "piece S2 of DRILL lies at WH-01 (available) already" in str(twice["detail"])
    await made.post(
        "/stock/move", sku="DRILL", quantity=1, source="WH-01", destination="WH-02", serials=["S2"]
    )
    astray = await made.post(
        "/stock/ship", 409, sku="DRILL", quantity=1, location="WH-01", serials=["S2"]
    )
    assert "piece S2 of DRILL lies at WH-02 (available), not at WH-01 (available)" in str(
        astray["detail"]
    )
    piece = await made.get("/stock/DRILL/serials/S2")
    assert (piece["location"], piece["status"]) == ("WH-02", "available")
    assert (await made.get("/stock/DRILL/serials?location=WH-01"))["serials"] == ["S1"]
    await made.get("/stock/DRILL/serials/S9", 404)
    stray = await made.post("/stock/receive", 409, **RECEIPT, serials=["S1"])
    assert "is not tracked by serial numbers" in str(stray["detail"])
