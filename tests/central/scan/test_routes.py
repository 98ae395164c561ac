"""What a phone takes along, what codes mean, and how what was a mistake is taken back."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from central.access.model import Grant, Role
from central.scan import package
from gateway.command_codes import Verb, command_code, place_code
from tests.central.access.people import hire, log_in, staffed, visitor
from tests.central.harness import Bench, bench
from tests.central.scan.floor import BOLT, DRILL, MILK, NUT, furnish, units


@pytest.fixture
async def made(tmp_path: Path, books_url: str) -> AsyncIterator[Bench]:
    async with bench(tmp_path, books_url) as opened:
        await furnish(opened)
        yield opened


async def receive(made: Bench, name: str, **said: object) -> dict[str, Any]:
    session = {"id": "session-12345", "order": "po-12345", "aside": "A-1"}
    await made.http.post("/api/receiving", json=session)
    return await made.post("/api/receiving/session-12345/receipts", id=name, **said)


async def lines(made: Bench) -> dict[str, int]:
    order: Any = await made.get("/api/orders/inbound/po-12345")
    return {one["line"]: one["received"] for one in order["lines"]}


async def test_the_package_has_every_task(made: Bench) -> None:
    await receive(made, "receipt-12345", sku="NUT", quantity=4)
    found: Any = await made.get("/api/scan/package")
    (order,) = found["receiving"]
    assert [(one["line"], one["quantity"], one["received"]) for one in order["lines"]] == [
        ("1", 10, 4), ("2", 6, 0),
    ]  # fmt: skip
    (walk,) = found["picking"]
    assert [(one["location"], one["sku"], one["quantity"]) for one in walk["picks"]] == [
        ("A-2", "BOLT", 2), ("A-10", "NUT", 5),
    ]  # fmt: skip
    (count,) = found["counts"]
    assert (count["id"], count["blind"], count["entries"]) == ("count-12345", True, [])
    assert "expected" not in str(count)
    assert found["putaway"] == [{"sku": "NUT", "lot": "", "location": "DOCK", "quantity": 4}]
    assert found["ledger_seq"] == 3


async def test_the_catalogue_comes_once(made: Bench) -> None:
    first = await made.http.get("/api/scan/catalogue")
    told = first.json()
    skus = [row[0] for row in told["items"]]
    assert {gtin: (skus[at], n) for gtin, at, n in told["packs"]} == {
        NUT: ("NUT", 1), BOLT: ("BOLT", 1), MILK: ("MILK", 1), DRILL: ("DRILL", 1),
    }  # fmt: skip
    assert ["A-1", "Bin A-1", "WH", "bin"] in told["places"]
    assert told["whole"] == {"items": True, "places": True}
    same = {"if-none-match": first.headers["etag"]}
    assert (await made.http.get("/api/scan/catalogue", headers=same)).status_code == 304
    await made.post("/items", sku="NEW", name="New")
    assert (await made.http.get("/api/scan/catalogue", headers=same)).status_code == 200


async def test_a_catalogue_too_large_for_a_phone_says_so(
    made: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(package, "MOST_ITEMS", 2)
    monkeypatch.setattr(package, "MOST_PLACES", 3)
    told: Any = await made.get("/api/scan/catalogue?wanted=NUT")
    assert [row[0] for row in told["items"]] == ["NUT", "BOLT"]
    assert all(at < 2 for _gtin, at, _units in told["packs"])
    assert (len(told["places"]), told["whole"]) == (3, {"items": False, "places": False})


async def test_a_code_means_goods_a_unit_a_place_or_a_command(made: Bench) -> None:
    async def meaning(code: str, **more: str) -> dict[str, Any]:
        answer = await made.http.get("/api/scan/code", params={"code": code, **more})
        return dict(answer.json())

    goods = await meaning(f"01{MILK}17261224" + "10L1\x1d3706", symbology="]C1")
    assert {name: goods[name] for name in ("kind", "sku", "lot", "expiry", "quantity")} == {
        "kind": "goods", "sku": "MILK", "lot": "L1", "expiry": "2026-12-24", "quantity": 6,
    }  # fmt: skip
    assert (await meaning("340123450000000017"))["kind"] == "unit"
    assert (await meaning(place_code("a-2")))["place"] == "A-2"
    assert (await meaning("A-2"))["place"] == "A-2"
    assert (await meaning(command_code(Verb.UNDO)))["command"] == "undo"
    assert (await meaning("NUT"))["sku"] == "NUT"
    unknown = await meaning("04012345123456")
    assert (unknown["kind"], "GTIN" in unknown["says"]) == ("unknown", True)
    assert (await meaning("TP-L-A-2-X"))["kind"] == "unknown"


async def test_a_receipt_is_taken_back(made: Bench) -> None:
    await receive(made, "receipt-12345", code=NUT, quantity=4)
    path = "/api/receiving/session-12345/receipts/receipt-12345/take-back"
    for repeated in (False, True):
        answer = await made.post(path, 200)
        assert answer["repeated"] is repeated
    assert await units(made, "NUT", "DOCK") == 0
    assert await lines(made) == {"1": 0, "2": 0}
    moved: Any = await made.get("/movements")
    back, there = moved["rows"][:2]
    assert (back["corrects"], back["destination"]) == (there["id"], "supplier")
    again = await made.http.post(
        "/api/receiving/session-12345/receipts",
        json={"id": "receipt-12345", "code": NUT, "quantity": 4},
    )
    assert (again.status_code, await units(made, "NUT", "DOCK")) == (200, 0)


async def test_a_receipt_whose_goods_went_on_stays(made: Bench) -> None:
    await receive(made, "receipt-12345", sku="NUT", quantity=4)
    await made.post("/stock/move", sku="NUT", quantity=3, source="DOCK", destination="A-1")
    path = "/api/receiving/session-12345/receipts/receipt-12345/take-back"
    refused = await made.post(path, 409)
    assert "DOCK" in str(refused["detail"])
    assert await lines(made) == {"1": 4, "2": 0}


async def test_unexpected_goods_are_taken_back_with_their_review(made: Bench) -> None:
    told = await receive(made, "receipt-12345", sku="BOLT", quantity=2)
    review = told["goods"][0]["review"]
    assert await units(made, "BOLT", "A-1") == 2
    path = "/api/receiving/session-12345/receipts/receipt-12345/take-back"
    await made.post(path, 200)
    assert await units(made, "BOLT", "A-1") == 0
    assert (await made.get(f"/reviews/{review}"))["status"] == "dismissed"
    order: Any = await made.get("/api/orders/inbound/po-12345")
    assert order["aside"] == []


async def test_a_receipt_is_of_when_it_was_in_hand(made: Bench) -> None:
    then = datetime.now(UTC) - timedelta(hours=2)
    for name, said in (("receipt-12345", then), ("receipt-23456", then + timedelta(days=9))):
        told = await receive(made, name, sku="NUT", quantity=1, event_time=said.isoformat())
        moved: Any = await made.get(f"/movements/{told['movements'][0]}")
        at = datetime.fromisoformat(moved["event_time"])
        assert abs(at - then) < timedelta(seconds=1) if said == then else at <= datetime.now(UTC)


async def pick_of(made: Bench, sku: str) -> dict[str, Any]:
    task: Any = await made.get("/api/picking/tasks/walk-12345")
    return next(one for one in task["picks"] if one["sku"] == sku and one["state"] != "void")


async def test_a_pick_is_put_back_and_picked_again(made: Bench) -> None:
    pick = (await pick_of(made, "NUT"))["id"]
    said = {"location": "A-10", "sku": "NUT", "quantity": 5}
    await made.post(f"/api/picking/picks/{pick}/confirm", 200, id="command-1", **said)
    for repeated in (False, True):
        path = f"/api/picking/picks/{pick}/put-back"
        answer = await made.post(path, 200, command="command-1")
        assert (answer["state"], answer["picked"]) == ("open", 0)
        assert answer["repeated"] is repeated
    assert (await units(made, "NUT", "A-10"), await units(made, "NUT", "SHIP")) == (30, 0)
    late = await made.http.post(
        f"/api/picking/picks/{pick}/confirm", json={"id": "command-1"} | said
    )
    assert (late.json()["repeated"], await units(made, "NUT", "SHIP")) == (True, 0)
    await made.post(f"/api/picking/picks/{pick}/confirm", 200, id="command-2", **said)
    assert await units(made, "NUT", "SHIP") == 5
    order: Any = await made.get("/api/orders/outbound/so-12345")
    assert {one["line"]: one["picked"] for one in order["lines"]} == {"1": 5, "2": 0}


async def test_a_pick_for_which_others_were_given_is_not_put_back(made: Bench) -> None:
    pick = (await pick_of(made, "NUT"))["id"]
    await made.post(
        f"/api/picking/picks/{pick}/confirm", 200, id="command-1", location="A-10", sku="NUT",
        quantity=3, reason="damaged",
    )  # fmt: skip
    refused = await made.post(f"/api/picking/picks/{pick}/put-back", 409, command="command-1")
    assert "other goods" in str(refused["detail"])
    await made.post(f"/api/picking/picks/{pick}/put-back", 404, command="command-9")


async def test_what_was_counted_without_a_network(made: Bench) -> None:
    """The count began, and a bolt left, while the phone was away: the books are right after."""
    await made.post("/stock/move", sku="BOLT", quantity=1, source="A-2", destination="A-1")
    began = datetime.now(UTC)
    counted = datetime.now(UTC)
    package: Any = await made.get("/api/scan/package")
    await made.post("/stock/move", sku="BOLT", quantity=2, source="A-2", destination="A-1")
    path = "/api/counts/count-12345"
    seq = package["ledger_seq"]
    await made.post(f"{path}/start", 200, began_at=began.isoformat(), as_of=seq)
    said = {"sku": "BOLT", "counted_at": counted.isoformat(), "as_of": seq}
    await made.post(f"{path}/entries", id="entry-12345", quantity=70, **said)
    for _ in range(2):
        gone = await made.http.delete(f"{path}/entries/entry-12345")
        assert (gone.status_code, gone.json()["entries"]) == (200, [])
    await made.post(f"{path}/entries", id="entry-23456", quantity=7, **said)
    assert (await made.post(f"{path}/finish", 200))["state"] == "REVIEWED"
    assert (await made.http.delete(f"{path}/entries/entry-23456")).status_code == 409
    assert (await made.http.delete(f"{path}/entries/entry-99999")).status_code == 404


async def test_parts_are_for_who_may_read_them(tmp_path: Path) -> None:
    async with staffed(tmp_path) as (made, _clock):
        await log_in(made.http, "root")
        await furnish(made)
        for name, role, place in (
            ("olga", Role.OPERATOR, None), ("ines", Role.INTEGRATION, None),
            ("theo", Role.TECHNICIAN, None), ("anna", Role.OPERATOR, "A-1"),
        ):  # fmt: skip
            await hire(made, name, Grant(role=role, location=place))
        seen = {}
        for name in ("olga", "ines", "theo", "anna"):
            async with visitor(made) as browser:
                await log_in(browser, name)
                answer = await browser.get("/api/scan/package", headers={"accept": "*/*"})
                parts = answer.json()
                seen[name] = [
                    len(parts[part]) if parts.get(part) is not None else None
                    for part in ("receiving", "picking", "counts")
                ]
        assert seen == {
            "olga": [1, 1, 1], "ines": [1, 1, None], "theo": [None] * 3, "anna": [0, 0, 0],
        }  # fmt: skip
