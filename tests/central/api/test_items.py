"""Items over REST: the founding documents' bodies, changes by those who saw what they change."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.central.harness import Bench, bench

MOUSE = {
    "sku": "ABC-12345",
    "name": "Wireless mouse",
    "category": "electronics",
    "unit_price": 29.99,
    "attributes": {"colour": "black", "warranty_months": 24},
}
ANYHOW = {"If-Match": "*", "Content-Type": "application/json"}
EPC = "E28011700000020F1A2B3C4D"


@pytest.fixture
async def made(tmp_path: Path, books_url: str) -> AsyncIterator[Bench]:
    async with bench(tmp_path, books_url) as opened:
        yield opened


async def _etag(made: Bench, sku: str) -> str:
    return str((await made.http.get(f"/items/{sku}")).headers["etag"])


@pytest.mark.parametrize("path", ["/items", "/api/products"])
async def test_the_founding_documents_bodies_are_taken_as_written(made: Bench, path: str) -> None:
    await made.post("/locations", code="WH-01", name="Warehouse 1")
    added = await made.post(path, **MOUSE)
    assert added == await made.get("/items/ABC-12345")
    assert (added["unit_price"], added["attributes"]) == (29.99, MOUSE["attributes"])
    order = {"sku": "ABC-12345", "location": "WH-01", "quantity": 150, "reference": "PO-7890"}
    received = await made.post("/stock/receive", **order)
    assert received["reference"] == "PO-7890"
    assert (await made.get("/stock/ABC-12345"))["by_location"] == {"WH-01": 150}


async def test_all_of_an_item_is_kept(made: Bench) -> None:
    whole = {
        **MOUSE,
        "unit": "piece",
        "unit_mg": 92_000,
        "unit_cv": 0.01,
        "unit_price": "0.000125",
        "currency": "EUR",
        "attributes": {"a": "x", "b": 1, "c": 2.5, "d": True},
        "dimensions_mm": {"length": 110, "width": 62, "height": 38},
        "gtins": [{"gtin": "4012345000016", "quantity": 12}],
    }
    added = await made.post("/items", **whole)
    del added["created_us"]
    assert added == whole | {
        "unit_price": 0.000125,
        "gtins": [{"gtin": "04012345000016", "quantity": 12}],
        "parent": None,
        "family": False,
        "tracking": "none",
        "status": "active",
    }


async def test_a_change_needs_what_was_seen(made: Bench) -> None:
    await made.post("/items", **MOUSE)
    seen = await _etag(made, "ABC-12345")
    for method, body in (("PATCH", {"unit_price": 27.5}), ("PUT", {"name": "Mouse"})):
        refused = await made.http.request(method, "/items/ABC-12345", json=body)
        assert refused.status_code == 428, refused.text
        assert "If-Match" in refused.json()["detail"]
    patch = {"unit_price": 27.5, "attributes": {"colour": None, "wheel": True}}
    done = await made.http.patch("/items/ABC-12345", json=patch, headers={"If-Match": seen})
    assert done.status_code == 200, done.text
    assert done.json()["attributes"] == {"warranty_months": 24, "wheel": True}
    assert (done.json()["unit_price"], done.json()["name"]) == (27.5, "Wireless mouse")
    assert done.headers["etag"] == await _etag(made, "ABC-12345") != seen
    late = await made.http.put(
        "/items/ABC-12345", json={"name": "Mouse"}, headers={"If-Match": seen}
    )
    assert late.status_code == 412
    assert late.headers["content-type"] == "application/problem+json"
    both = {"If-Match": f"{seen}, {done.headers['etag']}"}
    put = await made.http.put("/items/ABC-12345", json={"name": "Mouse"}, headers=both)
    assert (put.status_code, put.json()["unit_price"]) == (200, None)
    assert put.json()["attributes"] == {}


async def test_a_retired_item_is_received_no_more_but_leaves(made: Bench) -> None:
    for code in ("dock", "hall"):
        await made.post("/locations", code=code, name=code)
    await made.post("/items", **MOUSE)
    receive = {"sku": "ABC-12345", "quantity": 5, "location": "dock"}
    await made.post("/stock/receive", **receive)
    stale = await made.http.delete("/items/ABC-12345", headers={"If-Match": '"else"'})
    assert stale.status_code == 412
    for _ in range(2):
        gone = await made.http.delete("/items/ABC-12345")
        assert (gone.status_code, gone.json()["status"]) == (200, "retired")
    refused = await made.post("/stock/receive", status=409, **receive)
    assert "item ABC-12345 is retired: it is received no more" in str(refused["detail"])
    back = {"sku": "ABC-12345", "quantity": 1, "from": "customer", "to": "dock"}
    assert (await made.http.post("/stock/move", json=back)).status_code == 409
    await made.post("/stock/move", **back | {"from": "adjustment"})
    await made.post("/stock/move", **back | {"from": "dock", "to": "hall"})
    await made.post("/stock/move", **back | {"from": "hall", "to": "customer"})
    again = {"If-Match": await _etag(made, "ABC-12345")}
    active = await made.http.patch("/items/ABC-12345", json={"status": "active"}, headers=again)
    assert active.json()["status"] == "active"
    await made.post("/stock/receive", **receive)


async def test_families_have_no_stock_and_nothing_is_its_own_ancestor(made: Bench) -> None:
    await made.post("/locations", code="dock", name="Dock")
    await made.post("/items", sku="MICE", name="Mice", family=True)
    await made.post("/items", sku="MICE-BT", name="Mice without wire", parent="MICE", family=True)
    await made.post("/items", **MOUSE, parent="MICE-BT")
    refused = await made.post("/stock/receive", status=409, sku="MICE", quantity=1, location="dock")
    assert "is a family" in str(refused["detail"])
    any_state = {"If-Match": "*"}
    circle = await made.http.patch("/items/MICE", json={"parent": "ABC-12345"}, headers=any_state)
    assert (circle.status_code, "its own ancestor" in circle.text) == (422, True)
    await made.post("/stock/receive", sku="ABC-12345", quantity=1, location="dock")
    stocked = await made.http.patch("/items/ABC-12345", json={"family": True}, headers=any_state)
    assert (stocked.status_code, "has stock" in stocked.text) == (422, True)
    assert (await made.get("/items/ABC-12345"))["family"] is False
    alone = await made.http.patch("/items/ABC-12345", json={"parent": None}, headers=any_state)
    assert alone.json()["parent"] is None


async def test_items_are_found(made: Bench) -> None:
    await made.post("/items", sku="MICE", name="Mice", family=True)
    await made.post(
        "/items", **MOUSE, parent="MICE", gtins=[{"gtin": "4012345000016", "quantity": 12}]
    )
    await made.post("/items", sku="OAT", name="Oats", category="dry goods")
    await made.http.delete("/items/OAT")
    for asked, found in {
        "search=mouse": ["ABC-12345"],
        "category=dry goods": ["OAT"],
        "status=retired": ["OAT"],
        "status=active": ["ABC-12345", "MICE"],
        "parent=MICE": ["ABC-12345"],
        "gtin=4012345000016": ["ABC-12345"],
        "gtin=04012345000016&category=x": [],
        "gtin=9521234000013": [],
        "limit=1&after=ABC-12345": ["MICE"],
    }.items():
        rows = (await made.get(f"/items?{asked}"))["rows"]
        assert [row["sku"] for row in rows] == found, asked  # type: ignore[attr-defined]


async def test_what_makes_no_sense_is_told_for_new_items_and_for_changes(made: Bench) -> None:
    await made.post("/items", **MOUSE | {"sku": "OTHER"})
    bodies: list[tuple[dict[str, object], str]] = [
        ({"unit_price": -1}, "unit_price"),
        ({"unit_price": 0.0000001}, "unit_price"),
        ({"currency": "euro"}, "currency"),
        ({"attributes": {"a": {"b": 1}}}, "attributes"),
        ({"attributes": {"a": 2**60}}, "attributes"),
        ({"name": "a\x00b"}, "NUL"),
        ({"unit": "a\ud800"}, "not-valid"),
        ({"a\ud800": 1}, "not-valid"),
        ({"attributes": {"a\ud800": 1}}, "not-valid"),
        ({"dimensions_mm": {"length": 1, "width": 1}}, "height"),
        ({"gtins": [{"gtin": "4012345000017"}]}, "check digit"),
        ({"nmae": "x"}, "nmae"),
        ({"name": None}, "name"),
        ({"status": "sold"}, "status"),
        ({"parent": "ABC-12345", "family": 7}, "family"),
    ]
    for body, said in bodies:
        for answer in (
            await made.http.post("/items", content=json.dumps(MOUSE | body), headers=ANYHOW),
            await made.http.patch("/items/OTHER", content=json.dumps(body), headers=ANYHOW),
        ):
            assert answer.status_code == 422, answer.text
            assert said in answer.text
    rows = (await made.get("/items"))["rows"]
    assert [row["sku"] for row in rows] == ["OTHER"]  # type: ignore[attr-defined]


async def test_every_change_is_in_the_audit(made: Bench) -> None:
    await made.post("/items", **MOUSE)
    await made.http.patch("/items/ABC-12345", json={"unit": "box"}, headers={"If-Match": "*"})
    await made.http.patch("/items/ABC-12345", json={"unit": "box"}, headers={"If-Match": "*"})
    await made.post("/tag-bindings", epc=EPC, sku="ABC-12345", lot="L1")
    await made.post("/tag-bindings", status=200, epc=EPC, sku="ABC-12345", lot="L1")
    await made.http.delete(f"/tag-bindings/{EPC}")
    await made.http.delete("/items/ABC-12345")
    rows = (await made.get("/audit"))["rows"]
    assert isinstance(rows, list)
    told = [(row["action"], row["subject"]) for row in rows]
    assert told == [
        ("retire item", "item ABC-12345"),
        ("unbind tag", f"tag {EPC}"),
        ("bind tag", f"tag {EPC}"),
        ("change item", "item ABC-12345"),
        ("add item", "item ABC-12345"),
    ]
    assert (rows[3]["before"]["unit"], rows[3]["after"]["unit"]) == ("each", "box")
    assert rows[1]["before"]["lot"] == "L1"
    assert {row["actor"].partition(" ")[0] for row in rows} == {"api"}


async def test_tags_are_bound_and_unbound(made: Bench) -> None:
    await made.post("/items", **MOUSE)
    bound = await made.post("/tag-bindings", epc=EPC, sku="ABC-12345", serial="SN-1")
    assert bound == await made.get(f"/tag-bindings/{EPC}")
    assert (await made.get("/tag-bindings?sku=ABC-12345"))["rows"] == [bound]
    taken = await made.post("/tag-bindings", status=409, epc=EPC, sku="ABC-12345")
    assert "unbind it first" in str(taken["detail"])
    assert (await made.http.delete(f"/tag-bindings/{EPC}")).json() == bound
    await made.get(f"/tag-bindings/{EPC}", status=404)
    assert (await made.http.delete("/tag-bindings/nonsense")).status_code == 422
    await made.post("/tag-bindings", status=422, epc="e280", sku="ABC-12345")


async def test_the_description_tells_examples_and_refusals(made: Bench) -> None:
    told = (await made.http.get("/openapi.json")).json()
    patch = told["paths"]["/items/{sku}"]["patch"]
    assert {"404", "409", "412", "422", "428"} <= patch["responses"].keys()
    assert patch["requestBody"]["content"]["application/json"]["examples"]
    example = told["components"]["schemas"]["ItemBody"]["examples"][0]
    assert (await made.http.post("/items", json=example)).status_code == 201
    binding = told["components"]["schemas"]["BindingBody"]["examples"][0]
    assert (await made.http.post("/tag-bindings", json=binding)).status_code == 201
